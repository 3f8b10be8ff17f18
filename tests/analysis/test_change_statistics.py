"""Statistics that tell a change from noise: published values, the sum beside each; what must hold of any answers."""

import time
from collections import Counter
from itertools import combinations
from math import comb
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from buttermilk.analysis.statistics import drift as drifting
from buttermilk.analysis.statistics.dealing import beyond, convolve, deals
from buttermilk.analysis.statistics.drift import NEEDS_REPEATS, drift, scale_of
from buttermilk.analysis.statistics.estimate import Exact
from buttermilk.analysis.statistics.false_discovery import benjamini_hochberg, discoveries, expected
from buttermilk.analysis.statistics.fisher import fisher
from buttermilk.analysis.statistics.holm import countable, holm
from buttermilk.analysis.statistics.mcnemar import chi_square, mcnemar, repeated
from buttermilk.analysis.statistics.paired import paired
from buttermilk.analysis.statistics.rank_sum import rank_sum

# Fifteen comparisons of two treatments of heart attacks: Benjamini and Hochberg (1995), section 3.2.
HEARTS = (
    0.0001,
    0.0004,
    0.0019,
    0.0095,
    0.0201,
    0.0278,
    0.0298,
    0.0344,
    0.0459,
    0.324,
    0.4262,
    0.5719,
    0.6528,
    0.759,
    1.0,
)

small = st.integers(0, 6)
labels = st.lists(st.sampled_from(["yes", "no", None]), max_size=5).map(tuple)
records = st.lists(st.tuples(labels, labels), max_size=8)
chances = st.lists(st.floats(0, 1), max_size=12)


def drifted(units, **more):
    return drift([[unit] for unit in units], **({"seed": 1} | more))


# ---- McNemar


@pytest.mark.parametrize(
    ("lost", "gained", "p", "plain", "corrected"),
    [
        (12, 2, 0.012939, 7.143, 5.786),  # 2 (1 + 14 + 91) / 2^14; 10² / 14; 9² / 14
        (121, 59, 0.000004, 21.356, 20.672),  # 62² / 180; 61² / 180
    ],
)
def test_mcnemar_has_the_values_of_the_method_paper(lost, gained, p, plain, corrected):
    found = mcnemar(lost, gained)
    assert round(found.test.p, 6) == p
    assert found.value == pytest.approx((gained - lost) / (lost + gained))
    assert round(chi_square(lost, gained, corrected=False)[0], 3) == plain
    assert round(chi_square(lost, gained)[0], 3) == corrected


def test_chi_square_has_the_p_of_one_degree_of_freedom():
    # 3.841 is the 95th percentile of χ² with one degree of freedom: (b - c)² / (b + c) = 3.841 at b - c = 1.96 √n
    assert chi_square(1_098, 902, corrected=False)[1] == pytest.approx(0.0000118, abs=1e-7)  # χ² = 196² / 2000 = 19.208
    assert chi_square(98, 0, corrected=False) == pytest.approx((98.0, 4.17e-23), rel=0.01)
    assert chi_square(0, 0) == (0.0, 1.0)
    assert chi_square(1, 1) == (0.0, 1.0)  # the correction never turns a difference round


def test_nothing_that_changed_is_no_evidence_of_change():
    found = mcnemar(0, 0, same=9)
    assert (found.value, found.n, found.test) == (0, 9, Exact(1.0, (1.0,)))
    assert mcnemar(0, 0).note == repeated([]).note == "undefined: nothing to compare"


@given(small, small, small)
def test_with_one_answer_a_side_the_repeated_test_is_mcnemars(lost, gained, same):
    units = [((1, 1), (0, 1))] * lost + [((0, 1), (1, 1))] * gained + [((1, 1), (1, 1))] * same
    one, other = mcnemar(lost, gained, same), repeated(units)
    assert one.n == other.n
    if one.test:
        assert other.test.p == pytest.approx(one.test.p)
        assert other.value == pytest.approx(one.value)


