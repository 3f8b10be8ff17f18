"""How far one distribution of labels lies from another, such as the agents' from the people's."""

from collections.abc import Mapping, Sequence
from math import fsum, log2
from typing import NamedTuple

from buttermilk.analysis.statistics.estimate import Label
from buttermilk.analysis.statistics.voices import rank


class Distance(NamedTuple):
    """`wasserstein` is None without an order; `bits` is infinite where the second excludes what the first has."""

    manhattan: float
    wasserstein: float | None
    bits: float


def distance(one: Mapping[Label, float], two: Mapping[Label, float], order: Sequence[Label] = ()) -> Distance:
    """Manhattan Σ |p - q|; Wasserstein Σ |P - Q| of the sums up to each label, in steps of `order`; Kullback and
    Leibler's Σ p log2 (p / q), of the first from the second.

    .7, .2, .1 and .5, .3, .2: .4, .3 and .1228. Kullback, S. and Leibler, R. A. (1951). On information and
    sufficiency. Annals of Mathematical Statistics 22, 79-86; Vallender, S. S. (1974). Calculation of the Wasserstein
    distance between probability distributions on the line. Theory of Probability and its Applications 18, 784-786."""
    wholes = fsum(one.values()), fsum(two.values())
    if min(wholes) <= 0:
        raise ValueError("there are no votes to be compared")
    labels = list(order) or sorted({*one, *two}, key=rank)
    pairs = [(one.get(label, 0.0) / wholes[0], two.get(label, 0.0) / wholes[1]) for label in labels]
    manhattan = fsum(abs(p - q) for p, q in pairs)
    gaps = [fsum(p - q for p, q in pairs[: place + 1]) for place in range(len(pairs) - 1)] if order else None
    excluded = any(p > 0 and q <= 0 for p, q in pairs)
    bits = float("inf") if excluded else max(0.0, fsum(p * log2(p / q) for p, q in pairs if p > 0))
    return Distance(manhattan, None if gaps is None else fsum(map(abs, gaps)), bits)
