"""One writer: answers reach the store in groups, each whole or not at all; a job is done when it is stored."""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from buttermilk.core.contracts import Store
from buttermilk.core.errors import StoreError
from buttermilk.core.jobs import Job, Result

Pairs = Sequence[tuple[Job, Result]]
T = TypeVar("T")

LINGER_SECONDS = 0.02  # how long a group waits for company; a group is never older than this and one write
LARGEST = 500


class StoreThread:
    """The store is blocking: it is called in a thread of its own, one call after the other."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="buttermilk-store")

    async def call(self, method: Callable[..., T], *given: Any) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, method, *given)

    async def close(self) -> None:
        self._thread.shutdown()


class Writer(StoreThread):
    """`await writer.keep(pairs)` returns when they are on the disk. A write that fails ends every later one."""

    def __init__(self, store: Store, run_id: str) -> None:
        super().__init__(store)
        self.run_id = run_id
        self.unsaved: list[tuple[Job, Result]] = []  # what a full disk kept out, for the rescue file
        self.failure: StoreError | None = None
        self._pending: list[tuple[Job, Result]] = []
        self._kept = asyncio.Event()  # set when the group that is being gathered is on the disk, or lost
        self._task: asyncio.Task[None] | None = None

    async def keep(self, pairs: Pairs) -> None:
        """Raises StoreError when they could not be stored; they are then in `unsaved`."""
        if self.failure:
            self.unsaved.extend(pairs)
            raise self.failure
        self._pending.extend(pairs)
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._write())
        if not self._task.done():
            await self._kept.wait()
        if self.failure:
            raise self.failure
        if self._task is not None and self._task.done():
            self._task.result()  # a bug of the store: it stops the run, and leaves nobody waiting

    async def _write(self) -> None:
        while self._pending:
            await asyncio.sleep(LINGER_SECONDS if len(self._pending) < LARGEST else 0)
            group, kept = self._pending, self._kept
            self._pending, self._kept = [], asyncio.Event()
            try:
                await self._put(group)
            finally:
                kept.set()
        self._task = None

    async def _put(self, group: Pairs) -> None:
        for start in range(0, len(group), LARGEST):
            try:
                if self.failure is None:
                    await self.call(self.store.put, self.run_id, group[start : start + LARGEST])
            except StoreError as error:
                self.failure = error
            if self.failure:
                self.unsaved.extend(group[start:])
                return

    async def close(self) -> None:
        try:
            if self._task:
                await self._task
        finally:
            await super().close()
