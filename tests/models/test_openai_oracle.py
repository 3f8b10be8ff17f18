"""OpenAI's own library as the judge of both dialects: its types take our bodies, it sends what we send, and we read its
replies. It is a library for tests alone: nobody installs it with buttermilk."""

import base64
import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import pytest
from openai import AzureOpenAI, OpenAI
from openai.types.chat import ChatCompletion
from openai.types.chat.completion_create_params import CompletionCreateParamsNonStreaming
from openai.types.responses import Response
from openai.types.responses.response_create_params import ResponseCreateParamsNonStreaming
from pydantic import TypeAdapter, ValidationError
from pydantic_core import SchemaValidator

from asking import CODEBOOK, PLANTED, job, keys
from buttermilk.core.flows import Agent, Capabilities, Codebook, Question
from buttermilk.core.jobs import Usage
from buttermilk.core.messages import NOTHING, Message, Reply, Request
from buttermilk.core.records import Part
from buttermilk.models.dialect import Dialect
from buttermilk.models.openai import OpenAIChat
from buttermilk.models.responses import OpenAIResponses
from buttermilk.testing import MockProvider

pytestmark = pytest.mark.anyio

MEDIA = {hashlib.sha256(data).hexdigest(): data for data in (b"a picture", b"a sound", b"%PDF-1.7")}
PICTURE, SOUND, PAPER = MEDIA
IMAGE = Part(kind="image", blob=PICTURE, media_type="image/png")
AUDIO = Part(kind="audio", blob=SOUND, media_type="audio/wav")
PDF = Part(kind="pdf", blob=PAPER, media_type="application/pdf")
FACE = "data:image/png;base64," + base64.b64encode(MEDIA[PICTURE]).decode()
PAGES = "data:application/pdf;base64," + base64.b64encode(MEDIA[PAPER]).decode()
WAVES = base64.b64encode(MEDIA[SOUND]).decode()
SCALE = Question(name="harm", ask="How much?", level="interval", minimum=0, maximum=10, optional=True)
BOOK = Codebook(name="all", questions=(*CODEBOOK.questions, SCALE))
SCHEMA = BOOK.schema_
TURNS = [
    {"role": "system", "content": "Judge."},
    {"role": "user", "content": "A verse."},
    {"role": "assistant", "content": "Hm."},
    {"role": "system", "content": "Again."},
]


def turns(*parts: Any) -> list[dict[str, Any]]:
    """Those of TURNS, with media in the second."""
    return [TURNS[0], {"role": "user", "content": list(parts)}, *TURNS[2:]] if parts else TURNS


class Asked(NamedTuple):
    """One question in our words, and in those of the library."""

    name: str
    theirs: dict[str, Any]
    media: tuple[Part, ...] = ()
    answers: Any = "prompted"
    seed: int | None = None
    parameters: Mapping[str, Any] = NOTHING


TEXT = {"type": "text", "text": "A verse."}
FORMAT = {"name": "answer", "schema": SCHEMA, "strict": True}
FUNCTION = {"name": "answer", "parameters": SCHEMA, "strict": True}
SETTINGS = {"temperature": 0.2, "max_completion_tokens": 99, "logprobs": True, "top_logprobs": 2, "stop": ["END"]}
CHAT = (
    Asked("text", {"messages": turns()}),
    Asked("parameters", {"messages": turns(), **SETTINGS}, parameters=SETTINGS),
    Asked("seed", {"messages": turns(), "seed": 7}, seed=7),
    Asked("image", {"messages": turns(TEXT, {"type": "image_url", "image_url": {"url": FACE}})}, (IMAGE,)),
    Asked(
        "audio",
        {"messages": turns(TEXT, {"type": "input_audio", "input_audio": {"data": WAVES, "format": "wav"}})},
        (AUDIO,),
    ),
    Asked(
        "pdf",
        {"messages": turns(TEXT, {"type": "file", "file": {"filename": "record.pdf", "file_data": PAGES}})},
        (PDF,),
    ),
    Asked(
        "native",
        {"messages": turns(), "response_format": {"type": "json_schema", "json_schema": FORMAT}},
        answers="native",
    ),
    Asked(
        "tool",
        {
            "messages": turns(),
            "tools": [{"type": "function", "function": FUNCTION}],
            "tool_choice": {"type": "function", "function": {"name": "answer"}},
        },
        answers="tool",
    ),
)
WORDS = {"type": "input_text", "text": "A verse."}
CARE = {"max_output_tokens": 99, "store": False, "reasoning": {"effort": "low"}, "text": {"verbosity": "low"}}
RESPONSES = (
    Asked("text", {"input": turns()}),
    Asked("parameters", {"input": turns(), **CARE}, parameters=CARE),
    Asked(
        "image", {"input": turns(WORDS, {"type": "input_image", "image_url": FACE, "detail": "auto"})}, media=(IMAGE,)
    ),
    Asked(
        "pdf",
        {"input": turns(WORDS, {"type": "input_file", "filename": "record.pdf", "file_data": PAGES})},
        media=(PDF,),
    ),
    Asked(
        "native",
        {
            "input": turns(),
            **CARE,
            "text": {"verbosity": "low", "format": {"type": "json_schema", **FORMAT}},
        },
        answers="native",
        parameters=CARE,
    ),
    Asked(
        "tool",
        {
            "input": turns(),
            "tools": [{"type": "function", **FUNCTION}],
            "tool_choice": {"type": "function", "name": "answer"},
        },
        answers="tool",
    ),
)
EACH = [(OpenAIChat, one) for one in CHAT] + [(OpenAIResponses, one) for one in RESPONSES]
each = pytest.mark.parametrize(("plug", "asked"), EACH, ids=[f"{plug.__name__}-{one.name}" for plug, one in EACH])


