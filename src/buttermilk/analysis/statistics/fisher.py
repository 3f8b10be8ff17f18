"""Fisher's exact test: whether two sets of answers have different shares of the labels."""

from collections.abc import Sequence
from functools import lru_cache
from math import comb, prod
from operator import mul

from buttermilk.analysis.statistics.dealing import deals, exact, tails
from buttermilk.analysis.statistics.estimate import Exact


def fisher(first: Sequence[int], second: Sequence[int]) -> Exact:
    """The chance of all tables as rare as this or rarer, the totals being what they are; for any number of labels.

    `first` and `second` count the same labels. The lady who tells three of the four cups of either kind has
    `fisher((3, 1), (1, 3))`: p = 34/70. Fisher, R. A. (1935). The design of experiments, ch. 2; for more labels than
    two Freeman, G. H. and Halton, J. H. (1951). Note on an exact treatment of contingency. Biometrika 38, 141-149."""
    counts = tuple(sorted(one + two for one, two in zip(first, second, strict=True)))
    observed = prod(comb(one + two, one) for one, two in zip(first, second, strict=True))
    return exact(_chances(counts, sum(first)), -observed)


@lru_cache(maxsize=65_536)  # thousands of records share a few dozen totals
def _chances(counts: tuple[int, ...], size: int) -> dict[int, float]:
    ways = deals(counts, size, lambda label, dealt: comb(counts[label], dealt), mul)
    return tails({-value: times for value, times in ways.items()})
