"""Secrets in the keyring of the system, by the library that knows them all."""

from collections.abc import Iterator
from pathlib import Path

import keyring
import pytest
from keyring.backends.fail import Keyring as NoKeyring

from buttermilk.core.errors import NoSuchSecret
from buttermilk.vaults.keyring import KeyringVault
from clouds import Memory


@pytest.fixture
def memory() -> Iterator[Memory]:
    before, memory = keyring.get_keyring(), Memory()
    keyring.set_keyring(memory)
    yield memory
    keyring.set_keyring(before)


def test_what_the_keyring_command_put_in_comes_out(memory: Memory) -> None:
    keyring.set_password("buttermilk", "OPENAI", "sk-1")
    assert KeyringVault(Path()).get("OPENAI").reveal() == "sk-1"


def test_another_service_is_named_by_the_study_or_in_the_reference(memory: Memory) -> None:
    memory.set_password("orchard", "OPENAI", "sk-2")
    assert KeyringVault(Path(), "orchard").get("OPENAI").reveal() == "sk-2"
    assert KeyringVault(Path()).get("orchard/OPENAI").reveal() == "sk-2"


def test_what_is_missing_is_named_with_the_command_that_puts_it_in(memory: Memory) -> None:
    with pytest.raises(NoSuchSecret, match="keyring set orchard OPENAI"):
        KeyringVault(Path(), "orchard").get("OPENAI")


def test_a_keyring_that_stays_locked_says_so(memory: Memory) -> None:
    memory.locked = True
    with pytest.raises(NoSuchSecret, match=r"no keyring that opens \(KeyringLocked\)") as caught:
        KeyringVault(Path()).get("OPENAI")
    assert "secret://env/OPENAI" in caught.value.hint


def test_a_machine_without_a_keyring_says_so() -> None:
    with pytest.raises(NoSuchSecret, match=r"no keyring that opens \(NoKeyringError\)"):
        KeyringVault(Path(), backend=NoKeyring()).get("OPENAI")
