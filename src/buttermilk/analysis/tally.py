"""One pass over a run's results: everything the report says is counted here, and no row is kept.

What is held grows with records and readers, not with answers: the votes of one reader on one record are one small
tuple, and equal tuples are one object.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

from buttermilk.analysis.frame import Labels, as_text, human_labels, read
from buttermilk.analysis.method import Method
from buttermilk.analysis.statistics.estimate import Label, Votes
from buttermilk.core.contracts import Store
from buttermilk.core.flows import Question
from buttermilk.core.jobs import Run


class Reader(NamedTuple):
    """Who answered under what: `Reader("gpt", "tja")`; the setting is empty for a tool, which takes no perspective."""

    agent: str
    setting: str


@dataclass
class Came:
    """What came back from one agent in one step, and what it took: `spent` in tokens and seconds, `cost` by currency.

    `unpriced` among the spent counts jobs whose price nobody knows.
    """

    statuses: Counter[str] = field(default_factory=Counter)
    parses: Counter[str] = field(default_factory=Counter)
    spent: Counter[str] = field(default_factory=Counter)
    cost: Counter[str] = field(default_factory=Counter)

    @property
    def jobs(self) -> int:
        return self.statuses.total()


@dataclass
class Asked:
    """One question of one step, with all that was answered: `votes[record_id][reader]` is a tuple of labels.

    `expected` holds what people said of the same records: `expected[record_id]["ana"]`.
    """

    step: str
    question: Question
    codebook: str
    votes: dict[str, dict[Reader, Votes]] = field(default_factory=dict)
    counts: dict[Reader, Counter[Label]] = field(default_factory=dict)
    unanswered: Counter[Reader] = field(default_factory=Counter)
    expected: dict[str, dict[str, Label]] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return self.question.name

    @property
    def measured(self) -> bool:
        """Answered in numbers, not by labels."""
        return self.question.level in ("interval", "ratio")

    @property
    def readers(self) -> list[Reader]:
        return list(self.counts)

    @property
    def settings(self) -> list[str]:
        return list(dict.fromkeys(reader.setting for reader in self.counts))

    @property
    def agents(self) -> list[str]:
        return list(dict.fromkeys(reader.agent for reader in self.counts))

    @property
    def records(self) -> list[str]:
        """In an order that content alone decides."""
        return sorted(self.votes)

    def labels(self) -> list[Label]:
        """Those of the codebook in its order, then any other that was given, then *does not apply* if it was given."""
        given = {label for counts in self.counts.values() for label in counts}
        given |= {label for coders in self.expected.values() for label in coders.values()}
        known: list[Label] = list(self.question.label_names)
        others = sorted((label for label in given if label is not None and label not in known), key=str)
        return known + others + ([None] if None in given else [])

    def first_coder(self, record_id: str) -> Label:
        """What the first coder said; None where nobody labelled the record."""
        return next(iter(self.expected.get(record_id, {}).values()), None)


@dataclass
class Tally:
    """All counts of a run; `by` step and agent, in the order of the flow."""

    method: Method
    labels: Labels
    records: int = 0
    jobs: int = 0
    by: dict[tuple[str, str], Came] = field(default_factory=lambda: defaultdict(Came))
    errors: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    drops: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    partial: Counter[str] = field(default_factory=Counter)
    simulated: Counter[str] = field(default_factory=Counter)
    answered: int = 0
    returned: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    prices: set[str] = field(default_factory=set)
    asked: dict[tuple[str, str, str], Asked] = field(default_factory=dict)
    hashes: dict[str, str] = field(default_factory=dict)
    first_at: str = ""
    last_at: str = ""

    @property
    def each(self) -> list[tuple[str, str, Came]]:
        """Step, agent as it is shown, and what came of it."""
        return [(step, self.name(agent), came) for (step, agent), came in self.by.items()]

    @cached_property
    def whole(self) -> Came:
        """Over all steps and agents."""
        total = Came()
        for came in self.by.values():
            for kind in ("statuses", "parses", "spent", "cost"):
                getattr(total, kind).update(getattr(came, kind))
        return total

    def name(self, agent: str) -> str:
        """As it is shown wherever it is named: whoever reads a table sees which answers no model gave."""
        return f"{agent} (simulated)" if agent in self.simulated else agent


def tally(store: Store, run: Run) -> Tally:
    """Count a run. Streams `Store.results` once."""
    method, labels = Method(run), human_labels(store, run)
    whole = Tally(method, labels)
    whole.asked = {
        (step, book.hash, question.name): Asked(step, question, f"{book.name}@{book.version}")
        for step in method.steps
        for book in method.codebooks(step)
        for question in book.questions
    }
    shared: dict[Votes, Votes] = {}
    for row in store.results(run.run_id):
        codebook = method.codebook(row["step"], row["codebook_hash"])
        agent = method.shown(row["agent"], row["agent_hash"])
        reader = Reader(agent, method.setting(row))
        _count(whole, row, agent)
        for question in codebook.questions:
            _vote(whole.asked[row["step"], codebook.hash, question.name], row, reader, shared)
    whole.records = sum(len(refs) for refs in store.refs(run.dataset_fingerprint))
    order = [(step, agent) for step in method.steps for agent in method.agent_names(step)]
    whole.by = {at: whole.by[at] for at in dict.fromkeys([*order, *whole.by]) if at in whole.by}
    whole.asked = {key: asked for key, asked in whole.asked.items() if asked.counts}
    for asked in whole.asked.values():
        readers = sorted(asked.counts, key=_order(method, asked))
        asked.counts = {reader: asked.counts[reader] for reader in readers}
        asked.expected = {} if asked.question.level == "text" else _expected(asked.question, labels)
    return whole


def _count(whole: Tally, row: Mapping[str, Any], agent: str) -> None:
    step, came = row["step"], whole.by[row["step"], agent]
    whole.jobs += 1
    whole.hashes[row["record_id"]] = row["record_hash"]
    came.statuses[row["status"]] += 1
    for kind in ("input_tokens", "output_tokens", "seconds"):
        came.spent[kind] += row[kind] or 0
    if row["cost"] is None:
        came.spent["unpriced"] += 1
    else:
        came.cost[row["currency"]] += row["cost"]
    if row["status"] == "answered":
        whole.answered += 1
        came.parses[row["parse"]] += 1
        if row["simulated"]:
            whole.simulated[agent] += 1
    if row["error_kind"]:
        whole.errors[step, agent, row["error_kind"]] += 1
    for drop in row["drops"]:
        whole.drops[step, agent, drop] += 1
    if row["partial"]:
        whole.partial[step] += 1
    if row["model_returned"]:
        whole.returned[agent][row["model_returned"]] += 1
    if row["price_version"]:
        whole.prices.add(row["price_version"])
    whole.first_at = min(whole.first_at or row["started_at"], row["started_at"])
    whole.last_at = max(whole.last_at, row["ended_at"])


def _vote(asked: Asked, row: Mapping[str, Any], reader: Reader, shared: dict[Votes, Votes]) -> None:
    reading = read(asked.question, row)
    if reader not in asked.counts:
        asked.counts[reader] = Counter()
    counts = asked.counts[reader]
    if reading.status != "answered":
        asked.unanswered[reader] += 1
        return
    if asked.question.level == "text":
        counts["answered" if reading.label is not None else None] += 1
        return
    label: Label = reading.value if asked.measured else reading.label
    counts[label] += 1
    votes = asked.votes.setdefault(row["record_id"], {})
    grown = (*votes.get(reader, ()), label)
    votes[reader] = shared.setdefault(grown, grown)


def _expected(question: Question, labels: Labels) -> dict[str, dict[str, Label]]:
    """What people said to this question, in the form in which answers are counted."""
    found: dict[str, dict[str, Label]] = {}
    for record_id, given in labels.items():
        for label in given:
            if label.question == question.name:
                found.setdefault(record_id, {}).setdefault(label.coder, _as_counted(question, label.value))
    return {record_id: found[record_id] for record_id in sorted(found)}


def _as_counted(question: Question, value: Any) -> Label:
    """A table of labels gives numbers as text: `"3"` to a question on a scale is 3; what is no number is left out."""
    if question.level not in ("interval", "ratio"):
        return as_text(value)
    try:
        return float(value)
    except ValueError:
        return None


def _order(method: Method, asked: Asked) -> Any:
    """Readers as the flow names them: agents first, then perspectives."""
    agents = method.agent_names(asked.step)
    lenses = [method.shown(one.name, one.hash) for one in method.perspectives(asked.step)]

    def key(reader: Reader) -> tuple[int, int, str]:
        agent = agents.index(reader.agent) if reader.agent in agents else len(agents)
        lens = reader.setting.split(" · ")[0]
        return agent, lenses.index(lens) if lens in lenses else -1, reader.setting

    return key
