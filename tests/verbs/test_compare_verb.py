"""`compare` at the terminal: what is read on eighty columns, the exit codes, the files that others read."""

import pytest

from buttermilk.verbs import comparing
from scholar import Scholar, is_plain


def test_two_readers_of_the_latest_run_are_compared(scholar: Scholar, monkeypatch: pytest.MonkeyPatch) -> None:
    scholar.types("run", "verse")
    said = scholar.types("compare", "reader_a", "reader_b", "-o", "flips.csv")
    assert "reader_a beside reader_b   two agents of the run verse-" in said.out
    assert "Simulated readers answered" in said.out
    assert "judge: sentiment" in said.out
    assert "4 records, 8 pairs of cells: the same answer in " in said.out
    told = scholar.types("compare", "reader_a", "reader_b", "--json").json
    (question,) = told["questions"]
    rows = list(scholar.table("flips.csv"))
    assert [row["record_id"] for row in rows] == [one["record_id"] for one in question["flips"]]
    for row in rows:
        assert scholar.types("show", row["jobs_reader_a"].split()[0]).out.startswith("job ")
    monkeypatch.setattr(comparing.out, "_width", 80)
    assert max(map(len, scholar.types("compare", "reader_a", "reader_b").out.splitlines()[-3:])) <= 80


def test_a_page_is_written_whole(scholar: Scholar) -> None:
    scholar.types("run", "verse")
    scholar.types("compare", "sound_and_image", "speaker_and_stance", "--question", "sentiment", "-o", "beside.html")
    assert "sound_and_image beside speaker_and_stance" in scholar.reads("beside.html")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("readera", "reader_b"), "there is no 'readera' to compare"),
        (("reader_a", "sound_and_image"), "name two of one kind"),
        (("reader_a", "reader_b", "--step", "jud"), "has no step 'jud'"),
        (("reader_a", "reader_b", "-o", "flips.doc"), "does not say which format"),
    ],
)
def test_what_cannot_be_compared_is_one_screen(scholar: Scholar, words: tuple[str, ...], said: str) -> None:
    scholar.types("run", "verse", "limit=2")
    shown = scholar.types("compare", *words, code=2)
    assert said in shown.err
    assert is_plain(shown.err)


def test_where_nothing_was_asked_yet_it_is_said(scholar: Scholar) -> None:
    assert "nothing has been asked in this study yet" in scholar.types("compare", "a", "b", code=2).err
