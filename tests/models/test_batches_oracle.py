"""The official SDKs hand the same batch to the mock as we do, and their types read what the mock gives back."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import anthropic
import openai
import pytest
from google import genai
from google.genai import types

from asking import CODEBOOK, blobs, job, keys, request, verse
from buttermilk.core.flows import Agent
from buttermilk.core.jobs import fill
from buttermilk.core.messages import Request
from buttermilk.plugins import find
from buttermilk.testing import MockProvider
from buttermilk.testing.uploads import CONTENT

pytestmark = pytest.mark.anyio
NOW = datetime(2026, 11, 22, tzinfo=UTC)
MARK = "buttermilk-0123456789abcdef"


@pytest.fixture
def mock() -> Iterator[MockProvider]:
    with MockProvider() as running:
        yield running


def asked_by(agent: Agent) -> list[tuple[str, Request]]:
    return [(f"id-{number}", request(job(agent, verse(f"line {number}", name=f"v{number}")))) for number in range(3)]


def bodies(plug: Any, asked: list[tuple[str, Request]]) -> list[dict[str, Any]]:
    return [json.loads(fill(*plug.skeleton(one))) for _, one in asked]


async def handed_over(agent: Agent, mock: MockProvider) -> tuple[Any, list[dict[str, Any]], str, list[Any]]:
    """The plug, its live bodies, the ticket, and what the mock was sent."""
    plug = find("models", agent.type)(agent, keys, blobs)
    asked = asked_by(agent)
    ticket = await plug.submit(asked, MARK)
    return plug, bodies(plug, asked), ticket, mock.requests()


async def outcomes(plug: Any, ticket: str) -> dict[str, Any]:
    assert await plug.ended(ticket)
    found = {key: reply async for key, reply in plug.replies(ticket)}
    await plug.close()
    return found


def answered(found: dict[str, Any]) -> bool:
    names = [question.name for question in CODEBOOK.questions]
    return sorted(found) == ["id-0", "id-1", "id-2"] and all(
        list(json.loads(one.text)) == names for one in found.values()
    )


async def test_openai(mock: MockProvider) -> None:
    agent = Agent(name="gpt", type="openai", model="gpt-4o-mini", base_url=mock.url, key="secret://env/KEY")
    plug, lives, ticket, ours = await handed_over(agent, mock)
    mock.reset()
    lines = [
        {"custom_id": f"id-{number}", "method": "POST", "url": "/v1/chat/completions", "body": body}
        for number, body in enumerate(lives)
    ]
    with openai.OpenAI(base_url=mock.url, api_key="sk") as client:
        content = "".join(json.dumps(line) + "\n" for line in lines).encode()
        file = client.files.create(file=("batch.jsonl", content), purpose="batch")
        made = client.batches.create(
            input_file_id=file.id,
            endpoint="/v1/chat/completions",
            completion_window="24h",
            metadata={"buttermilk": MARK},
        )
        theirs = mock.requests()
        assert client.batches.retrieve(made.id).status == "completed"
        assert client.batches.retrieve(ticket).output_file_id
        mock.configure(batch_page=1)
        assert [(one.id, one.metadata) for one in client.batches.list(limit=100)] == [
            (made.id, {"buttermilk": MARK}),
            (ticket, {"buttermilk": MARK}),
        ]
        pages = gets(mock, "/batches")
    assert await plug.marked(MARK, 3, NOW) == [made.id, ticket]
    assert gets(mock, "/batches")[2:] == pages
    assert await plug.marked("another", 3, NOW) == []
    assert [jsonl(ours[0]), without_file(ours[1])] == [jsonl(theirs[0]), without_file(theirs[1])]
    assert answered(await outcomes(plug, ticket))


def jsonl(request: dict[str, Any]) -> list[Any]:
    found = CONTENT.search(request["body"].encode())
    assert found is not None
    assert 'name="purpose"\r\n\r\nbatch' in request["body"]
    return [json.loads(line) for line in found[1].splitlines()]


def without_file(request: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    said = request["body"] if isinstance(request["body"], dict) else json.loads(request["body"])
    return request["path"], {**said, "input_file_id": ""}


async def test_anthropic(mock: MockProvider) -> None:
    agent = Agent(name="claude", type="anthropic", model="claude-haiku-4-5", base_url=mock.root, key="secret://env/KEY")
    agent = agent.model_copy(update={"parameters": {"max_tokens": 99}})
    plug, lives, ticket, ours = await handed_over(agent, mock)
    mock.reset()
    with anthropic.Anthropic(base_url=mock.root, api_key="sk") as client:
        listed: Any = [{"custom_id": f"id-{number}", "params": body} for number, body in enumerate(lives)]
        made = client.messages.batches.create(requests=listed)
        theirs = mock.requests()
        assert client.messages.batches.retrieve(ticket).processing_status == "ended"
        assert {one.result.type for one in client.messages.batches.results(ticket)} == {"succeeded"}
        mock.configure(batch_page=1)
        there = list(client.messages.batches.list(limit=1000))
        assert [(one.id, sum(one.request_counts.model_dump().values())) for one in there] == [(made.id, 3), (ticket, 3)]
        pages = gets(mock, "/batches")
    assert await plug.marked(MARK, 3, there[0].created_at) == [made.id, ticket]
    assert gets(mock, "/batches")[2:] == pages
    assert await plug.marked(MARK, 4, there[0].created_at) == []
    assert await plug.marked(MARK, 3, there[0].created_at - timedelta(minutes=8)) == []
    assert [(one["path"], one["body"]) for one in ours] == [(one["path"], one["body"]) for one in theirs]
    assert answered(await outcomes(plug, ticket))


async def test_gemini(mock: MockProvider) -> None:
    base = f"{mock.root}/v1beta"
    agent = Agent(name="gem", type="gemini", model="gemini-2.5-flash", base_url=base, key="secret://env/KEY")
    plug, lives, ticket, ours = await handed_over(agent, mock)
    mock.reset()
    client = genai.Client(api_key="sk", http_options=types.HttpOptions(base_url=mock.root, api_version="v1beta"))
    source = [
        types.InlinedRequest(contents=one["contents"], metadata={"key": f"id-{number}"})
        for number, one in enumerate(lives)
    ]
    made = client.batches.create(model=agent.model, src=source, config={"display_name": MARK})
    (theirs,) = mock.requests()
    (mine,) = ours
    assert mine["path"] == theirs["path"]
    assert mine["body"]["batch"]["displayName"] == theirs["body"]["batch"]["displayName"]
    pairs = zip(inlined(mine), inlined(theirs), strict=True)
    assert all(
        a["metadata"] == b["metadata"] and a["request"]["contents"] == b["request"]["contents"] for a, b in pairs
    )
    found = client.batches.get(name=ticket)
    assert found.state == types.JobState.JOB_STATE_SUCCEEDED
    assert found.dest is not None
    assert len(found.dest.inlined_responses or ()) == 3
    mock.configure(batch_page=1)
    there = [(one.name, one.display_name) for one in client.batches.list(config={"page_size": 100})]
    assert there == [(made.name, MARK), (ticket, MARK)]
    pages = gets(mock, "/batches")
    assert await plug.marked(MARK, 3, NOW) == [made.name, ticket]
    assert gets(mock, "/batches")[2:] == pages
    assert await plug.marked("another", 3, NOW) == []
    assert answered(await outcomes(plug, ticket))


def gets(mock: MockProvider, end: str) -> list[str]:
    """What was asked for at paths that end so, in order."""
    asked = [one["path"] for one in mock.requests() if one["method"] == "GET"]
    return [path for path in asked if path.partition("?")[0].endswith(end)]


def inlined(request: dict[str, Any]) -> list[dict[str, Any]]:
    return list(request["body"]["batch"]["inputConfig"]["requests"]["requests"])
