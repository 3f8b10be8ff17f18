"""Any model that pydantic-ai reaches (Bedrock Converse, Mistral, Cohere, …): `model: bedrock:amazon.nova-lite-v1:0`.

A bridge to what has no dialect here: pydantic-ai writes the body, and adds to it what it thinks fit. Those bytes are
not ours to see: `sent` is what it was handed, and `raw` what it made of the reply.
https://pydantic.dev/docs/ai/core-concepts/direct (pydantic-ai 2, read 2026-11)

`parameters` are its ModelSettings. Without a `key`, the vendor's library looks for its own, as AWS's does.
"""

import asyncio
import json
from collections.abc import Collection, Mapping
from typing import Any, ClassVar, cast
from urllib.parse import urlsplit

from pydantic_ai import messages as turns
from pydantic_ai.direct import model_request
from pydantic_ai.exceptions import (
    AgentRunError,
    ModelAPIError,
    ModelConnectionError,
    ModelHTTPError,
    ModelRateLimitError,
    ModelRequestTimeout,
    ModelServerError,
    ModelTimeoutError,
    ModelUnavailableError,
    UnexpectedModelBehavior,
    UserError,
)
from pydantic_ai.models import Model, ModelRequestParameters, infer_model
from pydantic_ai.output import OutputObjectDefinition
from pydantic_ai.providers import Provider, infer_provider, infer_provider_class
from pydantic_ai.settings import ModelSettings
from pydantic_ai.tools import ToolDefinition
from pydantic_core import to_json

from buttermilk.core.contracts import Blobs, Keys
from buttermilk.core.errors import ConfigError, Permanent, ProviderError, RateLimited, TimedOut, Unavailable
from buttermilk.core.flows import Agent, Codebook
from buttermilk.core.hashing import sha256
from buttermilk.core.jobs import Sent, Usage, fill
from buttermilk.core.messages import Finish, Message, Reply, Request
from buttermilk.models.dialect import LOCAL, TOOL, text
from buttermilk.wire import LONG

FINISH: Mapping[str, Finish] = {"stop": "stop", "tool_call": "stop", "length": "length", "content_filter": "filter"}
PASSING = (ModelConnectionError, ModelUnavailableError, ModelServerError, UnexpectedModelBehavior)


class PydanticAI:
    """Answers by native schema, by output tool, or by the prompt alone, as far as pydantic-ai has that of the model."""

    simulated: ClassVar[bool] = False
    keys: ClassVar[tuple[str, ...]] = ("",)
    fetches: Mapping[str, Collection[str]] = {}
    takes: ClassVar[tuple[str, ...]] = ("text", "image", "audio", "pdf")  # video, where its vendor's models do

    def __init__(self, agent: Agent, keys: Keys, blobs: Blobs) -> None:
        vendor, _, name = agent.model.partition(":")
        where = f"agent '{agent.name}'"
        if not vendor or not name:
            hint = "e.g. model: bedrock:amazon.nova-lite-v1:0"
            raise ConfigError(f"'{agent.model}' does not name a vendor and its model.", where=where, hint=hint)
        if agent.headers or agent.door or agent.capabilities.media or agent.capabilities.cache:
            said = f"'{agent.type}' knows no `headers` and no `door`, no `media: upload` and no `cache`."
            raise ConfigError(said, where=where, hint="Take them out.")
        self._agent, self._blobs = agent, blobs
        self._key = keys(agent.key).reveal() if agent.key else ""
        self.endpoint = agent.base_url.rstrip("/") or vendor
        self.local = urlsplit(agent.base_url).hostname in LOCAL
        try:
            self._model: Model[Any] = infer_model(agent.model, self._provider)
        except (ImportError, UserError, ValueError, TypeError) as error:
            hint = "`base_url` and `key` must be such as this vendor takes: key: secret://env/NAME"
            raise ConfigError(self._veiled(str(error)), where=where, hint=hint) from error
        # The engine asks again, and keeps count.
        self._once = {} if "max_retries" in self._model.unsupported_settings else {"max_retries": 0}
        self._entered = False

    def _provider(self, vendor: str) -> Provider[Any]:
        given = {"api_key": self._key, "base_url": self._agent.base_url}
        given = {name: one for name, one in given.items() if one}
        return infer_provider_class(vendor)(**given) if given else infer_provider(vendor)

    def check(self, codebook: Codebook) -> None:
        """Raises ConfigError where pydantic-ai has no such way to answer for this model."""
        try:
            self._model.prepare_request(None, _shape(codebook, self._agent))
        except UserError as error:
            hint = "Under `capabilities` write another: `answers: native`, `tool` or `prompted`."
            raise ConfigError(str(error), where=f"agent '{self._agent.name}'", hint=hint) from error

    async def complete(self, request: Request) -> Reply:
        if not self._entered:
            self._entered = True
            await self._model.__aenter__()
        settings = dict(self._agent.parameters) | ({} if request.seed is None else {"seed": request.seed})
        sent, seconds = _handed(request, settings), self._agent.limits.timeout_seconds
        said = [_turn(message, self._blobs) for message in request.messages]
        use, shape = cast(ModelSettings, self._once | settings), _shape(request.codebook, self._agent)
        try:
            async with asyncio.timeout(seconds):
                found = await model_request(self._model, said, model_settings=use, model_request_parameters=shape)
        except TimeoutError as error:
            raise TimedOut(f"{self.endpoint} did not answer within {seconds:g} s.") from error
        except AgentRunError as error:
            raise self._ours(error) from error
        except (UserError, NotImplementedError) as error:  # a medium, say, that this model is not sent
            raise Permanent(self._veiled(str(error)), kind="not_taken") from error
        except (ValueError, KeyError, IndexError, TypeError, AttributeError) as error:  # it trusts what it reads
            raise Unavailable(f"pydantic-ai could not read the reply: {error!r}", kind="malformed") from error
        return _reply(found)._replace(raw=self._veiled(to_json(found, fallback=str).decode()), sent=sent)

    async def close(self) -> None:
        if self._entered:
            self._entered = False
            await self._model.__aexit__(None, None, None)

    def _veiled(self, said: str) -> str:
        return said.replace(self._key, "[key]") if len(self._key) >= LONG else said

    def _ours(self, error: AgentRunError) -> ProviderError:
        """By the category that pydantic-ai found, or else by the status."""
        status = error.status_code if isinstance(error, ModelHTTPError) else 0
        wait = error.retry_after if isinstance(error, ModelAPIError) else None
        body = getattr(error, "body", None)
        raw = self._veiled(body if isinstance(body, str) else to_json(body, fallback=str).decode())
        said = self._veiled(error.message)[:300]
        kind = "malformed" if isinstance(error, UnexpectedModelBehavior) else "unreachable"
        kind = f"http_{status}" if status else kind
        if isinstance(error, ModelRateLimitError) or status in (429, 529):
            return RateLimited(said, raw=raw, http_status=status, retry_after_seconds=wait)
        if isinstance(error, ModelTimeoutError | ModelRequestTimeout):
            return TimedOut(said, raw=raw, http_status=status)
        if isinstance(error, PASSING) or status >= 500 or status in (408, 409, 425):
            return Unavailable(said, kind=kind, raw=raw, http_status=status, retry_after_seconds=wait)
        return Permanent(said, kind=kind if status else "permanent", raw=raw, http_status=status)


