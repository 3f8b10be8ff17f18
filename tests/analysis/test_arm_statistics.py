"""Statistics of waves and arms: sums beside each value; what must hold whatever was answered."""

from itertools import combinations, product
from math import log
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from buttermilk.analysis.statistics.bootstrap import expanded, interval_of_mean
from buttermilk.analysis.statistics.conformity import Shown, anchoring, conformity
from buttermilk.analysis.statistics.drift import drift, scale_of
from buttermilk.analysis.statistics.estimate import Exact
from buttermilk.analysis.statistics.lift import NEEDS_REPEATS, lift, lifts
from buttermilk.analysis.statistics.majority import modal
from buttermilk.analysis.statistics.mcnemar import mcnemar
from buttermilk.analysis.statistics.paired import paired
from buttermilk.analysis.statistics.revisions import revisions

votes = st.lists(st.sampled_from(["yes", "no", "unclear"]), max_size=4).map(tuple)
numbers = st.lists(st.integers(0, 9), min_size=1, max_size=3).map(tuple)


def yes(many, of):
    return ("yes",) * many + ("no",) * (of - many)


# ---- distances that are more than same or not


def test_places_apart_count_by_their_distance():
    # of 1, 1 and 3, 3 on a scale of three: between always 2 places, within none; the scale is 2 places long
    sides = [[(("low", "low"), ("high", "high"))], [(("low", "mid"), ("mid", "low"))]]
    scale = scale_of(sides, ("low", "mid", "high"))
    assert drift(sides[:1], seed=1, scale=scale).value == 1
    # low, mid and mid, low: between 1/2 of a place, within 1 of either side: 1/2 - 1 = -1/2 places, -1/4 of the scale
    assert drift(sides[1:], seed=1, scale=scale).value == -0.25


def test_numbers_drift_in_their_own_unit():
    sides = [[((10.0, 10.0), (30.0, 30.0))], [((0.0, 0.0), (0.0, 0.0))]]
    assert drift(sides, seed=1, scale=scale_of(sides, measured=True)).value == pytest.approx(20 / 2)
    same = [[((5.0, 5.0), (5.0, 5.0))]]
    assert drift(same, seed=1, scale=scale_of(same, measured=True)).test.p == 1


@given(st.tuples(votes, votes).filter(lambda unit: min(map(len, unit)) >= 2))
def test_the_exact_p_of_ordered_labels_counts_all_permutations_of_the_tags(unit):
    place = {"no": 0, "unclear": 1, "yes": 2}
    both = [place[label] for side in unit for label in side]

    def apart(chosen):
        one, two = [both[i] for i in chosen], [both[i] for i in range(len(both)) if i not in chosen]
        within = [
            sum(abs(a - b) for a, b in combinations(side, 2)) * 2 / len(side) / (len(side) - 1) for side in (one, two)
        ]
        between = sum(abs(a - b) for a, b in product(one, two)) / (len(one) * len(two))
        return (between - sum(within) / 2) / 2

    ways = [apart(chosen) for chosen in combinations(range(len(both)), len(unit[0]))]
    found = drift([[unit]], seed=1, scale=scale_of([[unit]], tuple(place)))
    assert found.value == pytest.approx(ways[0])
    assert found.test.p == pytest.approx(sum(one >= ways[0] - 1e-9 for one in ways) / len(ways))


def test_several_cells_of_a_record_are_one_record():
    cells = [(("a", "a"), ("b", "b")), (("a", "a"), ("a", "a")), (("a",), ("a", "a"))]
    found = drift([cells, cells], seed=1)
    assert (found.value, found.n, found.pairs, found.left_out) == (0.5, 2, 4, 2)


def test_ties_count_half_in_the_mid_p():
    assert Exact(0.3, (0.1, 0.3, 1.0)).mid == pytest.approx((0.3 + 0.1) / 2)
    assert Exact(0.1, (0.1, 1.0)).mid == pytest.approx(0.05)


# ---- paired differences


