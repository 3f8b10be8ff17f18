"""Other people's libraries, asked about the same inputs. They live in .venv-oracles: GPL and heavy, never in `src`.

A test takes the fixture `oracle`: `oracle("cohen", [{"first": …, "second": …}])` gives an answer for each input. What
can be asked stands in asked_of_oracles.py.
"""

import json
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

ROOT = Path(__file__).parents[2]
PYTHON = ROOT / ".venv-oracles" / "bin" / "python"


class Oracle(Protocol):
    def __call__(self, name: str, inputs: Sequence[dict[str, Any]]) -> list[Any]: ...


@contextmanager
def oracles() -> Iterator[Oracle]:
    """One process, started with the first question."""
    assert PYTHON.exists(), "this test asks other libraries: type `make test`, which sets them up in .venv-oracles"
    command = [str(PYTHON), "-I", str(Path(__file__).with_name("asked_of_oracles.py"))]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin, process.stdout

        def oracle(name: str, inputs: Sequence[dict[str, Any]]) -> list[Any]:
            process.stdin.write(json.dumps([name, list(inputs)]) + "\n")
            process.stdin.flush()
            line = process.stdout.readline()
            assert line, f"the oracle fell silent when asked about '{name}': what it wrote on standard error says why"
            found: list[Any] = json.loads(line)
            return found

        yield oracle
        process.stdin.close()
