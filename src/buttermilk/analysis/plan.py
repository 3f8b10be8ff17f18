"""What a flow declared beforehand about its analysis, and the column of the data set it named."""

from collections import Counter
from collections.abc import Mapping
from typing import NamedTuple

from buttermilk.analysis.evidence import Evidence
from buttermilk.analysis.method import told
from buttermilk.core.flows import Analysis
from buttermilk.core.jobs import Run
from buttermilk.core.people import Registration
from buttermilk.core.values import is_number


class Covariate(NamedTuple):
    """`values[record_id]`: the number in the column, or 1 for the rarer of its two texts and 0 for the other."""

    values: Mapping[str, float]
    said: str


def plan_of(run: Run) -> Analysis:
    """The block `analysis:` of the flow, as it was composed."""
    return Analysis.model_validate(told(run, "analysis"))


def primary(found: Evidence) -> str:
    """The specification that was chosen beforehand: as registered, else as the flow says."""
    registered = found.store.papers(Registration, found.run.flow)
    for paper in sorted(registered, key=lambda one: one.registered_at):
        if isinstance(name := paper.plan.get("primary"), str):
            return name
    return plan_of(found.run).primary


def covariate(found: Evidence, column: str) -> Covariate | str:
    """The column as numbers; or why it cannot be one."""
    chunks = found.store.refs(found.run.dataset_fingerprint)
    records = (one for refs in chunks for one in found.store.records([ref.record_hash for ref in refs]).values())
    given = {one.record_id: one.metadata[column] for one in records if one.metadata.get(column) is not None}
    if not given:
        return f"no record has a column “{column}”."
    numbers = {record_id: float(value) for record_id, value in given.items() if is_number(value)}
    if len(numbers) == len(given):
        return Covariate(numbers, f"“{column}” is taken as a number.")
    counts = Counter(map(str, given.values()))
    if len(counts) != 2:
        return f"the column “{column}” has {len(counts)} different texts; it needs two, or numbers."
    one, other = sorted(counts, key=lambda text: (counts[text], text))
    values = {record_id: float(str(value) == one) for record_id, value in given.items()}
    return Covariate(values, f"“{column}” is 1 for “{one}” and 0 for “{other}”.")
