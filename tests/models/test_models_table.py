"""The table in docs/reference/models.md is what the code says, and each of its cells is asked for here."""

import ast
import base64
import json
from pathlib import Path
from typing import Any

import pytest

from asking import CODEBOOK, job, keys, request
from buttermilk.core.errors import ConfigError
from buttermilk.core.flows import Codebook
from buttermilk.core.messages import Request
from buttermilk.core.records import Part
from buttermilk.engine.logprobs import logprobs
from buttermilk.engine.parse import Forms, parse
from buttermilk.models.dialect import Dialect
from buttermilk.plugins import find
from buttermilk.testing import MockProvider
from models_table import MEDIA, PAGE, STRATEGIES, TEST, Row, cells, page, rows
from oracle import MEDIA as BYTES
from oracle import PAPER, PICTURE, RECORDING, VIDEO

HERE = Path(__file__).parent
PARTS = {part.kind: part for part in (PICTURE, RECORDING, VIDEO, PAPER)}
each_cell = pytest.mark.parametrize(("row", "column"), cells(), ids=[row.cell(column) for row, column in cells()])


def plug_of(row: Row, mock: MockProvider, column: str) -> Any:
    url = mock.root if row.family.type == "anthropic" else mock.url
    strategy = column if column in STRATEGIES else "native"
    agent = row.agent(url, strategy, column if column in MEDIA else "text", column == "logprobs")
    return find("models", agent.type)(agent, keys, BYTES.__getitem__), agent


def question(agent: Any, codebook: Codebook | None, media: tuple[Part, ...]) -> Request:
    one = request(job(agent))
    last = one.messages[-1]._replace(media=media)
    return one._replace(codebook=codebook, messages=(*one.messages[:-1], last))


@each_cell
@pytest.mark.anyio
async def test_a_cell_is_true(row: Row, column: str) -> None:
    with MockProvider() as mock:
        plug, agent = plug_of(row, mock, column)
        media = (PARTS[column],) if column in PARTS else ()
        asked = question(agent, CODEBOOK, media)
        if column == "batch":
            ticket = await plug.submit([("a", asked)], "mark")
            assert await plug.ended(ticket)
            ((_, reply),) = [pair async for pair in plug.replies(ticket)]
        else:
            reply = await plug.complete(asked)
        await plug.close()
        body = json.dumps(mock.requests()[0]["body"])
    assert "the whole bright orchard hummed" in body
    assert all(base64.b64encode(BYTES[part.blob or ""]).decode() in body for part in media)
    answers = parse(reply.text, Forms().of(CODEBOOK)).answers
    assert (answers is not None) is (column != "prompted")
    if column == "logprobs":
        assert list(logprobs(reply.text, reply.tokens, answers or {})) == ["reason", "feeling"]
    assert ('"feeling"' in body.replace("\\", "")) is (column != "prompted")  # the schema went with it


@pytest.mark.parametrize("kind", MEDIA)
def test_a_medium_that_the_api_has_no_place_for_is_refused_before_any_call(kind: str) -> None:
    for row in rows():
        plug = find("models", row.family.type)
        if kind not in plug.takes and issubclass(plug, Dialect):
            with pytest.raises(ConfigError, match=kind):
                plug(row.agent("http://127.0.0.1:1/v1", media=kind), keys, BYTES.__getitem__)


def test_the_page_is_what_the_code_says() -> None:
    assert PAGE.read_text("utf-8") == page(), "type: python tests/models_table.py"


def test_the_tests_that_the_page_names_exist() -> None:
    for name in {TEST, *(row.proof for row in rows() if row.proof)}:
        file, _, test = name.partition("::")
        tree = ast.parse((HERE / file).read_text("utf-8"))
        assert test in {node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}
