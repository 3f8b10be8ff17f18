"""The table of what was drawn from what, on real draws."""

import asyncio
import json
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from buttermilk.analysis.evidence import Evidence, evidence
from buttermilk.analysis.frame import frame
from buttermilk.analysis.page import Grid, Section, Text
from buttermilk.analysis.report import parts
from buttermilk.analysis.sections.balance import balance
from buttermilk.core.flows import Flow
from buttermilk.core.priors import Priors
from buttermilk.stores.sqlite import SqliteStore
from keeping import record, run
from panels import SPEC, Asked, ask, flow, judge, keep, lexicon, opened, prompt, reader

THINGS = ("rain", "an umbrella", "a goat", "the ferry", "a hat", "an owl")
RECORDS = [record(n, f"line {n}: {THINGS[n % 6]} and {THINGS[n % 5]}, with joy") for n in range(25)]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    with closing(opened(tmp_path)) as found:
        yield found


def study(store: SqliteStore, **priors: Any) -> Evidence:
    """Two waves; what the second has to say."""
    step = judge(
        agents=(reader("ann"), reader("bea"), reader("cleo"), lexicon()), repeats=2,
        prompts=(prompt(text="{{ record.text }} {{ priors }}"),), priors=Priors(**priors),
    )  # fmt: skip
    dataset = keep(store, RECORDS, SPEC)
    for wave in "12":
        method: Flow = flow(step, wave=wave)
        about = run(f"r{wave}", wave=wave, method=(method,), dataset_fingerprint=dataset.fingerprint)
        store.begin(about)
        asyncio.run(ask(store, method, RECORDS, Asked(), run_id=f"r{wave}"))
    found = store.run("r2")
    assert found
    return evidence(store, found)


def grids(section: Section | None) -> list[Grid]:
    assert section
    return [block for block in section.blocks if isinstance(block, Grid)]


def shown_as(row: dict[str, Any]) -> str:
    """As the table names a model."""
    return (row["model"] or row["agent"]) + (" (simulated)" if row["simulated"] else "")


def test_a_run_without_priors_says_nothing_of_them(store: SqliteStore) -> None:
    keep(store, RECORDS, SPEC)
    step = judge()
    store.begin(run("r1", method=(flow(step),)))
    asyncio.run(ask(store, flow(step), RECORDS, Asked(), run_id="r1"))
    found = store.run("r1")
    assert found
    assert balance(evidence(store, found)) is None


def test_what_could_be_drawn_and_what_was_are_counted_by_stratum_and_label(store: SqliteStore) -> None:
    found = study(store, strata=("model",), n=1)
    rows = [row for row in store.results("r2") if row["arm"] == "priors" and row["repeat"] == 1]
    earlier = [row for row in store.results("r1") if row["status"] == "answered"]
    drawn, pool = Counter[tuple[str, str]](), Counter[tuple[str, str]]()
    for row in rows:
        drawn.update((shown_as(one), one["values"]["tone"]) for one in row["priors"])
        pool.update(
            (shown_as(one), one["answers"]["tone"])
            for one in earlier
            if one["record_id"] == row["record_id"] and one["agent"] != row["agent"]
        )
    table = grids(balance(found))[1]
    assert table.caption == "judge, wave 2: tone, what was drawn from what."
    assert {(one[0], one[1]): (int(one[2]), int(one[3])) for one in table.rows} == {
        key: (pool[key], drawn[key]) for key in pool
    }
    assert {one[0] for one in table.rows} == {
        *(f"model-{name} (simulated)" for name in ("ann", "bea", "cleo")),
        "lexicon",
    }
    weights = [
        one["weight"]
        for row in rows
        for one in row["priors"]
        if (one["model"], one["values"]["tone"]) == ("lexicon", "glad")
    ]
    shown = next(one for one in table.rows if one[:2] == ("lexicon", "glad"))
    assert shown[5] == f"{sum(weights) / len(weights):.2f}" == "0.50"  # it says so of every line


def test_control_only_records_those_with_too_few_and_the_agents_own_answers_are_counted(store: SqliteStore) -> None:
    found = study(store, n=7)
    kept = sum(Priors().only_control(1, one.record_id) for one in RECORDS)
    (row,) = grids(balance(found))[0].rows
    assert row == ("judge", "2", "priors", str(kept), "0", str(25 - kept), "0")  # 2 + 2 + 1 answers by others: under 7


def test_what_was_drawn_how_and_what_never_is_stands_in_words(store: SqliteStore) -> None:
    section = balance(study(store, strata=("model",), weights="uniform", window=2))
    assert section
    (text,) = [block.words for block in section.blocks if isinstance(block, Text)]
    assert "up to 3 earlier answers of each model about the same record, by other agents, from earlier waves" in text
    assert "at most 2 waves back, drawn by the seed, each as likely as any other" in text
    assert "labels by people never" in text


def test_precedents_are_counted_without_a_pool(store: SqliteStore) -> None:
    table = grids(balance(study(store, scope="similar_records")))[1]
    assert {(one[2], one[4]) for one in table.rows} == {("—", "—")}
    assert sum(int(one[3]) for one in table.rows) > 0


def test_the_section_stands_in_the_report_and_the_ids_in_the_exported_table(store: SqliteStore) -> None:
    found = study(store)
    assert "Which earlier answers were shown" in [section.title for section in parts(found)]
    told = {row["job_id"]: [one["job_id"] for one in row["priors"]] for row in store.results("r2")}
    for row in frame(store, found.run).dicts():
        assert str(row["priors"]).split() == told[str(row["job_id"])]
        assert bool(row["priors"]) == (row["arm"] == "priors")
    job = store.job(next(job_id for job_id, ids in told.items() if ids))
    assert job
    assert "priors" in json.loads(job.model_dump_json())["inputs"]
