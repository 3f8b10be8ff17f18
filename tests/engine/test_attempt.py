"""One job asked until it is settled: each kind of reply and of failure becomes a Result, and every try is kept."""

import asyncio
import logging
import random
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from quick_time import now, quickly
from studies import KEY, PRICE, agent, flow, step, study

from answering import Asked, Tell, answering, chat, http
from buttermilk.core.contracts import Model
from buttermilk.core.errors import PromptError, RateLimited, Unavailable
from buttermilk.core.flows import Agent, Codebook, LabelDefinition, Limits, Price, Prompt, Question, Section
from buttermilk.core.jobs import Job, Result, Usage
from buttermilk.core.messages import Output, Reply, Request
from buttermilk.core.records import Part, Record
from buttermilk.engine import attempt
from buttermilk.engine.attempt import Attempts, Signature, cost
from buttermilk.engine.lane import HOPELESS_SECONDS, Lane
from buttermilk.engine.limits import Limiter
from buttermilk.engine.progress import LaneProgress

pytestmark = pytest.mark.anyio
GOOD = '{"reason": "So it says.", "harm": "no"}'


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attempt, "FIRST_PAUSE_SECONDS", 0.001)


async def asked(folder: Path, tell: Tell, count: int = 1, **about: Any) -> tuple[list[Result], int]:
    """All tries for the jobs of a small study, as they were stored, and how many requests came."""
    async with answering(tell) as server:
        with study(folder, count) as one:
            await one.run(flow(step(agent(server.url, **about))))
            return one.attempts(), len(server.asked)


def in_turn(*replies: bytes | None) -> Tell:
    """The first request gets the first reply, and so on; the last reply is for all after it."""
    left = list(replies)
    return lambda one: left.pop(0) if len(left) > 1 else left[0]


def said(text: str | None, **how: Any) -> bytes:
    return http(chat(text, **how))


async def test_an_answer_has_all_that_was_said_about_it(tmp_path: Path) -> None:
    reply = said(GOOD, system_fingerprint="fp_1", usage={"prompt_tokens": 100, "completion_tokens": 20})
    (result,), requests = await asked(tmp_path, lambda one: reply, price=PRICE)
    assert (result.status, result.parse, result.attempt, requests) == ("answered", "strict", 1, 1)
    assert result.answers == {"reason": "So it says.", "harm": "no"}
    assert (result.text, result.finish, result.refusal) == (GOOD, "stop", None)
    assert (result.model_returned, result.model_fingerprint) == ("gpt-4o-mini-2024-07-18", "fp_1")
    assert result.response_id == "chatcmpl-7"
    assert result.cost == pytest.approx(100 * 0.001 + 20 * 0.002)
    assert (result.currency, result.price_version) == ("USD", "a test (2026-11-22)")
    assert (result.run_id, result.by, result.simulated) == ("run-1", "ana@desk", False)
    assert result.sent is not None
    assert result.ended_at >= result.started_at


@pytest.mark.parametrize(
    ("reply", "status", "finish"),
    [
        (said(None, message={"refusal": "I would rather not."}), "refused", "stop"),
        (said("", finish="content_filter"), "refused", "filter"),
        (said(GOOD[:20], finish="length"), "unparsed", "length"),
        (said("", finish="length"), "unparsed", "length"),
    ],
)
async def test_a_refusal_and_a_reply_cut_short_are_data_and_are_not_asked_about_again(
    tmp_path: Path, reply: bytes, status: str, finish: str
) -> None:
    (result,), requests = await asked(tmp_path, lambda one: reply)
    assert (result.status, result.finish, requests) == (status, finish, 1)
    assert result.error_kind == ("truncated" if finish == "length" else "")
    assert result.answers is None


async def test_what_cannot_be_read_is_asked_about_once_more_with_the_reason(tmp_path: Path) -> None:
    bodies: list[Any] = []

    def tell(one: Asked) -> bytes:
        bodies.append(one.json)
        return said(GOOD if len(bodies) == 2 else '{"reason": "So.", "harm": "perhaps"}')

    (first, second), _ = await asked(tmp_path, tell)
    assert (first.status, first.error_kind, first.attempt) == ("unparsed", "unparsed", 1)
    assert first.text == '{"reason": "So.", "harm": "perhaps"}'
    assert (second.status, second.parse, second.attempt) == ("answered", "reasked", 2)
    again = bodies[1]["messages"]
    assert again[:-2] == bodies[0]["messages"]
    assert again[-2] == {"role": "assistant", "content": first.text}
    assert "harm: Input should be 'yes' or 'no'" in again[-1]["content"]


