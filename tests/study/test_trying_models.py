"""`doctor --live`: of each model, what works, what does not, and why; against servers that answer, and that fail."""

import json
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from answering import Asked, answering, chat, http
from asking import PLANTED, keys
from buttermilk.core.contracts import Keys
from buttermilk.core.flows import Agent, Price
from buttermilk.study.trying import CHECKS, COLOURS, PNG, Trial, tried, try_models
from buttermilk.testing import MockProvider
from buttermilk.vaults.env import EnvVault
from scholar import Scholar, is_plain
from tiny_model import NAME, serving

pytestmark = pytest.mark.anyio

SEES: Any = {"inputs": ("text", "image"), "seed": True}
PRICE = Price(input=1, output=10, source="the test", dated="2026-11-22")
RIGHT = http(chat('{"door": "blue", "picture": "red"}'))


def agent(url: str, **more: Any) -> Agent:
    fields = {"model": "m", "key": "secret://env/SCHOLARS_KEY", "price": PRICE, "capabilities": SEES, **more}
    return Agent(name="one", type="openai", base_url=url, **fields)


async def told(
    tell: Callable[[Any], bytes | None] | bytes, patience_seconds: float = 60, keys: Keys = keys, **more: Any
) -> tuple[Trial, list[Any]]:
    """A trial, and the bodies of the questions, of a server that answers by the body alone."""

    def by_body(asked: Asked) -> bytes | None:
        return tell if isinstance(tell, bytes) else tell(asked.json if asked.body else None)

    async with answering(by_body) as server:
        trial = await tried(agent(server.url, **more), keys, patience_seconds)
        return trial, [one.json for one in server.asked if one.body]


def error(status: int, said: str) -> bytes:
    return http({"error": {"message": said}}, status)


def not_well(trial: Trial) -> dict[str, bool | None]:
    return {name: getattr(trial, name) for name in CHECKS if getattr(trial, name) is not True}


async def test_a_model_that_works_says_what_it_took() -> None:
    trial, asked = await told(RIGHT)
    assert (trial.well, not_well(trial), trial.said, trial.hint) == (True, {}, "", "")
    assert (trial.tokens, trial.cost, trial.currency) == (120, pytest.approx(0.0003), "USD")
    assert (trial.model, trial.model_returned, len(asked)) == ("m", "gpt-4o-mini-2024-07-18", 1)


async def test_where_the_api_asks_for_the_form_the_words_do_not() -> None:
    _, native = await told(RIGHT)
    _, prompted = await told(RIGHT, capabilities={"answers": "prompted"})
    for word in ("JSON", "yellow"):  # the labels stand in the schema alone
        assert word not in json.dumps(native[0]["messages"])
        assert word in json.dumps(prompted[0]["messages"])


def test_the_picture_is_one() -> None:
    size, colour = PNG[16:24], zlib.decompress(PNG[41:-16])[1:4]
    assert (PNG[:8], size, colour) == (b"\x89PNG\r\n\x1a\n", b"\0\0\0\x40\0\0\0\x40", COLOURS["red"])


async def test_a_key_that_nobody_has_written_down_is_missed_and_nothing_is_sent(tmp_path: Path) -> None:
    trial, asked = await told(RIGHT, keys=EnvVault(tmp_path).get)
    assert (trial.well, trial.key, trial.reached, asked) == (False, False, None, [])
    assert "there is no secret" in trial.said
    assert "export " in trial.hint


async def test_a_wrong_key_is_told_from_a_server_that_is_down() -> None:
    trial, _ = await told(error(401, f"Incorrect API key: {PLANTED}"))
    assert not_well(trial) == {"key": False, "answered": False, "schema": None, "seed": None, "image": None}
    assert "401" in trial.said
    assert "secret://env/SCHOLARS_KEY" in trial.hint
    assert PLANTED not in repr(trial)


async def test_a_server_that_wants_a_key_and_is_sent_none_says_how_to_write_one() -> None:
    trial, _ = await told(error(401, "Who are you?"), key="")
    assert (trial.key, "none is sent" in trial.hint) == (False, True)


