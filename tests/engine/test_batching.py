"""Batches: what is handed over is not asked again, what comes home is what the live path would have stored, and what
expired is asked again."""

import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from studies import PRICE, Study, agent, blobs, flow, keys, step, study, synthesis

from answering import Asked, answering, http
from buttermilk.core.flows import Agent
from buttermilk.core.jobs import Result
from buttermilk.core.priors import Priors
from buttermilk.plugins import find
from buttermilk.study.running import call_back
from buttermilk.testing import MockProvider

pytestmark = pytest.mark.anyio
HALF = PRICE.model_copy(update={"batch": 0.5})
TAKES = ("/batches", ":batchGenerateContent")
ONCE = ("mode", "cost", "started_at", "ended_at", "run_id", "reply_headers", "reply", "sent")
VENDORS = {
    "openai": {"type": "openai"},
    "openai_responses": {"type": "openai_responses"},
    "anthropic": {"type": "anthropic", "parameters": {"max_tokens": 200}},
    "gemini": {"type": "gemini"},
}
every_vendor = pytest.mark.parametrize("vendor", VENDORS)


def asked_of(vendor: str, mock: MockProvider, **more: Any) -> Agent:
    base = {"openai": mock.url, "openai_responses": mock.url, "anthropic": mock.root, "gemini": f"{mock.root}/v1beta"}[
        vendor
    ]
    parameters = VENDORS[vendor].get("parameters", {})
    return agent(base, price=HALF, **more).model_copy(update={"type": vendor, "parameters": parameters})


def plug_for(one: Agent) -> Any:
    return find("models", one.type)(one, keys, blobs)


def kept(one: Study, name: str = "run-1") -> dict[str, dict[str, Any]]:
    return {result.job_id: result.model_dump(exclude=set(ONCE)) for result in one.attempts(name)}


async def go(one: Study, asked: Agent, *more: Any, name: str = "run-1", mode: str = "batch") -> Any:
    return await one.run(flow(step(asked), *more), name=name, plug_for=plug_for, mode=mode)


@every_vendor
async def test_it_is_handed_over_waited_for_and_collected(tmp_path: Path, vendor: str) -> None:
    with MockProvider(batch_looks=1) as mock, study(tmp_path, 12) as one:
        asked = asked_of(vendor, mock)
        first = await go(one, asked)
        assert (first.state, first.waiting, first.remaining) == ("stopped", 12, 12)
        assert first.why == "12 jobs wait in batches"
        again = await go(one, asked)
        assert (again.state, again.waiting, len(one.attempts("run-1"))) == ("stopped", 12, 0)
        last = await go(one, asked)
        assert (last.state, last.waiting, last.remaining, last.statuses) == ("finished", 0, 0, {"answered": 12})
        assert {result.mode for result in one.attempts("run-1")} == {"batch"}
        assert one.store.batches("run-1") == []


@every_vendor
async def test_the_results_are_those_of_the_live_path(tmp_path: Path, vendor: str) -> None:
    (tmp_path / "live").mkdir()
    with MockProvider() as mock, study(tmp_path, 8) as together, study(tmp_path / "live", 8) as alone:
        asked = asked_of(vendor, mock)
        await go(together, asked)
        await go(together, asked)
        await go(alone, asked, mode="live")
        assert kept(together) == kept(alone)
        by_job: dict[str, Result] = {result.job_id: result for result in alone.attempts("run-1")}
        for result in together.attempts("run-1"):
            live = by_job[result.job_id]
            assert result.sent == live.sent  # the very bytes, within an envelope
            assert result.cost == pytest.approx((live.cost or 0) / 2)


@every_vendor
async def test_what_expired_is_asked_again_and_only_that(tmp_path: Path, vendor: str) -> None:
    with MockProvider(pexpired=40) as mock, study(tmp_path, 30) as one:
        asked = asked_of(vendor, mock)
        await go(one, asked)
        mock.configure(pexpired=40)
        then = await go(one, asked, mode="live")
        assert (then.state, then.remaining) == ("finished", 0)
        attempts = one.attempts("run-1")
        expired = {result.job_id for result in attempts if result.status == "failed"}
        assert 0 < len(expired) < 30
        assert {result.job_id for result in attempts if result.mode == "live"} == expired
        assert all(result.attempt == 2 for result in attempts if result.mode == "live")


