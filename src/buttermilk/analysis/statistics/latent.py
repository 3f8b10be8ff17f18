"""What models of a hidden true label share: the answers of a panel, records answered alike counted once."""

from collections import Counter
from collections.abc import Mapping
from math import exp, fsum
from typing import NamedTuple

from buttermilk.analysis.statistics.estimate import Label, Votes
from buttermilk.analysis.statistics.voices import rank

Answers = Mapping[str, Mapping[str, Votes]]
"""`{"v001": {"ana": ("glad",), "bert": ("sad", "glad")}}`: each repeat is an answer of its own."""
Row = tuple[tuple[int, int, int], ...]
"""Who said what how often: (rater, label, times)."""

LEAST = 30
TOO_FEW = f"refused: fewer than {LEAST} records are too few to learn from answers alone how far each rater is right"
NEEDS_THREE = "refused: with fewer than three raters it cannot be told who of those who differ is right"


class Panel(NamedTuple):
    """`rows` are the different ways in which records were answered, `of` which of them each record was."""

    labels: list[Label]
    raters: list[str]
    rows: list[tuple[Row, int]]
    of: dict[str, int]

    def refusal(self, least: int) -> str:
        return TOO_FEW if len(self.of) < least else NEEDS_THREE if len(self.raters) < 3 else ""

    def by_record(self, shares: list[list[float]]) -> dict[str, dict[Label, float]]:
        return {record: dict(zip(self.labels, shares[place], strict=True)) for record, place in self.of.items()}


def panel(answers: Answers) -> Panel:
    raters = sorted({rater for given in answers.values() for rater, votes in given.items() if votes})
    labels = sorted({label for given in answers.values() for votes in given.values() for label in votes}, key=rank)
    rater_place, label_place = ({name: at for at, name in enumerate(names)} for names in (raters, labels))
    rows: dict[str, Row] = {}
    for record in sorted(answers):
        said = ((rater, label) for rater, votes in answers[record].items() for label in votes)
        counts = Counter((rater_place[rater], label_place[label]) for rater, label in said)
        if counts:
            rows[record] = tuple((*key, times) for key, times in sorted(counts.items()))
    counted = sorted(Counter(rows.values()).items())
    place = {row: at for at, (row, _) in enumerate(counted)}
    return Panel(labels, raters, counted, {record: place[row] for record, row in rows.items()})


def normal(weights: list[float]) -> list[float]:
    whole = fsum(weights)
    return [weight / whole for weight in weights]


def of_logs(logs: list[float]) -> list[float]:
    """Shares from their logarithms, which may be far below what a number can hold."""
    most = max(logs)
    return normal([exp(one - most) for one in logs])
