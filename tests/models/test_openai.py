"""The OpenAI dialect: exactly what was declared goes out, all that came back is kept, and errors say who must act."""

import base64
import hashlib
import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from answering import Asked, answering, chat, http
from asking import CODEBOOK, HOSTILE, PLANTED, job, keys
from buttermilk.core.errors import (
    ConfigError,
    Permanent,
    ProviderError,
    RateLimited,
    SecretError,
    Unavailable,
)
from buttermilk.core.flows import Agent, Capabilities, Codebook, Question
from buttermilk.core.jobs import Sent, Usage, fill
from buttermilk.core.messages import Message, Reply, Request
from buttermilk.core.records import Part
from buttermilk.models.openai import OpenAIChat
from buttermilk.testing import MockProvider

pytestmark = pytest.mark.anyio

MEDIA = {hashlib.sha256(data).hexdigest(): data for data in (b"a picture", b"a sound", b"%PDF-1.7")}
PICTURE, SOUND, PAPER = MEDIA
SHORT = Codebook(name="short", questions=(Question(name="words", ask="How many words?", level="ratio", minimum=0),))
GOOD = chat('{"words": 3}')


def blobs(sha256: str) -> bytes:
    return MEDIA[sha256]


def model(url: str = "http://127.0.0.1:1/v1", **more: Any) -> OpenAIChat:
    return OpenAIChat(agent(url, **more), keys, blobs)


def agent(url: str, **more: Any) -> Agent:
    return Agent(name="gpt", type="openai", base_url=url, **{"model": "gpt-4o-mini", **more})


def request(of: OpenAIChat, *media: Part, codebook: Codebook | None = None, seed: int | None = None) -> Request:
    messages = (Message(role="system", text="Count."), Message(role="user", text="A small verse.", media=media))
    return Request(agent=of.agent, messages=messages, codebook=codebook, seed=seed, job=job(of.agent))


async def sent(
    tell: Any = GOOD, *, asked: Callable[[OpenAIChat], Request] = request, **more: Any
) -> tuple[Reply, Asked]:
    """One call: the reply, and the request as the server saw it."""
    reply = http(tell) if not isinstance(tell, bytes) else tell
    async with answering(lambda one: reply) as server:
        of = model(server.url, **more)
        try:
            return await of.complete(asked(of)), server.asked[0]
        finally:
            await of.close()


def body(of: OpenAIChat, one: Request) -> str:
    """The body that would go out."""
    return fill(*of.skeleton(one), of._encode).decode()


# ---- out

TURNS = '"messages":[{"role":"system","content":"Count."},{"role":"user","content":"A small verse."}]'
SCHEMA = (
    '{"type":"object","properties":{"words":{"type":"number","description":"How many words?","minimum":0.0}},'
    '"required":["words"],"additionalProperties":false}'
)


async def test_a_body_holds_the_model_and_the_messages_and_nothing_else() -> None:
    _, asked = await sent()
    assert asked.body.decode() == '{"model":"gpt-4o-mini",' + TURNS + "}"
    assert asked.head.startswith("POST /v1/chat/completions HTTP/1.1")
    assert asked.headers["content-type"] == "application/json"
    assert "authorization" not in asked.headers


async def test_parameters_go_as_they_stand() -> None:
    given = {"temperature": 0.7, "max_completion_tokens": 50, "stop": None, "logit_bias": {"50256": -100}, "n": 1}
    _, asked = await sent(parameters=given)
    assert asked.body.decode() == (
        '{"model":"gpt-4o-mini","temperature":0.7,"max_completion_tokens":50,"stop":null,'
        '"logit_bias":{"50256":-100},"n":1,' + TURNS + "}"
    )


@pytest.mark.parametrize(
    ("strategy", "shape"),
    [
        (
            "native",
            ',"response_format":{"type":"json_schema","json_schema":{"name":"answer","schema":'
            + SCHEMA
            + ',"strict":true}}',
        ),
        (
            "tool",
            ',"tools":[{"type":"function","function":{"name":"answer","parameters":' + SCHEMA + ',"strict":true}}],'
            '"tool_choice":{"type":"function","function":{"name":"answer"}}',
        ),
        ("prompted", ""),
    ],
)
def test_the_answers_schema_is_asked_for_as_the_strategy_says(strategy: Any, shape: str) -> None:
    of = model(capabilities=Capabilities(answers=strategy))
    assert body(of, request(of, codebook=SHORT)) == '{"model":"gpt-4o-mini",' + TURNS + shape + "}"


