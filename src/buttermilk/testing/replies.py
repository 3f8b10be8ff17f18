"""What the mock says: a pure function of the request.

If the request holds a marker `[record:ID]`, the first one alone decides what is answered, so every client gets the same
answer for a record however it wraps the prompt; else the whole body decides. A JSON schema in the request is filled in.

What a vendor's dialect makes of that is a function of its own; `dialects.py` lists them.
"""

import hashlib
import re
from collections.abc import Callable
from math import ceil, floor
from typing import Any, NamedTuple

from buttermilk.testing.settings import Settings

Json = dict[str, Any]

TOKENS = re.compile(r" ?\w+|\s+|[^\w\s]+")
MARKER = re.compile(rb"\[record:([^\]]{1,80})\]")
LABELS = ("positive", "negative", "neutral", "mixed")
REASONS = (
    "The writer praises what is described.",
    "The passage complains from start to end.",
    "Facts are listed and nobody judges them.",
    "Approval in one line is taken back in the next.",
)
REFUSAL = "I'm sorry, but I can't help with that."
FORMATS = {
    "date": "2024-05-17",
    "date-time": "2024-05-17T09:30:00Z",
    "uri": "https://example.org/",
    "time": "09:30:00Z",
}
CUTTING = ("bad", "length")
DEEP = 8  # beyond this depth a recursive schema is brought to its end
TOO_DEEP = 24
CREATED = 1_700_000_000  # a fixed time: the reply is a function of the request


class BadRequestError(ValueError):
    """The request lacks what the dialect demands; the message goes into the 400."""


