"""How many calls an endpoint gets at once: it starts small, grows while answers come, halves when told to slow down.

`active` calls are on the wire, at most `limit`, which moves. (Jobs begun and not yet stored are bounded too, by
`limits.concurrency`, in `run.py`: so a crash never loses more than that many answers, and tasks are as many as slots.)
"""

import asyncio
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from buttermilk.core.flows import Limits

Clock = Callable[[], float]
Log = Callable[[str, Mapping[str, Any]], None]

GROWTH = 2  # slots won per answer before the first halving: the limit trebles in the time of one answer
WINDOW = 8  # of the last so many replies …
CROWDED = 4  # … so many were "slow down": then everyone waits as long as the endpoint said
LONGEST_PAUSE_SECONDS = 300.0


class ClosedError(Exception):
    """No call is let through any more: the run is stopping."""


class Bucket:
    """At most `per_minute` units a minute, with room for five seconds' worth at once."""

    def __init__(self, per_minute: float, clock: Clock) -> None:
        self.rate = per_minute / 60
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
        self.halved_at = float("-inf")
        self.growing_fast = True
        self.recent: deque[bool] = deque(maxlen=WINDOW)  # True: told to slow down
        self._requests = Bucket(limits.requests_per_minute, clock) if limits.requests_per_minute else None
        self._tokens = Bucket(limits.tokens_per_minute, clock) if limits.tokens_per_minute else None
        self.closed = asyncio.Event()
        self._retries: deque[asyncio.Future[None]] = deque()
        self._fresh: deque[asyncio.Future[None]] = deque()

    # ---- slots

    async def slot(self, *, retry: bool = False) -> float:
        """Wait for a place on the wire; returns when it was given. A retry goes before a fresh job.

        Raises ClosedError when the run is stopping.
        """
        queue = self._retries if retry else self._fresh
        while not self.closed.is_set() and (not self._free() or (queue is self._fresh and self._retries)):
            waiter = asyncio.get_running_loop().create_future()
            queue.append(waiter)
            try:
                await self._waited(waiter)
            finally:
                if waiter in queue:
                    queue.remove(waiter)
        if self.closed.is_set():
            raise ClosedError
        self.active += 1
        if self._requests and (seconds := self._requests.take(1)):
            await asyncio.sleep(seconds)
        return self.clock()

    async def rest(self, seconds: float) -> None:
        """Sleep between two tries; a run that stops wakes the sleeper."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self.closed.wait(), seconds)

    def close(self) -> None:
        """Let nobody else through. What is on the wire goes on."""
        self.closed.set()
        for waiter in (*self._retries, *self._fresh):
            if not waiter.done():
                waiter.set_result(None)

    def hold(self, *, on: bool) -> None:
        """Pause and resume, as someone asked in another shell."""
        self.paused_until = float("inf") if on else 0.0
        self._wake()

    async def _waited(self, waiter: asyncio.Future[None]) -> None:
        pause = self.paused_until - self.clock()
        if pause <= 0:
            await waiter
            return
        await asyncio.wait([waiter], timeout=min(pause, 3600.0))

    def _free(self) -> bool:
        return self.active < int(self.limit) and self.clock() >= self.paused_until

    async def admit(self, size: int, tokens: float) -> None:
        """Wait until so many bytes may be in flight and so many tokens be asked for. One call is always let through."""
        cap = self.limits.bytes_in_flight
        while cap and self.bytes and self.bytes + size > cap:
            waiter = asyncio.get_running_loop().create_future()
            self._retries.append(waiter)
            await waiter
        self.bytes += size
        if self._tokens and (seconds := self._tokens.take(tokens)):
            await asyncio.sleep(seconds)

    def leave(self, size: int = 0) -> None:
        """The call is over, however it went."""
        self.active -= 1
        self.bytes -= size
        self._wake()

    def _wake(self) -> None:
        room = int(self.limit) - self.active
        for queue in (self._retries, self._fresh):
            while queue and room > 0:
                waiter = queue.popleft()
                if not waiter.done():
                    waiter.set_result(None)
                    room -= 1

    # ---- what the endpoint said

    def went_well(self, tokens: float = 0.0, estimated: float = 0.0) -> None:
        self.recent.append(False)
        if self._tokens:
            self._tokens.give_back(estimated - tokens)
        if self.limit >= self.limits.concurrency:
            return
        before = int(self.limit)
        self.limit = min(self.limit + (GROWTH if self.growing_fast else 1 / self.limit), self.limits.concurrency)
        # Growth is logged where it matters to a reader: at each doubling, and when the cap is reached.
        after = int(self.limit)
        if after > before and (after.bit_length() > before.bit_length() or after == self.limits.concurrency):
            self.log("limit", {"endpoint": self.endpoint, "from": before, "to": after, "why": "answers come"})

    def slow_down(self, began_at: float, retry_after_seconds: float | None) -> None:
        """Halve, once per round trip: calls that left before the last halving say nothing new."""
        self.recent.append(True)
        self.growing_fast = False
        now = self.clock()
        if began_at > self.halved_at:
            before = int(self.limit)
            self.limit = max(1.0, self.limit / 2)
            self.halved_at = now
            fields = {"endpoint": self.endpoint, "from": before, "to": int(self.limit), "why": "rate limited"}
            self.log("limit", fields | {"retry_after_seconds": retry_after_seconds})
        if retry_after_seconds and sum(self.recent) >= CROWDED:
            self.paused_until = max(self.paused_until, now + min(retry_after_seconds, LONGEST_PAUSE_SECONDS))
