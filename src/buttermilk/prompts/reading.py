"""A prompt, a set of criteria or a codebook as people read it: what is said about it, and all its words in one text."""

import re
from typing import Any

import yaml
from jinja2 import nodes

from buttermilk.core.flows import Citable, Codebook, Perspective, Prompt
from buttermilk.core.values import plain
from buttermilk.prompts.checking import unfiltered
from buttermilk.prompts.loading import CREDITS
from buttermilk.prompts.parsing import asked, made, parse, path_of, sources
from buttermilk.prompts.views import instructions

_INCLUDE = re.compile(r"""\{%[-+]?\s*include\s+["']([^"'\n]+)["']\s*[-+]?%\}""")


def header_of(text: Citable) -> dict[str, str]:
    """What its file says about it and asks nobody: `{"author": "A. Woolf", "licence": "CC0-1.0"}`."""
    said = {key: getattr(text, key) for key in CREDITS}
    if isinstance(text, Perspective):
        said["retrieved"] = text.retrieved
    if isinstance(text, Prompt):
        said["inputs"] = ", ".join(text.inputs)
    return {key: words for key, words in said.items() if words}


def as_read(text: Citable) -> str:
    """Every word, includes marked where they stand; of a codebook its questions, as readers and models are told."""
    if isinstance(text, Codebook):
        return instructions(text)
    return as_written(text)


def as_written(text: Citable) -> str:
    """The same so exactly that it changes whenever the hash does: a codebook as YAML."""
    if isinstance(text, Prompt):
        return "\n\n".join(f"# {one.role}\n\n{_whole(one.template, text)}" for one in text.sections)
    if isinstance(text, Perspective):
        return text.text
    assert isinstance(text, Codebook)  # noqa: S101  (there are three kinds)
    questions = {question.name: _kept(plain(question, without=frozenset({"name"}))) for question in text.questions}
    return yaml.safe_dump(questions, sort_keys=False, allow_unicode=True, width=float("inf")).rstrip("\n")


def needs(prompt: Prompt) -> tuple[str, ...]:
    """The variables that its templates ask for, and those that its header declares: `("codebook", "record")`. Nobody
    has to give `priors`: where there are none, the list is empty."""
    trees = [parse(source) for source in sources(prompt)]
    own = frozenset().union(*map(made, trees))
    return tuple(sorted(frozenset(prompt.inputs).union(*map(asked, trees)) - own - {"priors"}))


def goes_through(prompt: Prompt) -> frozenset[str]:
    """The variables that are several things, one after the other: earlier answers."""
    trees = [parse(source) for source in sources(prompt)]
    paths = [path_of(unfiltered(node.iter)) for tree in trees for node in tree.find_all(nodes.For)]
    return frozenset(path[0] for path in paths if len(path) == 1) & frozenset(needs(prompt))


def _whole(template: str, prompt: Prompt) -> str:
    """`{% include "rules.md" %}` -> `⟨rules.md⟩`, its text, `⟨end of rules.md⟩`."""

    def put(found: re.Match[str]) -> str:
        name = found[1]
        if name not in prompt.includes:
            return found[0]
        return f"⟨{name}⟩\n{_whole(prompt.includes[name], prompt)}\n⟨end of {name}⟩"

    return _INCLUDE.sub(put, template)


def _kept(value: Any) -> Any:
    """Without what is empty or as usual: `optional: false` says nothing."""
    if isinstance(value, dict):
        return {key: _kept(item) for key, item in value.items() if item not in (None, "", [], {}) and item is not False}
    return [_kept(item) for item in value] if isinstance(value, list) else value
