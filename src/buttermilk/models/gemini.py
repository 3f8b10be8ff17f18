"""Gemini's generateContent, by the Gemini API and on Vertex AI.

Wire format: https://ai.google.dev/api/generate-content, and for Vertex AI
https://cloud.google.com/vertex-ai/generative-ai/docs/model-reference/inference (read 2026-11). The body holds what the
agent declares and nothing else: of its `parameters`, those in BESIDE stand at the top, any other in `generationConfig`.
What many bodies begin with is cached unasked.
"""

import json
from collections.abc import Collection, Mapping
from typing import Any, ClassVar

from buttermilk.core.flows import Agent, Codebook
from buttermilk.core.jobs import Usage
from buttermilk.core.messages import Finish, Message, Reply, Request
from buttermilk.core.records import Part
from buttermilk.models.batches import BatchWay, GeminiBatches
from buttermilk.models.dialect import TOOL, Dialect, Goes, blob, each_schema, text, tokens_of
from buttermilk.models.uploads import FILE, GeminiUploads, Uploads

KINDS = ("image", "audio", "video", "pdf")
BESIDE = frozenset(
    {"cachedContent", "labels", "modelArmorConfig", "safetySettings", "serviceTier", "store", "toolConfig", "tools"}
)
FILTERS = (
    "SAFETY RECITATION BLOCKLIST PROHIBITED_CONTENT SPII IMAGE_SAFETY IMAGE_PROHIBITED_CONTENT IMAGE_RECITATION "
    "MODEL_ARMOR ESCALATION"
)
# CONTINUATION: the limit of one request is reached, and a further one would get the rest.
FINISH: Mapping[str, Finish] = {
    "STOP": "stop",
    "MAX_TOKENS": "length",
    "CONTINUATION": "length",
    **dict.fromkeys(FILTERS.split(), "filter"),
}


class Gemini(Dialect):
    """Answers by `responseJsonSchema` (native), by a forced call (tool), or by the prompt alone (prompted).

    On Vertex AI (`door: vertex`) the address names project and region:
    https://REGION-aiplatform.googleapis.com/v1/projects/PROJECT/locations/REGION
    """

    batches: ClassVar[type[BatchWay] | None] = GeminiBatches
    uploads: ClassVar[type[Uploads] | None] = GeminiUploads
    takes_files: ClassVar[Collection[str]] = KINDS
    fetches: Mapping[str, Collection[str]] = dict.fromkeys(KINDS, ("https", "gs"))
    says: ClassVar[str] = "answer of generateContent"
    example: ClassVar[str] = "https://generativelanguage.googleapis.com/v1beta"
    keys: ClassVar[Mapping[str, tuple[str, str]]] = {"": ("x-goog-api-key", ""), "vertex": ("Authorization", "Bearer ")}

    def path(self) -> str:
        """A model that is no publisher's is written with its kind: `tunedModels/mine`, `endpoints/123`."""
        models = "publishers/google/models/" if self.agent.door == "vertex" else "models/"
        model = self.agent.model
        return f"/{model if '/' in model else models + model}:generateContent"

    def body(self, request: Request) -> dict[str, Any]:
        given = self.agent.parameters
        beside: dict[str, Any] = {name: value for name, value in given.items() if name in BESIDE}
        config: dict[str, Any] = {name: value for name, value in given.items() if name not in BESIDE}
        if request.seed is not None:
            config["seed"] = request.seed
        if request.codebook:
            _ask_for_answers(request.codebook, self.agent, beside, config)
        body: dict[str, Any] = {"contents": [], **beside}
        for number, message in enumerate(request.messages):
            if message.role == "system":
                body.setdefault("systemInstruction", {"parts": []})["parts"] += self._parts(message, number)
            else:
                role = "model" if message.role == "assistant" else "user"
                body["contents"].append({"role": role, "parts": self._parts(message, number)})
        return body | ({"generationConfig": config} if config else {})

    def _parts(self, message: Message, number: int) -> list[dict[str, Any]]:
        return [{"text": text(number)}, *(_media(part, self.goes(part)) for part in message.media)]

    def read(self, found: Any) -> Reply:
        candidates = found.get("candidates") or ()
        said, refusal, finish = _answer(candidates[0]) if candidates else _blocked(found)
        chosen = (candidates[0].get("logprobsResult") or {}).get("chosenCandidates") if candidates else None
        return Reply(
            text=said,
            refusal=refusal,
            finish=finish,
            usage=_usage(found.get("usageMetadata") or {}),
            model_returned=found.get("modelVersion") or "",
            response_id=found.get("responseId") or "",
            tokens=tokens_of(chosen, "logProbability", 0.0),  # Google leaves out a number that is nought
        )


