"""Prompty files as prompts of ours: https://prompty.ai, and its runtime's parser in microsoft/prompty.

A Prompty file has a YAML header and a text cut into roles by lines such as `system:`. There the cut is made after the
text is rendered, here before: so what a variable holds stays text. What has no place in a prompt (a model and its
parameters, tools, schemas) is not carried over, and said.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from buttermilk.core.errors import PromptError
from buttermilk.core.flows import Prompt, Role, Section
from buttermilk.core.values import Scalar
from buttermilk.documents import front_matter
from buttermilk.documents.plain import NAME
from buttermilk.prompts.loading import HEADING, prompt_from, words_of
from buttermilk.prompts.parsing import Source, asked, parse

ROLES: Mapping[str, Role] = {"system": "system", "developer": "system", "user": "user", "assistant": "assistant"}
RESERVED = ("codebook", "perspective", "record")
_ROLE = re.compile(r"#?\s*(system|developer|user|assistant|function|tools?)(?:\s*(\[.*\]))?\s*:", re.IGNORECASE)
_MUSTACHE = re.compile(r"\{\{\{([^{}]*)\}\}\}|\{\{([^{}]*)\}\}")
_TAGS = re.compile(r"\{[{%#]")
_IMAGE = re.compile(r"!\[[^][]*\]\([^()]*\)")

# What a header may say that no prompt of ours does, and where it goes instead.
ELSEWHERE = {
    "model": "the model and its parameters: an agent has them, conf/agent/NAME.yaml",
    "outputs": "the form of the answer: a codebook has it, codebooks/NAME.yaml",
    "outputSchema": "the form of the answer: a codebook has it, codebooks/NAME.yaml",
    "tools": "its tools: a model is asked questions here, and calls none",
    "tags": "its tags",
    "base": "the file that it is based on, which was not read",
    "evaluation": "its evaluation",
}
_KNOWN = frozenset({"name", "displayName", "description", "version", "authors", "author", "metadata", "inputs",
                    "inputSchema", "parameters", "sample", "template", "$schema"})  # fmt: skip


class Imported(NamedTuple):
    """The text of prompts/NAME.md, the prompt it is, and what could not be carried over, in words."""

    text: str
    prompt: Prompt
    left_out: tuple[str, ...]
    sample: bool


def from_prompty(text: str, file: str, name: str, folders: Sequence[Path]) -> Imported:
    """Raises PromptError, with the line in the Prompty file, for a template that cannot be one of ours."""
    header, body, first = front_matter(text, file)
    about = _map(header.get("metadata")) | header
    name = name or re.sub(r"\W+", "_", str(about.get("name") or Path(file).stem)).strip("_").lower()
    if not NAME.fullmatch(name):
        raise PromptError(f"'{name}' cannot be the name of a prompt.", where=file, hint="Name it: --as NAME")
    left_out = list(_elsewhere(about))
    convert = _template(about, file)
    sections = [_section(piece, convert, left_out) for piece in _cut(body, first, left_out)]
    if not sections:
        raise PromptError("there is no text in this file.", where=file, hint="A Prompty file has `system:` and text.")
    given = _given(about, left_out)
    names = frozenset().union(*(_asked(section, file) for section in sections))
    wanted = [*(each for each in given if each in names), *sorted(names - given.keys())]
    left_out += [f"the input '{each}', which its text does not use" for each in given if each not in wanted]
    sample = {each: value for each, value in given.items() if each in wanted and value is not None}
    written = _header(about, file, wanted, sample)
    whole = f"---\n{_yaml(written)}---\n" + "\n\n".join(f"# {one.role}\n\n{one.template}" for one in sections) + "\n"
    return Imported(whole, prompt_from(whole, name, file, folders), tuple(dict.fromkeys(left_out)), bool(sample))


class Cut(NamedTuple):
    """The lines of one role, before they are a template of ours."""

    role: str
    line: int
    lines: list[str]


def _cut(body: str, first: int, left_out: list[str]) -> Iterator[Cut]:
    """What stands before the first role is the system's."""
    pieces = [Cut("system", first, [])]
    for number, text in enumerate(body.split("\n"), first):
        found = _ROLE.fullmatch(text.strip())
        if not found:
            pieces[-1].lines.append(text)
            continue
        pieces.append(Cut(found[1].lower(), number + 1, []))
        if found[2]:
            left_out.append(f"what line {number} says of its role: {found[2]}")
    for piece in pieces:
        if piece.role not in ROLES:
            left_out.append(f"the section '{piece.role}:' on line {piece.line - 1}: a prompt has no such role")
        elif any(map(str.strip, piece.lines)):
            yield piece


def _section(piece: Cut, convert: Callable[[str, int], str], left_out: list[str]) -> Section:
    """A line that would be a heading of ours, `# user`, is written so that it stays text."""
    blank = next(place for place, text in enumerate(piece.lines) if text.strip())
    line = piece.line + blank
    template = convert("\n".join(piece.lines[blank:]).rstrip(), line)
    for number, text in enumerate(template.split("\n"), line):
        if _IMAGE.search(text):
            left_out.append(
                f"the picture on line {number}, which stays text: a record brings its own, {{{{ record.image }}}}"
            )
        if text.strip().startswith("![thread]"):
            left_out.append(f"the thread of messages on line {number}, which stays text")
    kept = (f'{{{{ "{text}" }}}}' if HEADING.fullmatch(text) else text for text in template.split("\n"))
    return Section(role=ROLES[piece.role], template="\n".join(kept), line=line)


