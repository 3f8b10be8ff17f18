"""Steps that read a panel, through the real engine: all of it, in a drawn order, blind, and above a quorum only."""

import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from buttermilk.analysis.evidence import evidence
from buttermilk.analysis.report import render
from buttermilk.core.flows import Codebook, LabelDefinition, Question
from buttermilk.core.jobs import Answer, Job
from buttermilk.core.records import HumanLabel
from buttermilk.engine.assemble import assemble
from keeping import CODEBOOK, record
from panels import Asked, answers_of, ask, criteria, flow, judge, keep, opened, planned, prompt, reader, synthesis

pytestmark = pytest.mark.anyio
STEADY: dict[str, Any] = {"accuracy": 1, "consistency": 1, "perspective_shift": 0, "faithful": 1}
NO = Codebook(
    name="violation",
    questions=(
        Question(
            name="violates",
            ask="Is a rule broken?",
            labels=tuple(LabelDefinition(name=name) for name in ("no", "yes")),
        ),
    ),
)
LISTED = prompt("synthesise", "{% for one in answers %}- {{ one.id }} {{ one.agent }} {{ one.values }}\n{% endfor %}")
RECORDS = [record(number) for number in range(1, 5)]
PANEL = judge(agents=tuple(reader(name) for name in ("ann", "bo", "cy")), repeats=2)


def jobs_of(store: Any, step: str, run_id: str = "r1") -> list[Job]:
    return [store.job(row["job_id"]) for row in store.results(run_id, step)]


def shown(job: Job) -> str:
    return assemble(job).messages[-1].text


async def test_no_repeat_is_shown_the_panel_in_the_order_of_another_and_every_rerun_sees_the_same(
    tmp_path: Path,
) -> None:
    method = flow(PANEL, synthesis(prompts=(LISTED,), repeats=3))
    store = opened(tmp_path)
    await ask(store, method, RECORDS, Asked())
    jobs = jobs_of(store, "synthesis")
    firsts: Counter[str] = Counter()
    for one in RECORDS:
        texts = [shown(job) for job in jobs if job.record.record_id == one.record_id]
        assert len(texts) == len(set(texts)) == 3
        assert len({tuple(sorted(text.splitlines())) for text in texts}) == 1  # the same answers
        firsts.update(text.split()[2] for text in texts)
    assert len(firsts) > 1
    again = {job.job_id: shown(store.job(job.job_id)) for job in jobs}
    assert again == {job.job_id: shown(job) for job in jobs}
    store.close()


async def test_a_blind_step_holds_no_name_in_its_jobs_whatever_its_prompt_shows(tmp_path: Path) -> None:
    method = flow(PANEL, synthesis(prompts=(LISTED,), blind=True))
    store = opened(tmp_path)
    await ask(store, method, RECORDS, Asked())
    for job in jobs_of(store, "synthesis"):
        assert re.findall(r"\b(?:ann|bo|cy)\b", str(job.inputs) + shown(job)) == []
        assert {one.agent for one in job.inputs["answers"]} == {"reader 1", "reader 2", "reader 3"}
        assert {one.perspective for one in job.inputs["answers"]} == {"tja"}
        assert not job.partial
    store.close()


async def test_blind_and_not_are_two_questions_and_the_judges_are_not_asked_again(tmp_path: Path) -> None:
    store, asked = opened(tmp_path), Asked()
    await ask(store, flow(PANEL, synthesis(prompts=(LISTED,))), RECORDS, asked)
    await ask(store, flow(PANEL, synthesis(prompts=(LISTED,), blind=True)), RECORDS, asked, run_id="r2")
    assert set(asked.jobs.values()) == {1}
    assert len(asked.jobs) == 24 + 4 + 4
    store.close()


