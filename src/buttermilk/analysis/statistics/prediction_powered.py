"""Prediction-powered inference: a mean over many machine labels, put right by the few that people gave as well."""

from collections.abc import Sequence
from math import fsum

from buttermilk.analysis.statistics.estimate import Estimate
from buttermilk.analysis.statistics.mean import around, variance

FEWEST = 30  # labels by people, below which a normal interval is no more than a hope
BEYOND = "of all records of this kind, of which these are a sample"
CORPUS = "of these records"


def too_few(labels: int) -> str:
    """The reason for no number, or nothing."""
    return f"too few human labels: {labels}, and {FEWEST} are the least" if labels < FEWEST else ""


def prediction_powered(
    labelled: Sequence[tuple[float, float]],
    others: Sequence[float],
    *,
    weight: float | None = 1.0,
    corpus: bool = False,
) -> Estimate:
    """θ = λ mean(ŷ of the others) + mean(y - λ ŷ), SE² = λ² var(ŷ) / N + var(y - λ ŷ) / n.

    `labelled` holds (y, ŷ) of a simple random sample, `others` ŷ of the rest. λ is `weight`: 1 is PPI, 0 the classical
    mean; None chooses it (PPI++), cov(y, ŷ) / ((1 + n/N) var(ŷ)) held within 0 to 1.

    Which mean is meant: of the population that all these records are a sample of, or with `corpus` of exactly these
    records. Then only who was labelled is chance: SE² = (1 - n/(n+N)) var(y - λ (1 + n/N) ŷ) / n, as of a difference
    estimator (Särndal, Swensson and Wretman 1992, ch. 6).

    Angelopoulos, A. N., Bates, S., Fannjiang, C., Jordan, M. I. and Zrnic, T. (2023). Prediction-powered inference.
    Science 382, 669-674; Angelopoulos, A. N., Duchi, J. C. and Zrnic, T. (2023). PPI++. arXiv 2311.01453."""
    n, rest = len(labelled), len(others)
    if why := too_few(n):
        return Estimate(None, n=n, note=why)
    if not rest:
        return Estimate(None, n=n, note="every record has a human label: there is nothing to correct")
    lam = tuned(labelled, others) if weight is None else weight
    value = lam * (fsum(others) / rest) + fsum(y - lam * guess for y, guess in labelled) / n
    if corpus:
        spread = variance([y - lam * (1 + n / rest) * guess for y, guess in labelled])
        return around(value, spread / n * rest / (n + rest), n, CORPUS)
    squared = lam * lam * variance(others) / rest + variance([y - lam * guess for y, guess in labelled]) / n
    return around(value, squared, n, BEYOND)


def tuned(labelled: Sequence[tuple[float, float]], others: Sequence[float]) -> float:
    """How far the machine is to be trusted: 0 where its labels tell nothing of people's."""
    n, rest = len(labelled), len(others)
    guesses = [guess for _, guess in labelled]
    middle, guessed = fsum(y for y, _ in labelled) / n, fsum(guesses) / n
    together = fsum((y - middle) * (guess - guessed) for y, guess in labelled) / n
    spread = variance([*guesses, *others]) * (n + rest) / (n + rest - 1)
    return min(max(together / ((1 + n / rest) * spread), 0.0), 1.0) if spread else 0.0
