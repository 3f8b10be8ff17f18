"""`regex: '\\b(19|20)\\d\\d\\b'`: the pattern occurs in the answer. `(?i)` before it: capitals or not.

In YAML, put it between single quotes: there a backslash is a backslash.
"""

from buttermilk.checks.arguments import text_in
from buttermilk.checks.each import EachAnswer, excerpt
from buttermilk.checks.searching import checked, searched
from buttermilk.core.cases import Finding, Said, found, in_text, nothing, shown
from buttermilk.core.contracts import Judges
from buttermilk.core.values import Json


class Regex(EachAnswer):
    def _reads(self, argument: Json) -> str:
        self._pattern = checked(self._expected, text_in(self._expected, argument, r"regex: '\b(19|20)\d\d\b'"))
        return f"matches {self._pattern}"

    async def _judged(self, value: Json, said: Said, judges: Judges) -> Finding:
        text = in_text(value)
        places = await searched([(self._pattern, text)])
        if isinstance(places, str):
            return nothing(places)
        (place,) = places
        return found(place is not None, shown(value) if place is None else excerpt(text, place))
