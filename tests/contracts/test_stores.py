"""What every store keeps, ours or a stranger's. To put yours to it, add a Case that opens one in an empty folder."""

import random
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import strategies as some
from buttermilk.core.contracts import Store
from buttermilk.core.errors import DataError, StoreError
from buttermilk.core.flows import Agent, Prompt, Section
from buttermilk.core.jobs import Answer, Batch, Event, Job, Run, Stored, Use
from buttermilk.core.records import HumanLabel, Record, RecordRef, Reject
from buttermilk.plugins import find
from keeping import CODEBOOK, NOON, PROMPT, SPEC, job, pairs, record, result, run

TESTS = str(Path(__file__).parent.parent)


@dataclass(frozen=True)
class Case:
    """One plug, by the name under which it is registered, and what it is opened with in a folder of its own."""

    type: str
    place: str

    def open(self, folder: Path) -> Store:
        store: Store = find("stores", self.type)(folder / self.place)
        return store


CASES = [Case("sqlite", "study/jobs.db")]

pytestmark = pytest.mark.parametrize("case", CASES, ids=lambda case: case.type)


@pytest.fixture
def store(case: Case, tmp_path: Path) -> Iterator[Store]:
    with closing(case.open(tmp_path)) as opened:
        yield opened


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[Case], Store]]:
    """One store for all the examples of a property: what they put in has names of its own."""
    opened: dict[Case, Store] = {}

    def of(case: Case) -> Store:
        if case not in opened:
            opened[case] = case.open(tmp_path_factory.mktemp("shared"))
        return opened[case]

    yield of
    for store in opened.values():
        store.close()


def test_a_store_walks_through_its_door_and_says_where_it_is(store: Store, tmp_path: Path, case: Case) -> None:
    assert isinstance(store, Store)
    assert store.where == str(tmp_path / case.place)


# ---- pairs


