"""`init`, `demo` and `doctor`."""

import asyncio
import shlex
import sys
from functools import partial
from pathlib import Path

import click
from rich.markup import escape

from buttermilk.config import find_root
from buttermilk.core.errors import ConfigError
from buttermilk.study.doctor import doctor
from buttermilk.study.looking import report
from buttermilk.study.making import DEMO, WAVES, demo_overrides, demo_study, init, labelled
from buttermilk.study.registering import deviate, freeze
from buttermilk.study.running import prepare
from buttermilk.study.trying import PATIENCE_SECONDS, try_models
from buttermilk.verbs.running import go
from buttermilk.verbs.screen import FAILED, OVERRIDES, WRONG, json_option, of_study, one_screen, out, print_json
from buttermilk.verbs.trials import show_trials


@click.command("init")
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
@one_screen
def init_(folder: Path) -> None:
    """Write a new study into FOLDER: plain text files to edit, and a flow that runs at once."""
    files = init(folder)
    out.print(f"{len(files)} files in {escape(str(folder))}. Next:")
    out.print(f"  cd {shlex.quote(str(folder))}\n  buttermilk plan verse\n  buttermilk run verse", markup=False)


@click.command("demo", epilog=OVERRIDES)
@click.argument("overrides", nargs=-1)
@click.option("--agents", multiple=True, help="Ask these instead of the simulated readers: gpt, or a server's URL.")
@click.option("--into", type=click.Path(file_okay=False, path_type=Path), default=Path("demo"), show_default=True)
@json_option
@one_screen
def demo_(overrides: tuple[str, ...], agents: tuple[str, ...], into: Path, as_json: bool) -> None:
    """A whole study of 200 verses: registered, asked in two waves, a sample labelled by people, the report written."""
    root, said = demo_study(into), [*demo_overrides(agents), *overrides]
    if said or not (root / "registrations").is_dir():
        freeze(DEMO, *said, why="before the first answer", root=root)
    for wave in WAVES:
        running = prepare(DEMO, said, wave=wave, root=root)
        then = partial(_between if wave != WAVES[-1] else _at_the_end, running.run.run_id, root, said)
        code = go(running, as_json=as_json, then=then)
        if code not in (0, FAILED):
            break
    sys.exit(code)


def _between(run: str, root: Path, said: list[str]) -> str:
    drawn, fresh = labelled(run, root)
    if fresh:
        deviate(
            DEMO,
            "the sample is drawn by what the first wave said, so it could not be registered before",
            *said,
            root=root,
        )
    return f"{len(drawn.draws)} of {drawn.population} verses drawn and labelled by people; now the second wave."


def _at_the_end(run: str, root: Path, said: list[str]) -> str:
    return f"Report: {report(run, root=root).resolve()}"


@click.command("doctor")
@click.option("--live", is_flag=True, help="Ask each model of the study's flows one small question; this may cost.")
@click.option("--all", "every", is_flag=True, help="With --live: each model that there is a file for.")
@click.option("--patience", type=float, default=PATIENCE_SECONDS, help="With --live: seconds to wait for an answer.")
@of_study
def doctor_(live: bool, every: bool, patience: float, root: Path | None, as_json: bool) -> None:
    """Say what works here and what does not: the installation, the plugs, and each flow up to its first call."""
    start = root or Path.cwd()
    if live:
        sys.exit(_ask_models(find_root(start), every, patience, as_json=as_json))
    try:
        root = find_root(start)
    except ConfigError:
        root = None
    findings = doctor(root)
    if as_json:
        print_json({"findings": [vars(one) for one in findings]})
    else:
        for one in findings:
            mark = "[green]✓[/]" if one.well else "[red]✗[/]"
            out.print(f"{mark} [bold]{escape(one.what)}[/]: {escape(one.said)}")
            if one.hint:
                out.print(f"    {escape(one.hint)}")
    sys.exit(0 if all(one.well for one in findings) else WRONG)


def _ask_models(root: Path, every: bool, patience: float, *, as_json: bool) -> int:
    with out.status("asking each model one question ..."):
        trials = asyncio.run(try_models(root, every=every, patience_seconds=patience))
    if as_json:
        print_json({"trials": [{**vars(one), "well": one.well} for one in trials]})
    else:
        show_trials(trials)
    return 0 if all(one.well for one in trials) else FAILED
