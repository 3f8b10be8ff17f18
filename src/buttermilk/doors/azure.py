"""Into Azure OpenAI and Foundry by Microsoft Entra: `az login`, a managed identity, a service principal.

The scopes are those of the vendors' own clients: `openai` (its example for Azure) and `anthropic` (its Foundry client).
https://learn.microsoft.com/azure/developer/python/sdk/authentication/credential-chains (read 2026-11)
"""

import logging
import re
import time
from collections.abc import Callable, Mapping

from azure.core.credentials import TokenCredential
from azure.core.exceptions import AzureError, ClientAuthenticationError
from azure.identity import DefaultAzureCredential

from buttermilk.core.errors import SecretError, Unavailable
from buttermilk.core.flows import Agent
from buttermilk.doors.door import Renewed

SCOPES = {"azure": "https://cognitiveservices.azure.com/.default", "foundry": "https://ai.azure.com/.default"}
HINT = "Type: az login   or set AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET of a service principal."
logging.getLogger("azure.identity").addHandler(logging.NullHandler())  # it tells the screen what its error says


class AzureDoor:
    """Bearer tokens of Entra."""

    def __init__(
        self,
        agent: Agent,
        credential: Callable[[], TokenCredential] = DefaultAzureCredential,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._where = f"agent '{agent.name}', door '{agent.door}'"
        self._scope = SCOPES[agent.door]
        self._find = credential
        self._credential: TokenCredential | None = None
        self._headers = Renewed(self._fetch, clock)

    async def headers(self, url: str, body: bytes) -> Mapping[str, str]:
        return await self._headers.get()

    def _fetch(self) -> tuple[Mapping[str, str], float]:
        self._credential = self._credential or self._find()
        try:
            token = self._credential.get_token(self._scope)
        except ClientAuthenticationError as error:
            # Its message lists all that was tried; Entra's own reason begins with this word.
            reason = re.search(r"AADSTS\d+: [^\n]{0,300}", error.message)
            said = reason[0] if reason else "nobody is logged in to Azure here, or it cannot be reached."
            raise SecretError(f"Microsoft Entra gives no token: {said}", where=self._where, hint=HINT) from error
        except AzureError as error:
            said = f"Microsoft Entra cannot be reached ({type(error).__name__})."
            raise Unavailable(said, kind="unreachable") from error
        return {"Authorization": f"Bearer {token.token}"}, float(token.expires_on)


door = AzureDoor
