"""How many independent votes a panel is worth."""

from collections import Counter
from collections.abc import Iterable, Sequence
from functools import partial
from itertools import combinations
from math import fsum, sqrt

from buttermilk.analysis.statistics.estimate import NO_VARIATION, Estimate
from buttermilk.analysis.statistics.resampling import Counted, over_records

Point = tuple[float, ...]
"""What a reader did on a record, as numbers: `(1.0,)` for an error; a place per label, or one number, for an answer."""
Row = tuple[Point | None, ...]

FEW = 30  # labelled records, below which a correlation of errors is hardly more than a guess


def effective(count: int, rho: float) -> float:
    """n_eff = k / (1 + (k - 1) ρ): nine votes with ρ = .44 are worth 1.991, three with .2 worth 2.143. Kish, L. (1965).
    Survey Sampling, ch. 5; of a panel's judges, Clemen, R. T. and Winkler, R. L. (1985). Limits for the precision and
    value of information from dependent sources. Operations Research 33, 427-442."""
    return count / max(1 + (count - 1) * rho, 1e-9)


def redundancy(rows: Iterable[Row], *, draws: int = 1_000, seed: int = 0) -> Estimate:
    """ρ, the mean over pairs of readers of the correlation of what they did; a row holds one record, None for a gap.

    Given errors, ρ says how often readers err together. Given answers, it says how often they agree, which they also do
    where both are right: an upper bound. Correlation of points is Σ (x - x̄)·(y - ȳ) / √(Σ |x - x̄|² Σ |y - ȳ|²), of one
    number Pearson's r. A pair of which one never varies has none and is left out. BCa bootstrap over records."""
    counted = sorted(Counter(rows).items(), key=lambda item: [(point is None, point or ()) for point in item[0]])
    used = [(row, times) for row, times in counted if sum(point is not None for point in row) > 1]
    n, left_out = sum(times for _, times in used), sum(times for _, times in counted)
    places = max((len(point) for row, _ in used for point in row if point is not None), default=0)
    sums, finish = partial(_sums, places), partial(_finish, places)
    value = finish(sums(used)) if used else None
    if value is None:
        return Estimate(None, n=n, left_out=left_out - n, note=NO_VARIATION)
    low, high = over_records(used, sums, finish, draws, seed)
    return Estimate(value, low, high, n, left_out - n)


def _sums(places: int, counted: Counted[Row]) -> list[float]:
    """For each pair of readers: records, Σ x·y, Σ |x|², Σ |y|², Σ x, Σ y."""
    columns = list(zip(*(row for row, times in counted for _ in range(times)), strict=True))
    sums: list[float] = []
    for one, two in combinations(columns, 2):
        met = [(x, y, times) for (x, y), times in Counter(zip(one, two, strict=True)).items() if x and y]
        products = [(_dot(x, y), _dot(x, x), _dot(y, y), *x, *y) for x, y, _ in met]
        times = [float(count) for _, _, count in met]
        sums.append(fsum(times))
        by_place = zip(*products, strict=True) if products else [()] * (3 + 2 * places)
        sums += [fsum(map(float.__mul__, column, times)) for column in by_place]
    return sums


def _dot(one: Sequence[float], two: Sequence[float]) -> float:
    return sum([x * y for x, y in zip(one, two, strict=True)])


def _finish(places: int, sums: Sequence[float]) -> float | None:
    width, found = 4 + 2 * places, []
    for start in range(0, len(sums), width):
        n, product, one, two, *means = sums[start : start + width]
        if n < 2:
            continue
        x, y = means[:places], means[places:]
        spread = (one - _dot(x, x) / n) * (two - _dot(y, y) / n)
        if spread > 1e-18 * n * n:
            found.append((product - _dot(x, y) / n) / sqrt(spread))
    return fsum(found) / len(found) if found else None
