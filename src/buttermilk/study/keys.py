"""Keys: `secret://STORE/NAME[#json.key][@version]`, opened by the vault of that name when first wanted.

`secret://any/NAME` is looked for in the vaults of the study in turn: a scholar's own, then the project's.
"""

import json
import time
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from threading import Lock
from typing import Any

from buttermilk.config import compose_vaults
from buttermilk.config.references import REFERENCE
from buttermilk.core.contracts import Keys, Secret, Vault
from buttermilk.core.errors import MissingExtra, NoSuchSecret, SecretError
from buttermilk.plugins import find

LASTS_SECONDS = 15 * 60.0
AT_HAND = ("env", "keyring")  # on this machine, and read each time: a key that was mended counts at once
ANY = "any"
UNREADABLE = "\ufffd"  # what bytes that are no UTF-8 become


def keys_of(root: Path, vaults: Mapping[str, str | None] | None = None) -> Keys:
    """The study's keys: `vaults` as it was composed, or else as its files say.

    What one agent has fetched from a cloud, the next of this process need not.
    """
    return _cabinet(root, tuple((compose_vaults(root) if vaults is None else vaults).items())).get


@cache
def _cabinet(root: Path, vaults: tuple[tuple[str, str | None], ...]) -> "Cabinet":
    return Cabinet(root, dict(vaults))


class Cabinet:
    """A study's vaults, and for a quarter of an hour what the distant ones gave. Blocking; any thread."""

    def __init__(
        self, root: Path, places: Mapping[str, str | None], clock: Callable[[], float] = time.monotonic,
        plugs: Callable[[str, str], Any] = find,
    ) -> None:  # fmt: skip
        self._root = root
        self._places = places
        self._clock = clock
        self._plugs = plugs
        self._vaults: dict[str, Vault] = {}
        self._kept: dict[tuple[str, str, str], tuple[Secret, float]] = {}
        self._lock = Lock()

    def get(self, reference: str) -> Secret:
        found = REFERENCE.fullmatch(reference)
        if found is None:
            raise SecretError("a key is written as a reference.", hint="e.g. key: secret://env/OPENAI_API_KEY")
        store, name, key, version = found.groups(default="")
        whole = self._in_turn(name, version) if store == ANY else self._of(store, name, version)
        text = picked(whole.reveal(), key, reference) if key else whole.reveal()
        text = text.strip()  # the line break that came with it is no part of it
        if not text or UNREADABLE in text:
            raise SecretError("it is no text." if text else "it is empty.", where=reference)
        return Secret(text, reference)

    def _of(self, store: str, name: str, version: str) -> Secret:
        with self._lock:  # so that of two who want the same, one asks
            secret, until = self._kept.get((store, name, version), (None, 0.0))
            if secret is not None and self._clock() < until:
                return secret
            if store not in self._vaults:
                place = self._places.get(store)
                self._vaults[store] = self._plugs("vaults", store)(self._root, *([place] if place else []))
            secret = self._vaults[store].get(name, version)
            if store not in AT_HAND:
                self._kept[store, name, version] = (secret, self._clock() + LASTS_SECONDS)
            return secret

    def _in_turn(self, name: str, version: str) -> Secret:
        """From the first vault that has it. One that refuses ends the search: the next may mean another."""
        said = []
        for store in (store for store, place in self._places.items() if place is not None):
            try:
                return self._of(store, name, version)
            except (SecretError, MissingExtra) as error:
                said.append(f"{store}: {error.message} {error.hint}")
                if not isinstance(error, NoSuchSecret | MissingExtra):
                    break
        raise SecretError("it was not found.", where=f"secret://{ANY}/{name}", hint="\n  ".join(said))


def picked(text: str, key: str, where: str) -> str:
    """`picked('{"openai": {"key": "sk-…"}}', "openai.key", …)`. No error shows, or follows one that shows, the text."""
    try:
        found = json.loads(text)
        for part in key.split("."):
            found = found[part]
        wrong = "" if isinstance(found, str) else f"'{key}' of its JSON is no text."
    except ValueError:
        wrong = "it is no JSON, and has no keys."
    except (KeyError, TypeError):
        wrong = f"its JSON has no '{key}'."
    if wrong:
        raise SecretError(wrong, where=where, hint="Keys within keys: #outer.inner   Without '#' it is taken whole.")
    return str(found)