def test_a_seed_is_sent_where_there_is_one() -> None:
    of = model()
    assert body(of, request(of, seed=1234)) == '{"model":"gpt-4o-mini",' + TURNS + ',"seed":1234}'


@pytest.mark.parametrize(
    ("part", "said"),
    [
        (
            Part(kind="image", blob=PICTURE, media_type="image/png"),
            {"type": "image_url", "image_url": {"url": "data:image/png;base64,YSBwaWN0dXJl"}},
        ),
        (
            Part(kind="audio", blob=SOUND, media_type="audio/mpeg"),
            {"type": "input_audio", "input_audio": {"data": "YSBzb3VuZA==", "format": "mp3"}},
        ),
        (
            Part(kind="audio", blob=SOUND, media_type="audio/x-flac"),
            {"type": "input_audio", "input_audio": {"data": "YSBzb3VuZA==", "format": "flac"}},
        ),
        (
            Part(kind="pdf", blob=PAPER, media_type="application/pdf"),
            {
                "type": "file",
                "file": {"filename": "record.pdf", "file_data": "data:application/pdf;base64,JVBERi0xLjc="},
            },
        ),
        (
            Part(kind="video", blob=SOUND, media_type="video/mp4"),  # vLLM and OpenRouter take it
            {"type": "video_url", "video_url": {"url": "data:video/mp4;base64,YSBzb3VuZA=="}},
        ),
    ],
)
async def test_media_go_in_the_form_that_the_dialect_has_for_them(part: Part, said: Any) -> None:
    reply, asked = await sent(asked=lambda of: request(of, part))
    assert asked.json["messages"][1]["content"] == [{"type": "text", "text": "A small verse."}, said]
    assert_restored(reply.sent, asked.body)
    assert reply.sent is not None
    assert base64.b64encode(MEDIA[part.blob or ""]).decode() not in reply.sent.skeleton  # kept once, as a blob


def assert_restored(kept: Sent | None, body: bytes) -> None:
    assert kept is not None
    assert kept.sha256 == hashlib.sha256(body).hexdigest()
    assert fill(kept.skeleton, kept.texts, lambda key, form: OpenAIChat._encode(model(), key, form)) == body


async def test_what_is_kept_restores_the_request_byte_for_byte() -> None:
    with MockProvider() as mock:
        of = model(mock.url, parameters={"temperature": 0})
        for text in (HOSTILE, "", '{"$text":0}', '{"$blob":"' + PICTURE + '","as":""}', "ß𝄞\u2028\\", "x" * 100_000):
            messages = (Message(role="system", text="S {"), Message(role="user", text=text))
            reply = await of.complete(Request(agent=of.agent, messages=messages, codebook=CODEBOOK, job=job(of.agent)))
            assert reply.sent is not None
            whole = fill(reply.sent.skeleton, reply.sent.texts)
            assert reply.sent.sha256 == hashlib.sha256(whole).hexdigest()
            assert mock.requests(1)[0]["body"] == json.loads(whole)
            assert json.loads(whole)["messages"][1]["content"] == text
        await of.close()


@given(st.lists(st.tuples(st.sampled_from(["system", "user", "assistant"]), st.text()), min_size=1, max_size=4))
def test_any_text_goes_out_as_that_text_in_that_role(turns: list[tuple[Any, str]]) -> None:
    of = model()
    messages = tuple(Message(role=role, text=text) for role, text in turns)
    one = Request(agent=of.agent, messages=messages, codebook=CODEBOOK, job=job(of.agent))
    assert [(each["role"], each["content"]) for each in json.loads(body(of, one))["messages"]] == turns


