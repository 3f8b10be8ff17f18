"""CSV and TSV: rows of text. Every cell stays the text it is, labels too.

Options: `delimiter` (one character, or `tab`; found by itself otherwise), `quote` (one character, or `none` where
quotation marks are ordinary characters), `encoding`, and `header: [id, verse, tone]` for a file that has no header row.
Lines where every cell is empty are no rows. Rows are numbered as a spreadsheet numbers them: the header is row 1.
"""

import csv
import re
from collections.abc import Iterator
from typing import Any, ClassVar

from buttermilk.core.errors import ConfigError, DataError
from buttermilk.core.records import Reject
from buttermilk.sources.files import (
    check_is_text,
    encoding_of,
    head_of,
    lines_of,
    option_text,
    unreadable,
    yaml_of,
)
from buttermilk.sources.rows import SHOWN, Row, Tabular, header_names, printable

DELIMITERS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "upright bars"}
ONE_COLUMN = "\x1f"  # ASCII's unit separator: no cell ends before its line does
SAMPLE_LINES, SAMPLE_ROWS = 200, 50
csv.field_size_limit(64 * 1024 * 1024)  # of the process; one cell of a whole book, but not of a whole disk


class _Held:
    """The lines on their way to the csv reader, the last row's kept: `lines` are those it was made of."""

    def __init__(self, lines: Iterator[str]) -> None:
        self._lines = lines
        self.lines: list[str] = []
        self.count = 0

    def __iter__(self) -> "_Held":
        return self

    def __next__(self) -> str:
        line = next(self._lines)
        self.lines.append(line)
        self.count += 1
        return line


class CsvSource(Tabular):
    """`type: csv`. The delimiter is the one of , ; tab | that cuts the header and most rows into as many cells."""

    known_options: ClassVar[tuple[str, ...]] = ("delimiter", "encoding", "header", "quote")
    advice: ClassVar[str] = "\n  If the file has no header row, name its columns: options: {header: [id, text, tone]}"

    def columns(self) -> list[str]:
        given = self.spec.options.get("header")
        if given is not None:
            if isinstance(given, list) and given and all(isinstance(name, str) for name in given):
                return header_names(given, self.spec, 0)
            raise ConfigError(
                "options.header must be a list of column names.",
                where=yaml_of(self.spec),
                hint="For a file without a header row: options: {header: [id, text, tone]}",
            )
        for number, cells, _ in self._split(self._lines(), self._dialect()):
            return header_names(cells, self.spec, number)
        raise DataError("the file holds nothing but empty lines.", where=self.spec.path, hint="Is it the right file?")

    def rows(self) -> Iterator[Row | Reject]:
        names = self.columns()
        width = len(names)
        rows = self._split(self._lines(), self._dialect())
        if "header" not in self.spec.options:
            next(rows)
        for number, cells, held in rows:
            where = f"{self.spec.path} row {number}"
            if held.count != number:
                where += f" (line {held.count - len(held.lines) + 1})"
            raw = held.lines[0] if len(held.lines) == 1 else "".join(held.lines)
            if len(cells) == width:
                yield Row(where, dict(zip(names, cells, strict=True)), raw)
            else:
                yield _ragged(where, cells, names, raw)

    def _lines(self) -> Iterator[str]:
        path = self.path
        try:
            head = head_of(path)
        except OSError as error:
            raise unreadable(self.spec.path, error) from error
        check_is_text(head, self.spec, "a table of text")
        return lines_of(path, encoding_of(head, self.spec), self.spec)

    def _split(self, lines: Iterator[str], dialect: dict[str, Any]) -> Iterator[tuple[int, list[str], _Held]]:
        """Number, cells and lines of each row that holds anything."""
        held = _Held(lines)
        reader = csv.reader(held, strict=True, **dialect)
        trusted = "quote" in self.spec.options
        number = 0
        while True:
            number += 1
            held.lines.clear()
            try:
                cells = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                raise self._unclosed(number, held, str(error)) from None
            if len(held.lines) > 1 and not trusted and _swallowed(held.lines, cells, dialect["delimiter"]):
                raise self._unclosed(number, held, "")
            if any(cells):
                yield number, cells, held

    def _dialect(self) -> dict[str, Any]:
        quote = option_text(self.spec, "quote", '"')
        if quote != "none" and len(quote) != 1:
            raise ConfigError(
                f"options.quote must be one character, or none, not '{quote}'.",
                where=yaml_of(self.spec),
                hint="Where quotation marks are ordinary characters: options: {quote: none}",
            )
        marks: dict[str, Any] = {"quoting": csv.QUOTE_NONE} if quote == "none" else {"quotechar": quote}
        return marks | {"delimiter": self._delimiter(marks)}

    def _delimiter(self, marks: dict[str, Any]) -> str:
        given = option_text(self.spec, "delimiter")
        given = {"tab": "\t", "\\t": "\t"}.get(given, given)
        if len(given) > 1 or given in ("\n", "\r", '"'):
            raise ConfigError(
                f"options.delimiter must be one character, or tab, not '{given}'.",
                where=yaml_of(self.spec),
                hint="For example: options: {delimiter: ';'}",
            )
        return given or self._found(marks)

    def _found(self, marks: dict[str, Any]) -> str:
        sample = [line for line, _ in zip(self._lines(), range(SAMPLE_LINES), strict=False)]
        scores = {mark: _agreement(sample, mark, marks) for mark in DELIMITERS}
        best = max(scores.values())
        if best == 0:
            return ONE_COLUMN
        winners = [mark for mark, score in scores.items() if score == best]
        if len(winners) == 1:
            return winners[0]
        named = " or ".join(DELIMITERS[mark] for mark in winners)
        raise DataError(
            f"it cannot be told whether its cells are separated by {named}.",
            where=self.spec.path,
            hint=f"Write in {yaml_of(self.spec)}: options: {{delimiter: '{winners[0]}'}}",
        )

    def _unclosed(self, number: int, held: _Held, error: str) -> DataError:
        if "field limit" in error:
            why = "a cell is longer than 64 million characters: a quotation mark is probably not closed."
        else:
            why = "a cell begins with a quotation mark that is not closed where the cell ends."
        line = held.count - len(held.lines) + 1
        begins = printable((held.lines or [""])[0].strip())[:120]
        return DataError(
            why,
            where=f"{self.spec.path} row {number} (line {line})",
            hint=f"The row begins: {begins}\n"
            "  Where quotation marks are ordinary characters in this file, write in"
            f" {yaml_of(self.spec)}:\n    options: {{quote: none}}\n"
            '  Where they enclose cells, write one within a cell twice (""). If the row is right as it is, write:\n'
            "    options: {quote: '\"'}",
        )


