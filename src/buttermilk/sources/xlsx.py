"""XLSX, with openpyxl: a sheet whose first row is the header. Cells keep their type; dates become ISO text.

Options: `sheet` (needed where more than one sheet holds anything) and `header_row` (1, unless titles stand above it).
What a spreadsheet hides is refused by name: merged cells, error values, formulas that were never calculated. Rows and
columns are named as the spreadsheet names them. Rows are streamed; the texts themselves are one list in the file and
are held, as its format asks.
"""

import re
import warnings
import zipfile
import zlib
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, time
from itertools import islice
from typing import Any, ClassVar, NamedTuple
from xml.etree.ElementTree import ParseError

from openpyxl import load_workbook
from openpyxl.utils import get_column_letter, range_boundaries
from openpyxl.utils.escape import unescape
from openpyxl.utils.exceptions import InvalidFileException

from buttermilk.core.errors import DataError, did_you_mean
from buttermilk.core.records import Reject
from buttermilk.sources.cells import EXACT
from buttermilk.sources.files import bad_option, check_kind, option_text, reading, yaml_of
from buttermilk.sources.rows import Row, Tabular, header_names, rejected

LARGEST, STEEPEST = 1_000_000_000, 200  # bytes when unpacked, and how many times the file's own
MOST_ROWS = 1_048_576
BATCH = 200
BROKEN = (
    *(zipfile.BadZipFile, zlib.error, InvalidFileException, ParseError),
    *(KeyError, ValueError, TypeError, AttributeError, IndexError, EOFError, RuntimeError, OverflowError),
)
_CELL = re.compile(rb"<(?:\w+:)?c[\s>]")
_FORMULA = re.compile(rb"<(?:\w+:)?f[\s/>]")
_MERGED = re.compile(rb'<(?:\w+:)?mergeCell\b[^>]*?\bref="([A-Z]+[0-9]+:[A-Z]+[0-9]+)"')

Cells = tuple[Any, ...]


class Hidden(NamedTuple):
    """What a sheet's XML holds that its values do not show."""

    filled: bool
    formulas: bool
    merged: tuple[str, ...]  # ("B3:B7",)


