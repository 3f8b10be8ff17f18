"""What every analysis tool keeps, ours or a stranger's. To put yours to it, add a Case whose agent answers FEELING."""

import json
import threading
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from amazon import amazon
from answering import Asked, chat
from asking import CODEBOOK, FEELING, FEELINGS, HOSTILE, PLANTED, REASON, job, keys, verse
from buttermilk.core.contracts import Rereads, Tool
from buttermilk.core.errors import ConfigError, Permanent
from buttermilk.core.flows import Agent, Codebook
from buttermilk.core.records import Part, Record
from buttermilk.plugins import find

BY_COMPOUND = [
    {"label": "positive", "when": {"compound": ">= 0.05"}},
    {"label": "negative", "when": {"compound": "<= -0.05"}},
    {"label": "no_impact"},
]
BY_POLARITY = [
    {"label": "positive", "when": {"polarity": "> 0"}},
    {"label": "negative", "when": {"polarity": "< 0"}},
    {"label": "no_impact"},
]
BY_COUNT = [
    {"label": "positive", "when": {"glad": "> sad"}},
    {"label": "negative", "when": {"sad": ">= 1"}},
    {"label": "no_impact"},
]


def by(score: str) -> dict[str, Any]:
    """High where the text has joy in it."""
    return {"feeling": [{"label": "positive", "when": {score: ">= 0.5"}}, {"label": "no_impact"}]}


def joyful(text: str) -> dict[str, float]:
    """What a scholar's own function might be."""
    return {"joy": float("joy" in text)}


@dataclass(frozen=True)
class Case:
    """One plug, by the parameters of an agent that uses it; `reply`, for a service: what it says, J being the score."""

    type: str
    parameters: dict[str, Any]
    reply: Any = None

    @property
    def agent(self) -> Agent:
        url = f"{SERVED[0]}/{self.type}" if self.reply is not None else ""
        model, key = ("m1", "secret://env/KEY") if url else ("", "")
        name = f"my_{self.type}"
        return Agent(
            name=name, type=self.type, role="tool", base_url=url, model=model, key=key, parameters=self.parameters
        )

    def open(self) -> Tool:
        tool: Tool = find("tools", self.type)(self.agent, keys)
        OPENED.append(tool)
        return tool


SERVED: list[str] = []
OPENED: list[Tool] = []
J = "the place of the score"


CASES = [
    Case("vader", {"answers": {"feeling": BY_COMPOUND}}),
    Case("wordlist", {"lists": {"glad": ["joy*"], "sad": ["grief"]}, "answers": {"feeling": BY_COUNT}}),
    Case("textblob", {"answers": {"feeling": BY_POLARITY}}),
    Case(
        "similarity",
        {"references": {"joy": "joy"}, "answers": by("joy")},
        {"data": [{"index": 0, "embedding": [J, 0.1]}]},
    ),
    Case("python", {"function": "test_tools:joyful", "scores": ["joy"], "answers": by("joy")}),
    Case("http", {"body": {"t": "{{ record.text }}"}, "scores": {"joy": "joy[0]"}, "answers": by("joy")}, {"joy": [J]}),
    Case("guard", {"answers": by("unsafe")}, J),
    Case("openai_moderation", {"answers": by("hate")}, {"results": [{"category_scores": {"hate": J}}]}),
    Case(
        "azure_content_safety", {"answers": by("Hate")}, {"categoriesAnalysis": [{"category": "Hate", "severity": J}]}
    ),
    Case("google_moderate", {"answers": by("Toxic")}, {"moderationCategories": [{"name": "Toxic", "confidence": J}]}),
    Case("perspective", {"answers": by("TOXICITY")}, {"attributeScores": {"TOXICITY": {"summaryScore": {"value": J}}}}),
    Case("hf_endpoint", {"labels": ["joy"], "answers": by("joy")}, [{"label": "joy", "score": J}]),
    Case("comprehend", {"region": "eu-west-1", "answers": by("TOXICITY")}, {"Toxicity": J, "Labels": []}),
]


def with_score(found: Any, score: Any) -> Any:
    if isinstance(found, dict):
        return {name: with_score(item, score) for name, item in found.items()}
    if isinstance(found, list):
        return [with_score(item, score) for item in found]
    return score if found == J else found


