"""CSV and TSV: rows of text. Every cell stays the text it is, labels too.

Options: `delimiter` (one character, or `tab`; found by itself otherwise), `quote` (one character, or `none` where
quotation marks are ordinary characters), `encoding`, and `header: [id, verse, tone]` for a file that has no header row.
Lines where every cell is empty are no rows. Rows are numbered as a spreadsheet numbers them: the header is row 1.
"""

import csv
import re
from collections.abc import Iterator
from typing import Any, ClassVar, NamedTuple

from buttermilk.core.errors import DataError
from buttermilk.core.records import Reject
from buttermilk.documents.whole import speakable
from buttermilk.sources.files import bad_option, option_text, yaml_of
from buttermilk.sources.rows import Row, Tabular, header_names, rejected

DELIMITERS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "upright bars"}
ONE_COLUMN = "\x1f"  # ASCII's unit separator: no cell ends before its line does
SAMPLE_LINES, SAMPLE_ROWS = 200, 50
csv.field_size_limit(64 * 1024 * 1024)  # of the process; one cell of a whole book, but not of a whole disk


class _Cut(NamedTuple):
    """A row as it was cut: its number, the line it begins on, its lines and its cells."""

    number: int
    line: int
    lines: list[str]
    cells: list[str]


class CsvSource(Tabular):
    """`type: csv`. The delimiter is the one of , ; tab | that cuts the header and most rows into as many cells."""

    known_options: ClassVar[tuple[str, ...]] = ("delimiter", "encoding", "header", "quote")
    advice: ClassVar[str] = "\n  If the file has no header row, name its columns: options: {header: [id, text, tone]}"

    def columns(self) -> list[str]:
        given = self.spec.options.get("header")
        if given is not None:
            if isinstance(given, list) and given and all(isinstance(name, str) for name in given):
                return header_names(given, self.spec, 0)
            raise bad_option(self.spec, "header", "a list of column names", "[id, text, tone]")
        for row in self._cut():
            return header_names(row.cells, self.spec, row.number)
        raise DataError("the file holds nothing but empty lines.", where=self.spec.path, hint="Is it the right file?")

    def rows(self) -> Iterator[Row | Reject]:
        names = self.columns()
        width = len(names)
        rows = self._cut()
        if "header" not in self.spec.options:
            next(rows)
        for number, line, lines, cells in rows:
            where = f"{self.spec.path} row {number}" + (f" (line {line})" if line + len(lines) - 1 != number else "")
            row = Row(where, {}, lines[0] if len(lines) == 1 else "".join(lines))
            if len(cells) == width:
                yield Row(where, dict(zip(names, cells, strict=True)), row.raw)
            else:
                yield _ragged(row, len(cells), names)

    def _text(self) -> Iterator[str]:
        return self.lines("a table of text")

    def _cut(self) -> Iterator[_Cut]:
        """Each row that holds anything."""
        held: list[str] = []

        def kept() -> Iterator[str]:
            for line in self._text():
                held.append(line)
                yield line

        dialect = self._dialect()
        reader = csv.reader(kept(), strict=True, **dialect)
        trusted = "quote" in self.spec.options
        number = 0
        while True:
            number += 1
            held.clear()
            try:
                cells = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                raise self._unclosed(number, reader.line_num, held, str(error)) from None
            if len(held) > 1 and not trusted and _swallowed(held, cells, dialect["delimiter"]):
                raise self._unclosed(number, reader.line_num, held, "")
            if any(cells):
                yield _Cut(number, reader.line_num - len(held) + 1, held, cells)

    def _dialect(self) -> dict[str, Any]:
        quote = option_text(self.spec, "quote", '"')
        if quote != "none" and len(quote) != 1:
            raise bad_option(self.spec, "quote", "one character, or none", "none")
        marks: dict[str, Any] = {"quoting": csv.QUOTE_NONE} if quote == "none" else {"quotechar": quote}
        return marks | {"delimiter": self._delimiter(marks)}

    def _delimiter(self, marks: dict[str, Any]) -> str:
        given = option_text(self.spec, "delimiter")
        given = {"tab": "\t", "\\t": "\t"}.get(given, given)
        if len(given) > 1 or given in ("\n", "\r", '"'):
            raise bad_option(self.spec, "delimiter", "one character, or tab", "';'")
        return given or self._found(marks)

    def _found(self, marks: dict[str, Any]) -> str:
        sample = [line for line, _ in zip(self._text(), range(SAMPLE_LINES), strict=False)]
        scores = {mark: _agreement(sample, mark, marks) for mark in DELIMITERS}
        best = max(scores.values())
        if best == 0:
            return ONE_COLUMN
        winners = [mark for mark, score in scores.items() if score == best]
        if len(winners) == 1:
            return winners[0]
        named = " or ".join(DELIMITERS[mark] for mark in winners)
        hint = f"Write in {yaml_of(self.spec)}: options: {{delimiter: '{winners[0]}'}}"
        said = f"it cannot be told whether its cells are separated by {named}."
        raise DataError(said, where=self.spec.path, hint=hint)

    def _unclosed(self, number: int, last: int, held: list[str], error: str) -> DataError:
        if "field limit" in error:
            why = "a cell is longer than 64 million characters: a quotation mark is probably not closed."
        else:
            why = "a cell begins with a quotation mark that is not closed where the cell ends."
        begins = speakable((held or [""])[0].strip())[:120]
        return DataError(
            why,
            where=f"{self.spec.path} row {number} (line {last - len(held) + 1})",
            hint=f"The row begins: {begins}\n"
            "  Where quotation marks are ordinary characters in this file, write in"
            f" {yaml_of(self.spec)}:\n    options: {{quote: none}}\n"
            '  Where they enclose cells, write one within a cell twice (""). If the row is right as it is, write:\n'
            "    options: {quote: '\"'}",
        )


class TsvSource(CsvSource):
    """`type: tsv`: the same, with tabs."""

    def _found(self, marks: dict[str, Any]) -> str:
        return "\t"


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


def _ragged(row: Row, width: int, names: list[str]) -> Reject:
    missing = names[width] if width < len(names) else ""
    likely = "a cell that holds the delimiter must be enclosed in quotation marks"
    likely = f"nothing is there for '{missing}'" if missing else likely
    return rejected(row, missing, f"the row has {width} cells and the header has {len(names)}: {likely}.")
