"""The view of a run: a picture that moves in a terminal, plain lines elsewhere, JSON lines for machines."""

import json
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import click
from rich.console import Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from buttermilk.engine.progress import LaneProgress, Progress
from buttermilk.study.running import Watch
from buttermilk.verbs.screen import below_quorum, last_line, money, out

SHADES = "·░▒▓█"  # of the jobs of a block of records: none, some, half, most, all
GRID_WIDTH = 60
PLAIN_EVERY_SECONDS = 5.0
NUMBERS = ("done", "asking", "limit", "retries", "refused", "failed", "tokens", "money")
MAYBE = ("retries", "refused", "failed", "tokens", "money")  # a column of nothings is left out
NOTHING = ("", "0")
IS_IT_THERE = "Is the server running, is the address right, is the key valid?"
GO_ON = "To go on, type the same command again."


def view_for(*, as_json: bool) -> AbstractContextManager[Watch]:
    """What is told of the run while it goes on; in JSON each state, as `status --json` has it."""
    if as_json:
        return nullcontext(lambda progress: click.echo(json.dumps(progress.as_json(), ensure_ascii=False)))
    return live_view() if out.is_terminal else nullcontext(plain_lines())


@contextmanager
def live_view() -> Iterator[Watch]:
    """Redrawn twice a second."""
    began = time.monotonic()
    with Live(console=out, auto_refresh=False, transient=True) as live:
        yield lambda progress: live.update(picture(progress, time.monotonic() - began), refresh=True)


def plain_lines() -> Watch:
    """A line every few seconds, for logs and pipes."""
    told = time.monotonic()

    def tell(progress: Progress) -> None:
        nonlocal told
        if time.monotonic() - told >= PLAIN_EVERY_SECONDS:
            told = time.monotonic()
            out.print(f"{progress.run_id}: {last_line(progress.as_json())} · {_money(progress)}", markup=False)

    return tell


def picture(progress: Progress, seconds: float) -> RenderableType:
    """One line per step and endpoint, the records as blocks, and the money."""
    rows = [_lane(lane, progress.currency) for lane in progress.lanes]
    shown = [name for name in NUMBERS if name not in MAYBE or any(row[name] not in NOTHING for row in rows)]
    table = Table(box=None, padding=(0, 2 if len(shown) < len(NUMBERS) - 1 else 1, 0, 0))
    table.add_column("step", no_wrap=True, overflow="ellipsis", max_width=16)
    table.add_column("endpoint", overflow="ellipsis")  # the one that shrinks where room is short
    for name in shown:
        table.add_column(name, justify="right", no_wrap=True)
    for lane, row in zip(progress.lanes, rows, strict=True):
        place = (lane.step, lane.endpoint.partition("://")[2] or lane.endpoint)
        table.add_row(*place, *(row[name] for name in shown), style="red" if lane.down else "")
    done = sum(progress.statuses.values())
    share = done / progress.planned if progress.planned else 1.0
    state = "" if progress.state == "running" else f"   [{progress.state}]"
    head = f"{progress.run_id}   {done:,} of {progress.planned:,} jobs ({share:.0%})   {seconds:,.0f} s{state}"
    return Group(
        Text(head, style="bold"),
        table,
        Text("\n".join(_grid(progress))),
        Text(_money(progress), style="dim"),
        Text("Ctrl-C: finish what is being asked, and stop. Twice: stop now.", style="dim"),
    )


def _lane(lane: LaneProgress, currency: str) -> dict[str, str]:
    return {
        "done": f"{lane.done + lane.skipped:,}/{lane.planned:,}",
        "asking": f"{lane.in_flight}",
        "limit": f"{lane.limit}",
        "retries": f"{lane.retries:,}",
        "refused": f"{lane.statuses['refused']:,}",
        "failed": f"{lane.statuses['failed']:,}",
        "tokens": short(lane.input_tokens + lane.output_tokens),
        "money": (money(lane.cost, currency) if lane.cost else "") + ("?" if lane.unpriced else ""),
    }


def short(count: int) -> str:
    """`915`, `45k`, `1.2M`: a picture need not be exact; the line beneath it is."""
    if count < 10_000:
        return f"{count:,}"
    return f"{count / 1e3:,.0f}k" if count < 1_000_000 else f"{count / 1e6:,.1f}M"


def _grid(progress: Progress) -> list[str]:
    """Each sign is a block of records, the fuller the more of its jobs are settled."""
    whole = progress.planned / max(len(progress.grid), 1)
    signs = [SHADES[min(4, int(4 * count / whole)) if whole else 4] for count in progress.grid]
    return ["".join(signs[start : start + GRID_WIDTH]) for start in range(0, len(signs), GRID_WIDTH)]


def _money(progress: Progress) -> str:
    """`42,450 tokens · spent 1.20 USD, about 4.80 USD in the end, budget 5.00 USD`; no money where none is spent."""
    said = f"{progress.tokens:,} tokens"
    if progress.money or progress.budget is not None:
        said += f" · spent {money(progress.money, progress.currency)}"
        if progress.projected and progress.remaining:
            said += f", about {money(progress.projected, progress.currency)} in the end"
    if progress.budget is not None:
        said += f", budget {money(progress.budget, progress.currency)}"
    unpriced = sum(lane.unpriced for lane in progress.lanes)
    return said + (f" · {unpriced:,} answers of unknown price" if unpriced else "")


def summary(found: dict[str, Any], *, why: bool = True) -> str:
    """The closing lines of a run and of `status`: `verse-2026-11-22 finished`, and the counts."""
    reason = found.get("why") or "" if why else ""
    said = reason if reason.startswith(found["state"]) else ": ".join(filter(None, (found["state"], reason)))
    unread = [f"{below_quorum(count, step)}\n" for step, count in found.get("below_quorum", {}).items()]
    return f"{found['run']} {said}\n{''.join(unread)}{last_line(found)}"
