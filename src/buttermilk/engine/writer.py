"""One writer: answers reach the store in groups, each whole or not at all; a job is done when it is stored."""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, TypeVar

from buttermilk.core.contracts import Store
from buttermilk.core.errors import StoreError
from buttermilk.core.jobs import Job, Result

Pairs = Sequence[tuple[Job, Result]]
T = TypeVar("T")

LINGER_SECONDS = 0.02  # how long a group waits for company, and again while …
COMPANY = 10  # … so many came meanwhile: a large group costs the store a third less an answer
PATIENCE = 4  # lingers at most
LARGEST = 256  # and a group this large waits no longer; a larger one would keep its jobs' places too long


class StoreThread:
    """The store is blocking: it is called in a thread of its own, one call after the other."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="buttermilk-store")

    async def call(self, method: Callable[..., T], *given: Any) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, method, *given)

    async def close(self) -> None:
        self._thread.shutdown()


@dataclass
class Group:
    """Answers that reach the disk together, or not at all. `ended` is set when that is known."""

    pairs: list[tuple[Job, Result]] = field(default_factory=list)
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    lost: bool = False


class Writer(StoreThread):
    """`await writer.keep(pairs)` returns when they are on the disk. A write that fails ends every later one."""

    def __init__(self, store: Store, run_id: str) -> None:
        super().__init__(store)
        self.run_id = run_id
        self.unsaved: list[tuple[Job, Result]] = []  # what a full disk kept out, for the rescue file
        self.failure: StoreError | None = None
        self._groups: deque[Group] = deque()
        self._task: asyncio.Task[None] | None = None

    async def keep(self, pairs: Pairs) -> None:
        """Raises StoreError when they could not be stored; they are then in `unsaved`."""
        if self.failure:
            self.unsaved.extend(pairs)
            raise self.failure
        if not self._groups or len(self._groups[-1].pairs) >= LARGEST:
            self._groups.append(Group())
        group = self._groups[-1]
        group.pairs.extend(pairs)
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._write())
        if not self._task.done():
            await group.ended.wait()
        if group.lost and self.failure:
            raise self.failure
        if self._task is not None and self._task.done():
            self._task.result()  # a bug of the store: it stops the run, and leaves nobody waiting

    async def _write(self) -> None:
        try:
            while self._groups:
                await self._gather()
                group = self._groups.popleft()
                try:
                    await self._put(group)
                finally:
                    group.ended.set()
        finally:
            for group in self._groups:
                group.ended.set()
        self._task = None

    async def _gather(self) -> None:
        """Wait while company keeps coming. At a few answers a second there is none, and nobody waits for it."""
        for _ in range(PATIENCE):
            before = len(self._groups[0].pairs)
            if before >= LARGEST:
                return
            await asyncio.sleep(LINGER_SECONDS)
            if len(self._groups[0].pairs) < before + COMPANY:
                return

    async def _put(self, group: Group) -> None:
        try:
            if self.failure is None:
                await self.call(self.store.put, self.run_id, group.pairs)
        except StoreError as error:
            self.failure = error
        if self.failure:
            group.lost = True
            self.unsaved.extend(group.pairs)

    async def close(self) -> None:
        try:
            if self._task:
                await self._task
        finally:
            await super().close()
