"""What a notebook gets: the tidy frame, tables with numbers that are numbers, charts that Altair takes; and the page
that says so, whose examples are run here."""

import re
from pathlib import Path

import altair
import pandas
import pytest

from buttermilk import notebook
from buttermilk.analysis.page import grid
from buttermilk.core.errors import ConfigError
from scholar import Scholar, new_study

DOCS = Path(__file__).parents[1] / "docs" / "reference" / "notebooks.md"


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = new_study(tmp_path_factory.mktemp("notebook") / "study")
    with pytest.MonkeyPatch.context() as patch:
        Scholar(folder, patch.chdir).types("run", "verse", "run.name=verse-1")
    return folder


def test_answers_are_a_row_for_each_answer_to_each_question(study: Path) -> None:
    found = notebook.answers(root=study)
    assert {"record_id", "agent", "label", "status", "simulated"} <= set(found.columns)
    assert set(found["run"]) == {"verse-1"}
    assert len(found) == 2 * found["job_id"].nunique()
    assert found[found["status"] == "answered"].groupby("agent")["record_id"].nunique().max() == 4


def test_tables_have_the_names_of_the_files_beside_the_report(study: Path) -> None:
    page = notebook.report("verse-1", root=study)
    files = {path.stem for path in page.with_suffix("").glob("*.csv")} - {"contents"}
    found = notebook.tables("verse-1", root=study)
    assert set(found) == files
    assert all(isinstance(table, pandas.DataFrame) for table in found.values())


def test_numbers_of_a_table_are_numbers(study: Path) -> None:
    came = next(table for name, table in notebook.tables(root=study).items() if "what-came-back" in name)
    whole = came[came["step"] == "all steps"].iloc[0]
    assert whole["jobs"] == whole[["answered", "refused", "unparsed", "failed"]].sum() > 0


def test_an_interval_is_three_numbers_and_what_is_undefined_is_none_with_its_reason() -> None:
    rows = [
        ("a", "0.74 [−0.42, 1.00]", "81.0% [75.0, 85.8]", "1,200"),
        ("b", "undefined: no variation", "50.0% [0.0, 100.0]", "3"),
        ("c", "0.50 (one record: no interval)", "", "1"),
    ]
    table = notebook._typed(grid("x", ("who", "alpha [95%]#", "same#", "n#"), rows))
    assert list(table["n"]) == [1200, 3, 1]
    assert table["alpha low"].iloc[0] == -0.42
    assert table["alpha"].isna().tolist() == [False, True, False]
    assert list(table["alpha note"]) == ["", "undefined: no variation", "one record: no interval"]
    assert table[["same", "same low", "same high"]].iloc[0].tolist() == pytest.approx([0.81, 0.75, 0.858])


def test_each_chart_is_taken_by_altair_and_comes_out_as_it_went_in(study: Path) -> None:
    found = notebook.charts(root=study)
    assert {"labels-judge-sentiment", "alpha-judge-sentiment"} <= set(found)
    for name, chart in found.items():
        assert isinstance(chart, altair.TopLevelMixin), name
        given = chart.to_dict()
        assert given["$schema"].endswith(f"{altair.SCHEMA_VERSION}.json")
        assert given["config"]["view"]["stroke"] is None
        assert given.keys() & {"layer", "mark", "vconcat", "hconcat", "facet"}, name
        assert chart.properties(title="Changed").to_dict()["title"] == "Changed"


def test_without_pandas_it_says_what_to_install(study: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(notebook, "pandas", None)
    for asked in (notebook.answers, notebook.tables, notebook.charts):
        with pytest.raises(ConfigError, match=r"need pandas and altair.*\n.*pip install 'buttermilk\[notebook\]'"):
            asked(root=study)


def test_what_the_page_on_notebooks_shows_works(study: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(study)
    blocks = re.findall(r"(?ms)^```python\n(.*?)^```$", DOCS.read_text("utf-8"))
    assert len(blocks) >= 4
    known: dict[str, object] = {}
    for block in blocks:
        exec(compile(block, str(DOCS), "exec"), known)  # one notebook, cell after cell
    assert known["alpha"](  # type: ignore[operator]
        [[("a",), ("a",)], [("a",), ("b",)], [("b",), ("b",)]]
    ).value == pytest.approx(known["worked"].value)  # type: ignore[attr-defined]
