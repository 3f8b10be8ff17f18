"""What is drawn of prior answers: neither slots nor stops nor the order in the pool can change it."""

import asyncio
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from buttermilk.core.jobs import Job
from buttermilk.core.priors import Priors
from buttermilk.engine.assemble import assemble
from buttermilk.engine.plan import cells, plan
from buttermilk.engine.priors import Lots
from buttermilk.engine.progress import Progress
from buttermilk.engine.run import Engine
from buttermilk.stores.sqlite import SqliteStore
from keeping import record, run
from panels import (
    SPEC,
    Asked,
    Counted,
    answers_of,
    criteria,
    flow,
    judge,
    keep,
    lexicon,
    opened,
    prompt,
    reader,
    refs_of,
    slots,
)
from priors_study import RECORDS, SHOWS, collect, jobs_of, rows_of, shown, shows, study


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    with closing(opened(tmp_path)) as found:
        yield found


# ---- draws by hashing


def drawn_with(folder: Path, count: int, stop: int | None = None) -> dict[tuple[str, str, int], list[str]]:
    folder.mkdir()
    with closing(opened(folder)) as store:
        collect(store, slots(study(), count))
        if stop:
            while (asked := collect(store, slots(study("2"), count), asked=Asked(stop))).jobs.total() >= stop:
                assert set(asked.jobs.values()) == {1}
        collect(store, slots(study("2"), count))
        return shown(store, "r2")


def test_draws_are_the_same_with_one_slot_or_eight_and_in_a_run_that_was_stopped(tmp_path: Path) -> None:
    one = drawn_with(tmp_path / "one", 1)
    assert one
    assert drawn_with(tmp_path / "eight", 8) == one
    assert drawn_with(tmp_path / "stopped", 8, stop=37) == one


def test_draws_are_the_same_in_whatever_order_the_pool_arrived(tmp_path: Path, store: SqliteStore) -> None:
    collect(store, study())
    rows = list(store.results("r1"))
    orders = []
    for number, order in enumerate((rows, rows[::-1])):
        (tmp_path / str(number)).mkdir()
        with closing(opened(tmp_path / str(number))) as other:
            for row in order:
                job = store.job(row["job_id"])
                assert job
                other.put("old", [(job, store.attempts(row["job_id"])[-1])])
            collect(other, study("2"))
            orders.append(shown(other, "r2"))
    assert orders[0] == orders[1] != {}


def test_a_stopped_run_goes_on_with_what_it_drew_and_asks_nothing_twice(store: SqliteStore) -> None:
    collect(store, study())
    total: Counter[str] = Counter()
    for stop in (10, 60, 90, None):
        total += collect(store, slots(study("2"), 4), asked=Asked(stop)).jobs
    assert set(total.values()) == {1}
    assert total.keys() == answers_of(store, "r2").keys()
    found = store.run("r2")
    assert found
    assert (found.state, found.planned) == ("finished", len(total))


def test_more_answers_of_an_earlier_wave_that_come_late_change_no_draw(store: SqliteStore) -> None:
    collect(store, study())
    collect(store, study("2"))
    before = shown(store, "r2")
    late = study().model_copy(update={"steps": (shows(repeats=4),)})
    collect(store, late)
    again = collect(store, study("2"))
    assert again.jobs == {}
    assert shown(store, "r2") == before


# ---- what may be drawn


