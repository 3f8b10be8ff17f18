"""Parquet, with pyarrow: the column types are the file's. Dates become ISO text; NaN is refused by name.

No options. Rows are numbered from 1, for a Parquet table has no header row. Read a thousand rows at a time.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, ClassVar

import pyarrow as pa
import pyarrow.parquet as pq

from buttermilk.core.errors import DataError
from buttermilk.core.records import Reject
from buttermilk.sources.files import check_kind
from buttermilk.sources.rows import Row, Tabular, header_names

BATCH = 1000


class ParquetSource(Tabular):
    """`type: parquet`."""

    known_options: ClassVar[tuple[str, ...]] = ()

    def columns(self) -> list[str]:
        with self._open() as table:
            return header_names(table.schema_arrow.names, self.spec, 1)

    def rows(self) -> Iterator[Row | Reject]:
        kept = [name for name in self.columns() if name not in self.spec.columns.drop]
        number = 0
        with self._open() as table:
            for batch in table.iter_batches(batch_size=BATCH, columns=kept, use_threads=False):
                for cells in batch.to_pylist():
                    number += 1
                    yield Row(f"{self.spec.path} row {number}", cells)

    @contextmanager
    def _open(self) -> Iterator[Any]:
        check_kind(self.path, self.spec, "a Parquet table", "application/vnd.apache.parquet")
        try:
            with pq.ParquetFile(self.path, buffer_size=1 << 20) as table:
                yield table
        except (pa.ArrowException, ValueError, OSError) as error:
            hint = "Was it saved completely? A column that cannot be read is left out with `columns: {drop: [...]}`."
            said = f"the Parquet table cannot be read: {str(error).splitlines()[0].rstrip('.')}."
            raise DataError(said, where=self.spec.path, hint=hint) from error
