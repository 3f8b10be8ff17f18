"""One pass over a run's results: everything the report says is counted here, and no row is kept.

What is held grows with records and readers, not with answers: the votes of one reader on one record are one small
tuple, and equal tuples are one object.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

from buttermilk.analysis.frame import Labels, Reading, as_text, human_labels, read
from buttermilk.analysis.method import Method
from buttermilk.analysis.statistics.estimate import Label, Votes
from buttermilk.core.contracts import Store
from buttermilk.core.flows import Question, said_by_path
from buttermilk.core.hashing import fingerprint
from buttermilk.core.jobs import Run
from buttermilk.core.questions import UNSAID

MOST_MISSING = 15
SHORT = 200  # characters of a passage that can be read in a table


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
    quotes: Counter[str] = field(default_factory=Counter)

    @property
    def jobs(self) -> int:
        return self.statuses.total()


@dataclass
class Asked:
    """One question of one step, with all that was answered: `votes[record_id][reader]` is a tuple of labels.

    `expected` holds what people said of the same records: `expected[record_id]["ana"]`. `lens` is the perspective
    whose criterion it asks about, where no other has the same.
    """

    step: str
    question: Question
    codebook: str
    lens: str = ""
    votes: dict[str, dict[Reader, Votes]] = field(default_factory=dict)
    counts: dict[Reader, Counter[Label]] = field(default_factory=dict)
    unanswered: Counter[Reader] = field(default_factory=Counter)
    expected: dict[str, dict[str, Label]] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """`sentiment`, `criteria.c1.verdict (house_style)`"""
        return f"{self.question.name} ({self.lens})" if self.lens else self.question.name

    @property
    def in_words(self) -> bool:
        return self.question.level in ("text", "quote")

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
    """All counts of a run; `by` step and agent, in the order of the flow. `missing` holds the first short passages that
    are not in their record: record, agent, question, words."""

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
    missing: dict[tuple[str, str, str, str], None] = field(default_factory=dict)
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
            for kind in ("statuses", "parses", "spent", "cost", "quotes"):
                getattr(total, kind).update(getattr(came, kind))
        return total

    def name(self, agent: str) -> str:
        """As it is shown wherever it is named: whoever reads a table sees which answers no model gave."""
        return f"{agent} (simulated)" if agent in self.simulated else agent


def tally(store: Store, run: Run) -> Tally:
    """Count a run. Streams `Store.results` once."""
    method, labels = Method(run), human_labels(store, run)
    whole = Tally(method, labels)
    books = _books(whole)
    shared: dict[Votes, Votes] = {}
    for row in store.results(run.run_id):
        codebook = method.codebook(row["step"], row["codebook_hash"])
        agent = method.shown(row["agent"], row["agent_hash"])
        reader = Reader(agent, method.setting(row))
        said = said_by_path(codebook, row["answers"])
        _count(whole, row, agent)
        _quotes(whole, row, agent, said)
        for name, asked in books[row["step"], codebook.hash].items():
            reading = read(asked.question, row["status"], said.get(name, UNSAID))
            _vote(asked, row["record_id"], reading, reader, shared)
    whole.records = sum(len(refs) for refs in store.refs(run.dataset_fingerprint))
    order = [(step, agent) for step in method.steps for agent in method.agent_names(step)]
    whole.by = {at: whole.by[at] for at in dict.fromkeys([*order, *whole.by]) if at in whole.by}
    whole.asked = {key: asked for key, asked in whole.asked.items() if asked.counts}
    names = Counter((asked.step, asked.codebook, asked.question.name) for asked in whole.asked.values())
    for asked in whole.asked.values():
        # No label says which perspective's first criterion it is about.
        unclear = names[asked.step, asked.codebook, asked.question.name] > 1
        readers = sorted(asked.counts, key=_order(method, asked))
        asked.counts = {reader: asked.counts[reader] for reader in readers}
        asked.expected = {} if asked.in_words or unclear else _expected(asked.question, labels)
    return whole


def _books(whole: Tally) -> dict[tuple[str, str], dict[str, Asked]]:
    """By step and the codebook as it was asked: leaf -> where it is counted. What several perspectives ask alike is
    counted together."""
    books: dict[tuple[str, str], dict[str, Asked]] = {}
    for step in whole.method.steps:
        for base, book, lens in whole.method.asked(step):
            counted = books.setdefault((step, book.hash), {})
            for leaf in book.leaves:
                of = "" if leaf in base.leaves else lens
                fresh = Asked(step, leaf, f"{base.name}@{base.version}", of)
                asked = whole.asked.setdefault((step, base.hash, fingerprint(leaf.identity)), fresh)
                asked.lens = of if asked.lens == of else ""
                counted.setdefault(leaf.name, asked)
    return books


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


def _quotes(whole: Tally, row: Mapping[str, Any], agent: str, said: Mapping[str, Any]) -> None:
    for path, verdict in row["quotes"].items():
        whole.by[row["step"], agent].quotes[verdict] += 1
        found = (row["record_id"], agent, path, said[path])
        if verdict == "missing" and len(said[path]) <= SHORT and len(whole.missing) < MOST_MISSING:
            whole.missing.setdefault(found)


def _vote(asked: Asked, record_id: str, reading: Reading, reader: Reader, shared: dict[Votes, Votes]) -> None:
    if reader not in asked.counts:
        asked.counts[reader] = Counter()
    counts = asked.counts[reader]
    if reading.status != "answered":
        asked.unanswered[reader] += 1
        return
    if asked.in_words:
        counts["answered" if reading.label is not None else None] += 1
        return
    label: Label = reading.value if asked.measured else reading.label
    counts[label] += 1
    votes = asked.votes.setdefault(record_id, {})
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
