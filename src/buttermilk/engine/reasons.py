"""Why a planned job is not answered yet: which of its ingredients changed since it was last asked."""

from collections import Counter
from collections.abc import Iterable, Sequence

from buttermilk.core.contracts import Store
from buttermilk.core.jobs import Cell
from buttermilk.engine.plan import Planned

# In the order in which people want to hear them; the first that differs is the reason.
INGREDIENTS = (
    ("agent_hash", "model changed"),
    ("prompt_hash", "prompt changed"),
    ("perspective_hash", "criteria changed"),
    ("codebook_hash", "codebook changed"),
    ("seed", "seed changed"),
    ("wave", "new wave"),
)
# What makes two askings the same place in the grid, whatever they were made of.
PLACE = ("agent", "prompt", "perspective", "variant", "arm")


def reasons(store: Store, step: str, missing: Sequence[Planned]) -> Counter[str]:
    """`Counter({"record changed": 24, "new repeat": 200})` for planned jobs that are not stored."""
    by_record: dict[str, list[tuple[Cell, str, int]]] = {}
    for cell, record_id, seen_hash, repeat in store.similar(step, sorted({job.ref.record_id for job in missing})):
        by_record.setdefault(record_id, []).append((cell, seen_hash, repeat))
    return Counter(_reason(job, by_record.get(job.ref.record_id, [])) for job in missing)


def _reason(job: Planned, asked: Iterable[tuple[Cell, str, int]]) -> str:
    """The nearest earlier asking says it best: fewest differences first."""
    cell = job.plan.cell
    same_place = [item for item in asked if all(getattr(item[0], name) == getattr(cell, name) for name in PLACE)]
    if not same_place:
        return "not asked yet"
    return min((_difference(job, cell, *item) for item in same_place), key=lambda found: (found[0], found[1]))[1]


def _difference(job: Planned, cell: Cell, old: Cell, seen_hash: str, repeat: int) -> tuple[int, str]:
    changed = [words for name, words in INGREDIENTS if getattr(old, name) != getattr(cell, name)]
    if seen_hash != job.ref.seen_hash:
        changed.insert(0, "record changed")
    new_repeat = repeat != job.repeat
    if not changed:
        return (1, "new repeat") if new_repeat else (0, "what it reads changed")
    return len(changed) + 2 * new_repeat, changed[0]
