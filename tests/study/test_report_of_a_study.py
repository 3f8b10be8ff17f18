"""The report of a stored study, as a scholar has it: the same whatever order its answers came in, and read from a copy
of the store alone."""

import random
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from buttermilk.analysis.evidence import evidence
from buttermilk.analysis.folder import files
from buttermilk.analysis.report import parts, render
from buttermilk.stores.sqlite import SqliteStore
from scholar import Scholar, new_study


def test_a_report_is_the_same_whatever_order_its_answers_came_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scholar = Scholar(new_study(tmp_path / "study"), monkeypatch.chdir)
    scholar.types("run", "verse", "run.name=verse-1")
    with closing(SqliteStore(scholar.store)) as store:
        ids = [row["job_id"] for row in store.results("verse-1")]
        pairs = [(job, attempt) for one in ids if (job := store.job(one)) for attempt in store.attempts(one)]
        said = _written(store)
    assert len(pairs) >= len(ids) > 40
    for seed in (1, 2, 3):
        random.Random(seed).shuffle(pairs)
        copy = tmp_path / f"{seed}.db"
        shutil.copy(scholar.store, copy)
        with closing(sqlite3.connect(copy)) as base, base:
            for table in ("results", "run_jobs", "jobs", "cells"):
                base.execute(f"DELETE FROM {table}")
        with closing(SqliteStore(copy)) as store:
            for start in range(0, len(pairs), 7):
                store.put("verse-1", pairs[start : start + 7])
            assert _written(store) == said


def _written(store: SqliteStore) -> tuple[str, dict[str, str]]:
    run = store.run("verse-1")
    assert run is not None
    found = evidence(store, run)
    return render(found), files(parts(found), {})


def test_the_terminal_says_where_the_page_is_and_its_tables_lie_beside_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scholar = Scholar(new_study(tmp_path / "study"), monkeypatch.chdir)
    scholar.types("run", "verse", "run.name=verse-1")
    assert "reports/verse-1.html" in scholar.types("report").out.replace("\n", "")
    contents = list(scholar.table("reports/verse-1/contents.csv"))
    assert {"figure", "table", "text"} == {row["kind"] for row in contents}
    assert all((scholar.folder / "reports" / "verse-1" / row["file"]).is_file() for row in contents)
    taken = scholar.folder / "mine"
    taken.mkdir()
    (taken / "thesis.docx").write_text("x")
    said = scholar.types("report", "-o", "mine.html", code=None)
    assert said.code != 0
    assert "'mine' is taken: it holds 'thesis.docx', which no report wrote." in said.err
    assert "Name another" in said.err
