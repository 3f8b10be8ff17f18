"""CSV: a row per record, an empty column per question."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import ClassVar

from buttermilk.core.flows import Codebook
from buttermilk.core.sheets import Sheet, Told
from buttermilk.plugins import find
from buttermilk.sheets.rows import read_rows, table_of


class CsvSheets:
    suffix: ClassVar[str] = ".csv"

    def write(self, sheet: Sheet, target: Path) -> Sequence[Path]:
        find("exports", "csv")().write(table_of(sheet), target)
        return [target]

    def read(self, file: Path, codebook: Codebook) -> Iterator[Told]:
        return read_rows("csv", file, codebook)