@pytest.fixture(scope="module")
def mock() -> Iterator[MockProvider]:
    with MockProvider() as running:
        yield running


def opened(plug: type[Dialect], asked: Asked, url: str, **more: Any) -> Dialect:
    able = Capabilities(answers=asked.answers, seed=asked.seed is not None)
    agent = Agent(
        name="gpt",
        type="openai",
        model="gpt-5.4-mini",
        base_url=url,
        key="secret://env/KEY",
        parameters=asked.parameters,
        capabilities=able,
        **more,
    )
    return plug(agent, keys, MEDIA.__getitem__)


async def sent(of: Dialect, asked: Asked, mock: MockProvider) -> dict[str, Any]:
    """The request as the mock saw it."""
    messages = tuple(
        Message(role=turn["role"], text=turn["content"], media=asked.media if turn is TURNS[1] else ())
        for turn in TURNS
    )
    await of.complete(Request(of.agent, messages, job(of.agent), BOOK, asked.seed))
    await of.close()
    return mock.requests(1)[0]


@pytest.fixture(scope="module")
def library(mock: MockProvider) -> Iterator[OpenAI]:
    with OpenAI(api_key=PLANTED, base_url=mock.url, max_retries=0) as client:
        yield client


@pytest.fixture(scope="module")
def at_azure(mock: MockProvider) -> Iterator[AzureOpenAI]:
    url = mock.root + "/openai/v1"
    with AzureOpenAI(api_key=PLANTED, base_url=url, api_version="v1", max_retries=0) as client:
        yield client


def sent_by(client: OpenAI, plug: type[Dialect], asked: Asked, mock: MockProvider) -> dict[str, Any]:
    create: Any = client.chat.completions.create if plug is OpenAIChat else client.responses.create
    create(model="gpt-5.4-mini", **asked.theirs)
    return mock.requests(1)[0]


@each
async def test_the_official_library_sends_the_same_body(
    plug: type[Dialect], asked: Asked, mock: MockProvider, library: OpenAI
) -> None:
    ours = await sent(opened(plug, asked, mock.url), asked, mock)
    theirs = sent_by(library, plug, asked, mock)
    assert ours["body"] == theirs["body"]
    assert (ours["method"], ours["path"]) == (theirs["method"], theirs["path"])
    assert ours["headers"]["authorization"] == theirs["headers"]["authorization"]
    assert ours["headers"]["content-type"] == theirs["headers"]["content-type"]


@each
async def test_at_azure_the_body_is_the_same_and_the_key_has_its_own_header(
    plug: type[Dialect], asked: Asked, mock: MockProvider, at_azure: AzureOpenAI
) -> None:
    ours = await sent(opened(plug, asked, mock.root + "/openai/v1", door="azure"), asked, mock)
    theirs = sent_by(at_azure, plug, asked, mock)
    assert ours["body"] == theirs["body"]
    assert ours["headers"]["api-key"] == theirs["headers"]["api-key"]
    assert "authorization" not in ours["headers"]
    assert ours["path"].startswith("/openai/v1/")


