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


MIGRATIONS: Mapping[int, Callable[[sa.Connection], None]] = {1: _batches}
