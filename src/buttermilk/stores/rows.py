"""Jobs and Results as rows, and back. A row is a tuple in the order of its table's columns."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from pydantic_core import to_json

from buttermilk.core.flows import Agent, Codebook, Perspective, Prompt
from buttermilk.core.hashing import canonical, digest
from buttermilk.core.jobs import Answer, Job, Result, Run, Sent, Usage
from buttermilk.core.records import Record

Row = tuple[Any, ...]
RUN_COLUMNS = ("state", "why", "control", "started_at", "ended_at", "heartbeat_at", "progress", "machine", "pid")
USAGE = tuple(Usage.model_fields)


class Bodies:
    """Long texts on their way to the store, each once: `keep(text)` gives the hash that stands for it in a row."""

    def __init__(self) -> None:
        self.rows: dict[str, Row] = {}

    def keep(self, text: str) -> str:
        if not text:
            return ""
        key = digest(text)
        self.rows[key] = (key, text)
        return key


@dataclass
class JobRows:
    """What some jobs add to a store; `fresh` are the keys of it that others share."""

    bodies: Bodies = field(default_factory=Bodies)
    cells: list[Row] = field(default_factory=list)
    records: list[Row] = field(default_factory=list)
    jobs: dict[str, Row] = field(default_factory=dict)
    fresh: set[str] = field(default_factory=set)


class CellRows:
    """Rows of cells; each is made once, as thousands of jobs share one."""

    def __init__(self) -> None:
        self._made: dict[str, tuple[Row, dict[str, Row]]] = {}

    def of(self, job: Job) -> tuple[Row, dict[str, Row]]:
        """The cell's row, and the bodies it names."""
        key = job.cell.key
        if key not in self._made:
            self._made[key] = self._make(job)
        return self._made[key]

    def _make(self, job: Job) -> tuple[Row, dict[str, Row]]:
        cell, kept = job.cell, Bodies()
        asked = job.agent.role != "tool"
        named = (job.agent, job.prompt if asked else None, job.perspective if asked else None, job.codebook)
        keys = [kept.keep(value.model_dump_json()) if value else "" for value in named]
        row = (
            cell.key, cell.step, cell.agent, cell.agent_hash, cell.prompt, cell.prompt_hash, cell.perspective,
            cell.perspective_hash, cell.codebook, cell.codebook_hash, cell.variant, cell.wave, cell.arm, cell.seed,
            job.agent.type, job.agent.model, job.agent.role, *keys,
        )  # fmt: skip
        return row, kept.rows


def job_row(job: Job, bodies: Bodies) -> Row:
    inputs = ""
    if job.inputs or job.planned_inputs:
        read = {name: [item.model_dump(mode="json") for item in items] for name, items in job.inputs.items()}
        inputs = bodies.keep(canonical({"inputs": read, "planned": dict(job.planned_inputs)}))
    return (
        job.job_id, job.cell.key, job.record.record_id, job.record.record_hash, job.seen_hash, job.repeat, inputs,
        json.dumps(job.sent_columns) if job.sent_columns else "[]",
    )  # fmt: skip


def result_row(result: Result, bodies: Bodies) -> Row:
    usage, sent = result.usage, ""
    if result.sent:
        keys = [bodies.keep(text) for text in result.sent.texts]
        skeleton = bodies.keep(result.sent.skeleton)
        sent = to_json([result.sent.method, result.sent.url, skeleton, keys, result.sent.sha256]).decode()
    return (
        result.job_id, result.attempt, result.run_id, result.status,
        None if result.answers is None else to_json(result.answers).decode(),
        result.parse, result.text, result.refusal, result.finish, result.error_kind, result.error,
        usage.input_tokens, usage.output_tokens, usage.cached_tokens, usage.reasoning_tokens,
        result.cost, result.currency, result.price_version, result.model_returned, result.model_fingerprint,
        result.response_id, result.seed_honoured, result.simulated, result.partial,
        json.dumps(result.drops) if result.drops else "", _json(result.tool_output), sent, result.reply,
        _json(result.reply_headers), result.started_at.isoformat(), result.ended_at.isoformat(), result.by,
        result.versions, result.trace_id, result.mode, result.shown, _json(result.quotes),
        usage.cache_write_tokens, usage.cache_write_hour_tokens, _json(result.logprobs),
    )  # fmt: skip


def _json(mapping: Mapping[str, Any]) -> str:
    return to_json(mapping).decode() if mapping else ""


def bodies_named(row: Mapping[str, Any]) -> list[str]:
    """The hashes of the texts a result row stands on."""
    if not row["sent"]:
        return []
    _, _, skeleton, texts, _ = json.loads(row["sent"])
    return [skeleton, *texts]


