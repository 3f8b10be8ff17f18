"""Variance components: how much of the variance of answers is records, how much agents, how much mere chance."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from itertools import combinations
from math import fsum, prod
from typing import NamedTuple

from buttermilk.analysis.statistics import restricted_likelihood
from buttermilk.analysis.statistics.estimate import NO_VARIATION

Effect = tuple[str, ...]
"""`("record",)`, `("agent",)`, `("record", "agent")`: the record's own reading by an agent; `("run",)` is what remains
when the same cell is asked again."""

Columns = Sequence[tuple[str, ...]]
"""Who answered: a level of each facet, `("gpt", "tja")`."""

Unit = Sequence[Sequence[float]]
"""One record's answers in numbers, by column: `((1, 1, 0), (0,), ())`; empty where there was none."""

RECORD, RUN = ("record",), ("run",)
NEEDS_RECORDS = "undefined: needs two records with more than one answer each"


class Components(NamedTuple):
    """`parts[("record",)]` is a variance; `levels["agent"]` the number of levels it was estimated from."""

    parts: Mapping[Effect, float]
    levels: Mapping[str, int]
    n: int
    left_out: int = 0
    how: str = ""
    note: str = ""

    @property
    def total(self) -> float:
        return fsum(self.parts.values())

    def share(self, effect: Effect) -> float:
        return self.parts[effect] / self.total


def components(facets: Sequence[str], columns: Columns, units: Sequence[Unit]) -> Components:
    """y = μ + record + each facet + all their interactions + run-to-run residual, every effect random.

    Where each record has as many answers in each cell of fully crossed facets, from mean squares: E MS(S) = σ²(run) +
    Σ over T ⊇ S of c(T) σ²(T), solved for each σ² (c: answers per level; what comes out below nought is nought).
    Else by restricted maximum likelihood. Without repeats the highest interaction cannot be told from the residual.

    Brennan, R. L. (2001). Generalizability Theory, ch. 3 and 7. Shrout and Fleiss's six targets by four judges have
    2.556 (record), 5.244 (judge), 1.019 (residual): Psychological Bulletin 86 (1979), 420-428."""
    kept = [unit for unit in units if any(unit)]
    left_out = len(units) - len(kept)
    levels = {facet: len({column[place] for column in columns}) for place, facet in enumerate(facets)}
    varied = tuple(facet for facet in facets if levels[facet] > 1)
    places = [facets.index(facet) for facet in varied]
    lean = [tuple(column[place] for place in places) for column in columns]
    if len(kept) < 2 or all(sum(map(len, unit)) < 2 for unit in kept):
        return Components({}, levels, len(kept), left_out, note=NEEDS_RECORDS)
    if len({value for unit in kept for votes in unit for value in votes}) == 1:
        return Components({}, levels, len(kept), left_out, note=NO_VARIATION)
    times = len(kept[0][0])
    if times and _balanced(lean, kept, times):
        parts, how = _mean_squares(varied, lean, kept, times), "mean squares"
    elif not restricted_likelihood.READY:
        return Components({}, levels, len(kept), left_out, note=restricted_likelihood.NEEDS_NUMPY)
    else:
        parts, how = restricted_likelihood.restricted_likelihood(varied, lean, kept).parts, "REML"
    if not fsum(parts.values()):
        return Components({}, levels, len(kept), left_out, note=NO_VARIATION)
    return Components(parts, levels, len(kept), left_out, how)


def subsets(facets: Effect) -> list[Effect]:
    """`()`, `("agent",)`, …, the smaller first."""
    return [part for size in range(len(facets) + 1) for part in combinations(facets, size)]


def _balanced(columns: Columns, units: Sequence[Unit], times: int) -> bool:
    crossed = len(set(columns)) == len(columns) == prod(len(set(levels)) for levels in zip(*columns, strict=True))
    return crossed and all(len(votes) == times for unit in units for votes in unit)


def _mean_squares(facets: Effect, columns: Columns, units: Sequence[Unit], times: int) -> dict[Effect, float]:
    whole = RECORD + facets
    sizes = {facet: len({column[place] for column in columns}) for place, facet in enumerate(facets)}
    sizes["record"] = len(units)
    effects, answers = subsets(whole), len(units) * len(columns) * times
    sums = [[fsum(votes) for votes in unit] for unit in units]
    raw = {
        effect: _raw(effect, facets, columns, sums) * prod(sizes[one] for one in effect) / answers for effect in effects
    }
    squares = {}
    for effect in effects[1:]:
        signed = ((-1) ** (len(effect) - len(part)) * raw[part] for part in subsets(effect))
        squares[effect] = fsum(signed) / prod(sizes[one] - 1 for one in effect)
    if times > 1:
        within = fsum(value * value for unit in units for votes in unit for value in votes) - raw[whole]
        run = within / (len(units) * len(columns) * (times - 1))
    else:
        run = squares[whole]
    parts = {}
    for effect in effects[1:]:
        above = [other for other in effects if set(other) >= set(effect)]
        found = fsum((-1) ** (len(other) - len(effect)) * squares[other] for other in above)
        if effect == whole:
            found -= run
        if effect != whole or times > 1:
            parts[effect] = max(found * prod(sizes[one] for one in effect) / answers, 0.0)
    return parts | {RUN: max(run, 0.0)}


def _raw(effect: Effect, facets: Effect, columns: Columns, sums: Sequence[Sequence[float]]) -> float:
    """Σ over the levels of an effect of their squared sums; the caller divides by the answers per level."""
    places = [facets.index(one) for one in effect if one != "record"]
    groups: dict[tuple[str, ...], list[int]] = defaultdict(list)
    for index, column in enumerate(columns):
        groups[tuple(column[place] for place in places)].append(index)
    rows = sums if "record" in effect else [[fsum(column) for column in zip(*sums, strict=True)]]
    return fsum(fsum(row[index] for index in group) ** 2 for row in rows for group in groups.values())


def added(found: Sequence[Components]) -> Components:
    """Over the labels of one question: Σ of the components of each label's *has it* (1) or *has not* (0)."""
    known = [one for one in found if one.parts]
    if not known:
        return found[0]
    parts: Counter[Effect] = Counter()
    for one in known:
        parts.update(one.parts)
    return known[0]._replace(parts=dict(parts), how=" and ".join(sorted({one.how for one in known})))


def dependability(
    parts: Mapping[Effect, float], sizes: Mapping[str, int], fixed: Sequence[str] = ()
) -> tuple[float, float]:
    """Eρ² = τ / (τ + δ) and Φ = τ / (τ + Δ), the D-study: how well the mean of so many answers tells records apart.

    `sizes` says how many levels of each facet, and runs of each cell, are averaged. δ sums each record × facet variance
    over the number of levels, Δ the facets' own as well. A `fixed` facet stands for itself: its levels are no sample,
    so what it does to records belongs to τ. Brennan (2001), ch. 4. One judge of Shrout and Fleiss: .715 and .290; four:
    .909 and .620; eight: .953 and .765."""
    true, relative, absolute = [], [], []
    for effect, variance in parts.items():
        over = [one for one in effect if one != "record"] if effect != RUN else list(sizes)
        share = variance / prod(sizes.get(one, 1) for one in over)
        if "record" in effect and set(over) <= set(fixed):
            true.append(share)
        elif "record" in effect or effect == RUN:
            relative.append(share)
        elif not set(over) <= set(fixed):
            absolute.append(share)
    score, delta = fsum(true), fsum(relative)
    whole = score + delta + fsum(absolute)
    return (score / (score + delta) if score else 0.0), (score / whole if score else 0.0)
