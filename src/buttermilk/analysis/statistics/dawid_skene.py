"""Dawid and Skene's model: a hidden true label, and for each rater how often it says what in its place."""

from collections.abc import Mapping
from math import exp, fsum, log
from typing import NamedTuple

from buttermilk.analysis.statistics.estimate import Label
from buttermilk.analysis.statistics.latent import LEAST, Answers, Panel, normal, of_logs, panel

FLOOR = 1e-10  # of an expected count or a share: what was never seen is not impossible
Table = list[list[list[float]]]
"""`table[rater][truth][given]`"""

TOO_SURE = (
    "It takes raters to err independently of one another once the true label is given. Models of one family do not, so "
    "it is far too sure of itself, and it can overrule a majority: read it beside the majority."
)


class Classes(NamedTuple):
    """`posterior[record][label]`, `shares[label]`, `confusions[rater][truth][given]`; or a `note` why there are none.

    `log_likelihood` is without the multinomial constant; `rounds` is how many moved it."""

    posterior: Mapping[str, Mapping[Label, float]] = {}
    shares: Mapping[Label, float] = {}
    confusions: Mapping[str, Mapping[Label, Mapping[Label, float]]] = {}
    log_likelihood: float = 0.0
    rounds: int = 0
    note: str = ""


def dawid_skene(answers: Answers, *, rounds: int = 500, tolerance: float = 1e-9, least: int = LEAST) -> Classes:
    """EM from the shares of the answers: p_j = mean of T_ij; π_kjl = Σ_i T_ij n_ikl / Σ_l of it; T_ij ∝ p_j Π π^n.

    Ends where no T would move by more than `tolerance`. Dawid, A. P. and Skene, A. M. (1979). Maximum likelihood
    estimation of observer error-rates using the EM algorithm. Applied Statistics 28, 20-28."""
    given = panel(answers)
    note = given.refusal(least)
    if note:
        return Classes(note=note)
    hidden = [_shares(given, place) for place in range(len(given.rows))]
    prior, table = _maximised(given, hidden)
    fit, taken = 0.0, 0
    while taken < rounds:
        logs = _logs(given, prior, table)
        found = [of_logs(one) for one in logs]
        fit = fsum(times * _whole(one) for one, (_, times) in zip(logs, given.rows, strict=True))
        moved = max(abs(a - b) for one, two in zip(found, hidden, strict=True) for a, b in zip(one, two, strict=True))
        hidden = found
        prior, table = _maximised(given, hidden)
        if moved <= tolerance:
            break
        taken += 1
    named = {
        rater: {truth: dict(zip(given.labels, row, strict=True)) for truth, row in zip(given.labels, rows, strict=True)}
        for rater, rows in zip(given.raters, table, strict=True)
    }
    shares = dict(zip(given.labels, prior, strict=True))
    return Classes(given.by_record(hidden), shares, named, fit, taken)


def _shares(given: Panel, place: int) -> list[float]:
    counts = [0.0] * len(given.labels)
    for _, label, times in given.rows[place][0]:
        counts[label] += times
    return normal(counts)


def _maximised(given: Panel, hidden: list[list[float]]) -> tuple[list[float], Table]:
    """A label that a rater never gave has no part in its table."""
    weights = [times for _, times in given.rows]
    prior = normal([fsum(map(float.__mul__, column, map(float, weights))) for column in zip(*hidden, strict=True)])
    size = len(given.labels)
    seen: dict[tuple[int, int], list[tuple[int, float]]] = {}
    for place, (row, times) in enumerate(given.rows):
        for rater, label, count in row:
            seen.setdefault((rater, label), []).append((place, float(times * count)))
    table = [[[0.0] * size for _ in range(size)] for _ in given.raters]
    for (rater, label), parts in seen.items():
        for truth in range(size):
            table[rater][truth][label] = max(fsum(hidden[place][truth] * times for place, times in parts), FLOOR)
    return [max(one, FLOOR) for one in prior], [[normal(row) for row in rows] for rows in table]


def _logs(given: Panel, prior: list[float], table: Table) -> list[list[float]]:
    known = [[[log(one) if one else 0.0 for one in row] for row in rows] for rows in table]
    start = [log(one) for one in prior]
    return [
        [
            first + fsum(times * known[rater][truth][label] for rater, label, times in row)
            for truth, first in enumerate(start)
        ]
        for row, _ in given.rows
    ]


def _whole(logs: list[float]) -> float:
    most = max(logs)
    return most + log(fsum(exp(one - most) for one in logs))
