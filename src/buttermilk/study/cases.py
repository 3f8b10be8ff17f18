"""Testing prompts: their cases asked, live or of what was recorded, and the answers judged.

A live test is a run like any other, of kind `test`: its answers are stored whole, with the model that gave them and the
day, so that `watch` can tell later what has moved. Its replies are taken down beside the prompt as well, and the same
tests then run offline, from git alone.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from getpass import getuser
from pathlib import Path
from typing import Any, NamedTuple

from buttermilk import plugins
from buttermilk.cases.judging import Checks, Outcome, asking, checks_of, embedding, judge
from buttermilk.cases.loading import Case, PromptTests, load_tests, prompts_with_tests
from buttermilk.cases.recordings import Recordings
from buttermilk.config import compose_agents, compose_budget, compose_store, find_root
from buttermilk.config.study import folders
from buttermilk.core import contracts
from buttermilk.core.cases import Said, all_pass
from buttermilk.core.contracts import Store
from buttermilk.core.errors import ConfigError
from buttermilk.core.flows import Agent, Flow, Step
from buttermilk.core.hashing import fingerprint
from buttermilk.core.jobs import Job, Run
from buttermilk.core.values import Json
from buttermilk.engine.attempt import Signature
from buttermilk.engine.writer import Writer
from buttermilk.study.asking import Asking, Told
from buttermilk.study.keys import keys_of
from buttermilk.study.opening import blobs_of, open_store
from buttermilk.study.running import circumstances, fresh_name, is_alive
from buttermilk.study.served import with_model

STEP = "test"
EMBEDDER = "Add `embedder: NAME` to the tests, an agent of type `similarity`."
OFFLINE = "offline"  # the wave of a test that asks nobody new: the same test is the same test
Now = Callable[[], datetime]


class Tried(NamedTuple):
    """What came of a prompt's tests. `run` names what is stored of them; "" where nothing was asked."""

    tests: PromptTests
    agents: tuple[Agent, ...]
    outcomes: tuple[Outcome, ...]
    repeats: int
    run: str = ""
    unrecorded: tuple[str, ...] = ()  # agents of whom nothing was recorded for the prompt as it stands
    over: str = ""  # why not all were asked; nothing is judged then

    @property
    def passed(self) -> bool:
        return not any(one.passed is False for one in self.outcomes)

    @property
    def silent(self) -> dict[str, str]:
        """Agents of whom no reply came at all, and why not: nothing is known of the prompt by them."""
        said = {agent.name: [one for one in self._said if one.job.agent.name == agent.name] for agent in self.agents}
        down = {name: all_ for name, all_ in said.items() if all_ and {one.result.status for one in all_} == {"failed"}}
        return {name: all_[-1].result.error for name, all_ in down.items() if name not in self.unrecorded}

    @property
    def _said(self) -> list[Said]:
        return [said for one in self.outcomes for said in one.answers]

    @property
    def simulated(self) -> bool:
        return any(said.result.simulated for said in self._said)


async def try_prompts(
    *names: str, agents: Sequence[str] = (), live: bool = False, repeats: int | None = None, root: Path | None = None,
    now: Now = lambda: datetime.now(UTC), told: Told = lambda done, whole: None,
) -> list[Tried]:  # fmt: skip
    """`prompts test`: the named prompts' cases, else those of all prompts of the study that have some.

    Offline, models say what was recorded, and simulated readers answer. `live` asks, stores and records.
    """
    root = root or find_root(Path.cwd())
    known = prompts_with_tests(folders(root, "prompts"))
    chosen = names or [name for name in known if (root / "prompts" / f"{name}.md").is_file()]
    if not chosen:
        hint = f"Tests stand under `tests:` in a prompt's header. Packaged prompts with tests: {', '.join(known)}."
        raise ConfigError("no prompt of this study has tests.", where=str(root / "prompts"), hint=hint)
    loaded = {name: load(root, name) for name in chosen}
    for name in (name for name, found in loaded.items() if found is None):
        raise ConfigError("this prompt has no tests.", where=f"prompts/{name}.md", hint="Add `tests:` to its header.")
    every = [one for one in loaded.values() if one]
    asked: dict[str, Any] = {"live": live, "now": now, "told": told}
    return [await _tried(root, one, agents, repeats=repeats or one.repeats, **asked) for one in every]


def load(root: Path, name: str) -> PromptTests | None:
    """A prompt's tests, where it has some."""
    return load_tests(name, lambda kind: folders(root, kind), plugins.names("checks"), root)


