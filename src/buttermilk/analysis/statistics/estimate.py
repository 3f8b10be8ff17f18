"""What every statistic returns: a number with its interval and what it rests on, or the reason why there is none."""

from collections.abc import Sequence
from typing import NamedTuple

NO_VARIATION = "undefined: no variation"
NEEDS_TWO = "undefined: needs two"
NOTHING = "undefined: nothing to compare"

Label = str | float | None
"""One answer to one question: a label's name, a number, or None for *does not apply* (never for a missing answer)."""

Votes = tuple[Label, ...]
"""What one coder said of one record: usually one label; several where the same coder was asked repeatedly."""


class Exact(NamedTuple):
    """An exact test: its p value, and every p value that it could have had, the least first."""

    p: float
    attainable: tuple[float, ...]

    @property
    def mid(self) -> float:
        """The chance of more, and half the chance of just as much. Where nothing is to be found, it is .05 or less in
        about 5 of 100 studies; the exact p, in which ties count in full, in fewer.

        Lancaster, H. O. (1961). Significance tests in discrete distributions. JASA 56, 223-234."""
        return (self.p + max((p for p in self.attainable if p < self.p), default=0.0)) / 2


class Estimate(NamedTuple):
    """`Estimate(0.743, 0.42, 1.0, n=11, left_out=1)`: `n` records were used, `left_out` could not be.

    `value` is None where the statistic has no meaning, and `note` then says why: `undefined: no variation`. `low` and
    `high` are the ends of the 95 % interval. `pairs` counts the comparisons of two coders behind an agreement; `test`
    is of the hypothesis that the value is nought, where one is made."""

    value: float | None
    low: float | None = None
    high: float | None = None
    n: int = 0
    left_out: int = 0
    note: str = ""
    pairs: int = 0
    test: Exact | None = None


def percentile(ordered: Sequence[float], share: float) -> float:
    """The value below which `share` of the ordered numbers lie, interpolated (Hyndman and Fan 1996, type 7)."""
    place = share * (len(ordered) - 1)
    below = int(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (place - below)
