"""Drift: whether answers to the same records changed by more than they differ anyway when asked again."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from itertools import chain, pairwise, repeat
from math import fsum, lcm
from typing import NamedTuple

from buttermilk.analysis.statistics.bootstrap import interval_of_mean
from buttermilk.analysis.statistics.dealing import Ways, beyond, convolve, deals, exact, tails
from buttermilk.analysis.statistics.estimate import Estimate, Exact, Label, Votes
from buttermilk.core.hashing import derive_seed

NEEDS_REPEATS = "undefined: without repeats on both sides drift cannot be told from noise"
EXACT = 20_000  # most additions for an exact p: beyond that it is approximated
FINE, COARSE = 360_360, 100  # steps to which numbers are rounded, of their range: coarse where many differ
MANY = 1_000

Sides = tuple[Votes, Votes]
"""What was answered in one cell (a record, an agent under a setting), before and after."""


class Scale(NamedTuple):
    """How far answers are apart. Nominal: 0 or 1, no `places`. Else by their places, of which a step is so `wide`."""

    places: Mapping[Label, int] | None = None
    wide: float = 1.0


def scale_of(records: Sequence[Sequence[Sides]], order: Sequence[Label] = (), *, measured: bool = False) -> Scale:
    """An `order` of labels makes places one apart, the whole scale being 1; numbers keep their own unit."""
    if measured:
        given = {label for cells in records for sides in cells for votes in sides for label in votes}
        numbers = sorted(label for label in given if isinstance(label, int | float))
        steps = FINE if len(numbers) <= MANY else COARSE
        width = (numbers[-1] - numbers[0]) / steps if numbers and numbers[-1] > numbers[0] else 1.0
        return Scale({number: round((number - numbers[0]) / width) for number in numbers}, width)
    return (
        Scale({label: place for place, label in enumerate(order)}, 1 / (len(order) - 1)) if len(order) > 1 else Scale()
    )


def drift(records: Iterable[Sequence[Sides]], *, seed: int, scale: Scale | None = None, draws: int = 1_000) -> Estimate:
    """drift = mean of d(between) - (d(within one) + d(within other)) / 2; d = mean distance of pairs of answers.

    A record has one cell or several, each with its answers on either side; its drift is the mean of theirs. Nominal
    answers differ (1) or do not (0), so that d is the share of differing pairs; of ordered labels and of numbers the
    distance is |a - b|. The expectation is nought if nothing changed: half of Σ (p - q)², or half the energy distance.

    p: the tags of the sides are permuted within each cell; all ways are counted if that can be done, else their chance
    is approximated (`dealing.beyond`). The interval is a bootstrap over records. Cells without two answers on either
    side are left out. METHODS 2.13; Rizzo, M. L. and Székely, G. J. (2010). DISCO analysis. Annals of Applied
    Statistics 4, 1034-1055; of distances Székely and Rizzo (2013). Energy statistics. J. Statistical Planning and
    Inference 143, 1249-1272."""
    scale = scale or Scale()
    known: dict[Sides, tuple[Dealt, float] | None] = {}
    found: Counter[Dealt] = Counter()
    values: list[float] = []
    left_out = 0
    for cells in records:
        kept = []
        for sides in cells:
            if sides not in known:
                dealt = _dealt(sides, scale)
                known[sides] = (dealt, _observed(dealt) / dealt.unit) if dealt else None
            one = known[sides]
            if one:
                found[one[0]] += 1
                kept.append(one[1])
        left_out += len(cells) - len(kept)
        if kept:
            values.append(kept[0] if len(kept) == 1 else fsum(kept) / len(kept))
    if not values:
        return Estimate(None, left_out=left_out, note=NEEDS_REPEATS)
    estimate = Estimate(fsum(values) * scale.wide / len(values), None, None, len(values), left_out, "", found.total())
    if len(values) > 1:
        low, high = interval_of_mean(values, derive_seed(seed, "drift"), draws)
        estimate = estimate._replace(low=low * scale.wide, high=high * scale.wide)
    return estimate._replace(test=_test(found))


class Dealt(NamedTuple):
    """A cell: answers on either side, of each label in all and on the first side, in order, and gaps between labels."""

    one: int
    two: int
    counts: tuple[int, ...]
    first: tuple[int, ...]
    gaps: tuple[int, ...]

    @property
    def unit(self) -> int:
        return 2 * self.one * self.two * (self.one - 1) * (self.two - 1)

    @property
    def deck(self) -> tuple[int, int, tuple[int, ...], tuple[int, ...]]:
        """All but how it fell."""
        return self.one, self.two, self.counts, self.gaps


def _dealt(sides: Sides, scale: Scale) -> Dealt | None:
    if scale.places is not None:
        sides = tuple(tuple(label for label in votes if label in scale.places) for votes in sides)  # type: ignore[assignment]
    before, after = map(Counter, sides)
    if before.total() < 2 or after.total() < 2:
        return None
    labels = before.keys() | after.keys()
    if scale.places is None:
        pairs = sorted((before[label] + after[label], before[label]) for label in labels)
        gaps: tuple[int, ...] = ()
    else:
        places = scale.places
        ordered = sorted(labels, key=lambda label: places[label])
        pairs = [(before[label] + after[label], before[label]) for label in ordered]
        gaps = tuple(places[two] - places[one] for one, two in pairwise(ordered))
    counts, first = zip(*pairs, strict=True)
    return Dealt(before.total(), after.total(), counts, first, gaps)


def _apart(one: int, two: int, count: int, dealt: int) -> int:
    """The drift of *is among these* and *is not*, of which there are `count`, times half the unit."""
    other = count - dealt
    between = (one - 1) * (two - 1) * (dealt * (two - other) + (one - dealt) * other)
    return between - two * (two - 1) * dealt * (one - dealt) - one * (one - 1) * other * (two - other)


def _score(one: int, two: int, counts: tuple[int, ...], gaps: tuple[int, ...], label: int, dealt: int) -> int:
    """What a label adds: of nominal labels, each pair that differs is seen twice; of places, once for each gap."""
    if not gaps:
        return _apart(one, two, counts[label], dealt)
    return 2 * gaps[label] * _apart(one, two, sum(counts[: label + 1]), dealt) if label < len(gaps) else 0


@lru_cache(maxsize=65_536)
def _observed(cell: Dealt) -> int:
    total, dealt = 0, 0
    for label, count in enumerate(cell.first):
        dealt = dealt + count if cell.gaps else count
        total += _score(*cell.deck, label, dealt)
    return total


@lru_cache(maxsize=65_536)
def _ways(one: int, two: int, counts: tuple[int, ...], gaps: tuple[int, ...]) -> Ways:
    return deals(counts, one, lambda label, dealt: _score(one, two, counts, gaps, label, dealt), running=bool(gaps))


def _test(found: Counter[Dealt]) -> Exact:
    unit = lcm(*(cell.unit for cell in found))
    observed = sum(_observed(cell) * (unit // cell.unit) * n for cell, n in found.items())
    decks: Counter[tuple[int, int, tuple[int, ...], tuple[int, ...]]] = Counter()
    for cell, n in found.items():
        decks[cell.deck] += n
    parts = []
    for deck, n in sorted(decks.items()):
        times = unit // Dealt(*deck[:3], (), deck[3]).unit
        parts.append(({value * times: many for value, many in _ways(*deck).items()}, n))
    whole = convolve(chain.from_iterable(repeat(part, n) for part, n in parts), EXACT)
    if whole:
        return exact(tails(whole), observed)
    p = beyond(parts, observed)
    return Exact(p, (0.0, beyond(parts, observed, more=True), p))
