"""Krippendorff's alpha: agreement corrected for chance, for any number of coders, with gaps, at four levels."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from itertools import groupby
from random import Random
from typing import Literal

from buttermilk.analysis.statistics.estimate import NEEDS_TWO, NO_VARIATION, Estimate, Label, Votes, middle

Measured = Literal["nominal", "ordinal", "interval", "ratio"]
Unit = Sequence[Votes]
Sums = list[float]
"""What alpha needs to know of a record, so that the sums of many records give alpha: disagreement, then marginals."""

GROUPS = 500  # most units a bootstrap draws from: beyond that, random groups of records are drawn whole
WORK = 1_000_000  # most additions and draws of one bootstrap, about
MERGED = 24  # most distinct values a ratio scale keeps


def alpha(
    units: Iterable[Unit],
    level: Measured = "nominal",
    order: Sequence[Label] = (),
    *,
    draws: int = 1_000,
    seed: int = 0,
) -> Estimate:
    """alpha = 1 - D_o / D_e over the coincidences o_ck = Σ_u n_u(ck) / (m_u - 1) of the pairable values.

    D_o = Σ o_ck δ²(c, k) / n and D_e = Σ n_c n_k δ²(c, k) / (n (n - 1)). δ² is 0 or 1 (nominal), the squared number of
    values ranked between (ordinal; `order` ranks them), (c - k)² (interval), ((c - k) / (c + k))² (ratio).

    A unit holds, for one record, each coder's votes. A coder who was asked repeatedly has one voice, shared among its
    answers; coincidences are counted between coders only. With one answer per coder this is the published statistic.

    The interval is a percentile bootstrap over records, seeded, of at most `draws` draws (at least 200). Krippendorff,
    K. (2019). Content Analysis, 4th ed., ch. 12; Hayes, A. F. and Krippendorff, K. (2007). Answering the call for a
    standard reliability measure for coding data. Communication Methods and Measures 1, 77-89.
    """
    paired, left_out = _pairable(units, level)
    if not paired:
        return Estimate(None, left_out=left_out, note=NEEDS_TWO)
    if level == "ratio":
        paired = _merge(paired)
    values = _values(paired, level, order)
    describe, finish = _level(level, values)
    known = {unit: describe(unit) for unit in dict.fromkeys(paired)}
    columns = [known[unit] for unit in paired]
    pairs = sum(len(unit) * (len(unit) - 1) // 2 for unit in paired)
    value = finish([sum(column) for column in zip(*columns, strict=True)])
    if value is None:
        return Estimate(None, n=len(paired), left_out=left_out, note=NO_VARIATION, pairs=pairs)
    low, high = _bootstrap(columns, finish, draws, seed)
    note = "one record: no interval" if low is None else ""
    return Estimate(value, low, high, len(paired), left_out, note, pairs)


def _pairable(units: Iterable[Unit], level: Measured) -> tuple[list[Unit], int]:
    """Records that at least two coders answered; on a scale, *does not apply* is no value."""
    paired: list[Unit] = []
    left_out = 0
    for unit in units:
        if level == "nominal":
            voices = tuple(votes for votes in unit if votes)
        else:
            kept = (tuple(label for label in votes if label is not None) for votes in unit)
            voices = tuple(votes for votes in kept if votes)
        if len(voices) < 2:
            left_out += 1
        else:
            paired.append(voices)
    return paired, left_out


def _values(paired: Iterable[Unit], level: Measured, order: Sequence[Label]) -> list[Label]:
    """The values that were given, in their order where there is one. One that `order` does not name is an error."""
    given = {label for unit in paired for votes in unit for label in votes}
    if level == "ordinal" and order:
        unknown = given - set(order)
        if unknown:
            raise ValueError(f"the order of the labels does not name {', '.join(sorted(map(str, unknown)))}")
        return [label for label in order if label in given]
    return sorted(given, key=_rank)


def _rank(label: Label) -> tuple[int, float, str]:
    """Numbers by size, then names by letter, then *does not apply*."""
    if label is None:
        return 2, 0.0, ""
    return (1, 0.0, label) if isinstance(label, str) else (0, label, "")


def _merge(paired: list[Unit]) -> list[Unit]:
    """At most MERGED distinct values: neighbours are replaced by their mean, or the sums of a ratio scale explode."""
    counts = Counter(_number(label) for unit in paired for votes in unit for label in votes)
    if len(counts) <= MERGED:
        return paired
    total, seen, groups = sum(counts.values()), 0, []
    for value in sorted(counts):
        groups.append((seen * MERGED // total, value))
        seen += counts[value]
    mean: dict[float, float] = {}
    for _, members in groupby(groups, key=lambda pair: pair[0]):
        near = [value for _, value in members]
        weight = sum(counts[value] for value in near)
        mean |= dict.fromkeys(near, sum(value * counts[value] for value in near) / weight)
    return [tuple(tuple(mean[_number(label)] for label in votes) for votes in unit) for unit in paired]


def _number(label: Label) -> float:
    if label is None or isinstance(label, str):
        raise ValueError(f"{label!r} is not a number, and the question is measured in numbers")
    return label


# ---- the four levels: what to sum over records, and alpha from the sums

Describe = Callable[[Unit], Sums]
Finish = Callable[[Sums], float | None]


def _level(level: Measured, values: Sequence[Label]) -> tuple[Describe, Finish]:
    place = {value: index for index, value in enumerate(values)}
    if level == "nominal":
        return partial(_nominal, place), _finish_nominal
    if level == "interval":
        return _interval, _finish_interval
    if level == "ordinal":
        return partial(_coincidences, place), partial(_finish_ordinal, len(values))
    metric = [[_ratio_distance(_number(one), _number(two)) for two in values] for one in values]
    return partial(_ratio, place, metric), partial(_finish_ratio, metric)


def _shares(place: dict[Label, int], unit: Unit) -> list[list[float]]:
    """One row per coder: the share of its answers that each value has."""
    rows = []
    for votes in unit:
        row = [0.0] * len(place)
        for label in votes:
            row[place[label]] += 1 / len(votes)
        rows.append(row)
    return rows


def _nominal(place: dict[Label, int], unit: Unit) -> Sums:
    rows = _shares(place, unit)
    marginals = [sum(column) for column in zip(*rows, strict=True)]
    same = sum(total * total for total in marginals) - sum(share * share for row in rows for share in row)
    return [len(unit) - same / (len(unit) - 1), *marginals]


def _finish_nominal(sums: Sums) -> float | None:
    disagreement, *marginals = sums
    n = sum(marginals)
    return _one_minus(disagreement / n, (n * n - sum(total * total for total in marginals)) / (n * (n - 1)))


def _interval(unit: Unit) -> Sums:
    """Squared differences need only each coder's mean and mean square."""
    means = [sum(map(_number, votes)) / len(votes) for votes in unit]
    squares = [sum(_number(label) ** 2 for label in votes) / len(votes) for votes in unit]
    others = len(unit) - 1
    between = 2 * others * sum(squares) - 2 * (sum(means) ** 2 - sum(mean * mean for mean in means))
    return [between / others, len(unit), sum(means), sum(squares)]


