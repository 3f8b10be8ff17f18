"""Who answers at which path: the end of a path decides, as base addresses differ. A new dialect is a line here."""

from collections.abc import Callable
from typing import Any

from buttermilk.testing.anthropic import anthropic_messages
from buttermilk.testing.gemini import gemini_generate
from buttermilk.testing.replies import Ask, openai_chat
from buttermilk.testing.responses import openai_responses

DIALECTS: dict[str, Callable[[Ask], dict[str, Any]]] = {
    "/chat/completions": openai_chat,
    "/responses": openai_responses,
    ":generateContent": gemini_generate,
    "/v1/messages": anthropic_messages,
    ":rawPredict": anthropic_messages,
    "/invoke": anthropic_messages,
}


def dialect_at(path: str) -> Callable[[Ask], dict[str, Any]] | None:
    """None where nobody answers."""
    return next((speak for end, speak in DIALECTS.items() if path.endswith(end)), None)
