"""Elo as a function of compute: what is twice as much worth?"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from selfplay.rating.elo import Z95, Elo


@dataclass(frozen=True)
class Fit:
    """Elo = sum over k of coefficients[k] * log2(compute)^k; covariance [K, K] of the coefficients."""

    coefficients: np.ndarray
    covariance: np.ndarray

    def elo(self, compute: float) -> float:
        """The fitted Elo at this compute."""
        return float(powers(compute, len(self.coefficients)) @ self.coefficients)

    def doubling(self, compute: float) -> Elo:
        """What twice this compute is worth, with its 95 % interval."""
        terms = len(self.coefficients)
        step = powers(2 * compute, terms) - powers(compute, terms)
        worth = float(step @ self.coefficients)
        half = Z95 * math.sqrt(float(step @ self.covariance @ step))
        return Elo(worth, worth - half, worth + half)


def powers(compute: float, terms: int) -> np.ndarray:
    """The powers 0 ... terms - 1 of log2(compute): [terms] float64."""
    powers: np.ndarray = math.log2(compute) ** np.arange(terms, dtype=np.float64)
    return powers


def fit(rows: np.ndarray, elos: np.ndarray, deviations: np.ndarray) -> Fit:
    """Least squares: the coefficients with which rows [N, K] @ coefficients come nearest to the
    measured elos [N], each weighted by its standard deviation [N]."""
    weighted = rows / deviations[:, None]
    covariance = np.linalg.inv(weighted.T @ weighted)
    return Fit(covariance @ weighted.T @ (elos / deviations), covariance)


def fit_matches(compute: Sequence[float], matches: Sequence[Elo]) -> Fit | None:
    """A straight line in log2(compute) through matches against one opponent; None for fewer than three
    of them with an interval that has both ends."""
    known = [
        (amount, match)
        for amount, match in zip(compute, matches, strict=True)
        if math.isfinite(match.deviation)
    ]
    if len({amount for amount, _ in known}) < 3:
        return None
    rows = np.array([powers(amount, 2) for amount, _ in known])
    deviations = np.array([match.deviation for _, match in known])
    return fit(rows, np.array([match.elo for _, match in known]), deviations)
