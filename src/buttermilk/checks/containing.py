"""Texts that the answer has in it: `contains: "he said"`, `contains-any: [he said, she said]`, `starts-with: "No"`.

The names with an `i` do not tell capitals from small letters. é is é, however it was typed.
"""

from typing import ClassVar

from buttermilk.checks.arguments import text_in, texts_in
from buttermilk.checks.each import EachAnswer, excerpt
from buttermilk.core.cases import Finding, found, in_text, shown
from buttermilk.core.values import Json


class ContainsAll(EachAnswer):
    """The score is the share of the texts that are there."""

    graded: ClassVar[bool] = True
    folded: ClassVar[bool] = False
    phrase: ClassVar[str] = "contains all of"

    def _reads(self, argument: Json) -> str:
        self._texts = self._given(argument)
        listed = ", ".join(map(shown, self._texts))
        return f"{self.phrase} {listed}{', capitals or not' if self.folded else ''}"

    def _given(self, argument: Json) -> tuple[str, ...]:
        return tuple(map(self._plain, texts_in(self._expected, argument, f"{self._expected.name}: [truth, liberty]")))

    def _plain(self, value: Json) -> str:
        return in_text(value).casefold() if self.folded else in_text(value)

    def _look(self, value: Json) -> Finding:
        places = self._places(value)
        absent = [text for text, place in places.items() if place < 0]
        score = 1 - len(absent) / len(places)
        return self._graded(
            score, f"{shown(value)} without {', '.join(map(shown, absent))}" if absent else shown(value)
        )

    def _places(self, value: Json) -> dict[str, int]:
        text = self._plain(value)
        return {wanted: text.find(wanted) for wanted in self._texts}


class ContainsAny(ContainsAll):
    graded: ClassVar[bool] = False
    phrase: ClassVar[str] = "contains one of"

    def _look(self, value: Json) -> Finding:
        there = [place for place in self._places(value).values() if place >= 0]
        return found(bool(there), excerpt(self._plain(value), min(there)) if there else shown(value))


class Contains(ContainsAny):
    phrase: ClassVar[str] = "contains"

    def _given(self, argument: Json) -> tuple[str, ...]:
        return (self._plain(text_in(self._expected, argument, f'{self._expected.name}: "he said"')),)


class IContainsAll(ContainsAll):
    folded: ClassVar[bool] = True


class IContainsAny(ContainsAny):
    folded: ClassVar[bool] = True


class IContains(Contains):
    folded: ClassVar[bool] = True


class StartsWith(Contains):
    """Blank space before the first word is passed over."""

    phrase: ClassVar[str] = "starts with"

    def _look(self, value: Json) -> Finding:
        return found(self._plain(value).lstrip().startswith(self._texts[0].lstrip()), shown(value))
