"""Run adapters in turn against one mock, several rounds, and print a Markdown table of medians and ratios.

    python bench/compare.py raw raw_sqlite buttermilk_run --n 10000 --c 512 --latency 200 --rounds 3 --resume

An adapter NAME is the script `bench/NAME.py` (see `peer.py`); it runs in a process of its own, in a fresh work folder.
`--resume` runs it once more in the same folder, where nothing is left to ask.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

import data

from buttermilk.testing import MockProvider

HERE = Path(__file__).resolve().parent
YARDSTICK = "raw_sqlite"
KILOBYTES = 1024 if sys.platform == "darwin" else 1  # macOS tells bytes


class Cost(NamedTuple):
    """What a process and those that it started took: CPU seconds, and the peak memory of the largest one."""

    wall_s: float
    cpu_s: float
    rss_mb: float


class AdapterError(RuntimeError):
    """An adapter ended without a BENCH line."""


def run_adapter(name: str, environment: dict[str, str], limit_seconds: float) -> tuple[dict[str, Any], Cost]:
    """Its BENCH line, and what it cost."""
    with tempfile.TemporaryFile("w+", encoding="utf-8") as out:
        began = time.perf_counter()
        child = subprocess.Popen([sys.executable, str(HERE / f"{name}.py")], env=os.environ | environment, stdout=out)
        timer = threading.Timer(limit_seconds, child.kill)
        timer.start()
        _, status, usage = os.wait4(child.pid, 0)
        timer.cancel()
        child.returncode = os.waitstatus_to_exitcode(status)
        cost = Cost(time.perf_counter() - began, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / KILOBYTES / 1024)
        out.seek(0)
        lines = [line.removeprefix("BENCH ") for line in out if line.startswith("BENCH ")]
    if child.returncode or not lines:
        raise AdapterError(f"{name} ended with {child.returncode} and {len(lines)} BENCH lines")
    return json.loads(lines[-1]), cost


def measure(name: str, phase: str, environment: dict[str, str], mock: MockProvider, given: Any) -> dict[str, Any]:
    """One run as one row."""
    mock.reset()
    line, cost = run_adapter(name, environment, given.limit)
    seen = mock.stats()
    cpu = cost.cpu_s - line["import_cpu_s"]
    row = {
        "adapter": name,
        "phase": phase,
        **line,
        "wall_s": round(cost.wall_s, 4),
        "cpu_us_per_job": round(cpu / given.n * 1e6, 1),
        "work_us_per_job": round(line["work_s"] / given.n * 1e6, 1),
        "rss_mb": round(cost.rss_mb, 1),
        "requests": seen["requests"],
        "asked_twice": seen["asked_twice"],
        "max_in_flight": seen["max_in_flight"],
        "mock_cpu_s": seen["cpu_s"],
    }
    print(f"{name:16} {phase:7} {line['work_s']:8.2f} s  {row['requests']:7} requests", file=sys.stderr, flush=True)
    return row


def run_rounds(names: list[str], mock: MockProvider, given: Any, folder: Path) -> list[dict[str, Any]]:
    """All adapters in each round, in turning order, so that a slow minute of the machine strikes them alike."""
    rows = []
    for number in range(given.rounds):
        turn = number % len(names)
        for name in names[turn:] + names[:turn]:
            with tempfile.TemporaryDirectory(dir=folder) as work:
                environment = {"BENCH_DATA": str(folder / "records.jsonl"), "BENCH_DIR": work, "BENCH_URL": mock.url}
                environment |= {"BENCH_N": str(given.n), "BENCH_C": str(given.c)}
                rows.append(measure(name, "run", environment, mock, given))
                if given.resume:
                    rows.append(measure(name, "resume", environment, mock, given))
    return rows


def middle(rows: list[dict[str, Any]], name: str, phase: str, key: str) -> float | None:
    """The median over the rounds; None if it did not run."""
    values = [row[key] for row in rows if row["adapter"] == name and row["phase"] == phase]
    return median(values) if values else None


def ratio(rows: list[dict[str, Any]], name: str, key: str) -> str:
    """To the yardstick: the median of the rounds' ratios, as a round's runs share the machine's mood."""
    mine, theirs = (
        [row[key] for row in rows if row["adapter"] == one and row["phase"] == "run"] for one in (name, YARDSTICK)
    )
    return f"{median(a / b for a, b in zip(mine, theirs, strict=True)):.2f}" if theirs else "-"


def table(rows: list[dict[str, Any]], names: list[str], n: int) -> str:
    """Medians of the rounds, and ratios to the yardstick."""
    heads = ["adapter", "answers", "work s", "ratio", "jobs/s", "CPU µs/job", "ratio", "peak MB", "ratio", "requests"]
    heads += ["resume µs/job", "asked again"]
    lines = [f"| {' | '.join(heads)} |", f"|---{'|---:' * (len(heads) - 1)}|"]
    for name in names:
        found = {
            key: middle(rows, name, "run", key) for key in ("ok", "work_s", "cpu_us_per_job", "rss_mb", "requests")
        }
        again = {key: middle(rows, name, "resume", key) for key in ("work_us_per_job", "requests")}
        cells = [
            name,
            f"{found['ok']:.0f}",
            f"{found['work_s']:.2f}",
            ratio(rows, name, "work_s"),
            f"{n / (found['work_s'] or 1):.0f}",
            f"{found['cpu_us_per_job']:.0f}",
            ratio(rows, name, "cpu_us_per_job"),
            f"{found['rss_mb']:.0f}",
            ratio(rows, name, "rss_mb"),
            f"{found['requests']:.0f}",
            *("-" if value is None else f"{value:.0f}" for value in again.values()),
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("adapters", nargs="*", default=["raw", YARDSTICK, "buttermilk_run"])
    parser.add_argument("--n", type=int, default=10_000, help="records (10000)")
    parser.add_argument("--c", type=int, default=512, help="requests in flight (512)")
    parser.add_argument("--latency", type=float, default=200, help="of the mock, in milliseconds (200)")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--resume", action="store_true", help="run each once more in the same folder")
    parser.add_argument("--limit", type=float, default=600, help="seconds for one run")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every row there")
    return parser.parse_args()


def main() -> None:
    given = options()
    names = [name for name in given.adapters if (HERE / f"{name}.py").exists()]
    for name in given.adapters:
        if name not in names:
            print(f"there is no bench/{name}.py: left out")
    if not names:
        sys.exit("nothing to run")
    with tempfile.TemporaryDirectory() as temporary, MockProvider(process=True, latency_ms=given.latency) as mock:
        folder = Path(temporary)
        with (folder / "records.jsonl").open("w", encoding="utf-8") as out:
            data.write(out, given.n)
        rows = run_rounds(names, mock, given, folder)
    machine = f"Python {platform.python_version()}, {os.cpu_count()} cores"
    print(f"\n{given.n} records, {given.c} in flight, {given.latency:g} ms latency, {given.rounds} rounds; {machine}\n")
    print(table(rows, names, given.n))
    said = {(row.get("agents", 1), row["ok"], row["digest"]) for row in rows}
    if len(said) > len({agents for agents, _, _ in said}):  # several agents give other answers than one
        print("\nThe adapters do NOT agree on the answers (see `digest` in --json).")
    if given.json:
        asked = {"n": given.n, "c": given.c, "latency_ms": given.latency, "rounds": given.rounds, "machine": machine}
        given.json.write_text(json.dumps({"asked": asked, "rows": rows}, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
