"""What is told before anybody is asked: how a flow stands to what was declared of it, and to its other waves."""

from collections.abc import Iterator, Sequence

from buttermilk.analysis.registered import Standing, other_wave, standing
from buttermilk.core.errors import ConfigError
from buttermilk.core.jobs import Run
from buttermilk.core.people import Registration
from buttermilk.core.registering import Change, said
from buttermilk.study.opening import Study

Other = tuple[Run, list[Change]] | None


def notices(study: Study, run: Run, *, asking: bool = False) -> tuple[str, tuple[str, ...]]:
    """How the flow stands to what was declared, in a line, and what is to be told before anything is asked. Where it is
    about to be asked, a frozen flow that is another in another wave is refused, unless somebody has said why."""
    stands, other = standing(study.store, run), other_wave(study.store, run)
    if asking:
        _check(run, stands, other)
    held = stands.registration
    line = f"as registered on {_when(held)}" if held and not stands.changes else ""
    return line, tuple(_told(run, stands, other))


def _when(held: Registration) -> str:
    return f"{held.registered_at:%Y-%m-%d} ({held.key[:6]})"


def _told(run: Run, stands: Standing, other: Other) -> Iterator[str]:
    if stands.registration and stands.changes:
        yield _block(f"not as registered on {_when(stands.registration)}", stands.changes, "registered")
    for one in stands.opened:
        if one.changes:
            opened = f"test labels of the sample {one.opening.sample} were opened on {one.opening.opened_at:%Y-%m-%d}"
            yield _block(f"{opened}, and since then has changed", one.changes, "locked")
    if any(not one.why for one in stands.differing):
        yield f"to give the reason, which the report prints: buttermilk freeze {run.flow} --deviation 'WHY'"
    if other and other[1]:
        asked = f"wave {run.wave} is asked otherwise than wave {other[0].wave} (run {other[0].run_id})"
        yield _block(f"{asked}; what differs between them may be the method", other[1], "before")


def _block(head: str, differ: Sequence[Change], before: str) -> str:
    lines = (f"    {said(one, before)}{f'   (because: {one.why})' if one.why else ''}" for one in differ)
    return "\n".join((f"{head}:", *lines))


def _check(run: Run, stands: Standing, other: Other) -> None:
    moved = {one.what for one in other[1]} if other else set()
    left = [one for one in stands.changes if one.what in moved and not one.why]
    if stands.registration and other and left:
        freeze = f"buttermilk freeze {run.flow}"
        told = f"wave {run.wave} would be asked otherwise than wave {other[0].wave}"
        told = f"{told}, and than was registered on {_when(stands.registration)}."
        hint = f"Say why: {freeze} --deviation 'WHY'   or register it anew: {freeze}"
        raise ConfigError(told, where="\n".join(said(one) for one in left), hint=hint)
