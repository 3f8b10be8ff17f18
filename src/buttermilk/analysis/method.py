"""What a run asked, as the analysis needs it: steps in order, an answer's codebook, names that tell apart."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from buttermilk.core.errors import StoreError
from buttermilk.core.flows import Agent, Codebook, Perspective, Prompt, Step
from buttermilk.core.jobs import Run


class Facets(NamedTuple):
    """What a reader's setting is made of: `Facets("gpt-5.2", "tja", "judge@3f9a1c", "{}")`; empty where it has none."""

    model: str = ""
    perspective: str = ""
    prompt: str = ""
    variant: str = ""


def told(run: Run, name: str) -> Mapping[str, Any]:
    """A block of the run's configuration, as it was composed; empty where there is none."""
    given = run.config.get(name)
    return given if isinstance(given, Mapping) else {}


def prompt_name(row: Mapping[str, Any]) -> str:
    """`judge@3f9a1c`"""
    return f"{row['prompt']}@{row['prompt_hash'][:6]}" if row["prompt"] else ""


class Method:
    """The flows of a run (one, or one per cell of a sweep) read together. A name that stands for two different things,
    as `gpt` does when a sweep gives it two temperatures, is told apart by the first digits of its hash:
    `gpt@3f9a1c`."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.steps: dict[str, list[Step]] = {}
        for flow in run.method:
            for step in flow.steps:
                self.steps.setdefault(step.name, []).append(step)
        hashes: dict[str, set[str]] = {}
        for name in self.steps:
            named: list[Agent | Perspective] = [*self.agents(name), *self.perspectives(name)]
            for one in named:
                hashes.setdefault(one.name, set()).add(one.hash)
        self._ambiguous = {name for name, found in hashes.items() if len(found) > 1}
        self._settings: dict[tuple[str, ...], str] = {}
        self._codebooks = {(name, book.hash): book for name in self.steps for _, book, _ in self.asked(name)}

    def codebook(self, step: str, codebook_hash: str) -> Codebook:
        """Of an answer's row. A run whose method does not hold it cannot be reported honestly."""
        found = self._codebooks.get((step, codebook_hash))
        if found is None:
            hint = "The store was changed by hand, or by another program. Run the study again into a new store."
            said = f"run {self.run.run_id} holds answers of step '{step}' whose codebook its description does not hold."
            raise StoreError(said, hint=hint)
        return found

    def asked(self, step: str) -> Iterator[tuple[Codebook, Codebook, str]]:
        """Each codebook as it is written, as it is asked from a perspective, and which: a tool has none."""
        for item in self.steps[step]:
            yield item.codebook, item.codebook, ""
            for lens in item.perspectives:
                yield item.codebook, item.codebook.of(lens), self.shown(lens.name, lens.hash)

    def codebooks(self, step: str) -> list[Codebook]:
        return list({item.codebook.hash: item.codebook for item in self.steps[step]}.values())

    def agents(self, step: str) -> list[Agent]:
        return list({agent.hash: agent for item in self.steps[step] for agent in item.agents}.values())

    def perspectives(self, step: str) -> list[Perspective]:
        return list({one.hash: one for item in self.steps[step] for one in item.perspectives}.values())

    def prompts(self, step: str) -> list[Prompt]:
        return list({prompt.hash: prompt for item in self.steps[step] for prompt in item.prompts}.values())

    def shown(self, name: str, item_hash: str) -> str:
        """An agent or a perspective as it is named in tables."""
        return f"{name}@{item_hash[:6]}" if name in self._ambiguous else name

    def agent_names(self, step: str) -> list[str]:
        return [self.shown(agent.name, agent.hash) for agent in self.agents(step)]

    def setting(self, row: Mapping[str, Any]) -> str:
        """Under what an answer was given: its perspective, and the prompt and variables where they differ. `tja`, `tja
        · judge@3f9a1c`, `tja · tone=plain`; empty where a step has none of them, and for a tool."""
        known = (row["step"], row["perspective_hash"], row["prompt_hash"], row["variant"])
        if known not in self._settings:
            lens = self.shown(row["perspective"], row["perspective_hash"])
            prompt = prompt_name(row) if len(self.prompts(row["step"])) > 1 else ""
            swept = row["variant"].strip("{}").replace('"', "").replace(":", "=").replace(",", ", ")
            self._settings[known] = " · ".join(filter(None, (lens, prompt, swept)))
        return self._settings[known]

    def facets(self, row: Mapping[str, Any]) -> Facets:
        """The same in pieces, and the model."""
        lens = self.shown(row["perspective"], row["perspective_hash"])
        return Facets(row["model"], lens, prompt_name(row), "" if row["variant"] == "{}" else row["variant"])
