"""How a run ends before its end: the provider is down, the money is spent, somebody says so, the disk is full."""

import asyncio
import socket
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from studies import PRICE, Study, agent, flow, records, step, study, synthesis

from answering import Asked, answering, chat, http
from buttermilk.core.errors import StoreError
from buttermilk.core.jobs import Budget, Job, Result
from buttermilk.engine import attempt
from buttermilk.engine.run import Stop
from buttermilk.stores.sqlite import SqliteStore
from buttermilk.testing import MockProvider

pytestmark = pytest.mark.anyio


def closed_port() -> str:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{one.getsockname()[1]}/v1"


# ---- the provider is down


@pytest.mark.slow
async def test_a_provider_that_is_not_there_ends_the_run_soon_and_is_named(tmp_path: Path) -> None:
    url, began = closed_port(), time.monotonic()
    with study(tmp_path, 200) as one:
        progress = await one.run(flow(step(agent(url)), synthesis(agent(url, "writer"))))
        assert time.monotonic() - began < 20
        assert progress.state == "stopped"
        assert progress.why == (
            f"{url} gives no answers: {url}/chat/completions cannot be reached (Connection refused)."
        )
        assert progress.remaining == progress.planned == 400
        assert {row["status"] for row in one.rows()} == {"failed"}
        assert all(row["answers"] is None for row in one.rows())
        run = one.store.run("run-1")
        assert run is not None
        assert (run.state, run.why) == ("stopped", progress.why)


async def test_a_provider_that_dies_half_way_leaves_what_it_said_and_the_rest_for_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attempt, "FIRST_PAUSE_SECONDS", 0.01)
    left = 40

    def tell(one: Asked) -> bytes:
        nonlocal left
        left -= 1
        return http(chat('{"reason": "So.", "harm": "no"}')) if left >= 0 else http("", 502)

    async with answering(tell) as server:
        with study(tmp_path, 100) as one:
            asked = flow(step(agent(server.url)))
            first = await one.run(asked)
            assert (first.state, first.statuses["answered"], first.remaining) == ("stopped", 40, 60)
            assert first.why == f"{server.url} gives no answers: 502: no explanation was sent"
            left = 1000
            second = await one.run(asked)
            assert (second.state, second.why, second.statuses) == ("finished", "", {"answered": 100})
            assert (second.skipped, second.asked) == (40, 60)


@pytest.mark.slow
async def test_a_provider_that_never_answers_ends_the_run_by_the_timeout(tmp_path: Path) -> None:
    began = time.monotonic()
    async with answering(lambda one: None) as server:
        with study(tmp_path, 100) as one:
            progress = await one.run(flow(step(agent(server.url, timeout_seconds=1))))
            assert time.monotonic() - began < 25
            assert progress.why.endswith("/chat/completions did not answer within 1 s.")
            assert (progress.state, progress.remaining) == ("stopped", 100)
            assert {result.error_kind for result in one.attempts()} == {"timed_out"}


# ---- budgets


async def test_a_budget_is_not_passed_by_more_than_the_calls_in_flight_and_a_larger_one_goes_on(tmp_path: Path) -> None:
    price = 10 * 0.001  # of a call: ten tokens in
    mock = MockProvider(latency_ms=5, jitter_ms=4, prompt_tokens=10, completion_tokens=0)
    with mock, study(tmp_path, 300) as one:
        asked = flow(step(agent(mock.url, price=PRICE, concurrency=16)))
        first = await one.run(asked, budget=Budget(money=1.0))
        assert 1.0 <= first.money <= 1.0 + 16 * price + 1e-9
        assert mock.stats()["requests"] * price == pytest.approx(first.money)
        assert (first.state, first.why) == ("stopped", "the budget of 1.00 USD is reached")
        assert first.remaining == 300 - first.statuses["answered"]
        assert one.store.spent("run-1")[0] == pytest.approx(first.money)

        spent = mock.stats()["requests"]
        again = await one.run(asked, budget=Budget(money=1.0))
        assert (again.state, mock.stats()["requests"]) == ("stopped", spent)  # nothing is left, so nobody is asked

        last = await one.run(asked, budget=Budget(money=10.0))
        assert (last.state, last.statuses) == ("finished", {"answered": 300})
        assert last.money == pytest.approx(3.0)
        assert mock.stats()["requests"] == 300


