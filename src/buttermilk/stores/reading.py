"""Reading the store: a run's results, row by row and never all at once; what is counted over them; what was asked
before and what came of it, whatever the run; versions of texts, whatever became of their files."""

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from pydantic_core import from_json

from buttermilk.core.flows import Agent, Citable, CitableKind, Codebook, Perspective, Prompt
from buttermilk.core.jobs import Answer, Cell, Given, Use
from buttermilk.core.waves import Returned
from buttermilk.stores import rows, tables
from buttermilk.stores.opening import written

CHUNK = 500  # rows or records that a statement takes at a time
SQL = {name: written(name) for name in ("results", "brief", "answers", "pool", "counts", "returned", "uses")}
VALUES: Mapping[CitableKind, type[Citable]] = {"prompt": Prompt, "perspective": Perspective, "codebook": Codebook}


def results(connection: sa.Connection, run_id: str, step: str | None, arm: str | None) -> Iterator[dict[str, Any]]:
    streamed = connection.execution_options(yield_per=CHUNK)
    for row in streamed.execute(sa.text(SQL["results"]), {"run": run_id, "step": step, "arm": arm}).mappings():
        yield rows.flat(dict(row))


def counted(connection: sa.Connection, run_id: str) -> Iterator[dict[str, Any]]:
    """What thousands of rows share, their cell, is read once."""
    columns = [tables.cells.c[name] for name in ("cell", *Cell.model_fields, "agent_type", "model", "role")]
    cells = {row["cell"]: dict(row) for row in connection.execute(sa.select(*columns)).mappings()}
    cursor = connection.exec_driver_sql(SQL["brief"], (run_id,)).cursor
    if cursor is not None:
        names = [column[0] for column in cursor.description]
        while some := cursor.fetchmany(CHUNK):
            yield from (_brief(dict(zip(names, row, strict=True)), cells) for row in some)


