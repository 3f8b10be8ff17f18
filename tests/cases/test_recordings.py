"""What a model replied is kept beside the prompt, and found again for the same words only."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as some

from asking import job, request
from buttermilk.cases.recordings import Recorded, Recordings, key_of, line_of
from buttermilk.core.errors import DataError, Permanent
from buttermilk.core.flows import Agent
from buttermilk.core.jobs import Usage
from buttermilk.core.messages import Reply, Request

AGENT = Agent(name="gpt", type="openai", model="m", base_url="http://127.0.0.1:1/v1")
REPLY = Reply(
    text='{"feeling": "mixed"}', raw="{}", usage=Usage(input_tokens=7), model_returned="m-1", model_fingerprint="fp"
)

pytestmark = pytest.mark.anyio


def asked(agent: Agent = AGENT, *texts: str, repeat: int = 1, wave: str = "1") -> Request:
    return request(job(agent, repeat=repeat, wave=wave), *texts)


def kept(folder: Path, *requests: Request) -> Recordings:
    recordings = Recordings(folder / "judge.jsonl")
    recordings.keep([line_of(one, REPLY, "2026-11-26T10:00:00+00:00") for one in requests])
    return Recordings(folder / "judge.jsonl")


async def test_what_was_recorded_is_said_again(tmp_path: Path) -> None:
    found = await Recorded(AGENT, kept(tmp_path, asked())).complete(asked())
    assert found == REPLY


def test_a_recording_belongs_to_who_was_asked_in_which_words_and_for_which_time() -> None:
    other = AGENT.model_copy(update={"model": "m2"})
    keys = [key_of(one) for one in (asked(), asked(other), asked(AGENT, "and?"), asked(repeat=2))]
    assert len(set(keys)) == 4
    assert key_of(asked(wave="2")) == key_of(asked())  # another day is not another question


async def test_a_changed_prompt_finds_nothing_and_says_what_to_type(tmp_path: Path) -> None:
    recorded = Recorded(AGENT, kept(tmp_path, asked()))
    with pytest.raises(Permanent, match=r"nothing was recorded of gpt .* type --live") as error:
        await recorded.complete(asked(AGENT, "one word more"))
    assert error.value.kind == "not_recorded"


async def test_recording_one_agent_anew_leaves_the_others(tmp_path: Path) -> None:
    other = AGENT.model_copy(update={"name": "claude", "model": "c"})
    recordings = kept(tmp_path, asked(), asked(AGENT, "old"), asked(other))
    recordings.keep([line_of(asked(), REPLY._replace(text="new"), "2026-11-27")])
    again = Recordings(recordings.file)
    assert (again.reply(key_of(asked())) or REPLY).text == "new"
    assert again.reply(key_of(asked(AGENT, "old"))) is None
    assert again.reply(key_of(asked(other))) == REPLY


def test_the_file_is_the_same_in_whatever_order_the_replies_came(tmp_path: Path) -> None:
    requests = [asked(repeat=number) for number in (1, 2, 3)]
    first = kept(tmp_path / "a", *requests).file.read_bytes()
    assert kept(tmp_path / "b", *reversed(requests)).file.read_bytes() == first
    assert [json.loads(line)["repeat"] for line in first.splitlines()] == [1, 2, 3]


@given(some.text(), some.text(), some.none() | some.text())
def test_any_reply_comes_back_as_it_was(tmp_path_factory: pytest.TempPathFactory, text: str, raw: str, no: str) -> None:
    reply = Reply(text=text, raw=raw, refusal=no, usage=Usage(output_tokens=3, cached_tokens=1), seed_honoured=False)
    recordings = Recordings(tmp_path_factory.mktemp("r") / "judge.jsonl")
    recordings.keep([line_of(asked(), reply, "now")])
    assert Recordings(recordings.file).reply(key_of(asked())) == reply


@pytest.mark.parametrize("line", ["{", "[]", '{"key": "a"}', '{"key": "a", "reply": {"text": "x"}}', "{}"])
def test_a_damaged_recording_is_named_with_its_line(tmp_path: Path, line: str) -> None:
    file = kept(tmp_path, asked()).file
    file.write_text(file.read_text("utf-8") + line + "\n", "utf-8")
    with pytest.raises(DataError, match=r"no recorded reply.*\n.*record anew") as error:
        Recordings(file)
    assert error.value.where.endswith("judge.jsonl line 2")
