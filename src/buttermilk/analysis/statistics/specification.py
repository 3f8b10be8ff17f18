"""The specification curve: the same estimate made in every way that was declared, none chosen afterwards."""

from collections import Counter
from collections.abc import Iterable, Sequence
from math import erfc, fsum, sqrt
from typing import NamedTuple

from buttermilk.analysis.statistics.estimate import NO_VARIATION, NOTHING, Estimate, percentile
from buttermilk.analysis.statistics.mean import around
from buttermilk.analysis.statistics.wilson import Z


class Specification(NamedTuple):
    """One way of making it: `Specification(("gpt", "tja", "", "majority of repeats"), Estimate(0.12, …))`."""

    choices: tuple[str, ...]
    estimate: Estimate
    chosen: bool = False


class Curve(NamedTuple):
    """`sorted` from the least estimate, the failed last; `same` share the sign of the median, `sure` have p < .05 as
    well. Both are shares of all that were declared, the failed ones too."""

    sorted: tuple[Specification, ...]
    median: float | None
    same: float
    sure: float
    failed: int


def curve(specifications: Iterable[Specification], nought: float = 0.0) -> Curve:
    """Simonsohn, U., Simmons, J. P. and Nelson, L. D. (2020). Specification curve analysis. Nature Human Behaviour 4,
    1208-1214. `nought` is what no effect would give."""
    given = sorted(specifications, key=lambda one: one.choices)
    known = sorted((one for one in given if one.estimate.value is not None), key=lambda one: one.estimate.value or 0.0)
    failed = [one for one in given if one.estimate.value is None]
    if not known:
        return Curve(tuple(failed), None, 0.0, 0.0, len(failed))
    median = percentile([one.estimate.value or 0.0 for one in known], 0.5)
    side = 1 if median >= nought else -1
    same = [one for one in known if ((one.estimate.value or 0.0) - nought) * side > 0]
    sure = [one for one in same if p_value(one.estimate, nought) < 0.05]
    return Curve((*known, *failed), median, len(same) / len(given), len(sure) / len(given), len(failed))


def p_value(estimate: Estimate, nought: float = 0.0) -> float:
    """Two-sided, of an estimate with a normal interval."""
    if estimate.value is None or estimate.low is None or estimate.high is None:
        return 1.0
    error = (estimate.high - estimate.low) / (2 * Z)
    away = abs(estimate.value - nought)
    return erfc(away / error / sqrt(2)) if error else float(not away)


def slope(pairs: Sequence[tuple[float, float]]) -> Estimate:
    """b of y = a + b x by least squares, with HC0 standard errors: of x that is 0 or 1, the difference of two means.

    `pairs` holds (x, y). White, H. (1980). Econometrica 48, 817-838."""
    counts = sorted(Counter(pairs).items())
    n = len(pairs)
    if not n:
        return Estimate(None, note=NOTHING)
    x_mean, y_mean = fsum(x * many for (x, _), many in counts) / n, fsum(y * many for (_, y), many in counts) / n
    spread = fsum((x - x_mean) ** 2 * many for (x, _), many in counts)
    if not spread:
        return Estimate(None, n=n, note=NO_VARIATION)
    value = fsum((x - x_mean) * (y - y_mean) * many for (x, y), many in counts) / spread
    meat = fsum(((x - x_mean) * (y - y_mean - value * (x - x_mean))) ** 2 * many for (x, y), many in counts)
    return around(value, meat / spread**2, n)
