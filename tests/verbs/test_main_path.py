"""The way a scholar goes: plan, run, look, export, report; change something; and only what changed is asked again."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from openpyxl import load_workbook

from scholar import Said, Scholar

Whys = Mapping[tuple[str, str], Mapping[str, int]]
ALL = 44  # of four verses: 4 + 4 by the tools, 16 + 16 by the readers, 4 in the synthesis


def whys(said: Said) -> dict[tuple[str, str], dict[str, int]]:
    """`{("judge", "reader_a"): {"record changed": 4}}`: only where something is to be asked."""
    return {(row["step"], row["agent"]): row["why"] for row in said.json["rows"] if row["to_ask"]}


def test_a_new_study_is_planned_run_looked_at_exported_and_reported(scholar: Scholar) -> None:
    plan = scholar.types("plan", "verse")
    assert f"{ALL} jobs, 0 stored, {ALL} to ask. Cost: nothing." in plan.out
    assert "waits for judge 4" in plan.out
    ran = scholar.types("run", "verse")
    assert "answers are kept in" in ran.out
    assert "Next: buttermilk report verse-" in ran.out
    assert sum(ran.counts[name] for name in ("answered", "refused", "unparsed")) == ALL
    assert (ran.counts["failed"], ran.counts["skipped"], ran.counts["remaining"]) == (0, 0, 0)
    status = scholar.types("status")
    assert status.out.splitlines()[-2].endswith(" finished")
    assert status.counts["answered"] == ran.counts["answered"]
    report = scholar.types("report")
    page = Path(report.out.removeprefix("Report: ").strip())
    assert "simulated" in page.read_text("utf-8")[:20_000]
    assert scholar.types("doctor").out.count("flow ") == 2


def test_a_run_that_is_complete_says_that_nothing_remains(asked: Scholar) -> None:
    before = asked.asked()
    said = asked.types("run", "verse")
    assert "is complete: nothing remains to be asked." in said.out
    assert "goes on" not in said.out
    assert (said.counts["skipped"], said.counts["remaining"]) == (ALL, 0)
    assert asked.asked() == before
    assert f"{ALL} stored, 0 to ask" in asked.types("plan", "verse").out


def test_a_job_is_shown_and_replayed_from_the_store_and_from_its_json_alone(
    asked: Scholar, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked.types("export", "a.csv")
    row = next(row for row in asked.table("a.csv") if row["agent"] == "reader_a" and row["status"] == "answered")
    shown = asked.types("show", row["job_id"][:12]).out
    assert row["job_id"] in shown
    assert "(simulated)" in shown
    whole = asked.types("show", row["job_id"], "--json")
    assert whole.json["job"]["record"]["record_id"] == row["record_id"]
    before = asked.answers()
    again = asked.types("replay", row["job_id"], "--json").json
    assert asked.answers() == before
    elsewhere = Scholar(tmp_path / "elsewhere", monkeypatch.chdir)
    elsewhere.writes("job.json", whole.out)
    far = elsewhere.types("replay", "job.json", "--json").json
    first = whole.json["results"][-1]
    assert again["result"]["answers"] == far["result"]["answers"] == first["answers"]
    assert "answered" in elsewhere.types("replay", "job.json").out
    assert elsewhere.files() == {"job.json"}


def test_the_four_formats_hold_the_same_rows(asked: Scholar) -> None:
    said = {kind: asked.types("export", f"a.{kind}").out for kind in ("csv", "jsonl", "xlsx", "parquet")}
    rows = list(asked.table("a.csv"))
    assert len(rows) == 2 * ALL  # two questions a job
    assert {int(text.split()[0]) for text in said.values()} == {len(rows)}
    assert len(asked.reads("a.jsonl").splitlines()) == len(rows)
    assert pq.read_table(asked.folder / "a.parquet").num_rows == len(rows)
    book = load_workbook(asked.folder / "a.xlsx", read_only=True)
    assert sum(1 for _ in book.active.values) == len(rows) + 1
    book.close()
    ids = [json.loads(line)["job_id"] for line in asked.reads("a.jsonl").splitlines()]
    assert ids == [row["job_id"] for row in rows]


def test_one_character_of_one_record_asks_that_records_jobs_again(asked: Scholar) -> None:
    asked.changes("data/verse.csv", "it flows so long", "It flows so long")
    plan = asked.types("plan", "verse", "--json")
    assert whys(plan) == {
        ("judge", "vader"): {"record changed": 1},
        ("judge", "wordlist"): {"record changed": 1},
        ("judge", "reader_a"): {"record changed": 4},
        ("judge", "reader_b"): {"record changed": 4},
        ("synthesis", "reader_a"): {"waits for judge": 1},
    }
    before = {row[0] for row in asked.answers()["jobs"]}
    said = asked.types("run", "verse")
    assert said.counts["skipped"] == ALL - 11
    assert said.counts["remaining"] == 0
    asked.types("export", "a.csv")
    fresh = [row for row in asked.table("a.csv") if row["job_id"] not in before]
    assert {row["record_id"] for row in fresh} == {"v2"}
    assert len({row["job_id"] for row in fresh}) == 11


CHANGES: dict[str, tuple[tuple[str, str, str], dict[tuple[str, str], dict[str, int]]]] = {
    "prompt changed": (
        ("prompts/judge.md", "# user", "Think twice.\n\n# user"),
        {("judge", "reader_a"): {"prompt changed": 16}, ("judge", "reader_b"): {"prompt changed": 16}},
    ),
    "criteria changed": (
        ("criteria/sound_and_image.md", "\n1. ", "\n1. Read it aloud first. "),
        {("judge", "reader_a"): {"criteria changed": 8}, ("judge", "reader_b"): {"criteria changed": 8}},
    ),
    "codebook changed": (
        ("codebooks/sentiment.yaml", "taken by itself,", "by itself,"),
        {("judge", "reader_a"): {"codebook changed": 16}, ("judge", "reader_b"): {"codebook changed": 16}},
    ),
    "model changed": (
        ("conf/agent/reader_b.yaml", "accuracy: 0.68", "accuracy: 0.69"),
        {("judge", "reader_b"): {"model changed": 16}},
    ),
}


@pytest.mark.parametrize("reason", CHANGES)
def test_the_plan_says_which_ingredient_changed(asked: Scholar, reason: str) -> None:
    change, expected = CHANGES[reason]
    asked.changes(*change)
    plan = asked.types("plan", "verse", "--json")
    found = whys(plan)
    assert found.pop(("synthesis", "reader_a")) == {"waits for judge": 4}
    assert found == expected
    reread = {row["agent"]: row["why"] for row in plan.json["rows"] if row["reread"]}
    anew = {"codebook changed: stored scores are read anew": 4}  # by tools, which need not be asked for them
    assert reread == ({"vader": anew, "wordlist": anew} if reason == "codebook changed" else {})
    to_ask = sum(sum(why.values()) for why in expected.values())
    assert asked.types("run", "verse").counts["skipped"] <= ALL - to_ask
    assert "0 to ask" in asked.types("plan", "verse").out


def test_a_comment_and_a_title_ask_nobody_again(asked: Scholar) -> None:
    asked.changes("conf/flow/verse.yaml", "title: What feeling", "title: Which feeling")
    asked.changes("codebooks/sentiment.yaml", "title: Sentiment", "title: The sentiment")
    asked.changes("conf/agent/reader_a.yaml", "type: simulated", "type: simulated  # not a person")
    assert "0 to ask" in asked.types("plan", "verse").out


def test_more_repeats_ask_only_the_new_ones(asked: Scholar) -> None:
    found = whys(asked.types("plan", "verse", "steps.judge.repeats=4", "--json"))
    assert found[("judge", "reader_a")] == {"new repeat": 16}
    assert ("judge", "vader") not in found
    said = asked.types("run", "verse", "steps.judge.repeats=4")
    assert said.counts["skipped"] == 40  # the judges of before; what the synthesis reads has grown


def test_a_new_wave_asks_everything_again_beside_the_old_one(asked: Scholar) -> None:
    found = whys(asked.types("plan", "verse", "wave=2", "--json"))
    assert found[("judge", "reader_a")] == {"new wave": 16}
    assert found[("judge", "vader")] == {"new wave": 4}
    before = asked.answers()["results"]
    said = asked.types("run", "verse", "wave=2")
    assert said.counts["skipped"] == 0
    assert set(map(str, before)) <= set(map(str, asked.answers()["results"]))


def test_a_sweep_is_one_run(asked: Scholar) -> None:
    sweep = ("-m", "agent.reader_a.parameters.accuracy=0.6,0.9")
    plan = asked.types("plan", "verse", *sweep, "--json").json
    assert plan["planned"] == 2 * ALL
    runs = len(asked.answers()["runs"])
    said = asked.types("run", "verse", *sweep)
    assert said.counts["remaining"] == 0
    assert len(asked.answers()["runs"]) == runs + 1
    asked.types("export", "a.csv")
    variants = {row["variant"] for row in asked.table("a.csv") if row["agent"] == "reader_a"}
    assert {json.loads(one)["agent.reader_a.parameters.accuracy"] for one in variants} == {0.6, 0.9}


def test_other_agents_and_a_limit_are_named_on_the_command_line(scholar: Scholar) -> None:
    plan = scholar.types("plan", "verse", "steps.judge.agents=[vader]", "limit=2", "--json").json
    assert plan["records"] == 2
    assert [(row["step"], row["agent"], row["planned"]) for row in plan["rows"]] == [
        ("judge", "vader", 2),
        ("synthesis", "reader_a", 2),
    ]


def test_refusals_are_asked_again_only_when_told(scholar: Scholar) -> None:
    shy = "agent.reader_a.parameters.refusal=0.5"
    ran = scholar.types("run", "verse", shy)
    assert ran.counts["refused"] > 0
    assert scholar.types("run", "verse", shy).counts["skipped"] == ALL
    again = scholar.types("run", "verse", shy, "--retry", "refused")
    assert "goes on" in again.out
    assert again.counts["skipped"] <= ALL - ran.counts["refused"]


def test_rows_that_are_no_records_can_be_left_out_and_are_counted(scholar: Scholar) -> None:
    scholar.writes("data/verse.csv", scholar.reads("data/verse.csv") + "v5,short\n")
    said = scholar.types("run", "verse", "data.rejects=skip")
    assert "1 row is left out" in said.out
    assert said.counts["answered"] > 30
    assert "1 row is left out" in scholar.types("plan", "verse", "data.rejects=skip").out
    assert [row["why"] for row in scholar.table(".buttermilk/rejects/verse.csv")] != []
    page = Path(scholar.types("report").out.removeprefix("Report: ").strip()).read_text("utf-8")
    assert "data/verse.csv row 6" in page


def test_every_verb_that_has_json_speaks_it(asked: Scholar) -> None:
    job = asked.answers()["jobs"][0][0]
    for words in (["plan", "verse"], ["status"], ["watch"], ["show", job], ["replay", job], ["doctor"]):
        assert isinstance(asked.types(*words, "--json").json, dict)
    last: dict[str, Any] = asked.types("run", "verse", "wave=2", "--json").lines_of_json[-1]
    assert set(last) >= {"answered", "refused", "unparsed", "failed", "skipped", "remaining", "state", "run"}
    assert (last["state"], last["remaining"]) == ("finished", 0)
