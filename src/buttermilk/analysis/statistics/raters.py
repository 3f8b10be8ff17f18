"""What Fleiss' kappa, Gwet's AC1 and Brennan and Prediger's coefficient share: they differ in what chance is."""

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from math import fsum

from buttermilk.analysis.statistics.estimate import NEEDS_TWO, NO_VARIATION, Estimate
from buttermilk.analysis.statistics.resampling import Counted, over_records
from buttermilk.analysis.statistics.voices import Met, Unit, Voices, shares, voices

Expected = Callable[[Sequence[float]], float]
"""From the share of each label, how often two raters would agree by chance."""


def coefficient(units: Iterable[Unit], expected: Expected, draws: int, seed: int) -> Estimate:
    """(p_a - p_e) / (1 - p_e), p_a the mean over records of Σ_k r_ik (r_ik - 1) / (r_i (r_i - 1)), r_ik of the r_i
    raters of record i saying k, and p_e from π_k, the mean over records of r_ik / r_i.

    A record with one rater counts for π alone (Gwet 2014, ch. 2), so gaps are no hindrance. BCa bootstrap over records.
    """
    given = voices(units, least=1)
    left_out = given.left_out + sum(times for met, times in given.patterns if len(met) < 2)
    n = given.records + given.left_out - left_out
    if not n:
        return Estimate(None, left_out=left_out, note=NEEDS_TWO)
    sums, finish = partial(_sums, given), partial(_finish, expected)
    value = finish(sums(given.patterns)) if len(given.labels) > 1 else None
    if value is None:
        return Estimate(None, n=n, left_out=left_out, note=NO_VARIATION, pairs=given.pairs)
    low, high = over_records(given.patterns, sums, finish, draws, seed)
    return Estimate(value, low, high, n, left_out, "one record: no interval" if n == 1 else "", given.pairs)


def _sums(given: Voices, counted: Counted[Met]) -> list[float]:
    """Records with two raters, their agreement, all records, and of each label its shares."""
    labels = {label: place for place, label in enumerate(given.labels)}
    agreed, each = [], [[0.0] for _ in labels]
    for met, times in counted:
        parts = [shares(given.said[voice]) for voice in met]
        together = {label: fsum(part.get(label, 0.0) for part in parts) for part in parts for label in part}
        for label, count in together.items():
            each[labels[label]].append(times * count / len(met))
        same = fsum(count * count for count in together.values()) - fsum(p * p for part in parts for p in part.values())
        if len(met) > 1:
            agreed.append(times * same / (len(met) * (len(met) - 1)))
    paired = sum(times for met, times in counted if len(met) > 1)
    return [float(paired), fsum(agreed), float(sum(times for _, times in counted)), *map(fsum, each)]


def _finish(expected: Expected, sums: Sequence[float]) -> float | None:
    paired, agreed, n, *each = sums
    by_chance = expected([count / n for count in each])
    return None if not paired or by_chance >= 1 - 1e-12 else (agreed / paired - by_chance) / (1 - by_chance)
