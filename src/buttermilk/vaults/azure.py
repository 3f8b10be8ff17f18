"""Secrets of a project in Azure Key Vault, read as whoever is logged in to Microsoft Entra.

https://learn.microsoft.com/rest/api/keyvault/secrets/get-secret/get-secret (read 2026-11)
"""

import logging
import re
from collections.abc import Callable
from pathlib import Path

from azure.core.exceptions import AzureError, ClientAuthenticationError, HttpResponseError, ResourceNotFoundError
from azure.identity import DefaultAzureCredential
from azure.keyvault.secrets import SecretClient

from buttermilk.core.contracts import Secret
from buttermilk.core.errors import NoSuchSecret, SecretError

ACTION, ROLE = "Microsoft.KeyVault/vaults/secrets/getSecret/action", "Key Vault Secrets User"
logging.getLogger("azure.identity").addHandler(logging.NullHandler())  # it tells the screen what its error says


def _client(url: str) -> SecretClient:
    return SecretClient(url, DefaultAzureCredential())


class AzureVault:
    """`secret://azure/NAME` of the study's vault; of another `secret://azure/VAULT/NAME`."""

    def __init__(self, root: Path, place: str = "", client: Callable[[str], SecretClient] = _client) -> None:
        self._vault = place
        self._client = client

    def get(self, name: str, version: str = "") -> Secret:
        reference = f"secret://azure/{name}{f'@{version}' if version else ''}"
        vault, _, item = name.rpartition("/")
        vault = vault or self._vault
        if not vault:
            hint = "Write secret://azure/VAULT/NAME, or in conf/config.yaml: `vaults: {azure: VAULT}`."
            raise SecretError("nothing says in which vault it is.", where=reference, hint=hint)
        try:
            with self._client(vault if "://" in vault else f"https://{vault}.vault.azure.net") as client:
                return Secret(client.get_secret(item, version or None).value or "", reference)
        except AzureError as error:
            raise _said(error, vault, item, reference) from error


def _said(error: AzureError, vault: str, item: str, reference: str) -> SecretError:
    if isinstance(error, ResourceNotFoundError):
        hint = f"Type: az keyvault secret set --vault-name {vault} --name {item} --file FILE"
        return NoSuchSecret(f"the vault '{vault}' has no '{item}', or no such version.", where=reference, hint=hint)
    if isinstance(error, ClientAuthenticationError):
        return SecretError("nobody is logged in to Azure here.", where=reference, hint="Type: az login")
    if isinstance(error, HttpResponseError) and error.status_code == 403:
        caller = re.search(r"Caller: ([^\r\n]{1,300})", error.message)  # appid=…;oid=…: who Entra says this is
        who = caller[1] if caller else "whoever is logged in"
        first = error.message.partition("\n")[0].strip()[:300]
        return SecretError(
            f"{who} may not read it: {ACTION} is missing. Azure says: {first}",
            where=reference,
            hint=f"Whoever keeps the vault gives them the role '{ROLE}', or lets this network in.",
        )
    said = f"the vault '{vault}' does not give it ({type(error).__name__}: {error.message[:200]})."
    return SecretError(said, where=reference, hint="Is its name right? Try again later.")
