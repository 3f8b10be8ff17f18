"""Answers within answers: read whole, never mended into what nobody said, and what is wrong is named by its path."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from buttermilk.core.flows import Codebook, LabelDefinition, Question
from buttermilk.engine.parse import Forms, Parsed, parse
from strategies import nested_codebooks, said_to

LABELS = tuple(LabelDefinition(name=name) for name in ("kept", "broken"))
PARTS = (
    Question(name="problem", ask="What?", level="text"),
    Question(name="weight", ask="How much?", level="ratio", minimum=0, maximum=10),
    Question(name="words", ask="In its words?", level="quote", many=True),
)
BOOK = Codebook(
    name="b",
    questions=(
        Question(name="frames", ask="Which?", level="group", many=True, parts=PARTS),
        Question(name="topics", ask="Which topics?", labels=LABELS, many=True),
        Question(
            name="criteria",
            ask="Kept?",
            level="group",
            parts=(
                Question(name="problem", ask="Which?", level="text", optional=True),
                Question(name="verdict", ask="Is it?", labels=LABELS),
                Question(name="years", ask="When?", level="interval", many=True),
            ),
        ),
    ),
)
MODEL = Forms().of(BOOK)
FRAME = {"problem": "noise", "weight": 3.0, "words": ["so {loud}", "too"]}
MEANT = {
    "frames": [FRAME, {"problem": 'a "b"', "weight": 0.0, "words": []}],
    "topics": ["kept"],
    "criteria": {"problem": None, "verdict": "broken", "years": [1912.0, 1913.0]},
}
WHOLE = json.dumps(MEANT)


@pytest.mark.parametrize(
    ("text", "rung"),
    [
        (WHOLE, "strict"),
        (json.dumps(MEANT, indent=2), "strict"),
        (f"<think>{{frames?}}</think>```json\n{WHOLE}\n```", "stripped"),
        (f"Here:\n{WHOLE}\nI hope this helps!", "repaired"),
        (f"{WHOLE[:-1]},}}", "repaired"),
        (WHOLE.replace('"weight": 3.0', '"weight": 3 // of ten\n'), "repaired"),
        (WHOLE.replace('["kept"], "criteria"', '["kept"] "criteria"'), "repaired"),
        (WHOLE.replace("1913.0]", "1913,]"), "repaired"),
    ],
)
def test_a_whole_answer_is_found_at_every_depth(text: str, rung: str) -> None:
    assert parse(text, MODEL) == Parsed(MEANT, rung)


def test_keys_that_nobody_asked_for_are_left_in_the_text_at_every_depth() -> None:
    more = json.dumps({**MEANT, "criteria": {**MEANT["criteria"], "why": {"verdict": "kept"}}, "words": 3})
    assert parse(more, MODEL) == Parsed(MEANT, "strict")


def test_an_empty_list_is_an_answer() -> None:
    empty = {**MEANT, "frames": [], "topics": []}
    assert parse(json.dumps(empty), MODEL) == Parsed(empty, "strict")


@pytest.mark.parametrize(
    ("before", "after", "why"),
    [
        ('"weight": 0.0', '"weight": 11', "frames.2.weight: Input should be less than or equal to 10"),
        ('"weight": 0.0', '"weight": "0"', "frames.2.weight: Input should be a valid number"),
        ('"verdict": "broken"', '"verdict": "Broken"', "criteria.verdict: Input should be 'kept' or 'broken'"),
        ('"verdict": "broken", ', "", "criteria.verdict: Field required"),
        ('["kept"]', '["kept", "bent"]', "topics.2: Input should be 'kept' or 'broken'"),
        ('["kept"]', '"kept"', "topics: Input should be a valid array"),
        ('["kept"]', "null", "topics: Input should be a valid array"),
        ('"problem": null', '"problem": 1', "criteria.problem: Input should be a valid string"),
        ('"words": []', '"words": [""], "words": []', "frames.2.words: it is answered twice"),
        ('"verdict": "broken"', '"verdict": "kept", "verdict": "broken"', "criteria.verdict: it is answered twice"),
        ('"topics": ["kept"]', '"topics": [], "topics": ["kept"]', "topics: it is answered twice"),
    ],
)
def test_what_is_wrong_is_named_by_its_path(before: str, after: str, why: str) -> None:
    assert before in WHOLE
    assert parse(WHOLE.replace(before, after), MODEL) == Parsed(None, "none", why)


@pytest.mark.parametrize(
    ("before", "after", "why"),
    [
        ('"verdict": "broken"', '"verdict": "kept" "verdict": "broken"', "criteria.verdict: it is answered twice"),
        ('"weight": 3.0', '"weight": 3-4', "frames.1.weight: Input should be a valid number"),
        ('"weight": 0.0', '"weight": 1 of 10', "frames.1.weight: Input should be a valid number and nothing else"),
        ("1913.0]", "1913-14]", "criteria.years.2: Input should be a valid number"),
        ("[1912.0", "[30%", "criteria.years.1: Input should be a valid number and nothing else"),
    ],
)
def test_what_would_be_mended_away_is_unparsed(before: str, after: str, why: str) -> None:
    spoilt = f"{WHOLE[:-1]},}}".replace(before, after)
    assert parse(spoilt, MODEL) == Parsed(None, "none", why)


def test_a_missing_value_within_is_not_mended_into_an_empty_text() -> None:
    for spoilt in (WHOLE.replace('"problem": "noise"', '"problem":'), WHOLE.replace('"problem": null', '"problem":')):
        assert parse(spoilt, MODEL).answers is None


@given(nested_codebooks, st.data())
def test_any_answer_that_fits_comes_back_as_it_was(codebook: Codebook, data: st.DataObject) -> None:
    answers = data.draw(said_to(codebook))
    found = parse(json.dumps(answers), Forms().of(codebook))
    assert found == Parsed(answers, "strict")


@given(st.data())
def test_a_reply_that_breaks_off_is_no_answer_whichever_way_it_is_mended(data: Any) -> None:
    cut = data.draw(st.integers(0, len(WHOLE) - 1))
    assert parse(WHOLE[:cut], MODEL).answers is None
    assert parse(WHOLE[:cut], MODEL, truncated=True).answers is None


@given(st.data())
def test_one_character_lost_or_doubled_changes_no_label_and_no_number_unseen(data: Any) -> None:
    at = data.draw(st.integers(0, len(WHOLE) - 1))
    spoilt = WHOLE[:at] + WHOLE[at] * data.draw(st.sampled_from([0, 2])) + WHOLE[at + 1 :]
    found = parse(spoilt, MODEL)
    if found.how == "repaired":
        assert found.answers is not None
        assert found.answers["topics"] == ["kept"]
        assert found.answers["criteria"]["verdict"] == "broken"
