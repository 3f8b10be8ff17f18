"""Several expectations as one: all of them must pass, or, with a `threshold`, so much of their weight.

- assert-set: [{contains: "the minister"}, {icontains: "jeers", weight: 2}]
  threshold: 0.6
"""

import asyncio
from collections.abc import Mapping, Sequence

from buttermilk.checks.arguments import without
from buttermilk.core.cases import Expectation, Finding, Trial, Verdict, expectation_of, negated, together, weighed
from buttermilk.core.contracts import Asks, Check, Compares, Embeds, Judges, Reads
from buttermilk.core.flows import Agent, Step
from buttermilk.core.values import Json
from buttermilk.plugins import find, names


class AssertSet:
    def __init__(self, argument: Json, expectation: Expectation) -> None:
        without(expectation, "question", "share")
        if not isinstance(argument, list) or not argument:
            raise expectation.wrong("it needs a list of expectations.", 'Like this: assert-set: [{contains: "jeers"}]')
        self._threshold = expectation.threshold
        self._members = [expectation_of(said, names("checks"), expectation.place) for said in argument]
        self._checks: list[Check] = [find("checks", one.check)(one.argument, one) for one in self._members]
        inner = [name for one in self._checks if isinstance(one, Reads) for name in one.questions]
        self.questions = (*(one.question for one in self._members if one.question), *inner)
        self.embeds = any(one.embeds for one in self._checks if isinstance(one, Embeds))
        self.cases = tuple(name for one in self._checks if isinstance(one, Compares) for name in one.cases)
        self.agents = tuple(name for one in self._checks if isinstance(one, Asks) for name in one.agents)

    def steps(self, agents: Mapping[str, Agent]) -> Sequence[Step]:
        return [step for one in self._checks if isinstance(one, Asks) for step in one.steps(agents)]

    async def judge(self, trial: Trial, judges: Judges) -> Verdict:
        said = await asyncio.gather(*(check.judge(trial, judges) for check in self._checks))
        each = [
            negated(one, member.share) if member.negated else one
            for member, one in zip(self._members, said, strict=True)
        ]
        passed, score = weighed(each, [member.weight for member in self._members], self._threshold)
        telling = [one.why for one in each if one.passed is not True] or [f"all {len(each)}"]
        needs = "all" if self._threshold is None else f"{self._threshold:g}"
        judged = all(finding.judged for one in each if not one.passed for finding in one.each)
        wanted = f"{needs} of {', '.join(member.name for member in self._members)} pass"
        return together(wanted, [Finding(passed, score, " / ".join(telling[:3]), judged)])