@pytest.mark.parametrize(("quorum", "below"), [(0, 0), (2 / 3, 0), (0.67, 4), (1, 4)])
async def test_below_its_quorum_a_step_is_not_asked_and_that_is_counted(
    tmp_path: Path, quorum: float, below: int
) -> None:
    """Two of three answer about each record: 2/3 is met to the digit, .67 is not."""
    agents = (reader("ann"), reader("bo"), reader("cy", refusal=1))
    method = flow(judge(agents=agents, repeats=2), synthesis(quorum=quorum))
    store = opened(tmp_path)
    progress = await ask(store, method, RECORDS, Asked())
    assert progress.below_quorum["synthesis"] == below
    assert len(jobs_of(store, "synthesis")) == 4 - below
    assert (progress.remaining, progress.state) == (0, "finished")
    assert all(job.partial for job in jobs_of(store, "synthesis"))
    told = store.run("r1").progress["below_quorum"]
    assert told == ({"synthesis": below} if below else {})
    page = render(evidence(store, store.run("r1").model_copy(update={"method": (method,)})))
    assert ("Below quorum: 4 jobs of the step “synthesis” were not asked" in page) == bool(below)
    store.close()


async def test_a_no_and_a_null_make_up_a_quorum(tmp_path: Path) -> None:
    ask_null = CODEBOOK.questions[0].model_copy(update={"optional": True})
    book = CODEBOOK.model_copy(update={"questions": (ask_null,)})
    cell = synthesis(quorum=1, codebook=book)
    method = flow(judge(codebook=book, agents=(reader("ann"), reader("bo"))), cell)
    store = opened(tmp_path)
    await ask(store, method, RECORDS[:1], Asked())
    (one,) = [one for one in planned(store, method, RECORDS[:1]) if one.plan.step.name == "synthesis"]
    said = tuple(
        Answer(job_id=str(n) * 32, step="judge", agent=f"a{n}", status="answered", values={"tone": None})
        for n in (1, 2)
    )
    assert one.plan.may_read({"answers": said})
    assert not one.plan.may_read(
        {"answers": (said[0], said[1].model_copy(update={"status": "refused", "values": None}))}
    )
    store.close()


async def test_a_run_that_was_stopped_reads_the_same_panel_as_one_that_was_not(tmp_path: Path) -> None:
    cell = synthesis(prompts=(LISTED,), blind=True, quorum=0.5, repeats=2)
    method = flow(judge(agents=(reader("ann", refusal=0.4), reader("bo", malformed=0.4)), repeats=2), cell)
    (tmp_path / "a").mkdir(), (tmp_path / "b").mkdir()
    whole, cut = opened(tmp_path / "a"), opened(tmp_path / "b")
    await ask(whole, method, RECORDS, Asked())
    for stop_after in (3, 9, None):
        await ask(cut, method, RECORDS, Asked(stop_after=stop_after))
    assert answers_of(cut) == answers_of(whole)
    assert whole.run("r1").progress["below_quorum"] == cut.run("r1").progress["below_quorum"]
    whole.close(), cut.close()


# ---- nobody sees a violation


async def test_that_no_judge_sees_a_violation_is_a_unanimous_no_from_the_input_to_the_metrics(tmp_path: Path) -> None:
    labelled = [one.model_copy(update={"labels": (HumanLabel(question="violates", value="no"),)}) for one in RECORDS]
    agents = tuple(reader(name, **STEADY) for name in ("ann", "bo", "cy"))
    panel = judge(agents=agents, codebook=NO, perspectives=(criteria("tja"), criteria("hrc")))
    method = flow(panel, synthesis(codebook=NO, agents=(reader("eve", **STEADY),), prompts=(LISTED,)))
    store = opened(tmp_path)
    await ask(store, method, labelled, Asked())
    for job in jobs_of(store, "synthesis"):
        assert shown(job).count('{"violates": "no"}') == 6
    rows = list(store.results("r1", "synthesis"))
    assert [row["answers"] for row in rows] == [{"violates": "no"}] * 4
    asked = {"method": (method,), "dataset_fingerprint": keep(store, labelled).fingerprint}
    page = render(evidence(store, store.run("r1").model_copy(update=asked)))
    text = re.sub(r"(<[^>]+>|\s)+", " ", page).replace("&#39;", "'")
    assert "Of 4 unanimous panels, 0 found another answer in the synthesis" in text
    assert "100.0% of these say what it says, 0 depart from it" in text
    assert re.search(r"the synthesis +100\.0% \[51\.0, 100\.0\]", text)  # Wilson, 4 of 4: 4 / (4 + 1.96²) = .510
    assert re.search(r"the panel's majority +100\.0% \[51\.0, 100\.0\] +\+0\.0 \[\+0\.0, \+0\.0\]", text)
    store.close()
