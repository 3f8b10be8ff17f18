"""Cohen's kappa: agreement of two coders, corrected for what their own habits would give by chance."""

from collections import Counter
from collections.abc import Iterable, Sequence
from functools import partial
from math import fsum
from typing import Literal

from buttermilk.analysis.statistics.estimate import NEEDS_TWO, NO_VARIATION, Estimate, Label, Votes
from buttermilk.analysis.statistics.resampling import Counted, over_records
from buttermilk.analysis.statistics.voices import rank, shares

Weights = Literal["", "linear", "quadratic"]
Pair = tuple[Votes, Votes]


def cohen(
    pairs: Iterable[Pair], order: Sequence[Label] = (), *, weights: Weights = "", draws: int = 1_000, seed: int = 0
) -> Estimate:
    """κ = (p_o - p_e) / (1 - p_e) = 1 - Σ w_ck o_ck / Σ w_ck e_ck, w = 0 or 1, |c - k| or (c - k)² by place in `order`.

    Rows 20, 5 and 10, 15: p_o = .7, p_e = .5, κ = .4. A pair holds what each coder said of a record; repeats share one
    voice. Records that one of them left out are left out. BCa bootstrap over records. Cohen, J. (1960). A coefficient
    of agreement for nominal scales. Educational and Psychological Measurement 20, 37-46; (1968). Weighted kappa.
    Psychological Bulletin 70, 213-220."""
    met = Counter((tuple(sorted(one, key=rank)), tuple(sorted(two, key=rank))) for one, two in pairs)
    kept = {pair: times for pair, times in met.items() if all(pair)}
    left_out, n = met.total() - sum(kept.values()), sum(kept.values())
    if not n:
        return Estimate(None, left_out=left_out, note=NEEDS_TWO)
    counted = sorted(kept.items(), key=lambda item: [list(map(rank, votes)) for votes in item[0]])
    given = sorted({label for pair in kept for votes in pair for label in votes}, key=rank)
    unknown = set(given) - set(order) if order else set()
    if unknown:
        raise ValueError(f"the order of the labels does not name {', '.join(sorted(map(str, unknown)))}")
    place = {label: float(index) for index, label in enumerate(order or given)}
    sums, finish = partial(_sums, place, weights), partial(_finish, len(place), weights)
    value = finish(sums(counted))
    if value is None:
        return Estimate(None, n=n, left_out=left_out, note=NO_VARIATION, pairs=n)
    low, high = over_records(counted, sums, finish, draws, seed)
    return Estimate(value, low, high, n, left_out, "one record: no interval" if n == 1 else "", n)


def _weight(weights: Weights, one: float, two: float) -> float:
    return float(one != two) if not weights else abs(one - two) if weights == "linear" else (one - two) ** 2


def _sums(place: dict[Label, float], weights: Weights, counted: Counted[Pair]) -> list[float]:
    """Records, their weighted disagreement, how often each label was given by the first coder, and by the second."""
    apart, marginals = [], [[0.0] * len(place), [0.0] * len(place)]
    for pair, times in counted:
        first, second = map(shares, pair)
        met = (p * q * _weight(weights, place[a], place[b]) for a, p in first.items() for b, q in second.items())
        apart.append(fsum(met) * times)
        for side, part in zip(marginals, (first, second), strict=True):
            for label, share in part.items():
                side[int(place[label])] += share * times
    return [float(sum(times for _, times in counted)), fsum(apart), *marginals[0], *marginals[1]]


def _finish(size: int, weights: Weights, sums: Sequence[float]) -> float | None:
    n, apart, first, second = sums[0], sums[1], sums[2 : 2 + size], sums[2 + size :]
    expected = fsum(
        p * q * _weight(weights, a, b) for a, p in enumerate(first) if p for b, q in enumerate(second) if q and a != b
    )
    return None if expected <= 1e-12 else 1 - apart * n / expected
