"""A study for the analysis to read: a store in memory, and a panel of readers who judge made-up verses.

Nothing here is asked of any model. Every answer is drawn from a seed and the ids, so the study is the same every time.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from buttermilk.core.flows import (
    Agent,
    Codebook,
    Flow,
    LabelDefinition,
    Perspective,
    Prompt,
    Question,
    Section,
    Step,
)
from buttermilk.core.jobs import Budget, Run
from buttermilk.core.records import Dataset, HumanLabel, Part, Record, RecordRef

START = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
LABELS = ("negative", "no_impact", "positive", "mixed")


class MemoryStore:
    """What the analysis reads of a store, kept in lists."""

    def __init__(self, run: Run, records: Sequence[Record], rows: Sequence[dict[str, Any]]) -> None:
        self._run, self._rows = run, list(rows)
        self._records = {record.record_hash: record for record in records}
        self.filed: list[Any] = []

    def run(self, run_id: str) -> Run | None:
        return self._run if run_id == self._run.run_id else None

    def runs(self) -> list[Run]:
        return [self._run]

    def results(self, run_id: str, step: str | None = None, arm: str | None = None) -> Iterator[dict[str, Any]]:
        """Ordered by content, as the door promises, whatever the order of arrival."""
        keys = ("step", "record_id", "agent", "perspective", "variant", "repeat", "job_id")
        for row in sorted(self._rows, key=lambda row: tuple(row[key] for key in keys)):
            if row["run_id"] == run_id and step in (None, row["step"]) and arm in (None, row["arm"]):
                yield dict(row)

    def counted(self, run_id: str) -> Iterator[dict[str, Any]]:
        """Another order than that of `results`, as the door allows."""
        keys = ("record_id", "step", "agent", "perspective", "variant", "repeat", "job_id")
        shared = ("step", "agent_hash", "perspective_hash", "prompt_hash", "variant", "codebook_hash", "arm", "wave")
        for row in sorted(self.results(run_id), key=lambda row: tuple(row[key] for key in keys)):
            yield row | {"cell": " ".join([row["agent"], *(row[name] for name in shared)])}

    def dataset(self, source_fingerprint: str) -> Dataset | None:
        return None

    def papers(self, kind: type[Any], about: str) -> list[Any]:
        return [paper for paper in self.filed if type(paper) is kind and paper.about == about]

    def refs(self, dataset: str) -> Iterator[list[RecordRef]]:
        refs = [
            RecordRef(record_id=record.record_id, record_hash=key, seen_hash=record.content_hash)
            for key, record in self._records.items()
        ]
        for start in range(0, len(refs), 300):
            yield refs[start : start + 300]

    def records(self, record_hashes: Sequence[str]) -> dict[str, Record]:
        return {key: self._records[key] for key in record_hashes if key in self._records}


def question(name: str = "sentiment", level: str = "nominal", labels: Sequence[str] = LABELS, **more: Any) -> Question:
    given = tuple(LabelDefinition(name=label, definition=f"the verse leaves a feeling: {label}") for label in labels)
    ask = more.pop("ask", "What feeling does the verse, taken by itself, leave with its reader?")
    return Question(name=name, ask=ask, level=level, labels=given, **more)  # type: ignore[arg-type]


CODEBOOK = Codebook(
    name="sentiment",
    title="Sentiment of a verse",
    author="A. Scholar",
    licence="CC0-1.0",
    questions=(
        question("reason", "text", (), optional=True, ask="Which words decide your answer?"),
        question(),
    ),
)
PERSPECTIVES = tuple(
    Perspective(
        name=name,
        text=f"1. Read for {title.lower()}.",
        title=title,
        author="B. Critic",
        source="https://example.org/" + name,
        licence="CC-BY-4.0",
        version="1",
    )
    for name, title in (("sound_and_image", "Sound and image"), ("speaker_and_stance", "Speaker and stance"))
)
JUDGE = Prompt(name="judge", sections=(Section(role="user", template="{{ record.text }}"),))
SYNTHESISE = Prompt(name="synthesise", sections=(Section(role="user", template="{{ answers }}"),))
VADER = Agent(name="vader", type="vader", role="tool", deterministic=True)
READER_A = Agent(
    name="reader_a", type="simulated", model="simulated-1", parameters={"accuracy": 0.82, "bias": {"no_impact": 2}}
)
READER_B = Agent(name="reader_b", type="simulated", model="simulated-1", parameters={"accuracy": 0.68})
GPT = Agent(name="gpt", type="openai", model="gpt-5-mini", parameters={"max_completion_tokens": 2000})


def verse_flow(agents: Sequence[Agent] = (VADER, READER_A, READER_B, GPT), repeats: int = 3, **more: Any) -> Flow:
    judge = Step(
        name="judge",
        agents=tuple(agents),
        prompts=(JUDGE,),
        perspectives=PERSPECTIVES,
        codebook=CODEBOOK,
        repeats=repeats,
    )
    synthesis = Step(
        name="synthesis",
        agents=(READER_A,),
        prompts=(SYNTHESISE,),
        codebook=CODEBOOK,
        after=("judge",),
        reads={"answers": "judge"},
    )
    return Flow(name="demo", title="What feeling does a verse leave with its reader?", steps=(judge, synthesis), **more)


def run_of(flow: Flow, **more: Any) -> Run:
    given: dict[str, Any] = {
        "run_id": "verse-1",
        "spec_hash": "5" * 32,
        "flow": flow.name,
        "flow_hash": flow.hash,
        "title": flow.title,
        "dataset": "verse",
        "dataset_fingerprint": "d" * 32,
        "method": (flow,),
        "config": {
            "data": {"source": "A. Scholar (2020), https://example.org/verse", "licence": "CC-BY-4.0"},
            "store": {"path": "ana/secret-folder/jobs.db"},
        },
        "git": {"commit": "0123456789abcdef0123456789abcdef01234567", "dirty": True},
        "versions": {"buttermilk": "0.1.0", "python": "3.11.7"},
        "user": "ana",
        "machine": "anas-laptop",
        "budget": Budget(money=1.0),
        "state": "finished",
        "started_at": START,
    }
    return Run(**(given | more))


SUBJECTS = ("the lamp", "a swallow", "her brother", "the river", "an old bell", "the orchard", "no one", "the frost")
VERBS = ("remembers", "forgets", "burns beside", "sings above", "comes home to", "lies under", "waits for", "mourns")
OBJECTS = (
    "the broken field",
    "the morning",
    "a stranger's door",
    "the drowned",
    "all our gladness",
    "the winter wheat",
)


def verses(count: int, labelled: float = 1.0) -> list[Record]:
    """`v007: her brother burns beside the winter wheat, and all the room is glad`, with a label by `ana`."""
    found = []
    for number in range(count):
        draw = Random(number)
        text = f"{draw.choice(SUBJECTS)} {draw.choice(VERBS)} {draw.choice(OBJECTS)},"
        labels: tuple[HumanLabel, ...] = ()
        if draw.random() < labelled:
            truth = draw.choices(LABELS, (4, 5, 3, 1))[0]
            labels = (HumanLabel(question="sentiment", value=truth, coder="ana"),)
        found.append(Record(record_id=f"v{number:03d}", parts=(Part(text=text),), labels=labels))
    return found


def row(step: Step, record: Record, agent: Agent, **more: Any) -> dict[str, Any]:
    """A result row, answered, of the shape that `Store.results` gives."""
    lens: Perspective | None = more.pop("perspective", None)
    prompt = step.prompts[0] if step.prompts and agent.role != "tool" else None
    given = {
        "run_id": "verse-1", "step": step.name, "record_id": record.record_id, "record_hash": record.record_hash,
        "agent": agent.name, "agent_hash": agent.hash, "agent_type": agent.type, "model": agent.model,
        "role": agent.role, "prompt": prompt.name if prompt else "", "prompt_hash": prompt.hash if prompt else "",
        "perspective": lens.name if lens else "", "perspective_hash": lens.hash if lens else "",
        "codebook": step.codebook.name, "codebook_hash": step.codebook.hash, "variant": "{}", "repeat": 1, "wave": "1",
        "arm": step.arm, "seed": 1, "status": "answered", "answers": None, "parse": "strict", "refusal": None,
        "finish": "stop", "error_kind": "", "error": "", "input_tokens": 310, "output_tokens": 24, "cached_tokens": 0,
        "reasoning_tokens": 0, "cost": None, "currency": "", "price_version": "", "model_returned": agent.model,
        "model_fingerprint": "", "simulated": agent.type == "simulated", "partial": False, "drops": [], "attempt": 1,
        "mode": "live", "shown": "text", "quotes": {},
        "started_at": START.isoformat(), "ended_at": (START + timedelta(minutes=11)).isoformat(), "seconds": 1.25,
        "tool_output": {}, "logprobs": {}, "seed_honoured": None, "priors": [],
    }  # fmt: skip
    given |= more
    key = (given["step"], given["record_id"], given["agent"], given["perspective"], given["variant"], given["repeat"])
    return given | {"job_id": "-".join(map(str, key))}


ACCURACY = {"vader": 0.52, "reader_a": 0.82, "reader_b": 0.62, "gpt": 0.77}


def _answer(record: Record, agent: Agent, lens: str, repeat: int) -> dict[str, Any]:
    """What came back: mostly the settled reading of this agent and perspective, at times a fresh one."""
    truth = record.label("sentiment") or "no_impact"
    settled = Random(f"{record.record_id} {agent.name} {lens}")
    fresh = Random(f"{record.record_id} {agent.name} {lens} {repeat}")
    draw = fresh if fresh.random() < 0.3 and agent.role != "tool" else settled
    label = truth if draw.random() < ACCURACY[agent.name] else draw.choice(LABELS)
    status = (
        "answered"
        if agent.role == "tool"
        else fresh.choices(("answered", "refused", "unparsed", "failed"), (94, 2, 2, 2))[0]
    )
    more: dict[str, Any] = {"status": status, "parse": "none"}
    if status == "answered":
        reason = None if agent.role == "tool" else "the image of the field decides it"
        more |= {
            "answers": {"reason": reason, "sentiment": label},
            "parse": "none" if agent.role == "tool" else "strict",
        }
        if agent.name == "gpt" and fresh.random() < 0.06:
            more["parse"] = fresh.choice(("stripped", "repaired", "reasked"))
    if agent.role == "tool":
        more |= {"input_tokens": 0, "output_tokens": 0, "seconds": 0.002}
    if status == "failed":
        more["error_kind"] = "timed_out"
    if agent.name == "gpt":
        more |= {"cost": 0.00031, "currency": "USD", "price_version": "the provider's page (2026-11-01)"}
    if agent.type == "simulated":
        more |= {"cost": 0.0, "currency": "USD", "price_version": "simulated is free"}
    return more


def verse_rows(flow: Flow, records: Sequence[Record]) -> Iterator[dict[str, Any]]:
    """Every job of the verse flow, and what came of it."""
    judge, synthesis = flow.step("judge"), flow.step("synthesis")
    for record in records:
        for agent in judge.agents:
            lenses: tuple[Perspective | None, ...] = judge.perspectives if agent.role != "tool" else (None,)
            for lens in lenses:
                for repeat in range(1, 2 if agent.deterministic else judge.repeats + 1):
                    said = _answer(record, agent, lens.name if lens else "", repeat)
                    yield row(judge, record, agent, perspective=lens, repeat=repeat, **said)
        said = _answer(record, READER_A, "synthesis", 1)
        yield row(synthesis, record, READER_A, **said)


def verse_study(count: int = 40, flow: Flow | None = None, **more: Any) -> tuple[MemoryStore, Run]:
    """A whole study of `count` verses: the store and its run."""
    chosen, records = flow or verse_flow(), verses(count)
    rows = list(verse_rows(chosen, records))
    run = run_of(chosen, **({"planned": len(rows)} | more))
    return MemoryStore(run, records, rows), run
