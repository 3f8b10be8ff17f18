"""From `tests:` in the header of prompts/NAME.md, or from prompts/NAME.tests.yaml beside it, to cases to be asked.

tests:
  codebook: harm
  agents: [reader_a]
  repeats: 3
  cases:
    quotation_is_not_endorsement:
      text: "The minister called them vermin, the paper reported, and was met with jeers."
      expect:
        - label-in: {harmful: ["no"]}
"""

import mimetypes
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from pydantic import ValidationError

from buttermilk.core.cases import Expectation, expectation_of
from buttermilk.core.errors import ButtermilkError, did_you_mean
from buttermilk.core.flows import Codebook, Perspective, Prompt
from buttermilk.core.hashing import fingerprint, sha256
from buttermilk.core.jobs import Answer
from buttermilk.core.records import HumanLabel, Kind, Part, Record
from buttermilk.core.values import Scalar
from buttermilk.documents import find_file, header, in_plain_words, load_yaml, read_text, shown
from buttermilk.documents.plain import NAME, Lines
from buttermilk.prompts import check_prompt, load_codebook, load_perspective, load_prompt

T = TypeVar("T")
Folders = Callable[[str], Sequence[Path]]  # "prompts" -> where they are looked for

TOP = ("codebook", "perspective", "agents", "embedder", "repeats", "cases")
MEDIA: tuple[Kind, ...] = ("image", "audio", "video", "pdf")
OF_A_CASE = ("text", "title", *MEDIA, "alt", "metadata", "variables", "label", "codebook", "perspective", "expect")
OF_AN_ANSWER = ("id", "agent", "perspective", "repeat", "status", "values")


class Case(NamedTuple):
    """One text, picture or recording of the scholar's own, and what is expected of an answer about it."""

    name: str
    record: Record
    codebook: Codebook
    expect: tuple[Expectation, ...]
    perspective: Perspective | None = None
    variables: Mapping[str, Scalar] = {}
    inputs: Mapping[str, tuple[Answer, ...]] = {}

    def labels_of(self, path: str) -> tuple[str, ...]:
        """Of the question at that path; none where it has none, or stands in a list."""
        codebook = self.codebook.of(self.perspective)
        asked = {one.name: one for one in (*codebook.leaves, *codebook.questions)}
        return asked[path].label_names if path in asked else ()


class PromptTests(NamedTuple):
    """The cases of one prompt. `agents` are asked where the command line names none."""

    prompt: Prompt
    cases: tuple[Case, ...]
    agents: tuple[str, ...] = ()
    repeats: int = 1
    embedder: str = ""
    where: str = ""


def prompts_with_tests(folders: Sequence[Path]) -> list[str]:
    """The names of the prompts that have tests."""
    return sorted({path.stem for folder in folders for path in folder.glob("*.md") if has_tests(path)})


def has_tests(prompt: Path) -> bool:
    """In its header, or in NAME.tests.yaml beside it."""
    return _beside(prompt).is_file() or "tests" in header(read_text(prompt), shown(prompt))[0]


def _beside(prompt: Path) -> Path:
    return prompt.with_name(f"{prompt.stem}.tests.yaml")


def load_tests(name: str, folders: Folders, checks: Collection[str], root: Path) -> PromptTests | None:
    """A prompt's tests; None where it has none. `checks` are the names of all checks; media are named from `root`.

    Raises ConfigError that names file and line, and PromptError where the prompt does not fit its cases.
    """
    path = find_file("prompt", name, folders("prompts"), [".md"])
    if not has_tests(path):
        return None
    beside = _beside(path)
    file, read = (beside, load_yaml) if beside.is_file() else (path, header)
    said, lines = read(read_text(file), shown(file))
    at = "tests" if isinstance(said, dict) and "tests" in said else ""
    prompt = load_prompt(name, folders("prompts"))
    reader = _Reader(shown(file), lines, "'tests'", prompt, folders, checks, root)
    tests = reader.tests(said["tests"] if at else said, at)
    _check_prompt(tests)
    return tests


