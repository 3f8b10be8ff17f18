"""The Gemini dialect against Google's own `google-genai`: its types read our bodies, it sends what we send, and we read
what it would."""

import base64
import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.resources import files
from typing import Any

import pytest
import yaml
from google.genai import Client, types
from google.oauth2.credentials import Credentials
from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic.alias_generators import to_camel

from asking import CODEBOOK, PLANTED, job, keys
from buttermilk.core.flows import Agent, Capabilities
from buttermilk.core.jobs import Usage, fill
from buttermilk.core.messages import Message, Reply, Request
from buttermilk.core.records import Part
from buttermilk.models.gemini import BESIDE, FINISH, Gemini, _schema
from buttermilk.testing import MockProvider

pytestmark = pytest.mark.anyio

BYTES = b"\xff\xfe\xfb>>>?"  # in base64 they need the two signs that the alphabets write differently
FORMS = {"image": "image/png", "audio": "audio/mpeg", "video": "video/mp4", "pdf": "application/pdf"}
SYSTEM, ASKED = (
    "Judge the verse.",
    "[record:v1] the whole bright orchard hummed\u2028“ß𝄞”",
)  # the mock answers by the mark
SCHEMA = _schema(CODEBOOK)
PARAMETERS = {
    "temperature": 0.5,
    "topP": 0.9,
    "topK": 40,
    "maxOutputTokens": 50,
    "stopSequences": ["\n\n"],
    "responseLogprobs": True,
    "logprobs": 3,
    "presencePenalty": 0.25,
    "mediaResolution": "MEDIA_RESOLUTION_LOW",
    "thinkingConfig": {"thinkingBudget": 128, "includeThoughts": True},
}
ASIDE: dict[str, Any] = {
    "safetySettings": [{"category": "HARM_CATEGORY_HATE_SPEECH", "threshold": "BLOCK_NONE"}],
    "tools": [{"googleSearch": {}}],
    "toolConfig": {"retrievalConfig": {"languageCode": "en"}},
    "cachedContent": "cachedContents/guide",
    "labels": {"study": "verse"},
    "serviceTier": "flex",
    "store": False,
    "modelArmorConfig": {"promptTemplateName": "projects/p/locations/r/templates/t"},
}
CALL = {"functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": ["answer"]}}
FUNCTION = {"functionDeclarations": [{"name": "answer", "parametersJsonSchema": SCHEMA}]}
NATIVE = {"responseMimeType": "application/json", "responseJsonSchema": SCHEMA}
FORCED = {"tools": [FUNCTION], "toolConfig": CALL}


class Body(BaseModel):
    """A request, by the SDK's types. It takes nothing else; the SDK warns of a literal that it does not know."""

    model_config = ConfigDict(extra="forbid")

    contents: list[types.Content]
    systemInstruction: types.Content | None = None  # noqa: N815
    generationConfig: types.GenerationConfig | None = None  # noqa: N815
    safetySettings: list[types.SafetySetting] | None = None  # noqa: N815
    tools: list[types.Tool] | None = None
    toolConfig: types.ToolConfig | None = None  # noqa: N815
    cachedContent: str | None = None  # noqa: N815
    labels: dict[str, str] | None = None
    serviceTier: types.ServiceTier | None = None  # noqa: N815
    store: bool | None = None
    modelArmorConfig: types.ModelArmorConfig | None = None  # noqa: N815


def gemini(url: str = "http://127.0.0.1:1", **more: Any) -> Gemini:
    agent = Agent(name="gemini", type="gemini", base_url=url, **{"model": "gemini-3.5-flash", **more})
    return Gemini(agent, keys, lambda key: BYTES)


def request(of: Gemini, *media: str, answers: bool = True, seed: int | None = None) -> Request:
    parts = tuple(Part.model_validate({"kind": kind, "blob": "0" * 64, "media_type": FORMS[kind]}) for kind in media)
    messages = (
        Message(role="system", text=SYSTEM),
        Message(role="user", text=ASKED, media=parts),
        Message(role="assistant", text="So?"),
        Message(role="user", text="Once more."),
    )
    codebook = CODEBOOK if answers else None
    return Request(agent=of.agent, messages=messages, codebook=codebook, seed=seed, job=job(of.agent))


