"""Corrected estimates, power and specifications: published values, the sum beside each; what must hold of any."""

import importlib.util
from math import sqrt
from pathlib import Path
from random import Random
from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from buttermilk.analysis.statistics import corrected_regression as regression
from buttermilk.analysis.statistics.corrected_regression import NO_SOLUTION, corrected_regression
from buttermilk.analysis.statistics.design_based import Case, design_based
from buttermilk.analysis.statistics.estimate import NO_VARIATION, Estimate
from buttermilk.analysis.statistics.mean import mean
from buttermilk.analysis.statistics.power import labels_for, power_of_difference, power_of_mcnemar, width
from buttermilk.analysis.statistics.prediction_powered import BEYOND, CORPUS, prediction_powered, tuned
from buttermilk.analysis.statistics.specification import Specification, curve, p_value, slope


def bench():
    path = Path(__file__).parents[2] / "bench" / "coverage_estimates.py"
    spec = importlib.util.spec_from_file_location("coverage_estimates", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


# ---- corrected shares


def methods_ppi():
    """METHODS 2.10: 200 labelled, 2,000 not; the machine is right 85 times in 100."""
    random = np.random.default_rng(0)
    y = random.random(2_200) < 0.3
    guess = np.where(random.random(2_200) < 0.85, y, ~y)
    pairs = list(zip(y[:200].astype(float).tolist(), guess[:200].astype(float).tolist(), strict=True))
    return pairs, guess[200:].astype(float).tolist()


def rounded(one):
    return tuple(round(number, 4) for number in one[:3])


def test_corrected_shares_have_the_printed_values():
    pairs, others = methods_ppi()
    assert round(mean(others).value, 4) == 0.3630
    assert rounded(mean([y for y, _ in pairs])) == (0.2650, 0.2038, 0.3262)
    assert rounded(prediction_powered(pairs, others)) == (0.2880, 0.2321, 0.3439)
    assert rounded(prediction_powered(pairs, others, weight=None)) == (0.2777, 0.2305, 0.3248)
    assert prediction_powered(pairs, others, weight=0).value == mean([y for y, _ in pairs]).value


def test_it_is_said_of_which_records_a_number_is():
    pairs, others = methods_ppi()
    beyond, here = (prediction_powered(pairs, others, weight=None, corpus=corpus) for corpus in (False, True))
    assert (beyond.note, here.note) == (BEYOND, CORPUS)
    assert beyond.value == here.value
    assert here.high - here.low < beyond.high - beyond.low


def test_labels_of_all_records_leave_no_doubt_about_just_these():
    cases = [Case(1.0, float(number % 3 == 0), 1.0) for number in range(90)]
    found = design_based(cases, corpus=True)
    assert (found.value, found.low, found.high) == pytest.approx((1 / 3, 1 / 3, 1 / 3))
    assert mean([1.0, 0.0], of=2)[:3] == (0.5, 0.5, 0.5)


def methods_dsl():
    random = np.random.default_rng(7)
    y = (random.random(1_000) < 0.3).astype(float)
    sure = random.uniform(0.5, 1, 1_000)
    guess = np.where(random.random(1_000) < sure, y, 1 - y)
    return random, y, guess, sure


@pytest.mark.slow
def test_design_based_shares_have_the_printed_means_and_spreads():
    """METHODS 2.10: 4,000 samples of about 200 labels each, drawn evenly and by doubt; 8 % less spread for as many."""
    random, y, guess, sure = methods_dsl()
    assert (y.mean(), guess.mean()) == (0.307, 0.413)
    doubt = 1 - sure
    found = []
    for chance in (np.full(1_000, 0.2), np.clip(doubt / doubt.sum() * 200, 0.05, 1)):
        values = []
        for _ in range(4_000):
            drawn = random.random(1_000) < chance
            rows = zip(guess.tolist(), y.tolist(), drawn.tolist(), chance.tolist(), strict=True)
            values.append(design_based([Case(g, t if d else None, c) for g, t, d, c in rows]).value)
        found.append((round(float(np.mean(values)), 4), round(float(np.std(values)), 4)))
    assert found == [(0.3066, 0.0314), (0.3074, 0.0289)]


def test_a_pseudo_outcome_is_the_truth_on_average():
    assert Case(0.25).outcome == 0.25
    assert Case(1.0, 0.0, 0.2).outcome == -4.0
    assert 0.2 * Case(1.0, 0.0, 0.2).outcome + 0.8 * Case(1.0).outcome == pytest.approx(0.0)


@pytest.mark.parametrize("corpus", [False, True])
def test_too_few_labels_are_refused_in_words(corpus):
    pairs, others = methods_ppi()
    found = [
        prediction_powered(pairs[:29], others, corpus=corpus),
        design_based([Case(guess, y) for y, guess in pairs[:29]] + [Case(one) for one in others], corpus=corpus),
        corrected_regression([Case(guess, y) for y, guess in pairs[:29]])[0],
    ]
    assert {one.note for one in found} == {"too few human labels: 29, and 30 are the least"}
    assert {one.value for one in found} == {None}


def test_a_machine_that_tells_nothing_is_not_listened_to():
    pairs = [(float(number % 2), 1.0) for number in range(60)]
    assert tuned(pairs, [1.0] * 500) == 0.0
    assert prediction_powered(pairs, [1.0] * 500, weight=None).value == 0.5
    contrary = [(float(number % 2), float(1 - number % 2)) for number in range(60)]
    assert tuned(contrary, [0.0, 1.0] * 50) == 0.0


shares = st.tuples(st.sampled_from([0.0, 1.0]), st.sampled_from([0.0, 1 / 3, 2 / 3, 1.0]))


@given(st.lists(shares, min_size=30, max_size=45), st.lists(st.floats(0, 1), min_size=1, max_size=40), st.randoms())
@settings(max_examples=60, deadline=None)
def test_corrected_shares_are_the_same_in_any_order(pairs, others, random):
    again, rest = random.sample(pairs, len(pairs)), random.sample(others, len(others))
    for weight in (1.0, None):
        assert prediction_powered(again, rest, weight=weight) == prediction_powered(pairs, others, weight=weight)
    cases = [Case(guess, y, 0.5) for y, guess in pairs] + [Case(one) for one in others]
    assert design_based(random.sample(cases, len(cases))) == design_based(cases)


@given(st.lists(shares, min_size=30, max_size=45), st.lists(st.floats(0, 1), min_size=5, max_size=40), st.randoms())
@settings(max_examples=40, deadline=None)
def test_corrected_coefficients_are_the_same_in_any_order(pairs, others, random):
    draw = Random(len(pairs))
    cases = [Case(guess, y, 0.5, (1.0, draw.random())) for y, guess in pairs]
    cases += [Case(one, None, 1.0, (1.0, draw.random())) for one in others]
    for how in ("naive", "dsl", "ppi++"):
        assert corrected_regression(random.sample(cases, len(cases)), how) == corrected_regression(cases, how)


# ---- coefficients


def related(count, *, labels, seed=0):
    random = np.random.default_rng(seed)
    x = random.normal(size=count)
    y = (random.random(count) < 1 / (1 + np.exp(-x))).astype(float)
    guess = np.where(random.random(count) < 0.9, y, 1 - y)
    return [
        Case(float(g), float(t) if place < labels else None, labels / count, (1.0, float(at)))
        for place, (g, t, at) in enumerate(zip(guess, y, x, strict=True))
    ]


def test_a_regression_on_the_constant_alone_is_the_share():
    cases = [case._replace(x=(1.0,)) for case in related(600, labels=120)]
    pairs, others = (
        [(c.truth, c.guess) for c in cases if c.truth is not None],
        [c.guess for c in cases if c.truth is None],
    )
    assert corrected_regression(cases, "dsl")[0].value == pytest.approx(design_based(cases).value)
    assert corrected_regression(cases, "dsl")[0].low == pytest.approx(design_based(cases).low)
    assert corrected_regression(cases, "ppi")[0].value == pytest.approx(prediction_powered(pairs, others).value)


def test_with_every_record_labelled_nothing_is_left_of_the_machine():
    cases = [case._replace(chance=1.0) for case in related(300, labels=300)]
    for logistic in (False, True):
        assert corrected_regression(cases, "dsl", logistic=logistic) == corrected_regression(
            cases, "classical", logistic=logistic
        )


def test_coefficients_that_the_data_do_not_settle_are_none():
    apart = [Case(float(number > 30), float(number > 30), 1.0, (1.0, float(number > 30))) for number in range(60)]
    assert {one.note for one in corrected_regression(apart, "classical", logistic=True)} == {NO_SOLUTION}
    flat = [Case(1.0, 1.0, 1.0, (1.0, 1.0)) for _ in range(60)]
    assert {one.value for one in corrected_regression(flat, "dsl")} == {None}


def test_without_numpy_coefficients_are_refused(monkeypatch):
    monkeypatch.setattr(regression, "np", None)
    assert "buttermilk[statistics]" in corrected_regression(related(60, labels=40))[0].note


@pytest.mark.slow
def test_intervals_of_corrected_shares_hold_the_planted_truth_as_often_as_they_say():
    found = {name: held for name, held, _ in bench().shares(1_000)}
    assert found.pop("naive, share .3") == 0
    assert {name: held for name, held in found.items() if not 0.93 <= held <= 0.97} == {}
    assert len(found) == 8


@pytest.mark.slow
@pytest.mark.parametrize("logistic", [False, True])
def test_intervals_of_corrected_coefficients_hold_the_planted_truth_as_often_as_they_say(logistic):
    found = {name.rpartition("slope, ")[2]: held for name, held, _ in bench().coefficients(1_000, logistic=logistic)}
    assert found.pop("naive") < 0.9
    assert {name: held for name, held in found.items() if not 0.93 <= held <= 0.97} == {}
    assert set(found) == {"DSL, equal chances", "DSL, by doubt", "PPI", "PPI++"}


# ---- how many labels, and power


def test_labels_for_a_share_are_cochrans():
    assert labels_for(0.05, 0.25) == 385  # 1.96² / 4 / .05² = 384.1
    assert width(385, 0.25) <= 0.05 < width(384, 0.25)
    assert labels_for(0.05, 0.25, machine=0.001) is None  # 1.96 √.001 = .062: no label makes that less


def test_power_of_half_a_standard_deviation_with_64_a_side():
    assert power_of_difference(0.5, 2 / 64) == pytest.approx(0.8074, abs=1e-4)  # Φ(.5 / √(1/32) - 1.96) = Φ(.8685)
    assert power_of_difference(0.0, 1.0) == pytest.approx(0.05)


def test_power_of_mcnemar_is_what_simulation_finds():
    # Connor: δ = .1, ψ = .3, n = 200: Φ((.1 √200 - 1.96 √.3) / √(.3 - .01)) = Φ(.633)
    assert power_of_mcnemar(0.1, 0.2, 200) == pytest.approx(
        NormalDist().cdf((0.1 * sqrt(200) - 1.959964 * sqrt(0.3)) / sqrt(0.29))
    )
    random = np.random.default_rng(1)
    moved = random.multinomial(200, [0.1, 0.2, 0.7], size=20_000)
    found = np.abs(moved[:, 1] - moved[:, 0]) / np.sqrt(moved[:, 0] + moved[:, 1]) > 1.959964
    assert power_of_mcnemar(0.1, 0.2, 200) == pytest.approx(float(found.mean()), abs=0.02)
    assert power_of_mcnemar(0, 0, 10) == 0.0


# ---- specifications


def spec(name, value, half=0.1):
    estimate = Estimate(None, note="failed") if value is None else Estimate(value, value - half, value + half, 9)
    return Specification((name,), estimate)


def test_a_curve_counts_failed_cells_among_all():
    found = curve([spec("d", None), spec("b", 0.3), spec("a", 0.05), spec("c", -0.2)])
    assert [one.choices[0] for one in found.sorted] == ["c", "a", "b", "d"]
    assert (found.median, found.failed) == (0.05, 1)
    assert (found.same, found.sure) == (0.5, 0.25)  # a and b are above nought, b surely: of four


@given(
    st.lists(st.tuples(st.text(max_size=3), st.none() | st.floats(-1, 1)), max_size=9, unique_by=lambda one: one[0]),
    st.randoms(),
)
def test_a_curve_is_the_same_in_any_order(rows, random):
    given_ = [spec(name, value) for name, value in rows]
    assert curve(random.sample(given_, len(given_))) == curve(given_)


def test_the_slope_on_a_column_of_nought_and_one_is_the_difference_of_two_means():
    pairs = [(0.0, 0.0), (0.0, 1.0), (1.0, 1.0), (1.0, 1.0), (1.0, 0.0), (1.0, 1.0)]
    found = slope(pairs)
    # .75 - .5; variances .25 / 2 and .1875 / 4
    assert found.value == pytest.approx(0.25)
    assert found.high - found.value == pytest.approx(1.959964 * sqrt(0.25 / 2 + 0.1875 / 4), rel=1e-6)
    assert slope(pairs[2:]).note == NO_VARIATION
    cases = [Case(y, None, 1.0, (1.0, x)) for x, y in pairs]
    assert corrected_regression(cases, "naive")[1].low == pytest.approx(found.low)


def test_a_p_value_is_that_of_the_interval():
    assert p_value(Estimate(0.1, 0.0, 0.2, 9)) == pytest.approx(0.05)
    assert p_value(Estimate(0.0, 0.0, 0.0, 9)) == 1.0
    assert p_value(Estimate(0.2, 0.2, 0.2, 9)) == 0.0