@given(st.integers(0, 5), st.integers(0, 5))
def test_with_one_case_the_repeated_test_is_fishers(before, after):
    assert repeated([((before, 5), (after, 5))]).test == fisher((before, 5 - before), (after, 5 - after))


def test_the_repeated_test_has_the_published_values_of_the_rabbits():
    # Agresti (1990), pp. 231-237: cured at once and after 1.5 hours, by dose of penicillin; R's mantelhaen.test, exact:
    # p = .040, and .020 for a higher rate of cure at once.
    rabbits = [((0, 5), (0, 6)), ((0, 6), (3, 6)), ((2, 6), (6, 6)), ((6, 6), (5, 6)), ((5, 5), (2, 2))]
    assert round(repeated(rabbits).test.p, 3) == 0.040
    assert round(repeated(rabbits, more=True).test.p, 3) == 0.020


def test_a_case_without_an_answer_on_one_side_is_left_out():
    found = repeated([((1, 2), (2, 2)), ((1, 2), (0, 0)), ((0, 0), (3, 3))])
    assert (found.value, found.n, found.left_out) == (0.5, 1, 2)


# ---- Fisher, and ranks


def test_the_lady_who_tasted_tea():
    # Fisher (1935): of 70 ways to choose four cups of eight, 1 is all right and 16 are right but for one of each kind.
    assert fisher((4, 0), (0, 4)).p == pytest.approx(2 / 70)
    assert fisher((3, 1), (1, 3)).p == pytest.approx(34 / 70)
    assert repeated([((1, 4), (3, 4))], more=True).test.p == pytest.approx(17 / 70)  # as he gave it, of one side


def test_criminals_with_a_twin():
    # Fisher (1935), JRSS 98: convicted and not, 10 and 3 of monozygotic twins, 2 and 15 of dizygotic ones.
    # One side, as published: 619 / 1330665 = .000465; both sides, R's fisher.test: .0005367
    assert repeated([((2, 17), (10, 13))], more=True).test.p == pytest.approx(619 / 1_330_665)
    assert fisher((10, 3), (2, 15)).p == pytest.approx(0.0005367, abs=5e-8)


def test_fisher_takes_any_number_of_labels():
    # two answers a side, three labels (2, 1, 1): 6 ways to choose two of four; aa|bc and bc|aa have 1 way each, the
    # four others (ab|ac, ac|ab: 2 ways each) together 4
    assert fisher((2, 0, 0), (0, 1, 1)) == Exact(pytest.approx(2 / 6), (pytest.approx(2 / 6), 1.0))


@given(st.lists(st.tuples(small, small), min_size=1, max_size=4), st.randoms())
def test_neither_the_order_of_labels_nor_of_sides_changes_fisher(table, random):
    mixed = random.sample(table, len(table))
    found = fisher(*zip(*table, strict=True))
    assert fisher(*zip(*mixed, strict=True)) == found
    assert fisher(*reversed(list(zip(*table, strict=True)))).p == pytest.approx(found.p)
    assert found.p in found.attainable
    assert list(found.attainable) == sorted(found.attainable)
    assert found.attainable[-1] == 1


def test_the_rank_sum_has_the_published_value():
    # Hollander and Wolfe (1973), p. 69: permeability of a membrane at term and at 12 to 26 weeks; W = 35, and one-sided
    # p = .1272 by their table, that is 382 of the 3003 ways to choose five of fifteen; both tails: .2544
    term = [0.80, 0.83, 1.89, 1.04, 1.45, 1.38, 1.91, 1.64, 0.73, 1.46]
    early = [1.15, 0.88, 0.90, 0.74, 1.21]
    assert rank_sum(term, early).p == pytest.approx(2 * 382 / 3003)


