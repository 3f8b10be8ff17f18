"""Small whole studies for the tests of plan and resume: a flow, its records, and an engine that counts who is asked."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from asking import blobs, keys
from buttermilk.core.contracts import Store
from buttermilk.core.flows import Agent, Flow, Limits, Perspective, Prompt, Section, Step
from buttermilk.core.jobs import Job, Result
from buttermilk.core.messages import Output, Reply, Request
from buttermilk.core.records import Dataset, DatasetSpec, Record, RecordRef
from buttermilk.engine.lane import is_settled
from buttermilk.engine.plan import Planned, cells, ordered, plan, readings
from buttermilk.engine.progress import Progress
from buttermilk.engine.run import Engine, Stop
from buttermilk.plugins import find
from buttermilk.stores.sqlite import SqliteStore
from keeping import CODEBOOK, run

RULES = [{"label": "glad", "when": {"glad": "> 0"}}, {"label": "sad"}]
LEXICON = {"lists": {"glad": ["line*", "joy*"]}, "answers": {"tone": RULES}}
SPEC = DatasetSpec(name="verse", type="csv", path="data/verse.csv", policy={"poet": "send"})


def reader(name: str = "ann", **parameters: Any) -> Agent:
    return Agent(name=name, type="simulated", model=f"model-{name}", parameters=parameters)


def lexicon() -> Agent:
    return Agent(name="lexicon", type="wordlist", role="tool", parameters=LEXICON, deterministic=True)


def criteria(name: str = "tja", text: str = "") -> Perspective:
    return Perspective(name=name, text=text or f"1. Read for {name}.")


def prompt(name: str = "judge", text: str = "{{ record.text }}") -> Prompt:
    return Prompt(name=name, sections=(Section(role="user", template=text),))


def judge(**more: Any) -> Step:
    given: dict[str, Any] = {
        "name": "judge", "agents": (reader(),), "prompts": (prompt(),), "perspectives": (criteria(),),
        "codebook": CODEBOOK,
    }  # fmt: skip
    return Step(**given | more)


def synthesis(**more: Any) -> Step:
    text = "{% for one in answers %}{{ one.values }}{% endfor %} {{ record.text }}"
    given: dict[str, Any] = {
        "name": "synthesis", "agents": (reader("eve"),), "prompts": (prompt("synthesise", text),),
        "codebook": CODEBOOK, "reads": {"answers": "judge"},
    }  # fmt: skip
    return Step(**given | more)


def flow(*steps: Step, **more: Any) -> Flow:
    return Flow(name="verse", steps=steps or (judge(),), **more)


def slots(one: Flow, count: int) -> Flow:
    """The same flow with so many slots."""

    def limited(agent: Agent) -> Agent:
        return agent.model_copy(update={"limits": Limits(concurrency=count, start=count, attempts=3)})

    steps = [step.model_copy(update={"agents": tuple(map(limited, step.agents))}) for step in one.steps]
    return one.model_copy(update={"steps": tuple(steps)})


def refs_of(records: Iterable[Record], spec: DatasetSpec = SPEC) -> list[RecordRef]:
    return [RecordRef(one.record_id, one.record_hash, one.seen_hash(spec.sent)) for one in records]


def keep(store: Store, records: Sequence[Record], spec: DatasetSpec = SPEC) -> Dataset:
    return store.keep_dataset("".join(one.record_hash for one in records) + str(spec.sent), spec, records)


@dataclass
class Asked:
    """Who was asked, how often, and when to stop: the run is drained by the question number `stop_after`."""

    stop_after: int | None = None
    jobs: Counter[str] = field(default_factory=Counter)
    stop: Stop = field(default_factory=Stop)
    dead: bool = False

    def note(self, job: Job) -> None:
        self.jobs[job.job_id] += 1
        if self.stop_after is not None and self.jobs.total() >= self.stop_after:
            self.stop.drain("the test stops it")


class Counted:
    """A plug of ours, with every first question about a job counted."""

    simulated = True
    local = True

    def __init__(self, agent: Agent, asked: Asked) -> None:
        self.asked = asked
        tool = agent.role == "tool"
        plug = find("tools" if tool else "models", agent.type)
        self.plug = plug(agent, keys) if tool else plug(agent, keys, blobs)
        self.endpoint = self.plug.endpoint

    async def complete(self, request: Request) -> Reply:
        if len(request.messages) == 1:
            self.asked.note(request.job)
        reply: Reply = await self.plug.complete(request)
        return reply

    async def call(self, job: Job) -> Output:
        self.asked.note(job)
        output: Output = await self.plug.call(job)
        return output

    async def close(self) -> None:
        await self.plug.close()


async def ask(store: SqliteStore, method: Flow, records: Sequence[Record], asked: Asked, **more: Any) -> Progress:
    """What `buttermilk run` does once the study is open; the run goes on under its name."""
    dataset, run_id = keep(store, records, more.pop("spec", SPEC)), more.pop("run_id", "r1")
    if store.run(run_id) is None:
        store.begin(run(run_id, flow=method.name))
    now = run(run_id, flow=method.name, method=(method,))
    engine = Engine(store, now, dataset, lambda agent: Counted(agent, asked), stop=asked.stop, **more)
    return await engine.go()


def planned(store: Store, method: Flow, records: Sequence[Record], run_id: str = "r1") -> list[Planned]:
    """Every job of the flow as the store stands now."""
    refs, found = refs_of(records), []
    for step in ordered(method):
        for cell in cells(method, step, sorted(SPEC.sent)):
            inputs = readings(store, run_id, cell, refs) if step.reads else None
            found += list(plan([cell], refs, inputs))
    return found


def remaining(store: Store, method: Flow, records: Sequence[Record], run_id: str = "r1") -> list[Planned]:
    """Planned minus stored."""
    jobs = planned(store, method, records, run_id)
    stored = store.done([job.job_id for job in jobs])
    return [job for job in jobs if not is_settled(stored.get(job.job_id), method.name, ())]


def answers_of(store: Store, run_id: str = "r1") -> dict[str, tuple[str, str]]:
    """job id -> status and answers, of the attempt that counts."""
    return {row["job_id"]: (row["status"], repr(row["answers"])) for row in store.results(run_id)}


def attempts_of(store: Store, run_id: str = "r1") -> list[Result]:
    return [one for row in store.results(run_id) for one in store.attempts(row["job_id"])]


def opened(folder: Path) -> SqliteStore:
    return SqliteStore(folder / "jobs.db")
