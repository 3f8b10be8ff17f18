"""What the mock provider promises, for the tests that lean on it."""

import asyncio
import io
import json
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import aiohttp
import pytest

from buttermilk.testing import MockProvider, Settings
from buttermilk.testing.replies import fill
from buttermilk.testing.wire import PLAIN, MalformedError, RequestReader

Json = dict[str, Any]
KEY = "sk-secret-wxyz"


class Got(NamedTuple):
    """A reply; status 0 where the connection broke off."""

    status: int
    headers: Json
    body: bytes

    @property
    def json(self) -> Json:
        return json.loads(self.body)

    @property
    def message(self) -> Json:
        return self.json["choices"][0]["message"]

    @property
    def content(self) -> str:
        return self.message["content"]


def question(text: str = "Is it warm?", **more: Any) -> Json:
    return {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": text}], **more}


def many(count: int) -> list[Json]:
    return [question(f"[record:{number}] Is it warm?") for number in range(count)]


def schema(properties: Json, **more: Any) -> Json:
    shape = {"type": "object", "properties": properties, "required": list(properties), **more}
    return {"type": "json_schema", "json_schema": {"name": "answer", "strict": True, "schema": shape}}


def tool(name: str, properties: Json) -> Json:
    return {"type": "function", "function": {"name": name, "parameters": {"type": "object", "properties": properties}}}


def ask(mock: MockProvider, *bodies: Any, at_once: int = 100, path: str = "/chat/completions") -> list[Got]:
    """Post each body, in this order as far as `at_once` of them may be under way together."""

    async def one(session: aiohttp.ClientSession, slots: asyncio.Semaphore, body: Any) -> Got:
        sent = {"json": body} if isinstance(body, dict) else {"data": body}
        async with slots:
            try:
                async with session.post(mock.url + path, headers={"Authorization": f"Bearer {KEY}"}, **sent) as reply:
                    return Got(reply.status, dict(reply.headers), await reply.read())
            except aiohttp.ClientConnectionError:
                return Got(0, {}, b"")

    async def everyone() -> list[Got]:
        slots = asyncio.Semaphore(at_once)
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=at_once)) as session:
            return await asyncio.gather(*(one(session, slots, body) for body in bodies))

    return asyncio.run(everyone())


def get(mock: MockProvider, path: str) -> Got:
    async def one() -> Got:
        async with aiohttp.ClientSession() as session, session.get(mock.root + path) as reply:
            return Got(reply.status, dict(reply.headers), await reply.read())

    return asyncio.run(one())


def over_a_socket(mock: MockProvider, *pieces: bytes, pause_seconds: float = 0.005) -> bytes:
    """Send the pieces one by one; what comes back until the first reply is whole."""
    address = urlsplit(mock.root)
    with socket.create_connection((address.hostname, address.port), timeout=5) as client:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for piece in pieces:
            client.sendall(piece)
            time.sleep(pause_seconds)
        received = b""
        while not received.endswith(b"}") and (data := client.recv(65536)):
            received += data
    return received


def raw_request(body: bytes, *headers: bytes) -> bytes:
    head = [b"POST /v1/chat/completions HTTP/1.1", b"Host: mock", *(headers or (b"Content-Length: %d" % len(body),))]
    return b"\r\n".join(head) + b"\r\n\r\n" + body


@pytest.fixture(scope="module", params=["plain", "fast"])
def shared(request: pytest.FixtureRequest) -> Iterator[MockProvider]:
    """One mock for the tests that change no setting, with and without what makes it faster."""
    with MockProvider(plain=request.param == "plain") as mock:
        yield mock


@pytest.fixture
def mock(shared: MockProvider) -> MockProvider:
    shared.reset()
    return shared


# The replies.


def test_a_reply_has_the_shape_of_openais(mock: MockProvider) -> None:
    (got,) = ask(mock, question())
    assert got.status == 200
    assert got.headers["Content-Type"] == "application/json"
    reply = got.json
    assert reply["object"] == "chat.completion"
    assert reply["model"] == "gpt-4o-mini"
    assert reply["id"].startswith("chatcmpl-")
    (choice,) = reply["choices"]
    assert (choice["index"], choice["finish_reason"]) == (0, "stop")
    assert choice["message"]["role"] == "assistant"
    assert choice["message"]["refusal"] is None
    usage = reply["usage"]
    assert usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"]
    assert "system_fingerprint" not in reply
    assert set(json.loads(got.content)) == {"label", "confidence", "reason"}


