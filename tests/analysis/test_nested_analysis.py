"""Answers within answers in the tidy frame, in what is counted, and in the report."""

from pathlib import Path
from typing import Any

import pytest
from analysis_study import GPT, JUDGE, READER_A, MemoryStore, question, row, run_of, verses

from buttermilk.analysis.frame import frame
from buttermilk.analysis.report import report
from buttermilk.analysis.tally import Tally, tally
from buttermilk.core.errors import StoreError
from buttermilk.core.flows import Codebook, Flow, Perspective, Question, Step
from buttermilk.core.records import HumanLabel, Record

EVIDENCE = question("evidence", "quote", (), ask="In its words?", optional=True)
VERDICT = question("verdict", labels=("kept", "broken"), ask="Is it kept?")
BOOK = Codebook(
    name="house",
    questions=(
        Question(
            name="frames",
            ask="Which frames?",
            level="group",
            many=True,
            parts=(
                question("problem", "text", (), ask="What?"),
                question("words", "quote", (), ask="Said?", many=True),
            ),
        ),
        Question(name="rules", ask="Kept?", level="group", parts=(EVIDENCE, VERDICT), each="criterion"),
        question("topics", labels=("art", "law"), ask="About?", many=True),
        question("overall", labels=("fair", "unfair"), ask="In all?"),
    ),
)
TJA = Perspective(name="tja", text="1. Use names as given.\n2. Ask both sides.")
HRC = Perspective(name="hrc", text="1. Use names as given.\n2. Be kind.")
ONE = {"evidence": None, "verdict": "kept"}
ANSWER: dict[str, Any] = {
    "frames": [{"problem": "noise", "words": ["so loud", "not there"]}],
    "rules": {"c1": {"evidence": "a lamp", "verdict": "broken"}, "c2": ONE},
    "topics": ["law"],
    "overall": "fair",
}
EMPTY = {"frames": [], "rules": {"c1": ONE, "c2": ONE}, "topics": [], "overall": "unfair"}
QUOTES = {"frames.1.words.1": "exact", "frames.1.words.2": "missing", "rules.c1.evidence": "near"}
STEP = Step(name="judge", agents=(GPT, READER_A), prompts=(JUDGE,), perspectives=(TJA, HRC), codebook=BOOK)


def study(*said: dict[str, Any], labels: tuple[HumanLabel, ...] = ()) -> tuple[MemoryStore, Any]:
    """A record each, judged as is said; from one perspective, unless it says otherwise."""
    records = [record.model_copy(update={"labels": labels}) for record in verses(len(said), labelled=0)]
    run = run_of(Flow(name="house", steps=(STEP,)))
    return MemoryStore(run, records, [judged(one, more) for one, more in zip(records, said, strict=True)]), run


def judged(record: Record, more: dict[str, Any]) -> dict[str, Any]:
    lens = more.get("perspective", TJA)
    asked = BOOK.of(lens)
    given = {"agent": GPT, "perspective": lens, **more}
    agent = given.pop("agent")
    return row(STEP, record, agent, **given, codebook_hash=asked.hash)


def both() -> tuple[MemoryStore, Any]:
    """One record, judged by two agents from two perspectives."""
    (record,) = verses(1, labelled=0)
    run = run_of(Flow(name="house", steps=(STEP,)))
    said = [
        {"agent": agent, "perspective": lens, "answers": ANSWER, "quotes": QUOTES}
        for agent in (GPT, READER_A)
        for lens in (TJA, HRC)
    ]
    return MemoryStore(run, [record], [judged(record, more) for more in said]), run


# ---- the frame


def rows_of(*said: dict[str, Any], record: int = 0) -> dict[str, tuple[Any, ...]]:
    store, run = study(*said)
    found = [one for one in frame(store, run).dicts() if one["record_id"] == f"v{record:03d}"]
    return {
        one["question"]: tuple(one[name] for name in ("level", "status", "label", "value", "quote")) for one in found
    }


def test_each_leaf_has_a_row_and_each_quote_its_verdict() -> None:
    assert rows_of({"answers": ANSWER, "quotes": QUOTES}) == {
        "frames.count": ("ratio", "answered", "1", 1, ""),
        "frames.1.problem": ("text", "answered", "noise", None, ""),
        "frames.1.words.count": ("ratio", "answered", "2", 2, ""),
        "frames.1.words.1": ("quote", "answered", "so loud", None, "exact"),
        "frames.1.words.2": ("quote", "answered", "not there", None, "missing"),
        "rules.c1.evidence": ("quote", "answered", "a lamp", None, "near"),
        "rules.c1.verdict": ("nominal", "answered", "broken", None, ""),
        "rules.c2.evidence": ("quote", "answered", None, None, ""),
        "rules.c2.verdict": ("nominal", "answered", "kept", None, ""),
        "topics.art": ("nominal", "answered", "no", None, ""),
        "topics.law": ("nominal", "answered", "yes", None, ""),
        "overall": ("nominal", "answered", "fair", None, ""),
    }