async def test_a_budget_counts_tokens_too_and_replies_that_could_not_be_read(tmp_path: Path) -> None:
    reply = http(chat("What?", usage={"prompt_tokens": 60, "completion_tokens": 40}))
    async with answering(lambda one: reply) as server:
        with study(tmp_path, 100) as one:
            progress = await one.run(flow(step(agent(server.url, concurrency=4))), budget=Budget(tokens=1000))
            assert 1000 <= progress.tokens <= 1000 + 4 * 100
            assert len(server.asked) * 100 == progress.tokens
            assert progress.why == "the budget of 1,000 tokens is reached"


async def test_without_a_price_no_budget_of_money_is_ever_reached(tmp_path: Path) -> None:
    with MockProvider() as mock, study(tmp_path, 20) as one:
        progress = await one.run(flow(step(agent(mock.url))), budget=Budget(money=0.01))
        assert (progress.state, progress.lanes[0].unpriced) == ("finished", 20)


# ---- somebody says so


async def until(what: Callable[[], Any], seconds: float = 8.0) -> None:
    last = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < last, "it never came to that"
        await asyncio.sleep(0.02)


async def test_a_run_is_paused_resumed_and_cancelled_from_another_shell(tmp_path: Path) -> None:
    with MockProvider(latency_ms=20) as mock, study(tmp_path, 1000) as one:
        running = asyncio.create_task(one.run(flow(step(agent(mock.url, concurrency=4)))))
        with closing(SqliteStore(tmp_path / "jobs.db")) as other:
            await until(lambda: mock.stats()["answered"] > 8)
            other.update("run-1", {"control": "pause"})
            await until(lambda: one.engine.progress.state == "paused")
            await asyncio.sleep(0.1)
            asked = mock.stats()["requests"]
            await asyncio.sleep(0.3)
            assert mock.stats()["requests"] == asked
            other.update("run-1", {"control": ""})
            await until(lambda: mock.stats()["requests"] > asked + 8)
            other.update("run-1", {"control": "cancel"})
            progress = await running
            run = other.run("run-1")
            assert run is not None
            assert (run.state, run.why, run.control) == ("cancelled", "cancelled", "")
            assert progress.statuses["answered"] == mock.stats()["requests"] == len(list(other.results("run-1")))
            kinds = [event.kind for event in other.events("run-1")]
            assert kinds.index("paused") < kinds.index("resumed")


async def test_a_run_paused_at_the_end_of_a_step_does_not_begin_the_next(tmp_path: Path) -> None:
    with MockProvider(latency_ms=700) as mock, study(tmp_path, 2) as one:
        running = asyncio.create_task(one.run(flow(step(agent(mock.url)), synthesis(agent(mock.url, "writer")))))
        await until(lambda: mock.stats()["requests"] == 2)
        one.store.update("run-1", {"control": "pause"})
        await until(lambda: one.engine.progress.asked == 2)
        await asyncio.sleep(0.3)
        assert mock.stats()["requests"] == 2
        one.store.update("run-1", {"control": "cancel"})
        assert (await running).state == "cancelled"
        assert mock.stats()["requests"] == 2


async def test_ctrl_c_once_finishes_what_is_in_flight_and_keeps_it(tmp_path: Path) -> None:
    stop = Stop()
    with MockProvider(latency_ms=150) as mock, study(tmp_path, 500) as one:
        asked = flow(step(agent(mock.url, concurrency=16, start=16)))
        running = asyncio.create_task(one.run(asked, stop=stop))
        await until(lambda: mock.stats()["requests"] >= 20)
        stop.drain("stopped by Ctrl-C")
        progress = await running
        assert (progress.state, progress.why) == ("stopped", "stopped by Ctrl-C")
        stats = mock.stats()
        assert stats["requests"] == stats["answered"] == len(one.rows()) == progress.statuses["answered"] < 500
        mock.configure(latency_ms=0)
        assert (await one.run(asked)).statuses == {"answered": 500}
        assert mock.stats()["asked_twice"] == 0


