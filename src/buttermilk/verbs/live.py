"""The view of a run: a picture that moves in a terminal, plain lines elsewhere, JSON lines for machines."""

import json
import time
from typing import Any

import click
from rich.console import Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from buttermilk.engine.progress import LaneProgress, Progress
from buttermilk.verbs.screen import last_line, money, out

SHADES = "·░▒▓█"  # of the jobs of a block of records: none, some, half, most, all
GRID_WIDTH = 60
PLAIN_EVERY_SECONDS = 5.0


class LiveView:
    """Redrawn twice a second while the run goes on."""

    def __init__(self) -> None:
        self.live = Live(console=out, auto_refresh=False, transient=True)
        self.began = time.monotonic()

    def __enter__(self) -> "LiveView":
        self.live.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.live.stop()

    def __call__(self, progress: Progress) -> None:
        self.live.update(picture(progress, time.monotonic() - self.began), refresh=True)


class PlainView:
    """A line every few seconds, for logs and pipes."""

    def __init__(self) -> None:
        self.told = time.monotonic()

    def __enter__(self) -> "PlainView":
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def __call__(self, progress: Progress) -> None:
        if time.monotonic() - self.told >= PLAIN_EVERY_SECONDS:
            self.told = time.monotonic()
            out.print(f"{progress.run_id}: {last_line(progress.as_json())} · {_money(progress)}", markup=False)


class JsonView(PlainView):
    """One JSON object a line: each state of the run, as `status --json` has it."""

    def __call__(self, progress: Progress) -> None:
        click.echo(json.dumps(progress.as_json(), ensure_ascii=False))


def view_for(*, as_json: bool) -> LiveView | PlainView:
    if as_json:
        return JsonView()
    return LiveView() if out.is_terminal else PlainView()


def picture(progress: Progress, seconds: float) -> RenderableType:
    """One line per step and endpoint, the records as blocks, the money, and where the answers are."""
    table = Table(box=None, padding=(0, 2, 0, 0))
    for name in ("step", "endpoint"):
        table.add_column(name)
    for name in ("done", "in flight", "limit", "retries", "refused", "tokens", "money"):
        table.add_column(name, justify="right")
    for lane in progress.lanes:
        table.add_row(*_lane(lane, progress.currency), style="red" if lane.down else "")
    done = sum(progress.statuses.values())
    share = done / progress.planned if progress.planned else 1.0
    state = "" if progress.state == "running" else f"   [{progress.state}]"
    head = f"{progress.run_id}   {done:,} of {progress.planned:,} jobs ({share:.0%})   {seconds:,.0f} s{state}"
    return Group(
        Text(head, style="bold"),
        table,
        Text("\n".join(_grid(progress))),
        Text(f"{_money(progress)}   store: {progress.where}", style="dim"),
        Text(
            "Ctrl-C: finish what is in flight and stop. Twice: stop now. Typing the same command again goes on.", "dim"
        ),
    )


def _lane(lane: LaneProgress, currency: str) -> list[str]:
    return [
        lane.step,
        lane.endpoint,
        f"{lane.done + lane.skipped:,}/{lane.planned:,}",
        f"{lane.in_flight}",
        f"{lane.limit}",
        f"{lane.retries:,}",
        f"{lane.statuses['refused']:,}",
        f"{lane.input_tokens + lane.output_tokens:,}",
        money(lane.cost, currency) + (" + ?" if lane.unpriced else ""),
    ]


def _grid(progress: Progress) -> list[str]:
    """Each sign is a block of records, the fuller the more of its jobs are settled."""
    whole = progress.planned / max(len(progress.grid), 1)
    signs = [SHADES[min(4, int(4 * count / whole)) if whole else 4] for count in progress.grid]
    return ["".join(signs[start : start + GRID_WIDTH]) for start in range(0, len(signs), GRID_WIDTH)]


def _money(progress: Progress) -> str:
    unpriced = sum(lane.unpriced for lane in progress.lanes)
    said = f"{progress.tokens:,} tokens · spent {money(progress.money, progress.currency)}"
    if progress.projected is not None and progress.remaining:
        said += f", about {money(progress.projected, progress.currency)} in the end"
    if progress.budget is not None:
        said += f", budget {money(progress.budget, progress.currency)}"
    return said + (f" · {unpriced:,} answers of unknown price" if unpriced else "")


def summary(found: dict[str, Any]) -> str:
    """The closing lines of a run and of `status`."""
    why = f": {found['why']}" if found.get("why") else ""
    return f"{found['run']} {found['state']}{why}\n{last_line(found)}"