@given(st.lists(small, min_size=1, max_size=4), st.lists(small, min_size=1, max_size=4))
def test_the_rank_sum_counts_all_ways_to_choose(first, second):
    both = first + second
    ranks = [(sum(other < one for other in both) + sum(other <= one for other in both) + 1) / 2 for one in both]
    mean = len(first) * (len(both) + 1) / 2
    apart = [abs(sum(chosen) - mean) for chosen in combinations(ranks, len(first))]
    beyond = sum(one >= abs(sum(ranks[: len(first)]) - mean) - 1e-9 for one in apart)
    assert rank_sum(first, second).p == pytest.approx(beyond / len(apart))


def test_what_is_dealt_adds_up_to_all_ways():
    assert deals((2, 1), 1, lambda label, dealt: dealt if label == 0 else 0) == {0: 1, 1: 2}
    assert sum(deals((3, 4, 2), 5, lambda label, dealt: label * dealt).values()) == comb(9, 5)
    assert convolve([{0: 1, 1: 1}] * 4) == {0: 1, 1: 4, 2: 6, 3: 4, 4: 1}
    assert convolve([{0: 1, 1: 1}] * 4, most=10) is None


# ---- several tests at once


def test_holm_has_the_worked_values():
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])  # 3 × .01; 2 × .03; …; 4 × .005
    # the fifteen of 1995: three are significant at .05, as Bonferroni's also are; 15 × .0001, 14 × .0004, 13 × .0019, …
    adjusted = holm(HEARTS)
    assert adjusted[:4] == pytest.approx([0.0015, 0.0056, 0.0247, 0.114])
    assert sum(p <= 0.05 for p in adjusted) == 3


@given(chances)
def test_holm_is_monotone_above_the_raw_values_and_bonferroni_for_the_least(ps):
    adjusted = holm(ps)
    assert all(raw <= p + 1e-12 <= len(ps) * raw + 2e-12 for raw, p in zip(ps, adjusted, strict=True))
    by_raw = [p for _, p in sorted(zip(ps, adjusted, strict=True))]
    assert by_raw == sorted(by_raw)
    if ps:
        assert min(adjusted) == pytest.approx(min(1, len(ps) * min(ps)))


def test_only_tests_that_could_give_an_alarm_are_counted():
    # at .05: five of 1/252 × 2 pass .05/5 = .01; the two that cannot go below .05 cost them nothing
    least = [2 / 252] * 5 + [0.1, 1.0]
    assert countable(least, 0.05) == [0, 1, 2, 3, 4]
    assert countable([0.02, 0.02, 0.02], 0.05) == []  # no three can reach .05/3, and more than two reach .05/2
    assert countable([], 0.05) == []


def test_benjamini_and_hochberg_find_the_published_four():
    # 15/1 × .0001, 15/2 × .0004, 15/3 × .0019, 15/4 × .0095 = .0356; the fifth 15/5 × .0201 = .0603
    adjusted = benjamini_hochberg(HEARTS)
    assert adjusted[:5] == pytest.approx([0.0015, 0.003, 0.0095, 0.035625, 0.0603])
    assert sum(p <= 0.05 for p in adjusted) == 4
    assert adjusted[5] == adjusted[6] == pytest.approx(15 / 7 * 0.0298)  # never more than that of a greater p


@given(chances, st.randoms())
def test_adjusting_keeps_the_order_of_p_and_depends_on_no_other(ps, random):
    places = random.sample(range(len(ps)), len(ps))
    for adjust in (holm, benjamini_hochberg):
        adjusted = adjust(ps)
        assert adjust([ps[place] for place in places]) == [adjusted[place] for place in places]
        assert all(one >= p or one == pytest.approx(p) for one, p in zip(adjusted, ps, strict=True))


def test_records_of_one_mind_cost_a_discovery_nothing():
    flipped, wobbly, steady = fisher((5, 0), (0, 5)), fisher((4, 1), (3, 2)), fisher((5, 0), (5, 0))
    few = discoveries([flipped] * 4 + [wobbly] * 20)
    assert discoveries([flipped] * 4 + [wobbly] * 20 + [steady] * 10_000)[:24] == few
    # four flipped, all that can reach 2/252: one of them, the least that is possible, is reckoned false
    assert few[0] == pytest.approx(2 / 250 / 4)
    assert benjamini_hochberg([flipped.p] * 4 + [1.0] * 10_000)[0] == 1  # of which the plain procedure finds none


