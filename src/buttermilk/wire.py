"""What every HTTP dialect shares: one connection pool, statuses as our errors, Retry-After in all its forms."""

import asyncio
import errno
import math
import os
import re
from collections import deque
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import lru_cache, partial
from typing import Any

import aiohttp
from aiohttp.abc import AbstractStreamWriter
from pydantic_core import from_json
from yarl import URL

from buttermilk.core.errors import Permanent, RateLimited, SecretError, TimedOut, Unavailable
from buttermilk.core.flows import Limits

CONNECT_SECONDS = 10.0
SLOW_DOWN = (429, 529)  # 529: "overloaded", as Anthropic says it
SLICE = 65_536
LONG = 12  # characters: a shorter secret (`EMPTY`, `none`) is a stand-in, and an ordinary word
KEPT_HEADERS = (
    "request-id", "ratelimit", "retry-after", "processing-ms", "openai-version", "x-envoy", "goog-upload-url",
)  # fmt: skip


@dataclass(slots=True)
class _Waiting:
    """A call on the wire; `task` is None once it is over."""

    task: "asyncio.Task[Any] | None"
    cancelled_before: int
    until: float
    late: bool = False

    def is_late(self) -> bool:
        """Whether this cancellation is ours alone; somebody else's goes on its way."""
        return self.late and self.task is not None and self.task.uncancel() <= self.cancelled_before


class Patience:
    """A time limit on each of many calls. As all have the same, the first to begin is the first to be late, and one
    timer serves them all: a timer each, as aiohttp sets it, is a tenth of what a call costs."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._waiting: deque[_Waiting] = deque()
        self._timer: asyncio.TimerHandle | None = None

    def begin(self) -> _Waiting:
        loop, task = asyncio.get_running_loop(), asyncio.current_task()
        call = _Waiting(task, task.cancelling() if task else 0, loop.time() + self.seconds)
        self._forget_ended()
        self._waiting.append(call)
        if self._timer is None:
            self._timer = loop.call_at(call.until, self._look, loop)
        return call

    def close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _forget_ended(self) -> None:
        while self._waiting and self._waiting[0].task is None:
            self._waiting.popleft()

    def _look(self, loop: asyncio.AbstractEventLoop) -> None:
        self._forget_ended()
        while self._waiting and self._waiting[0].until <= loop.time():
            call = self._waiting.popleft()
            if call.task is not None:
                call.late = True
                call.task.cancel()
        self._timer = loop.call_at(self._waiting[0].until, self._look, loop) if self._waiting else None


class Streamed(aiohttp.Payload):
    """A body that is put together while it goes out: what is large in it is made for a moment, in its turn."""

    def __init__(self, pieces: Sequence[Callable[[], bytes]], size: int) -> None:
        super().__init__(pieces, content_type="application/json")
        self._size = size

    def decode(self, encoding: str = "utf-8", errors: str = "strict") -> str:
        return b"".join(piece() for piece in self._value).decode(encoding, errors)

    async def write(self, writer: AbstractStreamWriter) -> None:
        for piece in self._value:
            whole = memoryview(piece())
            for start in range(0, len(whole), SLICE):
                await writer.write(whole[start : start + SLICE])


class Wire:
    """Sends bytes and returns bytes. Opened at the first call, in the loop that calls; any number of calls at once."""

    def __init__(self, headers: Mapping[str, str], limits: Limits, secrets: Collection[str] = ()) -> None:
        for name, text in headers.items():
            if not text.isprintable():
                raise SecretError(
                    f"the text of the header '{name}' has a line break, or another sign that no header may have.",
                    hint="A key that was copied with the next line? Set it again.",
                )
        self._headers = dict(headers)
        self._secrets = [text.encode() for text in secrets if len(text) >= LONG]
        self._patience = Patience(limits.timeout_seconds)
        self._session: aiohttp.ClientSession | None = None

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            connector = aiohttp.TCPConnector(limit=0, ttl_dns_cache=300)
            timeout = aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_SECONDS)
            self._session = aiohttp.ClientSession(
                connector=connector, headers=self._headers, timeout=timeout, cookie_jar=aiohttp.DummyCookieJar()
            )
        return self._session

    def post(
        self, url: URL, body: bytes | Streamed, headers: Mapping[str, str] | None = None
    ) -> Awaitable[tuple[bytes, dict[str, str]]]:
        return self.ask("POST", url, body, headers)

    async def ask(
        self, method: str, url: URL, body: bytes | Streamed | None = None, headers: Mapping[str, str] | None = None
    ) -> tuple[bytes, dict[str, str]]:
        """The reply's body and the headers worth keeping. Raises the errors of `core.errors` for anything but a 200."""
        call = self._patience.begin()
        try:
            # A redirect would take the key elsewhere, and turns a POST into a GET.
            response = await self._open().request(method, url, data=body, headers=headers, allow_redirects=False)
            hide = partial(_veiled, secrets=(*self._secrets, *lent(headers)) if headers else self._secrets)
            # Read to its end, or broken off, a response gives its connection back by itself.
            status, raw = response.status, hide(await response.read())
            if status == 200:
                return raw, {name: _text(found, hide) for name, found in response.headers.items() if _kept(name)}
            said = {name.lower(): _text(found, hide) for name, found in response.headers.items()}
            del response, hide  # they know the key, and an error may be shown with all that was at hand
            raise _error(status, raw, said)
        except aiohttp.ClientConnectorError as error:
            raise Unavailable(f"{_place(url)} cannot be reached ({_reason(error)}).", kind="unreachable") from error
        except aiohttp.ConnectionTimeoutError as error:
            raise Unavailable(
                f"{_place(url)} cannot be reached (no sign within {CONNECT_SECONDS:g} s).", kind="unreachable"
            ) from error
        except asyncio.CancelledError as error:
            if call.is_late():
                raise TimedOut(f"{_place(url)} did not answer within {self._patience.seconds:g} s.") from error
            raise
        except aiohttp.InvalidURL as error:
            raise Permanent(f"'{_place(url)}' is not an address.", kind="bad_url") from error
        except (aiohttp.ClientError, ConnectionError, TimeoutError) as error:
            raise Unavailable(
                f"the connection to {_place(url)} broke ({type(error).__name__}).", kind="reset"
            ) from error
        finally:
            call.task = None

    async def close(self) -> None:
        self._patience.close()
        if self._session is not None:
            await self._session.close()
            await asyncio.sleep(0)  # lets the transports close before the loop does
            self._session = None


