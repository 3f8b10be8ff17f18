"""`python -m buttermilk.testing --port 8099 --latency 200`: a mock until Ctrl-C. Its first line is its base URL."""

import argparse
import asyncio
import contextlib
import json
import os
import threading
from collections.abc import Callable, Sequence
from dataclasses import fields
from typing import Any

from buttermilk.testing.provider import KEPT_REQUESTS, Running, serve
from buttermilk.testing.settings import Settings
from buttermilk.testing.wire import FAST, PLAIN

READERS: dict[Any, Callable[[str], Any]] = {float: float, int: int, int | None: int, str | None: str}


def parser() -> argparse.ArgumentParser:
    """One option a setting, so that a new setting has its option too."""
    out = argparse.ArgumentParser("python -m buttermilk.testing", description="A mock LLM provider on 127.0.0.1.")
    out.add_argument("--port", type=int, default=8099, help="0 takes any free one (8099)")
    out.add_argument(
        "--keep", type=int, default=KEPT_REQUESTS, help=f"requests to keep for GET /requests ({KEPT_REQUESTS})"
    )
    out.add_argument("--plain", action="store_true", help="do without orjson and uvloop")
    out.add_argument("--with-stdin", action="store_true", help="end when standard input ends")
    out.add_argument(
        "--settings", type=json.loads, default={}, help="settings as JSON; they go before the options below"
    )
    for one in fields(Settings):
        option, text = "--" + one.name.removesuffix("_ms").replace("_", "-"), one.metadata["help"]
        if one.type is bool:
            out.add_argument(option, dest=one.name, action="store_true", help=text)
        else:
            text = text if one.default is None else f"{text} ({one.default:g})"
            out.add_argument(option, dest=one.name, type=READERS[one.type], default=one.default, help=text)
    return out


def _stop_with_stdin(stop: Callable[[], object]) -> None:
    while os.read(0, 4096):
        pass
    with contextlib.suppress(RuntimeError):  # it has stopped by itself
        stop()


def main(arguments: Sequence[str] | None = None) -> None:
    """Serve until interrupted."""
    options = parser()
    given = options.parse_args(arguments)
    try:
        settings = Settings(**({name: getattr(given, name) for name in Settings.names()} | given.settings))
    except (ValueError, TypeError) as error:
        options.error(str(error))

    def started(running: Running) -> None:
        print(f"{running.root}/v1", flush=True)
        if given.with_stdin:
            threading.Thread(target=_stop_with_stdin, args=(running.stop,), daemon=True).start()

    tools = PLAIN if given.plain else FAST
    with contextlib.suppress(KeyboardInterrupt), asyncio.Runner(loop_factory=tools.new_loop) as runner:
        runner.run(serve(settings, tools, given.port, given.keep, started))


if __name__ == "__main__":
    main()
