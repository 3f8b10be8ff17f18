"""How one gets in where no key is written: as the person or the machine that runs, by the cloud's own credentials.

vertex   Google application default credentials
azure, foundry   Microsoft Entra
bedrock  AWS credentials, each request signed (Signature Version 4)
"""

from collections.abc import Mapping
from typing import Protocol

from buttermilk.core.flows import Agent


class Door(Protocol):
    """Headers for one request. Raises SecretError where nobody is logged in, or may not come in."""

    async def headers(self, url: str, body: bytes) -> Mapping[str, str]: ...


def door_of(agent: Agent) -> Door | None:
    """None where the address asks for nobody's name."""
    return None
