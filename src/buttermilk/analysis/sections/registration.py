"""The part of a report that holds a run to what was declared: as registered, or where not and why."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from buttermilk.analysis import words
from buttermilk.analysis.evidence import Evidence
from buttermilk.analysis.page import Block, Grid, Section, Text, grid
from buttermilk.analysis.registered import Opened, Standing, dropped, standing
from buttermilk.core.jobs import Run
from buttermilk.core.people import Registration
from buttermilk.core.registering import Change, shortened

NONE_WRITTEN = "none was written"


def registration(found: Evidence) -> Section:
    run, first_at = found.run, found.tally.first_at
    stands = standing(found.store, run, run.started_at)
    blocks: list[Block] = list(_registered(stands, run, first_at))
    for one in stands.opened:
        blocks += _opened(one)
    if gone := dropped(found.store, run):
        asked = f"{words.plural(len(gone), 'cell')} that other runs of wave {run.wave} asked"
        are = "is" if len(gone) == 1 else "are"
        blocks.append(Text(f"{asked} {are} not in this one, and so not in this report.", "caution"))
        rows = [(one.what.removeprefix("cell "), one.before, one.why or NONE_WRITTEN) for one in gone]
        note = "A cell is one agent with one perspective, one prompt and one value of whatever was varied."
        titles = ("cell`", "asked in run", "reason")
        blocks.append(grid("Cells that were asked and left out.", titles, rows, note=note))
    return Section("Registration", tuple(blocks))


def _registered(stands: Standing, run: Run, first_at: str) -> Iterator[Block]:
    held = stands.registration
    if held is not None:
        yield from _held_to(held, stands.changes)
        if first_at and datetime.fromisoformat(first_at) < held.registered_at:
            yield Text(f"The first of its answers was given before that, on {words.day(first_at)}.", "caution")
        return
    yield Text(f"Not registered: nothing was declared before this run began, on {words.day(run.started_at)}.")
    for late in stands.late:
        when = f"Registration {late.key[:6]} was kept on {words.day(late.registered_at)}, after this run had begun"
        yield Text(f"{when}: what is declared when answers can be seen binds nobody.", "caution")


def _held_to(held: Registration, differ: Sequence[Change]) -> Iterator[Block]:
    when = f"registered on {words.day(held.registered_at)} ({held.key[:6]}) by {held.by}"
    if not differ:
        yield Text(f"As {when}: prompts, criteria, codebooks, agents, records, samples and analysis are the same.")
        return
    yield Text(f"{words.plural(len(differ), 'deviation')} from what was {when}.", "caution")
    yield _table("What was registered, and what it is now.", "registered", differ)


def _opened(one: Opened) -> Iterator[Block]:
    opening = one.opening
    when = f"The test labels of the sample “{opening.sample}” were opened on {words.day(opening.opened_at)}"
    if not one.changes:
        yield Text(f"{when}, before this run began. Nothing has been changed since.")
        return
    yield Text(f"{when}, and what is asked has been changed since: it may have been fitted to them.", "caution")
    yield _table("What was locked when test labels were opened, and what it is now.", "locked", one.changes)


def _table(caption: str, before: str, differ: Sequence[Change]) -> Grid:
    rows = [
        (one.what, shortened(one.before) or "—", shortened(one.now) or "—", one.why or NONE_WRITTEN) for one in differ
    ]
    return grid(caption, ("what", f"{before}`", "now`", "reason"), rows)
