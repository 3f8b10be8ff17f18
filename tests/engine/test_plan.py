"""`plan`: pure, lazy, and the same however it is cut."""

from collections.abc import Iterator
from contextlib import closing
from itertools import islice, pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import strategies as some
from buttermilk.core.flows import Step
from buttermilk.core.jobs import Answer
from buttermilk.core.records import Record, RecordRef
from buttermilk.engine.plan import Planned, cells, ordered, panel_size, plan, readings, size, waits_for
from keeping import job, record, result
from panels import criteria, flow, judge, lexicon, opened, prompt, reader, refs_of, synthesis

RECORDS = [record(number, poet="Ann") for number in range(7)]
REFS = refs_of(RECORDS)


def wide(**more: Any) -> Step:
    given: dict[str, Any] = {
        "agents": (reader("ann"), reader("bea"), lexicon()),
        "prompts": (prompt("p"), prompt("q", "Well? {{ record.text }}")),
        "perspectives": (criteria("tja"), criteria("glaad"), criteria("hrc")),
        "variables": {"tone": ("blunt", None), "length": (1,)},
        "repeats": 2,
    }
    return judge(**given | more)


def names(jobs: list[Planned]) -> list[tuple[str, str, int]]:
    return [(one.plan.cell.key, one.ref.record_id, one.repeat) for one in jobs]


def test_the_grid_is_agents_by_prompts_by_perspectives_by_variables_by_repeats() -> None:
    method = flow(wide())
    found = cells(method, wide())
    assert len(found) == 2 * 2 * 3 * 2 + 1
    assert len({cell.cell.key for cell in found}) == len(found)
    assert panel_size(method, wide()) == 24 * 2 + 1
    assert size(method, wide(), 7) == 7 * 49 == len(list(plan(found, REFS)))


def test_a_tool_has_one_cell_and_is_asked_once_and_a_chancy_tool_as_often_as_a_model() -> None:
    (tool,) = cells(flow(), wide(agents=(lexicon(),)))
    assert (tool.prompt, tool.perspective, dict(tool.variant), tool.repeats) == (None, None, {}, 1)
    chancy = lexicon().model_copy(update={"deterministic": False})
    assert panel_size(flow(), wide(agents=(chancy,))) == 2


def test_a_step_without_prompts_or_perspectives_has_cells_too() -> None:
    (cell,) = cells(flow(), judge(agents=(lexicon(),), prompts=(), perspectives=()))
    assert cell.cell.perspective == ""
    (bare,) = cells(flow(), judge(perspectives=()))
    assert bare.perspective is None


def test_what_a_sweep_set_and_which_prompt_it_was_are_in_the_variant() -> None:
    method = flow(wide(), variant={"steps.judge.repeats": 2})
    variants = [dict(cell.variant) for cell in cells(method, wide())]
    assert variants[0] == {"steps.judge.repeats": 2, "length": 1, "tone": "blunt", "prompt": "p"}
    assert variants[-1] == {"steps.judge.repeats": 2}
    assert all("prompt" not in cell.variant for cell in cells(method, wide(prompts=(prompt("p"),))))


def test_jobs_with_the_same_long_prefix_follow_each_other() -> None:
    jobs = list(plan(cells(flow(wide()), wide()), REFS))
    of_cells = [one.plan.cell.key for one in jobs]
    changes = sum(a != b for a, b in pairwise(of_cells))
    assert changes == len(set(of_cells)) - 1
    assert [(one.ref.record_id, one.repeat) for one in jobs[:4]] == [
        ("v0000", 1), ("v0000", 2), ("v0001", 1), ("v0001", 2),
    ]  # fmt: skip


@given(cuts=st.lists(st.integers(0, 7), max_size=4).map(sorted))
def test_the_order_and_the_ids_are_the_same_however_the_records_are_cut(cuts: list[int]) -> None:
    step = wide(variables={})
    whole = list(plan(cells(flow(step), step), REFS))
    edges = [0, *cuts, len(REFS)]
    in_chunks = [
        one
        for cell in cells(flow(step), step)
        for start, end in pairwise(edges)
        for one in plan([cell], REFS[start:end], first=start)
    ]
    assert names(in_chunks) == names(whole)
    assert [one.job_id for one in in_chunks] == [one.job_id for one in whole]
    assert [one.position for one in in_chunks] == [one.position for one in whole]


def test_a_plan_of_a_million_jobs_is_begun_at_once() -> None:
    step = wide(repeats=1_000_000)
    first = list(islice(plan(cells(flow(step), step), REFS), 3))
    assert [one.repeat for one in first] == [1, 2, 3]


