"""The bare loop that keeps its jobs as a system must: in SQLite, indexed by content, committed while it runs.

Write-ahead log; one commit per 200 jobs or quarter of a second; what is done already is asked of the database. With
BENCH_UVLOOP set it runs on uvloop.
"""

from peer import C, DIR, HEADERS, URL, Report, parse, records, request

report = Report()

import asyncio
import hashlib
import os
import sqlite3
import time
from collections.abc import Iterator
from typing import Any

import aiohttp
import orjson

if os.environ.get("BENCH_UVLOOP"):
    from uvloop import run
else:
    from asyncio import run

report.imported()

SCHEMA = """
PRAGMA journal_mode = WAL;
PRAGMA synchronous = NORMAL;
CREATE TABLE IF NOT EXISTS jobs (
    id BLOB PRIMARY KEY, record TEXT, label TEXT, request BLOB, reply BLOB, answer BLOB, asked_at REAL, answered_at REAL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS jobs_by_record ON jobs (record, label);
"""
INSERT = "INSERT OR REPLACE INTO jobs VALUES (?, ?, ?, ?, ?, ?, ?, ?)"


class Jobs:
    """The table, and the rows that wait for the next commit."""

    def __init__(self) -> None:
        self._db = sqlite3.connect(DIR / "jobs.db", isolation_level=None)
        self._db.executescript(SCHEMA)
        self._rows: list[tuple[Any, ...]] = []
        self._committed = time.monotonic()

    def done_before(self) -> set[str]:
        """The ids of the records in the table, which are not asked about again."""
        ids: set[str] = set()
        for record_id, label in self._db.execute("SELECT record, label FROM jobs"):
            ids.add(record_id)
            report.add(record_id, label)
        return ids

    def put(self, row: tuple[Any, ...]) -> None:
        """Keep a job, with the next commit."""
        self._rows.append(row)
        if len(self._rows) >= 200 or time.monotonic() - self._committed > 0.25:
            self.commit()

    def commit(self) -> None:
        """Write what waits."""
        self._db.execute("BEGIN")
        self._db.executemany(INSERT, self._rows)
        self._db.execute("COMMIT")
        self._rows.clear()
        self._committed = time.monotonic()


async def work(todo: Iterator[dict[str, str]], session: aiohttp.ClientSession, jobs: Jobs) -> None:
    """One of C workers."""
    for record in todo:
        asked = orjson.dumps(request(record))
        asked_at = time.time()
        async with session.post(f"{URL}/chat/completions", data=asked) as response:
            reply = await response.read()
        answer = parse(orjson.loads(reply)["choices"][0]["message"]["content"])
        key, label = hashlib.blake2b(asked, digest_size=16).digest(), answer["label"]
        jobs.put((key, record["id"], label, asked, reply, orjson.dumps(answer), asked_at, time.time()))
        report.add(record["id"], label)


async def main() -> None:
    jobs = Jobs()
    before = jobs.done_before()
    todo = (record for record in records() if record["id"] not in before)
    connector = aiohttp.TCPConnector(limit=C)
    async with aiohttp.ClientSession(connector=connector, headers=HEADERS) as session:
        await asyncio.gather(*(work(todo, session, jobs) for _ in range(C)))
    jobs.commit()


run(main())
report.done()
