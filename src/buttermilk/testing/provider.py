"""A mock LLM provider on this machine: it answers like one, fails like one, and counts what it was asked.

From a test, in a thread of its own (with `process=True`, in a process of its own):

    with MockProvider(latency_ms=50, p429=20, faults_once=True) as mock:
        ask(base_url=mock.url)                  # http://127.0.0.1:PORT/v1
        assert mock.stats()["answered"] == 100
        assert mock.requests()[-1]["body"]["model"] == "gpt-4o-mini"
        mock.configure(p429=0, latency_ms=0)    # from now on
        mock.reset()                            # the counters, and what was seen

From a shell, where the first line printed is the base URL (`--help` lists the settings):

    python -m buttermilk.testing --port 8099 --latency 200 --p429 2 --rps 500

The provider's paths: POST /v1/chat/completions, GET /v1/models. The mock's own: GET /stats, GET /requests?limit=N,
POST /config {"latency_ms": 50}, POST /stats/reset. It listens on 127.0.0.1 only.

Which fault strikes which request depends on (seed, body, how often that body came): see `settings.py`. What is answered
depends on the marker `[record:ID]`, or else on the body: see `replies.py`. Only `rps`, and when a batch was
made, depend on the clock.
"""

import asyncio
import contextlib
import http.client
import json
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from dataclasses import asdict, replace
from types import TracebackType
from typing import Any, NamedTuple, Self
from urllib.parse import parse_qs, urlsplit

from buttermilk.testing.batches import Counter
from buttermilk.testing.counts import LastRequests, RateLimit, Tally
from buttermilk.testing.dialects import dialect_at
from buttermilk.testing.replies import Ask, BadRequestError, seed_of
from buttermilk.testing.settings import Settings
from buttermilk.testing.wire import FAST, PLAIN, Connection, Request, Tools, response

MODELS = ("mock", "gpt-4o-mini")
KEPT_REQUESTS = 100
PATIENCE_SECONDS = 10.0  # for a start or a stop, before it counts as failed
GARBAGE = b"<html><body><h1>Everything is fine</h1></body></html>"
OWN_PATHS = ("/stats", "/stats/reset", "/config", "/requests")
ERROR_TYPES = {429: "rate_limit_error", 500: "server_error"}


