"""Secrets of one scholar in the system's keyring: Keychain, Windows Credential Locker, Secret Service, KWallet."""

from pathlib import Path

import keyring
from keyring.backend import KeyringBackend
from keyring.errors import KeyringError

from buttermilk.core.contracts import Secret
from buttermilk.core.errors import NoSuchSecret


class KeyringVault:
    """`secret://keyring/NAME`, under the service `buttermilk`; `secret://keyring/SERVICE/NAME` under another."""

    def __init__(self, root: Path, place: str = "buttermilk", backend: KeyringBackend | None = None) -> None:
        self._service = place
        self._backend = backend or keyring.get_keyring()

    def get(self, name: str, version: str = "") -> Secret:
        reference = f"secret://keyring/{name}"
        if version:
            raise NoSuchSecret("a keyring keeps no versions.", where=f"{reference}@{version}")
        service, _, user = name.rpartition("/")
        service = service or self._service
        try:
            text = self._backend.get_password(service, user)
        except KeyringError as error:
            raise NoSuchSecret(
                f"this machine has no keyring that opens ({type(error).__name__}).",
                where=reference,
                hint=f"Unlock it, or keep the secret elsewhere: secret://env/{user}",
            ) from error
        if text is None:
            hint = f"Type: keyring set {service} {user}"
            raise NoSuchSecret(f"the keyring has no '{user}' of the service '{service}'.", where=reference, hint=hint)
        return Secret(text, reference)
