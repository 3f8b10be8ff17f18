"""What a template asks for, held against what its step gives: found before the first call, with file and line."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from jinja2 import nodes
from jinja2.visitor import NodeTransformer

from buttermilk.core.errors import PromptError, did_you_mean
from buttermilk.core.flows import Prompt
from buttermilk.prompts.parsing import Source, asked, made, parse, path_of, sources
from buttermilk.prompts.sandbox import OF_MAPS
from buttermilk.prompts.views import (
    ANSWER_FIELDS,
    CODEBOOK_FIELDS,
    LABEL_FIELDS,
    PART_FIELDS,
    PERSPECTIVE_FIELDS,
    PRIOR_FIELDS,
    QUESTION_FIELDS,
    RECORD_FIELDS,
)

_OWN = frozenset({"record", "codebook", "perspective"})
_OF_QUESTIONS: Mapping[str, Sequence[str]] = {"labels": LABEL_FIELDS, "parts": QUESTION_FIELDS}


def check_prompt(
    prompt: Prompt, *, step: str, gives: Collection[str], columns: Mapping[str, int], records: int,
    sent: Collection[str], dataset: str,
) -> None:  # fmt: skip
    """Raise PromptError where a template asks for what its step does not give, or for a column that is not sent.

    `gives` are the variables: `record`, `codebook`, `perspective` where the step has some, each reading, each swept
    variable. `priors` may always be asked for, and must be where the step has some. `columns` says how many of the
    `records` have each metadata column.
    """
    step_gives = _Gives(step, frozenset(gives), columns, records, frozenset(sent), dataset)
    for name in prompt.inputs:
        if name not in step_gives.names:
            raise step_gives.unknown(name, f"prompts/{prompt.name}.md", "the prompt's header says it needs")
    trees = [(source, parse(source)) for source in sources(prompt)]
    own = frozenset().union(*(made(tree) for _, tree in trees))
    if "priors" in gives and not any("priors" in asked(tree) for _, tree in trees):
        message = f"step '{step}' has priors, and the prompt never shows them: its two arms would be asked the same."
        hint = 'Put {% include "priors.md" %} below the item, or write {% for prior in priors %}{{ prior.values }} ...'
        raise PromptError(message, where=f"prompts/{prompt.name}.md", hint=hint)
    for source, tree in trees:
        _check_names(source, tree, step_gives, own if source.included else frozenset())
        _check_fields(source, _Taken(step_gives.names).visit(tree), step_gives)


@dataclass(frozen=True)
class _Gives:
    step: str
    names: frozenset[str]
    columns: Mapping[str, int]
    records: int
    sent: frozenset[str]
    dataset: str

    def unknown(self, name: str, where: str, said: str = "the template asks for") -> PromptError:
        message = f"{said} '{name}', which step '{self.step}' does not give."
        if name == "perspective":
            message += " It has no perspectives."
        return PromptError(message, where=where, hint=did_you_mean(name, self.names))


class _Taken(NodeTransformer):
    """Without what stands in place of a variable that is given: `{% if points is defined %}…{% else %}` (not this)."""

    def __init__(self, given: Collection[str]) -> None:
        self._given = given

    def visit_If(self, node: nodes.If) -> nodes.If | list[nodes.Node]:  # noqa: N802  (the visitor's name for it)
        self.generic_visit(node)
        test = node.test
        path = path_of(test.node) if isinstance(test, nodes.Test) and test.name == "defined" else ()
        return node.body if len(path) == 1 and path[0] in self._given else node


def _check_names(source: Source, tree: nodes.Template, gives: _Gives, own: frozenset[str]) -> None:
    """A variable that the template asks `is defined` about may be missing, unless its name looks like a slip."""
    tests = [node.node for node in tree.find_all(nodes.Test) if node.name in ("defined", "undefined")]
    tested = {node.name for node in tests if isinstance(node, nodes.Name)}
    spared = {name for name in tested if not get_close_matches(name, gives.names)}
    missing = asked(tree) - gives.names - own - spared - {"priors"}
    for node in tree.find_all(nodes.Name):
        if node.name in missing and node.ctx == "load":
            raise gives.unknown(node.name, source.at(node.lineno))


def _check_fields(source: Source, tree: nodes.Template, gives: _Gives) -> None:
    fields = {"record": RECORD_FIELDS.keys(), "codebook": CODEBOOK_FIELDS, "perspective": PERSPECTIVE_FIELDS}
    known: dict[str, Collection[str]] = {**fields, **_loops(tree, gives)}
    may_lack, everywhere = _guarded(tree)
    for node in tree.find_all((nodes.Getattr, nodes.Getitem)):
        path, where = path_of(node), source.at(node.lineno)
        if len(path) == 2 and path[0] in known and path[1] not in known[path[0]]:
            raise _no_field(path, known[path[0]], where, gives)
        if len(path) == 3 and path[:2] == ("record", "metadata"):
            _check_column(path[2], where, gives, guarded=id(node) in may_lack or path[2] in everywhere)


def _no_field(path: tuple[str, ...], known: Collection[str], where: str, gives: _Gives) -> PromptError:
    hint = did_you_mean(path[1], known)
    if path[0] == "record" and path[1] in gives.columns:
        hint = f"'{path[1]}' is a column: write record.metadata.{path[1]}."
    return PromptError(f"{path[0]} has no '{path[1]}'.", where=where, hint=hint)


def _check_column(name: str, where: str, gives: _Gives, *, guarded: bool) -> None:
    """Does the column exist, may it be sent, and do all records have it?"""
    if name not in gives.columns:
        if name in OF_MAPS:
            return
        said = f"no record of dataset '{gives.dataset}' has a column '{name}'."
        raise PromptError(said, where=where, hint=did_you_mean(name, gives.columns))
    if name not in gives.sent:
        said = f"column '{name}' of dataset '{gives.dataset}' is not sent to agents."
        hint = f"If it may be, add `policy: {{{name}: send}}` to conf/dataset/{gives.dataset}.yaml."
        raise PromptError(said, where=where, hint=hint)
    lacking = gives.records - gives.columns[name]
    if lacking > 0 and not guarded:
        have = "record has" if lacking == 1 else "records have"
        said = f"{lacking} of {gives.records} {have} no '{name}'."
        hint = f"For those, write {{{{ record.metadata.{name} | default('') }}}}."
        raise PromptError(said, where=where, hint=hint)


def _guarded(tree: nodes.Template) -> tuple[set[int], set[str]]:
    """The places with `| default(...)`, and the columns that the template asks `is defined` about."""
    mended = {id(node.node) for node in tree.find_all(nodes.Filter) if node.name in ("default", "d")}
    tested = [path_of(node.node) for node in tree.find_all(nodes.Test) if node.name in ("defined", "undefined")]
    return mended, {path[2] for path in tested if len(path) == 3}


def _loops(tree: nodes.Template, gives: _Gives) -> dict[str, Collection[str]]:
    """What the turns of its loops have: `for answer in answers` -> {"answer": ANSWER_FIELDS}."""
    known: Mapping[tuple[str, ...], Sequence[str]] = {
        ("codebook", "questions"): QUESTION_FIELDS,
        ("record", "parts"): PART_FIELDS,
        ("record", "media"): PART_FIELDS,
        **{(name,): ANSWER_FIELDS for name in gives.names - _OWN},
        ("priors",): PRIOR_FIELDS,
    }
    turns: dict[str, list[Sequence[str]]] = {}
    for node in tree.find_all(nodes.For):
        path = path_of(unfiltered(node.iter))
        fields = known.get(path) or (_OF_QUESTIONS.get(path[1], ()) if len(path) == 2 else ())
        for target in node.target.find_all(nodes.Name) if not isinstance(node.target, nodes.Name) else [node.target]:
            turns.setdefault(target.name, []).append(fields if target is node.target else ())
    return {name: frozenset().union(*fields) for name, fields in turns.items() if all(fields)}


def unfiltered(node: nodes.Node | None) -> nodes.Node | None:
    """`answers | sort(attribute="agent")` -> `answers`."""
    while isinstance(node, nodes.Filter) and node.name in ("sort", "selectattr", "rejectattr", "reverse", "list"):
        node = node.node
    return node
