"""Holm's step-down: the chance of even one false alarm among several tests is kept."""

from collections.abc import Sequence


def holm(ps: Sequence[float]) -> list[float]:
    """Adjusted p values, in the order given: p̃₍ₖ₎ = max over j ≤ k of min(1, (m - j + 1) p₍ⱼ₎).

    .01, .04, .03, .005 -> .03, .06, .06, .02. Holm, S. (1979). A simple sequentially rejective multiple test procedure.
    Scandinavian Journal of Statistics 6, 65-70."""
    adjusted, worst = [0.0] * len(ps), 0.0
    for place, index in enumerate(sorted(range(len(ps)), key=ps.__getitem__)):
        worst = max(worst, min(1.0, (len(ps) - place) * ps[index]))
        adjusted[index] = worst
    return adjusted


def countable(least: Sequence[float], level: float) -> list[int]:
    """Which tests count: those that could give an alarm at `level`, seeing the least p value that each can have.

    A test that could not is no chance of a false alarm. K is the smallest whole number for which no more than K tests
    can reach level / K, and these are they. Tarone, R. E. (1990). A modified Bonferroni method for discrete data.
    Biometrics 46, 515-522. With five answers a side one case alone cannot go below 2/252, and costs the others nothing.
    """
    for count in range(1, len(least) + 1):
        able = [index for index, p in enumerate(least) if p <= level / count]
        if len(able) <= count:
            return able
    return []
