"""A server that nobody here wrote, llama.cpp's own, over a tiny model of random numbers: what we send is understood
there, and what it sends is understood here."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from asking import CODEBOOK, FEELINGS, HOSTILE, PLANTED, blobs, job, keys, verse
from asking import request as request_of
from buttermilk.core.errors import Permanent, Unavailable
from buttermilk.core.flows import Agent, Capabilities, Codebook, Question
from buttermilk.core.messages import Reply
from buttermilk.core.records import Part
from buttermilk.engine.logprobs import logprobs
from buttermilk.engine.parse import Forms, parse
from buttermilk.models.openai import OpenAIChat
from buttermilk.plugins import find
from buttermilk.study.served import served
from scholar import Scholar
from tiny_model import CONTEXT, NAME, serving

pytestmark = pytest.mark.anyio

BOUNDED = Codebook(name="bounded", questions=(Question(name="words", ask="How many?", level="ratio", maximum=7),))


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with serving(tmp_path_factory.mktemp("tiny"), key=PLANTED) as url:
        yield url


def agent(url: str, answers: Any = "native", **more: Any) -> Agent:
    capabilities = Capabilities(answers=answers, seed=True, inputs=("text", "image"))
    fields = {"model": NAME, "key": "secret://env/TINY", "capabilities": capabilities, **more}
    return Agent(name="tiny", type="openai", base_url=url, **fields)


async def asked(of: Agent, *texts: str, seeds: Any = (1,), codebook: Codebook = CODEBOOK, media: Any = ()) -> Any:
    """A reply for each seed."""
    plug = OpenAIChat(of, keys, lambda key: b"a picture")
    one = request_of(job(of, codebook=codebook), *texts)
    one = one._replace(messages=tuple(message._replace(media=media) for message in one.messages))
    try:
        return [await plug.complete(one._replace(seed=seed)) for seed in seeds]
    finally:
        await plug.close()


async def test_an_answer_to_a_native_schema_fits_the_codebook_to_the_letter(url: str) -> None:
    replies: list[Reply] = await asked(agent(url), seeds=range(30))
    found = [parse(reply.text, Forms().of(CODEBOOK)) for reply in replies]
    assert {one.how for one in found} == {"strict"}
    assert {one.answers["feeling"] for one in found if one.answers} == set(FEELINGS)  # no label is beyond its reach
    assert {reply.finish for reply in replies} == {"stop"}


async def test_a_bound_that_the_servers_grammar_does_not_keep_is_kept_in_the_reading(url: str) -> None:
    replies = await asked(agent(url), seeds=range(20), codebook=BOUNDED)
    read = [parse(reply.text, Forms().of(BOUNDED)) for reply in replies]
    assert all(one.answers is None or one.answers["words"] <= 7 for one in read)
    assert any(one.answers is None and "words" in one.why for one in read)


@pytest.mark.parametrize("strategy", ["prompted", "tool"])  # llama.cpp passes over a tool that is forced by its name
async def test_where_no_grammar_leads_it_what_is_said_is_noise_and_never_becomes_a_label(
    url: str, strategy: str
) -> None:
    replies = await asked(agent(url, strategy, parameters={"max_tokens": 20}), seeds=range(5))
    assert {reply.finish for reply in replies} <= {"stop", "length"}
    assert all(reply.text and reply.usage.output_tokens <= 20 for reply in replies)
    assert [parse(reply.text, Forms().of(CODEBOOK)).answers for reply in replies] == [None] * 5


async def test_the_same_seed_says_the_same_and_another_says_something_else(url: str) -> None:
    first, again, other = await asked(agent(url), seeds=(7, 7, 8))
    assert first.text == again.text != other.text


async def test_tokens_are_counted_and_the_cached_ones_are_among_them(url: str) -> None:
    first, again = await asked(agent(url), "A verse that nobody has asked about before.", seeds=(1, 1))
    assert first.usage.output_tokens == again.usage.output_tokens > 10
    assert first.usage.input_tokens == again.usage.input_tokens > 50
    assert again.usage.input_tokens > again.usage.cached_tokens > first.usage.cached_tokens


async def test_who_answered_is_kept_with_the_answer(url: str) -> None:
    (reply,) = await asked(agent(url))
    assert (reply.model_returned, reply.http_status) == (NAME, 200)
    assert reply.response_id
    assert reply.model_fingerprint
    assert reply.raw.startswith("{")


async def test_how_probable_it_held_an_answer_is_what_its_tokens_say(url: str) -> None:
    replies = await asked(agent(url, parameters={"logprobs": True, "top_logprobs": 1}), seeds=range(5))
    for reply in replies:
        answers = parse(reply.text, Forms().of(CODEBOOK)).answers or {}
        told = logprobs(reply.text, reply.tokens, answers)
        assert set(told) <= set(answers)
        assert "feeling" in told
        assert all(logprob < 0 for logprob in told.values())
    assert (await asked(agent(url)))[0].tokens == ()


async def test_a_hostile_text_stays_in_its_message(url: str) -> None:
    (reply,) = await asked(agent(url), HOSTILE)
    assert parse(reply.text, Forms().of(CODEBOOK)).how == "strict"


async def test_what_the_server_refuses_is_said_in_its_words(url: str) -> None:
    with pytest.raises(Permanent, match="exceeds the available context size"):
        await asked(agent(url), "a" * CONTEXT)
    picture = Part(kind="image", blob="0" * 64, media_type="image/png")
    with pytest.raises(Unavailable, match="image input is not supported"):
        await asked(agent(url), media=(picture,))


async def test_a_key_that_is_not_theirs_is_not_shown(url: str) -> None:
    plug = OpenAIChat(agent(url, key="", headers={"Authorization": "Bearer no-such-key"}), keys, blobs)
    with pytest.raises(Permanent, match="401: Invalid API Key"):
        await plug.complete(request_of(job(plug.agent, verse())))
    await plug.close()


@pytest.mark.parametrize(("kind", "parameters"), [("anthropic", {"max_tokens": 30}), ("openai_responses", {})])
async def test_it_speaks_two_other_dialects_and_is_understood(url: str, kind: str, parameters: Any) -> None:
    """In these it passes over the schema: what it says is noise, with its tokens counted and its name."""
    root = url.removesuffix("/v1") if kind == "anthropic" else url
    of = Agent(name="tiny", type=kind, model=NAME, base_url=root, key="secret://env/TINY", parameters=parameters)
    plug = find("models", kind)(of, keys, blobs)
    first, again = [await plug.complete(request_of(job(of, verse()))) for _ in range(2)]
    await plug.close()
    assert (first.model_returned, first.finish in ("stop", "length"), bool(first.text)) == (NAME, True, True)
    assert first.usage.input_tokens == again.usage.input_tokens > again.usage.cached_tokens > 0
    assert first.usage.output_tokens > 0


def test_it_lists_the_one_model_that_it_has(url: str) -> None:
    assert served(agent(url), keys) == [NAME]


@pytest.mark.slow
def test_a_study_is_asked_of_it_by_its_address_alone(scholar: Scholar, tmp_path: Path) -> None:
    with serving(tmp_path) as url:
        said = scholar.types("run", "verse", f"agents=[{url}]", "limit=2")
        assert (said.counts["answered"], said.counts["failed"], said.counts["unparsed"]) == (10, 0, 0)
        scholar.types("export", "a.csv")
        rows = list(scholar.table("a.csv"))
        assert {row["model"] for row in rows} == {NAME}
        assert scholar.types("run", "verse", f"agents=[{url}]", "limit=2").counts["skipped"] == 10
