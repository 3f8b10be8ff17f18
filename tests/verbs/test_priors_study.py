"""A study with prior answers at a terminal: what the plan says, what cannot be typed, and a run that is killed."""

import time
from collections.abc import Callable

import pytest

from buttermilk.testing import MockProvider
from scholar import Scholar

PATIENCE_SECONDS = 30.0


@pytest.fixture
def priors(scholar: Scholar) -> Scholar:
    """In a study whose judges are shown prior answers, about every record."""
    scholar.changes("conf/flow/verse.yaml", "repeats: 2", "repeats: 2\n    priors: {control_only: 0}")
    return scholar


def test_the_plan_counts_the_arm_apart_and_says_where_there_is_nothing_to_draw_from(priors: Scholar) -> None:
    first = priors.types("plan", "verse").out
    assert "44 jobs, 0 stored, 44 to ask" in first
    assert "wave 1, arm 'priors': no earlier answers to draw from, so only the control arm is asked." in first
    assert priors.types("run", "verse").counts["remaining"] == 0
    rows = priors.types("plan", "verse", "wave=2", "--json").json["rows"]
    assert {(row["agent"], row["planned"]) for row in rows if row["arm"] == "priors"} == {
        ("reader_a", 16),
        ("reader_b", 16),
    }
    said = priors.types("run", "verse", "wave=2").counts
    assert (sum(said.values()), said["remaining"]) == (44 + 32, 0)
    after = priors.types("plan", "verse", "wave=2").out
    assert "76 jobs, 76 stored, 0 to ask" in after
    assert "wave 2, arm 'priors': 4 of 4 records; 0 are control-only by the seed." in after
    priors.types("export", "verse.csv")
    row = next(row for row in priors.table("verse.csv") if row["arm"] == "priors")
    shown = priors.types("show", row["job_id"]).out
    assert "wave 2 · arm priors" in shown
    assert all(
        f"was shown {job_id[:12]}, record {row['record_id']}, wave 1: reason: " in shown
        for job_id in row["priors"].split()
    )


def test_the_plan_of_a_sweep_over_waves_waits_for_the_earlier_one_and_comes_out_right(priors: Scholar) -> None:
    said = priors.types("plan", "verse", "-m", "wave=1,2", "--json").json
    arm = [row for row in said["rows"] if row["arm"] == "priors"]
    assert [row["planned"] for row in arm] == [16, 16]
    assert all(row["why"] == {"waits for wave 1": 16} for row in arm)
    counts = priors.types("run", "verse", "-m", "wave=1,2").counts
    assert (sum(counts.values()), counts["remaining"]) == (said["planned"], 0)
    assert priors.types("plan", "verse", "-m", "wave=1,2", "--json").json["to_ask"] == 0


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ("steps.judge.arm=priors", "the arm cannot be 'priors'"),
        ("steps.judge.arm=synthesis", "neither can be switched off"),
        ("steps.judge.priors.control_only=1", "must be less than 1"),
        ("steps.judge.priors.control=false", "control"),
        ("steps.judge.priors.source=earlier_wave", "Did you mean 'earlier_waves'?"),
        ("+steps.judge.variables.priors=[1]", "'priors' cannot be the name of a variable"),
    ],
)
def test_nothing_that_can_be_typed_takes_the_control_arm_away(priors: Scholar, typed: str, told: str) -> None:
    said = priors.types("plan", "verse", typed, code=None)
    assert said.code not in (0, None)
    assert told in said.err


def test_a_prompt_that_never_shows_them_is_told_before_the_run(priors: Scholar) -> None:
    priors.writes("prompts/bare.md", "# user\n\n{{ record.text }} {{ codebook.instructions }} {{ perspective.text }}\n")
    said = priors.types("run", "verse", "steps.judge.prompt=bare", code=None)
    assert said.code not in (0, None)
    assert "step 'judge' has priors, and the prompt never shows them" in said.err
    assert "priors.md" in said.err
    assert priors.asked() == 0


def soon(what: Callable[[], object]) -> None:
    """Until it is so."""
    until = time.monotonic() + PATIENCE_SECONDS
    while not what():
        assert time.monotonic() < until, "it never came to be so"
        time.sleep(0.02)


@pytest.mark.slow
def test_a_sweep_of_waves_that_is_killed_asks_only_what_was_in_flight_again(priors: Scholar) -> None:
    with MockProvider(latency_ms=100) as mock:
        agent = f"type: openai\nmodel: mock\nbase_url: {mock.url}\nlimits: {{concurrency: 2, start: 2}}\n"
        priors.writes("conf/agent/slow.yaml", agent)
        priors.writes("conf/agent/other.yaml", agent.replace("model: mock", "model: mock-2"))
        priors.changes("conf/flow/verse.yaml", "agents: [vader, wordlist, reader_a, reader_b]", "agents: [slow, other]")
        priors.changes("conf/flow/verse.yaml", "repeats: 2", "repeats: 1")
        for count in (4, 10, 22, 34):
            process = priors.starts("run", "verse", "-m", "wave=1,2")
            soon(lambda count=count: mock.stats()["answered"] >= count)  # type: ignore[misc]
            process.kill()
            process.wait()
        counts = priors.types("run", "verse", "-m", "wave=1,2").counts
        stats = mock.stats()
    judges, synthesis = 2 * 2 * 4 * 2, 2 * 4  # agents, perspectives, verses, waves; a synthesis for each verse and wave
    assert (counts["answered"], counts["remaining"]) == (judges + judges // 2 + synthesis, 0)
    assert priors.asked() == counts["answered"]
    assert stats["requests"] - judges - judges // 2 <= 4 * 2 * 2  # two endpoints, two slots, four deaths
