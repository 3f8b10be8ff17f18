"""The mean of numbers with its normal interval: what labels say if they are taken for the truth."""

from collections.abc import Sequence
from math import fsum, sqrt

from buttermilk.analysis.statistics.estimate import NOTHING, Estimate
from buttermilk.analysis.statistics.wilson import Z


def mean(values: Sequence[float], *, of: int = 0) -> Estimate:
    """ȳ ± z √(s²/n), s² with divisor n; of a share, Wald's interval.

    With `of`, the values are a random sample of just so many, whose mean is meant: s² / n shrinks by (1 - n / of), to
    nought where all are known. Cochran, W. G. (1977). Sampling Techniques, 3rd ed., ch. 2."""
    n = len(values)
    if not n:
        return Estimate(None, note=NOTHING)
    return around(fsum(values) / n, variance(values) / n * (1 - n / of if of else 1), n)


def variance(values: Sequence[float]) -> float:
    """Divisor n."""
    middle = fsum(values) / len(values)
    return fsum((value - middle) ** 2 for value in values) / len(values)


def around(value: float, squared_error: float, n: int, note: str = "") -> Estimate:
    """The estimate with its normal interval of 95 %."""
    half = Z * sqrt(max(squared_error, 0.0))
    return Estimate(value, value - half, value + half, n=n, note=note)
