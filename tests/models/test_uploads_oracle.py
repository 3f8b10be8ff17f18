"""The official libraries upload the same files in the same way, and ask about them, and about addresses, as we do."""

import io
import json
from collections.abc import Callable, Iterator
from email import message_from_bytes
from functools import partial
from typing import Any

import pytest
from anthropic import Anthropic
from anthropic.types import FileMetadata
from anthropic.types.message_create_params import MessageCreateParamsNonStreaming
from google import genai
from google.genai import types
from openai import NotFoundError, OpenAI
from openai.types import FileObject
from pydantic import TypeAdapter
from pydantic.alias_generators import to_camel
from test_openai_oracle import judged

from asking import PLANTED, job, keys
from buttermilk.core.errors import Permanent
from buttermilk.core.flows import Agent
from buttermilk.core.messages import Message, Request
from buttermilk.core.records import Part
from buttermilk.models.anthropic import VERSION
from buttermilk.models.dialect import Dialect
from buttermilk.models.openai import OpenAIChat
from buttermilk.models.responses import OpenAIResponses
from buttermilk.models.uploads import EXPIRES_SECONDS
from buttermilk.plugins import find
from buttermilk.testing import MockProvider
from oracle import PAPER, PICTURE, VIDEO, blobs, whole

pytestmark = pytest.mark.anyio

WORDS = "What is it?"
BEHIND = {"openai": "/v1", "openai_responses": "/v1", "anthropic": "", "gemini": "/v1beta"}
OPEN: Any = {"api_key": PLANTED, "max_retries": 0, "_strict_response_validation": True}


@pytest.fixture
def mock() -> Iterator[MockProvider]:
    with MockProvider() as running:
        yield running


def plug_of(kind: str, mock: MockProvider, **able: Any) -> Dialect:
    given = {
        "model": "m-1",
        "key": "secret://env/KEY",
        "parameters": {"max_tokens": 99} if kind == "anthropic" else {},
        "capabilities": {"inputs": ("text", "image", "pdf"), "answers": "prompted", **able},
    }
    agent = Agent.model_validate({"name": "a", "type": kind, "base_url": mock.root + BEHIND[kind], **given})
    plug: Dialect = find("models", kind)(agent, keys, blobs)
    return plug


async def asked(kind: str, mock: MockProvider, *media: Part, system: str = "", **able: Any) -> list[dict[str, Any]]:
    """All requests of one question to the plug, the deletion last."""
    plug = plug_of(kind, mock, **able)
    messages = (*([Message("system", system)] if system else []), Message("user", WORDS, media))
    await plug.complete(Request(agent=plug.agent, messages=messages, job=job(plug.agent)))
    await plug.close()
    requests = mock.requests()
    mock.reset()
    return requests


def form(request: dict[str, Any]) -> dict[str, tuple[Any, ...]]:
    """A form's fields by name: file name, type and content."""
    head = f"Content-Type: {request['headers']['content-type']}\r\n\r\n".encode()
    found = {}
    for part in message_from_bytes(head + request["body"].encode()).get_payload():
        assert not isinstance(part, str)
        name = part.get_param("name", header="content-disposition")
        kind = part.get_content_type() if part.get_filename() else ""
        found[str(name)] = (part.get_filename(), kind, part.get_payload())
    return found


def same(ours: dict[str, Any], theirs: dict[str, Any]) -> None:
    assert (ours["method"], ours["path"]) == (theirs["method"], theirs["path"])
    assert ours["body"] == theirs["body"]


# ---- files


async def test_openai(mock: MockProvider) -> None:
    upload, ask, gone = await asked("openai", mock, PAPER, media="upload")
    with OpenAI(base_url=mock.url, **OPEN) as client:
        given = ("record.pdf", b"%PDF-1.7", "application/pdf")
        expires: Any = {"anchor": "created_at", "seconds": EXPIRES_SECONDS}
        file = client.files.create(file=given, purpose="user_data", expires_after=expires)
        assert isinstance(file, FileObject)
        parts: Any = [{"type": "text", "text": WORDS}, {"type": "file", "file": {"file_id": "file-0"}}]
        client.chat.completions.create(model="m-1", messages=[{"role": "user", "content": parts}])
        assert client.files.delete(file.id).deleted
        with pytest.raises(NotFoundError, match="there is no file 'file-1'"):
            client.files.delete(file.id)
    theirs = mock.requests()
    assert form(upload) == form(theirs[0])
    assert upload["path"] == theirs[0]["path"]
    assert upload["headers"]["authorization"] == theirs[0]["headers"]["authorization"]
    same(ask, theirs[1])
    assert (gone["method"], gone["path"]) == ("DELETE", theirs[2]["path"].replace("file-1", "file-0"))