async def test_a_model_that_is_not_there_is_said_with_those_that_are() -> None:
    models = http({"data": [{"id": "gpt-5-mini"}, {"id": "gpt-5-nano"}]})
    trial, _ = await told(lambda body: error(404, f"no model {body['model']}") if body else models, model="gpt5-mini")
    assert not_well(trial) == {"answered": False, "schema": None, "seed": None, "image": None}
    assert trial.said == "404: no model gpt5-mini"
    assert "Did you mean 'gpt-5-mini'?" in trial.hint


@pytest.mark.parametrize(
    ("part", "word", "more"),
    [("schema", "response_format", {"image": None}), ("seed", "seed", {}), ("image", "image_url", {})],
)
@pytest.mark.parametrize("status", [400, 404, 422, 500])
async def test_the_part_of_a_question_that_is_not_taken_is_found(
    part: str, word: str, more: dict[str, Any], status: int
) -> None:
    trial, asked = await told(lambda body: error(status, "Not here.") if word in json.dumps(body) else RIGHT)
    assert not_well(trial) == {part: False, **more}
    assert (trial.said, trial.well) == (f"`{part}` is not taken: {status}: Not here.", False)
    assert "capabilities" in trial.hint
    assert trial.tokens == 120  # what was not taken cost nothing
    assert len(asked) <= 4


async def test_a_question_that_is_not_taken_at_all_is_said_in_the_servers_words() -> None:
    trial, asked = await told(error(400, "temperature must be 1"))
    assert (trial.answered, trial.said, len(asked)) == (False, "400: temperature must be 1", 4)


async def test_a_schema_that_is_passed_over_is_not_honoured() -> None:
    trial, _ = await told(http(chat("The door is blue, and so am I.")))
    assert not_well(trial) == {"schema": False, "image": None}
    assert "The door is blue, and so am I." in trial.said


async def test_a_model_that_answers_about_another_picture_does_not_see() -> None:
    trial, _ = await told(http(chat('{"door": "blue", "picture": "green"}')))
    assert not_well(trial) == {"image": False}
    assert "a red picture and says that it is green" in trial.said


async def test_an_answer_that_is_cut_off_says_where() -> None:
    usage = {"prompt_tokens": 9, "completion_tokens": 16, "completion_tokens_details": {"reasoning_tokens": 16}}
    trial, _ = await told(http(chat("", finish="length", usage=usage)))
    assert not_well(trial) == {"schema": False, "image": None}
    assert "cut off after 16 tokens, 16 of them thinking" in trial.said


async def test_a_refusal_is_no_answer() -> None:
    trial, _ = await told(http(chat(None, message={"refusal": "I do not speak of doors."})))
    assert (trial.answered, trial.said) == (False, "it refused: I do not speak of doors.")


async def test_a_server_that_is_silent_is_waited_for_as_long_as_was_said() -> None:
    trial, _ = await told(lambda body: None, patience_seconds=0.1)
    assert not_well(trial) == {"answered": False, "schema": None, "seed": None, "image": None}
    assert "did not answer within 0.1 s" in trial.said
    assert "--patience" in trial.hint


@pytest.mark.parametrize(("status", "hint"), [(429, "credit"), (402, "credit"), (503, "try again later"), (418, "")])
async def test_what_to_do_depends_on_who_must_act(status: int, hint: str) -> None:
    trial, asked = await told(error(status, "no"))
    assert (hint in trial.hint, bool(trial.hint), len(asked)) == (True, bool(hint), 1)
    assert trial.said.endswith(": no")


async def test_a_server_that_is_down_and_one_that_is_none_are_told_apart() -> None:
    down = await tried(agent("http://127.0.0.1:9/v1"), keys)
    assert not_well(down) == {"reached": False, "answered": None, "schema": None, "seed": None, "image": None}
    shop, _ = await told(http("<html>A shop</html>"))
    assert (shop.reached, shop.answered) == (True, False)
    assert "is no chat completion: <html>" in shop.said
    assert "is its address right (http://127.0.0.1:" in shop.hint


async def test_an_agent_that_its_plug_refuses_is_told_why() -> None:
    trial = await tried(agent("http://127.0.0.1:9/v1", door="window"), keys)
    assert (trial.well, trial.key, trial.reached) == (False, None, None)
    assert "'window' is no door" in trial.said


# ---- a real server


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with serving(tmp_path_factory.mktemp("tiny")) as url:
        yield url


