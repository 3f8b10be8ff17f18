"""What being shown earlier answers did to right and wrong ones."""

from collections.abc import Iterable
from math import fsum
from typing import NamedTuple

from buttermilk.analysis.statistics.estimate import Label, Votes


class Revisions(NamedTuple):
    """Shares of answers: `beneficial` from wrong to right, `harmful` from right to wrong, `neutral` from one wrong
    answer to another; the rest is the same. `n` cells were compared."""

    beneficial: float = 0.0
    harmful: float = 0.0
    neutral: float = 0.0
    n: int = 0

    @property
    def same(self) -> float:
        return 1 - self.beneficial - self.harmful - self.neutral


def revisions(cells: Iterable[tuple[Label, Votes, Votes]]) -> Revisions:
    """A cell holds what is right, the answers without, and those with what was shown; each of the first is set beside
    each of the second, since no repeat belongs to another.

    So answers that merely wobble are revised as well, as often for the better as for the worse where nothing was
    gained: it is beneficial less harmful that counts. METHODS 1.5."""
    found = []
    for truth, before, after in cells:
        if before and after:
            was, now = before.count(truth) / len(before), after.count(truth) / len(after)
            both = sum(before.count(label) * after.count(label) for label in {*before, *after})
            same = both / (len(before) * len(after))
            found.append(((1 - was) * now, was * (1 - now), 1 - same - (1 - was) * now - was * (1 - now)))
    if not found:
        return Revisions()
    better, worse, other = (max(0.0, fsum(column) / len(found)) for column in zip(*found, strict=True))
    return Revisions(better, worse, other, len(found))