async def test_a_second_reply_that_cannot_be_read_settles_it(tmp_path: Path) -> None:
    results, requests = await asked(tmp_path, lambda one: said("I cannot say."))
    assert [(one.status, one.attempt) for one in results] == [("unparsed", 1), ("unparsed", 2)]
    assert requests == 2


BROKEN = [
    b"<html>Everything is fine</html>",
    b"",
    b"{",
    b"null",
    b"[]",
    b'{"choices": []}',
    b'{"choices": [{"message": null}]}',
    b'{"choices": [{"message": {"content": 5}}]}',
    b'{"choices": [{"message": {"content": "x", "tool_calls": [7]}}]}',
    b'{"choices": [{"message": {"content": "x"}}], "usage": [1]}',
    b'{"choices": [{"message": {"content": "x"}}], "usage": {"prompt_tokens": "many"}}',
    b"\xff\xfe\x00",
    b"[" * 100_000,
]


@pytest.mark.parametrize("body", BROKEN, ids=lambda body: body[:40].decode("latin-1"))
async def test_a_body_that_is_no_chat_completion_is_kept_and_asked_again(tmp_path: Path, body: bytes) -> None:
    (first, second), _ = await asked(tmp_path, in_turn(http(body), said(GOOD)))
    assert (first.status, first.error_kind) == ("failed", "malformed")
    assert first.error.startswith("the reply is no chat completion")
    assert first.reply == body.decode("utf-8", "replace")[:100_000]
    assert second.status == "answered"


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (http({"error": {"message": "slowly"}}, 429, Retry_After="0"), "rate_limited"),
        (http({"error": "overloaded"}, 529), "rate_limited"),
        (http("oh no", 500), "http_500"),
        (http("later", 503, Retry_After="0.001"), "http_503"),
        (http("", 408), "http_408"),
        (b"this is no HTTP\r\n\r\n", "reset"),
        (None, "timed_out"),
    ],
)
async def test_what_may_pass_is_asked_again_and_every_try_is_kept(tmp_path: Path, reply: Any, kind: str) -> None:
    tell = in_turn(reply, reply, said(GOOD))
    results, requests = await asked(tmp_path, tell, timeout_seconds=0.2)
    assert [(one.status, one.error_kind, one.attempt) for one in results] == [
        ("failed", kind, 1),
        ("failed", kind, 2),
        ("answered", "", 3),
    ]
    assert all(one.error and one.answers is None for one in results[:2])
    assert requests == 3


async def test_the_attempts_of_a_job_are_counted_whatever_befalls_it(tmp_path: Path) -> None:
    tell = in_turn(http("", 500), said("What?"), http("", 429), said("What?"), said(GOOD))
    results, _ = await asked(tmp_path, tell, attempts=3)
    assert [(one.status, one.attempt) for one in results] == [("failed", 1), ("unparsed", 2), ("failed", 3)]


@pytest.mark.parametrize("status", [400, 401, 403, 404, 413, 422, 301, 307])
async def test_what_would_be_the_same_again_is_asked_once(tmp_path: Path, status: int) -> None:
    reply = http({"error": {"message": "no such model"}}, status, Location="http://127.0.0.1:9/")
    (result,), requests = await asked(tmp_path, lambda one: reply)
    assert (result.status, result.error_kind, requests) == ("failed", f"http_{status}", 1)
    assert ("no such model" if status >= 400 else "moved to http://127.0.0.1:9/") in result.error


async def test_five_jobs_that_come_to_nothing_close_the_lane(tmp_path: Path) -> None:
    async with answering(lambda one: http({"error": {"message": "Incorrect API key"}}, 401)) as server:
        with study(tmp_path, 100) as one:
            progress = await one.run(flow(step(agent(server.url, concurrency=2, start=1))))
            assert len(server.asked) <= 6
            assert progress.why == f"{server.url} gives no answers: 401: Incorrect API key"
            assert (progress.state, progress.remaining) == ("stopped", 100)
            assert one.events("down") == [{"endpoint": server.url, "why": "401: Incorrect API key"}]


async def test_a_template_that_does_not_fit_one_record_fails_that_one_and_no_other(tmp_path: Path) -> None:
    odd = "{% if 'number 3' in record.text %}{{ record.metadata.poet }}{% endif %}{{ record.text }}"
    prompt = Prompt(name="odd", sections=(Section(role="user", template=odd),))
    async with answering(lambda one: said(GOOD)) as server:
        with study(tmp_path, 8) as one:
            of_prompt = step(agent(server.url)).model_copy(update={"prompts": (prompt,)})
            progress = await one.run(flow(of_prompt))
            (failed,) = [row for row in one.rows() if row["status"] == "failed"]
    assert progress.statuses == {"answered": 7, "failed": 1}
    assert (failed["record_id"], failed["error_kind"], failed["attempt"]) == ("r3", "prompt", 1)
    assert "poet" in failed["error"]
    assert progress.why == "1 jobs failed"


