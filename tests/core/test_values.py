"""Values: frozen, closed, the same after a trip through JSON, and copies that know their own ids."""

import copy
import pickle

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

import strategies as some
from buttermilk.core.flows import Agent, Codebook, Flow, LabelDefinition, Perspective, Price, Question, Step
from buttermilk.core.jobs import Job, Result
from buttermilk.core.messages import Output
from buttermilk.core.records import HumanLabel, Part, Record
from buttermilk.core.values import Value, plain

IDS = ("hash", "content_hash", "record_hash", "job_id", "key", "inputs_hash", "call_seed")
EVERY = {
    "record": some.records,
    "dataset": some.datasets,
    "codebook": some.codebooks,
    "perspective": some.perspectives,
    "prompt": some.prompts,
    "agent": some.agents,
    "step": some.steps,
    "flow": some.flows,
    "job": some.jobs(),
    "cell": some.jobs().map(lambda job: job.cell),
    "result": some.results,
    "run": some.runs,
    "event": some.events,
    "reject": some.rejects,
    "output": st.builds(Output, values=st.dictionaries(some.words, some.scalars), raw=some.objects),
}
every = pytest.mark.parametrize("name", EVERY)


def ids(value: Value) -> dict[str, object]:
    found = {name: getattr(value, name, None) for name in IDS}
    return {name: item for name, item in found.items() if isinstance(item, str | int)}


@every
@settings(max_examples=40)
@given(data=st.data())
def test_a_value_is_the_same_after_a_trip_through_json(name: str, data: st.DataObject) -> None:
    value = data.draw(EVERY[name])
    text = value.model_dump_json()
    again = type(value).model_validate_json(text)
    assert again == value
    assert ids(again) == ids(value)
    # To Python 1, 1.0 and True are equal; their texts tell them apart.
    assert again.model_dump_json() == text


@every
@settings(max_examples=5)
@given(data=st.data())
def test_a_value_is_frozen_and_knows_its_fields(name: str, data: st.DataObject) -> None:
    value = data.draw(EVERY[name])
    field = next(iter(type(value).model_fields))
    with pytest.raises(ValidationError, match="frozen"):
        setattr(value, field, getattr(value, field))
    with pytest.raises(ValidationError, match="frozen"):
        delattr(value, field)
    with pytest.raises(ValidationError, match="Extra inputs are not permitted"):
        type(value).model_validate({**dict(value), "extra_field": 1})
    with pytest.raises(TypeError, match="has no field 'extra_field'"):
        value.model_copy(update={"extra_field": 1})


@every
@settings(max_examples=10)
@given(data=st.data())
def test_a_value_travels_to_another_process(name: str, data: st.DataObject) -> None:
    value = data.draw(EVERY[name])
    known = ids(value)
    for again in (pickle.loads(pickle.dumps(value)), copy.copy(value), copy.deepcopy(value)):
        assert again == value
        assert ids(again) == known


@pytest.mark.parametrize("value", [True, 1, 1.0, "1", 0, False, -0.0, 2**62, 1e300, ""], ids=repr)
def test_a_human_label_keeps_its_type(value: str | float) -> None:
    label = HumanLabel(question="tone", value=value)
    again = HumanLabel.model_validate_json(label.model_dump_json()).value
    assert (type(again), repr(again)) == (type(value), repr(value))


def test_a_changed_copy_works_out_its_own_ids() -> None:
    agent = Agent(name="reader", type="openai", model="one")
    job = Job(
        step="judge",
        record=Record(record_id="v1", parts=(Part(text="a"),)),
        seen_hash="x",
        agent=agent,
        codebook=codebook(),
    )
    first = agent.hash, job.job_id, job.cell.key, job.record.content_hash, job.record.record_hash
    other = agent.model_copy(update={"model": "two"})
    record = job.record.model_copy(update={"parts": (Part(text="b"),)})
    moved = job.model_copy(update={"agent": other, "record": record})
    second = other.hash, moved.job_id, moved.cell.key, record.content_hash, record.record_hash
    assert all(old != new for old, new in zip(first, second, strict=True))
    assert other == Agent(name="reader", type="openai", model="two")
    assert other.hash == Agent(name="reader", type="openai", model="two").hash
    assert agent.hash == first[0]


@given(metadata=some.objects)
def test_a_value_does_not_share_its_parts_with_whoever_made_it(metadata: dict[str, object]) -> None:
    mine = {**metadata, "list": [1, {"deep": [2]}]}
    record = Record.model_validate({"record_id": "v1", "parts": (Part(text="a"),), "metadata": mine})
    before = record.model_dump_json()
    mine["list"][1]["deep"].append(3)  # type: ignore[index]
    mine["new"] = True
    assert record.model_dump_json() == before


