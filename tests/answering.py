"""A server on this machine that answers as a test tells it: statuses, broken bodies, silence."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any, NamedTuple


class Asked(NamedTuple):
    """One request as it came."""

    head: str
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def headers(self) -> dict[str, str]:
        pairs = (line.partition(":") for line in self.head.split("\r\n")[1:])
        return {name.lower(): text.strip() for name, _, text in pairs}


Tell = Callable[[Asked], bytes | None]
"""The bytes of the reply; none: the connection is kept, and nothing is ever said."""


class Server(NamedTuple):
    url: str
    asked: list[Asked]


@asynccontextmanager
async def answering(tell: Tell) -> AsyncIterator[Server]:
    asked: list[Asked] = []
    talking: set[asyncio.Task[None]] = set()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        talking.add(task)
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").strip()
                length = int(Asked(head, b"").headers.get("content-length", 0))
                asked.append(Asked(head, await reader.readexactly(length)))
                reply = tell(asked[-1])
                if reply is None:
                    await asyncio.Event().wait()
                writer.write(reply or b"")
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            writer.close()
        finally:
            talking.discard(task)

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    try:
        yield Server(f"http://127.0.0.1:{port}/v1", asked)
    finally:
        server.close()
        for task in tuple(talking):
            task.cancel()
        await asyncio.sleep(0)


def http(body: Any, status: int = 200, **headers: str) -> bytes:
    """`http({"error": {"message": "no"}}, 401)`; text and bytes go as they are."""
    raw = body if isinstance(body, bytes) else body.encode() if isinstance(body, str) else json.dumps(body).encode()
    lines = [f"{name.replace('_', '-')}: {text}" for name, text in headers.items()]
    head = "\r\n".join([f"HTTP/1.1 {status} Something", f"Content-Length: {len(raw)}", *lines])
    return head.encode() + b"\r\n\r\n" + raw


def chat(text: str | None, *, finish: str | None = "stop", usage: Mapping[str, Any] | None = None, **more: Any) -> Any:
    """A chat completion that says `text`."""
    message = {"role": "assistant", "content": text, **more.pop("message", {})}
    return {
        "id": "chatcmpl-7",
        "object": "chat.completion",
        "model": "gpt-4o-mini-2024-07-18",
        "choices": [{"index": 0, "message": message, "finish_reason": finish}],
        "usage": {"prompt_tokens": 100, "completion_tokens": 20} if usage is None else usage,
        **more,
    }
