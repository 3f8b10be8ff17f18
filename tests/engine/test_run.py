"""A run over real calls to a mock provider: every job ends, however the provider misbehaves, and what a later step
reads leaves nothing out."""

import time
from collections import Counter
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from studies import PRICE, Study, agent, blobs, flow, keys, perspectives, step, study, synthesis

from answering import Asked, answering, chat, http
from buttermilk.core.jobs import Job
from buttermilk.engine import attempt
from buttermilk.models.openai import OpenAIChat
from buttermilk.testing import MockProvider

pytestmark = pytest.mark.anyio
FAULTS = {"p429": 20, "p500": 5, "preset": 2, "pbad": 2, "retry_after": 0.05}


def stored_once(one: Study, jobs: int, name: str = "run-1") -> None:
    """Each job has one answer, and no other."""
    rows = one.rows(name)
    assert len({row["job_id"] for row in rows}) == len(rows) == jobs
    answered = Counter(result.job_id for result in one.attempts(name) if result.status == "answered")
    assert set(answered.values()) == {1}


@pytest.mark.parametrize(("concurrency", "count"), [(1, 6), (8, 60), (64, 240)])
async def test_every_job_is_asked_once_and_never_more_at_once_than_the_agent_allows(
    tmp_path: Path, concurrency: int, count: int
) -> None:
    with MockProvider(latency_ms=20) as mock, study(tmp_path, count // 2) as one:
        progress = await one.run(flow(step(agent(mock.url, concurrency=concurrency), repeats=2)))
        stats = mock.stats()
        assert (progress.state, progress.why, progress.remaining) == ("finished", "", 0)
        assert progress.statuses == {"answered": count}
        assert (stats["requests"], stats["answered"]) == (count, count)
        assert stats["max_in_flight"] <= concurrency
        stored_once(one, count)
        assert sum(progress.grid) == count


async def test_the_same_run_again_asks_nobody(tmp_path: Path) -> None:
    with MockProvider() as mock, study(tmp_path, 30) as one:
        await one.run(flow(step(agent(mock.url))))
        again = await one.run(flow(step(agent(mock.url))), name="run-2")
        assert mock.stats()["requests"] == 30
        assert (again.skipped, again.asked, again.state) == (30, 0, "finished")
        assert [row["job_id"] for row in one.rows("run-2")] == [row["job_id"] for row in one.rows("run-1")]


async def test_what_the_store_says_of_a_finished_run_is_what_came_of_it(tmp_path: Path) -> None:
    with MockProvider(prompt_tokens=10, completion_tokens=5) as mock, study(tmp_path, 20) as one:
        progress = await one.run(flow(step(agent(mock.url, price=PRICE))))
        run = one.store.run("run-1")
        assert run is not None
        assert (run.state, run.why, run.control, run.planned) == ("finished", "", "", 20)
        assert run.ended_at is not None
        assert run.progress["answered"] == 20
        assert one.store.spent("run-1") == (pytest.approx(20 * 0.02), 300)
        assert progress.money == pytest.approx(20 * 0.02)


@pytest.mark.slow
async def test_a_thousand_jobs_all_end_where_a_fault_strikes_each_only_once(tmp_path: Path) -> None:
    with MockProvider(faults_once=True, **FAULTS) as mock, study(tmp_path, 1000) as one:
        progress = await one.run(flow(step(agent(mock.url))))
        assert progress.statuses == {"answered": 1000}
        assert mock.stats()["requests"] <= 1350
        stored_once(one, 1000)
        assert {(row["from"] > row["to"], row["why"]) for row in one.events("limit")} == {
            (True, "rate limited"),
            (False, "answers come"),
        }
        kinds = Counter(result.error_kind for result in one.attempts())
        assert kinds.keys() == {"", "rate_limited", "http_500", "reset", "unparsed"}


@pytest.mark.slow
async def test_a_thousand_jobs_all_end_where_faults_strike_every_request_alike(tmp_path: Path) -> None:
    # Each request fails with p = 0.20 + 0.05 + 0.02 + 0.02 = 0.29, whatever came before. Requests per job are then
    # geometric: mean 1/(1-p) = 1.408, variance p/(1-p)² = 0.575. Of 1,000 jobs: 1,408, sd √575 = 24; 3 sd above: 1,480.
    with MockProvider(**FAULTS) as mock, study(tmp_path, 1000) as one:
        progress = await one.run(flow(step(agent(mock.url))))
        assert sum(progress.statuses.values()) == 1000
        assert progress.statuses["answered"] >= 990  # six tries: 0.29⁶ = 0.0006 of the jobs are left without an answer
        assert mock.stats()["requests"] <= 1480


@pytest.mark.slow
async def test_an_endpoint_that_takes_a_hundred_requests_a_second_gets_about_that_many(tmp_path: Path) -> None:
    with MockProvider(rps=100, retry_after=0.1, latency_ms=20) as mock, study(tmp_path, 600) as one:
        progress = await one.run(flow(step(agent(mock.url, attempts=20))))
        stats = mock.stats()
        assert progress.statuses == {"answered": 600}
        # It is told where the limit is by being turned away: 1.27 to 1.40 times in twenty runs.
        assert stats["requests"] <= 1.6 * 600
        assert stats["span_s"] <= 2.5 * (600 - 100) / 100  # a second's worth is there at the start


async def test_how_probable_the_model_held_an_answer_is_kept_with_it(tmp_path: Path) -> None:
    with MockProvider() as mock, study(tmp_path, 2) as one:
        await one.run(flow(step(agent(mock.url, parameters={"logprobs": True}), agent(mock.url, name="silent"))))
        told = {row["agent"]: row["logprobs"] for row in one.rows()}
        assert (list(told["gpt"]), told["silent"]) == (["reason", "harm"], {})
        for result in one.attempts():
            if result.logprobs and result.answers:
                # As the mock has it: a sixteenth for each sign of the word and of the marks around it, `":"` and `"}`.
                assert result.logprobs["harm"] == pytest.approx(-(len(result.answers["harm"]) + 5) / 16)


async def test_an_endpoint_that_says_its_allowance_is_used_up_is_left_alone_until_it_is_renewed(tmp_path: Path) -> None:
    came: list[float] = []

    def tell(_: Asked) -> bytes:
        came.append(time.monotonic())
        allowance = {"x_ratelimit_remaining_requests": "0", "x_ratelimit_reset_requests": "200ms"}
        return http(chat('{"reason": "So.", "harm": "no"}'), **(allowance if len(came) % 2 == 0 else {}))

    async with answering(tell) as server:
        with study(tmp_path, 6) as one:
            progress = await one.run(flow(step(agent(server.url, concurrency=2, start=2))))
            waits = [event.fields["why"] for event in one.store.events("run-1") if event.kind == "waits"]
    assert progress.statuses == {"answered": 6}
    assert [later - earlier > 0.15 for earlier, later in pairwise(came)] == [False, True, False, True, False]
    assert set(waits) == {"its allowance is used up"}


# ---- steps that read earlier ones


@pytest.fixture
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attempt, "FIRST_PAUSE_SECONDS", 0.001)


