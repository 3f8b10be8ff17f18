"""The verbs of the group `prompts` that look at texts: `list`, `show`, `diff`, `render`, `import`."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import click
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from buttermilk.core.flows import Citable
from buttermilk.core.jobs import Use
from buttermilk.documents.differences import Piece, shortened
from buttermilk.prompts.reading import as_read, header_of
from buttermilk.study import library
from buttermilk.study.library import Diff, Entry, Rendered, Shown, diff, render, show
from buttermilk.study.rendering import scalar
from buttermilk.study.shelf import KINDS, Found
from buttermilk.verbs.screen import in_words, of_study, out, print_json, say, table_of, tell, visible

MARKS = {"=": ("", ""), "-": ("[-", "-]"), "+": ("{+", "+}"), "…": ("… ", " …")}
STYLES = {"=": "", "-": "red strike", "+": "green", "…": "dim"}
COLUMNS = ("version", "title", "from", "tests", "last used")
LEAST_TITLE = 20  # columns: less says nothing
kind_option = click.option("--kind", type=click.Choice(list(KINDS)), help="Where a name is that of several things.")


@click.command("list")
@click.option("--kind", type=click.Choice(list(KINDS)), help="Only these.")
@of_study
def list_(kind: str | None, root: Path | None, as_json: bool) -> None:
    """List the prompts, criteria and codebooks of the study and of the package."""
    found = library.list_(kind, root=root)
    if as_json:
        print_json({"texts": [entry.as_json() for entry in found]})
        return
    _show_list(found)
    for entry in found:
        if entry.wrong:
            say(f"[red]✗[/] {escape(entry.wrong)}", markup=True)
    changed = [entry.name for entry in found if entry.changed]
    if changed:
        out.print(f"* has changed since it was last used: buttermilk prompts diff {changed[0]}", markup=False)


def _show_list(found: Sequence[Entry]) -> None:
    """Kind by kind; titles take the room that is left, if there is any."""
    rows = [COLUMNS, *map(_row, found)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    left = out.width - sum(widths) + widths[1] - 2 * len(widths)
    table = Table(box=None, padding=(0, 2, 0, 0))
    shown = [place for place in range(len(COLUMNS)) if place != 1 or left >= LEAST_TITLE]
    for place in shown:
        table.add_column(COLUMNS[place], no_wrap=True, overflow="ellipsis", max_width=left if place == 1 else None)
    kind = ""
    for entry, row in zip(found, rows[1:], strict=True):
        if entry.kind != kind:
            kind = entry.kind
            table.add_row(Text(kind if kind == "criteria" else f"{kind}s", "bold"))
        table.add_row(*(escape(row[place]) for place in shown))
    out.print(table)


def _row(entry: Entry) -> tuple[str, ...]:
    """`judge@3f9a1c  One reader, one text …  study  yes  2026-11-22 *`"""
    used = f"{_day(entry.last_use)}{' *' if entry.changed else ''}" if entry.last_use else "never"
    if entry.found is None:
        return entry.name, "", "cannot be read", "", used
    text = entry.found.text
    return text.version_name, text.title or text.description, _place(entry.found), "yes" if entry.tests else "", used


def _place(found: Found) -> str:
    """`study, shadows packaged`, where a study's own text is not what the package has under this name."""
    if found.place == "store":
        return "no file"
    return f"{found.place}, shadows packaged" if found.shadows not in ("", found.text.hash) else found.place


def _day(use: Use) -> str:
    return f"{use.last_at.astimezone():%Y-%m-%d}"


@click.command("show")
@click.argument("name")
@kind_option
@of_study
def show_(name: str, kind: str | None, root: Path | None, as_json: bool) -> None:
    """Show NAME or NAME@HASH whole, and where each of its versions was used."""
    tell(show(name, kind=kind, root=root), _show, as_json=as_json)


def _show(found: Shown) -> None:
    out.print(f"[bold]{escape(found.found.text.version_name)}[/]   {found.found.kind} ({escape(_place(found.found))})")
    _show_header(found.found.text, found.needs)
    say(f"\n{visible(as_read(found.found.text))}\n")
    _show_uses(found)


def _show_header(text: Citable, needs: Iterable[str]) -> None:
    said = header_of(text) | ({"asks for": ", ".join(needs)} if needs else {})
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    for key, words in said.items():
        if key != "inputs":
            table.add_row(Text(key, "dim"), Text(visible(words)))
    out.print(table)