def test_old_answers_that_belong_to_no_run_are_drawn_from(store: SqliteStore, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    with closing(opened(tmp_path / "elsewhere")) as other:
        collect(other, study("2019"))
        pairs = [(job, other.attempts(job.job_id)[-1]) for job in jobs_of(other, "r2019", "control")]
    old = [(job, one.model_copy(update={"run_id": "verse-2019"})) for job, one in pairs]
    store.put("verse-2019", old)
    assert store.run("verse-2019") is None
    for source in ("earlier_waves", "earlier_runs", "verse-2019"):
        collect(store, study("2", source=source), run_id=source)
        assert rows_of(store, source)
        assert {one["wave"] for row in rows_of(store, source) for one in row["priors"]} == {"2019"}


def test_a_named_run_alone_is_drawn_from(store: SqliteStore) -> None:
    for wave in "123":
        collect(store, study(wave))
    collect(store, study("4", source=["r2"]))
    assert {one["wave"] for row in rows_of(store, "r4") for one in row["priors"]} == {"2"}


def test_a_window_counts_waves_back(store: SqliteStore) -> None:
    for wave in "123":
        collect(store, study(wave))
    collect(store, study("4", window=1, n=50))
    collect(store, study("5", window=2, n=50))
    waves = {
        run_id: {one["wave"] for row in rows_of(store, run_id) for one in row["priors"]} for run_id in ("r4", "r5")
    }
    assert waves == {"r4": {"3"}, "r5": {"3", "4"}}


@pytest.mark.parametrize(("agents", "seen"), [("own", {"ann"}), ("others", {"bea", "cleo", "lexicon"})])
def test_agents_are_shown_others_answers_or_their_own(store: SqliteStore, agents: str, seen: set[str]) -> None:
    step = judge(
        agents=(reader("ann"), reader("bea"), reader("cleo"), lexicon()), prompts=(SHOWS,),
        priors=Priors.model_validate({"agents": agents, "n": 50}),
    )  # fmt: skip
    for wave in "12":
        collect(store, flow(step, wave=wave))
    assert {one["agent"] for row in rows_of(store, "r2") if row["agent"] == "ann" for one in row["priors"]} == seen


def test_of_each_stratum_as_many_are_drawn(store: SqliteStore) -> None:
    step = judge(
        agents=(reader("ann"), reader("bea"), reader("cleo")), prompts=(SHOWS,), repeats=3,
        perspectives=(criteria("tja"), criteria("hrc")), priors=Priors(strata=("model", "perspective"), n=2),
    )  # fmt: skip
    for wave in "12":
        collect(store, flow(step, wave=wave))
    for row in rows_of(store, "r2"):
        strata = Counter((one["model"], one["perspective"]) for one in row["priors"])
        assert set(strata.values()) <= {1, 2}
        assert len(strata) == 4  # two other models, two perspectives
        assert {model for model, _ in strata} == {f"model-{name}" for name in {"ann", "bea", "cleo"} - {row["agent"]}}


def test_answers_on_another_target_are_answers_to_another_question(store: SqliteStore) -> None:
    text = prompt(text="{{ record.text }} {{ target }} {{ priors }}")
    step = judge(
        agents=(reader("ann"), reader("bea")), prompts=(text,), variables={"target": ("the bridge", "the ferry")},
        priors=Priors(n=50),
    )  # fmt: skip
    for wave in "12":
        collect(store, flow(step, wave=wave))
    rows = rows_of(store, "r2")
    assert rows
    assert all(
        one["variant"] == {"target": "the bridge"}
        for row in rows
        if "bridge" in row["variant"]
        for one in row["priors"]
    )


def test_an_answer_about_what_the_record_said_before_is_not_shown(store: SqliteStore) -> None:
    collect(store, study())
    edited = [record(0, "something else altogether"), *RECORDS[1:]]
    collect(store, study("2", control_only=0), edited)
    assert "v0000" not in {row["record_id"] for row in rows_of(store, "r2")}
    assert len({row["record_id"] for row in rows_of(store, "r2")}) == 19


# ---- waves of a sweep, and batches of it


def sweep(store: SqliteStore, *waves: str, asked: Asked | None = None) -> Progress:
    flows = tuple(study(wave).model_copy(update={"variant": {"wave": wave}}) for wave in waves)
    dataset, asked = keep(store, RECORDS, SPEC), asked or Asked()
    if store.run("swept") is None:
        store.begin(run("swept", flow="verse"))
    now = run("swept", flow="verse", method=flows)
    return asyncio.run(Engine(store, now, dataset, lambda agent: Counted(agent, asked), stop=asked.stop).go())


def test_a_later_wave_of_a_sweep_draws_from_the_earlier_one(store: SqliteStore) -> None:
    progress = sweep(store, "1", "2")
    arms = Counter((row["wave"], row["arm"]) for row in store.results("swept"))
    assert arms["1", "control"] == arms["2", "control"] == 140
    assert arms["2", "priors"] > 60
    assert arms["1", "priors"] == 0
    assert (progress.state, progress.planned, progress.remaining) == ("finished", arms.total(), 0)
    assert [lane.planned for lane in progress.lanes] == [lane.done for lane in progress.lanes]


def test_a_sweep_that_was_stopped_keeps_what_it_has_of_every_wave(store: SqliteStore) -> None:
    total: Counter[str] = Counter()
    for stop in (50, 120, 100, None):
        asked = Asked(stop)
        sweep(store, "1", "2", asked=asked)
        total += asked.jobs
    assert set(total.values()) == {1}
    assert total.keys() == answers_of(store, "swept").keys()
    assert Counter(row["wave"] for row in store.results("swept"))["1"] == 140


def test_a_plan_of_the_arm_is_lazy_and_agrees_with_what_is_asked(store: SqliteStore) -> None:
    collect(store, study())
    method, dataset, refs = study("2"), keep(store, RECORDS, SPEC), refs_of(RECORDS)
    lots = Lots(store, dataset, "r1", "")
    informed = [cell for cell in cells(method, method.steps[0], sorted(SPEC.sent)) if cell.informed]
    ids = {job.job_id for cell in informed for job in plan([cell], refs, lots.inputs(cell, refs))}
    collect(store, method)
    assert ids == {row["job_id"] for row in rows_of(store, "r2")}


def test_a_stored_job_of_the_arm_is_asked_again_from_its_json_alone(store: SqliteStore) -> None:
    collect(store, study())
    collect(store, study("2"))
    job = Job.model_validate_json(jobs_of(store, "r2")[0].model_dump_json())
    assert store.job(job.job_id) == job
    assert [one.text for one in assemble(job).messages] == [
        one.text for one in assemble(jobs_of(store, "r2")[0]).messages
    ]
