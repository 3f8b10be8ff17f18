"""The answer itself: `equals: harmful`, `one-of: [harmful, harmless]`, `label-in: {harmful: ["no"], severity: low}`."""

from typing import ClassVar

from buttermilk.checks.arguments import text_in, texts_in, without
from buttermilk.checks.each import EachAnswer
from buttermilk.core.cases import Finding, Said, content, found, in_text, shown
from buttermilk.core.contracts import Judges
from buttermilk.core.values import Json, is_number


def same(one: Json, other: Json) -> bool:
    """1 is 1.0; blank space around a text counts for nothing; null is null and no text."""
    if (is_number(one) and is_number(other)) or one is None or other is None:
        return one == other
    return in_text(one).strip() == in_text(other).strip()


class Equals(EachAnswer):
    nulls: ClassVar[bool] = True

    def _reads(self, argument: Json) -> str:
        one_of_them = 'equals: "no", equals: 3, or equals: null'
        self._wants: Json = argument
        if argument is not None and not is_number(argument):
            self._wants = text_in(self._expected, argument, one_of_them)
        return f"equals {shown(self._wants)}"

    def _look(self, value: Json) -> Finding:
        return found(same(value, self._wants), shown(value))


class OneOf(EachAnswer):
    def _reads(self, argument: Json) -> str:
        self._texts = texts_in(self._expected, argument, 'one-of: ["yes", "no"]')
        return f"is one of {', '.join(map(shown, self._texts))}"

    def _look(self, value: Json) -> Finding:
        return found(any(same(value, text) for text in self._texts), shown(value))


class LabelIn(EachAnswer):
    """Labels by question: each question named must have one of its labels; of several labels given, each must be."""

    def _reads(self, argument: Json) -> str:
        like = 'label-in: {harmful: ["no"]}'
        without(self._expected, "question")
        if not isinstance(argument, dict) or not argument:
            raise self._expected.wrong("it names no question and no labels.", f"Like this: {like}")
        self.labels = {name: texts_in(self._expected, labels, like) for name, labels in argument.items()}
        self.questions = tuple(self.labels)
        listed = (f"'{name}' {' or '.join(map(shown, labels))}" for name, labels in self.labels.items())
        return f"answers {', '.join(listed)}"

    async def _finding(self, said: Said, judges: Judges) -> Finding:
        came: dict[str, Json] = {}
        for name in self.labels:
            value = content(said, name)
            if isinstance(value, Finding):
                return value
            came[name] = value
        passed = all(_within(value, self.labels[name]) for name, value in came.items())
        return found(passed, ", ".join(f"'{name}' {shown(value)}" for name, value in came.items()))


def _within(value: Json, labels: tuple[str, ...]) -> bool:
    given = value if isinstance(value, list) else [value]
    return bool(given) and all(label in labels for label in given)