class XlsxSource(Tabular):
    """`type: xlsx`."""

    known_options: ClassVar[tuple[str, ...]] = ("header_row", "sheet")

    def columns(self) -> list[str]:
        with self._workbook() as book:
            sheet, hidden = self._sheet(book)
            return self._header(self._rows_of(sheet), hidden)

    def rows(self) -> Iterator[Row | Reject]:
        with self._workbook() as book:
            sheet, hidden = self._sheet(book)
            rows = self._rows_of(sheet)
            names = self._header(rows, hidden)
            if not hidden.formulas:
                yield from self._read(names, ((cells, ()) for cells in rows), hidden)
                return
            with self._workbook(data_only=False) as formulas:
                beside = islice(self._rows_of(formulas[sheet.title]), self._header_row(), None)
                yield from self._read(names, zip(rows, beside, strict=True), hidden)

    def _read(self, names: list[str], rows: Iterator[tuple[Cells, Cells]], hidden: Hidden) -> Iterator[Row | Reject]:
        first = self._header_row() + 1
        merged = _merged_below(hidden.merged, first, len(names))
        for number, (cells, formulas) in enumerate(rows, start=first):
            if number > MOST_ROWS:
                raise self._broken("it has more rows than a workbook can hold")
            values = [_value(cell) for cell in cells]
            trouble = _trouble(names, number, values, cells, formulas)
            if not trouble and all(value is None or value == "" for value in values):
                continue
            while merged and merged[0].bottom < number:
                merged.popleft()
            if merged and merged[0].top <= number:
                said = f"cells {merged[0].ref} are merged: only the first holds the value. Unmerge them and fill each."
                trouble = names[merged[0].left - 1], said
            found = dict(zip(names, values + [None] * (len(names) - len(values)), strict=False))
            row = Row(f"{self.spec.path} row {number}", found)
            yield rejected(row, *trouble) if trouble else row

    def _header_row(self) -> int:
        row = self.spec.options.get("header_row", 1)
        if isinstance(row, int) and row >= 1:
            return row
        raise bad_option(self.spec, "header_row", "the number of a row", "1")

    def _header(self, rows: Iterator[Cells], hidden: Hidden) -> list[str]:
        """Reads up to the header and takes it. Empty cells to its right are no columns."""
        number = self._header_row()
        values = [_value(cell) for cell in next(islice(rows, number - 1, None), ())]
        while values and values[-1] in (None, ""):
            values.pop()
        where = f"{self.spec.path} row {number}"
        elsewhere = f"If the header is in another row, write in {yaml_of(self.spec)}: options: {{header_row: 2}}"
        if not values:
            raise DataError("this row is empty; it should be the header.", where=where, hint=elsewhere)
        bounds = [(ref, *range_boundaries(ref)) for ref in hidden.merged]
        across = [ref for ref, left, top, _, bottom in bounds if left <= len(values) and top <= number <= bottom]
        if across:
            raise DataError(
                f"cells of the header are merged ({', '.join(across)}): which column each name is for cannot be told.",
                where=where,
                hint=f"In the spreadsheet unmerge them and give every column its own name.\n  {elsewhere}",
            )
        return header_names(values, self.spec, number)

    @contextmanager
    def _careful(self) -> Iterator[None]:
        """Around whatever openpyxl does: what a damaged workbook brings about becomes one sentence."""
        try:
            with reading(self.spec.path), warnings.catch_warnings():
                warnings.simplefilter("ignore")  # on what it will not keep when it saves; it saves nothing
                yield
        except BROKEN as error:
            raise self._broken(error) from error

    @contextmanager
    def _workbook(self, *, data_only: bool = True) -> Iterator[Any]:
        hint = "Open it in a spreadsheet program and save it as .xlsx, without a password."
        check_kind(self.path, self.spec, "an XLSX workbook", "application/zip", hint)
        with self._careful():
            self._check_size()
            book = load_workbook(self.path, read_only=True, data_only=data_only)
        try:
            yield book
        finally:
            book.close()

    def _check_size(self) -> None:
        packed = self.path.stat().st_size
        with zipfile.ZipFile(self.path) as archive:
            unpacked = sum(member.file_size for member in archive.infolist())
        if unpacked > LARGEST or unpacked > STEEPEST * packed:
            raise DataError(
                f"unpacked it would be {unpacked / 1e6:,.0f} MB, of {packed / 1e6:,.1f} MB packed:"
                " files that are made to fill a computer look so.",
                where=self.spec.path,
                hint="If it is yours, save the sheet as CSV and read that.",
            )

    def _sheet(self, book: Any) -> tuple[Any, Hidden]:
        """The sheet that is named, or the only one that holds anything."""
        sheets = {sheet.title: sheet for sheet in book.worksheets}
        name = option_text(self.spec, "sheet")
        if name and name not in sheets:
            raise DataError(f"there is no sheet '{name}'.", where=self.spec.path, hint=did_you_mean(name, sheets))
        if name:
            return sheets[name], self._hidden(sheets[name])
        filled = [(sheet, hidden) for sheet in sheets.values() if (hidden := self._hidden(sheet)).filled]
        if len(filled) == 1:
            return filled[0]
        if not filled:
            raise DataError("the workbook is empty.", where=self.spec.path, hint="Is it the right file?")
        titles = [sheet.title for sheet, _ in filled]
        hint = f"Say which in {yaml_of(self.spec)}:\n    options: {{sheet: '{titles[0]}'}}"
        said = f"it has {len(titles)} sheets that hold something: {', '.join(titles)}."
        raise DataError(said, where=self.spec.path, hint=hint)

    def _hidden(self, sheet: Any) -> Hidden:
        filled = formulas = False
        merged: dict[str, None] = {}
        place = sheet._worksheet_path  # noqa: SLF001  (in the archive: openpyxl's own knowledge)
        with self._careful(), zipfile.ZipFile(self.path) as archive, archive.open(place) as xml:
            before = b""
            while chunk := xml.read(1 << 20):
                window = before + chunk
                filled = filled or _CELL.search(window) is not None
                formulas = formulas or _FORMULA.search(window) is not None
                merged |= dict.fromkeys(ref.decode() for ref in _MERGED.findall(window))
                before = window[-200:]
        return Hidden(filled, formulas, tuple(merged))

    def _rows_of(self, sheet: Any) -> Iterator[Cells]:
        """Every row from the first, as its cells; the size that the file says it has is not believed."""
        sheet.reset_dimensions()
        rows = sheet.iter_rows()
        while True:
            with self._careful():
                batch = list(islice(rows, BATCH))
            if not batch:
                return
            yield from batch

    def _broken(self, why: object) -> DataError:
        hint = "Open it in a spreadsheet program and save it again as .xlsx, or as CSV."
        return DataError(f"the workbook cannot be read: {str(why).rstrip('.')}.", where=self.spec.path, hint=hint)


class Span(NamedTuple):
    """Merged cells: only the first of them holds the value, the others look empty."""

    top: int
    bottom: int
    left: int
    ref: str


def _merged_below(refs: tuple[str, ...], first: int, width: int) -> deque[Span]:
    """Those that touch the table's columns, in the order of the rows."""
    spans = [Span(top, bottom, left, ref) for ref in refs for left, top, _, bottom in [range_boundaries(ref)]]
    return deque(sorted(span for span in spans if span.bottom >= first and span.left <= width))


def _value(cell: Any) -> Any:
    """A cell as a Python value. A number past fifteen digits is a float: the spreadsheet has rounded it."""
    value = cell.value
    if isinstance(value, str):
        return unescape(value) if "_x" in value else value
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, int) and abs(value) >= EXACT:
        return float(value)
    if isinstance(value, datetime) and value.time() == time():
        return value.date()
    return value


def _trouble(names: list[str], number: int, values: list[Any], cells: Cells, formulas: Cells) -> tuple[str, str] | None:
    """Column and reason, where a cell is not what it looks like."""
    for index, (cell, value) in enumerate(zip(cells, values, strict=True)):
        place = f"{get_column_letter(index + 1)}{number}"
        if index >= len(names) and value not in (None, ""):
            return "", f"cell {place} stands to the right of the last column of the header, {names[-1]}."
        if cell.value is not None and cell.data_type == "e":
            return names[index], f"cell {place} holds the error {value}. Mend its formula, or empty the cell."
        formula = index < len(formulas) and formulas[index].value is not None and formulas[index].data_type == "f"
        if formula and value is None and cell.data_type == "n":
            why = f"cell {place} holds a formula that was never calculated. Open the file in a spreadsheet and save it."
            return names[index] if index < len(names) else "", why
    return None
