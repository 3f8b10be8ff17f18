"""Planned minus stored is what remains: stopping, slots and order change no id, no draw and no result."""

import asyncio
import random
import shutil
from collections import Counter
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from buttermilk.core.flows import Flow, Step
from buttermilk.core.records import Record
from buttermilk.engine import writer
from buttermilk.engine.reasons import reasons
from buttermilk.stores.sqlite import SqliteStore
from keeping import record
from panels import (
    Asked,
    answers_of,
    ask,
    attempts_of,
    criteria,
    flow,
    judge,
    lexicon,
    opened,
    planned,
    prompt,
    reader,
    remaining,
    slots,
    synthesis,
)

FAULTS = {"refusal": 0.2, "malformed": 0.3}


@pytest.fixture(scope="module", autouse=True)
def quick() -> Any:
    """Groups of answers wait for no company here: these runs have a dozen jobs."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(writer, "LINGER_SECONDS", 0.0005)
        yield


@pytest.fixture(scope="module")
def empty_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("empty")
    opened(folder).close()
    return folder / "jobs.db"


def subset(names: str) -> st.SearchStrategy[list[str]]:
    return st.lists(st.sampled_from(names), min_size=1, max_size=2, unique=True)


@st.composite
def methods(draw: st.DrawFn) -> Flow:
    """One or two steps; models with faults and a tool; one axis more of one or two values, for it must be quick."""
    agents = [reader(name, **FAULTS) for name in draw(subset("ab"))] + draw(st.sampled_from([[], [lexicon()]]))
    texts = {"p": "{{ record.text }}", "q": "Well? {{ record.text }}"}
    wide = draw(st.sampled_from(["prompts", "perspectives", "variables"]))
    first = judge(
        agents=tuple(agents),
        prompts=tuple(prompt(name, texts[name]) for name in (draw(subset("pq")) if wide == "prompts" else "p")),
        perspectives=tuple(criteria(name) for name in (draw(subset("xy")) if wide == "perspectives" else "")),
        variables={"tone": tuple(draw(subset("uv")))} if wide == "variables" else {},
        repeats=draw(st.integers(1, 2)),
    )
    second = synthesis(agents=(reader("eve", **FAULTS),), repeats=draw(st.integers(1, 2)))
    steps = (first, second) if draw(st.booleans()) else (first,)
    more = {"seed": draw(st.integers(1, 3)), "variant": draw(st.sampled_from([{}, {"steps.judge.tone": "blunt"}]))}
    return flow(*steps, **more)


def shuffled(method: Flow, chance: random.Random) -> Flow:
    """The same questions in another order."""

    def mixed(items: Any) -> tuple[Any, ...]:
        return tuple(chance.sample(list(items), len(items)))

    steps = []
    for step in method.steps:
        axes = {name: mixed(getattr(step, name)) for name in ("agents", "prompts", "perspectives")}
        variables = {name: mixed(values) for name, values in step.variables.items()}
        steps.append(step.model_copy(update={**axes, "variables": variables}))
    return method.model_copy(update={"steps": mixed(steps)})


@pytest.mark.slow
@settings(max_examples=200, suppress_health_check=[HealthCheck.too_slow])
@given(
    method=methods(),
    count=st.integers(1, 3),
    stops=st.lists(st.integers(1, 12), min_size=1, max_size=2),
    slots_of=st.lists(st.integers(1, 16), min_size=4, max_size=4),
    chance=st.randoms(use_true_random=False),
)
def test_stopping_slots_and_order_change_no_id_no_draw_and_no_result(
    empty_store: Path,
    tmp_path_factory: pytest.TempPathFactory,
    method: Flow,
    count: int,
    stops: list[int],
    slots_of: list[int],
    chance: random.Random,
) -> None:
    records = [record(number, text=f"line {number}") for number in range(count)]
    folder = tmp_path_factory.mktemp("study")
    for name in ("whole.db", "broken.db"):
        shutil.copy(empty_store, folder / name)
    with closing(SqliteStore(folder / "whole.db")) as store:
        uninterrupted = Asked()
        asyncio.run(ask(store, slots(method, 1), records, uninterrupted))
        wanted = answers_of(store)
    for stop, places in zip(stops, slots_of, strict=False):
        with closing(SqliteStore(folder / "broken.db")) as store:
            asyncio.run(ask(store, slots(shuffled(method, chance), places), records, Asked(stop)))
    with closing(SqliteStore(folder / "broken.db")) as store:
        left = {job.job_id for job in remaining(store, method, records) if job.plan.step.name == "judge"}
        reads = {job.job_id for job in remaining(store, method, records)} - left
        rest = Asked()
        mixed = chance.sample(records, len(records))
        progress = asyncio.run(ask(store, slots(shuffled(method, chance), slots_of[2]), mixed, rest))
        assert progress.state == "finished"
        assert set(rest.jobs.values()) <= {1}
        asked_judges = {row["job_id"] for row in store.results("r1", "judge")} & rest.jobs.keys()
        assert asked_judges == left
        if not left:
            assert rest.jobs.keys() == reads
        assert answers_of(store) == wanted
        assert remaining(store, method, records) == []
        again = Asked()
        asyncio.run(ask(store, slots(method, slots_of[3]), records, again))
        assert not again.jobs
        assert answers_of(store) == wanted
    assert set(uninterrupted.jobs) == set(wanted)
    shutil.rmtree(folder)


# ---- one change at a time


METHOD = flow(judge(agents=(reader(), lexicon()), repeats=2), synthesis())
RECORDS = [record(number, poet="Ann", row=number) for number in range(3)]


@pytest.fixture
def store(tmp_path: Path) -> Any:
    """Everything answered once."""
    with closing(opened(tmp_path)) as made:
        asyncio.run(ask(made, METHOD, RECORDS, Asked()))
        yield made


def told(store: SqliteStore, method: Flow, records: list[Record], step: str = "judge") -> Counter[str]:
    """What `plan` says of a step's jobs that are not answered yet."""
    left = [job for job in remaining(store, method, records) if job.plan.step.name == step]
    return reasons(store, step, left)


