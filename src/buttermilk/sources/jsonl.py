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
from buttermilk.sources.files import check_is_text, encoding_of, head_of, lines_of, unreadable
from buttermilk.sources.rows import SHOWN, Row, Tabular, printable, wanted

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


def _decode(line: str) -> Any:
    """What the line says. A reader four times as quick does where all is plain: as many keys as fields, so that none
    is there twice and nothing is nested, and no number that JSON has not."""
    try:
        cells = from_json(line, allow_inf_nan=False)
    except ValueError:
        return _decode_slowly(line)
    if isinstance(cells, dict) and len(_KEY.findall(line)) == len(cells):
        return cells
    return _decode_slowly(line)


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
        if first and not seen:
            raise DataError(f"not one line can be read. The first: {first.why}", where=first.where, hint=first.content)
        return list(seen)

    def rows(self) -> Iterator[Row | Reject]:
        filled = 0
        for number, line in enumerate(self._lines(), start=1):
            if line.isspace():
                continue
            filled += 1
            where = f"{self.spec.path} line {number}"
            why = ""
            try:
                cells = _decode(line)
            except json.JSONDecodeError as error:
                column = min(error.pos, len(line.rstrip())) + 1
                why = f"this is not JSON: {error.msg[0].lower()}{error.msg[1:]}, at column {column}."
            except ValueError as error:
                why = str(error)
            except RecursionError:
                why = "fields are nested too deeply."
            if not why and not isinstance(cells, dict):
                why = "this is not an object with fields, as {...} is."
            if filled == 1 and why:
                self._check_line_by_line(line)
            if not why and "\\u" in line and _HALF.search(line) and not _whole(cells):
                why = "a text holds half a surrogate pair (\\ud800 to \\udfff), which is no character."
            yield Reject(where=where, why=why, content=_cut(line)) if why else Row(where, cells, line)

    def _lines(self) -> Iterator[str]:
        path = self.path
        try:
            head = head_of(path)
        except OSError as error:
            raise unreadable(self.spec.path, error) from error
        check_is_text(head, self.spec, "a JSONL file")
        return lines_of(path, encoding_of(head, self.spec), self.spec)

    def _check_line_by_line(self, first: str) -> None:
        """One JSON document over many lines would reject every line of itself."""
        if first.strip() in ("{", "[") or first.lstrip().startswith("[{"):
            raise DataError(
                "this is one JSON document, not one object a line.",
                where=self.spec.path,
                hint="Save it as JSONL (also called NDJSON or JSON Lines), or as CSV. With the program jq:"
                f"\n    jq -c '.[]' {self.spec.path} > {self.spec.path.removesuffix('.jsonl')}-lines.jsonl",
            )


def _whole(cells: dict[str, Any]) -> bool:
    try:
        json.dumps(cells, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return False
    return True


def _cut(line: str) -> str:
    return printable(line.rstrip("\r\n"))[:SHOWN]
