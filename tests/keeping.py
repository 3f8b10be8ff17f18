"""Small true pairs for the tests of stores and of resuming: records, a job about each, what came of it."""

from datetime import UTC, datetime, timedelta
from typing import Any

from buttermilk.core.flows import Agent, Codebook, LabelDefinition, Perspective, Prompt, Question, Section
from buttermilk.core.jobs import Job, Result, Run, Sent, Usage
from buttermilk.core.records import DatasetSpec, Part, Record

NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
LABELS = ("sad", "glad")
CODEBOOK = Codebook(
    name="tone",
    questions=(Question(name="tone", ask="Which?", labels=tuple(LabelDefinition(name=name) for name in LABELS)),),
)
GUIDE = Perspective(name="guide", text="1. Read every word. " * 500)
PROMPT = Prompt(name="judge", sections=(Section(role="user", template="{{ record.text }}"),))
READER = Agent(name="reader", type="simulated", model="simulated-1")
SPEC = DatasetSpec(name="verse", type="csv", path="data/verse.csv", policy={"poet": "send"})


def record(number: int, text: str = "", **metadata: Any) -> Record:
    return Record(record_id=f"v{number:04}", parts=(Part(text=text or f"line {number}"),), metadata=metadata)


def job(about: Record, **more: Any) -> Job:
    given: dict[str, Any] = {
        "step": "judge",
        "record": about,
        "seen_hash": about.seen_hash(()),
        "agent": READER,
        "prompt": PROMPT,
        "perspective": GUIDE,
        "codebook": CODEBOOK,
    }
    return Job(**given | more)


def result(of: Job, status: str = "answered", attempt: int = 1, **more: Any) -> Result:
    given: dict[str, Any] = {
        "job_id": of.job_id,
        "attempt": attempt,
        "run_id": "r1",
        "status": status,
        "answers": {"tone": "sad"} if status == "answered" else None,
        "parse": "strict" if status == "answered" else "none",
        "text": '{"tone": "sad"}',
        "usage": Usage(input_tokens=10, output_tokens=2),
        "cost": 0.25,
        "currency": "USD",
        "sent": Sent(method="POST", url="http://127.0.0.1/v1", skeleton='{"$text":0}', texts=(GUIDE.text,), sha256="0"),
        "started_at": NOON,
        "ended_at": NOON + timedelta(seconds=1.5),
    }
    return Result(**given | more)


def run(run_id: str = "r1", **more: Any) -> Run:
    given: dict[str, Any] = {
        "run_id": run_id,
        "spec_hash": "s",
        "flow": "verse",
        "flow_hash": "f",
        "dataset": "verse",
        "dataset_fingerprint": "d",
        "started_at": NOON,
    }
    return Run(**given | more)


def pairs(count: int, **more: Any) -> list[tuple[Job, Result]]:
    made = [job(record(number), **more) for number in range(count)]
    return [(one, result(one)) for one in made]
