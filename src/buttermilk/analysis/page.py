"""What a report is made of: paragraphs, tables and figures as values. The template gives each its markup."""

import csv
import io
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple
from urllib.parse import quote

FORMULA = re.compile(
    r"(?![+-]?[\d.]+(?:e[+-]?\d+)?\Z)[=+\-@\t\r]"
)  # what a spreadsheet would run; a number it would not


class Column(NamedTuple):
    """`kind` is how it is set: `text`, `number` (to the right, figures of one width) or `code`."""

    title: str
    kind: str


@dataclass(frozen=True)
class Grid:
    """A table. The first column names the row; where it is `grouped`, a group of rows, and the second names the row."""

    caption: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str = ""
    grouped: bool = False


@dataclass(frozen=True)
class Text:
    """A paragraph."""

    words: str
    kind: str = "plain"


@dataclass(frozen=True)
class Heading:
    """Within a section: a step, or a question of it."""

    words: str
    level: int = 3


@dataclass(frozen=True)
class Figure:
    """A chart: its Vega-Lite specification, what it shows in a sentence, and the same data as a table."""

    name: str
    caption: str
    shows: str
    spec: dict[str, Any]
    data: Grid

    @property
    def csv_link(self) -> str:
        return "data:text/csv;charset=utf-8," + quote(as_csv(self.data))


@dataclass(frozen=True)
class Gallery:
    """Small tables side by side."""

    caption: str
    grids: tuple[Grid, ...]
    note: str = ""


Block = Grid | Text | Heading | Figure | Gallery


@dataclass(frozen=True)
class Section:
    title: str
    blocks: tuple[Block, ...]

    @property
    def anchor(self) -> str:
        return "".join(char for char in self.title.lower().replace(" ", "-") if char.isalnum() or char == "-")


KINDS = {"#": "number", "`": "code"}


def grid(caption: str, titles: Iterable[str], rows: Iterable[Sequence[str]], **more: Any) -> Grid:
    """A table with the titles `["agent", "answers#", "model`"]`: `#` at the end marks a number, a backquote code."""
    marked = ((title, KINDS.get(title[-1:])) for title in titles)
    columns = (Column(title[:-1], kind) if kind else Column(title, "text") for title, kind in marked)
    return Grid(caption, tuple(columns), tuple(tuple(row) for row in rows), **more)


def as_csv(table: Grid) -> str:
    """For a spreadsheet; text that a spreadsheet would run as a formula is quoted with an apostrophe."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow([column.title for column in table.columns])
    writer.writerows([[f"'{cell}" if FORMULA.match(cell) else cell for cell in row] for row in table.rows])
    return out.getvalue()
