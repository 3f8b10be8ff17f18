"""Looking at what is stored: `status`, `show`, `replay`, `export`, `report`, and answers brought in from a file."""

import json
import os
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from buttermilk.analysis.frame import frame
from buttermilk.analysis.report import report as write_report
from buttermilk.config import compose_store, find_root
from buttermilk.core.contracts import Export, Model, Store, Tool
from buttermilk.core.errors import ConfigError, DataError
from buttermilk.core.flows import leaves_of
from buttermilk.core.jobs import Event, Job, Result, Run
from buttermilk.engine.attempt import Attempts, Signature
from buttermilk.engine.lane import Lane
from buttermilk.engine.limits import Limiter
from buttermilk.engine.progress import LaneProgress
from buttermilk.plugins import find, names
from buttermilk.study.keys import keys_of
from buttermilk.study.opening import blobs_of, open_store
from buttermilk.study.running import call_back, control, find_run, is_alive

STATUSES = ("answered", "refused", "unparsed", "failed")


def store_of(root: Path | None = None, overrides: Sequence[str] = ()) -> tuple[Store, Path]:
    """The study's store, which must exist, and the study's folder."""
    root = root or find_root(Path.cwd())
    store = known_store(root, overrides)
    if store is None:
        said = "nothing has been asked in this study yet."
        raise ConfigError(said, where=str(root), hint="Type: buttermilk run FLOW")
    return store, root


@contextmanager
def stored(root: Path | None = None, overrides: Sequence[str] = ()) -> Iterator[tuple[Store, Path]]:
    """The same, closed behind whoever looks into it."""
    store, home = store_of(root, overrides)
    with closing(store):
        yield store, home


def known_store(root: Path, overrides: Sequence[str] = ()) -> Store | None:
    """The study's store; none where nothing was ever asked, and none is made."""
    spec = compose_store(root, overrides)
    if spec.type == "sqlite" and not (root / spec.path).is_file():
        return None
    return open_store(spec, root)


async def cancel(run: str | None = None, *, root: Path | None = None) -> tuple[Run, int]:
    """End a run for good; how many jobs were called back with its batches."""
    with stored(root) as (store, home):
        found = control(store, run, "cancel")
        keys = keys_of(home)
        return found, await call_back(store, found, lambda agent: find("models", agent.type)(agent, keys, bytes))


def status(run: str | None = None, *, root: Path | None = None, overrides: Sequence[str] = ()) -> dict[str, Any]:
    """How a run stands, from any process: counts, money, its lanes as they were at its last heartbeat, its events."""
    with stored(root, overrides) as (store, _):
        found = find_run(store, run)
        return as_status(found, store.counts(found.run_id), store.events(found.run_id), store)


def as_status(found: Run, counts: dict[tuple[str, str, str], int], events: list[Event], store: Store) -> dict[str, Any]:
    totals = {name: sum(count for (_, _, word), count in counts.items() if word == name) for name in STATUSES}
    alive = is_alive(found)
    state = found.state if alive or found.state != "running" else "interrupted"
    money, tokens = store.spent(found.run_id)
    return {
        "run": found.run_id,
        "flow": found.flow,
        "dataset": found.dataset,
        "wave": found.wave,
        "waiting": sum(len(batch.job_ids) for batch in store.batches(found.run_id)),
        "state": "paused" if alive and found.control == "pause" else state,
        "why": found.why,
        "below_quorum": found.progress.get("below_quorum", {}),
        "store": store.where,
        "started_at": found.started_at.isoformat(),
        "ended_at": found.ended_at.isoformat() if found.ended_at else None,
        "planned": found.planned,
        **totals,
        "remaining": max(0, found.planned - sum(totals.values()) + totals["failed"]),
        "cost": money,
        "currency": found.budget.currency,
        "tokens": tokens,
        "by_step": [dict(zip(("step", "agent", "status", "jobs"), (*of, n), strict=True)) for of, n in counts.items()],
        "lanes": found.progress.get("lanes", []) if alive else [],
        "events": [{"at": one.at.isoformat(), "kind": one.kind, **one.fields} for one in events[-50:]],
    }


def show(job: str, *, root: Path | None = None, overrides: Sequence[str] = ()) -> dict[str, Any]:
    """The whole Job, self-contained: what was asked, of whom, of what; every attempt, with the bytes of both sides."""
    with stored(root, overrides) as (store, _):
        found = stored_job(store, job)
        results = store.attempts(found.job_id)
        return {
            "job_id": found.job_id,
            "job": json.loads(found.model_dump_json()),
            "results": [json.loads(one.model_dump_json()) for one in results],
            "cited": list(_cited(store, found, results)),
        }


def _cited(store: Store, job: Job, results: Sequence[Result]) -> Iterator[dict[str, Any]]:
    """The answers that it cites. Who gave them is looked up: the job itself may not have been told."""
    read = {one.shown_id: one for answers in job.inputs.values() for one in answers}
    said = (leaf for one in results if job.codebook.cites for leaf in leaves_of(job.codebook, one.answers))
    for shown in sorted({value for leaf, value in said if leaf.level == "answer" and value in read}):
        answer = read[shown]
        given = store.job(answer.job_id)
        told = answer.model_dump(mode="json", include={"perspective", "repeat", "values"})
        yield {"id": shown, "agent": given.agent.name if given else answer.agent, **told}


