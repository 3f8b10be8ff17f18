"""`is-json: true`: the reply is JSON as it stands, with no word before it and no fence around it."""

from buttermilk.checks.each import EachAnswer
from buttermilk.checks.structure import json_in
from buttermilk.core.cases import Finding, found, in_text, shown
from buttermilk.core.values import Json


class IsJson(EachAnswer):
    def _reads(self, argument: Json) -> str:
        if argument not in (None, True):
            raise self._expected.wrong("it takes no argument.", "Write is-json: true, and `schema` for its form.")
        return "is JSON and nothing else"

    def _look(self, value: Json) -> Finding:
        try:
            json_in(in_text(value))
        except ValueError:
            return found(False, shown(value))
        return found(True, shown(value))
