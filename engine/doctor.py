"""Is this installation sound? Versions, devices, a test inference, one verdict."""

from __future__ import annotations

import platform
import time
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from typing import Any

PACKAGES = ("torch", "numpy", "numba", "safetensors", "sgfmill", "typer", "pydantic")
EXTRAS = {"matplotlib": "charts", "tensorboard": "charts", "openvino": "openvino"}  # by package


@dataclass
class Report:
    """What was found: facts by name, and problems, each with its remedy."""

    facts: dict[str, str] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)

    @property
    def healthy(self) -> bool:
        """Whether nothing stands in the way."""
        return not self.problems

    @property
    def verdict(self) -> str:
        """One line."""
        return "everything works" if self.healthy else "; ".join(self.problems)

    def as_json(self) -> dict[str, Any]:
        """The same for programs."""
        return {"healthy": self.healthy, "verdict": self.verdict, **self.facts}

    def __str__(self) -> str:
        lines = [f"{name:<12}{fact}" for name, fact in self.facts.items()]
        return "\n".join([*lines, f"{'verdict':<12}{self.verdict}"])


def examine(own_version: str) -> Report:
    """Looks at the installation. Each check that fails becomes a problem, never an exception."""
    report = Report()
    report.facts["move37"] = own_version
    report.facts["python"] = f"{platform.python_version()} on {platform.platform()}"
    for package in (*PACKAGES, *EXTRAS):
        try:
            report.facts[package] = version(package)
        except PackageNotFoundError:
            if package in PACKAGES:
                report.problems.append(f"{package} is missing: pip install {package}")
            else:
                report.facts[package] = f"not installed (pip install 'move37[{EXTRAS[package]}]')"
    for check in (_check_devices, _check_board, _check_nets):
        try:
            check(report)
        except Exception as error:  # a doctor reports, whatever the illness
            reason = str(error).splitlines()[0] if str(error) else type(error).__name__
            report.problems.append(f"{check.__name__.removeprefix('_check_')}: {reason}")
    return report


def _check_devices(report: Report) -> None:
    import torch

    from engine.nets.inference import choose_device, cpu_count

    report.facts["cores"] = str(cpu_count())
    if torch.cuda.is_available():
        report.facts["cuda"] = torch.cuda.get_device_name()
    else:
        report.facts["cuda"] = "none, computing on the CPU"
    report.facts["device"] = str(choose_device())


def _check_board(report: Report) -> None:
    from engine.games import load
    from engine.position import Position

    began = time.perf_counter()
    Position(load("go9")).play(40)
    report.facts["board"] = f"native rules of go9 ready in {time.perf_counter() - began:.2f} s"


def _check_nets(report: Report) -> None:
    import numpy as np

    from engine.games import load
    from engine.nets.files import default_net, load_net, new_net, shipped_names
    from engine.nets.inference import NetEvaluator, choose_device
    from engine.position import Position

    names = shipped_names()
    report.facts["nets"] = ", ".join(names) or "none shipped"
    game = load("go9")
    name = default_net(game)
    net = load_net(name, game)[0] if name else new_net(game, 2, 16, 0)
    planes, globals_ = Position(game).encode()
    logits, values, _ = NetEvaluator(net, choose_device(), game)(planes[None], globals_[None])
    if not (np.isfinite(logits).all() and np.isfinite(values).all()):
        report.problems.append("the net's answer is not finite: try --device cpu")
    report.facts["inference"] = f"value of the empty board {values[0]:+.2f} for Black"
