"""A model, a tool and a check from outside, with no more of buttermilk than its doors and its values."""

import json
from typing import ClassVar

from buttermilk.core.cases import Expectation, Finding, Said, Trial, Verdict, content, found, in_text, shown, together
from buttermilk.core.contracts import Blobs, Judges, Keys
from buttermilk.core.flows import Agent, Codebook
from buttermilk.core.jobs import Job
from buttermilk.core.messages import Output, Reply, Request
from buttermilk.core.values import Json


class Echo:
    """A model that gives every question its last label, and the end of what it was asked as the reason."""

    simulated: ClassVar[bool] = True

    def __init__(self, agent: Agent, keys: Keys, blobs: Blobs) -> None:
        self.endpoint = "echo"
        self.local = True

    async def complete(self, request: Request) -> Reply:
        assert request.codebook is not None
        said = request.messages[-1].text[-40:]
        answers = {one.name: one.label_names[-1] if one.labels else said for one in request.codebook.questions}
        text = json.dumps(answers)
        return Reply(text=text, raw=text, model_returned="echo-1", simulated=True)

    async def close(self) -> None:
        """Nothing is held open."""


class Capitals:
    """A tool that counts capital letters; `parameters.loud` and `parameters.quiet` name the labels."""

    deterministic: ClassVar[bool] = True

    def __init__(self, agent: Agent, keys: Keys) -> None:
        self.endpoint = "capitals"
        self.labels = (str(agent.parameters["loud"]), str(agent.parameters["quiet"]))

    def check(self, codebook: Codebook) -> None:
        """Every closed question is answered by the same two labels."""

    async def call(self, job: Job) -> Output:
        count = sum(letter.isupper() for letter in job.record.text)
        label = self.labels[0] if count else self.labels[1]
        values = {one.name: label if one.labels else None for one in job.codebook.questions}
        return Output(values=values, raw={"capitals": count}, version="capitals 1")

    async def close(self) -> None:
        """Nothing is held open."""


class RhymesWith:
    """`rhymes-with: love`: each answer ends on the word's last three letters."""

    def __init__(self, argument: Json, expectation: Expectation) -> None:
        if not isinstance(argument, str) or len(argument) < 3:
            raise expectation.wrong("it needs a word of three letters or more.", "Like this: rhymes-with: love")
        self.word, self.expectation = argument, expectation

    async def judge(self, trial: Trial, judges: Judges) -> Verdict:
        each = [self.finding(said) for said in trial.answers]
        return together(f"the reply rhymes with {self.word}", each, self.expectation.share)

    def finding(self, said: Said) -> Finding:
        answer = content(said, self.expectation.question)
        if isinstance(answer, Finding):
            return answer
        return found(in_text(answer).rstrip(" .!?").endswith(self.word[-3:]), shown(answer))
