"""CSV as RFC 4180 quotes it, in UTF-8, one `\\n` a row: opened by every spreadsheet and every statistics program.

None is an empty cell, the empty text is `""`, true and false are those words. A text that a spreadsheet would run as a
formula (it begins with = + - @, a tab or a carriage return, and is no number) has a ' before it. In a table of one
column None is `""` too, for an empty line is no row. Where types must come back exactly, write JSONL or Parquet.
"""

import re
from pathlib import Path
from typing import ClassVar

from buttermilk.core.tables import Table
from buttermilk.core.values import Scalar
from buttermilk.documents.whole import whole
from buttermilk.exports.finite import checked

_NUMBER = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?", re.ASCII)
_QUOTED = re.compile(r'[",\r\n]|^\s|\s$|^$')


class CsvExport:
    suffix: ClassVar[str] = ".csv"

    def write(self, table: Table, target: Path) -> int:
        alone = len(table.columns) == 1
        count = 0
        with whole(target) as path, path.open("w", encoding="utf-8", errors="backslashreplace", newline="") as file:
            file.write(_line(table.columns))
            for count, row in enumerate(table, start=1):
                for column, value in zip(table.columns, row, strict=True):
                    checked(value, column, count, target)
                file.write('""\n' if alone and row[0] is None else _line(row))
        return count


def _line(row: tuple[Scalar, ...]) -> str:
    return ",".join(map(_cell, row)) + "\n"


def _cell(value: Scalar) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if not isinstance(value, str):
        return repr(value)
    if value.startswith(("=", "+", "-", "@", "\t", "\r")) and not _NUMBER.fullmatch(value):
        value = f"'{value}"
    return '"' + value.replace('"', '""') + '"' if _QUOTED.search(value) else value
