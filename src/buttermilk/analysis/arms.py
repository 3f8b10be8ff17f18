"""What showing earlier answers did: the arm that saw them beside the control arm, on the records that both have."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from math import fsum
from random import Random
from typing import NamedTuple

from buttermilk.analysis.compare import Scale
from buttermilk.analysis.evidence import Evidence
from buttermilk.analysis.frame import counted
from buttermilk.analysis.statistics.conformity import Shown, anchoring, conformity
from buttermilk.analysis.statistics.estimate import Estimate, Label, Votes
from buttermilk.analysis.statistics.majority import majority
from buttermilk.analysis.statistics.paired import paired
from buttermilk.analysis.statistics.revisions import Revisions, revisions
from buttermilk.analysis.tally import Asked, Reader
from buttermilk.core.hashing import derive_seed
from buttermilk.core.priors import PRIOR_ARMS

SOME = 5_000  # records, drawn at random, that are enough to say how far one agent agrees with the others
HARM = -0.02  # the least that the interval of the accuracy difference may reach down to (METHODS 1.5)

Row = Mapping[Reader, Votes]
Jobs = dict[str, list[tuple[Reader, Votes, Label]]]
"""record -> of each job: who was asked, the labels of the answers that were shown, and what was answered."""


class Arm(NamedTuple):
    """One arm on the records of both: agreement, and on labelled records the accuracy of single answers and of the
    majority; `agents` has the same of each agent (agreement: with all others together)."""

    agreement: Estimate
    single: float | None
    majority: float | None
    agents: Mapping[str, tuple[float | None, float | None]]


class Beside(NamedTuple):
    """One question in the control arm and in another. `single` and `majority` are differences of accuracy on the
    labelled records (of the `test` split where there is one); `anchored` is in place of `conforming` for numbers."""

    control: Asked
    other: Asked
    records: int
    arms: tuple[Arm, Arm]
    conforming: Estimate
    anchored: bool
    single: Estimate
    majority: Estimate
    revised: Revisions
    test: bool

    @property
    def adopted(self) -> bool:
        """Whether this arm's answers may be used for a final label (METHODS 1.5.5)."""
        return self.test and self.majority.low is not None and self.majority.low > HARM


def both_arms(found: Evidence) -> Iterator[Beside]:
    """Each question that was asked in an arm with prior answers, beside its control arm."""
    asked = found.tally.asked
    pairs = [
        (asked[*key[:3], "control"], one)
        for key, one in asked.items()
        if key[3] in PRIOR_ARMS.values() and (*key[:3], "control") in asked and one.votes and not one.in_words
    ]
    shown = what_was_shown(found) if pairs else {}
    for control, other in pairs:
        alike = _alike(control, other)
        both = sorted(alike.votes.keys() & other.votes.keys())
        if both:
            yield _beside(found, alike, other, both, shown.get((other.step, other.arm, other.question.name), {}))


def _alike(control: Asked, other: Asked) -> Asked:
    """The control arm's answers of those alone who were asked in the other arm too: a tool, say, is shown nothing."""
    votes = {
        record_id: {reader: given for reader, given in row.items() if reader in other.counts}
        for record_id, row in control.votes.items()
    }
    counts = {reader: given for reader, given in control.counts.items() if reader in other.counts}
    return replace(control, votes={record_id: row for record_id, row in votes.items() if row}, counts=counts)


def _beside(found: Evidence, control: Asked, other: Asked, both: list[str], shown: Jobs) -> Beside:
    seed = derive_seed(found.run.seed, "arms", control.step, control.codebook, other.name)
    cells = [
        [Shown(priors, (label,), control.votes[one].get(reader, ())) for reader, priors, label in shown.get(one, ())]
        for one in both
    ]
    labelled = [one for one in both if control.first_coder(one) is not None]
    test = [one for one in labelled if one in found.people.drawn and found.people.drawn[one].split == "test"]
    chosen = [] if control.measured else test or labelled
    truth = {one: control.first_coder(one) for one in chosen}
    sides = [(control.votes[one], other.votes[one], truth[one]) for one in chosen]
    single = [([_single(before, right)], [_single(after, right)]) for before, after, right in sides]
    majority = [([_majority(before, right)], [_majority(after, right)]) for before, after, right in sides]
    matched = [
        (right, before[reader], after[reader])
        for before, after, right in sides for reader in before if reader in after
    ]  # fmt: skip
    measure = anchoring if control.measured else conformity
    return Beside(
        control, other, len(both), (_arm(control, both, truth, seed), _arm(other, both, truth, seed)),
        measure(cells, seed=seed), control.measured, paired(single, seed=derive_seed(seed, "single")),
        paired(majority, seed=derive_seed(seed, "majority")), revisions(matched), bool(test),
    )  # fmt: skip


def _arm(asked: Asked, both: list[str], truth: Mapping[str, Label], seed: int) -> Arm:
    scale, rows = Scale.of(asked, seed), [asked.votes[one] for one in both]
    agreement = scale.compare("agents", asked.arm, [list(row.values()) for row in rows]).alpha
    right = [(asked.votes[one], label) for one, label in truth.items()]
    agents, some = {}, rows
    if len(rows) > SOME:
        some = Random(derive_seed(seed, "some")).sample(rows, SOME)  # noqa: S311 - a draw that must come out the same
    for agent in asked.agents:
        others = [one for one in asked.agents if one != agent]
        units = [(_of(row, agent), _of(row, *others)) for row in some]
        own = [(given, label) for row, label in right if (given := _of(row, agent))]
        accuracy = _mean([given.count(label) / len(given) for given, label in own])
        agents[agent] = (scale.compare("agent", agent, units).alpha.value, accuracy)
    single, majority = (_mean([how(row, label) for row, label in right]) for how in (_single, _majority))
    return Arm(agreement, single, majority, agents)


def _of(row: Row, *agents: str) -> Votes:
    return tuple(label for reader, given in row.items() if reader.agent in agents for label in given)


def _mean(numbers: list[float]) -> float | None:
    return fsum(numbers) / len(numbers) if numbers else None


def _single(row: Row, truth: Label) -> float:
    """The chance that an answer is right: each reader has one voice."""
    return fsum(votes.count(truth) / len(votes) for votes in row.values()) / len(row)


def _majority(row: Row, truth: Label) -> float:
    """Whether the commonest answer is right; where several tie, the chance of a fair draw among them."""
    modes = majority(tuple(row.values()))
    return (truth in modes) / len(modes)


def what_was_shown(found: Evidence) -> dict[tuple[str, str, str], Jobs]:
    """By step, arm and question. Reads again what was asked in these arms: the answers shown stand in each job."""
    method, shown = found.tally.method, dict[tuple[str, str, str], Jobs]()
    for arm in PRIOR_ARMS.values():
        for row in found.store.results(found.run.run_id, None, arm):
            codebook = method.codebook(row["step"], row["codebook_hash"])
            reader = Reader(method.shown(row["agent"], row["agent_hash"]), method.setting(row))
            given = [
                {question.name: label for question, label in counted(codebook, "answered", one["values"])}
                for one in row["priors"]
            ]
            for question, label in counted(codebook, row["status"], row["answers"]):
                priors = tuple(one[question.name] for one in given if question.name in one)
                jobs = shown.setdefault((row["step"], arm, question.name), {})
                jobs.setdefault(row["record_id"], []).append((reader, priors, label))
    return shown
