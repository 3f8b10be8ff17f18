"""Rules from scores to labels: what they say, what is wrong with them, and that they can be applied again."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asking import CODEBOOK, FEELING, FEELINGS, REASON
from buttermilk.core.errors import ConfigError
from buttermilk.core.flows import Agent, Codebook, Question
from buttermilk.tools.scales import Rule, apply_rules, scale_of

SCORES = ("pos", "neg", "compound")
RULES: list[dict[str, Any]] = [
    {"label": "mixed", "when": {"pos": ">= 0.2", "neg": ">= 0.2"}},
    {"label": "positive", "when": {"compound": ">= 0.05"}},
    {"label": "negative", "when": {"neg": "> pos"}},
    {"label": "no_impact"},
]


def agent(answers: Any, **more: Any) -> Agent:
    return Agent(name="counter", type="vader", role="tool", parameters={"answers": answers, **more})


def rules(*written: dict[str, Any]) -> tuple[Rule, ...]:
    return tuple(Rule.model_validate(rule) for rule in written or RULES)


@pytest.mark.parametrize(
    ("raw", "label"),
    [
        ({"pos": 0.3, "neg": 0.2, "compound": 0.5}, "mixed"),  # the first that holds wins
        ({"pos": 0.3, "neg": 0.1, "compound": 0.05}, "positive"),
        ({"pos": 0.1, "neg": 0.2, "compound": 0.0}, "negative"),  # one score against another
        ({"pos": 0.1, "neg": 0.1, "compound": 0.0}, "no_impact"),
    ],
)
def test_the_first_rule_whose_conditions_all_hold_is_the_answer(raw: dict[str, float], label: str) -> None:
    assert apply_rules(rules(), raw) == label


@pytest.mark.parametrize(
    ("condition", "holds"),
    [(">= 0.5", True), (">0.5", False), ("<= 5e-1", True), ("< 0.5", False), ("== .5", True), (" >=  -1 ", True)],
)
def test_the_five_signs_mean_what_they_say(condition: str, holds: bool) -> None:
    assert apply_rules(rules({"label": "yes", "when": {"pos": condition}}), {"pos": 0.5}) == ("yes" if holds else None)


@given(st.floats(-1, 1), st.floats(-1, 1))
def test_a_threshold_moved_afterwards_gives_what_it_would_have_given_at_first(score: float, threshold: float) -> None:
    """The raw scores are all that has to be kept."""
    moved = [{"label": "positive", "when": {"compound": f">= {threshold!r}"}}, {"label": "negative"}]
    raw = {"compound": score, "pos": 0.0, "neg": 0.0}
    values = scale_of(agent({"feeling": moved}), SCORES).values(CODEBOOK, raw)
    assert values == {"reason": None, "feeling": "positive" if score >= threshold else "negative"}


def test_a_number_that_is_asked_for_is_the_score_itself() -> None:
    tone = Codebook(name="tone", questions=(Question(name="tone", ask="How bright?", level="interval"),))
    scale = scale_of(agent({"tone": "compound"}), SCORES)
    scale.check(tone)
    assert scale.values(tone, {"compound": -0.25}) == {"tone": -0.25}


def test_rules_that_leave_texts_over_are_for_questions_that_null_may_answer() -> None:
    some = [{"label": "positive", "when": {"pos": "> 0.9"}}]
    maybe = Codebook(name="maybe", questions=(FEELING.model_copy(update={"optional": True}),))
    scale = scale_of(agent({"feeling": some}), SCORES)
    scale.check(maybe)
    assert scale.values(maybe, {"pos": 0.1}) == {"feeling": None}
    with pytest.raises(ConfigError, match="some texts would get no answer to 'feeling'"):
        scale.check(CODEBOOK)


@pytest.mark.parametrize(
    ("answers", "said", "hint"),
    [
        ({"feling": RULES}, "codebook 'feelings' has no question 'feling'", "Did you mean 'feeling'?"),
        ({"feeling": [{"label": "positiv"}]}, "question 'feeling' has no label 'positiv'", "Did you mean 'positive'?"),
        ({"feeling": "compound"}, "the question 'feeling' is nominal", "Give a list of rules"),
        ({"feeling": RULES, "reason": RULES}, "the question 'reason' is text", "Give the name of one score"),
    ],
)
def test_rules_that_do_not_fit_the_codebook_are_named_with_the_agent(answers: Any, said: str, hint: str) -> None:
    with pytest.raises(ConfigError, match="agent 'counter'") as caught:
        scale_of(agent(answers), SCORES).check(CODEBOOK)
    assert said in str(caught.value)
    assert hint in str(caught.value)


@pytest.mark.parametrize(
    ("answers", "said", "hint"),
    [
        (None, "says for no question how to answer it", "Like this: answers:"),
        ({"feeling": 0.5}, "`answers.feeling` is not readable: 0.5", "Give a list of rules"),
        ({"feeling": "compund"}, "a score 'compund'", "Did you mean 'compound'?"),
        ({"feeling": [{"label": "mixed", "when": {"psi": "> 1"}}]}, "a score 'psi'", "There are: compound, neg, pos."),
        (
            {"feeling": [{"label": "mixed", "when": {"pos": "> psi"}}]},
            "a score 'psi'",
            "There are: compound, neg, pos.",
        ),
        (
            {"feeling": [{"label": "mixed", "when": {"pos": "about 1"}}]},
            "the condition 'pos: about 1'",
            "the signs are",
        ),
        ({"feeling": [{"label": "mixed", "when": {"pos": 1}}]}, "rule 1: when.pos:", "the signs are"),
        ({"feeling": [{"label": "mixed", "whn": {}}]}, "rule 1: whn:", "A rule looks like this"),
        ({"feeling": ["mixed"]}, "rule 1:", "A rule looks like this"),
        ({"feeling": [{"label": "mixed"}, {"label": "positive"}]}, "nothing gets past rule 1", "Move it to the end"),
    ],
)
def test_rules_that_cannot_be_read_are_named_before_anything_is_asked(answers: Any, said: str, hint: str) -> None:
    with pytest.raises(ConfigError, match="agent 'counter'") as caught:
        scale_of(agent(answers), SCORES)
    assert said in str(caught.value)
    assert hint in str(caught.value)


def test_a_parameter_the_tool_does_not_know_is_not_passed_over() -> None:
    with pytest.raises(ConfigError, match="'vader' has no parameter 'anwsers'") as caught:
        scale_of(agent({"feeling": RULES}, anwsers={}), SCORES)
    assert "Did you mean 'answers'?" in str(caught.value)


def test_the_order_of_rules_is_part_of_who_answers() -> None:
    assert agent({"feeling": RULES}).hash != agent({"feeling": [RULES[1], RULES[0], *RULES[2:]]}).hash


def test_every_label_can_be_reached() -> None:
    found = {
        apply_rules(rules(), {"pos": pos, "neg": neg, "compound": pos - neg})
        for pos in (0.0, 0.1, 0.3)
        for neg in (0.0, 0.1, 0.3)
    }
    assert found == set(FEELINGS)
    assert REASON.name not in found


# ---- questions within questions

YES_NO = [{"label": "yes", "when": {"pos": ">= 0.5"}}, {"label": "no"}]
WITHIN = Codebook(
    name="within",
    questions=(
        Question(name="tones", ask="Which?", labels=FEELING.labels[:2], many=True),
        Question(name="all", ask="In all?", level="group", parts=(FEELING, REASON)),
    ),
)
WITHIN_RULES = {"tones.negative": YES_NO, "tones.no_impact": [{"label": "no"}], "all.feeling": RULES}


@pytest.mark.parametrize(("pos", "tones", "feeling"), [(0.6, ["negative"], "positive"), (0.1, [], "no_impact")])
def test_a_tool_answers_the_parts_of_groups_and_lists_of_labels_by_their_paths(
    pos: float, tones: list[str], feeling: str
) -> None:
    scale = scale_of(agent(WITHIN_RULES), SCORES)
    scale.check(WITHIN)
    raw = {"pos": pos, "neg": 0.1, "compound": pos - 0.2}
    assert scale.read(WITHIN, raw) == {"tones": tones, "all": {"feeling": feeling, "reason": None}}
    assert scale.values(WITHIN, raw) == scale.read(WITHIN, raw)


@pytest.mark.parametrize(
    ("answers", "says"),
    [
        ({"tones.negative": YES_NO}, "nothing says how to answer 'tones.no_impact'"),
        ({**WITHIN_RULES, "tones": YES_NO}, "codebook 'within' has no question 'tones'"),
        ({**WITHIN_RULES, "tones.no_impact": [{"label": "maybe"}]}, "'tones.no_impact' has no label 'maybe'"),
    ],
)
def test_a_part_without_rules_or_rules_without_a_part_are_told_before_anything_is_asked(
    answers: dict[str, Any], says: str
) -> None:
    with pytest.raises(ConfigError, match=says):
        scale_of(agent(answers), SCORES).check(WITHIN)


def test_a_list_is_not_for_tools_to_make() -> None:
    words = Question(name="words", ask="Which words?", level="quote", many=True)
    within = Question(name="group", ask="Which?", level="group", parts=(words, REASON))
    with pytest.raises(ConfigError, match="'words' is answered by a list, which a tool cannot make"):
        scale_of(agent({"feeling": RULES}), SCORES).check(Codebook(name="c", questions=(FEELING, within)))
