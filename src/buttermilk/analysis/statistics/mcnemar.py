"""McNemar's test: whether a share changed, where the same cases were asked twice."""

from collections import Counter
from collections.abc import Iterable
from functools import lru_cache
from math import comb, erfc, sqrt

from buttermilk.analysis.statistics.dealing import convolve, deals, exact, tails
from buttermilk.analysis.statistics.estimate import NOTHING, Estimate

Counted = tuple[int, int]
"""`(3, 5)`: three of five answers."""


def mcnemar(lost: int, gained: int, same: int = 0) -> Estimate:
    """The change of a share, (gained - lost) / n, and the exact p: lost ~ B(lost + gained, ½), two-sided.

    12 lost and 2 gained: p = 2 (1 + 14 + 91) / 2¹⁴ = .012939. McNemar, Q. (1947). Note on the sampling error of the
    difference between correlated proportions or percentages. Psychometrika 12, 153-157."""
    moved, n = lost + gained, lost + gained + same
    if not n:
        return Estimate(None, note=NOTHING)
    ways: Counter[int] = Counter()
    for count in range(moved + 1):
        ways[abs(moved - 2 * count)] += comb(moved, count)
    return Estimate((gained - lost) / n, n=n, test=exact(tails(ways), abs(lost - gained)))


def chi_square(lost: int, gained: int, *, corrected: bool = True) -> tuple[float, float]:
    """χ² = (|b - c| - 1)² / (b + c), or without the 1 (Edwards 1948), and its p with one degree of freedom."""
    if not lost + gained:
        return 0.0, 1.0
    apart = max(0, abs(lost - gained) - corrected)
    found = apart * apart / (lost + gained)
    return found, erfc(sqrt(found / 2))


def repeated(units: Iterable[tuple[Counted, Counted]], *, more: bool = False) -> Estimate:
    """The same for cases that were asked several times: the mean change of a case's share, and an exact p.

    A unit holds the hits before and after, each `(3, 5)`. If nothing changed, a case's hits fell to either side by
    chance alone, so that their number after is hypergeometric, whatever the case's own share; the sum over cases is
    tested (two-sided by rarity; with `more`, only a rise counts). With one answer a side this is McNemar's exact test,
    with one case Fisher's. No repeat is matched with another: which was called the second is no fact about a model.

    Mantel, N. and Haenszel, W. (1959). Statistical aspects of the analysis of data from retrospective studies of
    disease. J. National Cancer Institute 22, 719-748; exact as in Gart, J. J. (1970). Biometrika 57, 471-475."""
    kept, left_out = [], 0
    for before, after in units:
        if before[1] and after[1]:
            kept.append((before, after))
        else:
            left_out += 1
    if not kept:
        return Estimate(None, left_out=left_out, note=NOTHING)
    change = sum(after[0] / after[1] - before[0] / before[1] for before, after in kept) / len(kept)
    parts = sorted((one[0] + two[0], one[1] + two[1], two[1]) for one, two in kept)
    ways = convolve(dict(_hits(*part)) for part in parts) or {}
    observed = sum(after[0] for _, after in kept)
    if not more:  # the rarer, the greater
        grouped: Counter[int] = Counter()
        for times in ways.values():
            grouped[-times] += times
        ways, observed = grouped, -ways[observed]
    return Estimate(change, n=len(kept), left_out=left_out, test=exact(tails(ways), observed))


@lru_cache(maxsize=65_536)
def _hits(hits: int, answers: int, size: int) -> tuple[tuple[int, int], ...]:
    """How many of the hits may fall to a side of `size`, and in how many ways."""
    ways = deals((hits, answers - hits), size, lambda label, dealt: 0 if label else dealt)
    return tuple(ways.items())
