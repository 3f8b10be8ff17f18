"""How near an answer comes to a text: by signs, by words, by meaning."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from buttermilk.checks.nearness import levenshtein, longest_common, rouge_l, words_of
from buttermilk.core.errors import ConfigError, Unavailable
from judging import NEWS, Judge, check, expected, judged, passes, trial

anyio = pytest.mark.anyio
short = st.text("abé\U0001f98b", max_size=9)
sentences = st.lists(st.sampled_from(["police", "kill", "killed", "the", "gunman"]), max_size=9)


# ---- signs


@pytest.mark.parametrize(
    ("one", "other", "distance"),
    [
        ("kitten", "sitting", 3),  # k→s, e→i, +g
        ("saturday", "sunday", 3),  # -a, -t, r→n
        ("", "abc", 3),
        ("abc", "", 3),
        ("", "", 0),
        ("same", "same", 0),
        ("ab", "ba", 2),
        ("\U0001f98b", "", 1),
    ],
)
def test_distances_that_are_known(one: str, other: str, distance: int) -> None:
    assert levenshtein(one, other) == distance


@given(short, short)
def test_the_distance_is_that_of_the_table(one: str, other: str) -> None:
    """Wagner and Fischer (1974), a row at a time."""
    row = list(range(len(other) + 1))
    for number, sign in enumerate(one, 1):
        before, row[0] = row[0], number
        for place, against in enumerate(other, 1):
            before, row[place] = row[place], min(row[place] + 1, row[place - 1] + 1, before + (sign != against))
    assert levenshtein(one, other) == row[-1]


@given(short, short, short)
def test_it_is_a_distance(one: str, other: str, third: str) -> None:
    assert (levenshtein(one, other) == 0) == (one == other)
    assert levenshtein(one, other) == levenshtein(other, one)
    assert levenshtein(one, third) <= levenshtein(one, other) + levenshtein(other, third)


@anyio
@pytest.mark.parametrize(
    ("expectation", "text", "passed", "score"),
    [
        ("levenshtein: {to: kitten, at most: 3}", "sitting", True, 1 - 3 / 7),
        ("levenshtein: {to: kitten, at most: 2}", "sitting", False, 1 - 3 / 7),
        ("{levenshtein: {to: kitten}, threshold: 0.57}", "sitting", True, 1 - 3 / 7),
        ("{levenshtein: kitten, threshold: 0.58}", "sitting", False, 1 - 3 / 7),
        ('levenshtein: {to: "cafe\u0301", at most: 0}', "café", True, 1.0),
        ("levenshtein: {to: kitten, at most: 6}", "", True, 0.0),
    ],
)
async def test_a_text_may_be_so_many_signs_away(expectation: str, text: str, passed: bool, score: float) -> None:
    verdict = await judged(expectation, trial(text))
    assert (verdict.passed, verdict.score) == (passed, pytest.approx(score))


@anyio
async def test_a_page_is_compared_at_once_and_a_book_not_at_all() -> None:
    page = NEWS * 300
    verdict = await judged({"levenshtein": {"to": page, "at most": 300}}, trial(page.replace("jeers", "jeer")))
    assert (verdict.passed, "300 signs away" in verdict.why) == (True, True)
    for name in ("levenshtein", "not-levenshtein"):
        verdict = await judged({name: {"to": "a", "at most": 3}}, trial("a" * 30_001))
        assert (verdict.passed, "too long to compare (30,001 signs)" in verdict.why) == (False, True)
    verdict = await judged({"not-rouge-l": {"to": "a"}, "threshold": 0.5}, trial("b " * 30_001))
    assert (verdict.passed, "too long to compare (30,001 words)" in verdict.why) == (False, True)


# ---- words


@pytest.mark.parametrize(
    ("text", "f1"),
    [
        ("police kill the gunman", 0.75),  # "police the gunman": 3 of 4 words in both, 2·3/(4+4)
        ("the gunman kill police", 0.5),  # "the gunman": 2 of 4
        ("police killed the gunman", 1.0),
        ("The gunman the police killed", 4 / 9),  # "the gunman" or "police killed": 2·2/(5+4)
        ("nothing like it", 0.0),
    ],
)
def test_rouge_l_is_that_of_lin(text: str, f1: float) -> None:
    """Lin (2004), section 3.1: S2 = 3/4 and S3 = 2/4 against S1, `police killed the gunman`."""
    assert rouge_l(words_of(text), words_of("police killed the gunman")) == pytest.approx(f1)


@given(sentences, sentences)
def test_the_longest_common_subsequence_is_that_of_the_table(one: list[str], other: list[str]) -> None:
    row = [0] * (len(other) + 1)
    for word in one:
        before = 0
        for place, against in enumerate(other, 1):
            before, row[place] = row[place], before + 1 if word == against else max(row[place], row[place - 1])
    assert longest_common(one, other) == row[-1]


@given(sentences, sentences)
def test_rouge_l_lies_from_0_to_1_is_symmetric_and_1_on_itself(one: list[str], other: list[str]) -> None:
    assert 0 <= rouge_l(one, other) == rouge_l(other, one) <= 1
    assert rouge_l(one, one) == float(bool(one))
    assert (rouge_l(one, other) == 1) == (one == other != [])


def test_words_are_words_whatever_stands_around_them() -> None:
    assert words_of("“Don’t,” she said – twice; שלום, жизнь.") == ["don’t", "she", "said", "twice", "שלום", "жизнь"]


@anyio
async def test_rouge_l_passes_from_its_threshold_on() -> None:
    for threshold, passed in ((0.75, True), (0.76, False)):
        given = {"rouge-l": {"to": "Police killed the gunman!"}, "threshold": threshold}
        verdict = await judged(given, trial("police kill the gunman"))
        assert (verdict.passed, verdict.score) == (passed, 0.75)
    assert verdict.why == (
        "wanted: the reply shares a ROUGE-L of 0.76 with “Police killed the gunman!”; "
        "came: 0.75 of “police kill the gunman”"
    )


# ---- meaning


@anyio
async def test_meaning_is_the_cosine_of_embeddings() -> None:
    """The judge counts letters: `aab` is (2, 1), `ab` is (1, 1), and 3 / (√5·√2) = 0.9487."""
    verdict = await judged("{similar: aab, threshold: 0.94}", trial("ab"))
    assert (verdict.passed, verdict.score) == (True, pytest.approx(0.9486832981))
    assert not await passes("{similar: aab, threshold: 0.95}", "ab")
    assert await passes("{not-similar: aab, threshold: 0.95}", "ab")


@anyio
@pytest.mark.parametrize(
    ("text", "judge", "why"),
    [
        (" \n", Judge(), "an answer without words"),
        ("123", Judge(), "no angle between them"),
        ("ab", Judge(error=Unavailable("the embedder is down")), "no comparison: the embedder is down"),
    ],
)
async def test_where_nothing_can_be_compared_neither_way_passes(text: str, judge: Judge, why: str) -> None:
    for name in ("similar", "not-similar"):
        verdict = await judged({name: "aab", "threshold": 0.5}, trial(text), judge)
        assert (verdict.passed, why in verdict.why) == (False, True)


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"rouge-l": {"to": "a"}}, "needs a `threshold`"),
        ({"similar": {"to": "a"}}, "needs a `threshold`"),
        ({"levenshtein": {"to": "a"}}, "needs a `threshold`"),
        ({"levenshtein": {"to": "a", "at most": 1}, "threshold": 0.5}, "a `threshold` and an `at most`"),
        ({"rouge-l": {"to": "a", "threshold": 0.5}}, "no `threshold` within it. It stands beside the check"),
        ({"rouge-l": {"to": "…"}, "threshold": 0.5}, "has no word"),
        ({"similar": {"text": "a"}, "threshold": 0.5}, "needs `to`"),
    ],
)
def test_how_near_is_near_enough_must_be_said(given: Any, why: str) -> None:
    with pytest.raises(ConfigError) as caught:
        check(expected(given))
    assert why in caught.value.message
    assert caught.value.hint
