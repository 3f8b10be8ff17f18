"""What every analysis tool keeps, ours or a stranger's. To put yours to it, add a Case whose agent answers FEELING."""

import json
from dataclasses import dataclass
from typing import Any

import pytest

from asking import CODEBOOK, FEELING, FEELINGS, HOSTILE, PLANTED, REASON, job, keys, verse
from buttermilk.core.contracts import Tool
from buttermilk.core.errors import ConfigError, Permanent
from buttermilk.core.flows import Agent, Codebook
from buttermilk.core.records import Part, Record
from buttermilk.plugins import find

BY_COMPOUND = [
    {"label": "positive", "when": {"compound": ">= 0.05"}},
    {"label": "negative", "when": {"compound": "<= -0.05"}},
    {"label": "no_impact"},
]
BY_COUNT = [
    {"label": "positive", "when": {"glad": "> sad"}},
    {"label": "negative", "when": {"sad": ">= 1"}},
    {"label": "no_impact"},
]


@dataclass(frozen=True)
class Case:
    """One plug, by the parameters of an agent that uses it."""

    type: str
    parameters: dict[str, Any]

    @property
    def agent(self) -> Agent:
        return Agent(name=f"my_{self.type}", type=self.type, role="tool", parameters=self.parameters)

    def open(self) -> Tool:
        tool: Tool = find("tools", self.type)(self.agent, keys)
        return tool


CASES = [
    Case("vader", {"answers": {"feeling": BY_COMPOUND}}),
    Case("wordlist", {"lists": {"glad": ["joy*"], "sad": ["grief"]}, "answers": {"feeling": BY_COUNT}}),
]

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
