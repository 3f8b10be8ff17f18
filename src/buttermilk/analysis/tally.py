"""One pass over a run's results: everything the report says is counted here, and no row is kept. What is held grows
with records and readers, not with answers: equal tuples of votes are one object."""

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from operator import itemgetter
from typing import Any, NamedTuple

from buttermilk.analysis.frame import Labels, as_number, as_text, expected_of, human_labels
from buttermilk.analysis.method import Facets, Method
from buttermilk.analysis.statistics.estimate import Label, Votes
from buttermilk.analysis.subwaves import wave_of
from buttermilk.core.contracts import Store
from buttermilk.core.flows import Codebook, Question, said_by_path
from buttermilk.core.hashing import fingerprint
from buttermilk.core.jobs import Run
from buttermilk.core.questions import IN_WORDS, UNSAID
from buttermilk.core.values import is_number

MOST_MISSING = 15
CONFIDENCE = "confidence"  # the question by whose answer a model says itself how sure it is
SHORT = 200  # characters of a passage that can be read in a table


class Reader(NamedTuple):
    """Who answered under what: `Reader("gpt", "tja")`; the setting is empty for a tool, which takes no perspective."""

    agent: str
    setting: str


@dataclass
class Came:
    """What came back from one agent in one step, and what it took: `spent` in tokens and seconds (`unpriced` counts
    jobs whose price nobody knows), `cost` by currency."""

    statuses: Counter[str] = field(default_factory=Counter)
    parses: Counter[str] = field(default_factory=Counter)
    spent: Counter[str] = field(default_factory=Counter)
    cost: Counter[str] = field(default_factory=Counter)
    quotes: Counter[str] = field(default_factory=Counter)
    cited: Counter[str] = field(default_factory=Counter)

    @property
    def jobs(self) -> int:
        return self.statuses.total()


@dataclass
class Asked:
    """One question of one step in one arm, with all that was answered: `votes[record_id][reader]` is a tuple of labels.
    Arms are kept apart as steps are: who was shown earlier answers never votes beside those who were not. `expected`
    holds what people said of the same records: `expected[record_id]["ana"]`, and `settled` what somebody decided where
    they had disagreed. `lens` is the perspective whose criterion it asks about, where no other has the same. `sure` and
    `stated` hold, of labelled records, how sure a reader was: the logarithm of its tokens' probability, and what it
    said itself (to a question `confidence` beside this one that has a maximum, of which it is a share)."""

    step: str
    question: Question
    codebook: str
    lens: str = ""
    arm: str = "control"
    facets: dict[Reader, Facets] = field(default_factory=dict)
    votes: dict[str, dict[Reader, Votes]] = field(default_factory=dict)
    counts: dict[Reader, Counter[Label]] = field(default_factory=lambda: defaultdict(Counter))
    unanswered: Counter[Reader] = field(default_factory=Counter)
    expected: dict[str, dict[str, Label]] = field(default_factory=dict)
    settled: dict[str, Label] = field(default_factory=dict)
    sure: dict[str, dict[Reader, tuple[float, ...]]] = field(default_factory=dict)
    stated: dict[str, dict[Reader, tuple[float, ...]]] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """`sentiment`, `criteria.c1.verdict (house_style)`, `sentiment (arm priors)`"""
        of = [self.lens] if self.lens else []
        of += [f"arm {self.arm}"] if self.arm not in ("control", "synthesis") else []
        return f"{self.question.name} ({', '.join(of)})" if of else self.question.name

    @cached_property
    def in_words(self) -> bool:
        return self.question.level in IN_WORDS

    @cached_property
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
        given |= {label for coders in self.expected.values() for label in coders.values()} | {*self.settled.values()}
        known: list[Label] = list(self.question.label_names)
        others = sorted((label for label in given if label is not None and label not in known), key=str)
        return known + others + ([None] if None in given else [])

    def first_coder(self, record_id: str) -> Label:
        """The reference label: what was settled, else what every coder said; None where nobody labelled the record, and
        while two coders disagree."""
        if record_id in self.settled:
            return self.settled[record_id]
        said = set(self.expected.get(record_id, {}).values())
        return said.pop() if len(said) == 1 else None

    @property
    def unsettled(self) -> list[str]:
        """Records of which two coders say different things, and nobody has settled it."""
        return [
            one for one, coders in self.expected.items() if len(set(coders.values())) > 1 and one not in self.settled
        ]


