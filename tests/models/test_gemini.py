"""The Gemini dialect: exactly what was declared goes out, and all that a reply says is read."""

import hashlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from answering import Asked, answering, http
from asking import CODEBOOK, PLANTED, blobs, job, keys
from buttermilk.core.errors import Permanent, Unavailable
from buttermilk.core.flows import Agent, Capabilities, Codebook, LabelDefinition, Question
from buttermilk.core.jobs import Usage, fill
from buttermilk.core.messages import Message, Reply, Request
from buttermilk.models.gemini import Gemini
from buttermilk.testing import MockProvider

pytestmark = pytest.mark.anyio

WORDS = Question(name="words", ask="How many words?", level="ratio", minimum=0, optional=True)
LABELS = (LabelDefinition(name="a"), LabelDefinition(name="b"))
WHICH = Question(name="which", ask="Which?", labels=LABELS, optional=True)
SHORT = Codebook(name="short", questions=(WHICH, WORDS))
CALL = {"functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": ["answer"]}}


def gemini(url: str = "http://127.0.0.1:1/v1beta", **more: Any) -> Gemini:
    agent = Agent(name="gemini", type="gemini", base_url=url, **{"model": "gemini-3.8-flash", **more})
    return Gemini(agent, keys, blobs)


def request(of: Gemini, codebook: Codebook | None = None) -> Request:
    messages = (Message(role="system", text="Count."), Message(role="user", text="A small verse."))
    return Request(agent=of.agent, messages=messages, codebook=codebook, job=job(of.agent))


def body(of: Gemini, one: Request) -> Any:
    """The body that would go out."""
    return json.loads(fill(*of.skeleton(one), of._encode))


def said(*parts: Any, finish: str = "STOP", usage: Any = None, **more: Any) -> dict[str, Any]:
    candidate = {"content": {"role": "model", "parts": list(parts)}, "finishReason": finish, "index": 0, **more}
    return {"candidates": [candidate], "usageMetadata": usage or {}, "modelVersion": "gemini-3.8-flash-001"}


def read(found: Any) -> Reply:
    return gemini().understood(json.dumps(found).encode(), {})


async def sent(tell: Any, **more: Any) -> tuple[Reply, Asked]:
    """One call: the reply, and the request as the server saw it."""
    reply = tell if isinstance(tell, bytes) else http(tell)
    async with answering(lambda one: reply) as server:
        of = gemini(server.url, **more)
        try:
            return await of.complete(request(of)), server.asked[0]
        finally:
            await of.close()


# ---- out


async def test_a_body_holds_the_messages_and_nothing_else() -> None:
    reply, asked = await sent(said({"text": "3"}))
    assert asked.json == {
        "contents": [{"role": "user", "parts": [{"text": "A small verse."}]}],
        "systemInstruction": {"parts": [{"text": "Count."}]},
    }
    assert reply.sent is not None
    assert reply.sent.texts == ("Count.", "A small verse.")
    assert reply.sent.sha256 == hashlib.sha256(asked.body).hexdigest()


def test_tools_of_the_agents_own_stay_beside_the_call_that_is_forced() -> None:
    own = {"tools": [{"googleSearch": {}}], "toolConfig": {"retrievalConfig": {"languageCode": "en"}}}
    of = gemini(parameters=own, capabilities=Capabilities(answers="tool"))
    for codebook in (SHORT, CODEBOOK):  # what the agent declares is not changed by asking
        found = body(of, request(of, codebook))
        assert [list(tool) for tool in found["tools"]] == [["googleSearch"], ["functionDeclarations"]]
        assert found["toolConfig"] == {"retrievalConfig": {"languageCode": "en"}, **CALL}


def test_a_label_that_may_be_null_is_written_as_google_reads_it() -> None:
    of = gemini()
    schema = body(of, request(of, SHORT))["generationConfig"]["responseJsonSchema"]
    labelled = {"type": "string", "description": "Which?", "enum": ["a", "b"]}
    assert schema["properties"] == {
        "which": {"anyOf": [labelled, {"type": "null"}]},
        "words": {"type": ["number", "null"], "description": "How many words?", "minimum": 0.0},
    }
    assert schema["required"] == ["which", "words"]
    assert "anyOf" not in repr(SHORT.schema_)  # other dialects have theirs


@given(st.lists(st.tuples(st.sampled_from(["system", "user", "assistant"]), st.text()), min_size=1, max_size=4))
def test_any_text_goes_out_as_that_text_in_that_role(turns: list[tuple[Any, str]]) -> None:
    of = gemini()
    messages = tuple(Message(role=role, text=text) for role, text in turns)
    found = body(of, Request(agent=of.agent, messages=messages, job=job(of.agent)))
    roles = {"user": "user", "assistant": "model"}
    talk = [{"role": roles[role], "parts": [{"text": text}]} for role, text in turns if role != "system"]
    system = [{"text": text} for role, text in turns if role == "system"]
    assert found == {"contents": talk} | ({"systemInstruction": {"parts": system}} if system else {})


@pytest.mark.parametrize(
    ("door", "header", "key", "place"),
    [("", "x-goog-api-key", PLANTED, ""), ("vertex", "authorization", f"Bearer {PLANTED}", "/publishers/google")],
)
async def test_each_door_has_its_header_and_its_path(door: str, header: str, key: str, place: str) -> None:
    _, asked = await sent(said({"text": "3"}), door=door, key="secret://env/GEMINI_API_KEY")
    assert asked.headers[header] == key
    assert asked.head.startswith(f"POST /v1{place}/models/gemini-3.8-flash:generateContent HTTP")


