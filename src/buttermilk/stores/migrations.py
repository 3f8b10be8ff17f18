"""How a store of an older version is brought up to date: step N leads from schema N to N + 1.

The first released schema is 1, so there is no step yet; the first change of a table adds one here and raises
`tables.SCHEMA_VERSION`. A step runs in the transaction that opens the store: whole or not at all.
"""

from collections.abc import Callable, Mapping

import sqlalchemy as sa

MIGRATIONS: Mapping[int, Callable[[sa.Connection], None]] = {}
