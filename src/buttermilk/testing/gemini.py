"""Gemini's generateContent, as the mock speaks it: https://ai.google.dev/api/generate-content

The model is named by the path. Google reads a name in camelCase or with underscores, and its own SDK sends both.
"""

import json
from typing import Any

from buttermilk.testing.replies import Ask, BadRequestError, Json

FINISH = {"length": "MAX_TOKENS", "refusal": "SAFETY"}
SCHEMAS = ("parametersJsonSchema", "parameters_json_schema", "parameters")


def gemini_generate(ask: Ask) -> Json:
    """A function is called where the request forces or offers one, unless its result is what comes last."""
    request, settings = ask.request, ask.settings
    _check(request)
    function = _function_to_call(request)
    config = request.get("generationConfig") or {}
    schema = config.get("responseJsonSchema") or config.get("responseSchema")
    if function is not None:
        schema = next((function[name] for name in SCHEMAS if function.get(name)), {"type": "object"})
    text, finish = ask.text(schema), FINISH.get(ask.fault or "", "STOP")
    parts: list[Json] = [] if ask.fault == "refusal" else [{"text": text}]
    if function is not None and finish == "STOP":
        parts = [] if ask.fault else [{"functionCall": {"name": function["name"], "args": json.loads(text)}}]
        finish = "MALFORMED_FUNCTION_CALL" if ask.fault else finish
    tokens_in, tokens_out = ask.usage(text)
    usage = {"promptTokenCount": tokens_in, "candidatesTokenCount": tokens_out}
    candidate: Json = {"content": {"role": "model", "parts": parts}, "finishReason": finish, "index": 0}
    if config.get("responseLogprobs") and function is None:
        chosen = [{"token": token, "tokenId": 0, "logProbability": logprob} for token, logprob in ask.tokens(text)]
        candidate["logprobsResult"] = {"chosenCandidates": chosen, "topCandidates": []}
    return {
        "candidates": [candidate],
        "usageMetadata": {**usage, "totalTokenCount": tokens_in + tokens_out},
        "modelVersion": settings.model_returned or ask.path.rpartition("/")[2].partition(":")[0],
        "responseId": ask.ident,
    }


def _check(request: Json) -> None:
    contents = request.get("contents")
    if not isinstance(contents, list) or not contents:
        raise BadRequestError("contents is not specified")
    for content in contents:
        if content.get("role", "user") not in ("user", "model"):
            raise BadRequestError("please use a valid role: user, model")
        if not content.get("parts") or not all(isinstance(part, dict) and part for part in content["parts"]):
            raise BadRequestError("each of contents needs parts, and each part its data")


def _function_to_call(request: Json) -> Json | None:
    functions: list[Json] = [one for tool in request.get("tools") or () for one in tool.get("functionDeclarations", ())]
    calling: dict[str, Any] = (request.get("toolConfig") or {}).get("functionCallingConfig") or {}
    mode, allowed = calling.get("mode", "AUTO"), calling.get("allowedFunctionNames")
    named = [one for one in functions if not allowed or one["name"] in allowed]
    if mode == "ANY" and not named:
        raise BadRequestError("allowed_function_names names no function that is declared")
    told = any("functionResponse" in part for part in request["contents"][-1]["parts"])
    return None if mode == "NONE" or not named or (told and mode != "ANY") else named[0]