def _show_uses(found: Shown) -> None:
    if not found.uses:
        out.print(f"{found.found.text.name} was never used.", markup=False)
        return
    table = table_of("used as", "run", "day", "step", "jobs", "commit", right=("jobs",))
    for use in found.uses:
        here = "bold" if use.hash == found.found.text.hash else ""
        commit = f"{use.commit[:7]}{', dirty' if use.dirty else ''}"
        names = use.version_name, use.run_id, _day(use), use.step, f"{use.jobs:,}", commit
        table.add_row(*map(escape, names), style=here)
    out.print(table)


@click.command("diff")
@click.argument("old")
@click.argument("new", required=False)
@kind_option
@of_study
def diff_(old: str, new: str | None, kind: str | None, root: Path | None, as_json: bool) -> None:
    """Show how OLD became NEW, word by word. With one name alone: how it was when last used, and how it is now."""
    tell(diff(old, new, kind=kind, root=root), _show_diff, as_json=as_json)


def _show_diff(found: Diff) -> None:
    say(found.sentence)
    for pieces in (found.header, found.text):
        if any(piece.sign != "=" for piece in pieces):
            out.print()
            say(_marked(shortened(pieces)))


def _marked(pieces: Iterable[Piece]) -> Text:
    """In colour, or where there is none in `[-brackets-]{+of two kinds+}`."""
    coloured = out.is_terminal and not out.no_color and out.color_system is not None
    text = Text()
    for piece in pieces:
        before, behind = MARKS[piece.sign] if piece.sign == "…" or not coloured else ("", "")
        text.append(f"{before}{visible(piece.text)}{behind}", STYLES[piece.sign])
    text.rstrip()
    return text


@click.command("render")
@click.argument("name")
@click.option("--record", help="The id of a record, or a file; else the dataset's first record.")
@click.option("--dataset", help="Else that of the flow that asks with this prompt.")
@click.option("--perspective", help="Else the first of the step.")
@click.option("--codebook", help="Else that of the step.")
@click.option("--set", "said", multiple=True, metavar="VARIABLE=VALUE", help="A variable of the template.")
@of_study
def render_(name: str, said: tuple[str, ...], as_json: bool, **of: Any) -> None:
    """Show the messages that NAME or NAME@HASH makes of a record, as they are sent. Nobody is asked."""
    pairs = [each.partition("=") for each in said]
    for variable, equals, _ in pairs:
        if not equals or not variable.isidentifier():
            raise click.BadParameter("say VARIABLE=VALUE, as in --set year=1912", param_hint="--set")
    found = render(name, variables={variable: scalar(value) for variable, _, value in pairs}, **of)
    tell(found, _show_rendered, as_json=as_json)


def _show_rendered(found: Rendered) -> None:
    said = found.as_json()
    of = [f"{key} {said[key]}" for key in ("record", "perspective", "codebook") if said[key]]
    say(f"[bold]{escape(said['prompt'])}[/]   {escape(', '.join(of))}", markup=True)
    for message in found.messages:
        out.print(f"\n[bold cyan]── {message.role} ──[/]")
        say(visible(message.text))
        for part in message.media:
            say(f"[{part.kind}: {part.path or part.url or part.blob}]", style="dim")
    for note in found.notes:
        say(f"\n[yellow]![/] {escape(note)}", markup=True)


@click.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--as", "name", help="What it is to be called; else as the file says.")
@in_words
def import_(file: Path, name: str | None, root: Path | None) -> None:
    """Write prompts/NAME.md of FILE, a .prompty file. Nothing is written over."""
    target, made = library.import_(file, name=name, root=root)
    say(f"Written: prompts/{target.name}, {made.prompt.version_name}")
    if made.prompt.inputs:
        say(f"A step gives it, under `variables`: {', '.join(made.prompt.inputs)}")
        out.print("The text that is judged comes as {{ record.text }}: put that where it belongs.", markup=False)
    if made.sample:
        say("Its sample is the case `sample` under `tests`. Say there with which codebook it is asked, and what "
            "you expect.")  # fmt: skip
    for line in made.left_out:
        say(f"[yellow]![/] not carried over: {escape(line)}", markup=True)