@dataclass(frozen=True)
class _Reader(Lines):
    """Reads the tests of one prompt."""

    prompt: Prompt
    folders: Folders
    checks: Collection[str]
    root: Path

    def tests(self, said: Any, at: str) -> PromptTests:
        given = self.map_of(said, at, TOP)
        cases = self.map_of(given.get("cases") or {}, f"{at}.cases".lstrip("."))
        if not cases:
            raise self.error(at, "the tests have no cases.", "Add `cases:` with one name each.")
        repeats = given.get("repeats", 1)
        if not isinstance(repeats, int) or isinstance(repeats, bool) or repeats < 1:
            raise self.error(f"{at}.repeats", f"`repeats` is a whole number from 1, not {repeats!r}.")
        agents = given.get("agents") or []
        return PromptTests(
            self.prompt,
            tuple(self._case(name, one, f"{at}.cases.{name}".lstrip("."), given) for name, one in cases.items()),
            tuple(map(str, agents if isinstance(agents, list) else [agents])),
            repeats,
            str(given.get("embedder") or ""),
            self.where,
        )

    def _case(self, name: str, said: Any, path: str, default: Mapping[str, Any]) -> Case:
        if not NAME.fullmatch(name):
            raise self.error(path, f"'{name}' cannot be the name of a case.", "Letters, digits, '-' and '_' are.")
        given = self.map_of(said, path, (*OF_A_CASE, *self.prompt.inputs))
        codebook = self._named("codebook", given, default, path, load_codebook, "codebooks")
        if codebook is None:
            raise self.error(path, "nothing says which codebook is answered.", "Add `codebook: NAME` to the tests.")
        expect = given.get("expect") or []
        if not isinstance(expect, list):
            raise self.error(
                f"{path}.expect", "`expect` is a list.", 'A dash goes before each check: `- equals: "no"`.'
            )
        if not expect:
            raise self.error(path, f"case '{name}' expects nothing.", "Add `expect:` with a list of checks.")
        case = Case(
            name,
            self._record(name, given, path),
            codebook,
            tuple(expectation_of(one, self.checks, self.at(f"{path}.expect.{n}")) for n, one in enumerate(expect)),
            self._named("perspective", given, default, path, load_perspective, "criteria"),
            {key: self._scalar(item, f"{path}.variables.{key}") for key, item in self._part(given, "variables", path)},
            {
                name: self._answers(given.get(name), name, f"{path}.{name}")
                for name in self.prompt.inputs
                if name in given
            },
        )
        for one in case.record.labels:
            allowed = case.labels_of(one.question)
            if allowed and one.value not in ("", None, *allowed):
                said = f"'{one.question}' has no label '{one.value}'."
                raise self.error(f"{path}.label.{one.question}", said, did_you_mean(str(one.value), allowed))
        return case

    def _part(self, given: Mapping[str, Any], key: str, path: str) -> Collection[tuple[str, Any]]:
        return self.map_of(given.get(key) or {}, f"{path}.{key}").items()

    def _named(
        self, kind: str, given: Mapping[str, Any], default: Mapping[str, Any], path: str,
        load: Callable[[str, Sequence[Path]], T], folder: str,
    ) -> T | None:  # fmt: skip
        """A codebook or a perspective by the name that the case says, or all the tests; none where `null` is said."""
        name = given.get(kind, default.get(kind))
        if name is None:
            return None
        try:
            return load(str(name), self.folders(folder))
        except ButtermilkError as error:
            error.where = error.where or self.at(f"{path}.{kind}")
            raise

    def _scalar(self, value: Any, path: str) -> Scalar:
        if isinstance(value, str | int | float) or value is None:
            return value
        raise self.error(path, "a variable is one word, text or number.", "A list can stand under `metadata:`.")

    def _record(self, name: str, given: Mapping[str, Any], path: str) -> Record:
        parts = [Part(text=str(given["title"]), role="title")] if given.get("title") is not None else []
        if given.get("text") is not None:
            parts.append(Part(text=str(given["text"])))
        parts += [self._medium(kind, str(given[kind]), given, path) for kind in MEDIA if given.get(kind)]
        if not parts:
            raise self.error(path, f"case '{name}' has nothing to be asked about.", "Add `text: …` or `image: FILE`.")
        said, metadata = self._part(given, "label", path), dict(self._part(given, "metadata", path))
        try:
            labels = tuple(HumanLabel(question=key, value=item, coder="case") for key, item in said)
            return Record(record_id=name, parts=tuple(parts), metadata=metadata, labels=labels)
        except ValidationError as error:
            raise self.error(path, in_plain_words(error)[0][1]) from error

    def _medium(self, kind: Kind, file: str, given: Mapping[str, Any], path: str) -> Part:
        place = (self.root / file).resolve()
        if not place.is_relative_to(self.root.resolve()) or not place.is_file():
            raise self.error(f"{path}.{kind}", f"there is no file {file} in the study.", "Name it from its folder.")
        media_type = mimetypes.guess_type(place.name)[0] or "application/octet-stream"
        alt = None if given.get("alt") is None else str(given["alt"])
        return Part(kind=kind, blob=sha256(place.read_bytes()), media_type=media_type, alt=alt, path=str(place))

    def _answers(self, said: Any, name: str, path: str) -> tuple[Answer, ...]:
        """Earlier answers as a prompt that reads some is shown them: `[{agent: ana, values: {harmful: "no"}}]`."""
        if not isinstance(said, list):
            raise self.error(path, f"`{name}` is a list of answers: [{{agent: ana, values: {{…}}}}].")
        return tuple(self._answer(one, f"{path}.{place}") for place, one in enumerate(said))

    def _answer(self, said: Any, path: str) -> Answer:
        given = self.map_of(said, path, OF_AN_ANSWER)
        values = given.get("values")
        status = given.get("status", "answered")
        shown_as = {"agent": "", **{key: item for key, item in given.items() if key not in ("id", "values", "status")}}
        job_id = str(given.get("id") or fingerprint([path, given]))
        try:
            return Answer(job_id=job_id, step="earlier", status=status, values=values, **shown_as)
        except ValidationError as error:
            key, words = in_plain_words(error)[0]
            raise self.error(f"{path}.{key}", f"'{key}' {words}.") from error


def _check_prompt(tests: PromptTests) -> None:
    """What the prompt asks for, against what its cases give: told before anybody is asked."""
    for case in tests.cases:
        more = ["perspective"] if case.perspective else []
        gives, columns = (
            ["record", "codebook", *case.variables, *case.inputs, *more],
            dict.fromkeys(case.record.metadata, 1),
        )
        there: dict[str, Any] = {
            "columns": columns,
            "records": 1,
            "sent": columns,
            "dataset": f"the tests of {tests.prompt.name}",
        }
        check_prompt(tests.prompt, step=case.name, gives=gives, **there)
