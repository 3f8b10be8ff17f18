"""HTTP/1.1 as far as LLM clients use it: read requests out of bytes, write replies.

A request may come in any number of segments, with a Content-Length or in chunks. Requests on one connection come one
after another (pipelining is left out: no LLM client does it).

The standard library is enough. Where orjson and uvloop are installed they are used, as they halve the cost of a
request: a mock that is slower than the program under test would measure itself.
"""

import asyncio
import importlib
import json
import os
import re
import socket
import struct
from collections.abc import Callable
from http import HTTPStatus
from typing import Any, NamedTuple

HEAD_LIMIT = 1 << 16
CONTENT_LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*(\d+)")
CHUNKED = re.compile(rb"\r\ntransfer-encoding:[ \t]*chunked")
STATUS_LINES = {one.value: f"{one.value} {one.phrase}" for one in HTTPStatus}
LINGER_ZERO = struct.pack("hh" if os.name == "nt" else "ii", 1, 0)


class Request(NamedTuple):
    """One request as it came; `head` is all that precedes the body, as read by `headers_of` when anyone asks."""

    method: str
    target: str
    head: bytes
    body: bytes


class MalformedError(ValueError):
    """Bytes that are not an HTTP/1.1 request."""


class RequestReader:
    """Takes bytes as they come, gives the requests that are complete with them.

    It looks at no header but the two that say where the body ends, which makes it cheaper than a C parser that calls
    back into Python for each header.
    """

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._head: tuple[str, str, bytes] | None = None
        self._size: int | None = None  # of the body; None while it comes in chunks
        self._chunks: list[bytes] = []

    def feed(self, data: bytes) -> list[Request]:
        """The requests that end in `data`: mostly none or one."""
        self._buffer += data
        requests: list[Request] = []
        while self._buffer and (request := self._next()) is not None:
            requests.append(request)
        return requests

    def _next(self) -> Request | None:
        if self._head is None:
            self._head = self._read_head()
            if self._head is None:
                return None
        body = self._chunked_body() if self._size is None else self._sized_body(self._size)
        if body is None:
            return None
        method, target, head = self._head
        self._head = None
        return Request(method, target, head, body)

    def _read_head(self) -> tuple[str, str, bytes] | None:
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            if len(self._buffer) > HEAD_LIMIT:
                raise MalformedError("no end of the headers")
            return None
        head = bytes(self._buffer[:end])
        del self._buffer[: end + 4]
        words = head.partition(b"\r\n")[0].decode("latin-1").split(" ")
        if len(words) != 3:
            raise MalformedError(f"not a request line: {head[:80]!r}")
        lowered = head.lower()
        length = CONTENT_LENGTH.search(lowered)
        self._size = int(length[1]) if length else None if CHUNKED.search(lowered) else 0
        return words[0], words[1], head

    def _sized_body(self, size: int) -> bytes | None:
        if len(self._buffer) < size:
            return None
        body = bytes(self._buffer[:size])
        del self._buffer[:size]
        return body

    def _chunked_body(self) -> bytes | None:
        while (line_end := self._buffer.find(b"\r\n")) >= 0:
            size = int(bytes(self._buffer[:line_end]).partition(b";")[0], 16)
            if size < 0:
                raise MalformedError("a chunk of less than nothing")
            end = line_end + 2 + size
            if len(self._buffer) < end + 2:
                return None
            chunk = bytes(self._buffer[line_end + 2 : end])
            del self._buffer[: end + 2]  # trailers are left out: no client sends any
            if not size:
                body, self._chunks = b"".join(self._chunks), []
                return body
            self._chunks.append(chunk)
        return None


def headers_of(head: bytes) -> dict[str, str]:
    """Headers by name in lower case: `{"content-type": "application/json"}`."""
    pairs = (line.partition(":") for line in head.decode("latin-1").split("\r\n")[1:])
    return {name.lower(): value.strip() for name, _, value in pairs}


def optional(name: str) -> Any:
    """A module that makes things faster, or None."""
    try:
        return importlib.import_module(name)
    except ImportError:
        return None


orjson, uvloop = optional("orjson"), optional("uvloop")


class Tools(NamedTuple):
    """What a mock works with; handed in, so that both sets can be tested where both exist."""

    loads: Callable[[bytes], Any]
    dumps: Callable[[Any], bytes]
    new_loop: Callable[[], asyncio.AbstractEventLoop]


def _plain_dumps(value: Any) -> bytes:
    """As orjson writes it, so that a reply is the same with and without."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


PLAIN = Tools(json.loads, _plain_dumps, asyncio.new_event_loop)
FAST = Tools(
    orjson.loads if orjson else json.loads,
    orjson.dumps if orjson else _plain_dumps,
    uvloop.new_event_loop if uvloop else asyncio.new_event_loop,
)


def response(status: int, body: bytes, *headers: tuple[str, str], kind: str = "application/json") -> bytes:
    """The bytes of a reply."""
    extra = "".join([f"{name}: {value}\r\n" for name, value in headers]) if headers else ""
    head = f"HTTP/1.1 {STATUS_LINES[status]}\r\nContent-Type: {kind}\r\n{extra}Content-Length: {len(body)}\r\n\r\n"
    return head.encode("latin-1") + body


class Connection(asyncio.Protocol):
    """One keep-alive connection. `receive` gets each request, and the connection to answer on."""

    def __init__(self, receive: Callable[[Request, "Connection"], None], alive: "set[Connection]") -> None:
        self._reader, self._receive, self._alive = RequestReader(), receive, alive
        self._transport: asyncio.Transport | None = None
        self.counted_by: object = None  # the tally in which this connection is counted

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]
        self._alive.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._alive.discard(self)

    def data_received(self, data: bytes) -> None:
        try:
            requests = self._reader.feed(data)
        except ValueError as error:
            self.send(response(400, str(error).encode(), ("Connection", "close"), kind="text/plain"))
            if self._transport:
                self._transport.close()
            return
        for request in requests:
            self._receive(request, self)

    def send(self, data: bytes) -> bool:
        """Whether there was anyone left to send it to."""
        if self._transport is None or self._transport.is_closing():
            return False
        self._transport.write(data)
        return True

    def reset(self) -> None:
        """Break off as a crashed server does: the client sees ECONNRESET, not an orderly end."""
        if self._transport is None or self._transport.is_closing():
            return
        self._transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_ZERO)
        self._transport.abort()

    def close(self) -> None:
        """End it now, whatever is under way."""
        if self._transport is not None:
            self._transport.abort()
