"""Records that were answered alike, counted once: agreement rests on who said what together, never on order."""

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import chain
from typing import NamedTuple

from buttermilk.analysis.statistics.estimate import Label, Votes

Unit = Sequence[Votes]
"""What the coders said of one record. A coder who was asked repeatedly has one voice, shared among its answers."""


Met = tuple[int, ...]
"""The voices that met on a record, by their places among all that were heard, the least first."""


class Voices(NamedTuple):
    """`said` are the different voices, `patterns` which of them met on a record and on how many records.

    `Voices([("a",), ("b",)], [((0, 0, 1), 12)], 3)`: on twelve records two coders said a and one b; three records had
    too few voices."""

    said: list[Votes]
    patterns: list[tuple[Met, int]]
    left_out: int

    @property
    def records(self) -> int:
        return sum(times for _, times in self.patterns)

    @property
    def heard(self) -> Counter[int]:
        """How often each voice was heard."""
        counts: Counter[int] = Counter(chain.from_iterable(met for met, times in self.patterns if times == 1))
        for met, times in self.patterns:
            if times > 1:
                for place in met:
                    counts[place] += times
        return counts

    @property
    def labels(self) -> list[Label]:
        return sorted({label for votes in self.said for label in votes}, key=rank)

    @property
    def pairs(self) -> int:
        return sum(len(met) * (len(met) - 1) // 2 * times for met, times in self.patterns)


def voices(units: "Iterable[Unit] | Voices", *, least: int = 2, applies: bool = False) -> Voices:
    """Records with at least `least` voices. Where a value must apply (on a scale), *does not apply* is no value.

    What has been counted already, so that several statistics may rest on it, is taken as it is."""
    if isinstance(units, Voices):
        return units
    given = list(units)
    heard = {}
    for votes in set(chain.from_iterable(given)):
        kept = tuple(sorted((label for label in votes if not (applies and label is None)), key=rank))
        if kept:
            heard[votes] = kept
    met = [[heard[votes] for votes in unit if votes in heard] for unit in given]
    paired = [one for one in met if len(one) >= least]
    said = sorted(set(chain.from_iterable(paired)), key=lambda votes: tuple(map(rank, votes)))
    place = {votes: index for index, votes in enumerate(said)}
    patterns = Counter(tuple(sorted([place[votes] for votes in one])) for one in paired)
    return Voices(said, sorted(patterns.items()), len(met) - len(paired))


def rank(label: Label) -> tuple[int, float, str]:
    """Numbers by size, then names by letter, then *does not apply*."""
    if label is None:
        return 2, 0.0, ""
    return (1, 0.0, label) if isinstance(label, str) else (0, label, "")


def shares(votes: Votes) -> dict[Label, float]:
    """What of a voice each label has: `("a", "a", "b")` -> `{"a": 2/3, "b": 1/3}`."""
    return {label: times / len(votes) for label, times in Counter(votes).items()}
