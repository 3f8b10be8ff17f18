"""The study that the product's adapters run: one question about each record, put to the agents that are given."""

import asyncio
import os
import sqlite3
from collections.abc import Mapping

from peer import C, DATA, DIR, KEY, MODEL, Report

from buttermilk.plugins import find
from buttermilk.study.running import loop_factory, run

AGENT = f"key: secret://env/BENCH_KEY\nlimits: {{concurrency: {C}, start: {C}}}\n"
OPENAI = f"type: openai\nmodel: {MODEL}\nparameters: {{temperature: 0}}\n"
FILES = {
    "codebooks/tone.yaml": """name: tone
questions:
  label: {ask: "What is the tone of the record?", labels: [positive, negative, neutral, mixed]}
  confidence: {ask: "How sure are you?", level: interval, minimum: 0, maximum: 1}
  reason: {ask: "Why? One sentence.", level: text}
""",
    "prompts/tone.md": """---
name: tone
---
# user
What is the tone of the record below?

[record:{{ record.id }}]
{{ record.text }}
""",
}


def import_plugs(*models: str) -> None:
    """The libraries that a flow would open: their import is no part of the work."""
    for kind, names in (("sources", ["jsonl"]), ("stores", ["sqlite"]), ("models", models)):
        for name in names:
            find(kind, name)


def ask(agents: Mapping[str, str], records: int, report: Report) -> None:
    """`agents`: a name to what its file says, but for key and limits. Every answer goes into the report."""
    files = dict(FILES)
    files["conf/flow/tone.yaml"] = (
        f"dataset: records\nsteps:\n  judge: {{prompt: tone, codebook: tone, agents: {list(agents)}}}\n"
    )
    files["conf/dataset/records.yaml"] = (
        f"type: jsonl\npath: records.jsonl\nlimit: {records}\ncolumns: {{id: id, text: text}}\n"
    )
    files |= {f"conf/agent/{name}.yaml": text + AGENT for name, text in agents.items()}
    for name, text in files.items():
        path = DIR / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    if not (DIR / "records.jsonl").exists():
        (DIR / "records.jsonl").symlink_to(DATA)
    os.environ["BENCH_KEY"] = KEY
    with asyncio.Runner(loop_factory=loop_factory) as runner:
        progress = runner.run(run("tone", root=DIR))
    for job, label in sqlite3.connect(DIR / ".buttermilk" / "jobs.db").execute(
        "SELECT c.agent || ' ' || j.record_id, r.answers ->> 'label' FROM results r JOIN jobs j USING (job_id) "
        "JOIN cells c USING (cell) WHERE r.status = 'answered'"
    ):
        report.add(job.partition(" ")[2] if len(agents) == 1 else job, label)
    report.done(asked=progress.asked, agents=len(agents), loop=type(loop_factory()).__module__)
