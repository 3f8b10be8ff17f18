"""The rank-sum test: whether two sets of numbers differ in height."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from functools import lru_cache
from itertools import accumulate

from buttermilk.analysis.statistics.dealing import deals, exact, tails
from buttermilk.analysis.statistics.estimate import Exact


def rank_sum(first: Sequence[float], second: Sequence[float]) -> Exact:
    """p = the chance that the first's sum of ranks lies as far from its mean, n₁(n₁ + n₂ + 1)/2, or farther; exact.

    Equal numbers share the mean of their ranks. Wilcoxon, F. (1945). Individual comparisons by ranking methods.
    Biometrics Bulletin 1, 80-83; Mann, H. B. and Whitney, D. R. (1947). Annals of Mathematical Statistics 18, 50-60."""
    both = Counter([*first, *second])
    values = sorted(both)
    counts = tuple(both[value] for value in values)
    ranks = dict(zip(values, _doubled_ranks(counts), strict=True))
    observed = sum(ranks[value] for value in first) - len(first) * (len(first) + len(second) + 1)
    return exact(_chances(counts, len(first)), abs(observed))


def _doubled_ranks(counts: Sequence[int]) -> list[int]:
    """Twice the mean rank of each value, a whole number: of one 7 and two 9s, 2 and 5."""
    return [2 * last - count + 1 for last, count in zip(accumulate(counts), counts, strict=True)]


@lru_cache(maxsize=65_536)
def _chances(counts: tuple[int, ...], size: int) -> dict[int, float]:
    ranks, mean = _doubled_ranks(counts), size * (sum(counts) + 1)
    ways: defaultdict[int, int] = defaultdict(int)
    for total, times in deals(counts, size, lambda value, dealt: ranks[value] * dealt).items():
        ways[abs(total - mean)] += times
    return tails(ways)