@settings(max_examples=60)
@given(data=st.data())
def test_what_is_put_is_what_is_read_to_the_last_character(
    case: Case, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    one = data.draw(some.jobs())
    came = data.draw(some.results).model_copy(update={"job_id": one.job_id})
    with closing(case.open(tmp_path_factory.mktemp("one"))) as store:
        store.put("r", [(one, came)])
        found = store.job(one.job_id)
        assert found == one
        assert found.model_dump() == one.model_dump()
        assert store.attempts(one.job_id) == [came]
        assert store.done([one.job_id]) == {one.job_id: Stored(came.status, came.attempt)}


def test_the_same_pair_twice_is_there_once(store: Store) -> None:
    for _ in range(2):
        store.put("r1", pairs(3))
    store.put("r1", pairs(3) + pairs(3))
    assert len(list(store.results("r1"))) == 3
    assert store.spent("r1") == (0.75, 36)


def test_of_two_answers_to_one_job_the_first_stays(store: Store) -> None:
    one = job(record(1))
    store.put("r1", [(one, result(one, attempt=2))])
    store.put("r1", [(one, result(one, attempt=2, answers={"tone": "glad"}))])
    store.put("r1", [(one, result(one, attempt=3, answers={"tone": "glad"}))])
    assert [row["answers"] for row in store.results("r1")] == [{"tone": "sad"}]
    assert [item.answers for item in store.attempts(one.job_id)] == [{"tone": "sad"}]


def test_an_answer_is_not_hidden_by_a_failure_that_came_after_it(store: Store) -> None:
    """Two processes asked the same: one was answered, the other gave up later. An answer that is there is not lost."""
    one = job(record(1))
    store.begin(run())
    store.put("r1", [(one, result(one))])
    store.put("r1", [(one, result(one, "failed", attempt=2))])
    assert store.done([one.job_id]) == {one.job_id: Stored("answered", 2, "verse")}
    assert [row["status"] for row in store.results("r1")] == ["answered"]
    assert store.counts("r1") == {("judge", "reader", "answered"): 1}
    (answer,) = store.answers("r1", "judge", ["v0001"])["v0001"]
    assert answer.values == {"tone": "sad"}
    assert [item.status for item in store.attempts(one.job_id)] == ["answered", "failed"]


@pytest.mark.parametrize("status", ["refused", "unparsed", "failed"])
def test_of_attempts_without_an_answer_the_last_counts_and_all_are_kept(store: Store, status: str) -> None:
    one = job(record(1))
    store.put("r1", [(one, result(one, "failed", 1)), (one, result(one, status, 2))])
    assert store.done([one.job_id])[one.job_id][:2] == (status, 2)
    assert store.counts("r1") == {("judge", "reader", status): 1}
    assert [row["attempt"] for row in store.results("r1")] == [2]
    assert len(store.attempts(one.job_id)) == 2
    assert store.spent("r1") == (0.5, 24)


def test_pairs_are_kept_all_or_none(store: Store) -> None:
    good, bad = job(record(1)), job(record(2))
    broken = result(bad).model_copy(update={"text": None})  # no store may take this
    with pytest.raises(StoreError):
        store.put("r1", [(good, result(good)), (bad, broken)])
    assert store.job(good.job_id) is None
    assert list(store.results("r1")) == []
    store.put("r1", [(good, result(good)), (bad, result(bad))])
    assert len(list(store.results("r1"))) == 2
    assert store.job(bad.job_id) == bad


def test_what_is_not_there_is_said_to_be_absent(store: Store) -> None:
    assert store.job("0" * 32) is None
    assert store.attempts("0" * 32) == []
    assert store.done(["0" * 32]) == store.done([]) == {}
    assert store.records(["0" * 32]) == store.records([]) == {}
    assert store.run("nobody") is None
    assert store.dataset("nothing") is None
    assert list(store.refs("nothing")) == []
    assert list(store.results("nobody")) == store.events("nobody") == store.matching("ab") == []
    assert store.counts("nobody") == store.answers("nobody", "judge", ["v1"]) == {}
    assert store.uses("prompt") == store.versions("prompt") == []
    assert store.spent("nobody") == (0.0, 0)


FOUR: dict[str, dict[str, Any] | None] = {
    "false": {"tone": False},
    "null": {"tone": None},
    "nought": {"tone": 0},
    "empty": {"tone": ""},
    "no question": {},
    "no answer": None,
}


def test_false_null_nought_and_nothing_stay_apart_everywhere(store: Store) -> None:
    jobs = {name: job(record(number)) for number, name in enumerate(FOUR)}
    store.put("r1", [(one, result(one, answers=FOUR[name])) for name, one in jobs.items()])
    rows = {row["job_id"]: row["answers"] for row in store.results("r1")}
    read = {
        item.job_id: item.values
        for items in store.answers("r1", "judge", [one.record.record_id for one in jobs.values()]).values()
        for item in items
    }
    for name, one in jobs.items():
        for found in (rows[one.job_id], read[one.job_id], store.attempts(one.job_id)[0].answers):
            assert repr(found) == repr(FOUR[name])


TEXTS = {
    "NUL": "before\x00after",
    "right to left": "\u202eשלום עולם\u202c",
    "astral": "\U0001f98b\U00020000",
    "decomposed": "e\u0301 is not \u00e9",
    "separators": "\u2028\u2029\x85\x1c\r\n\r",
    "quotes": "'; DROP TABLE results; -- \" \\ %s :run ? {$text:0}",
    "empty": "",
    "huge": "ab\u00e9\x00" * 1_000_000,
}


@pytest.mark.parametrize("name", TEXTS)
def test_any_text_stays_what_it_is(store: Store, name: str) -> None:
    text = TEXTS[name]
    about = Record.model_validate(
        {"record_id": f"id {text[:20]}", "parts": [{"text": text}], "metadata": {text[:20]: [text[:20]]}}
    )
    one = job(about, step=f"step {text[:20]}", wave=f"wave {text[:20]}")
    came = result(one, text=text, reply=text, refusal=text, answers={"tone": text}, error=text, by=text)
    store.put("r1", [(one, came)])
    assert store.job(one.job_id) == one
    assert store.attempts(one.job_id) == [came]
    (row,) = store.results("r1", one.step)
    assert (row["record_id"], row["refusal"], row["answers"]) == (about.record_id, text, {"tone": text})
    assert store.answers("r1", one.step, [about.record_id])[about.record_id][0].values == {"tone": text}
    (seen,) = store.similar(one.step, [about.record_id])
    assert seen == (one.cell, about.record_id, one.seen_hash, 1)


# ---- what others may be shown


def test_the_pool_holds_what_machines_answered_in_the_control_arm_whatever_the_run(store: Store) -> None:
    asked = {
        "model": job(record(1)),
        "another wave": job(record(1), wave="2019", variant={"tone": "blunt"}),
        "tool": job(record(1), agent=Agent(name="vader", type="vader", role="tool")),
        "human": job(record(1), agent=Agent(name="ana", type="human", role="human")),
        "priors": job(record(1), arm="priors"),
        "another step": job(record(1), step="synthesis"),
        "another codebook": job(record(1), codebook=CODEBOOK.model_copy(update={"questions": CODEBOOK.questions * 2})),
        "refused": job(record(1), repeat=2),
        "another record": job(record(2)),
    }
    for name, one in asked.items():
        store.put("no run of this name", [(one, result(one, "refused" if name == "refused" else "answered"))])
    found = store.pool("judge", CODEBOOK.hash, ["v0001", "v0009"])
    assert list(found) == ["v0001"]
    wanted = sorted(asked[name].job_id for name in ("model", "another wave", "tool"))
    assert [one.answer.job_id for one in found["v0001"]] == wanted
    assert store.run("no run of this name") is None
    one = next(one for one in found["v0001"] if one.answer.wave == "2019")
    assert one.answer == Answer(
        job_id=asked["another wave"].job_id, step="judge", agent="reader", perspective="guide",
        variant={"tone": "blunt"}, status="answered", values={"tone": "sad"}, record_id="v0001", wave="2019",
        model="simulated-1", prompt=PROMPT.version_name,
    )  # fmt: skip
    assert one[1:] == (asked["model"].seen_hash, ("r1",), NOON, NOON + timedelta(seconds=1.5))
    assert {one.answer.model for one in found["v0001"]} == {"simulated-1", "vader"}
    assert set(store.pool("judge", CODEBOOK.hash, ["v0001", "v0002"])) == {"v0001", "v0002"}
    assert store.pool("judge", "another", ["v0001"]) == store.pool("judge", CODEBOOK.hash, []) == {}


def test_the_pool_says_which_run_asked_and_which_of_the_named_ones_have_the_answer_too(store: Store) -> None:
    store.put("r1", pairs(1))
    store.adopt("r2", [pairs(1)[0][0].job_id])
    for named, told in (((), ("r1",)), (("r2", "r3"), ("r1", "r2")), (("r3",), ("r1",))):
        (one,) = store.pool("judge", CODEBOOK.hash, ["v0000"], named)["v0000"]
        assert one.runs == told


@pytest.mark.parametrize("arm", ["priors", "precedents"])
def test_a_later_step_does_not_read_what_was_answered_with_prior_answers_at_hand(store: Store, arm: str) -> None:
    both = [job(record(1)), job(record(1), arm=arm)]
    store.put("r1", [(one, result(one)) for one in both])
    (read,) = store.answers("r1", "judge", ["v0001"])["v0001"]
    assert read.job_id == both[0].job_id


def test_a_row_of_results_holds_the_prior_answers_that_were_shown(store: Store) -> None:
    prior = Answer(job_id="a" * 32, step="judge", agent="ann", status="answered", values={"tone": "glad"}, weight=1.25)
    told = job(record(1), arm="priors", inputs={"priors": (prior,)})
    read = job(record(1), inputs={"answers": (prior,)})
    store.put("r1", [(one, result(one)) for one in (told, read)])
    rows = {row["job_id"]: row["priors"] for row in store.results("r1")}
    assert [Answer(**one) for one in rows[told.job_id]] == [prior]
    assert rows[read.job_id] == []


# ---- runs and their members


def test_the_order_of_results_is_that_of_their_content(case: Case, tmp_path: Path) -> None:
    made = [
        (one, result(one))
        for number in range(6)
        for one in (
            job(record(number), repeat=repeat, agent=Agent(name=name, type="simulated", model="m"))
            for repeat in (1, 2)
            for name in ("b", "a")
        )
    ]
    orders = []
    for number, seed in enumerate((1, 2, 3)):
        random.Random(seed).shuffle(made)
        with closing(case.open(tmp_path / str(number))) as store:
            for start in range(0, len(made), 5):
                store.put("r1", made[start : start + 5])
            rows = list(store.results("r1"))
            answers = store.answers("r1", "judge", [f"v{number:04}" for number in range(6)])
            orders.append((rows, {key: answers[key] for key in sorted(answers)}))
    assert orders[0] == orders[1] == orders[2]
    keys = [(row["record_id"], row["agent"], row["repeat"]) for row in orders[0][0]]
    assert keys == sorted(keys)
    assert all([item.job_id for item in items] == sorted(item.job_id for item in items) for items in answers.values())


def test_what_is_counted_is_what_is_stored_in_an_order_of_content(case: Case, tmp_path: Path) -> None:
    first = job(record(0))
    made = [
        (one, result(one)) for number in range(1, 6) for one in (job(record(number)), job(record(number), repeat=2))
    ]
    made += [(first, result(first, "failed")), (first, result(first, attempt=2, drops=("image: its text was sent",)))]
    orders = []
    for seed in (1, 2, 3):
        random.Random(seed).shuffle(made)
        with closing(case.open(tmp_path / str(seed))) as store:
            for start in range(0, len(made), 5):
                store.put("r1", made[start : start + 5])
            whole = {row["job_id"]: row for row in store.results("r1")}
            orders.append(list(store.counted("r1")))
    assert orders[0] == orders[1] == orders[2]
    assert [row["record_id"] for row in orders[0]] == sorted(row["record_id"] for row in orders[0])
    assert sorted(row["job_id"] for row in orders[0]) == sorted(whole)
    for row in orders[0]:
        more = {"cell", "seed_honoured"}  # what `results` does not say
        assert {**row, "drops": list(row["drops"])} == {
            name: row[name] if name in more else whole[row["job_id"]][name] for name in row
        }


def test_a_row_says_of_whom_what_was_asked_and_what_came(store: Store) -> None:
    one = job(record(1), variant={"tone": "blunt"}, agent=Agent(name="vader", type="vader", role="tool"))
    store.put("r1", [(one, result(one, tool_output={"compound": -0.5}, drops=("image: its text was sent",)))])
    (row,) = store.results("r1")
    wanted = {
        "run_id": "r1",
        "job_id": one.job_id,
        "step": "judge",
        "record_id": "v0001",
        "agent": "vader",
        "role": "tool",
        "variant": '{"tone":"blunt"}',
        "perspective": "",
        "repeat": 1,
        "status": "answered",
        "answers": {"tone": "sad"},
        "cost": 0.25,
        "simulated": False,
        "partial": False,
        "drops": ["image: its text was sent"],
        "tool_output": {"compound": -0.5},
        "seconds": 1.5,
    }
    assert {name: row[name] for name in wanted} == wanted
    assert list(store.results("r1", "judge")) == [row]
    assert list(store.results("r1", "other")) == []


def test_an_answer_counts_in_every_run_that_adopts_it(store: Store) -> None:
    made = pairs(3)
    store.put("r1", made)
    for _ in range(2):
        store.adopt("r2", [one.job_id for one, _ in made[:2]])
    store.adopt("r2", [])
    assert [row["run_id"] for row in store.results("r2")] == ["r2", "r2"]
    assert store.counts("r2") == {("judge", "reader", "answered"): 2}
    assert store.spent("r2") == (0.0, 0)  # another run paid
    assert len(list(store.results("r1"))) == 3


def test_what_was_read_too_early_leaves_the_run_and_stays_in_the_store(store: Store) -> None:
    made = pairs(4) + pairs(4, step="other")
    store.put("r1", made)
    store.adopt("r2", [one.job_id for one, _ in made])
    kept = [made[0][0].job_id, "f" * 32]
    for _ in range(2):
        store.replace("r1", "judge", ["v0000", "v0001", "v0002"], kept)
    left = [(row["step"], row["record_id"]) for row in store.results("r1")]
    assert left == [("judge", "v0000"), ("judge", "v0003"), *(("other", f"v{number:04}") for number in range(4))]
    assert len(list(store.results("r2"))) == 8
    assert store.job(made[1][0].job_id) == made[1][0]
    assert store.spent("r1") == (2.0, 96)  # what was spent is spent


def test_a_step_of_many_cells_is_replaced_at_once(store: Store) -> None:
    made = pairs(3)
    store.put("r1", made)
    many = [made[0][0].job_id, *(f"{number:032}" for number in range(70_000))]
    store.replace("r1", "judge", [f"v{number:04}" for number in range(2_000)], many)
    assert [row["record_id"] for row in store.results("r1")] == ["v0000"]


def test_a_later_step_reads_every_status_of_this_run_s_answers(store: Store) -> None:
    one, other, alien = job(record(1)), job(record(1), repeat=2), job(record(1), repeat=3)
    store.put("r1", [(one, result(one, answers={"tone": None}, simulated=True)), (other, result(other, "refused"))])
    store.put("r2", [(alien, result(alien))])
    found = store.answers("r1", "judge", ["v0001", "v0002"])
    wanted = [
        Answer(job_id=one.job_id, step="judge", agent="reader", perspective="guide", status="answered",
               values={"tone": None}, simulated=True),
        Answer(job_id=other.job_id, step="judge", agent="reader", perspective="guide", repeat=2, status="refused"),
    ]  # fmt: skip
    assert found == {"v0001": tuple(sorted(wanted, key=lambda item: item.job_id))}
    assert store.answers("r1", "other", ["v0001"]) == {}


def test_counting_and_spending_are_of_one_run(store: Store) -> None:
    one, two, three = (job(record(number)) for number in range(3))
    free = result(three, "unparsed", cost=None)
    store.put("r1", [(one, result(one)), (two, result(two, "refused")), (three, free)])
    other = job(record(4))
    store.put("r2", [(other, result(other, run_id="r2", cost=9.0))])
    assert store.counts("r1") == {
        ("judge", "reader", "answered"): 1,
        ("judge", "reader", "refused"): 1,
        ("judge", "reader", "unparsed"): 1,
    }
    assert store.spent("r1") == (0.5, 36)
    assert store.spent("r2") == (9.0, 12)


def test_the_models_that_replied_in_some_runs_are_told_with_when_and_how_often(store: Store) -> None:
    made = [job(record(number)) for number in range(3)]
    models = ("old", "new", "old")
    for number, (one, model) in enumerate(zip(made, models, strict=True)):
        store.put("r1", [(one, result(one, model_returned=model, ended_at=NOON + timedelta(hours=number)))])
    silent, failed = job(record(3)), job(record(4))
    store.put(
        "r2", [(silent, result(silent, model_returned="")), (failed, result(failed, "failed", model_returned="x"))]
    )
    store.adopt("r2", [made[1].job_id])
    of = ("1", "reader", made[0].agent.hash)
    old, new = (*of, "old", 2, NOON, NOON + timedelta(hours=2)), (*of, "new", 1, *[NOON + timedelta(hours=1)] * 2)
    assert store.returned(["r1"]) == [old, new]
    assert [one.model for one in store.returned(["r2"])] == ["x", "new"]  # in the order in which they were first heard
    assert {one.model: one.answers for one in store.returned(["r1", "r2"])} == {"old": 2, "new": 1, "x": 1}
    assert store.returned([]) == []


def test_a_run_is_there_from_its_beginning_and_changes_are_seen(store: Store) -> None:
    first, second = run(), run("r0", started_at=NOON + timedelta(days=1), config={"a": [None, False]})
    for _ in range(2):
        store.begin(first)  # a retry is harmless
    store.begin(second)
    assert store.runs() == [first, second]
    changes = {"state": "stopped", "why": "budget", "control": "pause", "progress": {"done": 3}, "planned": 7}
    store.update("r1", changes | {"ended_at": NOON, "heartbeat_at": NOON, "pid": 5, "machine": "m"})
    wanted = first.model_copy(update=changes | {"ended_at": NOON, "heartbeat_at": NOON, "pid": 5, "machine": "m"})
    assert store.run("r1") == wanted
    store.update("r1", {"ended_at": None, "state": "running"})
    found = store.run("r1")
    assert found is not None
    assert (found.ended_at, found.state, found.why) == (None, "running", "budget")
    assert store.run("r0") == second


def test_a_name_is_never_used_again(store: Store) -> None:
    store.begin(run())
    with pytest.raises(StoreError, match="there is a run 'r1' already"):
        store.begin(run(flow="another"))
    assert store.runs() == [run()]


@settings(max_examples=40)
@given(given_run=some.runs)
def test_a_run_comes_back_whole(case: Case, shared: Callable[[Case], Store], given_run: Run) -> None:
    store = shared(case)
    if store.run(given_run.run_id) is None:
        store.begin(given_run)
        assert store.run(given_run.run_id) == given_run


@settings(max_examples=30)
@given(events=st.lists(some.events, max_size=3))
def test_events_are_kept_in_the_order_they_were_told(
    case: Case, shared: Callable[[Case], Store], events: list[Event]
) -> None:
    store = shared(case)
    before = len(store.events("events"))
    store.log("events", events)
    assert store.events("events")[before:] == events


def test_what_was_asked_before_is_told_by_step_and_record(store: Store) -> None:
    store.put("r1", pairs(3) + pairs(1, step="other") + pairs(1, wave="2"))
    found = list(store.similar("judge", ["v0000", "v0002", "v9999"]))
    told = sorted((cell.wave, record_id, repeat) for cell, record_id, _, repeat in found)
    assert told == [("1", "v0000", 1), ("1", "v0002", 1), ("2", "v0000", 1)]
    assert {cell for cell, *_ in found} == {job(record(0)).cell, job(record(0), wave="2").cell}


def test_the_first_digits_of_a_job_find_it(store: Store) -> None:
    made = pairs(40)
    store.put("r1", made)
    ids = sorted(one.job_id for one, _ in made)
    assert store.matching(ids[7]) == [ids[7]]
    assert store.matching(ids[7][:8]) == [ids[7]]
    assert store.matching("") == ids[:5]
    assert store.matching("", limit=100) == ids
    assert store.matching("%") == store.matching("_" * 32) == store.matching("zz") == []


# ---- versions


def prompted(number: int, words: str, name: str = "judge", **more: Any) -> Job:
    section = Section(role="user", template=words)
    return job(record(number), prompt=Prompt(name=name, sections=(section,), **more))


def test_each_use_of_a_version_is_told_with_its_run_and_what_git_said(store: Store) -> None:
    old, new = [prompted(number, "old") for number in range(3)], prompted(0, "new")
    second = {"started_at": NOON + timedelta(days=1), "ended_at": NOON + timedelta(days=2)}
    store.begin(run(git={"commit": "3f9a1c", "dirty": True}))
    store.begin(run("r2", **second))
    store.put("r1", [(one, result(one)) for one in old])
    store.put("r2", [(new, result(new, run_id="r2"))])
    store.adopt("r2", [old[0].job_id])
    store.put("unknown", pairs(1))  # of a run that never began, nothing can be said
    later = NOON + timedelta(days=1), NOON + timedelta(days=2), "", False
    found = store.uses("prompt")
    assert [use.run_id for use in found] == ["r2", "r2", "r1"]
    assert set(found) == {
        Use("judge", old[0].cell.prompt_hash, "r1", "judge", 3, NOON, NOON, "3f9a1c", True),
        Use("judge", old[0].cell.prompt_hash, "r2", "judge", 1, *later),
        Use("judge", new.cell.prompt_hash, "r2", "judge", 1, *later),
    }
    assert [(use.name, use.run_id, use.jobs) for use in store.uses("perspective")] == [
        ("guide", "r2", 2),
        ("guide", "r1", 3),
    ]
    assert store.uses("codebook", "tone") == store.uses("codebook")
    assert store.uses("codebook", "judge") == []


def test_what_a_tool_was_not_shown_was_not_used(store: Store) -> None:
    store.begin(run())
    one = job(record(1), agent=Agent(name="vader", type="vader", role="tool"))
    store.put("r1", [(one, result(one))])
    assert store.uses("prompt") == store.uses("perspective") == []
    assert [use.jobs for use in store.uses("codebook")] == [1]


def test_a_version_comes_back_whole_by_the_first_digits_of_its_hash(store: Store) -> None:
    store.put("r1", [(one, result(one)) for one in (prompted(1, "old"), prompted(2, "new", licence="CC0-1.0"))])
    new = prompted(2, "new").prompt
    assert new is not None
    (found,) = store.versions("prompt", new.hash[:6])
    assert found == new.model_copy(update={"licence": "CC0-1.0"})
    assert store.versions("prompt", new.hash, "judge") == [found]
    assert [item.hash for item in store.versions("prompt")] == [new.hash, prompted(1, "old").cell.prompt_hash]
    assert store.versions("prompt", new.hash, "another") == store.versions("prompt", "%") == []
    assert store.versions("perspective") == [job(record(1)).perspective]
    assert store.versions("codebook", name="tone") == [job(record(1)).codebook]


def test_two_names_may_share_their_words_and_of_one_version_the_last_header_counts(store: Store) -> None:
    first, second = prompted(1, "same", version="1"), prompted(2, "same", version="2")
    other = prompted(3, "same", name="arbiter")
    store.put("r1", [(one, result(one)) for one in (first, second.model_copy(update={"wave": "2"}), other)])
    found = store.versions("prompt", first.cell.prompt_hash[:8])
    assert [(item.name, item.version) for item in found] == [("arbiter", ""), ("judge", "2")]


# ---- datasets


def verses(count: int, **more: Any) -> list[Record]:
    return [record(number, poet="Ann", unsent=number, **more) for number in range(count)]


def test_a_dataset_is_known_by_its_source_and_read_once(store: Store) -> None:
    found = [*verses(3), Reject(where="verse.csv row 9", why="no text")]
    dataset = store.keep_dataset("src", SPEC, found)
    assert (dataset.name, dataset.records, dataset.rejected) == ("verse", 3, 1)
    assert dataset.columns == {"poet": 3, "unsent": 3}
    assert dataset.kinds == {"text": 3}
    assert dataset.rejects[0].where == "verse.csv row 9"
    assert store.dataset("src") == dataset

    def unreadable() -> Iterator[Record]:
        raise AssertionError("a dataset that is known is not read again")
        yield

    assert store.keep_dataset("src", SPEC, unreadable()) == dataset


def test_records_come_in_the_dataset_s_order_and_whole(store: Store) -> None:
    given = [record(number, text="\x00 \u202e" * 3, poet=None) for number in range(1201, 0, -1)]
    dataset = store.keep_dataset("src", SPEC, iter(given))
    chunks = list(store.refs(dataset.fingerprint))
    assert all(0 < len(chunk) <= 1000 for chunk in chunks)
    refs = [ref for chunk in chunks for ref in chunk]
    assert refs == [RecordRef(one.record_id, one.record_hash, one.seen_hash(SPEC.sent)) for one in given]
    found = store.records([ref.record_hash for ref in refs])
    assert [found[ref.record_hash] for ref in refs] == given
    assert found[refs[0].record_hash].record_hash == given[0].record_hash


def test_a_dataset_s_fingerprint_is_of_its_records_labels_and_what_is_sent(store: Store) -> None:
    labelled = [one.model_copy(update={"labels": (HumanLabel(question="tone", value="sad"),)}) for one in verses(3)]
    prints = [
        store.keep_dataset("a", SPEC, verses(3)).fingerprint,
        store.keep_dataset("b", SPEC, verses(3)[::-1]).fingerprint,
        store.keep_dataset("c", SPEC, labelled).fingerprint,
        store.keep_dataset("d", SPEC.model_copy(update={"policy": {}}), verses(3)).fingerprint,
    ]
    assert len(set(prints)) == 4
    assert store.keep_dataset("other file, same records", SPEC, verses(3)).fingerprint == prints[0]
    assert store.keep_dataset("e", SPEC, labelled).labelled == {"tone": 3}


def test_only_the_first_records_are_kept_where_the_study_says_so(store: Store) -> None:
    dataset = store.keep_dataset("src", SPEC.model_copy(update={"limit": 2}), verses(5))
    assert dataset.records == 2
    assert [len(chunk) for chunk in store.refs(dataset.fingerprint)] == [2]


def test_a_second_record_of_one_id_is_named_and_nothing_is_visible(store: Store) -> None:
    twice = [*verses(1500), record(7, text="another")]
    with pytest.raises(DataError, match=r"record id 'v0007' is there twice \(the second time as record 1501") as caught:
        store.keep_dataset("src", SPEC, twice)
    assert "data/verse.csv" in str(caught.value)
    assert store.dataset("src") is None
    dataset = store.keep_dataset("src", SPEC, verses(5))
    assert sum(len(chunk) for chunk in store.refs(dataset.fingerprint)) == 5


def test_an_empty_dataset_is_an_error_that_says_why(store: Store) -> None:
    with pytest.raises(DataError, match="dataset 'verse' is empty: there are no records"):
        store.keep_dataset("src", SPEC, [])
    with pytest.raises(DataError, match="all 2 rows were rejected") as caught:
        store.keep_dataset("src", SPEC, [Reject(where=f"row {number}", why="no text") for number in (1, 2)])
    assert "row 1: no text" in str(caught.value)
    assert store.dataset("src") is None


def test_a_reading_that_broke_off_leaves_nothing_visible_and_is_done_again(store: Store) -> None:
    def broken() -> Iterator[Record]:
        yield from verses(1700)
        raise DataError("row 1701 cannot be read.")

    with pytest.raises(DataError, match="1701"):
        store.keep_dataset("src", SPEC, broken())
    assert store.dataset("src") is None
    # Meanwhile the file was mended and has fewer rows.
    dataset = store.keep_dataset("src", SPEC, verses(600, mended=True))
    refs = [ref for chunk in store.refs(dataset.fingerprint) for ref in chunk]
    assert refs == [
        RecordRef(one.record_id, one.record_hash, one.seen_hash(SPEC.sent)) for one in verses(600, mended=True)
    ]


def test_two_processes_that_read_one_dataset_at_once_do_not_disturb_each_other(case: Case, tmp_path: Path) -> None:
    with closing(case.open(tmp_path)) as one, closing(case.open(tmp_path)) as other:
        seen: list[int] = []

        def slow() -> Iterator[Record]:
            for number, item in enumerate(verses(1300)):
                if number == 1100:  # the other comes, reads all of it, and starts to ask
                    dataset = other.keep_dataset("src", SPEC, verses(1300))
                    seen.append(sum(len(chunk) for chunk in other.refs(dataset.fingerprint)))
                if number > 1290:
                    seen.append(sum(len(chunk) for chunk in other.refs(dataset.fingerprint)))
                yield item

        dataset = one.keep_dataset("src", SPEC, slow())
        assert set(seen) == {1300}
        assert one.dataset("src") == other.dataset("src") == dataset


@settings(max_examples=25)
@given(items=some.tuples(some.records, 1, 4, by=lambda item: item.record_id), spec=some.specs)
def test_any_record_comes_back_whole(
    case: Case, shared: Callable[[Case], Store], items: tuple[Record, ...], spec: Any
) -> None:
    store, spec = shared(case), spec.model_copy(update={"limit": None})
    source = "".join(item.record_hash for item in items) + spec.model_dump_json()
    dataset = store.keep_dataset(source, spec, items)
    assert store.dataset(source) == dataset
    refs = [ref for chunk in store.refs(dataset.fingerprint) for ref in chunk]
    found = store.records([ref.record_hash for ref in refs])
    assert [found[ref.record_hash] for ref in refs] == list(items)
    assert [ref.seen_hash for ref in refs] == [item.seen_hash(spec.sent) for item in items]


# ---- more than one process


def test_a_batch_is_kept_before_it_is_handed_over_and_open_until_it_is_settled(store: Store) -> None:
    asked = [job(record(f"v{number}")) for number in range(2)]
    meant = Batch(
        ticket="mark-1", mark="mark-1", run_id="r1", step="judge", agent="a", agent_hash="b", endpoint="here",
        job_ids=tuple(one.job_id for one in asked), submitted_at=NOON, state="submitting",
    )  # fmt: skip
    store.submitting(meant, asked)
    assert (store.batches("r1"), store.batches("r2"), store.tickets()) == ([meant], [], {"mark-1"})
    assert store.job(asked[0].job_id) == asked[0]
    taken = meant.model_copy(update={"ticket": "batch-7", "state": "waiting"})
    store.settle("mark-1", taken)
    assert (store.batches("r1"), store.tickets()) == ([taken], {"batch-7"})
    store.settle("batch-7", taken.model_copy(update={"state": "collected"}))
    assert (store.batches("r1"), store.tickets()) == ([], {"batch-7"})


def test_what_is_put_is_there_when_the_store_is_opened_again(case: Case, tmp_path: Path) -> None:
    made = pairs(3)
    with closing(case.open(tmp_path)) as store:
        store.begin(run())
        store.put("r1", made)
        dataset = store.keep_dataset("src", SPEC, verses(3))
        rows = list(store.results("r1"))
    with closing(case.open(tmp_path)) as store:
        assert list(store.results("r1")) == rows
        assert store.runs() == [run()]
        assert store.dataset("src") == dataset
        assert store.job(made[0][0].job_id) == made[0][0]


WRITER = textwrap.dedent(
    """
    import sys
    from pathlib import Path
    sys.path.insert(0, sys.argv[3])
    from buttermilk.plugins import find
    from keeping import pairs
    store = find("stores", sys.argv[1])(Path(sys.argv[2]))
    print("open", flush=True)
    made = pairs(600)
    for start in range(0, 600, 20):
        store.put("r1", made[start : start + 20])
    store.close()
    """
)


def test_others_read_whole_groups_while_one_writes(case: Case, tmp_path: Path) -> None:
    with closing(case.open(tmp_path)) as store:
        command = [sys.executable, "-c", WRITER, case.type, str(tmp_path / case.place), TESTS]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as writer:
            assert writer.stdout is not None
            assert writer.stdout.readline() == b"open\n"
            seen = [0]
            while writer.poll() is None:
                seen.append(sum(1 for _ in store.results("r1")))
                store.put("r2", pairs(1, step="mine"))  # and a second writer has its turn
        assert writer.returncode == 0
        assert all(count % 20 == 0 for count in seen)
        assert seen == sorted(seen)
        assert sum(1 for _ in store.results("r1")) == 600
        assert sum(1 for _ in store.results("r2")) == 1


def test_a_second_opening_at_the_same_moment_waits_its_turn(case: Case, tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from buttermilk.plugins import find;"
        "store = find('stores', sys.argv[1])(Path(sys.argv[2])); print(len(store.runs())); store.close()"
    )
    command = [sys.executable, "-c", code, case.type, str(tmp_path / case.place)]
    both = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) for _ in range(3)]
    ends = [(*process.communicate(), process.returncode) for process in both]
    assert ends == [(b"0\n", b"", 0)] * 3


def test_closing_twice_is_harmless(store: Store) -> None:
    store.close()
    store.close()