def _place(url: URL) -> str:
    """Without what is asked of it: there may be a record's words in a query."""
    return str(url.with_query(None))


def lent(headers: Mapping[str, str]) -> list[bytes]:
    """The tokens that a cloud lent for this call."""
    named = (text for name, text in headers.items() if "authorization" in name.lower() or "token" in name.lower())
    return [text.rpartition(" ")[2].encode() for text in named if len(text) >= LONG]


def _veiled(raw: bytes, secrets: Collection[bytes]) -> bytes:
    """Some servers repeat the key in their complaint: what is kept must not have it."""
    for secret in secrets:
        if secret in raw:
            raw = raw.replace(secret, b"[key]")
    return raw


def _text(header: str, hide: Callable[[bytes], bytes]) -> str:
    return hide(header.encode("utf-8", "surrogateescape")).decode("utf-8", "replace")


@lru_cache(maxsize=256)
def _kept(name: str) -> bool:
    low = name.lower()
    return any(part in low for part in KEPT_HEADERS)


def _reason(error: aiohttp.ClientConnectorError) -> str:
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return f"its certificate is not trusted: {error.certificate_error}"
    cause = error.os_error
    known = cause.errno in errno.errorcode  # then the system's words: asyncio's are "Connect call failed"
    return os.strerror(cause.errno) if known and cause.errno else str(cause.strerror or cause)


