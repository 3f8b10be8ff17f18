"""What every adapter shares: what it is asked to do, and the line it prints. Standard library only.

An adapter is a script that asks a model one question about each record and keeps the answers. It is told by
environment variables: BENCH_DATA (JSONL of {"id", "text"}), BENCH_N (how many of them), BENCH_C (requests in flight),
BENCH_URL (`http://127.0.0.1:PORT/v1`), BENCH_DIR (its work folder; there again when it is to resume).

    report = Report()
    import ...                      # what the adapter needs; timed apart from the work
    report.imported()
    ...; report.add(record_id, label)
    report.done()                   # prints "BENCH {json}"
"""

import hashlib
import json
import os
import resource
import sys
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

DATA, URL, DIR = Path(os.environ["BENCH_DATA"]), os.environ["BENCH_URL"], Path(os.environ["BENCH_DIR"])
N, C = int(os.environ["BENCH_N"]), int(os.environ["BENCH_C"])
KEY, MODEL = "sk-mock-key", "gpt-4o-mini"
HEADERS = {"Authorization": f"Bearer {KEY}", "Content-Type": "application/json"}
LABELS = frozenset({"positive", "negative", "neutral", "mixed"})
QUESTION = (
    "What is the tone of the record below? Answer with one JSON object only: "
    '"label" (positive, negative, neutral or mixed), "confidence" (from 0 to 1) and "reason" (one sentence).'
)


def records() -> Iterator[dict[str, str]]:
    """The first N records, read as they are needed."""
    with DATA.open(encoding="utf-8") as lines:
        for line in islice(lines, N):
            yield json.loads(line)


def request(record: dict[str, str]) -> dict[str, Any]:
    """The body of the one request that a record takes. The marker makes the mock answer all adapters alike."""
    content = f"{QUESTION}\n\n[record:{record['id']}]\n{record['text']}"
    return {"model": MODEL, "messages": [{"role": "user", "content": content}], "temperature": 0}


def parse(content: str) -> dict[str, Any]:
    """The answer, checked as a codebook would have it checked."""
    answer: dict[str, Any] = json.loads(content)
    if answer["label"] not in LABELS or not isinstance(answer["reason"], str) or not 0 <= answer["confidence"] <= 1:
        raise ValueError(f"not an answer: {content}")
    return answer


def peak_rss_mb() -> int:
    """Of this process, so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> (20 if sys.platform == "darwin" else 10)


class Report:
    """Times the imports and the work. Its digest of (id, label) is the same in whatever order the answers come."""

    def __init__(self) -> None:
        self._born = time.perf_counter()
        self._ok = self._digest = 0

    def imported(self) -> None:
        """All is imported; the work begins."""
        self._import_rss, self._import_cpu = peak_rss_mb(), time.process_time()  # CPU since the interpreter started
        self._work_began = time.perf_counter()

    def add(self, record_id: str, label: str) -> None:
        """Count one valid answer."""
        self._ok += 1
        pair = hashlib.blake2b(f"{record_id}:{label}".encode(), digest_size=8).digest()
        self._digest ^= int.from_bytes(pair, "big")

    def done(self, **extra: Any) -> None:
        """Print the BENCH line."""
        now = time.perf_counter()
        line = {
            "ok": self._ok,
            "digest": f"{self._digest:016x}",
            "import_s": round(self._work_began - self._born, 3),
            "import_cpu_s": round(self._import_cpu, 3),
            "work_s": round(now - self._work_began, 4),
            "rss_import_mb": self._import_rss,
            "rss_self_mb": peak_rss_mb(),
            **extra,
        }
        print("BENCH " + json.dumps(line), flush=True)