def _finish_interval(sums: Sums) -> float | None:
    disagreement, n, total, squares = sums
    return _one_minus(disagreement / n, 2 * (n * squares - total * total) / (n * (n - 1)))


def _coincidences(place: dict[Label, int], unit: Unit) -> Sums:
    """The whole matrix, row by row: an ordinal distance depends on how often each value was given in all."""
    rows = _shares(place, unit)
    size, others = len(place), len(unit) - 1
    marginals = [sum(column) for column in zip(*rows, strict=True)]
    return [
        (marginals[one] * marginals[two] - sum(row[one] * row[two] for row in rows)) / others
        for one in range(size)
        for two in range(size)
    ]


def _finish_ordinal(size: int, sums: Sums) -> float | None:
    matrix = [sums[row * size : (row + 1) * size] for row in range(size)]
    marginals = [sum(row) for row in matrix]
    n, observed, expected = sum(marginals), 0.0, 0.0
    for one in range(size):
        passed = marginals[one] / 2
        for two in range(one + 1, size):
            distance = (passed + marginals[two] / 2) ** 2
            passed += marginals[two]
            observed += 2 * matrix[one][two] * distance
            expected += 2 * marginals[one] * marginals[two] * distance
    return _one_minus(observed / n, expected / (n * (n - 1)))


def _ratio_distance(one: float, two: float) -> float:
    if one < 0 or two < 0:
        raise ValueError("a ratio scale starts at nought and knows no negative numbers")
    return 0.0 if one == two else ((one - two) / (one + two)) ** 2


def _ratio(place: dict[Label, int], metric: Sequence[Sequence[float]], unit: Unit) -> Sums:
    rows = [[(index, share) for index, share in enumerate(row) if share] for row in _shares(place, unit)]
    apart = 0.0
    for index, row in enumerate(rows):
        for other in rows[index + 1 :]:
            apart += 2 * sum(a * b * metric[one][two] for one, a in row for two, b in other)
    marginals = [0.0] * len(place)
    for row in rows:
        for index, share in row:
            marginals[index] += share
    return [apart / (len(unit) - 1), *marginals]


def _finish_ratio(metric: Sequence[Sequence[float]], sums: Sums) -> float | None:
    disagreement, *marginals = sums
    n = sum(marginals)
    expected = sum(
        total * other * distance
        for total, row in zip(marginals, metric, strict=True)
        if total
        for other, distance in zip(marginals, row, strict=True)
    )
    return _one_minus(disagreement / n, expected / (n * (n - 1)))


def _one_minus(observed: float, expected: float) -> float | None:
    """None where there is nothing to disagree about: agreement without variation says nothing."""
    return None if expected <= 1e-12 else 1 - observed / expected


# ---- the interval


def _bootstrap(units: list[Sums], finish: Finish, draws: int, seed: int) -> tuple[float | None, float | None]:
    if len(units) < 2:
        return None, None
    random = Random(seed)  # noqa: S311 - a draw that must come out the same again, not a secret
    drawn = _grouped(units, random)
    columns = list(zip(*drawn, strict=True))
    count = max(200, min(draws, WORK // (len(drawn) * (len(columns) + 3))))
    values = []
    for _ in range(count):
        picks = random.choices(range(len(drawn)), k=len(drawn))
        value = finish([sum(map(column.__getitem__, picks)) for column in columns])
        if value is not None:
            values.append(value)
    return middle(values) if values else (None, None)


def _grouped(units: list[Sums], random: Random) -> list[Sums]:
    """No more than GROUPS: many records are dealt at random into groups of equal size, whose sums are drawn instead."""
    if len(units) <= GROUPS:
        return units
    dealt = units[:]
    random.shuffle(dealt)
    return [[sum(column) for column in zip(*dealt[start::GROUPS], strict=True)] for start in range(GROUPS)]
