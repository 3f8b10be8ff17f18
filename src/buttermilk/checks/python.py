"""A function of your own: `python: my_checks.verse:scans`, installed or on the PYTHONPATH.

It is called in a thread with the answer's text; if its first parameter is called `said`, with job and result
(`core.cases.Said`). It returns true or false, or a score from 0 to 1 that a `threshold` is held to.
"""

import asyncio
from typing import Any, ClassVar

from buttermilk.checks.arguments import text_in
from buttermilk.checks.each import EachAnswer
from buttermilk.core.cases import Finding, Said, in_text, nothing, shown
from buttermilk.core.contracts import Judges
from buttermilk.core.values import Json
from buttermilk.plugins import function, takes


class PythonCheck(EachAnswer):
    graded: ClassVar[bool] = True

    def _reads(self, argument: Json) -> str:
        self._name = text_in(self._expected, argument, "python: my_checks.verse:scans")
        self._function = function(self._name, "python", self._expected.place)
        self._takes_said = takes(self._function, "said")
        return f"passes {self._name}"

    async def _judged(self, value: Json, said: Said, judges: Judges) -> Finding:
        given = said if self._takes_said else in_text(value)
        score: Any = (await asyncio.gather(asyncio.to_thread(self._function, given), return_exceptions=True))[0]
        if isinstance(score, BaseException):
            if not isinstance(score, Exception):
                raise score
            return nothing(f"{self._name} raised {type(score).__name__}: {score!s:.200}")
        if not isinstance(score, bool | int | float) or not 0 <= score <= 1:
            return nothing(f"{self._name} returned {score!r:.80}, and no truth or score from 0 to 1")
        return self._graded(float(score), shown(value) if isinstance(score, bool) else f"{score:.2f} of {shown(value)}")