def test_the_marker_alone_decides_the_answer_however_it_is_wrapped(mock: MockProvider) -> None:
    plain, wrapped, parts, other = ask(
        mock,
        question("[record:a7] Is it warm?"),
        question("Please say: is this warm? [record:a7]", temperature=1),
        question([{"type": "text", "text": "[record:a7]"}, {"type": "image_url", "image_url": {"url": "data:,"}}]),
        question("[record:a8] Is it warm?"),
    )
    assert plain.content == wrapped.content == parts.content != other.content


def test_without_a_marker_the_whole_body_decides(mock: MockProvider) -> None:
    first, again, warmer = ask(mock, question(), question(), question(temperature=1))
    assert first.body == again.body
    assert first.json["id"] != warmer.json["id"]


def test_replies_are_the_same_with_and_without_what_makes_it_faster() -> None:
    asked = [*many(5), question("né", tools=[tool("note", {"text": {"type": "string"}})])]
    with MockProvider(plain=True) as plain, MockProvider() as fast:
        assert [got.body for got in ask(plain, *asked)] == [got.body for got in ask(fast, *asked)]


def test_a_schema_is_filled_in(mock: MockProvider) -> None:
    wanted = schema(
        {
            "tone": {"enum": ["warm", "cold"]},
            "score": {"type": "number", "minimum": 5, "maximum": 6},
            "stars": {"type": "integer", "minimum": 3, "exclusiveMaximum": 5},
            "sure": {"type": "boolean"},
            "why": {"type": ["null", "string"], "maxLength": 9},
            "when": {"type": "string", "format": "date"},
            "kind": {"const": "review"},
            "quotes": {"type": "array", "items": {"$ref": "#/$defs/Quote"}, "minItems": 2},
            "other": {"anyOf": [{"type": "null"}, {"$ref": "#/$defs/Quote"}]},
        },
        **{"$defs": {"Quote": {"type": "object", "properties": {"words": {"type": "string"}}}}},
    )
    answers = [json.loads(got.content) for got in ask(mock, *(one | {"response_format": wanted} for one in many(30)))]
    assert {answer["tone"] for answer in answers} == {"warm", "cold"}
    assert {answer["stars"] for answer in answers} == {3, 4}
    for answer in answers:
        assert 5 < answer["score"] < 6
        assert answer["sure"] in (True, False)
        assert len(answer["why"]) == 9
        assert (answer["when"], answer["kind"]) == ("2024-05-17", "review")
        assert [set(quote) for quote in [*answer["quotes"], answer["other"]]] == [{"words"}] * 3


def test_a_label_is_the_same_with_a_schema_as_without(mock: MockProvider) -> None:
    wanted = schema({"label": {"type": "string"}})
    free, filled = ask(mock, question("[record:5]"), question("[record:5]", response_format=wanted))
    assert json.loads(free.content)["label"] == json.loads(filled.content)["label"]


def test_a_schema_that_contains_itself_comes_to_an_end() -> None:
    branch = {"anyOf": [{"$ref": "#"}, {"type": "null"}]}
    tree = {"type": "object", "properties": {"left": branch, "right": branch}, "required": ["left", "right"]}
    filled = fill(tree, 3)
    assert set(filled["left"]) == {"left", "right"}
    assert len(json.dumps(filled)) < 10_000
    assert json.dumps(fill({"type": "array", "items": {"$ref": "#"}}, 3)).count("[") < 20


def test_the_first_tool_is_called_with_arguments_that_fit(mock: MockProvider) -> None:
    tools = [tool("code", {"label": {"enum": ["a", "b"]}}), tool("skip", {})]
    (got,) = ask(mock, question(tools=tools))
    (call,) = got.message["tool_calls"]
    assert got.content is None
    assert got.json["choices"][0]["finish_reason"] == "tool_calls"
    assert (call["type"], call["function"]["name"]) == ("function", "code")
    assert json.loads(call["function"]["arguments"])["label"] in ("a", "b")


def test_tool_choice_is_heeded(mock: MockProvider) -> None:
    tools = [tool("code", {}), tool("skip", {})]
    named = {"type": "function", "function": {"name": "skip"}}
    unknown = {"type": "function", "function": {"name": "jump"}}
    told = [*question()["messages"], {"role": "tool", "tool_call_id": "call_1", "content": "{}"}]
    forced, none, after, wrong = ask(
        mock,
        question(tools=tools, tool_choice=named),
        question(tools=tools, tool_choice="none"),
        question(tools=tools) | {"messages": told},
        question(tools=tools, tool_choice=unknown),
    )
    assert forced.message["tool_calls"][0]["function"] == {"name": "skip", "arguments": "{}"}
    assert "tool_calls" not in none.message
    assert "tool_calls" not in after.message
    assert wrong.status == 400


