"""A folder of files: texts, images, recordings, films, PDFs and Word documents, and a table about them if there is one.

Files of one folder with one name are one record: `letters/07.jpg` and `letters/07.txt` are record `07`, the scan as its
body and the words beside it as its transcript (`text_role: caption` calls them otherwise). The id is the path without
the suffix, or the table's id. Records are in the order of their paths.

Options: `pattern` (`"*.txt"` at any depth, `"1923/*.jpg"`, or a list of them; all files otherwise), `metadata` (a
table, by its path in the study, or `{path: ..., sheet: ...}` with that table's own options), `encoding` of the texts,
`text_role`. The table's column `file`, or the one in `columns: {media: ...}`, names the file from the folder on; a row
whose file is not there is rejected, a file without a row is a record without metadata. Hidden files (`.name`, `~$name`)
are passed over; links that leave the folder, and files of no known kind, are rejected by name.
"""

from collections.abc import Iterator
from itertools import groupby
from operator import attrgetter
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

from buttermilk.core.errors import ConfigError, DataError
from buttermilk.core.records import Columns, DatasetSpec, Record, Reject
from buttermilk.documents import docx_text
from buttermilk.plugins import find, names
from buttermilk.sources.cells import Cells, as_text
from buttermilk.sources.files import (
    bad_option,
    check_options,
    fingerprint_of,
    head_of,
    in_words,
    lines_of,
    located,
    option_text,
    reading,
    sniff,
    yaml_of,
)
from buttermilk.sources.listing import TEXTS, Found, files_of, patterns_of, shown
from buttermilk.sources.media import MediaFiles, composed
from buttermilk.sources.rows import Mapper, Row, Tabular, limited, mapped, rejected, wanted

LARGEST_TEXT = 64 * 1024 * 1024
OPTIONS = ("encoding", "metadata", "pattern", "text_role")


class About(NamedTuple):
    """What the table says: each row by the file that its column names, and what is no such row."""

    mapper: Mapper
    column: str
    rows: dict[str, Row]
    rejects: list[Reject]


