"""Parquet, with pyarrow: each column has one type, found from all its values, and they are read once.

true/false, whole numbers and texts keep their kind; whole numbers among fractions become fractions; a column that
mixes kinds, or has nothing in it, is text. The rows wait in a file beside the target until their types are known, so a
million of them need no memory.
"""

import json
from contextlib import ExitStack
from itertools import islice
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Any, ClassVar

import pyarrow as pa
import pyarrow.parquet as pq

from buttermilk.core.errors import StoreError
from buttermilk.core.tables import Table
from buttermilk.core.values import Scalar
from buttermilk.documents.whole import speakable, whole

BATCH = 5_000
EXACT = 2**53  # the largest whole number that a fraction holds exactly
LARGEST = 2**63 - 1


class ParquetExport:
    suffix: ClassVar[str] = ".parquet"

    def write(self, table: Table, target: Path) -> int:
        with whole(target) as path, ExitStack() as files:
            waiting = files.enter_context(TemporaryFile("w+", encoding="ascii", dir=target.parent))
            kinds = [Kind() for _ in table.columns]
            count = 0
            rows = iter(table)
            while batch := list(islice(rows, BATCH)):
                count += len(batch)
                for row in batch:
                    for kind, value in zip(kinds, row, strict=True):
                        kind.see(value)
                waiting.write(json.dumps(batch) + "\n")
            waiting.seek(0)
            _settle(waiting, table.columns, kinds, path, target)
        return count


class Kind:
    """What a column's values have in common."""

    def __init__(self) -> None:
        self._types: set[type] = set()
        self._widest = 0

    def see(self, value: Scalar) -> None:
        if value is not None:
            self._types.add(type(value))
            if type(value) is int:
                self._widest = max(self._widest, abs(value))

    def type(self) -> Any:
        if self._types == {bool}:
            return pa.bool_()
        if self._types == {int} and self._widest <= LARGEST:
            return pa.int64()
        if self._types == {float} or (self._types == {int, float} and self._widest <= EXACT):
            return pa.float64()
        return pa.string()


def _settle(waiting: IO[str], names: tuple[str, ...], kinds: list[Kind], path: Path, target: Path) -> None:
    schema = pa.schema([(speakable(name), kind.type()) for name, kind in zip(names, kinds, strict=True)])
    try:
        with pq.ParquetWriter(path, schema, compression="zstd") as writer:
            for line in waiting:
                values = zip(*json.loads(line), strict=True)
                columns = zip(values, schema.types, strict=True)
                said = [(map(_words, each) if pa.types.is_string(kind) else each, kind) for each, kind in columns]
                arrays = [pa.array(each, kind) for each, kind in said]
                writer.write_batch(pa.record_batch(arrays, schema=schema))
    except pa.ArrowException as error:
        raise StoreError(f"it cannot be written: {error}.", where=str(target), hint="Write JSONL instead.") from error


def _words(value: Scalar) -> str | None:
    """A value of a mixed column, as JSON writes it: `true`, `1.5`, and a text as itself."""
    if value is None:
        return None
    return speakable(value) if isinstance(value, str) else json.dumps(value)
