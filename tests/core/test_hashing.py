"""Canonical JSON, fingerprints and derived seeds."""

import hashlib
import json
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import strategies as some
from buttermilk.core.hashing import (
    ID_LENGTH,
    LONG,
    QUIET,
    canonical,
    derive_seed,
    digest,
    fingerprint,
    fingerprint_all,
    sha256,
)


def backwards(value: Any) -> Any:
    """The same value, its keys met in the other order."""
    if isinstance(value, dict):
        return {key: backwards(item) for key, item in reversed(value.items())}
    return [backwards(item) for item in value] if isinstance(value, list) else value


@given(value=some.jsons)
def test_one_value_has_one_text_which_reads_back(value: Any) -> None:
    text = canonical(value)
    assert canonical(backwards(value)) == text
    assert json.loads(text) == value
    assert canonical(json.loads(text)) == text


@given(one=some.jsons, other=some.jsons)
def test_two_values_have_two_texts(one: Any, other: Any) -> None:
    if one != other:
        assert canonical(one) != canonical(other)
        assert fingerprint(one) != fingerprint(other)


def test_the_text_of_a_value_is_that_of_its_docstring() -> None:
    assert canonical({"b": 1, "a": "é"}) == '{"a":"é","b":1}'
    assert len({canonical(value) for value in (0, False, None, "", "0", [], {}, 0.0)}) == 8


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
def test_what_is_no_number_has_no_id(number: float) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        fingerprint({"deep": [number]})


@given(text=some.texts)
def test_a_digest_is_blake2b_of_128_bits(text: str) -> None:
    # RFC 7693; the digest of "abc" with 16 bytes is a published test value of libsodium and others.
    assert digest("abc") == "cf4ab791c62b8d2b2109c90275287816"
    assert digest(text) == digest(text.encode()) == hashlib.blake2b(text.encode(), digest_size=16).hexdigest()
    assert len(digest(text)) == ID_LENGTH


def test_half_a_surrogate_pair_has_an_id_too() -> None:
    assert digest("\ud800") != digest("\ud801")


@given(items=st.lists(st.text(alphabet="ab", min_size=1)))
def test_a_sequence_has_an_id_by_its_order_and_its_joints(items: list[str]) -> None:
    whole = fingerprint_all(iter(items))
    assert whole == fingerprint_all(items)
    assert fingerprint_all([*items, "a"]) != whole
    assert fingerprint_all(["ab", "a"]) != fingerprint_all(["a", "ba"]) != fingerprint_all(["aba"])
    if items != items[::-1]:
        assert fingerprint_all(items[::-1]) != whole


@given(seed=some.whole, purpose=some.texts, names=st.lists(some.scalars, max_size=3))
def test_a_seed_is_a_function_of_what_it_is_for(seed: int, purpose: str, names: list[Any]) -> None:
    drawn = derive_seed(seed, purpose, *names)
    assert 0 <= drawn < 2**63
    assert drawn == derive_seed(seed, purpose, *names)
    others = {derive_seed(seed + 1, purpose, *names), derive_seed(seed, purpose + "x", *names)}
    others.add(derive_seed(seed, purpose, *names, "x"))
    assert drawn not in others
    assert len(others) == 3


def test_seeds_of_neighbours_have_nothing_in_common() -> None:
    """10,000 seeds: each of 63 bits is set in half of them. One standard deviation is 50; six of them are 300."""
    seeds = [derive_seed(1, "call", number) for number in range(10_000)]
    assert len(set(seeds)) == 10_000
    for bit in range(63):
        assert abs(sum(seed >> bit & 1 for seed in seeds) - 5_000) < 300
    agree = sum(bin(a ^ b).count("0") - 1 for a, b in pairwise(seeds))
    assert agree < 9_999 * 63 * 0.52


@pytest.mark.parametrize("size", [0, 1, QUIET - 1, QUIET, QUIET + 1, 3 * QUIET + 7, LONG, LONG + 1])
def test_a_hash_is_the_same_however_its_bytes_are_fed(size: int) -> None:
    data = bytes(number % 251 for number in range(size))
    assert sha256(data) == hashlib.sha256(data).hexdigest()
    assert digest(data) == hashlib.blake2b(data, digest_size=ID_LENGTH // 2).hexdigest()
