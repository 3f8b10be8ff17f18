"""One row per answer and question, and nothing lost because it is falsy."""

from random import Random

import pytest
from analysis_study import (
    GPT,
    READER_A,
    VADER,
    MemoryStore,
    question,
    row,
    run_of,
    verse_flow,
    verse_rows,
    verse_study,
    verses,
)

from buttermilk.analysis.frame import COLUMNS, as_text, counted, expected, frame, read
from buttermilk.core.errors import StoreError
from buttermilk.core.flows import Codebook, Flow, Step
from buttermilk.core.records import HumanLabel

HARM = Codebook(
    name="harm",
    questions=(
        question("harm", labels=("true", "false"), optional=True),
        question("degree", "ordinal", ("none", "some", "much"), optional=True),
        question("score", "interval", (), minimum=0, maximum=10, optional=True),
    ),
)


def test_words_and_the_ids_of_answers_are_not_counted_among_what_can_be_compared():
    cited, why = question("cited", "answer", (), optional=True), question("why", "text", (), optional=True)
    book = Codebook(name="both", questions=(*HARM.questions, cited, why))
    said = {"harm": "true", "degree": None, "score": 7, "cited": "3f9a1c22", "why": "it wounds"}
    found = [(asked.name, label) for asked, label in counted(book, "answered", said)]
    assert found == [("harm", "true"), ("degree", None), ("score", 7)]
    assert list(counted(book, "refused", None)) == []


def harm_store(*said):
    """A record per case: `("answered", {...})`."""
    step = Step(name="judge", agents=(GPT,), codebook=HARM)
    records = verses(len(said), labelled=0)
    rows = [
        row(step, record, GPT, status=status, answers=got) for record, (status, got) in zip(records, said, strict=True)
    ]
    run = run_of(Flow(name="harm", steps=(step,)))
    return MemoryStore(run, records, rows), run


def test_a_row_is_an_answer_to_a_question():
    store, run = verse_study(3)
    rows = list(frame(store, run).dicts())
    jobs = {found["job_id"] for found in rows}
    assert len(rows) == 2 * len(jobs)  # the codebook asks two questions
    first = next(found for found in rows if found["question"] == "sentiment" and found["agent"] == "gpt")
    assert first["run"] == "verse-1"
    assert first["prompt_version"] == verse_flow().step("judge").prompts[0].version_name
    assert (first["codebook"], first["level"], first["dataset"]) == ("sentiment@1", "nominal", "verse")
    assert tuple(first) == COLUMNS


def test_how_probable_an_answer_was_stands_beside_it_and_nothing_where_nothing_is_told():
    step = Step(name="judge", agents=(GPT,), codebook=HARM)
    (record,) = verses(1, labelled=0)
    said = {"harm": False, "degree": None, "score": 0}
    rows = [row(step, record, GPT, answers=said, logprobs={"harm": -0.25, "score": 0.0})]
    found = frame(MemoryStore(run := run_of(Flow(name="harm", steps=(step,))), [record], rows), run).dicts()
    assert [(one["question"], one["logprob"]) for one in found] == [("harm", -0.25), ("degree", None), ("score", 0.0)]


def test_false_null_refused_and_unparsed_are_four_things():
    store, run = harm_store(
        ("answered", {"harm": False, "degree": None, "score": 0}),
        ("answered", {"harm": None, "degree": None, "score": None}),
        ("refused", None),
        ("unparsed", None),
        ("failed", None),
    )
    harm = [(found["status"], found["label"]) for found in frame(store, run).dicts() if found["question"] == "harm"]
    assert harm == [("answered", "false"), ("answered", None), ("refused", None), ("unparsed", None), ("failed", None)]
    score = [found["value"] for found in frame(store, run).dicts() if found["question"] == "score"]
    assert score == [0, None, None, None, None]  # nought is a number


def test_every_job_without_an_answer_has_a_row_for_each_question():
    store, run = harm_store(("refused", None))
    assert [found["question"] for found in frame(store, run).dicts()] == ["harm", "degree", "score"]


def test_an_answer_that_leaves_a_question_out_is_no_null():
    store, run = harm_store(("answered", {"harm": "true"}))
    said = {found["question"]: (found["status"], found["label"]) for found in frame(store, run).dicts()}
    assert said == {"harm": ("answered", "true"), "degree": ("unparsed", None), "score": ("unparsed", None)}


def test_an_ordinal_label_carries_its_place():
    store, run = harm_store(("answered", {"harm": "true", "degree": "some", "score": 2.5}))
    found = {each["question"]: (each["label"], each["value"]) for each in frame(store, run).dicts()}
    assert found == {"harm": ("true", None), "degree": ("some", 2), "score": ("2.5", 2.5)}


def test_the_frame_is_the_same_whatever_came_first():
    flow, records = verse_flow(), verses(12)
    rows = list(verse_rows(flow, records))
    run = run_of(flow)
    first = list(frame(MemoryStore(run, records, rows), run))
    Random(3).shuffle(rows)
    assert list(frame(MemoryStore(run, records, rows), run)) == first


def test_the_human_label_stands_beside_every_answer():
    store, run = verse_study(5)
    human = {record.record_id: record.label("sentiment") for record in verses(5)}
    rows = [found for found in frame(store, run).dicts() if found["question"] == "sentiment"]
    assert all(found["expected"] == human[found["record_id"]] for found in rows)
    assert all(found["expected"] is None for found in frame(store, run).dicts() if found["question"] == "reason")


def test_what_all_coders_say_is_expected_and_nothing_while_they_disagree():
    ana, bo, cyd = (
        HumanLabel(question="harm", value=value, coder=coder)
        for coder, value in (("ana", False), ("bo", True), ("cyd", False))
    )
    assert expected((ana, cyd), "harm") == "false"
    assert expected((ana, bo, cyd), "harm") is None
    assert expected((ana, cyd), "other") is None


def test_a_whole_number_reads_the_same_however_it_was_written():
    assert as_text(3) == as_text(3.0) == "3"
    assert (as_text(False), as_text(0.25), as_text(None), as_text("no")) == ("false", "0.25", None, "no")


def test_an_answer_whose_question_nobody_described_is_an_error():
    store, run = verse_study(2)
    strange = run.model_copy(
        update={"method": (Flow(name="demo", steps=(Step(name="judge", agents=(VADER,), codebook=HARM),)),)}
    )
    with pytest.raises(StoreError, match="step 'judge' whose codebook"):
        list(frame(store, strange))


def test_a_reading_holds_no_number_where_a_truth_value_was_given():
    scale = question("score", "interval", ())
    assert read(scale, "answered", True) == ("answered", "true", None)


def test_a_simulated_answer_says_so_in_its_row():
    store, run = verse_study(2)
    marked = {found["agent"] for found in frame(store, run).dicts() if found["simulated"]}
    assert marked == {"reader_a", "reader_b"}
    assert READER_A.name in marked
