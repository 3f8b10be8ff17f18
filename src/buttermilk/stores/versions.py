"""Which versions of prompts, criteria and codebooks were used, and their words, whatever became of their files."""

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

import sqlalchemy as sa

from buttermilk.core.flows import Citable, CitableKind, Codebook, Perspective, Prompt
from buttermilk.core.jobs import Use
from buttermilk.stores import tables

USES = (Path(__file__).parent / "uses.sql").read_text(encoding="utf-8")
VALUES: Mapping[CitableKind, type[Citable]] = {"prompt": Prompt, "perspective": Perspective, "codebook": Codebook}


def uses(connection: sa.Connection, kind: CitableKind, name: str | None) -> list[Use]:
    found = connection.execute(sa.text(USES), {"kind": kind, "name": name})
    return sorted((_use(*row) for row in found), key=lambda use: use.last_at, reverse=True)


def _use(
    name: str, version: str, run_id: str, step: str, jobs: int, first: str, last: str, commit: str | None, dirty: int
) -> Use:
    times = datetime.fromisoformat(first), datetime.fromisoformat(last)
    return Use(name, version, run_id, step, jobs, *times, commit or "", bool(dirty))


def versions(connection: sa.Connection, kind: CitableKind, prefix: str, name: str | None) -> list[Citable]:
    """The header is that of the last time it was asked with: only words make a version."""
    cells, bodies = tables.cells, tables.bodies
    named, hashed, kept = cells.c[kind], cells.c[f"{kind}_hash"], cells.c[f"{kind}_body"]
    asked = (
        sa.select(bodies.c.body).join(cells, kept == bodies.c.hash).where(hashed.startswith(prefix, autoescape=True))
    )
    if name is not None:
        asked = asked.where(named == name)
    found: dict[tuple[str, str], Citable] = {}
    for body in dict.fromkeys(connection.execute(asked.order_by(sa.text("cells.rowid DESC"))).scalars()):
        value = VALUES[kind].model_validate_json(body)
        found.setdefault((value.name, value.hash), value)
    return list(found.values())
