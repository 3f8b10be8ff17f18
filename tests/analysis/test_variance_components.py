"""Variance components: published values, the sum beside each; what must hold of any table of answers."""

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from buttermilk.analysis.statistics import components as parts_of
from buttermilk.analysis.statistics.components import RECORD, RUN, added, components, dependability
from buttermilk.analysis.statistics.estimate import NO_VARIATION
from buttermilk.analysis.statistics.restricted_likelihood import Model, restricted_likelihood

# Six targets by four judges: Shrout and Fleiss (1979), table 2.
RATINGS = ((9, 2, 5, 8), (6, 1, 3, 2), (8, 4, 6, 8), (7, 1, 2, 6), (10, 5, 6, 9), (6, 2, 4, 7))
JUDGES = (("a",), ("b",), ("c",), ("d",))
CROSSED = [[(float(number),) for number in row] for row in RATINGS]


# ---- variance components


def test_shrout_and_fleiss_have_their_published_components():
    found = components(("judge",), JUDGES, CROSSED)
    # MS: records 11.242, judges 32.486, error 1.019: (11.242 - 1.019) / 4; (32.486 - 1.019) / 6.
    assert {name: round(part, 3) for name, part in found.parts.items()} == {
        RECORD: 2.556,
        ("judge",): 5.244,
        RUN: 1.019,
    }
    assert (found.n, found.how, found.levels) == (6, "mean squares", {"judge": 4})
    assert round(4 * found.parts[RECORD] + found.parts[RUN], 3) == 11.242
    assert round(6 * found.parts["judge",] + found.parts[RUN], 3) == 32.486


@pytest.mark.parametrize(("judges", "relative", "absolute"), [(1, 0.715, 0.290), (4, 0.909, 0.620), (8, 0.953, 0.765)])
def test_the_d_study_of_shrout_and_fleiss_has_its_published_values(judges, relative, absolute):
    """With one and four judges these are ICC(3,1) .71 and (3,k) .91, and ICC(2,1) .29 and (2,k) .62."""
    found = dependability(components(("judge",), JUDGES, CROSSED).parts, {"judge": judges})
    assert tuple(round(one, 3) for one in found) == (relative, absolute)


def test_judges_who_cannot_be_told_apart_give_the_one_way_correlations():
    found = components((), [()], [[tuple(map(float, row))] for row in RATINGS])
    assert round(found.parts[RUN], 3) == 6.264  # MS within
    assert round(dependability(found.parts, {"run": 1})[1], 2) == 0.17  # ICC(1,1)
    assert round(dependability(found.parts, {"run": 4})[1], 2) == 0.44  # ICC(1,k)


def test_where_nothing_is_missing_reml_gives_what_mean_squares_give():
    found = restricted_likelihood(("judge",), JUDGES, CROSSED).parts
    assert {name: round(part, 5) for name, part in found.items()} == {
        RECORD: 2.55556,
        ("judge",): 5.24444,
        RUN: 1.01944,
    }


def made(seed, records=60, *, missing=0.0):
    """METHODS 2.5: three prompts, two models, three runs; planted 1, .25, .16, .36, .25."""
    random = np.random.default_rng(seed)
    record, prompt, model = (random.normal(0, sd, size) for sd, size in ((1, records), (0.5, 3), (0.4, 2)))
    both, noise = random.normal(0, 0.6, (records, 3)), random.normal(0, 0.5, (records, 3, 2, 3))
    y = record[:, None, None, None] + prompt[:, None, None] + model[:, None] + both[:, :, None, None] + noise
    gone = random.random(y.shape) < missing
    columns = [(str(one), str(two)) for one in range(3) for two in range(2)]
    units = [
        [
            tuple(v for v, lost in zip(y[i, j, k].tolist(), gone[i, j, k], strict=True) if not lost)
            for j in range(3)
            for k in range(2)
        ]
        for i in range(records)
    ]
    return columns, units


def test_planted_variances_come_back_from_whole_and_from_half_empty_tables():
    whole = components(("prompt", "model"), *made(3, 2_000))
    holed = components(("prompt", "model"), *made(3, 2_000, missing=0.4))
    assert (whole.how, holed.how) == ("mean squares", "REML")
    for effect, truth in ((RECORD, 1.0), (("record", "prompt"), 0.36), (RUN, 0.25)):
        assert whole.parts[effect] == pytest.approx(truth, rel=0.1)
        assert holed.parts[effect] == pytest.approx(truth, rel=0.1)
    assert holed.parts["record", "model"] < 0.01


