"""A template language that cannot run away: Jinja2, strict and sandboxed, where every loop and every output is counted.

What a template may touch is listed here, not what it may not: a few filters, a few methods of text and lists, and the
fields of views. A record's text is only ever a value; it is never parsed.
"""

import json
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any, Literal

from jinja2 import DictLoader, StrictUndefined, Undefined, nodes, pass_context
from jinja2.exceptions import SecurityError
from jinja2.filters import FILTERS, do_indent, do_round, do_sum, make_attrgetter
from jinja2.runtime import Context, LoopContext, Macro
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.utils import Namespace, pass_environment
from jinja2.visitor import NodeTransformer

OUTPUT_LIMIT = 2_000_000  # characters of one message
WORK_LIMIT = 20_000_000  # characters made on the way to it, where ...
TURN = 100  # ... a turn of a loop or a filter counts as so many, a call as three times that,
ITEM = 40  # an item of a list that is gone through,
WRITE = 50  # and {{ ... }} as so many more than it writes: a template at the limit has run for half a second
LARGEST = 10**30
LONGEST = 30  # digits behind a point
_JSON = json.JSONEncoder(ensure_ascii=False)
WORK = " work left"  # the counter's name among the variables: no template can spell it

# fmt: off
KEPT_FILTERS = (
    "abs", "capitalize", "count", "d", "default", "dictsort", "first", "float", "groupby", "int", "items", "last",
    "length", "list", "lower", "map", "max", "min", "reject", "rejectattr", "reverse", "select", "selectattr",
    "sort", "title", "trim", "truncate", "unique", "upper", "wordcount",
)
METHODS: dict[type, frozenset[str]] = {
    str: frozenset({
        "lower", "upper", "title", "capitalize", "strip", "lstrip", "rstrip", "removeprefix", "removesuffix", "split",
        "splitlines", "startswith", "endswith", "count", "find", "isdigit", "isalpha", "isupper", "islower",
    }),
    list: frozenset({"index", "count"}),
    tuple: frozenset({"index", "count"}),
}
# fmt: on
OF_MAPS = frozenset({"items", "keys", "values", "get"})


class View(dict[str, Any]):
    """What a template sees of a value: `record.text` reads the key `text`, and there is nothing else to reach."""

    __slots__ = ("what",)

    def __init__(self, what: str, fields: dict[str, Any]) -> None:
        super().__init__(fields)
        self.what = what


class Media(tuple[View, ...]):
    """A record's pictures, sounds or films. Where a template writes them they join the message, and no text."""

    __slots__ = ()


def charge(context: Context, amount: int) -> None:
    """Count work. Deterministic, unlike a clock: a slow machine refuses no template that a fast one renders."""
    left = context.parent[WORK]
    left[0] -= amount
    if left[0] < 0:
        raise SecurityError("the template repeats itself without end.")


def written(value: Any) -> str:
    """How a value is put into a prompt: text as it is, all else as JSON, so *no* is `false` and unknown is `null`."""
    if isinstance(value, str):
        return value
    if isinstance(value, Media):
        return ""
    if isinstance(value, View):
        raise SecurityError(f"{value.what} is several things; say which: {', '.join(map(str, value))}.")
    if value is None or isinstance(value, int | float | list | tuple | dict):
        return _JSON.encode(value)
    if isinstance(value, Undefined):
        return str(value)  # which raises, and says what is missing
    raise SecurityError("this is no text; if it is a sequence, add `| join(', ')`.")


@pass_context
def _output(context: Context, value: Any) -> str:
    if type(value) is not str:
        value = written(_weighed(context, value))
    charge(context, WRITE + len(value))
    return value  # type: ignore[no-any-return]


# --- filters


def _joined(values: Iterable[Any], between: str = "") -> str:
    parts, size = [], 0
    for value in values:
        parts.append(written(value))
        size += len(parts[-1]) + len(between)
        _fits(size)
    return between.join(parts)


def _fits(size: int) -> None:
    if size > OUTPUT_LIMIT:
        raise SecurityError(f"the template makes a text of more than {OUTPUT_LIMIT:,} characters.")


@pass_environment
def _join(environment: "Sandbox", value: Iterable[Any], d: str = "", attribute: str | int | None = None) -> str:
    items = map(make_attrgetter(environment, attribute), value) if attribute is not None else value
    return _joined(items, str(d))


def _replace(value: Any, old: str, new: str) -> str:
    text = written(value)
    _fits(len(text) + text.count(old) * max(len(new) - len(old), 0))
    return text.replace(old, new)