@pytest.mark.parametrize("number", [float("nan"), float("inf"), float("-inf")])
def test_what_is_no_number_is_in_no_value(number: float) -> None:
    with pytest.raises(ValidationError, match="finite"):
        Record(record_id="v1", parts=(Part(text="a"),), metadata={"deep": [{"down": number}]})
    with pytest.raises(ValidationError, match="finite"):
        HumanLabel(question="tone", value=number)
    with pytest.raises(ValidationError, match="finite"):
        Output(values={"tone": number})
    with pytest.raises(ValidationError, match="finite"):
        Price(input=number, output=0, source="list", dated="2026-11-22")


def test_times_say_their_zone() -> None:
    with pytest.raises(ValidationError, match="timezone"):
        Result.model_validate(
            {
                "job_id": "a",
                "attempt": 1,
                "run_id": "r",
                "status": "failed",
                "started_at": "2026-11-22T10:00:00",
                "ended_at": "2026-11-22T10:00:00Z",
            }
        )


def test_false_null_and_nothing_are_told_apart() -> None:
    said = [{"harm": False}, {"harm": None}, {}, None, {"harm": 0}, {"harm": ""}]
    rows = [Output(values=answer).model_dump_json() for answer in said if answer is not None]
    assert len(set(rows)) == len(rows)
    assert plain(Output(values={"harm": False}, version="")) == {"values": {"harm": False}}


def codebook(**more: object) -> Codebook:
    labels = (LabelDefinition(name="yes"), LabelDefinition(name="no"))
    return Codebook.model_validate(
        {"name": "harm", "questions": (Question(name="harm", ask="?", labels=labels),), **more}
    )


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"labels": ()}, "question 'tone' is nominal and needs at least two labels"),
        ({"labels": (LabelDefinition(name="a"),)}, "needs at least two labels"),
        ({"level": "ratio", "labels": (LabelDefinition(name="a"),)}, "question 'tone' is ratio and takes no labels"),
        ({"labels": (LabelDefinition(name="a"),) * 2}, "question 'tone' names a label twice"),
        ({"name": "to ne", "level": "text"}, "pattern"),
    ],
)
def test_a_question_that_cannot_be_answered_is_refused_by_name(fields: dict[str, object], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        Question.model_validate({"name": "tone", "ask": "?", **fields})


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({}, "a text part needs its text"),
        ({"kind": "image"}, "a part of kind image needs the SHA-256"),
        ({"kind": "image", "text": "a cat"}, "a part of kind image needs the SHA-256"),
    ],
)
def test_a_part_without_content_is_refused(fields: dict[str, object], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        Part.model_validate(fields)


def test_an_empty_text_is_a_text() -> None:
    assert Part(text="").text == ""


@given(codebook=some.codebooks)
def test_a_codebook_makes_a_schema_that_asks_every_question_and_nothing_else(codebook: Codebook) -> None:
    schema = codebook.schema_
    assert schema["required"] == [question.name for question in codebook.questions]
    assert list(schema["properties"]) == schema["required"]  # type: ignore[arg-type]
    assert schema["additionalProperties"] is False
    for question in codebook.questions:
        one = schema["properties"][question.name]  # type: ignore[index,call-overload]
        assert ("null" in one["type"]) == question.optional
        assert one.get("enum", []) == ([*question.label_names] + [None] * question.optional if question.labels else [])


def test_a_bound_of_nought_is_a_bound() -> None:
    question = Question(name="share", ask="?", level="ratio", minimum=0, maximum=0)
    schema = Codebook(name="c", questions=(question,)).schema_
    assert schema["properties"] == {"share": {"type": "number", "description": "?", "minimum": 0, "maximum": 0}}


def test_a_record_shows_its_words_its_kinds_and_its_first_label() -> None:
    parts = (
        Part(text="one"),
        Part(kind="image", blob="0" * 64, media_type="image/png", alt="a cat"),
        Part(kind="audio", blob="1" * 64, media_type="audio/mpeg"),
        Part(text="two"),
    )
    labels = (HumanLabel(question="tone", value=0, coder="ana"), HumanLabel(question="tone", value=1, coder="ben"))
    record = Record(record_id="v1", parts=parts, labels=labels)
    assert record.text == "one\n\ntwo"
    assert record.kinds == {"text", "audio"}
    assert record.label("tone") == 0
    assert record.label("harm") is None


def test_a_flow_finds_its_step_and_a_codebook_its_question() -> None:
    step = Step(name="judge", agents=(Agent(name="a", type="vader", role="tool"),), codebook=codebook())
    flow = Flow(name="f", steps=(step,))
    assert flow.step("judge") == step
    assert codebook().question("harm").label_names == ("yes", "no")
    assert Perspective(name="p", text="t").hash != ""
