"""The same flow again, a month later: whole or on the anchor set, by the same method and the same model or not."""

import asyncio
import sqlite3
import time

import pytest

from buttermilk.study.planning import plan
from buttermilk.study.running import run
from buttermilk.testing import MockProvider
from scholar import Scholar, is_plain

OLD, NEW = "gpt-2026-08-06", "gpt-2026-11-20"
AGENT = """type: openai
model: gpt
base_url: {url}
provider: mock
limits: {{concurrency: 1, start: 1}}
"""
FLOW = """title: Is it sad?
dataset: verse
steps:
  judge: {prompt: judge, codebook: sentiment, perspectives: [sound_and_image], agents: [gpt], repeats: 3}
"""


def test_a_wave_is_named_by_an_option_an_override_or_a_keyword(asked: Scholar) -> None:
    ways = [
        asked.types("plan", "verse", "--wave", "2026.10", "--json").json,
        asked.types("plan", "verse", "wave='2026.10'", "--json").json,
        plan("verse", wave="2026.10", root=asked.folder).as_json(),
    ]
    assert ways[0]["wave"] == "2026.10"  # and not 2026.1
    for one in ways:
        assert (one["wave"], one["to_ask"], one["warnings"]) == ("2026.10", one["planned"], [])
    assert ways[0]["rows"][0]["why"] == {"new wave": 4}
    assert asked.types("run", "verse", "--wave", "2026-12").counts["skipped"] == 0
    assert asked.types("plan", "verse", "wave=2026-12", "--json").json["to_ask"] == 0
    asked.types("export", "a.csv")
    assert {row["wave"] for row in asked.table("a.csv")} == {"2026-12"}


def test_the_anchor_set_is_asked_alone_and_the_rest_of_the_wave_later(asked: Scholar) -> None:
    words = ("verse", "anchor=2", "--wave", "2")
    planned = asked.types("plan", *words, "--anchor", "--json").json
    assert (planned["records"], planned["planned"]) == (2, 22)
    ran = asked.types("run", *words, "--anchor")
    assert sum(ran.counts[name] for name in ("answered", "refused", "unparsed")) == 22
    again = asked.types("run", *words, "--anchor")
    assert "is complete" in again.out
    asked.types("export", "anchor.csv")
    chosen = {row["record_id"] for row in asked.table("anchor.csv")}
    assert len(chosen) == 2
    assert asked.types("plan", *words, "--json").json["to_ask"] == 22
    whole = asked.types("run", *words)
    assert (whole.counts["skipped"], whole.counts["remaining"]) == (22, 0)
    # Next month the same two are drawn.
    asked.types("run", "verse", "anchor=2", "--wave", "3", "--anchor")
    asked.types("export", "next.csv")
    assert {row["record_id"] for row in asked.table("next.csv")} == chosen
    asked.types("report", "-o", "anchor.html")
    assert "2: the anchor set, of 4" in asked.reads("anchor.html")


def test_a_plan_of_one_wave_is_not_misled_by_a_later_one_or_by_its_anchor_set(asked: Scholar) -> None:
    asked.types("run", "verse", "anchor=2", "--anchor")
    assert asked.types("plan", "verse", "--json").json["to_ask"] == 0
    asked.types("run", "verse", "--wave", "2")
    assert asked.types("plan", "verse", "--json").json["to_ask"] == 0
    assert asked.types("plan", "verse", "--wave", "2", "--json").json["to_ask"] == 0


def test_a_notebook_asks_an_anchor_set_as_the_command_does(asked: Scholar) -> None:
    progress = asyncio.run(run("verse", "anchor=3", wave="5", anchor=True, root=asked.folder))
    assert (progress.planned, progress.state) == (33, "finished")


def test_a_wave_that_is_asked_otherwise_is_told_before_anybody_is_asked(asked: Scholar) -> None:
    assert "otherwise" not in asked.types("run", "verse", "--wave", "2").out
    asked.changes("prompts/judge.md", "# user", "Be brief.\n\n# user")
    for verb in ("plan", "run"):
        said = asked.types(verb, "verse", "steps.judge.repeats=1", "--wave", "3")
        assert "wave 3 is asked otherwise than wave 2 (run verse-" in said.out
        assert "what differs between them may be the method:" in said.out
        assert "prompt judge: before " in said.out
        assert "repeats of judge: before 2, now 1" in said.out
    silent = asked.types("run", "verse", "steps.judge.repeats=1", "--wave", "4", "--json")
    assert "otherwise" not in silent.err  # than wave 3, the last one
    loud = asked.types("run", "verse", "--wave", "5", "--json")
    assert "repeats of judge: before 1, now 2" in loud.err
    assert [line["run"] for line in loud.lines_of_json]