def _asked(section: Section, file: str) -> frozenset[str]:
    names = asked(parse(Source(section.template, file, section.line)))
    for name in RESERVED:
        if name in names:
            said = f"its variable '{name}' has a name that means something else here."
            raise PromptError(said, where=file, hint="Rename it in the Prompty file and import it again.")
    return names


# ---- the template


def _template(about: Mapping[str, Any], file: str) -> Callable[[str, int], str]:
    """Jinja stays as it is, mustache is translated."""
    kind = about.get("template") or "jinja2"
    while isinstance(kind, dict):
        kind = kind.get("format") or kind.get("kind") or kind.get("type") or "jinja2"
    if kind not in ("jinja2", "mustache"):
        said = f"its template language is '{kind}'; jinja2 and mustache can be read."
        raise PromptError(said, where=file, hint="Rewrite its text in one of the two.")
    return (lambda text, line: _from_mustache(text, file, line)) if kind == "mustache" else (lambda text, line: text)


def _from_mustache(text: str, file: str, first: int) -> str:
    """`{{name}}` and `{{{name}}}` are variables, `{{! … }}` is a comment; what else Jinja would read in it is text."""
    out, end = [], 0
    for found in _MUSTACHE.finditer(text):
        out.append(_as_text(text[end : found.start()]))
        end = found.end()
        inside = (found[1] or found[2] or "").strip()
        name = inside.removeprefix("&").strip()
        if re.fullmatch(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*", name):
            out.append(f"{{{{ {name} }}}}")
        elif not inside.startswith("!"):
            line = first + text.count("\n", 0, found.start())
            said = f"{found[0]!r} is more than a variable: mustache does not say whether it is a condition or a loop."
            hint = "Write {% if … %} or {% for … %} in its place, and `template: jinja2` in the header."
            raise PromptError(said, where=f"{file}:{line}", hint=hint)
    return "".join([*out, _as_text(text[end:])])


def _as_text(text: str) -> str:
    return _TAGS.sub(lambda found: f'{{{{ "{found[0]}" }}}}', text)


# ---- the header


def _map(value: Any) -> dict[str, Any]:
    return dict(value) if isinstance(value, dict) else {}


def _elsewhere(about: Mapping[str, Any]) -> Iterator[str]:
    model = _map(about.get("model"))
    parameters = ", ".join(_map(model.get("parameters") or model.get("options")))
    for key in about:
        if key == "model" and parameters:
            yield f"{ELSEWHERE[key]} ({parameters})"
        elif key in ELSEWHERE:
            yield ELSEWHERE[key]
        elif key not in _KNOWN:
            yield f"'{key}' of its header"


def _given(about: Mapping[str, Any], left_out: list[str]) -> dict[str, Scalar]:
    """Its inputs with their samples, whichever of the format's three ways they are written in."""
    given: dict[str, Any] = {}
    for key in ("inputs", "inputSchema", "parameters"):
        said = about.get(key)
        said = said.get("properties", said) if isinstance(said, dict) else said
        if isinstance(said, list):
            said = {str(one["name"]): one for one in said if isinstance(one, dict) and "name" in one}
        given |= {name: _sample(value) for name, value in _map(said).items()}
    sample = about.get("sample")
    given |= _map(sample)
    if sample is not None and not isinstance(sample, dict):
        left_out.append(f"the sample in another file ({sample}), which was not read")
    for name, value in given.items():
        if isinstance(value, list | dict):
            left_out.append(f"the sample of '{name}': a variable is one text or number")
    return {name: None if isinstance(value, list | dict) else value for name, value in given.items()}


def _sample(said: Any) -> Any:
    """`{type: string, default: Doe}` -> "Doe"; `Jane` -> "Jane"."""
    if not isinstance(said, dict):
        return said
    return next((said[key] for key in ("sample", "example", "default") if key in said), None)


def _header(about: Mapping[str, Any], file: str, wanted: Sequence[str], sample: Mapping[str, Scalar]) -> dict[str, Any]:
    author = about.get("authors") or about.get("author")
    said = {
        "title": words_of(about.get("displayName") or about.get("name") or ""),
        "description": words_of(about.get("description") or ""),
        "version": words_of(about.get("version") or ""),
        "author": words_of(author or ""),
        "source": f"imported from {file} (Prompty)",
    }
    tests = {"cases": {"sample": {"text": "", "variables": dict(sample), "expect": []}}}
    kept = {key: words for key, words in said.items() if words}
    return kept | {"inputs": list(wanted)} | ({"tests": tests} if sample else {})


def _yaml(data: Mapping[str, Any]) -> str:
    return yaml.safe_dump(dict(data), sort_keys=False, allow_unicode=True, width=110)