def body(of: Gemini, one: Request) -> Any:
    return json.loads(fill(*of.skeleton(one), of._encode))


def same(found: Any) -> Any:
    """JSON as Google reads it: a name in camelCase or with underscores, base64 in either alphabet."""
    if isinstance(found, list):
        return [same(one) for one in found]
    if not isinstance(found, dict):
        return found
    named = {to_camel(name) if "_" in name else name: same(one) for name, one in found.items()}
    if "mimeType" in named:
        named["data"] = base64.urlsafe_b64decode(named["data"].replace("+", "-").replace("/", "_"))
    return named


# ---- the SDK's types read our bodies

BODIES: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "text": ({}, {"answers": False}),
    "native": ({"capabilities": Capabilities(answers="native")}, {"seed": 7}),
    "tool": ({"capabilities": Capabilities(answers="tool")}, {}),
    "parameters": ({"parameters": {**PARAMETERS, **ASIDE}}, {"seed": 7}),
}


@pytest.mark.parametrize("case", BODIES)
def test_each_body_is_one_by_googles_own_types_in_googles_own_spelling(case: str) -> None:
    more, how = BODIES[case]
    of = gemini(**more)
    found = body(of, request(of, *FORMS, **how))
    read = Body.model_validate_json(json.dumps(found), strict=True)
    again = read.model_dump(mode="json", by_alias=True, exclude_unset=True)
    assert same(again) == same(found)
    assert not re.search(r'"[a-z]+_[a-z_]+":', json.dumps(found))


PLANTS: list[tuple[tuple[Any, ...], Any]] = [
    (("system",), SYSTEM),
    (("contents", 0, "parts", 0, "txt"), ASKED),
    (("contents", 0, "parts", 1, "inlineData", "mediaType"), "image/png"),
    (("contents", 0, "parts", 1, "inlineData", "data"), "*no base64*"),
    (("generationConfig", "maxTokens"), 50),
    (("generationConfig", "seed"), "7"),
    (("generationConfig", "thinkingConfig", "budget"), 1),
    (("generationConfig", "mediaResolution"), "SMALL"),
    (("safetySettings", 0, "threshold"), "NEVER"),
    (("tools", 1, "functionDeclarations", 0, "strict"), True),
    (("toolConfig", "functionCallingConfig", "mode"), "REQUIRED"),
]


@pytest.mark.parametrize(("place", "wrong"), PLANTS, ids=lambda one: str(one[-1]) if isinstance(one, tuple) else "")
def test_a_wrong_key_or_word_would_be_found(place: tuple[Any, ...], wrong: Any) -> None:
    of = gemini(parameters={**PARAMETERS, **ASIDE}, capabilities=Capabilities(answers="tool"))
    found = holder = body(of, request(of, "image"))
    Body.model_validate_json(json.dumps(found), strict=True)
    for step in place[:-1]:
        holder = holder[step]
    holder[place[-1]] = wrong
    with pytest.raises((ValidationError, UserWarning)):
        Body.model_validate_json(json.dumps(found), strict=True)


def test_the_schema_has_only_what_google_reads_in_one() -> None:
    documented = types.GenerateContentConfig.model_fields["response_json_schema"].description or ""
    known = set(re.findall(r"`([$a-zA-Z]+)`", documented))
    assert {"anyOf", "enum", "additionalProperties"} <= known

    def words(schema: Mapping[str, Any]) -> Iterator[str]:
        yield from schema
        for inner in [*schema.get("properties", {}).values(), *schema.get("anyOf", ())]:
            yield from words(inner)

    assert set(words(SCHEMA)) <= known


def test_each_reason_that_is_known_here_is_one_of_googles() -> None:
    assert {reason.value for reason in types.FinishReason} >= set(FINISH)


def test_the_packaged_agent_says_what_google_reads() -> None:
    packaged = yaml.safe_load((files("buttermilk") / "conf/agent/gemini.yaml").read_text("utf-8"))
    of = Gemini(Agent(name="gemini", **packaged), keys, lambda key: BYTES)
    found = body(of, request(of, *of.agent.capabilities.inputs[1:], seed=7))
    read = Body.model_validate_json(json.dumps(found), strict=True)
    assert len(read.safetySettings or ()) == 4
    assert of._address.path == "/v1beta/models/gemini-3.5-flash:generateContent"


# ---- the SDK sends what we send


