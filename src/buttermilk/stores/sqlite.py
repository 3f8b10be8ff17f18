"""The default store: one SQLite file in WAL mode, `.buttermilk/jobs.db`.

One writer, any number of readers in other processes; `synchronous=FULL`, for an answer was paid for. A store from a
newer version is refused; an older one is brought up to date when it is opened.
"""

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import Any, TypeVar

import sqlalchemy as sa

from buttermilk.core.errors import DataError, StoreError
from buttermilk.core.flows import Agent, Citable, CitableKind
from buttermilk.core.hashing import digest, fingerprint_all
from buttermilk.core.jobs import Answer, Batch, Cell, Event, Given, Job, Result, Run, Stored, Use
from buttermilk.core.people import Paper
from buttermilk.core.records import Dataset, DatasetSpec, Record, RecordRef, Reject
from buttermilk.core.waves import Returned
from buttermilk.stores import reading, rows, tables
from buttermilk.stores.census import Census, no_records
from buttermilk.stores.complaints import complaint
from buttermilk.stores.opening import WRITES, bring_up_to_date, connected, written

P = TypeVar("P", bound=Paper)
BLOCKS = (256, 64, 16, 4, 1)  # rows a statement: few shapes, so that each is prepared once
CHUNK = 500  # rows a statement or a read takes at a time

DONE = written("done")
REFS = (
    "SELECT record_id, record_hash, seen_hash, position FROM items "
    "WHERE source = ? AND position > ? ORDER BY position LIMIT ?"
)
RECORDS = "SELECT record_hash, body FROM records WHERE record_hash IN (SELECT value FROM json_each(?))"