async def test_a_step_that_reads_waits_for_what_is_in_batches(tmp_path: Path) -> None:
    with MockProvider() as mock, study(tmp_path, 5) as one:
        asked = asked_of("openai", mock)
        steps = synthesis(agent(mock.url, name="editor"))
        first = await go(one, asked, steps)
        assert {lane.step for lane in first.lanes} == {"judge"}
        second = await go(one, asked, steps)
        assert second.waiting == 5  # the synthesis is handed over in its turn
        third = await go(one, asked, steps)
        assert (third.state, third.remaining) == ("finished", 0)


async def test_a_live_run_leaves_alone_what_is_in_a_batch(tmp_path: Path) -> None:
    with MockProvider(batch_looks=5) as mock, study(tmp_path, 6) as one:
        asked = asked_of("openai", mock)
        await go(one, asked)
        before = mock.stats()["requests"]
        then = await go(one, asked, mode="live")
        assert (then.waiting, mock.stats()["requests"]) == (6, before)


async def test_a_batch_that_is_refused_is_told_and_nothing_is_waited_for(tmp_path: Path) -> None:
    with study(tmp_path, 3) as one:
        progress = await go(one, agent("http://127.0.0.1:9/v1"))
        assert progress.waiting == 0
        assert [lane.down for lane in progress.lanes] != [""]
        assert one.store.batches("run-1") == []


@every_vendor
async def test_a_batch_that_was_called_back_is_waited_for_no_longer(tmp_path: Path, vendor: str) -> None:
    with MockProvider(batch_looks=99) as mock, study(tmp_path, 4) as one:
        asked = asked_of(vendor, mock)
        await go(one, asked)
        run = one.store.run("run-1")
        assert run is not None
        assert await call_back(one.store, run, plug_for) == 4
        assert one.store.batches("run-1") == []
        path = mock.requests()[-1]["path"]
        assert path.endswith("cancel")
        then = await go(one, asked, mode="live")
        assert (then.state, then.remaining) == ("finished", 0)


CHILD = """
import asyncio, os, signal, sys
from pathlib import Path
sys.path[:0] = sys.argv[4:]
from buttermilk.core.flows import Agent
from studies import flow, step, study
from test_batching import plug_for

class Dying:
    def __init__(self, asked):
        self.plug = plug_for(asked)
    def __getattr__(self, name):
        return getattr(self.plug, name)
    async def submit(self, asked, mark):
        if sys.argv[3] == "after":
            await self.plug.submit(asked, mark)
        os.kill(os.getpid(), signal.SIGKILL)

with study(Path(sys.argv[1]), 7) as one:
    asked = Agent.model_validate_json(sys.argv[2])
    asyncio.run(one.run(flow(step(asked)), plug_for=Dying, mode="batch"))
"""


def killed(folder: Path, asked: Agent, when: str) -> None:
    """A run in a process of its own that is killed before, or after, the provider has taken its batch."""
    here = Path(__file__).parent
    given = [str(folder), asked.model_dump_json(), when, str(here), str(here.parent)]
    child = subprocess.run([sys.executable, "-c", CHILD, *given], capture_output=True, text=True, check=False)
    assert child.returncode == -signal.SIGKILL, child.stderr


def taken(mock: MockProvider) -> int:
    """How many batches the provider was handed."""
    return sum(one["method"] == "POST" and one["path"].endswith(TAKES) for one in mock.requests())


@pytest.mark.parametrize(("vendor", "mode"), [*((vendor, "batch") for vendor in VENDORS), ("openai", "live")])
async def test_a_run_killed_when_its_batch_was_taken_and_not_noted_asks_nothing_twice(
    tmp_path: Path, vendor: str, mode: str
) -> None:
    with MockProvider() as mock:
        asked = asked_of(vendor, mock)
        killed(tmp_path, asked, "after")
        assert taken(mock) == 1
        with study(tmp_path, 7) as one:
            (open_,) = one.store.batches("run-1")
            assert (open_.state, open_.ticket, len(open_.job_ids)) == ("submitting", open_.mark, 7)
            then = await go(one, asked, mode=mode)
            assert (then.state, then.remaining, then.skipped) == ("finished", 0, 7)
            assert {(result.attempt, result.mode) for result in one.attempts("run-1")} == {(1, "batch")}
            assert one.store.batches("run-1") == []
        assert (taken(mock), mock.stats()["requests"]) == (1, 0)


