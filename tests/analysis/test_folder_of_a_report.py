"""What lies beside a report: a CSV for each figure and table, numbered as on the page, and whose folder is replaced."""

import csv
import os

import pytest
from analysis_study import verse_study

from buttermilk.analysis.evidence import evidence
from buttermilk.analysis.folder import files, named
from buttermilk.analysis.page import Figure, Gallery, Grid, Section, grid
from buttermilk.analysis.report import parts, report
from buttermilk.core.errors import ConfigError, StoreError


@pytest.fixture(scope="module")
def made():
    store, run = verse_study(12)
    return store, run, parts(evidence(store, run))


def rows(path):
    with path.open(encoding="utf-8", newline="") as lines:
        return list(csv.reader(lines))


def test_every_figure_and_table_has_a_csv_of_its_own_and_is_in_the_list(made, tmp_path):
    store, run, of = made
    report(store, run.run_id, tmp_path / "verse-1.html")
    there = {path.name for path in (tmp_path / "verse-1").iterdir()}
    figures = [block for section in of for block in section.blocks if isinstance(block, Figure)]
    tables = [one for name, kind, one, _ in named(of) if kind == "table"]
    assert {f"{figure.name}.csv" for figure in figures} <= there
    assert len(there) == len(figures) + len(tables) + 2  # contents.csv and references.bib
    listed = rows(tmp_path / "verse-1" / "contents.csv")
    assert listed[0] == ["file", "kind", "caption", "alt text"]
    assert {found[0] for found in listed[1:]} == there - {"contents.csv"}
    for figure in figures:
        assert len(rows(tmp_path / "verse-1" / f"{figure.name}.csv")) == len(figure.data.rows) + 1


def test_every_figure_says_in_words_what_it_shows_with_its_numbers(made):
    figures = [block for section in made[2] for block in section.blocks if isinstance(block, Figure)]
    assert len(figures) >= 5
    for figure in figures:
        assert len(figure.shows) > 40, figure.name
        assert any(char.isdigit() for char in figure.shows), figure.name
        assert figure.spec["description"] == figure.shows
    assert len({figure.name for figure in figures}) == len(figures)


def test_tables_are_numbered_as_on_the_page(made):
    counted = [
        block
        for section in made[2]
        for block in section.blocks
        if isinstance(block, Gallery) or (isinstance(block, Grid) and not isinstance(block, Figure))
    ]
    numbers = [name.split("-")[1] for name, kind, _, _ in named(made[2]) if kind == "table"]
    assert max(map(int, numbers)) == len(counted)
    assert [number for place, number in enumerate(numbers) if number not in numbers[:place]] == [
        f"{number:02}" for number in range(1, len(counted) + 1)
    ]


def test_two_figures_whose_names_differ_by_a_sign_alone_keep_a_file_each():
    data = grid("Data.", ("a",), [("1",)])
    figures = tuple(Figure("labels-a-b", "Caption", "It shows 1.", {}, data) for _ in range(2))
    assert {"labels-a-b.csv", "labels-a-b.2.csv"} <= set(files([Section("x", figures)], {}))


def test_a_later_report_leaves_nothing_of_an_earlier_one(made, tmp_path):
    store, run, _ = made
    folder = tmp_path / "verse-1"
    report(store, run.run_id, tmp_path / "verse-1.html")
    before = sorted(path.name for path in folder.iterdir())
    (folder / "references.bib").write_text("old")
    contents = (folder / "contents.csv").read_text(encoding="utf-8")
    (folder / "contents.csv").write_text(f"{contents}gone.csv,table,,\r\n", encoding="utf-8")
    (folder / "gone.csv").write_text("a\r\n")
    report(store, run.run_id, tmp_path / "verse-1.html")
    assert sorted(path.name for path in folder.iterdir()) == before
    assert (folder / "references.bib").read_text(encoding="utf-8").startswith("@misc{data,")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["verse-1", "verse-1.html"]


@pytest.mark.parametrize("kept", ["thesis.docx", "data"])
def test_a_folder_that_no_report_made_is_never_replaced(made, tmp_path, kept):
    store, run, _ = made
    (tmp_path / "mine" / kept).mkdir(parents=True)
    with pytest.raises(ConfigError, match=f"'mine' is taken: it holds '{kept}'"):
        report(store, run.run_id, tmp_path / "mine.html")
    assert [path.name for path in (tmp_path / "mine").iterdir()] == [kept]
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


def test_where_the_page_cannot_be_written_the_earlier_tables_stay(made, tmp_path):
    store, run, _ = made
    report(store, run.run_id, tmp_path / "verse-1.html")
    before = (tmp_path / "verse-1" / "contents.csv").read_bytes()
    (tmp_path / "verse-1.html").unlink()
    (tmp_path / "verse-1.html").mkdir()
    with pytest.raises(StoreError, match="cannot be written"):
        report(store, run.run_id, tmp_path / "verse-1.html")
    assert (tmp_path / "verse-1" / "contents.csv").read_bytes() == before
    assert sorted(os.listdir(tmp_path)) == ["verse-1", "verse-1.html"]


def test_the_same_run_makes_the_same_tables(made, tmp_path):
    store, run, _ = made
    for name in ("a", "b"):
        report(store, run.run_id, tmp_path / f"{name}.html")
    of = {name: {path.name: path.read_bytes() for path in (tmp_path / name).iterdir()} for name in ("a", "b")}
    assert of["a"] == of["b"]


@pytest.mark.parametrize(("page", "folder"), [("a.html", "a"), ("demo.v2.html", "demo.v2"), ("page", "page-tables")])
def test_the_folder_has_the_name_of_the_page(made, tmp_path, page, folder):
    store, run, _ = made
    report(store, run.run_id, tmp_path / page)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([page, folder])
    assert (tmp_path / page).is_file()
