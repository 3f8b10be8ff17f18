"""For the tests of statistics: other people's libraries."""

from collections.abc import Iterator

import pytest
from oracles import Oracle, oracles


@pytest.fixture(scope="session")
def oracle() -> Iterator[Oracle]:
    with oracles() as asked:
        yield asked
