"""How many calls an endpoint gets at once, and that nobody waits for ever: in a loop whose clock jumps."""

import asyncio
import random
from collections import Counter
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from quick_time import now, quickly

from buttermilk.core.flows import Limits
from buttermilk.engine.limits import Bucket, ClosedError, Limiter, tightest


class Watched:
    """A limiter with its log, and an endpoint that answers after a second, or says "slow down" at once."""

    def __init__(self, **limits: Any) -> None:
        self.said: list[tuple[str, Mapping[str, Any]]] = []
        self.limiter = Limiter("here", Limits(**limits), now, lambda kind, fields: self.said.append((kind, fields)))
        self.on_wire = self.most = self.bytes = self.most_bytes = 0
        self.began: list[float] = []

    async def call(self, size: int = 0, *, told: float | None = None, retry: bool = False, tokens: float = 0) -> None:
        """`told`: seconds of Retry-After instead of an answer."""
        limiter, admitted = self.limiter, 0
        began = await limiter.slot(retry=retry)
        try:
            await limiter.admit(size, tokens)
            admitted = size
            self.on_wire, self.bytes = self.on_wire + 1, self.bytes + size
            self.most, self.most_bytes = max(self.most, self.on_wire), max(self.most_bytes, self.bytes)
            self.began.append(now())
            assert self.on_wire <= max(int(limiter.limit), self.most)
            await asyncio.sleep(1.0 if told is None else 0.01)
            self.on_wire, self.bytes = self.on_wire - 1, self.bytes - size
            if told is None:
                limiter.went_well(tokens, tokens)
        finally:
            limiter.leave(admitted)
        if told is not None:
            limiter.slow_down(began, told)

    async def calls(self, count: int, **how: Any) -> None:
        await asyncio.gather(*(self.call(**how) for _ in range(count)))

    @property
    def moves(self) -> list[tuple[int, int]]:
        return [(fields["from"], fields["to"]) for kind, fields in self.said if kind == "limit"]


def in_any_minute(times: list[float]) -> int:
    return max(sum(start <= time < start + 60 for time in times) for start in times)


def test_it_starts_small_and_grows_while_answers_come_up_to_the_cap() -> None:
    async def story() -> None:
        watched = Watched(start=4, concurrency=50)
        running = asyncio.create_task(watched.calls(300))
        await asyncio.sleep(0.5)
        assert watched.on_wire == 4
        await asyncio.sleep(1.0)
        assert watched.on_wire == 12  # four answers won two places each
        await running
        assert watched.most == 50
        assert watched.moves == [(6, 8), (14, 16), (30, 32), (48, 50)]  # each doubling, and the cap

    quickly(story())


def test_a_volley_of_slow_down_halves_the_limit_once() -> None:
    async def story() -> None:
        watched = Watched(start=32, concurrency=64)
        await watched.calls(32, told=0.0)
        assert watched.moves == [(32, 16)]
        await asyncio.sleep(1)
        await watched.calls(16, told=0.0)
        assert watched.moves == [(32, 16), (16, 8)]
        await asyncio.sleep(1)
        await watched.calls(100, told=0.0)
        assert watched.moves[-1] == (2, 1)  # and never below one call

    quickly(story())


def test_after_the_first_halving_the_limit_is_cut_by_half_the_share_that_was_told() -> None:
    async def story() -> None:
        watched = Watched(start=40, concurrency=64)
        limiter = watched.limiter
        limiter.slow_down(0.0, None)
        assert limiter.limit == 20
        limiter.active = 40
        await asyncio.sleep(1)
        for reply in range(20):  # a round: four of twenty, the growth of sixteen answers beside it
            limiter.slow_down(now(), None) if reply % 5 == 0 else limiter.went_well()
        for _ in range(3):
            limiter.went_well()
        assert 19 <= limiter.limit <= 21  # + 2 × 19/20, - a tenth
        assert watched.said[-1][1]["share"] == pytest.approx(4 / 22, abs=0.02)

    quickly(story())


def test_after_that_an_answer_wins_room_only_where_no_place_stands_empty() -> None:
    async def story() -> None:
        limiter = Watched(start=40, concurrency=64).limiter
        limiter.slow_down(0.0, None)
        for active, limit in ((19, 20.0), (20, 20.1), (20, pytest.approx(20.2, abs=0.001))):
            limiter.active = active
            limiter.went_well()
            assert limiter.limit == limit

    quickly(story())