def test_the_models_are_listed(mock: MockProvider) -> None:
    listed = get(mock, "/v1/models").json
    assert listed["object"] == "list"
    assert "gpt-4o-mini" in [model["id"] for model in listed["data"]]


def test_what_cannot_be_answered_is_an_error_in_openais_shape(mock: MockProvider) -> None:
    bad = [b"{", b"[1]", {"messages": []}, question() | {"messages": []}, question(stream=True), question([{"x": 1}])]
    for got in [*ask(mock, *bad), *ask(mock, question() | {"messages": [7]})]:
        assert got.status == 400
        assert got.json["error"]["type"] == "invalid_request_error"
        assert got.json["error"]["message"]
    assert ask(mock, question(), path="/nothing")[0].status == 404
    assert get(mock, "/v1/nothing").status == 404


def test_usage_model_and_fingerprint_can_be_fixed() -> None:
    fixed = {"prompt_tokens": 1000, "completion_tokens": 0, "model_returned": "gpt-x", "system_fingerprint": "fp_1"}
    with MockProvider(**fixed) as mock:
        (got,) = ask(mock, question())
    assert got.json["usage"] == {"prompt_tokens": 1000, "completion_tokens": 0, "total_tokens": 1000}
    assert (got.json["model"], got.json["system_fingerprint"]) == ("gpt-x", "fp_1")


def test_another_character_gives_other_answers_and_the_same_one_the_same() -> None:
    bodies = [question(f"verse {number}") for number in range(20)]
    with MockProvider() as mock:
        first, again = ([one.body for one in ask(mock, *bodies)] for _ in range(2))
        mock.configure(character=1)
        changed, still = ([one.body for one in ask(mock, *bodies)] for _ in range(2))
    assert first == again
    assert changed == still
    assert sum(one != other for one, other in zip(first, changed, strict=True)) > 10


def test_a_wavering_mock_answers_some_bodies_anew() -> None:
    bodies = [question(f"verse {number}") for number in range(40)]
    with MockProvider(pwaver=50) as mock:
        first, again = ([one.body for one in ask(mock, *bodies)] for _ in range(2))
    assert 8 < sum(one != other for one, other in zip(first, again, strict=True)) < 40


# The faults.


FAULTY = {"p429": 10, "p500": 10, "preset": 10, "pbad": 10, "pgarbage": 10, "prefuse": 10, "plength": 10}


def kind_of(got: Got) -> str:
    """What a client would take the reply for."""
    if got.status != 200:
        return {0: "reset"}.get(got.status, str(got.status))
    if got.headers["Content-Type"] != "application/json":
        return "garbage"
    if got.message["refusal"]:
        return "refusal"
    if got.json["choices"][0]["finish_reason"] == "length":
        return "length"
    return "answer" if got.content.endswith("}") else "bad"


def kinds(mock: MockProvider, asked: list[Json], at_once: int = 100) -> list[str]:
    return [kind_of(got) for got in ask(mock, *asked, at_once=at_once)]


def test_every_kind_of_fault_looks_as_it_should_and_is_counted() -> None:
    with MockProvider(**FAULTY) as mock:
        seen = Counter(kinds(mock, many(200)))
        stats = mock.stats()
    answers = seen.pop("answer")
    assert stats["faults"] == {**seen, "limited": 0}
    assert set(seen) == {"429", "500", "reset", "bad", "garbage", "refusal", "length"}
    assert all(8 <= count <= 34 for count in seen.values())  # 20 of 200 expected; 8 and 34 lie beyond 2.8 sigma
    assert stats["answered"] == answers + sum(seen[kind] for kind in ("bad", "garbage", "refusal", "length"))


def test_which_request_is_struck_depends_on_neither_order_nor_concurrency() -> None:
    asked = many(100)
    with MockProvider(**FAULTY) as mock:
        at_once = kinds(mock, asked)
        mock.reset()
        one_by_one = kinds(mock, asked, at_once=1)
        mock.reset()
        backwards = kinds(mock, asked[::-1], at_once=7)[::-1]
        mock.reset()
        mock.configure(seed=2)
        assert at_once == one_by_one == backwards != kinds(mock, asked)


