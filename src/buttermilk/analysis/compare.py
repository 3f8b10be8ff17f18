"""Who agrees with whom: readings of a tally, each an `Estimate` that says what it rests on.

A coder who was asked repeatedly speaks once, with the distribution of its answers. Steps are never mixed: a synthesis
does not vote beside the answers it read.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from heapq import nsmallest
from itertools import combinations
from typing import NamedTuple, cast

from buttermilk.analysis.statistics.agreement import agreement, confusion, share_of_match
from buttermilk.analysis.statistics.alpha import Measured, alpha
from buttermilk.analysis.statistics.entropy import deviation, entropy, one_voice_each
from buttermilk.analysis.statistics.estimate import Estimate, Label, Votes
from buttermilk.analysis.statistics.wilson import wilson
from buttermilk.analysis.tally import Asked, Reader
from buttermilk.core.hashing import derive_seed

MEASURED = ("nominal", "ordinal", "interval", "ratio")


class Agreement(NamedTuple):
    """`of` is what is compared (`repeats`, `perspectives`, `agents`, `people`), `who` holds the rest fixed."""

    of: str
    who: str
    alpha: Estimate
    same: Estimate


@dataclass(frozen=True)
class Scale:
    """How the answers to one question are compared, and with which seed."""

    level: Measured
    order: tuple[Label, ...]
    seed: int
    draws: int = 1_000

    @classmethod
    def of(cls, asked: Asked, seed: int, draws: int = 1_000) -> "Scale":
        level = asked.question.level
        if level not in MEASURED:
            raise ValueError(f"question '{asked.name}' is answered in words, which are not compared")
        return cls(cast(Measured, level), tuple(label for label in asked.labels() if label is not None), seed, draws)

    def compare(self, of: str, who: str, units: Sequence[Sequence[Votes]]) -> Agreement:
        order = self.order if self.level == "ordinal" else ()
        drawn = derive_seed(self.seed, "alpha", of, who)
        corrected = alpha([tuple(unit) for unit in units], self.level, order, draws=self.draws, seed=drawn)
        return Agreement(of, who, corrected, agreement(units))


def between_repeats(asked: Asked, scale: Scale, reader: Reader, shown: str) -> Agreement | None:
    """One agent under one setting against itself; None where it was asked but once."""
    units = [[(label,) for label in row.get(reader, ())] for row in _rows(asked)]
    return scale.compare("repeats", shown, units) if any(len(unit) > 1 for unit in units) else None


def between_perspectives(asked: Asked, scale: Scale, agent: str, shown: str) -> Agreement | None:
    """One agent under its several settings; None where it has but one."""
    readers = [reader for reader in asked.readers if reader.agent == agent]
    units = [[row.get(reader, ()) for reader in readers] for row in _rows(asked)]
    return scale.compare("perspectives", shown, units) if len(readers) > 1 else None


def between_agents(asked: Asked, scale: Scale, setting: str, shown: str) -> Agreement | None:
    """The agents that answered under one setting, and beside them those that take none (tools)."""
    readers = [reader for reader in asked.readers if reader.setting in (setting, "")]
    units = [[row.get(reader, ()) for reader in readers] for row in _rows(asked)]
    return scale.compare("agents", shown, units) if len({reader.agent for reader in readers}) > 1 else None


def between_people(asked: Asked, scale: Scale) -> Agreement | None:
    """Human coders among themselves, the most that a machine can be asked to reach; None with one coder."""
    units = [[(label,) for label in coders.values() if label is not None] for coders in asked.expected.values()]
    return scale.compare("people", "human coders", units) if any(len(unit) > 1 for unit in units) else None


def _rows(asked: Asked) -> Iterator[dict[Reader, Votes]]:
    return (asked.votes[record_id] for record_id in asked.records)


class Pair(NamedTuple):
    """How often two agents give the same answer to the same record under the same setting."""

    first: str
    second: str
    same: Estimate


def pairs_of_agents(asked: Asked) -> list[Pair]:
    """Every pair of agents, over the settings they share; a tool's one answer is set beside every setting."""
    found = []
    for first, second in combinations(asked.agents, 2):
        hits, records, left_out = 0.0, 0, 0
        for row in _rows(asked):
            matches = [
                share_of_match(row[one], row[two])
                for one in row
                if one.agent == first
                for two in row
                if two.agent == second and (one.setting == two.setting or "" in (one.setting, two.setting))
            ]
            if matches:
                hits += sum(matches) / len(matches)
                records += 1
            else:
                left_out += 1
        found.append(Pair(first, second, wilson(hits, records, left_out=left_out)))
    return found


class Validity(NamedTuple):
    """One reader beside the people: `right` is the share of its answers that match, `table` who said what."""

    reader: Reader
    right: Estimate
    alpha: Estimate
    table: dict[tuple[Label, Label], int]


def beside_people(asked: Asked, scale: Scale, reader: Reader) -> Validity:
    """Against the first coder's labels. Records without a label, or that the reader left unanswered, are left out."""
    kept: list[tuple[Label, Votes]] = []
    left_out = 0
    for record_id in asked.records:
        label, votes = asked.first_coder(record_id), asked.votes[record_id].get(reader, ())
        if label is None or not votes:
            left_out += 1
        else:
            kept.append((label, votes))
    hits = sum(share_of_match((label,), votes) for label, votes in kept)
    right = wilson(hits, len(kept), left_out=left_out)
    units = [[(label,), votes] for label, votes in kept]
    corrected = scale.compare("labels", f"{reader.agent} {reader.setting}", units).alpha
    return Validity(reader, right, corrected._replace(left_out=left_out), dict(confusion(kept)))


def always_the_same(asked: Asked) -> tuple[Label, Estimate]:
    """The commonest human label, and how often one would be right by always giving it."""
    counts: dict[Label, int] = {}
    for record_id in asked.records:
        label = asked.first_coder(record_id)
        if label is not None:
            counts[label] = counts.get(label, 0) + 1
    best = max(sorted(counts, key=str), key=lambda label: counts[label], default=None)
    return best, wilson(counts.get(best, 0), sum(counts.values()))


class Disputed(NamedTuple):
    """A record and how divided its answers are: normalised entropy of labels, standard deviation of numbers."""

    record_id: str
    spread: float
    votes: dict[Reader, Votes]


class Divided(NamedTuple):
    """How the records of a question fare: `unanimous` of `n` had but one answer; `most` are the most divided."""

    n: int
    unanimous: int
    most: list[Disputed]


def most_divided(asked: Asked, count: int) -> Divided:
    """The records whose answers differ most. Each agent has one voice, whatever the number of its answers."""
    labels = len(asked.question.label_names) + bool(asked.question.optional)
    n, unanimous, found = 0, 0, []
    for record_id in asked.records:
        votes = asked.votes[record_id]
        spoken = [label for given in votes.values() for label in given]
        if len(spoken) < 2:
            continue
        n += 1
        if len(set(spoken)) == 1:
            unanimous += 1
            continue
        by_agent: dict[str, Votes] = {}
        for reader, given in votes.items():
            by_agent[reader.agent] = by_agent.get(reader.agent, ()) + given
        found.append(Disputed(record_id, _spread(asked, list(by_agent.values()), labels), votes))
    return Divided(n, unanimous, nsmallest(count, found, key=lambda one: (-one.spread, one.record_id)))


def _spread(asked: Asked, voices: list[Votes], labels: int) -> float:
    if asked.measured:
        numbers = [label for votes in voices for label in votes if isinstance(label, int | float)]
        return deviation(numbers) if numbers else 0.0
    return entropy(one_voice_each(voices), labels).normalised