def test_three_crossed_facets_give_the_same_by_both_ways():
    columns, units = made(8)
    squares = components(("prompt", "model"), columns, units)
    likely = restricted_likelihood(("prompt", "model"), columns, units).parts
    inner = {effect: part for effect, part in squares.parts.items() if part > 0.01}
    assert len(inner) >= 4
    assert {effect: likely[effect] for effect in inner} == pytest.approx(inner, abs=0.02)


def test_reml_stands_at_the_top_of_its_likelihood():
    columns, units = made(5, 20, missing=0.3)
    found = restricted_likelihood(("prompt", "model"), columns, units)
    model = Model(("prompt", "model"), columns, units)
    at = np.array([found.parts[effect] for effect in model.effects])
    assert model.look(at).likelihood == pytest.approx(found.likelihood, abs=1e-9)
    for place in range(len(at)):
        for factor in (0.99, 1.01):
            moved = at.copy()
            moved[place] = max(moved[place] * factor, model.least[place])
            assert model.look(moved).likelihood <= found.likelihood + 1e-9


def test_the_slope_and_the_information_of_the_likelihood_are_those_of_small_differences():
    columns, units = made(6, 15, missing=0.3)
    model = Model(("prompt", "model"), columns, units)
    at = np.linspace(0.2, 0.6, len(model.effects))
    here = model.look(at)
    for place in range(len(at)):
        step = np.zeros(len(at))
        step[place] = 1e-5
        rise = (model.look(at + step).likelihood - model.look(at - step).likelihood) / 2e-5
        assert (here.squares[place] - here.traces[place]) / 2 == pytest.approx(rise, rel=1e-4, abs=1e-5)
    assert np.allclose(here.information, here.information.T)
    assert np.linalg.eigvalsh(here.information).min() > -1e-9


def test_what_cannot_be_divided_says_why_and_gives_no_number():
    assert components(("judge",), JUDGES, [[(1.0,)] * 4] * 9).note == NO_VARIATION
    alone = components((), [()], [[(1.0,)], [(2.0,)]])
    assert (alone.parts, alone.note) == ({}, parts_of.NEEDS_RECORDS)
    assert components(("judge",), JUDGES, [[(1.0,), (2.0,), (), ()]]).n == 1


def test_without_numpy_gaps_are_refused_and_whole_tables_are_not(monkeypatch):
    monkeypatch.setattr(parts_of.restricted_likelihood, "READY", False)
    holed = components(("judge",), JUDGES, [[*row[:3], ()] for row in CROSSED])
    assert (holed.parts, "buttermilk[statistics]" in holed.note) == ({}, True)
    assert components(("judge",), JUDGES, CROSSED).parts


def test_records_without_any_answer_are_counted_and_left_out():
    found = components(("judge",), JUDGES, [*CROSSED, [()] * 4])
    assert (found.n, found.left_out) == (6, 1)


def test_a_fixed_facet_stands_for_itself():
    parts = {RECORD: 1.0, ("agent",): 0.5, ("record", "agent"): 0.4, RUN: 0.2}
    sizes = {"agent": 2, "run": 1}
    # fixed: (1 + .4/2) / (1.2 + .2/2); random: 1 / (1 + .4/2 + .2/2 + .5/2)
    assert dependability(parts, sizes, ("agent",)) == pytest.approx((1.2 / 1.3, 1.2 / 1.3))
    assert dependability(parts, sizes) == pytest.approx((1 / 1.3, 1 / 1.55))


def test_the_labels_of_a_question_are_summed():
    one = components(("judge",), JUDGES, CROSSED)
    both = added([one, one])
    assert both.parts[RECORD] == 2 * one.parts[RECORD]
    assert both.share(RECORD) == pytest.approx(one.share(RECORD))


cells = st.lists(st.sampled_from([0.0, 1.0]), max_size=3).map(tuple)
tables = st.lists(st.lists(cells, min_size=3, max_size=3), min_size=3, max_size=9)


@given(tables, st.randoms(use_true_random=False))
@settings(max_examples=60, deadline=None)
def test_components_are_the_same_in_any_order_of_records(units, random):
    columns = (("a",), ("b",), ("c",))
    shuffled = random.sample(units, len(units))
    found = components(("judge",), columns, units)
    assert components(("judge",), columns, shuffled) == found
    assert all(part >= 0 for part in found.parts.values())


def test_ten_thousand_records_with_gaps_take_seconds():
    columns, units = made(1, 6_000, missing=0.05)
    begun = time.process_time()
    components(("prompt", "model"), columns, units)
    assert time.process_time() - begun < 20
