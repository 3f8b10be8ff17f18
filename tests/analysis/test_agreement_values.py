"""Published and worked values of kappas, latent classes, distributions, redundancy, classes and calibration."""

from random import Random

import pytest

from buttermilk.analysis.statistics.alpha import alpha
from buttermilk.analysis.statistics.brennan_prediger import brennan_prediger
from buttermilk.analysis.statistics.calibration import calibration
from buttermilk.analysis.statistics.classes import NEVER_GIVEN, NEVER_THERE, classes
from buttermilk.analysis.statistics.cohen import cohen
from buttermilk.analysis.statistics.dawid_skene import dawid_skene
from buttermilk.analysis.statistics.distance import distance
from buttermilk.analysis.statistics.distribution import distribution
from buttermilk.analysis.statistics.estimate import NEEDS_TWO, NO_VARIATION
from buttermilk.analysis.statistics.fleiss import fleiss
from buttermilk.analysis.statistics.gwet import ac1
from buttermilk.analysis.statistics.latent import NEEDS_THREE, TOO_FEW
from buttermilk.analysis.statistics.mace import mace
from buttermilk.analysis.statistics.majority import confidence, majority
from buttermilk.analysis.statistics.redundancy import effective, redundancy
from buttermilk.analysis.statistics.spearman_brown import spearman_brown

ROWS = ["1 2 3 3 2 1 4 1 2 . . .", "1 2 3 3 2 2 4 1 2 5 . 3", ". 3 3 3 2 3 4 2 2 5 1 .", "1 2 3 3 2 4 4 1 2 5 1 ."]
UNITS = [tuple((one,) for one in column if one != ".") for column in zip(*map(str.split, ROWS), strict=True)]


def square(table):
    """`[[20, 5], [10, 15]]`: the first coder's labels in rows, the second's in columns."""
    cells = ((a, b, times) for a, row in zip("yn", table, strict=True) for b, times in zip("yn", row, strict=True))
    return [((a,), (b,)) for a, b, times in cells for _ in range(times)]


# ---- kappas


@pytest.mark.parametrize(
    ("table", "published"),
    [
        ([[20, 5], [10, 15]], 0.4),  # p_o = .70, p_e = .50
        ([[45, 15], [25, 15]], 0.1304),  # p_o = .60, p_e = .54
        ([[25, 35], [5, 35]], 0.2593),  # p_o = .60 again, p_e = .46
    ],
)
def test_cohens_kappa_has_the_published_value(table, published):
    found = cohen(square(table))
    assert round(found.value, 4) == published
    assert found.low < found.value < found.high
    assert (found.n, found.left_out, found.pairs) == (sum(map(sum, table)), 0, sum(map(sum, table)))


def test_kappa_leaves_out_what_one_coder_left_out_and_is_undefined_without_variation():
    assert cohen([(("y",), ("n",)), (("n",), ("n",)), (("y",), ())]).left_out == 1
    assert cohen([(("y",), ("y",))] * 5).note == NO_VARIATION
    assert cohen([((), ("y",))]).note == NEEDS_TWO


def test_a_weighted_kappa_forgives_neighbours():
    near = [(("low",), ("mid",)), (("mid",), ("mid",)), (("high",), ("high",)), (("low",), ("low",))]
    far = [(("low",), ("high",)), *near[1:]]
    order = ("low", "mid", "high")
    assert cohen(near, order, weights="quadratic").value > cohen(far, order, weights="quadratic").value
    with pytest.raises(ValueError, match="does not name high"):
        cohen(far, ("low", "mid"), weights="linear")


def test_fleiss_kappa_has_the_published_value():
    # Fleiss (1971): ten subjects, fourteen raters; P = .378, P_e = .213, kappa .210
    counts = (
        "0 0 0 0 14", "0 2 6 4 2", "0 0 3 5 6", "0 3 9 2 0", "2 2 8 1 1",
        "7 7 0 0 0", "3 2 6 3 0", "2 5 3 2 2", "6 5 2 1 0", "0 2 2 3 7",
    )  # fmt: skip
    units = [
        [(label,) for label, times in zip("abcde", map(int, row.split()), strict=True) for _ in range(times)]
        for row in counts
    ]
    assert round(fleiss(units).value, 4) == 0.2099


