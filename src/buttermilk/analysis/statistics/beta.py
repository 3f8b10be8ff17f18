"""The beta distribution, as far as intervals of shares need it."""

from functools import lru_cache
from math import exp, lgamma, log


@lru_cache(maxsize=65_536)
def quantile(share: float, a: float, b: float) -> float:
    """The number below which a beta variable lies with the chance `share`, by bisection to the last digit."""
    low, high = 0.0, 1.0
    for _ in range(200):
        middle = (low + high) / 2
        if not low < middle < high:
            break
        low, high = (middle, high) if below(middle, a, b) < share else (low, middle)
    return (low + high) / 2


def below(x: float, a: float, b: float) -> float:
    """The regularised incomplete beta function I_x(a, b), by its continued fraction (Lentz's method).

    Press, W. H. and others (2007). Numerical recipes, 3rd ed., ch. 6.4."""
    if not 0 < x < 1:
        return float(x >= 1)
    if x > (a + 1) / (a + b + 2):
        return 1 - below(1 - x, b, a)
    front = exp(lgamma(a + b) - lgamma(a) - lgamma(b) + a * log(x) + b * log(1 - x)) / a
    c, d = 1.0, 1 / _apart(1 - (a + b) * x / (a + 1))
    found = d
    for m in range(1, 100_000):
        for step in (
            m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m)),
            -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1)),
        ):
            d, c = 1 / _apart(1 + step * d), _apart(1 + step / c)
            found *= c * d
        if abs(c * d - 1) < 1e-15:
            break
    return front * found


def _apart(number: float) -> float:
    """Kept from nought, by which it is divided."""
    return number if abs(number) > 1e-300 else 1e-300
