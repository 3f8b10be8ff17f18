"""`prompts test | watch | compare`: cases asked and judged, held against a baseline, and two versions side by side."""

import asyncio
import shlex
import sys
from collections.abc import Coroutine, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import click
from rich.markup import escape
from rich.table import Column, Table
from rich.text import Text

from buttermilk.analysis.changes import Change, counted, flips_table
from buttermilk.analysis.changes import sentences as change_sentences
from buttermilk.analysis.watching import sentences
from buttermilk.core.errors import ConfigError
from buttermilk.documents.whole import whole
from buttermilk.study import verdicts
from buttermilk.study.asking import Told
from buttermilk.study.cases import Tried, try_prompts
from buttermilk.study.comparing import Compared, compare
from buttermilk.study.looking import export_of
from buttermilk.study.running import loop_factory
from buttermilk.study.verdicts import MARKS, SIMULATED, as_junit, as_page, counts, lines, summary
from buttermilk.study.watching import PINS, Seen, pin, watch_prompts
from buttermilk.verbs.live import GO_ON, IS_IT_THERE, view_for
from buttermilk.verbs.screen import (
    FAILED,
    INTERRUPTED,
    OVERRIDES,
    STOPPED,
    WRONG,
    err,
    folded,
    of_study,
    out,
    print_json,
    say_folded,
    tell,
)

T = TypeVar("T")

SHOWN = 20  # changed records on the screen; `-o` writes all of them
COLOURS = {True: "green", False: "red", None: "yellow"}


@click.command("test")
@click.argument("names", nargs=-1)
@click.option("--agents", multiple=True, help="Who is asked, in place of those the tests name; may be repeated.")
@click.option("--live", is_flag=True, help="Ask, and record; else what was recorded is judged again, at no cost.")
@click.option("--repeats", type=click.IntRange(1), help="How often each case is asked.")
@click.option("--junit", type=click.Path(dir_okay=False, path_type=Path), help="Write JUnit XML, for CI.")
@click.option("--html", type=click.Path(dir_okay=False, path_type=Path), help="Write one HTML page.")
@of_study
def test_(
    names: tuple[str, ...], agents: tuple[str, ...], junit: Path | None, html: Path | None, as_json: bool, **asked: Any
) -> None:
    """Ask the cases of the prompts NAMES, else of all that have some, and judge the answers."""
    with so_far() as told:
        tested = waited_for(try_prompts(*names, agents=listed(agents), told=told, **asked))
    for target, text in ((junit, as_junit(tested)), (html, as_page(tested).encode("utf-8", "replace"))):
        if target:
            with whole(target) as path:
                path.write_bytes(text)
    show(tested, as_json=as_json)
    if any(one.over for one in tested):
        sys.exit(STOPPED)
    sys.exit(0 if all(one.passed for one in tested) else FAILED)


def waited_for(asking: Coroutine[Any, Any, T]) -> T:
    """What came of it. Ctrl-C stops at once: what was answered is stored."""
    try:
        with asyncio.Runner(loop_factory=loop_factory) as runner:
            return runner.run(asking)
    except KeyboardInterrupt:
        err.print(folded(f"Stopped at once. What was answered is stored. {GO_ON}", err))
        sys.exit(INTERRUPTED)


@contextmanager
def so_far() -> Iterator[Told]:
    """How far a test is, on a terminal: `12 of 36 answered. Ctrl-C: stop now.`"""
    with err.status("") as shown:
        yield lambda done, whole: shown.update(f"{done:,} of {whole:,} answered. Ctrl-C: stop now.")


def listed(agents: Sequence[str]) -> list[str]:
    """`--agents gpt,claude` and `--agents gpt --agents claude`."""
    return [name for said in agents for name in said.strip("[]").split(",") if name]


def show(tested: Sequence[Tried], *, as_json: bool) -> None:
    if as_json:
        return print_json(verdicts.as_json(tested))
    for one in tested:
        _show(one)
    every = [outcome for one in tested for outcome in one.outcomes]
    if any(one.simulated for one in tested):
        out.print(f"[yellow]![/] {SIMULATED}", soft_wrap=True)
    return out.print(" · ".join(f"{word} {count}" for word, count in counts(every).items()), markup=False)


def _show(tested: Tried) -> None:
    asked = ", ".join(agent.name for agent in tested.agents)
    times = f", {tested.repeats} times" if tested.repeats > 1 else ""
    how = f"stored as {tested.run}" if tested.run else "offline"
    out.print(
        f"[bold]{escape(tested.tests.prompt.version_name)}[/]  {escape(asked)}{times}  [dim]{how}[/]", soft_wrap=True
    )
    for name, why in tested.silent.items():
        err.print(f"[bold red]✗[/] {escape(name)} gives no answers.\n  {escape(why)}\n  {IS_IT_THERE}")
    for one in (one for one in tested.outcomes if one.agent not in tested.silent):
        who = f"{one.case} · {one.agent}" if len(tested.agents) > 1 else one.case
        colour = COLOURS[one.passed]
        out.print(f"  [{colour}]{MARKS[one.passed]}[/] {escape(who)}  [dim]{summary(one)}[/]", soft_wrap=True)
        if one.passed is not True:
            for mark, words in lines(one):
                if mark != MARKS[True]:
                    say_folded(f"      {mark} {words}")
    if tested.over:
        told = f"Not all cases were asked, and none is judged: {tested.over} What was answered is stored"
        err.print(escape(folded(f"  ! {told}; today, the same command goes on from there.", err)))
    if tested.unrecorded:
        agents, prompt = ",".join(tested.unrecorded), tested.tests.prompt
        told = f"Nothing was recorded of {agents} for {prompt.version_name}"
        ask = f"buttermilk prompts test {shlex.quote(prompt.name)} --live --agents {shlex.quote(agents)}"
        out.print(escape(f"  ! {told}. To ask: {ask}"), soft_wrap=True)


