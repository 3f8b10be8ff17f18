"""Expectations as they are written, verdicts as they are put together, and the opposite of a verdict."""

from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from buttermilk.core.cases import (
    Expectation,
    Finding,
    Verdict,
    answers_at,
    content,
    expectation_of,
    found,
    in_text,
    negated,
    nothing,
    shown,
    together,
    weighed,
)
from buttermilk.core.errors import ConfigError
from judging import FAILED, REFUSED, UNPARSED, said
from strategies import jsons, texts

KNOWN = ("contains", "regex", "not-seen")
YES, NO, LOST = found(True, "“yes”"), found(False, "“no”"), nothing("no answer: it was refused")
OPEN = Finding(None, 0.0, "“hm”, of which nobody has said it yet")
findings = st.lists(st.sampled_from([YES, NO, LOST, OPEN]), max_size=6)
shares = st.sampled_from([0.01, 1 / 3, 0.5, 2 / 3, 1.0])


# ---- what is written


def read(text: str) -> Expectation:
    return expectation_of(yaml.safe_load(text), KNOWN, "judge.md:12")


def test_an_expectation_is_a_check_and_what_stands_beside_it() -> None:
    one = read("{not-contains: as an AI, question: reason, weight: 2, share: 0.5, threshold: 0.7, metric: voice}")
    assert (one.check, one.negated, one.argument, one.name) == ("contains", True, "as an AI", "not-contains")
    assert (one.question, one.weight, one.share, one.threshold, one.metric) == ("reason", 2, 0.5, 0.7, "voice")
    assert read("contains: a") == Expectation(check="contains", argument="a", where="judge.md:12")


def test_a_check_that_begins_with_not_is_itself() -> None:
    assert (read("not-seen: a").check, read("not-seen: a").negated) == ("not-seen", False)
    assert (read("not-not-seen: a").check, read("not-not-seen: a").negated) == ("not-seen", True)


