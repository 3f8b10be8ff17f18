"""A study's folder in which a test writes one file and reads it as a dataset would be read."""

from pathlib import Path
from typing import Any

import pytest

from buttermilk.core.contracts import Source
from buttermilk.core.errors import ButtermilkError
from buttermilk.core.records import Columns, DatasetSpec, Record, Reject
from buttermilk.plugins import find


class Desk:
    """`desk.read("verse.csv", "id,text\\n1,a\\n")`: the records and rejects of a file with that content."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def put(self, name: str, content: str | bytes) -> Path:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    def source(self, name: str, columns: dict[str, Any] | None = None, kind: str = "", **options: Any) -> Source:
        kind = kind or name.rpartition(".")[2]
        spec = DatasetSpec(name="verse", type=kind, path=name, columns=Columns(**(columns or {})), options=options)
        made: Source = find("sources", kind)(spec, self.root)
        return made

    def read(
        self, name: str, content: str | bytes | None = None, columns: dict[str, Any] | None = None, **options: Any
    ) -> tuple[list[Record], list[Reject]]:
        if content is not None:
            self.put(name, content)
        items = list(self.source(name, columns, **options).records())
        return [i for i in items if isinstance(i, Record)], [i for i in items if isinstance(i, Reject)]

    def records(self, *args: Any, **options: Any) -> list[Record]:
        records, rejects = self.read(*args, **options)
        assert not rejects
        return records

    def screen(self, *args: Any, **options: Any) -> str:
        """What a scholar is shown where nothing can be read."""
        with pytest.raises(ButtermilkError) as caught:
            self.read(*args, **options)
        return str(caught.value)


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)