@given(st.integers(0, 8), st.integers(0, 8), st.integers(0, 4))
def test_with_one_answer_a_side_swapping_sides_is_mcnemars_test(lost, gained, same):
    units = [((1,), (0,))] * lost + [((0,), (1,))] * gained + [((1,), (1,))] * same
    if len(units) > 1:
        assert paired(units, seed=1).test.p == pytest.approx(mcnemar(lost, gained, same).test.p)


def test_swapping_sides_has_the_p_of_fishers_darwin_data():
    # Fisher (1935), ch. 3: heights of 15 pairs of maize in eighths of an inch. 863 of the 2^15 ways to give the signs
    # have a sum of 314 or more, and as many of -314 or less: p = 1726 / 32768 = .0527
    eighths = (49, -67, 8, 16, 6, 23, 28, 41, 14, 29, 56, 24, 75, 60, -48)
    found = paired([((0.0,), (float(one),)) for one in eighths], seed=1)
    assert found.value == pytest.approx(314 / 15)
    assert found.test.p == pytest.approx(1726 / 32768, abs=1e-4)


def test_three_answers_about_one_record_are_no_three_records():
    once = paired([((1,), (0,))] * 6, seed=1)
    assert paired([((1, 1, 1), (0, 0, 0))] * 6, seed=1).test.p == once.test.p == pytest.approx(2 / 2**6)


def test_many_records_are_dealt_to_groups_and_the_interval_stays():
    random = Random(5)
    values = [random.gauss(0, 1) for _ in range(4_000)]
    low, high = interval_of_mean(values, 1)
    assert high - low == pytest.approx(2 * 1.96 / 4_000**0.5, rel=0.12)
    assert interval_of_mean(values[::-1], 1) == (low, high)


def test_few_records_have_wider_percentiles():
    # n = 5: t(4) = 2.776, √(5/4) · 2.776 = 3.104, Φ(-3.104) = .00096: of 10,001 ordered draws the tenth
    low, high = expanded(range(10_001), 5)
    assert low == pytest.approx(9.6, abs=0.3)
    assert high == pytest.approx(10_000 - 9.6, abs=0.3)
    # n = 1,000: t = 1.9623, Φ(-1.9633) = .0248
    assert expanded(range(10_001), 1_000)[0] == pytest.approx(248, abs=0.5)


# ---- conformity and anchoring


def test_conformity_is_the_rise_of_the_commonest_prior():
    # yes is the commonest prior of both: 3/3 - 1/3 and 1/2 - 1/2, on average 1/3
    cells = [[Shown(yes(2, 3), yes(3, 3), yes(1, 3))], [Shown(yes(3, 3), yes(1, 2), yes(1, 2))]]
    found = conformity(cells, seed=1)
    assert found.value == pytest.approx(1 / 3)
    assert (found.n, found.left_out) == (2, 0)


def test_priors_without_a_single_commonest_point_nowhere():
    tied = Shown(yes(1, 2), yes(2, 2), yes(0, 2))
    found = conformity([[tied], [tied, Shown(yes(2, 2), yes(1, 1), yes(0, 1))]], seed=1)
    assert (found.value, found.n, found.left_out) == (1, 1, 2)
    assert conformity([[tied]], seed=1).note == "undefined: nothing to compare"
    assert modal(()) == ()


def test_anchoring_is_a_slope():
    # mean priors 0, 10, 20; without them always 5, with them 5, 8, 11: .3 points a point
    cells = [[Shown((anchor,), (5 + 0.3 * anchor,), (5.0,))] for anchor in (0.0, 10.0, 20.0, 30.0)]
    found = anchoring(cells, seed=1)
    assert found.value == pytest.approx(0.3)
    assert (found.low, found.high) == (pytest.approx(0.3), pytest.approx(0.3))
    assert anchoring([cells[0], cells[0]], seed=1).note == "undefined: no variation"
    assert anchoring([[Shown((), (1.0,), (1.0,))]], seed=1).left_out == 1


def test_anchoring_where_there_is_none_is_about_nought():
    random = Random(7)
    cells = [[Shown((random.uniform(0, 10),), (random.gauss(5, 1),), (random.gauss(5, 1),))] for _ in range(700)]
    found = anchoring(cells, seed=1)
    assert found.low < 0 < found.high
    assert abs(found.value) < 0.05