async def test_a_real_server_is_found_to_do_what_it_does(tiny: str) -> None:
    """llama.cpp leads an answer by a schema, passes over a tool that is forced by its name, and this model is blind."""
    fields: Any = {"model": NAME, "key": "", "price": None, "parameters": {"max_tokens": 300}}
    native = await tried(agent(tiny, **fields, capabilities={"seed": True}), keys)
    assert (native.well, native.seed, native.image, native.key, native.cost) == (True, True, None, None, None)
    forced = await tried(agent(tiny, **fields, capabilities={"answers": "tool"}), keys)
    assert (forced.answered, forced.schema) == (True, False)
    blind = await tried(agent(tiny, **fields), keys)
    assert (blind.image, blind.schema, blind.well) == (False, True, False)
    assert "image input is not supported" in blind.said


async def test_a_servers_only_model_need_not_be_named(tiny: str) -> None:
    trial = await tried(agent(tiny, model="", key="", capabilities={}), keys)
    assert (trial.model, trial.well) == (NAME, True)


# ---- a study


@pytest.fixture
def study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Scholar:
    """Its one flow asks the agent `one`; the packaged one is covered by a flow of the same name."""
    scholar = Scholar(tmp_path, monkeypatch.chdir)
    scholar.writes(
        "conf/flow/demo.yaml",
        "dataset: verse\nsteps: {judge: {prompt: judge, codebook: sentiment, agents: [one, reader_a, wordlist]}}\n",
    )
    scholar.writes("conf/agent/one.yaml", "type: openai\nmodel: m\nbase_url: http://127.0.0.1:9/v1\n")
    return scholar


async def test_models_are_asked_at_the_same_time_and_simulated_ones_not_at_all(study: Scholar) -> None:
    study.changes("conf/flow/demo.yaml", "[one,", "[one, two,")
    with MockProvider(latency_ms=200) as mock:
        for name in ("one", "two"):
            study.writes(f"conf/agent/{name}.yaml", f"type: openai\nmodel: m\nbase_url: {mock.url}\nprovider: {name}")
        trials = await try_models(study.folder)
        assert [(one.agent, one.well) for one in trials] == [("one", True), ("two", True)]
        assert (mock.stats()["requests"], mock.stats()["max_in_flight"]) == (2, 2)


async def test_a_flow_that_cannot_be_read_is_named_and_the_others_are_asked(study: Scholar) -> None:
    study.writes("conf/flow/broken.yaml", "dataset: verse\nstep: {}\n")
    first, second = await try_models(study.folder)
    assert (first.agent, first.reached, second.agent, second.well) == ("one", False, "flow broken", False)
    assert "conf/flow/broken.yaml" in second.hint


@pytest.mark.slow
def test_the_screen_says_what_is_to_be_mended_and_that_something_is(study: Scholar, tiny: str) -> None:
    said = study.types("doctor", "--live", code=1)
    assert "✗ one: http://127.0.0.1:9/v1/chat/completions cannot be reached (Connection refused)." in said.out
    assert "is its address right (http://127.0.0.1:9/v1)?" in said.out
    assert said.out.splitlines()[-1] == "0 of 1 models work · 0 tokens"
    assert is_plain(said.out)
    study.changes("conf/agent/one.yaml", "http://127.0.0.1:9/v1", tiny)
    said = study.types("doctor", "--live")
    assert "✓ native" in said.out
    assert said.out.splitlines()[-1].startswith("1 of 1 models work · ")
    (trial,) = study.types("doctor", "--live", "--json").json["trials"]
    assert (trial["agent"], trial["well"], trial["schema"], trial["cost"]) == ("one", True, True, None)


def test_all_asks_each_that_there_is_a_file_for_and_how_to_keep_a_key_is_said_once(study: Scholar) -> None:
    said = study.types("doctor", "--live", "--all", "--patience", "5", code=1)
    assert {"one", "gpt", "local"} <= {line.split()[0] for line in said.out.splitlines()}
    assert said.out.count("Type: export ") == 1


def test_a_study_that_asks_no_model_is_told_how_to_try_all(study: Scholar) -> None:
    study.changes("conf/flow/demo.yaml", "[one, ", "[")
    assert "--all" in study.types("doctor", "--live").out
