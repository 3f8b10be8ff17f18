"""From `codebooks/NAME.yaml` and `criteria/NAME.md` to what is asked, and from which perspective."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from buttermilk.core.errors import ConfigError, did_you_mean
from buttermilk.core.flows import Codebook, LabelDefinition, Perspective, Question
from buttermilk.documents import docx_text, find_file, front_matter, in_plain_words, load_yaml, read_text, shown
from buttermilk.documents.plain import SUFFIXES, Lines
from buttermilk.prompts.loading import CREDITS, check_name, credits_of, words_of
from buttermilk.prompts.sandbox import written

LEVELS = ("nominal", "ordinal", "interval", "ratio", "text", "quote", "answer")
DEEPEST = 4  # questions within questions: vendors take schemas of a few more levels than that
_QUESTION = frozenset({"ask", "level", "labels", "minimum", "maximum", "optional", "questions", "many", "each"})
_LABEL = frozenset({"definition", "examples"})
_IN_QUOTES = "If it is meant as text, put it in quotes."


def load_perspective(name: str, folders: Sequence[Path]) -> Perspective:
    """`criteria/NAME.md`, `.txt` or `.docx`, never a template. Raises ConfigError, and DataError for a .docx."""
    path = find_file("perspective", name, folders, SUFFIXES["perspective"])
    where = shown(path)
    header: dict[str, Any] = {}
    if path.suffix == ".docx":
        text = docx_text(path.read_bytes(), where)
    else:
        known = {"name", "retrieved", *CREDITS}
        header, text, _ = front_matter(read_text(path), where, known)
        check_name(header, name, where)
    if not text.strip():
        raise ConfigError("this perspective has no text.", where=where, hint="Write the criteria into it.")
    retrieved = words_of(header.get("retrieved") or "")
    return Perspective(name=name, text=text.strip("\n"), retrieved=retrieved, **credits_of(header))


def load_codebook(name: str, folders: Sequence[Path]) -> Codebook:
    """`codebooks/NAME.yaml`. Raises ConfigError that names the line.

    `questions: {tone: {ask: What is its tone?, labels: {bright: Joy or hope., dark: Grief or fear.}}}`
    """
    path = find_file("codebook", name, folders, SUFFIXES["codebook"])
    where = shown(path)
    data, lines = load_yaml(read_text(path), where)
    reader = _Reader(where, lines, "a codebook")
    top = reader.map_of(data, "", {"name", "questions", *CREDITS})
    check_name(top, name, where)
    questions = reader.map_of(top.get("questions") or {}, "questions")
    if not questions:
        raise reader.error("questions", "the codebook asks no questions.", "Add `questions:` with one name each.")
    made = tuple(reader.question(name, content, f"questions.{name}") for name, content in questions.items())
    return Codebook(name=name, questions=made, **credits_of(top))


class _Reader(Lines):
    """Reads one codebook."""

    def question(self, name: str, content: Any, path: str) -> Question:
        given = self.map_of(content, path, _QUESTION)
        if not isinstance(given.get("ask"), str) or not given["ask"].strip():
            raise self.error(path, f"question '{name}' has no wording.", "Add `ask: What is ...?`")
        self._level(given, path, name)
        made = {"name": name, "ask": given["ask"].strip(), **self._parts(given, path, name)}
        made["labels"] = self._labels(given.get("labels") or {}, f"{path}.labels")
        try:
            return Question(**{**given, **made})
        except ValidationError as error:
            key, said = in_plain_words(error)[0]
            subject = f"'{name if key == 'name' else key}' " if key else ""
            raise self.error(f"{path}.{key}" if key else path, f"{subject}{said}.") from error

    def _parts(self, given: dict[str, Any], path: str, name: str) -> dict[str, Any]:
        """`questions:` within a question make a group of it."""
        if given.get("each", "criterion") != "criterion":
            raise self.error(
                f"{path}.each", f"'each' knows no '{written(given['each'])}'.", "There is `each: criterion`."
            )
        if given.get("each") and ".questions." in path:
            hint = f"Let it stand at '{path.split('.')[1]}', or make a question of its own."
            raise self.error(f"{path}.each", "`each` cannot stand within another question.", hint)
        if "questions" not in given:
            return {}
        inner = self.map_of(given.pop("questions") or {}, f"{path}.questions")
        if not inner:
            raise self.error(f"{path}.questions", f"the group '{name}' asks no questions.", "Add one name each.")
        if f"{path}.".count(".questions.") >= DEEPEST:
            raise self.error(f"{path}.questions", f"questions stand within questions at most {DEEPEST} deep.")
        parts = tuple(self.question(part, content, f"{path}.questions.{part}") for part, content in inner.items())
        return {"level": "group", "parts": parts}

    def _level(self, given: Mapping[str, Any], path: str, name: str) -> None:
        level = given.get("level", "nominal")
        if "questions" in given:
            for key in given.keys() & {"level", "labels", "minimum", "maximum"}:
                raise self.error(f"{path}.{key}", f"'{name}' is a group of questions and has no {key}.", "Take it out.")
            return
        if level not in LEVELS:
            raise self.error(f"{path}.level", f"there is no level '{level}'.", did_you_mean(str(level), LEVELS))
        if level in ("nominal", "ordinal") and not given.get("labels"):
            hint = "Give it `labels:` or `questions:`, or say `level: text`, `quote`, `answer`, `interval` or `ratio`."
            raise self.error(path, f"question '{name}' says neither its labels nor another level.", hint)
        low, high = given.get("minimum"), given.get("maximum")
        if isinstance(low, int | float) and isinstance(high, int | float) and low > high:
            raise self.error(f"{path}.minimum", f"the minimum ({low:g}) is above the maximum ({high:g}).")

    def _labels(self, data: Any, path: str) -> tuple[LabelDefinition, ...]:
        """`[bright, dark]`, or a map that says what they mean."""
        if isinstance(data, list):
            return tuple(LabelDefinition(name=self._word(name, f"{path}.{n}")) for n, name in enumerate(data))
        labels = self.map_of(data, path)
        return tuple(self._label(name, content, f"{path}.{name}") for name, content in labels.items())

    def _label(self, name: str, content: Any, path: str) -> LabelDefinition:
        """`bright: `, `bright: Joy or hope.` or `bright: {definition: Joy or hope., examples: [a morning]}`."""
        given = self.map_of(content, path, _LABEL) if isinstance(content, dict) else {"definition": content}
        definition, cases = given.get("definition"), given.get("examples") or []
        cases = cases if isinstance(cases, list) else [cases]
        return LabelDefinition(
            name=name,
            definition="" if definition is None else self._word(definition, f"{path}.definition"),
            examples=tuple(self._word(case, f"{path}.examples.{place}") for place, case in enumerate(cases)),
        )

    def _word(self, value: Any, path: str) -> str:
        """Text; a whole number is taken as its figures, anything else is asked about."""
        if isinstance(value, str) and value.strip():
            return value.strip()
        if isinstance(value, int) and not isinstance(value, bool):
            return str(value)
        given = "a list or a map" if isinstance(value, list | dict) else written(value)
        raise self.error(path, f"text is wanted here, not {given or 'nothing'}.", _IN_QUOTES)
