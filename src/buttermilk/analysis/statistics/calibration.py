"""Whether a reader is right as often as it is sure."""

from collections import Counter
from collections.abc import Iterable, Sequence
from math import fsum
from typing import NamedTuple

from buttermilk.analysis.statistics.estimate import NOTHING, Estimate
from buttermilk.analysis.statistics.resampling import Counted, over_records
from buttermilk.analysis.statistics.wilson import wilson

Pair = tuple[float, float]
"""How sure, and how right: `(0.67, 1.0)`."""


class Bin(NamedTuple):
    """Answers given with a confidence between `start` and `end`: its mean, and the share of them that is right."""

    start: float
    end: float
    confidence: float
    right: Estimate


class Calibration(NamedTuple):
    brier: Estimate
    ece: Estimate
    bins: list[Bin]


def calibration(pairs: Iterable[Pair], bins: int = 10, *, draws: int = 1_000, seed: int = 0) -> Calibration:
    """Brier = mean (p - y)²; ECE = Σ n_b / n |mean p - mean y| over bins of equal width.

    p = .9 five times and .6 five times, y = 1 1 1 1 0 1 1 0 0 1: .2050 and .0500. Brier with a BCa bootstrap over
    records; ECE without an interval, for it can only grow by chance. Brier, G. W. (1950). Verification of forecasts
    expressed in terms of probability. Monthly Weather Review 78, 1-3; Naeini, M. P., Cooper, G. F. and Hauskrecht, M.
    (2015). Obtaining well calibrated probabilities using Bayesian binning. AAAI 29, 2901-2907."""
    counted = sorted(Counter(pairs).items())
    n = sum(times for _, times in counted)
    if not n:
        return Calibration(Estimate(None, note=NOTHING), Estimate(None, note=NOTHING), [])
    low, high = over_records(counted, _sums, _mean, draws, seed)
    found, off = [], []
    for place in range(bins):
        inside = [(pair, times) for pair, times in counted if min(int(pair[0] * bins + 1e-9), bins - 1) == place]
        size = sum(times for _, times in inside)
        if size:
            sure, right = (fsum(pair[side] * times for pair, times in inside) for side in (0, 1))
            found.append(Bin(place / bins, (place + 1) / bins, sure / size, wilson(right, size)))
            off.append(abs(sure - right))
    return Calibration(Estimate(_mean(_sums(counted)), low, high, n), Estimate(fsum(off) / n, n=n), found)


def _sums(counted: Counted[Pair]) -> list[float]:
    return [float(sum(times for _, times in counted)), fsum((p - y) ** 2 * times for (p, y), times in counted)]


def _mean(sums: Sequence[float]) -> float:
    return sums[1] / sums[0]
