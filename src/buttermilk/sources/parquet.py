"""Parquet, with pyarrow: the column types are the file's. Dates become ISO text; NaN is refused by name.

No options. Rows are numbered from 1, for a Parquet table has no header row. Read a thousand rows at a time.
"""

from collections.abc import Iterator
from typing import Any, ClassVar

import pyarrow as pa
import pyarrow.parquet as pq

from buttermilk.core.errors import DataError
from buttermilk.core.records import Reject
from buttermilk.sources.files import head_of, in_words, sniff, unreadable
from buttermilk.sources.rows import Row, Tabular, header_names

BATCH = 1000
PARQUET = "application/vnd.apache.parquet"


class ParquetSource(Tabular):
    """`type: parquet`."""

    known_options: ClassVar[tuple[str, ...]] = ()

    def columns(self) -> list[str]:
        with self._open() as table:
            return header_names(table.schema_arrow.names, self.spec, 1)

    def rows(self) -> Iterator[Row | Reject]:
        names = self.columns()
        kept = [name for name in names if name not in self.spec.columns.drop]
        number = 0
        with self._open() as table:
            for batch in self._batches(table, kept):
                for cells in batch:
                    number += 1
                    yield Row(f"{self.spec.path} row {number}", cells)

    def _open(self) -> Any:
        path = self.path
        try:
            head = head_of(path)
            if sniff(head) != PARQUET:
                what = "empty" if not head else in_words(sniff(head))
                raise DataError(
                    f"this is not a Parquet table: it is {what}.",
                    where=self.spec.path,
                    hint="Save or download it again, or mend `type` and `path`.",
                )
            return pq.ParquetFile(path, buffer_size=1 << 20)
        except pa.ArrowException as error:
            raise self._broken(error) from error
        except OSError as error:
            raise unreadable(self.spec.path, error) from error

    def _batches(self, table: Any, kept: list[str]) -> Iterator[list[dict[str, Any]]]:
        try:
            for batch in table.iter_batches(batch_size=BATCH, columns=kept, use_threads=False):
                yield batch.to_pylist()
        except (pa.ArrowException, ValueError, OSError) as error:
            raise self._broken(error) from error

    def _broken(self, error: Exception) -> DataError:
        return DataError(
            f"the Parquet table cannot be read: {str(error).splitlines()[0].rstrip('.')}.",
            where=self.spec.path,
            hint="Was it saved completely? A column that cannot be read is left out with `columns: {drop: [...]}`.",
        )