async def test_openai_responses(mock: MockProvider) -> None:
    *uploads, ask, _, _ = await asked("openai_responses", mock, PICTURE, PAPER, media="upload")
    assert sorted(form(one)["file"][:2] for one in uploads) == [
        ("record.pdf", "application/pdf"),
        ("record.png", "image/png"),
    ]
    said = ask["body"]["input"][0]["content"]
    with OpenAI(base_url=mock.url, **OPEN) as client:
        parts: Any = [
            {"type": "input_text", "text": WORDS},
            {"type": "input_image", "file_id": said[1]["file_id"], "detail": "auto"},
            {"type": "input_file", "file_id": said[2]["file_id"]},
        ]
        client.responses.create(model="m-1", input=[{"role": "user", "content": parts}])
    same(ask, mock.requests()[0])
    assert {said[1]["file_id"], said[2]["file_id"]} == {"file-0", "file-1"}


async def test_anthropic(mock: MockProvider) -> None:
    upload, ask, gone = await asked("anthropic", mock, PAPER, media="upload")
    with Anthropic(base_url=mock.root, default_headers={"anthropic-version": VERSION}, **OPEN) as client:
        given = ("record.pdf", b"%PDF-1.7", "application/pdf")
        file = client.files.upload(file=given, expires_in_seconds=EXPIRES_SECONDS)
        assert isinstance(file, FileMetadata)
        paper: Any = {"type": "document", "source": {"type": "file", "file_id": "file-0"}}
        content = [paper, {"type": "text", "text": WORDS}]
        client.messages.create(model="m-1", max_tokens=99, messages=[{"role": "user", "content": content}])
        assert client.files.delete(file.id).id == file.id
    theirs = mock.requests()
    assert form(upload) == form(theirs[0])
    assert upload["path"] == theirs[0]["path"]
    for ours, other in zip((upload, ask), theirs, strict=False):
        for name in ("anthropic-version", "anthropic-beta"):
            assert ours["headers"].get(name) == other["headers"].get(name)
    same(ask, theirs[1])
    assert (gone["method"], gone["path"]) == ("DELETE", theirs[2]["path"].replace("file-1", "file-0"))


async def test_gemini(mock: MockProvider) -> None:
    start, sent, ask, gone = await asked("gemini", mock, VIDEO, media="upload")
    options = types.HttpOptions(base_url=mock.root, api_version="v1beta")
    client = genai.Client(api_key=PLANTED, http_options=options)
    film: Any = {"mime_type": "video/mp4", "http_options": options}  # which keep it from going where it is told to
    file = client.files.upload(file=io.BytesIO(b"a film"), config=film)
    assert file.state == types.FileState.ACTIVE
    assert file.uri is not None
    client.models.generate_content(
        model="m-1",
        contents=types.Content(
            role="user", parts=[types.Part(text=WORDS), types.Part.from_uri(file_uri=file.uri, mime_type="video/mp4")]
        ),
    )
    client.files.delete(name=file.name or "")
    client.close()
    theirs = mock.requests()
    assert start["path"] == theirs[0]["path"]
    assert start["body"] == camel(theirs[0]["body"])
    for ours, other in ((start, theirs[0]), (sent, theirs[1])):
        named = {name: text for name, text in ours["headers"].items() if name.startswith("x-goog-upload-")}
        assert named == {name: other["headers"].get(name) for name in named}
    assert (sent["path"].replace("file-0", "file-1"), sent["body"]) == (theirs[1]["path"], theirs[1]["body"])
    renamed = json.loads(json.dumps(ask["body"]).replace("file-0", "file-1"))
    assert {"generationConfig": {}, **renamed} == {"generationConfig": {}, **camel(theirs[2]["body"])}
    assert (gone["method"], gone["path"].replace("file-0", "file-1")) == ("DELETE", theirs[3]["path"])


def camel(said: Any) -> Any:
    """Google reads a name in either spelling."""
    if isinstance(said, list):
        return [camel(one) for one in said]
    return {to_camel(name): camel(one) for name, one in said.items()} if isinstance(said, dict) else said


# ---- addresses

