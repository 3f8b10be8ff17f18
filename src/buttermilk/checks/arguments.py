"""What stands behind a check's name in YAML, read strictly: what cannot be used is said before anything is asked."""

from collections.abc import Collection, Mapping

from buttermilk.core.cases import Expectation, in_text
from buttermilk.core.errors import did_you_mean
from buttermilk.core.values import Json, is_number


def number_in(expected: Expectation, value: Json, like: str) -> float:
    if not is_number(value):
        raise expected.wrong(f"it needs a number, and not {in_text(value):.80}.", f"Like this: {like}")
    return value


def text_in(expected: Expectation, value: Json, like: str) -> str:
    """A number is taken as it is written; a bare `yes` or `no` is refused, for YAML reads true and false in it."""
    if isinstance(value, bool):
        raise expected.wrong(f"YAML reads it as {in_text(value)}.", 'Put a yes or no in quotes: "no"')
    if value in (None, "") or not isinstance(value, str | int | float):
        raise expected.wrong("it needs a text.", f"Like this: {like}")
    return in_text(value)


def texts_in(expected: Expectation, value: Json, like: str) -> tuple[str, ...]:
    """One text or a list of them."""
    given = value if isinstance(value, list) else [value]
    if not given:
        raise expected.wrong("its list is empty.", f"Like this: {like}")
    return tuple(text_in(expected, item, like) for item in given)


def options_in(expected: Expectation, value: Json, allowed: Collection[str], needed: str, like: str) -> dict[str, Json]:
    """A map that has what is `needed`, and nothing that is not `allowed`; a text alone is what is needed."""
    value = {needed: value} if isinstance(value, str) else value
    if not isinstance(value, Mapping) or needed not in value:
        raise expected.wrong(f"it needs `{needed}`.", f"Like this: {like}")
    for name in value:
        if name not in allowed:
            beside = " It stands beside the check." if name == "threshold" else ""
            raise expected.wrong(f"there is no `{name}` within it.{beside}", did_you_mean(name, allowed))
    return dict(value)


def without(expected: Expectation, *siblings: str) -> None:
    """Raises where something stands beside the check that would do nothing."""
    for name in siblings:
        if getattr(expected, name) != Expectation.model_fields[name].default:
            raise expected.wrong(f"`{name}` says nothing to this check.", "Delete it.")