def test_by_chance_alone_means_all_that_could_and_are_not_taken_for_true():
    tests = Counter({(0.1, 0.5, 1.0): 6, (0.3, 1.0): 5})
    assert expected(tests, 0.1, 2) == pytest.approx(5 * 0.1 / 0.9)  # 6 can reach .1, 2 are named: 6 - 2 + 1
    assert expected(tests, 0.3, 2) == pytest.approx(5 * 0.3 / 0.7 + 5 * 0.1 / 0.9)  # 10 of 11, the likeliest first
    assert discoveries([]) == []


# ---- drift


def test_drift_is_what_differs_between_beyond_what_differs_within():
    # (a, a, b) and (b, b, b): between 6 of 9 pairs differ; within 2 of 3, and none: 2/3 - 1/3
    found = drifted([(("a", "a", "b"), ("b", "b", "b"))], seed=1)
    assert found.value == pytest.approx(1 / 3)
    # two a and four b dealt three and three: 20 ways, of which 4 + 4 leave both a on one side
    assert found.test.p == pytest.approx(8 / 20)


def test_a_whole_turn_of_all_records_is_a_drift_of_one():
    found = drifted([(("a",) * 3, ("b",) * 3)] * 4, seed=1)
    assert found.value == 1
    assert found.test.p == pytest.approx((2 / 20) ** 4)


def test_answers_that_wobble_alike_on_both_sides_have_not_drifted():
    found = drifted([(("a", "b"), ("b", "a"))] * 30, seed=1)
    assert found.value == pytest.approx(-0.5)  # between: half of the pairs; within: all of them
    assert found.test.p == 1


def test_drift_without_repeats_is_refused_in_words():
    found = drifted([(("a",), ("b",)), (("a", "a"), ("b",)), ((), ("b", "b"))], seed=1)
    assert (found.value, found.test, found.n, found.left_out) == (None, None, 0, 3)
    assert found.note == NEEDS_REPEATS == "undefined: without repeats on both sides drift cannot be told from noise"


@given(records, st.randoms())
def test_no_order_changes_drift(units, random):
    mixed = [tuple(tuple(random.sample(side, len(side))) for side in unit) for unit in random.sample(units, len(units))]
    assert drifted(mixed, seed=1) == drifted(units, seed=1)


@given(st.tuples(labels, labels).filter(lambda unit: min(map(len, unit)) >= 2))
def test_the_exact_p_counts_all_permutations_of_the_tags(unit):
    before, after = unit
    both = before + after

    def apart(chosen):
        sides = [both[place] for place in chosen], [both[place] for place in range(len(both)) if place not in chosen]
        within = [sum(a != b for a, b in combinations(side, 2)) / comb(len(side), 2) for side in sides]
        between = sum(a != b for a in sides[0] for b in sides[1]) / (len(sides[0]) * len(sides[1]))
        return between - sum(within) / 2

    ways = [apart(chosen) for chosen in combinations(range(len(both)), len(before))]
    found = drifted([unit], seed=1)
    assert found.value == pytest.approx(ways[0])
    assert found.test.p == pytest.approx(sum(one >= ways[0] - 1e-9 for one in ways) / len(ways))


def answers_of(random, records, turned=0.0):
    for _ in range(records):
        share = random.choice([0.02, 0.9, 0.5])
        then = 1 - share if random.random() < turned else share
        yield tuple(tuple("ab"[random.random() < p] for _ in range(5)) for p in (share, then))


