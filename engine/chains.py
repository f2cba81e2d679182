"""Chains on a board of any shape, for those who are not in a hurry: records, scoring, commands."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np


def neighbours(action: int, shape: tuple[int, int]) -> Iterator[int]:
    """The points beside a point."""
    height, width = shape
    row, column = divmod(action, width)
    if row > 0:
        yield action - width
    if row < height - 1:
        yield action + width
    if column > 0:
        yield action - 1
    if column < width - 1:
        yield action + 1


def regions(board: np.ndarray) -> list[list[int]]:
    """The connected points of one content, empty ones too, in the order of their first points.

    board is [H, W] of any integers; points are numbered row by row.
    """
    shape, contents = board.shape, board.ravel().tolist()
    seen = [False] * len(contents)
    found: list[list[int]] = []
    for first, content in enumerate(contents):
        if seen[first]:
            continue
        seen[first] = True
        region = [first]
        for action in region:
            for beside in neighbours(action, (shape[0], shape[1])):
                if not seen[beside] and contents[beside] == content:
                    seen[beside] = True
                    region.append(beside)
        found.append(sorted(region))
    return found


def chains(board: np.ndarray) -> list[list[int]]:
    """The chains on the board, on which 0 is empty."""
    return [region for region in regions(board) if board.flat[region[0]]]


def has_captured_chain(stones: dict[int, int], shape: tuple[int, int]) -> bool:
    """Whether some chain of the setup {point: piece} has no liberty."""
    if not stones:
        return False
    board = np.zeros(shape, np.int8)
    board.flat[list(stones)] = list(stones.values())
    return any(
        all(beside in stones for point in chain for beside in neighbours(point, shape))
        for chain in chains(board)
    )