async def test_a_key_and_secret_headers_are_sent_and_shown_nowhere() -> None:
    headers = {"X-Title": "verse", "api-key": "secret://env/OTHER"}
    reply, asked = await sent(key="secret://env/OPENAI_API_KEY", headers=headers)
    assert asked.headers["authorization"] == f"Bearer {PLANTED}"
    assert (asked.headers["api-key"], asked.headers["x-title"]) == (PLANTED, "verse")
    assert PLANTED not in repr(reply)


def test_a_key_with_a_line_break_in_it_is_refused_before_any_call_and_not_shown() -> None:
    def broken(reference: str) -> Any:
        return type("Key", (), {"reveal": lambda self: "sk-first\nline"})()

    with pytest.raises(SecretError, match="Authorization") as caught:
        OpenAIChat(agent("http://127.0.0.1:1/v1", key="secret://env/KEY"), broken, blobs)
    assert "sk-first" not in str(caught.value)


@pytest.mark.parametrize(
    "url", ["localhost:8000/v1", "ftp://here/v1", "http://", "/v1", "http://a:b:c/v1", "http://x/v1?a=1"]
)
def test_an_address_that_is_none_is_refused_before_any_call(url: str) -> None:
    with pytest.raises(ConfigError, match="is not an address"):
        model(url)


def test_a_model_without_an_address_says_what_it_needs() -> None:
    with pytest.raises(ConfigError, match="agent 'gpt' needs a `base_url`"):
        model("")


def test_the_endpoint_is_the_address_and_this_machine_is_local() -> None:
    assert model("https://api.openai.com/v1/").endpoint == "https://api.openai.com/v1"
    assert [
        model(url).local for url in ("https://api.openai.com/v1", "http://127.0.0.1:1/v1", "http://localhost/v1")
    ] == [
        False,
        True,
        True,
    ]


# ---- back


async def test_all_that_a_reply_says_is_kept() -> None:
    usage = {
        "prompt_tokens": 100,
        "completion_tokens": 50,
        "prompt_tokens_details": {"cached_tokens": 64},
        "completion_tokens_details": {"reasoning_tokens": 30},
    }
    said = chat('{"words": 3}', usage=usage, system_fingerprint="fp_44709d")
    raw = http(said, X_Request_Id="req_1", X_RateLimit_Remaining_Requests="99", Server="nginx")
    reply, _ = await sent(raw)
    assert reply.text == '{"words": 3}'
    assert reply.usage == Usage(input_tokens=100, output_tokens=50, cached_tokens=64, reasoning_tokens=30)
    assert (reply.model_returned, reply.model_fingerprint) == ("gpt-4o-mini-2024-07-18", "fp_44709d")
    assert (reply.response_id, reply.finish, reply.refusal) == ("chatcmpl-7", "stop", None)
    assert reply.headers == {"X-Request-ID": "req_1", "X-RateLimit-Remaining-Requests": "99"}
    assert json.loads(reply.raw) == said


@pytest.mark.parametrize(
    ("said", "finish"),
    [
        ("stop", "stop"),
        ("length", "length"),
        ("content_filter", "filter"),
        ("tool_calls", "stop"),
        ("eos", "other"),
        (None, "stop"),
    ],
)
async def test_why_a_reply_ended_is_said_in_our_words(said: str | None, finish: str) -> None:
    reply, _ = await sent(chat("Hm.", finish=said))
    assert reply.finish == finish


async def test_a_refusal_is_a_reply_and_an_empty_one_is_none() -> None:
    assert (await sent(chat(None, message={"refusal": "No."})))[0].refusal == "No."
    assert (await sent(chat("Yes.", message={"refusal": ""})))[0].refusal is None


async def test_the_arguments_of_the_forced_call_are_the_text() -> None:
    call = {"id": "call_1", "type": "function", "function": {"name": "answer", "arguments": '{"words": 4}'}}
    other = {"id": "call_0", "type": "function", "function": {"name": "search", "arguments": "{}"}}
    reply, _ = await sent(chat(None, finish="tool_calls", message={"tool_calls": [other, call]}))
    assert (reply.text, reply.finish) == ('{"words": 4}', "stop")


