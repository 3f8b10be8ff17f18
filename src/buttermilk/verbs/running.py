"""`plan` and `run`."""

import asyncio
import signal
import sys
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

import click
from rich.markup import escape
from rich.table import Table

from buttermilk.core.priors import PRIOR_ARMS
from buttermilk.core.waves import sub_wave
from buttermilk.engine.answerers import ANOTHER_MODEL
from buttermilk.engine.progress import Progress
from buttermilk.study.opening import rejects_file
from buttermilk.study.planning import PlanReport, Row, plan
from buttermilk.study.running import Running, Watch, loop_factory, prepare
from buttermilk.verbs.live import GO_ON, IS_IT_THERE, summary, view_for
from buttermilk.verbs.screen import (
    FAILED,
    INTERRUPTED,
    OVERRIDES,
    STOPPED,
    anchor_option,
    err,
    money,
    of_study,
    out,
    rows_left_out,
    say,
    tell,
    wave_option,
)

CTRL_C = "stopped by Ctrl-C"
CHOOSE = """  What was answered is stored, with the model that gave it. Choose, and type the command again with:
    --wave NAME               a new wave begins with the new model
    run.model_change=split    the new model's answers are a wave of their own, and never pooled with the others
    run.model_change=note     all are pooled, and the report says so
  Or ask a model by its full name, agent.NAME.model=…, where the provider still has it."""
ENDS = ("first_at", "last_at")
multirun_option = click.option(
    "-m", "--multirun", is_flag=True, help="Sweep: a list of values makes a run of them all."
)


@click.command("plan", epilog=OVERRIDES)
@click.argument("flow")
@click.argument("overrides", nargs=-1)
@wave_option
@anchor_option
@multirun_option
@of_study
def plan_(flow: str, overrides: tuple[str, ...], as_json: bool, **of: Any) -> None:
    """Show what `run FLOW` would ask, why, and what it would cost. Spends nothing."""
    tell(plan(flow, *overrides, **of), show_plan, as_json=as_json)


def show_plan(found: PlanReport) -> None:
    rejected = f", {rows_left_out(found.rejected)}" if found.rejected else ""
    out.print(f"[bold]{escape(found.title or found.flow)}[/]   {found.records:,} records of {found.dataset}{rejected}, "
              f"wave {found.wave}")  # fmt: skip
    table = Table(box=None, padding=(0, 2, 0, 0))
    names = ("step", "agent", "jobs", "stored", "to ask", "cost", "why")
    for name in names:
        table.add_column(name, justify="left" if name in ("step", "agent", "why") else "right", no_wrap=name != "why")
    for row in found.rows:
        cells = _row(row, found.currency)
        table.add_row(*(cells[name] for name in names))
    out.print(table)
    kept = sum(row.done + row.reread for row in found.rows)
    said = f"{found.planned:,} jobs, {kept:,} stored, {found.to_ask:,} to ask. Cost: {_cost(found)}."
    out.print(said, soft_wrap=True)
    for line in _assumptions(found):
        out.print(f"  {line}", markup=False)
    if found.standing:
        say(found.standing)
    for warning in found.warnings:
        out.print(f"[yellow]![/] {escape(warning)}")


def _cost(found: PlanReport) -> str:
    """`nothing`, `0.01 – 0.15 USD`, `0.01 – 0.15 USD and what local takes`: an unknown price is not none."""
    unknown = f"what {', '.join(found.unpriced)} takes" if found.unpriced else ""
    if not found.cost[1]:
        return unknown or "nothing"
    return " and ".join(filter(None, (_span(*found.cost, found.currency), unknown)))


def _row(row: Row, currency: str) -> dict[str, str]:
    why = ", ".join(f"{words} {count:,}" for words, count in row.why.most_common())
    if row.simulated:
        cost = "simulated"
    elif row.cost is None:
        cost = "price unknown" if row.to_ask else "-"
    else:
        cost = _span(*row.cost, currency) if row.cost[1] else "-"
    counts = {"jobs": f"{row.planned:,}", "stored": f"{row.done:,}", "to ask": f"{row.to_ask:,}"}
    step = f"{row.step} ({row.arm})" if row.arm in PRIOR_ARMS.values() else row.step
    return {"step": step, "agent": row.agent, "cost": cost, "why": why, **counts}


def _span(low: float, high: float, currency: str) -> str:
    """`0.0077 – 0.1312 USD`"""
    return f"{money(low, currency).removesuffix(f' {currency}')} – {money(high, currency)}"


def _assumptions(found: PlanReport) -> list[str]:
    lines = []
    sums = [sum(row.input_tokens[end] for row in found.rows) for end in (0, 1)]
    sums += [sum(row.output_tokens[end] for row in found.rows) for end in (0, 1)]
    if any(sums):
        lines += [
            "Tokens: {:,} to {:,} in, {:,} to {:,} out.".format(*sums),
            "Estimated: 3 to 5 characters a token; a few words to a paragraph an answer, or the agent's maximum.",
        ]
        lines += sorted({f"Price of {row.agent}: {row.price}." for row in found.rows if row.price})
    lines += [f"No price is known for {name}: conf/agent/{name}.yaml may say `price:`." for name in found.unpriced]
    return lines


