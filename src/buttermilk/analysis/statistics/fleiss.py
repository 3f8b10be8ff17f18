"""Fleiss' kappa: agreement of many raters, corrected for how common the labels are."""

from collections.abc import Iterable
from math import fsum

from buttermilk.analysis.statistics.estimate import Estimate
from buttermilk.analysis.statistics.raters import coefficient
from buttermilk.analysis.statistics.voices import Unit


def fleiss(units: Iterable[Unit], *, draws: int = 1_000, seed: int = 0) -> Estimate:
    """κ = (p_a - p_e) / (1 - p_e), p_e = Σ π_k².

    Ten subjects, fourteen raters, five categories: p_a = .378, p_e = .213, κ = .2099. Fleiss, J. L. (1971). Measuring
    nominal scale agreement among many raters. Psychological Bulletin 76, 378-382; with gaps as in Gwet (2014)."""
    return coefficient(units, lambda shares: fsum(share * share for share in shares), draws, seed)
