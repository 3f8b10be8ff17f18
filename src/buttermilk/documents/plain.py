"""Plain files: found by name, read as UTF-8, YAML whose every key has a line, front matter."""

import math
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from buttermilk.core.errors import ConfigError, did_you_mean

MOST_NODES = 200_000  # of one YAML file, aliases counted as often as they are used
DEEPEST = 60
SUFFIXES = {"prompt": (".md",), "perspective": (".md", ".txt", ".docx"), "codebook": (".yaml", ".yml")}
NAME = re.compile(r"[\w-][\w .-]*(?:/[\w-][\w .-]*)*")


# --- files


def shown(path: Path) -> str:
    """How messages name a file: `prompts/judge.md`."""
    return f"{path.parent.name}/{path.name}"


def find_file(kind: str, name: str, folders: Sequence[Path], suffixes: Sequence[str]) -> Path:
    """The file of that name in the first folder that has one: the study's comes before the packaged.

    `find_file("perspective", "tja", [study / "criteria", packaged / "criteria"], [".md", ".txt", ".docx"])`
    """
    if not NAME.fullmatch(name):
        hint = "A name has letters, digits, '-' and '_', and stays in its own folder."
        raise ConfigError(f"'{name}' cannot be the name of a {kind}.", hint=hint)
    for folder in folders:
        found = [path for suffix in suffixes if (path := folder / f"{name}{suffix}").is_file()]
        if len(found) > 1:
            both = " and ".join(shown(path) for path in found)
            raise ConfigError(f"there are {both}, so '{name}' means two things.", hint="Keep one of them.")
        if found:
            return found[0]
    known = {path.stem for folder in folders for suffix in suffixes for path in folder.glob(f"*{suffix}")}
    raise ConfigError(f"there is no {kind} '{name}'.", hint=did_you_mean(name, known))


def read_text(path: Path) -> str:
    """A UTF-8 file with its line ends made `\\n`, so that one prompt has one hash on every machine."""
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        hint = "Open the file in your editor and save it again with the encoding UTF-8."
        said = "this line holds a character that is not UTF-8."
        raise ConfigError(said, where=f"{shown(path)}:{line}", hint=hint) from error
    except OSError as error:
        raise ConfigError(f"cannot be read: {error.strerror}.", where=shown(path)) from error
    return text.replace("\r\n", "\n").replace("\r", "\n")


# --- YAML


class PlainLoader(yaml.SafeLoader):
    """YAML as it is read aloud: `yes`, `no`, `2024-05-01`, `12:30` and `007` are text; true and false are booleans."""


PlainLoader.yaml_implicit_resolvers = {}
_TAG = "tag:yaml.org,2002:"
for _kind, _pattern, _first in (
    ("bool", r"(?:true|True|TRUE|false|False|FALSE)$", "tTfF"),
    ("null", r"(?:~|null|Null|NULL|)$", ["~", "n", "N", ""]),
    ("int", r"-?(?:0|[1-9][0-9]{0,30})$", "-0123456789"),
    ("float", r"-?(?:(?:0|[1-9][0-9]*)(?:\.[0-9]+)?|\.[0-9]+)(?:[eE][-+]?[0-9]+)?$", "-.0123456789"),
):
    PlainLoader.add_implicit_resolver(_TAG + _kind, re.compile(_pattern), list(_first))

_SAID_PLAINLY = {
    "that cannot start any token": "there is a character here that cannot begin a value (a tab, perhaps).",
    "mapping values are not allowed here": "there is a second ': ' where only one is allowed.",
    "could not find expected ':'": "a ':' is missing after a key.",
    "expected <block end>": "this line does not fit the lines around it: is it indented as they are, and has it a key?",
    "found undefined alias": "an alias (*name) stands here before its anchor (&name).",
    "but got '?'": "between { } or [ ], text that has a '?' stands in quotes: {ask: \"Which?\"}.",
    "but found another document": "a line '---' begins a second document; one file holds one.",
}
_QUOTE_IT = (
    "Indent with spaces. Put text in quotes that holds ': ' or ' #', or begins with one of [ ] { } & * ! | > % @ `."
)


def load_yaml(text: str, where: str) -> tuple[Any, dict[str, int]]:
    """The data, and the line of every key: `{"questions.tone.labels.yes": 12, "steps.judge.agents.0": 9}`.

    Keys are always text. Raises ConfigError with `where:line`.
    """
    return _load(text, where, before=0, numbers=True)


