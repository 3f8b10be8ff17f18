"""Exact tests by dealing: if the side on which it was given made no difference, how else might the answers have fallen?

All is counted in whole numbers, so ties are ties and nothing depends on the order of rows or labels."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from math import comb, exp, fsum, gcd, log, sqrt
from operator import add
from statistics import NormalDist

from buttermilk.analysis.statistics.estimate import Exact

Ways = dict[int, int]
"""Each value of a statistic, and in how many ways the answers can fall so that it has that value."""


def deals(
    counts: Sequence[int],
    size: int,
    score: Callable[[int, int], int],
    join: Callable[[int, int], int] = add,
    *,
    running: bool = False,
) -> Ways:
    """Deal `size` of the answers to the first side: `counts` of each label are there, `score(label, dealt)` is joined.

    `deals((2, 1), 1, lambda label, dealt: dealt if label == 0 else 0)` -> `{0: 1, 1: 2}`. Where it is `running`, the
    score is of all that was dealt up to the label."""
    found = {(0, 0 if join is add else 1): 1}
    rest = sum(counts)
    for label, count in enumerate(counts):
        rest -= count
        grown: defaultdict[tuple[int, int], int] = defaultdict(int)
        for (used, value), ways in found.items():
            for dealt in range(max(0, size - used - rest), min(count, size - used) + 1):
                scored = score(label, used + dealt if running else dealt)
                grown[used + dealt, join(value, scored)] += ways * comb(count, dealt)
        found = dict(grown)
    return {value: ways for (_, value), ways in found.items()}


def convolve(parts: Iterable[Mapping[int, int]], most: float = float("inf")) -> Ways | None:
    """The ways in which the values of independent records add up; None where that takes more than `most` additions."""
    whole: Ways = {0: 1}
    for part in parts:
        most -= len(whole) * len(part)
        if most < 0:
            return None
        grown: defaultdict[int, int] = defaultdict(int)
        for total, ways in whole.items():
            for value, more in part.items():
                grown[total + value] += ways * more
        whole = dict(grown)
    return whole


Parts = Sequence[tuple[Mapping[int, int], int]]
"""Ways, and how many independent records have these."""


def beyond(parts: Parts, observed: float, *, more: bool = False) -> float:
    """The chance that many independent records add up to `observed` or more (or to `more`), where they are too many to
    be convolved: 1 - Φ(w) + φ(w) (1 / u - 1 / w), w = ± √(2 (s x - K(s))), u = s √K''(s), K'(s) = x.

    A permutation test's p without drawing permutations, for any smallness of p. x is half a step away from `observed`.
    Robinson, J. (1982). Saddlepoint approximations for permutation tests and confidence intervals. JRSS B 44, 91-101;
    Lugannani, R. and Rice, S. (1980). Advances in Applied Probability 12, 475-490."""
    moving = [([(value, ways / sum(part.values())) for value, ways in part.items()], n)
              for part, n in parts if len(part) > 1]  # fmt: skip
    rest = observed - sum(next(iter(part)) * n for part, n in parts if len(part) == 1)
    _, mean, variance = _cumulants(moving, 0.0)
    if rest >= sum(max(part)[0] * n for part, n in moving):
        return exp(sum(n * log(max(part)[1]) for part, n in moving)) if moving and not more else float(not more)
    if rest <= sum(min(part)[0] * n for part, n in moving):
        return 1.0
    spread = sqrt(variance)
    rest += (more - 0.5) * gcd(*(value - min(part)[0] for part, _ in moving for value, _ in part))
    if abs(rest - mean) < spread / 100:  # where the formula is 0/0
        return sum(_tail(moving, mean + step * spread, spread) for step in (-0.02, 0.02)) / 2
    return _tail(moving, rest, spread)


Chances = Sequence[tuple[Sequence[tuple[int, float]], int]]


def _tail(moving: Chances, x: float, spread: float) -> float:
    up = 1 if _cumulants(moving, 0.0)[1] < x else -1
    near, far = 0.0, up / spread
    while up * (_cumulants(moving, far)[1] - x) < 0:
        near, far = far, 2 * far
    for _ in range(40):
        middle = (near + far) / 2
        near, far = (middle, far) if up * (_cumulants(moving, middle)[1] - x) < 0 else (near, middle)
    whole, _, variance = _cumulants(moving, far)
    w, u = up * sqrt(max(0.0, 2 * (far * x - whole))), far * sqrt(variance)
    normal = NormalDist()
    return min(1.0, max(0.0, normal.cdf(-w) + normal.pdf(w) * (1 / u - 1 / w)))


def _cumulants(moving: Chances, s: float) -> tuple[float, float, float]:
    """K, K' and K'' of the sum, at s."""
    found = []
    for part, n in moving:
        top = max(s * value for value, _ in part)
        tilted = [(value, chance * exp(s * value - top)) for value, chance in part]
        whole = fsum(weight for _, weight in tilted)
        mean = fsum(value * weight for value, weight in tilted) / whole
        square = fsum((value - mean) ** 2 * weight for value, weight in tilted) / whole
        found.append((n * (top + log(whole)), n * mean, n * square))
    whole, mean, square = (fsum(column) for column in zip(*found, strict=True)) if found else (0.0, 0.0, 0.0)
    return whole, mean, square


def tails(ways: Ways) -> dict[int, float]:
    """The chance of each value or a greater one, the greatest value first."""
    whole, above, found = sum(ways.values()), 0, {}
    for value in sorted(ways, reverse=True):
        above += ways[value]
        found[value] = above / whole
    return found


def exact(chances: dict[int, float], observed: int) -> Exact:
    return Exact(chances[observed], tuple(chances.values()))
