"""Published values, the sum beside each; and what must hold of any answers."""

import time
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from buttermilk.analysis.statistics import alpha as alphas
from buttermilk.analysis.statistics.agreement import agreement, share_of_match
from buttermilk.analysis.statistics.alpha import alpha
from buttermilk.analysis.statistics.entropy import entropy, one_voice_each
from buttermilk.analysis.statistics.estimate import NEEDS_TWO, NO_VARIATION, percentile
from buttermilk.analysis.statistics.resampling import resampled
from buttermilk.analysis.statistics.voices import voices
from buttermilk.analysis.statistics.wilson import wilson

# Krippendorff's own example: four coders, twelve units, gaps where a coder gave nothing.
TABLE = """
1 2 3 3 2 1 4 1 2 . . .
1 2 3 3 2 2 4 1 2 5 . 3
. 3 3 3 2 3 4 2 2 5 1 .
1 2 3 3 2 4 4 1 2 5 1 .
"""
CODERS = [line.split() for line in TABLE.strip().splitlines()]
UNITS = [tuple((float(value),) for value in column if value != ".") for column in zip(*CODERS, strict=True)]

votes = st.lists(st.sampled_from("abc"), min_size=1, max_size=3).map(tuple)
panels = st.lists(st.lists(votes, max_size=4).map(tuple), min_size=1, max_size=12)


@pytest.mark.parametrize(
    ("level", "published"),
    [("nominal", 0.743421), ("ordinal", 0.815388), ("interval", 0.849107), ("ratio", 0.797403)],
)
def test_alpha_has_the_published_value_at_each_level(level, published):
    found = alpha(UNITS, level, draws=200)
    assert round(found.value, 6) == published
    assert (found.n, found.left_out) == (11, 1)  # the last unit was seen by one coder alone
    assert found.pairs == 8 * 6 + 2 * 3 + 1  # eight units of four coders, two of three, one of two


def test_twelve_units_prove_little_and_the_interval_says_so():
    # METHODS: percentile bootstrap over units, 2,000 draws: (.42, 1.00); the corrected interval leaves 1 out
    heard = voices(UNITS)
    scale = alphas._nominal(heard)
    records = [
        alphas._sums(scale, {met: scale.apart(met)}, [(met, 1)]) for met, times in heard.patterns for _ in range(times)
    ]
    drawn = sorted(resampled(records, alphas._finish, 2_000, Random(1)))
    low, high = percentile(drawn, 0.025), percentile(drawn, 0.975)
    assert (low, high) == (pytest.approx(0.42, abs=0.03), 1.0)
    found = alpha(UNITS, "nominal", draws=2_000)
    assert (found.low, found.high) == (pytest.approx(0.41, abs=0.03), pytest.approx(0.93, abs=0.03))


def test_without_draws_there_is_no_interval():
    assert alpha(UNITS, draws=0)[:3] == (alpha(UNITS).value, None, None)


def test_where_no_record_divides_the_coders_the_interval_is_no_single_point():
    # twelve of twelve: Wilson's lower bound is 12 / (12 + 1.96²) = .7575
    found = alpha([(("a",), ("a",))] * 6 + [(("b",), ("b",))] * 6)
    assert (found.value, round(found.low, 4), found.high) == (1.0, 0.7575, 1.0)
    assert found.note.startswith("no record divided the coders")


def test_an_interval_comes_out_the_same_again():
    assert alpha(UNITS, "nominal", seed=7) == alpha(UNITS, "nominal", seed=7)
    assert alpha(UNITS, "nominal", seed=7).low != alpha(UNITS, "nominal", seed=8).low


def test_one_value_everywhere_is_no_agreement_but_undefined():
    found = alpha([(("no",), ("no",))] * 9)
    assert (found.value, found.low, found.note, found.n) == (None, None, "undefined: no variation", 9)
    assert found.note == NO_VARIATION


def test_one_coder_is_undefined():
    found = alpha([(("no",),), (("yes",),), ()])
    assert (found.value, found.note, found.left_out) == (None, "undefined: needs two", 3)
    assert alpha([]).note == NEEDS_TWO


def test_one_record_has_a_value_and_no_interval():
    found = alpha([(("a",), ("b",), ("a",))])
    assert found.value is not None
    assert found.low is None
    assert found.note == "one record: no interval"


def test_a_coder_who_answers_thrice_the_same_counts_as_one_who_answers_once():
    once = [(("a",), ("b",)), (("b",), ("b",)), (("a",), ("a",)), (("c",), ("a",))]
    thrice = [tuple(given * 3 for given in unit) for unit in once]
    assert alpha(thrice).value == pytest.approx(alpha(once).value)
    assert alpha(thrice).pairs == alpha(once).pairs == 4


def test_does_not_apply_is_a_label_of_its_own_but_no_place_on_a_scale():
    units = [((None,), (None,)), (("low",), ("high",)), (("high",), ("high",))]
    assert alpha(units).n == 3
    ranked = alpha(units, "ordinal", ("low", "high"))
    assert (ranked.n, ranked.left_out) == (2, 1)


