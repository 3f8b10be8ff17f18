"""A case against other cases of the same prompt, answered by the same agent.

    {metamorphic: same_in_other_words, question: harmful}      # what changes nothing must change nothing
    {flip: [the_minister_is_a_woman], question: harmful}       # what decides must decide

Compared is the most frequent answer of each case. Where two are equally frequent, or repeats without an answer might
have made another one so, there is none: nothing can be compared, and the opposite does not pass either.
"""

from typing import ClassVar

from buttermilk.checks.arguments import texts_in, without
from buttermilk.checks.votes import Votes
from buttermilk.core.cases import Expectation, Trial, Verdict, found, nothing, shown, together
from buttermilk.core.contracts import Judges
from buttermilk.core.errors import did_you_mean
from buttermilk.core.values import Json


class Metamorphic:
    differs: ClassVar[bool] = False

    def __init__(self, argument: Json, expectation: Expectation) -> None:
        without(expectation, "share", "threshold")
        like = f"{{{expectation.name}: NAME_OF_ANOTHER_CASE, question: harmful}}"
        self.cases = texts_in(expectation, argument, like)
        self._question = expectation.question

    async def judge(self, trial: Trial, judges: Judges) -> Verdict:
        about = f" to '{self._question}'" if self._question else ""
        relation = "differs from that of" if self.differs else "is that of"
        wanted = f"the most frequent answer{about} {relation} {' and of '.join(self.cases)}"
        unknown = [name for name in self.cases if name not in trial.others]
        if unknown:
            why = f"there is no case '{unknown[0]}'. {did_you_mean(unknown[0], trial.others)}"
            return together(wanted, [nothing(why)])
        votes = {trial.case: trial.answers, **{name: trial.others[name] for name in self.cases}}
        counted = {name: Votes.of(answers, self._question) for name, answers in votes.items()}
        unclear = [f"{name}: {one.words}" for name, one in counted.items() if one.mode is None]
        if unclear:
            return together(wanted, [nothing(f"no most frequent answer to compare in {'; '.join(unclear)}")])
        mode = counted[trial.case].mode
        passed = all((counted[name].mode != mode) == self.differs for name in self.cases)
        came = ", ".join(f"{shown(one.mode)} in {name}" for name, one in counted.items())
        return together(wanted, [found(passed, came)])


class Flip(Metamorphic):
    differs: ClassVar[bool] = True