def _indent(value: Any, width: int = 4, first: bool = False, blank: bool = False) -> str:
    if not isinstance(width, int):
        raise SecurityError("the width of an indent is a number.")
    text = written(value)
    _fits(len(text) + (text.count("\n") + 1) * width)
    return do_indent(text, width, first, blank)


@pass_environment
def _sum(environment: "Sandbox", values: Iterable[Any], attribute: str | int | None = None, start: float = 0) -> Any:
    if not isinstance(start, int | float):
        raise SecurityError("'sum' is for numbers; to put texts together, write `| join`.")
    return do_sum(environment, values, attribute, start)


def _round(value: Any, precision: int = 0, method: Literal["common", "ceil", "floor"] = "common") -> float:
    if not -LONGEST <= precision <= LONGEST:
        raise SecurityError(f"a number is rounded to {LONGEST} places at most.")
    return do_round(value, precision, method)


def _tojson(value: Any) -> str:
    return _JSON.encode(str(value) if isinstance(value, Undefined) else value)


def _charged(function: Callable[..., Any]) -> Callable[..., Any]:
    """The filter, handed what it asks for, with the text it makes counted."""
    asked = getattr(getattr(function, "jinja_pass_arg", None), "name", "")

    @pass_context
    def counted(context: Context, *args: Any, **named: Any) -> Any:
        if args and isinstance(args[0], Iterator):
            args = (map(partial(_weighed, context), args[0]), *args[1:])
        given = {"context": context, "eval_context": context.eval_ctx, "environment": context.environment}
        charge(context, _weight(*args, *named.values()))
        made = function(given[asked], *args, **named) if asked else function(*args, **named)
        charge(context, len(made) if isinstance(made, str | list) else TURN)
        return made

    return counted


def _weight(*values: Any) -> int:
    """What it costs to go through values once; text goes by faster than items. A list that holds one list twice, which
    holds another twice, is as long as if it were written out: no further is counted than anything may cost."""
    weight, left = 0, list(values)
    while left and weight <= WORK_LIMIT:
        value = left.pop()
        if isinstance(value, str):
            weight += len(value) // 8
        elif isinstance(value, list | tuple | dict):
            weight += ITEM * len(value)
            left += value
            left += value.values() if isinstance(value, dict) else ()
        elif isinstance(value, range):
            weight += len(value)
    return weight


@pass_context
def _weighed(context: Context, value: Any) -> Any:
    charge(context, _weight(value))
    return value


@pass_context
def _turns(context: Context, items: Iterable[Any], cost: int) -> Iterator[Any]:
    for item in items:
        charge(context, cost)
        yield item


class _Counting(NodeTransformer):
    """Rewrites a template so that each turn of a loop, each `~`, each comparison and each slice is counted."""

    def __init__(self, sizes: "Callable[[nodes.Node], int]") -> None:
        self._sizes = sizes

    def visit_For(self, node: nodes.For) -> nodes.For:  # noqa: N802  (the visitor's name for it)
        cost = nodes.Const(TURN + sum(map(self._sizes, node.body)))
        self.generic_visit(node)
        node.iter = nodes.Filter(node.iter, "_turns", [cost], [], None, None, lineno=node.lineno)
        return node

    def visit_Concat(self, node: nodes.Concat) -> nodes.Filter:  # noqa: N802
        self.generic_visit(node)
        parts = nodes.List(node.nodes, lineno=node.lineno)
        return nodes.Filter(parts, "_joined", [], [], None, None, lineno=node.lineno)

    def visit_Compare(self, node: nodes.Compare) -> nodes.Compare:  # noqa: N802
        self.generic_visit(node)
        node.expr = _weighing(node.expr)
        for operand in node.ops:
            operand.expr = _weighing(operand.expr)
        return node

    def visit_Test(self, node: nodes.Test) -> nodes.Test:  # noqa: N802
        self.generic_visit(node)
        if node.name not in ("defined", "undefined"):
            node.node, node.args = _weighing(node.node), [_weighing(one) for one in node.args or ()]
        return node

    def visit_Getitem(self, node: nodes.Getitem) -> nodes.Getitem:  # noqa: N802
        self.generic_visit(node)
        if isinstance(node.arg, nodes.Slice):
            node.node = _weighing(node.node)
        return node

    def visit_Pair(self, node: nodes.Pair) -> nodes.Pair:  # noqa: N802
        self.generic_visit(node)
        node.key = _weighing(node.key)
        return node


def _weighing(node: nodes.Expr) -> nodes.Expr:
    if isinstance(node, nodes.Const):
        return node
    return nodes.Filter(node, "_weighed", [], [], None, None, lineno=node.lineno)


