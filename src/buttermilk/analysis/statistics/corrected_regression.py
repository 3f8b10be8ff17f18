"""Coefficients of a regression on machine labels, linear or logistic, put right by people's."""

from collections.abc import Sequence
from typing import Any, Literal

from buttermilk.analysis.statistics.design_based import Case
from buttermilk.analysis.statistics.estimate import Estimate
from buttermilk.analysis.statistics.mean import around
from buttermilk.analysis.statistics.prediction_powered import too_few

try:
    import numpy as np
except ImportError:  # an extra
    np = None  # type: ignore[assignment]

How = Literal["naive", "classical", "dsl", "ppi", "ppi++"]
NEEDS_NUMPY = "needs numpy: pip install 'buttermilk[statistics]'"
NO_SOLUTION = "undefined: the data do not settle the coefficients (too few labels, or a covariate that tells all apart)"
ROUNDS = 60


def corrected_regression(cases: Sequence[Case], how: How = "dsl", *, logistic: bool = False) -> list[Estimate]:
    """One estimate per coefficient of y on x, μ = x'β or 1 / (1 + exp(-x'β)), with sandwich standard errors.

    `naive` takes ŷ for y, `classical` uses the labelled alone. `dsl` solves Σ x (ỹ - μ) = 0 over all, with the ỹ of
    `design_based` (Egami et al. 2023): any known chances. `ppi` solves λ mean over the others of x (ŷ - μ) + mean over
    the labelled of x (y - μ) - λ x (ŷ - μ) = 0 with λ = 1, `ppi++` with the λ of least summed variance (Angelopoulos,
    Duchi and Zrnic 2023): for a simple random sample. Linear PPI is the sum of two least-squares fits, as published."""
    width = len(cases[0].x)
    labelled = sum(case.truth is not None for case in cases)
    why = NEEDS_NUMPY if np is None else "" if how == "naive" else too_few(labelled)
    if why:
        return [Estimate(None, n=labelled, note=why)] * width
    used = len(cases) if how == "naive" else labelled
    try:
        found, squared = _solve(cases, how, logistic)
    except np.linalg.LinAlgError:
        return [Estimate(None, n=used, note=NO_SOLUTION)] * width
    return [around(float(value), float(spread), used) for value, spread in zip(found, squared, strict=True)]


def _solve(cases: Sequence[Case], how: How, logistic: bool) -> tuple[Any, Any]:
    ordered = sorted(cases, key=lambda case: (case[0], case.truth is None, case.truth or 0.0, case[2:]))
    x = np.array([case.x for case in ordered])
    guess = np.array([case.guess for case in ordered])
    asked = np.array([case.truth is not None for case in ordered])
    if how in ("ppi", "ppi++"):
        truth = np.array([case.truth for case in ordered if case.truth is not None])
        return _predicted((x[asked], truth, guess[asked]), (x[~asked], guess[~asked]), logistic, tune=how == "ppi++")
    outcome = guess if how == "naive" else np.array([case.outcome for case in ordered])
    if how == "classical":
        x, outcome = x[asked], np.array([case.truth for case in ordered if case.truth is not None])
    beta = _roots(x, outcome, logistic)
    mu, weight = _mean(x, beta, logistic)
    bread = np.linalg.inv((x * weight[:, None]).T @ x)
    gradient = x * (outcome - mu)[:, None]
    return beta, np.diag(bread @ gradient.T @ gradient @ bread)


def _mean(x: Any, beta: Any, logistic: bool) -> tuple[Any, Any]:
    """μ, and how it moves with x'β."""
    if not logistic:
        return x @ beta, np.ones(len(x))
    mu = 1 / (1 + np.exp(-np.clip(x @ beta, -700, 700)))
    return mu, mu * (1 - mu)


def _roots(x: Any, outcome: Any, logistic: bool) -> Any:
    """β of Σ x (outcome - μ) = 0."""
    if not logistic:
        return np.linalg.solve(x.T @ x, x.T @ outcome)
    return _newton([(x, outcome, 1.0)])


def _newton(parts: Sequence[tuple[Any, Any, float]]) -> Any:
    """β of Σ over the parts of weight x (outcome - μ) = 0, from nought, each step at most two wide.

    What does not settle has no solution: numpy's own error says so."""
    beta = np.zeros(parts[0][0].shape[1])
    for _ in range(ROUNDS):
        slope, bend = np.zeros(len(beta)), np.zeros((len(beta), len(beta)))
        for x, outcome, weight in parts:
            mu, moves = _mean(x, beta, True)
            slope += weight * (x.T @ (outcome - mu))
            bend += weight * ((x * moves[:, None]).T @ x)
        step = np.linalg.solve(bend, slope)
        beta = beta + step * min(1.0, 2.0 / max(float(np.abs(step).max()), 1e-300))
        if np.abs(step).max() <= 1e-12 * (1 + np.abs(beta).max()):
            return beta
    raise np.linalg.LinAlgError


def _predicted(
    labelled: tuple[Any, Any, Any], others: tuple[Any, Any], logistic: bool, *, tune: bool
) -> tuple[Any, Any]:
    (x, y, guess), (rest, guessed) = labelled, others
    n, many = len(x), len(rest)
    if not many:
        raise np.linalg.LinAlgError

    def at(lam: float) -> Any:
        if not logistic:
            return _roots(rest, lam * guessed, False) + _roots(x, y - lam * guess, False)
        return _newton([(rest, guessed, lam / many), (x, guess, -lam / n), (x, y, 1 / n)])

    def look(beta: Any) -> tuple[Any, Any, Any, Any]:
        (near, weight), (far, moves) = _mean(x, beta, logistic), _mean(rest, beta, logistic)
        bend = ((x * weight[:, None]).T @ x + (rest * moves[:, None]).T @ rest) / (n + many)
        right, said, told = x * (near - y)[:, None], x * (near - guess)[:, None], rest * (far - guessed)[:, None]
        return right, said, told, np.linalg.inv(bend)

    lam = 1.0
    for _ in range(2 if tune else 0):  # at the first coefficients, and again at those that this gives
        right, said, told, bread = look(at(lam))
        middle = (right - right.mean(0)).T @ (said - said.mean(0)) / n
        spread = _spread(np.concatenate([said, told]))
        gain = 2 * (1 + n / many) * float(np.trace(bread @ spread @ bread))
        lam = float(np.clip(np.trace(bread @ (middle + middle.T) @ bread) / gain, 0, 1)) if gain else 0.0
    beta = at(lam)
    right, said, told, bread = look(beta)
    meat = n / many * _spread(lam * told) + _spread(right - lam * said)
    return beta, np.diag(bread @ meat @ bread) / n


def _spread(rows: Any) -> Any:
    """The covariance of the columns, divisor n - 1."""
    apart = rows - rows.mean(0)
    return apart.T @ apart / (len(rows) - 1)
