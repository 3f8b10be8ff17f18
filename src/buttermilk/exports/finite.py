"""What CSV, JSONL and XLSX have no word for."""

import math
from pathlib import Path

from buttermilk.core.errors import StoreError
from buttermilk.core.values import Scalar


def checked(value: Scalar, column: str, row: int, target: Path) -> Scalar:
    """The value, unless it is NaN or infinite, for which these files have no word."""
    if isinstance(value, float) and not math.isfinite(value):
        said = f"row {row} of the table has {value} in '{column}', which this kind of file has no word for."
        raise StoreError(said, where=str(target), hint="Write a Parquet file instead. Nothing was changed.")
    return value