def _error(status: int, raw: bytes, headers: Mapping[str, str]) -> Permanent | RateLimited | Unavailable:
    text = raw.decode("utf-8", "replace")
    said = message_in(text)
    kind, wait = f"http_{status}", retry_after(headers)
    wait = retry_delay(text) if wait is None else wait
    if status == 429 and "insufficient_quota" in text:  # OpenAI's word for an empty account: waiting fills none
        return Permanent(f"the account has no credit left: {said}", kind="no_credit", raw=text, http_status=status)
    if status in SLOW_DOWN:
        return RateLimited(
            f"told to slow down ({status}): {said}", raw=text, http_status=status, retry_after_seconds=wait
        )
    if status >= 500 or status in (408, 409, 425):
        return Unavailable(f"{status}: {said}", kind=kind, raw=text, http_status=status, retry_after_seconds=wait)
    if 300 <= status < 400:
        place = headers.get("location", "an unknown place").encode("ascii", "replace").decode()
        said = f"the address has moved to {place}; write that as base_url"
    return Permanent(f"{status}: {said}", kind=kind, raw=text, http_status=status)


def message_in(text: str) -> str:
    """The vendor's own words, where its error is the JSON that most of them send; else the start of the text."""
    try:
        found: Any = from_json(text)
        said = found["error"]["message"] if isinstance(found["error"], dict) else found["error"]
        return str(said)[:300]
    except (ValueError, KeyError, TypeError):
        return text.strip()[:300] or "no explanation was sent"


def retry_after(headers: Mapping[str, str], now: datetime | None = None) -> float | None:
    """Seconds to wait: from `retry-after-ms`, or `retry-after` as seconds or as an HTTP date; None if it says nothing.

    Source: RFC 9110, section 10.2.3; the milliseconds are OpenAI's and Azure's.
    """
    if (millis := _number(headers.get("retry-after-ms"), 0.001)) is not None:
        return millis
    said = headers.get("retry-after")
    if (seconds := _number(said)) is not None or not said:
        return seconds
    try:
        date = parsedate_to_datetime(said)
    except (ValueError, OverflowError):
        return None
    if date.tzinfo is None:  # "-0000": no zone is known, and HTTP has no other than GMT
        date = date.replace(tzinfo=UTC)
    return max(0.0, (date - (now or datetime.now(UTC))).total_seconds())


def retry_delay(text: str) -> float | None:
    """Seconds to wait, as Google says it in the body of an error: `{"@type": "…/google.rpc.RetryInfo", "retryDelay":
    "17s"}` among its details. https://cloud.google.com/apis/design/errors#error_payloads
    """
    try:
        details: Any = from_json(text)["error"]["details"]
        return next((_number(one["retryDelay"].removesuffix("s")) for one in details if "retryDelay" in one), None)
    except (ValueError, KeyError, TypeError, AttributeError):
        return None


_ALLOWANCE = re.compile(r"(?:anthropic-ratelimit-.+-|x-ratelimit-)remaining(?:-.+)?", re.IGNORECASE)
_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)")
_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0}


def rest_after(headers: Mapping[str, str], now: datetime | None = None) -> float:
    """Seconds until an allowance that is used up begins anew; 0 where none is, or nothing is said of it.

    `x-ratelimit-remaining-tokens: 0` with `x-ratelimit-reset-tokens: 6m0s` (OpenAI, Azure, Groq, Together), or
    `anthropic-ratelimit-requests-remaining: 0` with a time in RFC 3339 under `-reset`. Sources:
    https://platform.openai.com/docs/guides/rate-limits, https://platform.claude.com/docs/en/api/rate-limits
    """
    waits = [0.0]
    for name, left in headers.items():
        if left.strip() == "0" and _ALLOWANCE.fullmatch(name):
            reset = name.lower().replace("remaining", "reset")
            said = next((text for other, text in headers.items() if other.lower() == reset), "")
            waits.append(_seconds(said, now or datetime.now(UTC)))
    return max(waits)


def _seconds(said: str, now: datetime) -> float:
    """`6m0s`, `20ms`, `12`, or a time."""
    if (number := _number(said)) is not None:
        return number
    if _DURATION.sub("", said) == "":
        return sum(float(number) * _UNITS[unit] for number, unit in _DURATION.findall(said))
    try:
        return max(0.0, (datetime.fromisoformat(said) - now).total_seconds())
    except (ValueError, TypeError):
        return 0.0


def _number(text: str | None, unit: float = 1.0) -> float | None:
    try:
        number = float(text or "") * unit
    except ValueError:
        return None
    return max(0.0, number) if math.isfinite(number) else None
