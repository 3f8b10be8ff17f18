"""What every verb shares on the screen: errors as one screen and exit code 2, `--json`, the last line of counts."""

import json
import os
import re
import sys
from collections.abc import Callable, Collection, Mapping
from functools import wraps
from pathlib import Path
from textwrap import fill
from typing import Any, ParamSpec, Protocol, TypeVar

import click
from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from buttermilk.core.errors import ButtermilkError, ConfigError, ProviderError

P = ParamSpec("P")
T = TypeVar("T")

WRONG = 2  # something must be mended before anything can be asked
FAILED = 1  # it was asked, and some of it came to nothing
STOPPED = 3  # it was stopped before its end, and can go on
INTERRUPTED = 130  # by Ctrl-C, as shells say it

_OBEYED = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
WIDE = 160  # columns where there is no terminal to ask

out = Console(highlight=False, width=None if sys.stdout.isatty() else WIDE)
err = Console(stderr=True, highlight=False, soft_wrap=True)


def one_screen(verb: Callable[P, T]) -> Callable[P, T]:
    """What went wrong becomes what a scholar can act on: exit 1 where a provider gave no answer, else 2."""

    @wraps(verb)
    def shown(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return verb(*args, **kwargs)
        except (ButtermilkError, OSError, BaseExceptionGroup) as raised:
            error = known(raised)
            if kwargs.get("as_json"):
                print_json({"error": error.message, "where": error.where, "hint": error.hint})
            complain(error)
            sys.exit(FAILED if isinstance(error, ProviderError) else WRONG)

    return shown


def known(raised: BaseException) -> ButtermilkError:
    """The error to show: one of several that were raised together, or a file that cannot be used. Else it is a bug."""
    if isinstance(raised, ButtermilkError):
        return raised
    if isinstance(raised, BrokenPipeError):
        raise raised
    if isinstance(raised, OSError) and raised.filename:
        reason = os.strerror(raised.errno or 0).lower()
        return ConfigError(f"it cannot be used: {reason}.", where=str(raised.filename), hint="Mend that and try again.")
    if isinstance(raised, BaseExceptionGroup):
        found = raised.subgroup(ButtermilkError)
        if found is not None:
            return known(found.exceptions[0])
    raise raised


def say(text: str | Text, *, markup: bool = False, style: str | None = None) -> None:
    """A line of output: a terminal breaks it between words, elsewhere it stays whole."""
    out.print(text, markup=markup, style=style, soft_wrap=not out.is_terminal)


def say_folded(text: str) -> None:
    """The same, with the indent of its first line before the others."""
    out.print(folded(text, out), markup=False, soft_wrap=True)


def complain(error: ButtermilkError) -> None:
    """What is wrong, where, and what to do."""
    first, *more = error.message.splitlines() or [""]
    err.print(f"[bold red]✗[/] {escape(folded(first, err))}")
    for text in (*more, *error.where.splitlines(), *error.hint.splitlines()):
        err.print(escape(folded(f"  {text}", err)))


def folded(line: str, console: Console) -> str:
    """Between words, where a terminal would cut through them; elsewhere lines stay whole."""
    if not console.is_terminal:
        return line
    margin = " " * (len(line) - len(line.lstrip()) or 2)
    return fill(line, console.width, subsequent_indent=margin, break_long_words=False, break_on_hyphens=False)


def visible(text: str) -> str:
    """Signs that a terminal would obey are shown as their numbers: a text from elsewhere may hold any."""
    return _OBEYED.sub(lambda found: f"\\x{ord(found[0]):02x}", text)


def print_json(value: Mapping[str, Any]) -> None:
    click.echo(json.dumps(value, ensure_ascii=False, indent=2))


class Told(Protocol):
    """What can be told to machines."""

    def as_json(self) -> dict[str, Any]: ...


S = TypeVar("S", bound=Told)


def tell(found: S, show: Callable[[S], None], *, as_json: bool) -> None:
    """To a machine as JSON, to people as `show` prints it."""
    if as_json:
        return print_json(found.as_json())
    return show(found)


def table_of(*titles: str, right: Collection[str] = (), no_wrap: bool = True) -> Table:
    """A table without lines; numbers stand to the right."""
    table = Table(box=None, padding=(0, 2, 0, 0))
    for title in titles:
        table.add_column(title, justify="right" if title in right else "left", no_wrap=no_wrap)
    return table


def last_line(counts: Mapping[str, Any]) -> str:
    """`answered 2,956 · refused 28 · unparsed 16 · failed 0 · skipped 0 · remaining 0`, and what waits in batches."""
    names = ("answered", "refused", "unparsed", "failed", "skipped", "remaining")
    shown = [*names, "waiting"] if counts.get("waiting") else names
    return " · ".join(f"{name} {counts.get(name, 0):,}" for name in shown)


def rows_left_out(count: int) -> str:
    """`1 row is left out`, `1,200 rows are left out`"""
    return "1 row is left out" if count == 1 else f"{count:,} rows are left out"


def below_quorum(count: int, step: str) -> str:
    return f"below quorum: {count:,} {'job' if count == 1 else 'jobs'} of {step} not asked, for too few had answered"


def money(amount: float, currency: str) -> str:
    """Enough digits to see it: `0.0042 USD`, `12.50 USD`; and `<0.0001 USD`, which is not nothing."""
    if 0 < amount < 0.0001:
        return f"<0.0001 {currency}"
    return f"{amount:,.2f} {currency}" if amount >= 1 or amount == 0 else f"{amount:.4f} {currency}"


json_option = click.option("--json", "as_json", is_flag=True, help="For machines: JSON on standard output.")
study_option = click.option(
    "--study", "root", type=click.Path(file_okay=False, path_type=Path), help="The study's folder; else where you are."
)


def in_words(verb: Callable[P, T]) -> Callable[P, T]:
    """`--study`, and errors as one screen."""
    return study_option(one_screen(verb))


def of_study(verb: Callable[P, T]) -> Callable[P, T]:
    """What most verbs take: `--study`, `--json`, and errors as one screen."""
    return study_option(json_option(one_screen(verb)))


wave_option = click.option("--wave", default="", help="A wave of this name: the same is asked again.")
anchor_option = click.option("--anchor", is_flag=True, help="Ask only the records that are asked in every wave.")
OVERRIDES = "Anything of the form key=value overrides the configuration: steps.judge.repeats=5 'agents=[gpt]'"
