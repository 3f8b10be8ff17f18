"""Corrected estimates and variance components beside ppi-python and statsmodels, on 200 random inputs each."""

import numpy as np
import pytest
from estimation_oracles import ask

from buttermilk.analysis.statistics.corrected_regression import corrected_regression
from buttermilk.analysis.statistics.design_based import Case
from buttermilk.analysis.statistics.prediction_powered import prediction_powered
from buttermilk.analysis.statistics.restricted_likelihood import Model, restricted_likelihood

INPUTS = 200


@pytest.mark.slow
def test_corrected_means_are_those_of_ppi_python():
    questions, ours = [], []
    for number in range(INPUTS):
        random = np.random.default_rng([1, number])
        n, rest = int(random.integers(30, 200)), int(random.integers(1, 800))
        y = random.normal(size=n) if number % 2 else (random.random(n) < 0.4).astype(float)
        guess, others = y * 0.6 + random.normal(size=n), random.normal(0.5, 1, rest)
        lam = None if number % 3 else 1.0
        questions.append(
            {"what": "ppi_mean", "y": y.tolist(), "guess": guess.tolist(), "others": others.tolist(), "lam": lam}
        )
        ours.append(prediction_powered(list(zip(y.tolist(), guess.tolist(), strict=True)), others.tolist(), weight=lam))
    theirs = ask(questions)
    assert (
        max(max(abs(one.low - low), abs(one.high - high)) for one, (low, high) in zip(ours, theirs, strict=True)) < 1e-9
    )


def study(number, *, logistic):
    random = np.random.default_rng([2, number])
    n, rest, width = int(random.integers(100, 160)), int(random.integers(60, 160)), int(random.integers(1, 4))
    x = np.column_stack([np.ones(n + rest), random.normal(size=(n + rest, width))])
    log_odds = x @ random.normal(0, 0.5, width + 1)
    if logistic:
        y = (random.random(n + rest) < 1 / (1 + np.exp(-log_odds))).astype(float)
        guess = np.where(random.random(n + rest) < 0.85, y, 1 - y)
    else:
        y = log_odds + random.normal(size=n + rest)
        guess = y + random.normal(0.3, 0.5, n + rest)
    return n, x, y, guess


def cases_of(n, x, y, guess):
    rows = zip(guess.tolist(), y.tolist(), x.tolist(), strict=True)
    return [Case(said, true if place < n else None, 0.5, tuple(at)) for place, (said, true, at) in enumerate(rows)]


@pytest.mark.slow
@pytest.mark.parametrize(("logistic", "close"), [(False, 1e-9), (True, 5e-5)])
def test_corrected_coefficients_are_those_of_ppi_python(logistic, close):
    """Of the logistic ones its optimiser stops where the loss no longer falls by a part in 1e15, some 1e-5 from where
    the slope is nought; ours is solved to 1e-12."""
    questions, ours = [], []
    for number in range(INPUTS):
        n, x, y, guess = study(number, logistic=logistic)
        lam = None if number % 5 == 0 else 1.0
        asked = {"x": x[:n], "y": y[:n], "guess": guess[:n], "rest": x[n:], "others": guess[n:]}
        questions.append(
            {"what": "ppi_regression", "logistic": logistic, "lam": lam}
            | {name: it.tolist() for name, it in asked.items()}
        )
        ours.append(
            corrected_regression(cases_of(n, x, y, guess), "ppi++" if lam is None else "ppi", logistic=logistic)
        )
    worst = 0.0
    for mine, (lows, highs) in zip(ours, ask(questions), strict=True):
        worst = max(worst, *(abs(one.low - low) for one, low in zip(mine, lows, strict=True)))
        worst = max(worst, *(abs(one.high - high) for one, high in zip(mine, highs, strict=True)))
    assert worst < close


@pytest.mark.slow
@pytest.mark.parametrize("logistic", [False, True])
def test_coefficients_of_people_alone_are_those_of_statsmodels(logistic):
    questions, ours = [], []
    for number in range(INPUTS):
        n, x, y, guess = study(number, logistic=logistic)
        questions.append({"what": "regression", "logistic": logistic, "x": x[:n].tolist(), "y": y[:n].tolist()})
        ours.append(corrected_regression(cases_of(n, x, y, guess), "classical", logistic=logistic))
    worst = 0.0
    for mine, (values, errors) in zip(ours, ask(questions), strict=True):
        worst = max(worst, *(abs(one.value - value) for one, value in zip(mine, values, strict=True)))
        halves = [(one.high - one.low) / 2 / 1.959963984540054 for one in mine]
        worst = max(worst, *(abs(half - error) for half, error in zip(halves, errors, strict=True)))
    assert worst < 1e-9


def table(number):
    """A few records by judges, twice each, a fifth of it missing."""
    random = np.random.default_rng([3, number])
    many, judges = int(random.integers(6, 10)), int(random.integers(3, 5))
    y = (
        random.normal(size=(many, 1, 1))
        + random.normal(0, 0.7, (1, judges, 1))
        + random.normal(0, 0.6, (many, judges, 1))
    )
    y = y + random.normal(0, 0.5, (many, judges, 2))
    units = [[tuple(one for one in cell.tolist() if random.random() < 0.8) for cell in row] for row in y]
    return [(str(judge),) for judge in range(judges)], [unit for unit in units if any(unit)]


@pytest.mark.slow
def test_reml_is_that_of_statsmodels_or_stands_higher():
    """The same likelihood to its constant; its optimiser stops some 1e-8 below the top, and so the variances agree to
    three digits."""
    found, questions = [], []
    for number in range(8):
        columns, units = table(number)
        found.append((columns, units, restricted_likelihood(("judge",), columns, units)))
        rows = [
            {"y": value, "record": f"r{i}", "judge": f"j{j}", "cell": f"r{i}j{j}"}
            for i, unit in enumerate(units) for j, cell in enumerate(unit) for value in cell
        ]  # fmt: skip
        questions.append({"what": "reml", "rows": rows, "effects": ["record", "judge", "cell"]})
    names = {("record",): "record", ("judge",): "judge", ("record", "judge"): "cell"}
    for (columns, units, mine), theirs in zip(found, ask(questions), strict=True):
        parts = {effect: theirs["parts"].get(name) for effect, name in names.items()} | {("run",): theirs["run"]}
        model = Model(("judge",), columns, units)
        there = model.look(np.array([parts[effect] for effect in model.effects])).likelihood
        assert there == pytest.approx(theirs["llf"], abs=1e-7)
        assert mine.likelihood >= theirs["llf"] - 1e-9
        assert mine.parts == pytest.approx(parts, rel=2e-3, abs=2e-3)