def asked_by(store: SqliteStore, method: Flow, records: list[Record]) -> set[tuple[str, str, str]]:
    """(step, agent, record) of everybody who is asked when the changed study runs."""
    asked = Asked()
    asyncio.run(ask(store, method, records, asked, run_id="r2"))
    jobs = [store.job(job_id) for job_id in asked.jobs]
    return {(job.step, job.agent.name, job.record.record_id) for job in jobs if job}


def test_a_finished_study_asks_nothing(store: SqliteStore) -> None:
    assert len(planned(store, METHOD, RECORDS)) == 3 * 3 + 3
    assert remaining(store, METHOD, RECORDS) == []
    assert asked_by(store, METHOD, RECORDS) == set()
    assert answers_of(store, "r2") == answers_of(store, "r1")


def test_one_character_of_one_record_asks_exactly_its_jobs_again(store: SqliteStore) -> None:
    changed = [RECORDS[0], record(1, text="line 1.", poet="Ann", row=1), RECORDS[2]]
    assert told(store, METHOD, changed) == {"record changed": 3}
    assert asked_by(store, METHOD, changed) == {
        ("judge", "ann", "v0001"),
        ("judge", "lexicon", "v0001"),
        ("synthesis", "eve", "v0001"),
    }


def test_a_sent_column_is_part_of_the_record_and_another_is_not(store: SqliteStore) -> None:
    sent = [one.model_copy(update={"metadata": {**one.metadata, "poet": "Bea"}}) for one in RECORDS]
    unsent = [one.model_copy(update={"metadata": {**one.metadata, "year": 1850, "row": -1}}) for one in RECORDS]
    assert told(store, METHOD, sent) == {"record changed": 9}
    assert told(store, METHOD, unsent) == {}
    assert asked_by(store, METHOD, unsent) == set()


def test_a_new_record_is_not_asked_yet_and_one_that_left_is_not_asked_about(store: SqliteStore) -> None:
    assert told(store, METHOD, [*RECORDS, record(9)]) == {"not asked yet": 3}
    assert told(store, METHOD, RECORDS[:1]) == {}


def changed(**change: Any) -> Flow:
    return flow(judge(agents=(reader(), lexicon()), repeats=2).model_copy(update=change), synthesis())


WHYS: dict[str, tuple[Flow, dict[str, int]]] = {
    "model changed": (changed(agents=(reader(accuracy=0.9), lexicon())), {"model changed": 6}),
    "prompt changed": (changed(prompts=(prompt(text="Well? {{ record.text }}"),)), {"prompt changed": 6}),
    "criteria changed": (changed(perspectives=(criteria(text="1. Be fair."),)), {"criteria changed": 6}),
    "codebook changed": (
        changed(codebook=METHOD.steps[0].codebook.model_copy(update={"questions": (
            METHOD.steps[0].codebook.questions[0].model_copy(update={"ask": "Which one?"}),)})),
        {"codebook changed": 9},
    ),
    "new repeat": (changed(repeats=3), {"new repeat": 3}),
    "new wave": (flow(*METHOD.steps, wave="2"), {"new wave": 9}),
    "seed changed": (flow(*METHOD.steps, seed=2), {"seed changed": 9}),
    "another arm": (changed(arm="synthesis"), {"not asked yet": 9}),
    "another agent": (changed(agents=(reader("bea"), lexicon())), {"not asked yet": 6}),
    "another value": (changed(variables={"tone": ("blunt",)}), {"not asked yet": 6}),
    "nothing": (changed(agents=(lexicon(), reader())), {}),
}  # fmt: skip