class Provider:
    """Decides what is answered, and when. It is handed each request with the connection to answer on."""

    def __init__(self, settings: Settings, tools: Tools, keep: int = KEPT_REQUESTS) -> None:
        self._settings, self._tools, self._keep = settings, tools, keep
        self.connections: set[Connection] = set()
        self._counter = Counter(self._said)
        self.reset()

    def reset(self) -> None:
        """As if it had just been started, but for its settings."""
        self._tally, self._last, self._limit = Tally(), LastRequests(self._keep), RateLimit(self._settings.rps)

    def connection(self) -> Connection:
        """A protocol for the next client."""
        return Connection(self.receive, self.connections)

    def receive(self, request: Request, connection: Connection) -> None:
        """Answer it: at once if it is about the mock itself, else as a provider would."""
        path, _, query = request.target.partition("?")
        if path in OWN_PATHS:
            connection.send(self._own(request, path, query))
            return
        self._last.add(request)
        if (said := self._counter.serve(request.method, path, query, request.body, self._settings)) is not None:
            status, value, *headers = said
            raw = value if isinstance(value, bytes) else self._tools.dumps(value)
            connection.send(response(status, raw, *headers))
        elif request.method == "POST":
            self._ask(request.body, path, connection)
        elif path.endswith("/models"):
            models = [{"id": name, "object": "model", "created": 0, "owned_by": "mock"} for name in MODELS]
            connection.send(self._json(200, {"object": "list", "data": models}))
        else:
            connection.send(self._error(404, f"no such route: {request.method} {path}"))

    def _own(self, request: Request, path: str, query: str) -> bytes:
        match request.method, path:
            case "GET", "/stats":
                return self._json(200, {**self._tally.as_json(), "config": asdict(self._settings)})
            case "GET", "/requests":
                limit = parse_qs(query).get("limit", [str(self._keep)])[0]
                return self._json(200, self._last.as_json(int(limit) if limit.isdecimal() else 0))
            case "POST", "/stats/reset":
                self.reset()
                return self._json(200, {})
            case "POST", "/config":
                return self._configure(request.body)
            case _:
                return self._error(405, f"{path} is not asked with {request.method}")

    def _configure(self, body: bytes) -> bytes:
        try:
            self._settings = replace(self._settings, **self._tools.loads(body))
        except (ValueError, TypeError) as error:
            return self._error(400, f"{error}; the settings are {', '.join(Settings.names())}")
        self._limit = RateLimit(self._settings.rps)
        return self._json(200, asdict(self._settings))

    def _ask(self, body: bytes, path: str, connection: Connection) -> None:
        tally = self._tally
        tally.came(body)
        if connection.counted_by is not tally:
            connection.counted_by = tally
            tally.connections += 1
        if self._limit.admits():
            fault, delay_seconds = self._settings.fate(body, tally.times_admitted(body))
        else:
            tally.turned_away(body)
            fault, delay_seconds = "limited", 0.0
        if fault is None:
            status, reply = self._answer(body, path, None)
        else:
            tally.faults[fault] += 1
            status, reply = self._outcome(body, path, fault)
        if delay_seconds:
            loop = asyncio.get_running_loop()
            loop.call_later(delay_seconds, self._finish, tally, connection, status, reply)
        else:
            self._finish(tally, connection, status, reply)

    def _finish(self, tally: Tally, connection: Connection, status: int, reply: bytes) -> None:
        """The client may have left by now; then nothing was answered."""
        sent = bool(reply) and connection.send(reply)
        tally.went(answered=sent and status == 200)
        if not reply:
            connection.reset()

    def _outcome(self, body: bytes, path: str, fault: str) -> tuple[int, bytes]:
        """What a fault makes of it: the status and the bytes of the reply; no bytes for a reset."""
        match fault:
            case "429" | "limited":
                retry_after = f"{self._settings.retry_after:g}"
                return 429, self._error(429, "rate limit reached", ("Retry-After", retry_after))
            case "500":
                return 500, self._error(500, "the mock has been told to fail")
            case "reset":
                return 0, b""
            case "garbage":
                return 200, response(200, GARBAGE, kind="text/html")
            case _:
                return self._answer(body, path, fault)

    def _answer(self, body: bytes, path: str, fault: str | None) -> tuple[int, bytes]:
        status, value = self._said(body, path, fault)
        return status, self._json(status, value)

    def _said(self, body: bytes, path: str, fault: str | None = None) -> tuple[int, Any]:
        speak = dialect_at(path)
        if speak is None:
            return 404, _error(404, f"no such route: POST {path}")
        try:
            request = self._tools.loads(body)
            seed = seed_of(body, self._settings.mood(body, self._tally.times_admitted(body)))
            ask = Ask(request, len(body), seed, fault, self._settings, self._tools.dumps, path)
            return 200, speak(ask)
        except BadRequestError as error:
            return 400, _error(400, str(error))
        except (ValueError, KeyError, TypeError, AttributeError, IndexError) as error:  # JSON of any other shape
            return 400, _error(400, f"cannot make sense of the request: {error!r}")

    def _json(self, status: int, value: Any) -> bytes:
        return response(status, self._tools.dumps(value))

    def _error(self, status: int, message: str, *headers: tuple[str, str]) -> bytes:
        return response(status, self._tools.dumps(_error(status, message)), *headers)


def _error(status: int, message: str) -> dict[str, Any]:
    kind = ERROR_TYPES.get(status, "invalid_request_error")
    return {"error": {"message": message, "type": kind, "param": None, "code": None}}


class Running(NamedTuple):
    """A mock that is listening. `stop` may be called from any thread."""

    root: str
    stop: Callable[[], object]


async def serve(settings: Settings, tools: Tools, port: int, keep: int, started: Callable[[Running], None]) -> None:
    """Listen until told to stop; then no connection is left open."""
    loop, stopping = asyncio.get_running_loop(), asyncio.Event()
    provider = Provider(settings, tools, keep)
    server = await loop.create_server(provider.connection, "127.0.0.1", port, backlog=4096)
    host, bound = server.sockets[0].getsockname()[:2]
    started(Running(f"http://{host}:{bound}", lambda: loop.call_soon_threadsafe(stopping.set)))
    try:
        await stopping.wait()
    finally:
        server.close()
        for connection in tuple(provider.connections):
            connection.close()
        await server.wait_closed()