# ---- back


def test_what_googles_tools_read_is_input_too() -> None:
    usage = {"promptTokenCount": 9, "toolUsePromptTokenCount": 5, "candidatesTokenCount": 2, "thoughtsTokenCount": 3}
    assert read(said(usage=usage)).usage == Usage(input_tokens=14, output_tokens=5, reasoning_tokens=3)


def test_the_arguments_of_the_forced_call_are_the_text_and_no_others() -> None:
    other = {"functionCall": {"name": "search", "args": {}}}
    call = {"functionCall": {"name": "answer", "args": {"reason": "Größe ✓", "words": 4}}}
    assert read(said({"text": "So:"}, other, call)).text == '{"reason": "Größe ✓", "words": 4}'
    assert read(said(other)).text == ""


@pytest.mark.parametrize(
    ("reason", "finish"),
    [
        ("STOP", "stop"),
        ("MAX_TOKENS", "length"),
        ("CONTINUATION", "length"),
        ("MALFORMED_FUNCTION_CALL", "other"),
        ("LANGUAGE", "other"),
        ("A_REASON_OF_TOMORROW", "other"),
    ],
)
def test_each_way_to_end_has_its_word(reason: str, finish: str) -> None:
    reply = read(said({"text": "ye"}, finish=reason))
    assert (reply.text, reply.finish, reply.refusal) == ("ye", finish, None)


def test_what_google_adds_in_words_is_kept() -> None:
    stopped = read({"candidates": [{"finishReason": "RECITATION", "finishMessage": "It is a poem."}]})
    assert (stopped.finish, stopped.refusal) == ("filter", "the answer was stopped: It is a poem.")
    blocked = read({"promptFeedback": {"blockReason": "OTHER", "blockReasonMessage": "No such language."}})
    assert (blocked.finish, blocked.refusal) == ("filter", "the prompt was blocked: OTHER (No such language.)")


@pytest.mark.parametrize("found", [{}, {"candidates": []}, {"promptFeedback": {}}, {"error": {"message": "No."}}, []])
def test_a_body_that_says_neither_is_no_answer(found: Any) -> None:
    with pytest.raises(Unavailable, match="the reply is no answer of generateContent"):
        read(found)


def test_a_reply_that_says_little_is_still_a_reply() -> None:
    reply = read({"candidates": [{"content": {"role": "model"}, "finishReason": "MAX_TOKENS"}]})
    assert (reply.text, reply.usage, reply.model_returned, reply.finish) == ("", Usage(), "", "length")


jsons = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
PLACES = [
    ("candidates",),
    ("usageMetadata",),
    ("modelVersion",),
    ("responseId",),
    ("usageMetadata", "thoughtsTokenCount"),
    ("candidates", 0),
    ("candidates", 0, "finishReason"),
    ("candidates", 0, "content"),
    ("candidates", 0, "content", "parts"),
    ("candidates", 0, "content", "parts", 0, "text"),
    ("candidates", 0, "content", "parts", 1, "functionCall"),
    ("candidates", 0, "content", "parts", 1, "functionCall", "name"),
]


@given(st.sampled_from(PLACES), jsons)
def test_whatever_stands_where_something_else_should_is_a_reply_or_a_malformed_one(place: Any, odd: Any) -> None:
    found: Any = said({"text": "Yes."}, {"functionCall": {"name": "answer", "args": {}}})
    holder = found
    for step in place[:-1]:
        holder = holder[step]
    holder[place[-1]] = odd
    try:
        reply: Any = read(found)
    except Unavailable as error:
        reply = error
    assert isinstance(reply, Reply) or reply.kind == "malformed"
    if isinstance(reply, Reply):
        texts = (reply.text, reply.refusal or "", reply.model_returned, reply.response_id)
        assert {type(one) for one in texts} == {str}


# ---- on the mock


async def mocked(faults: dict[str, Any], **more: Any) -> Reply:
    with MockProvider(**faults) as mock:
        of = gemini(mock.url, **more)
        try:
            return await of.complete(request(of, codebook=CODEBOOK))
        finally:
            await of.close()


async def test_the_mock_refuses_as_gemini_does() -> None:
    reply = await mocked({"prefuse": 100})
    assert (reply.text, reply.finish, reply.refusal) == ("", "filter", "the answer was stopped: SAFETY")


@pytest.mark.parametrize(
    ("fault", "strategy", "finish"),
    [("length", "native", "length"), ("length", "tool", "length"), ("bad", "native", "stop"), ("bad", "tool", "other")],
)
async def test_the_mock_breaks_off_as_gemini_does(fault: str, strategy: Any, finish: str) -> None:
    reply = await mocked({f"p{fault}": 100}, capabilities=Capabilities(answers=strategy))
    assert reply.finish == finish
    assert not reply.text.endswith("}")


@pytest.mark.parametrize(
    "wrong",
    [
        {"contents": []},
        {"contents": [{"role": "system", "parts": [{"text": "?"}]}]},
        {"contents": [{"role": "user", "parts": []}]},
        {"contents": [{"parts": [{"text": "?"}]}], "toolConfig": CALL},
    ],
)
async def test_the_mock_refuses_what_gemini_would(wrong: dict[str, Any]) -> None:
    with MockProvider() as mock:
        of = gemini(mock.url)
        with pytest.raises(Permanent) as caught:
            await of.wire.post(of._address, json.dumps(wrong).encode())
        assert caught.value.http_status == 400
        await of.close()
