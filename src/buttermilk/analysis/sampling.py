"""Drawing records for people to label, each with a probability that is known and above nought. What is drawn is a
function of the seed and the records' ids alone (and of the sizes, where draws are weighted). A simple or stratified
sample of 150 holds that of 100 with the same seed and strata: it is the same draw, grown."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations
from math import fsum

from buttermilk.core.hashing import derive_seed
from buttermilk.core.people import Draw

FLOOR = 0.05
WHOLE = 2.0**63


def in_random_order(record_ids: Iterable[str], seed: int, *purpose: str) -> list[str]:
    """The same for any order in which they come."""
    return sorted(record_ids, key=lambda one: (derive_seed(seed, *purpose, one), one))


def stratified(strata: Mapping[str, Sequence[str]], size: int, seed: int, *, equal: bool = False) -> list[Draw]:
    """Simple random sampling without replacement within each stratum h: every record of it has π = n_h / N_h. Of one
    stratum it is simple random sampling. Shares are proportional to N_h, or equal, and at least one record is drawn of
    each, for of a stratum that nobody looked into nothing can be said. Cochran, W. G. (1977). Sampling Techniques, 3rd
    ed., chapters 2 and 5. Wiley."""
    sizes = {name: len(strata[name]) for name in sorted(strata)}
    if not len(sizes) <= size <= sum(sizes.values()):
        raise ValueError(f"{size} records cannot be drawn of {sum(sizes.values())} in {len(sizes)} strata")
    shares = allocated(sizes, size, equal=equal)
    return [
        Draw(record_id=one, prob=shares[name] / sizes[name], stratum=name)
        for name in sizes
        for one in in_random_order(strata[name], seed, "sample", name)[: shares[name]]
    ]


def allocated(sizes: Mapping[str, int], size: int, *, equal: bool = False) -> dict[str, int]:
    """One each, then one by one to the stratum with the greatest N_h / (2 n_h + 1); of equals, to the first by name. No
    stratum loses a record when more are drawn. Sainte-Laguë, A. (1910). La représentation proportionnelle et la méthode
    des moindres carrés. Annales scientifiques de l'École normale supérieure 27, 529-542."""
    given = dict.fromkeys(sorted(sizes), 1)
    while sum(given.values()) < size:
        left = [name for name in given if given[name] < sizes[name]]
        given[max(left, key=lambda name: (1 if equal else sizes[name]) / (2 * given[name] + 1))] += 1
    return given


def probabilities(weights: Mapping[str, float], size: int) -> dict[str, float]:
    """π_i = n w_i / Σw, and 1 where that would be more; the rest is shared out among the others, until all fit.
    Särndal, C.-E., Swensson, B., Wretman, J. (1992). Model Assisted Survey Sampling, section 3.6.2. Springer."""
    if not 1 <= size <= len(weights) or min(weights.values()) <= 0:
        raise ValueError(f"{size} of {len(weights)} records cannot be drawn with these weights")
    certain: set[str] = set()
    while True:
        left = size - len(certain)
        total = fsum(weight for name, weight in weights.items() if name not in certain)
        found = {name: 1.0 if name in certain else left * weight / total for name, weight in weights.items()}
        more = {name for name, prob in found.items() if prob >= 1} - certain
        if not more:
            return found
        certain |= more


def weighted(weights: Mapping[str, float], size: int, seed: int) -> list[Draw]:
    """Systematic sampling with probability proportional to size, of the records in random order: with C_i the running
    sum of the π_i and one u from [0, 1), those are drawn in whose [C_(i-1), C_i) lies one of u, u + 1, …, u + n - 1. So
    n are drawn, and each with exactly its π_i. Madow, W. G. (1949). On the theory of systematic sampling, II. Annals of
    Mathematical Statistics 20, 333-354. Hartley, H. O., Rao, J. N. K. (1962). Sampling with unequal probabilities and
    without replacement. Annals of Mathematical Statistics 33, 350-374. Weights here are uncertainties with a floor, as
    in Gligorić, K., Zrnic, T., Lee, C., Candès, E. J., Jurafsky, D. (2024). Can unconfident LLM annotations be used for
    confident conclusions? arXiv 2408.15204."""
    probs = probabilities(weights, size)
    at, passed, found = derive_seed(seed, "systematic") / WHOLE, 0.0, list[Draw]()
    order = in_random_order(weights, seed, "sample")
    for place, one in enumerate(order):
        passed += probs[one]
        last = len(order) - place == size - len(found)  # no rounding of the sum may cost a record
        if at + len(found) < passed or last:
            found.append(Draw(record_id=one, prob=min(probs[one], 1.0)))
    return found[:size]


def dealt(draws: Sequence[Draw], seed: int, *, dev: float, coders: Sequence[str], double: float) -> tuple[Draw, ...]:
    """Who is to label which, and for what: in each stratum a share `dev` is for looking at, the rest is for the test; a
    share `double` of all goes to two coders, the others to one, as evenly as can be."""
    by_stratum: dict[str, list[Draw]] = {}
    for draw in draws:
        by_stratum.setdefault(draw.stratum, []).append(draw)
    looked_at = {
        draw.record_id
        for name, drawn in by_stratum.items()
        for draw, is_dev in zip(drawn, _every(len(drawn), dev, derive_seed(seed, "dev", name)), strict=True)
        if is_dev
    }
    order = in_random_order((draw.record_id for draw in draws), seed, "coders")
    pairs, singles = list(combinations(coders, 2)), [(coder,) for coder in coders]
    loads: Counter[str] = Counter()
    given: dict[str, tuple[str, ...]] = {}
    for one, twice in zip(order, _every(len(order), double if pairs else 0, derive_seed(seed, "double")), strict=True):
        who = min(pairs if twice else singles, key=lambda who: sum(loads[coder] for coder in who), default=())
        loads.update(who)
        given[one] = who
    return tuple(
        draw.model_copy(
            update={"split": "dev" if draw.record_id in looked_at else "test", "coders": given[draw.record_id]}
        )
        for draw in draws
    )


def _every(count: int, share: float, seed: int) -> list[bool]:
    """A share of the places, evenly spread from a random start: each has exactly this chance, and longer lists begin as
    shorter ones do."""
    start = seed / WHOLE
    return [int((place + 1) * share + start) > int(place * share + start) for place in range(count)]
