"""The words of an answer: containing, equality, labels, patterns, counts."""

import time
from typing import Any

import pytest

from buttermilk.checks.searching import searched
from buttermilk.core.errors import ConfigError
from judging import FAILED, NEWS, REFUSED, check, expected, judged, labels, passes, said, trial

pytestmark = pytest.mark.anyio
LETTER = "Dear Ana,\n\nyour card came on Monday. We are well; the café is open again.\n\nYours, J."
VERSE = "of inward strife for truth and liberty."


@pytest.mark.parametrize(
    ("expectation", "text", "passed"),
    [
        ("contains: “vermin”", NEWS, True),
        ("contains: Vermin", NEWS, False),
        ("icontains: VERMIN", NEWS, True),
        ("contains: 1912", NEWS, True),
        ("contains: café", LETTER.replace("é", "e\u0301"), True),
        ('contains: "cafe\u0301"', LETTER, True),
        ("icontains: STRASSE", "in der Straße", True),
        ("contains: שלום", "\u202eשלום\u202c", True),
        ('contains: "b\\0"', "a\0b\0c", True),
        ("not-contains: as an AI", NEWS, True),
        ("not-icontains: As An AI", "as an ai model", False),
        ("contains-any: [truth, beauty]", VERSE, True),
        ("contains-any: [beauty, love]", VERSE, False),
        ("not-contains-any: [beauty, love]", VERSE, True),
        ("contains-all: [truth, liberty]", VERSE, True),
        ("contains-all: [truth, love]", VERSE, False),
        ("{contains-all: [truth, love], threshold: 0.5}", VERSE, True),
        ("icontains-all: [TRUTH, Liberty]", VERSE, True),
        ("icontains-any: [BEAUTY, STRIFE]", VERSE, True),
        ("starts-with: Dear Ana", f"\n {LETTER}", True),
        ("starts-with: Ana", LETTER, False),
        ("equals: of inward strife for truth and liberty.", f"{VERSE}\n", True),
        ("equals: of inward strife", VERSE, False),
        ("equals: 3", "3", True),
        ("one-of: [kept, broken]", " kept ", True),
        ("one-of: [kept, broken]", "kept or broken", False),
        ("not-one-of: [kept, broken]", "unclear", True),
        ("regex: '(?i)\\bvermin\\b'", NEWS, True),
        ("regex: '^Dear (\\w+),$'", LETTER, False),
        ("regex: '(?m)^Dear (\\w+),$'", LETTER, True),
        ("not-regex: '\\d{5}'", NEWS, True),
        ("regex: '\\ud800'", "half \ud800 a sign", True),
        ("word-count: 7", VERSE, True),
        ("word-count: {from: 1, to: 6}", VERSE, False),
        ('word-count: "< 8"', VERSE, True),
        ("word-count: 0", " \n", True),
    ],
)
async def test_a_text_is_judged_by_its_words(expectation: str, text: str, passed: bool) -> None:
    assert await passes(expectation, text) is passed


@pytest.mark.parametrize(
    ("expectation", "value", "passed"),
    [
        ("{equals: 'no', question: harmful}", "no", True),
        ("{equals: 1, question: harmful}", 1.0, True),
        ("{equals: null, question: harmful}", None, True),
        ("{equals: null, question: harmful}", "null", False),
        ("{equals: 'null', question: harmful}", None, False),
        ("{one-of: ['null', a], question: harmful}", None, False),
        ("label-in: {harmful: ['no', unclear]}", "no", True),
        ("label-in: {harmful: 'no'}", "yes", False),
        ("not-label-in: {harmful: 'yes'}", "no", True),
        ("label-in: {harmful: 'no'}", " no", False),
        ("label-in: {harmful: [art, news]}", ["news", "art"], True),
        ("label-in: {harmful: [art, news]}", ["news", "sport"], False),
        ("label-in: {harmful: [art, news]}", [], False),
        ("label-in: {harmful.c1.verdict: kept}", {"c1": {"verdict": "kept"}}, True),
        ("{contains: vermin, question: harmful.reason}", {"reason": "he says vermin"}, True),
        ("{contains: ul, question: harmful}", None, False),
        ("{not-contains: as an AI, question: harmful}", None, False),
        ("{not-equals: 'no', question: harmful}", None, True),
        ("not-label-in: {harmful: 'yes'}", None, True),
    ],
)
async def test_an_answer_is_judged_by_its_value(expectation: str, value: Any, passed: bool) -> None:
    assert await passes(expectation, said("", answers={"harmful": value})) is passed