@dataclass
class Tally:
    """All counts of a run; `by` step and agent, in the order of the flow. `missing` holds the first short passages that
    are not in their record: record, agent, question, words; `dated` when an agent's model first and last answered;
    `unhonoured` how often an agent's provider did not take the seed that was sent."""

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
    dated: dict[tuple[str, str], tuple[str, str]] = field(default_factory=dict)
    unhonoured: Counter[str] = field(default_factory=Counter)
    prices: set[str] = field(default_factory=set)
    asked: dict[tuple[str, str, str, str], Asked] = field(default_factory=dict)
    missing: dict[tuple[str, str, str, str], None] = field(default_factory=dict)
    hashes: dict[str, str] = field(default_factory=dict)
    first_at: str = ""
    last_at: str = ""
    apart: set[str] = field(default_factory=set)  # sub-waves

    @property
    def each(self) -> list[tuple[str, str, Came]]:
        """Step, agent as it is shown, and what came of it."""
        return [(step, self.name(agent), came) for (step, agent), came in self.by.items()]

    @cached_property
    def whole(self) -> Came:
        """Over all steps and agents."""
        total = Came()
        for came in self.by.values():
            for kind in ("statuses", "parses", "spent", "cost", "quotes", "cited"):
                getattr(total, kind).update(getattr(came, kind))
        return total

    def name(self, agent: str) -> str:
        """As it is shown wherever it is named: whoever reads a table sees which answers no model gave."""
        return f"{agent} (simulated)" if agent in self.simulated else agent


class Seat(NamedTuple):
    """What all rows of a cell share, worked out once: who answers, and where each answer is counted."""

    step: str
    agent: str
    reader: Reader
    codebook: Codebook
    asked: tuple[tuple[str, Asked], ...]


def tally(store: Store, run: Run, wave: str = "") -> Tally:
    """Count a run. Streams `Store.counted` once. Where another model's answers are a sub-wave, who gave them is another
    reader, `gpt in wave 2026-12.b`; with `wave`, that (sub-)wave alone is counted, and its readers have their names."""
    method, labels, belongs = Method(run), human_labels(store, run), wave_of(store, run)
    whole = Tally(method, labels)
    books = _books(whole)
    shared: dict[Votes, Votes] = {}
    seats: dict[tuple[str, str], Seat] = {}
    sums: dict[tuple[Any, ...], Sums] = defaultdict(Sums)
    for row in store.counted(run.run_id):
        given_in = belongs(row)
        if given_in != (wave or given_in):
            continue
        at = (row["cell"], given_in)
        seat = seats.get(at) or seats.setdefault(at, _seat(whole, books, row, given_in, wave))
        said = said_by_path(seat.codebook, row["answers"])
        whole.hashes[row["record_id"]] = row["record_hash"]
        sums[given_in, *alike(row)].add(row)
        for drop in row["drops"]:
            whole.drops[row["step"], seat.agent, drop] += 1
        if row["quotes"]:
            _quotes(whole, row, seat.agent, seat.codebook, said)
        for name, asked in seat.asked:
            # An answer that leaves a question out is no null: it is unparsed to that question.
            answer = said.get(name, UNSAID) if row["status"] == "answered" else UNSAID
            _vote(asked, row["record_id"], answer, seat.reader, shared)
            if row["record_id"] in labels and answer is not UNSAID:
                _sure(asked, row, seat.reader, seat.codebook, said)
    for (given_in, *key), sum_ in sums.items():
        seat = seats[key[0], given_in]
        _count(whole, seat.step, seat.agent, dict(zip(ALIKE, key, strict=True)), sum_)
    whole.records = sum(len(refs) for refs in store.refs(run.dataset_fingerprint))
    return _in_order(whole)


