"""A stand-in for Ray in one process: orders are carried out when somebody waits for them."""

from __future__ import annotations

from typing import Any


class RayError(Exception):
    pass


class RayTaskError(RayError):
    pass


class Method:
    def __init__(self, ray: FakeRay, actor: FakeActor) -> None:
        self.ray, self.actor = ray, actor

    def remote(self, *arguments: Any) -> object:
        answer = object()
        self.ray.orders[answer] = (self.actor, arguments)
        self.ray.most_orders = max(self.ray.most_orders, len(self.ray.orders))
        return answer


class FakeActor:
    def __init__(self, ray: FakeRay, node: str, made: Any) -> None:
        self.node, self.made = node, made
        self.play = Method(ray, self)


class FakeRay:
    """Nodes by name with their resources; the actors on those in `broken` die of their orders."""

    class exceptions:  # noqa: N801
        RayError, RayTaskError = RayError, RayTaskError

    def __init__(self, nodes: dict[str, dict[str, float]]) -> None:
        self.alive = nodes
        self.broken: set[str] = set()
        self.orders: dict[object, tuple[FakeActor, tuple[Any, ...]]] = {}
        self.objects: list[Any] = []
        self.killed: list[FakeActor] = []
        self.most_orders = 0

    def nodes(self) -> list[dict[str, Any]]:
        return [{"NodeID": k, "Resources": v, "Alive": True} for k, v in self.alive.items()]

    def put(self, value: Any) -> int:
        self.objects.append(value)
        return len(self.objects) - 1

    def wait(
        self, orders: list[object], num_returns: int = 1, timeout: float = 0
    ) -> tuple[list[object], list[object]]:
        return orders[:num_returns], orders[num_returns:]

    def get(self, answer: object) -> Any:
        actor, (version, weights, wanted) = self.orders.pop(answer)
        if actor.node in self.broken or actor.node not in self.alive:
            raise RayError("the actor died")
        return actor.made.play(version, self.objects[weights], wanted)

    def kill(self, actor: FakeActor) -> None:
        self.killed.append(actor)