@pytest.fixture
def one_agent(scholar: Scholar) -> Scholar:
    scholar.writes("conf/flow/sad.yaml", FLOW)
    return scholar


def answered(scholar: Scholar) -> int:
    try:
        with sqlite3.connect(scholar.store) as connection:
            return int(connection.execute("SELECT count(*) FROM results").fetchone()[0])
    except sqlite3.OperationalError:
        return 0


def test_a_run_that_was_killed_remembers_which_model_answered(one_agent: Scholar) -> None:
    scholar = one_agent
    with MockProvider(model_returned=OLD, latency_ms=150) as mock:
        scholar.writes("conf/agent/gpt.yaml", AGENT.format(url=mock.url))
        process = scholar.starts("run", "sad", "--wave", "2026-12")
        for _ in range(600):
            if answered(scholar) >= 2:
                break
            time.sleep(0.05)
        process.kill()
        process.communicate()
        kept = answered(scholar)
        assert 2 <= kept < 12
        mock.configure(model_returned=NEW, latency_ms=0)
        said = scholar.types("run", "sad", "--wave", "2026-12", code=3)
        assert "another model answers for gpt" in said.out
        assert "gpt was answered by more than one model in wave 2026-12:" in said.err
        assert f"{OLD}: {kept} replies" in said.err
        assert f"{NEW}: 1 reply" in said.err
        assert "run.model_change=split" in said.err
        assert "type the same command again." not in said.err  # that would change nothing
        assert is_plain(said.err)
        plan = scholar.types("plan", "sad", "--wave", "2026-12")
        assert f"! gpt was answered by more than one model in wave 2026-12: {OLD} ({kept}), {NEW} (1)" in plan.out
        split = ("run", "sad", "--wave", "2026-12", "run.model_change=split")
        cut = scholar.types(*split, "run.budget.tokens=1", code=3)
        assert "type the same command again." in cut.err  # a budget that is spent is no question of models
        assert "--wave NAME" not in cut.err
        done = scholar.types(*split)
        assert done.counts["answered"] == 12
        assert f"{NEW}: {12 - kept} replies" in done.err
        assert "(wave 2026-12.b)" in done.err
    scholar.types("export", "a.csv")
    waves = {(row["model_returned"], row["wave"]) for row in scholar.table("a.csv")}
    assert waves == {(OLD, "2026-12"), (NEW, "2026-12.b")}
    scholar.types("report", "-o", "a.html")
    assert "gpt in wave 2026-12.b" in scholar.reads("a.html")
    assert "kept apart as wave 2026-12.b, and pooled with no other" in scholar.reads("a.html")


def test_what_is_pooled_by_choice_is_told_by_run_and_report(one_agent: Scholar) -> None:
    scholar = one_agent
    with MockProvider(model_returned=OLD) as mock:
        scholar.writes("conf/agent/gpt.yaml", AGENT.format(url=mock.url))
        scholar.types("run", "sad", "repeats=1")
        mock.configure(model_returned=NEW)
        said = scholar.types("run", "sad", "run.model_change=note")
        assert "gpt was answered by more than one model in wave 1 (pooled):" in said.err
    scholar.types("export", "a.csv")
    assert {row["wave"] for row in scholar.table("a.csv")} == {"1"}
    scholar.types("report", "-o", "a.html")
    assert "More than one model answered for gpt within this wave" in scholar.reads("a.html")


def test_a_choice_that_is_none_is_told_with_those_there_are(scholar: Scholar) -> None:
    said = scholar.types("plan", "verse", "run.model_change=merge", code=2)
    assert "'run.model_change'" in said.err
    assert "'stop', 'split' or 'note'" in said.err


def test_two_versions_of_a_prompt_are_not_compared_by_two_models_unawares(one_agent: Scholar) -> None:
    scholar = one_agent
    with MockProvider(model_returned=OLD) as mock:
        scholar.writes("conf/agent/gpt.yaml", AGENT.format(url=mock.url))
        scholar.writes("prompts/second.md", scholar.reads("prompts/judge.md").replace("# user", "Be brief.\n\n# user"))
        scholar.changes("prompts/second.md", "name: judge", "name: second")
        words = ("prompts", "compare", "judge", "second", "--flow", "sad", "--repeats", "1")
        scholar.types(*words, "limit=2")
        mock.configure(model_returned=NEW)
        stopped = scholar.types(*words, code=2)
        assert "another model answers for gpt, so the two versions would not be compared alone." in stopped.err
        assert "wave=NAME" in stopped.err
        assert scholar.types(*words, "wave=2").code == 0
