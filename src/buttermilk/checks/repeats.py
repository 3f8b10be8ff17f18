"""What the repeats of a case say together.

{agreement: 2, question: harmful}                                       # at least 2 of them say the same
{calibration: {from: 0.4, to: 0.6}, question: confidence}               # the mean of their numbers
{calibration: {of: "yes", from: 0.2, to: 0.5}, question: harmful}       # the share of them that say "yes"
"""

import math

from buttermilk.checks.arguments import number_in, text_in, without
from buttermilk.checks.bounds import bounds_in
from buttermilk.checks.number import number_of
from buttermilk.checks.votes import Votes
from buttermilk.core.cases import Expectation, Finding, Trial, Verdict, content, in_text, together
from buttermilk.core.contracts import Judges
from buttermilk.core.values import Json


class Agreement:
    """A repeat without an answer agrees with nobody; and where two answers are equally frequent, none is agreed on.

    Where the repeats without an answer might have brought agreement about, its opposite does not pass either.
    """

    def __init__(self, argument: Json, expectation: Expectation) -> None:
        without(expectation, "share", "threshold")
        like = "{agreement: 2, question: harmful}"
        least = number_in(expectation, argument, like)
        if least != int(least) or least < 2:
            raise expectation.wrong(f"{least:g} repeats cannot agree.", f"Give a number from 2 on: {like}")
        self._least, self._question = int(least), expectation.question

    async def judge(self, trial: Trial, judges: Judges) -> Verdict:
        votes = Votes.of(trial.answers, self._question)
        passed = votes.top >= self._least and not votes.tied
        settled = passed or not votes.missing or votes.top + votes.missing < self._least
        score = votes.top / len(trial.answers) if trial.answers else 0.0
        came = f"{votes.words}{' (a tie)' if votes.tied and votes.counts else ''}"
        about = f" to '{self._question}'" if self._question else ""
        wanted = f"at least {self._least} of {len(trial.answers)} repeats give the same answer{about}"
        return together(wanted, [Finding(passed, score, came, judged=settled and bool(votes.counts))])


class Calibration:
    """`share`, 1 if it is not said, is that of the repeats which must have an answer. The score is 1 within the bounds,
    and 0 outside."""

    def __init__(self, argument: Json, expectation: Expectation) -> None:
        without(expectation, "threshold")
        like = "{calibration: {from: 0.4, to: 0.6}, question: confidence}"
        options = dict(argument) if isinstance(argument, dict) else {}
        if not options:
            raise expectation.wrong("it names no bounds.", f"Like this: {like}")
        self._of = text_in(expectation, options.pop("of"), like) if "of" in options else None
        self._bounds = bounds_in(expectation, options)
        self._expected = expectation

    async def judge(self, trial: Trial, judges: Judges) -> Verdict:
        asked = self._expected.question
        given = [one for said in trial.answers if not isinstance(one := content(said, asked), Finding)]
        read = [float(in_text(one).strip() == self._of) if self._of else number_of(one) for one in given]
        numbers = [one for one in read if one is not None]
        what = f"the share of {self._of!r}" if self._of else "the mean"
        wanted = f"{what} over the repeats{f' in {asked!r}' if asked else ''} is {self._bounds.words}"
        known = f"{len(numbers)} of {len(trial.answers)} repeats"
        if not numbers or len(numbers) < self._expected.share * len(trial.answers) - 1e-9:
            return together(wanted, [Finding(False, 0.0, f"an answer from {known} only", judged=False)])
        mean = math.fsum(numbers) / len(numbers)
        passed = self._bounds.hold(mean)
        return together(wanted, [Finding(passed, float(passed), f"{mean:.3g} from {known}")])
