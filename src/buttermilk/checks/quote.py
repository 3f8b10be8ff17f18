"""`quote: evidence`: what the answer quotes stands in the record. `frames.evidence` is that of all frames.

{quote: evidence, threshold: 0.8}             # the share of the quotations that must be there; else all of them
quote: {of: evidence, exactly: true}          # letter for letter; else as `core.quotes` reads it
"""

from collections.abc import Iterator
from typing import ClassVar

from buttermilk.checks.arguments import options_in, text_in
from buttermilk.checks.each import EachAnswer
from buttermilk.core.cases import Finding, Said, content, nothing, shown
from buttermilk.core.contracts import Judges
from buttermilk.core.quotes import saw_more, shown_words, verdict
from buttermilk.core.values import Json


class Quote(EachAnswer):
    graded: ClassVar[bool] = True

    def _reads(self, argument: Json) -> str:
        like = "quote: evidence"
        options = options_in(self._expected, argument, ("of", "exactly"), "of", like)
        self._of = text_in(self._expected, options["of"], like)
        self.questions = (self._of,)
        exactly = options.get("exactly", False)
        if not isinstance(exactly, bool):
            raise self._expected.wrong("`exactly` is true or false.", f"Like this: {like}")
        self._enough = ("exact",) if exactly else ("exact", "near")
        return f"quotes in '{self._of}' what stands in the record{', letter for letter' if exactly else ''}"

    async def _finding(self, said: Said, judges: Judges) -> Finding:
        value = content(said, self._of)
        if isinstance(value, Finding):
            return value
        quotes = list(_texts(value))
        if not quotes:
            return nothing(f"no quotation in '{self._of}'")
        text = shown_words(said.job)
        lost = [quote for quote in quotes if verdict(quote, text) not in self._enough]
        if lost and saw_more(said.job):
            return nothing(f"{shown(lost[0])}, and whether that is in the picture or the PDF, nobody can say")
        score = 1 - len(lost) / len(quotes)
        return self._graded(score, f"{shown(lost[0])}, which is not in it" if lost else shown(quotes[0]))


def _texts(value: Json) -> Iterator[str]:
    """The texts of a list of texts, however deep; a group holds more than quotations, so its own have to be named."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)