@click.command("watch")
@click.argument("names", nargs=-1)
@click.option("--pin", "pinned", is_flag=True, help="Make the latest test of each of NAMES its baseline.")
@click.option("--run", "run_id", help="With --pin: this stored test, in place of the latest.")
@click.option("--live", is_flag=True, help="Test first, as `prompts test --live` does.")
@click.option("--agents", multiple=True, help="With --live: who is asked; may be repeated.")
@click.option("--repeats", type=click.IntRange(1), help="With --live: how often each case is asked.")
@of_study
def watch_(
    names: tuple[str, ...], pinned: bool, run_id: str | None, agents: tuple[str, ...], as_json: bool, **asked: Any
) -> None:
    """Compare the latest test of NAMES, else of all that have a baseline, with it. Exit code 1: something has moved."""
    if pinned and not names:
        raise ConfigError("which prompt's baseline is pinned?", hint="Type: buttermilk prompts watch NAME --pin")
    if pinned:
        pins = pin(*names, run=run_id, root=asked["root"])
        said = "\n".join(f"{name} is watched against {pins[name]} from now on ({PINS})." for name in names)
        return print_json(pins) if as_json else out.print(said, markup=False)
    with so_far() as told:
        seen = waited_for(watch_prompts(*names, agents=listed(agents), told=told, **asked))
    if as_json:
        print_json({"prompts": [one.as_json() for one in seen]})
    else:
        for one in seen:
            show_seen(one)
    blind = WRONG if any(one.found.blind for one in seen) else 0
    sys.exit(FAILED if any(one.found.alarms for one in seen) else blind)


def show_seen(seen: Seen) -> None:
    mark = "[red]✗[/]" if seen.found.alarms else "[yellow]![/]" if seen.found.blind else "[green]✓[/]"
    same = " [dim](the baseline itself is the latest test)[/]" if seen.run == seen.baseline else ""
    out.print(f"{mark} [bold]{escape(seen.prompt)}[/]  {seen.run} beside {seen.baseline}{same}", soft_wrap=True)
    for text in sentences(seen.found):
        say_folded(f"    {text}")
    if seen.simulated:
        out.print("    [yellow]![/] Simulated readers answered.")


@click.command("compare", epilog=OVERRIDES)
@click.argument("old")
@click.argument("new")
@click.argument("overrides", nargs=-1)
@click.option("--flow", help="Whose step is asked both ways; else the study's only flow.")
@click.option("--step", help="Of that flow; else the first that asks with one of the two.")
@click.option("--dataset", help="Which records; else the flow's.")
@click.option("--repeats", type=click.IntRange(1), help="How often each is asked; noise needs at least 3.")
@click.option("--agents", multiple=True, help="Who is asked, in place of the step's; may be repeated.")
@click.option("--kind", help="prompt, criteria or codebook, where a name means several.")
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="Write the changed records.")
@of_study
def compare_(old: str, new: str, output: Path | None, root: Path | None, as_json: bool, **said: Any) -> None:
    """Ask versions OLD and NEW about the same records, and say which judgements changed by more than noise."""
    keys = [f"dataset={said['dataset']}"] if said["dataset"] else []
    keys += [f"repeats={said['repeats']}"] if said["repeats"] else []
    keys += [f"agents=[{','.join(listed(said['agents']))}]"] if said["agents"] else []
    of = {"step": said["step"], "kind": said["kind"], "root": root}
    with view_for(as_json=False) as watch:
        found = waited_for(compare(old, new, said["flow"], *keys, *said["overrides"], watch=watch, **of))
    if output:
        export_of(output).write(flips_table(found.changes), output)
    tell(found, show_compared, as_json=as_json)
    sys.exit(STOPPED if found.remaining else 0)


def show_compared(found: Compared) -> None:
    old, new = found.old.text.version_name, found.new.text.version_name
    out.print(
        f"[bold]{escape(old)}[/] beside [bold]{escape(new)}[/]   step {found.step}, run {found.run}", soft_wrap=True
    )
    if found.simulated:
        out.print("[yellow]![/] Simulated readers answered: what follows says nothing of any model.")
    for one in found.changes:
        for text in change_sentences(one):
            say_folded(f"  {text}")
        if one.flips:
            out.print(flips(one))
    if found.remaining:
        err.print(f"[yellow]![/] {found.remaining:,} questions are not answered yet. {GO_ON}")


def flips(change: Change) -> Table:
    """The records whose judgement changed, the surest first."""
    table = Table("record", "before", "after", Column("p", justify="right"), box=None, padding=(0, 2, 0, 4))
    for flip in change.flips[:SHOWN]:
        sides = map(counted, (flip.counts_before, flip.counts_after))
        table.add_row(Text(flip.record_id), *map(Text, sides), f"{flip.p:.4f}")
    if len(change.flips) > SHOWN:
        table.add_row("…", f"and {len(change.flips) - SHOWN} more: -o changed.csv", "", "")
    return table
