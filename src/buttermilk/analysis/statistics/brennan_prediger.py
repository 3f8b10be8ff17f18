"""Brennan and Prediger's coefficient: agreement beyond what raters who know nothing would reach."""

from collections.abc import Iterable

from buttermilk.analysis.statistics.estimate import Estimate
from buttermilk.analysis.statistics.raters import coefficient
from buttermilk.analysis.statistics.voices import Unit


def brennan_prediger(units: Iterable[Unit], labels: int = 0, *, draws: int = 1_000, seed: int = 0) -> Estimate:
    """(p_a - 1/q) / (1 - 1/q) over q labels (those given, if not said): chance is an even draw.

    Brennan, R. L. and Prediger, D. J. (1981). Coefficient kappa: some uses, misuses, and alternatives. Educational and
    Psychological Measurement 41, 687-699."""
    return coefficient(units, lambda shares: 1 / max(labels, len(shares), 2), draws, seed)
