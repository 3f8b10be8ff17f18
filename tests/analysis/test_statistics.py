"""Published values, the sum beside each; and what must hold of any answers."""

import time
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from buttermilk.analysis.statistics.agreement import agreement, confusion, share_of_match
from buttermilk.analysis.statistics.alpha import alpha
from buttermilk.analysis.statistics.entropy import deviation, entropy, one_voice_each
from buttermilk.analysis.statistics.estimate import NEEDS_TWO, NO_VARIATION, percentile
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
    # METHODS: percentile bootstrap over units, 2,000 draws: (.42, 1.00)
    found = alpha(UNITS, "nominal", draws=2_000)
    assert found.low == pytest.approx(0.42, abs=0.03)
    assert found.high == 1.0


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


def test_many_values_on_a_ratio_scale_are_merged_and_change_little():
    draw = Random(1)
    units = [((base,), (base + draw.random(),)) for base in (draw.random() * 100 for _ in range(300))]
    exact = alpha(units[:14], "ratio", draws=200)  # 28 values: none is merged
    assert 0.9 < exact.value <= 1
    assert 0.9 < alpha(units, "ratio", draws=200).value <= 1


@pytest.mark.slow
@pytest.mark.parametrize("level", ["nominal", "ordinal", "interval"])
def test_a_hundred_thousand_answers_take_a_moment(level):
    draw = Random(1)
    units = [tuple((float(draw.randrange(5)),) for _ in range(4)) for _ in range(25_000)]
    started = time.process_time()
    alpha(units, level)
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


@given(panels, st.randoms())
def test_neither_the_order_of_records_nor_of_coders_changes_alpha(units, random):
    mixed = [tuple(random.sample(unit, len(unit))) for unit in random.sample(units, len(units))]
    one, other = alpha(units, draws=200).value, alpha(mixed, draws=200).value
    assert one == pytest.approx(other) if one is not None else other is None


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


def test_the_spread_of_numbers_is_their_standard_deviation():
    assert deviation([2, 4, 4, 4, 5, 5, 7, 9]) == 2  # mean 5, squares 32 of 8
    with pytest.raises(ValueError, match="no numbers"):
        deviation([])


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


def test_a_confusion_table_counts_every_answer():
    table = confusion([("a", ("a", "b", "b")), ("b", ("b", None))])
    assert table == {("a", "a"): 1, ("a", "b"): 2, ("b", "b"): 1, ("b", None): 1}


def test_percentiles_are_interpolated():
    assert percentile([1, 2, 3, 4], 0.5) == 2.5
    assert percentile([7], 0.975) == 7
