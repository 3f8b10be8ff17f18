"""How long a report takes and what it holds: `python bench/report.py --records 100000 --waves 1`.

Makes a store with ten answers a record, as a run leaves it (one real job is kept through the store, and its rows are
repeated for every other record), then writes the report in a process of its own and prints one `BENCH {json}` line.
"""

import argparse
import json
import random
import sqlite3
import subprocess
import sys
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

from buttermilk.core.flows import Agent, Codebook, Flow, LabelDefinition, Perspective, Prompt, Question, Section, Step
from buttermilk.core.jobs import Job, Result, Run, Usage
from buttermilk.core.people import Draw, Opening, Sample
from buttermilk.core.records import DatasetSpec, HumanLabel, Part, Record
from buttermilk.stores.sqlite import SqliteStore

LABELS = ("negative", "neutral", "positive", "mixed")
START = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
ACCURACY = {"one": 0.85, "two": 0.7, "tool": 0.55, "list": 0.5}
WHY = "The harbour and the letter decide it, for a witness who was kept from both will not praise either of them."


def codebook() -> Codebook:
    labels = tuple(LabelDefinition(name=name) for name in LABELS)
    tone = Question(name="tone", ask="What is the tone?", level="nominal", labels=labels)
    reason = Question(name="reason", ask="Why?", level="text", optional=True)
    return Codebook(name="tone", questions=(tone, reason))


def flow(wave: str) -> Flow:
    """Two models from two perspectives, twice, and two tools: ten answers a record."""
    agents = [Agent(name=name, type="simulated", model=f"simulated-{name}") for name in ("one", "two")]
    agents += [Agent(name=name, type="wordlist", role="tool", deterministic=True) for name in ("tool", "list")]
    lenses = tuple(Perspective(name=name, text=f"1. Read as {name}.") for name in ("press", "reader"))
    ask = Prompt(name="judge", sections=(Section(role="user", template="{{ record.text }}"),))
    judge = Step(name="judge", agents=agents, prompts=(ask,), perspectives=lenses, codebook=codebook(), repeats=2)
    return Flow(name="tone", title="What is the tone of a record?", dataset="bench", steps=(judge,), wave=wave)


def records(count: int):
    for number in range(count):
        draw = random.Random(number)
        labels = ()
        if draw.random() < 0.005:
            labels = (HumanLabel(question="tone", value=truth(number), coder="ana"),)
        text = f"Record {number}: " + " ".join(draw.choices(("harbour", "letter", "witness", "kept", "praised"), k=60))
        yield Record(record_id=f"{number:07d}", parts=(Part(text=text),), labels=labels)


def truth(number: int) -> str:
    return random.Random(-number - 1).choices(LABELS, (4, 5, 3, 1))[0]


def jobs(of: Flow, record: Record, seen: str):
    step = of.steps[0]
    for agent in step.agents:
        tool = agent.role == "tool"
        for lens in (None,) if tool else step.perspectives:
            for repeat in range(1, 2 if tool else step.repeats + 1):
                prompt = None if tool else step.prompts[0]
                yield Job(
                    step=step.name, record=record, seen_hash=seen, agent=agent, prompt=prompt, perspective=lens,
                    codebook=step.codebook, repeat=repeat, wave=of.wave,
                )  # fmt: skip


def result(job: Job, run_id: str) -> Result:
    said = {"tone": "neutral", "reason": WHY}
    return Result(
        job_id=job.job_id, attempt=1, run_id=run_id, status="answered", answers=said, parse="strict",
        text=json.dumps(said), usage=Usage(input_tokens=310, output_tokens=24),
        cost=0.0003, currency="USD", price_version="bench (2026-11-22)", model_returned=f"{job.agent.model}-2026-11-01",
        simulated=job.agent.role == "model", shown="text", reply="{" + "x" * 600 + "}", started_at=START,
        ended_at=START + timedelta(seconds=2),
    )  # fmt: skip


def fill(store: SqliteStore, path: Path, count: int, wave: str) -> str:
    """Every job of a wave with an answer: rows of one real record, repeated."""
    data = store.keep_dataset("bench", DatasetSpec(name="bench", type="csv", path="bench.csv"), records(count))
    of, run_id = flow(wave), f"bench-{wave}"
    refs = [ref for chunk in store.refs(data.fingerprint) for ref in chunk]
    first = next(iter(store.records([refs[0].record_hash]).values()))
    asked = list(jobs(of, first, refs[0].seen_hash))
    store.begin(
        Run(
            run_id=run_id, spec_hash="s" * 32 + wave, flow=of.name, flow_hash=of.hash, title=of.title, dataset="bench",
            dataset_fingerprint=data.fingerprint, wave=wave, planned=len(asked) * count, method=(of,), started_at=START,
            state="finished", versions={"buttermilk": "bench"},
        )
    )  # fmt: skip
    store.put(run_id, [(job, result(job, run_id)) for job in asked])
    with sqlite3.connect(path) as base:
        base.execute("PRAGMA synchronous=OFF")
        base.execute("PRAGMA cache_size=-1000000")
        _repeat(base, run_id, asked, refs[1:])
    return run_id


