"""Labels in tables, whoever made them: a row per record with a column per question, or a row per answer.

    record_id, text, sentiment, note, coder, sample         a sheet of ours, or any table with a column per question
    record_id, question, label, coder                       a row per answer; `coder` may be left out
    item_id, label, value, author, timestamp, …             4CAT's: its `label` is the question

An empty cell is not coded yet. Columns that are none of these are not read; one whose name is nearly a question's is an
error, for it was meant to be one.
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from difflib import get_close_matches
from pathlib import Path
from typing import Any, NamedTuple

from buttermilk.core.errors import DataError, did_you_mean
from buttermilk.core.flows import Codebook
from buttermilk.core.records import DatasetSpec, Reject
from buttermilk.core.sheets import Sheet, Told
from buttermilk.core.tables import Table
from buttermilk.plugins import find

RECORD = ("record_id", "item_id", "id")
VALUE = ("adjudicated", "label", "value")
CODER, AT = ("coder", "author"), ("coded_at", "timestamp")


class Columns(NamedTuple):
    """Which column is what; empty where there is none."""

    record: str
    question: str
    value: str
    coder: str
    at: str
    asked: tuple[str, ...]


def table_of(sheet: Sheet) -> Table:
    """A row per record: what the coder sees, then an empty cell for each question."""
    seen, asked = sheet.columns, [leaf.name for leaf in sheet.codebook.leaves]
    blank = (None,) * (len(asked) + 1)
    rows = [
        (card.record_id, *(card.shown.get(name, "") for name in seen), *blank, sheet.coder, sheet.sample)
        for card in sheet.cards
    ]
    return Table(("record_id", *seen, *asked, "note", "coder", "sample"), rows)


def read_rows(kind: str, file: Path, codebook: Codebook, **options: Any) -> Iterator[Told]:
    """Every cell that says something, from a table that the source `kind` reads."""
    spec = DatasetSpec(name=file.stem, type=kind, path=file.name, options=options)
    source = find("sources", kind)(spec, file.resolve().parent)
    columns = columns_of(source.columns(), codebook, file.name)
    for row in source.rows():
        if isinstance(row, Reject):
            yield Told(row.where, row.column, wrong=row.why)
        elif str(row.cells.get("by_processor", "")).lower() not in ("true", "t", "1"):  # in 4CAT: by a machine
            yield from _told(row.where, row.cells, columns)


def columns_of(names: list[str], codebook: Codebook, where: str) -> Columns:
    asked = [leaf.name for leaf in codebook.leaves]
    record = _first(names, RECORD)
    if not record:
        raise DataError("no column says which record is meant.", where=where, hint="Call it `record_id`.")
    coder, at = _first(names, CODER), _first(names, AT)
    if {"item_id", "label", "value"} <= set(names):
        return Columns("item_id", "label", "value", coder, at, ())
    value = _first(names, VALUE)
    if "question" in names and value:
        return Columns(record, "question", value, coder, at, ())
    found = tuple(name for name in names if name in asked)
    for name in names:
        near = get_close_matches(name, asked, n=1, cutoff=0.8)
        if near and name not in asked and near[0] not in found:
            raise DataError(f"column '{name}' is no question.", where=where, hint=did_you_mean(name, asked))
    if not found:
        said = f"no column is a question of the codebook '{codebook.name}'."
        raise DataError(said, where=where, hint=did_you_mean("", asked))
    return Columns(record, "", "", coder, at, found)


def _first(names: list[str], wanted: tuple[str, ...]) -> str:
    return next((name for name in wanted if name in names), "")


def _told(where: str, cells: Mapping[str, Any], columns: Columns) -> Iterator[Told]:
    def words(name: str) -> str:
        value = cells.get(name)
        return str(int(value) if isinstance(value, float) and value.is_integer() else value or "").strip()

    try:
        at = moment(cells.get(columns.at))
    except DataError as error:
        yield Told(where, columns.at, wrong=error.message)
        return
    said = {words(columns.question): columns.value} if columns.question else {name: name for name in columns.asked}
    for question, column in said.items():
        value = cells.get(column)
        if value is not None and str(value).strip():
            yield Told(where, column, words(columns.record), question, value, words(columns.coder), words("sample"),
                       words("note"), at)  # fmt: skip


def moment(value: Any) -> datetime | None:
    """`2026-11-26 14:05:09` or ISO 8601, in UTC where no zone is named; None where nothing is said."""
    if value is None or not str(value).strip():
        return None
    try:
        found = value if isinstance(value, datetime) else datetime.fromisoformat(str(value).strip())
    except ValueError:
        raise DataError(f"'{value}' is no date.") from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)
