"""How one gets in where no key is written: as the person or the machine that runs, by the cloud's own credentials.

vertex, google   Google application default credentials
azure, foundry   Microsoft Entra
bedrock          AWS credentials, each request signed (Signature Version 4)

Each cloud is a file of its own, which is opened with its library when an agent first wants that door.
"""

import asyncio
import time
from collections.abc import Callable, Mapping
from typing import Generic, Protocol, TypeVar

from buttermilk.core.errors import ProviderError, SecretError
from buttermilk.core.flows import Agent
from buttermilk.plugins import opened

CLOUDS = {"vertex": "google", "google": "google", "azure": "azure", "foundry": "azure", "bedrock": "aws"}
# Google's metadata server and Microsoft's libraries hand out the old token until four and five minutes before it ends:
# who asks earlier would ask at each call, and get the same.
EARLY_SECONDS = 225.0
Thing = TypeVar("Thing")


class Door(Protocol):
    """Headers for one request. Raises SecretError where nobody is logged in, or may not come in."""

    async def headers(self, url: str, body: bytes) -> Mapping[str, str]: ...


def door_of(agent: Agent) -> Door | None:
    """None where the address asks for nobody's name. Raises MissingExtra where the cloud's library is not installed."""
    cloud = CLOUDS.get(agent.door)
    if cloud is None:
        return None
    door: Door = opened(f"buttermilk.doors.{cloud}", f"door '{agent.door}'").door(agent)
    return door


class Renewed(Generic[Thing]):
    """What a cloud lends for a while. It is fetched in a thread, and once however many calls wait for it.

    `fetch` returns it with the time at which it ends, in seconds since 1970. Where it cannot be renewed, the old one
    serves to its end.
    """

    def __init__(self, fetch: Callable[[], tuple[Thing, float]], clock: Callable[[], float] = time.time) -> None:
        self._fetch = fetch
        self._clock = clock
        self._held: tuple[Thing, float] | None = None
        self._fetching: asyncio.Task[Thing] | None = None

    async def get(self) -> Thing:
        if self._held and self._clock() < self._held[1] - EARLY_SECONDS:
            return self._held[0]
        if self._fetching is None or self._fetching.done():
            self._fetching = asyncio.create_task(self._renew())
            # Where all who wait are cancelled, nobody hears of a failure, and asyncio would say so on the screen.
            self._fetching.add_done_callback(lambda task: task.cancelled() or task.exception())
        return await asyncio.shield(self._fetching)  # who stops waiting must not stop the others

    async def _renew(self) -> Thing:
        try:
            self._held = await asyncio.to_thread(self._fetch)
        except (SecretError, ProviderError):
            if self._held is None or self._clock() >= self._held[1]:
                raise
        return self._held[0]
