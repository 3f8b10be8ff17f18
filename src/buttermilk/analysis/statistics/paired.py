"""How much a share or a mean differs between two conditions under which the same records were asked."""

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import chain, repeat
from math import fsum

from buttermilk.analysis.statistics.bootstrap import interval_of_mean
from buttermilk.analysis.statistics.dealing import beyond, convolve, exact, tails
from buttermilk.analysis.statistics.estimate import NOTHING, Estimate, Exact
from buttermilk.core.hashing import derive_seed

EXACT = 10_000  # most additions for an exact p: beyond that it is approximated
STEPS = 360_360  # the least common multiple of 1 to 15
COARSE = 1_000  # steps where there are more different differences than this

Numbers = Sequence[float]


def paired(units: Iterable[tuple[Numbers, Numbers]], *, seed: int, draws: int = 1_000) -> Estimate:
    """The mean over records of (mean after - mean before), with a bootstrap over records.

    A unit holds one record's answers before and after: numbers, or 1 and 0 for *has the label* and *has not*. The
    repeats of a record are not drawn anew (METHODS 1.4 asked for it): `resampling` says why.

    The test swaps the two sides of whole records: if it made no difference which is which, all 2ⁿ ways are equally
    likely. With one answer a side this is McNemar's exact test; with repeats it does not take three answers about one
    record for evidence from three. Fisher, R. A. (1935). The design of experiments, ch. 3; Pitman, E. J. G. (1937).
    Significance tests which may be applied to samples from any populations. JRSS Supplement 4, 119-130."""
    kept, left_out = [], 0
    for before, after in units:
        if before and after:
            kept.append(fsum(after) / len(after) - fsum(before) / len(before))
        else:
            left_out += 1
    if not kept:
        return Estimate(None, left_out=left_out, note=NOTHING)
    value = fsum(kept) / len(kept)
    if len(kept) < 2:
        return Estimate(value, n=1, left_out=left_out, note="one record: no interval")
    low, high = interval_of_mean(kept, derive_seed(seed, "paired"), draws)
    return Estimate(value, low, high, len(kept), left_out, test=_swapped(kept))


def _swapped(differences: Sequence[float]) -> Exact:
    """Two-sided; differences are rounded to whole steps, which leaves any share of up to fifteen answers as it is."""
    wide = max(1.0, *map(abs, differences))
    fine = wide / (STEPS if len(set(differences)) <= COARSE else COARSE)
    moved = Counter(round(abs(one) / fine) for one in differences)
    parts = [({-step: 1, step: 1}, times) for step, times in sorted(moved.items()) if step]
    observed = abs(round(fsum(differences) / fine))
    ways = convolve(chain.from_iterable(repeat(part, times) for part, times in parts), EXACT)
    if ways is None:
        return Exact(min(1.0, 2 * beyond(parts, observed)), (0.0, 1.0))
    both: Counter[int] = Counter()
    for total, many in ways.items():
        both[abs(total)] += many
    return exact(tails(both), min(both, key=lambda total: (abs(total - observed), total)))
