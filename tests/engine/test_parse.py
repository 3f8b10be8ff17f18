"""What of a model's reply counts as its answer, and what is never mended into one."""

import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from buttermilk.core.flows import Codebook, LabelDefinition, Question
from buttermilk.engine.parse import Forms, Parsed, parse

YES_NO = tuple(LabelDefinition(name=name) for name in ("yes", "no"))
REASON = Question(name="reason", ask="Why?", level="text")
HARM = Question(name="harm", ask="Does it harm?", labels=YES_NO)
SCORE = Question(name="score", ask="How much?", level="interval", minimum=0, maximum=10)
MAYBE = Question(name="maybe", ask="If so, whom?", level="text", optional=True)
LABEL = Question(name="label", ask="Which, if any?", labels=YES_NO, optional=True)

FORMS = Forms()
MODEL = FORMS.of(Codebook(name="harm", questions=(REASON, HARM, SCORE)))
WHOLE = '{"reason": "It says \\"so\\" {here}.", "harm": "no", "score": 3}'
MEANT = {"reason": 'It says "so" {here}.', "harm": "no", "score": 3.0}


def of(*questions: Question) -> Any:
    return FORMS.of(Codebook(name="some", questions=questions))


@pytest.mark.parametrize(
    ("text", "rung"),
    [
        (WHOLE, "strict"),
        (f"\n  {WHOLE}\n", "strict"),
        (f"```json\n{WHOLE}\n```", "stripped"),
        (f"```\n{WHOLE}\n```", "stripped"),
        (f"<think>Is it {{harmful}}? Perhaps.</think>\n{WHOLE}", "stripped"),
        (f"<Thinking>\nhm\n</Thinking>```json\n{WHOLE}\n```", "stripped"),
        (f'Perhaps {{"harm": "yes"}}?\n</think>\n{WHOLE}', "stripped"),
        (f"Here is my answer:\n{WHOLE}\nI hope this helps!", "repaired"),
        (f"Sure!\n```json\n{WHOLE}\n```\nAnything else?", "repaired"),
        (f"{WHOLE[:-1]},}}", "repaired"),
        (WHOLE.replace("3", "3 // out of ten\n"), "repaired"),
        (WHOLE.replace(', "score"', ' "score"'), "repaired"),
        (f"[{WHOLE}]", "repaired"),
    ],
)
def test_a_whole_answer_is_found_and_its_rung_is_kept(text: str, rung: str) -> None:
    assert parse(text, MODEL) == Parsed(MEANT, rung)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "no",
        "null",
        "[]",
        "I cannot say.",
        '{"harm": "no", "score": 3}',
        WHOLE.replace('"no"', '"No"'),
        WHOLE.replace('"no"', '"perhaps"'),
        WHOLE.replace('"no"', "null"),
        WHOLE.replace('"no"', "false"),
        WHOLE.replace('"no"', '["no"]'),
        WHOLE.replace("3", '"3"'),
        WHOLE.replace("3", "true"),
        WHOLE.replace("3", "11"),
        WHOLE.replace("3", "-0.1"),
        WHOLE.replace("3", "NaN"),
        WHOLE.replace("3", "Infinity"),
        WHOLE.replace("3", "1e999"),
        WHOLE.replace("3", "3 of 10"),
        WHOLE.replace("3", "3-4"),
        WHOLE.replace("3", "1,5"),
        WHOLE.replace("3", "30%"),
        WHOLE.replace("3", "3/10"),
        WHOLE.replace("3", "3 / 10"),
        WHOLE.replace("3", "1 000"),
    ],
)
def test_what_does_not_fit_the_codebook_is_not_bent_to_fit(text: str) -> None:
    found = parse(text, MODEL)
    assert found.answers is None
    assert found.how == "none"
    assert found.why


@pytest.mark.parametrize(
    "text",
    [
        f"{WHOLE}\n{WHOLE}",
        f"First I thought {WHOLE}, but then: {WHOLE.replace('no', 'yes')}",
        f"[{WHOLE}, {WHOLE}]",
        WHOLE.replace('"harm": "no"', '"harm": "no", "harm": "yes"'),
        WHOLE.replace('"harm": "no"', '"harm": "no" "harm": "yes"'),
        f'```json\n{WHOLE[:-1]}, "score": 4}}\n```',
    ],
)
def test_of_two_answers_neither_is_chosen(text: str) -> None:
    assert parse(text, MODEL).answers is None


def test_why_a_reply_was_not_understood_is_said_so_that_the_model_can_mend_it() -> None:
    assert parse('{"reason": "x", "harm": "maybe", "score": 12}', MODEL).why == (
        "harm: Input should be 'yes' or 'no'; score: Input should be less than or equal to 10"
    )
    assert parse(WHOLE.replace('"no"', '"no", "harm": "yes"'), MODEL).why == "harm: it is answered twice"
    assert parse(WHOLE[:20], MODEL, truncated=True).why == "the reply was cut off before it was complete"


