"""`compare`: two runs, or two agents, perspectives, prompts, waves or arms of one, as stored. Nobody is asked."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Literal, NamedTuple

from buttermilk.analysis import words
from buttermilk.analysis.beside import Contrast, contrasts, flips_table, gather, given, shares_table
from buttermilk.analysis.evidence import waves_of
from buttermilk.analysis.method import Method, prompt_name
from buttermilk.analysis.page import Block, Section, Text, grid
from buttermilk.analysis.report import page
from buttermilk.core.contracts import Store
from buttermilk.core.errors import ConfigError, did_you_mean
from buttermilk.core.jobs import Run
from buttermilk.core.tables import Table
from buttermilk.study.looking import stored
from buttermilk.study.running import find_run

By = Literal["run", "agent", "perspective", "prompt", "wave", "arm"]
SIMULATED = "Simulated readers answered: what follows says nothing of any model."
MOST = 200  # flips of a question on the page; the CSV has all


class Comparison(NamedTuple):
    """`sides` are the two that were compared; `shares` and `flips` tables: `pandas.DataFrame(found.flips.dicts())`."""

    sides: tuple[str, str]
    by: str
    runs: tuple[str, str]
    simulated: bool
    contrasts: tuple[Contrast, ...]

    @property
    def shares(self) -> Table:
        return shares_table(self.contrasts, self.sides)

    @property
    def flips(self) -> Table:
        return flips_table(self.contrasts, self.sides)

    @property
    def where(self) -> str:
        """`agents of the run verse-1`, `waves, in the runs verse-1 and verse-2`"""
        if self.by == "run":
            return "two runs"
        one, two = self.runs
        return f"two {self.by}s of the run {one}" if one == two else f"two {self.by}s, in the runs {one} and {two}"

    def as_json(self) -> dict[str, Any]:
        told = {"sides": self.sides, "by": self.by, "runs": self.runs, "simulated": self.simulated}
        return {**told, "questions": [one.as_json() for one in self.contrasts]}


def compare(
    a: str, b: str, *, run: str | None = None, by: By | None = None, step: str | None = None,
    question: str | None = None, root: Path | None = None,
) -> Comparison:  # fmt: skip
    """`compare("verse-1", "verse-2")`, or within a run, the latest if none is named, `compare("gpt", "claude")`."""
    with stored(root) as (store, _):
        return compared(store, a, b, run=run, by=by, step=step, question=question)


def compared(
    store: Store, a: str, b: str, *, run: str | None = None, by: By | None = None, step: str | None = None,
    question: str | None = None,
) -> Comparison:  # fmt: skip
    """The same of an open store."""
    by = by or _axis(store, a, b, run)
    chosen = _runs(store, a, b, run, by)
    names: tuple[str, str] = (a, b)
    found = []
    for name, one in zip(names, chosen, strict=True):
        method = Method(one)
        if step is not None and step not in method.steps:
            raise ConfigError(f"run '{one.run_id}' has no step '{step}'.", hint=did_you_mean(step, method.steps))
        found.append(gather(store.results(one.run_id, step), method, _picks(method, by, name), by))
    questions = found[1][1] | found[0][1]
    known = [key[1] for key in questions]
    if question is not None and question not in known:
        raise ConfigError(f"there is no question '{question}' here.", hint=did_you_mean(question, set(known)))
    asked = {key: one for key, one in questions.items() if question in (None, key[1])}
    for name, (side, _, _) in zip(names, found, strict=True):
        if not side:
            raise ConfigError(f"'{name}' has no answers that could be compared.")
    told = contrasts(found[0][0], found[1][0], asked, seed=chosen[1].seed)
    if not any(one.records for one in told):
        raise ConfigError(f"'{a}' and '{b}' answered no record and question in common under equal circumstances.")
    return Comparison(names, by, (chosen[0].run_id, chosen[1].run_id), any(one[2] for one in found), told)


def _names(store: Store, run: Run) -> dict[By, set[str]]:
    """What can be named in a run, by what it is."""
    method = Method(run)
    steps = [item for versions in method.steps.values() for item in versions]
    prompts = [prompt for name in method.steps for prompt in method.prompts(name)]
    arms = {item.arm for item in steps} | {item.priors.arm for item in steps if item.priors}
    return {
        "agent": {agent for name in method.steps for agent in method.agent_names(name)},
        "perspective": {method.shown(one.name, one.hash) for name in method.steps for one in method.perspectives(name)},
        "prompt": {one.name for one in prompts} | {one.version_name for one in prompts},
        "wave": set(waves_of(store, run)),
        "arm": arms,
    }


def _axis(store: Store, a: str, b: str, run: str | None) -> By:
    """What both are names of."""
    runs = {one.run_id for one in store.runs()}
    if {a, b} <= runs:
        return "run"
    names = _names(store, find_run(store, run))
    fit = [by for by, known in names.items() if {a, b} <= known]
    if len(fit) == 1:
        return fit[0]
    if fit:
        hint = " or ".join(f"--by {by}" for by in fit)
        raise ConfigError(f"'{a}' and '{b}' can be names of several things.", hint=f"Say which: {hint}")
    known = {name for each in names.values() for name in each} | runs
    missing = next((name for name in (a, b) if name not in known), None)
    if missing is not None:
        raise ConfigError(f"there is no '{missing}' to compare.", hint=did_you_mean(missing, known))
    kinds = [next(by for by, each in ({"run": runs} | names).items() if name in each) for name in (a, b)]
    raise ConfigError(f"'{a}' is {_a(kinds[0])} and '{b}' {_a(kinds[1])}: name two of one kind.")


def _a(kind: str) -> str:
    return f"an {kind}" if kind[0] in "aeiou" else f"a {kind}"


def _runs(store: Store, a: str, b: str, run: str | None, by: By) -> tuple[Run, Run]:
    if a == b:
        raise ConfigError(f"'{a}' is compared with itself: name two.")
    if by == "run":
        return find_run(store, a), find_run(store, b)
    one = find_run(store, run)
    known = _names(store, one)[by]
    for name in (a, b):
        if name not in known and by != "arm":
            raise ConfigError(f"there is no {by} '{name}' in run '{one.run_id}'.", hint=did_you_mean(name, known))
    waves = waves_of(store, one)
    return (waves[a], waves[b]) if by == "wave" else (one, one)


def _picks(method: Method, by: By, name: str) -> Callable[[Mapping[str, Any]], bool]:
    if by in ("run", "wave"):
        return lambda row: True
    if by == "prompt":
        return lambda row: name in (row["prompt"], prompt_name(row))
    if by == "arm":
        return lambda row: bool(row["arm"] == name)
    return lambda row: method.shown(row[by], row[f"{by}_hash"]) == name


# ---- in words, and as a page


def sentences(one: Contrast) -> Iterator[str]:
    """What a scholar reads of one question."""
    of = f"{words.plural(one.records, 'record')}, {words.plural(one.cells, 'pair')} of cells"
    left = f"; {words.plural(one.left_out, 'record')} on one side only" if one.left_out else ""
    same = "" if one.measured else f"the same answer in {words.share(one.same)} of them, "
    yield f"{of}{left}: {same}alpha {words.corrected(one.alpha)}."
    if one.adjusted is not None:
        what = "The shares differ" if one.adjusted <= 0.05 else "The shares do not differ beyond chance"
        yield f"{what}: {words.chance(one.adjusted)} (sides swapped by record, Holm over the questions)."
    if one.beyond.test and one.beyond.value is not None:
        more = "more often" if one.question.level == "nominal" else "by more"
        so = f"{more} than within one" if one.beyond.test.mid <= 0.05 else f"not {more} than within one"
        by = f"{words.corrected(one.beyond)}, {words.chance(one.beyond.test.mid)}"
        yield f"Two answers differ between the sides {so} ({by})."


def as_page(found: Comparison) -> str:
    one, two = found.sides
    return page(
        [_section(found, each) for each in found.contrasts],
        kicker=f"Comparison, {found.where}:",
        name=f"{one} and {two}",
        title=f"{one} beside {two}",
        simulated=SIMULATED if found.simulated else "",
        dates="Paired by record and by everything else that is equal.",
        state=words.plural(len(found.contrasts), "question"),
        partial=False,
    )


def _section(found: Comparison, one: Contrast) -> Section:
    name = f"{one.step}: {one.question.name}"
    titles = ("answer", *(f"{side}#" for side in found.sides), "difference [95%]#", "p#")
    blocks: list[Block] = [
        *map(Text, sentences(one)),
        grid(f"Answers to “{one.question.name}”.", titles, [share_row(one, place) for place in range(len(one.shares))]),
    ]
    flips = [
        (turn.record_id, turn.under or "—", given(turn.before), given(turn.after),
         "—" if turn.p is None else f"{turn.p:.4f}", " ".join(side.jobs[0][:7] for side in (turn.before, turn.after)))
        for turn in one.turns[:MOST]
    ]  # fmt: skip
    if flips:
        more = f"; the first {MOST}" if len(one.turns) > MOST else ""
        caption = f"{words.plural(len(one.turns), 'flip')}: the commonest answer is another{more}."
        blocks.append(grid(caption, ("record", "under", *found.sides, "p#", "jobs`"), flips))
    return Section(name, tuple(blocks))


def share_row(one: Contrast, place: int) -> tuple[str, ...]:
    """`negative`, `31.0%`, `44.0%`, `13.0% [5.0, 21.0]`, `0.0012`"""
    share = one.shares[place]
    how = words.measure if one.measured else words.percent
    by = words.corrected(share.difference) if one.measured else words.share(share.difference).replace("-", "−")
    test = share.difference.test
    p = "—" if test is None else "<0.0001" if test.p < 0.0001 else f"{test.p:.4f}"
    return share.label, how(share.before), how(share.after), by, p
