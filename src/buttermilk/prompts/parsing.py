"""Templates as trees: what they are refused for, and what they ask for, known before any record is seen."""

from collections.abc import Collection, Iterator
from math import isfinite
from typing import NamedTuple

from jinja2 import TemplateSyntaxError, meta, nodes

from buttermilk.core.errors import PromptError, did_you_mean
from buttermilk.core.flows import Prompt
from buttermilk.prompts.sandbox import SANDBOX, TURN

DEEPEST = 20  # includes within includes
MOST_TOKENS = 10_000  # words and signs within {{ }} and {% %}
DEEPEST_NODE = 100  # of an expression, a block, …
_INHERITED = (nodes.Extends, nodes.Import, nodes.FromImport, nodes.Block)
_BUILT_IN = frozenset(SANDBOX.globals)


class Source(NamedTuple):
    """One text of a prompt: a section, or a file that it includes. `line` is where the text begins in its file."""

    text: str
    file: str
    line: int = 1
    included: bool = False

    def at(self, line: int) -> str:
        return f"{self.file}:{self.line + line - 1}"


def sources(prompt: Prompt) -> Iterator[Source]:
    """Every text of a prompt, for messages: `prompts/judge.md` and what it includes."""
    for section in prompt.sections:
        yield Source(section.template, f"prompts/{prompt.name}.md", section.line)
    for name, text in prompt.includes.items():
        yield Source(text, name, included=True)


def parse(source: Source) -> nodes.Template:
    """The template's tree. Raises PromptError with file and line for what is no template, or is not allowed in one."""
    try:
        for count, (line, _, _) in enumerate(SANDBOX.lex(source.text)):
            if count > MOST_TOKENS:
                raise PromptError("there is too much of a program in this template.", where=source.at(line))
        tree = SANDBOX.parse(source.text)
    except TemplateSyntaxError as error:
        hint = "To write {{ or {% as plain text, put it between {% raw %} and {% endraw %}."
        raise PromptError(f"{error.message}", where=source.at(error.lineno), hint=hint) from error
    except RecursionError as error:
        raise PromptError("the template is nested too deeply.", where=source.at(1)) from error
    except ValueError as error:  # Python reads no number of more than 4,300 digits
        raise PromptError("a number in the template is too long.", where=source.at(1)) from error
    for node, depth in _nodes(tree):
        said = _refusal(node) if depth <= DEEPEST_NODE else ("the template is nested too deeply.", "")
        if said:
            raise PromptError(said[0], where=source.at(node.lineno), hint=said[1])
    return tree


def _nodes(tree: nodes.Node) -> Iterator[tuple[nodes.Node, int]]:
    """Each node with how deep it stands, in order. A chain of a thousand filters is as deep as it is long."""
    left = [(tree, 0)]
    while left:
        node, depth = left.pop()
        yield node, depth
        left += [(child, depth + 1) for child in reversed([*node.iter_child_nodes()])]


def _refusal(node: nodes.Node) -> tuple[str, str] | None:
    """Why a template may not say this, and what to say instead."""
    if isinstance(node, _INHERITED):
        word = type(node).__name__.lower().replace("fromimport", "import")
        return (
            f"{{% {word} %}} is not used in prompts.",
            'Put the shared text in a file and {% include "file.md" %} it.',
        )
    if isinstance(node, nodes.Include):
        return _include_refusal(node)
    if isinstance(node, nodes.Const) and isinstance(node.value, float) and not isfinite(node.value):
        return "a number in the template is too large.", ""
    if isinstance(node, nodes.EvalContextModifier):
        return "{% autoescape %} would change the record's text.", "Delete it."
    if isinstance(node, nodes.For) and node.recursive:
        return "a loop in a prompt is not recursive.", "Delete the word 'recursive'."
    if isinstance(node, nodes.Getattr) and node.attr.startswith("_"):
        return (
            f"'{node.attr}' cannot be reached from a prompt.",
            "Fields of a record are record.text, record.title, ...",
        )
    if isinstance(node, nodes.Filter) and node.name not in SANDBOX.filters:
        return f"there is no filter '{node.name}'.", did_you_mean(node.name, _public(SANDBOX.filters))
    if isinstance(node, nodes.Test) and node.name not in SANDBOX.tests:
        return f"there is no test '{node.name}'.", did_you_mean(node.name, _public(SANDBOX.tests))
    return None