@pytest.mark.parametrize("ordered", [False, True])
def test_where_there_are_too_many_to_count_the_chance_is_approximated_to_the_third_digit(monkeypatch, ordered):
    units = [[sides] for sides in answers_of(Random(4), 60, turned=0.03)]
    scale = scale_of(units, ("a", "x", "y", "b")) if ordered else None
    counted = drift(units, seed=1, scale=scale)
    monkeypatch.setattr(drifting, "EXACT", 0)
    near = drift(units, seed=1, scale=scale)
    assert near.test.p == pytest.approx(counted.test.p, rel=0.005)
    assert near.test.mid == pytest.approx(counted.test.mid, rel=0.01)
    assert near._replace(test=None) == counted._replace(test=None)


def test_an_approximated_chance_holds_far_out_and_at_the_ends():
    # 200 fair coins: P(X ≥ 100) = .5282, P(X ≥ 130) = .000013, P(X ≥ 200) = 1 / 2²⁰⁰
    coins = [({0: 1, 1: 1}, 200)]
    assert beyond(coins, 100) == pytest.approx(sum(comb(200, k) for k in range(100, 201)) / 2**200, rel=1e-3)
    assert beyond(coins, 130) == pytest.approx(sum(comb(200, k) for k in range(130, 201)) / 2**200, rel=0.02)
    assert beyond(coins, 200) == pytest.approx(2.0**-200)
    assert beyond(coins, 0) == 1
    assert (beyond(coins, 200, more=True), beyond([], 0)) == (0, 1)
    assert beyond([({5: 1}, 3)], 15) == 1


@pytest.mark.slow
def test_without_a_change_small_p_values_are_as_rare_as_they_say():
    random = Random(9)
    found = [drifted(answers_of(random, 12), seed=1).test.p for _ in range(1_000)]
    assert sum(p <= 0.05 for p in found) <= 68  # 50 ± 2.6 standard errors of 6.9
    assert sum(p <= 0.01 for p in found) <= 18


# ---- paired differences


def test_a_paired_difference_is_the_mean_of_the_records_differences():
    found = paired([((0, 0, 1), (1, 1, 1)), ((1,), (1, 0)), ((), (1,))], seed=1)
    assert found.value == pytest.approx((2 / 3 - 1 / 2) / 2)
    assert (found.n, found.left_out) == (2, 1)
    assert found.low <= found.value <= found.high


def test_records_that_all_move_alike_leave_no_doubt():
    found = paired([((1, 1), (3, 3))] * 5, seed=1)
    assert (found.value, found.low, found.high) == (2, 2, 2)


def test_one_record_has_no_interval_and_none_no_value():
    assert paired([((1, 0), (1, 1))], seed=1)[:3] == (0.5, None, None)
    assert paired([((), (1,))], seed=1).note == "undefined: nothing to compare"


@given(st.lists(st.tuples(st.lists(small, max_size=3), st.lists(small, max_size=3)), max_size=5), st.randoms())
def test_no_order_changes_a_paired_difference(units, random):
    mixed = [tuple(random.sample(side, len(side)) for side in unit) for unit in random.sample(units, len(units))]
    assert paired(mixed, seed=1, draws=20) == paired(units, seed=1, draws=20)


def test_the_interval_is_that_of_the_normal_distribution_where_it_must_be():
    # 400 records of one answer a side, differences of standard deviation 1: ± 1.96 / √400 = .098
    random = Random(2)
    units = [((0.0,), (random.gauss(0, 1),)) for _ in range(400)]
    found = paired(units, seed=1, draws=4_000)
    mean = sum(after[0] for _, after in units) / 400
    deviation = (sum((after[0] - mean) ** 2 for _, after in units) / 400) ** 0.5
    assert found.value == pytest.approx(mean)
    assert found.high - found.low == pytest.approx(2 * 1.96 * deviation / 20, rel=0.06)


@pytest.mark.slow
def test_ten_thousand_records_asked_five_times_take_seconds():
    random = Random(1)
    units = list(answers_of(random, 10_000))
    numbers = [tuple([float(label == "a") for label in side] for side in unit) for unit in units]
    started = time.process_time()
    paired(numbers, seed=1)
    drifted(units, seed=1)
    assert time.process_time() - started < 20
