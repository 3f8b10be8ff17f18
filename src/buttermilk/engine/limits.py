"""How many calls an endpoint gets at once: it starts small, grows while answers come, shrinks when told to slow down.

`active` calls are on the wire, at most `limit`, which moves. (Jobs begun and not yet stored are bounded too, by
`limits.concurrency`, in `run.py`: so a crash never loses more than that many answers, and tasks are as many as slots.)

The first "slow down" halves the limit and ends the fast growth. After that it is cut once a round (as many replies as
the limit allows at once) by half the share of "slow down" among them: all of them halve it, one in five takes a tenth
off, as DCTCP does it (RFC 8257). An endpoint that turns calls away by chance would else be asked one call at a time.
Only an answer that comes while every place is taken wins room (RFC 7661): where others were turned away meanwhile,
places stand empty, and it says nothing of whether more would be taken.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from typing import Any

from buttermilk.core.flows import Limits

Clock = Callable[[], float]
Log = Callable[[str, Mapping[str, Any]], None]

GROWTH = 2  # slots won per answer before the first "slow down", per round after it: at first the limit trebles a round
WINDOW = 8  # of the last so many replies …
CROWDED = 5  # … so many, most of them, were "slow down": then everyone waits as long as the endpoint said
LONGEST_PAUSE_SECONDS = 300.0
SHARED = ("concurrency", "start", "requests_per_minute", "tokens_per_minute", "bytes_in_flight")


class ClosedError(Exception):
    """No call is let through any more: the run is stopping."""


def tightest(all_limits: Iterable[Limits]) -> Limits:
    """Of agents that share an endpoint, the smallest of each limit: nobody is pressed harder than its agent allows."""
    found = list(all_limits)

    def least(name: str) -> Any:
        return min((value for one in found if (value := getattr(one, name)) is not None), default=None)

    return found[0].model_copy(update={name: least(name) for name in SHARED})


class Bucket:
    """At most `per_minute` units in any minute: five seconds' worth at once, and sixty seconds' worth after it."""

    def __init__(self, per_minute: float, clock: Clock) -> None:
        self.rate = per_minute / 65
        self.room = max(self.rate * 5, 1.0)
        self.level = self.room
        self.clock = clock
        self.at = clock()

    def take(self, units: float) -> float:
        """Take the units now and return how many seconds to wait for them."""
        now = self.clock()
        self.level = min(self.room, self.level + (now - self.at) * self.rate)
        self.at = now
        self.level -= units
        return max(0.0, -self.level / self.rate)

    def give_back(self, units: float) -> None:
        self.level = min(self.room, self.level + units)


class Limiter:
    """The policy for one endpoint. `log(kind, fields)` is told of every change of the limit."""

    def __init__(self, endpoint: str, limits: Limits, clock: Clock, log: Log) -> None:
        self.endpoint = endpoint
        self.limits = limits
        self.clock = clock
        self.log = log
        self.limit = float(min(limits.start, limits.concurrency))
        self.active = 0
        self.bytes = 0
        self.paused_until = 0.0
        self.held = False  # someone in another shell said pause
        self.cut_at = float("-inf")
        self.growing_fast = True
        self.replies = self.told = 0  # in this round: all of them, and how many were "slow down"
        self.recent: deque[bool] = deque(maxlen=WINDOW)  # True: told to slow down
        self._requests = Bucket(limits.requests_per_minute, clock) if limits.requests_per_minute else None
        self._tokens = Bucket(limits.tokens_per_minute, clock) if limits.tokens_per_minute else None
        self.closed = asyncio.Event()
        self._retries: deque[asyncio.Future[None]] = deque()
        self._fresh: deque[asyncio.Future[None]] = deque()
        self._for_bytes: deque[asyncio.Future[None]] = deque()  # have a place, and wait for room on the wire

    # ---- slots

    async def slot(self, *, retry: bool = False) -> float:
        """Wait for a place on the wire; returns when it was given. A retry goes before a fresh job.

        Raises ClosedError when the run is stopping.
        """
        queue = self._retries if retry else self._fresh
        while not self.closed.is_set() and (not self._free() or (queue is self._fresh and self._retries)):
            await self._in_line(queue)
        if self.closed.is_set():
            raise ClosedError
        self.active += 1
        self._wake()  # whoever stood behind may have room beside this one
        try:
            if self._requests:
                await self._paced(self._requests.take(1))
        except BaseException:
            self.leave()
            raise
        return self.clock()

    async def rest(self, seconds: float) -> None:
        """Sleep between two tries; a run that stops wakes the sleeper."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self.closed.wait(), seconds)

    def close(self) -> None:
        """Let nobody else through. What is on the wire goes on."""
        self.closed.set()
        for queue in (self._retries, self._fresh, self._for_bytes):
            _wake_first(queue, len(queue))

    def hold(self, *, on: bool) -> None:
        """Pause and resume, as someone asked in another shell. What the endpoint asked for stands beside it."""
        self.held = on
        self._wake()

    async def _in_line(self, queue: deque[asyncio.Future[None]]) -> None:
        """Wait to be woken, or until a pause is over."""
        waiter = asyncio.get_running_loop().create_future()
        queue.append(waiter)
        pause = self.paused_until - self.clock()
        try:
            if pause > 0 and not self.held:
                await asyncio.wait([waiter], timeout=max(pause, 0.001))  # a clock may stop short of next to nothing
            else:
                await waiter
        finally:
            if waiter in queue:
                queue.remove(waiter)

    def _free(self) -> bool:
        return self.active < int(self.limit) and not self.held and self.clock() >= self.paused_until

    async def _paced(self, seconds: float) -> None:
        """Wait for a bucket; a run that stops or pauses meanwhile lets nobody onto the wire."""
        if seconds:
            await self.rest(seconds)
            while self.held and not self.closed.is_set():
                await self._in_line(self._for_bytes)
            if self.closed.is_set():
                raise ClosedError

    async def admit(self, size: int, tokens: float) -> None:
        """Wait until so many bytes may be in flight and so many tokens be asked for. One call is always let through.

        Raises ClosedError when the run is stopping; then nothing was admitted.
        """
        cap = self.limits.bytes_in_flight
        while cap and self.bytes and self.bytes + size > cap:
            await self._in_line(self._for_bytes)
            if self.closed.is_set():
                raise ClosedError
        self.bytes += size
        try:
            if self._tokens:
                await self._paced(self._tokens.take(tokens))
        except BaseException:
            self.bytes -= size
            raise

    def leave(self, size: int = 0) -> None:
        """The call is over, however it went."""
        self.active -= 1
        self.bytes -= size
        self._wake()

    def _wake(self) -> None:
        _wake_first(self._for_bytes, len(self._for_bytes))  # they have their places: each looks whether it fits now
        room = int(self.limit) - self.active
        if room > 0:
            _wake_first(self._fresh, room - _wake_first(self._retries, room))

    # ---- what the endpoint said

    def went_well(self, tokens: float = 0.0, estimated: float = 0.0) -> None:
        self.recent.append(False)
        if self._tokens:
            self._tokens.give_back(estimated - tokens)
        self.replies += 1
        if self.limit < self.limits.concurrency:
            self._grow()
        if self.told and self.replies >= self.round:
            self._cut(None)

    def slow_down(self, began_at: float, retry_after_seconds: float | None) -> None:
        """Shrink, once a round: calls that left before the last cut say nothing new about what stands now."""
        self.recent.append(True)
        if began_at > self.cut_at:
            self.replies += 1
            self.told += 1
            if self.growing_fast or self.replies >= self.round:
                self._cut(retry_after_seconds)
        if retry_after_seconds and sum(self.recent) >= CROWDED:
            now = self.clock()
            self.paused_until = max(self.paused_until, now + min(retry_after_seconds, LONGEST_PAUSE_SECONDS))
            self.recent.clear()  # the next pause takes new evidence
            fields = {"endpoint": self.endpoint, "seconds": round(self.paused_until - now, 3)}
            self.log("waits", fields | {"why": "most replies said: slow down"})

    def rests(self, seconds: float) -> None:
        """An answer came with the word that nothing is left for so long: nobody need be turned away to learn it."""
        until = self.clock() + min(seconds, LONGEST_PAUSE_SECONDS)
        if until > self.paused_until:
            self.paused_until = until
            fields = {"endpoint": self.endpoint, "seconds": round(seconds, 3), "why": "its allowance is used up"}
            self.log("waits", fields)

    @property
    def round(self) -> float:
        return max(self.limit, WINDOW)

    def _grow(self) -> None:
        if not self.growing_fast and self.active < int(self.limit):
            return
        before = int(self.limit)
        self.limit = min(self.limit + (GROWTH if self.growing_fast else GROWTH / self.round), self.limits.concurrency)
        # Growth is logged where it matters to a reader: at each doubling, and when the cap is reached.
        after = int(self.limit)
        if after > before and (after.bit_length() > before.bit_length() or after == self.limits.concurrency):
            self.log("limit", {"endpoint": self.endpoint, "from": before, "to": after, "why": "answers come"})

    def _cut(self, retry_after_seconds: float | None) -> None:
        share = 1.0 if self.growing_fast else self.told / self.replies
        before = int(self.limit)
        self.limit = max(1.0, self.limit * (1 - share / 2))
        self.cut_at, self.growing_fast = self.clock(), False
        self.replies = self.told = 0
        if int(self.limit) < before:
            fields = {"endpoint": self.endpoint, "from": before, "to": int(self.limit), "why": "rate limited"}
            self.log("limit", fields | {"share": round(share, 2), "retry_after_seconds": retry_after_seconds})


def _wake_first(queue: deque[asyncio.Future[None]], count: int) -> int:
    """Wake so many at most; returns how many there were."""
    woken = 0
    while queue and woken < count:
        waiter = queue.popleft()
        if not waiter.done():
            waiter.set_result(None)
            woken += 1
    return woken
