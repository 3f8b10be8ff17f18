"""JSONL: one object a line, in UTF-8, with every type as it is: `{"label": "yes", "cost": 0.002, "harm": null}`."""

import json
from pathlib import Path
from typing import ClassVar

from buttermilk.core.tables import Table
from buttermilk.documents.whole import whole
from buttermilk.exports.finite import checked


class JsonlExport:
    suffix: ClassVar[str] = ".jsonl"

    def write(self, table: Table, target: Path) -> int:
        count = 0
        # Half a surrogate pair becomes `\\ud800`, which is how JSON itself writes it.
        with whole(target) as path, path.open("w", encoding="utf-8", errors="backslashreplace", newline="") as file:
            for count, row in enumerate(table, start=1):
                cells = {
                    column: checked(value, column, count, target)
                    for column, value in zip(table.columns, row, strict=True)
                }
                file.write(json.dumps(cells, ensure_ascii=False) + "\n")
        return count