@pytest.mark.parametrize(
    ("text", "why", "hint"),
    [
        ("contians: a", "there is no check 'contians'", "Did you mean 'contains'?"),
        ("not-contians: a", "there is no check 'contians'", "Did you mean 'contains'?"),
        ("{contains: a, regex: b}", "here: 'contains' and 'regex'", "question: reason"),
        ("{contains: a, quesiton: b}", "here: 'contains' and 'quesiton'", "question: reason"),
        ("{weight: 2}", "here: none", "not-contains"),
        ("just words", "and no 'just words'", "Like this"),
        ("{1: a}", "and no {1: 'a'}", "Like this"),
        ("{contains: a, weight: -1}", "`weight` of 'contains' cannot be -1", "question, weight"),
        ("{contains: a, share: 0}", "`share` of 'contains' cannot be 0", "metric"),
        ("{contains: a, threshold: 80}", "`threshold` of 'contains' cannot be 80", "threshold"),
        ("{contains: a, question: [b]}", "`question` of 'contains' cannot be ['b']", "question"),
        ("contains: 1912-05-03", "'contains' cannot use what YAML reads here as date", "Put it in quotes"),
        ("not-contains: [.nan]", "'not-contains' cannot use what YAML reads here as float", "Put it in quotes"),
    ],
)
def test_what_cannot_be_meant_is_said_with_its_place(text: str, why: str, hint: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read(text)
    assert caught.value.where == "judge.md:12"
    assert why in caught.value.message
    assert hint in caught.value.hint


def test_a_wrong_argument_names_the_check_where_no_file_is_known() -> None:
    assert str(Expectation(check="regex", negated=True).wrong("it is none.", "Mend it.")) == (
        "check 'not-regex': it is none.\n  Mend it."
    )


# ---- what is put together


def test_a_verdict_says_what_was_wanted_and_what_came_of_each_repeat_that_failed() -> None:
    verdict = together("the reply is “yes”", [YES, NO, LOST, NO])
    assert (verdict.passed, verdict.score) == (False, 0.25)
    assert verdict.why == "wanted: the reply is “yes”; came in 3 of 4 repeats: “no”; no answer: it was refused"
    assert together("it is", [YES, YES]).why == "wanted: it is; came in 2 of 2 repeats: “yes”"
    assert together("it is", [NO]).why == "wanted: it is; came: “no”"


def test_of_many_different_answers_three_are_shown() -> None:
    verdict = together("it is", [found(False, str(number)) for number in range(9)])
    assert verdict.why.endswith("in 9 of 9 repeats: 0; 1; 2; and 6 others")


def test_a_share_of_the_repeats_is_enough_where_it_is_said() -> None:
    assert together("it is", [YES, YES, NO], 2 / 3).passed
    assert not together("it is", [YES, NO, NO], 2 / 3).passed
    assert not together("it is", [], 0.01).passed


def test_what_a_human_has_yet_to_say_is_open_as_long_as_it_decides() -> None:
    assert together("it is", [YES, OPEN]).passed is None
    assert together("it is", [YES, OPEN], 0.5).passed is True
    assert together("it is", [NO, OPEN]).passed is False


def test_the_opposite_is_taken_of_each_repeat() -> None:
    """contains: [yes, yes, no] fails; so would `not all of them` pass, where `none of them` is meant."""
    contains = together("the reply contains “vermin”", [YES, YES, NO])
    opposite = negated(contains)
    assert (contains.passed, opposite.passed) == (False, False)
    assert opposite.why == "not wanted: the reply contains “vermin”; came in 2 of 3 repeats: “yes”"
    assert negated(together("it is", [NO, NO])).passed


def test_where_nothing_could_be_judged_both_fail() -> None:
    verdict = together("it is", [NO, LOST])
    assert (verdict.passed, negated(verdict).passed, negated(verdict).score) == (False, False, 0.5)
    assert negated(verdict).why == "not wanted: it is; came in 1 of 2 repeats: no answer: it was refused"


def test_a_verdict_that_somebody_made_without_findings_has_an_opposite_too() -> None:
    assert negated(Verdict(True, 0.75, "it scans")) == together(
        "what this check looks for", [Finding(False, 0.25, "it scans")], verb="not wanted"
    )
    assert negated(Verdict(None, 0.0, "who knows")).passed is None


@given(findings, shares)
def test_a_verdict_and_its_opposite_never_both_pass_by_more_than_their_shares(
    each: list[Finding], share: float
) -> None:
    verdict = together("it is", each, share)
    opposite = negated(verdict, share)
    assert 0 <= verdict.score + opposite.score <= 1 + 1e-9
    assert not (verdict.passed and opposite.passed) or share <= 0.5
    assert negated(opposite, share)[:2] == verdict[:2]
    if not any(one.judged for one in each):
        assert verdict.passed is opposite.passed is False


@given(findings, shares, shares)
def test_who_asks_for_less_passes_no_less(each: list[Finding], one: float, other: float) -> None:
    order = [False, None, True]
    less, more = (order.index(together("it is", each, share).passed) for share in sorted([one, other]))
    assert less >= more


@pytest.mark.parametrize(
    ("passed", "weights", "threshold", "wanted"),
    [
        ([True, True], [1, 1], None, (True, 1.0)),
        ([True, False], [1, 3], None, (False, 0.25)),
        ([True, False], [3, 1], 0.75, (True, 0.75)),
        ([True, False], [1, 3], 0.75, (False, 0.25)),
        ([True, None], [1, 1], None, (None, 0.5)),
        ([False, None], [1, 1], None, (False, 0.0)),
        ([True, None, False], [1, 1, 2], 0.5, (None, 0.25)),
        ([True, None], [1, 1], 0.5, (True, 0.5)),
        ([True, False], [1, 0], None, (True, 1.0)),
        ([False], [0], None, (True, 0.0)),
    ],
)
def test_verdicts_are_weighed(passed: Any, weights: Any, threshold: Any, wanted: Any) -> None:
    """3 of 4 parts of the weight pass: 3 / (3 + 1) = 0.75"""
    verdicts = [Verdict(one, float(one or 0), "") for one in passed]
    assert weighed(verdicts, weights, threshold) == wanted


# ---- what a check is about


def test_the_answer_is_the_verbatim_text_or_what_stands_at_a_dotted_path() -> None:
    one = said("As I said:", answers={"c1": {"verdict": "kept"}, "frames": [{"evidence": ["a", "b"]}, {}], "n": None})
    assert content(one) == "As I said:"
    assert content(one, "c1.verdict") == "kept"
    assert content(one, "frames.1.evidence.2") == "b"
    assert content(one, "frames.evidence") == ["a", "b"]
    assert content(one, "n") is None


@pytest.mark.parametrize(
    ("one", "why"),
    [
        (REFUSED, "no answer: it was refused"),
        (UNPARSED, "no answer: the reply could not be read"),
        (FAILED, "no answer: the call failed (timed_out)"),
    ],
)
def test_what_was_not_answered_has_no_content(one: Any, why: str) -> None:
    assert content(one) == content(one, "harmful") == nothing(why)


@pytest.mark.parametrize("path", ["", ".", "mood", "c1.verdikt", "c1.verdict.x", "frames.0", "frames.9", "frames.-1"])
def test_a_path_that_leads_nowhere_says_where_one_could_go(path: str) -> None:
    answers = {"c1": {"verdict": "kept"}, "frames": [{"evidence": []}]}
    assert answers_at(answers, path) == []
    if path:
        assert content(said(answers=answers), path) == nothing(f"no answer to '{path}' (there are: c1, frames)")


@given(jsons, texts)
def test_any_path_into_any_answer_is_followed_or_ends(answers: Any, path: str) -> None:
    assert isinstance(answers_at(answers, path), list)


@given(jsons)
def test_what_is_shown_is_short_and_harmless(value: Any) -> None:
    assert shown(value).isprintable()
    assert len(shown(value)) <= 82
    assert in_text(in_text(value)) == in_text(value)


def test_what_is_shown_says_where_it_was_cut() -> None:
    assert shown("one\n\n two") == "“one two”"
    assert shown("a" * 100) == f"“{'a' * 78} …”"
    assert shown({"a": [1, None]}) == '{"a":[1,null]}'
    assert shown("\x1b[31m\u202ered\ud800") == "“·[31m·red·”"