class Cast(NamedTuple):
    """Who takes part: `agents` are asked the cases, `every` are they and whom the checks ask, by name; `steps` are what
    the checks' own questions belong to."""

    agents: tuple[Agent, ...]
    every: Mapping[str, Agent]
    steps: tuple[Step, ...]


async def _tried(
    root: Path, tests: PromptTests, named: Sequence[str], *, live: bool, repeats: int, now: Now, told: Told
) -> Tried:
    """The tests of one prompt."""
    checks, began, spec = checks_of(tests), now(), compose_store(root)
    cast = _cast(root, tests, checks, named, live=live)
    _check_plugs(root, tests, cast, live=live)
    store = open_store(spec, root) if live else None
    try:
        run = _begun(store, root, tests, cast, repeats, began) if store else None
        asked = Asking(
            cast.every,
            keys_of(root),
            blobs_of(spec, root).read,
            Recordings(root / "prompts" / "recordings" / f"{tests.prompt.name}.jsonl"),
            Signature(run.run_id if run else OFFLINE, getuser()),
            now,
            run.wave if run else OFFLINE,
            compose_budget(root),
            tests.embedder,
            Writer(store, run.run_id) if store and run else None,
            store.spent(run.run_id) if store and run else (0.0, 0),
        )
        outcomes: list[Outcome] = []
        over = "stopped before its end"
        try:
            outcomes = await _outcomes(asked, tests, checks, cast.agents, repeats, told)
            over = asked.over
        finally:
            await asked.close()
            if store and run:
                if asked.lines:
                    asked.recordings.keep(asked.lines, part=bool(over) or run.started_at != began)
                store.update(run.run_id, _ended(tests, outcomes, over, now()))
    finally:
        if store:
            store.close()
    name = run.run_id if run else ""
    return Tried(tests, cast.agents, tuple(outcomes), repeats, name, tuple(asked.unrecorded), asked.over)


def _cast(root: Path, tests: PromptTests, checks: Checks, named: Sequence[str], *, live: bool) -> Cast:
    names = list(dict.fromkeys(named or tests.agents))
    if not names:
        hint = "Add `agents: [NAME]` to the tests, or name one: --agents NAME"
        raise ConfigError("nothing says who is asked.", where=tests.where, hint=hint)
    for one in embedding(checks) if not tests.embedder else ():
        raise one.wrong("no embedder is named.", EMBEDDER)
    judges = [name for one in asking(checks) for name in one.agents]
    found = compose_agents(root, [*names, *judges, *filter(None, [tests.embedder])])
    found = [with_model(agent, keys_of(root)) for agent in found] if live else found
    for agent in found[: len(names)]:
        if agent.role != "model":
            raise ConfigError(f"'{agent.name}' is a tool, and reads no prompt.", hint="Name a model: --agents NAME")
    every = {agent.name: agent for agent in found}
    if tests.embedder and every[tests.embedder].type != "similarity":
        raise ConfigError(f"'{tests.embedder}' embeds nothing.", where=tests.where, hint=EMBEDDER)
    return Cast(tuple(found[: len(names)]), every, tuple(step for one in asking(checks) for step in one.steps(every)))


def _check_plugs(root: Path, tests: PromptTests, cast: Cast, *, live: bool) -> None:
    """A missing key, a wrong parameter, a label that is not in the codebook: told before anybody is asked."""
    blobs = blobs_of(compose_store(root), root).read
    codebooks = {case.codebook.hash: case.codebook for case in tests.cases}
    for agent in cast.agents:
        kind = plugins.find("models", agent.type)
        plug: object = kind(agent, keys_of(root), blobs) if live or kind.simulated else None
        if isinstance(plug, contracts.Checks):
            for codebook in codebooks.values():
                plug.check(codebook)


async def _outcomes(
    asked: Asking, tests: PromptTests, checks: Checks, agents: Sequence[Agent], repeats: int, told: Told
) -> list[Outcome]:
    jobs = [
        job_of(tests, case, agent, repeat, asked.wave)
        for agent in agents
        for case in tests.cases
        for repeat in range(1, repeats + 1)
    ]
    answers: dict[str, dict[str, tuple[Said, ...]]] = {agent.name: {} for agent in agents}
    for said in await asked.all(jobs, told):
        of_agent, case = answers[said.job.agent.name], said.job.record.record_id
        of_agent[case] = (*of_agent.get(case, ()), said)
    if asked.over:
        return []
    return [one for agent in agents for one in await judge(checks, agent.name, answers[agent.name], asked)]