def _in_order(whole: Tally) -> Tally:
    """As the flow names them, in whatever order they came; and beside each question what people said to it."""
    method = whole.method
    order = [(step, agent) for step in method.steps for agent in method.agent_names(step)]
    whole.by = {at: whole.by[at] for at in dict.fromkeys([*order, *whole.by]) if at in whole.by}
    whole.asked = {key: asked for key, asked in whole.asked.items() if asked.counts}
    names = Counter((one.step, one.codebook, one.question.name, one.arm) for one in whole.asked.values())
    for asked in whole.asked.values():
        # No label says which perspective's first criterion it is about.
        unclear = names[asked.step, asked.codebook, asked.question.name, asked.arm] > 1
        readers = sorted(asked.counts, key=_order(method, asked))
        asked.counts = {reader: asked.counts[reader] for reader in readers}
        if not (asked.in_words or unclear):
            asked.expected, asked.settled = expected_of(asked.question, whole.labels)
    return whole


def _seat(whole: Tally, books: "Books", row: Mapping[str, Any], given_in: str, wave: str) -> Seat:
    method = whole.method
    codebook = method.codebook(row["step"], row["codebook_hash"])
    agent = method.shown(row["agent"], row["agent_hash"])
    if given_in != row["wave"]:
        whole.apart.add(given_in)
        agent = agent if wave else f"{agent} in wave {given_in}"
    reader = Reader(agent, method.setting(row))
    key = (row["step"], codebook.hash, row["arm"])
    if key not in books:  # an arm beside the step's own is opened with its first answer
        _open_books(whole, books, row["step"], row["arm"])
    asked = tuple(books[key].items())
    for _, one in asked:
        one.facets.setdefault(reader, method.facets(row))
    return Seat(row["step"], agent, reader, codebook, asked)


Books = dict[tuple[str, str, str], dict[str, Asked]]
"""By step, the codebook as it was asked, and arm: leaf -> where it is counted."""


def _books(whole: Tally) -> Books:
    """What several perspectives ask alike is counted together."""
    books: Books = {}
    for step, versions in whole.method.steps.items():
        for arm in dict.fromkeys(item.arm for item in versions):
            _open_books(whole, books, step, arm)
    return books


def _open_books(whole: Tally, books: Books, step: str, arm: str) -> None:
    for base, book, lens in whole.method.asked(step):
        counted = books.setdefault((step, book.hash, arm), {})
        for leaf in book.leaves:
            of = "" if leaf in base.leaves else lens
            fresh = Asked(step, leaf, f"{base.name}@{base.version}", of, arm)
            asked = whole.asked.setdefault((step, base.hash, fingerprint(leaf.identity), arm), fresh)
            asked.lens = of if asked.lens == of else ""
            counted.setdefault(leaf.name, asked)


ALIKE = (
    "cell", "status", "parse", "error_kind", "currency", "price_version", "model_returned", "simulated", "partial",
    "seed_honoured",
)  # fmt: skip
alike = itemgetter(*ALIKE)


@dataclass
class Sums:
    """Of jobs that are alike in all of `ALIKE`; a million jobs have a few dozen of these."""

    jobs: int = 0
    read: int = 0
    written: int = 0
    seconds: float = 0.0
    cost: float = 0.0
    unpriced: int = 0
    first_at: str = ""
    last_at: str = ""

    def add(self, row: Mapping[str, Any]) -> None:
        self.jobs += 1
        self.read += row["input_tokens"]
        self.written += row["output_tokens"]
        self.seconds += row["seconds"] or 0.0
        if row["cost"] is None:
            self.unpriced += 1
        else:
            self.cost += row["cost"]
        if row["started_at"] < self.first_at or not self.first_at:
            self.first_at = row["started_at"]
        if row["ended_at"] > self.last_at:
            self.last_at = row["ended_at"]


