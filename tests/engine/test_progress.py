"""The counters of a run, which add up however far it came."""

import json
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from buttermilk.core.jobs import Result, Status, Usage
from buttermilk.engine.attempt import now_utc
from buttermilk.engine.progress import GRID, LaneProgress, Progress


def result(
    status: Status = "answered", *, cost: float | None = 0.5, tokens: int = 10, simulated: bool = False
) -> Result:
    at, usage = now_utc(), Usage(input_tokens=tokens, output_tokens=tokens // 2)
    return Result(
        job_id="j", attempt=1, run_id="r", status=status, cost=cost, usage=usage, simulated=simulated,
        started_at=at, ended_at=at,
    )  # fmt: skip


def progress(planned: int = 10, records: int = 10) -> tuple[Progress, LaneProgress]:
    lane = LaneProgress("judge", "here", planned)
    whole = Progress("r", "jobs.db", planned, records, money_before=1.0, tokens_before=100)
    whole.lanes.append(lane)
    return whole, lane


def test_money_and_tokens_are_those_of_earlier_runs_and_of_every_try_now() -> None:
    whole, lane = progress()
    for one in (result("failed", cost=None, tokens=0), result("unparsed"), result("answered")):
        lane.spent(one)
    lane.ended(result())
    assert (whole.money, whole.tokens) == (2.0, 130)
    assert whole.projected == pytest.approx(2.0 + 1.0 * 9)  # nine remain, and the one asked took 1.0
    assert lane.unpriced == 0


def test_replies_whose_price_nobody_knows_are_counted_and_simulated_ones_are_free() -> None:
    _, lane = progress()
    lane.spent(result(cost=None))
    lane.spent(result(cost=None, simulated=True))
    assert lane.unpriced == 1


def test_before_any_answer_nothing_is_projected() -> None:
    assert progress()[0].projected is None


statuses = st.lists(st.sampled_from(["answered", "refused", "unparsed", "failed"]), max_size=20)


@given(statuses, statuses)
def test_what_remains_is_what_was_planned_less_what_is_settled(before: list[Status], now: list[Status]) -> None:
    whole, lane = progress(planned=40, records=40)
    whole.stored.update(one for one in before if one != "failed")
    for status in now:
        lane.ended(result(status))
    settled = sum(one != "failed" for one in (*before, *now))
    assert whole.remaining == 40 - settled
    assert whole.statuses == Counter([one for one in before if one != "failed"] + now)
    said = whole.as_json()
    assert said["answered"] + said["refused"] + said["unparsed"] + said["remaining"] == 40
    assert json.loads(json.dumps(said)) == said


@given(st.integers(1, 1000))
def test_each_record_has_a_place_in_the_picture_and_none_falls_out(records: int) -> None:
    whole, _ = progress(records=records)
    for position in range(records):
        whole.settled(position)
    assert len(whole.grid) == min(records, GRID)
    assert sum(whole.grid) == records
    assert max(whole.grid) - min(whole.grid) <= 1
