"""The demo is a whole study: registered, asked in two waves, a sample labelled by people, put right, drift and arms."""

import csv
import re
from html import unescape
from pathlib import Path

import pytest

from scholar import Scholar

VERSES = 200


def text_of(page: Path) -> str:
    bare = re.sub(r"<(script|style).*?</\1>", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", bare)).split())


def rows_of(file: Path) -> list[dict[str, str]]:
    with file.open(encoding="utf-8", newline="") as source:
        return list(csv.DictReader(source))


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("demo")
    patch = pytest.MonkeyPatch()
    scholar = Scholar(folder, patch.chdir)
    try:
        first = scholar.types("demo", "--into", "verses")
        assert "drawn and labelled by people; now the second wave." in first.out
        assert "as registered on" in first.out
        again = scholar.types("demo", "--into", "verses")
        assert again.out.count("is complete: nothing remains to be asked.") == 2
    finally:
        patch.undo()
    return folder / "verses"


@pytest.mark.slow
def test_its_report_has_every_part_of_the_method(demo: Path) -> None:
    said = text_of(next((demo / "reports").glob("*.html")))
    for promised in (
        "This report contains simulated answers",
        "The method in words",
        "What was registered, and what it is now",
        "Who agrees with whom",
        "What the panel is worth",
        "How specific the answers are",
        "What makes answers differ",
        "The human sample",
        "Put right by people's labels",
        "The same estimate, made in every declared way",
        "Drift from wave to wave",
        "What prior answers did",
        "Which earlier answers were shown",
        "What a synthesis adds to its panel",
        "Limitations",
        "GUIDE-LLM checklist",
        "References",
    ):
        assert promised in said, promised
    assert "Uncorrected machine labels" not in said


@pytest.mark.slow
def test_each_of_the_nine_plots_has_its_table_and_its_words_beside_it(demo: Path) -> None:
    folder = next(path for path in (demo / "reports").iterdir() if path.is_dir())
    contents = {row["file"]: row for row in rows_of(folder / "contents.csv")}
    plots = {
        "spectrum": "records by entropy", "variance": "variance", "d-study": "D-study", "pairs": "agent by agent",
        "waves": "waves", "arms": "arms", "specifications": "specification curve", "calibration": "reliability",
        "corrected": "naive and corrected",
    }  # fmt: skip
    for name, what in plots.items():
        found = [file for file in contents if file.startswith(name)]
        assert found, what
        assert all(contents[file]["alt text"] and rows_of(folder / file) for file in found), what


@pytest.mark.slow
def test_only_drawn_verses_carry_a_human_label_and_none_was_sent(demo: Path) -> None:
    labelled = rows_of(demo / "data" / "labelled.csv")
    assert len(labelled) == 100 < VERSES
    assert set(labelled[0]) == {"record_id", "sentiment"}
    assert len(list((demo / "registrations").glob("*.json"))) == 1
