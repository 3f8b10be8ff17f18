"""From the name of a flow and a command line to values, with all that is wrong said at once."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from buttermilk.config.agents import NAME, at_address, build_agents, build_dataset, is_address, name_at
from buttermilk.config.hydra import composed
from buttermilk.config.overrides import Overrides, cells, in_quotes
from buttermilk.config.places import Path_, Places, raise_together
from buttermilk.config.references import hidden, misplaced_secrets
from buttermilk.config.resolve import Resolver, spread
from buttermilk.config.schema import Composed, StoreSpec, Tree, listed
from buttermilk.config.study import flows, options
from buttermilk.core.errors import ButtermilkError, ConfigError, did_you_mean
from buttermilk.core.flows import Agent, Flow, Price, Step
from buttermilk.core.jobs import Budget
from buttermilk.core.kinship import scored_by_kin
from buttermilk.core.records import DatasetSpec


def compose(root: Path, flow: str, overrides: Sequence[str] = (), *, multirun: bool = False) -> Composed:
    """A flow ready to be planned. Raises ConfigError or PromptError with file, line and what to do."""
    name = flow.removeprefix("conf/flow/").removesuffix(".yaml")
    whole = [_Cell(root, cell).composed() for cell in cells(name, overrides, multirun=multirun)]
    first = whole[0]
    for other in whole[1:]:
        if (other.dataset, other.store, other.run) != (first.dataset, first.store, first.run):
            hint = "Sweep what stands under `steps`."
            raise ConfigError("a run has one dataset, one store and one budget.", hint=hint)
    variants = [dict(each.flows[0].variant) for each in whole]
    resolved = {**first.resolved, **({"sweep": variants} if len(whole) > 1 else {})}
    update = {
        "flows": tuple(each.flows[0] for each in whole),
        "resolved": resolved,
        "warnings": tuple(dict.fromkeys(warning for each in whole for warning in each.warnings)),
    }
    return first.model_copy(update=update)


def compose_store(root: Path, overrides: Sequence[str] = ()) -> StoreSpec:
    """Where the study keeps its answers, for the commands that ask nobody: no flow is read."""
    return _tree_without_flow(root, [token for token in overrides if token.startswith("store")]).store


def compose_vaults(root: Path) -> Mapping[str, str | None]:
    """Where the study's secrets are, for a job that is asked again outside its flow."""
    return _tree_without_flow(root).vaults


def compose_budget(root: Path) -> Budget:
    """What the study lets any run spend."""
    return _tree_without_flow(root).run.budget


def compose_notify(root: Path) -> str:
    """Who is told where `prompts watch` finds something: an address, or a reference to one that is secret."""
    return _tree_without_flow(root).notify


def _tree_without_flow(root: Path, overrides: Sequence[str] = ()) -> Tree:
    (cell,) = cells("", overrides, multirun=False)
    places = Places.of(root, "", (), None, cell.said)
    raw = composed(root, [*cell.shared, "~prices"], places)
    try:
        return Tree.model_validate({key: raw[key] for key in ("store", "vaults", "run", "notify") if key in raw})
    except ValidationError as error:
        raise_together(places.wrong(error))
        raise


def compose_agents(root: Path, asked: Sequence[str] | None = None) -> list[Agent]:
    """Every agent that there is a file for, whether or not a flow asks it; or those `asked` for, by name or address."""
    known = options(root, "agent")
    for name in asked or ():
        if name not in known and not is_address(name):
            hint = f"{did_you_mean(name, known)} A new one goes into conf/agent/{hidden(name)}.yaml."
            raise ConfigError(f"there is no agent '{hidden(name)}'.", hint=hint)
    names = known if asked is None else [name for name in dict.fromkeys(asked) if not is_address(name)]
    places = Places.of(root, "", names, None, {})
    raw = composed(root, [f"+agent@agent.{name}={in_quotes(name)}" for name in names], places)
    errors: list[ButtermilkError] = [
        places.error(path, error.message, error.hint) for path, error in misplaced_secrets(raw)
    ]
    prices = {model: Price.model_validate(price) for model, price in raw["prices"].items()}
    addresses = {name_at(name): at_address(name) for name in asked or () if is_address(name)}
    agents = build_agents({**(raw.get("agent") or {}), **addresses}, prices, places, errors)
    raise_together(errors)
    order = agents if asked is None else dict.fromkeys(name_at(one) if is_address(one) else one for one in asked)
    return [agents[name] for name in order]


