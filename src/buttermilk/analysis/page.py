"""What a report is made of: paragraphs, tables and figures as values. The template gives each its markup."""

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

FORMULA = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True)
class Column:
    """`kind` is how it is set: `text`, `number` (to the right, figures of one width) or `code`."""

    title: str
    kind: str = "text"


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
        return self.title.lower().replace(" ", "-")


def columns(*titles: str) -> tuple[Column, ...]:
    """`columns("agent", "answers#", "model`")`: `#` marks a number, a backquote code."""
    kinds = {"#": "number", "`": "code"}
    return tuple(Column(title.rstrip("#`"), kinds.get(title[-1:], "text")) for title in titles)


def grid(caption: str, titles: Sequence[Column], rows: Iterable[Sequence[str]], **more: Any) -> Grid:
    return Grid(caption, tuple(titles), tuple(tuple(row) for row in rows), **more)


def as_csv(table: Grid) -> str:
    """For a spreadsheet; text that a spreadsheet would run as a formula is quoted with an apostrophe."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow([column.title for column in table.columns])
    writer.writerows([[_safe(cell) for cell in row] for row in table.rows])
    return out.getvalue()


def _safe(cell: str) -> str:
    return f"'{cell}" if cell.startswith(FORMULA) and not _is_number(cell) else cell


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True
