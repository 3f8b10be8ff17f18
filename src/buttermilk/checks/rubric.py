"""`rubric: {agent: claude, criteria: "It says why, and blames nobody."}`: another agent judges each answer.

The judge sees the record's words and the answer, each line of them marked, so that nothing in them can pass for the end
of the text or for an order; and it answers a codebook, so that nothing but its verdict comes back: rubric.md and
rubric.yaml beside this file.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar

from buttermilk.checks.arguments import options_in, text_in
from buttermilk.checks.each import EachAnswer
from buttermilk.checks.number import number_of
from buttermilk.core.cases import Finding, Said, in_text, nothing, shown
from buttermilk.core.contracts import Judges
from buttermilk.core.errors import ProviderError
from buttermilk.core.flows import Agent, Perspective, Step
from buttermilk.core.jobs import Job
from buttermilk.core.records import Part, Record
from buttermilk.core.values import Json
from buttermilk.prompts import load_codebook, load_prompt

STEP = "rubric"
HERE = [Path(__file__).parent]
JUDGE, VERDICT = load_prompt("rubric", HERE), load_codebook("rubric", HERE)


class Rubric(EachAnswer):
    """Passes where the judge says so, and the score reaches the threshold, if there is one."""

    graded: ClassVar[bool] = True

    def _reads(self, argument: Json) -> str:
        like = 'rubric: {agent: claude, criteria: "It says why, and blames nobody."}'
        options = options_in(self._expected, argument, ("agent", "criteria"), "agent", like)
        agent, criteria = (text_in(self._expected, options.get(name), like) for name in ("agent", "criteria"))
        self.agents = (agent,)
        self._rubric = Perspective(name="rubric", text=criteria)
        return f"does what {agent} is to judge: {shown(criteria)}"

    def steps(self, agents: Mapping[str, Agent]) -> Sequence[Step]:
        asked = tuple(agents[name] for name in self.agents)
        return [Step(name=STEP, agents=asked, prompts=(JUDGE,), perspectives=(self._rubric,), codebook=VERDICT)]

    async def _judged(self, value: Json, said: Said, judges: Judges) -> Finding:
        (agent,) = self.agents
        try:
            result = await judges.ask(agent, judging(said.job, in_text(value), self._rubric))
        except ProviderError as error:
            return nothing(f"no judgement: {error.message:.200}")
        answers = result.answers
        if result.status != "answered" or answers is None:
            return nothing(f"no judgement: {agent}'s own answer was {result.status}")
        score, verdict = number_of(answers.get("score")) or 0.0, answers.get("verdict")
        passed = verdict == "pass" and score >= (self._expected.threshold or 0)
        return Finding(passed, score, f"{verdict}, {score:.2f}, {shown(answers.get('reason'))}")


def judging(job: Job, answer: str, rubric: Perspective) -> Job:
    """The judge's job: about this answer, in this repeat, and with no more of the first job than the record's words."""
    words = job.record.text.strip()
    asked = [Part(text=quoted(words), role="asked")] if words else []
    record = Record(record_id=job.record.record_id, parts=(*asked, Part(text=quoted(answer), role="answer")))
    return Job(
        step=STEP,
        record=record,
        seen_hash=record.seen_hash(()),
        agent=job.agent,
        prompt=JUDGE,
        perspective=rubric,
        codebook=VERDICT,
        repeat=job.repeat,
        wave=job.wave,
        seed=job.seed,
    )


def quoted(text: str) -> str:
    """Each line behind a mark, whichever sign ends a line, so that no line of it stands as one of ours."""
    return "\n".join(f"> {line}" for line in text.splitlines()) or ">"