def test_records_that_do_not_fit_do_not_make_an_endpoint_look_dead() -> None:
    async def story() -> None:
        lane = a_lane()
        for kind in ["prompt"] * 20 + ["http_500"] * 4:
            lane.ended([a_result(error_kind=kind)])
        assert not lane.limiter.closed.is_set()
        lane.ended([a_result(error_kind="http_500")])
        assert lane.limiter.closed.is_set()

    quickly(story())


def holding(text: str, folder: Path) -> list[str]:
    return [file.name for file in folder.iterdir() if text.encode() in file.read_bytes()]


async def test_a_key_is_in_no_byte_of_the_store_no_log_and_no_error(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)

    def tell(one: Asked) -> bytes:
        whole = f"You sent {one.head} with {KEY}"
        return in_order.pop(0)(whole) if in_order else http({"error": {"message": whole}}, 401)

    in_order: list[Callable[[str], bytes]] = [
        lambda whole: http(whole, 500),
        lambda whole: http(whole, 429, X_Request_Id=KEY),
        http,
        lambda whole: http(chat(whole), X_Request_Id=KEY),
    ]
    results, _ = await asked(tmp_path, tell, count=3, concurrency=1, headers={"x-api-key": "secret://env/OTHER"})
    assert len(results) > 4
    assert "[key]" in results[0].error
    assert KEY not in caplog.text
    assert not holding(KEY, tmp_path)


BOTH = {"cache_write_tokens": 350, "cache_write_hour_tokens": 100}  # of them 250 for five minutes


@pytest.mark.parametrize(
    ("usage", "own", "money"),
    [
        ({"input_tokens": 1_000_000}, {}, 2.0),
        ({"input_tokens": 0, "output_tokens": 1_000_000}, {}, 8.0),
        ({"output_tokens": 500, "cached_tokens": 400}, {"cached_input": 0.5}, (600 * 2 + 400 * 0.5 + 500 * 8) / 1e6),
        ({"cached_tokens": 400}, {}, 1000 * 2 / 1e6),
        ({"cached_tokens": 400}, {"cached_input": 0.0}, 600 * 2 / 1e6),
        (BOTH, {"cache_write": 2.5, "cache_write_hour": 4}, (650 * 2 + 250 * 2.5 + 100 * 4) / 1e6),
        (BOTH, {"cache_write": 2.5}, (750 * 2 + 250 * 2.5) / 1e6),
        (BOTH, {}, 1000 * 2 / 1e6),
    ],
)
def test_tokens_read_from_a_cache_or_written_to_it_are_part_of_the_input_and_have_their_own_prices(
    usage: dict[str, int], own: dict[str, float], money: float
) -> None:
    price = Price(input=2, output=8, source="a test", dated="2026-11-22", **own)
    assert cost(agent("http://here/v1", price=price), Usage(**{"input_tokens": 1000, **usage})) == pytest.approx(money)


async def test_where_no_price_is_known_the_cost_is_unknown_and_not_nothing(tmp_path: Path) -> None:
    (result,), _ = await asked(tmp_path, lambda one: said(GOOD))
    assert result.cost is None
    assert cost(agent("http://here/v1"), Usage(input_tokens=5)) is None


# ---- pauses, and giving up: in a loop whose clock jumps


class Plug:
    """A model that says what a test tells it; None: an answer."""

    def __init__(self, *errors: Exception | str | None) -> None:
        self.errors, self.at = list(errors), list[float]()

    async def complete(self, request: Request) -> Reply:
        self.at.append(now())
        error = self.errors.pop(0) if self.errors else None
        if isinstance(error, Exception):
            raise error
        return Reply(text=error or GOOD)

    async def call(self, job: Job) -> Output:
        await asyncio.sleep(3600)
        return Output(values={})


def a_lane(**limits: Any) -> Lane:
    limiter = Limiter("here", Limits(**limits), now, lambda kind, fields: None)
    return Lane(limiter, LaneProgress("judge", "here"))