def _load(text: str, where: str, *, before: int, numbers: bool) -> tuple[Any, dict[str, int]]:
    tree = _Tree(where, before, numbers=numbers)
    try:
        node = yaml.compose(text, Loader=PlainLoader)
        data = None if node is None else tree.value(node, "", 0)
    except yaml.reader.ReaderError as error:
        line = text[: error.position].count("\n") + 1 + before
        code = error.character if isinstance(error.character, int) else ord(error.character[:1])
        raise ConfigError(f"YAML has no place for the character U+{code:04X}.", where=f"{where}:{line}") from error
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = before + (mark.line + 1 if mark else 1)
        problem = error.problem or "this is not YAML"
        said = next((words for sign, words in _SAID_PLAINLY.items() if sign in problem), f"{problem}.")
        raise ConfigError(said, where=f"{where}:{line}", hint=_QUOTE_IT) from error
    except RecursionError as error:
        raise ConfigError("this YAML is nested too deeply to be read.", where=where) from error
    return data, tree.lines


class _Tree:
    """Turns YAML nodes into plain data, and remembers the line of each key."""

    def __init__(self, where: str, before: int, *, numbers: bool) -> None:
        self.lines: dict[str, int] = {}
        self._where, self._before, self._numbers = where, before, numbers
        self._nodes = 0

    def error(self, node: yaml.Node, message: str, hint: str = "") -> ConfigError:
        return ConfigError(message, where=f"{self._where}:{self._line(node)}", hint=hint)

    def _line(self, node: yaml.Node) -> int:
        return int(node.start_mark.line) + 1 + self._before

    def value(self, node: yaml.Node, path: str, depth: int) -> Any:
        self._nodes += 1
        if self._nodes > MOST_NODES or depth > DEEPEST:
            raise self.error(node, "this YAML is too large, too deep, or repeats itself through aliases.")
        if isinstance(node, yaml.ScalarNode):
            return self._scalar(node)
        if isinstance(node, yaml.SequenceNode) and node.tag == _TAG + "seq":
            return [self._item(item, f"{path}.{place}".lstrip("."), depth) for place, item in enumerate(node.value)]
        if isinstance(node, yaml.MappingNode) and node.tag == _TAG + "map":
            return self._mapping(node, path, depth)
        raise self.error(node, f"the tag '{node.tag.replace(_TAG, '!!')}' is not used here.", "Delete it.")

    def _item(self, node: yaml.Node, path: str, depth: int) -> Any:
        self.lines[path] = self._line(node)
        return self.value(node, path, depth + 1)

    def _scalar(self, node: yaml.ScalarNode) -> Any:
        text, kind = str(node.value), node.tag.removeprefix(_TAG)
        if kind == "bool":
            return text.lower() == "true"
        if kind == "null":
            return None
        if kind == "int" and self._numbers:
            return int(text)
        if kind == "float" and self._numbers and math.isfinite(float(text)):
            return float(text)
        if kind in ("str", "int", "float"):
            return text
        raise self.error(node, f"the tag '!!{kind}' is not used here.", "Delete it.")

    def _mapping(self, node: yaml.MappingNode, path: str, depth: int) -> dict[str, Any]:
        data: dict[str, Any] = {}
        for key, item in node.value:
            name = self._key(key)
            here = f"{path}.{name}" if path else name
            if name in data:
                raise self.error(
                    key, f"'{name}' is here a second time (first on line {self.lines[here]}).", "Keep one."
                )
            self.lines[here] = self._line(key)
            # A version is a name: 1.10 is not 1.1.
            as_written = name == "version" and item.tag in (_TAG + "int", _TAG + "float")
            data[name] = item.value if as_written else self.value(item, here, depth + 1)
        return data

    def _key(self, key: yaml.Node) -> str:
        if not isinstance(key, yaml.ScalarNode):
            raise self.error(key, "a key must be a word, not a list or a map.", _QUOTE_IT)
        if not key.value:
            raise self.error(key, "a key is missing before the ':'.", _QUOTE_IT)
        return str(key.value)


