"""Which records are like which: by the words they share, the rarer the more."""

from math import log, sqrt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from buttermilk.engine.nearness import Nearness

TEXTS = {
    "walk": "Walking in rain, under one umbrella",
    "rain": "Rain came, one umbrella stayed in",
    "goat": "The goat ate his hat",
    "hat": "Any hat is no umbrella",
    "none": "Entirely different words here",
    "empty": "",
}


def test_the_record_with_the_most_rare_words_in_common_is_nearest() -> None:
    near = Nearness(TEXTS)
    assert near.nearest("walk", TEXTS, 2)[0] == "rain"
    assert near.nearest("goat", TEXTS, 1) == ["hat"]


def test_only_those_with_something_in_common_are_near_and_never_the_record_itself() -> None:
    near = Nearness(TEXTS)
    assert near.nearest("none", TEXTS, 5) == near.nearest("empty", TEXTS, 5) == []
    assert "walk" not in near.nearest("walk", TEXTS, 5)
    assert near.nearest("walk", ["goat", "hat"], 5) == ["hat"]


def test_a_word_that_most_records_have_says_nothing() -> None:
    texts = {f"r{number}": f"the w{number}" for number in range(5)}
    assert Nearness(texts).nearest("r0", texts, 5) == []


def test_the_measure_is_the_cosine_of_words_weighted_by_their_rarity() -> None:
    """a b | a c | b d e: a and b are in two of four records, c, d and e in one."""
    near = Nearness({"1": "a b", "2": "a c", "3": "b d e", "4": "x"})
    common, rare = log(4 / 2) ** 2, log(4) ** 2
    assert common / sqrt(common + rare) > common / sqrt(common + 2 * rare)
    assert near.nearest("1", "234", 3) == ["2", "3"]


@given(order=st.permutations(list(TEXTS)))
def test_the_order_of_the_records_plays_no_part(order: list[str]) -> None:
    near = Nearness({name: TEXTS[name] for name in order})
    assert near.nearest("walk", set(order), 5) == Nearness(TEXTS).nearest("walk", TEXTS, 5)


@pytest.mark.parametrize("count", [1, 2, 3])
def test_of_equals_a_hash_decides_and_the_same_ones_each_time(count: int) -> None:
    texts = {f"r{number}": "owl" for number in range(6)} | {f"x{number}": f"y{number}" for number in range(9)}
    found = Nearness(texts).nearest("r0", texts, count)
    assert len(found) == count
    assert found == Nearness(dict(reversed(texts.items()))).nearest("r0", texts, count)
