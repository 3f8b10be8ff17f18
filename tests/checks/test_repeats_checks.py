"""What repeats say together, and cases against each other."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from buttermilk.checks.votes import Votes
from buttermilk.core.contracts import Compares
from buttermilk.core.errors import ConfigError
from judging import check, expected, judged, labels, passes, said, trial

anyio = pytest.mark.anyio
LOST = None
votes = st.lists(st.sampled_from(["yes", "no", "unclear", LOST]), max_size=7)


async def both(expectation: dict[str, Any], given: Any) -> list[bool | None]:
    (name, argument), *rest = expectation.items()
    return [(await judged({key: argument, **dict(rest)}, given)).passed for key in (name, f"not-{name}")]


# ---- agreement


@anyio
@pytest.mark.parametrize(
    ("answers", "least", "passed"),
    [
        (("no", "no", "yes"), 2, [True, False]),
        (("no", "yes", "unclear"), 2, [False, True]),
        (("no", "no", "yes", "yes"), 2, [False, True]),  # a tie is no agreement
        (("no", "no", "no"), 3, [True, False]),
        (("no", "no", LOST), 2, [True, False]),
        (("no", "no", LOST), 3, [False, False]),  # the third might have agreed: nobody can say
        (("no", "yes", LOST), 3, [False, True]),  # it might not
        (("no", LOST, LOST), 2, [False, False]),
        (("no", "no", "yes", "yes", LOST), 2, [False, False]),  # it might have broken the tie
        ((LOST, LOST, LOST), 2, [False, False]),
    ],
)
async def test_so_many_repeats_agree(answers: Any, least: int, passed: list[bool]) -> None:
    assert await both({"agreement": least, "question": "harmful"}, trial(*labels(*answers))) == passed


@anyio
async def test_agreement_counts_who_says_nothing() -> None:
    verdict = await judged("{agreement: 3, question: harmful}", trial(*labels("no", "yes", "yes", LOST)))
    assert verdict.score == 0.5
    assert verdict.why == (
        "wanted: at least 3 of 4 repeats give the same answer to 'harmful'; "
        "came: “yes” ×2, “no” ×1, 1 without an answer"
    )
    verdict = await judged("{agreement: 2, question: harmful}", trial(*labels("no", "yes", "yes", "no")))
    assert verdict.why.endswith("“no” ×2, “yes” ×2 (a tie)")


@anyio
async def test_without_a_question_the_replies_themselves_agree() -> None:
    assert await passes("agreement: 2", "It quotes.\n", "It quotes.", "It does not.")


@pytest.mark.parametrize("least", [0, 1, -2, 2.5, "two", True])
def test_one_repeat_cannot_agree(least: Any) -> None:
    with pytest.raises(ConfigError):
        check(expected({"agreement": least, "question": "harmful"}))


@given(votes, st.randoms())
def test_votes_are_all_there_and_their_order_counts_for_nothing(answers: list[Any], chance: Any) -> None:
    counted = Votes.of(labels(*answers), "harmful")
    assert sum(count for _, count in counted.counts) + counted.missing == len(answers)
    chance.shuffle(answers)
    again = Votes.of(labels(*answers), "harmful")
    assert (again.mode, again.top, again.second, again.missing) == (
        counted.mode,
        counted.top,
        counted.second,
        counted.missing,
    )


@given(votes, st.lists(st.sampled_from(["yes", "no", "unclear"]), min_size=7, max_size=7))
def test_the_most_frequent_answer_is_that_whatever_the_missing_would_have_said(answers: Any, instead: Any) -> None:
    mode = Votes.of(labels(*answers), "harmful").mode
    filled = [other if one is LOST else one for one, other in zip(answers, instead, strict=False)]
    assert mode is None or Votes.of(labels(*filled), "harmful").mode == mode


# ---- calibration


@anyio
@pytest.mark.parametrize(
    ("argument", "answers", "passed"),
    [
        ({"from": 0.4, "to": 0.6}, (0.25, 0.75), [True, False]),  # (0.25 + 0.75) / 2 = 0.5
        ({"from": 0.4, "to": 0.6}, (0.1, 0.2), [False, True]),
        ({"is": 0.5, "within": 0.1}, (0.5, 0.7), [True, False]),
        ({"from": 0.4, "to": 0.6}, (0.5, LOST), [False, False]),
        ({"from": 0.4, "to": 0.6}, (0.5, "high"), [False, False]),
        ({"of": "yes", "from": 0.2, "to": 0.5}, ("yes", "no", "no"), [True, False]),  # 1/3
        ({"of": "yes", "to": 0.5}, ("yes", "yes", "no"), [False, True]),
        ({"of": "yes", "to": 0.5}, ("no", "no", LOST), [False, False]),
        ({"of": "yes", "is": 0}, ("no", "unclear"), [True, False]),
    ],
)
async def test_a_mean_or_a_share_lies_within_its_band(argument: Any, answers: Any, passed: list[bool]) -> None:
    assert await both({"calibration": argument, "question": "harmful"}, trial(*labels(*answers))) == passed


@anyio
async def test_a_share_of_the_repeats_may_be_enough_for_a_mean() -> None:
    expectation = {"calibration": {"from": 0.4, "to": 0.6}, "question": "sure", "share": 0.5}
    given = trial(*labels(0.5, LOST, question="sure"))
    verdict = await judged(expectation, given)
    assert (
        verdict.why == "wanted: the mean over the repeats in 'sure' is from 0.4 to 0.6; came: 0.5 from 1 of 2 repeats"
    )
    assert verdict.passed
    verdict = await judged({**expectation, "share": 0.6}, given)
    assert verdict.why.endswith("came: an answer from 1 of 2 repeats only")


# ---- cases against each other


@anyio
@pytest.mark.parametrize(
    ("here", "there", "same", "differs"),
    [
        (("no", "no"), ("no", "no"), True, False),
        (("no", "no", "yes"), ("yes", "yes", "no"), False, True),
        (("no", "yes"), ("no", "no"), False, False),  # a tie is no most frequent answer
        (("no", "no"), ("no", LOST), False, False),
        (("no", "no"), ("no", "no", LOST), True, False),
        (("no", "no"), (LOST, LOST), False, False),
        ((LOST, LOST), (LOST, LOST), False, False),
        (("no",), (), False, False),
    ],
)
async def test_most_frequent_answers_are_compared_where_there_are_any(
    here: Any, there: Any, same: bool, differs: bool
) -> None:
    given = trial(*labels(*here), others={"other": labels(*there)})
    assert await both({"metamorphic": "other", "question": "harmful"}, given) == [same, differs]
    assert await both({"flip": "other", "question": "harmful"}, given) == [differs, same]


@anyio
async def test_a_list_of_cases_is_compared_with_each() -> None:
    others = {"in_french": labels("no"), "in_german": labels("yes"), "in_verse": labels("no")}
    given = trial(*labels("no"), others=others)
    assert (await judged("{metamorphic: [in_french, in_verse], question: harmful}", given)).passed
    verdict = await judged("{metamorphic: [in_french, in_german], question: harmful}", given)
    assert verdict.why == (
        "wanted: the most frequent answer to 'harmful' is that of in_french and of in_german; "
        "came: “no” in this_case, “no” in in_french, “yes” in in_german"
    )
    assert (await judged("{flip: in_german, question: harmful}", given)).passed
    assert not (await judged("{flip: [in_german, in_french], question: harmful}", given)).passed


@anyio
async def test_a_case_that_is_not_there_is_named_with_what_was_probably_meant() -> None:
    for name in ("flip", "not-flip"):
        verdict = await judged({name: "in_frnech", "question": "a"}, trial(said("a"), others={"in_french": ()}))
        assert verdict.passed is False
        assert "there is no case 'in_frnech'. Did you mean 'in_french'?" in verdict.why


@anyio
async def test_what_cannot_be_compared_is_said() -> None:
    given = trial(*labels("no", "yes"), others={"other": labels("no", LOST)})
    verdict = await judged("{flip: other, question: harmful}", given)
    assert verdict.why.endswith(
        "came: no most frequent answer to compare in this_case: “no” ×1, “yes” ×1; other: “no” ×1, 1 without an answer"
    )


def test_which_cases_are_read_is_known_beforehand() -> None:
    made = check(expected("{flip: [a, b], question: harmful}"))
    assert isinstance(made, Compares)
    assert made.cases == ("a", "b")
    assert not isinstance(check(expected("contains: a")), Compares)


@pytest.mark.parametrize("name", ["agreement", "metamorphic", "flip"])
@pytest.mark.parametrize("sibling", ["share", "threshold"])
def test_a_share_of_the_repeats_means_nothing_where_they_are_taken_together(name: str, sibling: str) -> None:
    with pytest.raises(ConfigError, match=f"`{sibling}` says nothing"):
        check(expected({name: 2, sibling: 0.5}))