def stored_job(store: Store, prefix: str) -> Job:
    """People type the first few digits."""
    found = store.matching(prefix) if prefix else []
    if len(found) == 1 and (job := store.job(found[0])) is not None:
        return job
    if found:
        shown = ", ".join(each[: len(prefix) + 8] for each in found)
        raise ConfigError(f"several jobs begin with '{prefix}'.", hint=f"Type more of it: {shown} …")
    hint = "Ids are in the column job_id of an export, and the report."
    raise ConfigError(f"there is no job that begins with '{prefix}'.", hint=hint)


async def replay(job: str, *, root: Path | None = None, overrides: Sequence[str] = ()) -> tuple[Job, Result]:
    """Ask a stored Job again, or one from a file that `show --json` wrote, here or anywhere. Nothing is stored."""
    found, home = _job_to_replay(job, root, overrides)
    plug = _plug(found, home)
    limiter = Limiter(plug.endpoint, found.agent.limits, time.monotonic, lambda kind, fields: None)
    lane = Lane(limiter, LaneProgress(found.step, plug.endpoint, 1))
    try:
        results = await Attempts(Signature("replay")).ask(found, plug, lane)
    finally:
        await plug.close()
    return found, results[-1]


def _job_to_replay(job: str, root: Path | None, overrides: Sequence[str]) -> tuple[Job, Path]:
    file = Path(job)
    if file.suffix == ".json":
        return _job_in(file), root or Path.cwd()
    with stored(root, overrides) as (store, home):
        return stored_job(store, job), home


def _job_in(file: Path) -> Job:
    hint = "Such a file is written by: buttermilk show JOB --json > job.json"
    try:
        given = json.loads(file.read_text(encoding="utf-8"))
        return Job.model_validate(given.get("job", given))
    except OSError as error:
        reason = os.strerror(error.errno or 0).lower()
        raise DataError(f"it cannot be read: {reason}.", where=str(file), hint=hint) from error
    except (ValueError, AttributeError) as error:
        raise DataError("there is no stored job in it.", where=str(file), hint=hint) from error


def _plug(job: Job, root: Path) -> Model | Tool:
    keys = keys_of(root)
    if job.agent.role == "tool":
        tool: Tool = find("tools", job.agent.type)(job.agent, keys)
        return tool
    spec = compose_store(root) if (root / "conf").is_dir() else None
    blobs = blobs_of(spec, root).read if spec else _no_blobs
    model: Model = find("models", job.agent.type)(job.agent, keys, blobs)
    return model


def _no_blobs(key: str) -> bytes:
    raise DataError(f"the bytes {key[:12]}… are in the study's blobs, and this is no study.", hint="Replay it there.")


def export(
    target: Path, run: str | None = None, *, root: Path | None = None, overrides: Sequence[str] = (), kind: str = ""
) -> int:
    """The tidy table of a run, a row per answer and question, as the target's suffix says. Returns the rows written."""
    plug = export_of(target, kind)
    with stored(root, overrides) as (store, _):
        return plug.write(frame(store, find_run(store, run)), target)


def export_of(target: Path, kind: str = "") -> Export:
    """The plug that writes such a file."""
    word = kind or target.suffix.lstrip(".").lower()
    if word not in names("exports"):
        endings = ", ".join(f".{name}" for name in names("exports"))
        said = f"the name '{target.name}' does not say which format is wanted."
        raise ConfigError(said, hint=f"Let it end in one of: {endings}")
    plug: Export = find("exports", word)()
    return plug


def report(
    run: str | None = None, target: Path | None = None, *, latent: bool = False, root: Path | None = None,
    overrides: Sequence[str] = (),
) -> Path:  # fmt: skip
    """One self-contained HTML page about a run; `latent`: with models of a hidden true label, beside the majority."""
    with stored(root, overrides) as (store, home):
        found = find_run(store, run)
        target = target or home / "reports" / f"{found.run_id}.html"
        try:
            return write_report(store, found.run_id, target, latent=latent)
        except OSError as error:
            said = f"the report cannot be written: {os.strerror(error.errno or 0).lower()}."
            hint = "Name another place: buttermilk report -o FOLDER/report.html"
            raise ConfigError(said, where=str(target), hint=hint) from error


def bring_in(file: Path, *, root: Path | None = None, overrides: Sequence[str] = ()) -> int:
    """Store the answers of a rescue file. Those that are stored already stay as they are."""
    count = 0
    try:
        with stored(root, overrides) as (store, _), file.open(encoding="utf-8") as lines:
            for number, line in enumerate(lines, 1):
                try:
                    pair = json.loads(line)
                    job, result = Job.model_validate(pair["job"]), Result.model_validate(pair["result"])
                except (ValueError, KeyError, TypeError) as error:
                    hint = "A rescue file is written by a run whose store is full, and is brought in as it is."
                    where = f"{file} line {number}"
                    raise DataError("this is no stored answer.", where=where, hint=hint) from error
                store.put(result.run_id, [(job, result)])
                count += 1
    except OSError as error:
        raise DataError(f"the file cannot be read ({os.strerror(error.errno or 0)}).", where=str(file)) from error
    return count