def _count(whole: Tally, step: str, agent: str, of: Mapping[str, Any], sums: Sums) -> None:
    came, n = whole.by[step, agent], sums.jobs
    whole.jobs += n
    came.statuses[of["status"]] += n
    came.spent.update(input_tokens=sums.read, output_tokens=sums.written, unpriced=sums.unpriced)
    came.spent["seconds"] += sums.seconds  # type: ignore[assignment]
    if sums.unpriced < n:
        came.cost[of["currency"]] += sums.cost  # type: ignore[assignment]
    if of["status"] == "answered":
        _answered(whole, came, agent, of, sums)
    if of["error_kind"]:
        whole.errors[step, agent, of["error_kind"]] += n
    if of["partial"]:
        whole.partial[step] += n
    if of["model_returned"]:
        whole.returned[agent][of["model_returned"]] += n
    if of["price_version"]:
        whole.prices.add(of["price_version"])
    whole.first_at = min(whole.first_at or sums.first_at, sums.first_at)
    whole.last_at = max(whole.last_at, sums.last_at)


def _answered(whole: Tally, came: Came, agent: str, of: Mapping[str, Any], sums: Sums) -> None:
    whole.answered += sums.jobs
    came.parses[of["parse"]] += sums.jobs
    if of["simulated"]:
        whole.simulated[agent] += sums.jobs
    if of["seed_honoured"] in (0, False):
        whole.unhonoured[agent] += sums.jobs
    model = (agent, of["model_returned"])
    first, last = whole.dated.get(model) or (sums.first_at, sums.last_at)
    whole.dated[model] = (min(first, sums.first_at), max(last, sums.last_at))


def _quotes(whole: Tally, row: Mapping[str, Any], agent: str, codebook: Codebook, said: Mapping[str, Any]) -> None:
    came, cited = whole.by[row["step"], agent], codebook.cited(row["answers"])
    for path, verdict in row["quotes"].items():
        if path in cited:
            came.cited[verdict] += 1
            continue
        came.quotes[verdict] += 1
        found = (row["record_id"], agent, path, said[path])
        if verdict == "missing" and len(said[path]) <= SHORT and len(whole.missing) < MOST_MISSING:
            whole.missing.setdefault(found)


def _vote(asked: Asked, record_id: str, answer: Any, reader: Reader, shared: dict[Votes, Votes]) -> None:
    counts = asked.counts[reader]
    if answer is UNSAID:
        asked.unanswered[reader] += 1
        return
    if asked.in_words:
        counts["answered" if answer is not None else None] += 1
        return
    label: Label = as_number(asked.question, answer) if asked.measured else as_text(answer)
    counts[label] += 1
    votes = asked.votes.setdefault(record_id, {})
    grown = (*votes.get(reader, ()), label)
    votes[reader] = shared.setdefault(grown, grown)


def _sure(asked: Asked, row: Mapping[str, Any], reader: Reader, codebook: Codebook, said: Mapping[str, Any]) -> None:
    name, stated = asked.question.name, said.get(CONFIDENCE)
    most = next((leaf.maximum for leaf in codebook.leaves if leaf.name == CONFIDENCE), None)
    named = stated / most if is_number(stated) and most else None
    for kept, number in ((asked.sure, row["logprobs"].get(name)), (asked.stated, named)):
        if number is not None and name != CONFIDENCE:
            by = kept.setdefault(row["record_id"], {})
            by[reader] = (*by.get(reader, ()), number)


def _order(method: Method, asked: Asked) -> Any:
    """Readers as the flow names them: agents first, then perspectives."""
    agents = method.agent_names(asked.step)
    lenses = [method.shown(one.name, one.hash) for one in method.perspectives(asked.step)]

    def key(reader: Reader) -> tuple[int, int, str]:
        agent = agents.index(reader.agent) if reader.agent in agents else len(agents)
        lens = reader.setting.split(" · ")[0]
        return agent, lenses.index(lens) if lens in lenses else -1, reader.setting

    return key
