"""Gwet's AC1: agreement corrected for chance, where one label is so common that kappa and alpha collapse."""

from collections.abc import Iterable
from functools import partial
from math import fsum

from buttermilk.analysis.statistics.estimate import Estimate
from buttermilk.analysis.statistics.raters import coefficient
from buttermilk.analysis.statistics.voices import Unit


def ac1(units: Iterable[Unit], labels: int = 0, *, draws: int = 1_000, seed: int = 0) -> Estimate:
    """AC1 = (p_a - p_e) / (1 - p_e), p_e = Σ π_k (1 - π_k) / (q - 1) over q labels (those given, if not said).

    It supposes that raters agree by chance only on records they cannot judge, and is high where one label dominates;
    Krippendorff's alpha is low there. Show both. Gwet, K. L. (2008). Computing inter-rater reliability and its variance
    in the presence of high agreement. British J. Mathematical and Statistical Psychology 61, 29-48."""
    return coefficient(units, partial(_expected, labels), draws, seed)


def _expected(labels: int, shares: list[float]) -> float:
    return fsum(share * (1 - share) for share in shares) / (max(labels, len(shares), 2) - 1)
