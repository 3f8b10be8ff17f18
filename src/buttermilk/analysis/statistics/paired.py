"""How much a share or a mean differs between two conditions under which the same records were asked."""

from collections.abc import Iterable, Sequence
from math import fsum
from random import Random

from buttermilk.analysis.statistics.estimate import NOTHING, Estimate, middle
from buttermilk.core.hashing import derive_seed

POOL = 200_000  # most resampled differences that are held
Numbers = Sequence[float]


def paired(units: Iterable[tuple[Numbers, Numbers]], *, seed: int, draws: int = 1_000) -> Estimate:
    """The mean over records of (mean after - mean before), with a percentile bootstrap over records.

    A unit holds one record's answers before and after: numbers, or 1 and 0 for *has the label* and *has not*. Repeats
    are resampled inside records (METHODS 1.4), which makes the interval rather too wide than too narrow. Davison, A. C.
    and Hinkley, D. V. (1997). Bootstrap methods and their application, ch. 3.8.

    Each record is resampled twenty to a hundred times beforehand, around its own difference; a draw then takes
    as many of these as there are records.
    """
    kept, left_out = [], 0
    for before, after in units:
        if before and after:
            kept.append((sorted(before), sorted(after)))
        else:
            left_out += 1
    if not kept:
        return Estimate(None, left_out=left_out, note=NOTHING)
    kept.sort()
    value = fsum(map(_difference, kept)) / len(kept)
    if len(kept) < 2:
        return Estimate(value, n=1, left_out=left_out, note="one record: no interval")
    random = Random(derive_seed(seed, "paired"))  # noqa: S311 - a draw that must come out the same again, not a secret
    times = max(20, min(100, POOL // len(kept)))
    pool = [one for unit in kept for one in _resampled(unit, times, random)]
    low, high = middle([fsum(random.choices(pool, k=len(kept))) / len(kept) for _ in range(draws)])
    return Estimate(value, low, high, len(kept), left_out)


def _difference(unit: tuple[Numbers, Numbers]) -> float:
    before, after = unit
    return fsum(after) / len(after) - fsum(before) / len(before)


def _resampled(unit: tuple[Numbers, Numbers], times: int, random: Random) -> list[float]:
    """The record's difference with its repeats drawn anew; on average exactly the record's own."""
    own = _difference(unit)
    if all(side[0] == side[-1] for side in unit):
        return [own] * times
    sums = []
    for side in unit:
        drawn = random.choices(side, k=times * len(side))
        columns = (drawn[place :: len(side)] for place in range(len(side)))
        sums.append([fsum(column) / len(side) for column in zip(*columns, strict=True)])
    found = [after - before for before, after in zip(*sums, strict=True)]
    off = fsum(found) / times - own
    return [one - off for one in found]
