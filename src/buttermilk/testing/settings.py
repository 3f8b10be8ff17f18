"""What a mock provider is told to do, and what follows from it for one request.

Nothing here knows the time, the network or the order of arrival: what befalls a request is a function of the seed, of
the request's body and of how often that body came before, so a test run has the same faults under any concurrency.
"""

import hashlib
from dataclasses import dataclass, field, fields
from functools import cached_property
from typing import Any, NamedTuple

FAULTS = {
    "429": "p429",
    "500": "p500",
    "reset": "preset",
    "bad": "pbad",
    "garbage": "pgarbage",
    "refusal": "prefuse",
    "length": "plength",
}
"""Each kind of fault, as `/stats` counts it, and the setting that says how many percent of the requests it strikes."""


class Fate(NamedTuple):
    """What befalls one request: `Fate(None, 0.2)` is answered after 200 ms."""

    fault: str | None
    delay_seconds: float


def _setting(default: Any, text: str) -> Any:
    return field(default=default, metadata={"help": text})


@dataclass(frozen=True)
class Settings:
    """How the mock behaves. All of it can be changed while it runs: `mock.configure(latency_ms=5)`."""

    latency_ms: float = _setting(0.0, "milliseconds before each reply")
    jitter_ms: float = _setting(0.0, "plus or minus this many milliseconds, uniform")
    p429: float = _setting(0.0, "percent answered 429 with Retry-After, at once")
    retry_after: float = _setting(1.0, "seconds, in each 429")
    p500: float = _setting(0.0, "percent answered 500")
    preset: float = _setting(0.0, "percent whose connection is reset without a reply")
    pbad: float = _setting(0.0, "percent answered 200 with cut-off JSON in the message")
    pgarbage: float = _setting(0.0, "percent answered 200 with a body that is not JSON")
    prefuse: float = _setting(0.0, "percent answered with a refusal")
    plength: float = _setting(0.0, "percent answered with cut text and finish_reason 'length'")
    rps: float = _setting(0.0, "answer 429 above this many requests a second (0: no limit)")
    seed: int = _setting(1, "of the faults and the jitter")
    faults_once: bool = _setting(False, "a fault strikes a body only when it first comes; its retries are answered")
    prompt_tokens: int | None = _setting(None, "fixed usage, so that a cost can be known beforehand")
    completion_tokens: int | None = _setting(None, "fixed usage, as above")
    model_returned: str | None = _setting(None, "the model named in replies (default: the one asked for)")
    says: str | None = _setting(None, "what is answered where no schema asks for anything else")
    batch_looks: int = _setting(0, "how often a batch, or a file, is looked at before it is ready")
    batch_page: int = _setting(0, "most batches on a page of their list (0: as many as are asked for)")
    pexpired: float = _setting(0.0, "percent of a batch's questions that expire")
    system_fingerprint: str | None = _setting(None, "put in replies if given")
    character: int = _setting(0, "whose habits: with another number, other answers to the same questions")
    pwaver: float = _setting(0.0, "percent of the answers that are drawn anew when the same body comes again")

    def __post_init__(self) -> None:
        for name in (
            "latency_ms",
            "jitter_ms",
            "retry_after",
            "rps",
            "batch_looks",
            "batch_page",
            "pexpired",
            "pwaver",
            *FAULTS.values(),
        ):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
                raise ValueError(f"{name} must be a number, zero or more, not {value!r}")
        if not isinstance(self.seed, int) or abs(self.seed) >= 2**64:
            raise ValueError(f"seed must be an integer of at most 64 bits, not {self.seed!r}")
        total = sum(getattr(self, name) for name in FAULTS.values())
        if total > 100:
            raise ValueError(f"{' + '.join(FAULTS.values())} is {total:g} percent: more than every request")

    @classmethod
    def names(cls) -> list[str]:
        """The names that `configure` takes."""
        return [one.name for one in fields(cls)]

    @cached_property
    def _bounds(self) -> tuple[tuple[float, str], ...]:
        """The faults in use, stacked: with p429=2 and p500=1, `((2.0, "429"), (3.0, "500"))`."""
        bounds, top = [], 0.0
        for kind, name in FAULTS.items():
            if share := getattr(self, name):
                top += share
                bounds.append((top, kind))
        return tuple(bounds)

    def mood(self, body: bytes, times: int) -> bytes:
        """What beside the question decides an answer; nothing, for a mock that neither changes nor wavers."""
        character = b"%d" % self.character if self.character else b""
        if not self.pwaver:
            return character
        drawn = hashlib.blake2b(body, digest_size=8, key=b"waver %d:%d" % (self.seed, times)).digest()
        wavers = int.from_bytes(drawn, "big") / 2**64 * 100 < self.pwaver
        return character + (b":%d" % times if wavers else b"")

    def fate(self, body: bytes, times: int) -> Fate:
        """What befalls the request with this body when it comes for the `times`-th time (from 1)."""
        if not self._bounds and not self.jitter_ms:
            return Fate(None, self.latency_ms / 1000)
        drawn = hashlib.blake2b(body, digest_size=16, key=b"%d:%d" % (self.seed, times)).digest()
        percent, lean = (int.from_bytes(half, "big") / 2**64 for half in (drawn[:8], drawn[8:]))
        delay = self.latency_ms + self.jitter_ms * (2 * lean - 1)
        fault = None
        if times == 1 or not self.faults_once:
            fault = next((kind for bound, kind in self._bounds if percent * 100 < bound), None)
        return Fate(fault, 0.0 if fault == "429" else max(0.0, delay) / 1000)
