"""`freeze`: what is asked, of whom, of what, and how it is analysed, written down before the answers come."""

import json
from collections.abc import Mapping
from contextlib import closing
from getpass import getuser
from pathlib import Path
from typing import Any, NamedTuple

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from buttermilk.analysis.registered import declared, dropped, standing
from buttermilk.config import find_root
from buttermilk.core.errors import ConfigError
from buttermilk.core.jobs import Run
from buttermilk.core.people import Deviation, Registration, Sample
from buttermilk.core.registering import Change, shortened
from buttermilk.core.waves import same_flow
from buttermilk.documents.whole import whole
from buttermilk.study.opening import Study, open_study
from buttermilk.study.running import described, git_state, now

HERE = Path(__file__).parent
FOLDER = "registrations"


class Frozen(NamedTuple):
    """`again`: the same was registered before, and nothing was kept. `files` are for machines and for the OSF."""

    registration: Registration
    files: tuple[Path, ...]
    again: bool = False

    @property
    def left(self) -> int:
        """Items of the form that only the scholar can write, and has not."""
        return str(self.registration.plan["form"]).count("*To be written by the scholar.*")

    def as_json(self) -> dict[str, Any]:
        kept = json.loads(self.registration.model_dump_json())
        return {"key": self.registration.key, "again": self.again, "files": [str(one) for one in self.files], **kept}


def freeze(flow: str, *overrides: str, why: str = "", root: Path | None = None, multirun: bool = False) -> Frozen:
    """Register a flow as it stands: `freeze("news", why="before the second wave")`."""
    with closing(open_study(root or find_root(Path.cwd()), flow, overrides, multirun=multirun)) as study:
        run = described(study)
        held = standing(study.store, run).registration
        again = held is not None and held.parts == declared(study.store, run)
        kept = held if held and again else _registration(study, run, why)
        study.store.file([kept])
        first = next(one for one in study.store.papers(Registration, run.flow) if _day(one) == _day(kept))
    stem = f"{run.flow}-{_day(kept)}" + ("" if first.key == kept.key else f"-{kept.key[:6]}")
    head = f"# Registration of {run.flow}, {_day(kept)}\n\nKept by {kept.by} as {kept.key}.\n\n"
    texts = {".json": kept.model_dump_json(indent=2) + "\n", ".md": f"{head}{kept.plan['form']}\n"}
    files = tuple(study.root / FOLDER / f"{stem}{suffix}" for suffix in texts)
    files[0].parent.mkdir(exist_ok=True)
    for file, text in zip(files, texts.values(), strict=True):
        with whole(file) as path:
            path.write_text(text, encoding="utf-8")
    return Frozen(kept, files, again)


def _day(held: Registration) -> str:
    return f"{held.registered_at:%Y-%m-%d}"


def _registration(study: Study, run: Run, why: str) -> Registration:
    texts, parts = study.composed.registration.model_dump(), declared(study.store, run)
    said = {name: list(text) for name, text in texts.items() if text}
    plan = {"why": why, **said, "form": _form(study, run, parts, why, texts)}
    git = git_state(study.root)
    return Registration(about=run.flow, parts=parts, plan=plan, by=getuser(), registered_at=now(), git=git)


def _form(study: Study, run: Run, parts: Mapping[str, str], why: str, texts: Mapping[str, Any]) -> str:
    """The OSF's form, filled from the study; `registration.md` has its headings."""
    steps, budget = [step for flow in run.method for step in flow.steps], run.budget
    caps = [f"{budget.money:.2f} {budget.currency}"] if budget.money is not None else []
    caps += [f"{budget.tokens:,} tokens"] if budget.tokens is not None else []
    books = {one.codebook.hash: one.codebook for one in steps}
    blind = ", ".join(step.name for step in steps if step.blind)
    form = Environment(loader=FileSystemLoader(HERE), autoescape=False, undefined=StrictUndefined)  # noqa: S701  (text)
    return form.get_template("registration.md").render(
        run=run,
        parts=parts,
        why=why,
        texts=texts,
        records=study.whole.records,
        before=[one for one in study.store.runs() if same_flow(one, run)],
        samples=study.store.papers(Sample, run.dataset),
        agents=list({agent.hash: agent for step in steps for agent in step.agents}.values()),
        questions=[leaf for book in books.values() for leaf in book.leaves],
        blind=f"In the step {blind}, answers are read without who gave them." if blind else "",
        caps=f"; the run stops before it spends more than {' or '.join(caps)}" if caps else "",
        shortened=shortened,
    )


def deviate(
    flow: str, why: str, *overrides: str, root: Path | None = None, multirun: bool = False
) -> tuple[Change, ...]:
    """Write down why the flow is not asked as it was declared; what it is the reason for."""
    with closing(open_study(root or find_root(Path.cwd()), flow, overrides, multirun=multirun)) as study:
        run = described(study)
        found = [*standing(study.store, run).differing, *dropped(study.store, run)]
        fresh = tuple(one for one in found if not one.why)
        if not fresh:
            done = "each has its reason already" if found else "the flow is asked as it was declared"
            raise ConfigError(f"there is no deviation to give a reason for: {done}.")
        paper = {one.what: one.now for one in fresh}
        study.store.file([Deviation(about=run.flow, changes=paper, why=why, by=getuser(), written_at=now())])
        return fresh
