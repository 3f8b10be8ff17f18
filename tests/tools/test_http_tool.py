"""A service declared in ten lines of YAML: what it is sent, what is read out of its reply, and what is kept."""

import asyncio
import json
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from answering import Asked, Server, Tell, answering, http
from asking import CODEBOOK, HOSTILE, PLANTED, job, keys, verse
from buttermilk.core.errors import ConfigError, Permanent, PromptError, RateLimited, Unavailable
from buttermilk.core.flows import Agent, Codebook, Question
from buttermilk.core.records import Part, Record
from buttermilk.tools.http import HttpTool, at, steps_of
from buttermilk.tools.scales import Rule, apply_rules
from scholar import Scholar

DECLARED = """\
type: http
base_url: https://toxicity.example.org/v1/score
key: secret://env/TOXICITY_KEY
parameters:
  body: {lang: en, document: {text: "{{ record.text }}"}}
  scores: {glad: scores.GLAD.value, sad: "labels[name=sad].score", sure: sure}
  answers:
    feeling: [{label: positive, when: {glad: ">= 0.5"}}, {label: negative, when: {sad: "> glad"}}, {label: no_impact}]
"""
REPLY = {"scores": {"GLAD": {"value": 0.75}}, "labels": [{"name": "odd"}, {"name": "sad", "score": 0.1}], "sure": True}

pytestmark = pytest.mark.anyio


def agent(url: str = "http://127.0.0.1:9", parameters: Any = None, **more: Any) -> Agent:
    """The ten lines at another address; `parameters` stand above theirs."""
    written = yaml.safe_load(DECLARED)
    written["parameters"] |= parameters or {}
    return Agent.model_validate({**written, "name": "mine", "role": "tool", "base_url": url, **more})


@asynccontextmanager
async def tool(tell: Tell, parameters: Any = None, **more: Any) -> AsyncIterator[tuple[HttpTool, Server]]:
    async with answering(tell) as server:
        opened = HttpTool(agent(server.url, parameters, **more), keys)
        try:
            yield opened, server
        finally:
            await opened.close()


async def test_ten_lines_of_yaml_are_a_tool() -> None:
    assert len(DECLARED.splitlines()) <= 10
    async with tool(lambda one: http(REPLY)) as (mine, server):
        output = await mine.call(job(agent(server.url), verse("joy")))
    assert server.asked[0].json == {"lang": "en", "document": {"text": "joy"}}
    assert server.asked[0].head.startswith("POST /v1 ")
    assert server.asked[0].headers["authorization"] == f"Bearer {PLANTED}"
    assert output.values == {"reason": None, "feeling": "positive"}
    assert output.raw == {"glad": 0.75, "sad": 0.1, "sure": 1, "reply": REPLY}


async def test_a_threshold_is_moved_on_what_is_stored_and_nobody_is_asked_again() -> None:
    async with tool(lambda one: http(REPLY)) as (mine, server):
        output = await mine.call(job(agent(server.url)))
    stored = json.loads(output.model_dump_json())["raw"]
    moved = [Rule(label="positive", when={"glad": ">= 0.8"}), Rule(label="no_impact")]
    assert apply_rules(moved, stored) == "no_impact"
    assert len(server.asked) == 1


@pytest.mark.parametrize(
    "text", [HOSTILE, '", "lang": "xx', "\ud800 lone", '{"$text":0}', "secret://env/KEY", "{{ 1 }}"]
)
async def test_whatever_a_record_says_it_is_one_text_of_the_body(text: str) -> None:
    async with tool(lambda one: http(REPLY)) as (mine, server):
        await mine.call(job(agent(server.url), verse(text)))
    assert server.asked[0].json == {"lang": "en", "document": {"text": text}}


async def test_a_template_may_join_what_may_be_seen_and_nothing_else() -> None:
    body = {"text": "{{ record.title }}: {{ record.text }}", "year": "{{ record.metadata.year }}"}
    record = Record(record_id="r", parts=(Part(text="Ode", role="title"),), metadata={"year": 1819, "name": "K."})
    async with tool(lambda one: http(REPLY), {"body": body}) as (mine, server):
        await mine.call(job(mine._agent, record, sent_columns=["year"]))
        assert server.asked[0].json == {"text": "Ode: Ode", "year": "1819"}
        with pytest.raises(PromptError, match=r"record.metadata has no 'year'") as caught:
            await mine.call(job(mine._agent, record))
    assert caught.value.where == "agent 'mine', a template"


async def test_a_get_says_all_behind_the_question_mark_and_no_error_repeats_it() -> None:
    query = {"q": "{{ record.text }}", "v": "2", "n": 3, "exact": True}
    asked = {"method": "GET", "query": query, "body": None}
    async with tool(lambda one: http(REPLY), asked) as (mine, server):
        await mine.call(job(mine._agent, verse("joy & grief?")))
    assert server.asked[0].head.startswith("GET /v1?q=joy+%26+grief?&v=2&n=3&exact=true ")
    assert server.asked[0].body == b""
    closed = HttpTool(agent(server.url, asked), keys)
    with pytest.raises(Unavailable, match="cannot be reached") as caught:
        await closed.call(job(closed._agent, verse("joy & grief?")))
    await closed.close()
    assert "grief" not in str(caught.value)