def _brief(row: dict[str, Any], cells: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    row |= cells[row["cell"]]
    row["answers"] = None if row["answers"] is None else from_json(row["answers"])
    row["drops"] = json.loads(row["drops"]) if row["drops"] else ()
    for name in ("quotes", "logprobs"):
        row[name] = json.loads(row[name]) if row[name] else {}
    return row


def answers(
    connection: sa.Connection, run_id: str, step: str, record_ids: Sequence[str]
) -> dict[str, tuple[Answer, ...]]:
    found: dict[str, list[Answer]] = {}
    statement = sa.text(SQL["answers"]).bindparams(sa.bindparam("records", expanding=True))
    for chunk in rows.chunks(record_ids, CHUNK):
        for row in connection.execute(statement, {"run": run_id, "step": step, "records": chunk}).mappings():
            found.setdefault(row["record_id"], []).append(rows.answer_from(dict(row)))
    return {record_id: tuple(items) for record_id, items in found.items()}


# ---- counted


def counts(connection: sa.Connection, run_id: str) -> dict[tuple[str, str, str], int]:
    found = connection.execute(sa.text(SQL["counts"]), {"run": run_id})
    return {(step, agent, status): count for step, agent, status, count in found}


def returned(connection: sa.Connection, run_ids: Sequence[str]) -> list[Returned]:
    asked = sa.text(SQL["returned"]).bindparams(sa.bindparam("runs", expanding=True))
    found = connection.execute(asked, {"runs": list(run_ids)})
    return [Returned(*row[:5], *map(datetime.fromisoformat, row[5:])) for row in found]


def spent(connection: sa.Connection, run_id: str) -> tuple[float, int]:
    columns = tables.results.c
    tokens = sa.func.sum(columns.input_tokens + columns.output_tokens)
    both = sa.select(sa.func.sum(columns.cost), tokens).where(columns.run_id == run_id)
    money, count = connection.execute(both).one()
    return float(money or 0.0), int(count or 0)


# ---- asked before


def cells(connection: sa.Connection, step: str, agent_type: str) -> list[tuple[Cell, Agent]]:
    """Every cell of such a step that such an agent was asked, with the agent as it was."""
    cells, bodies, names = tables.cells, tables.bodies, Cell.model_fields
    asked = sa.select(cells, bodies.c.body).join(bodies, cells.c.agent_body == bodies.c.hash)
    found = connection.execute(asked.where(cells.c.step == step, cells.c.agent_type == agent_type)).mappings()
    return [(Cell(**{n: row[n] for n in names}), Agent.model_validate_json(row["body"])) for row in found]


def similar(connection: sa.Connection, step: str, record_ids: Sequence[str]) -> Iterator[tuple[Cell, str, str, int]]:
    """What was asked about these records in a step: cell, record, what was seen of it, repeat."""
    known: dict[str, Cell] = {}
    jobs, cells = tables.jobs.c, tables.cells.c
    joined = sa.join(tables.jobs, tables.cells, jobs.cell == cells.cell)
    names = [cells[name] for name in Cell.model_fields]
    base = sa.select(jobs.cell, jobs.record_id, jobs.seen_hash, jobs.repeat, *names).select_from(joined)
    for chunk in rows.chunks(record_ids, CHUNK):
        found = connection.execute(base.where(cells.step == step, jobs.record_id.in_(chunk)))
        for key, record_id, seen_hash, repeat, *values in found:
            if key not in known:
                known[key] = Cell(**dict(zip(Cell.model_fields, values, strict=True)))
            yield known[key], record_id, seen_hash, repeat


def pool(
    connection: sa.Connection, step: str, codebook_hash: str, record_ids: Sequence[str], runs: Sequence[str]
) -> dict[str, tuple[Given, ...]]:
    """record id -> what may be shown to others."""
    found: dict[str, list[Given]] = {}
    statement = sa.text(SQL["pool"]).bindparams(sa.bindparam("records", expanding=True))
    given: dict[str, Any] = {"step": step, "codebook": codebook_hash, "runs": json.dumps(list(runs))}
    for chunk in rows.chunks(record_ids, CHUNK):
        for row in connection.execute(statement, given | {"records": chunk}).mappings():
            found.setdefault(row["record_id"], []).append(_given(dict(row)))
    return {record_id: tuple(items) for record_id, items in found.items()}


def _given(row: dict[str, Any]) -> Given:
    times = datetime.fromisoformat(row["started_at"]), datetime.fromisoformat(row["ended_at"])
    return Given(rows.answer_from(row), row["seen_hash"], (row["run_id"], *json.loads(row["within"])), *times)


# ---- versions of texts


def uses(connection: sa.Connection, kind: CitableKind, name: str | None) -> list[Use]:
    """A row has the name, the hash, run, step, jobs, when first and last, the commit and whether files differed."""
    rows = connection.execute(sa.text(SQL["uses"]), {"kind": kind, "name": name})
    time = datetime.fromisoformat
    found = [
        Use(name, key, run, step, jobs, time(first), time(last), git or "", bool(dirty))
        for name, key, run, step, jobs, first, last, git, dirty in rows
    ]
    return sorted(found, key=lambda use: use.last_at, reverse=True)


def versions(connection: sa.Connection, kind: CitableKind, prefix: str, name: str | None) -> list[Citable]:
    """The header is that of the last time it was asked with: only words make a version."""
    cells, bodies = tables.cells, tables.bodies
    hashed, kept = cells.c[f"{kind}_hash"], cells.c[f"{kind}_body"]
    named = sa.true() if name is None else cells.c[kind] == name
    asked = sa.select(bodies.c.body).join(cells, kept == bodies.c.hash)
    asked = asked.where(hashed.startswith(prefix, autoescape=True), named)
    found: dict[tuple[str, str], Citable] = {}
    for body in dict.fromkeys(connection.execute(asked.order_by(sa.text("cells.rowid DESC"))).scalars()):
        value = VALUES[kind].model_validate_json(body)
        found.setdefault((value.name, value.hash), value)
    return list(found.values())
