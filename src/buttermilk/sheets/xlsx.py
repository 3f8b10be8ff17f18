"""XLSX, with openpyxl: the sheet `coding` with a list to choose from in each cell that takes a label, and the sheet
`codebook` with what each question and label means. Any other workbook is read where one sheet holds the table.

Lists are ranges of the sheet `labels`, because a list within a rule ends at 255 characters and splits at commas:
https://support.microsoft.com/office/apply-data-validation-to-cells-29fecbcc-d1b9-42c1-9d76-eff3ce5f7249
"""

from collections.abc import Iterator, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any, ClassVar
from zipfile import ZipFile, is_zipfile

from openpyxl import load_workbook
from openpyxl.styles import Alignment, Font
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.datavalidation import DataValidation

from buttermilk.core.flows import Codebook
from buttermilk.core.questions import IN_WORDS, Question
from buttermilk.core.sheets import DOES_NOT_APPLY, Sheet, Told
from buttermilk.documents.whole import whole
from buttermilk.plugins import find
from buttermilk.sheets.rows import read_rows, table_of

CODING, BOOK = "coding", "xl/workbook.xml"
WIDE = 60  # characters of a text's column
HEADINGS = ("question", "what is asked", "label", "definition", "examples")


class XlsxSheets:
    suffix: ClassVar[str] = ".xlsx"

    def write(self, sheet: Sheet, target: Path) -> Sequence[Path]:
        """The export `xlsx` writes the cells, so that texts stay texts; then the rules and the codebook are added."""
        table = table_of(sheet)
        with whole(target) as path:
            find("exports", "xlsx")().write(table, path)
            book = load_workbook(BytesIO(path.read_bytes()))  # the file's name tells openpyxl nothing yet
            coding = book.active
            coding.title = CODING
            _set(coding, table.columns, sheet)
            _explain(book.create_sheet("codebook"), sheet.codebook)
            _rules(book, coding, table.columns, sheet)
            book.save(path)
        return [target]

    def read(self, file: Path, codebook: Codebook) -> Iterator[Told]:
        return read_rows("xlsx", file, codebook, **({"sheet": CODING} if _is_ours(file) else {}))


def _is_ours(file: Path) -> bool:
    """Whether there is a sheet `coding`. What is no workbook at all is the source's to complain of."""
    if not is_zipfile(file):
        return False
    with ZipFile(file) as archive:
        return BOOK in archive.namelist() and f'name="{CODING}"'.encode() in archive.read(BOOK)


def _set(coding: Any, names: tuple[str, ...], sheet: Sheet) -> None:
    """Wide columns that wrap for what is to be read, held in view beside the answers."""
    for place, name in enumerate(names, 1):
        wide = WIDE if name in sheet.columns and name == "text" else 16
        coding.column_dimensions[get_column_letter(place)].width = wide
    for row in coding.iter_rows(min_row=2):
        for cell in row:
            cell.alignment = Alignment(wrap_text=True, vertical="top")


def _explain(page: Any, codebook: Codebook) -> None:
    page.append(HEADINGS)
    for leaf in codebook.leaves:
        page.append((leaf.name, f"{leaf.ask} ({_allowed(leaf)})"))
        for label in leaf.labels:
            page.append(("", "", label.name, label.definition, " | ".join(label.examples)))
    for cell in page[1]:
        cell.font = Font(bold=True)
    for row in page.iter_rows():
        for cell in row:
            cell.data_type = "s" if isinstance(cell.value, str) else cell.data_type
            cell.alignment = Alignment(wrap_text=True, vertical="top")
    for letter, width in zip("ABCDE", (20, WIDE, 20, WIDE, WIDE), strict=True):
        page.column_dimensions[letter].width = width


def _allowed(leaf: Question) -> str:
    said = "one of the labels" if leaf.labels else "words" if leaf.level in IN_WORDS else "a number"
    low, high = ("" if edge is None else f"{edge:g}" for edge in (leaf.minimum, leaf.maximum))
    said += f" from {low}" * bool(low) + f" to {high}" * bool(high)
    return f"{said}, or: {DOES_NOT_APPLY}" if leaf.optional else said


def _rules(book: Any, coding: Any, names: tuple[str, ...], sheet: Sheet) -> None:
    lists = book.create_sheet("labels")
    for place, leaf in enumerate((leaf for leaf in sheet.codebook.leaves if leaf.labels), 1):
        choices = [*leaf.label_names, *([DOES_NOT_APPLY] if leaf.optional else [])]
        letter = get_column_letter(place)
        for row, choice in enumerate((leaf.name, *choices), 1):
            lists.cell(row, place, choice).data_type = "s"
        rule = DataValidation("list", formula1=f"labels!${letter}$2:${letter}${len(choices) + 1}", allow_blank=True)
        rule.error, rule.errorTitle = "Choose one of the labels, or leave the cell empty.", "Not a label"
        rule.showErrorMessage = True
        column = get_column_letter(names.index(leaf.name) + 1)
        rule.add(f"{column}2:{column}{len(sheet.cards) + 1}")
        coding.add_data_validation(rule)
    lists.sheet_state = "hidden"
