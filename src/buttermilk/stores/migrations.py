"""How a store of an older version is brought up to date: step N leads from schema N to N + 1.

A change of a table adds a step here and raises `tables.SCHEMA_VERSION`. A step runs in the transaction that opens the
store: whole or not at all.
"""

from collections.abc import Callable, Mapping

import sqlalchemy as sa

from buttermilk.stores import tables


def _batches(connection: sa.Connection) -> None:
    """Answers may come in batches, and say so; and say what was seen."""
    connection.execute(sa.text("ALTER TABLE results ADD COLUMN mode TEXT NOT NULL DEFAULT 'live'"))
    connection.execute(sa.text("ALTER TABLE results ADD COLUMN shown TEXT NOT NULL DEFAULT ''"))
    tables.batches.create(connection)


def _finer_counts(connection: sa.Connection) -> None:
    """Passages that were to be copied from the record have a verdict each; what was written to a cache is counted, and
    how probable a model held its answers."""
    text, count = "TEXT NOT NULL DEFAULT ''", "INTEGER NOT NULL DEFAULT 0"
    fresh = {"quotes": text, "cache_write_tokens": count, "cache_write_hour_tokens": count, "logprobs": text}
    for name, kind in fresh.items():  # in the order of `tables.results`: a row is inserted by place
        connection.execute(sa.text(f"ALTER TABLE results ADD COLUMN {name} {kind}"))


MIGRATIONS: Mapping[int, Callable[[sa.Connection], None]] = {1: _batches, 2: _finer_counts, 3: tables.papers.create}