def test_a_retry_is_drawn_anew_and_every_difference_in_the_body_counts() -> None:
    with MockProvider(p500=50) as mock:
        retries = kinds(mock, [question()] * 40, at_once=1)
        repeats = kinds(mock, [question("[record:1]", seed=number) for number in range(40)])
    assert set(retries) == set(repeats) == {"500", "answer"}


def test_with_faults_once_the_retry_is_answered() -> None:
    asked = many(60)
    with MockProvider(p429=30, p500=30, faults_once=True) as mock:
        first, second = kinds(mock, asked), kinds(mock, asked)
        stats = mock.stats()
    assert set(first) == {"429", "500", "answer"}
    assert set(second) == {"answer"}
    assert stats["faults"]["429"] + stats["faults"]["500"] == 60 - first.count("answer")


def test_a_429_says_when_to_come_back_and_does_not_wait() -> None:
    with MockProvider(p429=100, retry_after=0.25, latency_ms=5000) as mock:
        (got,) = ask(mock, question())
    assert (got.status, got.headers["Retry-After"]) == (429, "0.25")
    assert got.json["error"]["type"] == "rate_limit_error"


def test_a_cut_tool_call_is_cut_in_its_arguments() -> None:
    with MockProvider(plength=100) as mock:
        (got,) = ask(mock, question(tools=[tool("code", {"label": {"enum": ["a", "b"]}})]))
    assert got.json["choices"][0]["finish_reason"] == "length"
    with pytest.raises(ValueError):
        json.loads(got.message["tool_calls"][0]["function"]["arguments"])


@pytest.mark.parametrize("plain", [True, False])
def test_a_reset_is_a_reset_and_no_orderly_end(plain: bool) -> None:
    with MockProvider(preset=100, plain=plain) as mock, pytest.raises(ConnectionResetError):
        over_a_socket(mock, raw_request(b"{}"))


def test_above_the_rate_limit_comes_429_and_it_moves_no_other_fault() -> None:
    asked = many(40)
    with MockProvider(rps=20, retry_after=2, p500=50, faults_once=True) as mock:
        limited = ask(mock, *asked)
        stats = mock.stats()
        turned_away = [body for body, got in zip(asked, limited, strict=True) if got.status == 429]
        mock.configure(rps=0)
        came_back = dict(zip(map(str, turned_away), kinds(mock, turned_away), strict=True))
        mock.reset()
        unlimited = dict(zip(map(str, asked), kinds(mock, asked), strict=True))
    assert 15 <= len(turned_away) <= 20
    assert stats["faults"]["limited"] == len(turned_away)
    assert {got.headers["Retry-After"] for got in limited if got.status == 429} == {"2"}
    assert came_back == {body: unlimited[body] for body in came_back}


@pytest.mark.parametrize(
    "wrong", [{"p429": 60, "p500": 50}, {"latency_ms": -1}, {"rps": "7"}, {"p500": True}, {"seed": "a"}]
)
def test_settings_that_make_no_sense_are_refused(wrong: Json) -> None:
    with pytest.raises(ValueError):
        Settings(**wrong)


# The counters.


def test_stats_tell_what_was_asked() -> None:
    with MockProvider(latency_ms=50) as mock:
        ask(mock, *many(10), question(), question(), question())
        stats = mock.stats()
    expected = {"requests": 13, "distinct": 11, "asked_most": 3, "asked_twice": 1, "answered": 13, "in_flight": 0}
    assert stats | expected == stats
    assert stats["max_in_flight"] == stats["connections"] == 13
    assert stats["bytes_in"] > 13 * len(json.dumps(question("")))
    assert 0.05 <= stats["span_s"] < 1
    assert 0 < stats["cpu_s"] < 1
    assert stats["rss_mb"] is None or stats["rss_mb"] > 5
    assert stats["config"]["latency_ms"] == 50


def test_connections_are_kept_alive(mock: MockProvider) -> None:
    ask(mock, *many(30), at_once=3)
    assert mock.stats()["connections"] == 3


def test_reset_forgets_everything_but_the_settings() -> None:
    fresh: Json
    with MockProvider(p500=30, faults_once=True) as mock:
        fresh = mock.stats()
        first = kinds(mock, many(20))
        mock.reset()
        volatile = {"cpu_s", "rss_mb"}
        after = mock.stats()
        assert {key: after[key] for key in after.keys() - volatile} == {
            key: fresh[key] for key in fresh.keys() - volatile
        }
        assert mock.requests() == []
        assert kinds(mock, many(20)) == first


