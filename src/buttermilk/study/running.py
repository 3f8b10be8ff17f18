"""`plan` and `run`, and what another shell may do to a run: look, pause, resume, cancel."""

import asyncio
import gc
import json
import os
import platform
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from getpass import getuser
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from buttermilk.config import find_root
from buttermilk.core.contracts import Store
from buttermilk.core.errors import ConfigError, StoreError, did_you_mean
from buttermilk.core.flows import Agent
from buttermilk.core.hashing import fingerprint
from buttermilk.core.jobs import Job, Result, Run
from buttermilk.core.values import Json
from buttermilk.engine.progress import Progress
from buttermilk.engine.run import Engine, Stop
from buttermilk.study.declared import notices
from buttermilk.study.opening import REJECTS_SHOWN, Study, check_plugs, of_wave, open_study

PACKAGES = ("buttermilk", "pydantic", "aiohttp", "jinja2", "sqlalchemy", "json-repair", "hydra-core", "omegaconf")
COLLECT_AFTER = 50_000  # objects; some megabytes
DEAD_AFTER = timedelta(seconds=60)  # a run whose heart has not beaten for so long has no process any more

try:
    import uvloop
except ImportError:  # `buttermilk[speed]` brings it: about a tenth less CPU a call
    uvloop = None  # type: ignore[assignment, unused-ignore]

Watch = Callable[[Progress], None]


def loop_factory() -> asyncio.AbstractEventLoop:
    """The event loop that a run is given, where it is not called from one."""
    return uvloop.new_event_loop() if uvloop else asyncio.new_event_loop()


@contextmanager
def few_collections() -> Iterator[None]:
    """Python looks for rings of dead objects at every 700 new ones: with 500 calls in flight, a sixth of all work."""
    before = gc.get_threshold()
    gc.set_threshold(COLLECT_AFTER, 20, 50)
    try:
        yield
    finally:
        gc.set_threshold(*before)


@dataclass
class Running:
    """A run about to start: what it is, and whether it goes on from an earlier stop."""

    study: Study
    run: Run
    resumed: bool
    stop: Stop = field(default_factory=Stop)
    ask_again: Collection[str] = ()
    standing: str = ""  # `as registered on …`
    told: tuple[str, ...] = ()  # how it differs from what was declared, and from another wave

    @property
    def complete(self) -> bool:
        """Nothing remains of it, unless refusals and the like are to be asked again."""
        return self.resumed and self.run.state == "finished" and not self.ask_again

    async def go(self, watch: Watch = lambda progress: None) -> Progress:
        """Ask what remains, and close the study."""
        study = self.study
        engine = Engine(
            study.store,
            self.run,
            study.dataset,
            study.plug_for,
            stop=self.stop,
            watch=watch,
            ask_again=self.ask_again,
            mode=study.composed.run.mode,
            model_change=study.composed.run.model_change,
        )
        try:
            with few_collections():
                return await engine.go()
        except StoreError as error:
            if engine.writer.unsaved:
                error.hint = f"{error.hint}\n  {rescue(engine.writer.unsaved)}"
            raise
        finally:
            study.close()


async def run(
    flow: str, *overrides: str, wave: str = "", anchor: bool = False, root: Path | None = None, multirun: bool = False,
    watch: Watch = lambda progress: None,
) -> Progress:  # fmt: skip
    """Ask everything of a flow that is not answered yet, and return what became of it.

    `await run("verse", "steps.judge.repeats=5", wave="2026-12")`. A run that was stopped goes on under its name.
    `anchor`: only the records that are asked in every wave.
    """
    return await prepare(flow, overrides, wave=wave, anchor=anchor, root=root, multirun=multirun).go(watch)


def prepare(
    flow: str, overrides: Sequence[str] = (), *, wave: str = "", anchor: bool = False, root: Path | None = None,
    multirun: bool = False, ask_again: Collection[str] = (),
) -> Running:  # fmt: skip
    """Everything up to the first call: checks made, keys found, the run begun or found to go on with."""
    said = of_wave(overrides, wave, anchor=anchor)
    with few_collections():
        study = open_study(root or find_root(Path.cwd()), flow, said, multirun=multirun)
    return begun(study, ask_again)


