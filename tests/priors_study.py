"""A study of three readers and a tool in several waves, with prior answers: for the tests of what they are shown."""

import asyncio
from collections.abc import Sequence
from typing import Any

from buttermilk.core.flows import Flow, Step
from buttermilk.core.jobs import Job
from buttermilk.core.priors import Priors
from buttermilk.core.records import Record
from buttermilk.stores.sqlite import SqliteStore
from keeping import record
from panels import (
    Asked,
    ask,
    flow,
    judge,
    lexicon,
    prompt,
    reader,
)

RECORDS = [record(number, f"line {number} of joy and rain, number {number % 4}") for number in range(20)]
SHOWS = prompt(text="{{ record.text }}{% for prior in priors %}\n{{ prior.text }} {{ prior.values.tone }}{% endfor %}")


def shows(**more: Any) -> Step:
    """Three readers, a tool, and what `more` says of priors."""
    agents = more.pop("agents", (reader("ann"), reader("bea"), reader("cleo"), lexicon()))
    repeats = more.pop("repeats", 2)
    return judge(agents=agents, prompts=(SHOWS,), repeats=repeats, priors=Priors(**{"control_only": 0.2} | more))


def study(wave: str = "1", *steps: Step, **more: Any) -> Flow:
    return flow(*(steps or (shows(**more),)), wave=wave)


def collect(store: SqliteStore, method: Flow, about: Sequence[Record] = RECORDS, **more: Any) -> Asked:
    """One wave, in a run of its own."""
    asked = more.pop("asked", None) or Asked()
    progress = asyncio.run(ask(store, method, about, asked, run_id=more.pop("run_id", f"r{method.wave}"), **more))
    assert progress.state in ("finished", "stopped")
    return asked


def rows_of(store: SqliteStore, run_id: str, arm: str = "priors") -> list[dict[str, Any]]:
    return [row for row in store.results(run_id) if row["arm"] == arm]


def shown(store: SqliteStore, run_id: str, arm: str = "priors") -> dict[tuple[str, str, int], list[str]]:
    """record, agent, repeat -> the ids that were drawn."""
    return {
        (row["record_id"], row["agent"], row["repeat"]): [one["job_id"] for one in row["priors"]]
        for row in rows_of(store, run_id, arm)
    }


def jobs_of(store: SqliteStore, run_id: str, arm: str = "priors") -> list[Job]:
    found = [store.job(row["job_id"]) for row in rows_of(store, run_id, arm)]
    return [job for job in found if job is not None]