@contextmanager
def official(mock: MockProvider, door: str) -> Iterator[Client]:
    """Google's client, on the mock."""
    if door == "vertex":
        options = types.HttpOptions(base_url=mock.root, api_version="v1")
        credentials = Credentials(PLANTED)  # type: ignore[no-untyped-call]
        client = Client(vertexai=True, project="p", location="r", credentials=credentials, http_options=options)
    else:
        client = Client(api_key=PLANTED, http_options=types.HttpOptions(base_url=mock.root, api_version="v1beta"))
    try:
        yield client
    finally:
        client.close()


def asked_of(
    client: Client, model: str, media: tuple[str, ...], config: dict[str, Any]
) -> types.GenerateContentResponse:
    """The question of `request`, as the SDK's user writes it."""
    given = [types.Part.from_bytes(data=BYTES, mime_type=FORMS[kind]) for kind in media]
    contents: Any = [
        types.Content(role="user", parts=[types.Part.from_text(text=ASKED), *given]),
        types.Content(role="model", parts=[types.Part.from_text(text="So?")]),
        types.Content(role="user", parts=[types.Part.from_text(text="Once more.")]),
    ]
    system = types.Content(parts=[types.Part.from_text(text=SYSTEM)])
    whole = types.GenerateContentConfig.model_validate({"systemInstruction": system, **config})
    return client.models.generate_content(model=model, contents=contents, config=whole)


async def both(
    door: str,
    config: dict[str, Any],
    *media: str,
    model: str = "gemini-3.5-flash",
    seed: int | None = None,
    **more: Any,
) -> tuple[types.GenerateContentResponse, Reply]:
    """The same question by the SDK and by us: path, body and key are the same."""
    with MockProvider() as mock, official(mock, door) as client:
        theirs = asked_of(client, model, media, config)
        base = "/v1/projects/p/locations/r" if door == "vertex" else "/v1beta"
        of = gemini(mock.root + base, model=model, door=door, key="secret://env/KEY", **more)
        reply = await of.complete(request(of, *media, seed=seed, answers="capabilities" in more))
        await of.close()
        one, other = mock.requests(2)
    assert one["path"] == other["path"]
    assert same(one["body"]) == same({"generationConfig": {}, **other["body"]})  # theirs is there when it is empty too
    header = "authorization" if door == "vertex" else "x-goog-api-key"
    assert one["headers"][header] == other["headers"][header]
    return theirs, reply


QUESTIONS: dict[str, tuple[tuple[str, ...], dict[str, Any], dict[str, Any]]] = {
    "text": ((), {}, {}),
    **{kind: ((kind,), {}, {}) for kind in FORMS},
    "all media": (tuple(FORMS), {}, {}),
    "native": ((), NATIVE, {"capabilities": Capabilities(answers="native")}),
    "tool": (("image",), FORCED, {"capabilities": Capabilities(answers="tool")}),
    "seed": ((), {"seed": 2**31 - 1}, {"seed": 2**31 - 1}),
    "parameters": ((), PARAMETERS, {"parameters": PARAMETERS}),
}


@pytest.mark.parametrize("door", ["", "vertex"])
@pytest.mark.parametrize("case", QUESTIONS)
async def test_googles_own_client_sends_what_we_send_and_reads_what_we_read(case: str, door: str) -> None:
    media, config, more = QUESTIONS[case]
    theirs, reply = await both(door, config, *media, **more)
    call = theirs.function_calls
    assert (json.dumps(call[0].args) if call else theirs.text) == reply.text
    usage = theirs.usage_metadata
    assert usage is not None
    assert (usage.prompt_token_count, usage.candidates_token_count) > (0, 0)
    assert (theirs.model_version, reply.model_returned) == ("gemini-3.5-flash", "gemini-3.5-flash")


@pytest.mark.parametrize("name", sorted(BESIDE))
async def test_what_stands_beside_the_generation_config_stands_there_in_googles_client_too(name: str) -> None:
    given = {"temperature": 0.5, name: ASIDE[name]}
    await both("vertex" if name == "modelArmorConfig" else "", given, parameters=given)