def test_an_empty_list_is_an_answer_and_no_null_no_refusal_and_not_unparsed() -> None:
    empty = rows_of({"answers": EMPTY})
    assert empty["frames.count"] == ("ratio", "answered", "0", 0, "")
    assert (empty["topics.art"][2], empty["rules.c1.evidence"][:3]) == ("no", ("quote", "answered", None))
    for status in ("refused", "unparsed", "failed"):
        found = rows_of({"status": status})
        assert found.keys() == empty.keys()
        assert {said[1:] for said in found.values()} == {(status, None, None, "")}


def test_an_answer_without_one_part_is_unparsed_to_that_part_alone() -> None:
    found = rows_of({"answers": {**EMPTY, "rules": {"c1": {"evidence": "x"}, "c2": ONE}, "topics": None}})
    statuses = {name: said[1] for name, said in found.items() if said[1] != "answered"}
    assert statuses == dict.fromkeys(["rules.c1.verdict", "topics.art", "topics.law"], "unparsed")


def test_a_label_by_people_stands_beside_the_leaf_that_it_names() -> None:
    labels = (HumanLabel(question="rules.c1.verdict", value="kept"), HumanLabel(question="topics.law", value="yes"))
    store, run = study({"answers": ANSWER}, labels=labels)
    found = {one["question"]: one["expected"] for one in frame(store, run).dicts()}
    assert {name: said for name, said in found.items() if said} == {"rules.c1.verdict": "kept", "topics.law": "yes"}


def test_answers_to_criteria_that_the_run_does_not_describe_are_an_error() -> None:
    store, run = study({"answers": EMPTY})
    step = STEP.model_copy(update={"perspectives": (HRC,)})
    strange = run.model_copy(update={"method": (Flow(name="house", steps=(step,)),)})
    with pytest.raises(StoreError, match="step 'judge' whose codebook"):
        list(frame(store, strange))


# ---- what is counted


def counted() -> Tally:
    return tally(*both())


def test_what_perspectives_ask_alike_is_counted_together_and_the_rest_apart() -> None:
    found = {asked.name: asked for asked in counted().asked.values()}
    assert set(found) == {
        "frames.count", "topics.art", "topics.law", "overall", "rules.c1.evidence", "rules.c1.verdict",
        "rules.c2.evidence (tja)", "rules.c2.verdict (tja)", "rules.c2.evidence (hrc)", "rules.c2.verdict (hrc)",
    }  # fmt: skip
    assert len(found["overall"].readers) == len(found["rules.c1.verdict"].readers) == 4
    assert [reader.setting for reader in found["rules.c2.verdict (hrc)"].readers] == ["hrc", "hrc"]
    assert found["frames.count"].votes["v000"][found["frames.count"].readers[0]] == (1,)
    assert found["topics.law"].labels() == ["yes", "no"]


def test_a_label_that_does_not_say_whose_criterion_it_means_is_held_against_none_of_them() -> None:
    labels = (HumanLabel(question="rules.c2.verdict", value="kept"), HumanLabel(question="overall", value="fair"))
    said = [{"answers": EMPTY}, {"answers": EMPTY, "perspective": HRC}]
    found = {asked.name: asked.expected for asked in tally(*study(*said, labels=labels)).asked.values()}
    assert found["rules.c2.verdict (tja)"] == found["rules.c2.verdict (hrc)"] == {}
    assert found["overall"] == {record: {"human": "fair"} for record in ("v000", "v001")}
    alone = tally(*study({"answers": EMPTY}, labels=labels)).asked.values()
    assert {asked.name: len(asked.expected) for asked in alone}["rules.c2.verdict (tja)"] == 1


def test_quotes_are_counted_by_agent_and_short_ones_that_are_missing_are_kept_once() -> None:
    found = counted()
    assert found.whole.quotes == {"exact": 4, "near": 4, "missing": 4}
    assert found.by["judge", "gpt"].quotes == {"exact": 2, "near": 2, "missing": 2}
    assert list(found.missing) == [("v000", agent, "frames.1.words.2", "not there") for agent in ("gpt", "reader_a")]
    long = {**ANSWER, "frames": [{"problem": "x", "words": ["a", "b" * 201]}]}
    assert not tally(*study({"answers": long, "quotes": QUOTES})).missing


# ---- the report


def test_the_report_says_how_many_quotes_are_not_in_the_record_and_what_was_asked(tmp_path: Path) -> None:
    store, _ = both()
    page = report(store, "verse-1", tmp_path / "r.html").read_text("utf-8")
    for said in (
        "Not in the record: 4 of 12 quoted passages.",
        "Short passages that are not in their record",
        "not there",
        "judge: rules.c2.verdict (tja)",
        "Kept? Be kind. Is it kept?",
        "rules.evidence: “In its words?” Answered by words copied from the record",
        "Asked once for each criterion of the perspective.",
        "frames: “Which frames?” Answered by a list, which may be empty, each entry answers to the questions below.",
        "topics: “About?” Answered by any number of labels, or none.",
        "answered frames, rules, topics and overall",
    ):
        assert said in page


def test_a_report_without_quotes_says_nothing_of_them(tmp_path: Path) -> None:
    store, _ = study({"answers": EMPTY})
    assert "quoted" not in report(store, "verse-1", tmp_path / "r.html").read_text("utf-8").split("<script")[0]