def test_an_order_that_misses_a_label_is_an_error():
    with pytest.raises(ValueError, match="does not name high"):
        alpha([(("low",), ("high",))], "ordinal", ("low", "middle"))


def test_ordinal_distance_grows_with_what_lies_between():
    order = ("never", "seldom", "often", "always")
    steady = [((label,), (label,)) for label in order]
    near, far = [(("never",), ("seldom",))], [(("never",), ("always",))]
    assert alpha(steady + near, "ordinal", order).value > alpha(steady + far, "ordinal", order).value


def test_words_on_a_scale_of_numbers_are_an_error():
    with pytest.raises(ValueError, match="not a number"):
        alpha([(("a",), (1.0,))], "interval")


def test_a_ratio_scale_knows_no_negative_number():
    with pytest.raises(ValueError, match="negative"):
        alpha([((-1.0,), (1.0,)), ((2.0,), (1.0,))], "ratio")


def test_many_values_on_a_ratio_scale_cost_no_exactness():
    # D_e by the definition, a sum over all pairs of values, against the integral that stands in for it
    draw = Random(1)
    units = [((base,), (base * (1 + draw.random()),)) for base in (draw.random() * 100 for _ in range(150))]
    values = [label for unit in units for (label,) in unit]
    apart = [((a - b) / (a + b)) ** 2 for a in values for b in values]
    within = [2 * ((a - b) / (a + b)) ** 2 for (a,), (b,) in units]
    n = len(values)
    assert alpha(units, "ratio", draws=0).value == pytest.approx(
        1 - sum(within) / n / (sum(apart) / n / (n - 1)), 1e-12
    )


@pytest.mark.slow
@pytest.mark.parametrize("level", ["nominal", "ordinal", "interval", "ratio"])
def test_alpha_of_a_hundred_thousand_records_and_ten_coders_takes_two_seconds_without_its_interval(level):
    draw = Random(1)
    units = [tuple((float(draw.randrange(1, 8)),) for _ in range(10)) for _ in range(100_000)]
    started = time.process_time()
    alpha(units, level, draws=0)
    assert time.process_time() - started < 2


@given(panels)
def test_alpha_never_passes_one_and_its_interval_is_in_order(units):
    found = alpha(units, draws=200)
    assert found.n + found.left_out == len(units)
    if found.value is None:
        assert found.note.startswith("undefined: ")
    else:
        assert found.value <= 1 + 1e-9
        assert found.low is None or found.low <= found.high <= 1 + 1e-9


def test_wilson_has_the_published_interval():
    # Newcombe (1998), Statistics in Medicine 17, table I, method 3: 81/263 -> .2553 to .3662; 15/148 -> .0624 to .1605
    for hits, n, low, high in ((81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611)):
        found = wilson(hits, n)
        assert (round(found.low, 4), round(found.high, 4), found.n) == (low, high, n)


def test_wilson_of_nothing_is_undefined():
    assert wilson(0, 0, left_out=3) == (None, None, None, 0, 3, "undefined: nothing to count", 0, None)


@given(st.integers(0, 500), st.integers(1, 500))
def test_a_wilson_interval_holds_its_share_and_stays_within_nought_and_one(hits, n):
    found = wilson(min(hits, n), n)
    assert 0 <= found.low <= found.value <= found.high <= 1
    assert found.low < found.high


def test_entropy_has_the_worked_value():
    # votes 3, 1, 1 of three labels: H = -(.6 log2 .6 + 2 × .2 log2 .2) = 1.3710; / log2 3 = .8650
    spread = entropy({"a": 3, "b": 1, "c": 1}, 3)
    assert (round(spread.bits, 4), round(spread.normalised, 4), spread.modal) == (1.371, 0.865, 0.6)


def test_a_record_of_one_mind_has_no_entropy():
    assert entropy({"a": 7}, 4) == (0.0, 0.0, 1.0)
    with pytest.raises(ValueError, match="no votes"):
        entropy({}, 3)


def test_each_agent_has_one_voice_whatever_the_number_of_its_answers():
    assert one_voice_each([("a", "a", "a", "b"), ("b",)]) == {"a": 0.75, "b": 1.25}


def test_percentage_agreement_counts_records_not_repeats():
    # record 1: (a,a,b) and (a): 2/3; record 2: same: 1; record 3: one coder only
    found = agreement([(("a", "a", "b"), ("a",)), (("b",), ("b",)), (("b",), ())])
    assert found.value == pytest.approx((2 / 3 + 1) / 2)
    assert (found.n, found.left_out, found.pairs) == (2, 1, 2)
    assert agreement([()]).note == NEEDS_TWO


def test_a_match_is_the_chance_that_two_drawn_answers_are_the_same():
    assert share_of_match(("a", "a", "b"), ("a",)) == pytest.approx(2 / 3)
    assert share_of_match(("a",), (None,)) == 0
    assert share_of_match((None,), (None,)) == 1


def test_percentiles_are_interpolated():
    assert percentile([1, 2, 3, 4], 0.5) == 2.5
    assert percentile([7], 0.975) == 7
