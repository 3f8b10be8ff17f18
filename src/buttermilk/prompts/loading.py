"""From `prompts/NAME.md` to a Prompt: header, sections by role, and the text of all it includes."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from buttermilk.core.errors import PromptError, did_you_mean
from buttermilk.core.flows import Prompt, Section
from buttermilk.documents import docx_text, find_file, front_matter, read_text, shown
from buttermilk.documents.plain import NAME, SUFFIXES
from buttermilk.prompts.parsing import DEEPEST, Source, included, parse
from buttermilk.prompts.rendering import prepare

CREDITS = ("title", "description", "version", "author", "source", "licence", "changelog")
KEYS = frozenset({"name", "inputs", "tests", *CREDITS})
HEADING = re.compile(r"#[ \t]+(system|user|assistant)[ \t]*", re.IGNORECASE)


def load_prompt(name: str, folders: Sequence[Path]) -> Prompt:
    """The prompt of that name in the first folder that has one, split into roles, with its includes, compiled once.

    `load_prompt("judge", [study / "prompts", library / "prompts"])`. Includes are looked for there, then in the
    `criteria` folders beside. Raises ConfigError for a name or a header, PromptError for a template.
    """
    path = find_file("prompt", name, folders, SUFFIXES["prompt"])
    return prompt_from(read_text(path), name, shown(path), folders)


def prompt_from(text: str, name: str, where: str, folders: Sequence[Path]) -> Prompt:
    """The same of a text that need not be a file yet."""
    header, body, line = front_matter(text, where, KEYS)
    check_name(header, name, where)
    sections = _split(body, where, line)
    includes: dict[str, str] = {}
    for section in sections:
        _collect(Source(section.template, where, section.line), folders, includes, (where,))
    inputs = _inputs(header, where)
    prompt = Prompt(name=name, sections=tuple(sections), includes=includes, inputs=inputs, **credits_of(header))
    prepare(prompt)
    return prompt


def check_name(header: Mapping[str, Any], name: str, where: str) -> None:
    """A copy that still bears its original's name would be reported under the wrong one."""
    given = header.get("name")
    if given and given != name.rpartition("/")[2]:
        said = f"it calls itself '{given}', and its file '{name}'."
        raise PromptError(said, where=where, hint="Make the two the same.")


def credits_of(header: Mapping[str, Any]) -> dict[str, str]:
    """What a header says of its file: `{"author": "A. Woolf, B. Sontag"}`; of a changelog a line an entry."""
    return {key: words_of(header[key], "\n" if key == "changelog" else ", ") for key in CREDITS if header.get(key)}


def words_of(value: Any, between: str = ", ") -> str:
    """`[A. Woolf, B. Sontag]` -> "A. Woolf, B. Sontag"."""
    if isinstance(value, dict):
        value = [f"{key}: {item}" for key, item in value.items()]
    return between.join(map(str, value)) if isinstance(value, list) else str(value).strip()


def _inputs(header: Mapping[str, Any], where: str) -> tuple[str, ...]:
    inputs = header.get("inputs") or []
    if not isinstance(inputs, list | dict) or not all(isinstance(item, str) for item in inputs):
        raise PromptError("'inputs' lists names: `inputs: [answers]`.", where=where)
    return tuple(inputs)


def _split(body: str, where: str, first: int) -> list[Section]:
    """The roles are split here, on the file as it was written, before any record is seen: data cannot add one.

    What stands before the first heading is the user's. A line `# user` that is meant as text is `{{ "# user" }}`.
    """
    pieces: list[tuple[str, int, list[str]]] = [("user", 0, [])]
    for number, text in enumerate(body.split("\n"), first):
        heading = HEADING.fullmatch(text)
        if heading:
            pieces.append((heading[1].lower(), number, []))
        else:
            pieces[-1][2].append(text)
    sections = [_section(*piece, where, first) for piece in pieces if piece[1] or any(map(str.strip, piece[2]))]
    if not sections:
        hint = "Write '# system' and '# user', and text below each."
        raise PromptError("the prompt is empty.", where=where, hint=hint)
    return sections


def _section(role: str, heading: int, lines: list[str], where: str, first: int) -> Section:
    blank = next((place for place, line in enumerate(lines) if line.strip()), None)
    if blank is None:
        raise PromptError(f"there is nothing below '# {role}'.", where=f"{where}:{heading}")
    line = (heading + 1 if heading else first) + blank
    return Section.model_validate({"role": role, "template": "\n".join(lines[blank:]).rstrip(), "line": line})


def _collect(source: Source, folders: Sequence[Path], includes: dict[str, str], above: tuple[str, ...]) -> None:
    """Read what a text includes, and what that includes."""
    for name, line in included(parse(source)):
        path = _include_path(name, folders, source.at(line))
        if shown(path) in above or len(above) > DEEPEST:
            chain = " includes ".join([*above, shown(path)])
            raise PromptError(f"{chain}: that has no end.", where=source.at(line), hint="Delete one of the includes.")
        if name not in includes:
            text, first = _include_text(path)
            includes[name] = text
            _collect(Source(text, shown(path), first, included=True), folders, includes, (*above, shown(path)))


def _include_path(name: str, folders: Sequence[Path], where: str) -> Path:
    if not NAME.fullmatch(name):
        raise PromptError(
            f"'{name}' cannot be included.", where=where, hint="Only files of prompts/ and criteria/ can."
        )
    places = [*folders, *(folder.parent / "criteria" for folder in folders)]
    if name.startswith(("prompts/", "criteria/")):
        places += [folder.parent for folder in folders]
    found = next((path for place in places if (path := place / name).is_file()), None)
    if found is None:
        known = {path.name for place in places for path in place.glob("*.*") if path.is_file()}
        raise PromptError(f"there is no file '{name}' to include.", where=where, hint=did_you_mean(name, known))
    return found


def _include_text(path: Path) -> tuple[str, int]:
    """Without its header, for a perspective may be included that has one."""
    if path.suffix == ".docx":
        return docx_text(path.read_bytes(), shown(path)), 1
    _, text, line = front_matter(read_text(path), shown(path))
    return text.rstrip("\n"), line