class Services(BaseHTTPRequestHandler):
    """Every service of CASES: each says of a text whether there is joy in it."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        case = next(case for case in CASES if self.path.startswith(f"/{case.type}"))
        glad = b"joy" in body
        if case.type == "comprehend":
            asked = Asked("\r\n".join(["", *(f"{name}: {text}" for name, text in self.headers.items())]), body)
            segments = body.count(b"Text") - body.count(b"TextSegments")
            self.wfile.write(amazon({"ResultList": [with_score(case.reply, float(glad))] * segments}, asked))
            return
        guard = chat("unsafe\nS1" if glad else "safe")
        said = json.dumps(guard if case.type == "guard" else with_score(case.reply, float(glad))).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(said)))
        self.end_headers()
        self.wfile.write(said)

    def log_message(self, *words: Any) -> None:
        """In silence."""


@pytest.fixture(scope="module", autouse=True)
def served() -> Iterator[None]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Services) as server, pytest.MonkeyPatch.context() as patch:
        server.daemon_threads = True
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            patch.setenv(name, "made-up-for-a-test")
        threading.Thread(target=server.serve_forever, daemon=True).start()
        SERVED[:] = [f"http://127.0.0.1:{server.server_port}"]
        yield
        server.shutdown()


@pytest.fixture(autouse=True)
async def closed() -> AsyncIterator[None]:
    yield
    while OPENED:
        await OPENED.pop().close()


pytestmark = [pytest.mark.anyio, pytest.mark.parametrize("case", CASES, ids=lambda case: case.type)]


async def test_a_tool_says_what_is_limited_together_and_whether_asking_twice_tells_more(case: Case) -> None:
    tool = case.open()
    assert isinstance(tool, Tool)
    assert tool.endpoint
    assert isinstance(type(tool).deterministic, bool)


async def test_a_tool_answers_each_question_from_the_codebook_and_null_where_it_may(case: Case) -> None:
    output = await case.open().call(job(case.agent, verse("joy and love")))
    assert list(output.values) == ["reason", "feeling"]
    assert output.values["feeling"] in FEELINGS
    assert output.values["reason"] is None


async def test_a_tool_keeps_its_own_scale_and_its_version(case: Case) -> None:
    output = await case.open().call(job(case.agent, verse("joy and love")))
    assert json.loads(output.model_dump_json())["raw"]
    assert output.version
    assert PLANTED not in output.model_dump_json()


async def test_a_deterministic_tool_says_the_same_twice(case: Case) -> None:
    outputs = [await case.open().call(job(case.agent, repeat=repeat)) for repeat in (1, 2)]
    assert not type(case.open()).deterministic or outputs[0] == outputs[1]


@pytest.mark.parametrize("text", [HOSTILE, "…", "\ud800 lone", "a" * 20_000, "joy\n" * 5_000], ids=range(5))
async def test_whatever_the_text_the_answer_is_one_of_the_codebook(case: Case, text: str) -> None:
    output = await case.open().call(job(case.agent, verse(text)))
    assert output.values["feeling"] in FEELINGS


async def test_a_record_without_words_is_a_failure_and_no_answer(case: Case) -> None:
    record = Record(record_id="p1", parts=(Part(kind="image", blob="0" * 64, media_type="image/png"),))
    with pytest.raises(Permanent, match="record 'p1' has no words"):
        await case.open().call(job(case.agent, record))
    with pytest.raises(Permanent, match="no words"):
        await case.open().call(job(case.agent, verse(" \n")))


async def test_words_that_stand_for_a_picture_are_read(case: Case) -> None:
    part = Part(kind="image", blob="0" * 64, media_type="image/png", alt="joy, joyous joyful joy")
    output = await case.open().call(job(case.agent, Record(record_id="p1", parts=(part,))))
    assert output.values["feeling"] == "positive"


async def test_a_question_the_tool_cannot_answer_stops_it_unless_null_may_be_answered(case: Case) -> None:
    must = Codebook(name="strict", questions=(REASON.model_copy(update={"optional": False}), FEELING))
    with pytest.raises(ConfigError, match="nothing says how to answer 'reason'") as caught:
        await case.open().call(job(case.agent, codebook=must))
    assert case.agent.name in str(caught.value)
    assert "optional: true" in str(caught.value)
    assert (await case.open().call(job(case.agent, codebook=CODEBOOK))).values["reason"] is None


async def test_closing_twice_is_harmless(case: Case) -> None:
    tool = case.open()
    await tool.close()
    await tool.close()


async def test_its_stored_scores_are_read_anew_as_they_were_read_at_first(case: Case) -> None:
    tool = case.open()
    asked = job(case.agent, verse("joy and love"))
    output = await tool.call(asked)
    assert isinstance(tool, Rereads)
    stored = json.loads(output.model_dump_json())["raw"]
    assert tool.reread(asked.codebook, stored) == output.values
    await tool.close()
