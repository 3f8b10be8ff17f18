"""Do the intervals of a paired difference hold the truth, and does the drift test keep its word? By simulation.

    python bench/coverage_comparing.py [RUNS]

Prints the tables of docs/reference/coverage.md. Every run draws its records anew from a population whose truth is
known.
`tests/analysis/test_promises_kept.py` holds a part of it.
"""

import sys
from random import Random

from buttermilk.analysis.statistics.drift import drift, scale_of
from buttermilk.analysis.statistics.paired import paired

PAIRED = [(kind, records, repeats) for kind in ("share", "mean") for records in (30, 100) for repeats in (1, 3, 5)]
DRIFT = [("nominal", 30, 3), ("nominal", 100, 3), ("nominal", 100, 5), ("ordinal", 50, 3)]
LABELS = ("one", "two", "three", "four")
SHARE, MEAN = 0.1455, 0.5  # the truth: .85 (.43333 + .08) + .15 · .95 - .43333; the mean of an exponential of rate 2


def record_of(random: Random, kind: str, repeats: int) -> tuple[list[float], list[float]]:
    """One record's answers before and after."""
    if kind == "share":
        before = random.choice((0.1, 0.4, 0.8))
        after = before + 0.08 if random.random() < 0.85 else 0.95
        sides = [[float(random.random() < chance) for _ in range(repeats)] for chance in (before, after)]
    else:
        own, shift = random.gauss(5, 2), random.expovariate(2)
        sides = [[random.gauss(mean, 1) for _ in range(repeats)] for mean in (own, own + shift)]
    return sides[0], sides[1]


def held(kind: str, records: int, repeats: int, runs: int) -> float:
    """The share of 95 % intervals that hold the truth."""
    truth, hits = SHARE if kind == "share" else MEAN, 0
    for run in range(runs):
        random = Random(f"{kind} {records} {repeats} {run}")
        found = paired([record_of(random, kind, repeats) for _ in range(records)], seed=run, draws=400)
        hits += found.low <= truth <= found.high
    return hits / runs


def alarms(kind: str, records: int, repeats: int, turned: float, runs: int) -> tuple[float, float]:
    """How often p (ties counted half, as the report has it) and the exact p are .05 or less, where of so many records
    the answers changed places from one wave to the other."""
    half, whole = 0, 0
    for run in range(runs):
        random, units = Random(f"{kind} {records} {repeats} {turned} {run}"), []
        for _ in range(records):
            weights = [random.random() ** 3 + 0.02 for _ in LABELS]
            then = weights[::-1] if random.random() < turned else weights
            sides = [tuple(random.choices(LABELS, chances, k=repeats)) for chances in (weights, then)]
            units.append([(sides[0], sides[1])])
        scale = scale_of(units, LABELS) if kind == "ordinal" else None
        test = drift(units, seed=run, scale=scale, draws=2).test
        half, whole = half + (test.mid <= 0.05), whole + (test.p <= 0.05)
    return half / runs, whole / runs


def main(runs: int) -> None:
    print(f"Paired difference: 95 % intervals that hold the truth, {runs:,} runs\n")
    print("| of | records | repeats a side | hold the truth |\n|---|---|---|---|")
    for kind, records, repeats in PAIRED:
        print(f"| {kind} | {records} | {repeats} | {100 * held(kind, records, repeats, runs):.1f} % |", flush=True)
    print(f"\nDrift: runs with p ≤ .05, {runs:,} runs, and {3 * runs:,} without drift\n")
    print("| answers | records | repeats a wave | no drift (exact p) | 5 % turned | 10 % | 20 % |")
    print("|---|---|---|---|---|---|---|")
    for kind, records, repeats in DRIFT:
        none, exact = alarms(kind, records, repeats, 0, 3 * runs)
        powers = [alarms(kind, records, repeats, turned, runs)[0] for turned in (0.05, 0.1, 0.2)]
        shown = " | ".join(f"{100 * power:.0f} %" for power in powers)
        print(f"| {kind} | {records} | {repeats} | {100 * none:.1f} % ({100 * exact:.1f} %) | {shown} |", flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000)