class MockProvider:
    """A mock to test against: `with MockProvider(latency_ms=50) as mock: ...`. On leaving, it has stopped.

    In a thread it starts in a millisecond; in a process (`process=True`) it takes no CPU time from the caller's, which
    is what measurements need. `plain=True` leaves orjson and uvloop aside even where they are installed.
    """

    def __init__(
        self,
        *,
        port: int = 0,
        process: bool = False,
        plain: bool = False,
        keep: int = KEPT_REQUESTS,
        **settings: Any,
    ) -> None:
        self._settings = Settings(**settings)
        self._port, self._process, self._plain, self._keep = port, process, plain, keep
        self._root = ""
        self._exits = contextlib.ExitStack()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()

    def start(self) -> None:
        """Listen. To start what is running already is an error."""
        if self._root:
            raise RuntimeError(f"this mock is already listening on {self._root}")
        self._root = self._exits.enter_context(self._in_process() if self._process else self._in_thread())

    def stop(self) -> None:
        """Stop, and wait until it has. To stop twice does no harm."""
        self._root = ""
        self._exits.close()

    @property
    def root(self) -> str:
        """The address without a path: `http://127.0.0.1:PORT`."""
        if not self._root:
            raise RuntimeError("this mock is not running: use it in a with statement")
        return self._root

    @property
    def url(self) -> str:
        """The base URL that an OpenAI client wants: `http://127.0.0.1:PORT/v1`."""
        return f"{self.root}/v1"

    def stats(self) -> dict[str, Any]:
        """What was counted since the start or the last reset."""
        stats: dict[str, Any] = self._call("GET", "/stats")
        return stats

    def requests(self, limit: int | None = None) -> list[dict[str, Any]]:
        """The last requests, oldest first: `{"method", "path", "headers", "body"}`, keys cut to four characters."""
        requests: list[dict[str, Any]] = self._call("GET", f"/requests?limit={self._keep if limit is None else limit}")
        return requests

    def reset(self) -> None:
        """Forget what was counted and seen; the settings stay."""
        self._call("POST", "/stats/reset")

    def configure(self, **settings: Any) -> None:
        """Change settings, for requests that come from now on."""
        self._call("POST", "/config", settings)

    def _call(self, method: str, path: str, body: Any = None) -> Any:
        connection = http.client.HTTPConnection(urlsplit(self.root).netloc, timeout=PATIENCE_SECONDS)
        try:
            connection.request(method, path, None if body is None else json.dumps(body))
            reply = connection.getresponse()
            value = json.loads(reply.read())
        finally:
            connection.close()
        if reply.status != 200:
            raise ValueError(value["error"]["message"])
        return value

    @contextlib.contextmanager
    def _in_thread(self) -> Iterator[str]:
        started: Future[Running] = Future()

        def run() -> None:
            tools = PLAIN if self._plain else FAST
            try:
                with asyncio.Runner(loop_factory=tools.new_loop) as runner:
                    runner.run(serve(self._settings, tools, self._port, self._keep, started.set_result))
            except (OSError, OverflowError) as error:  # the port is taken, or is none
                started.set_exception(error)

        thread = threading.Thread(target=run, name="mock-provider", daemon=True)
        thread.start()
        try:
            running = started.result(PATIENCE_SECONDS)
            try:
                yield running.root
            finally:
                running.stop()
        finally:
            thread.join(PATIENCE_SECONDS)

    @contextlib.contextmanager
    def _in_process(self) -> Iterator[str]:
        """The child ends when its standard input does, so it cannot outlive this process, however that ends."""
        command = [sys.executable, "-m", "buttermilk.testing", "--with-stdin"]
        command += ["--port", str(self._port), "--keep", str(self._keep), *(["--plain"] if self._plain else [])]
        command += ["--settings", json.dumps(asdict(self._settings))]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as child:  # noqa: S603
            try:
                url = child.stdout.readline().strip() if child.stdout else ""
                if not url:
                    raise RuntimeError("the mock's process did not start; what it said stands above")
                yield url.removesuffix("/v1")
            finally:
                if child.stdin:
                    child.stdin.close()
                try:
                    child.wait(PATIENCE_SECONDS)
                except subprocess.TimeoutExpired:
                    child.kill()
