"""What annotation tools have in common: a control per question, several labels in one control; lists in JSON."""

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

from buttermilk.core.errors import DataError
from buttermilk.core.flows import Codebook
from buttermilk.core.questions import IN_WORDS, Question
from buttermilk.core.sheets import DOES_NOT_APPLY
from buttermilk.documents import read_text
from buttermilk.documents.whole import whole

NONE_OF_THESE = "none of these"
Kind = Literal["one", "several", "number", "text"]


class Control(NamedTuple):
    """`Control("criteria_c1_verdict", "criteria.c1.verdict", question, "Does the text keep to it?", "one")`"""

    name: str
    path: str
    question: Question
    ask: str
    kind: Kind

    @property
    def required(self) -> bool:
        """Words and numbers that may be left out have no other way to say so."""
        return not (self.question.optional and self.kind in ("number", "text"))

    @property
    def choices(self) -> list[tuple[str, str]]:
        """Each label with its definition, and what stands for null or for an empty list."""
        last = [(NONE_OF_THESE, "")] if self.kind == "several" else []
        last += [(DOES_NOT_APPLY, "")] if self.question.optional else []
        return [(label.name, label.definition) for label in self.question.labels] + last

    def answers(self, value: Any) -> Iterator[tuple[str, Any]]:
        """Leaf and answer: `["art"]` to `topics` says yes to `topics.art` and no to the others."""
        given = value if isinstance(value, list) else [value]
        if self.kind != "several":
            yield self.path, given[0] if len(given) == 1 else ", ".join(map(str, given))
            return
        known = self.question.label_names
        yield from ((f"{self.path}.{name}", "yes" if name in given else "no") for name in known)
        yield from ((f"{self.path}.{name}", "yes") for name in given if name not in (*known, NONE_OF_THESE))


def controls(codebook: Codebook) -> dict[str, Control]:
    """By name."""
    found: dict[str, Control] = {}
    for path, ask, question, kind in _walked(codebook, codebook.questions):
        name = plain_name(path) if plain_name(path) not in found else f"{plain_name(path)}_{len(found)}"
        found[name] = Control(name, path, question, ask, kind)
    return found


def plain_name(name: str) -> str:
    """One that every tool takes: small letters, digits and underscores."""
    return re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_") or "_"


def _walked(
    codebook: Codebook, questions: tuple[Question, ...], before: str = "", asked: str = ""
) -> Iterator[tuple[str, str, Question, Kind]]:
    for question in questions:
        path, ask = f"{before}{question.name}", f"{asked} {question.ask}".lstrip()
        if question.many and not question.labels:  # people count what a model lists
            leaf = codebook.by_path[f"{path}.count"]
            yield leaf.name, leaf.ask, leaf, "number"
        elif question.parts:
            yield from _walked(codebook, question.parts, f"{path}.", ask)
        elif question.labels:
            yield path, ask, question, "several" if question.many else "one"
        else:
            yield path, ask, question, "text" if question.level in IN_WORDS else "number"


# ---- lists of objects in a JSON file


def write_json(value: Any, target: Path) -> None:
    with whole(target) as path:
        path.write_text(json.dumps(value, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def listed(file: Path, fits: Callable[[Mapping[str, Any]], bool], hint: str) -> Sequence[Mapping[str, Any]]:
    """The list of objects, if each of them fits; else what is wrong with the file."""
    try:
        found = json.loads(read_text(file))
    except ValueError as error:
        raise DataError(f"this is not JSON: {error}.", where=str(file), hint=hint) from error
    if not isinstance(found, list) or not all(isinstance(one, Mapping) and fits(one) for one in found):
        raise DataError("this is not a list of what the tool exports.", where=str(file), hint=hint)
    return found
