"""What a cell of a coder's file is taken for, and what is done from Python, where a screen is not in between."""

import csv
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from buttermilk.core.errors import ConfigError, DataError
from buttermilk.core.people import Coding
from buttermilk.core.questions import LabelDefinition, Question
from buttermilk.core.registering import parts_of
from buttermilk.study.codings import Taken, agree, import_, session, settle, value_of
from buttermilk.study.labelling import desk, export, open_, sample, status
from panels import flow
from scholar import Scholar

NOON = datetime(2026, 11, 26, 12, tzinfo=UTC)
LABELS = (LabelDefinition(name="1"), LabelDefinition(name="2"), LabelDefinition(name="true"))
STARS = Question(name="stars", ask="How many?", level="ordinal", labels=LABELS, optional=True)
YEAR = Question(name="year", ask="Which?", level="interval", minimum=1800, maximum=2000)
FREE = YEAR.model_copy(update={"minimum": None, "maximum": None})


@pytest.mark.parametrize(
    ("question", "cell", "kept"),
    [
        (STARS, "1", "1"), (STARS, 2, "2"), (STARS, 2.0, "2"), (STARS, True, "true"), (STARS, " 1 ", "1"),
        (STARS, "does not apply", None), (YEAR, "1912", 1912), (YEAR, 1912.5, 1912.5), (YEAR, " 1800 ", 1800),
    ],
)  # fmt: skip
def test_a_cell_is_kept_as_the_codebook_has_it(question: Question, cell: Any, kept: Any) -> None:
    assert repr(value_of(question, cell)) == repr(kept)


@pytest.mark.parametrize(
    ("question", "cell", "said"),
    [
        (STARS, "3", "'3' is no label of 'stars'."),
        (STARS, "", "'' is no label of 'stars'."),
        (YEAR, "MCMXII", "'MCMXII' is no number, and 'year' is answered by one."),
        (YEAR, "inf", "'inf' is out of range: 'year' is answered by a number from 1800 to 2000."),
        (YEAR, 2001, "'2001' is out of range: 'year' is answered by a number from 1800 to 2000."),
        (YEAR, date(1912, 1, 1), "'1912-01-01' is no number, and 'year' is answered by one."),
        (YEAR, "does not apply", "'does not apply' is no number, and 'year' is answered by one."),
        (FREE, "nan", "'nan' is out of range: 'year' is answered by a number."),
    ],
)  # fmt: skip
def test_what_the_codebook_does_not_have_is_never_made_to_fit(question: Question, cell: Any, said: str) -> None:
    with pytest.raises(DataError) as caught:
        value_of(question, cell)
    assert caught.value.message == said


def written(folder: Path, name: str, *rows: tuple[str, ...]) -> Path:
    with (folder / name).open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(rows)
    return folder / name


def test_the_later_word_stands_though_it_was_taken_in_first(scholar: Scholar) -> None:
    home = scholar.folder
    sample("verse", size=4, dev=1, name="gold", root=home, at=NOON)
    head = ("record_id", "sentiment", "coded_at")
    late = written(home, "late.csv", head, ("v1", "mixed", "2026-11-26"))
    early = written(home, "early.csv", head, ("v1", "negative", "2026-11-20"))
    assert import_(late, sample="gold", coders=["ana"], root=home) == Taken(1, 0, 0)
    assert import_(early, sample="gold", coders=["ana"], root=home) == Taken(0, 0, 1)
    twice = written(home, "twice.csv", head, ("v1", "mixed", "2026-11-27"), ("v1", "negative", "2026-11-27"))
    with pytest.raises(DataError, match=r"(?s)1 label is wrong.*ana answers 'sentiment' of 'v1' twice"):
        import_(twice, sample="gold", coders=["ana"], root=home)


def test_of_a_data_set_and_a_codebook_people_can_be_asked_before_any_machine_is(scholar: Scholar) -> None:
    made = sample(dataset="verse", codebook="sentiment", size=2, root=scholar.folder)
    assert (made.codebook, made.population, [one.name for one in made.questions]) == (
        "sentiment@1", 4, ["reason", "sentiment"]
    )  # fmt: skip
    with pytest.raises(ConfigError, match="a data set asks nothing"):
        sample(dataset="verse", root=scholar.folder)


