"""What models on this machine share. `tiny` is asked for where PyTorch must be there."""

import asyncio
from typing import Any

import pytest

from buttermilk.core.errors import Permanent, Unavailable

pytestmark = pytest.mark.anyio


def batches(most: int, holds: int) -> tuple[Any, list[int]]:
    """Of a model that reads `holds` texts at once and says how long each is, and how many it was given each time."""
    import torch

    from buttermilk.tools.local import Batches

    given: list[int] = []

    def lengths(texts: list[str]) -> list[int]:
        given.append(len(texts))
        if len(texts) > holds:
            torch.empty(1 << 60)  # more than any machine has: the library's own error
        if "" in texts:
            raise IndexError("index out of range in self")
        return [len(text) for text in texts]

    return Batches(lengths, most), given


async def asked(reader: Any, texts: list[str]) -> list[int]:
    return await asyncio.gather(*(reader.one(text) for text in texts))


async def test_what_asks_at_the_same_time_is_read_together_and_each_gets_its_own(tiny: Any) -> None:
    reader, given = batches(most=4, holds=4)
    assert await asked(reader, ["a" * length for length in range(1, 11)]) == list(range(1, 11))
    assert given == [4, 4, 2]


async def test_more_than_the_memory_holds_is_read_in_halves_from_then_on(tiny: Any) -> None:
    reader, given = batches(most=16, holds=5)
    assert await asked(reader, ["a" * length for length in range(1, 19)]) == list(range(1, 19))
    assert given == [16, 8, 4, 4, 4, 4, 2]
    assert await asked(reader, ["a"] * 5) == [1] * 5
    assert given[7:] == [4, 1]


async def test_a_text_that_no_memory_holds_may_be_asked_again_and_one_that_breaks_the_model_may_not(tiny: Any) -> None:
    with pytest.raises(Unavailable, match="no memory left, even for one text"):
        await asked(batches(most=4, holds=0)[0], ["a", "b"])
    with pytest.raises(Permanent, match="cannot read it: index out of range"):
        await asked(batches(most=4, holds=4)[0], [""])