def a_job(role: str = "model", **limits: Any) -> Job:
    labels = tuple(LabelDefinition(name=name) for name in ("yes", "no"))
    questions = (Question(name="reason", ask="Why?", level="text"), Question(name="harm", ask="Is it?", labels=labels))
    record = Record(record_id="r1", parts=(Part(text="A verse."),))
    asked_of = Agent(name="a", type="t", role=role, limits=Limits(**limits))  # type: ignore[arg-type]
    prompt = Prompt(name="p", sections=(Section(role="user", template="{{ record.text }}"),))
    codebook = Codebook(name="c", questions=questions)
    return Job(step="judge", record=record, seen_hash="s", agent=asked_of, prompt=prompt, codebook=codebook)


def a_result(**more: Any) -> Result:
    at = attempt.now_utc()
    given = {"status": "failed", "error": "it broke", **more}
    return Result(job_id="j", attempt=1, run_id="r", started_at=at, ended_at=at, **given)


def ask(plug: Any, lane: Callable[[], Lane] = a_lane, job: Job | None = None, before: int = 0) -> list[Result]:
    async def story() -> list[Result]:
        return await Attempts(Signature("r"), chance=random.Random(1)).ask(job or a_job(), plug, lane(), before)

    return quickly(story())


def test_the_endpoints_word_on_when_to_come_again_is_kept_to_the_second() -> None:
    plug = Plug(RateLimited("slowly", retry_after_seconds=20), RateLimited("slowly", retry_after_seconds=20))
    results = ask(plug)
    assert [one.status for one in results] == ["failed", "failed", "answered"]
    gaps = [later - earlier for earlier, later in zip(plug.at, plug.at[1:], strict=False)]
    assert all(20 <= gap <= 22 for gap in gaps)


def test_no_job_sleeps_longer_than_five_minutes_and_a_bit() -> None:
    plug = Plug(RateLimited("tomorrow", retry_after_seconds=86_400))
    ask(plug)
    assert 300 <= plug.at[1] <= 330


@given(st.integers(1, 40), st.randoms(use_true_random=False))
def test_pauses_double_with_jitter_up_to_half_a_minute(number: int, chance: random.Random) -> None:
    attempts = Attempts(Signature("r"), chance=chance)
    most = min(30.0, attempt.FIRST_PAUSE_SECONDS * 2.0 ** (number - 1))
    assert most / 2 <= attempts.pause(number, None) <= most


def test_tries_are_numbered_on_from_those_of_earlier_runs() -> None:
    assert [one.attempt for one in ask(Plug(Unavailable("down")), before=6)] == [7, 8]


def test_after_a_quarter_of_a_minute_without_a_good_reply_nobody_tries_again() -> None:
    async def story() -> None:
        lane, plug = a_lane(), Plug(*[Unavailable("down", retry_after_seconds=10)] * 9)
        results = await Attempts(Signature("r")).ask(a_job(), plug, lane)
        assert len(results) == 3  # at 0, 10 and 20 s
        assert now() > HOPELESS_SECONDS

    quickly(story())


def test_an_endpoint_that_says_slow_down_is_not_taken_for_a_dead_one() -> None:
    results = ask(Plug(*[RateLimited("slowly", retry_after_seconds=30)] * 4))
    assert [one.status for one in results] == ["failed"] * 4 + ["answered"]


def test_a_tool_that_does_not_come_back_fails_in_its_time() -> None:
    job = a_job("tool", timeout_seconds=2, attempts=2)
    assert [(one.status, one.error_kind, one.error) for one in ask(Plug(), job=job)] == [
        ("failed", "timed_out", "no reply within 2 s"),
        ("failed", "timed_out", "no reply within 2 s"),
    ]


def test_a_job_whose_second_asking_the_stop_cut_off_is_asked_again_another_day() -> None:
    async def story() -> None:
        lane = a_lane()

        class Stopping(Plug):
            async def complete(self, request: Request) -> Reply:
                lane.limiter.close()
                return Reply(text="What?")

        (result,) = await Attempts(Signature("r")).ask(a_job(), Stopping(), lane)
        assert (result.status, result.error_kind, result.text) == ("failed", "stopped", "What?")
        assert await Attempts(Signature("r")).ask(a_job(), Plug(), lane) == []
        lane = a_lane()
        (settled,) = await Attempts(Signature("r")).ask(a_job(attempts=1), Stopping(), lane)
        assert settled.status == "unparsed"  # nobody would have asked again

    quickly(story())


def test_a_place_is_given_back_however_a_call_ends() -> None:
    async def story() -> None:
        lane = a_lane(bytes_in_flight=4)
        for error in (Unavailable("x"), PromptError("x"), KeyError("a bug"), None):
            plug: Model = Plug(error)  # type: ignore[assignment]
            with suppress(KeyError):
                await Attempts(Signature("r")).ask(a_job(attempts=1), plug, lane)
            assert lane.limiter.active == lane.limiter.bytes == 0

    quickly(story())
