"""The tables, once, for every database that SQLAlchemy speaks to.

A job row names its cell (who is asked what, in which wave) and its record; texts that many jobs share are bodies, kept
once under their hash. Everything but `runs` is append-only.
"""

from functools import cache

import sqlalchemy as sa

SCHEMA_VERSION = 4

CELL_COLUMNS = (
    "step", "agent", "agent_hash", "prompt", "prompt_hash", "perspective", "perspective_hash", "codebook",
    "codebook_hash", "variant", "wave", "arm",
)  # fmt: skip


def texts(*names: str) -> list[sa.Column[str]]:
    """Columns that always hold a text, if an empty one."""
    return [sa.Column(name, sa.Text, nullable=False) for name in names]


metadata = sa.MetaData()

meta = sa.Table("meta", metadata, sa.Column("key", sa.Text, primary_key=True), sa.Column("value", sa.Text))

bodies = sa.Table("bodies", metadata, sa.Column("hash", sa.Text, primary_key=True), *texts("body"))

datasets = sa.Table(
    "datasets",
    metadata,
    sa.Column("source", sa.Text, primary_key=True),
    sa.Column("fingerprint", sa.Text, nullable=False, index=True),
    *texts("body", "added_at"),
)

items = sa.Table(
    "items",
    metadata,
    sa.Column("source", sa.Text, primary_key=True),
    sa.Column("position", sa.Integer, primary_key=True),
    *texts("record_id", "record_hash", "seen_hash"),
    sqlite_with_rowid=False,
)

records = sa.Table("records", metadata, sa.Column("record_hash", sa.Text, primary_key=True), *texts("body"))

cells = sa.Table(
    "cells",
    metadata,
    sa.Column("cell", sa.Text, primary_key=True),
    *texts(*CELL_COLUMNS),
    sa.Column("seed", sa.Integer, nullable=False),
    *texts("agent_type", "model", "role", "agent_body", "prompt_body", "perspective_body", "codebook_body"),
)

jobs = sa.Table(
    "jobs",
    metadata,
    sa.Column("job_id", sa.Text, primary_key=True),
    *texts("cell"),
    sa.Column("record_id", sa.Text, nullable=False, index=True),
    *texts("record_hash", "seen_hash"),
    sa.Column("repeat", sa.Integer, nullable=False),
    *texts("inputs", "sent_columns"),
    sqlite_with_rowid=False,
)

results = sa.Table(
    "results",
    metadata,
    sa.Column("job_id", sa.Text, primary_key=True),
    sa.Column("attempt", sa.Integer, primary_key=True),
    sa.Column("run_id", sa.Text, nullable=False, index=True),
    *texts("status"),
    sa.Column("answers", sa.Text),
    *texts("parse", "text"),
    sa.Column("refusal", sa.Text),
    *texts("finish", "error_kind", "error"),
    *(
        sa.Column(name, sa.Integer, nullable=False)
        for name in ("input_tokens", "output_tokens", "cached_tokens", "reasoning_tokens")
    ),
    sa.Column("cost", sa.Double),
    *texts("currency", "price_version", "model_returned", "model_fingerprint", "response_id"),
    *(sa.Column(name, sa.Integer) for name in ("seed_honoured", "simulated", "partial")),
    *texts(
        "drops", "tool_output", "sent", "reply", "reply_headers", "started_at", "ended_at", "by", "versions", "trace_id"
    ),
    sa.Column("mode", sa.Text, nullable=False, server_default="live"),
    sa.Column("shown", sa.Text, nullable=False, server_default=""),
    sa.Column("quotes", sa.Text, nullable=False, server_default=""),
    sa.Column("cache_write_tokens", sa.Integer, nullable=False, server_default="0"),
    sa.Column("cache_write_hour_tokens", sa.Integer, nullable=False, server_default="0"),
    sa.Column("logprobs", sa.Text, nullable=False, server_default=""),
    sa.Index(
        "one_answer_per_job",
        "job_id",
        unique=True,
        sqlite_where=sa.text("status = 'answered'"),
        postgresql_where=sa.text("status = 'answered'"),
    ),
)

run_jobs = sa.Table(
    "run_jobs",
    metadata,
    sa.Column("run_id", sa.Text, primary_key=True),
    sa.Column("job_id", sa.Text, primary_key=True),
    sqlite_with_rowid=False,
)

runs = sa.Table(
    "runs",
    metadata,
    sa.Column("run_id", sa.Text, primary_key=True),
    sa.Column("spec_hash", sa.Text, nullable=False, index=True),
    *texts("flow", "body", "state", "why", "control", "started_at"),
    sa.Column("ended_at", sa.Text),
    sa.Column("heartbeat_at", sa.Text),
    *texts("progress", "machine"),
    sa.Column("pid", sa.Integer, nullable=False),
    sa.Column("planned", sa.Integer, nullable=False),
)

events = sa.Table(
    "events",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("run_id", sa.Text, nullable=False, index=True),
    *texts("at", "kind", "fields"),
)

batches = sa.Table(
    "batches",
    metadata,
    sa.Column("ticket", sa.Text, primary_key=True),
    sa.Column("run_id", sa.Text, nullable=False, index=True),
    *texts("state", "body"),
)


papers = sa.Table(
    "papers",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("key", sa.Text, nullable=False, unique=True),
    *texts("kind"),
    sa.Column("about", sa.Text, nullable=False, index=True),
    *texts("body"),
)


@cache
def insert(table: sa.Table, count: int) -> str:
    """`INSERT INTO t VALUES (?, …), (?, …) ON CONFLICT DO NOTHING` for so many rows."""
    row = f"({', '.join('?' * len(table.columns))})"
    return f"INSERT INTO {table.name} VALUES {', '.join([row] * count)} ON CONFLICT DO NOTHING"  # noqa: S608
