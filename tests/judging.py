"""Small true values for the tests of checks: what a case was answered, and a judge whose verdict can be foretold."""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import yaml

from asking import CODEBOOK, job
from buttermilk.core.cases import Expectation, Said, Trial, Verdict, expectation_of, negated
from buttermilk.core.contracts import Check
from buttermilk.core.flows import Agent
from buttermilk.core.jobs import Job, Result
from buttermilk.core.records import Part, Record
from buttermilk.plugins import find, names

NEWS = "The minister called them “vermin”, the paper reported on 3 May 1912, and was met with jeers."
READER = Agent(name="reader", type="simulated", role="model")
AT = datetime(2026, 11, 22, 9, tzinfo=UTC)


def record(*texts: str) -> Record:
    return Record(record_id="n1", parts=tuple(Part(text=text) for text in texts))


def said(text: str | None = None, *, about: Record | None = None, repeat: int = 1, **more: Any) -> Said:
    """An answer: `said("It quotes him.")`, `said(answers={"harmful": "no"})`, `said(status="refused")`."""
    asked = job(READER, about or record(NEWS), codebook=CODEBOOK, repeat=repeat)
    answers = more.pop("answers", None)
    status = more.pop("status", "answered")
    given = {
        "job_id": asked.job_id,
        "attempt": 1,
        "run_id": "r1",
        "status": status,
        "answers": ({} if answers is None else answers) if status == "answered" else None,
        "text": json.dumps(answers) if text is None and answers is not None else text or "",
        "finish": "" if status == "failed" else "stop",
        "started_at": AT,
        "ended_at": AT + timedelta(seconds=2),
        **more,
    }
    return Said(asked, Result.model_validate(given))


REFUSED = said(status="refused", refusal="I cannot help with that.", finish="refusal")
UNPARSED = said("I would rather say: harmful, but", status="unparsed", finish="length")
FAILED = said(status="failed", error_kind="timed_out", error="no reply in 120 seconds")


def trial(*answers: Said | str, others: Mapping[str, Sequence[Said]] | None = None) -> Trial:
    given = tuple(said(one) if isinstance(one, str) else one for one in answers)
    return Trial("this_case", READER.name, given, {name: tuple(all_) for name, all_ in (others or {}).items()})


def labels(*values: Any, question: str = "harmful") -> tuple[Said, ...]:
    """One repeat per label; None for one that failed."""
    return tuple(FAILED if value is None else said(answers={question: value}) for value in values)


class Judge:
    """Passes an answer that says why; counts letters where texts are compared."""

    def __init__(self, result: Result | None = None, error: Exception | None = None) -> None:
        self.asked: list[tuple[str, Job]] = []
        self._result, self._error = result, error

    async def ask(self, agent: str, job: Job) -> Result:
        self.asked.append((agent, job))
        if self._error:
            raise self._error
        good = "because" in job.record.parts[-1].text
        answers = {"reason": "it gives its reason" if good else "no reason", "verdict": "pass" if good else "fail"}
        result = self._result or said(answers={**answers, "score": 0.9 if good else 0.2}).result
        return result.model_copy(update={"job_id": job.job_id})

    async def embed(self, texts: Sequence[str]) -> list[list[float]]:
        if self._error:
            raise self._error
        return [[float(text.casefold().count(letter)) for letter in "abcdefghijklmnopqrstuvwxyz"] for text in texts]


def expected(yaml_or_map: str | Mapping[str, Any]) -> Expectation:
    read = yaml.safe_load(yaml_or_map) if isinstance(yaml_or_map, str) else yaml_or_map
    return expectation_of(read, names("checks"), "judge.tests.yaml:7")


def check(expectation: Expectation) -> Check:
    made: Check = find("checks", expectation.check)(expectation.argument, expectation)
    return made


async def judged(yaml_or_map: str | Mapping[str, Any], given: Trial, judges: Judge | None = None) -> Verdict:
    """The verdict as a study gets it, `not-` included."""
    expectation = expected(yaml_or_map)
    verdict = await check(expectation).judge(given, judges or Judge())
    return negated(verdict, expectation.share) if expectation.negated else verdict


async def passes(yaml_or_map: str | Mapping[str, Any], *answers: Said | str, **more: Any) -> bool | None:
    return (await judged(yaml_or_map, trial(*answers, **more))).passed


def is_short(text: str) -> bool:
    """What a scholar's own check might be."""
    return len(text.split()) < 10