async def test_a_header_may_be_a_secret_and_a_secret_that_comes_back_is_not_kept() -> None:
    named = {"key": "", "headers": {"X-Project": "verse", "X-Token": "secret://env/OTHER"}}
    async with tool(lambda one: http({**REPLY, "you": PLANTED}), **named) as (mine, server):
        output = await mine.call(job(mine._agent))
    said = server.asked[0].headers
    assert (said["x-project"], said["x-token"], said.get("authorization")) == ("verse", PLANTED, None)
    assert output.raw["reply"] == {**REPLY, "you": "[key]"}


async def test_the_version_is_what_the_service_says_else_the_model_else_the_address() -> None:
    reply = {**REPLY, "meta": {"version": "2026-11"}}
    for parameters, more, version in [
        ({"version": "meta.version"}, {}, "2026-11"),
        ({"version": "meta.model"}, {"model": "m2"}, "m2"),
        ({}, {}, "http://127.0.0.1"),
    ]:
        async with tool(lambda one: http(reply), parameters, **more) as (mine, _):
            assert (await mine.call(job(mine._agent))).version.startswith(version)


async def test_a_label_that_is_a_word_is_compared_as_one() -> None:
    answers = {"feeling": [{"label": "mixed", "when": {"said": "is BOTH of them"}}, {"label": "no_impact"}]}
    parameters = {"scores": {"said": "[0].label"}, "answers": answers}
    for said, label in [("BOTH of them", "mixed"), ("NONE", "no_impact")]:
        async with tool(lambda one, said=said: http([{"label": said}]), parameters) as (mine, _):
            assert (await mine.call(job(mine._agent))).values["feeling"] == label


# ---- replies that are none


@pytest.mark.parametrize(
    ("reply", "kind", "said"),
    [
        (http({"error": {"message": "slower"}}, 429, Retry_After="7"), RateLimited, "slower"),
        (http("busy", 503), Unavailable, "busy"),
        (http({"error": "no such key"}, 401), Permanent, "no such key"),
        (http("<h1>Welcome</h1>"), Unavailable, "the reply is no JSON: <h1>Welcome</h1>"),
        (http('{"sure": NaN}'), Unavailable, "the reply is no JSON"),
        (http({"error": "an error with a 200"}), Permanent, "no score 'glad'; it has: none"),
        (http({"scores": {"GLAD": {"value": None}}, "sure": 1}), Permanent, "no score 'glad'; it has: sure"),
        (http({"scores": {"GLAD": {"value": "high"}}}), Permanent, "compares a score that is no number"),
        (http([]), Permanent, "no score 'glad'"),
        (http('{"scores": {"GLAD": {"value": 1e999}}}'), Unavailable, "the reply is no JSON"),
    ],
)
async def test_a_reply_without_the_score_is_a_failure_with_the_reply_and_no_number(
    reply: bytes, kind: type[Exception], said: str
) -> None:
    async with tool(lambda one: reply) as (mine, _):
        with pytest.raises(kind) as caught:
            await mine.call(job(mine._agent))
    assert said in str(caught.value)
    assert caught.value.raw == reply.partition(b"\r\n\r\n")[2].decode()  # type: ignore[attr-defined]
    assert getattr(caught.value, "retry_after_seconds", None) == (7 if kind is RateLimited else None)


async def test_a_score_that_no_rule_needs_may_be_missing() -> None:
    async with tool(lambda one: http({"scores": {"GLAD": {"value": 1}}})) as (mine, _):
        output = await mine.call(job(mine._agent))
    assert output.values["feeling"] == "positive"
    assert output.raw == {"glad": 1, "reply": {"scores": {"GLAD": {"value": 1}}}}


@pytest.mark.parametrize(
    ("level", "said"), [("interval", "'often' is no answer to 'tone'"), ("text", "3 is no answer")]
)
async def test_a_score_of_the_wrong_kind_is_no_answer(level: str, said: str) -> None:
    tone = Codebook(name="tone", questions=(Question.model_validate({"name": "tone", "ask": "How?", "level": level}),))
    reply = {"tone": "often" if level == "interval" else 3}
    async with tool(lambda one: http(reply), {"scores": {"t": "tone"}, "answers": {"tone": "t"}}) as (mine, _):
        with pytest.raises(Permanent, match=said):
            await mine.call(job(mine._agent, codebook=tone))


# ---- what is wrong is told before anything is asked