@pytest.mark.parametrize(("statistic", "published"), [(ac1, 0.77544), (brennan_prediger, 0.77273), (fleiss, 0.76117)])
def test_coefficients_with_gaps_are_those_of_irrcac(statistic, published):
    # a record with one rater counts for how common the labels are, and for nothing else
    found = statistic(UNITS)
    assert round(found.value, 5) == published
    assert (found.n, found.left_out) == (11, 1)
    assert found.low < found.value


def test_where_one_label_dominates_alpha_collapses_and_ac1_does_not():
    units = [(("no",), ("no",))] * 95 + [(("no",), ("yes",))] * 3 + [(("yes",), ("no",))] * 2
    assert alpha(units, draws=0).value < 0
    assert ac1(units).value > 0.9


def test_labels_that_nobody_gave_count_for_ac1_where_they_are_said():
    assert ac1(UNITS, 9).value > ac1(UNITS).value
    assert ac1([(("a",), ("a",))] * 9).note == NO_VARIATION
    assert ac1([(("a",),)]).note == NEEDS_TWO


# ---- distributions


def test_a_distribution_has_dirichlet_intervals():
    # one of two labels, 3 votes of 4: Beta(3.5, 1.5); its 2.5 % point by scipy.stats.beta.ppf
    found = distribution({"a": 3, "b": 1}, ("a", "b"))
    assert found["a"].value == pytest.approx(3.5 / 5)
    assert (found["a"].low, 1 - found["b"].high) == (pytest.approx(0.28375167956), pytest.approx(0.28375167956))
    assert sum(one.value for one in found.values()) == pytest.approx(1)
    assert distribution({"a": 2}, ("a",))["a"][:3] == (1.0, 1.0, 1.0)
    with pytest.raises(ValueError, match="do not name c"):
        distribution({"c": 1}, ("a", "b"))


def test_distances_have_the_worked_values():
    one, two = {"a": 0.7, "b": 0.2, "c": 0.1}, {"a": 0.5, "b": 0.3, "c": 0.2}
    found = distance(one, two, ("a", "b", "c"))
    # |.2| + |-.1| + |-.1| = .4; |.2| + |.1| = .3; .7 log2 1.4 + .2 log2 2/3 + .1 log2 1/2 = .1228
    assert [round(number, 4) for number in found] == [0.4, 0.3, 0.1228]
    assert distance(one, two).wasserstein is None
    assert distance(one, {"a": 1.0}).bits == float("inf")
    with pytest.raises(ValueError, match="no votes"):
        distance({}, two)


def test_a_tie_is_a_tie():
    assert majority((("a",), ("b",), ("a", "b"))) == ("a", "b")
    assert majority((("b",), ("b",), ("a",))) == ("b",)
    assert majority(()) == ()
    # a third of a voice, three times over, is one voice: in whole numbers, without any rounding
    assert majority((("a", "b", "c"), ("a", "b", "b"), ("a", "c", "c"), ("c", "a", "a"))) == ("a",)
    assert confidence(("a", "b", "a")) == (2 / 3, ("a",))
    assert confidence(("a", "b")) == (0.5, ("a", "b"))


def test_spearman_and_browns_prophecy():
    assert round(spearman_brown(0.5, 2), 4) == 0.6667  # 2 × .5 / 1.5
    assert round(spearman_brown(0.5, 4), 4) == 0.8  # 4 × .5 / 2.5
    with pytest.raises(ValueError, match="reliability"):
        spearman_brown(1.2, 2)


# ---- a hidden true label: 45 patients of Dawid and Skene (1979); observer 1 read three times, then observers 2 to 5