def _repeat(base: sqlite3.Connection, run_id: str, asked: list[Job], refs: list) -> None:
    base.row_factory = sqlite3.Row
    kept = {
        table: [
            dict(base.execute(f"SELECT * FROM {table} WHERE job_id = ?", (job.job_id,)).fetchone()) for job in asked
        ]
        for table in ("jobs", "results", "run_jobs")
    }
    rows: dict[str, list] = {name: [] for name in kept}
    for ref in refs:
        number = int(ref.record_id)
        for place, job in enumerate(asked):
            new = job.cell.job_id(ref.record_id, ref.seen_hash, job.repeat)
            draw = random.Random(f"{new}")
            right = draw.random() < ACCURACY[job.agent.name]
            label = truth(number) if right else draw.choice(LABELS)
            at = START + timedelta(seconds=number / 10 + place)
            said = {"answers": json.dumps({"tone": label, "reason": WHY if draw.random() < 0.5 else f"{WHY} {number}"})}
            said |= {"started_at": at.isoformat(), "ended_at": (at + timedelta(seconds=2)).isoformat()}
            if draw.random() < 0.02:
                said |= {"status": draw.choice(("refused", "unparsed", "failed")), "answers": None, "parse": "none"}
            about = {"record_id": ref.record_id, "record_hash": ref.record_hash, "seen_hash": ref.seen_hash}
            rows["jobs"].append(tuple((kept["jobs"][place] | about | {"job_id": new}).values()))
            rows["results"].append(tuple((kept["results"][place] | said | {"job_id": new}).values()))
            rows["run_jobs"].append((run_id, new))
    for table, found in rows.items():
        found = (
            found if table == "results" else sorted(found, key=lambda row: row[-1] if table == "run_jobs" else row[0])
        )
        base.executemany(f"INSERT INTO {table} VALUES ({','.join('?' * len(found[0]))})", found)
        rows[table] = []


def sample(store: SqliteStore, fingerprint: str, count: int) -> None:
    """A human sample of the labelled records, drawn at random and opened."""
    drawn = tuple(Draw(record_id=record.record_id, prob=0.005) for record in records(count) if record.labels)
    paper = Sample(
        about="bench", name="first", dataset_fingerprint=fingerprint, codebook="tone@1", codebook_hash=codebook().hash,
        how="random", seed=1, population=count, draws=drawn, drawn_at=START,
    )  # fmt: skip
    opened = Opening(about="bench", sample="first", flow="bench", locked={}, by="bench", opened_at=START)
    store.file([paper, opened])


WRITE = """
import sys, time
from pathlib import Path
from buttermilk.analysis.report import report
from buttermilk.stores.sqlite import SqliteStore
begun, cpu = time.perf_counter(), time.process_time()
store = SqliteStore(Path(sys.argv[1]), read_only=True)
report(store, sys.argv[2], Path(sys.argv[3]))
said = f"{time.perf_counter() - begun:.1f} {time.process_time() - cpu:.1f}"
peak = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
print(said, int(peak.split()[1]) // 1024)
"""


def main() -> None:
    given = argparse.ArgumentParser(description=__doc__)
    given.add_argument("--records", type=int, default=100_000)
    given.add_argument("--waves", type=int, default=1)
    given.add_argument("--store", type=Path, help="kept here, and used again where it is there already")
    asked = given.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = asked.store or Path(folder) / "jobs.db"
        if not path.exists():
            store = SqliteStore(path)
            runs = [fill(store, path, asked.records, str(wave + 1)) for wave in range(asked.waves)]
            sample(store, store.run(runs[0]).dataset_fingerprint, asked.records)
            store.close()
        target = Path(folder) / "report.html"
        arguments = [sys.executable, "-c", WRITE, str(path), f"bench-{asked.waves}", str(target)]
        seconds, cpu, peak = subprocess.run(arguments, check=True, capture_output=True, text=True).stdout.split()
        said = {"answers": asked.records * 10 * asked.waves, "wall_s": float(seconds), "cpu_s": float(cpu)}
        print("BENCH", json.dumps(said | {"peak_mb": int(peak), "page_kb": target.stat().st_size // 1024}))


if __name__ == "__main__":
    main()
