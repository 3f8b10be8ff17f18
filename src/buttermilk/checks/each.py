"""What most checks share: each repeat is looked at alone, and a share of them must pass."""

import asyncio
from typing import ClassVar

from buttermilk.checks.arguments import without
from buttermilk.core.cases import (
    Expectation,
    Finding,
    Said,
    Trial,
    Verdict,
    content,
    no_answer,
    nothing,
    shown,
    together,
)
from buttermilk.core.contracts import Judges
from buttermilk.core.jobs import Result
from buttermilk.core.values import Json


class EachAnswer:
    """A check of content: `_reads` takes the argument and says what is wanted, `_look` looks at one answer."""

    nulls: ClassVar[bool] = False  # whether it has something to say of null, which is no text of four letters
    graded: ClassVar[bool] = False  # whether it gives a score between 0 and 1, so that a threshold has a meaning

    def __init__(self, argument: Json, expectation: Expectation) -> None:
        self._expected = expectation
        if not self.graded:
            without(expectation, "threshold")
        subject = f"'{expectation.question}'" if expectation.question else "the reply"
        self._wanted = f"{subject} {self._reads(argument)}"

    async def judge(self, trial: Trial, judges: Judges) -> Verdict:
        each = await asyncio.gather(*(self._finding(said, judges) for said in trial.answers))
        return together(self._wanted, each, self._expected.share)

    async def _finding(self, said: Said, judges: Judges) -> Finding:
        value = content(said, self._expected.question)
        if value is None and not self.nulls:
            return nothing("null: the question does not apply")
        return value if isinstance(value, Finding) else await self._judged(value, said, judges)

    async def _judged(self, value: Json, said: Said, judges: Judges) -> Finding:
        """Of checks that need more than the answer itself."""
        return self._look(value)

    def _reads(self, argument: Json) -> str:
        raise NotImplementedError

    def _look(self, value: Json) -> Finding:
        raise NotImplementedError

    def _graded(self, score: float, came: str, default: float = 1) -> Finding:
        """Passes from the threshold on."""
        needed = default if self._expected.threshold is None else self._expected.threshold
        return Finding(score >= needed - 1e-9, score, came)

    def _needs_threshold(self, like: str) -> None:
        if self._expected.threshold is None:
            raise self._expected.wrong("it needs a `threshold`: how near is near enough.", f"Like this: {like}")


class EachReply(EachAnswer):
    """A check of the reply as an event, refused or unreadable as it may be. Of a call that failed there is none."""

    def __init__(self, argument: Json, expectation: Expectation) -> None:
        without(expectation, "question")
        super().__init__(argument, expectation)

    async def _finding(self, said: Said, judges: Judges) -> Finding:
        missing = no_answer(said) if said.result.status == "failed" else None
        return missing or self._event(said.result)

    def _event(self, result: Result) -> Finding:
        raise NotImplementedError


def excerpt(text: str, start: int) -> str:
    """What stands around a place: `“… the paper called them vermin, and …”`"""
    begin = max(0, start - 30)
    return shown(("… " if begin else "") + text[begin:])
