"""`freeze`."""

from typing import Any

import click

from buttermilk.core.registering import said
from buttermilk.study.registering import Frozen, deviate, freeze
from buttermilk.verbs.screen import OVERRIDES, of_study, print_json, say, tell


@click.command("freeze", epilog=OVERRIDES)
@click.argument("flow")
@click.argument("overrides", nargs=-1)
@click.option("--message", "-m", default="", help="Why it is registered now.")
@click.option("--deviation", default="", help="Register nothing: say why it is asked otherwise than was registered.")
@click.option("--multirun", is_flag=True, help="Sweep, as `run -m` does.")
@of_study
def freeze_(flow: str, overrides: tuple[str, ...], message: str, deviation: str, as_json: bool, **of: Any) -> None:
    """Register what FLOW asks, of whom, of which records, and how it is analysed; write a file for the OSF."""
    if not deviation:
        return tell(freeze(flow, *overrides, why=message, **of), _show, as_json=as_json)
    changes = deviate(flow, deviation, *overrides, **of)
    if as_json:
        return print_json({"why": deviation, "changes": [one._asdict() for one in changes]})
    return say("\n    ".join(["Kept, and printed by the report as the reason for:", *map(said, changes)]))


def _show(found: Frozen) -> None:
    held = found.registration
    when = f"on {held.registered_at:%Y-%m-%d} ({held.key[:6]})"
    if found.again:
        say(f"{held.about} was registered {when} just as it is: nothing was added.")
    else:
        say(f"{held.about} is registered {when}: {len(held.parts)} parts are fixed.")
    say(f"  for the OSF:  {found.files[1]}" + (f"   ({found.left} items are yours to write)" if found.left else ""))
    say(f"  for machines: {found.files[0]}")
