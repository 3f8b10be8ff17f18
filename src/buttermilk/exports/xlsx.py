"""XLSX, with openpyxl: one sheet, its header in bold and held in view. Texts are texts, never formulas.

A character that a workbook cannot hold is shown as its number, `\\u0007`. A whole number past fifteen digits is written
as text, for a spreadsheet would round it. None is an empty cell, and so is the empty text: a workbook has one of them.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, ClassVar
from zipfile import ZIP_DEFLATED, ZipFile

from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.styles import Font
from openpyxl.writer.excel import ExcelWriter

from buttermilk.core.errors import StoreError
from buttermilk.core.tables import Table
from buttermilk.core.values import Scalar
from buttermilk.documents.whole import speakable, whole
from buttermilk.exports.finite import checked

MOST_ROWS, MOST_COLUMNS, LONGEST = 1_048_576, 16_384, 32_767
EXACT = 10**15
_ILLEGAL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
_CODE = re.compile(r"_(?=x[0-9A-Fa-f]{4}_)")


class XlsxExport:
    suffix: ClassVar[str] = ".xlsx"

    def write(self, table: Table, target: Path) -> int:
        if len(table.columns) > MOST_COLUMNS:
            raise _too_much(target, f"the table has {len(table.columns):,} columns and a sheet {MOST_COLUMNS:,}")
        book = Workbook(write_only=True)
        sheet = book.create_sheet("answers")
        sheet.freeze_panes = "A2"
        count = 0
        with whole(target) as path, _tidied(sheet):
            sheet.append([_header(sheet, name, target) for name in table.columns])
            for count, row in enumerate(table, start=1):
                if count >= MOST_ROWS:
                    raise _too_much(target, f"the table has more rows than the {MOST_ROWS:,} of a sheet")
                sheet.append([*_cells(sheet, table.columns, row, count, target)])
            _save(book, path)
        return count


def _save(book: Workbook, path: Path) -> None:
    """As `book.save` does, but lets an archive go that a full disk broke off, where Python would finish it later."""
    with path.open("wb") as file:
        archive = ZipFile(file, "w", ZIP_DEFLATED)
        try:
            ExcelWriter(book, archive).save()
        except OSError:
            archive.fp = None
            raise


@contextmanager
def _tidied(sheet: Any) -> Iterator[None]:
    """openpyxl writes rows to a file in the system's temporary folder, and leaves it there where anything fails."""
    try:
        yield
    finally:
        if not sheet.closed and sheet._writer is not None:  # noqa: SLF001
            with suppress(OSError):
                sheet.close()
            with suppress(OSError):
                sheet._writer.cleanup()  # noqa: SLF001


def _header(sheet: Any, name: str, target: Path) -> Any:
    cell = _text(sheet, name, f"the name of column '{name[:40]}'", target)
    cell.font = Font(bold=True)
    return cell


def _cells(sheet: Any, columns: tuple[str, ...], row: tuple[Scalar, ...], number: int, target: Path) -> Iterator[Any]:
    for column, value in zip(columns, row, strict=True):
        if isinstance(value, int) and not isinstance(value, bool) and abs(value) >= EXACT:
            value = str(value)
        if isinstance(value, str):
            yield _text(sheet, value, f"the text in row {number}, '{column}',", target)
        else:
            yield checked(value, column, number, target)


def _text(sheet: Any, value: str, what: str, target: Path) -> Any:
    """A cell that stays text, whatever it begins with. `_x000D_` is how a workbook writes a carriage return."""
    value = _CODE.sub("_x005F_", speakable(value))
    value = _ILLEGAL.sub(lambda found: f"\\u{ord(found[0]):04x}", value).replace("\r", "_x000D_")
    if len(value) > LONGEST:
        raise _too_much(target, f"{what} has {len(value):,} characters and a cell holds {LONGEST:,}")
    cell = WriteOnlyCell(sheet, value)
    cell.data_type = "s"
    return cell


def _too_much(target: Path, why: str) -> StoreError:
    return StoreError(f"{why}.", where=str(target), hint="Write CSV or Parquet instead. Nothing was changed.")
