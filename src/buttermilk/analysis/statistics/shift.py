"""Drift: whether answers to the same records changed by more than they differ anyway when asked again."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from itertools import accumulate
from math import lcm
from operator import add
from random import Random

from buttermilk.analysis.statistics.dealing import Ways, convolve, deals, exact, tails
from buttermilk.analysis.statistics.estimate import Estimate, Exact, Votes
from buttermilk.core.hashing import derive_seed

NEEDS_REPEATS = "undefined: without repeats on both sides drift cannot be told from noise"
EXACT = 100_000  # most additions for an exact p: beyond that, tags are permuted at random
TOGETHER = 20  # so many records are then drawn at once, where that takes few additions


def shift(units: Iterable[tuple[Votes, Votes]], *, seed: int, draws: int = 9_999) -> Estimate:
    """drift = mean over records of d(between) - (d(within one) + d(within other)) / 2; d = share of differing pairs.

    A unit holds one record's answers on either side. The expectation of drift is half the squared distance of the two
    distributions, Σ (p - q)² / 2: nought if nothing changed, 1 if all answers did. p: the tags of the sides are
    permuted within each record, all ways counted if that can be done, else `draws` at random. Records without two
    answers on either side are left out. METHODS 2.13; Rizzo, M. L. and Székely, G. J. (2010). DISCO analysis. Annals of
    Applied Statistics 4, 1034-1055.
    """
    tables, left_out = [], 0
    for before, after in units:
        if len(before) < 2 or len(after) < 2:
            left_out += 1
            continue
        first, second = Counter(before), Counter(after)
        pairs = ((first[label], second[label]) for label in first | second)
        tables.append((len(before), len(after), tuple(sorted(pairs, key=lambda pair: (sum(pair), pair)))))
    if not tables:
        return Estimate(None, left_out=left_out, note=NEEDS_REPEATS)
    unit = lcm(*(_scale(one, two) for one, two, _ in tables))
    parts, observed = [], 0
    for one, two, counts in sorted(tables):
        times = unit // _scale(one, two)
        observed += times * sum(_drift(one, two, sum(pair), pair[0]) for pair in counts)
        ways = _ways(one, two, tuple(map(sum, counts)))
        parts.append({value * times: many for value, many in ways.items()})
    whole = convolve(parts, EXACT)
    test = exact(tails(whole), observed) if whole else _drawn(parts, observed, seed, draws)
    return Estimate(observed / unit / len(tables), n=len(tables), left_out=left_out, test=test)


def _scale(one: int, two: int) -> int:
    return 2 * one * two * (one - 1) * (two - 1)


def _drift(one: int, two: int, count: int, dealt: int) -> int:
    """What one label adds to a record's drift, times `_scale`: pairs that are the same within, less those between."""
    other = count - dealt
    within = two * (two - 1) * dealt * (dealt - 1) + one * (one - 1) * other * (other - 1)
    return within - 2 * (one - 1) * (two - 1) * dealt * other


@lru_cache(maxsize=65_536)
def _ways(one: int, two: int, counts: tuple[int, ...]) -> Mapping[int, int]:
    return deals(counts, one, lambda label, dealt: _drift(one, two, counts[label], dealt))


def _drawn(parts: Sequence[Ways], observed: int, seed: int, draws: int) -> Exact:
    random = Random(derive_seed(seed, "shift"))  # noqa: S311 - a draw that must come out the same again, not a secret
    totals = [0] * draws
    for start in range(0, len(parts), TOGETHER):
        some = parts[start : start + TOGETHER]
        together = convolve(some, EXACT // TOGETHER)
        for ways in [together] if together else some:
            whole = sum(ways.values())
            chances = list(accumulate(many / whole for many in ways.values()))
            totals = list(map(add, totals, random.choices(list(ways), cum_weights=chances, k=draws)))
    beyond = sum(total >= observed for total in totals)
    return Exact((1 + beyond) / (1 + draws), (1 / (1 + draws),))
