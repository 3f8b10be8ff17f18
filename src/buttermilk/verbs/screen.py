"""What every verb shares on the screen: errors as one screen and exit code 2, `--json`, the last line of counts."""

import json
import sys
from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any, ParamSpec, TypeVar

import click
from rich.console import Console
from rich.markup import escape

from buttermilk.core.errors import ButtermilkError

P = ParamSpec("P")
T = TypeVar("T")

WRONG = 2  # something must be mended before anything can be asked
FAILED = 1  # it was asked, and some of it came to nothing
STOPPED = 3  # it was stopped before its end, and can go on
INTERRUPTED = 130  # by Ctrl-C, as shells say it

WIDE = 160  # columns where there is no terminal to ask

out = Console(highlight=False, width=None if sys.stdout.isatty() else WIDE)
err = Console(stderr=True, highlight=False, soft_wrap=True)


def one_screen(verb: Callable[P, T]) -> Callable[P, T]:
    """A ButtermilkError becomes what a scholar can act on, and exit code 2."""

    @wraps(verb)
    def shown(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return verb(*args, **kwargs)
        except ButtermilkError as error:
            complain(error)
            sys.exit(WRONG)

    return shown


def complain(error: ButtermilkError) -> None:
    where = f"{escape(error.where)}\n" if error.where else ""
    err.print(f"[bold red]✗[/] {where}{escape(error.message)}")
    if error.hint:
        err.print(f"  {escape(error.hint)}")


def print_json(value: Mapping[str, Any]) -> None:
    click.echo(json.dumps(value, ensure_ascii=False, indent=2))


def last_line(counts: Mapping[str, Any]) -> str:
    """`answered 2,956 · refused 28 · unparsed 16 · failed 0 · skipped 0 · remaining 0`"""
    names = ("answered", "refused", "unparsed", "failed", "skipped", "remaining")
    return " · ".join(f"{name} {counts.get(name, 0):,}" for name in names)


def money(amount: float, currency: str) -> str:
    """Enough digits to see it: `0.0042 USD`, `12.50 USD`."""
    return f"{amount:,.2f} {currency}" if amount >= 1 or amount == 0 else f"{amount:.4f} {currency}"


json_option = click.option("--json", "as_json", is_flag=True, help="For machines: JSON on standard output.")
study_option = click.option(
    "--study", type=click.Path(file_okay=False), help="The study's folder; else the one you are in."
)
OVERRIDES = "Anything of the form key=value overrides the configuration: steps.judge.repeats=5 'agents=[gpt]'"