def at_once(schema: Any) -> Any:
    """pydantic judges an Iterable only as one walks through it, and a list at once."""
    if isinstance(schema, list):
        return [at_once(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    found = {key: at_once(one) for key, one in schema.items()}
    return found | {"type": "list"} if found.get("type") == "generator" else found


FORMS = {OpenAIChat: CompletionCreateParamsNonStreaming, OpenAIResponses: ResponseCreateParamsNonStreaming}
JUDGES = {plug: SchemaValidator(at_once(TypeAdapter[Any](form).core_schema)) for plug, form in FORMS.items()}


def judged(plug: type[Any], body: dict[str, Any]) -> None:
    assert body.keys() <= FORMS[plug].__required_keys__ | FORMS[plug].__optional_keys__
    JUDGES[plug].validate_python(body)


@each
async def test_a_body_fits_the_librarys_own_types(plug: type[Dialect], asked: Asked, mock: MockProvider) -> None:
    judged(plug, (await sent(opened(plug, asked, mock.url), asked, mock))["body"])


@pytest.mark.parametrize(
    ("plug", "wrong"),
    [
        (OpenAIChat, {"messages": turns({"type": "text", "txt": "A verse."})}),
        (OpenAIChat, {"messages": turns(TEXT, {"type": "picture", "image_url": {"url": FACE}})}),
        (OpenAIChat, {"messages": [{"role": "usr", "content": "A verse."}]}),
        (OpenAIResponses, {"input": turns(WORDS, {"type": "image_url", "image_url": FACE})}),
        (OpenAIResponses, {"input": TURNS, "tool_choice": {"type": "fn", "name": "answer"}}),
    ],
)
def test_the_judge_is_awake(plug: type[Dialect], wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        judged(plug, {"model": "m", **wrong})


def test_the_schema_keeps_the_rules_of_strict_mode() -> None:
    """https://platform.openai.com/docs/guides/structured-outputs#supported-schemas: each property required, no other
    allowed, and among the keywords of numbers `minimum` and `maximum`."""
    assert list(SCHEMA["properties"]) == SCHEMA["required"]
    assert SCHEMA["additionalProperties"] is False
    used = {key for schema in SCHEMA["properties"].values() for key in schema}
    assert used == {"type", "description", "enum", "minimum", "maximum"}


# ---- back


def read(plug: type[Dialect], found: ChatCompletion | Response) -> Reply:
    return opened(plug, CHAT[0], "http://127.0.0.1:1/v1").understood(found.model_dump_json().encode(), {})


def completion(message: dict[str, Any], finish: str = "stop") -> ChatCompletion:
    choice = {"index": 0, "message": {"role": "assistant", **message}, "finish_reason": finish, "logprobs": None}
    usage = {
        "prompt_tokens": 100,
        "completion_tokens": 50,
        "total_tokens": 150,
        "prompt_tokens_details": {"cached_tokens": 64},
        "completion_tokens_details": {"reasoning_tokens": 30},
    }
    whole = {"id": "c1", "object": "chat.completion", "created": 1, "model": "gpt-5.4", "choices": [choice]}
    return ChatCompletion.model_validate(whole | {"usage": usage, "system_fingerprint": "fp_1"})


def response(*items: dict[str, Any], status: str = "completed", why: str = "") -> Response:
    thought = {"type": "reasoning", "id": "r1", "summary": [{"type": "summary_text", "text": "Hm."}]}
    usage = {
        "input_tokens": 100,
        "input_tokens_details": {"cached_tokens": 64, "cache_write_tokens": 0},
        "output_tokens": 50,
        "output_tokens_details": {"reasoning_tokens": 30},
        "total_tokens": 150,
    }
    whole = {"id": "c1", "object": "response", "created_at": 1, "model": "gpt-5.4", "output": [thought, *items]}
    settings = {"parallel_tool_calls": True, "tool_choice": "auto", "tools": [], "status": status, "usage": usage}
    details = {"incomplete_details": {"reason": why}} if why else {}
    return Response.model_validate(whole | settings | details)


def item(*parts: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"type": "message", "id": "m1", "role": "assistant", "status": "completed", "content": parts, **more}


def out(text: str) -> dict[str, Any]:
    return {"type": "output_text", "text": text, "annotations": []}


CALL = {"id": "call_1", "type": "function", "function": {"name": "answer", "arguments": '{"harm": 1}'}}
CALLED = {"type": "function_call", "call_id": "call_1", "name": "answer", "arguments": '{"harm": 1}'}
SEARCH = {"type": "function_call", "call_id": "call_0", "name": "search", "arguments": "{}"}
NO = {"type": "refusal", "refusal": "I will not."}


@pytest.mark.parametrize(
    ("plug", "said", "text", "refusal", "finish"),
    [
        (OpenAIChat, completion({"content": '{"harm": 1}'}), '{"harm": 1}', None, "stop"),
        (OpenAIChat, completion({"content": None, "refusal": "I will not."}), "", "I will not.", "stop"),
        (OpenAIChat, completion({"tool_calls": [CALL]}, "tool_calls"), '{"harm": 1}', None, "stop"),
        (OpenAIChat, completion({"content": '{"ha'}, "length"), '{"ha', None, "length"),
        (OpenAIChat, completion({"content": ""}, "content_filter"), "", None, "filter"),
        (OpenAIResponses, response(item(out('{"harm"'), out(": 1}"))), '{"harm": 1}', None, "stop"),
        (OpenAIResponses, response(item(out("Wait."), phase="commentary"), item(out("{}"))), "{}", None, "stop"),
        (OpenAIResponses, response(item(NO)), "", "I will not.", "stop"),
        (OpenAIResponses, response(SEARCH, CALLED), '{"harm": 1}', None, "stop"),
        (OpenAIResponses, response(status="incomplete", why="max_output_tokens"), "", None, "length"),
        (OpenAIResponses, response(status="incomplete", why="content_filter"), "", None, "filter"),
        (OpenAIResponses, response(status="incomplete", why="max_messages"), "", None, "other"),
    ],
)
def test_a_reply_in_the_librarys_types_is_understood(
    plug: type[Dialect], said: Any, text: str, refusal: str | None, finish: str
) -> None:
    reply = read(plug, said)
    assert (reply.text, reply.refusal, reply.finish) == (text, refusal, finish)
    assert reply.usage == Usage(input_tokens=100, output_tokens=50, cached_tokens=64, reasoning_tokens=30)
    assert (reply.model_returned, reply.response_id) == ("gpt-5.4", "c1")
    assert reply.model_fingerprint == ("fp_1" if plug is OpenAIChat else "")
    assert json.loads(reply.raw) == said.model_dump(mode="json")


def test_probabilities_of_tokens_are_read_where_the_library_has_them(mock: MockProvider, library: OpenAI) -> None:
    said: Any = [{"role": "user", "content": "Yes?"}]
    chat = library.chat.completions.create(model="gpt-4o-mini", messages=said, logprobs=True)
    logprobs = chat.choices[0].logprobs
    assert logprobs is not None
    theirs = [(one.token.encode(), one.logprob) for one in logprobs.content or ()]
    assert list(read(OpenAIChat, chat).tokens) == theirs != []
    assert b"".join(piece for piece, _ in theirs).decode() == chat.choices[0].message.content

    include: Any = ["message.output_text.logprobs"]
    found = library.responses.create(model="gpt-5.4", input="Yes?", include=include)
    part = next(item for item in found.output if item.type == "message").content[0]
    assert part.type == "output_text"
    theirs = [(bytes(one.bytes), one.logprob) for one in part.logprobs or ()]
    assert list(read(OpenAIResponses, found).tokens) == theirs != []


@pytest.mark.parametrize("fault", ["", "prefuse", "plength"])
@pytest.mark.parametrize("asked", [RESPONSES[0], RESPONSES[-1]], ids=["text", "tool"])
def test_what_our_mock_says_is_what_the_library_expects(
    fault: str, asked: Asked, mock: MockProvider, library: OpenAI
) -> None:
    mock.configure(**({"prefuse": 0, "plength": 0} | ({fault: 100} if fault else {})))
    create: Any = library.responses.create
    found = create(model="gpt-5.4-mini", **asked.theirs)
    mock.configure(prefuse=0, plength=0)
    assert Response.model_validate(found.model_dump(mode="json")).id.startswith("resp_")
    reply = read(OpenAIResponses, found)
    assert reply.finish == ("length" if fault == "plength" else "stop")
    assert (reply.refusal is not None) is (fault == "prefuse")
    assert bool(reply.text) is (fault != "prefuse")
    assert found.output_text in ("", reply.text)
