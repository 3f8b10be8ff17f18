"""JSONL, which is NDJSON: one JSON object a line. Numbers, true/false and null stay what they are.

Option: `encoding`. Fields within fields are kept as metadata as they are. Lines are numbered as an editor numbers them;
an empty one is no row. A line that is not sound JSON, or names a field twice, is rejected: which was meant is unknown.
"""

import json
import re
from collections.abc import Iterator
from typing import Any, ClassVar, NoReturn

from pydantic_core import from_json

from buttermilk.core.errors import DataError
from buttermilk.core.records import Reject
from buttermilk.sources.rows import Row, Tabular, rejected, wanted

_KEY = re.compile(r'"\s*:')  # or what looks like one in a text
_HALF = re.compile(r"\\u[dD][89a-fA-F]")


def _fields(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"the field '{next(name for name in names if names.count(name) > 1)}' is there twice.")
    return found


def _no_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number that JSON has. An unknown value is null.")


_decode_slowly = json.JSONDecoder(object_pairs_hook=_fields, parse_constant=_no_number).decode


def _decode(line: str) -> dict[str, Any]:
    """What the line says, or ValueError in a sentence. A reader four times as quick does where all is plain: as many
    keys as fields, so that none is there twice and nothing is nested, and no number that JSON has not."""
    try:
        cells = from_json(line, allow_inf_nan=False)
    except ValueError:
        cells = None
    if not isinstance(cells, dict) or len(_KEY.findall(line)) != len(cells):
        try:
            cells = _decode_slowly(line)
        except json.JSONDecodeError as error:
            column = min(error.pos, len(line.rstrip())) + 1
            said = f"this is not JSON: {error.msg[0].lower()}{error.msg[1:]}, at column {column}."
            raise ValueError(said) from error
        except RecursionError:
            raise ValueError("fields are nested too deeply.") from None
    if not isinstance(cells, dict):
        raise ValueError("this is not an object with fields, as {...} is.")
    if "\\u" in line and _HALF.search(line) and not _whole(cells):
        raise ValueError("a text holds half a surrogate pair (\\ud800 to \\udfff), which is no character.")
    return cells


class JsonlSource(Tabular):
    """`type: jsonl` or `ndjson`."""

    known_options: ClassVar[tuple[str, ...]] = ("encoding",)

    def columns(self) -> list[str]:
        """All fields up to the line where each that the dataset names has been seen: the first, as a rule."""
        missing = set(wanted(self.spec.columns))
        seen: dict[str, None] = {}
        first: Reject | None = None
        for row in self.rows():
            if isinstance(row, Reject):
                first = first or row
                continue
            seen |= dict.fromkeys(row.cells)
            missing -= row.cells.keys()
            if not missing and (self.spec.columns.text or "text" in map(str.lower, seen)):
                break
        if first and (not seen or first.content.startswith("[{") or first.content in ("{", "[")):
            hint = f"{first.content}\n  If this is one JSON document, save it as JSONL (one object a line), or as CSV."
            raise DataError(f"this is not one object a line: {first.why}", where=first.where, hint=hint)
        return list(seen)

    def rows(self) -> Iterator[Row | Reject]:
        for number, line in enumerate(self.lines("a JSONL file"), start=1):
            if line.isspace():
                continue
            row = Row(f"{self.spec.path} line {number}", {}, line)
            try:
                cells = _decode(line)
            except ValueError as error:
                yield rejected(row, "", str(error))
            else:
                yield Row(row.where, cells, line)


def _whole(cells: dict[str, Any]) -> bool:
    try:
        json.dumps(cells, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return False
    return True
