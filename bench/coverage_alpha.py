"""How often the 95 % interval of alpha holds the true alpha: records are drawn from a population that is known.

    .venv/bin/python bench/coverage_alpha.py [RUNS [RECORDS]]

Three coders each say the true label with a set chance, else a label drawn as often as it occurs; a tenth is missing.
The true alpha is that of 200,000 such records.
"""

import sys
from collections.abc import Iterator
from random import Random
from typing import NamedTuple

from buttermilk.analysis.statistics.alpha import Measured, alpha

RUNS, DRAWS, SEED, CODERS, MISSING = 1_000, 200, 5, 3, 0.1  # 200 draws are the fewest that a report makes


class Population(NamedTuple):
    name: str
    level: Measured
    labels: tuple[float, ...]
    common: tuple[float, ...]
    sure: float
    sizes: tuple[int, ...]


POPULATIONS = (
    Population("three labels, .40 .35 .25", "nominal", (1, 2, 3), (0.4, 0.35, 0.25), 0.6, (12, 30, 50, 100, 200)),
    Population("two labels, .90 .10", "nominal", (1, 2), (0.9, 0.1), 0.6, (30, 50, 100, 200)),
    Population("five in order, alike common", "ordinal", (1, 2, 3, 4, 5), (0.2,) * 5, 0.6, (30, 50, 100)),
    Population("0 to 10, alike common", "interval", tuple(range(11)), (1 / 11,) * 11, 0.6, (30, 50, 100)),
    Population("1 to 9, alike common", "ratio", tuple(range(1, 10)), (1 / 9,) * 9, 0.6, (30, 50, 100)),
)


def records(of: Population, count: int, random: Random) -> Iterator[tuple[tuple[float, ...], ...]]:
    for truth in random.choices(of.labels, of.common, k=count):
        said = (
            truth if random.random() < of.sure else random.choices(of.labels, of.common)[0]
            for _ in range(CODERS)
            if random.random() > MISSING
        )
        yield tuple((label,) for label in said)


def main(runs: int, only: int = 0) -> None:
    print(f"| level | labels | true alpha | records | covered, of {runs:,} | below | above | undefined |")
    print("|---|---|---|---|---|---|---|---|")
    for of in POPULATIONS:
        truth = alpha(records(of, 200_000, Random(SEED)), of.level, draws=0).value or 0.0
        for size in [only] if only else of.sizes:
            covered = below = above = 0
            for run in range(runs):
                found = alpha(records(of, size, Random(f"{SEED} {run}")), of.level, draws=DRAWS, seed=run)
                if found.low is not None and found.high is not None:
                    below += truth < found.low
                    above += truth > found.high
                    covered += found.low <= truth <= found.high
            told = covered + below + above
            share = f"{100 * covered / told:.1f} %"
            said = (of.level, of.name, f"{truth:.3f}", str(size), share, str(below), str(above), str(runs - told))
            print(f"| {' | '.join(said)} |", flush=True)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:3] or [RUNS]))
