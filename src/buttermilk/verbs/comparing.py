"""`compare`: two sides of what is stored, in a terminal, as a page, as a table of what flipped."""

from pathlib import Path
from typing import Any, get_args

import click
from rich.table import Table
from rich.text import Text

from buttermilk.analysis.beside import Contrast, given
from buttermilk.analysis.words import plural
from buttermilk.documents.whole import whole
from buttermilk.study.beside import SIMULATED, By, Comparison, as_page, compare, sentences, share_row
from buttermilk.study.looking import export_of
from buttermilk.verbs.screen import of_study, out, say, say_folded, tell

SHOWN = 12  # flips of a question on the screen; `-o` writes all of them
DIGITS = 7  # of a job's id: enough for `show`


@click.command("compare", epilog="Two versions of a prompt that were not asked yet: buttermilk prompts compare OLD NEW")
@click.argument("a")
@click.argument("b")
@click.option("--run", help="In which run A and B are; else the latest.")
@click.option("--by", type=click.Choice(get_args(By)), help="What A and B are, where a name means several.")
@click.option("--step", help="Only this step.")
@click.option("--question", help="Only this question.")
@click.option(
    "-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="Write a page (.html) or the flips (.csv)."
)
@of_study
def compare_(a: str, b: str, output: Path | None, as_json: bool, **said: Any) -> None:
    """Compare A and B: two runs, or two agents, perspectives, prompts, waves or arms of one. Asks nobody."""
    found = compare(a, b, **said)
    if output and output.suffix.lower() in (".html", ".htm"):
        with whole(output) as path:
            path.write_bytes(as_page(found).encode("utf-8", "replace"))
    elif output:
        export_of(output).write(found.flips, output)
    tell(found, _show, as_json=as_json)


def _show(found: Comparison) -> None:
    one, two = found.sides
    say(Text.assemble((one, "bold"), " beside ", (two, "bold"), f"   {found.where}"))
    if found.simulated:
        say_folded(f"! {SIMULATED}")
    for each in found.contrasts:
        say(Text(f"\n{each.step}: {each.question.name}", style="bold"))
        for text in sentences(each):
            say_folded(f"  {text}")
        out.print(_shares(found, each))
        if each.turns:
            more = f" The surest {SHOWN} (all: -o flips.csv):" if len(each.turns) > SHOWN else ""
            say_folded(f"  {plural(len(each.turns), 'flip')}: the commonest answer is another.{more}")
            out.print(_flips(found, each))


def _shares(found: Comparison, one: Contrast) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False)
    for name in ("  answer", *found.sides, "difference [95%]", "p"):
        left = name == "  answer"
        table.add_column(Text(name), justify="left" if left else "right", overflow="fold")
    for place in range(len(one.shares)):
        label, *numbers = map(Text, share_row(one, place))
        table.add_row(Text("  ") + label, *numbers)
    return table


def _flips(found: Comparison, one: Contrast) -> Table:
    under = any(turn.under for turn in one.turns)
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False)
    for name in ("  record", *(["under"] if under else []), *found.sides, "jobs"):
        table.add_column(Text(name), overflow="fold", no_wrap=name in ("under", "jobs"))
    for turn in one.turns[:SHOWN]:
        jobs = " ".join(side.jobs[0][:DIGITS] for side in (turn.before, turn.after))
        cells = (f"  {turn.record_id}", *([turn.under] if under else []), given(turn.before), given(turn.after), jobs)
        table.add_row(*map(Text, cells))
    return table
