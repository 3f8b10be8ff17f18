"""A table that may be longer than memory: column names, and rows that are read once."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from buttermilk.core.values import Scalar


@dataclass(frozen=True)
class Table:
    """Rows are tuples of text, numbers, true/false or None, in the order of `columns`. Iterating uses them up."""

    columns: tuple[str, ...]
    rows: Iterable[tuple[Scalar, ...]]

    def __iter__(self) -> Iterator[tuple[Scalar, ...]]:
        return iter(self.rows)

    def dicts(self) -> Iterator[dict[str, Any]]:
        for row in self.rows:
            yield dict(zip(self.columns, row, strict=True))