def _fetched(connection: sa.Connection, sql: str, given: tuple[Any, ...]) -> list[tuple[Any, ...]]:
    """Plain tuples of a hot read: a plan asks these three questions for every job."""
    cursor = connection.exec_driver_sql(sql, given).cursor
    return list(cursor.fetchall()) if cursor is not None else []


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
            self._engine = connected(path, read_only=read_only)
            self._writing = self._engine.execution_options(**WRITES)
            bring_up_to_date(self._engine, self.where, read_only=read_only)

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
        with self._translated(), self._writing.begin() if write else self._engine.connect() as connection:
            yield connection

    def _add(self, connection: sa.Connection, table: sa.Table, values: Sequence[rows.Row]) -> None:
        """Many rows a statement: Python's sqlite3 gives up the interpreter lock at each statement and must win it back
        from a busy event loop, so that row by row a group of sixty took a second."""
        start = 0
        for count in BLOCKS:
            while len(values) - start >= count:
                given = tuple(chain.from_iterable(values[start : start + count]))
                connection.exec_driver_sql(tables.insert(table, count), given)
                start += count

    # ---- answers

    def put(self, run_id: str, pairs: Sequence[tuple[Job, Result]]) -> None:
        kept = self._gathered([job for job, _ in pairs])
        results = [rows.result_row(result, kept.bodies) for _, result in pairs]
        with self._connect(write=True) as connection:
            self._add_jobs(connection, kept)
            self._add(connection, tables.results, results)
            self._add(connection, tables.run_jobs, [(run_id, job_id) for job_id in kept.jobs])
        self._remember(kept.fresh)

    def _gathered(self, jobs: Iterable[Job]) -> rows.JobRows:
        """What is not stored yet of jobs, their cells and their records."""
        kept = rows.JobRows()
        for job in jobs:
            if job.cell.key not in self._seen and job.cell.key not in kept.fresh:
                row, named = self._cells.of(job)
                kept.cells.append(row)
                kept.bodies.rows.update(named)
                kept.fresh.add(job.cell.key)
            key = job.record.record_hash
            if key not in self._seen and key not in kept.fresh:
                kept.records.append((key, job.record.model_dump_json()))
                kept.fresh.add(key)
            kept.jobs[job.job_id] = rows.job_row(job, kept.bodies)
        return kept

    def _add_jobs(self, connection: sa.Connection, kept: rows.JobRows) -> None:
        self._add(connection, tables.bodies, list(kept.bodies.rows.values()))
        self._add(connection, tables.records, kept.records)
        self._add(connection, tables.cells, kept.cells)
        self._add(connection, tables.jobs, list(kept.jobs.values()))

    def submitting(self, batch: Batch, jobs: Sequence[Job]) -> None:
        kept = self._gathered(jobs)
        with self._connect(write=True) as connection:
            self._add_jobs(connection, kept)
            self._add(connection, tables.batches, [(batch.ticket, batch.run_id, batch.state, batch.model_dump_json())])
        self._remember(kept.fresh)

    def batches(self, run_id: str) -> list[Batch]:
        columns = tables.batches.c
        open_ = columns.state.in_(("submitting", "waiting"))
        waiting = sa.select(columns.body).where(columns.run_id == run_id, open_)
        with self._connect() as connection:
            return [Batch.model_validate_json(body) for body in connection.execute(waiting).scalars()]

    def tickets(self) -> set[str]:
        with self._connect() as connection:
            return set(connection.execute(sa.select(tables.batches.c.ticket)).scalars())

    def settle(self, ticket: str, batch: Batch) -> None:
        changes = {"ticket": batch.ticket, "state": batch.state, "body": batch.model_dump_json()}
        with self._connect(write=True) as connection:
            connection.execute(sa.update(tables.batches).where(tables.batches.c.ticket == ticket).values(**changes))

    def _remember(self, keys: Iterable[str]) -> None:  # bounded: forgetting costs an insert that does nothing
        if len(self._seen) > 20_000:
            self._seen.clear()
        self._seen.update(keys)

    def cells(self, step: str, agent_type: str) -> list[tuple[Cell, Agent]]:
        with self._connect() as connection:
            return reading.cells(connection, step, agent_type)

    def adopt(self, run_id: str, job_ids: Sequence[str]) -> None:
        with self._connect(write=True) as connection:
            self._add(connection, tables.run_jobs, [(run_id, job_id) for job_id in job_ids])

    def replace(self, run_id: str, step: str, record_ids: Sequence[str], job_ids: Sequence[str]) -> None:
        jobs, cells, members = tables.jobs.c, tables.cells.c, tables.run_jobs.c
        inner = tables.run_jobs.join(tables.jobs, members.job_id == jobs.job_id)
        inner = inner.join(tables.cells, jobs.cell == cells.cell)
        current = set(job_ids)
        held = sa.select(jobs.job_id).select_from(inner).where(members.run_id == run_id, cells.step == step)
        with self._connect(write=True) as connection:
            for chunk in rows.chunks(record_ids, CHUNK):
                found = connection.execute(held.where(jobs.record_id.in_(chunk))).scalars()
                # Compared here: what is current may be more than a statement of SQLite can hold.
                for stale in rows.chunks([job_id for job_id in found if job_id not in current], CHUNK):
                    ours = sa.and_(members.run_id == run_id, members.job_id.in_(stale))
                    connection.execute(sa.delete(tables.run_jobs).where(ours))

    def done(self, job_ids: Sequence[str]) -> dict[str, Stored]:
        found: dict[str, Stored] = {}
        with self._connect() as connection:
            # In order: the last attempt counts, unless one answered.
            for job_id, status, attempt, flow in _fetched(connection, DONE, (json.dumps(job_ids),)):
                known = found.get(job_id)
                answered = known is not None and known.status == "answered"
                found[job_id] = (
                    known._replace(attempts=attempt) if known and answered else Stored(status, attempt, flow)
                )
        return found

    def results(self, run_id: str, step: str | None = None, arm: str | None = None) -> Iterator[dict[str, Any]]:
        with self._connect() as connection:
            yield from reading.results(connection, run_id, step, arm)

    def counted(self, run_id: str) -> Iterator[dict[str, Any]]:
        with self._connect() as connection:
            yield from reading.counted(connection, run_id)

    def answers(self, run_id: str, step: str, record_ids: Sequence[str]) -> dict[str, tuple[Answer, ...]]:
        with self._connect() as connection:
            return reading.answers(connection, run_id, step, record_ids)

    def counts(self, run_id: str) -> dict[tuple[str, str, str], int]:
        with self._connect() as connection:
            return reading.counts(connection, run_id)

    def returned(self, run_ids: Sequence[str]) -> list[Returned]:
        with self._connect() as connection:
            return reading.returned(connection, run_ids)

    def spent(self, run_id: str) -> tuple[float, int]:
        with self._connect() as connection:
            return reading.spent(connection, run_id)

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
        columns = tables.jobs.c
        statement = sa.select(columns.job_id).where(columns.job_id.startswith(prefix, autoescape=True))
        with self._connect() as connection:
            return list(connection.execute(statement.order_by(columns.job_id).limit(limit)).scalars())

    def _bodies(self, connection: sa.Connection, keys: Iterable[str]) -> dict[str, str]:
        columns, found = tables.bodies.c, dict[str, str]()
        for chunk in rows.chunks({key for key in keys if key}, CHUNK):
            statement = sa.select(columns.hash, columns.body).where(columns.hash.in_(chunk))
            found.update((key, body) for key, body in connection.execute(statement))
        return found

    def similar(self, step: str, record_ids: Sequence[str]) -> Iterator[tuple[Cell, str, str, int]]:
        with self._connect() as connection:
            yield from reading.similar(connection, step, record_ids)

    def pool(
        self, step: str, codebook_hash: str, record_ids: Sequence[str], runs: Sequence[str] = ()
    ) -> dict[str, tuple[Given, ...]]:
        with self._connect() as connection:
            return reading.pool(connection, step, codebook_hash, record_ids, runs)

    def uses(self, kind: CitableKind, name: str | None = None) -> list[Use]:
        with self._connect() as connection:
            return reading.uses(connection, kind, name)

    def versions(self, kind: CitableKind, prefix: str = "", name: str | None = None) -> list[Citable]:
        with self._connect() as connection:
            return reading.versions(connection, kind, prefix, name)

    # ---- what people say

    def file(self, papers: Sequence[Paper]) -> None:
        values = [(None, one.key, type(one).__name__, one.about, one.model_dump_json()) for one in papers]
        with self._connect(write=True) as connection:
            self._add(connection, tables.papers, values)

    def papers(self, kind: type[P], about: str) -> list[P]:
        columns = tables.papers.c
        of_kind = sa.and_(columns.kind == kind.__name__, columns.about == about)
        with self._connect() as connection:
            found = connection.execute(sa.select(columns.body).where(of_kind).order_by(columns.id)).scalars()
            return [kind.model_validate_json(body) for body in found]

    # ---- datasets

    def keep_dataset(self, source_fingerprint: str, spec: DatasetSpec, records: Iterable[Record | Reject]) -> Dataset:
        if (known := self.dataset(source_fingerprint)) is not None:
            return known
        census = Census(spec)
        items = tables.items.c
        try:
            dataset = census.dataset(fingerprint_all(self._keep_records(source_fingerprint, spec, census, records)))
            if not dataset.records:
                raise no_records(dataset)
        except DataError:
            with self._connect(write=True) as connection:  # of a dataset that cannot be, nothing stays
                connection.execute(sa.delete(tables.items).where(items.source == source_fingerprint))
            raise
        row = (source_fingerprint, dataset.fingerprint, dataset.model_dump_json(), rows.now())
        with self._connect(write=True) as connection:
            # What an earlier reading left that broke off is written over, and what is beyond the end goes.
            left = sa.and_(items.source == source_fingerprint, items.position >= dataset.records)
            connection.execute(sa.delete(tables.items).where(left))
            self._add(connection, tables.datasets, [row])
        return dataset

    def _keep_records(
        self, source: str, spec: DatasetSpec, census: Census, found: Iterable[Record | Reject]
    ) -> Iterator[str]:
        """Store record after record, a chunk a transaction, and say the hash of each."""
        position, items, sent = 0, tables.items.c, spec.sent
        for chunk in rows.chunks(census.records(found), CHUNK):
            kept, placed = [], []
            for record in chunk:
                body = record.model_dump_json()
                key = digest(body)
                kept.append((key, body))
                placed.append((source, position, record.record_id, key, record.seen_hash(sent)))
                position += 1
            with self._connect(write=True) as connection:
                self._add(connection, tables.records, kept)
                same = sa.and_(items.source == source, items.position.between(placed[0][1], placed[-1][1]))
                connection.execute(sa.delete(tables.items).where(same))
                self._add(connection, tables.items, placed)
            yield from (row[3] + row[4] for row in placed)

    def dataset(self, source_fingerprint: str) -> Dataset | None:
        statement = sa.select(tables.datasets.c.body).where(tables.datasets.c.source == source_fingerprint)
        with self._connect() as connection:
            body = connection.execute(statement).scalar()
        return Dataset.model_validate_json(body) if body else None

    def refs(self, dataset: str) -> Iterator[list[RecordRef]]:
        with self._connect() as connection:
            where = tables.datasets.c.fingerprint == dataset
            source = connection.execute(sa.select(tables.datasets.c.source).where(where).limit(1)).scalar()
        last = -1
        while True:
            with self._connect() as connection:
                found = _fetched(connection, REFS, (source, last, CHUNK))
            if not found:
                return
            last = found[-1][3]
            yield [RecordRef(*row[:3]) for row in found]

    def records(self, record_hashes: Sequence[str]) -> dict[str, Record]:
        with self._connect() as connection:
            stored = _fetched(connection, RECORDS, (json.dumps(record_hashes),))
        found = {key: rows.record_from(key, body) for key, body in stored}
        self._remember(found)
        return found

    # ---- runs

    def begin(self, run: Run) -> None:
        values = rows.run_row(run)
        named = sa.select(tables.runs.c.body).where(tables.runs.c.run_id == run.run_id)
        with self._connect(write=True) as connection:
            body = connection.execute(named).scalar()
            if body is None:
                connection.execute(sa.insert(tables.runs).values(**values))
            elif body != values["body"]:
                raise StoreError(
                    f"there is a run '{run.run_id}' already.",
                    where=self.where,
                    hint="Names are never used again: choose another, or leave run.name out.",
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
        return [rows.run_from(row) for row in found]

    def log(self, run_id: str, events: Sequence[Event]) -> None:
        values = [(None, run_id, event.at.isoformat(), event.kind, json.dumps(dict(event.fields))) for event in events]
        with self._connect(write=True) as connection:
            self._add(connection, tables.events, values)

    def events(self, run_id: str) -> list[Event]:
        columns = tables.events.c
        statement = sa.select(columns.at, columns.kind, columns.fields).where(columns.run_id == run_id)
        with self._connect() as connection:
            found = connection.execute(statement.order_by(columns.id)).all()
        return [Event(at=row.at, kind=row.kind, fields=json.loads(row.fields)) for row in found]