def test_a_reply_that_is_late_for_a_reset_spoils_no_counter() -> None:
    with MockProvider(latency_ms=100) as mock:
        client = threading.Thread(target=ask, args=(mock, question()))
        client.start()
        while not mock.stats()["in_flight"]:
            time.sleep(0.005)
        mock.reset()
        client.join()
        stats = mock.stats()
    assert (stats["in_flight"], stats["answered"], stats["requests"]) == (0, 0, 0)


def test_settings_change_while_it_runs() -> None:
    with MockProvider(p500=100) as mock:
        assert kinds(mock, [question()]) == ["500"]
        mock.configure(p500=0, prefuse=100)
        assert kinds(mock, [question()]) == ["refusal"]
        with pytest.raises(ValueError, match="p500"):
            mock.configure(p50=1)
        with pytest.raises(ValueError, match="more than every request"):
            mock.configure(p500=1)
        assert mock.stats()["config"]["prefuse"] == 100


def test_the_last_requests_can_be_read_without_the_key(mock: MockProvider) -> None:
    ask(mock, *many(3), b"not json", at_once=1)
    first, *_, last = mock.requests()
    assert len(mock.requests()) == 4
    assert first["body"] == many(1)[0]
    assert (first["method"], first["path"]) == ("POST", "/v1/chat/completions")
    assert first["headers"]["authorization"] == "...wxyz"
    assert first["headers"]["content-type"] == "application/json"
    assert last["body"] == "not json"
    assert mock.requests(limit=1) == [last]
    assert KEY not in json.dumps(mock.requests())


def test_only_the_last_hundred_requests_are_kept_unless_told_otherwise() -> None:
    with MockProvider() as mock, MockProvider(keep=2) as forgetful:
        ask(mock, *many(103), at_once=1)
        ask(forgetful, *many(3), at_once=1)
        assert [one["body"] for one in mock.requests()] == many(103)[3:]
        assert [one["body"] for one in forgetful.requests()] == many(3)[1:]


# The wire.


def test_a_request_may_come_in_many_segments(mock: MockProvider) -> None:
    body = json.dumps(question("é" * 30)).encode()
    sent = raw_request(body)
    whole = over_a_socket(mock, sent)
    assert whole.startswith(b"HTTP/1.1 200 OK\r\n")
    pieces = [sent[start : start + 17] for start in range(0, len(sent), 17)]
    assert over_a_socket(mock, *pieces) == whole
    assert mock.stats()["asked_most"] == 2


def test_a_request_read_byte_by_byte_is_the_same_request() -> None:
    chunks = b"4;x=1\r\nabcd\r\n3\r\nefg\r\n0\r\n\r\n"
    for sent, body in (
        (raw_request(b"abcdefg"), b"abcdefg"),
        (raw_request(chunks, b"transfer-encoding: chunked"), b"abcdefg"),
        (raw_request(b"", b"Accept: */*"), b""),
    ):
        reader, found = RequestReader(), []
        for at in range(len(sent)):
            found += reader.feed(sent[at : at + 1])
        (request,) = found
        assert (request.method, request.target, request.body) == ("POST", "/v1/chat/completions", body)
        assert found == RequestReader().feed(sent)


def test_a_body_may_come_in_chunks(mock: MockProvider) -> None:
    body = json.dumps(question("x" * 5000)).encode()

    async def pieces(size: int = 100) -> Any:
        for start in range(0, len(body), size):
            yield body[start : start + size]

    chunked, whole = ask(mock, pieces(), body, at_once=1)
    assert chunked.body == whole.body
    assert mock.requests()[0]["headers"]["transfer-encoding"] == "chunked"
    assert mock.stats()["distinct"] == 1


def test_a_body_may_have_twenty_megabytes(mock: MockProvider) -> None:
    body = json.dumps(question("x" * 20_000_000)).encode()
    (got,) = ask(mock, io.BytesIO(body))
    assert kind_of(got) == "answer"
    assert mock.stats()["bytes_in"] == len(body)


def test_a_client_that_leaves_does_no_harm() -> None:
    with MockProvider(latency_ms=50) as mock:
        address = urlsplit(mock.root)
        sent = raw_request(json.dumps(question()).encode())
        for piece in (sent, sent[:-5]):
            with socket.create_connection((address.hostname, address.port)) as client:
                client.sendall(piece)
        time.sleep(0.1)
        stats = mock.stats()
        assert (stats["requests"], stats["answered"], stats["in_flight"]) == (1, 0, 0)
        assert kinds(mock, [question()]) == ["answer"]