def test_where_calls_are_turned_away_by_chance_it_does_not_crawl() -> None:
    async def story() -> None:
        chance, watched = random.Random(1), Watched(start=8, concurrency=64)
        await asyncio.gather(*(watched.call(told=0.1 if chance.random() < 0.2 else None) for _ in range(2000)))
        # 2,000 calls of 1 s; by the sum in limits.py about 16 at once (1.6 won and 1.6 lost a round): 100 s and pauses.
        assert now() < 200
        assert watched.limiter.limit > 8

    quickly(story())


def test_an_endpoint_that_takes_so_many_at_once_is_asked_about_so_many_at_once() -> None:
    async def story() -> None:
        watched = Watched(start=8, concurrency=256)

        async def asked() -> None:
            for _ in range(40):
                await watched.call(told=0.05 if watched.on_wire >= 40 else None)

        await asyncio.gather(*(asked() for _ in range(100)))
        tail = [to for _, to in watched.moves[len(watched.moves) // 2 :]]
        assert 20 <= sum(tail) / len(tail) <= 60

    quickly(story())


def test_when_most_replies_say_slow_down_everyone_waits_as_long_as_was_said() -> None:
    async def story() -> None:
        watched = Watched(start=8, concurrency=8)
        await watched.calls(5, told=20.0)
        asked_at = now()
        await watched.calls(3)
        assert min(watched.began[-3:]) == pytest.approx(asked_at + 20, abs=0.1)
        assert ("waits", {"endpoint": "here", "seconds": 20.0, "why": "most replies said: slow down"}) in watched.said

    quickly(story())


def test_one_slow_down_among_answers_makes_nobody_else_wait() -> None:
    async def story() -> None:
        watched = Watched(start=8, concurrency=8)
        await watched.calls(8)
        await watched.call(told=20.0)
        await watched.calls(3)
        assert now() < 5

    quickly(story())


def test_no_pause_is_longer_than_five_minutes() -> None:
    async def story() -> None:
        watched = Watched(start=8, concurrency=8)
        await watched.calls(8, told=86_400.0)
        await watched.call()
        assert 299 < now() < 310

    quickly(story())


@pytest.mark.parametrize("per_minute", [2, 12, 60, 600])
def test_no_minute_has_more_requests_than_it_may(per_minute: int) -> None:
    async def story() -> None:
        watched = Watched(start=64, concurrency=64, requests_per_minute=per_minute)
        await watched.calls(per_minute * 3)
        assert in_any_minute(watched.began) <= per_minute
        assert now() < 4 * 60  # three minutes' worth of calls, a thirteenth slower than the cap

    quickly(story())


def test_no_minute_has_more_tokens_than_it_may() -> None:
    async def story() -> None:
        watched = Watched(start=64, concurrency=64, tokens_per_minute=6000)
        await watched.calls(60, tokens=300)
        assert in_any_minute(watched.began) * 300 <= 6000 + 300

    quickly(story())


def test_tokens_that_were_estimated_too_high_or_too_low_are_set_right() -> None:
    bucket = Bucket(650, lambda: 0.0)  # ten a second, room for fifty
    assert bucket.take(50) == 0
    bucket.give_back(20)
    assert bucket.take(20) == 0
    bucket.give_back(-10)
    assert bucket.take(0) == 1.0


def test_so_many_bytes_are_in_flight_at_most_and_one_call_is_always_let_through() -> None:
    async def story() -> None:
        watched = Watched(start=32, concurrency=32, bytes_in_flight=1000)
        await asyncio.gather(*(watched.call(size) for size in [300] * 20 + [5000] + [300] * 20))
        assert watched.most_bytes in (1000, 5000, 900)
        assert watched.limiter.bytes == watched.limiter.active == 0

    quickly(story())


def test_who_waits_for_bytes_is_woken_though_the_limit_shrank_meanwhile() -> None:
    async def story() -> None:
        watched = Watched(start=2, concurrency=2, bytes_in_flight=10)
        both = asyncio.gather(watched.call(8), watched.call(8))
        await asyncio.sleep(0.5)
        watched.limiter.slow_down(now(), None)  # the limit is one now, and two have places
        await both
        assert now() == pytest.approx(2.0)

    quickly(story())


def test_a_retry_goes_before_a_fresh_job() -> None:
    async def story() -> None:
        watched, order = Watched(start=1, concurrency=1), list[str]()

        async def one(name: str, *, retry: bool) -> None:
            await watched.call(retry=retry)
            order.append(name)

        names = [("first", False), ("fresh", False), ("retry", True), ("other", False)]
        await asyncio.gather(*(one(name, retry=retry) for name, retry in names))
        assert order[:2] == ["first", "retry"]

    quickly(story())


def test_hold_lets_nobody_through_until_it_is_over_and_what_is_on_the_wire_goes_on() -> None:
    async def story() -> None:
        watched = Watched(start=4, concurrency=4, requests_per_minute=600)
        running = asyncio.create_task(watched.calls(40))
        await asyncio.sleep(0.5)
        watched.limiter.hold(on=True)
        await asyncio.sleep(1000)
        assert watched.on_wire == 0
        held_with = len(watched.began)
        assert held_with <= 4
        watched.limiter.hold(on=False)
        await running
        assert len(watched.began) == 40

    quickly(story())


def test_hold_does_not_shorten_a_pause_that_the_endpoint_asked_for() -> None:
    async def story() -> None:
        watched = Watched(start=8, concurrency=8)
        await watched.calls(8, told=100.0)
        watched.limiter.hold(on=True)
        await asyncio.sleep(10)
        watched.limiter.hold(on=False)
        await watched.call()
        assert now() > 100

    quickly(story())


@pytest.mark.parametrize(
    "limits", [{}, {"requests_per_minute": 1}, {"tokens_per_minute": 10}, {"bytes_in_flight": 10}], ids=str
)
def test_close_wakes_everyone_wherever_they_wait_and_lets_nobody_else_through(limits: dict[str, Any]) -> None:
    async def story() -> None:
        watched = Watched(start=2, concurrency=8, **limits)
        running = [asyncio.create_task(watched.call(8, tokens=8)) for _ in range(10)]
        resting = asyncio.create_task(watched.limiter.rest(10_000))
        await asyncio.sleep(0.5)
        on_wire = watched.on_wire
        watched.limiter.close()
        ended = await asyncio.gather(*running, return_exceptions=True)
        await resting
        assert Counter(map(type, ended)) == Counter({type(None): on_wire, ClosedError: 10 - on_wire})
        assert watched.limiter.active == watched.limiter.bytes == 0
        assert now() < 2
        with pytest.raises(ClosedError):
            await watched.limiter.slot()

    quickly(story())


def test_who_shares_an_endpoint_gets_the_smallest_of_each_limit() -> None:
    found = tightest([Limits(concurrency=64, tokens_per_minute=100), Limits(concurrency=2, start=4, bytes_in_flight=9)])
    assert (found.concurrency, found.start, found.tokens_per_minute, found.bytes_in_flight) == (2, 4, 100, 9)
    assert found.requests_per_minute is None


acts = st.lists(
    st.tuples(
        st.sampled_from(["answer", "answer", "told", "reset"]),
        st.integers(0, 600),  # bytes
        st.booleans(),  # a retry
        st.floats(0, 3),  # when it comes
    ),
    max_size=60,
)


@settings(max_examples=200)
@given(
    acts,
    st.integers(1, 12),
    st.integers(1, 12),
    st.sampled_from([None, 700, 5000]),
    st.sampled_from([None, 60.0]),
    st.lists(st.floats(0, 6), max_size=4),
)
def test_whatever_happens_everybody_gets_a_turn_and_never_too_many_at_once(
    calls: list[tuple[str, int, bool, float]],
    start: int,
    concurrency: int,
    cap: int | None,
    per_minute: float | None,
    holds: list[float],
) -> None:
    """The loop raises as soon as everyone waits for someone else: a lost wake-up fails here at once."""

    async def story() -> None:
        limits = Limits(start=start, concurrency=concurrency, bytes_in_flight=cap, requests_per_minute=per_minute)
        limiter = Limiter("here", limits, now, lambda kind, fields: None)
        ended = 0

        async def one(what: str, size: int, retry: bool, at: float) -> None:
            nonlocal ended
            await asyncio.sleep(at)
            began = await limiter.slot(retry=retry)
            assert limiter.active <= concurrency
            await limiter.admit(size, 0)
            assert not cap or limiter.bytes <= max(cap, size)
            await asyncio.sleep(0.3)
            if what == "answer":
                limiter.went_well()
            limiter.leave(size)
            if what == "told":
                limiter.slow_down(began, 0.7)
            ended += 1

        async def held(at: float) -> None:
            await asyncio.sleep(at)
            limiter.hold(on=True)
            await asyncio.sleep(0.5)
            limiter.hold(on=False)

        await asyncio.gather(*(one(*call) for call in calls), *(held(at) for at in holds))
        assert ended == len(calls)
        assert limiter.active == limiter.bytes == 0
        assert 1 <= limiter.limit <= concurrency

    quickly(story())
