"""How probable a model held its answer: read off the tokens that spell it, or left unsaid."""

import json
import math
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from buttermilk.core.messages import Token
from buttermilk.engine.logprobs import UNTOLD, logprobs


def spelt(*pieces: tuple[str, float]) -> tuple[str, list[Token]]:
    """The text, and its tokens."""
    return "".join(piece for piece, _ in pieces), [Token(piece.encode(), logprob) for piece, logprob in pieces]


def in_pieces(text: str, pattern: str, each: float = -1.0) -> list[Token]:
    return [Token(piece.encode(), each) for piece in re.findall(pattern, text)]


def test_the_tokens_that_spell_a_value_are_added_up_with_the_marks_that_bound_it() -> None:
    text, tokens = spelt(
        ('{"', -0.5), ("reason", 0.0), ('":', 0.0), (' "', -0.1), ("It", -0.2), (" harms", -0.3), (".", -0.4),
        ('",', -0.6), (' "', -0.01), ("harm", 0.0), ('":', 0.0), (' "', -0.001), ("yes", -0.02), ('"}', -0.003),
    )  # fmt: skip
    found = logprobs(text, tokens, {"reason": "It harms.", "harm": "yes"})
    assert found["harm"] == pytest.approx(-0.001 - 0.02 - 0.003)
    assert found["reason"] == pytest.approx(-0.1 - 0.2 - 0.3 - 0.4 - 0.6)


def test_what_follows_a_number_belongs_to_it_for_three_and_a_half_begins_as_three_does() -> None:
    text, tokens = spelt(('{"a":', 0.0), ("3", -0.5), (",", -0.25), ('"b":', 0.0), ("3.5", -1.0), ("}", -2.0))
    assert logprobs(text, tokens, {"a": 3.0, "b": 3.5}) == {"a": -0.75, "b": -3.0}


def test_null_is_an_answer_too_and_not_the_word_null() -> None:
    text, tokens = spelt(('{"a":', 0.0), (" null", -0.5), (",", -0.1), (' "b":', 0.0), (' "null', -0.5), ('"}', -0.2))
    assert logprobs(text, tokens, {"a": None, "b": "null"}) == {"a": -0.6, "b": -0.7}
    assert logprobs(text, tokens, {"a": "null", "b": "null"}) == {}


def test_lists_and_groups_have_dotted_paths_that_count_from_one() -> None:
    answers = {"frames": [{"problem": "tax", "quotes": ["a", "b"]}, {"problem": "war", "quotes": []}], "many": True}
    found = logprobs(json.dumps(answers), in_pieces(json.dumps(answers), r" ?\w+|\s+|[^\w\s]+"), answers)
    assert list(found) == [
        "frames.1.problem", "frames.1.quotes.1", "frames.1.quotes.2", "frames.2.problem", "many",
    ]  # fmt: skip


def test_a_token_that_spells_a_part_of_another_value_leaves_both_unsaid() -> None:
    text, tokens = spelt(('{"a":', 0.0), ('"yes","b":"no', -0.5), ('"', -0.1), (',"c":', 0.0), ("1", -0.2), ("}", 0.0))
    assert logprobs(text, tokens, {"a": "yes", "b": "no", "c": 1.0}) == {"c": -0.2}


def test_a_token_of_which_no_figure_is_told_leaves_its_value_unsaid() -> None:
    text, tokens = spelt(
        ('{"a', 0.0), ('":"', 0.0), ("yes", UNTOLD), ('","', 0.0), ("b", 0.0), ('":"', 0.0), ("no", -math.inf),
        ('",', 0.0), ('"c":', 0.0), ("1}", -0.5),
    )  # fmt: skip
    assert logprobs(text, tokens, {"a": "yes", "b": "no", "c": 1.0}) == {"c": -0.5}


def test_tokens_that_do_not_spell_the_reply_or_spell_it_twice_say_nothing() -> None:
    text, tokens = spelt(('{"a', 0.0), ('":"', -0.5), ("yes", -0.5), ('"}', -0.5))
    assert logprobs(text, tokens, {"a": "yes"}) == {"a": -1.5}
    assert logprobs(text, tokens[:-1], {"a": "yes"}) == {}
    assert logprobs(text, tokens * 2, {"a": "yes"}) == {}
    assert logprobs(text, [], {"a": "yes"}) == {}


def test_what_was_thought_before_the_reply_or_within_it_is_not_the_answer() -> None:
    inner, tokens = spelt(('<think>{"a":"no"}</think>', -9.0), ('{"a', 0.0), ('":"', -0.5), ("yes", -0.5), ('"}', -0.5))
    assert logprobs(inner, tokens, {"a": "yes"}) == {"a": -1.5}
    assert logprobs('{"a":"yes"}', tokens, {"a": "yes"}) == {"a": -1.5}  # a server that keeps the thoughts apart
    assert logprobs(inner, tokens, {"a": "maybe"}) == {}


def test_of_an_answer_that_had_to_be_mended_nothing_is_said_where_it_is_no_json() -> None:
    text, tokens = spelt(("{'a':", 0.0), ("'", -0.5), ("yes", -0.5), ("'}", -0.5))
    assert logprobs(text, tokens, {"a": "yes"}) == {}


def test_a_character_may_be_cut_in_two_by_tokens() -> None:
    text = '{"a":"é"}'
    tokens = [Token(b'{"a', 0.0), Token(b'":"', -1.0), Token(b"\xc3", -2.0), Token(b"\xa9", -4.0), Token(b'"}', -8.0)]
    assert logprobs(text, tokens, {"a": "é"}) == {"a": -15.0}


def test_what_is_thought_aloud_may_be_of_any_kind() -> None:
    for thought in ('{"a":' * 5000, "{[" * 5000, "{" * 5000, "\ud800 {"):
        text, tokens = thought + '{"a":"yes","b":1}', [Token(sign.encode("utf-8", "replace"), -1.0) for sign in thought]
        tokens += in_pieces('{"a":"yes","b":1}', r"\w+|\W+")
        assert logprobs(text, tokens, {"a": "yes", "b": 1.0}) == {"a": -3.0, "b": -2.0}
        assert logprobs(text, tokens, {"a": "no"}) == {}


values = st.none() | st.booleans() | st.integers(-9, 99) | st.text(max_size=8) | st.floats(-9, 9)
nested = st.recursive(values, lambda inner: st.lists(inner, max_size=3), max_leaves=6)


@given(
    st.dictionaries(st.sampled_from(["harm", "reason", "a_b"]), nested, min_size=1),
    st.booleans(),
    st.sampled_from([None, 2]),
)
def test_one_token_a_sign_finds_each_value_whole(answers: dict[str, Any], escaped: bool, indent: int | None) -> None:
    text = json.dumps(answers, ensure_ascii=escaped, indent=indent)
    tokens = [Token(sign.encode(), -1.0) for sign in text]
    found = logprobs(text, tokens, answers)
    for name, item in answers.items():
        if not isinstance(item, list):
            said = json.dumps(item, ensure_ascii=escaped)
            assert found[name] == -len(said) - (not isinstance(item, str))
