"""Answers on their way to the store: in groups, in order, none lost and none said to be stored that is not."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from buttermilk.core.errors import StoreError
from buttermilk.engine.writer import LARGEST, Writer

pytestmark = pytest.mark.anyio


class Shelf:
    """A store that takes so many groups, and remembers them."""

    def __init__(self, takes: int = 1000, error: Exception | None = None) -> None:
        self.takes, self.error = takes, error or StoreError("the disk is full.")
        self.groups: list[list[Any]] = []

    def put(self, run_id: str, pairs: Sequence[Any]) -> None:
        if len(self.groups) >= self.takes:
            raise self.error
        self.groups.append(list(pairs))

    @property
    def stored(self) -> list[Any]:
        return [one for group in self.groups for one in group]


def writer(shelf: Shelf) -> Writer:
    return Writer(shelf, "run-1")  # type: ignore[arg-type]


async def keep(one: Writer, *pairs: Any) -> None:
    await one.keep(list(pairs))


async def test_what_comes_together_is_written_together_and_in_its_order() -> None:
    shelf = Shelf()
    one = writer(shelf)
    await asyncio.gather(*(keep(one, number) for number in range(50)))
    assert shelf.groups == [list(range(50))]
    await keep(one, 50)
    await one.close()
    assert shelf.stored == list(range(51))


async def test_a_job_is_done_only_when_it_is_stored() -> None:
    shelf = Shelf()
    one = writer(shelf)
    waiting = asyncio.create_task(keep(one, 1))
    await asyncio.sleep(0)
    assert not waiting.done()
    await waiting
    assert shelf.stored == [1]
    await one.close()


async def test_a_large_group_is_written_in_pieces() -> None:
    shelf = Shelf()
    one = writer(shelf)
    await asyncio.gather(*(keep(one, number) for number in range(2 * LARGEST + 1)))
    await one.close()
    assert [len(group) for group in shelf.groups] == [LARGEST, LARGEST, 1]


async def test_what_a_full_disk_kept_out_is_at_hand_and_nothing_else() -> None:
    shelf = Shelf(takes=1)
    one = writer(shelf)
    ended = await asyncio.gather(*(keep(one, number) for number in range(LARGEST + 5)), return_exceptions=True)
    assert [type(error) for error in ended] == [type(None)] * LARGEST + [StoreError] * 5
    assert shelf.stored == list(range(LARGEST))
    assert one.unsaved == list(range(LARGEST, LARGEST + 5))
    with pytest.raises(StoreError, match="full"):
        await keep(one, "later")
    assert one.unsaved[-1] == "later"
    await one.close()


async def test_what_came_while_a_write_failed_is_not_lost_either() -> None:
    shelf = Shelf(takes=0)
    one = writer(shelf)
    first = asyncio.create_task(keep(one, "first"))
    await asyncio.sleep(0.02)
    second = asyncio.create_task(keep(one, "second"))
    await asyncio.gather(first, second, return_exceptions=True)
    assert one.unsaved == ["first", "second"]
    await one.close()


async def test_a_bug_of_a_store_reaches_everyone_who_waits() -> None:
    one = writer(Shelf(takes=0, error=ZeroDivisionError()))
    ended = await asyncio.wait_for(asyncio.gather(keep(one, 1), keep(one, 2), return_exceptions=True), 5)
    assert {type(error) for error in ended} == {ZeroDivisionError}
    with pytest.raises(ZeroDivisionError):
        await asyncio.wait_for(keep(one, 3), 5)
    with pytest.raises(ZeroDivisionError):
        await one.close()