CLAUDES = TypeAdapter(MessageCreateParamsNonStreaming)
AT = "https://example.org/a%20b.png?size=2"
SEEN = Part(kind="image", url=AT, media_type="image/png")
READ = Part(kind="pdf", url="https://example.org/a.pdf", media_type="application/pdf")
HEARD = Part(kind="audio", url="gs://bucket/a.wav", media_type="audio/wav")
WATCHED = Part(kind="video", url="https://example.org/a.mp4", media_type="video/mp4")
BY_ADDRESS: dict[str, tuple[tuple[Part, ...], list[dict[str, Any]], Callable[[Any], object]]] = {
    "openai": ((SEEN,), [{"type": "image_url", "image_url": {"url": AT}}], partial(judged, OpenAIChat)),
    "openai_responses": (
        (SEEN, READ),
        [
            {"type": "input_image", "image_url": AT, "detail": "auto"},
            {"type": "input_file", "file_url": "https://example.org/a.pdf"},
        ],
        partial(judged, OpenAIResponses),
    ),
    "anthropic": (
        (SEEN, READ),
        [
            {"type": "image", "source": {"type": "url", "url": AT}},
            {"type": "document", "source": {"type": "url", "url": "https://example.org/a.pdf"}},
        ],
        lambda body: whole(CLAUDES.validate_python(body)),
    ),
}


@pytest.mark.parametrize("kind", BY_ADDRESS)
async def test_an_address_goes_as_the_librarys_types_have_it(kind: str, mock: MockProvider) -> None:
    media, parts, judge = BY_ADDRESS[kind]
    (ask,) = await asked(kind, mock, *media, media="upload" if kind != "openai" else "")  # there is nothing to upload
    turn = ask["body"]["input" if kind == "openai_responses" else "messages"][0]
    assert [one for one in turn["content"] if "text" not in one] == parts
    assert judge(ask["body"]) in (None, ask["body"])


async def test_google_is_given_addresses_of_every_kind(mock: MockProvider) -> None:
    media = (SEEN, READ, HEARD, WATCHED)
    (ask,) = await asked("gemini", mock, *media)
    found = types.Content.model_validate(ask["body"]["contents"][0]).parts or []
    assert found[1:] == [types.Part.from_uri(file_uri=str(one.url), mime_type=one.media_type) for one in media]


@pytest.mark.parametrize(
    ("kind", "part"),
    [("openai", READ), ("openai", HEARD), ("openai_responses", HEARD), ("anthropic", HEARD), ("openai", WATCHED)],
)
async def test_what_a_vendor_does_not_fetch_is_told_and_nothing_is_sent(
    kind: str, part: Part, mock: MockProvider
) -> None:
    if kind == "openai" and part is WATCHED:  # which vLLM takes by https, and nobody by gs
        part = part.model_copy(update={"url": "gs://bucket/a.mp4"})
    with pytest.raises(Permanent, match=rf"takes no {part.kind} from \w+:// addresses \({part.url}\)") as found:
        await asked(kind, mock, part)
    assert found.value.kind == "media"
    assert not mock.requests()


@pytest.mark.parametrize("door", ["vertex", "bedrock"])
async def test_claude_fetches_nothing_on_vertex_and_on_bedrock(door: str, mock: MockProvider) -> None:
    agent = plug_of("anthropic", mock).agent.model_copy(update={"door": door})
    plug: Dialect = find("models", "anthropic")(agent, keys, blobs)
    with pytest.raises(Permanent, match="takes no image from https://"):
        await plug.complete(Request(agent=agent, messages=(Message("user", WORDS, (SEEN,)),), job=job(agent)))
    await plug.close()


# ---- the common beginning


async def test_claude_is_told_where_the_common_beginning_ends(mock: MockProvider) -> None:
    (ask,) = await asked("anthropic", mock, system="Judge.", cache="prefix")
    with Anthropic(base_url=mock.root, **OPEN) as client:
        marked: Any = [{"type": "text", "text": "Judge.", "cache_control": {"type": "ephemeral"}}]
        turns: Any = [{"role": "user", "content": WORDS}]
        client.messages.create(model="m-1", max_tokens=99, system=marked, messages=turns)
    same(ask, mock.requests()[0])
    mock.reset()
    (bare,) = await asked("anthropic", mock, cache="prefix")
    assert "system" not in bare["body"]


async def test_of_two_system_messages_the_last_is_marked(mock: MockProvider) -> None:
    plug = plug_of("anthropic", mock, cache="prefix")
    messages = (Message("system", "Judge."), Message("system", "Be brief."), Message("user", WORDS))
    body = plug.body(Request(agent=plug.agent, messages=messages, job=job(plug.agent)))
    assert ["cache_control" in block for block in body["system"]] == [False, True]


@pytest.mark.parametrize("kind", ["openai", "openai_responses", "gemini"])
async def test_who_caches_unasked_is_told_nothing(kind: str, mock: MockProvider) -> None:
    marked = await asked(kind, mock, system="Judge.", cache="prefix")
    plain = await asked(kind, mock, system="Judge.")
    assert marked[0]["body"] == plain[0]["body"]
