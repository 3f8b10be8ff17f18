"""Opening a store's file: nothing is changed before it is known to be ours and of a version that is understood."""

import sqlite3
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote

import sqlalchemy as sa

from buttermilk.core.errors import StoreError
from buttermilk.stores import tables
from buttermilk.stores.migrations import MIGRATIONS

WRITES: Mapping[str, bool] = {"buttermilk_writes": True}
PATIENCE_SECONDS = 60
PAGE_BYTES = 8192  # of a new store: three answers a page, where half of a smaller one would stay empty
CACHE_KILOBYTES = 16_000  # ids are random, so every index is written all over: it should be at hand


def written(name: str) -> str:
    """A statement that lies beside this file."""
    return (Path(__file__).parent / f"{name}.sql").read_text(encoding="utf-8")


def connected(path: Path, *, read_only: bool = False) -> sa.Engine:
    """An engine whose transactions are SQLite's own: Python's sqlite3 would begin none before a CREATE or an ALTER."""
    # Given in parts: in one text, a folder called "Is this fair?" would end at its question mark.
    address = sa.URL.create("sqlite", database=str(path))
    if read_only:
        uri = f"file:{quote(str(path.absolute()))}"
        address = sa.URL.create("sqlite", database=uri, query={"mode": "ro", "uri": "true"})
    engine = sa.create_engine(address, connect_args={"timeout": PATIENCE_SECONDS})
    sa.event.listen(engine, "connect", _made)
    sa.event.listen(engine, "begin", _begun)
    return engine


def _made(connection: sqlite3.Connection, _record: object) -> None:
    connection.isolation_level = None
    sizes = f"cache_size=-{CACHE_KILOBYTES}", f"page_size={PAGE_BYTES}"
    for pragma in ("synchronous=FULL", "temp_store=MEMORY", *sizes):
        connection.execute(f"PRAGMA {pragma}")


def _begun(connection: sa.Connection) -> None:
    """A writer waits for its turn at once; one that read first would be turned away instead of waiting."""
    writes = connection.get_execution_options().get("buttermilk_writes")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def bring_up_to_date(engine: sa.Engine, where: str, *, read_only: bool = False) -> None:
    """Make a new store, or lead an old one to this version, whole or not at all. Raises StoreError for a newer one."""
    with engine.connect() as connection:
        current = _is_current(connection, where)
    if read_only and not current:
        hint = "Open it once where it can be written, with any command; then it can be read here."
        raise StoreError("the store was written by an older buttermilk.", where=where, hint=hint)
    if not current:
        with engine.execution_options(**WRITES).begin() as connection:
            if not _is_current(connection, where):  # another process may have come first
                _lead(connection)
    if not read_only:
        _write_ahead(engine)


def _is_current(connection: sa.Connection, where: str) -> bool:
    version = _version(connection)
    if version > tables.SCHEMA_VERSION:
        said = (
            f"the store was written by a newer buttermilk (schema {version}; this one knows {tables.SCHEMA_VERSION})."
        )
        raise StoreError(said, where=where, hint="Nothing was changed. Type: pip install --upgrade buttermilk")
    if version == 0 and (foreign := set(sa.inspect(connection).get_table_names()) - set(tables.metadata.tables)):
        said = f"this file is the database of another program (it has a table '{min(foreign)}')."
        raise StoreError(said, where=where, hint="Nothing was changed. Choose another place: store.path=FOLDER/jobs.db")
    return version == tables.SCHEMA_VERSION


def _lead(connection: sa.Connection) -> None:
    version = _version(connection)
    if version == 0:
        tables.metadata.create_all(connection)
    else:
        for number in range(version, tables.SCHEMA_VERSION):
            MIGRATIONS[number](connection)
    connection.execute(sa.delete(tables.meta).where(tables.meta.c.key == "schema_version"))
    connection.execute(sa.insert(tables.meta).values(key="schema_version", value=str(tables.SCHEMA_VERSION)))


def _version(connection: sa.Connection) -> int:
    """0 where there is no store yet."""
    if not sa.inspect(connection).has_table("meta"):
        return 0
    value = connection.execute(sa.select(tables.meta.c.value).where(tables.meta.c.key == "schema_version")).scalar()
    return int(value or 0)


def _write_ahead(engine: sa.Engine) -> None:
    """WAL, so that others read while one writes. It is a property of the file, and cannot be set in a transaction."""
    raw = engine.raw_connection()
    try:
        raw.cursor().execute("PRAGMA journal_mode=WAL")
    finally:
        raw.close()
