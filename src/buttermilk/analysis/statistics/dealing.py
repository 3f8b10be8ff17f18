"""Exact tests by dealing: if the side on which it was given made no difference, how else might the answers have fallen?

All is counted in whole numbers, so ties are ties and nothing depends on the order of rows or labels.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from math import comb
from operator import add

from buttermilk.analysis.statistics.estimate import Exact

Ways = dict[int, int]
"""Each value of a statistic, and in how many ways the answers can fall so that it has that value."""


def deals(
    counts: Sequence[int], size: int, score: Callable[[int, int], int], join: Callable[[int, int], int] = add
) -> Ways:
    """Deal `size` of the answers to the first side: `counts` of each label are there, `score(label, dealt)` is joined.

    `deals((2, 1), 1, lambda label, dealt: dealt if label == 0 else 0)` -> `{0: 1, 1: 2}`
    """
    found = {(0, 0 if join is add else 1): 1}
    rest = sum(counts)
    for label, count in enumerate(counts):
        rest -= count
        grown: defaultdict[tuple[int, int], int] = defaultdict(int)
        for (used, value), ways in found.items():
            for dealt in range(max(0, size - used - rest), min(count, size - used) + 1):
                grown[used + dealt, join(value, score(label, dealt))] += ways * comb(count, dealt)
        found = dict(grown)
    return {value: ways for (_, value), ways in found.items()}


def convolve(parts: Iterable[Mapping[int, int]], most: float = float("inf")) -> Ways | None:
    """The ways in which the values of independent records add up; None where that takes more than `most` additions."""
    whole: Ways = {0: 1}
    for part in parts:
        most -= len(whole) * len(part)
        if most < 0:
            return None
        grown: defaultdict[int, int] = defaultdict(int)
        for total, ways in whole.items():
            for value, more in part.items():
                grown[total + value] += ways * more
        whole = dict(grown)
    return whole


def rarity(ways: Ways) -> tuple[Ways, dict[int, int]]:
    """For a test of two sides: deals ordered by how rare they are, and the rarity of each value."""
    rare = {value: -times for value, times in ways.items()}
    grouped: defaultdict[int, int] = defaultdict(int)
    for value, times in ways.items():
        grouped[rare[value]] += times
    return dict(grouped), rare


def tails(ways: Ways) -> dict[int, float]:
    """The chance of each value or a greater one, the greatest value first."""
    whole, above, found = sum(ways.values()), 0, {}
    for value in sorted(ways, reverse=True):
        above += ways[value]
        found[value] = above / whole
    return found


def exact(chances: dict[int, float], observed: int) -> Exact:
    return Exact(chances[observed], tuple(chances.values()))