@pytest.mark.parametrize("change", WHYS)
def test_the_plan_says_why(store: SqliteStore, change: str) -> None:
    method, why = WHYS[change]
    assert told(store, method, RECORDS) == why
    asked = Asked()
    asyncio.run(ask(store, method, RECORDS, asked, run_id="r2"))
    of_judges = [job_id for job_id in asked.jobs if getattr(store.job(job_id), "step", "") == "judge"]
    assert len(of_judges) == sum(why.values())
    assert set(asked.jobs.values()) <= {1}


def test_a_step_is_asked_again_where_what_it_reads_changed(store: SqliteStore) -> None:
    method = changed(agents=(reader(accuracy=0.0, consistency=0.0), lexicon()))
    asyncio.run(ask(store, method, RECORDS, Asked(), run_id="r2"))
    only_judges = method.model_copy(update={"steps": method.steps[:1]})
    assert remaining(store, only_judges, RECORDS, "r2") == []
    left = [job for job in planned(store, method, RECORDS, "r2") if job.plan.step.name == "synthesis"]
    unread = [job._replace(job_id="f" * 32) for job in left]
    assert reasons(store, "synthesis", unread) == {"what it reads changed": 3}


def test_the_nearest_earlier_asking_gives_the_reason(store: SqliteStore) -> None:
    both = changed(prompts=(prompt(text="Well? {{ record.text }}"),), agents=(reader(accuracy=0.9), lexicon()))
    assert told(store, both, RECORDS) == {"model changed": 6}
    prompted = changed(prompts=(prompt(text="Well? {{ record.text }}"),))
    asyncio.run(ask(store, prompted, RECORDS, Asked(), run_id="r2"))
    waved = prompted.model_copy(update={"wave": "2"})
    assert told(store, waved, RECORDS) == {"new wave": 9}


# ---- what is settled


def one_step(**parameters: Any) -> Flow:
    step: Step = judge(agents=(reader(**parameters),))
    return flow(step)


def test_a_refusal_is_data_of_its_flow_and_no_cache_for_another(tmp_path: Path) -> None:
    method = one_step(refusal=1)
    with closing(opened(tmp_path)) as store:
        asyncio.run(ask(store, method, RECORDS, Asked()))
        assert {status for status, _ in answers_of(store).values()} == {"refused"}
        for name, count in (("verse", 0), ("another", 3)):
            again = Asked()
            asyncio.run(ask(store, method.model_copy(update={"name": name}), RECORDS, again, run_id=f"r-{name}"))
            assert again.jobs.total() == count
        wanted = Asked()
        asyncio.run(ask(store, method, RECORDS, wanted, ask_again=("refused",)))
        assert wanted.jobs.total() == 3
        assert Counter(one.attempt for one in attempts_of(store)) == {1: 3, 2: 3, 3: 3}


def test_an_answer_serves_another_flow_that_asks_the_same(tmp_path: Path) -> None:
    with closing(opened(tmp_path)) as store:
        asyncio.run(ask(store, one_step(), RECORDS, Asked()))
        other = Asked()
        method = one_step().model_copy(update={"name": "another", "title": "The same, in other words"})
        progress = asyncio.run(ask(store, method, RECORDS, other, run_id="r2"))
        assert (other.jobs.total(), progress.skipped) == (0, 3)
        assert answers_of(store, "r2") == answers_of(store, "r1")


def test_a_reply_that_a_stop_kept_from_being_asked_again_is_asked_again_later(tmp_path: Path) -> None:
    """A malformed reply is asked for once more; a stop in between must not turn it into `unparsed` for good."""
    method, many = one_step(malformed=1.0, consistency=0.0), [record(number) for number in range(12)]
    with closing(opened(tmp_path)) as store:
        asyncio.run(ask(store, slots(method, 1), many, Asked(), run_id="whole"))
        wanted = answers_of(store, "whole")
    (tmp_path / "jobs.db").unlink()
    with closing(opened(tmp_path)) as store:
        for stop in (1, 2, 3, None):
            asyncio.run(ask(store, slots(method, 4), many, Asked(stop)))
        assert answers_of(store) == wanted