def begun(study: Study, ask_again: Collection[str] = ()) -> Running:
    """A run of an opened study, begun, or found to go on with. The study is closed where that fails."""
    try:
        check_plugs(study)
        asked = described(study)
        standing, told = notices(study, asked, asking=True)
        found = _to_go_on(study)
        if found is not None:
            changes = {"state": "running", "why": "", "control": "", "pid": os.getpid(), "machine": platform.node()}
            study.store.update(found.run_id, changes | {"heartbeat_at": now(), "ended_at": None})
            # The same questions; who pays, by which key and how fast may have changed since.
            found = found.model_copy(update={"budget": study.composed.run.budget, "method": study.composed.flows})
            return Running(study, found, True, ask_again=ask_again, standing=standing, told=told)
        fresh = asked.model_copy(update={"run_id": _name(study), **circumstances(study.root)})
        study.store.begin(fresh)
        return Running(study, fresh, False, ask_again=ask_again, standing=standing, told=told)
    except BaseException:
        study.close()
        raise


def now() -> datetime:
    return datetime.now(UTC)


def spec_hash(study: Study) -> str:
    """What makes two runs the same one: the flow with all it asks, the records, the wave."""
    return fingerprint([[flow.hash for flow in study.composed.flows], study.dataset.fingerprint])


def _to_go_on(study: Study) -> Run | None:
    """The last run of this very specification, unless it was cancelled or another name is asked for."""
    wanted, spec = study.composed.run.name, spec_hash(study)
    same = [one for one in study.store.runs() if one.spec_hash == spec and one.state != "cancelled"]
    if wanted:
        same = [one for one in same if one.run_id == wanted]
    if not same:
        return None
    last = same[-1]
    if is_alive(last):
        raise ConfigError(
            f"run '{last.run_id}' is going on (process {last.pid} on {last.machine}).",
            hint=f"Look at it: buttermilk watch {last.run_id}   or end it: buttermilk cancel {last.run_id}",
        )
    return last


def is_alive(found: Run) -> bool:
    """Does a process still work on it? On this machine the process is asked for, elsewhere its heartbeat."""
    if found.state != "running":
        return False
    if found.machine == platform.node():
        return found.pid != os.getpid() and _process_lives(found.pid)
    return found.heartbeat_at is not None and now() - found.heartbeat_at < DEAD_AFTER


def _process_lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def described(study: Study) -> Run:
    """What a run that began now would be, without a name."""
    composed, flow, dataset, whole = study.composed, study.flow, study.dataset, study.whole
    # The rows that are no records, kept with the run because its report must count them.
    first: list[Json] = [f"{one.where}: {one.why}" for one in dataset.rejects[:REJECTS_SHOWN]]
    return Run(
        run_id="",
        spec_hash=spec_hash(study),
        flow=flow.name,
        flow_hash=flow.hash,
        title=flow.title,
        dataset=dataset.name,
        dataset_fingerprint=dataset.fingerprint,
        wave=flow.wave,
        seed=flow.seed,
        budget=composed.run.budget,
        method=composed.flows,
        config={
            **composed.resolved,
            "whole": {"records": whole.records, "fingerprint": whole.fingerprint},
            **({"left_out": {"rows": dataset.rejected, "first": first}} if dataset.rejected else {}),
        },
        started_at=now(),
        heartbeat_at=now(),
    )


def circumstances(root: Path) -> dict[str, Any]:
    """Which code asks, of whose and on which machine."""
    who = {"user": getuser(), "machine": platform.node(), "pid": os.getpid()}
    return {"git": git_state(root), "versions": versions(), **who}


def _name(study: Study) -> str:
    """The name that was given, else `verse-2026-11-22`, `verse-2026-11-22-2`, …: a name is never used again."""
    wanted = study.composed.run.name
    if wanted and wanted in {one.run_id for one in study.store.runs()}:
        raise ConfigError(
            f"the name '{wanted}' belongs to an earlier run, of another flow, dataset or wave.",
            hint="Names are never used again: choose another, or leave run.name out.",
        )
    return wanted or fresh_name(study.store, f"{study.flow.name}-{now():%Y-%m-%d}")


