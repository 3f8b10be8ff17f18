"""In a study, `pytest` tests the prompts too: a test for each case and agent, offline, as `prompts test` does.

pytest opens this file at every start, so nothing of buttermilk is imported before a prompt with tests is found.
"""

import asyncio
from collections.abc import Iterable
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> "PromptFile | None":
    study = file_path.parent.parent
    if file_path.suffix != ".md" or file_path.parent.name != "prompts" or not (study / "conf").is_dir():
        return None
    return PromptFile.from_parent(parent, path=file_path)


class PromptFile(pytest.File):
    """A prompt of a study; its cases are asked once, when the first of them is run."""

    _outcomes: dict[tuple[str, str], Any] | None = None

    def collect(self) -> Iterable["PromptCase"]:
        loading = import_module("buttermilk.study.cases")
        tests = loading.load(self.path.parent.parent, self.path.stem)
        for agent in tests.agents if tests else ():
            for case in tests.cases:
                yield PromptCase.from_parent(self, name=f"{case.name}[{agent}]", case=case.name, agent=agent)

    def outcome(self, case: str, agent: str) -> Any:
        if self._outcomes is None:
            asked = import_module("buttermilk.study.cases").try_prompts(self.path.stem, root=self.path.parent.parent)
            (tested,) = asyncio.run(asked)
            self._outcomes = {(one.case, one.agent): one for one in tested.outcomes}
        return self._outcomes[case, agent]

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        return in_words(excinfo) or super().repr_failure(excinfo)


class PromptCase(pytest.Item):
    """One case as one agent answered it."""

    def __init__(self, *, case: str, agent: str, **given: Any) -> None:
        super().__init__(**given)
        self._case, self._agent = case, agent

    def runtest(self) -> None:
        assert isinstance(self.parent, PromptFile)  # noqa: S101  (who made it)
        outcome = self.parent.outcome(self._case, self._agent)
        telling = import_module("buttermilk.study.verdicts")
        if outcome.passed is None:
            pytest.skip(telling.summary(outcome))
        if outcome.passed is False:
            raise CaseFailed("\n".join(f"{mark} {words}" for mark, words in telling.lines(outcome)))

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        return in_words(excinfo) or super().repr_failure(excinfo)

    def reportinfo(self) -> tuple[Path, int | None, str]:
        return self.path, None, f"{self.path.stem}: {self._case} [{self._agent}]"


class CaseFailed(AssertionError):
    """An expectation was not met; the message has a line for each."""


def in_words(excinfo: pytest.ExceptionInfo[BaseException]) -> str:
    """What a scholar is told; "" for what is a bug and needs its traceback."""
    errors = import_module("buttermilk.core.errors")
    return str(excinfo.value) if isinstance(excinfo.value, CaseFailed | errors.ButtermilkError) else ""