async def test_a_run_killed_before_its_batch_was_taken_hands_it_over_once_the_provider_would_list_it(
    tmp_path: Path,
) -> None:
    with MockProvider() as mock:
        asked = asked_of("openai", mock)
        killed(tmp_path, asked, "before")
        with study(tmp_path, 7) as one:
            soon = await go(one, asked)
            assert (soon.waiting, taken(mock)) == (7, 0)
            later = datetime.now(UTC) + timedelta(seconds=61)
            await one.run(flow(step(asked)), plug_for=plug_for, mode="batch", now=lambda: later)
            assert taken(mock) == 1
            assert [event["jobs"] for event in one.events("batch untaken")] == [7]
            last = await go(one, asked)
            assert (last.state, last.remaining, taken(mock)) == ("finished", 0, 1)


async def test_a_batch_of_anothers_is_not_taken_for_the_lost_one(tmp_path: Path) -> None:
    """Anthropic has no place for a mark: a batch that this store knows by its ticket is not the lost one."""
    with MockProvider(batch_looks=9) as mock:
        mine, other = asked_of("anthropic", mock), asked_of("anthropic", mock, name="other")
        with study(tmp_path, 7) as one:
            await go(one, other, name="run-0")
        killed(tmp_path, mine.model_copy(update={"model": "claude-2"}), "after")
        with study(tmp_path, 7) as one:
            (known,) = one.store.batches("run-0")
            then = await go(one, mine.model_copy(update={"model": "claude-2"}))
            (found,) = one.store.batches("run-1")
            assert (then.waiting, found.state, found.ticket != known.ticket, taken(mock)) == (7, "waiting", True, 2)


@pytest.mark.parametrize(("status", "known"), [(429, True), (400, True), (500, False), (0, False)])
async def test_a_hand_over_that_fails_is_done_with_only_where_it_is_known_that_nothing_was_taken(
    tmp_path: Path, status: int, known: bool
) -> None:
    def tell(_: Asked) -> bytes:
        return http({"error": {"message": "no"}}, status) if status else b"what?\r\n\r\n"

    async with answering(tell) as server:
        with study(tmp_path, 3) as one:
            progress = await go(one, agent(server.url, price=HALF))
            assert progress.lanes[0].down
            assert [batch.state for batch in one.store.batches("run-1")] == ([] if known else ["submitting"])
            run = one.store.run("run-1")
            assert run is not None
            assert await call_back(one.store, run, plug_for) == (0 if known else 3)
            assert one.store.batches("run-1") == []


async def test_a_reply_that_cannot_be_read_is_asked_about_once_more_at_once(tmp_path: Path) -> None:
    with MockProvider() as mock, study(tmp_path, 3) as one:
        asked = asked_of("openai", mock, capabilities={"answers": "prompted"})  # the mock then answers another question
        await go(one, asked)
        await go(one, asked)
        attempts = [(result.attempt, result.mode, result.status) for result in one.attempts("run-1")]
        assert sorted(attempts) == [(1, "batch", "unparsed")] * 3 + [(2, "live", "unparsed")] * 3


async def test_an_arm_with_priors_is_handed_over_with_the_control_arm_and_what_it_was_shown_stays(
    tmp_path: Path,
) -> None:
    with MockProvider() as mock, study(tmp_path, 12) as one:
        readers = [asked_of("openai", mock, name=name) for name in ("ann", "bea")]
        method = step(*readers, priors=Priors(control_only=0))
        await one.run(flow(method), name="first", plug_for=plug_for)
        for remaining in (48, 0):
            progress = await one.run(flow(method, wave="2"), name="second", plug_for=plug_for, mode="batch")
            assert (progress.planned, progress.remaining) == (48, remaining)
        rows = [row for row in one.rows("second") if row["arm"] == "priors"]
        first = {row["job_id"]: row["agent"] for row in one.rows("first")}
        assert len(rows) == 24
        assert all(first[given["job_id"]] != row["agent"] for row in rows for given in row["priors"])
        assert all(len(row["priors"]) == 1 for row in rows)  # the other reader's one answer
        assert {result.mode for result in one.attempts("second")} == {"batch"}