class FolderSource:
    """`type: folder`."""

    def __init__(self, spec: DatasetSpec, root: Path) -> None:
        check_options(spec, OPTIONS)
        patterns_of(spec)
        if spec.columns.text:
            hint = "To read the texts of a table and the files it names: type: csv, columns: {text: ..., media: ...}"
            said = "a folder's texts are in its files: `columns.text` has no meaning here."
            raise ConfigError(said, where=yaml_of(spec), hint=hint)
        self.spec = spec
        self._root = root
        self._media = MediaFiles(folder=root / spec.path, root=root)
        self._role = option_text(spec, "text_role") or "transcript"
        self._table = _table_spec(spec)

    def records(self) -> Iterator[Record | Reject]:
        folder = located(self.spec, self._root, folder=True)
        return limited(self._records(folder, self._about()), self.spec.limit)

    def fingerprint(self) -> str:
        """Of the sorted paths with the SHA-256 of each file, and of the table."""
        folder = located(self.spec, self._root, folder=True)
        contents = [self._opened(self._table).fingerprint()] if self._table else []
        for found in self._files(folder):
            with reading(f"{self.spec.path}/{found.name}"):
                content = found.why or self._media.sha256(folder / found.name)
            contents.append(f"{composed(shown(found.name))} {content}")
        return fingerprint_of(self.spec, *contents)

    def _files(self, folder: Path) -> list[Found]:
        return files_of(folder, self.spec, (self._root / self._table.path).resolve() if self._table else None)

    def _records(self, folder: Path, about: About) -> Iterator[Record | Reject]:
        left = dict(about.rows)
        place = {name: number for number, name in enumerate(left)}
        plain = Mapper(Columns(), self._media)
        for record, group in groupby(self._files(folder), key=attrgetter("record")):
            files = list(group)
            called = {record, *(composed(shown(file.name)) for file in files)} & place.keys()
            rows = [left.pop(name) for name in sorted(called, key=place.__getitem__)]
            yield from self._group(folder, record, files, about.mapper if rows else plain, rows[0] if rows else None)
            for row in rows[1:]:
                yield rejected(row, about.column, f"{rows[0].where} already describes this record, {record}.")
        yield from about.rejects
        for name, row in left.items():
            why = f"there is no file '{name}' among those that are read from {self.spec.path}."
            yield rejected(row, about.column, why)

    def _group(
        self, folder: Path, record: str, files: list[Found], mapper: Mapper, row: Row | None
    ) -> Iterator[Record | Reject]:
        """One record of the files that have its name; or a Reject for each that stands in its way."""
        refused = [Reject(where=f"{self.spec.path}/{shown(file.name)}", why=file.why) for file in files if file.why]
        if refused:
            yield from refused
            return
        where, cells = f"{self.spec.path}/{files[0].name}", row.cells if row else {}
        try:
            parts = self._parts(folder, record, [file.name for file in files], mapper, cells)
        except DataError as error:
            yield Reject(where=error.where or where, why=" ".join(f"{error.message} {error.hint}".split()))
            return
        try:
            yield mapper.build(cells, parts, otherwise=record)
        except DataError as error:
            yield rejected(row or Row(where, {}), error.where, error.message)

    def _parts(self, folder: Path, record: str, files: list[str], mapper: Mapper, cells: Cells) -> list[dict[str, Any]]:
        texts = [name for name in files if PurePosixPath(name).suffix.lower() in TEXTS]
        if len(texts) > 1:
            both = " and ".join(texts)
            raise DataError(f"{both} would both be the text of record '{record}'. Choose one kind by `pattern`.")
        media = []
        for name in files:
            if name not in texts:
                try:
                    media.append(self._media.described((folder / name).resolve()))
                except DataError as error:
                    raise DataError(error.message, where=f"{self.spec.path}/{name}") from None
        words = [{"text": self._text(folder / name, f"{self.spec.path}/{name}")} for name in texts]
        if media:
            media[0] |= {"alt": mapper.words("alt", cells)}
            words = [{**text, "role": self._role} for text in words]
        return mapper.title(cells) + media + words

    def _text(self, path: Path, where: str) -> str:
        with reading(where):
            if path.stat().st_size > LARGEST_TEXT:
                raise DataError("the text is longer than 64 MB, too long to be one record. Divide it.", where=where)
            text = docx_text(path.read_bytes(), where) if path.suffix.lower() == ".docx" else self._plain(path, where)
        if not text.strip():
            raise DataError("there is no text in this file.", where=where)
        return text

    def _plain(self, path: Path, where: str) -> str:
        real = sniff(head_of(path))
        if real not in ("", "text/html"):
            raise DataError(f"this is not a text but {in_words(real)}.", where=where)
        return "".join(lines_of(path, self.spec, where))

    def _opened(self, spec: DatasetSpec) -> Tabular:
        source = find("sources", spec.type)(spec, self._root) if spec.type in names("sources") else None
        if isinstance(source, Tabular):
            return source
        said = f"'{spec.path}' is not a kind of table that can describe files."
        raise ConfigError(said, where=f"{yaml_of(spec)}, options.metadata", hint="Save it as .csv or .xlsx.")

    def _about(self) -> About:
        if self._table is None:
            return About(Mapper(Columns(), self._media), "", {}, [])
        source = self._opened(self._table)
        column = self._table.columns.media or ""
        mapper = Mapper(mapped(self._table, source.columns(), needs_text=False), self._media)
        rows: dict[str, Row] = {}
        rejects: list[Reject] = []
        for row in source.rows():
            found = row if isinstance(row, Reject) else _filed(row, column, rows)
            if isinstance(found, Reject):
                rejects.append(found)
        return About(mapper, column, rows, rejects)


def _filed(row: Row, column: str, rows: dict[str, Row]) -> Reject | None:
    """Keep the row under the file it names: `./scans\\07.jpg` is `scans/07.jpg`."""
    try:
        given = as_text(column, row.cells.get(column))
    except DataError as error:
        return rejected(row, column, error.message)
    if not given.strip():
        return rejected(row, column, "the row names no file.")
    name = composed(PurePosixPath(given.replace("\\", "/")).as_posix())
    if name in rows:
        return rejected(row, column, f"{rows[name].where} already describes '{name}'.")
    rows[name] = row
    return None


def _table_spec(spec: DatasetSpec) -> DatasetSpec | None:
    """`metadata: letters.csv`, or `metadata: {path: letters.xlsx, sheet: 1923}`, as a dataset of its own."""
    given = spec.options.get("metadata")
    if given is None:
        _check_no_columns(spec)
        return None
    options = {"path": given} if isinstance(given, str) else given
    path = options.get("path") if isinstance(options, dict) else None
    if not isinstance(options, dict) or not isinstance(path, str) or not path:
        raise bad_option(spec, "metadata", "the path of a table", "data/letters.csv")
    suffix = PurePosixPath(path).suffix.lower().removeprefix(".")
    rest = {name: item for name, item in options.items() if name not in ("path", "type")}
    columns = spec.columns.model_copy(update={"media": spec.columns.media or "file"})
    kind = str(options.get("type", suffix))
    return DatasetSpec(name=spec.name, type=kind, path=path, columns=columns, options=rest)


def _check_no_columns(spec: DatasetSpec) -> None:
    named = wanted(spec.columns)
    if named:
        column, key = next(iter(named.items()))
        said = f"{key} names a column, '{column}', but the folder has no table."
        raise ConfigError(said, where=yaml_of(spec), hint="Name the table: options: {metadata: data/letters.csv}")