async def test_an_answer_in_parts_is_their_text_without_the_thinking() -> None:
    thought = {"type": "thinking", "thinking": [{"type": "text", "text": "Hm."}]}
    reply, _ = await sent(chat(None, message={"content": [thought, {"type": "text", "text": "Y"}, words("es.")]}))
    assert reply.text == "Yes."


def words(text: str) -> dict[str, str]:
    return {"type": "text", "text": text}


FILTERED = {  # https://learn.microsoft.com/azure/ai-foundry/openai/concepts/content-filter
    "message": "The response was filtered.",
    "code": "content_filter",
    "status": 400,
    "innererror": {"code": "ResponsibleAIPolicyViolation", "content_filter_result": {"hate": {"filtered": True}}},
}


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (400, FILTERED),
        (400, FILTERED | {"code": "400"}),
        (400, {"code": "invalid_prompt", "message": "Flagged as potentially violating our usage policy."}),
        (403, {"code": 403, "message": "Flagged.", "metadata": {"reasons": ["hate"], "flagged_input": "A small"}}),
    ],
)
async def test_a_question_that_a_filter_kept_back_is_refused_and_no_error(status: int, error: Any) -> None:
    reply, asked = await sent(http({"error": error}, status))
    assert (reply.finish, reply.refusal, reply.text, reply.http_status) == ("filter", error["message"], "", status)
    assert json.loads(reply.raw) == {"error": error}
    assert_restored(reply.sent, asked.body)


@pytest.mark.parametrize(
    "body",
    [
        {"error": {"code": "invalid_prompt", "message": "No such role."}},
        {"error": {"code": 403, "message": "No.", "metadata": {"provider_name": "x"}}},
        {"error": {"code": None, "message": None, "innererror": None, "metadata": None}},
        {"error": "content_filter"},
        {"detail": "content_filter"},
        ["content_filter"],
        "content_filter",
    ],
)
async def test_any_other_complaint_is_an_error(body: Any) -> None:
    with pytest.raises(Permanent):
        await sent(http(body, 400))


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        ({"code": 502, "message": "The provider is down."}, Unavailable),
        ({"code": 429, "message": "The provider is busy."}, RateLimited),
        ({"code": 402, "message": "The provider wants money."}, Permanent),
    ],
)
async def test_an_error_that_comes_with_status_200_is_one(error: Any, kind: type[ProviderError]) -> None:
    choice = {"index": 0, "finish_reason": "error", "message": {"content": "Y"}, "error": error}
    for said in ({"error": error}, {"choices": [choice]}):  # https://openrouter.ai/docs/errors
        with pytest.raises(kind, match="The provider") as caught:
            await sent(http(said))
        assert type(caught.value) is kind
        assert json.loads(caught.value.raw) == said


async def test_a_reply_that_says_little_is_still_a_reply() -> None:
    reply, _ = await sent({"choices": [{"message": {"content": "Yes."}}]})
    assert (reply.text, reply.usage, reply.model_returned, reply.finish) == ("Yes.", Usage(), "", "stop")


jsons = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
PLACES = (
    "id",
    "model",
    "system_fingerprint",
    "usage",
    "choices",
    "message",
    "content",
    "refusal",
    "tool_calls",
    "finish_reason",
)


@given(st.sampled_from(PLACES), jsons)
def test_whatever_stands_where_something_else_should_is_a_reply_or_a_malformed_one(place: str, odd: Any) -> None:
    said = chat("Yes.")
    choice = said["choices"][0]
    holder = {"message": choice, "finish_reason": choice}.get(
        place, choice["message"] if place in PLACES[6:9] else said
    )
    holder[place] = odd
    try:
        found: Any = model().understood(json.dumps(said).encode(), {})
    except Unavailable as error:
        found = error
    whole = found.raw
    assert json.loads(whole) == json.loads(json.dumps(said))
    assert isinstance(found, Reply) or found.kind == "malformed"
    if isinstance(found, Reply):
        texts = (found.text, found.refusal or "", found.model_returned, found.model_fingerprint, found.response_id)
        assert {type(one) for one in texts} == {str}