@settings(max_examples=40)
@given(step=some.steps, records=some.tuples(some.records, 1, 3, by=lambda item: item.record_id), columns=st.data())
def test_a_planned_job_is_the_job_it_names(step: Step, records: tuple[Record, ...], columns: st.DataObject) -> None:
    step = step.model_copy(update={"reads": {}})
    sent = columns.draw(st.sets(st.sampled_from(sorted({name for one in records for name in one.metadata} | {""}))))
    refs = [RecordRef(one.record_id, one.record_hash, one.seen_hash(sent)) for one in records]
    for planned in plan(cells(flow(step), step, sorted(sent)), refs):
        made = planned.job(records[planned.position])
        again = type(made).model_validate_json(made.model_dump_json())
        assert made.job_id == planned.job_id == again.job_id
        assert made.cell == again.cell == planned.plan.cell
        assert made.sent_columns == tuple(sorted(sent))
        assert made.record.seen_hash(made.sent_columns) == made.seen_hash


# ---- steps that read others


def answer(number: int, status: str = "answered", **more: Any) -> Answer:
    given = {"job_id": f"{number:032}", "step": "judge", "agent": "ann", "status": status, "values": {"tone": "sad"}}
    return Answer.model_validate(given | more)


def test_a_step_comes_after_what_it_reads_and_what_it_waits_for() -> None:
    first, second = judge(), synthesis()
    third = synthesis(name="differences", reads={"one": "judge", "two": "synthesis"})
    fourth = judge(name="aside", after=("differences",))
    fifth = judge(name="free")
    assert waits_for(third) == {"judge", "synthesis"}
    for steps in ((fourth, third, second, first, fifth), (fifth, first, second, third, fourth)):
        found = [step.name for step in ordered(flow(*steps))]
        assert [name for name in found if name != "free"] == ["judge", "synthesis", "differences", "aside"]
    assert [step.name for step in ordered(flow(first, fifth))] == ["judge", "free"]


def test_a_record_nobody_answered_about_has_nothing_to_read() -> None:
    inputs = {"v0001": {"answers": (answer(1),)}, "v0002": {"answers": ()}, "v0003": {}}
    jobs = list(plan(cells(flow(judge(), synthesis()), synthesis()), REFS, inputs))
    assert [one.ref.record_id for one in jobs] == ["v0001"]
    assert list(plan(cells(flow(judge(), synthesis()), synthesis()), REFS, None)) == []


def test_a_refusal_is_something_to_read() -> None:
    inputs = {"v0001": {"answers": (answer(1, "refused", values=None),)}}
    (one,) = plan(cells(flow(judge(), synthesis()), synthesis()), REFS, inputs)
    assert one.job(RECORDS[1]).inputs["answers"][0].status == "refused"


@pytest.mark.parametrize(
    "change", [{"status": "refused"}, {"values": {"tone": "glad"}}, {"values": None}, {"agent": "bea"}, {"repeat": 2}]
)
def test_other_answers_to_read_make_another_job(change: dict[str, Any]) -> None:
    method = flow(judge(), synthesis())
    found = [
        next(plan(cells(method, synthesis()), REFS, {"v0001": {"answers": (given,)}})).job_id
        for given in (answer(1), answer(1, **change))
    ]
    assert found[0] != found[1]


def test_a_job_knows_how_large_its_panel_should_have_been() -> None:
    method = flow(judge(repeats=2), synthesis())
    (one,) = plan(cells(method, method.steps[1]), REFS, {"v0001": {"answers": (answer(1),)}})
    made = one.job(RECORDS[1])
    assert made.planned_inputs == {"answers": 2}
    assert made.partial


@pytest.fixture
def swept(tmp_path: Path) -> Iterator[Any]:
    """A judge asked in two cells of a sweep, about two records."""
    with closing(opened(tmp_path)) as store:
        for number, tone in enumerate(("blunt", "kind")):
            for about in RECORDS[:2]:
                one = job(about, variant={"tone": tone, "prompt": "p"})
                status = "refused" if number else "answered"
                store.put("r1", [(one, result(one, status))])
        yield store


def test_a_cell_of_a_sweep_reads_the_answers_of_its_own_cell(swept: Any) -> None:
    for tone, status in (("blunt", "answered"), ("kind", "refused")):
        method = flow(judge(), synthesis(), variant={"tone": tone})
        (cell,) = cells(method, method.steps[1])
        found = readings(swept, "r1", cell, REFS)
        assert {record_id: len(read["answers"]) for record_id, read in found.items()} == {
            ref.record_id: int(ref.record_id in ("v0000", "v0001")) for ref in REFS
        }
        assert found["v0000"]["answers"][0].status == status


def test_without_a_sweep_a_step_reads_every_variant(swept: Any) -> None:
    method = flow(judge(), synthesis())
    (cell,) = cells(method, method.steps[1])
    assert len(readings(swept, "r1", cell, REFS)["v0000"]["answers"]) == 2
    assert readings(swept, "another run", cell, REFS)["v0000"] == {"answers": ()}
