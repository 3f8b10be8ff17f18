"""What the mock remembers: counters, the last requests, and how much of the rate limit is left."""

import json
import sys
import time
from collections import deque
from typing import Any

from buttermilk.testing.settings import FAULTS
from buttermilk.testing.wire import Request, headers_of, optional

SECRET_HEADERS = ("authorization", "api-key", "x-api-key", "x-goog-api-key")
KEPT_BYTES = 64 << 20

resource = optional("resource")  # not on Windows


class Tally:
    """What was counted since the last reset. A request keeps the tally it came under: a late reply spoils no other."""

    def __init__(self) -> None:
        self.requests = self.answered = self.in_flight = self.max_in_flight = self.connections = self.bytes_in = 0
        self.faults = dict.fromkeys((*FAULTS, "limited"), 0)
        self._seen: dict[int, int] = {}  # by the body's hash: it is cheap, and nothing but the counts depends on it
        self._turned_away: dict[int, int] = {}
        self._first_at = self._last_at = 0.0
        self._cpu_at_start = time.thread_time()

    def came(self, body: bytes) -> None:
        """Count a request in."""
        self.requests += 1
        self.bytes_in += len(body)
        key = hash(body)
        self._seen[key] = self._seen.get(key, 0) + 1
        self.in_flight += 1
        if self.in_flight > self.max_in_flight:
            self.max_in_flight = self.in_flight
        self._last_at = time.monotonic()
        self._first_at = self._first_at or self._last_at

    def turned_away(self, body: bytes) -> None:
        """The rate limit did not admit it. Which ones it strikes is chance, so they must not move the other faults."""
        self._turned_away[hash(body)] = self._turned_away.get(hash(body), 0) + 1

    def times_admitted(self, body: bytes) -> int:
        """How often this body got past the rate limit."""
        return self._seen.get(hash(body), 0) - self._turned_away.get(hash(body), 0)

    def went(self, *, answered: bool) -> None:
        """Count it out."""
        self.in_flight -= 1
        self.answered += answered
        self._last_at = time.monotonic()

    def as_json(self) -> dict[str, Any]:
        """What /stats says, less the settings. To be called in the mock's own thread, whose CPU time it tells."""
        return {
            "requests": self.requests,
            "distinct": len(self._seen),
            "asked_most": max(self._seen.values(), default=0),
            "asked_twice": sum(times > 1 for times in self._seen.values()),
            "answered": self.answered,
            "in_flight": self.in_flight,
            "max_in_flight": self.max_in_flight,
            "connections": self.connections,
            "bytes_in": self.bytes_in,
            "faults": self.faults,
            "span_s": round(self._last_at - self._first_at, 4),
            "cpu_s": round(time.thread_time() - self._cpu_at_start, 4),
            "rss_mb": peak_rss_mb(),
        }


def peak_rss_mb() -> int | None:
    """Of this process; None where the system does not tell."""
    if resource is None:
        return None
    peak: int = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak >> (20 if sys.platform == "darwin" else 10)  # macOS counts bytes, the others kilobytes


class RateLimit:
    """A token bucket: it holds one second's worth, and each request takes one token."""

    def __init__(self, rps: float) -> None:
        self._rps, self._room = rps, max(1.0, rps)
        self._tokens, self._at = self._room, time.monotonic()

    def admits(self) -> bool:
        """Whether there is a token for one request now; if so, it is taken."""
        if not self._rps:
            return True
        now = time.monotonic()
        self._tokens = min(self._room, self._tokens + (now - self._at) * self._rps)
        self._at = now
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True


class LastRequests:
    """The last few requests, for tests of what goes over the wire. Bounded in number and in bytes."""

    def __init__(self, keep: int) -> None:
        self._kept: deque[Request] = deque()
        self._keep, self._bytes = keep, 0

    def add(self, request: Request) -> None:
        """Keep it, and let go of the oldest ones that are too many."""
        self._kept.append(request)
        self._bytes += len(request.body)
        while len(self._kept) > self._keep or (self._bytes > KEPT_BYTES and len(self._kept) > 1):
            self._bytes -= len(self._kept.popleft().body)

    def as_json(self, limit: int) -> list[dict[str, Any]]:
        """The last `limit` of them, oldest first."""
        return [
            {"method": one.method, "path": one.target, "headers": _shown(one.head), "body": _readable(one.body)}
            for one in (list(self._kept)[-limit:] if limit > 0 else [])
        ]


def _shown(head: bytes) -> dict[str, str]:
    """The headers, the secret ones down to their last four characters."""
    return {name: f"...{value[-4:]}" if name in SECRET_HEADERS else value for name, value in headers_of(head).items()}


def _readable(body: bytes) -> Any:
    """The body's JSON; its text where it is not JSON."""
    try:
        return json.loads(body)
    except ValueError:
        return body.decode("utf-8", "replace")
