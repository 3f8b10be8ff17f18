"""`prompts watch`: the latest stored test of a prompt against the one that was pinned as its baseline, and what moved.

The pins are in git: prompts/baselines.yaml, a line a prompt, `judge: test-judge-2026-11-22`.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import yaml
from yarl import URL

from buttermilk.analysis.frame import as_text
from buttermilk.analysis.method import Method
from buttermilk.analysis.watching import Outcome, Watched, sentences, watch
from buttermilk.config import compose_notify, find_root
from buttermilk.core.contracts import Store
from buttermilk.core.errors import ConfigError, did_you_mean
from buttermilk.core.flows import Limits, leaves_of
from buttermilk.core.jobs import Run
from buttermilk.core.questions import UNSAID
from buttermilk.documents import load_yaml, read_text
from buttermilk.documents.whole import whole
from buttermilk.study.asking import Told
from buttermilk.study.cases import STEP, Now, try_prompts
from buttermilk.study.keys import keys_of
from buttermilk.study.looking import stored
from buttermilk.wire import Wire

PINS = "prompts/baselines.yaml"
HEAD = "# Which stored test each prompt is watched against. Written by `buttermilk prompts watch NAME --pin`.\n"


class Seen(NamedTuple):
    """One prompt, watched."""

    prompt: str
    baseline: str
    run: str
    found: Watched
    simulated: bool

    def as_json(self) -> dict[str, Any]:
        alarms, changed = ([one._asdict() for one in said] for said in (self.found.alarms, self.found.changed))
        told = {"prompt": self.prompt, "baseline": self.baseline, "run": self.run, "simulated": self.simulated}
        told["blind"] = self.found.blind
        return {**told, "alarms": alarms, "changed": changed, "moved": self.found.moved, "notes": self.found.notes}


async def watch_prompts(
    *names: str, live: bool = False, agents: Sequence[str] = (), repeats: int | None = None, root: Path | None = None,
    now: Now = lambda: datetime.now(UTC), told: Told = lambda done, whole: None,
) -> list[Seen]:  # fmt: skip
    """Each named prompt, else each that has a baseline. `live` tests it first. Where there is an alarm and the study
    says `notify:`, somebody is told."""
    root = root or find_root(Path.cwd())
    pins = _pins(root)
    chosen = names or tuple(pins)
    for name in chosen or ("",):
        if name not in pins:
            hint = f"Pin its latest test: buttermilk prompts watch {name or 'NAME'} --pin   (and test it first: --live)"
            raise ConfigError(f"'{name}' has no baseline." if name else "no prompt has a baseline.", hint=hint)
    if live:
        tested = await try_prompts(*chosen, agents=agents, live=True, repeats=repeats, root=root, now=now, told=told)
        for one in tested:
            if one.over:
                cut = f"the test of '{one.tests.prompt.name}' did not come to its end: {one.over}"
                raise ConfigError(
                    cut, hint="What was answered is stored. Type the same command again today: it goes on."
                )
    with stored(root) as (store, _):
        seen = [_seen(store, name, pins[name]) for name in chosen]
    await _notify(root, [one for one in seen if one.found.alarms])
    return seen


def pin(*names: str, run: str | None = None, root: Path | None = None) -> dict[str, str]:
    """Make the latest stored test of each named prompt, or the `run`, its baseline; returns what is pinned now."""
    with stored(root) as (store, home):
        pins = _pins(home) | {name: _test(store, name, run).run_id for name in names}
    with whole(home / PINS) as path:
        path.write_text(HEAD + yaml.safe_dump(pins, allow_unicode=True), encoding="utf-8")
    return pins


def _pins(root: Path) -> dict[str, str]:
    if not (root / PINS).is_file():
        return {}
    data, _ = load_yaml(read_text(root / PINS), PINS)
    if not isinstance(data, dict) or not all(isinstance(run, str) for run in data.values()):
        raise ConfigError("a line here is `PROMPT: RUN`.", where=PINS)
    return data


def _test(store: Store, name: str, run: str | None = None) -> Run:
    """The stored test of that name, else the latest that has ended."""
    found = [one for one in store.runs() if one.kind == "test" and _prompt(one) == name]
    ended = [one for one in found if one.state == "finished" and run in (None, one.run_id)]
    if not ended:
        missing = f"there is no test '{run}' of '{name}'." if run else f"no test of '{name}' is stored."
        hint = did_you_mean(run, [one.run_id for one in found]) if run and found else ""
        raise ConfigError(missing, hint=hint or f"Type: buttermilk prompts test {name} --live")
    return ended[-1]


def _prompt(run: Run) -> str:
    return run.method[0].steps[0].prompts[0].name


def _seen(store: Store, name: str, baseline: str) -> Seen:
    pinned, latest = _test(store, name, baseline), _test(store, name)
    before, today = list(outcomes(store, pinned)), list(outcomes(store, latest))
    simulated = any(step.agents[0].type == "simulated" for run in (pinned, latest) for step in run.method[0].steps)
    return Seen(name, pinned.run_id, latest.run_id, watch(before, today), simulated)


def outcomes(store: Store, run: Run) -> Iterator[Outcome]:
    """Every answer of a stored test, with the verdict that it was given that day."""
    method = Method(run)
    progress: Mapping[str, Any] = run.progress
    verdicts = {(one["case"], one["agent"]): one for one in progress.get("verdicts", ())}
    for row in store.results(run.run_id, STEP):
        verdict = verdicts.get((row["record_id"], row["agent"]))
        if verdict is None:
            continue
        each = verdict["repeats"]
        codebook = method.codebook(STEP, row["codebook_hash"])
        yield Outcome(
            **{name: row[name] for name in Outcome._fields if name in row},
            day=f"{run.started_at:%Y-%m-%d}",
            case=row["record_id"],
            case_hash=verdict["case_hash"],
            passed=each[row["repeat"] - 1] if row["repeat"] <= len(each) else None,
            labels={
                question.name: as_text(answer)
                for question, answer in leaves_of(codebook, row["answers"])
                if question.labels and answer is not UNSAID
            },
            version=run.versions.get("buttermilk", ""),
        )


async def _notify(root: Path, alarmed: Sequence[Seen]) -> None:
    """One POST of `{"text": …}`, which is what chat services take."""
    address = compose_notify(root)
    if not alarmed or not address:
        return
    url = keys_of(root)(address).reveal() if address.startswith("secret://") else address
    told = [f"{one.prompt} ({one.run}):\n" + "\n".join(sentences(one.found)) for one in alarmed]
    wire = Wire({"Content-Type": "application/json"}, Limits(timeout_seconds=30), [url])
    try:
        await wire.post(URL(url), json.dumps({"text": "\n\n".join(told)}).encode())
    finally:
        await wire.close()
