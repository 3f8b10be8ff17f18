"""How a run stands to what was declared before it: the registration, the opening of test labels, the cells of its wave.
Nothing is refused here and nothing is silent: what differs is named, with the reason that somebody wrote for it."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

from buttermilk.analysis.method import told
from buttermilk.core.contracts import Store
from buttermilk.core.hashing import digest, fingerprint
from buttermilk.core.jobs import Run
from buttermilk.core.people import Deviation, Opening, Registration, Sample
from buttermilk.core.registering import Change, cells_of, changes, parts_of
from buttermilk.core.waves import same_flow, same_wave

HERE = Path(__file__).parent


class Opened(NamedTuple):
    """Test labels that were opened before the run, and what has been changed since."""

    opening: Opening
    changes: tuple[Change, ...]


class Standing(NamedTuple):
    """`registration` is the last that was kept before the run began; `late` counts those that came after. A run that is
    planned only has not begun."""

    registration: Registration | None
    late: tuple[Registration, ...]
    changes: tuple[Change, ...]
    opened: tuple[Opened, ...]

    @property
    def differing(self) -> list[Change]:
        """All of it, each once."""
        found = [*self.changes, *(change for one in self.opened for change in one.changes)]
        return list({(one.what, one.now): one for one in found}.values())


def standing(store: Store, run: Run, at: datetime | None = None) -> Standing:
    """Of a run that began at that time; without it, of one that might begin now."""
    kept = store.papers(Registration, run.flow)
    before = [one for one in kept if at is None or one.registered_at <= at]
    now, asked, why = declared(store, run), parts_of(*run.method), reasons(store, run.flow)
    opened = [
        Opened(one, explained(changes(one.locked, asked), why))
        for one in store.papers(Opening, run.dataset)
        if one.flow == run.flow and (at is None or one.opened_at <= at)
    ]
    differ = explained(changes(before[-1].parts, now), why) if before else ()
    return Standing(before[-1] if before else None, tuple(kept[len(before) :]), differ, tuple(opened))


def declared(store: Store, run: Run) -> dict[str, str]:
    """All that a registration holds: what is asked, of which records, which people label, how it is analysed."""
    said, whole, plan = (told(run, name) for name in ("registration", "whole", "analysis"))
    records = f"{whole['records']:,} records, {whole['fingerprint']}" if whole else ""
    return {
        **parts_of(*run.method),
        f"data set {run.dataset}": records or run.dataset_fingerprint,
        **{f"sample {one.name}": one.key for one in store.papers(Sample, run.dataset)},
        **{f"declared {name}": fingerprint(text) for name, text in said.items() if text},
        **{f"analysis, {name}": str(text) for name, text in plan.items() if text},
        "analysis": analysis_version(),
    }


def analysis_version() -> str:
    """`buttermilk 0.1.0, 3f9a1c…`: the package, and a hash of the very code that counts and tests."""
    code = {path.relative_to(HERE).as_posix(): digest(path.read_bytes()) for path in HERE.rglob("*.py")}
    return f"buttermilk {version('buttermilk')}, {fingerprint(code)}"


def reasons(store: Store, flow: str) -> dict[tuple[str, str], str]:
    """What was written down, by what differs and what it was then; the last word counts."""
    papers = store.papers(Deviation, flow)
    return {(what, now): one.why for one in papers for what, now in one.changes.items()}


def explained(found: Iterable[Change], why: Mapping[tuple[str, str], str]) -> tuple[Change, ...]:
    return tuple(one._replace(why=why.get((one.what, one.now), "")) for one in found)


def dropped(store: Store, run: Run) -> tuple[Change, ...]:
    """Cells that other runs of this wave have asked and this one has not: `before` names such a run."""
    own, found = cells_of(*run.method), dict[str, str]()
    for other in store.runs():
        if other.run_id != run.run_id and same_wave(run, other) and (left := cells_of(*other.method) - own):
            asked = tuple(f"{step}: {agent}@" for step, agent, _ in store.counts(other.run_id))
            found |= {cell: other.run_id for cell in left if cell.startswith(asked)}
    gone = (Change(f"cell {cell}", run_id, "") for cell, run_id in sorted(found.items()))
    return explained(gone, reasons(store, run.flow))


def other_wave(store: Store, run: Run) -> tuple[Run, list[Change]] | None:
    """The last run of another wave of the flow, and how its method differs."""
    others = [one for one in store.runs() if same_flow(one, run) and one.wave != run.wave and one.state != "cancelled"]
    return (others[-1], changes(parts_of(*others[-1].method), parts_of(*run.method))) if others else None
