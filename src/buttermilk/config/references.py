"""Secrets are references: `secret://STORE/NAME[#key][@version]`. A literal one is refused, and never printed."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from buttermilk.core.errors import ConfigError

REFERENCE = re.compile(
    r"secret://(?P<store>[a-z][a-z0-9_-]*)/(?P<name>[^\s#@]+)(?:#(?P<key>[^\s#@]+))?(?:@(?P<version>[^\s#@]+))?"
)
HOW = "Write where it is kept: secret://env/NAME, and set NAME in your shell or in the file .env (which git ignores)."

_LITERAL = re.compile(
    r"""
    \b(?: sk-[\w-]{16,} | (?:sk|pk|rk)_(?:live|test)_\w{12,} | gsk_\w{16,} | xai-[\w-]{16,} | hf_\w{16,} | r8_\w{16,}
        | gh[pousr]_\w{16,} | github_pat_\w{16,} | glpat-[\w-]{16,} | xox[a-z]-[\w-]{10,} | nvapi-[\w-]{16,}
        | pplx-\w{16,} | tvly-\w{16,} | A[KS]IA[A-Z0-9]{12,} | AIza[\w-]{16,} | ya29\.[\w-]{10,}
        | eyJ[\w-]{10,}\.[\w-]{10,} )
    | \bBearer\s+(?!secret://)\S{8,}
    | -----BEGIN[ A-Z]*PRIVATE[ ]KEY
    | (?<=://)[^/\s:@]+:[^/\s@]+@
    """,
    re.VERBOSE,
)
_TELLING = re.compile(r"authorization|cookie|api[-_]?key|secret|token|password", re.IGNORECASE)


def hidden(text: str) -> str:
    """The text with whatever looks like a secret blotted out: for every message that quotes what was written."""
    return _LITERAL.sub("…", text)


def literal(text: str) -> bool:
    return _LITERAL.search(text) is not None


def _leaves(value: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], str]]:
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _leaves(item, (*path, str(key)))
    elif isinstance(value, list | tuple):
        for place, item in enumerate(value):
            yield from _leaves(item, (*path, str(place)))
    elif isinstance(value, str):
        yield path, value


def _must_refer(path: tuple[str, ...]) -> bool:
    """`agent.gpt.key`, `agent.gpt.headers.Authorization`, `store.options.password`."""
    if path[:1] == ("agent",) and len(path) > 2:
        return path[2:] == ("key",) or (path[2] == "headers" and _TELLING.search(path[-1]) is not None)
    return path[:2] == ("store", "options") and _TELLING.search(path[-1]) is not None


def misplaced_secrets(config: Mapping[str, Any]) -> Iterator[tuple[tuple[str, ...], ConfigError]]:
    """Each place that holds a secret itself, or a reference nobody can read."""
    for path, text in _leaves(config):
        name = ".".join(part for part in path if not literal(part))
        if text.startswith("secret:"):
            if not REFERENCE.fullmatch(text):
                hint = "It is written secret://STORE/NAME, for example secret://env/OPENAI_API_KEY."
                yield path, ConfigError(f"'{name}' is not a reference that can be read.", hint=hint)
        elif literal(text):
            hint = f"{HOW} If it was ever shared, replace it at its provider."
            yield path, ConfigError(f"'{name}' holds what looks like a secret itself.", hint=hint)
        elif text and _must_refer(path):
            yield path, ConfigError(f"'{name}' must be a reference to a secret.", hint=HOW)
