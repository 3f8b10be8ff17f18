"""The default store: one SQLite file in WAL mode, `.buttermilk/jobs.db`.

One writer, any number of readers in other processes; `synchronous=FULL`, for an answer was paid for. A store from a
newer version is refused; an older one is brought up to date when it is opened.
"""

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from itertools import chain
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from buttermilk.core.errors import StoreError
from buttermilk.core.hashing import digest, fingerprint_all
from buttermilk.core.jobs import Answer, Cell, Event, Job, Result, Run, Stored
from buttermilk.core.records import Dataset, DatasetSpec, Record, RecordRef, Reject
from buttermilk.stores import rows, tables
from buttermilk.stores.census import Census, no_records
from buttermilk.stores.complaints import complaint
from buttermilk.stores.migrations import MIGRATIONS

BLOCKS = (256, 64, 16, 4, 1)  # rows a statement: few shapes, so that each is prepared once
CHUNK = 500  # rows a statement or a read takes at a time

RESULTS = (Path(__file__).parent / "results.sql").read_text(encoding="utf-8")
ANSWERS = (Path(__file__).parent / "answers.sql").read_text(encoding="utf-8")
COUNTS = (Path(__file__).parent / "counts.sql").read_text(encoding="utf-8")
RUN_COLUMNS = ("state", "why", "control", "started_at", "ended_at", "heartbeat_at", "progress", "machine", "pid")


@cache
def _insert(table: sa.Table, count: int) -> str:
    """`INSERT INTO t VALUES (?, …), (?, …) ON CONFLICT DO NOTHING` for so many rows."""
    row = f"({', '.join('?' * len(table.columns))})"
    return f"INSERT INTO {table.name} VALUES {', '.join([row] * count)} ON CONFLICT DO NOTHING"  # noqa: S608


