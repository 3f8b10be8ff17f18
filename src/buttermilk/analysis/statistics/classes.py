"""Per label: how much of what was given is right (precision), how much of what is there was found (recall)."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from math import fsum
from typing import NamedTuple

from buttermilk.analysis.statistics.estimate import Estimate, Label, Votes
from buttermilk.analysis.statistics.resampling import Counted, Finish, Sums, over_records
from buttermilk.analysis.statistics.voices import rank, shares
from buttermilk.analysis.statistics.wilson import wilson

NEVER_GIVEN = "undefined: never given"
NEVER_THERE = "undefined: no record has it"
Pair = tuple[Label, Votes]


class Class(NamedTuple):
    precision: Estimate
    recall: Estimate
    f1: Estimate


class Classes(NamedTuple):
    """`recall` and `f1` are means over the labels (macro averages); precision has none while a label is never given."""

    by: dict[Label, Class]
    precision: Estimate
    recall: Estimate
    f1: Estimate


def classes(pairs: Iterable[Pair], labels: Sequence[Label], *, draws: int = 1_000, seed: int = 0) -> Classes:
    """Precision tp / (tp + fp) and recall tp / (tp + fn) with Wilson intervals, F1 = 2 tp / (2 tp + fp + fn) with a BCa
    bootstrap over records. A pair is the true label and the answers to it, each repeat a share of one answer.

    Sokolova, M. and Lapalme, G. (2009). A systematic analysis of performance measures for classification tasks.
    Information Processing and Management 45, 427-437; macro F1 is the mean of the F1s (Opitz and Burst 2019)."""
    met = Counter((truth, tuple(sorted(votes, key=rank))) for truth, votes in pairs if votes)
    counted = sorted(met.items(), key=lambda item: (rank(item[0][0]), [*map(rank, item[0][1])]))
    sums = partial(_sums, labels)
    whole = sums(counted)
    intervals = partial(over_records, counted, sums, draws=draws, seed=seed)
    by = {}
    for place, label in enumerate(labels):
        right, given, there = whole[3 * place : 3 * place + 3]
        finish = partial(_f1, place)
        n = int(given + there - right + 1e-9)
        f1 = _estimate(whole, finish, intervals, n) if n else Estimate(None, note=NEVER_THERE)
        by[label] = Class(_share(right, given, NEVER_GIVEN), _share(right, there, NEVER_THERE), f1)
    n = met.total()
    macros = (_estimate(whole, partial(_macro, of), intervals, n) for of in (1, 2, 0))
    precision, recall, f1 = (one if one.value is not None else one._replace(note=NEVER_GIVEN) for one in macros)
    return Classes(by, precision, recall, f1)


def _estimate(
    whole: Sums, finish: Finish, intervals: Callable[..., tuple[float | None, float | None]], n: int
) -> Estimate:
    """Where all is right, or all is wrong, no draw can differ: an interval would be a single point, and a lie."""
    value = finish(whole)
    return (
        Estimate(value, n=n, note="no interval") if value in (0, 1) else Estimate(value, *intervals(finish=finish), n=n)
    )


def _share(right: float, of: float, none: str) -> Estimate:
    """Parts of answers are rounded down to whole ones, so that an interval is rather too wide."""
    n = int(of + 1e-9)
    return wilson(right / of * n, n) if n else Estimate(None, note=none)


def _sums(labels: Sequence[Label], counted: Counted[Pair]) -> list[float]:
    """Of each label: answers that are right, answers that give it, records that have it."""
    right, given, there = ({label: [0.0] for label in labels} for _ in range(3))
    for (truth, votes), times in counted:
        there[truth].append(float(times))
        for label, share in shares(votes).items():
            given[label].append(share * times)
            if label == truth:
                right[label].append(share * times)
    return [fsum(part[label]) for label in labels for part in (right, given, there)]


def _f1(place: int, sums: Sequence[float]) -> float | None:
    right, given, there = sums[3 * place : 3 * place + 3]
    return 2 * right / (given + there) if given + there else None


def _macro(by: int, sums: Sequence[float]) -> float | None:
    """The mean over labels that were given or are there: of F1 (0), precision (1) or recall (2)."""
    found = []
    for place in range(len(sums) // 3):
        right, *rest = sums[3 * place : 3 * place + 3]
        given, there = rest
        whole = (given + there) / 2 if not by else rest[by - 1]
        if by == 2 and not there:
            continue
        if given + there:
            if not whole:
                return None
            found.append(right / whole)
    return fsum(found) / len(found) if found else None
