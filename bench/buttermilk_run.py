"""buttermilk itself, as a notebook would call it: a study of plain files, `await run(...)`, everything stored.

Structured output is asked for and validated; the plan, the checks before the first call, the retries, the limiter, the
progress and the full record of request and reply are what this adapter does beyond the bare loops.
"""

from peer import C, DATA, DIR, KEY, MODEL, N, URL, Report

report = Report()
import asyncio
import os
import sqlite3

from buttermilk.plugins import find
from buttermilk.study.running import loop_factory, run

for kind, name in (("sources", "jsonl"), ("stores", "sqlite"), ("models", "openai")):
    find(kind, name)  # imports the libraries that a flow would open
report.imported()

FILES = {
    "conf/flow/tone.yaml": "dataset: records\nsteps:\n  judge: {prompt: tone, codebook: tone, agents: [mock]}\n",
    "conf/dataset/records.yaml": f"type: jsonl\npath: records.jsonl\nlimit: {N}\ncolumns: {{id: id, text: text}}\n",
    "conf/agent/mock.yaml": f"""type: openai
model: {MODEL}
base_url: {URL}
key: secret://env/BENCH_KEY
parameters: {{temperature: 0}}
limits: {{concurrency: {C}, start: {C}}}
""",
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


def write_study() -> None:
    for name, text in FILES.items():
        path = DIR / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    if not (DIR / "records.jsonl").exists():
        (DIR / "records.jsonl").symlink_to(DATA)


write_study()
os.environ["BENCH_KEY"] = KEY
with asyncio.Runner(loop_factory=loop_factory) as runner:
    progress = runner.run(run("tone", root=DIR))
connection = sqlite3.connect(DIR / ".buttermilk" / "jobs.db")
for record_id, label in connection.execute(
    "SELECT j.record_id, r.answers ->> 'label' FROM results r JOIN jobs j USING (job_id) WHERE r.status = 'answered'"
):
    report.add(record_id, label)
report.done(asked=progress.asked, loop=type(loop_factory()).__module__)
