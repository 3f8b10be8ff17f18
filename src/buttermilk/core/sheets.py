"""What a coder is handed, and what comes back of it, whatever the file's format is."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

from buttermilk.core.flows import Codebook

DOES_NOT_APPLY = "does not apply"
"""How a person says null, where a question is optional."""


class Card(NamedTuple):
    """One record as a coder sees it: `Card("v7", {"text": "the lamp went out", "genre": "elegy"})`. Nothing else: no
    machine's answer, no other coder's, neither stratum nor probability."""

    record_id: str
    shown: Mapping[str, str]


class Sheet(NamedTuple):
    """What one coder is to answer, of which records, in an order that tells nothing."""

    codebook: Codebook
    cards: tuple[Card, ...]
    coder: str = ""
    sample: str = ""

    @property
    def columns(self) -> list[str]:
        return list(dict.fromkeys(name for card in self.cards for name in card.shown))


class Told(NamedTuple):
    """One answer as a file has it, which nobody has checked yet; `wrong` says why it cannot even be read.

    `Told("ana.csv row 17", "sentiment", "v7", "sentiment", "negative", "ana")`
    """

    where: str
    column: str
    record_id: str = ""
    question: str = ""
    value: Any = None
    coder: str = ""
    sample: str = ""
    note: str = ""
    at: datetime | None = None
    blind: bool = True
    wrong: str = ""
