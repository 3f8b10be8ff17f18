"""Every error, sorted by who must act.

ButtermilkError
├── ConfigError            you: a key, a name, a flag (exit 2)
│   └── MissingExtra       you: install the extra that the message names
├── DataError              whoever keeps the data set: the message names the row (exit 2)
├── PromptError            whoever wrote the template: the message names file and variable (exit 2)
├── SecretError            whoever keeps the keys: the message names the store and the name (exit 2)
│   └── NoSuchSecret       ... which this store does not have: the next one may
├── StoreError             whoever keeps the disk or the database (exit 2)
└── ProviderError          the model's or the tool's side
    ├── Transient          asked again by the engine
    │   ├── RateLimited    ... after `retry_after_seconds`, and with fewer calls in flight
    │   ├── TimedOut
    │   └── Unavailable
    └── Permanent          asking again would not help

A message says what is wrong, where, and what to do. A refusal is data and a failed call is a Result: neither is an
exception outside `engine/attempt.py`. Anything else that is raised is a bug.
"""

from collections.abc import Iterable
from difflib import get_close_matches
from typing import Any


class ButtermilkError(Exception):
    """The root. `where` is a file, line or row; `hint` is what to do about it."""

    def __init__(self, message: str, *, where: str = "", hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.where = where
        self.hint = hint

    def __str__(self) -> str:
        head = f"{self.where}: {self.message}" if self.where else self.message
        return f"{head}\n  {self.hint}" if self.hint else head


class ConfigError(ButtermilkError):
    """The study's configuration, or the command, says something that cannot be done."""


class MissingExtra(ConfigError):
    """An optional library is not installed; the message is the command that mends it."""

    def __init__(self, what: str, extra: str) -> None:
        super().__init__(f"{what} needs an optional library.", hint=f"Type: pip install 'buttermilk[{extra}]'")


class DataError(ButtermilkError):
    """The data set cannot be read as it stands; nothing was invented or dropped in its place."""


class PromptError(ButtermilkError):
    """A template is wrong, or asks for something its step does not give."""


class SecretError(ButtermilkError):
    """A secret is missing or may not be read."""


class NoSuchSecret(SecretError):
    """The store was asked and has no secret of this name, or there is no such store on this machine."""


class StoreError(ButtermilkError):
    """Answers cannot be kept or found."""


class ProviderError(ButtermilkError):
    """What a model or a tool answered instead of an answer. `kind` is one word for tables: `rate_limited`, `http_500`.

    `raw` is the reply as it came, kept on the Result; `sent` says whether the request may have reached the provider.
    """

    kind = "provider"

    def __init__(self, message: str, *, kind: str = "", raw: str = "", http_status: int = 0) -> None:
        super().__init__(message)
        self.kind = kind or self.kind
        self.raw = raw
        self.http_status = http_status


class Transient(ProviderError):
    """May work when asked again."""

    kind = "transient"

    def __init__(self, message: str, *, retry_after_seconds: float | None = None, **more: Any) -> None:
        super().__init__(message, **more)
        self.retry_after_seconds = retry_after_seconds


class RateLimited(Transient):
    """Too many requests, or overloaded (429, 529): the limiter halves, and waits as long as it was told."""

    kind = "rate_limited"


class TimedOut(Transient):
    """No reply in time."""

    kind = "timed_out"


class Unavailable(Transient):
    """Not reachable, reset, or broken on its side (5xx)."""

    kind = "unavailable"


class Permanent(ProviderError):
    """Asking again would get the same: a bad key, an unknown model, a request the provider cannot read."""

    kind = "permanent"


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """`Did you mean 'judge'? There are: judge, synthesis.`: the hint for a mistyped name."""
    names = sorted(str(item) for item in known)
    near = get_close_matches(name, names, n=1, cutoff=0.6)
    listing = f"There are: {', '.join(names)}." if names else "There are none yet."
    return f"Did you mean '{near[0]}'? {listing}" if near else listing