def front_matter(text: str, where: str, known: Collection[str] | None = None) -> tuple[dict[str, Any], str, int]:
    """The header between `---` lines, the body, and the line on which the body begins.

    Numbers stay as they are written (`version: 1.10`). With `known`, any other key is an error that names its line.
    """
    lines, end = _header(text, where)
    if not end:
        return {}, "\n".join(lines), 1
    data, places = _load("\n".join(lines[1:end]), where, before=1, numbers=False)
    if data is not None and not isinstance(data, dict):
        raise ConfigError("the header holds no `key: value` lines.", where=f"{where}:2")
    for key in data or {}:
        if known is not None and key not in known:
            line = places.get(key, 2)
            raise ConfigError(f"the header has no '{key}'.", where=f"{where}:{line}", hint=did_you_mean(key, known))
    return data or {}, "\n".join(lines[end + 1 :]), end + 2


def header(text: str, where: str) -> tuple[dict[str, Any], dict[str, int]]:
    """The header as YAML, numbers as numbers, and the line of every key, for what is more than words about a file."""
    lines, end = _header(text, where)
    data, places = _load("\n".join(lines[1:end]), where, before=1, numbers=True) if end else ({}, {})
    return (data if isinstance(data, dict) else {}), places


def _header(text: str, where: str) -> tuple[list[str], int]:
    """The lines of a file, and which of them ends its header; 0 where it has none."""
    lines = text.removeprefix("\ufeff").replace("\r\n", "\n").split("\n")
    if lines[0].rstrip() != "---":
        return lines, 0
    end = next((place for place, line in enumerate(lines) if place and line.rstrip() == "---"), None)
    if end is None:
        hint = "Close it with a line '---', or delete this one if the file has no header."
        raise ConfigError("the header that begins with '---' has no end.", where=f"{where}:1", hint=hint)
    return lines, end


@dataclass(frozen=True)
class Lines:
    """Reads what YAML said, and knows the line of each key; `whole` is what messages call the file's own map."""

    where: str
    lines: Mapping[str, int]
    whole: str

    def at(self, path: str) -> str:
        """`prompts/judge.md:14`: the line of a key, or of the nearest one around it."""
        while path and path not in self.lines:
            path = path.rpartition(".")[0]
        return f"{self.where}:{self.lines[path]}" if path else self.where

    def error(self, path: str, message: str, hint: str = "") -> ConfigError:
        return ConfigError(message, where=self.at(path), hint=hint)

    def map_of(self, data: Any, path: str, known: Collection[str] | None = None) -> dict[str, Any]:
        """A map, with no other keys than the `known`, where some are."""
        if not isinstance(data, dict):
            name = f"'{path.rpartition('.')[2]}'" if path else self.whole
            raise self.error(path, f"{name} is a map here: one `name: ...` per line.")
        for key in data:
            if known is not None and key not in known:
                raise self.error(f"{path}.{key}".lstrip("."), f"'{key}' is not known here.", did_you_mean(key, known))
        return data


# By what pydantic calls the error, or by what that begins with: `int_parsing`, `int_from_float`.
_WORDS = {
    "missing": "is missing",
    "extra_forbidden": "is not known here",
    "string_type": "must be text (put it in quotes)",
    "string_pattern_mismatch": "may have letters, digits and '_' only, and does not begin with a digit",
    "string_too_short": "is empty",
    "too_short": "is empty",
    "bool": "must be true or false",
    "tuple": "must be a list",
    "list": "must be a list",
    "dict": "must be a map of names",
    "mapping": "must be a map of names",
    "int": "must be a whole number",
    "float": "must be a number",
}
_SAID_ALREADY = ("extra_forbidden", "string_pattern_mismatch")


def in_plain_words(error: ValidationError) -> list[tuple[str, str]]:
    """What pydantic found, for people: `[("questions.0.minimum", "must be a number, not 'low'")]`."""
    return [(".".join(str(step) for step in found["loc"]), _sentence(found)) for found in error.errors()]


def _sentence(found: Mapping[str, Any]) -> str:
    kind, context = found["type"], found.get("ctx", {})
    given = found.get("input")
    instead = f", not {given!r}" if isinstance(given, str | int | float) and kind not in _SAID_ALREADY else ""
    if kind == "literal_error":
        return f"must be one of {context['expected']}{instead}"
    if kind in ("value_error", "assertion_error"):
        return str(context.get("error", found["msg"]))
    words = _WORDS.get(kind) or _WORDS.get(kind.partition("_")[0])
    if words:
        return words + instead
    return str(found["msg"][:1].lower() + found["msg"][1:]).removeprefix("input ").replace("should be", "must be")
