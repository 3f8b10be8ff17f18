"""`derive`: what one step said of each record in its own words becomes a dataset, which the next flow asks about.

A film is described once, by one agent; then twenty judges read the description. Each derived record says of which
record, by whom and in which run: `source_record`, `source_hash`, `run`, `step`, `agent`, `job_id`.
"""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import yaml

from buttermilk.config.agents import NAME
from buttermilk.core.contracts import Store
from buttermilk.core.errors import ConfigError, did_you_mean
from buttermilk.core.flows import Step
from buttermilk.core.jobs import Run
from buttermilk.core.tables import Table
from buttermilk.core.values import Scalar
from buttermilk.documents.whole import whole
from buttermilk.plugins import find
from buttermilk.study.looking import stored
from buttermilk.study.running import find_run

COLUMNS = ("id", "text", "source_record", "source_hash", "run", "step", "agent", "job_id", "simulated")
OF_THE_SOURCE = ("licence", "consent", "sensitivity")  # what holds of a text holds of its description


def derive(
    name: str, run: str | None = None, *, step: str | None = None, agent: str | None = None, root: Path | None = None,
    overrides: Sequence[str] = (),
) -> int:  # fmt: skip
    """Write data/NAME.jsonl and conf/dataset/NAME.yaml, a record per record that was described; returns how many.

    Where a record was described several times over by one agent, the first is taken. Nothing is written over.
    """
    with stored(root, overrides) as (store, home):
        found = find_run(store, run)
        if found.state != "finished":
            raise ConfigError(f"run '{found.run_id}' is not finished.", hint=f"Type: buttermilk run {found.flow}")
        data, conf = _places(home, name)
        chosen = _step(found, step)
        rows = _first(_described(store, found, chosen, agent))
        if not rows:
            said = f"step '{chosen.name}' of run '{found.run_id}' described nothing."
            raise ConfigError(said, hint="buttermilk status")
        data.parent.mkdir(parents=True, exist_ok=True)
        conf.parent.mkdir(parents=True, exist_ok=True)
        count: int = find("exports", "jsonl")().write(Table(COLUMNS, rows), data)
        with whole(conf) as path:
            path.write_text(_yaml(name, found, chosen, str(rows[0][COLUMNS.index("agent")])), encoding="utf-8")
        return count


def _places(home: Path, name: str) -> tuple[Path, Path]:
    if not NAME.fullmatch(name):
        raise ConfigError(f"'{name}' is no name for a dataset.", hint="Letters, digits, _ and - are: descriptions")
    places = home / "data" / f"{name}.jsonl", home / "conf" / "dataset" / f"{name}.yaml"
    for place in places:
        if place.exists():
            said = "it is there already; nothing was written."
            raise ConfigError(said, where=str(place), hint="Choose another name.")
    return places


def _step(run: Run, name: str | None) -> Step:
    """The step that is named, else the only one that has one question to be answered in words."""
    steps = {step.name: step for flow in run.method for step in flow.steps}
    if name is not None and name not in steps:
        raise ConfigError(f"run '{run.run_id}' has no step '{name}'.", hint=did_you_mean(name, steps))
    fit = [step for step in steps.values() if len(_in_words(step)) == 1 and name in (None, step.name)]
    if len(fit) == 1:
        return fit[0]
    if fit:
        raise ConfigError("several steps have answers in words.", hint=f"Name one: --step {fit[0].name}")
    said = f"no such step of run '{run.run_id}' has one question of `level: text`, whose answers could be read."
    hint = "Its codebook needs exactly one: description: {ask: What is to be seen?, level: text}"
    raise ConfigError(said, hint=hint)


def _in_words(step: Step) -> list[str]:
    return [question.name for question in step.codebook.questions if question.level == "text" and not question.many]


def _described(store: Store, run: Run, step: Step, agent: str | None) -> Iterator[dict[str, Any]]:
    """Answers with words in them, of one agent seen from one perspective."""
    (question,) = _in_words(step)
    voices: dict[tuple[str, str], None] = {}
    for row in store.results(run.run_id, step.name):
        text = (row["answers"] or {}).get(question) if row["status"] == "answered" else None
        if not isinstance(text, str) or not text.strip() or agent not in (None, row["agent"]):
            continue
        voices[row["agent"], row["perspective"]] = None
        if len(voices) > 1:
            several = ", ".join(" from ".join(filter(None, voice)) for voice in voices)
            said = f"step '{step.name}' was answered by several: {several}; a record is described once."
            hint = f"Name one: --agent {row['agent']}; and ask such a step from one perspective."
            raise ConfigError(said, hint=hint)
        yield {**row, "text": text}


def _first(described: Iterable[dict[str, Any]]) -> list[tuple[Scalar, ...]]:
    found: dict[str, tuple[Scalar, ...]] = {}
    for row in described:
        record = row["record_id"]
        about = (row["record_hash"], row["run_id"], row["step"], row["agent"], row["job_id"], bool(row["simulated"]))
        found.setdefault(record, (record, row["text"], record, *about))
    return list(found.values())


def _yaml(name: str, run: Run, step: Step, agent: str) -> str:
    data = run.config.get("data")
    kept = {key: data[key] for key in OF_THE_SOURCE if data.get(key)} if isinstance(data, dict) else {}
    said = {
        "type": "jsonl",
        "path": f"data/{name}.jsonl",
        "columns": {"id": "id", "text": "text"},
        "source": f"What {agent} said of each record of {run.dataset} ({step.name}, run {run.run_id})",
        **kept,
    }
    head = "# Written by `buttermilk derive`. Ask about it: dataset: " + name
    return f"{head}\n{yaml.safe_dump(said, sort_keys=False, allow_unicode=True, width=120)}"
