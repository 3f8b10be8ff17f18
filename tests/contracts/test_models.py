"""What every model keeps, ours or a stranger's. To put yours to it, add a Case: how to open it, with what it needs.

A model that asks a server is opened together with a server on this machine that answers by the request's schema.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass

import pytest

from asking import CODEBOOK, FEELINGS, HOSTILE, PLANTED, blobs, job, keys, request, verse
from buttermilk.core.contracts import Model
from buttermilk.core.flows import Agent
from buttermilk.plugins import find
from buttermilk.testing import MockProvider

Opened = tuple[Model, Agent]


@dataclass(frozen=True)
class Case:
    """One plug. `open` yields it with the agent it was made for, and closes all it opened."""

    name: str
    open: Callable[[], AbstractAsyncContextManager[Opened]]


@asynccontextmanager
async def simulated() -> AsyncIterator[Opened]:
    agent = Agent(name="reader", type="simulated", model="simulated-1", parameters={"accuracy": 0.7})
    model = find("models", "simulated")(agent, keys, blobs)
    yield model, agent
    await model.close()


@asynccontextmanager
async def openai() -> AsyncIterator[Opened]:
    with MockProvider() as mock:
        agent = Agent(name="gpt", type="openai", model="gpt-4o-mini", base_url=mock.url, key="secret://env/KEY")
        model = find("models", "openai")(agent, keys, blobs)
        yield model, agent
        await model.close()


@asynccontextmanager
async def gemini() -> AsyncIterator[Opened]:
    with MockProvider() as mock:
        agent = Agent(name="gemini", type="gemini", model="gemini-3.8-flash", base_url=mock.url, key="secret://env/KEY")
        model = find("models", "gemini")(agent, keys, blobs)
        yield model, agent
        await model.close()


@asynccontextmanager
async def anthropic() -> AsyncIterator[Opened]:
    with MockProvider() as mock:
        agent = Agent(
            name="claude",
            type="anthropic",
            model="claude-sonnet-5-5",
            base_url=mock.root,
            key="secret://env/KEY",
            parameters={"max_tokens": 500},
        )
        model = find("models", "anthropic")(agent, keys, blobs)
        yield model, agent
        await model.close()


@asynccontextmanager
async def openai_responses() -> AsyncIterator[Opened]:
    with MockProvider() as mock:
        agent = Agent(
            name="gpt", type="openai_responses", model="gpt-5.4-mini", base_url=mock.url, key="secret://env/K"
        )
        model = find("models", "openai_responses")(agent, keys, blobs)
        yield model, agent
        await model.close()


@asynccontextmanager
async def pydantic_ai() -> AsyncIterator[Opened]:
    with MockProvider() as mock:
        agent = Agent(
            name="gpt", type="pydantic_ai", model="openai:gpt-5.4-mini", base_url=mock.url, key="secret://env/K"
        )
        model = find("models", "pydantic_ai")(agent, keys, blobs)
        yield model, agent
        await model.close()


CASES = [
    Case("simulated", simulated),
    Case("openai", openai),
    Case("openai_responses", openai_responses),
    Case("pydantic_ai", pydantic_ai),
    Case("gemini", gemini),
    Case("anthropic", anthropic),
]

each_model = pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
pytestmark = [pytest.mark.anyio, each_model]


async def test_a_model_says_what_is_limited_together_and_where_answers_come_from(case: Case) -> None:
    async with case.open() as (model, _):
        assert isinstance(model, Model)
        assert model.endpoint
        assert isinstance(model.endpoint, str)
        assert isinstance(model.local, bool)
        assert isinstance(type(model).simulated, bool)


async def test_a_reply_answers_each_question_of_the_codebook_and_no_other(case: Case) -> None:
    async with case.open() as (model, agent):
        reply = await model.complete(request(job(agent)))
        answers = json.loads(reply.text)
        assert list(answers) == [question.name for question in CODEBOOK.questions]
        assert answers["feeling"] in FEELINGS
        assert reply.refusal is None
        assert reply.finish == "stop"


async def test_a_reply_keeps_what_came_who_said_it_and_what_it_took(case: Case) -> None:
    async with case.open() as (model, agent):
        reply = await model.complete(request(job(agent)))
        assert json.loads(reply.raw)
        assert reply.model_returned
        assert reply.response_id
        assert reply.usage.input_tokens > 0
        assert reply.usage.output_tokens > 0


async def test_a_simulated_reply_is_marked_and_any_other_keeps_what_was_sent(case: Case) -> None:
    async with case.open() as (model, agent):
        reply = await model.complete(request(job(agent)))
        assert reply.simulated is type(model).simulated
        assert (reply.sent is None) is type(model).simulated


async def test_a_key_is_nowhere_in_what_is_kept(case: Case) -> None:
    async with case.open() as (model, agent):
        reply = await model.complete(request(job(agent)))
        assert PLANTED not in repr(reply)


async def test_many_askings_at_once_get_a_reply_each(case: Case) -> None:
    async with case.open() as (model, agent):
        asked = [request(job(agent, verse(f"line {number}", name=f"v{number}"))) for number in range(20)]
        replies = await asyncio.gather(*(model.complete(one) for one in asked))
        assert len({reply.response_id for reply in replies}) == 20


async def test_a_hostile_record_is_a_record_like_any_other(case: Case) -> None:
    async with case.open() as (model, agent):
        reply = await model.complete(request(job(agent, verse(HOSTILE))))
        assert json.loads(reply.text)["feeling"] in FEELINGS


async def test_closing_twice_is_harmless(case: Case) -> None:
    async with case.open() as (model, _):
        await model.close()
        await model.close()
