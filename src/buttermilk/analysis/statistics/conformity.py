"""How far those who are shown earlier answers come round to them, beyond what they would have said anyway."""

from collections.abc import Iterable, Sequence
from math import fsum
from random import Random
from typing import NamedTuple

from buttermilk.analysis.statistics.bootstrap import GROUPS, expanded
from buttermilk.analysis.statistics.estimate import NO_VARIATION, NOTHING, Estimate, Votes
from buttermilk.analysis.statistics.majority import modal
from buttermilk.analysis.statistics.paired import paired
from buttermilk.core.hashing import derive_seed


class Shown(NamedTuple):
    """One cell of both arms: the earlier answers that were shown, what was answered then, and what without them."""

    priors: Votes
    swayed: Votes
    control: Votes


def conformity(records: Iterable[Sequence[Shown]], *, seed: int) -> Estimate:
    """P(answer = modal prior | priors shown) - P(answer = modal prior | control), with a bootstrap over records.

    A record has one or several cells, which count alike. Cells whose priors have no single commonest answer are left
    out: they point nowhere. 0 is no conformity; whoever copies always gives 1 less what the control arm says by itself.
    Asch, S. E. (1956). Studies of independence and conformity. Psychological Monographs 70(9), 1-70; METHODS 1.5."""
    units, left_out = [], 0
    for cells in records:
        hits = []
        for cell in cells:
            modes = modal(cell.priors)
            if len(modes) != 1 or not cell.swayed or not cell.control:
                left_out += 1
                continue
            hits.append([side.count(modes[0]) / len(side) for side in (cell.control, cell.swayed)])
        if hits:
            units.append(([without for without, _ in hits], [beside for _, beside in hits]))
    return paired(units, seed=derive_seed(seed, "conformity"))._replace(left_out=left_out)


def anchoring(records: Iterable[Sequence[Shown]], *, seed: int, draws: int = 1_000) -> Estimate:
    """Of numbers: the slope of the answer on the mean prior, less its slope without priors; a bootstrap over records.

    Both slopes have the same x, so it is the slope of the difference of the two mean answers, by least squares: 0 is no
    anchoring, 1 is following the anchor point by point. Tversky, A. and Kahneman, D. (1974). Judgment under
    uncertainty: heuristics and biases. Science 185, 1124-1131; as an index of slopes Jacowitz, K. E. and Kahneman, D.
    (1995). Measures of anchoring in estimation tasks. Personality and Social Psychology Bulletin 21, 1161-1166."""
    rows, left_out = [], 0
    for cells in records:
        points = [tuple(map(_mean, cell)) for cell in cells if all(_numbers(votes) for votes in cell)]
        left_out += len(cells) - len(points)
        if points:
            rows.append([fsum(column) / len(points) for column in zip(*map(_sums, points), strict=True)])
    if not rows:
        return Estimate(None, left_out=left_out, note=NOTHING)
    value = _slope(rows)
    if value is None:
        return Estimate(None, n=len(rows), left_out=left_out, note=NO_VARIATION)
    random = Random(derive_seed(seed, "anchoring"))  # noqa: S311 - a draw that must come out the same again
    rows.sort()
    random.shuffle(rows)
    parts = [[fsum(column) for column in zip(*rows[start::GROUPS], strict=True)] for start in range(GROUPS)]
    parts = rows if len(rows) <= GROUPS else parts
    slopes = [slope for _ in range(draws) if (slope := _slope(random.choices(parts, k=len(parts)))) is not None]
    if len(slopes) < 2 or len(parts) < 3:
        return Estimate(value, n=len(rows), left_out=left_out, note="too few records: no interval")
    return Estimate(value, *expanded(slopes, len(parts)), len(rows), left_out)


def _numbers(votes: Votes) -> list[float]:
    return [label for label in votes if isinstance(label, int | float)]


def _mean(votes: Votes) -> float:
    return fsum(_numbers(votes)) / len(_numbers(votes))


def _sums(point: tuple[float, ...]) -> tuple[float, ...]:
    anchor, swayed, control = point
    return 1.0, anchor, swayed - control, anchor * anchor, anchor * (swayed - control)


def _slope(rows: Sequence[Sequence[float]]) -> float | None:
    n, x, y, xx, xy = (fsum(column) for column in zip(*rows, strict=True))
    spread = n * xx - x * x
    return None if spread <= 1e-9 * max(1.0, n * xx) else (n * xy - x * y) / spread