@pytest.mark.parametrize(
    ("parameters", "said", "hint"),
    [
        ({"body": {"text": "joy"}}, "nothing of a record would be sent", "{{ record.text }}"),
        ({"body": None}, "nothing of a record would be sent", "{{ record.text }}"),
        ({"body": {"text": "{{ text }}"}}, "nothing of a record would be sent", "{{ record.text }}"),
        ({"body": {"text": "{{ record.txt }}"}}, "a record has no 'txt'", "Did you mean 'text'?"),
        ({"body": {"text": "{{ record.text"}}, "template", "{{ record.text }}"),
        ({"body": {"t": "{{ record.text }}", "key": "secret://env/K"}}, "a secret stands in `body`", "`headers`"),
        ({"body": {"t": "{{ record.text }}", "m": "{{ agent.model }}"}}, "needs a `model`", "Which there are"),
        ({"scores": {}}, "says of no score where it stands", "labels[name=toxic].score"),
        ({"scores": {"reply": "x"}}, "says of no score where it stands", "`reply` is the name of the whole"),
        ({"scores": {"glad": "a..b", "sad": "s"}}, "'a..b' is no path into a reply", "results[0]"),
        ({"scores": {"gald": "a", "sad": "s"}}, "a score 'glad', which this tool does not give", "'gald'"),
        ({"scores": ["glad"]}, "`parameters.scores`", "tools/http.py"),
        ({"method": "DELETE"}, "`parameters.method`", "tools/http.py"),
        ({"method": "GET"}, "a GET has no `body`", "`query`"),
        ({"bdoy": {}}, "'http' has no parameter 'bdoy'", "Did you mean 'body'?"),
    ],
)
def test_a_wrong_declaration_is_told_when_it_is_read(parameters: Any, said: str, hint: str) -> None:
    with pytest.raises(ConfigError, match="agent 'mine'") as caught:
        HttpTool(agent(parameters=parameters), keys)
    assert said in str(caught.value)
    assert hint in str(caught.value)


@pytest.mark.parametrize(
    "url", ["", "toxicity.example.org", "ftp://a.b/c", "http://a.b/c?key=1", "http://me@a.b/", "http://[::1"]
)
def test_an_address_that_cannot_be_asked_is_refused(url: str) -> None:
    with pytest.raises(ConfigError, match="is not an address"):
        HttpTool(agent(url), keys)


# ---- paths


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("a.b", 1),
        ("list[1].n", 2),
        ("list[name=x.y & z].n", 3),
        ("list[id=7].n", 4),
        ("with space/slash-dash", 5),
        ("list[9].n", None),
        ("list[name=none].n", None),
        ("a.b.c", None),
        ("list.n", None),
    ],
)
def test_a_path_finds_what_stands_there_or_nothing(path: str, found: Any) -> None:
    items = [{"n": 0, "name": "", "id": 0}, {"n": 2, "name": "", "id": 0}]
    items += [{"n": 3, "name": "x.y & z", "id": 0}, {"n": 4, "name": "", "id": 7}]
    assert at({"a": {"b": 1}, "list": items, "with space/slash-dash": 5}, steps_of(path)) == found


@given(st.text(st.sampled_from("ab.[]=0 "), max_size=12))
def test_what_is_read_as_a_path_is_the_whole_of_it(text: str) -> None:
    try:
        steps = steps_of(text)
    except ValueError:
        return
    written = "".join(
        f".{step}" if isinstance(step, str) else f"[{step}]" if isinstance(step, int) else f"[{step[0]}={step[1]}]"
        for step in steps
    )
    assert steps_of(written) == steps
    assert at({}, steps) is None


def test_the_codebook_is_checked_before_the_first_call() -> None:
    with pytest.raises(ConfigError, match="no question 'feeling'"):
        HttpTool(agent(), keys).check(Codebook(name="other", questions=CODEBOOK.questions[:1]))


# ---- in a study


async def test_a_service_of_ten_lines_stands_in_one_matrix_with_the_readers_and_is_slowed_down_like_them(
    scholar: Scholar,
) -> None:
    def tell(one: Asked) -> bytes:
        first = len(server.asked) == 1
        return http({"error": {"message": "slower"}}, 429, Retry_After="0") if first else http(REPLY)

    async with answering(tell) as server:
        declared = DECLARED.replace("https://toxicity.example.org/v1/score", server.url)
        scholar.writes("conf/agent/mine.yaml", declared.replace("feeling:", "sentiment:"))
        run = scholar.starts("run", "verse", "agents=[mine,reader_a]", "repeats=1", TOXICITY_KEY=PLANTED)
        out, err = await asyncio.to_thread(run.communicate, timeout=120)
    assert run.returncode == 0, out + err
    assert len(server.asked) == 5 + 4  # of judge, the one turned away with them; and of synthesis
    with closing(sqlite3.connect(scholar.store)) as store:
        kinds = store.execute("SELECT error_kind FROM results WHERE status = 'failed'").fetchall()
        changes = store.execute("SELECT fields FROM events WHERE kind = 'limit'").fetchall()
        kept = store.execute("SELECT tool_output FROM results WHERE tool_output LIKE '%glad%'").fetchall()
    assert kinds == [("rate_limited",)]
    assert any(server.url in fields for (fields,) in changes)
    assert [json.loads(one)["glad"] for (one,) in kept] == [0.75] * 8
    assert PLANTED.encode() not in scholar.store.read_bytes()