@click.command("run", epilog=OVERRIDES)
@click.argument("flow")
@click.argument("overrides", nargs=-1)
@wave_option
@anchor_option
@multirun_option
@click.option("--retry", multiple=True, type=click.Choice(["refused", "unparsed"]), help="Ask these again, too.")
@of_study
def run_(flow: str, overrides: tuple[str, ...], retry: tuple[str, ...], as_json: bool, **of: Any) -> None:
    """Ask everything of FLOW that is not answered yet. A run that was stopped goes on where it stopped."""
    sys.exit(go(prepare(flow, overrides, ask_again=retry, **of), as_json=as_json))


def go(running: Running, *, as_json: bool = False, then: Callable[[], str] | None = None) -> int:
    """Run to the end with the live view, and say how it went: the exit code. `then` is done after a whole run."""
    if not as_json:
        _opening(running)
    for warning in running.told:
        (err if as_json else out).print(f"[yellow]![/] {escape(warning)}", soft_wrap=True)
    try:
        with view_for(as_json=as_json) as view, asyncio.Runner(loop_factory=loop_factory) as runner:
            progress = runner.run(_until_told(running, view))
    except asyncio.CancelledError:
        err.print(f"Stopped at once. What was stored is safe. {GO_ON}")
        return INTERRUPTED
    code = _code(progress)
    said = then() if then and code in (0, FAILED) else f"Next: buttermilk report {running.run.run_id}"
    if not as_json:
        _closing(progress, running, "" if progress.remaining else said)
    return code


def _opening(running: Running) -> None:
    """`Run verse-2026-11-22 begins; answers are kept in .buttermilk/jobs.db`"""
    study, name = running.study, f"[bold]{escape(running.run.run_id)}[/]"
    if running.complete:
        out.print(f"Run {name} is complete: nothing remains to be asked.", soft_wrap=True)
        return
    word = "goes on" if running.resumed else "begins"
    standing = f", {running.standing}" if running.standing else ""
    out.print(f"Run {name} {word}{standing}; answers are kept in {escape(study.store.where)}", soft_wrap=True)
    for warning in study.composed.warnings:
        out.print(f"[yellow]![/] {escape(warning)}", soft_wrap=True)
    if study.dataset.rejected:
        said = rows_left_out(study.dataset.rejected)
        out.print(f"[yellow]![/] {said}: {escape(str(rejects_file(study)))}", soft_wrap=True)


async def _until_told(running: Running, view: Watch) -> Progress:
    """Ctrl-C once: finish what is in flight. Twice: stop now."""
    asking = asyncio.ensure_future(running.go(view))

    def told() -> None:
        if running.stop.why == CTRL_C:
            asking.cancel()
        else:
            running.stop.drain(CTRL_C)

    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        try:
            loop.add_signal_handler(number, told)
        except NotImplementedError:  # Windows: Ctrl-C stops at once
            break
    return await asking


def _code(progress: Progress) -> int:
    if progress.why == CTRL_C:
        return INTERRUPTED
    if progress.statuses["failed"] or any(lane.down for lane in progress.lanes):
        return FAILED
    return STOPPED if progress.remaining or progress.why.startswith(ANOTHER_MODEL) else 0


def _another_model(one: Mapping[str, Any], progress: Progress) -> None:
    """`gpt was answered by more than one model in wave 1:`, and who when."""
    mark = "[bold red]✗[/]" if progress.why.startswith(ANOTHER_MODEL) else "[yellow]![/]"
    kept = {"split": " (kept apart)", "note": " (pooled)"}.get(progress.model_change, "")
    said = f"{one['agent']} was answered by more than one model in wave {one['wave']}{kept}:"
    err.print(f"{mark} {escape(said)}")
    for number, model in enumerate(one["models"]):
        first, last = (f"{datetime.fromisoformat(model[end]).astimezone():%Y-%m-%d %H:%M}" for end in ENDS)
        count = "1 reply" if model["answers"] == 1 else f"{model['answers']:,} replies"
        apart = f"   (wave {sub_wave(one['wave'], number)})" if progress.model_change == "split" else ""
        err.print(f"    {escape(model['model'])}: {count}, {first}{f' to {last}' if last != first else ''}{apart}")


def _closing(progress: Progress, running: Running, said: str) -> None:
    down = [lane for lane in progress.lanes if lane.down]
    for lane in down:
        err.print(f"[bold red]✗[/] {escape(lane.endpoint)} gives no answers.\n  {escape(lane.down)}")
        err.print(f"  {IS_IT_THERE}")
    failed = 0 if running.stop.why else progress.statuses["failed"]  # what a stop cut short did not fail
    if failed and not down:
        err.print(f"[bold red]✗[/] {'1 job' if failed == 1 else f'{failed:,} jobs'} failed.")
    for one in progress.models:
        _another_model(one, progress)
    if progress.waiting:
        out.print("The providers answer within a day. To collect what has come, type the same command again.")
    elif progress.why.startswith(ANOTHER_MODEL):
        err.print(escape(CHOOSE), soft_wrap=True)
    elif progress.remaining and progress.state != "cancelled":
        err.print(f"  What was answered is stored. {GO_ON}" if down or failed else GO_ON)
    if progress.budget is not None or progress.money:
        out.print(f"spent {money(progress.money, progress.currency)}", markup=False)
    if said:
        out.print(said, markup=False, soft_wrap=True)
    out.print(summary(progress.as_json(), why=not down and not failed), markup=False, soft_wrap=True)
