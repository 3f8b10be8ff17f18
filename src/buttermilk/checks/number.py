"""How large, how long: `number: {from: 0, to: 1}`, `number: {is: 0.5, within: 0.1}`, `word-count: {to: 50}`."""

import math
import re

from buttermilk.checks.bounds import bounds_in
from buttermilk.checks.each import EachAnswer
from buttermilk.core.cases import Finding, found, in_text, shown
from buttermilk.core.values import Json

_NUMBER = re.compile(r"\s*[-+]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d+)?\s*", re.ASCII)


def number_of(value: Json) -> float | None:
    """Of a number, or of a text that is a number and nothing else: `30%` and `3 of 10` are none."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    if isinstance(value, str) and (len(value) > 400 or not _NUMBER.fullmatch(value)):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None


class Number(EachAnswer):
    def _reads(self, argument: Json) -> str:
        self._bounds = bounds_in(self._expected, argument)
        return f"is a number {self._bounds.words}"

    def _look(self, value: Json) -> Finding:
        number = number_of(value)
        return found(number is not None and self._bounds.hold(number), shown(value))


class WordCount(EachAnswer):
    """A word is what stands between blank spaces; so a text in a script without them has few."""

    def _reads(self, argument: Json) -> str:
        self._bounds = bounds_in(self._expected, argument)
        return f"has words: {self._bounds.words}"

    def _look(self, value: Json) -> Finding:
        count = len(in_text(value).split())
        return found(self._bounds.hold(count), f"{count} words, {shown(value)}")