def _begun(store: Store, root: Path, tests: PromptTests, cast: Cast, repeats: int, began: datetime) -> Run:
    """The run that the answers will belong to, registered: that of the same test of the same day, if it was stopped."""
    blobs = blobs_of(compose_store(root), root)
    for part in (part for case in tests.cases for part in case.record.parts if part.path and part.blob):
        blobs.keep(Path(str(part.path)), str(part.blob))
    here, records = circumstances(root), fingerprint([case.record.record_hash for case in tests.cases])
    today = (one for one in reversed(store.runs()) if one.kind == "test" and one.started_at.date() == began.date())
    for one in today:
        same = (_spec(flows_of(tests, cast, repeats, one.wave)), records) == (one.spec_hash, one.dataset_fingerprint)
        if same and one.state != "finished" and not is_alive(one):
            store.update(one.run_id, {"state": "running", "why": "", "pid": here["pid"], "machine": here["machine"]})
            return one
    # Its own name is its wave: a time would not tell two tests of one second apart, and the second would ask nobody.
    name = fresh_name(store, f"test-{tests.prompt.name.replace('/', '-')}-{began:%Y-%m-%d}")
    flows = tuple(flows_of(tests, cast, repeats, name))
    run = Run(
        run_id=name,
        kind="test",
        spec_hash=_spec(flows),
        flow=flows[0].name,
        flow_hash=flows[0].hash,
        title=f"Tests of the prompt {tests.prompt.version_name}",
        dataset=f"cases of {tests.prompt.name}",
        dataset_fingerprint=records,
        wave=name,
        planned=len(tests.cases) * len(cast.agents) * repeats,
        method=flows,
        **here,
        started_at=began,
    )
    store.begin(run)
    return run


def _spec(flows: Iterable[Flow]) -> str:
    return fingerprint([flow.hash for flow in flows])


def _ended(tests: PromptTests, outcomes: Sequence[Outcome], over: str, at: datetime) -> Mapping[str, Any]:
    """The verdicts as they were given that day, with the run: expectations may be edited later, a verdict not."""
    cases = {case.name: case for case in tests.cases}
    verdicts: list[Json] = [
        {
            "case": one.case,
            "case_hash": case_hash(cases[one.case]),
            "agent": one.agent,
            "passed": one.passed,
            "score": one.score,
            "repeats": list(by_repeat(one)),
        }
        for one in outcomes
    ]
    state = "stopped" if over else "finished"
    return {"state": state, "why": over, "ended_at": at, "progress": {"verdicts": verdicts}}


def job_of(tests: PromptTests, case: Case, agent: Agent, repeat: int, wave: str) -> Job:
    """A case as a job: the scholar's own text, asked as a record would be."""
    columns = tuple(sorted(case.record.metadata))
    return Job(
        step=STEP,
        record=case.record,
        seen_hash=case.record.seen_hash(columns),
        agent=agent,
        prompt=tests.prompt,
        perspective=case.perspective,
        codebook=case.codebook.of(case.perspective),
        variant=case.variables,
        repeat=repeat,
        wave=wave,
        sent_columns=columns,
        inputs=case.inputs,
        planned_inputs={name: len(answers) for name, answers in case.inputs.items()},
    )


def flows_of(tests: PromptTests, cast: Cast, repeats: int, wave: str) -> Iterator[Flow]:
    """What a run says of its method: a flow for each codebook and perspective that cases have, and for each judge."""
    name = f"tests of {tests.prompt.name}"
    asked = {(case.codebook.hash, case.perspective.hash if case.perspective else ""): case for case in tests.cases}
    for case in asked.values():
        given = {"perspectives": (case.perspective,) if case.perspective else (), "codebook": case.codebook}
        step = Step(name=STEP, agents=cast.agents, prompts=(tests.prompt,), repeats=repeats, **given)
        yield Flow(name=name, steps=(step,), wave=wave)
    for step in cast.steps:
        yield Flow(name=name, steps=(step,), wave=wave)


def case_hash(case: Case) -> str:
    """Of all that makes a case what it is: with another, a verdict cannot be compared."""
    expected = [one.model_dump(mode="json", exclude={"where"}) for one in case.expect]
    inputs = {name: [one.job_id for one in answers] for name, answers in case.inputs.items()}
    return fingerprint([case.record.record_hash, dict(case.variables), inputs, expected])


def by_repeat(outcome: Outcome) -> Iterator[bool | None]:
    """Whether each repeat passes what is asked of a single answer; what compares repeats is left to the whole."""
    count = len(outcome.answers)
    single = [one.verdict for one in outcome.judged if one.expectation.weight and len(one.verdict.each) == count]
    for place in range(count):
        said = [verdict.each[place].passed for verdict in single]
        yield all_pass(said) if said else None
