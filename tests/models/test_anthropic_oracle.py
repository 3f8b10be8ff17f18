"""Anthropic's own library as the judge: it sends what we send, its types take our bodies, and we read its replies."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple
from urllib.parse import unquote

import pytest
from anthropic import Anthropic, AnthropicBedrock, AnthropicFoundry, AnthropicVertex, transform_schema
from anthropic.types import (
    CacheCreation,
    Message,
    OutputTokensDetails,
    RefusalStopDetails,
    TextBlock,
    ThinkingBlock,
    ToolUseBlock,
    Usage,
)
from anthropic.types.message_create_params import MessageCreateParamsNonStreaming
from pydantic import TypeAdapter

from asking import PLANTED, keys
from buttermilk.core.flows import Agent, Capabilities
from buttermilk.core.jobs import Usage as OurUsage
from buttermilk.models.anthropic import IN_BODY, VERSION, AnthropicMessages
from buttermilk.testing import MockProvider
from oracle import ASKINGS, EVERY_KIND, blobs, two_bodies, whole

pytestmark = pytest.mark.anyio

MODEL = "claude-sonnet-4-5@20250929"
ARN = "arn:aws:bedrock:eu-west-1:123456789012:inference-profile/eu.anthropic.claude-sonnet-4-5-20250929-v1:0"
BODIES = TypeAdapter(MessageCreateParamsNonStreaming)


# How the library is asked each question. It would ask for a newer version of the API, and is told ours.

VERSE = {"role": "user", "content": "The orchard hummed."}
IMAGE = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "YSBwaWN0dXJl"}}
PAPER = {"type": "document", "source": {"type": "base64", "media_type": "application/pdf", "data": "JVBERi0xLjc="}}
SYSTEM = {"system": "Judge the verse."}
COPIED = "In its words?\nCopied letter for letter from the text."
SIGN = {
    "type": "object",
    "properties": {
        "words": {"type": "array", "description": COPIED, "items": {"type": "string"}},
        "mood": {"description": "Of which mood?", "enum": ["calm", "stormy", None]},
        "force": {"description": "How strong?", "anyOf": [{"type": "number"}, {"type": "null"}]},
    },
    "required": ["words", "mood", "force"],
    "additionalProperties": False,
}
NATIVE = {
    "type": "object",
    "properties": {
        "mood": {"description": "Which mood?", "enum": ["calm", "stormy"]},
        "second": {"description": "A second one?", "enum": ["calm", "stormy", None]},
        "words": {"type": "number", "description": "How many words?"},
        "line": {"description": "In which line?", "anyOf": [{"type": "number"}, {"type": "null"}]},
        "why": {"description": "Why?", "anyOf": [{"type": "string"}, {"type": "null"}]},
        "all": {"type": "array", "description": "Which moods?", "items": {"enum": ["calm", "stormy"]}},
        "signs": {"type": "array", "description": "What shows it?", "items": SIGN},
    },
    "required": ["mood", "second", "words", "line", "why", "all", "signs"],
    "additionalProperties": False,
}


def beside(*blocks: Any) -> dict[str, Any]:
    return {**SYSTEM, "messages": [{**VERSE, "content": [*blocks, {"type": "text", "text": "The orchard hummed."}]}]}


THEIRS: Mapping[str, dict[str, Any]] = {
    "text": {"messages": [VERSE]},
    "system": {**SYSTEM, "messages": [VERSE]},
    "two systems": {
        "system": [{"type": "text", "text": "Judge the verse."}, {"type": "text", "text": "Be brief."}],
        "messages": [VERSE],
    },
    "two users": {**SYSTEM, "messages": [VERSE, {"role": "user", "content": "And the hills?"}]},
    "asked again": {
        "messages": [VERSE, {"role": "assistant", "content": "Calm."}, {"role": "user", "content": "As JSON."}]
    },
    "image": beside(IMAGE),
    "pdf": beside(PAPER, IMAGE),
    "native": {
        **SYSTEM,
        "messages": [VERSE],
        "output_config": {"effort": "low", "format": {"type": "json_schema", "schema": NATIVE}},
    },
    "tool": {
        **SYSTEM,
        "messages": [VERSE],
        "tools": [{"name": "answer", "input_schema": EVERY_KIND.schema_}],
        "tool_choice": {"type": "tool", "name": "answer", "disable_parallel_tool_use": True},
    },
}
PARAMETERS: dict[str, Any] = {
    "max_tokens": 300,
    "stop_sequences": ["END"],
    "cache_control": {"type": "ephemeral", "ttl": "1h"},
    "output_config": {"effort": "low"},
}


class Door(NamedTuple):
    """Our agent's door, and the library's client for it, before the same mock."""

    name: str
    address: str
    client: Any
    mock: MockProvider

    async def asked(self, ours: AnthropicMessages, name: str, **said: Any) -> list[dict[str, Any]]:
        said = {"model": ours.agent.model, "max_tokens": 300, **said, **THEIRS[name]}
        request = ASKINGS[name].request(ours.agent)
        return await two_bodies(self.mock, ours, request, lambda: self.client.messages.create(**said))


OPEN: dict[str, Any] = {"max_retries": 0, "_strict_response_validation": True}
DATED: dict[str, Any] = {"api_key": PLANTED, "default_headers": {"anthropic-version": VERSION}, **OPEN}
PLACE = {"region": "europe-west1", "project_id": "verses", "access_token": PLANTED, **OPEN}
CLIENTS: Mapping[str, Callable[[str], Any]] = {
    "": lambda root: Anthropic(base_url=root, **DATED),
    "foundry": lambda root: AnthropicFoundry(base_url=f"{root}/anthropic", **DATED),
    "vertex": lambda root: AnthropicVertex(base_url=f"{root}/v1", **PLACE),
    "bedrock": lambda root: AnthropicBedrock(base_url=root, aws_region="eu-west-1", api_key=PLANTED, **OPEN),
}
BEHIND = {"foundry": "/anthropic", "vertex": "/v1/projects/verses/locations/europe-west1"}


@pytest.fixture(scope="module", params=CLIENTS, ids=lambda name: name or "direct")
def door(request: pytest.FixtureRequest) -> Iterator[Door]:
    with MockProvider() as mock, CLIENTS[request.param](mock.root) as client:
        yield Door(request.param, mock.root + BEHIND.get(request.param, ""), client, mock)


def claude(url: str = "http://127.0.0.1:1", *, answers: Any = "native", **more: Any) -> AnthropicMessages:
    able = Capabilities(inputs=("text", "image", "pdf"), answers=answers)
    given = {"model": MODEL, "parameters": PARAMETERS, "capabilities": able, "key": "secret://env/K", **more}
    return AnthropicMessages(Agent(name="claude", type="anthropic", base_url=url, **given), keys, blobs)


# ---- out


@pytest.mark.parametrize("name", THEIRS)
async def test_the_library_sends_what_we_send(name: str, door: Door) -> None:
    warm = {"temperature": 0.7}  # the library has no word for it any more; the version that we ask for has
    version = {"anthropic_version": IN_BODY[door.name]} if door.name in IN_BODY else {}
    parameters = PARAMETERS | warm
    ours = claude(door.address, door=door.name, answers=ASKINGS[name].answers, parameters=parameters)
    mine, theirs = await door.asked(ours, name, **PARAMETERS, extra_body=warm | version)
    assert mine["body"] == theirs["body"]
    assert unquote(mine["path"]) == unquote(theirs["path"])
    assert mine["headers"].get("anthropic-version") == theirs["headers"].get("anthropic-version")


@pytest.mark.parametrize("door", ["bedrock"], indirect=True)
async def test_a_model_that_is_named_by_an_address_of_amazon_is_found_at_the_same_path(door: Door) -> None:
    mine, theirs = await door.asked(claude(door.address, door="bedrock", model=ARN), "text")
    assert mine["path"] == theirs["path"]
    assert mine["path"].endswith("20250929-v1:0/invoke")


async def test_the_key_is_sent_as_the_door_has_it(door: Door) -> None:
    mine, theirs = await door.asked(claude(door.address, door=door.name), "text")
    header = "authorization" if door.name in IN_BODY else "x-api-key"
    assert mine["headers"][header] == f"...{PLANTED[-4:]}"
    assert header in theirs["headers"] or door.name == ""  # it has begun to send a Bearer to Anthropic; both are taken


async def test_a_newer_version_of_the_api_is_asked_for_where_the_study_says_so(door: Door) -> None:
    new = "2026-10-21"
    in_body = door.name in IN_BODY
    more = {"parameters": {"max_tokens": 300, "anthropic_version": new}} if in_body else {}
    headers = {} if in_body else {"anthropic-version": new}
    mine, _ = await door.asked(claude(door.address, door=door.name, headers=headers, **more), "text")
    assert (mine["body"].get("anthropic_version"), mine["headers"].get("anthropic-version")) == (
        (new, None) if in_body else (None, new)
    )


@pytest.mark.parametrize("name", THEIRS)
def test_the_librarys_types_take_each_body_and_know_all_that_is_in_it(name: str) -> None:
    ours = claude(answers=ASKINGS[name].answers)
    body = ours.body(ASKINGS[name].request(ours.agent))
    said = filled(body)
    assert whole(BODIES.validate_python(said)) == said


def filled(body: Any) -> Any:
    """The body with a word in the place of each text and medium."""
    if isinstance(body, list):
        return [filled(one) for one in body]
    if isinstance(body, dict):
        return "word" if "$text" in body or "$blob" in body else {key: filled(one) for key, one in body.items()}
    return body


def test_a_schema_that_the_library_would_send_as_it_is_has_nothing_left_that_is_refused() -> None:
    of = claude()
    sent = of.body(ASKINGS["native"].request(of.agent))["output_config"]["format"]["schema"]
    assert transform_schema(sent) == sent
    assert sent["required"] == EVERY_KIND.schema_["required"]


# ---- back


def message(*content: Any, stopped: Any = "end_turn", **more: Any) -> bytes:
    usage = more.pop("usage", Usage(input_tokens=10, output_tokens=5))
    given = {"id": "msg_1", "model": "claude-sonnet-5-5", "role": "assistant", "type": "message", "usage": usage}
    return Message(content=list(content), stop_reason=stopped, **given, **more).model_dump_json().encode()


def test_the_text_is_read_and_the_thinking_is_not() -> None:
    thought = ThinkingBlock(type="thinking", thinking="Hm, calm?", signature="s")
    words = [TextBlock(type="text", text=part) for part in ('{"mood":', ' "calm"}')]
    reply = claude().understood(message(thought, *words), {})
    assert (reply.text, reply.finish, reply.refusal) == ('{"mood": "calm"}', "stop", None)
    assert (reply.model_returned, reply.response_id) == ("claude-sonnet-5-5", "msg_1")
    assert "Hm, calm?" in reply.raw


def test_what_the_forced_call_was_given_is_the_text() -> None:
    prelude = TextBlock(type="text", text="I shall call it.")
    other = ToolUseBlock(type="tool_use", id="toolu_0", name="search", input={})
    call = ToolUseBlock(type="tool_use", id="toolu_1", name="answer", input={"mood": "böig", "words": 3})
    reply = claude().understood(message(prelude, other, call, stopped="tool_use"), {})
    assert (reply.text, reply.finish) == ('{"mood": "böig", "words": 3}', "stop")


@pytest.mark.parametrize(
    ("details", "said"),
    [
        (
            RefusalStopDetails(type="refusal", category="bio", explanation="Too close to a recipe."),
            "Too close to a recipe.",
        ),
        (RefusalStopDetails(type="refusal", category="bio"), "bio"),
        (None, "I would rather"),
    ],
)
def test_a_refusal_says_why(details: Any, said: str) -> None:
    begun = TextBlock(type="text", text="I would rather")
    reply = claude().understood(message(begun, stopped="refusal", stop_details=details), {})
    assert (reply.finish, reply.refusal, reply.text) == ("refusal", said, "I would rather")


@pytest.mark.parametrize(
    ("stopped", "finish"),
    [
        ("end_turn", "stop"),
        ("stop_sequence", "stop"),
        ("tool_use", "stop"),
        ("max_tokens", "length"),
        ("model_context_window_exceeded", "length"),
        ("refusal", "refusal"),
        ("pause_turn", "other"),
        (None, "other"),
    ],
)
def test_why_a_reply_ended_is_said_in_our_words(stopped: Any, finish: str) -> None:
    assert claude().understood(message(TextBlock(type="text", text="Hm."), stopped=stopped), {}).finish == finish


def test_input_tokens_include_those_that_were_cached() -> None:
    usage = Usage(
        input_tokens=10,
        cache_read_input_tokens=2000,
        cache_creation_input_tokens=300,
        cache_creation=CacheCreation(ephemeral_1h_input_tokens=100, ephemeral_5m_input_tokens=200),
        output_tokens=90,
        output_tokens_details=OutputTokensDetails(thinking_tokens=60),
    )
    reply = claude().understood(message(TextBlock(type="text", text="Hm."), usage=usage), {})
    assert reply.usage == OurUsage(
        input_tokens=2310,
        cached_tokens=2000,
        output_tokens=90,
        reasoning_tokens=60,
        cache_write_tokens=300,
        cache_write_hour_tokens=100,
    )
