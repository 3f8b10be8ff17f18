"""The tables, once, for every database that SQLAlchemy speaks to.

A job row names its cell (who is asked what, in which wave) and its record; texts that many jobs share are bodies, kept
once under their hash. Everything but `runs` is append-only.
"""

import sqlalchemy as sa

SCHEMA_VERSION = 2

CELL_COLUMNS = (
    "step",
    "agent",
    "agent_hash",
    "prompt",
    "prompt_hash",
    "perspective",
    "perspective_hash",
    "codebook",
    "codebook_hash",
    "variant",
    "wave",
    "arm",
)

metadata = sa.MetaData()

meta = sa.Table("meta", metadata, sa.Column("key", sa.Text, primary_key=True), sa.Column("value", sa.Text))

bodies = sa.Table(
    "bodies",
    metadata,
    sa.Column("hash", sa.Text, primary_key=True),
    sa.Column("body", sa.Text, nullable=False),
)

datasets = sa.Table(
    "datasets",
    metadata,
    sa.Column("source", sa.Text, primary_key=True),
    sa.Column("fingerprint", sa.Text, nullable=False, index=True),
    sa.Column("body", sa.Text, nullable=False),
    sa.Column("added_at", sa.Text, nullable=False),
)

items = sa.Table(
    "items",
    metadata,
    sa.Column("source", sa.Text, primary_key=True),
    sa.Column("position", sa.Integer, primary_key=True),
    sa.Column("record_id", sa.Text, nullable=False),
    sa.Column("record_hash", sa.Text, nullable=False),
    sa.Column("seen_hash", sa.Text, nullable=False),
    sqlite_with_rowid=False,
)

records = sa.Table(
    "records",
    metadata,
    sa.Column("record_hash", sa.Text, primary_key=True),
    sa.Column("body", sa.Text, nullable=False),
)

cells = sa.Table(
    "cells",
    metadata,
    sa.Column("cell", sa.Text, primary_key=True),
    *(sa.Column(name, sa.Text, nullable=False) for name in CELL_COLUMNS),
    sa.Column("seed", sa.Integer, nullable=False),
    *(sa.Column(name, sa.Text, nullable=False) for name in ("agent_type", "model", "role")),
    *(sa.Column(name, sa.Text, nullable=False) for name in ("agent_body", "prompt_body", "perspective_body")),
    sa.Column("codebook_body", sa.Text, nullable=False),
)

jobs = sa.Table(
    "jobs",
    metadata,
    sa.Column("job_id", sa.Text, primary_key=True),
    sa.Column("cell", sa.Text, nullable=False),
    sa.Column("record_id", sa.Text, nullable=False, index=True),
    sa.Column("record_hash", sa.Text, nullable=False),
    sa.Column("seen_hash", sa.Text, nullable=False),
    sa.Column("repeat", sa.Integer, nullable=False),
    sa.Column("inputs", sa.Text, nullable=False),
    sa.Column("sent_columns", sa.Text, nullable=False),
    sqlite_with_rowid=False,
)

results = sa.Table(
    "results",
    metadata,
    sa.Column("job_id", sa.Text, primary_key=True),
    sa.Column("attempt", sa.Integer, primary_key=True),
    sa.Column("run_id", sa.Text, nullable=False, index=True),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("answers", sa.Text),
    sa.Column("parse", sa.Text, nullable=False),
    sa.Column("text", sa.Text, nullable=False),
    sa.Column("refusal", sa.Text),
    sa.Column("finish", sa.Text, nullable=False),
    sa.Column("error_kind", sa.Text, nullable=False),
    sa.Column("error", sa.Text, nullable=False),
    *(
        sa.Column(name, sa.Integer, nullable=False)
        for name in ("input_tokens", "output_tokens", "cached_tokens", "reasoning_tokens")
    ),
    sa.Column("cost", sa.Double),
    *(
        sa.Column(name, sa.Text, nullable=False)
        for name in ("currency", "price_version", "model_returned", "model_fingerprint", "response_id")
    ),
    *(sa.Column(name, sa.Integer) for name in ("seed_honoured", "simulated", "partial")),
    *(
        sa.Column(name, sa.Text, nullable=False)
        for name in ("drops", "tool_output", "sent", "reply", "reply_headers", "started_at", "ended_at", "by")
    ),
    *(sa.Column(name, sa.Text, nullable=False) for name in ("versions", "trace_id")),
    sa.Column("mode", sa.Text, nullable=False, server_default="live"),
    sa.Column("shown", sa.Text, nullable=False, server_default=""),
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
    sa.Column("flow", sa.Text, nullable=False),
    sa.Column("body", sa.Text, nullable=False),
    *(sa.Column(name, sa.Text, nullable=False) for name in ("state", "why", "control", "started_at")),
    sa.Column("ended_at", sa.Text),
    sa.Column("heartbeat_at", sa.Text),
    sa.Column("progress", sa.Text, nullable=False),
    sa.Column("machine", sa.Text, nullable=False),
    sa.Column("pid", sa.Integer, nullable=False),
    sa.Column("planned", sa.Integer, nullable=False),
)

events = sa.Table(
    "events",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("run_id", sa.Text, nullable=False, index=True),
    sa.Column("at", sa.Text, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("fields", sa.Text, nullable=False),
)

batches = sa.Table(
    "batches",
    metadata,
    sa.Column("ticket", sa.Text, primary_key=True),
    sa.Column("run_id", sa.Text, nullable=False, index=True),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("body", sa.Text, nullable=False),
)