def compose_dataset(root: Path, name: str) -> DatasetSpec:
    """One dataset as its file describes it, outside any flow."""
    if name not in options(root, "dataset"):
        raise ConfigError(f"there is no dataset '{hidden(name)}'.", hint=did_you_mean(name, options(root, "dataset")))
    places, errors = Places.of(root, "", (), name, {}), list[ButtermilkError]()
    raw = composed(root, [f"+dataset@data={in_quotes(name)}", "~prices"], places)
    spec = build_dataset(name, raw["data"], None, places, errors)
    raise_together(errors)
    assert spec is not None  # noqa: S101  (what is wrong with it was raised)
    return spec


class _Cell:
    """One cell of a sweep, on its way from text to values."""

    def __init__(self, root: Path, overrides: Overrides) -> None:
        self.root = root
        self.overrides = overrides
        self.errors: list[ButtermilkError] = []
        if overrides.flow not in flows(root):
            hint = did_you_mean(overrides.flow, flows(root))
            raise ConfigError(f"there is no flow '{overrides.flow}'.", hint=hint)
        self.places = Places.of(root, overrides.flow, (), None, overrides.said)

    def composed(self) -> Composed:
        lines = [f"flow@_global_={in_quotes(self.overrides.flow)}", *self.overrides.shared]
        raw = composed(self.root, [*lines, "~prices"], self.places)  # names first: a long table can wait
        self._check_step_names(raw)
        asked = self._asked(raw)
        dataset = self._dataset_name(raw)
        files = [name for name in asked if not is_address(name) and self._there("agent", name, asked[name])]
        self._check_agents_are_asked(asked)
        self.places = Places.of(self.root, self.overrides.flow, files, dataset, self.overrides.said)
        lines += [f"+agent@agent.{name}={in_quotes(name)}" for name in files]
        lines += [f"+dataset@data={in_quotes(dataset)}"] if dataset else []
        try:
            raw = composed(self.root, [*lines, *self.overrides.late], self.places)
        except ButtermilkError as error:
            raise_together([*self.errors, error])
        raw = self._filled_in(raw, asked, dataset)
        self.errors += [self.places.error(path, error.message, error.hint) for path, error in misplaced_secrets(raw)]
        return self._values(raw, dataset)

    def _asked(self, raw: Mapping[str, Any]) -> dict[str, Path_]:
        """The agents that will be asked, and where each is first named. A flow with slips in it still names some."""
        misplaced = [key for key in ("agent", "data") if raw.get(key)]
        self.errors += [self.places.unknown_key((key,)) for key in misplaced]
        flow = {key: item for key, item in raw.items() if key not in ("agent", "data")}
        try:
            tree = spread(Tree.model_validate(flow), self.overrides.said)
        except ValidationError as error:
            self.errors += self.places.wrong(error)
            return _any_names(raw)
        asked: dict[str, Path_] = {}
        for name, step in tree.steps.items():
            own = raw["steps"][name].get("agents")
            here = own is not None and listed(own) == list(step.agents or ())
            path = ("steps", name, "agents") if here else ("agents",)
            for place, agent in enumerate(step.agents or ()):
                asked.setdefault(agent, (*path, str(place)))
        return asked

    def _there(self, group: str, name: str, path: Path_) -> bool:
        known = options(self.root, group)
        if name not in known:
            hint = f"{did_you_mean(name, known)} A new one goes into conf/{group}/{hidden(name)}.yaml."
            self.errors.append(self.places.error(path, f"there is no {group} '{hidden(name)}'.", hint))
            return False
        if group == "agent" and not NAME.fullmatch(name):
            hint = "Rename its file: letters, digits, '-' and '_' only. The model's own name stays in `model:`."
            self.errors.append(self.places.error(path, f"'{name}' cannot be the name of an agent.", hint))
            return False
        return True

    def _dataset_name(self, raw: Mapping[str, Any]) -> str | None:
        name = self.overrides.dataset or raw.get("dataset")
        if name is None:
            known = did_you_mean("", options(self.root, "dataset"))
            hint = f"Add `dataset: NAME` to the flow, or type dataset=NAME. {known}"
            self.errors.append(self.places.error(("dataset",), "this flow names no dataset.", hint))
        return name if isinstance(name, str) and self._there("dataset", name, ("dataset",)) else None

    def _check_agents_are_asked(self, asked: Mapping[str, Path_]) -> None:
        names = [name_at(name) if is_address(name) else name for name in asked]
        for key in self.overrides.said:
            first, _, rest = key.partition(".")
            name = rest.partition(".")[0]
            if first == "agent" and name not in names:
                path = tuple(key.split("."))
                error = self.places.error(path, f"no step asks an agent '{name}'.", did_you_mean(name, names))
                raise_together([*self.errors, error])

    def _filled_in(self, raw: dict[str, Any], asked: Mapping[str, Path_], dataset: str | None) -> dict[str, Any]:
        """With what is not in any file: agents by address, a dataset and prices from the command line."""
        addresses = {name_at(name): at_address(name) for name in asked if is_address(name)}
        prices = {model: dict(price) for model, price in (raw.get("prices") or {}).items()}
        for (model, key), value in self.overrides.prices.items():
            prices.setdefault(model, {})[key] = value
        agents = {**(raw.get("agent") or {}), **addresses}
        return {**raw, "agent": agents, "prices": prices, "dataset": dataset}

    def _values(self, raw: dict[str, Any], dataset: str | None) -> Composed:
        try:
            tree = spread(Tree.model_validate(raw), self.overrides.said)
        except ValidationError as error:
            self.errors += self.places.wrong(error)
            tree = None
        data, limit = raw.get("data") or {}, tree.limit if tree else None
        spec = build_dataset(dataset, data, limit, self.places, self.errors) if dataset else None
        agents = build_agents(raw["agent"], tree.prices if tree else {}, self.places, self.errors)
        steps: tuple[Step, ...] = ()
        if tree is not None:
            steps = Resolver(self.root, tree, agents, self.places, self.errors).steps()
            if not tree.steps:
                self.errors.append(self.places.error(("steps",), "this flow has no steps.", "Add a block `steps:`."))
        raise_together(self.errors)
        if tree is None or spec is None:
            raise ConfigError("this configuration is not complete.")
        flow = Flow(
            name=self.overrides.flow,
            title=tree.title,
            dataset=spec.name,
            steps=steps,
            seed=tree.seed,
            wave=tree.wave,
            anchor=tree.anchor,
            variant=self.overrides.variant,
        )
        models = {agent.model for agent in agents.values()}
        kept = {model: price for model, price in raw["prices"].items() if model in models}
        return Composed(
            flows=(flow,),
            dataset=spec,
            store=tree.store,
            run=tree.run,
            registration=tree.registration,
            vaults=tree.vaults,
            resolved={"flow": self.overrides.flow, **raw, "prices": kept},
            root=self.root,
            warnings=(*unseen_perspectives(steps), *(f"{kin.said}." for kin in scored_by_kin(steps))),
        )

    def _check_step_names(self, raw: Mapping[str, Any]) -> None:
        """`steps.jugde.repeats=5` makes no new step: a step that stands nowhere but on the command line is a slip."""
        steps = raw.get("steps")
        if not isinstance(steps, Mapping):
            return
        for name, step in steps.items():
            typed = [key for key in self.overrides.said if key.startswith(f"steps.{name}.")]
            told = {key.split(".")[2] for key in typed}
            if typed and isinstance(step, Mapping) and set(step) <= told and not self.overrides.added & set(typed):
                others = [other for other in steps if other != name]
                path = tuple(typed[0].split("."))
                raise self.places.error(path, f"there is no step '{name}'.", did_you_mean(name, others))


def _any_names(raw: Mapping[str, Any]) -> dict[str, Path_]:
    steps = raw.get("steps")
    blocks: list[tuple[Path_, Mapping[str, Any]]] = [((), raw)]
    if isinstance(steps, Mapping):
        blocks += [(("steps", name), step) for name, step in steps.items() if isinstance(step, Mapping)]
    named: dict[str, Path_] = {}
    for path, block in blocks:
        agents = listed(block.get("agents"))
        for place, agent in enumerate(agents if isinstance(agents, list) else ()):
            if isinstance(agent, str):
                named.setdefault(agent, (*path, "agents", str(place)))
    return named


def unseen_perspectives(steps: Sequence[Step]) -> Iterator[str]:
    """A step that swept perspectives its prompt never shows would ask the same question under several names."""
    for step in steps:
        for prompt in step.prompts if step.perspectives else ():
            texts = [*(section.template for section in prompt.sections), *prompt.includes.values()]
            if not any("perspective" in text for text in texts):
                never = f"its prompt '{prompt.name}' never shows {{{{ perspective }}}}."
                yield f"step '{step.name}' has perspectives, but {never}"
