"""How large a number may be, as a scholar writes it: `3`, `">= 0.5"`, `{from: 0, to: 1}`, `{is: 0.5, within: 0.1}`."""

import math
import re
from typing import NamedTuple

from buttermilk.checks.arguments import number_in, options_in
from buttermilk.core.cases import Expectation
from buttermilk.core.values import Json

_COMPARISON = re.compile(r"\s*(>=|<=|==|>|<)\s*([-+]?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?)\s*")
_LIKE = '3, ">= 0.5", {from: 0, to: 1} or {is: 0.5, within: 0.1}'


class Bounds(NamedTuple):
    words: str
    low: float = -math.inf
    high: float = math.inf
    open: bool = False  # the bounds themselves are outside

    def hold(self, number: float) -> bool:
        """What only rounding keeps apart from a bound is the bound: 0.3 + 0.1 lies within 0.4."""
        if any(math.isclose(number, bound, rel_tol=1e-9, abs_tol=1e-12) for bound in (self.low, self.high)):
            return not self.open
        return self.low < number < self.high


def bounds_in(expected: Expectation, value: Json) -> Bounds:
    if isinstance(value, str):
        return _compared(expected, value)
    if not isinstance(value, dict):
        exact = number_in(expected, value, _LIKE)
        return Bounds(f"{exact:g}", exact, exact)
    if "is" in value:
        options = options_in(expected, value, ("is", "within"), "is", _LIKE)
        middle, within = (number_in(expected, options.get(name, 0), _LIKE) for name in ("is", "within"))
        return Bounds(f"{middle:g} ± {within:g}" if within else f"{middle:g}", middle - within, middle + within)
    options = options_in(expected, value, ("from", "to"), "from" if "from" in value else "to", _LIKE)
    low, high = (number_in(expected, options[name], _LIKE) if name in options else None for name in ("from", "to"))
    if low is not None and high is not None and low > high:
        raise expected.wrong(f"nothing lies from {low:g} to {high:g}.", "Write the smaller number first.")
    words = " ".join(f"{name} {options[name]:g}" for name in ("from", "to") if name in options)
    return Bounds(words, -math.inf if low is None else low, math.inf if high is None else high)


def _compared(expected: Expectation, text: str) -> Bounds:
    match = _COMPARISON.fullmatch(text)
    if match is None:
        raise expected.wrong(f"'{text:.80}' compares with no number.", f"Like this: {_LIKE}")
    sign, number = match[1], float(match[2])
    low = -math.inf if sign[0] == "<" else number
    high = math.inf if sign[0] == ">" else number
    return Bounds(f"{sign} {number:g}", low, high, open=sign in "<>")