def _turn(message: Message, blobs: Blobs) -> turns.ModelMessage:
    if message.role == "assistant":
        return turns.ModelResponse(parts=[turns.TextPart(message.text)])
    if message.role == "system":
        return turns.ModelRequest(parts=[turns.SystemPromptPart(message.text)])
    if at := next((part.url for part in message.media if part.url), None):
        # pydantic-ai would fetch it, for some vendors, and what an answer is about would be known to nobody.
        raise Permanent(f"media are not taken by their address here ({at}): download the file.", kind="media")
    media = [turns.BinaryContent(blobs(part.blob or ""), media_type=part.media_type) for part in message.media]
    return turns.ModelRequest(parts=[turns.UserPromptPart([message.text, *media] if media else message.text)])


def _shape(codebook: Codebook | None, agent: Agent) -> ModelRequestParameters:
    """How strictly a vendor holds a model to the schema is left to pydantic-ai, which knows them."""
    strategy = agent.capabilities.answers
    if codebook is None or strategy == "prompted":
        return ModelRequestParameters()
    schema: dict[str, Any] = dict(codebook.schema_)
    if strategy == "native":
        return ModelRequestParameters(output_mode="native", output_object=OutputObjectDefinition(schema, name=TOOL))
    tool = ToolDefinition(name=TOOL, parameters_json_schema=schema, kind="output")
    return ModelRequestParameters(output_mode="tool", output_tools=[tool], allow_text_output=False)


def _handed(request: Request, settings: Mapping[str, Any]) -> Sent:
    said = [
        {"role": message.role, "content": text(number), "media": [part.blob for part in message.media]}
        for number, message in enumerate(request.messages)
    ]
    whole: dict[str, Any] = {"model": request.agent.model, "settings": settings, "messages": said}
    if request.codebook:
        whole |= {"answers": request.agent.capabilities.answers, "schema": request.codebook.schema_}
    skeleton = json.dumps(whole, ensure_ascii=False, separators=(",", ":"))
    texts = tuple(message.text for message in request.messages)
    digest = sha256(fill(skeleton, texts))
    return Sent(method="pydantic_ai", url=request.agent.model, skeleton=skeleton, texts=texts, sha256=digest)


def _reply(found: turns.ModelResponse) -> Reply:
    calls = [part for part in found.tool_calls if part.tool_name == TOOL]
    usage = found.usage
    return Reply(
        text=calls[0].args_as_json_str() if calls else found.text or "",
        refusal=(found.provider_details or {}).get("refusal"),
        finish=FINISH.get(found.finish_reason or "stop", "other"),
        usage=Usage(
            input_tokens=usage.input_tokens,
            output_tokens=usage.output_tokens,
            cached_tokens=usage.cache_read_tokens,
            cache_write_tokens=usage.cache_write_tokens,
            reasoning_tokens=usage.details.get("reasoning_tokens", 0),
        ),
        model_returned=found.model_name or "",
        response_id=found.provider_response_id or "",
    )