class TsvSource(CsvSource):
    """`type: tsv`: the same, with tabs."""

    def _found(self, marks: dict[str, Any]) -> str:
        first = next(self._lines(), "")
        other = super()._found(marks) if "\t" not in first else "\t"
        if other in ("\t", ONE_COLUMN):
            return "\t"
        raise DataError(
            f"its cells are separated by {DELIMITERS[other]}, not by tabs.",
            where=self.spec.path,
            hint=f"Write in {yaml_of(self.spec)}: type: csv",
        )


def _agreement(sample: list[str], mark: str, marks: dict[str, Any]) -> float:
    """The share of rows with as many cells as the header, times that number; 0 where the header stays whole."""
    reader = csv.reader(sample, delimiter=mark, **marks)
    widths = []
    try:
        for cells, _ in zip(reader, range(SAMPLE_ROWS), strict=False):
            if any(cells):
                widths.append(len(cells))
    except csv.Error:
        return 0
    if not widths or widths[0] == 1:
        return 0
    # The header's own names rarely hold a delimiter: that they are cut counts, and then that the rows agree.
    return round(widths.count(widths[0]) / len(widths), 2) + min(widths[0], 90) / 100_000


def _swallowed(lines: list[str], cells: list[str], delimiter: str) -> bool:
    """Whether a row over several lines is several rows that a stray quotation mark made one.

    `1,"to be,0` and `2,or not",0` are: each has the whole row's number of cells, and they begin alike (`9` and `9`).
    The two lines of a quoted stanza begin unlike, one with the id and one with a verse. A tab is never in a verse.
    """
    whole = [line for line in lines if line.strip()]
    if len(cells) < 2 or any(line.count(delimiter) != len(cells) - 1 for line in whole):
        return False
    return delimiter == "\t" or len({_shape(line.partition(delimiter)[0]) for line in whole}) == 1


def _shape(cell: str) -> str:
    """`v12` -> `a9`, `Thou art` -> `a a`: how a cell is built, not what it says."""
    cell = re.sub(r"\d+", "9", cell.strip().strip('"'))
    return re.sub(r"[^\W\d_]+", "a", cell)


def _ragged(where: str, cells: list[str], names: list[str], raw: str) -> Reject:
    more = len(cells) > len(names)
    likely = (
        "a cell that holds the delimiter must be enclosed in quotation marks"
        if more
        else f"nothing is there for '{names[len(cells)]}'"
    )
    return Reject(
        where=where,
        column="" if more else names[len(cells)],
        why=f"the row has {len(cells)} cells and the header has {len(names)}: {likely}.",
        content=printable(raw.rstrip("\r\n"))[:SHOWN],
    )