def _media(part: Part, goes: Goes) -> dict[str, Any]:
    """https://ai.google.dev/api/caching#Part: image, audio, video and PDF alike."""
    if goes == "inline":
        return {"inlineData": {"mimeType": part.media_type, "data": blob(part.blob)}}
    place = part.url if goes == "url" else blob(part.blob, FILE)
    return {"fileData": {"mimeType": part.media_type, "fileUri": place}}


def _ask_for_answers(codebook: Codebook, agent: Agent, beside: dict[str, Any], config: dict[str, Any]) -> None:
    """Adds to what the agent declares: it may have tools of its own."""
    strategy = agent.capabilities.answers
    if strategy == "native":
        config |= {"responseMimeType": "application/json", "responseJsonSchema": _schema(codebook)}
    elif strategy == "tool":
        function = {"name": TOOL, "parametersJsonSchema": _schema(codebook)}
        beside["tools"] = [*beside.get("tools", ()), {"functionDeclarations": [function]}]
        forced = {"functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": [TOOL]}}
        beside["toolConfig"] = beside.get("toolConfig", {}) | forced


def _schema(codebook: Codebook) -> dict[str, Any]:
    """`enum` is for strings and numbers here: that null is an answer too stands in an `anyOf` by itself, as the
    service takes no other key beside one. https://ai.google.dev/api/generate-content#generationconfig
    """
    return each_schema(codebook.schema_, _nullable)


def _nullable(schema: dict[str, Any]) -> dict[str, Any]:
    if None not in schema.get("enum", ()):
        return schema
    labels = [label for label in schema["enum"] if label is not None]
    return {"anyOf": [schema | {"type": "string", "enum": labels}, {"type": "null"}]}


def _answer(candidate: Mapping[str, Any]) -> tuple[str, str | None, Finish]:
    """The arguments of the forced call, or the text without the thoughts; why it is refused; how it ended."""
    parts = (candidate.get("content") or {}).get("parts") or ()
    calls = [part["functionCall"] for part in parts if part.get("functionCall")]
    answers = [call.get("args") or {} for call in calls if call["name"] == TOOL]
    said = "".join(part.get("text") or "" for part in parts if not part.get("thought"))
    reason = candidate.get("finishReason") or "STOP"
    finish = FINISH.get(reason, "other")
    refusal = f"the answer was stopped: {candidate.get('finishMessage') or reason}" if finish == "filter" else None
    return json.dumps(answers[0], ensure_ascii=False) if answers else said, refusal, finish


def _blocked(found: Mapping[str, Any]) -> tuple[str, str | None, Finish]:
    """https://ai.google.dev/api/generate-content#PromptFeedback"""
    feedback = found["promptFeedback"]
    said = feedback.get("blockReasonMessage")
    return "", f"the prompt was blocked: {feedback['blockReason']}" + (f" ({said})" if said else ""), "filter"


def _usage(found: Mapping[str, Any]) -> Usage:
    """`promptTokenCount` includes the cached ones here; what Google's own tools put before the model is counted apart,
    and so are the thoughts, which `candidatesTokenCount` leaves out: the four are its total.
    https://ai.google.dev/api/generate-content#UsageMetadata
    """
    thoughts = found.get("thoughtsTokenCount") or 0
    return Usage(
        input_tokens=(found.get("promptTokenCount") or 0) + (found.get("toolUsePromptTokenCount") or 0),
        output_tokens=(found.get("candidatesTokenCount") or 0) + thoughts,
        cached_tokens=found.get("cachedContentTokenCount") or 0,
        reasoning_tokens=thoughts,
    )
