"""What a panel says of each record as numbers: the share of its voices for a label, or its mean on a scale."""

from collections.abc import Callable
from math import fsum
from typing import NamedTuple

from buttermilk.analysis import words
from buttermilk.analysis.statistics.estimate import Label, Votes
from buttermilk.analysis.tally import Asked, Tally

Number = Callable[[Label], float | None]


class Scored(NamedTuple):
    """One thing that answers are counted as: `Scored("positive", …)` makes 1 of *positive* and 0 of any other."""

    name: str
    number: Number

    def votes(self, votes: Votes) -> tuple[float, ...]:
        return tuple(found for label in votes if (found := self.number(label)) is not None)

    def mean(self, votes: Votes) -> float | None:
        numbers = self.votes(votes)
        return fsum(numbers) / len(numbers) if numbers else None


def of_labels(asked: Asked) -> list[Scored]:
    """By label; of a question that is answered in numbers, the number."""
    if asked.measured:
        return [Scored("mean", as_value)]
    return [Scored(words.label(label), _has(label)) for label in asked.labels()]


def of_values(asked: Asked) -> list[Scored]:
    """The same, but labels that have an order are the places in it, from 1."""
    if asked.question.level != "ordinal":
        return of_labels(asked)
    places = {name: float(place) for place, name in enumerate(asked.question.label_names, 1)}
    return [Scored("place", places.get)]  # type: ignore[arg-type]


def as_value(label: Label) -> float | None:
    return float(label) if isinstance(label, int | float) else None


def _has(label: Label) -> Number:
    return lambda given: float(given == label)


def answers(asked: Asked, scored: Scored) -> dict[str, float]:
    """record id -> what the panel says. Each agent has one voice, each of its readings an equal part of it."""
    given = {votes for row in asked.votes.values() for votes in row.values()}
    known = {votes: scored.mean(votes) for votes in given}
    panel = [[reader for reader in asked.readers if reader.agent == agent] for agent in asked.agents]
    found = {}
    for record_id in asked.records:
        row, voices = asked.votes[record_id], []
        for readers in panel:
            said = [part for one in readers if one in row and (part := known[row[one]]) is not None]
            if said:
                voices.append(fsum(said) / len(said))
        if voices:
            found[record_id] = fsum(voices) / len(voices)
    return found


def panels(tally: Tally) -> list[Asked]:
    """What was asked in the open: an arm that was shown earlier answers is compared, and never counted."""
    return [
        one for one in tally.asked.values() if not one.in_words and one.votes and one.arm in ("control", "synthesis")
    ]