def saying(harm: str) -> bytes:
    return http(chat(f'{{"reason": "As I read it.", "harm": "{harm}"}}'))


def jobs_of(one: Study, step_name: str) -> list[Job]:
    return [job for row in one.rows(step=step_name) if (job := one.store.job(row["job_id"])) is not None]


async def test_that_no_judge_sees_a_violation_reaches_the_synthesis(tmp_path: Path) -> None:
    async with answering(lambda one: saying("no")) as server:
        judge, writer = agent(server.url), agent(server.url, "writer")
        with study(tmp_path, 3) as one:
            panel = step(judge, perspectives=perspectives("tja", "glaad"), repeats=3)
            progress = await one.run(flow(panel, synthesis(writer)))
            assert progress.statuses == {"answered": 3 * 6 + 3}
            for job in jobs_of(one, "synthesis"):
                read = job.inputs["answers"]
                assert [(answer.status, answer.values["harm"]) for answer in read if answer.values] == [
                    ("answered", "no")
                ] * 6
                assert {answer.perspective for answer in read} == {"tja", "glaad"}
                assert not job.partial
            assert "[record:r0] Verse number 0. had 6 answers." in {
                one.json["messages"][-1]["content"] for one in server.asked
            }
            assert not any(row["partial"] for row in one.rows())


def mixed(one: Asked) -> bytes:
    """About r1 one judge refuses, one cannot be read, one fails, and one says no."""
    text = one.body.decode()
    if "had" in text or "[record:r1]" not in text:
        return saying("no")
    if "refusing" in text:
        return http(chat(None, message={"refusal": "I would rather not."}))
    if "rambling" in text:
        return http(chat("Well, well."))
    return http("broken", 400) if "failing" in text else saying("no")


async def test_refused_unparsed_and_failed_answers_are_read_as_what_they_are(tmp_path: Path) -> None:
    async with answering(mixed) as server:
        with study(tmp_path, 2) as one:
            panel = step(agent(server.url), perspectives=perspectives("refusing", "rambling", "failing", "reading"))
            progress = await one.run(flow(panel, synthesis(agent(server.url, "writer"))))
            whole, partial = sorted(jobs_of(one, "synthesis"), key=lambda job: job.record.record_id)
            assert [answer.status for answer in whole.inputs["answers"]] == ["answered"] * 4
            said = {answer.perspective: (answer.status, answer.values) for answer in partial.inputs["answers"]}
            assert said == {
                "refusing": ("refused", None),
                "rambling": ("unparsed", None),
                "failing": ("failed", None),
                "reading": ("answered", {"reason": "As I read it.", "harm": "no"}),
            }
            flags = {row["record_id"]: row["partial"] for row in one.rows(step="synthesis")}
            assert flags == {"r0": False, "r1": True}
            assert progress.statuses == {"answered": 7, "refused": 1, "unparsed": 1, "failed": 1}


