"""Questions within questions: what is asked of each criterion, an answer's leaves, and the form it must have."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from buttermilk.core.flows import Codebook, LabelDefinition, Perspective, Question, leaves_of, said_by_path
from buttermilk.core.questions import UNSAID, answers_from
from strategies import nested_codebooks, said_to

KEPT = tuple(LabelDefinition(name=name) for name in ("kept", "broken"))
PROBLEM = Question(name="problem", ask="What is the problem?", level="text")
EVIDENCE = Question(name="evidence", ask="In its words?", level="quote", many=True)
FRAMES = Question(name="frames", ask="Which frames?", level="group", many=True, parts=(PROBLEM, EVIDENCE))
PROOF = Question(name="proof", ask="Which words?", level="quote", optional=True)
VERDICT = Question(name="verdict", ask="Is it kept?", labels=KEPT)
CRITERIA = Question(name="criteria", ask="Does it keep this?", level="group", parts=(PROOF, VERDICT), each="criterion")
TOPICS = Question(
    name="topics",
    ask="Which topics?",
    many=True,
    labels=(LabelDefinition(name="art", definition="Pictures."), LabelDefinition(name="U.S. law")),
)
STYLE = Perspective(name="style", text="Be fair.\n\n1. Use names\n   as given.\n2) Ask them.\n\nNo more.\n\n1. Again.")


def book(*questions: Question) -> Codebook:
    return Codebook(name="b", questions=questions)


def names(codebook: Codebook) -> list[str]:
    return [leaf.name for leaf in codebook.leaves]


# ---- identity


def test_a_codebook_of_yesterday_keeps_its_hash() -> None:
    labels = (LabelDefinition(name="yes", definition="Joy."), LabelDefinition(name="no", examples=("a lamp",)))
    questions = (
        Question(name="reason", ask="Which words decide?", level="text", optional=True),
        Question(name="tone", ask="What is its tone?", labels=labels),
        Question(name="strength", ask="How strong?", level="interval", minimum=0, maximum=10),
    )
    assert book(*questions).hash == "8859d1a31efc3eeaf5ce8179172dedd3"  # as it was before questions could be nested
    assert "many" not in questions[0].model_dump_json()
    assert book(*questions).leaves == questions


def test_whatever_is_asked_within_a_question_is_part_of_the_hash_and_of_what_is_stored() -> None:
    other = PROBLEM.model_copy(update={"ask": "What else?"})
    assert book(FRAMES).hash != book(FRAMES.model_copy(update={"parts": (other, EVIDENCE)})).hash
    for question in (FRAMES, CRITERIA, TOPICS):
        stored = Codebook.model_validate_json(book(question).model_dump_json())
        assert (stored, stored.hash) == (book(question), book(question).hash)


# ---- criteria


def test_a_perspective_has_the_points_of_its_numbered_lists() -> None:
    assert STYLE.criteria == ("Use names as given.", "Ask them.", "Again.")


def test_each_criterion_is_asked_about_in_its_own_words() -> None:
    asked = book(CRITERIA, PROBLEM).of(STYLE)
    group = asked.question("criteria")
    assert [(part.name, part.ask) for part in group.parts] == [
        ("c1", "Use names as given."),
        ("c2", "Ask them."),
        ("c3", "Again."),
    ]
    assert all(part.parts == CRITERIA.parts and not part.each for part in group.parts)
    assert names(asked)[:3] == ["criteria.c1.proof", "criteria.c1.verdict", "criteria.c2.proof"]
    assert asked.leaves[1].ask == "Does it keep this? Use names as given. Is it kept?"
    assert asked.question("problem") == PROBLEM


def test_a_single_label_may_be_asked_of_each_criterion() -> None:
    asked = book(VERDICT.model_copy(update={"each": "criterion"})).of(STYLE)
    assert names(asked) == ["verdict.c1", "verdict.c2", "verdict.c3"]
    assert asked.leaves[0].label_names == ("kept", "broken")


@pytest.mark.parametrize("lens", [None, Perspective(name="plain", text="Be fair.")])
def test_without_criteria_the_question_is_asked_once(lens: Perspective | None) -> None:
    codebook = book(CRITERIA)
    assert codebook.of(lens) is codebook
    assert names(codebook) == ["criteria.proof", "criteria.verdict"]


def test_a_codebook_that_asks_nothing_of_criteria_is_the_same_from_every_perspective() -> None:
    assert book(FRAMES).of(STYLE).hash == book(FRAMES).hash


# ---- leaves


def test_an_answer_has_a_leaf_for_every_value_and_one_for_the_length_of_each_list() -> None:
    answers = {"frames": [{"problem": "noise", "evidence": ["so loud", "too loud"]}, {"problem": "", "evidence": []}]}
    said = {leaf.name: (leaf.level, value) for leaf, value in leaves_of(book(FRAMES), answers)}
    assert said == {
        "frames.count": ("ratio", 2),
        "frames.1.problem": ("text", "noise"),
        "frames.1.evidence.count": ("ratio", 2),
        "frames.1.evidence.1": ("quote", "so loud"),
        "frames.1.evidence.2": ("quote", "too loud"),
        "frames.2.problem": ("text", ""),
        "frames.2.evidence.count": ("ratio", 0),
    }
    assert names(book(FRAMES)) == ["frames.count"]


def test_of_labels_of_which_several_may_be_given_each_is_a_yes_or_a_no() -> None:
    said = [(leaf.name, leaf.label_names, value) for leaf, value in leaves_of(book(TOPICS), {"topics": ["U.S. law"]})]
    assert said == [("topics.art", ("yes", "no"), "no"), ("topics.U.S. law", ("yes", "no"), "yes")]
    assert [leaf.ask for leaf in book(TOPICS).leaves] == ["Which topics? art: Pictures.", "Which topics? U.S. law?"]


def test_an_empty_list_is_an_answer_and_what_is_left_out_is_none() -> None:
    codebook = book(TOPICS, FRAMES, PROOF)
    assert said_by_path(codebook, {"topics": [], "frames": [], "proof": None}) == {
        "topics.art": "no",
        "topics.U.S. law": "no",
        "frames.count": 0,
        "proof": None,
    }
    for nothing in ({}, None, {"topics": None, "frames": "none", "other": 1}):
        assert [leaf.name for leaf, value in leaves_of(codebook, nothing) if value is UNSAID][:3] == names(codebook)[:3]
    assert said_by_path(codebook, {}) == {}


@given(nested_codebooks, st.data())
def test_every_fixed_leaf_is_said_in_an_answer_that_fits_and_in_the_codebooks_order(
    codebook: Codebook, data: st.DataObject
) -> None:
    answers = data.draw(said_to(codebook))
    said = list(leaves_of(codebook, answers))
    paths = [leaf.name for leaf, _ in said]
    assert len(set(paths)) == len(paths)
    assert [path for path in paths if path in codebook.by_path or not codebook.nested] == names(codebook)
    assert all(value is not UNSAID for _, value in said)
    assert dict(said_by_path(codebook, answers)) == {leaf.name: value for leaf, value in said}


@given(nested_codebooks, st.data())
def test_an_answer_is_put_together_again_from_its_fixed_leaves(codebook: Codebook, data: st.DataObject) -> None:
    answers = data.draw(said_to(codebook))
    again = answers_from(codebook.questions, said_by_path(codebook, answers))
    lists = [question for question in codebook.every if question.many and not question.labels]
    if not lists:
        assert dict(said_by_path(codebook, again)) == dict(said_by_path(codebook, answers))
    assert again.keys() == answers.keys()


# ---- the form of an answer


def objects(schema: Any) -> list[dict[str, Any]]:
    """Every object within a schema."""
    inner = [*schema.get("properties", {}).values(), *([schema["items"]] if "items" in schema else [])]
    return [*([schema] if schema["type"] == "object" else []), *(one for part in inner for one in objects(part))]


@given(nested_codebooks)
def test_a_schema_is_such_as_strict_modes_take(codebook: Codebook) -> None:
    found = objects(codebook.schema_)
    assert all(one["required"] == list(one["properties"]) for one in found)
    assert all(one["additionalProperties"] is False for one in found)
    assert len(found) == 1 + sum(bool(question.parts) for question in codebook.every)


def test_a_list_says_what_it_is_of_and_null_is_one_of_two_types() -> None:
    schema = book(FRAMES, PROOF).schema_["properties"]
    assert schema["frames"]["items"]["properties"]["evidence"] == {
        "type": "array",
        "description": "In its words?\nCopied letter for letter from the text.",
        "items": {"type": "string"},
    }
    assert schema["proof"]["type"] == ["string", "null"]


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ({"level": "group"}, "is group and has no questions of its own"),
        ({"level": "text", "parts": (PROBLEM,)}, "takes no questions of its own: leave out its level"),
        ({"level": "group", "parts": (PROBLEM,), "labels": KEPT}, "is group and takes no labels"),
        ({"level": "quote", "labels": KEPT}, "is quote and takes no labels"),
        (
            {"level": "text", "many": True, "optional": True},
            "cannot be optional: an empty list says that there is none",
        ),
        ({"level": "group", "parts": (PROBLEM,), "optional": True}, "let each of its questions be optional"),
        ({"level": "group", "parts": (CRITERIA,)}, "`each` stands there, and not at what is in it"),
        ({"level": "text", "each": "sentence"}, "Input should be '' or 'criterion'"),
    ],
)
def test_a_question_that_cannot_be_is_refused(more: dict[str, Any], says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        Question(name="q", ask="?", **more)
