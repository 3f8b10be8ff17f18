"""How near the answer comes to a text of yours, sign by sign or word by word.

    levenshtein: {to: "The court held for the paper.", at most: 3}      # signs to insert, delete or change
    {levenshtein: {to: "The court held for the paper."}, threshold: 0.9}
    {rouge-l: {to: "police killed the gunman"}, threshold: 0.7}

Both are computed for 30,000 signs or words at most; capitals count for levenshtein alone.
"""

import re
from collections.abc import Sequence
from typing import ClassVar

from buttermilk.checks.arguments import number_in, options_in, text_in
from buttermilk.checks.each import EachAnswer
from buttermilk.core.cases import Finding, in_text, nothing, shown
from buttermilk.core.values import Json

LONGEST = 30_000
_WORD = re.compile(r"\w+(?:['’]\w+)*")


class Levenshtein(EachAnswer):
    """The score is 1 less the distance, as a share of the longer text."""

    graded: ClassVar[bool] = True

    def _reads(self, argument: Json) -> str:
        like = "levenshtein: {to: The court held for the paper., at most: 3}"
        options = options_in(self._expected, argument, ("to", "at most"), "to", like)
        self._to = text_in(self._expected, options["to"], like)
        self._most = number_in(self._expected, options["at most"], like) if "at most" in options else None
        if self._most is None:
            self._needs_threshold(like)
        elif self._expected.threshold is not None:
            raise self._expected.wrong("it has a `threshold` and an `at most`.", "Delete one of them.")
        near = f"{self._expected.threshold:g} like" if self._most is None else f"at most {self._most:g} signs from"
        return f"is {near} {shown(self._to)}"

    def _look(self, value: Json) -> Finding:
        text = in_text(value)
        if max(len(text), len(self._to)) > LONGEST:
            return nothing(f"a text too long to compare ({len(text):,} signs)")
        distance = levenshtein(text, self._to)
        score = 1 - distance / max(len(text), len(self._to))
        came = f"{shown(value)} ({distance} signs away, {score:.2f} like it)"
        if self._most is None:
            return self._graded(score, came)
        return Finding(distance <= self._most, score, came)


class RougeL(EachAnswer):
    """ROUGE-L of Lin, C.-Y. (2004): ROUGE: A package for automatic evaluation of summaries, section 3: F1 (beta = 1) of
    the longest common subsequence of words."""

    graded: ClassVar[bool] = True

    def _reads(self, argument: Json) -> str:
        like = '{rouge-l: {to: "police killed the gunman"}, threshold: 0.7}'
        options = options_in(self._expected, argument, ("to",), "to", like)
        self._to = text_in(self._expected, options["to"], like)
        self._needs_threshold(like)
        self._words = words_of(self._to)
        if not self._words:
            raise self._expected.wrong("its text has no word.", f"Like this: {like}")
        return f"shares a ROUGE-L of {self._expected.threshold:g} with {shown(self._to)}"

    def _look(self, value: Json) -> Finding:
        words = words_of(in_text(value))
        if max(len(words), len(self._words)) > LONGEST:
            return nothing(f"a text too long to compare ({len(words):,} words)")
        score = rouge_l(words, self._words)
        return self._graded(score, f"{score:.2f} of {shown(value)}")


def words_of(text: str) -> list[str]:
    return _WORD.findall(text.casefold())


def rouge_l(words: Sequence[str], reference: Sequence[str]) -> float:
    """`police kill the gunman` to `police killed the gunman` -> 0.75"""
    common = longest_common(words, reference)
    return 2 * common / (len(words) + len(reference)) if common else 0.0


def longest_common(one: Sequence[str], other: Sequence[str]) -> int:
    """Length of the longest common subsequence, a row of the table at a time as the bits of one number: Hyyrö, H.
    (2004): Bit-parallel LCS-length computation revisited."""
    full = (1 << len(one)) - 1
    places, row = _places(one), full
    for item in other:
        common = row & places.get(item, 0)
        row = ((row + common) | (row - common)) & full
    return len(one) - row.bit_count()


def levenshtein(one: str, other: str) -> int:
    """Signs to insert, delete or change, a column of the table at a time as bits: Hyyrö, H. (2003): A bit-vector
    algorithm for computing Levenshtein and Damerau edit distances, after Myers (1999)."""
    if not one:
        return len(other)
    full, last = (1 << len(one)) - 1, 1 << (len(one) - 1)
    places, distance = _places(one), len(one)
    up, down = full, 0  # where the column rises and falls by 1
    for sign in other:
        match = places.get(sign, 0) | down
        diagonal = (((match & up) + up) ^ up) | match
        rise = (down | ~(diagonal | up)) & full
        fall = up & diagonal
        distance += bool(rise & last) - bool(fall & last)
        rise, fall = ((rise << 1) | 1) & full, (fall << 1) & full
        up = (fall | ~(diagonal | rise)) & full
        down = rise & diagonal
    return distance


def _places(items: Sequence[str]) -> dict[str, int]:
    """Where each stands, as bits: `aba` -> {"a": 0b101, "b": 0b10}"""
    places: dict[str, int] = {}
    for number, item in enumerate(items):
        places[item] = places.get(item, 0) | 1 << number
    return places