async def test_ctrl_c_before_the_first_call_asks_nobody(tmp_path: Path) -> None:
    stop = Stop()
    stop.drain("stopped by Ctrl-C")
    with MockProvider() as mock, study(tmp_path, 5) as one:
        progress = await one.run(flow(step(agent(mock.url))), stop=stop)
        assert (progress.state, progress.remaining, mock.stats()["requests"]) == ("stopped", 5, 0)


async def test_ctrl_c_twice_stops_at_once_and_what_was_stored_stays(tmp_path: Path) -> None:
    with MockProvider(latency_ms=20) as mock, study(tmp_path, 500) as one:
        asked = flow(step(agent(mock.url, concurrency=8)))
        running = asyncio.create_task(one.run(asked))
        await until(lambda: len(one.rows()) >= 16)
        mock.configure(latency_ms=60_000)
        await until(lambda: mock.stats()["in_flight"] == 8)
        kept, began = len(one.rows()), time.monotonic()
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        assert time.monotonic() - began < 2
        run = one.store.run("run-1")
        assert run is not None
        assert (run.state, run.why) == ("stopped", "stopped at once")
        assert len(one.rows()) >= kept
        mock.configure(latency_ms=0)
        assert (await one.run(asked)).statuses == {"answered": 500}
        assert mock.stats()["asked_twice"] <= 8


# ---- the store gives out


class Full:
    """A store on a disk that is full after so many writes; all else is the real one's."""

    def __init__(self, store: SqliteStore, writes: int, failing: str = "put") -> None:
        self._store, self._left, self._failing = store, writes, failing

    def __getattr__(self, name: str) -> Any:
        if name != self._failing:
            return getattr(self._store, name)

        def failing(*given: Any) -> Any:
            self._left -= 1
            if self._left < 0:
                raise StoreError("the disk is full: answers can no longer be stored.", where="here")
            return getattr(self._store, name)(*given)

        return failing


async def test_a_full_disk_ends_the_run_and_no_answer_that_came_is_lost(tmp_path: Path) -> None:
    with MockProvider(latency_ms=5) as mock, closing(SqliteStore(tmp_path / "jobs.db")) as store:
        one = Study(Full(store, 3), records(300))  # type: ignore[arg-type]
        with pytest.raises(StoreError, match="the disk is full"):
            await one.run(flow(step(agent(mock.url, concurrency=32))))
        unsaved = one.engine.writer.unsaved
        stored = {row["job_id"] for row in one.rows()}
        assert one.engine.progress.state == "failed"
        assert unsaved
        assert {result.status for _, result in unsaved} == {"answered"}
        assert not stored & {job.job_id for job, _ in unsaved}
        assert len(stored) + len(unsaved) == mock.stats()["answered"]
        run = store.run("run-1")
        assert run is not None
        assert (run.state, run.why) == ("failed", "the disk is full: answers can no longer be stored.")
        store.put("run-1", unsaved)  # as `buttermilk import` does
        assert (await Study(store, ()).run(flow(step(agent(mock.url))))).statuses == {"answered": 300}
        assert mock.stats()["asked_twice"] == 0


@pytest.mark.parametrize("failing", ["done", "records", "adopt", "refs", "answers", "replace"])
async def test_a_store_that_can_no_longer_be_read_ends_the_run_with_its_own_error(tmp_path: Path, failing: str) -> None:
    with MockProvider() as mock, closing(SqliteStore(tmp_path / "jobs.db")) as store:
        asked = flow(step(agent(mock.url)), synthesis(agent(mock.url, "writer")))
        if failing == "adopt":
            await Study(store, records(700)).run(asked)
        one = Study(Full(store, 0, failing), records(700))  # type: ignore[arg-type]
        with pytest.raises(StoreError, match="the disk is full"):
            await one.run(asked, name="run-2")
        run = store.run("run-2")
        assert run is not None
        assert run.state == "failed"


async def test_a_bug_in_a_store_leaves_nobody_waiting(tmp_path: Path) -> None:
    def put(run_id: str, pairs: Sequence[tuple[Job, Result]]) -> None:
        raise ZeroDivisionError

    with MockProvider() as mock, study(tmp_path, 20) as one:
        one.store.put = put  # type: ignore[method-assign]
        with pytest.raises((ExceptionGroup, ZeroDivisionError)):
            await asyncio.wait_for(one.run(flow(step(agent(mock.url)))), 10)
