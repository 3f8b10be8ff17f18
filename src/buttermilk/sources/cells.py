"""From a cell of a table to text, metadata or a label: nothing is rounded, guessed or made up on the way.

What cannot be carried raises DataError with the column in `where`; `rows.py` makes it the row's Reject.
"""

import math
from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from buttermilk.core.errors import DataError
from buttermilk.core.values import Json

EXACT = 10**15  # beyond fifteen digits a spreadsheet, or a column of floats, has rounded

Cells = Mapping[str, Any]


def is_blank(value: Any) -> bool:
    return value is None or (isinstance(value, str) and not value.strip())


def as_text(column: str, value: Any) -> str:
    """A cell as text, as it is; a whole number as its digits. An empty cell is ""."""
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal | date | time | UUID):
        raise DataError(f"this is {_kind(value)}, not text.", where=column)
    if isinstance(value, int | float):
        return _digits(column, value)
    return value.isoformat() if isinstance(value, date | time) else str(value)


def as_prose(column: str, value: Any) -> str:
    """The text that is asked about. A date is none: a spreadsheet made it of what somebody typed."""
    if isinstance(value, date | time):
        raise DataError(
            f"the spreadsheet holds a date ({value.isoformat()}), not text: what was typed there is not known."
            " Format the column as text and type it again.",
            where=column,
        )
    return as_text(column, value)


def as_metadata(column: str, value: Any) -> Json:
    """Numbers, true/false and null as they are; dates as ISO text; lists and objects with all they hold."""
    if value is None or isinstance(value, str | int):
        return value
    if isinstance(value, float):
        return _finite(column, value)
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, Decimal | timedelta | UUID):
        return str(value)
    if isinstance(value, list | tuple):
        return [as_metadata(column, item) for item in value]
    if isinstance(value, Mapping):
        return {str(name): as_metadata(column, item) for name, item in value.items()}
    raise DataError(
        f"this is {_kind(value)}, which cannot be kept. Leave it out with `columns: {{drop: [...]}}`.", where=column
    )


def as_label(column: str, value: Any) -> str | int | float | bool | None:
    """What a coder answered, on the type that the file gives it; an empty cell is no label."""
    if is_blank(value):
        return None
    label = as_metadata(column, value)
    if isinstance(label, str | int | float):
        return label
    raise DataError(f"a label is one word or one number, not {_kind(value)}.", where=column)


def _finite(column: str, value: float) -> float:
    if math.isfinite(value):
        return value
    raise DataError(
        f"this is {value} (not a number). An unknown value is an empty cell;"
        " or leave the column out with `columns: {drop: [...]}`.",
        where=column,
    )


def _digits(column: str, value: int | float) -> str:
    if isinstance(value, int):
        return str(value)
    if not _finite(column, value).is_integer():
        return repr(value)
    if abs(value) < EXACT:
        return str(int(value))
    raise DataError(
        f"this number has more than 15 digits ({value:.0f}), and a spreadsheet rounds those: the last ones are lost."
        " Take it again from where it came, into a column formatted as text.",
        where=column,
    )


def _kind(value: Any) -> str:
    names: tuple[tuple[type | tuple[type, ...], str], ...] = (
        (bool, "true or false"),
        (str, "text"),
        ((int, float), "a number"),
        ((date, datetime, time, timedelta), "a date or time"),
        ((list, tuple), "a list"),
        (Mapping, "an object with fields"),
        ((bytes, bytearray), "raw bytes"),
    )
    return next((name for kinds, name in names if isinstance(value, kinds)), f"a {type(value).__name__}")