def test_criterion_by_criterion_it_is_said_whose_criteria_people_judge_by(scholar: Scholar) -> None:
    rows = "questions:\n  criteria:\n    ask: Is it kept?\n    each: criterion\n    labels: [kept, broken]\n"
    scholar.writes("codebooks/house.yaml", rows)
    scholar.changes("conf/flow/verse.yaml", "codebook: sentiment", "codebook: house")
    with pytest.raises(ConfigError, match="asked criterion by criterion, of several perspectives") as caught:
        sample("verse", size=2, step="judge", root=scholar.folder)
    lens = caught.value.hint.split()[-1]
    made = sample("verse", size=2, step="judge", perspective=lens, root=scholar.folder)
    (asked,) = made.questions
    assert [part.name for part in asked.parts][:2] == ["c1", "c2"]
    ((sheet, _),) = export(made.name, scholar.folder / "a.xlsx", root=scholar.folder)
    assert [leaf.name for leaf in sheet.codebook.leaves][:2] == ["criteria.c1", "criteria.c2"]


def test_a_sheet_shows_records_as_they_were_drawn_and_columns_apart_from_questions(scholar: Scholar) -> None:
    head, *rows = scholar.reads("data/verse.csv").splitlines()
    scholar.writes("data/verse.csv", "\n".join([f"{head},reason", *(f"{row},seen" for row in rows)]) + "\n")
    scholar.changes("conf/dataset/verse.yaml", "type: csv", "policy: {reason: send}\ntype: csv")
    made = sample("verse", size=4, root=scholar.folder)
    scholar.changes("data/verse.csv", "it flows so long", "it FLOWS so long")
    with desk(scholar.folder) as here:
        here.dataset(here.flow("verse").dataset)
    ((sheet, _),) = export(made.name, scholar.folder / "a.csv", root=scholar.folder)
    assert any("it flows so long" in card.shown["text"] for card in sheet.cards)
    assert sheet.columns == ["text", "reason (column)"]


def test_each_answer_by_keyboard_is_kept_and_a_wrong_one_is_asked_again(scholar: Scholar) -> None:
    made = sample("verse", size=2, dev=1, root=scholar.folder)
    with desk(scholar.folder) as here:
        one = session(here, made.name, "ana")
        assert (one.all, one.left) == (4, 4)
        one.answer("the lamp", NOON)
        with pytest.raises(DataError, match="is no label"):
            one.answer("mixt", NOON)
        one.answer("mixed", NOON)
        one.back()
        one.answer("negative", NOON + timedelta(minutes=1))
        again = session(here, made.name, "ana")
        assert (again.left, again.now) == (2, one.now)
        kept = here.store.papers(Coding, "verse")
        assert [coding.value for coding in kept] == ["the lamp", "mixed", "negative"]
        one.skip()
        one.skip()
        assert one.now is None
    assert status(scholar.folder)[0].coded == {"ana": (1, 2)}


def test_a_sample_of_another_data_set_is_not_opened_by_this_flow(scholar: Scholar) -> None:
    scholar.writes("conf/dataset/other.yaml", scholar.reads("conf/dataset/verse.yaml"))
    made = sample(dataset="other", codebook="sentiment", size=2, root=scholar.folder)
    with pytest.raises(ConfigError, match="sample 'other-1' is of the data set 'other', and flow 'verse' is not"):
        open_(made.name, "final", "verse", root=scholar.folder)


def test_what_is_settled_must_be_of_the_sample(scholar: Scholar) -> None:
    made = sample("verse", size=2, dev=1, root=scholar.folder)
    out = next(f"v{n}" for n in range(1, 5) if f"v{n}" not in {one.record_id for one in made.draws})
    sheet = written(scholar.folder, "s.csv", ("record_id", "question", "adjudicated"), (out, "sentiment", "mixed"))
    with pytest.raises(DataError, match=r"(?s)has no record"):
        settle(made.name, sheet, root=scholar.folder)


def test_without_a_sample_there_is_nothing_to_compare(scholar: Scholar) -> None:
    with pytest.raises(ConfigError, match="there is no sample yet"):
        agree(root=scholar.folder)


def test_what_is_locked_is_every_part_that_a_flow_asks_with() -> None:
    parts = parts_of(flow())
    assert parts.keys() >= {"agent ann", "codebook tone", "criteria tja", "prompt judge", "repeats of judge", "seed"}
    assert parts["prompt judge"] == flow().steps[0].prompts[0].hash
