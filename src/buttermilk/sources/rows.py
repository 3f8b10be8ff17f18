"""What tables share, whatever their file: a row becomes a Record, or a Reject that says why not.

`columns: {id: n, text: verse, title: poem, labels: {tone: {ana: tone_ana, ben: tone_ben}}, drop: [email]}` says which
column is what; without it, the id is in a column `id` or `record_id` and the text in one called `text`. A column that
is not named is kept as metadata, an empty cell of it too. That ids are unique is the store's to see: it sees them all.
"""

import json
from collections.abc import Iterable, Iterator
from math import inf
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

from pydantic import ValidationError

from buttermilk.core.errors import ConfigError, DataError, did_you_mean
from buttermilk.core.records import Columns, DatasetSpec, Part, Record, Reject, id_from_content
from buttermilk.documents.whole import speakable
from buttermilk.sources.cells import Cells, as_label, as_metadata, as_prose, as_text, is_blank
from buttermilk.sources.files import (
    check_kind,
    check_options,
    fingerprint_of,
    lines_of,
    located,
    reading,
    sha256_of,
    yaml_of,
)
from buttermilk.sources.media import MediaFiles

AS_IT_IS = {str, int, bool, type(None)}  # the kinds that metadata keeps without another look
SHOWN = 500  # characters of a rejected row that are kept
LIKELY = (
    "body", "content", "verse", "message", "comment", "sentence", "quote", "transcript", "abstract", "tweet", "post",
)  # fmt: skip


class Row(NamedTuple):
    """`Row("verse.csv row 17", {"id": "16", "verse": "..."})`; `raw` is the row as it stood, where that is at hand."""

    where: str
    cells: Cells
    raw: str = ""


def labelled(columns: Columns) -> list[tuple[str, str, str]]:
    """Question, coder and column of each label; a column alone is what `human` said."""
    return [
        (question, coder, column)
        for question, given in columns.labels.items()
        for coder, column in ({"human": given} if isinstance(given, str) else given).items()
    ]


def wanted(columns: Columns) -> dict[str, str]:
    """The columns that the dataset names, and where: `{"verse": "columns.text"}`."""
    named = {"id": columns.id, "text": columns.text, "title": columns.title, "media": columns.media, "alt": columns.alt}
    found = {column: f"columns.{key}" for key, column in named.items() if column is not None}
    found |= {column: f"columns.labels.{question}" for question, _, column in labelled(columns)}
    return found | dict.fromkeys(columns.drop, "columns.drop")


def mapped(spec: DatasetSpec, there: Iterable[str], *, needs_text: bool = True, advice: str = "") -> Columns:
    """Which column is what, id and text found. Raises DataError for one that is not there, or where no text is."""
    columns, there = spec.columns, list(there)
    _check_named(spec, there, advice)
    auto = next((name for name in ("id", "record_id") if name in there and name not in columns.drop), None)
    text = columns.text or (_text_column(spec, there, advice) if needs_text else None)
    return columns.model_copy(update={"id": columns.id or auto, "text": text})


def _check_named(spec: DatasetSpec, there: list[str], advice: str) -> None:
    for column, key in wanted(spec.columns).items():
        if column not in there:
            hint = f"{did_you_mean(column, there)}\n  The line is in {yaml_of(spec)}.{advice}"
            raise DataError(f"there is no column '{column}' ({key}).", where=spec.path, hint=hint)
    for column in spec.columns.drop:
        kept = wanted(spec.columns.model_copy(update={"drop": ()}))
        if column in kept:
            raise ConfigError(f"column '{column}' is dropped, and is also {kept[column]}.", where=yaml_of(spec))


def _text_column(spec: DatasetSpec, there: list[str], advice: str) -> str | None:
    called = [name for name in there if name.lower() == "text" and name not in wanted(spec.columns)]
    if len(called) == 1:
        return called[0]
    if not called and spec.columns.media:
        return None
    named = set(wanted(spec.columns))
    likely = next((name for word in LIKELY for name in there if name.lower() == word and name not in named), "NAME")
    what = f"which of {' and '.join(called)} is the text" if called else "which column is the text"
    hint = f"Write in {yaml_of(spec)}:\n    columns: {{text: {called[0] if called else likely}}}{advice}"
    raise DataError(f"it is not said {what}. The columns are: {', '.join(there)}.", where=spec.path, hint=hint)


def rejected(row: Row, column: str, why: str) -> Reject:
    content = row.raw or json.dumps(dict(row.cells), ensure_ascii=False, default=str)
    return Reject(where=row.where, column=column, why=why, content=speakable(content.rstrip("\r\n"))[:SHOWN])