class Sandbox(ImmutableSandboxedEnvironment):
    """The environment of every prompt: strict, without autoescape, closed but for what this file lists."""

    intercepted_binops = frozenset({"+", "-", "*", "**", "%"})

    def __init__(self) -> None:
        super().__init__(
            undefined=StrictUndefined,
            finalize=_output,
            autoescape=False,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
            cache_size=-1,
        )
        self.globals = {"range": self.globals["range"], "namespace": Namespace}
        own = {"join": _join, "replace": _replace, "indent": _indent, "tojson": _tojson, "string": written}
        own |= {"sum": _sum, "round": _round}
        kept = {name: FILTERS[name] for name in KEPT_FILTERS}
        self.filters = {name: _charged(function) for name, function in {**kept, **own, "_joined": _joined}.items()}
        self.filters |= {"_turns": _turns, "_weighed": _weighed}
        self.sizes: dict[str, int] = {}  # of each include, with all that it includes

    def _generate(self, source: nodes.Template, *args: Any, **named: Any) -> str:
        return super()._generate(_Counting(self._size).visit(source), *args, **named)

    def _size(self, node: nodes.Node) -> int:
        """How much text stands in a node as it is, that of its includes with it."""
        if isinstance(node, nodes.TemplateData):
            return len(node.data)
        if isinstance(node, nodes.Include) and isinstance(node.template, nodes.Const):
            return self.sizes[node.template.value]
        return sum(map(self._size, node.iter_child_nodes()))

    def getattr(self, obj: Any, attribute: str) -> Any:
        kind = type(obj)
        if kind is View or kind is dict:
            if attribute in obj:
                return obj[attribute]
            if attribute in OF_MAPS:
                return getattr(obj, attribute)
        elif attribute in METHODS.get(kind, ()) or attribute in getattr(kind, "_fields", ()):
            return getattr(obj, attribute)
        elif isinstance(obj, LoopContext | Namespace | Undefined):
            return super().getattr(obj, attribute)
        return self._absent(obj, attribute)

    def getitem(self, obj: Any, argument: Any) -> Any:
        if not isinstance(argument, str | int):  # to hash or to name it may take for ever
            return self._absent(obj, "that")
        try:
            return obj[argument]
        except (TypeError, LookupError):
            return self.getattr(obj, argument) if isinstance(argument, str) else self._absent(obj, argument)

    def _absent(self, obj: Any, name: Any) -> Undefined:
        """Missing, which `default` mends; or out of bounds, which nothing does."""
        if obj is None:
            said = f"'{name}' is asked of null: an answer that was refused or failed has no values."
            return self.undefined(said, obj=obj, name=str(name))
        if isinstance(obj, View | dict) and not str(name).startswith("_"):
            what = obj.what if isinstance(obj, View) else "this"
            there = f" (there are: {', '.join(map(str, obj))})" if obj else ""
            return self.undefined(f"{what} has no '{name}'{there}.", obj=obj, name=str(name))
        said = f"'{name}' cannot be reached from a prompt."
        return self.undefined(said, obj=obj, name=str(name), exc=SecurityError)

    def call(__self, __context: Context, __obj: Any, *args: Any, **named: Any) -> Any:  # noqa: N805
        given = () if isinstance(__obj, Macro) else (*args, *named.values())
        charge(__context, 3 * TURN + _weight(getattr(__obj, "__self__", None), *given))
        made = super().call(__context, __obj, *args, **named)
        if isinstance(made, str | list):
            charge(__context, len(made))
        return made

    def call_test(self, name: str, value: Any, args: Any = None, kwargs: Any = None, *given: Any) -> Any:
        """`select` and its kin ask a test of each item."""
        charge(given[0], TURN + _weight(value, *(args or ())))
        return super().call_test(name, value, args, kwargs, *given)

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        if isinstance(left, int | float) and isinstance(right, int | float):
            if max(abs(left), abs(right)) > LARGEST or (operator == "**" and abs(right) > 64):
                raise SecurityError("the template calculates with numbers that are too large.")
        elif operator != "+" and not isinstance(left, Undefined) and not isinstance(right, Undefined):
            raise SecurityError(f"'{operator}' is for numbers; it would make a text or a list grow without end.")
        else:
            charge(context, sum(len(side) for side in (left, right) if hasattr(side, "__len__")))
        return super().call_binop(context, operator, left, right)


SANDBOX = Sandbox()


def sandbox_for(includes: dict[str, str], sizes: dict[str, int]) -> Sandbox:
    """The same rules, where `{% include %}` finds these texts."""
    own: Sandbox = SANDBOX.overlay(loader=DictLoader(includes))
    own.sizes = sizes
    return own