def fresh_name(store: Store, stem: str) -> str:
    """`verse-2026-11-22`, else `verse-2026-11-22-2`, …"""
    taken = {one.run_id for one in store.runs()}
    names = (stem if number == 1 else f"{stem}-{number}" for number in range(1, len(taken) + 2))
    return next(name for name in names if name not in taken)


def git_state(root: Path) -> dict[str, Json]:
    """Commit and whether files differ from it; empty outside a repository."""
    git = shutil.which("git")
    if git is None:
        return {}
    # The folder may belong to somebody else, as in a container; reading its state is safe.
    command = [git, "-c", "safe.directory=*", "-C", str(root)]
    try:
        commit = subprocess.check_output([*command, "rev-parse", "HEAD"], stderr=subprocess.DEVNULL, text=True)  # noqa: S603
        status = subprocess.check_output([*command, "status", "--porcelain"], stderr=subprocess.DEVNULL)  # noqa: S603
    except (OSError, subprocess.SubprocessError):
        return {}
    return {"commit": commit.strip(), "dirty": bool(status.strip())}


def versions() -> dict[str, str]:
    found = {"python": platform.python_version()}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def rescue(unsaved: Sequence[tuple[Job, Result]]) -> str:
    """Answers that were paid for and could not be stored go to a file elsewhere; the sentence says where."""
    came = "1 answer that had just come" if len(unsaved) == 1 else f"{len(unsaved)} answers that had just come"
    target = Path(tempfile.gettempdir()) / f"buttermilk-rescue-{os.getpid()}.jsonl"
    lines = (
        json.dumps({"job": json.loads(job.model_dump_json()), "result": json.loads(one.model_dump_json())}) + "\n"
        for job, one in unsaved
    )
    try:
        with target.open("w", encoding="utf-8") as file:
            file.writelines(lines)
    except OSError:
        return f"{came} could not be kept anywhere; the same will be asked again."
    return f"Safe in a file: {came}. Bring in with: buttermilk import {target}"


# ---- from another shell


def find_run(store: Store, name: str | None) -> Run:
    """The run of that name, or the latest; tests of prompts are runs that one has to name."""
    runs = store.runs()
    studies = [one for one in runs if one.kind == "study"]
    if not studies and name is None:
        raise ConfigError("there is no run yet.", where=store.where, hint="Type: buttermilk run FLOW")
    if name is None:
        return studies[-1]
    named = {one.run_id: one for one in runs}
    if name not in named:
        raise ConfigError(f"there is no run '{name}'.", hint=did_you_mean(name, named))
    return named[name]


def control(store: Store, name: str | None, word: str) -> Run:
    """Tell a run to `pause`, to go on (an empty word), or to `cancel`. It hears within a second."""
    found = find_run(store, name)
    if is_alive(found) or (found.state == "running" and found.machine != platform.node()):
        store.update(found.run_id, {"control": word})
        return found
    if word == "cancel" and found.state != "finished":
        store.update(found.run_id, {"state": "cancelled", "why": "cancelled", "ended_at": now()})
        return found
    said = f"run '{found.run_id}' is not going on ({found.state})."
    raise ConfigError(said, hint=f"Type: buttermilk run {found.flow}")


async def call_back(store: Store, found: Run, plug_for: Callable[[Agent], Any]) -> int:
    """Call the run's batches back at their providers; how many jobs wait no longer. What was answered there is lost.

    One that was perhaps never taken has no ticket yet, and is not looked for: it might be somebody else's."""
    agents = {(agent.name, agent.hash): agent for flow in found.method for step in flow.steps for agent in step.agents}
    count = 0
    for batch in store.batches(found.run_id):
        if batch.state == "waiting":
            plug = plug_for(agents[batch.agent, batch.agent_hash])
            try:
                await plug.cancel(batch.ticket)
            finally:
                await plug.close()
        store.settle(batch.ticket, batch.model_copy(update={"state": "cancelled"}))
        count += len(batch.job_ids)
    return count