PATIENTS = """
111 1 1 1 1|333 4 3 3 4|112 2 1 2 2|222 3 1 2 1|222 3 2 2 2|222 3 3 2 2|122 2 1 1 1|333 3 4 3 3|222 2 2 2 3
232 2 2 2 3|444 4 4 4 4|222 3 3 4 3|111 1 1 1 1|222 3 2 1 2|121 1 1 1 1|111 2 1 1 1|111 1 1 1 1|111 1 1 1 1
222 2 2 2 1|222 1 3 2 2|222 2 2 2 2|222 2 2 2 1|222 3 2 2 2|221 2 2 2 2|111 1 1 1 1|111 1 1 1 1|232 2 2 2 2
111 1 1 1 1|111 1 1 1 1|112 1 1 2 1|111 1 1 1 1|333 3 2 3 3|111 1 1 1 1|222 2 2 2 2|222 3 2 3 2|433 4 3 4 3
221 2 2 3 2|232 3 2 3 3|333 3 4 3 2|111 1 1 1 1|111 1 1 1 1|121 2 1 1 1|232 2 2 2 2|121 1 1 1 1|222 2 2 2 2
"""
ANSWERS = {
    f"p{number:02d}": {f"obs{place}": tuple(votes) for place, votes in enumerate(cell.split(), 1)}
    for number, cell in enumerate(PATIENTS.strip().replace("\n", "|").split("|"), 1)
}
CONFUSIONS = {
    "obs1": ".89 .11 0 0 / .07 .88 .05 0 / 0 .34 .66 0 / 0 0 .56 .44",
    "obs2": ".83 .17 0 0 / .05 .63 .31 0 / 0 0 1 0 / 0 0 0 1",
    "obs3": "1 0 0 0 / .11 .79 .11 0 / 0 .40 .20 .40 / 0 0 .67 .33",
    "obs4": ".94 .06 0 0 / .05 .84 .10 0 / 0 0 .80 .20 / 0 0 .33 .67",
    "obs5": "1 0 0 0 / .16 .73 .11 0 / 0 .21 .79 0 / 0 0 .33 .67",
}


def test_dawid_and_skenes_own_patients_come_out_as_published():
    found = dawid_skene(ANSWERS)
    assert found.rounds == 22
    assert round(found.log_likelihood, 3) == -192.891
    assert [round(share, 3) for share in found.shares.values()] == [0.4, 0.422, 0.112, 0.067]
    for rater, published in CONFUSIONS.items():
        rows = [[float(cell) for cell in row.split()] for row in published.split("/")]
        assert [[round(one, 2) for one in row.values()] for row in found.confusions[rater].values()] == rows
    hard = "".join(max(shares, key=shares.get) for shares in found.posterior.values())
    assert hard == "142222132243121111222222112111131224233111212"
    unsure = {
        record: round(max(one.values()), 3) for record, one in found.posterior.items() if max(one.values()) < 0.99
    }
    assert unsure == {"p07": 0.981, "p35": 0.948, "p38": 0.979}


def test_the_model_can_overrule_a_majority():
    # patient 2 was read 3, 3, 3, 4, 3, 3, 4, and comes out as class 4
    assert majority(tuple(ANSWERS["p02"].values())) == ("3",)
    assert dawid_skene(ANSWERS).posterior["p02"]["4"] > 0.99


def test_first_readings_alone_give_the_shares_that_crowd_kit_gives():
    first = {record: {rater: votes[:1] for rater, votes in said.items()} for record, said in ANSWERS.items()}
    assert [round(share, 3) for share in dawid_skene(first).shares.values()] == [0.4, 0.413, 0.121, 0.067]


def test_too_few_records_or_raters_are_refused_in_words():
    few = dict(list(ANSWERS.items())[:29])
    assert dawid_skene(few).note == mace(few).note == TOO_FEW
    two = {record: dict(list(said.items())[:2]) for record, said in ANSWERS.items()}
    assert dawid_skene(two).note == mace(two).note == NEEDS_THREE
    assert dawid_skene(few).posterior == {}


def test_mace_tells_who_guesses():
    draw = Random(1)
    answers = {}
    for number in range(120):
        truth = draw.choice("ab")
        row = {name: (truth if draw.random() < 0.9 else draw.choice("ab"),) for name in ("ana", "bo", "cy")}
        answers[f"r{number}"] = row | {"guesser": (draw.choice("ab"),), "parrot": ("a",)}
    knows = mace(answers).knows
    assert min(knows["ana"], knows["bo"], knows["cy"]) > 0.7
    assert max(knows["guesser"], knows["parrot"]) < 0.2


