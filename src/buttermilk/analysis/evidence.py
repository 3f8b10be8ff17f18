"""All that a report may speak of: the run itself, the waves it stands among, and what people said of its records."""

from collections.abc import Mapping
from dataclasses import dataclass

from buttermilk.analysis.people import People, people
from buttermilk.analysis.tally import Tally, tally
from buttermilk.core.contracts import Store
from buttermilk.core.jobs import Run
from buttermilk.core.waves import same_flow


@dataclass(frozen=True)
class Evidence:
    """`waves` holds a tally for each wave of the same flow on the same data set, the earliest first: the last run of
    each that was not cancelled, and of this run's wave this run. Where another model's answers are kept apart, they are
    a wave of their own behind it, `2026-12.b`."""

    run: Run
    tally: Tally
    waves: Mapping[str, Tally]
    people: People
    store: Store


def evidence(store: Store, run: Run) -> Evidence:
    """Read all of it. Streams the answers of each wave once."""
    own, told = tally(store, run), dict[str, Tally]()
    for wave, one in waves_of(store, run).items():
        whole = own if one.run_id == run.run_id else tally(store, one)
        apart = {part: tally(store, one, part) for part in (wave, *sorted(whole.apart))} if whole.apart else {}
        told |= apart or {wave: whole}
    return Evidence(run, own, told, people(store, run, own.labels), store)


def waves_of(store: Store, run: Run) -> dict[str, Run]:
    """wave -> its run, the earliest first."""
    found: dict[str, Run] = {}
    for one in store.runs():
        another = same_flow(one, run) and one.wave != run.wave and one.state != "cancelled"
        if one.run_id == run.run_id or another:
            found.pop(one.wave, None)
            found[one.wave] = one
    return found
