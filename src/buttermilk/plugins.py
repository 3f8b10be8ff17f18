"""`find(kind, name)`: the only way to reach a plug, ours or a stranger's."""

import inspect
from collections.abc import Callable
from functools import cache
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from buttermilk.core.errors import ConfigError, MissingExtra, did_you_mean

# Which extra brings the library that a plug of ours needs and core does not.
EXTRAS = {name: name for name in ("textblob", "transformers", "keyring", "google", "azure")}
EXTRAS |= {"vaderSentiment": "vader", "openpyxl": "xlsx", "pyarrow": "parquet", "genai_prices": "prices"}
EXTRAS |= {"PIL": "media", "pypdfium2": "media", "torch": "transformers", "botocore": "aws"}


@cache
def _registered(kind: str) -> dict[str, EntryPoint]:
    return {point.name: point for point in entry_points(group=f"buttermilk.{kind}")}


def names(kind: str) -> list[str]:
    """What is installed: `names("sources")` -> `["csv", "folder", ...]`."""
    return sorted(_registered(kind))


def find(kind: str, name: str) -> Any:
    """The plug's class. `kind` is a folder of the house: models, tools, sources, stores, vaults, exports, sheets,
    checks.

    Raises ConfigError for a name nobody registered, MissingExtra where the plug's library is not installed.
    """
    point = _registered(kind).get(name)
    if point is None:
        raise ConfigError(f"there is no '{name}' among the {kind}.", hint=did_you_mean(name, names(kind)))
    return getattr(opened(point.module, f"{kind[:-1]} '{name}'"), point.attr)


def opened(module: str, what: str) -> Any:
    """A module whose library may be absent. Raises MissingExtra where it is, saying `what` needs it."""
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        library = (error.name or "").partition(".")[0]
        if library in EXTRAS:
            raise MissingExtra(what, EXTRAS[library]) from error
        raise


def function(name: str, key: str, where: str) -> Callable[..., Any]:
    """A scholar's own function: `function("my_measures.verse:rhyme", "parameters.function", "agent 'rhyme'")`.

    Raises ConfigError where `key` names none that can be found.
    """
    module, _, attribute = name.partition(":")
    if not module or not attribute.isidentifier():
        hint = f"Like this: {key.rpartition('.')[2]}: package.module:name"
        raise ConfigError(f"`{key}` names no function.", where=where, hint=hint)
    try:
        found = import_module(module)
    except ImportError as error:
        hint = "Install it, or say where it lies: PYTHONPATH=. buttermilk …"
        raise ConfigError(f"'{module}' cannot be opened: {error}.", where=where, hint=hint) from error
    named = getattr(found, attribute, None)
    if not callable(named):
        own = [one for one, item in vars(found).items() if inspect.isfunction(item) and not one.startswith("_")]
        message = f"'{module}' has no function '{attribute}'."
        raise ConfigError(message, where=where, hint=did_you_mean(attribute, own))
    return named  # type: ignore[no-any-return]


def takes(named: Callable[..., Any], parameter: str) -> bool:
    """Whether a function's first parameter is called so; of some functions in C nobody knows what they take."""
    try:
        return next(iter(inspect.signature(named).parameters), "") == parameter
    except ValueError:
        return False
