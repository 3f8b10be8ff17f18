"""Who answers at which path: the end of a path decides, as base addresses differ. A new dialect is a line here."""

from collections.abc import Callable
from typing import Any

from buttermilk.testing.replies import Ask, openai_chat

DIALECTS: dict[str, Callable[[Ask], dict[str, Any]]] = {
    "/chat/completions": openai_chat,
}


def dialect_at(path: str) -> Callable[[Ask], dict[str, Any]] | None:
    """None where nobody answers."""
    return next((speak for end, speak in DIALECTS.items() if path.endswith(end)), None)
