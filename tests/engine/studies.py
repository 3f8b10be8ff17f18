"""Small studies for the tests of the engine: a real store in a folder, real calls to a mock on this machine."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from buttermilk.core.contracts import Secret, Store
from buttermilk.core.flows import (
    Agent,
    Codebook,
    Flow,
    LabelDefinition,
    Limits,
    Perspective,
    Price,
    Prompt,
    Question,
    Section,
    Step,
)
from buttermilk.core.jobs import Budget, Run
from buttermilk.core.records import Dataset, DatasetSpec, Part, Record
from buttermilk.engine.progress import Progress
from buttermilk.engine.run import Engine
from buttermilk.models.openai import OpenAIChat
from buttermilk.stores.sqlite import SqliteStore

KEY = "sk-planted-0123456789-nobody-may-see-this"
HARM = Question(name="harm", ask="Does it harm?", labels=(LabelDefinition(name="yes"), LabelDefinition(name="no")))
REASON = Question(name="reason", ask="Why?", level="text")
CODEBOOK = Codebook(name="harm", questions=(REASON, HARM))
JUDGE = Prompt(
    name="judge",
    sections=(
        Section(
            role="system",
            template="Judge by these criteria.{% if perspective is defined %} {{ perspective.text }}{% endif %}",
        ),
        Section(role="user", template="{{ record.text }}"),
    ),
)
SYNTHESIS = Prompt(
    name="synthesise",
    sections=(Section(role="user", template="{{ record.text }} had {{ answers | length }} answers."),),
)
PRICE = Price(input=1000.0, output=2000.0, source="a test", dated="2026-11-22")  # a token of input costs 0.001

PlugFor = Callable[[Agent], Any]


def agent(base_url: str, name: str = "gpt", **more: Any) -> Agent:
    """`agent(mock.url, concurrency=4, price=PRICE)`: limits by their names beside the agent's own fields."""
    limits = {name: more.pop(name) for name in list(more) if name in Limits.model_fields}
    return Agent(
        name=name,
        type="openai",
        model="gpt-4o-mini",
        base_url=base_url,
        provider="mock",  # the mock's port moves from start to start: it is no part of who answers
        key="secret://env/KEY",
        limits=Limits(**limits),
        **more,
    )


def step(*agents: Agent, name: str = "judge", **more: Any) -> Step:
    return Step(name=name, agents=agents, prompts=(JUDGE,), codebook=CODEBOOK, **more)


def synthesis(*agents: Agent, **more: Any) -> Step:
    """A step that reads the judges."""
    reads, prompts = {"answers": "judge"}, (SYNTHESIS,)
    return Step(name="synthesis", agents=agents, prompts=prompts, codebook=CODEBOOK, reads=reads, **more)


def perspectives(*names: str) -> tuple[Perspective, ...]:
    return tuple(Perspective(name=name, text=f"1. Read for {name}.") for name in names)


def flow(*steps: Step, **more: Any) -> Flow:
    return Flow(name="study", steps=steps, **more)


def records(count: int) -> list[Record]:
    """The marker in the text alone decides what the mock answers about it."""
    made = [(f"r{number}", f"[record:r{number}] Verse number {number}.") for number in range(count)]
    return [Record(record_id=name, parts=(Part(text=text),)) for name, text in made]


class Study:
    """One store, one dataset: `await study.run(flow)` asks what remains, under the same name each time."""

    def __init__(self, store: Store, found: Iterable[Record]) -> None:
        self.store = store
        spec = DatasetSpec(name="verse", type="jsonl", path="verse.jsonl")
        known = store.dataset("verse")
        self.dataset: Dataset = known or store.keep_dataset("verse", spec, found)
        self.engine: Engine

    def prepare(self, asked: Flow, name: str = "run-1", budget: Budget | None = None, **more: Any) -> Engine:
        """The engine for a run that begins, or goes on if there is one of this name."""
        run = self.store.run(name)
        if run is None:
            run = Run(
                run_id=name,
                spec_hash=asked.hash,
                flow=asked.name,
                flow_hash=asked.hash,
                dataset="verse",
                dataset_fingerprint=self.dataset.fingerprint,
                method=(asked,),
                user="ana",
                machine="desk",
                started_at=datetime.now(UTC),
            )
            self.store.begin(run)
        run = run.model_copy(update={"method": (asked,), "budget": budget or Budget()})
        self.engine = Engine(self.store, run, self.dataset, more.pop("plug_for", self.plug_for), **more)
        return self.engine

    def plug_for(self, asked: Agent) -> OpenAIChat:
        return OpenAIChat(asked, keys, blobs)

    async def run(self, asked: Flow, name: str = "run-1", budget: Budget | None = None, **more: Any) -> Progress:
        return await self.prepare(asked, name, budget, **more).go()

    def rows(self, name: str = "run-1", step: str | None = None) -> list[dict[str, Any]]:
        return list(self.store.results(name, step))

    def attempts(self, name: str = "run-1") -> list[Any]:
        """Every attempt of every job of a run."""
        return [one for row in self.rows(name) for one in self.store.attempts(row["job_id"])]

    def events(self, kind: str, name: str = "run-1") -> list[Mapping[str, Any]]:
        return [event.fields for event in self.store.events(name) if event.kind == kind]


def keys(reference: str) -> Secret:
    return Secret(KEY, reference)


def blobs(sha256: str) -> bytes:
    raise AssertionError(f"nobody needs blob {sha256} here")


@contextmanager
def study(folder: Path, count: int = 10) -> Iterator[Study]:
    with closing(SqliteStore(folder / "jobs.db")) as store:
        yield Study(store, records(count))