class Ask(NamedTuple):
    """All that a dialect needs to answer one request."""

    request: Json
    size: int
    seed: int
    fault: str | None
    settings: Settings
    dumps: Callable[[Any], bytes]
    path: str = ""

    @property
    def ident(self) -> str:
        """For the reply's ids: as pure as the rest of it."""
        return f"{self.seed:016x}"

    @property
    def model(self) -> str:
        """The model to name in the reply."""
        return self.settings.model_returned or str(self.request["model"])

    def text(self, schema: Json | None) -> str:
        """The schema filled in, as JSON; cut off where the fault is to cut it off."""
        seed, said = self.seed, self.settings.says
        if schema is None and said is not None:
            whole = said
        else:
            whole = self.dumps(opinion(seed) if schema is None else fill(schema, seed)).decode()
        return whole[: len(whole) * 2 // 3] if self.fault in CUTTING else whole

    def tokens(self, text: str) -> list[tuple[str, float]]:
        """The text in words and signs, each with the logarithm of what might be its probability."""
        return [(token, -len(token) / 16) for token in TOKENS.findall(text)]

    def logprobs(self, text: str) -> list[Json]:
        """The same as OpenAI writes it."""
        return [
            {"token": token, "bytes": list(token.encode()), "logprob": logprob, "top_logprobs": []}
            for token, logprob in self.tokens(text)
        ]

    def usage(self, text: str) -> tuple[int, int]:
        """Tokens in and out: the fixed ones, or a quarter of the bytes."""
        tokens_in, tokens_out = self.settings.prompt_tokens, self.settings.completion_tokens
        return (
            self.size // 4 if tokens_in is None else tokens_in,
            max(1, len(text) // 4) if tokens_out is None else tokens_out,
        )


def seed_of(body: bytes, mood: bytes = b"") -> int:
    """What decides the answer: the marker if there is one, else the whole body; and the mood of the mock."""
    marker = MARKER.search(body)
    asked = marker[1] if marker else body
    return int.from_bytes(hashlib.blake2b(asked, digest_size=8, key=mood).digest(), "big")


def opinion(seed: int) -> Json:
    """What is answered where no schema asks for anything else."""
    return {
        "label": LABELS[seed % 4],
        "confidence": (500 + (seed >> 8) % 500) / 1000,
        "reason": REASONS[(seed >> 2) % 4],
    }


# Filling in a schema: the part of JSON Schema that clients send for structured output.


def fill(schema: Json, seed: int) -> Any:
    """A value that fits the schema: `fill({"enum": ["yes", "no"]}, 3)` is "no"."""
    return _Form(schema, seed).value(schema, "", 0)


class _Form:
    """The schema's root is kept, for the `$ref`s that point into it."""

    def __init__(self, root: Json, seed: int) -> None:
        self._root, self._seed = root, seed

    def value(self, schema: Json, name: str, depth: int) -> Any:
        if depth > TOO_DEEP:
            return None
        if options := schema.get("enum"):
            return options[self._seed % len(options)]
        if "const" in schema:
            return schema["const"]
        if "$ref" in schema:
            return self.value(self._resolve(schema["$ref"]), name, depth + 1)
        if parts := schema.get("allOf"):
            return self.value({key: value for part in parts for key, value in part.items()}, name, depth + 1)
        if options := schema.get("anyOf") or schema.get("oneOf"):
            return self.value(_choose(options, depth), name, depth + 1)
        return self._typed(_kind(schema), schema, name, depth)

    def _typed(self, kind: str, schema: Json, name: str, depth: int) -> Any:
        if kind == "object":
            return self._object(schema, depth)
        if kind == "array":
            return self._array(schema, name, depth)
        if kind == "string":
            return self._string(schema, name)
        if kind == "number":
            return self._number(schema)
        if kind == "integer":
            return self._integer(schema)
        return bool(self._seed & 4) if kind == "boolean" else None

    def _resolve(self, reference: str) -> Json:
        node: Any = self._root
        for step in reference.removeprefix("#").split("/")[1:]:
            node = node[step.replace("~1", "/").replace("~0", "~")]
        return dict(node)

    def _object(self, schema: Json, depth: int) -> Json:
        properties: dict[str, Json] = schema.get("properties") or {}
        wanted = properties if depth <= DEEP else schema.get("required") or ()
        return {name: self.value(properties.get(name) or {}, name, depth + 1) for name in wanted}

    def _array(self, schema: Json, name: str, depth: int) -> list[Any]:
        least = schema.get("minItems") or 0
        count = least if depth > DEEP else max(least, min(1, schema.get("maxItems", 1)))
        return [self.value(schema.get("items") or {}, name, depth + 1) for _ in range(count)]

    def _number(self, schema: Json) -> float:
        low, high = _limits(schema, 0.0, 1.0)
        inside = (1 + (self._seed >> 8) % 998) / 1000  # never on a limit: it may be exclusive
        return round(low + (high - low) * inside, 6)

    def _integer(self, schema: Json) -> int:
        low, high = _limits(schema, 1, 4)
        least = ceil(low) + (schema.get("exclusiveMinimum") == low)
        most = floor(high) - (schema.get("exclusiveMaximum") == high)
        return least + (self._seed >> 8) % max(1, most - least + 1)

    def _string(self, schema: Json, name: str) -> str:
        if schema.get("format") in FORMATS:
            return FORMATS[schema["format"]]
        text = LABELS[self._seed % 4] if name in ("label", "answer") else REASONS[(self._seed >> 2) % 4]
        return text.ljust(schema.get("minLength", 0), ".")[: schema.get("maxLength")]


def _choose(options: list[Json], depth: int) -> Json:
    """The first option that says something; deep down, the one that ends the recursion."""
    nulls = [option for option in options if option.get("type") == "null"]
    others = [option for option in options if option.get("type") != "null"]
    return (nulls + others)[0] if depth > DEEP else (others + nulls)[0]


def _kind(schema: Json) -> str:
    kind = schema.get("type")
    if isinstance(kind, list):
        kind = next((one for one in kind if one != "null"), "null")
    if kind is None:
        kind = "object" if "properties" in schema else "array" if "items" in schema else "string"
    return str(kind).lower()


def _limits(schema: Json, low: float, span: float) -> tuple[float, float]:
    """The schema's limits; where it has none, `low` and `span` above it."""
    least = schema.get("minimum", schema.get("exclusiveMinimum"))
    most = schema.get("maximum", schema.get("exclusiveMaximum"))
    if least is None:
        least = low if most is None else min(low, most - span)
    return least, max(least, least + span if most is None else most)


# The dialects.


def openai_chat(ask: Ask) -> Json:
    """OpenAI's chat completions. A tool is called unless the conversation already ends with a tool's result."""
    request = ask.request
    _check_chat(request)
    function = _function_to_call(request)
    text = ask.text(_chat_schema(request) if function is None else function.get("parameters") or {"type": "object"})
    message: Json = {"role": "assistant", "content": text, "refusal": None}
    ident, finish = ask.ident, "stop"
    if ask.fault == "refusal":
        message |= {"content": None, "refusal": REFUSAL}
    elif function is not None:
        finish = "tool_calls"
        call = {"name": function["name"], "arguments": text}
        message |= {"content": None, "tool_calls": [{"id": f"call_{ident}", "type": "function", "function": call}]}
    if ask.fault == "length":
        finish = "length"
    told = request.get("logprobs") and message["content"]
    logprobs = {"content": ask.logprobs(text), "refusal": None} if told else None
    tokens_in, tokens_out = ask.usage(text)
    reply = {
        "id": f"chatcmpl-{ident}",
        "object": "chat.completion",
        "created": CREATED,
        "model": ask.model,
        "choices": [{"index": 0, "message": message, "logprobs": logprobs, "finish_reason": finish}],
        "usage": {"prompt_tokens": tokens_in, "completion_tokens": tokens_out, "total_tokens": tokens_in + tokens_out},
    }
    if ask.settings.system_fingerprint is not None:
        reply["system_fingerprint"] = ask.settings.system_fingerprint
    return reply


def _check_chat(request: Json) -> None:
    if not isinstance(request.get("model"), str):
        raise BadRequestError("you must provide a model parameter")
    messages = request.get("messages")
    if not isinstance(messages, list) or not messages:
        raise BadRequestError("'messages' must be an array with at least one message")
    for message in messages:
        content = message.get("content")
        if isinstance(content, list):
            if not all(isinstance(part, dict) and "type" in part for part in content):
                raise BadRequestError("each part of a message's content must be an object with a 'type'")
        elif content is not None and not isinstance(content, str):
            raise BadRequestError("a message's content must be a string or an array of parts")
    if request.get("stream"):
        raise BadRequestError("the mock does not stream: ask without 'stream'")


def _chat_schema(request: Json) -> Json | None:
    wanted = request.get("response_format") or {}
    if wanted.get("type") != "json_schema":
        return None
    return wanted["json_schema"].get("schema") or {"type": "object"}


def _function_to_call(request: Json) -> Json | None:
    """The function that `tool_choice` names, or the first one, or none."""
    if not request.get("tools"):
        return None
    functions: list[Json] = [tool["function"] for tool in request["tools"] if "function" in tool]
    choice = request.get("tool_choice", "auto")
    if isinstance(choice, dict):
        named = [one for one in functions if one["name"] == choice["function"]["name"]]
        if not named:
            raise BadRequestError("'tool_choice' names a function that is not among the tools")
        return named[0]
    told = request["messages"][-1].get("role") == "tool" and choice != "required"
    return None if choice == "none" or told or not functions else functions[0]