async def test_several_questions_must_each_have_one_of_their_labels() -> None:
    one = said(answers={"harmful": "no", "tone": "calm"})
    assert await passes("label-in: {harmful: 'no', tone: [calm, cool]}", one)
    verdict = await judged("label-in: {harmful: 'no', tone: hot}", trial(one))
    assert verdict.why == "wanted: the reply answers 'harmful' “no”, 'tone' “hot”; came: 'harmful' “no”, 'tone' “calm”"


async def test_a_finding_shows_the_place_and_what_is_missing() -> None:
    verdict = await judged("not-contains: vermin", trial("So it goes on for a while, and then he says vermin to them."))
    assert "came: “… d then he says vermin to them.”" not in verdict.why
    assert "says vermin to them.”" in verdict.why
    assert verdict.why.startswith("not wanted: the reply contains “vermin”; came: “… ")
    verdict = await judged("contains-all: [truth, love, hate]", trial(VERSE))
    assert verdict.why.endswith("came: “of inward strife for truth and liberty.” without “love”, “hate”")
    assert verdict.score == pytest.approx(1 / 3)


async def test_repeats_that_differ_are_told_apart() -> None:
    verdict = await judged("{contains: he, share: 0.5}", trial("she", "it", "they", REFUSED, FAILED))
    assert verdict.passed is False
    assert verdict.why == (
        "wanted: the reply contains “he”; came in 3 of 5 repeats: “it”; no answer: it was refused; "
        "no answer: the call failed (timed_out)"
    )


@pytest.mark.parametrize("argument", ["no", "yes", "[no]", "{a: [off]}"])
def test_a_bare_yes_or_no_is_told_to_be_put_in_quotes(argument: str) -> None:
    for name in ("equals", "one-of", "contains", "label-in"):
        if (name == "label-in") == argument.startswith("{"):
            with pytest.raises(ConfigError, match=r"in quotes|needs a text"):
                check(expected(f"{name}: {argument}"))


@pytest.mark.parametrize(
    "expectation",
    ["{contains: a, threshold: 0.5}", "{label-in: {a: b}, question: a}", "{refusal: true, question: a}"],
)
def test_what_would_do_nothing_beside_a_check_is_refused(expectation: str) -> None:
    with pytest.raises(ConfigError, match="says nothing to this check"):
        check(expected(expectation))


# ---- patterns


async def test_a_pattern_without_end_is_stopped_within_a_second_and_passes_neither_way() -> None:
    text, began = "a" * 50 + "!", time.monotonic()
    verdicts = [await judged(f"{name}: '(a+)+$'", trial(text)) for name in ("regex", "not-regex")]
    assert time.monotonic() - began < 2 * 2.5  # a second each, and what it takes to start on a busy machine
    for verdict in verdicts:
        assert (verdict.passed, verdict.each[0].judged) == (False, False)
        assert "the search was not done after 1 second: simplify the pattern" in verdict.why


async def test_a_pattern_of_a_schema_is_stopped_too() -> None:
    schema = "schema: {type: string, pattern: '(a|a)*$'}"
    verdict = await judged(schema, trial(f'"{"a" * 50}!"'))
    assert "the search was not done" in verdict.why


async def test_a_text_beyond_measure_is_not_searched() -> None:
    verdict = await judged("not-regex: b", trial("a" * 1_000_001))
    assert verdict.passed is False
    assert "more than 1,000,000 characters" in verdict.why


async def test_nothing_is_started_where_nothing_is_searched() -> None:
    assert await searched([]) == []
    assert await searched([("b", "abc"), ("x", "abc"), ("^", "")]) == [1, None, 0]


@pytest.mark.parametrize("pattern", ["(", "a{2,1}", "[z-a]", "(?P<a>.)(?P<a>.)", "*", "(?<=a*)b"])
def test_what_is_no_pattern_is_said_before_anything_is_asked(pattern: str) -> None:
    with pytest.raises(ConfigError, match="is no regular expression") as caught:
        check(expected({"regex": pattern}))
    assert "backslash" in caught.value.hint


async def test_labels_of_repeats_are_each_judged() -> None:
    given = trial(*labels("no", "no", "yes", None))
    assert (await judged("{label-in: {harmful: 'no'}, share: 0.5}", given)).passed
    verdict = await judged("label-in: {harmful: 'no'}", given)
    assert verdict.why.endswith("came in 2 of 4 repeats: 'harmful' “yes”; no answer: the call failed (timed_out)")
