"""Opening `.buttermilk/jobs.db`: what is not ours or not understood is refused unchanged; what is old is led on."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy as sa

from buttermilk.core.errors import StoreError
from buttermilk.stores import migrations, opening, tables
from buttermilk.stores.sqlite import SqliteStore
from keeping import pairs, run

LATER = ("mode", "shown", "quotes", "cache_write_tokens", "cache_write_hour_tokens", "logprobs")  # columns of results


def made(path: Path) -> Path:
    """A store with three answers in it."""
    with closing(SqliteStore(path)) as store:
        store.begin(run())
        store.put("r1", pairs(3))
    return path


def query(path: Path, statement: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(path)) as connection:
        found = connection.execute(statement).fetchall()
        connection.commit()
    return found


def test_a_store_makes_its_folder_and_writes_ahead(tmp_path: Path) -> None:
    path = made(tmp_path / "a" / "b" / "jobs.db")
    assert query(path, "PRAGMA journal_mode") == [("wal",)]
    assert query(path, "SELECT * FROM meta") == [("schema_version", str(tables.SCHEMA_VERSION))]
    assert query(path, "PRAGMA integrity_check") == [("ok",)]


@pytest.mark.parametrize("name", ["Is this fair?", "100% #1 & more", "räksmörgås 🦋", "a;b=c'd\"", "x?mode=memory"])
def test_a_folder_may_be_called_anything(tmp_path: Path, name: str) -> None:
    path = made(tmp_path / name / "jobs.db")
    assert [item.name for item in tmp_path.iterdir()] == [name]
    for read_only in (False, True):
        with closing(SqliteStore(path, read_only=read_only)) as store:
            assert len(list(store.results("r1"))) == 3


def test_a_store_from_a_newer_version_is_refused_and_not_a_byte_is_changed(tmp_path: Path) -> None:
    path = made(tmp_path / "jobs.db")
    query(path, f"UPDATE meta SET value = '{tables.SCHEMA_VERSION + 7}'")
    query(path, "PRAGMA wal_checkpoint(TRUNCATE)")
    query(path, "PRAGMA journal_mode=DELETE")
    before = path.read_bytes()
    with pytest.raises(StoreError) as caught:
        SqliteStore(path)
    assert str(caught.value) == (
        f"{path}: the store was written by a newer buttermilk (schema {tables.SCHEMA_VERSION + 7}; this one knows "
        f"{tables.SCHEMA_VERSION}).\n  Nothing was changed. Type: pip install --upgrade buttermilk"
    )
    assert path.read_bytes() == before


def test_the_database_of_another_program_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "zotero.sqlite"
    query(path, "CREATE TABLE items (itemID INTEGER, libraryID INTEGER)")
    query(path, "CREATE TABLE collections (name TEXT)")
    before = path.read_bytes()
    with pytest.raises(StoreError, match=r"database of another program \(it has a table 'collections'"):
        SqliteStore(path)
    assert path.read_bytes() == before
    assert [item.name for item in tmp_path.iterdir()] == ["zotero.sqlite"]


@pytest.mark.parametrize(
    "content", [b"poem,label\nof inward strife,sad\n" * 40, b"SQLite format 3\x00" + b"\xff" * 5000]
)
def test_a_file_that_is_no_store_is_named_and_left_alone(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "jobs.db"
    path.write_bytes(content)
    with pytest.raises(StoreError, match="this file is not a store that can be read") as caught:
        SqliteStore(path)
    assert str(path) in str(caught.value)
    assert "store.path=" in str(caught.value)
    assert path.read_bytes() == content


def test_a_store_that_is_torn_is_said_to_be_unreadable(tmp_path: Path) -> None:
    path = made(tmp_path / "jobs.db")
    content = path.read_bytes()
    path.write_bytes(content[:4096] + b"\xff" * (len(content) - 4096))
    with pytest.raises(StoreError, match="not a store that can be read"), closing(SqliteStore(path)) as store:
        list(store.results("r1"))


def test_a_folder_where_a_file_should_be_is_an_error_with_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "jobs.db").mkdir()
    with pytest.raises(StoreError, match=r"cannot be opened or written") as caught:
        SqliteStore(tmp_path / "jobs.db")
    assert "choose another place" in str(caught.value)
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match=r"cannot be opened or written"):
        SqliteStore(tmp_path / "file" / "jobs.db")


def test_a_folder_nobody_may_write_to_is_one_clear_screen(tmp_path: Path, locked: Callable[[Path], None]) -> None:
    folder = tmp_path / "study"
    folder.mkdir()
    locked(folder)
    for path in (folder / "jobs.db", folder / "deeper" / "jobs.db"):
        with pytest.raises(StoreError, match="the store cannot be opened or written") as caught:
            SqliteStore(path)
        assert str(path) in str(caught.value)
        assert "Check the folder's permissions, or choose another place: store.path=" in str(caught.value)
    assert list(folder.iterdir()) == []


def test_answers_that_cannot_be_written_are_refused_and_the_others_stay(
    tmp_path: Path, locked: Callable[[Path], None]
) -> None:
    path = made(tmp_path / "study" / "jobs.db")
    before = path.read_bytes()
    locked(path.parent)
    with pytest.raises(StoreError, match="the store cannot be opened or written"):
        SqliteStore(path).put("r2", pairs(1))
    assert path.read_bytes() == before


def test_a_reader_changes_nothing(tmp_path: Path) -> None:
    path = made(tmp_path / "jobs.db")
    before = path.read_bytes()
    with closing(SqliteStore(path, read_only=True)) as store:
        assert len(list(store.results("r1"))) == 3
        with pytest.raises(StoreError, match="readonly"):
            store.put("r2", pairs(1))
    assert path.read_bytes() == before
    with pytest.raises(StoreError, match="cannot be opened"):
        SqliteStore(tmp_path / "absent.db", read_only=True)
    assert not (tmp_path / "absent.db").exists()


# ---- migrations


def widen(connection: sa.Connection) -> None:
    connection.execute(sa.text("CREATE TABLE ratings (job_id TEXT)"))
    connection.execute(sa.text("ALTER TABLE runs ADD COLUMN place TEXT NOT NULL DEFAULT 'here'"))
    connection.execute(sa.text("INSERT INTO ratings SELECT job_id FROM results"))


def break_off(connection: sa.Connection) -> None:
    connection.execute(sa.text("ALTER TABLE runs ADD COLUMN colour TEXT"))
    connection.execute(sa.text("DELETE FROM results"))
    connection.execute(sa.text("INSERT INTO nowhere VALUES (1)"))


def raise_to(monkeypatch: pytest.MonkeyPatch, *steps: Callable[[sa.Connection], None]) -> None:
    first = tables.SCHEMA_VERSION
    monkeypatch.setattr(opening, "MIGRATIONS", dict(enumerate(steps, first)))
    monkeypatch.setattr(tables, "SCHEMA_VERSION", first + len(steps))


def test_every_older_version_has_its_step() -> None:
    assert set(migrations.MIGRATIONS) == set(range(1, tables.SCHEMA_VERSION))


def test_an_older_store_is_led_step_by_step_to_this_version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, version = made(tmp_path / "jobs.db"), tables.SCHEMA_VERSION
    order: list[int] = []

    def second(connection: sa.Connection) -> None:
        order.append(len(connection.execute(sa.text("SELECT * FROM ratings")).all()))

    raise_to(monkeypatch, widen, second)
    for _ in range(2):
        with closing(SqliteStore(path)) as store:
            assert len(list(store.results("r1"))) == 3
    assert order == [3]
    assert query(path, "SELECT value FROM meta") == [(str(version + 2),)]
    assert query(path, "SELECT place FROM runs") == [("here",)]


def test_a_store_of_the_first_version_keeps_its_answers_and_takes_new_ones(tmp_path: Path) -> None:
    path = made(tmp_path / "jobs.db")
    with closing(SqliteStore(path)) as store:
        store.put("r1", pairs(3))
        before = {row["job_id"]: row["answers"] for row in store.results("r1")}
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(
            "DROP TABLE batches; DROP TABLE papers;"
            + "".join(f"ALTER TABLE results DROP COLUMN {name};" for name in LATER)
            + "UPDATE meta SET value = '1' WHERE key = 'schema_version'"
        )
    with closing(SqliteStore(path)) as store:
        rows = {row["job_id"]: row for row in store.results("r1")}
        assert {job_id: row["answers"] for job_id, row in rows.items()} == before
        assert {(row["mode"], row["shown"]) for row in rows.values()} == {("live", "")}
        assert [(row["cache_write_tokens"], row["logprobs"]) for row in rows.values()] == [(0, {})] * 3
        store.put("r1", pairs(2, step="later"))
        assert len(list(store.results("r1"))) == 5
        assert store.batches("r1") == []


def test_a_store_from_before_quotes_were_checked_keeps_its_answers_and_says_nothing_of_quotes(tmp_path: Path) -> None:
    path = made(tmp_path / "jobs.db")
    with closing(sqlite3.connect(path)) as connection:
        dropped = "DROP TABLE papers;" + "".join(f"ALTER TABLE results DROP COLUMN {name};" for name in LATER[2:])
        connection.executescript(f"{dropped} UPDATE meta SET value = '2'")
    with closing(SqliteStore(path)) as store:
        before = {row["job_id"]: row["quotes"] for row in store.results("r1")}
        assert list(before.values()) == [{}, {}, {}]
        (found,) = store.attempts(min(before))
        assert found.quotes == {}
        job, result = pairs(1, step="later")[0]
        store.put("r1", [(job, result.model_copy(update={"quotes": {"words.1": "near"}}))])
        assert {row["job_id"]: row["quotes"] for row in store.results("r1")} == {
            **before,
            job.job_id: {"words.1": "near"},
        }
        assert store.attempts(job.job_id)[0].quotes == {"words.1": "near"}


def test_a_new_store_needs_no_migration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    raise_to(monkeypatch, break_off)
    made(tmp_path / "jobs.db")
    assert query(tmp_path / "jobs.db", "SELECT value FROM meta") == [(str(tables.SCHEMA_VERSION),)]


def test_a_migration_that_fails_leaves_the_store_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = made(tmp_path / "jobs.db")
    shape = query(path, "SELECT sql FROM sqlite_master ORDER BY name")
    with monkeypatch.context() as context:
        raise_to(context, widen, break_off)
        with pytest.raises(StoreError, match="nowhere"):
            SqliteStore(path)
    assert query(path, "SELECT sql FROM sqlite_master ORDER BY name") == shape
    assert query(path, "SELECT value FROM meta") == [(str(tables.SCHEMA_VERSION),)]
    with closing(SqliteStore(path)) as store:
        assert len(list(store.results("r1"))) == 3


def test_a_reader_does_not_lead_an_older_store_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = made(tmp_path / "jobs.db")
    before = path.read_bytes()
    raise_to(monkeypatch, widen)
    with pytest.raises(StoreError, match="written by an older buttermilk"):
        SqliteStore(path, read_only=True)
    assert path.read_bytes() == before


# ---- long texts


def test_a_style_guide_that_672_calls_sent_is_stored_once(tmp_path: Path) -> None:
    path = tmp_path / "jobs.db"
    made_of = pairs(672)
    guide = made_of[0][1].sent.texts[0]  # type: ignore[union-attr]
    with closing(SqliteStore(path)) as store:
        for start in range(0, 672, 96):
            store.put("r1", made_of[start : start + 96])
    assert query(path, "SELECT count(*), count(DISTINCT sent) FROM results") == [(672, 1)]
    # The guide as it was sent, and within the perspective; the skeleton, the agent, the prompt and the codebook.
    assert query(path, "SELECT count(*) FROM bodies") == [(6,)]
    assert query(path, f"SELECT count(*) FROM bodies WHERE length(body) >= {len(guide)}") == [(2,)]
    assert path.stat().st_size < 672 * 1_500 < 672 * len(guide) / 6
