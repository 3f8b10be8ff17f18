"""Which of many records to name, so that few of those named are there by chance."""

from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial

from buttermilk.analysis.statistics.estimate import Exact

NEAR = 1 + 1e-9  # two ways to the same p value may differ in the last digit


def benjamini_hochberg(ps: Sequence[float], by_chance: Callable[[float, int], float] | None = None) -> list[float]:
    """Adjusted p values, in the order given: q(p) = min over t ≥ p of E(t) / R(t).

    R(t) tests have a p of at most t, and E(t) of them are expected by chance alone: m t, or what `by_chance(t, R)`
    says. Naming what has q ≤ .1 means that about a tenth of the named, on average, is chance. Benjamini, Y. and
    Hochberg, Y. (1995). Controlling the false discovery rate. J. Royal Statistical Society B 57, 289-300."""
    times, least, named, adjusted = Counter(ps), 1.0, len(ps), {}
    for t in sorted(times, reverse=True):
        expected = by_chance(t, named) if by_chance else len(ps) * t
        least = min(least, expected / named)
        adjusted[t] = least
        named -= times[t]
    return [adjusted[p] for p in ps]


def discoveries(tests: Sequence[Exact]) -> list[float]:
    """The same for exact tests of a few answers each, which can have but a few p values, and most never a small one."""
    return benjamini_hochberg([test.p for test in tests], partial(expected, Counter(test.attainable for test in tests)))


def expected(tests: Counter[tuple[float, ...]], t: float, named: int) -> float:
    """How many tests have a p of at most `t` by chance: the sum of F / (1 - F), F the chance of one of them.

    F is the greatest p value, not above `t`, that a test can have: a record on which all ten answers agree has F = 0
    and costs nothing. Of those that have one, `named` - 1 are taken to be true finds, those of the smallest F. Heyse,
    J. F. (2011). A false discovery rate procedure for categorical data; Döhler, S., Durand, G. and Roquain, E. (2018).
    New FDR bounds for discrete and heterogeneous tests. Electronic J. Statistics 12, 1867-1900 (procedure AHSU; there
    all tests count, here those that can reach t: how seldom that errs is measured in docs/design/0009)."""
    chances = Counter[float]()
    for attainable, times in tests.items():
        reached = max((p for p in attainable if p <= t * NEAR), default=0.0)
        if reached:
            chances[reached] += times
    left, total = chances.total() - named + 1, 0.0
    for chance in sorted(chances, reverse=True):
        counted = min(left, chances[chance])
        total += counted * chance / (1 - chance) if chance < 1 else counted * float("inf")
        left -= counted
        if left <= 0:
            break
    return total
