"""Draws for people: every record's probability is known, and it is that with which the record is drawn."""

from collections import Counter
from collections.abc import Sequence
from math import sqrt

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from buttermilk.analysis.sampling import allocated, dealt, in_random_order, probabilities, stratified, weighted
from buttermilk.core.people import Draw

IDS = tuple(f"r{number:02}" for number in range(24))
STRATA = {"ode": IDS[:4], "elegy": IDS[4:10], "song": IDS[10:]}
WEIGHTS = {one: 0.05 + 0.03 * number for number, one in enumerate(IDS)}
DRAWS = 4_000
sizes = st.dictionaries(st.text("abc", min_size=1, max_size=3), st.integers(1, 40), min_size=1, max_size=6)


def frequencies(draws: Sequence[Sequence[Draw]]) -> dict[str, float]:
    counts = Counter(one.record_id for drawn in draws for one in drawn)
    return {one: counts[one] / len(draws) for one in IDS}


def assert_as_likely_as_said(draws: Sequence[Sequence[Draw]]) -> None:
    """Within 4.5 standard errors of a share, for each of 24 records: a false alarm in six thousand such tests."""
    said = {one.record_id: one.prob for drawn in draws for one in drawn}
    assert said.keys() == set(IDS)
    for one, share in frequencies(draws).items():
        assert abs(share - said[one]) <= 4.5 * sqrt(said[one] * (1 - said[one]) / len(draws)) + 1e-12, one


def test_in_a_simple_random_sample_every_record_is_drawn_as_often_as_its_probability_says() -> None:
    draws = [stratified({"": IDS}, 7, seed) for seed in range(DRAWS)]
    assert {len(drawn) for drawn in draws} == {7}
    assert {one.prob for drawn in draws for one in drawn} == {7 / 24}
    assert_as_likely_as_said(draws)


@pytest.mark.parametrize("equal", [False, True])
def test_in_strata_every_record_is_drawn_as_often_as_its_probability_says(equal: bool) -> None:
    draws = [stratified(STRATA, 9, seed, equal=equal) for seed in range(DRAWS)]
    assert {len(drawn) for drawn in draws} == {9}
    assert_as_likely_as_said(draws)


def test_weighted_draws_have_a_fixed_size_and_are_as_likely_as_their_probabilities_say() -> None:
    draws = [weighted(WEIGHTS, 9, seed) for seed in range(DRAWS)]
    assert {len({one.record_id for one in drawn}) for drawn in draws} == {9}
    assert_as_likely_as_said(draws)


def test_who_is_certain_to_be_drawn_always_is() -> None:
    weights = WEIGHTS | {"r05": 50.0, "r11": 40.0}
    draws = [weighted(weights, 6, seed) for seed in range(1_000)]
    assert {one.prob for drawn in draws for one in drawn if one.record_id in ("r05", "r11")} == {1.0}
    assert all({"r05", "r11"} <= {one.record_id for one in drawn} for drawn in draws)
    assert {len(drawn) for drawn in draws} == {6}


@pytest.mark.parametrize("design", ["simple", "strata", "weighted"])
def test_the_horvitz_thompson_total_is_unbiased(design: str) -> None:
    """Horvitz and Thompson (1952): the mean over draws of the sum of y / π is the sum of y."""
    worth = {one: float(number**2 % 17) for number, one in enumerate(IDS)}
    makes = {
        "simple": lambda seed: stratified({"": IDS}, 8, seed),
        "strata": lambda seed: stratified(STRATA, 8, seed, equal=True),
        "weighted": lambda seed: weighted(WEIGHTS, 8, seed),
    }
    totals = [sum(worth[one.record_id] / one.prob for one in makes[design](seed)) for seed in range(DRAWS)]
    mean = sum(totals) / DRAWS
    error = sqrt(sum((total - mean) ** 2 for total in totals) / (DRAWS - 1) / DRAWS)
    assert abs(mean - sum(worth.values())) < 4 * error


@given(st.permutations(IDS), st.integers(0, 2**40))
def test_the_order_in_which_records_come_draws_nothing_else(order: list[str], seed: int) -> None:
    assert in_random_order(order, seed, "x") == in_random_order(IDS, seed, "x")
    assert weighted({one: WEIGHTS[one] for one in order}, 9, seed) == weighted(WEIGHTS, 9, seed)
    assert stratified({"": order}, 9, seed) == stratified({"": IDS}, 9, seed)