@pytest.mark.parametrize(
    "sent", [b"hello\r\n\r\n", raw_request(b"zz\r\n", b"Transfer-Encoding: chunked"), b"x" * 70_000]
)
def test_what_is_not_http_is_turned_away(mock: MockProvider, sent: bytes) -> None:
    with pytest.raises(ValueError) as refused:
        RequestReader().feed(sent)
    assert isinstance(refused.value, MalformedError) or "invalid literal" in str(refused.value)
    assert over_a_socket(mock, sent).startswith(b"HTTP/1.1 400 ")


# Starting and stopping.


def mock_threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name == "mock-provider"]


def listens(url: str) -> bool:
    address = urlsplit(url)
    with socket.socket() as client:
        return client.connect_ex((address.hostname, address.port)) == 0


@pytest.mark.parametrize("plain", [True, False])
def test_when_it_has_stopped_no_thread_is_left(plain: bool) -> None:
    before = len(mock_threads())
    with MockProvider(latency_ms=60_000, plain=plain) as mock:
        root = mock.root
        assert len(mock_threads()) == before + 1
        client = threading.Thread(target=ask, args=(mock, question()))
        client.start()
        while not mock.stats()["in_flight"]:
            time.sleep(0.005)
    client.join(5)
    assert not client.is_alive()
    assert len(mock_threads()) == before
    assert not listens(root)
    mock.stop()
    with pytest.raises(RuntimeError, match="not running"):
        _ = mock.url


def test_it_can_be_started_again_but_not_twice() -> None:
    mock = MockProvider()
    for _ in range(2):
        with mock:
            assert kinds(mock, [question()]) == ["answer"]
            with pytest.raises(RuntimeError, match="already listening"):
                mock.start()


def test_a_port_that_is_taken_is_an_error_and_leaves_nothing_behind() -> None:
    with MockProvider() as mock:
        port = urlsplit(mock.root).port
        before = len(mock_threads())
        with pytest.raises(OSError, match="in use"), MockProvider(port=port):
            pass
        assert len(mock_threads()) == before


def test_in_a_process_of_its_own_it_behaves_the_same_and_leaves_no_process(monkeypatch: pytest.MonkeyPatch) -> None:
    children: list[subprocess.Popen[str]] = []

    class Noted(subprocess.Popen):
        def __init__(self, *arguments: Any, **options: Any) -> None:
            children.append(self)
            super().__init__(*arguments, **options)

    monkeypatch.setattr(subprocess, "Popen", Noted)
    with MockProvider(process=True, plain=True, p500=50, seed=9) as mock, MockProvider(p500=50, seed=9) as near:
        assert kinds(mock, many(20)) == kinds(near, many(20))
        assert len(mock.requests(limit=2)) == 2
        assert mock.stats()["config"] == near.stats()["config"]
        root = mock.root
    assert not listens(root)
    assert [child.returncode for child in children] == [0]


def test_from_a_shell_its_first_line_is_its_base_url() -> None:
    command = [
        sys.executable,
        "-m",
        "buttermilk.testing",
        "--port",
        "0",
        "--latency",
        "5",
        "--faults-once",
        "--with-stdin",
    ]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as shell:
        assert shell.stdin is not None
        assert shell.stdout is not None
        url = shell.stdout.readline().strip()
        assert url.startswith("http://127.0.0.1:")
        assert url.endswith("/v1")
        assert listens(url)
        shell.stdin.close()
        assert shell.wait(5) == 0
    wrong = subprocess.run([*command, "--p500", "101"], capture_output=True, text=True, check=False)
    assert wrong.returncode == 2
    assert "more than every request" in wrong.stderr


def test_the_standard_library_is_enough() -> None:
    hidden = "import sys; sys.modules.update(dict.fromkeys(('orjson', 'uvloop', 'resource'))); "
    check = "from buttermilk.testing import wire, MockProvider; assert wire.FAST == wire.PLAIN; "
    use = "m = MockProvider(); m.start(); assert m.stats()['rss_mb'] is None; m.stop()"
    subprocess.run([sys.executable, "-c", hidden + check + use], check=True)
    assert PLAIN.loads(PLAIN.dumps({"é": 1})) == {"é": 1}