@pytest.mark.parametrize(
    ("door", "model"),
    [
        ("", "models/gemini-3.5-flash"),
        ("", "tunedModels/verse-1"),
        ("vertex", "publishers/google/models/gemini-3.5-flash"),
        ("vertex", "publishers/meta/models/llama-5"),
    ],
)
async def test_a_model_that_is_named_with_its_kind_has_the_path_that_googles_client_gives_it(
    door: str, model: str
) -> None:
    await both(door, {}, model=model)


# ---- replies by the SDK's types are read


def read(*, candidates: Any = None, **more: Any) -> Reply:
    response = types.GenerateContentResponse(candidates=candidates, **more)
    return gemini().understood(response.model_dump_json(by_alias=True, exclude_none=True).encode(), {})


def candidate(*parts: types.Part, reason: types.FinishReason = types.FinishReason.STOP, **more: Any) -> types.Candidate:
    content = types.Content(role="model", parts=list(parts)) if parts else None
    return types.Candidate(content=content, finish_reason=reason, index=0, **more)


def test_text_is_read_without_the_thoughts_and_with_its_names() -> None:
    thought = types.Part(text="Let me see.", thought=True, thought_signature=b"sig")
    reply = read(
        candidates=[candidate(thought, types.Part(text="Yes"), types.Part(text="."), avg_logprobs=-0.1)],
        model_version="gemini-3.5-flash-001",
        response_id="r-1",
    )
    assert (reply.text, reply.finish, reply.refusal) == ("Yes.", "stop", None)
    assert (reply.model_returned, reply.response_id) == ("gemini-3.5-flash-001", "r-1")


def test_cached_tokens_are_part_of_the_input_and_thoughts_of_the_output() -> None:
    usage = types.GenerateContentResponseUsageMetadata(
        prompt_token_count=100,
        cached_content_token_count=64,
        candidates_token_count=20,
        thoughts_token_count=30,
        total_token_count=150,
        prompt_tokens_details=[types.ModalityTokenCount(modality=types.MediaModality.TEXT, token_count=100)],
    )
    reply = read(candidates=[candidate(types.Part(text="Yes"))], usage_metadata=usage)
    assert reply.usage == Usage(input_tokens=100, output_tokens=50, cached_tokens=64, reasoning_tokens=30)


def test_probabilities_of_tokens_are_read_and_one_that_is_left_out_is_nought() -> None:
    chosen = [
        types.LogprobsResultCandidate(token="Yes", log_probability=-0.5),
        types.LogprobsResultCandidate(token="."),
    ]
    told = types.LogprobsResult(chosen_candidates=chosen)
    reply = read(candidates=[candidate(types.Part(text="Yes."), logprobs_result=told)])
    assert reply.tokens == ((b"Yes", -0.5), (b".", 0.0))


def test_a_function_call_is_read() -> None:
    call = types.FunctionCall(id="c1", name="answer", args={"feeling": "mixed", "reason": None})
    reply = read(candidates=[candidate(types.Part(function_call=call))])
    assert json.loads(reply.text) == {"feeling": "mixed", "reason": None}


@pytest.mark.parametrize("reason", [reason for reason in types.FinishReason if FINISH.get(reason) == "filter"])
def test_a_stop_for_safety_is_read(reason: types.FinishReason) -> None:
    rating = types.SafetyRating(
        category=types.HarmCategory.HARM_CATEGORY_HARASSMENT, probability=types.HarmProbability.HIGH, blocked=True
    )
    reply = read(candidates=[candidate(reason=reason, safety_ratings=[rating])])
    assert (reply.text, reply.finish, reply.refusal) == ("", "filter", f"the answer was stopped: {reason.value}")


@pytest.mark.parametrize("reason", list(types.BlockedReason))
def test_a_blocked_prompt_is_read(reason: types.BlockedReason) -> None:
    feedback = types.GenerateContentResponsePromptFeedback(block_reason=reason)
    reply = read(prompt_feedback=feedback)
    assert (reply.text, reply.finish, reply.refusal) == ("", "filter", f"the prompt was blocked: {reason.value}")


@pytest.mark.parametrize("parts", [(), (types.Part(text='{"feel'),)])
def test_an_answer_that_is_cut_off_is_read(parts: tuple[types.Part, ...]) -> None:
    reply = read(candidates=[candidate(*parts, reason=types.FinishReason.MAX_TOKENS)])
    assert (reply.text, reply.finish) == ('{"feel' if parts else "", "length")
