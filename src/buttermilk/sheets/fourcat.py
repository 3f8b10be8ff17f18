"""4CAT: a CSV for its *Custom Dataset Upload*, and the CSV that its *Export annotations* gives back.

Records go out with the columns that an upload asks for: `id`, `thread_id`, `timestamp`, `author`, `subject`, `body`.
Who wrote a record and when is left blank (one fixed date), unless it may be seen. In 4CAT's Explorer each question is
an annotation field of its name, of which there may be twenty. Back come `item_id`, `label` (the field), `value`,
`author`, `timestamp`; what a processor of 4CAT annotated (`by_processor`) is no person's.

Peeters, S., Hagen, S. (2022). The 4CAT Capture and Analysis Toolkit: A Modular Tool for Transparent and Traceable
Social Media Research. Computational Communication Research 4(2), 571-589.
https://github.com/digitalmethodsinitiative/4cat: datasources/upload, processors/metrics/annotation_metadata.py
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import ClassVar

from buttermilk.core.errors import ConfigError
from buttermilk.core.flows import Codebook
from buttermilk.core.sheets import Sheet, Told
from buttermilk.core.tables import Table
from buttermilk.plugins import find
from buttermilk.sheets.rows import read_rows

MOST_FIELDS = 20
UNSEEN = {"timestamp": "1970-01-01 00:00:00", "author": "", "subject": ""}


class FourcatSheets:
    suffix: ClassVar[str] = ".csv"

    def write(self, sheet: Sheet, target: Path) -> Sequence[Path]:
        if len(sheet.codebook.leaves) > MOST_FIELDS:
            said = f"4CAT takes {MOST_FIELDS} annotation fields, and the codebook has {len(sheet.codebook.leaves)}."
            raise ConfigError(said, hint="Choose another format: --format xlsx")
        more = [name for name in sheet.columns if name not in ("text", *UNSEEN)]
        rows = [
            (card.record_id, card.record_id, *(card.shown.get(name, usual) for name, usual in UNSEEN.items()),
             card.shown.get("text", ""), *(card.shown.get(name, "") for name in more))
            for card in sheet.cards
        ]  # fmt: skip
        find("exports", "csv")().write(Table(("id", "thread_id", *UNSEEN, "body", *more), rows), target)
        return [target]

    def read(self, file: Path, codebook: Codebook) -> Iterator[Told]:
        return read_rows("csv", file, codebook)