class SqliteStore:
    """`SqliteStore(Path(".buttermilk/jobs.db"))`. See `core.contracts.Store` for what each method promises."""

    def __init__(self, path: Path, *, read_only: bool = False) -> None:
        self.path = path
        self.where = str(path)
        self._cells = rows.CellRows()
        self._seen: set[str] = set()  # cells, shared bodies and records known to be stored
        with self._translated():
            if not read_only:
                path.parent.mkdir(parents=True, exist_ok=True)
            self._engine = sa.create_engine(f"sqlite:///{path}", connect_args={"timeout": 60})
            sa.event.listen(self._engine, "connect", _pragmas)
            self._upgrade()

    # ---- opening

    def _upgrade(self) -> None:
        with self._engine.begin() as connection:
            version = _version(connection)
            if version > tables.SCHEMA_VERSION:
                raise StoreError(
                    f"the store was written by a newer buttermilk (schema {version}; "
                    f"this one knows {tables.SCHEMA_VERSION}).",
                    where=self.where,
                    hint="Nothing was changed. Type: pip install --upgrade buttermilk",
                )
            if version == tables.SCHEMA_VERSION:
                return
            if version == 0:
                tables.metadata.create_all(connection)
            for number in range(max(version, 1), tables.SCHEMA_VERSION):
                MIGRATIONS[number](connection)
            connection.execute(sa.delete(tables.meta).where(tables.meta.c.key == "schema_version"))
            connection.execute(sa.insert(tables.meta).values(key="schema_version", value=str(tables.SCHEMA_VERSION)))

    def close(self) -> None:
        self._engine.dispose()

    @contextmanager
    def _translated(self) -> Iterator[None]:
        """SQLite's errors in words, with what to do."""
        try:
            yield
        except sa.exc.DBAPIError as error:
            raise complaint(str(error.orig), self.where) from error
        except (OSError, sqlite3.Error) as error:
            raise complaint(str(error), self.where) from error

    @contextmanager
    def _connect(self, *, write: bool = False) -> Iterator[sa.Connection]:
        with self._translated(), self._engine.begin() if write else self._engine.connect() as connection:
            yield connection

    def _add(self, connection: sa.Connection, table: sa.Table, values: Sequence[rows.Row]) -> None:
        """Many rows a statement: Python's sqlite3 gives up the interpreter lock at each statement and must win it back
        from a busy event loop, so that row by row a group of sixty took a second."""
        start = 0
        for count in BLOCKS:
            while len(values) - start >= count:
                given = tuple(chain.from_iterable(values[start : start + count]))
                connection.exec_driver_sql(_insert(table, count), given)
                start += count

    # ---- answers

    def put(self, run_id: str, pairs: Sequence[tuple[Job, Result]]) -> None:
        bodies, cell_rows, record_rows, fresh = rows.Bodies(), [], [], set()
        for job, _ in pairs:
            if job.cell.key not in self._seen and job.cell.key not in fresh:
                row, named = self._cells.of(job)
                cell_rows.append(row)
                bodies.rows.update(named)
                fresh.add(job.cell.key)
            key = job.record.record_hash
            if key not in self._seen and key not in fresh:
                record_rows.append((key, job.record.model_dump_json()))
                fresh.add(key)
        job_rows = {job.job_id: rows.job_row(job, bodies) for job, _ in pairs}
        result_rows = [rows.result_row(result, bodies) for _, result in pairs]
        with self._connect(write=True) as connection:
            self._add(connection, tables.bodies, list(bodies.rows.values()))
            self._add(connection, tables.records, record_rows)
            self._add(connection, tables.cells, cell_rows)
            self._add(connection, tables.jobs, list(job_rows.values()))
            self._add(connection, tables.results, result_rows)
            self._add(connection, tables.run_jobs, [(run_id, job_id) for job_id in job_rows])
        self._remember(fresh)

    def _remember(self, keys: Iterable[str]) -> None:
        """Bounded: forgetting costs an insert that does nothing."""
        if len(self._seen) > 20_000:
            self._seen.clear()
        self._seen.update(keys)

    def adopt(self, run_id: str, job_ids: Sequence[str]) -> None:
        with self._connect(write=True) as connection:
            self._add(connection, tables.run_jobs, [(run_id, job_id) for job_id in job_ids])

    def replace(self, run_id: str, step: str, record_ids: Sequence[str], job_ids: Sequence[str]) -> None:
        jobs, cells, members = tables.jobs.c, tables.cells.c, tables.run_jobs.c
        inner = sa.join(tables.jobs, tables.cells, jobs.cell == cells.cell)
        stale = sa.select(jobs.job_id).select_from(inner).where(cells.step == step, jobs.record_id.in_(record_ids))
        with self._connect(write=True) as connection:
            statement = sa.delete(tables.run_jobs).where(members.run_id == run_id, members.job_id.in_(stale))
            connection.execute(statement.where(members.job_id.not_in(job_ids)))

    def done(self, job_ids: Sequence[str]) -> dict[str, Stored]:
        found: dict[str, Stored] = {}
        results, runs = tables.results.c, tables.runs.c
        joined = sa.outerjoin(tables.results, tables.runs, results.run_id == runs.run_id)
        columns = (results.job_id, results.status, results.attempt, runs.flow)
        statement = sa.select(*columns).select_from(joined).order_by(results.job_id, results.attempt)
        with self._connect() as connection:
            for chunk in rows.chunks(job_ids, CHUNK):
                found_rows = connection.execute(statement.where(results.job_id.in_(chunk)))
                for job_id, status, attempt, flow in found_rows:  # in order: the last attempt is what counts
                    found[job_id] = Stored(status, attempt, flow or "")
        return found

    def results(self, run_id: str, step: str | None = None) -> Iterator[dict[str, Any]]:
        with self._connect() as connection:
            streamed = connection.execution_options(yield_per=CHUNK)
            for row in streamed.execute(sa.text(RESULTS), {"run": run_id, "step": step}).mappings():
                yield rows.flat(dict(row))

    def answers(self, run_id: str, step: str, record_ids: Sequence[str]) -> dict[str, tuple[Answer, ...]]:
        found: dict[str, list[Answer]] = {}
        statement = sa.text(ANSWERS).bindparams(sa.bindparam("records", expanding=True))
        with self._connect() as connection:
            for chunk in rows.chunks(record_ids, CHUNK):
                given = {"run": run_id, "step": step, "records": chunk}
                for row in connection.execute(statement, given).mappings():
                    found.setdefault(row["record_id"], []).append(rows.answer_from(dict(row)))
        return {record_id: tuple(items) for record_id, items in found.items()}

    def counts(self, run_id: str) -> dict[tuple[str, str, str], int]:
        with self._connect() as connection:
            found = connection.execute(sa.text(COUNTS), {"run": run_id})
            return {(step, agent, status): count for step, agent, status, count in found}

    def spent(self, run_id: str) -> tuple[float, int]:
        columns, members = tables.results.c, tables.run_jobs.c
        tokens = sa.func.sum(columns.input_tokens + columns.output_tokens)
        joined = sa.join(tables.run_jobs, tables.results, members.job_id == columns.job_id)
        ours = sa.and_(members.run_id == run_id, columns.run_id == run_id)
        statement = sa.select(sa.func.sum(columns.cost), tokens).select_from(joined).where(ours)
        with self._connect() as connection:
            money, count = connection.execute(statement).one()
        return float(money or 0.0), int(count or 0)

    def job(self, job_id: str) -> Job | None:
        joined = sa.join(tables.jobs, tables.cells, tables.jobs.c.cell == tables.cells.c.cell)
        statement = sa.select(tables.jobs, tables.cells).select_from(joined).where(tables.jobs.c.job_id == job_id)
        with self._connect() as connection:
            row = connection.execute(statement).mappings().first()
            if row is None:
                return None
            names = ("agent_body", "prompt_body", "perspective_body", "codebook_body", "inputs")
            bodies = self._bodies(connection, [row[name] for name in names])
        record = self.records([row["record_hash"]])[row["record_hash"]]
        return rows.job_from(dict(row), bodies, record)

    def attempts(self, job_id: str) -> list[Result]:
        columns = tables.results.c
        statement = sa.select(tables.results).where(columns.job_id == job_id).order_by(columns.attempt)
        with self._connect() as connection:
            found = [dict(row) for row in connection.execute(statement).mappings()]
            bodies = self._bodies(connection, [key for row in found for key in rows.bodies_named(row)])
        return [rows.result_from(row, bodies) for row in found]

    def matching(self, prefix: str, limit: int = 5) -> list[str]:
        """Job ids that begin so: people type the first few digits."""
        columns = tables.jobs.c
        statement = sa.select(columns.job_id).where(columns.job_id.startswith(prefix, autoescape=True)).limit(limit)
        with self._connect() as connection:
            return list(connection.execute(statement).scalars())

    def _bodies(self, connection: sa.Connection, keys: Iterable[str]) -> dict[str, str]:
        columns, found = tables.bodies.c, {}
        for chunk in rows.chunks({key for key in keys if key}, CHUNK):
            statement = sa.select(columns.hash, columns.body).where(columns.hash.in_(chunk))
            found.update(dict(connection.execute(statement).tuples().all()))
        return found

    def similar(self, step: str, record_ids: Sequence[str]) -> Iterator[tuple[Cell, str, str, int]]:
        known: dict[str, Cell] = {}
        jobs, cells = tables.jobs.c, tables.cells.c
        joined = sa.join(tables.jobs, tables.cells, jobs.cell == cells.cell)
        names = [cells[name] for name in Cell.model_fields]
        base = sa.select(jobs.cell, jobs.record_id, jobs.seen_hash, jobs.repeat, *names).select_from(joined)
        with self._connect() as connection:
            for chunk in rows.chunks(record_ids, CHUNK):
                found = connection.execute(base.where(cells.step == step, jobs.record_id.in_(chunk)))
                for key, record_id, seen_hash, repeat, *values in found:
                    if key not in known:
                        known[key] = Cell(**dict(zip(Cell.model_fields, values, strict=True)))
                    yield known[key], record_id, seen_hash, repeat

    # ---- datasets

    def keep_dataset(self, source_fingerprint: str, spec: DatasetSpec, records: Iterable[Record | Reject]) -> Dataset:
        census = Census(spec)
        with self._connect(write=True) as connection:
            connection.execute(sa.delete(tables.items).where(tables.items.c.source == source_fingerprint))
        hashes = self._keep_records(source_fingerprint, spec, census, records)
        dataset = census.dataset(fingerprint_all(hashes))
        if not dataset.records:
            raise no_records(dataset)
        row = (source_fingerprint, dataset.fingerprint, dataset.model_dump_json(), rows.now())
        with self._connect(write=True) as connection:
            self._add(connection, tables.datasets, [row])
        return dataset

    def _keep_records(
        self, source: str, spec: DatasetSpec, census: Census, found: Iterable[Record | Reject]
    ) -> Iterator[str]:
        """Store record after record, a chunk a transaction, and say the hash of each."""
        position = 0
        for chunk in rows.chunks(census.records(found), CHUNK):
            kept, placed = [], []
            for record in chunk:
                body = record.model_dump_json()
                key = digest(body)
                kept.append((key, body))
                placed.append((source, position, record.record_id, key, record.seen_hash(spec.sent)))
                position += 1
            with self._connect(write=True) as connection:
                self._add(connection, tables.records, kept)
                self._add(connection, tables.items, placed)
            yield from (row[3] + row[4] for row in placed)

    def dataset(self, source_fingerprint: str) -> Dataset | None:
        statement = sa.select(tables.datasets.c.body).where(tables.datasets.c.source == source_fingerprint)
        with self._connect() as connection:
            body = connection.execute(statement).scalar()
        return Dataset.model_validate_json(body) if body else None

    def refs(self, dataset: str) -> Iterator[list[RecordRef]]:
        columns = tables.items.c
        with self._connect() as connection:
            where = tables.datasets.c.fingerprint == dataset
            source = connection.execute(sa.select(tables.datasets.c.source).where(where).limit(1)).scalar()
        last = -1
        fields = (columns.record_id, columns.record_hash, columns.seen_hash, columns.position)
        statement = sa.select(*fields).where(columns.source == source).order_by(columns.position).limit(CHUNK)
        while True:
            with self._connect() as connection:
                found = connection.execute(statement.where(columns.position > last)).all()
            if not found:
                return
            last = found[-1].position
            yield [RecordRef(*row[:3]) for row in found]

    def records(self, record_hashes: Sequence[str]) -> dict[str, Record]:
        columns, found = tables.records.c, dict[str, Record]()
        with self._connect() as connection:
            for chunk in rows.chunks(record_hashes, CHUNK):
                statement = sa.select(columns.record_hash, columns.body).where(columns.record_hash.in_(chunk))
                found.update((key, rows.record_from(key, body)) for key, body in connection.execute(statement).all())
        self._remember(found)
        return found

    # ---- runs

    def begin(self, run: Run) -> None:
        given = json.loads(run.model_dump_json())
        values = {name: given[name] for name in RUN_COLUMNS}
        values |= {"progress": json.dumps(given["progress"]), "planned": run.planned}
        with self._connect(write=True) as connection:
            statement = sa.insert(tables.runs)
            connection.execute(
                statement.values(
                    run_id=run.run_id, spec_hash=run.spec_hash, flow=run.flow, body=run.model_dump_json(), **values
                )
            )

    def update(self, run_id: str, changes: Mapping[str, Any]) -> None:
        values = dict(changes)
        if "progress" in values:
            values["progress"] = json.dumps(values["progress"])
        for name in ("started_at", "ended_at", "heartbeat_at"):
            if values.get(name) is not None:
                values[name] = values[name].isoformat()
        with self._connect(write=True) as connection:
            connection.execute(sa.update(tables.runs).where(tables.runs.c.run_id == run_id).values(**values))

    def run(self, run_id: str) -> Run | None:
        return next(iter(self._runs(tables.runs.c.run_id == run_id)), None)

    def runs(self) -> list[Run]:
        return self._runs(sa.true())

    def _runs(self, condition: sa.ColumnElement[bool]) -> list[Run]:
        statement = sa.select(tables.runs).where(condition).order_by(tables.runs.c.started_at, tables.runs.c.run_id)
        with self._connect() as connection:
            found = [dict(row) for row in connection.execute(statement).mappings()]
        return [_run_from(row) for row in found]

    def log(self, run_id: str, events: Sequence[Event]) -> None:
        values = [
            {"run_id": run_id, "at": event.at.isoformat(), "kind": event.kind, "fields": json.dumps(dict(event.fields))}
            for event in events
        ]
        with self._connect(write=True) as connection:
            connection.execute(sa.insert(tables.events), values)

    def events(self, run_id: str) -> list[Event]:
        columns = tables.events.c
        statement = sa.select(columns.at, columns.kind, columns.fields).where(columns.run_id == run_id)
        with self._connect() as connection:
            found = connection.execute(statement.order_by(columns.id)).all()
        return [Event(at=row.at, kind=row.kind, fields=json.loads(row.fields)) for row in found]


def _run_from(row: Mapping[str, Any]) -> Run:
    changed = {name: row[name] for name in (*RUN_COLUMNS, "planned")} | {"progress": json.loads(row["progress"])}
    return Run.model_validate(json.loads(row["body"]) | changed)


def _pragmas(connection: sqlite3.Connection, _record: object) -> None:
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "temp_store=MEMORY"):
        connection.execute(f"PRAGMA {pragma}")


def _version(connection: sa.Connection) -> int:
    if not sa.inspect(connection).has_table("meta"):
        return 0
    value = connection.execute(sa.select(tables.meta.c.value).where(tables.meta.c.key == "schema_version")).scalar()
    return int(value or 0)
