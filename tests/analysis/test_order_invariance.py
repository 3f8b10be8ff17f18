"""Aggregates are identical, to the last digit, in whatever order records arrive and coders stand."""

from hypothesis import given, settings
from hypothesis import strategies as st

from buttermilk.analysis.statistics.agreement import agreement
from buttermilk.analysis.statistics.alpha import alpha
from buttermilk.analysis.statistics.brennan_prediger import brennan_prediger
from buttermilk.analysis.statistics.calibration import calibration
from buttermilk.analysis.statistics.classes import classes
from buttermilk.analysis.statistics.cohen import cohen
from buttermilk.analysis.statistics.dawid_skene import dawid_skene
from buttermilk.analysis.statistics.entropy import entropy, one_voice_each
from buttermilk.analysis.statistics.fleiss import fleiss
from buttermilk.analysis.statistics.gwet import ac1
from buttermilk.analysis.statistics.mace import mace
from buttermilk.analysis.statistics.majority import majority
from buttermilk.analysis.statistics.redundancy import redundancy

some = settings(max_examples=40)
numbers = st.sampled_from([0.1, 0.7, 1.0, 3.3, 10.0])
votes = st.lists(st.sampled_from("abc"), min_size=1, max_size=3).map(tuple)
panels = st.lists(st.lists(votes, max_size=4).map(tuple), min_size=1, max_size=12)
measured = st.lists(st.lists(st.lists(numbers, min_size=1, max_size=3).map(tuple), max_size=4).map(tuple), max_size=12)


def mixed(units, random):
    """Records, coders and repeats in another order."""
    shuffled = ([tuple(random.sample(one, len(one))) for one in random.sample(unit, len(unit))] for unit in units)
    return random.sample([tuple(unit) for unit in shuffled], len(units))


@some
@given(panels, st.randoms())
def test_coefficients_of_labels_do_not_know_the_order(units, random):
    other = mixed(units, random)
    for statistic in (agreement, fleiss, ac1, brennan_prediger):
        assert statistic(units) == statistic(other)
    assert alpha(units, draws=200) == alpha(other, draws=200)
    assert alpha(units, "ordinal", "abc", draws=200) == alpha(other, "ordinal", "abc", draws=200)


@some
@given(measured, st.randoms())
def test_alpha_of_numbers_does_not_know_the_order(units, random):
    other = mixed(units, random)
    for level in ("interval", "ratio"):
        assert alpha(units, level, draws=200) == alpha(other, level, draws=200)


@some
@given(st.lists(st.tuples(votes, votes), min_size=1, max_size=12), st.randoms())
def test_what_compares_two_does_not_know_the_order_of_records(pairs, random):
    other = random.sample(pairs, len(pairs))
    assert cohen(pairs, "abc", weights="linear") == cohen(other, "abc", weights="linear")
    one, two = ([(truth[0], given) for truth, given in found] for found in (pairs, other))
    assert classes(one, "abc", draws=200) == classes(two, "abc", draws=200)


@some
@given(st.lists(st.tuples(numbers, st.sampled_from([0.0, 0.5, 1.0])), max_size=20), st.randoms())
def test_calibration_does_not_know_the_order(pairs, random):
    pairs = [(min(sure, 1.0), right) for sure, right in pairs]
    assert calibration(pairs, draws=200) == calibration(random.sample(pairs, len(pairs)), draws=200)


@some
@given(st.lists(st.tuples(*[st.none() | st.tuples(numbers)] * 3), max_size=12), st.randoms())
def test_redundancy_does_not_know_the_order_of_records(rows, random):
    assert redundancy(rows, draws=200) == redundancy(random.sample(rows, len(rows)), draws=200)


@some
@given(st.lists(st.dictionaries(st.sampled_from("vwxyz"), votes, min_size=3), min_size=3, max_size=8), st.randoms())
def test_models_of_a_hidden_label_do_not_know_the_order(rows, random):
    answers = {f"r{place}": row for place, row in enumerate(rows)}
    other = {
        record: {
            rater: answers[record][rater] for rater in random.sample(sorted(answers[record]), len(answers[record]))
        }
        for record in random.sample(sorted(answers), len(answers))
    }
    assert dawid_skene(answers, rounds=9, least=1) == dawid_skene(other, rounds=9, least=1)
    assert mace(answers, rounds=9, least=1) == mace(other, rounds=9, least=1)


@some
@given(st.lists(votes, min_size=1, max_size=6), st.randoms())
def test_neither_majority_nor_entropy_knows_the_order(voices, random):
    other = mixed([voices], random)[0]
    assert majority(tuple(voices)) == majority(other)
    assert entropy(one_voice_each(voices), 3) == entropy(one_voice_each(other), 3)