def result_from(row: Mapping[str, Any], bodies: Mapping[str, str]) -> Result:
    sent = None
    if row["sent"]:
        method, url, skeleton, texts, sha256 = json.loads(row["sent"])
        whole = {"": "", **bodies}  # an empty text is kept as nothing
        kept = tuple(whole[text] for text in texts)
        sent = Sent(method=method, url=url, skeleton=whole[skeleton], texts=kept, sha256=sha256)
    plain = {name: row[name] for name in row if name in Result.model_fields and name not in ("sent", "usage")}
    plain |= _unpacked(row, ("tool_output", "quotes", "logprobs", "reply_headers"))
    honoured = None if row["seed_honoured"] is None else bool(row["seed_honoured"])
    usage = Usage(**{name: row[name] for name in USAGE})
    return Result(**{**plain, "seed_honoured": honoured, "usage": usage, "sent": sent})


def job_from(row: Mapping[str, Any], bodies: Mapping[str, str], record: Record) -> Job:
    """A whole Job again, from its row joined with its cell's."""
    read = json.loads(bodies[row["inputs"]]) if row["inputs"] else {"inputs": {}, "planned": {}}
    inputs = {name: tuple(Answer(**item) for item in items) for name, items in read["inputs"].items()}
    prompt, perspective = bodies.get(row["prompt_body"]), bodies.get(row["perspective_body"])
    return Job(
        step=row["step"],
        record=record,
        seen_hash=row["seen_hash"],
        agent=Agent.model_validate_json(bodies[row["agent_body"]]),
        prompt=Prompt.model_validate_json(prompt) if prompt else None,
        perspective=Perspective.model_validate_json(perspective) if perspective else None,
        codebook=Codebook.model_validate_json(bodies[row["codebook_body"]]),
        variant=json.loads(row["variant"]),
        repeat=row["repeat"],
        wave=row["wave"],
        arm=row["arm"],
        seed=row["seed"],
        sent_columns=tuple(json.loads(row["sent_columns"])),
        inputs=inputs,
        planned_inputs=read["planned"],
    )


def record_from(key: str, body: str) -> Record:
    """A stored record. Its hash is the key, for the key is the hash of this very text."""
    record = Record.model_validate_json(body)
    vars(record)["record_hash"] = key
    return record


def answer_from(row: Mapping[str, Any]) -> Answer:
    """An earlier answer, as a later step reads it; or with what the pool of prior answers says of it besides."""
    more = {name: row[name] for name in ("record_id", "wave", "model", "prompt") if "wave" in row}
    return Answer(
        job_id=row["job_id"],
        step=row["step"],
        agent=row["agent"],
        perspective=row["perspective"],
        variant=json.loads(row["variant"]),
        repeat=row["repeat"],
        status=row["status"],
        values=None if row["answers"] is None else json.loads(row["answers"]),
        simulated=bool(row["simulated"]),
        **more,
    )


def flat(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row of `Store.results`: JSON texts opened, 0 and 1 made false and true."""
    priors = json.loads(row["priors"])["inputs"]["priors"] if row["priors"] else []
    return {**row, **_unpacked(row, ("tool_output", "quotes", "logprobs")), "priors": priors}


def _unpacked(row: Mapping[str, Any], maps: Sequence[str]) -> dict[str, Any]:
    opened: dict[str, Any] = {name: json.loads(row[name]) if row[name] else {} for name in maps}
    opened["answers"] = None if row["answers"] is None else json.loads(row["answers"])
    opened["drops"] = json.loads(row["drops"] or "[]")
    opened["simulated"], opened["partial"] = bool(row["simulated"]), bool(row["partial"])
    return opened


def run_row(run: Run) -> dict[str, Any]:
    given, body = json.loads(run.model_dump_json()), run.model_dump_json()
    values = {name: given[name] for name in (*RUN_COLUMNS, "planned", "run_id", "spec_hash", "flow")}
    return values | {"progress": json.dumps(given["progress"]), "body": body}


def run_from(row: Mapping[str, Any]) -> Run:
    """A run as it stands: what has changed since it began is in columns of its own."""
    changed = {name: row[name] for name in (*RUN_COLUMNS, "planned")} | {"progress": json.loads(row["progress"])}
    return Run.model_validate(json.loads(row["body"]) | changed)


def now() -> str:
    return datetime.now(UTC).isoformat()


def chunks(items: Iterable[Any], size: int) -> Iterable[list[Any]]:
    """Lists of at most `size`."""
    chunk: list[Any] = []
    for item in items:
        chunk.append(item)
        if len(chunk) == size:
            yield chunk
            chunk = []
    if chunk:
        yield chunk
