"""Krippendorff's alpha: agreement corrected for chance, for any number of coders, with gaps, at four levels."""

from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache, partial
from itertools import combinations
from math import exp, fsum, log, sqrt
from typing import Literal, NamedTuple

from buttermilk.analysis.statistics.estimate import NEEDS_TWO, NO_VARIATION, Estimate, Label, Votes
from buttermilk.analysis.statistics.resampling import over_records
from buttermilk.analysis.statistics.voices import Met, Unit, Voices, shares, voices
from buttermilk.analysis.statistics.wilson import wilson

Measured = Literal["nominal", "ordinal", "interval", "ratio"]

STEP = 0.3  # between the points of an integral over log t, whose error is about e^(-π² / STEP)
ONE_MIND = "no record divided the coders: the lower end allows for records that might have"


def alpha(
    units: Iterable[Unit] | Voices,
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

    The interval is a BCa bootstrap over records, seeded, of at most `draws` draws (at least 200; 0 for none), in which
    ordinal distances stay as they are. Where no record divides the coders it ends at the Wilson bound of the share of
    undivided records, which is alpha if the others were answered at random. Krippendorff, K. (2019). Content Analysis,
    4th ed., ch. 12; Hayes, A. F. and Krippendorff, K. (2007). Answering the call for a standard reliability measure for
    coding data. Communication Methods and Measures 1, 77-89."""
    given = voices(units, applies=level != "nominal")
    n, pairs = given.records, given.pairs
    if not n:
        return Estimate(None, left_out=given.left_out, note=NEEDS_TWO)
    scale = _scale(given, level, order)
    if len(given.labels) < 2:
        return Estimate(None, n=n, left_out=given.left_out, note=NO_VARIATION, pairs=pairs)
    if all(len({label for place in met for label in given.said[place]}) == 1 for met, _ in given.patterns):
        return Estimate(1.0, wilson(n, n).low, 1.0, n, given.left_out, ONE_MIND, pairs)
    apart = {met: scale.apart(met) for met, _ in given.patterns}
    sums = partial(_sums, scale, apart)
    low, high = over_records(given.patterns, sums, _finish, draws, seed)
    note = "one record: no interval" if n == 1 else ""
    return Estimate(_finish(sums(given.patterns)), low, high, n, given.left_out, note, pairs)


class Scale(NamedTuple):
    """A level as a geometry: δ²(v, w) = (q_v + q_w) / 2 - f_v · f_w between two voices, for their `squares` q and
    `features` f. So D_e needs but their sums, n Σ q - |Σ f|², whatever the number of values. `apart` sums δ² over the
    pairs of voices that met on a record, each counted twice, divided by m - 1."""

    squares: list[float]
    features: list[list[float]]
    apart: Callable[[Met], float]


def _scale(given: Voices, level: Measured, order: Sequence[Label]) -> Scale:
    if level == "nominal":
        return _nominal(given)
    if level == "ordinal":
        return _interval(given.said, _ranks(given, order))
    numbers = {label: _number(label) for label in given.labels}
    if level == "interval":
        middle = fsum(numbers.values()) / max(len(numbers), 1)
        return _interval(given.said, {label: number - middle for label, number in numbers.items()})
    return _ratio(given.said, numbers)


def _sums(scale: Scale, apart: dict[Met, float], patterns: Sequence[tuple[Met, int]]) -> list[float]:
    """Disagreement, number of voices, Σ q, Σ f: added without errors of rounding, so that order is no matter."""
    heard = Voices([], list(patterns), 0).heard
    sums = [fsum(apart[met] * times for met, times in patterns), float(heard.total())]
    sums.append(fsum(scale.squares[place] * times for place, times in heard.items()))
    columns = zip(*(scale.features[place] for place in heard), strict=True)
    return sums + [fsum(map(float.__mul__, column, map(float, heard.values()))) for column in columns]


def _finish(sums: Sequence[float]) -> float | None:
    apart, n, squares, *features = sums
    expected = n * squares - fsum(one * one for one in features)
    return None if expected <= 1e-12 * n * squares else 1 - apart * (n - 1) / expected


def _nominal(given: Voices) -> Scale:
    labels = {label: place for place, label in enumerate(given.labels)}
    parts = [[(labels[label], share) for label, share in shares(votes).items()] for votes in given.said]
    own = [sum(share * share for _, share in part) for part in parts]
    features = [[0.0] * len(labels) for _ in parts]
    for feature, part in zip(features, parts, strict=True):
        for place, share in part:
            feature[place] = share

    def apart(met: Met) -> float:
        together: dict[int, float] = {}
        for voice in met:
            for place, share in parts[voice]:
                together[place] = together.get(place, 0.0) + share
        same = sum([one * one for one in together.values()]) - sum([own[voice] for voice in met])
        return len(met) - same / (len(met) - 1)

    return Scale([1.0] * len(parts), features, apart)


def _interval(said: Sequence[Votes], numbers: dict[Label, float]) -> Scale:
    """q is twice a voice's mean square, f √2 times its mean."""
    means = [fsum(numbers[label] for label in votes) / len(votes) for votes in said]
    squares = [2 * fsum(numbers[label] ** 2 for label in votes) / len(votes) for votes in said]
    own = [2 * mean * mean for mean in means]

    def apart(met: Met) -> float:
        together = sum([means[voice] for voice in met])
        same = 2 * together * together - sum([own[voice] for voice in met])
        return sum([squares[voice] for voice in met]) - same / (len(met) - 1)

    return Scale(squares, [[sqrt(2) * mean] for mean in means], apart)


def _ranks(given: Voices, order: Sequence[Label]) -> dict[Label, float]:
    """An ordinal distance is the squared difference of mean ranks, here as shares of all values."""
    unknown = set(given.labels) - set(order) if order else set()
    if unknown:
        raise ValueError(f"the order of the labels does not name {', '.join(sorted(map(str, unknown)))}")
    counts = dict.fromkeys(order or given.labels, 0.0)
    heard = given.heard
    for place, votes in enumerate(given.said):
        for label, share in shares(votes).items():
            counts[label] += share * heard[place]
    n, passed, ranks = fsum(counts.values()), 0.0, {}
    for label, count in counts.items():
        ranks[label] = (passed + count / 2) / n - 0.5
        passed += count
    return ranks


def _ratio(said: Sequence[Votes], numbers: dict[Label, float]) -> Scale:
    """δ² = 1 - 4ck / (c + k)², and ck / (c + k)² = ∫ c e^(-ct) k e^(-kt) t dt: a product under an integral, which the
    trapezoidal rule over log t gives to about twelve digits. Nought, from which all else lies 1 apart, is a name."""
    if min(numbers.values()) < 0:
        raise ValueError("a ratio scale starts at nought and knows no negative numbers")
    sizes = [number for number in numbers.values() if number] or [1.0]
    start, end = log(1e-6 / max(sizes)), log(30 / min(sizes))
    points = [exp(start + STEP * place) for place in range(int((end - start) / STEP) + 2)]
    known = {
        label: [2 * sqrt(STEP) * at * number * exp(-at * number) for at in points] + [float(number == 0)]
        for label, number in numbers.items()
    }
    values = [[(numbers[label], share) for label, share in shares(votes).items()] for votes in said]
    features = [
        [fsum(column) for column in zip(*([share * one for one in known[label]] for label, share in part), strict=True)]
        for part in (shares(votes).items() for votes in said)
    ]

    @lru_cache(maxsize=262_144)
    def distance(one: int, two: int) -> float:
        return sum([p * q * ((a - b) / (a + b)) ** 2 for a, p in values[one] for b, q in values[two] if a != b])

    def apart(met: Met) -> float:
        return 2 * sum([distance(one, two) for one, two in combinations(met, 2)]) / (len(met) - 1)

    return Scale([1.0] * len(said), features, apart)


def _number(label: Label) -> float:
    if label is None or isinstance(label, str):
        raise ValueError(f"{label!r} is not a number, and the question is measured in numbers")
    return float(label)
