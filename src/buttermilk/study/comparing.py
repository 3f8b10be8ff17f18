"""`prompts compare`: two versions of a prompt, of criteria or of a codebook asked about the same records, and what of
the difference is more than chance.

What either version has been asked already is stored, and is not asked again: identity is content.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from buttermilk.analysis.changes import Answer, Change, changes
from buttermilk.analysis.frame import read
from buttermilk.analysis.method import Method
from buttermilk.config import find_root
from buttermilk.config.study import own_flows
from buttermilk.core.contracts import Store
from buttermilk.core.errors import ConfigError, did_you_mean
from buttermilk.core.flows import Step, leaves_of
from buttermilk.core.jobs import Run
from buttermilk.engine.answerers import ANOTHER_MODEL
from buttermilk.study.looking import stored
from buttermilk.study.opening import Study, check_step, open_study
from buttermilk.study.running import Watch, begun, find_run
from buttermilk.study.shelf import Found, opened

SIDE = {"prompt": "prompt_hash", "criteria": "perspective_hash", "codebook": "codebook_hash"}


class Compared(NamedTuple):
    """`run` has every answer. `remaining` counts the questions that nobody has answered yet."""

    old: Found
    new: Found
    run: str
    step: str
    changes: tuple[Change, ...]
    simulated: bool
    remaining: int

    def as_json(self) -> dict[str, Any]:
        said = [{**one._asdict(), "flips": [flip._asdict() for flip in one.flips]} for one in self.changes]
        told = {"run": self.run, "step": self.step, "simulated": self.simulated, "remaining": self.remaining}
        return {"old": self.old.said, "new": self.new.said, **told, "changes": said}


async def compare(
    old: str, new: str, flow: str | None = None, *overrides: str, step: str | None = None, kind: str | None = None,
    root: Path | None = None, watch: Watch = lambda progress: None,
) -> Compared:  # fmt: skip
    """Ask a flow's step both ways: `await compare("judge@3f9a1c", "judge", "news", "steps.judge.repeats=5")`.

    Everything but the text that is compared is as the flow says; `dataset=pilot` and the like override it. Without a
    flow, the only one that has such a step.
    """
    root = root or find_root(Path.cwd())
    with opened(root) as shelf:
        first = shelf.find(old, kind)
        second = shelf.find(new, first.kind)
    if first.text.hash == second.text.hash:
        raise ConfigError(f"{first.text.version_name} and {second.text.version_name} say the same.")
    study = _both_ways(open_study(root, flow or _only_flow(root), overrides), first, second, step)
    progress = await begun(study).go(watch)
    if progress.why.startswith(ANOTHER_MODEL):
        hint = "To ask both versions anew, add wave=NAME. To compare what two models say: run.model_change=note"
        raise ConfigError(f"{progress.why}, so the two versions would not be compared alone.", hint=hint)
    with stored(root) as (store, _):
        run = find_run(store, progress.run_id)
        found, simulated = compared(store, run, first, second)
        name = run.method[0].steps[0].name
        return Compared(first, second, run.run_id, name, tuple(found), simulated, progress.remaining)


def _both_ways(study: Study, old: Found, new: Found, step: str | None) -> Study:
    """The study with one step in place of its flow, checked. It is closed where that fails."""
    try:
        title = f"{old.text.version_name} beside {new.text.version_name}"
        asked = [
            study.flow.model_copy(
                update={"name": f"compare-{old.text.name}", "title": title, "steps": (one,), "variant": said}
            )
            for one, said in _both(_step(study, old, new, step), old, new)
        ]
        for one in asked:
            check_step(one, one.steps[0], study.dataset)
        study.composed = study.composed.model_copy(update={"flows": tuple(asked)})
        return study
    except BaseException:
        study.close()
        raise


def compared(store: Store, run: Run, old: Found, new: Found) -> tuple[list[Change], bool]:
    """What a stored run's answers say of two versions that it asked with, and whether any answer is simulated."""
    sides: dict[str, list[Answer]] = {old.text.hash: [], new.text.hash: []}
    method, column = Method(run), SIDE[old.kind]
    several = old.kind != "criteria" and any(len(step.perspectives) > 1 for step in run.method[0].steps)
    numbers, simulated = set(), False
    for row in store.results(run.run_id):
        simulated = simulated or bool(row["simulated"])
        codebook = method.codebook(row["step"], row["codebook_hash"])
        who = f"{row['agent']} from {row['perspective']}" if several else row["agent"]
        for question, answer in leaves_of(codebook, row["answers"]):
            if question.level in ("interval", "ratio"):
                numbers.add(question.name)
            elif not question.labels:
                continue
            reading = read(question, row["status"], answer)
            side = sides[row[column]]
            side.append(
                Answer(row["record_id"], who, question.name, row["repeat"], reading.label, reading.value,
                       reading.status)
            )  # fmt: skip
    before, after = sides.values()
    return changes(before, after, numbers=numbers, seed=run.seed), simulated


def _only_flow(root: Path) -> str:
    known = own_flows(root)
    if len(known) == 1:
        return known[0]
    said = "this study has several flows." if known else "this study has no flow."
    hint = f"Name the one whose step is asked both ways: --flow NAME. {did_you_mean('', known)}"
    raise ConfigError(said, hint=hint)


def _step(study: Study, old: Found, new: Found, name: str | None) -> Step:
    """The step that is named, else the first that asks models with one of the two, else the first that asks any."""
    steps = [one for one in study.flow.steps if not one.reads and any(agent.role == "model" for agent in one.agents)]
    if name is not None and name not in [one.name for one in steps]:
        hint = did_you_mean(name, [one.name for one in steps])
        raise ConfigError(f"there is no step '{name}' that asks a model and reads no earlier step.", hint=hint)
    fit = [one for one in steps if name in (None, one.name)]
    names = {old.text.name, new.text.name}
    with_one = [one for one in fit if names & {item.name for item in (*one.prompts, *one.perspectives, one.codebook)}]
    if not fit:
        raise ConfigError(f"flow '{study.flow.name}' has no step that asks a model and reads no earlier step.")
    return (with_one or fit)[0]


def _both(step: Step, old: Found, new: Found) -> Iterator[tuple[Step, dict[str, str]]]:
    """The step asked both ways, by models alone: a tool sees neither. Two codebooks are two cells of a sweep."""
    models = tuple(agent for agent in step.agents if agent.role == "model")
    texts = (old.text, new.text)
    if old.kind == "codebook":
        for one in texts:
            yield step.model_copy(update={"agents": models, "codebook": one}), {"codebook": one.version_name}
    else:
        axis = "prompts" if old.kind == "prompt" else "perspectives"
        yield step.model_copy(update={"agents": models, axis: texts}), {}