# ---- redundancy


def test_a_panel_is_worth_fewer_votes_than_it_has():
    # METHODS 2.8: k / (1 + (k - 1) rho)
    for k, rho, worth in ((9, 0.44, 1.991), (5, 0.5, 1.667), (3, 0.2, 2.143), (7, 0, 7)):
        assert round(effective(k, rho), 3) == worth


def test_rho_is_the_mean_correlation_of_errors():
    # errors 1 1 0 0 / 1 0 0 0 / 1 1 0 0: r = 1 for the outer two, .5774 with the middle one; mean (1 + 2 × .5774) / 3
    rows = [((1.0,), (1.0,), (1.0,)), ((1.0,), (0.0,), (1.0,)), ((0.0,), (0.0,), (0.0,)), ((0.0,), (0.0,), (0.0,))]
    assert redundancy(rows).value == pytest.approx((1 + 2 / 3**0.5) / 3)
    gaps = [*rows, (None, (1.0,), None), ((1.0,), None, None)]
    assert (redundancy(gaps).value, redundancy(gaps).left_out) == (redundancy(rows).value, 2)
    assert redundancy([((0.0,), (1.0,))] * 3).note == NO_VARIATION


def test_labels_are_correlated_as_places():
    a, b = (1.0, 0.0), (0.0, 1.0)
    assert redundancy([(a, a), (b, b), (a, a)]).value == pytest.approx(1)
    assert redundancy([(a, b), (b, a)]).value == pytest.approx(-1)


# ---- beside the people


def test_precision_and_recall_have_wilson_intervals_and_repeats_share_one_answer():
    pairs = [("a", ("a", "a")), ("a", ("a", "b")), ("b", ("b",)), ("b", ("a",)), ("b", ("b", "b"))]
    found = classes(pairs, ("a", "b", "c"))
    # of a: right 1.5, given 2.5, there 2; of b: right 2, given 2.5, there 3
    assert found.by["a"].precision.value == pytest.approx(1.5 / 2.5)
    assert found.by["a"].recall.value == pytest.approx(1.5 / 2)
    assert found.by["b"].f1.value == pytest.approx(4 / 5.5)
    assert (found.by["a"].precision.n, found.by["a"].recall.n) == (2, 2)
    assert found.by["c"].precision.note == NEVER_GIVEN
    assert found.by["c"].recall.note == NEVER_THERE
    assert found.recall.value == pytest.approx((0.75 + 2 / 3) / 2)
    assert found.f1.value == pytest.approx((3 / 4.5 + 4 / 5.5) / 2)
    assert found.f1.low <= found.f1.value <= found.f1.high


def test_a_label_that_is_never_given_has_no_precision_and_neither_has_the_mean():
    found = classes([("a", ("a",)), ("b", ("a",))], ("a", "b"))
    assert (found.precision.value, found.precision.note) == (None, NEVER_GIVEN)
    assert found.f1.value == pytest.approx((2 / 3 + 0) / 2)


def test_calibration_has_the_worked_values():
    # p .9 five times, .6 five times; right 4 and 3 of 5: Brier (5 × .09 + 4 × .0 ...) = .2050; ECE (.1 + 0) / 2 = .0500
    right = [1, 1, 1, 1, 0, 1, 1, 0, 0, 1]
    found = calibration(zip([0.9] * 5 + [0.6] * 5, map(float, right), strict=True))
    assert (round(found.brier.value, 4), round(found.ece.value, 4)) == (0.205, 0.05)
    assert [(one.start, one.right.n, one.right.value) for one in found.bins] == [(0.6, 5, 0.6), (0.9, 5, 0.8)]
    assert found.brier.low < 0.205 < found.brier.high
    assert found.ece.low is None


def test_who_is_always_sure_stands_in_the_last_tenth():
    assert [(one.start, one.end) for one in calibration([(1.0, 1.0), (0.7, 0.0)]).bins] == [(0.7, 0.8), (0.9, 1.0)]
    assert calibration([]).brier.note == "undefined: nothing to compare"
