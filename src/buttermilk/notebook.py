"""For notebooks: a run's answers, the tables and charts of its report, as data frames and Altair charts.

    from buttermilk import notebook
    answers = notebook.answers()             # of the latest run of the study in this folder, or: answers("demo-1")
    notebook.tables()["table-09-agreement-on-sentiment"]
    notebook.charts()["labels-judge-sentiment"]

`tables` and `charts` have the names of the files beside a report. The statistics are plain functions:
`from buttermilk.analysis.statistics.alpha import alpha`.
"""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from buttermilk.analysis.evidence import evidence
from buttermilk.analysis.folder import named
from buttermilk.analysis.frame import COLUMNS, frame
from buttermilk.analysis.page import Figure, Grid, Section
from buttermilk.analysis.report import parts
from buttermilk.core.contracts import Store
from buttermilk.core.errors import ConfigError
from buttermilk.core.jobs import Run
from buttermilk.study.looking import report, stored
from buttermilk.study.running import find_run

if TYPE_CHECKING:
    import altair
    import pandas
else:
    try:
        import altair
        import pandas
    except ImportError:  # said when a function is called: see `_opened`
        altair = pandas = None

__all__ = ["answers", "charts", "report", "tables"]

_ONE = r"[−-]?(?:\d[\d,]*)(?:\.\d+)?"
NUMBER = re.compile(rf"({_ONE})(%?)(?: \[({_ONE}), ({_ONE})\])?(?: \((.*)\))?")


def answers(run: str | None = None, *, root: Path | None = None) -> "pandas.DataFrame":
    """The tidy frame: a row for each answer to each question. Where no run is named, it is the latest of the study."""
    with _opened(run, root) as (store, found):
        return pandas.DataFrame(list(frame(store, found).rows), columns=list(COLUMNS))


def tables(run: str | None = None, *, root: Path | None = None) -> "dict[str, pandas.DataFrame]":
    """Each table of the report, and the data of each figure, by the name of its file. Numbers are numbers: an interval
    has two columns more, `alpha low` and `alpha high`; why there is no number stands in `alpha note`."""
    return {name: _typed(table) for name, _, table, _ in named(_sections(run, root))}


def charts(run: str | None = None, *, root: Path | None = None) -> "dict[str, altair.TopLevelMixin]":
    """Each figure of the report, to be shown or changed."""
    blocks = (block for section in _sections(run, root) for block in section.blocks)
    figures = (block for block in blocks if isinstance(block, Figure))
    return {figure.name: altair.Chart.from_dict(figure.spec) for figure in figures}


@contextmanager
def _opened(run: str | None, root: Path | None) -> Iterator[tuple[Store, Run]]:
    if altair is None or pandas is None:
        hint = "Type: pip install 'buttermilk[notebook]'"
        raise ConfigError("data frames and charts need pandas and altair, which are not installed.", hint=hint)
    with stored(root, ()) as (store, _):
        yield store, find_run(store, run)


def _sections(run: str | None, root: Path | None) -> Sequence[Section]:
    with _opened(run, root) as (store, found):
        return parts(evidence(store, found))


def _typed(table: Grid) -> "pandas.DataFrame":
    found: dict[str, Sequence[Any]] = {}
    for place, column in enumerate(table.columns):
        cells = [row[place] for row in table.rows]
        title = column.title or ("name", "value")[min(place, 1)]
        found |= _numbers(title.removesuffix(" [95%]"), cells) if column.kind == "number" else {title: cells}
    return pandas.DataFrame(found)


def _numbers(title: str, cells: Sequence[str]) -> dict[str, Sequence[Any]]:
    """`["0.74 [0.42, 1.00]", "undefined: no variation"]` -> `alpha`, `alpha low`, `alpha high`, `alpha note`"""
    read = [_number(cell) for cell in cells]
    columns = dict(zip((title, f"{title} low", f"{title} high", f"{title} note"), zip(*read, strict=True), strict=True))
    return {
        name: list(column)
        for name, column in columns.items()
        if name == title or any(cell not in (None, "") for cell in column)
    }


def _number(cell: str) -> tuple[float | None, float | None, float | None, str]:
    found = NUMBER.fullmatch(cell.strip())
    if found is None:
        return None, None, None, cell
    value, percent, low, high, note = found.groups()
    given = (float(text.replace("−", "-").replace(",", "")) if text else None for text in (value, low, high))
    one, two, three = (number / 100 if percent and number is not None else number for number in given)
    return one, two, three, note or ""
