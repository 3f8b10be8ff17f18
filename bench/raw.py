"""The bare loop: C workers take records from one stream, and each job becomes a line of JSON in a file."""

from peer import C, DIR, HEADERS, URL, Report, parse, records, request

report = Report()

import asyncio
from collections.abc import Iterator
from typing import BinaryIO

import aiohttp
import orjson

report.imported()

FILE = DIR / "jobs.jsonl"


def done_before() -> set[str]:
    """The ids of the records in the file, which are not asked about again."""
    ids: set[str] = set()
    if FILE.exists():
        with FILE.open("rb") as lines:
            for job in map(orjson.loads, lines):
                ids.add(job["id"])
                report.add(job["id"], job["parsed"]["label"])
    return ids


async def work(todo: Iterator[dict[str, str]], session: aiohttp.ClientSession, out: BinaryIO) -> None:
    """One of C workers."""
    for record in todo:
        asked = request(record)
        async with session.post(f"{URL}/chat/completions", data=orjson.dumps(asked)) as response:
            reply = orjson.loads(await response.read())
        answer = parse(reply["choices"][0]["message"]["content"])
        job = {"id": record["id"], "request": asked, "reply": reply, "parsed": answer}
        out.write(orjson.dumps(job, option=orjson.OPT_APPEND_NEWLINE))
        report.add(record["id"], answer["label"])


async def main() -> None:
    before = done_before()
    todo = (record for record in records() if record["id"] not in before)
    connector = aiohttp.TCPConnector(limit=C)
    with FILE.open("ab", buffering=1 << 16) as out:
        async with aiohttp.ClientSession(connector=connector, headers=HEADERS) as session:
            await asyncio.gather(*(work(todo, session, out) for _ in range(C)))


asyncio.run(main())
report.done()
