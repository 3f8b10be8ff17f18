"""Which models are of one family: such models err alike, and a scorer favours its own kin."""

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from buttermilk.core.flows import Agent, Step
from buttermilk.core.points import points_of

FAMILIES = (  # how the names of one maker's models begin, after a path or a cloud's prefix
    ("openai", ("gpt", "chatgpt", "o1", "o3", "o4")),
    ("anthropic", ("claude",)),
    ("google", ("gemini", "gemma")),
    ("meta", ("llama", "meta-llama", "codellama")),
    ("mistral", ("mistral", "mixtral", "ministral", "magistral", "codestral", "pixtral")),
    ("qwen", ("qwen", "qwq")),
    ("deepseek", ("deepseek",)),
    ("cohere", ("command", "c4ai", "aya")),
    ("microsoft", ("phi",)),
    ("xai", ("grok",)),
    ("zhipu", ("glm",)),
    ("moonshot", ("kimi", "moonshot")),
    ("ai2", ("olmo", "tulu")),
)


class Kin(NamedTuple):
    """A scorer, and whom of its own family it scores: `Kin("score", "claude", "anthropic", ("haiku",))`."""

    step: str
    scorer: str
    family: str
    scored: tuple[str, ...]

    @property
    def said(self) -> str:
        return (
            f"{self.scorer} in the step “{self.step}” scores answers of its own family ({self.family}: "
            f"{', '.join(self.scored)}): models favour their kin"
        )


def family(agent: Agent) -> str:
    """`openai`, `anthropic`: as the agent's file says, else by the model's name, the last part first (`us.anthropic.
    claude-x`). Empty for a tool, and where nobody knows."""
    if agent.family or agent.role != "model":
        return agent.family
    words = re.split(r"[/:.@\s]+", agent.model.casefold())
    return next((one for word in reversed(words) for one, begins in FAMILIES if word.startswith(begins)), "")


def only_family(steps: Iterable[Step]) -> str:
    """The one family that all models are of; empty where there are several, or one of them is unknown."""
    found = {family(agent) for step in steps for agent in step.agents if agent.role == "model"}
    return found.pop() if len(found) == 1 else ""


def scored_by_kin(steps: Sequence[Step]) -> Iterator[Kin]:
    """Every scorer that is of the family of those whose answers it scores."""
    named = {step.name: step for step in steps}
    for step in steps:
        judged = [agent for source in dict.fromkeys(step.reads.values()) for agent in named[source].agents]
        for scorer in step.agents if points_of(step.codebook) else ():
            own = tuple(dict.fromkeys(one.name for one in judged if family(one) == family(scorer) != ""))
            if own:
                yield Kin(step.name, scorer.name, family(scorer), own)
