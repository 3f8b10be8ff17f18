"""Names -> values: a flow's steps with the prompts, criteria, codebooks and agents they name, in the order they run."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from pydantic import ValidationError

from buttermilk.config.agents import is_address, name_at
from buttermilk.config.places import Places
from buttermilk.config.schema import StepText, Tree
from buttermilk.config.study import folders
from buttermilk.core.errors import ButtermilkError, did_you_mean
from buttermilk.core.flows import Agent, Codebook, Perspective, Step
from buttermilk.prompts import load_codebook, load_perspective, load_prompt

RESERVED = frozenset({"record", "codebook", "perspective", "priors"})
EVERY_STEP = ("agents", "perspectives", "repeats")
Thing = TypeVar("Thing")
Path_ = tuple[str, ...]


def spread(tree: Tree, said: Iterable[str]) -> Tree:
    """`agents=[gpt]` at the top: typed on the command line it replaces every step's; in a file it is the default.

    A step that the command line itself names keeps what is said there. Perspectives replace perspectives; they are
    given to a step that has none only where no step has any.
    """
    typed = set(said)
    some_have = any(step.perspectives for step in tree.steps.values())
    steps = {}
    for name, step in tree.steps.items():
        changes = {}
        for axis in EVERY_STEP:
            value = getattr(tree, axis)
            if value is None or f"steps.{name}.{axis}" in typed:
                continue
            if axis in typed:
                fits = axis != "perspectives" or bool(step.perspectives) or not some_have
            else:
                fits = axis not in step.model_fields_set
            if fits:
                changes[axis] = value
        steps[name] = step.model_copy(update=changes)
    return tree.model_copy(update={"steps": steps})


@dataclass
class Resolver:
    """Looks each name up once, and collects what is wrong instead of stopping at the first."""

    root: Path
    tree: Tree
    agents: Mapping[str, Agent]
    places: Places
    errors: list[ButtermilkError]
    _found: dict[tuple[str, str], object] = field(default_factory=dict)

    def steps(self) -> tuple[Step, ...]:
        """In an order that respects `after` and `reads`, as the file has them otherwise."""
        self._check_order_names()
        order = self._ordered()
        built: dict[str, Step] = {}
        for name in order:
            step = self._step(name, self.tree.steps[name], built)
            if step is not None:
                built[name] = step
        return tuple(built.values())

    def _wrong(self, path: Path_, message: str, hint: str = "") -> None:
        self.errors.append(self.places.error(path, message, hint))

    def _check_order_names(self) -> None:
        for name, step in self.tree.steps.items():
            said: list[tuple[Path_, str]] = [(("steps", name, "after"), other) for other in step.after]
            said += [(("steps", name, "reads", variable), other) for variable, other in step.reads.items()]
            for path, other in said:
                if other not in self.tree.steps:
                    others = [each for each in self.tree.steps if each != name]
                    self._wrong(path, f"there is no step '{other}'.", did_you_mean(other, others))

    def _before(self, name: str) -> tuple[str, ...]:
        step = self.tree.steps[name]
        return tuple(dict.fromkeys(other for other in (*step.after, *step.reads.values()) if other in self.tree.steps))

    def _ordered(self) -> list[str]:
        order: list[str] = []
        waiting = list(self.tree.steps)
        while ready := next((name for name in waiting if set(self._before(name)) <= set(order)), None):
            order.append(ready)
            waiting.remove(ready)
        if waiting:
            circle = self._circle(waiting)
            self._wrong(
                ("steps", circle[0], "after"),
                f"these steps wait for each other: {' → '.join([*circle, circle[0]])}.",
                "Take one `after` or `reads` out.",
            )
        return order

    def _circle(self, waiting: Sequence[str]) -> list[str]:
        """Follow one step's wait until a step comes round again."""
        walked = [waiting[0]]
        while (following := next(name for name in self._before(walked[-1]) if name in waiting)) not in walked:
            walked.append(following)
        return walked[walked.index(following) :]

    def _step(self, name: str, step: StepText, built: Mapping[str, Step]) -> Step | None:
        before = len(self.errors)
        agents = self._agents(name, step)
        prompts = self._each("prompt", step.prompt or (), ("steps", name, "prompt"), load_prompt, "prompts")
        perspectives = self._perspectives(name, step)
        codebook = self._codebook(name, step, built)
        self._check_variables(name, step)
        if any(agent.role == "model" for agent in agents) and not step.prompt:
            path = ("steps", name)
            hint = f"Add `prompt: NAME` to step '{name}', and write prompts/NAME.md."
            self._wrong(path, f"step '{name}' asks a model and has no prompt.", hint)
        whole = len(agents) == len(step.agents or ()) > 0
        if len(self.errors) > before or codebook is None or not whole:
            return None  # what is missing was said where it was looked for
        try:
            return Step(
                name=name,
                agents=agents,
                prompts=prompts,
                perspectives=perspectives,
                codebook=codebook,
                repeats=step.repeats or 1,
                after=self._before(name),
                reads=step.reads,
                variables=step.variables,
                **({"arm": step.arm} if step.arm else {}),
                priors=step.priors,
                blind=step.blind,
                quorum=step.quorum,
            )
        except ValidationError as error:
            self.errors += self.places.wrong(error, ("steps", name))
            return None

    def _said(self, name: str, axis: str) -> Path_:
        """Where an axis of a step was said: there, or once for all."""
        once = axis in self.places.said and f"steps.{name}.{axis}" not in self.places.said
        return (axis,) if once or axis not in self.tree.steps[name].model_fields_set else ("steps", name, axis)

    def _agents(self, name: str, step: StepText) -> tuple[Agent, ...]:
        path = self._said(name, "agents")
        if step.agents is None:
            self._wrong(("steps", name), f"step '{name}' has no agents.", "Add `agents: [NAME]`.")
            return ()
        names = [name_at(agent) if is_address(agent) else agent for agent in step.agents]
        self._check_twice("agent", names, path)
        return tuple(self.agents[agent] for agent in names if agent in self.agents)

    def _perspectives(self, name: str, step: StepText) -> tuple[Perspective, ...]:
        path = self._said(name, "perspectives")
        return self._each("perspective", step.perspectives or (), path, load_perspective, "criteria")

    def _codebook(self, name: str, step: StepText, built: Mapping[str, Step]) -> Codebook | None:
        path = ("steps", name, "codebook")
        if step.codebook is not None:
            found = self._each("codebook", (step.codebook,), path, load_codebook, "codebooks")
            return found[0] if found else None
        read = [built[other].codebook for other in step.reads.values() if other in built]
        if len({codebook.hash for codebook in read}) == 1:
            return read[0]
        if not read and step.reads:  # what it reads is wrong itself, and was said so
            return None
        why = "reads steps with different codebooks" if read else "has no codebook"
        self._wrong(path, f"step '{name}' {why}.", "Add `codebook: NAME`.")
        return None

    def _each(
        self, kind: str, names: Sequence[str], path: Path_, load: Callable[[str, Sequence[Path]], Thing], folder: str
    ) -> tuple[Thing, ...]:
        self._check_twice(kind, names, path)
        found = [self._load(kind, each, (*path, str(place)), load, folder) for place, each in enumerate(names)]
        return tuple(thing for thing in found if thing is not None)

    def _load(
        self, kind: str, name: str, path: Path_, load: Callable[[str, Sequence[Path]], Thing], folder: str
    ) -> Thing | None:
        if (kind, name) in self._found:
            return self._found[kind, name]  # type: ignore[return-value]
        thing: Thing | None = None
        try:
            thing = load(name, folders(self.root, folder))
        except ButtermilkError as error:
            error.where = error.where or self.places.where(path)
            self.errors.append(error)
        self._found[kind, name] = thing
        return thing

    def _check_twice(self, kind: str, names: Sequence[str], path: Path_) -> None:
        for name in dict.fromkeys(names):
            if names.count(name) > 1:
                hint = "Name it once; to ask more often, raise `repeats`."
                self._wrong(path, f"the {kind} '{name}' is named twice.", hint)

    def _check_variables(self, name: str, step: StepText) -> None:
        for kind, words in (("variables", step.variables), ("reads", step.reads)):
            for word in words:
                path = ("steps", name, kind, word)
                if word in RESERVED or not word.isidentifier():
                    hint = f"{', '.join(sorted(RESERVED))} are taken; a name has letters, digits and '_'."
                    self._wrong(path, f"'{word}' cannot be the name of a variable.", hint)
                elif kind == "variables" and word in step.reads:
                    hint = "Give one of the two another name."
                    self._wrong(path, f"'{word}' is both a variable and what the step reads.", hint)
        for word, values in step.variables.items():
            if len({repr(value) for value in values}) < len(values):
                path = ("steps", name, "variables", word)
                self._wrong(path, f"'{word}' has one of its values twice.", "Keep each once.")
