"""The JSON of an answer, for the checks that look into it."""

from typing import Any

from pydantic_core import from_json

from buttermilk.core.cases import Finding, Said, content, nothing, shown
from buttermilk.core.values import Json


def json_in(text: str) -> Any:
    """Raises ValueError where the text is not JSON and nothing else: no fence around it, no NaN, no endless nesting."""
    return from_json(text.encode("utf-8", "surrogatepass"), allow_inf_nan=False)


def json_of(said: Said, question: str) -> Json | Finding:
    """The answer to the question; else what the reply says in JSON, if need be as the engine has mended it."""
    value = content(said, question)
    if question or not isinstance(value, str):
        return value
    try:
        read: Json = json_in(value)
    except ValueError:
        answers = said.result.answers
        return nothing(f"no JSON: {shown(value)}") if answers is None else dict(answers)
    return read