@given(sizes, st.data())
def test_a_larger_sample_of_the_same_seed_holds_the_smaller(counts: dict[str, int], data: st.DataObject) -> None:
    size = data.draw(st.integers(len(counts), sum(counts.values())))
    more = data.draw(st.integers(size, sum(counts.values())))
    strata = {name: [f"{name}{number}" for number in range(count)] for name, count in counts.items()}
    first, second = (stratified(strata, many, 5) for many in (size, more))
    assert {one.record_id for one in first} <= {one.record_id for one in second}


@given(sizes, st.data(), st.booleans())
def test_every_stratum_gets_one_and_none_more_than_it_has(
    counts: dict[str, int], data: st.DataObject, equal: bool
) -> None:
    size = data.draw(st.integers(len(counts), sum(counts.values())))
    shares = allocated(counts, size, equal=equal)
    assert sum(shares.values()) == size
    assert all(1 <= shares[name] <= counts[name] for name in counts)


def test_shares_are_proportional_or_equal() -> None:
    counts = {"a": 10, "b": 30, "c": 60}
    assert allocated(counts, 20) == {"a": 2, "b": 6, "c": 12}
    assert allocated(counts, 21, equal=True) == {"a": 7, "b": 7, "c": 7}
    assert allocated({"a": 3, "b": 300}, 21, equal=True) == {"a": 3, "b": 18}


@given(st.dictionaries(st.sampled_from(IDS), st.floats(0.05, 50), min_size=1), st.data())
@settings(max_examples=200)
def test_probabilities_add_up_to_the_size_and_none_is_above_one(weights: dict[str, float], data: st.DataObject) -> None:
    size = data.draw(st.integers(1, len(weights)))
    found = probabilities(weights, size)
    assert sum(found.values()) == pytest.approx(size)
    assert all(0 < prob <= 1 + 1e-12 for prob in found.values())
    assert len(weighted(weights, size, 3)) == size


def test_what_cannot_be_drawn_is_an_error() -> None:
    with pytest.raises(ValueError, match="2 records cannot be drawn of 24 in 3 strata"):
        stratified(STRATA, 2, 1)
    with pytest.raises(ValueError, match="cannot be drawn with these weights"):
        weighted({"a": 0.0, "b": 1.0}, 1, 1)


# ---- who labels what


def test_parts_and_coders_are_dealt_by_the_seed_in_their_shares() -> None:
    draws = stratified({"": [f"r{number}" for number in range(300)]}, 200, 1)
    given_out = dealt(draws, 1, dev=0.3, coders=("ana", "ben", "cyd"), double=0.25)
    assert sum(one.split == "dev" for one in given_out) == 60
    assert Counter(len(one.coders) for one in given_out) == {1: 150, 2: 50}
    loads = Counter(coder for one in given_out for coder in one.coders)
    assert max(loads.values()) - min(loads.values()) <= 1
    assert given_out == dealt(draws, 1, dev=0.3, coders=("ana", "ben", "cyd"), double=0.25)
    assert given_out != dealt(draws, 2, dev=0.3, coders=("ana", "ben", "cyd"), double=0.25)


def test_every_record_is_as_likely_to_be_looked_at_even_in_small_strata() -> None:
    """Of one record in each of two strata, 0.3 is looked at on average; 4.5 standard errors of 2,000 draws."""
    draws = stratified({"a": ["x"], "b": ["y"]}, 2, 1)
    looked = Counter(
        one.record_id for seed in range(2_000) for one in dealt(draws, seed, dev=0.3, coders=(), double=0)
        if one.split == "dev"
    )  # fmt: skip
    assert all(abs(looked[one] / 2_000 - 0.3) < 4.5 * sqrt(0.21 / 2_000) for one in ("x", "y"))


def test_without_coders_anybody_may_label() -> None:
    draws = stratified({"": IDS}, 5, 1)
    assert {one.coders for one in dealt(draws, 1, dev=0, coders=(), double=0.5)} == {()}