class Mapper:
    """Makes Records of one table's rows."""

    def __init__(self, columns: Columns, media: MediaFiles) -> None:
        self._columns, self._media = columns, media
        self._labelled = labelled(columns)
        self._used = frozenset(wanted(columns))

    def record(self, row: Row) -> Record | Reject:
        try:
            return self.build(row.cells, self._parts(row.cells))
        except DataError as error:
            return rejected(row, error.where, error.message)
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            column = next((str(name) for name in first["loc"][1:2]), "")
            return rejected(row, column, f"{first['msg']}.")

    def build(self, cells: Cells, parts: list[dict[str, Any]], otherwise: str | None = None) -> Record:
        """Of plain data, validated once and whole: twice as quick as one value at a time.

        `otherwise` is the id where no column has it; without that, it is of the content.
        """
        used = self._used
        metadata = {
            name: value if type(value) in AS_IT_IS else as_metadata(name, value)
            for name, value in cells.items()
            if name not in used
        }
        ident = self.words("id", cells)
        if ident is None and self._columns.id:
            raise DataError("this row has no id.", where=self._columns.id)
        if ident is None:
            ident = otherwise or id_from_content(tuple(Part(**part) for part in parts), metadata)
        record = {"record_id": ident, "parts": parts, "metadata": metadata, "labels": self._labels(cells)}
        return Record.model_validate(record)

    def words(self, key: str, cells: Cells) -> str | None:
        """The cell that is the row's `title`, `alt` or `id`, as text; None where it has none."""
        column = getattr(self._columns, key)
        if column is None:
            return None
        text = as_text(column, cells.get(column))
        return text if text.strip() else None

    def title(self, cells: Cells) -> list[dict[str, Any]]:
        title = self.words("title", cells)
        return [{"text": title, "role": "title"}] if title else []

    def _parts(self, cells: Cells) -> list[dict[str, Any]]:
        columns, parts = self._columns, self.title(cells)
        text = as_prose(columns.text, cells.get(columns.text)) if columns.text else ""
        if text.strip():
            parts.append({"text": text})
        if columns.media and not is_blank(cells.get(columns.media)):
            name = as_text(columns.media, cells[columns.media])
            parts.append(self._media.part(columns.media, name) | {"alt": self.words("alt", cells)})
        elif not text.strip():
            raise DataError("this row has no text.", where=columns.text or columns.media or "")
        return parts

    def _labels(self, cells: Cells) -> list[dict[str, Any]]:
        found = ((question, coder, as_label(column, cells.get(column))) for question, coder, column in self._labelled)
        return [{"question": name, "coder": coder, "value": value} for name, coder, value in found if value is not None]


class Tabular:
    """A source whose file is one table. A subclass says how its rows are read: `columns` and `rows`."""

    known_options: ClassVar[tuple[str, ...]] = ()
    advice: ClassVar[str] = ""  # a line to add where a column is not found

    def __init__(self, spec: DatasetSpec, root: Path) -> None:
        check_options(spec, self.known_options)
        self.spec = spec
        self._root = root
        self._media = MediaFiles(folder=(root / spec.path).parent, root=root)

    @property
    def path(self) -> Path:
        return located(self.spec, self._root)

    def lines(self, called: str) -> Iterator[str]:
        """Of a file that is text; `called` is what it should be, `a JSONL file`."""
        check_kind(self.path, self.spec, called)
        return lines_of(self.path, self.spec)

    def columns(self) -> list[str]:
        """The names in the header; where there is none, all that are needed to tell which is which."""
        raise NotImplementedError

    def rows(self) -> Iterator[Row | Reject]:
        """Every row that holds anything, in the order of the file."""
        raise NotImplementedError

    def records(self) -> Iterator[Record | Reject]:
        mapper = Mapper(mapped(self.spec, self.columns(), advice=self.advice), self._media)
        return limited(self._records(mapper), self.spec.limit)

    def _records(self, mapper: Mapper) -> Iterator[Record | Reject]:
        empty = True
        for row in self.rows():
            empty = False
            yield row if isinstance(row, Reject) else mapper.record(row)
        if empty:
            hint = "Is it the right file? Was it saved completely?"
            raise DataError("there are no rows beneath the header.", where=self.spec.path, hint=hint)

    def fingerprint(self) -> str:
        """Of the file, and of the media that it names."""
        with reading(self.spec.path):
            contents = [sha256_of(self.path)]
        if self.spec.columns.media:
            contents += [_seen(item) for item in self.records()]
        return fingerprint_of(self.spec, *contents)


def _seen(item: Record | Reject) -> str:
    if isinstance(item, Reject):
        return f"{item.where}: {item.why}"
    return " ".join(part.blob for part in item.parts if part.blob is not None)


def limited(items: Iterator[Record | Reject], limit: int | None) -> Iterator[Record | Reject]:
    """The first so many records, with the rejects among them."""
    left = limit or inf
    for item in items:
        yield item
        left -= isinstance(item, Record)
        if not left:
            return


def header_names(cells: Iterable[Any], spec: DatasetSpec, row: int) -> list[str]:
    """The column names of a header row. One that is empty is named by its place: `column 3`. No two may be the same."""
    names = [str(cell).strip() if not is_blank(cell) else f"column {n}" for n, cell in enumerate(cells, start=1)]
    where = f"{spec.path} row {row}"
    for name in names:
        if "\x00" in name:
            raise DataError(f"the header holds a NUL character ({name!r}).", where=where, hint="Is this a text file?")
    twice = next((name for n, name in enumerate(names) if name in names[:n]), None)
    if twice is not None:
        places = [str(n) for n, name in enumerate(names, start=1) if name == twice]
        hint = "Give each column its own name in the header: which one is meant would be a guess."
        said = f"two columns have the name '{twice}' (columns {' and '.join(places)})."
        raise DataError(said, where=where, hint=hint)
    return names
