"""How often the intervals of corrected estimates hold a planted truth: `python bench/coverage_estimates.py`.

1,000 records, of which people label about 200. The machine is right with a chance between a half and one, its sureness,
and errs more on one side of a covariate, so that what it says alone is wrong. Prints a table in Markdown.
"""

import sys
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from buttermilk.analysis.statistics.corrected_regression import corrected_regression
from buttermilk.analysis.statistics.design_based import Case, design_based
from buttermilk.analysis.statistics.estimate import Estimate
from buttermilk.analysis.statistics.mean import mean
from buttermilk.analysis.statistics.prediction_powered import prediction_powered

RECORDS, LABELS, SHARE = 1_000, 200, 0.3
SLOPE, BASE = 0.9, -1.2  # of the log-odds, on a covariate that is 0 or 1
LEAST = 0.05  # probability of being drawn: any record may be


def expit(number: float) -> float:
    return float(1 / (1 + np.exp(-number)))


def corpus(random: Any, *, related: bool = False) -> list[Case]:
    """Records as the machine saw them, truth and all; `chance` is what the machine is unsure by."""
    x = (random.random(RECORDS) < 0.4).astype(float)
    share = 1 / (1 + np.exp(-(BASE + SLOPE * x))) if related else SHARE
    truth = (random.random(RECORDS) < share).astype(float)
    sure = random.uniform(0.5, 1, RECORDS)
    right = np.where(x == 1, sure, (1 + sure) / 2) if related else sure
    guess = np.where(random.random(RECORDS) < right, truth, 1 - truth)
    rows = zip(guess.tolist(), truth.tolist(), (1 - sure).tolist(), x.tolist(), strict=True)
    return [Case(said, true, doubt, (1.0, at)) for said, true, doubt, at in rows]


def simple(whole: list[Case], random: Any) -> list[Case]:
    """Exactly so many, each equally likely."""
    drawn = set(random.choice(RECORDS, LABELS, replace=False).tolist())
    return [
        one._replace(truth=one.truth if place in drawn else None, chance=LABELS / RECORDS)
        for place, one in enumerate(whole)
    ]


def by_doubt(whole: list[Case], random: Any) -> list[Case]:
    """About so many, each as likely as the machine is unsure of it."""
    scale = LABELS / sum(one.chance for one in whole)
    chances = [min(max(one.chance * scale, LEAST), 1.0) for one in whole]
    drawn = (random.random(RECORDS) < chances).tolist()
    return [
        one._replace(truth=one.truth if taken else None, chance=chance)
        for one, taken, chance in zip(whole, drawn, chances, strict=True)
    ]


def ppi(weight: float | None, here: bool) -> Callable[[list[Case]], Estimate]:
    def estimate(cases: list[Case]) -> Estimate:
        labelled = [(one.truth, one.guess) for one in cases if one.truth is not None]
        return prediction_powered(
            labelled, [one.guess for one in cases if one.truth is None], weight=weight, corpus=here
        )

    return estimate


def dsl(here: bool) -> Callable[[list[Case]], Estimate]:
    return lambda cases: design_based(cases, corpus=here)


def naive(cases: list[Case]) -> Estimate:
    return mean([one.guess for one in cases])


SHARES = (
    ("naive, share .3", simple, naive, False),
    ("PPI", simple, ppi(1.0, False), False),
    ("PPI, of these records", simple, ppi(1.0, True), True),
    ("PPI++", simple, ppi(None, False), False),
    ("PPI++, of these records", simple, ppi(None, True), True),
    ("DSL, equal chances", simple, dsl(False), False),
    ("DSL, equal chances, of these records", simple, dsl(True), True),
    ("DSL, by doubt", by_doubt, dsl(False), False),
    ("DSL, by doubt, of these records", by_doubt, dsl(True), True),
)
COEFFICIENTS = (
    ("naive", simple, "naive"), ("DSL, equal chances", simple, "dsl"), ("DSL, by doubt", by_doubt, "dsl"),
    ("PPI", simple, "ppi"), ("PPI++", simple, "ppi++"),
)  # fmt: skip


def shares(runs: int, seed: int = 1) -> Iterator[tuple[str, float, float]]:
    """What is estimated, how often its interval holds the truth, and how wide it is on average."""
    found: dict[str, list[tuple[bool, float]]] = {name: [] for name, *_ in SHARES}
    for run in range(runs):
        random = np.random.default_rng([seed, run])
        whole = corpus(random)
        drawn = {simple: simple(whole, random), by_doubt: by_doubt(whole, random)}
        for name, draw, estimate, here in SHARES:
            truth = sum(one.truth or 0.0 for one in whole) / RECORDS if here else SHARE
            found[name].append(_held(estimate(drawn[draw]), truth))
    yield from _summed(found)


def coefficients(runs: int, *, logistic: bool, seed: int = 2) -> Iterator[tuple[str, float, float]]:
    truth = SLOPE if logistic else expit(BASE + SLOPE) - expit(BASE)
    kind = "logistic" if logistic else "linear"
    found: dict[str, list[tuple[bool, float]]] = {f"{kind} slope, {name}": [] for name, *_ in COEFFICIENTS}
    for run in range(runs):
        random = np.random.default_rng([seed, run])
        whole = corpus(random, related=True)
        drawn = {simple: simple(whole, random), by_doubt: by_doubt(whole, random)}
        for name, draw, how in COEFFICIENTS:
            slope = corrected_regression(drawn[draw], how, logistic=logistic)[1]  # type: ignore[arg-type]
            found[f"{kind} slope, {name}"].append(_held(slope, truth))
    yield from _summed(found)


def _held(one: Estimate, truth: float) -> tuple[bool, float]:
    if one.low is None or one.high is None:
        return False, float("nan")
    return one.low <= truth <= one.high, (one.high - one.low) / 2


def _summed(found: dict[str, list[tuple[bool, float]]]) -> Iterator[tuple[str, float, float]]:
    for name, held in found.items():
        yield name, sum(one for one, _ in held) / len(held), float(np.nanmean([half for _, half in held]))


def main(runs: int) -> None:
    print(f"| estimate | held the truth, of {runs:,} | half width |\n|---|---|---|")
    for rows in (shares(runs), coefficients(runs, logistic=False), coefficients(runs, logistic=True)):
        for name, held, half in rows:
            print(f"| {name} | {100 * held:.1f} % | {half:.3f} |")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000)
