"""The bootstrap over records: how far a mean would move if other such records had been drawn."""

from collections.abc import Sequence
from math import fsum, sqrt
from random import Random
from statistics import NormalDist

from buttermilk.analysis.statistics.estimate import percentile
from buttermilk.analysis.statistics.wilson import Z

GROUPS = 500  # most parts that are drawn: beyond that, records are dealt at random to so many groups, drawn whole
NORMAL = NormalDist()


def interval_of_mean(values: Sequence[float], seed: int, draws: int = 1_000) -> tuple[float, float]:
    """The 95 % interval of the mean of two or more records' values; each record is resampled with all its repeats.

    That is all there is to resample: a record's value already moves with its repeats, and to draw these anew as well
    counts their noise twice (Davison, A. C. and Hinkley, D. V. (1997). Bootstrap methods and their application, ch.
    3.8: the upper level alone). The percentiles are widened as in `expanded`."""
    random = Random(seed)  # noqa: S311 - a draw that must come out the same again, not a secret
    mean = fsum(values) / len(values)
    parts = [value - mean for value in sorted(values)]
    if len(parts) > GROUPS:
        random.shuffle(parts)
        parts = [fsum(parts[start::GROUPS]) for start in range(GROUPS)]
    found = [mean + fsum(random.choices(parts, k=len(parts))) / len(values) for _ in range(draws)]
    return expanded(found, len(parts))


def expanded(draws: Sequence[float], n: int) -> tuple[float, float]:
    """The percentiles at Φ(∓ √(n / (n - 1)) t(n - 1)): the middle 95 % would be too narrow where n is small.

    Hesterberg, T. C. (2015). What teachers should know about the bootstrap. The American Statistician 69, 371-386.
    t by Abramowitz, M. and Stegun, I. A. (1964). Handbook of mathematical functions, 26.7.5: 2.045 for n = 30."""
    free, z = n - 1, Z
    terms = (
        (z**3 + z) / (4 * free),
        (5 * z**5 + 16 * z**3 + 3 * z) / (96 * free**2),
        (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / (384 * free**3),
    )
    tail = NORMAL.cdf(-sqrt(n / free) * (z + sum(terms)))
    ordered = sorted(draws)
    return percentile(ordered, tail), percentile(ordered, 1 - tail)
