"""The model behind docs/scaling.md: what saturates first when a run gets more GPUs.

    python docs/scaling.py        # prints the tables of the page

One machine with 8 GPUs learns, all others play (20 blocks x 256 channels, 19x19, preset `cluster`).
Every part of the run is in use for some share of the time; the largest share above 1 slows all.
"""

from __future__ import annotations

from dataclasses import dataclass

# Measured on one core (see the page).
GAME_BYTES = 754  # of a position on its way to the learner
WEIGHT_BYTES = 102.6e6  # of a broadcast, float32
SAMPLE_BYTES = 8340  # of a training sample on its way to another process
BATCHES = 30_634  # training samples a second that one thread makes of stored games
INTAKE = 1 / (1 / 5_490_137 + 1 / 389_297)  # positions a second that the learner takes up

# Assumed: no GPU was at hand. 17 GFLOP an evaluation at a sixth of an H100's 990 TFLOP/s.
EVALUATIONS = 10_000  # a second and GPU
LEARNING = EVALUATIONS / 3  # samples a second and GPU: backward costs twice as much as forward
NETWORK = 1.25e9  # bytes a second of one machine, 10 Gbit/s
SHARING = 2e9  # bytes a second between processes of one machine
DOLLARS = 2.0  # an hour and GPU

# The preset `cluster`.
PER_MOVE = 0.25 * 600 + 0.75 * 100  # evaluations: full searches and quick ones
PASSES = 3  # training samples for each new position
ITERATION = 250_000  # positions
LENGTH = 220  # moves of a game
LEARNERS, MACHINE = 8, 8  # GPUs of the learner and of every other machine


@dataclass(frozen=True)
class Load:
    """A run on so many GPUs that play: moves a second, and how busy each part is."""

    players: int
    iteration: int = ITERATION

    @property
    def moves(self) -> float:
        """A second, when nothing holds the players up."""
        return self.players * EVALUATIONS / PER_MOVE

    @property
    def shares(self) -> dict[str, float]:
        """The share of the time that each part needs, by its name."""
        samples = PASSES * self.moves
        machines = -(-self.players // MACHINE)
        iterations = self.moves / self.iteration
        return {
            "learner's GPUs": samples / (LEARNERS * LEARNING),
            "making batches": samples / BATCHES,
            "sharing batches": samples * SAMPLE_BYTES * (LEARNERS - 1) / LEARNERS / SHARING,
            "taking games up": self.moves / INTAKE,
            "games on the network": self.moves * GAME_BYTES / NETWORK,
            "weights on the network": iterations * machines * WEIGHT_BYTES / NETWORK,
        }

    @property
    def games_per_hour(self) -> float:
        """What is left of the moves when the busiest part sets the pace."""
        return 3600 * self.moves / LENGTH / max(1.0, *self.shares.values())


def saturation() -> str:
    """The table of what saturates first."""
    names = list(Load(1).shares)
    head = ["GPUs that play", "moves/s offered", *names, "games/h"]
    rows = [head, ["---"] * len(head)]
    for players in (10, 100, 1000):
        load = Load(players)
        busiest = max(load.shares, key=lambda name: load.shares[name])
        cells = [
            f"**{share:.1%}**" if name == busiest else f"{share:.1%}"
            for name, share in load.shares.items()
        ]
        rows.append([f"{players:,}", f"{load.moves:,.0f}", *cells, f"{load.games_per_hour:,.0f}"])
    return table(rows)


def cost() -> str:
    """The table of what famous numbers of games cost."""
    targets = (
        ("KataGo 2019", 4_200_000, PER_MOVE),
        ("AlphaGo Zero 2017, 40 blocks", 29_000_000, 1600.0),
        ("AlphaZero 2018", 140_000_000, 800.0),
    )
    head = ["run", "games", "evaluations a move", "GPU hours", "dollars", "days on 100 GPUs"]
    rows = [head, ["---"] * len(head)]
    for name, games, per_move in targets:
        hours = games * LENGTH * per_move / EVALUATIONS / 3600
        figures = (games, per_move, hours, hours * DOLLARS, hours / 100 / 24)
        rows.append([name, *(f"{figure:,.0f}" for figure in figures)])
    return table(rows)


def table(rows: list[list[str]]) -> str:
    """Markdown."""
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)


if __name__ == "__main__":
    print(saturation(), cost(), sep="\n\n")