async def test_a_parent_answered_at_last_has_its_synthesis_asked_anew(tmp_path: Path) -> None:
    working = False

    def tell(one: Asked) -> bytes:
        broken = b"[record:r1]" in one.body and b"had" not in one.body and not working
        return http("broken", 400) if broken else saying("no")

    async with answering(tell) as server:
        with study(tmp_path, 3) as one:
            both = flow(step(agent(server.url), repeats=2), synthesis(agent(server.url, "writer")))
            first = await one.run(both)
            assert (first.state, first.statuses) == ("stopped", {"answered": 4 + 3, "failed": 2})
            old = {job.record.record_id: job.job_id for job in jobs_of(one, "synthesis")}
            working = True
            requests = len(server.asked)
            second = await one.run(both)
            new = {job.record.record_id: job.job_id for job in jobs_of(one, "synthesis")}
            assert (second.state, second.statuses) == ("finished", {"answered": 9})
            assert len(server.asked) - requests == 3  # both judges of r1, and its synthesis
            assert {name for name in old if old[name] != new[name]} == {"r1"}
            assert one.store.counts("run-1") == {
                ("judge", "gpt", "answered"): 6,
                ("synthesis", "writer", "answered"): 3,
            }
            assert [result.partial for result in one.store.attempts(old["r1"])] == [True]  # it stays in the store


async def test_a_record_nobody_answered_about_is_not_planned_for_the_synthesis(tmp_path: Path) -> None:
    async with answering(lambda one: saying("no")) as server:
        with study(tmp_path, 4) as one:
            progress = await one.run(flow(step(agent(server.url)), synthesis(agent(server.url, "writer"))))
            assert (progress.planned, progress.remaining) == (8, 0)
            assert one.store.answers("run-1", "synthesis", ["r0", "elsewhere"]).keys() == {"r0"}


# ---- lanes


@pytest.mark.usefixtures("no_waiting")
async def test_two_endpoints_are_asked_side_by_side_and_one_that_is_down_stops_only_itself(
    tmp_path: Path,
) -> None:
    async with answering(lambda one: http("", 500)) as broken:
        with MockProvider(latency_ms=1) as mock, study(tmp_path, 30) as one:
            both = step(agent(mock.url, "well"), agent(broken.url, "ill", attempts=2, concurrency=4))
            both = both.model_copy(update={"agents": tuple(by_address(each) for each in both.agents)})
            progress = await one.run(flow(both))
            assert mock.stats()["answered"] == 30
            by_agent = Counter((row["agent"], row["status"]) for row in one.rows())
            assert by_agent["well", "answered"] == 30
            assert 5 <= by_agent["ill", "failed"] <= 8
            assert progress.why == f"{broken.url} gives no answers: 500: no explanation was sent"
            assert progress.remaining == 30


def by_address(one: Any) -> Any:
    return one.model_copy(update={"provider": ""})


async def test_agents_of_one_endpoint_share_its_limit_the_smaller_one(tmp_path: Path) -> None:
    with MockProvider(latency_ms=5) as mock, study(tmp_path, 20) as one:
        both = step(
            agent(mock.url, "quick", concurrency=50), agent(mock.url, "shy", concurrency=2, parameters={"top_p": 1})
        )
        progress = await one.run(flow(both))
        assert mock.stats()["max_in_flight"] <= 2
        assert (len(progress.lanes), progress.statuses) == (1, {"answered": 40})


async def test_watchers_are_told_twice_a_second_and_at_the_end(tmp_path: Path) -> None:
    seen: list[tuple[str, int]] = []
    with MockProvider(latency_ms=60) as mock, study(tmp_path, 40) as one:
        one.prepare(flow(step(agent(mock.url, concurrency=2, start=2))))
        one.engine.watch = lambda progress: seen.append((progress.state, progress.asked))
        await one.engine.go()
    assert seen[-1] == ("finished", 40)
    assert seen[0][0] == "running"
    assert 0 < seen[0][1] < 40
    assert 3 <= len(seen) <= 6


async def test_a_bug_in_a_watcher_is_not_swallowed(tmp_path: Path) -> None:
    def broken(progress: Any) -> None:
        if progress.state == "running":
            raise KeyError("a bug")

    with MockProvider(latency_ms=100) as mock, study(tmp_path, 16) as one:
        with pytest.raises(KeyError, match="a bug"):
            await one.run(flow(step(agent(mock.url, concurrency=2))), watch=broken)
        assert len(one.rows()) == 16


async def test_a_bug_in_a_plug_stops_the_run_and_says_so(tmp_path: Path) -> None:
    with MockProvider() as mock, study(tmp_path, 50) as one:

        class Buggy(OpenAIChat):
            async def complete(self, request: Any) -> Any:
                raise ZeroDivisionError

        with pytest.raises(ExceptionGroup):
            await one.run(flow(step(agent(mock.url))), plug_for=lambda of: Buggy(of, keys, blobs))
        run = one.store.run("run-1")
        assert run is not None
        assert (run.state, run.why) == ("failed", "a bug stopped it (ExceptionGroup)")
