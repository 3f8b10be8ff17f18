"""Who agrees with whom: readings of a tally, each an `Estimate` that says what it rests on. A coder who was asked
repeatedly speaks once, with the distribution of its answers. Steps are never mixed: a synthesis does not vote beside
the answers it read."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from heapq import nsmallest
from itertools import combinations
from math import exp, fsum, sqrt
from typing import NamedTuple, cast

from buttermilk.analysis import words
from buttermilk.analysis.statistics.agreement import agreement, share_of_match
from buttermilk.analysis.statistics.alpha import Measured, alpha
from buttermilk.analysis.statistics.calibration import Calibration, calibration
from buttermilk.analysis.statistics.classes import Classes, classes
from buttermilk.analysis.statistics.cohen import Weights, cohen
from buttermilk.analysis.statistics.entropy import entropy, one_voice_each
from buttermilk.analysis.statistics.estimate import Estimate, Label, Votes
from buttermilk.analysis.statistics.gwet import ac1
from buttermilk.analysis.statistics.majority import confidence, majority
from buttermilk.analysis.statistics.mean import variance
from buttermilk.analysis.statistics.redundancy import FEW, Point, redundancy
from buttermilk.analysis.statistics.voices import Unit, Voices, voices
from buttermilk.analysis.statistics.wilson import wilson
from buttermilk.analysis.tally import Asked, Reader
from buttermilk.core.hashing import derive_seed

MEASURED = ("nominal", "ordinal", "interval", "ratio")
DOMINANT = 0.8  # the share of answers from which one label dominates, so that alpha is low however few differ


class Agreement(NamedTuple):
    """`of` is what is compared (`repeats`, `perspectives`, `agents`, `people`), `who` holds the rest fixed. `beside`
    are other coefficients that belong there: `("κ", …)` of two complete coders, `("AC1", …)` of a dominant label."""

    of: str
    who: str
    alpha: Estimate
    same: Estimate
    beside: tuple[tuple[str, Estimate], ...] = ()


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
        heard = voices(units, applies=self.level != "nominal")
        corrected = alpha(heard, self.level, order, draws=self.draws, seed=drawn)
        same = agreement(heard if self.level == "nominal" else units)
        return Agreement(of, who, corrected, same, tuple(self._beside(of, drawn, units, heard)))

    def _beside(self, of: str, seed: int, units: Sequence[Unit], heard: Voices) -> Iterator[tuple[str, Estimate]]:
        """Of repeats no kappa: which was the second is no fact about an agent. An order of labels is weighted."""
        if self.level not in ("nominal", "ordinal"):
            return
        if of not in ("repeats", "labels") and all(len(unit) == 2 and all(unit) for unit in units):
            order, weights = (self.order, "quadratic") if self.level == "ordinal" else ((), "")
            pairs = [(one, two) for one, two in units]
            name = "weighted κ" if weights else "κ"
            yield name, cohen(pairs, order, weights=cast(Weights, weights), draws=self.draws, seed=seed)
        spoken = heard.heard
        given = {
            label: sum(spoken[at] for at, votes in enumerate(heard.said) if label in votes) for label in heard.labels
        }
        if len(given) > 1 and max(given.values()) >= DOMINANT * spoken.total():
            yield "AC1", ac1(units, len(self.order), draws=self.draws, seed=seed)


def between_repeats(asked: Asked, scale: Scale, reader: Reader, shown: str) -> Agreement | None:
    """One agent under one setting against itself; None where it was asked but once."""
    if all(len(row.get(reader, ())) < 2 for row in asked.votes.values()):
        return None
    units = [[(label,) for label in row.get(reader, ())] for row in _rows(asked)]
    return scale.compare("repeats", shown, units)


def between_perspectives(asked: Asked, scale: Scale, agent: str, shown: str) -> Agreement | None:
    """One agent under its several settings; None where it has but one."""
    readers = [reader for reader in asked.readers if reader.agent == agent]
    if len(readers) < 2:
        return None
    return scale.compare("perspectives", shown, [[row.get(reader, ()) for reader in readers] for row in _rows(asked)])


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


def pairs_of_agents(asked: Asked) -> list[tuple[str, str, Estimate]]:
    """How often each two agents give the same answer, over the settings they share; a tool's one answer is set beside
    every setting."""
    columns = {reader: [row.get(reader, ()) for row in _rows(asked)] for reader in asked.readers}
    return [(first, second, _same(columns, first, second)) for first, second in combinations(asked.agents, 2)]


def _same(columns: dict[Reader, list[Votes]], first: str, second: str) -> Estimate:
    """Records on which the two fared alike are counted once."""
    one, two = ([reader for reader in columns if reader.agent == agent] for agent in (first, second))
    alike = Counter(zip(*(columns[reader] for reader in (*one, *two)), strict=True))
    sides = [
        (a, b + len(one))
        for a, left in enumerate(one)
        for b, right in enumerate(two)
        if left.setting == right.setting or "" in (left.setting, right.setting)
    ]
    hits, left_out = [], 0
    for row, times in alike.items():
        matches = [share_of_match(row[a], row[b]) for a, b in sides if row[a] and row[b]]
        if matches:
            hits.append(times * fsum(matches) / len(matches))
        else:
            left_out += times
    return wilson(fsum(hits), alike.total() - left_out, left_out=left_out)


def _labelled(asked: Asked) -> dict[str, Label]:
    """The label that each record is held to, of those that were answered."""
    given = (
        (at, asked.first_coder(at)) for at in sorted(asked.expected.keys() | asked.settled.keys()) if at in asked.votes
    )
    return {record_id: label for record_id, label in given if label is not None}


class Validity(NamedTuple):
    """One reader beside the people: `right` is the share of its answers that match, `table` who said what. `added` is
    alpha of the people with the reader among them, where they are several."""

    reader: Reader
    right: Estimate
    alpha: Estimate
    table: Mapping[tuple[Label, Label], int]
    added: Estimate | None = None


def beside_people(asked: Asked, scale: Scale, reader: Reader) -> Validity:
    """Against the reference labels. Records without one, or that the reader left unanswered, are left out."""
    given = ((label, asked.votes[record_id].get(reader, ())) for record_id, label in _labelled(asked).items())
    kept = [(label, votes) for label, votes in given if votes]
    left_out = len(asked.votes) - len(kept)
    hits = fsum(share_of_match((label,), votes) for label, votes in kept)
    right = wilson(hits, len(kept), left_out=left_out)
    units = [[(label,), votes] for label, votes in kept]
    corrected = scale.compare("labels", f"{reader.agent} {reader.setting}", units).alpha
    added = None
    if any(len(coders) > 1 for coders in asked.expected.values()):
        with_it = [
            [*((label,) for label in coders.values() if label is not None), votes]
            for record_id, coders in asked.expected.items()
            if (votes := asked.votes.get(record_id, {}).get(reader, ()))
        ]
        added = scale.compare("labels", f"with {reader.agent} {reader.setting}", with_it).alpha
    met = Counter((label, given) for label, votes in kept for given in votes)
    return Validity(reader, right, corrected._replace(left_out=left_out), met, added)


def always_the_same(asked: Asked) -> tuple[tuple[Label, ...], Estimate]:
    """The commonest human label (several, where they tie), and how often one would be right by always giving it."""
    counts = Counter(_labelled(asked).values())
    most = max(counts.values(), default=0)
    best = sorted((label for label, times in counts.items() if times == most), key=str)
    return tuple(best), wilson(most, counts.total())


def by_label(asked: Asked, scale: Scale, agent: str) -> Classes:
    """Precision, recall and F1 of each label: an agent under all its settings, one voice to a record."""
    truths = _labelled(asked).items()
    pairs = [(label, by_agent(asked.votes[record_id]).get(agent, ())) for record_id, label in truths]
    labels = [label for label in asked.labels() if label is not None or any(None in votes for _, votes in pairs)]
    return classes(pairs, labels, draws=scale.draws, seed=derive_seed(scale.seed, "classes", agent))


def calibrated(asked: Asked, scale: Scale, agent: str) -> tuple[str, Calibration] | None:
    """How sure the agent was, and how often right: of the first source that tells it. None without human labels. Its
    share over repetitions; else what its tokens were worth; else its own word for it."""
    shares, worth, words = [], [], []
    for record_id, label in _labelled(asked).items():
        for reader, votes in asked.votes[record_id].items():
            if reader.agent != agent:
                continue
            share, most = confidence(votes)
            right = (label in most) / len(most)
            if len(votes) > 1:
                shares.append((share, right))
            sure = asked.sure.get(record_id, {}).get(reader)
            if sure:
                worth.append((exp(fsum(sure) / len(sure)), right))
            said = asked.stated.get(record_id, {}).get(reader)
            if said:
                words.append((fsum(said) / len(said), right))
    sources = (("share of its repeats", shares), ("probability of its tokens", worth), ("its own words", words))
    source, pairs = next(((name, found) for name, found in sources if found), ("", []))
    drawn = derive_seed(scale.seed, "calibration", agent)
    return (source, calibration(pairs, draws=scale.draws, seed=drawn)) if pairs else None


# ---- the panel


def by_agent(row: Mapping[Reader, Votes]) -> dict[str, Votes]:
    """One voice for each agent, whatever its settings."""
    voices: dict[str, Votes] = {}
    for reader, votes in row.items():
        voices[reader.agent] = voices.get(reader.agent, ()) + votes
    return voices


class Worth(NamedTuple):
    """`rho` of so many `agents`, from their `errors` on labelled records, or else from their answers."""

    agents: int
    rho: Estimate
    errors: bool


def worth(asked: Asked, scale: Scale) -> Worth | None:
    """How far the agents err together, where at least FEW records are labelled; else how far they answer alike."""
    agents = sorted(asked.agents)
    if len(agents) < 2:
        return None
    labelled = _labelled(asked)
    errors = len(labelled) >= FEW
    rows = []
    for record_id in labelled if errors else asked.records:
        truth, given = labelled.get(record_id) if errors else None, by_agent(asked.votes[record_id])
        rows.append(tuple(_point(scale, given.get(agent, ()), truth) for agent in agents))
    rho = redundancy(rows, draws=scale.draws, seed=derive_seed(scale.seed, "redundancy"))
    return Worth(len(agents), rho, errors)


def _point(scale: Scale, votes: Votes, truth: Label) -> Point | None:
    given = [label for label in votes if label is not None or scale.level == "nominal"]
    if not given:
        return None
    if scale.level in ("interval", "ratio"):
        return ((fsum(float(label or 0) for label in given) / len(given)) - float(truth or 0),)
    if truth is not None:
        return (1 - given.count(truth) / len(given),)
    if scale.level == "ordinal":
        return (fsum(map(scale.order.index, given)) / len(given),)
    return tuple(given.count(label) / len(given) for label in (*scale.order, None))


class Majority(NamedTuple):
    """Of `n` records with two agents' answers, `ties` have no majority; `right` is its share of labelled records, a tie
    that holds the label counting as its part of it."""

    n: int
    ties: int
    right: Estimate


def majorities(asked: Asked) -> Majority:
    panels = ((record_id, by_agent(row)) for record_id, row in asked.votes.items())
    found = {record_id: majority(tuple(given.values())) for record_id, given in panels if len(given) > 1}
    hits = [(truth in found[at]) / len(found[at]) for at, truth in _labelled(asked).items() if at in found]
    return Majority(len(found), sum(len(most) > 1 for most in found.values()), wilson(fsum(hits), len(hits)))


def by_division(asked: Asked) -> list[tuple[float, dict[str, float]]]:
    """Of each record with two agents' answers its normalised entropy and the shares of its labels, the most divided
    last; those equally divided by what they are divided between."""
    labels = len(asked.question.label_names) + bool(asked.question.optional)
    panels = (tuple(by_agent(row).values()) for row in _rows(asked))
    found = [given for given in panels if len(given) > 1]
    known = {given: _divided(given, labels) for given in set(found)}
    order = sorted(known, key=lambda given: (known[given][0], sorted(known[given][1].items())))
    place = {given: at for at, given in enumerate(order)}
    return [known[given] for given in sorted(found, key=place.__getitem__)]


def _divided(given: tuple[Votes, ...], labels: int) -> tuple[float, dict[str, float]]:
    whole = one_voice_each(given)
    return entropy(whole, labels).normalised, {words.label(one): part / len(given) for one, part in whole.items()}


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
        found.append(Disputed(record_id, _spread(asked, list(by_agent(votes).values()), labels), votes))
    return Divided(n, unanimous, nsmallest(count, found, key=lambda one: (-one.spread, one.record_id)))


def _spread(asked: Asked, voices: list[Votes], labels: int) -> float:
    if asked.measured:
        numbers = [label for votes in voices for label in votes if isinstance(label, int | float)]
        return sqrt(variance(numbers)) if numbers else 0.0
    return entropy(one_voice_each(voices), labels).normalised