def _public(names: Collection[str]) -> list[str]:
    return [name for name in names if name[0].isalpha()]


def _include_refusal(node: nodes.Include) -> tuple[str, str] | None:
    if not isinstance(node.template, nodes.Const) or not isinstance(node.template.value, str):
        return (
            "an include names one file, in quotes.",
            'Write {% include "rules.md" %}: what is sent must be known beforehand.',
        )
    if node.ignore_missing or not node.with_context:
        return "an include says the file's name and nothing else.", "Delete what follows the name."
    return None


def included(tree: nodes.Template) -> list[tuple[str, int]]:
    """`[("rules.md", 4)]`: the files a template includes, as often as it does, and on which line."""
    return [(node.template.value, node.lineno) for node in tree.find_all(nodes.Include)]  # type: ignore[attr-defined]


def expanded(trees: Collection[tuple[Source, nodes.Template]]) -> dict[str, tuple[int, frozenset[str]]]:
    """Of each include, with all that it includes in turn: its size and their names. Raises PromptError."""
    texts = {source.file: (source, tree) for source, tree in trees if source.included}
    whole: dict[str, tuple[int, frozenset[str]]] = {}

    def weigh(name: str, above: tuple[str, ...]) -> tuple[int, frozenset[str]]:
        if name in above or len(above) > DEEPEST:
            raise PromptError(f"{' includes '.join([*above, name])}: that has no end.", where=name)
        if name not in texts:
            raise PromptError(f"the prompt includes '{name}' and does not carry its text.", where=name)
        if name not in whole:
            source, tree = texts[name]
            inner = [weigh(part, (*above, name)) for part, _ in included(tree)]
            size = TURN + len(source.text) + sum(part for part, _ in inner)
            whole[name] = size, frozenset({name}).union(*(names for _, names in inner))
        return whole[name]

    for _, tree in trees:
        for name, _ in included(tree):
            weigh(name, ())
    return whole


def asked(tree: nodes.Template) -> frozenset[str]:
    """The variables a template needs from outside."""
    return frozenset(meta.find_undeclared_variables(tree)) - _BUILT_IN


def made(tree: nodes.Template) -> frozenset[str]:
    """The variables a template makes itself: by `set`, as a loop's, as a macro."""
    names = {node.name for node in tree.find_all(nodes.Name) if node.ctx in ("store", "param")}
    return frozenset(names | {node.name for node in tree.find_all(nodes.Macro)})


def path_of(node: nodes.Node | None) -> tuple[str, ...]:
    """`record.metadata["author"]` -> ("record", "metadata", "author"); empty where it is not as plain as that."""
    if isinstance(node, nodes.Name):
        return (node.name,)
    if isinstance(node, nodes.Getattr):
        before, step = path_of(node.node), node.attr
    elif isinstance(node, nodes.Getitem) and isinstance(node.arg, nodes.Const) and isinstance(node.arg.value, str):
        before, step = path_of(node.node), node.arg.value
    else:
        return ()
    return (*before, step) if before else ()


def fields_of(tree: nodes.Template, variable: str) -> frozenset[str] | None:
    """Which fields of a variable are read: {"text"}. None where it is used as a whole."""
    paths = [path_of(node) for node in tree.find_all((nodes.Getattr, nodes.Getitem))]
    read = [path[1] for path in paths if len(path) == 2 and path[0] == variable]
    whole = sum(node.name == variable and node.ctx == "load" for node in tree.find_all(nodes.Name))
    return frozenset(read) if whole == len(read) else None