@given(
    st.lists(st.lists(st.builds(Shown, numbers, numbers, numbers), min_size=1, max_size=2), max_size=5), st.randoms()
)
def test_no_order_changes_conformity_or_anchoring(records, random):
    mixed = [[Shown(*(tuple(random.sample(side, len(side))) for side in cell)) for cell in cells]
             for cells in random.sample(records, len(records))]  # fmt: skip
    for measure in (conformity, anchoring):
        one, two = measure(records, seed=1), measure(mixed, seed=1)
        assert one.value == (pytest.approx(two.value) if two.value is not None else None)
        assert one[3:7] == two[3:7]


# ---- revisions


def test_revisions_are_sorted_by_what_they_did():
    # right before in 1 of 2, after in 3 of 4: better 1/2 · 3/4, worse 1/2 · 1/4, the same 1/2 · 3/4 + 1/2 · 1/4 (no)
    found = revisions([("yes", yes(1, 2), yes(3, 4))])
    assert (found.beneficial, found.harmful, found.neutral, found.n) == (0.375, 0.125, 0, 1)
    assert found.same == pytest.approx(0.5)
    other = revisions([("yes", ("no",), ("unclear",)), ("yes", (), ("no",))])
    assert (other.neutral, other.same, other.n) == (1, 0, 1)
    assert revisions([]).n == 0


@given(st.lists(st.tuples(st.sampled_from(["yes", "no"]), votes, votes), max_size=6))
def test_revisions_are_shares(cells):
    found = revisions(cells)
    assert min(found.beneficial, found.harmful, found.neutral, found.same) >= -1e-9


# ---- lift


def test_an_agent_that_always_says_the_same_has_lift_nought_everywhere():
    found = lift([("yes",) * 3] * 20, ("yes", "no"), seed=1)
    assert (found.of.value, found.by_chance, found.times) == (0, 0, 1)
    assert lifts([("yes",) * 3] * 20, ("yes", "no")) == {("yes",) * 3: {"yes": 0}}


def test_lift_is_the_logarithm_of_a_share_over_the_base_rate():
    # K = 2. q(yes) of yes, yes: 2.5/3; of no, no: .5/3. Of the first record the base rate is the mean of the others:
    # (2.5/3 + .5/3 + .5/3) / 3 = 7/18; lift log(2.5/3 · 18/7) = log(15/7)
    given_ = [("yes", "yes"), ("yes", "yes"), ("no", "no"), ("no", "no")]
    found = lifts(given_, ("yes", "no"))
    assert found["yes", "yes"]["yes"] == pytest.approx(log(15 / 7))
    assert lift(given_, ("yes", "no"), seed=1).of.value == pytest.approx(log(15 / 7))


def test_answers_at_random_are_no_more_specific_than_chance():
    random = Random(3)
    habit = [tuple(random.choices(("yes", "no"), (3, 1), k=3)) for _ in range(400)]
    found = lift(habit, ("yes", "no"), seed=1)
    assert found.times == pytest.approx(1, abs=0.05)
    about = lift([yes(3 * (place % 2), 3) for place in range(400)], ("yes", "no"), seed=1)
    assert about.times > 1.4


def test_with_one_answer_a_record_habit_cannot_be_told():
    assert lift([("yes",), ("no",)] * 5, ("yes", "no"), seed=1).of.note == NEEDS_REPEATS
    assert lift([("yes",), ()], ("yes", "no"), seed=1).of.note == "undefined: nothing to compare"


@given(st.lists(votes, max_size=8), st.randoms())
def test_no_order_changes_lift(records, random):
    mixed = [tuple(random.sample(record, len(record))) for record in random.sample(records, len(records))]
    one, two = (lift(each, ("yes", "no", "unclear"), seed=1) for each in (records, mixed))
    assert one.by_chance == pytest.approx(two.by_chance) if one.by_chance is not None else two.by_chance is None
    assert one.of.value == pytest.approx(two.of.value) if one.of.value is not None else one.of.note == two.of.note
