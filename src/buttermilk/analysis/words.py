"""Numbers and names as a paper has them: `4,200`, `41.2%`, `0.74 [0.42, 1.00]`, or why there is no number."""

import re
import unicodedata
from collections.abc import Iterable, Mapping
from datetime import datetime

from buttermilk.analysis.statistics.estimate import Estimate, Label

UNKNOWN = "unknown"
DOES_NOT_APPLY = "does not apply"
PARSES = {
    "strict": "as asked",
    "stripped": "unwrapped",
    "repaired": "repaired",
    "reasked": "asked again",
    "none": "no text to read",
}


def count(number: int) -> str:
    return f"{number:,}"


def plural(number: int, noun: str) -> str:
    """`1 record`, `2,400 records`"""
    return f"{number:,} {noun if number == 1 else noun + 's'}"


def percent(share: float) -> str:
    return f"{100 * share:.1f}%"


def decimal(number: float) -> str:
    """Two places, a true minus, and none before nought."""
    return f"{number:z.2f}".replace("-", "−")


def chance(p: float) -> str:
    """`p = 0.0004`, `p = 0.31`, `p < 0.0001`"""
    return "p < 0.0001" if p < 0.0001 else f"p = {p:.2g}" if p >= 0.001 else f"p = {p:.4f}"


def measure(number: float) -> str:
    """A number on the scholar's own scale: `3`, `2.75`, `0.0012`."""
    return f"{number:.4g}".replace("-", "−")


def corrected(estimate: Estimate) -> str:
    """`0.74 [0.42, 1.00]`, or why there is none."""
    if estimate.value is None:
        return estimate.note
    if estimate.low is None or estimate.high is None:
        return f"{decimal(estimate.value)} ({estimate.note})"
    return f"{decimal(estimate.value)} [{decimal(estimate.low)}, {decimal(estimate.high)}]"


def plain(estimate: Estimate) -> tuple[str, ...]:
    """For a spreadsheet: `0.7434`, `0.4175`, `1.0000`, `11`, `1`."""
    numbers = ("" if number is None else f"{number:.4f}" for number in estimate[:3])
    return (*numbers, str(estimate.n), str(estimate.left_out))


def share(estimate: Estimate) -> str:
    """`81.0% [75.0, 85.8]`, or why there is none."""
    if estimate.value is None or estimate.low is None or estimate.high is None:
        return estimate.note
    return f"{percent(estimate.value)} [{100 * estimate.low:.1f}, {100 * estimate.high:.1f}]"


def money(amounts: Mapping[str, float]) -> str:
    """`1.23 USD + 0.40 EUR`; `unknown`, and never 0, for what nobody knows."""
    said = (
        f"{amount:,.2f} {currency}" if amount == 0 or abs(amount) >= 1 else f"{amount:.4f} {currency}"
        for currency, amount in sorted(amounts.items())
    )
    return " + ".join(map(str.strip, said)) or UNKNOWN


def label(answer: Label) -> str:
    if answer is None:
        return DOES_NOT_APPLY
    return answer if isinstance(answer, str) else measure(answer)


def listing(names: Iterable[str]) -> str:
    """`a`, `a and b`, `a, b and c`"""
    items = list(names)
    return " and ".join([", ".join(items[:-1]), items[-1]] if len(items) > 1 else items)


def day(at: str | datetime) -> str:
    """`2026-11-22T19:24:03+00:00` -> `22 November 2026, 19:24 UTC`"""
    if not at:
        return UNKNOWN
    moment = at if isinstance(at, datetime) else datetime.fromisoformat(at)
    return f"{moment.day} {moment:%B %Y, %H:%M} {moment.tzname() or ''}".strip()


def span(first: str, last: str) -> str:
    """`22 November 2026, 09:00 to 09:11 UTC`; two whole dates where they differ."""
    begun, ended = day(first), day(last)
    if begun == ended:
        return begun
    if first[:10] == last[:10] and begun.split()[-1] == ended.split()[-1]:
        return f"{begun.rsplit(' ', 1)[0]} to {ended.split(', ')[1]}"
    return f"{begun} to {ended}"


def excerpt(text: str, length: int = 280) -> str:
    """One line of a record's text, cut at a word; control characters are shown, not obeyed."""
    flat = re.sub(r"\s+", " ", text).strip()
    seen = "".join("\N{REPLACEMENT CHARACTER}" if unicodedata.category(char) in ("Cc", "Cs") else char for char in flat)
    if len(seen) <= length:
        return seen
    return seen[:length].rsplit(" ", 1)[0] + " …"