def test_a_no_a_zero_and_an_empty_text_are_answers() -> None:
    found = parse('{"reason": "", "harm": "no", "score": 0}', MODEL)
    assert found == Parsed({"reason": "", "harm": "no", "score": 0.0}, "strict")


def test_null_is_an_answer_where_a_question_is_optional_and_none_where_it_is_not() -> None:
    assert parse('{"maybe": null, "label": null}', of(MAYBE, LABEL)).answers == {"maybe": None, "label": None}
    assert parse('{"maybe": null}', of(MAYBE, LABEL)).answers is None
    assert parse('{"reason": null}', of(REASON)).answers is None


def test_a_value_that_is_not_there_is_not_mended_into_an_empty_one() -> None:
    assert parse('{"reason": , "harm": "no", "score": 3}', MODEL).answers is None
    assert parse('{"harm": "no", "score": 3, "reason":}', MODEL).answers is None
    assert parse('{"harm": "no", "score": 3, "reason": "",}', MODEL).answers == {**MEANT, "reason": ""}


def test_keys_that_nobody_asked_for_are_left_in_the_text() -> None:
    assert parse(f'{WHOLE[:-1]}, "confidence": 0.9, "again": {{"harm": "yes"}}}}', MODEL) == Parsed(MEANT, "strict")


def test_of_a_reply_that_was_cut_off_only_a_whole_valid_answer_counts() -> None:
    assert parse(WHOLE, MODEL, truncated=True).answers == MEANT
    for text in (f"{WHOLE} and furthermore", f"```json\n{WHOLE}", WHOLE[:-1], f"{WHOLE[:-1]},}}"):
        assert parse(text, MODEL, truncated=True).answers is None


def test_a_draft_out_of_a_think_block_that_never_ended_is_no_answer() -> None:
    for text in (f"<think>Maybe {WHOLE}", f"<think>Maybe {WHOLE} or", f"Well.\n<thinking>{WHOLE}"):
        assert parse(text, MODEL) == Parsed(None, "none", "the reply ends before its thinking does")


def test_a_reply_nested_deeper_than_anybody_means_is_unparsed_and_stops_nothing() -> None:
    for depth in (50, 1_000, 50_000):
        assert parse('{"harm":' * depth + '"no",' + "}" * depth, MODEL).answers is None
        assert parse("[" * depth, MODEL).answers is None


texts = st.text(max_size=20)
answers = st.fixed_dictionaries(
    {
        "reason": texts | st.sampled_from(['a "b" {c', "}", "\\", "</think>", "```", "{}", '", "harm": "yes"']),
        "harm": st.sampled_from(["yes", "no"]),
        "score": st.integers(0, 10) | st.floats(0, 10, allow_nan=False),
    }
)
WRAPPINGS = ("{}", "{}\n", "```json\n{}\n```", "<think>It is {{so}}, or not.</think>{}", "Here:\n{}", "{} Is that all?")


@given(answers, st.booleans())
def test_an_answer_as_json_comes_back_as_it_was(meant: dict[str, Any], spaced: bool) -> None:
    assert parse(json.dumps(meant, indent=2 if spaced else None), MODEL) == Parsed(meant, "strict")


@given(answers, st.sampled_from(WRAPPINGS), st.data())
@example({"reason": '"', "harm": "no", "score": 10}, "{}", None)
def test_a_reply_that_breaks_off_is_an_answer_only_where_the_answer_was_whole(
    meant: dict[str, Any], wrapping: str, data: Any
) -> None:
    before, _, after = wrapping.partition("{}")
    before, body = before.replace("{{", "{").replace("}}", "}"), json.dumps(meant)
    whole = before + body + after
    cuts = range(len(whole)) if data is None else [data.draw(st.integers(0, len(whole) - 1))]
    for cut in cuts:
        found = parse(whole[:cut], MODEL).answers
        assert found is None or (cut >= len(before + body) and found == meant)


@given(st.text(alphabet='{}[]"\\:,.0123 abenorsyhm\n`<>/', max_size=60))
def test_any_text_is_an_answer_that_fits_or_none(text: str) -> None:
    found = parse(text, MODEL)
    assert found.answers is None or (found.answers["harm"] in ("yes", "no") and 0 <= found.answers["score"] <= 10)


def test_a_form_is_built_once_for_a_codebook() -> None:
    forms, codebook = Forms(), Codebook(name="harm", questions=(HARM,))
    assert forms.of(codebook) is forms.of(codebook.model_copy(update={"title": "Harm"}))
