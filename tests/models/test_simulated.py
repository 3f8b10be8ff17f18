"""The simulated reader errs as it declares, the same in any order, and says each time that it is simulated."""

import asyncio
import json
import time
from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asking import CODEBOOK, FEELING, FEELINGS, PLANTED, answer, blobs, job, keys, perspective, request, verse
from buttermilk.core.errors import ConfigError
from buttermilk.core.flows import Agent, Codebook, Question
from buttermilk.core.jobs import Job
from buttermilk.core.messages import Reply
from buttermilk.core.records import HumanLabel
from buttermilk.models.simulated import Simulated

pytestmark = pytest.mark.anyio

MANY = [verse(f"line {number}", FEELINGS[number % 4], f"v{number}") for number in range(1000)]
STRENGTH = Question(name="feeling", ask="How strong?", level="interval", minimum=-1, maximum=1)
NUMBERS = Codebook(name="numbers", questions=(STRENGTH,))


def reader(name: str = "reader", **traits: Any) -> Simulated:
    return Simulated(agent(name, **traits), keys, blobs)


def agent(name: str = "reader", **traits: Any) -> Agent:
    return Agent(name=name, type="simulated", model="simulated-1", parameters=traits)


async def ask(model: Simulated, asked: Job, *texts: str) -> Reply:
    return await model.complete(request(asked, *texts))


async def labels(traits: dict[str, Any], name: str = "reader", **more: Any) -> list[str]:
    """What a reader answers about each of the thousand verses; malformed replies are not part of it."""
    one, model = agent(name, **traits), reader(name, **traits)
    replies = [await ask(model, job(one, record, **more)) for record in MANY]
    return [json.loads(reply.text)["feeling"] for reply in replies]


def share_right(given_labels: list[str]) -> float:
    return sum(label == record.label("feeling") for label, record in zip(given_labels, MANY, strict=True)) / len(MANY)


# ---- how often it is right


@pytest.mark.parametrize("accuracy", [0.0, 0.3, 0.8, 1.0])
@pytest.mark.parametrize("consistency", [0.0, 1.0])
async def test_it_is_right_as_often_as_it_declares_be_its_errors_settled_or_not(
    accuracy: float, consistency: float
) -> None:
    """Of 1,000 draws the share lies within 0.05, more than three standard errors (0.0145 at most), of the declared."""
    found = share_right(await labels({"accuracy": accuracy, "consistency": consistency}))
    assert found == pytest.approx(accuracy, abs=0.05 if 0 < accuracy < 1 else 0)


async def test_errors_fall_as_the_bias_weighs_them() -> None:
    """Weights 3, 1, 0, 0: of the errors about mixed verses three in four say negative, and none says positive."""
    found = await labels({"accuracy": 0, "bias": {"negative": 3, "no_impact": 1, "mixed": 0, "positive": 0}})
    about = {truth: Counter(found[place] for place in range(number, 1000, 4)) for number, truth in enumerate(FEELINGS)}
    assert set(about["mixed"]) == set(about["positive"]) == {"negative", "no_impact"}
    assert about["mixed"]["negative"] / 250 == pytest.approx(0.75, abs=0.1)
    assert about["negative"] == {"no_impact": 250}


async def test_where_every_weight_left_is_nought_errors_fall_evenly() -> None:
    found = Counter(await labels({"accuracy": 0, "bias": dict.fromkeys(FEELINGS, 0)}))
    assert all(count / 1000 == pytest.approx(0.25, abs=0.05) for count in found.values())


async def test_without_a_human_label_all_readers_aim_at_the_same_made_up_truth() -> None:
    unlabelled = [verse(f"line {number}", name=f"u{number}") for number in range(200)]
    found = []
    for name in ("one", "two"):
        model, one = reader(name, accuracy=1), agent(name, accuracy=1)
        found.append([json.loads((await ask(model, job(one, item))).text)["feeling"] for item in unlabelled])
    assert found[0] == found[1]
    assert set(found[0]) == set(FEELINGS)


async def test_a_human_label_outside_the_codebook_is_not_answered() -> None:
    reply = await ask(reader(accuracy=1), job(agent(accuracy=1), verse(label="joyous")))
    assert json.loads(reply.text)["feeling"] in FEELINGS


# ---- repeats and perspectives


async def test_a_wholly_consistent_reader_repeats_itself_and_another_does_not() -> None:
    for consistency, agrees in ((1.0, True), (0.0, False)):
        traits = {"accuracy": 0.5, "consistency": consistency}
        first, second = [await labels(traits, repeat=repeat) for repeat in (1, 2)]
        assert (first == second) is agrees


async def test_a_perspective_leads_every_reader_it_leads_to_the_same_other_answer() -> None:
    traits = {"accuracy": 1, "perspective_shift": 1}
    sound, stance = perspective("sound"), perspective("stance")
    found = {name: await labels(traits, name, perspective=sound) for name in ("one", "two")}
    assert found["one"] == found["two"]
    assert share_right(found["one"]) == 0
    assert found["one"] != await labels(traits, "one", perspective=stance)


async def test_perspectives_lead_elsewhere_as_often_as_declared() -> None:
    found = await labels({"accuracy": 1, "perspective_shift": 0.3}, perspective=perspective("sound"))
    assert share_right(found) == pytest.approx(0.7, abs=0.05)
    assert share_right(await labels({"accuracy": 1, "perspective_shift": 0.3})) == 1


@given(st.permutations(range(12)), st.integers(0, 2**31))
async def test_neither_order_nor_company_changes_an_answer(order: list[int], seed: int) -> None:
    """Alone one after the other, and all at once in another order, by another plug."""
    one = agent(accuracy=0.4, refusal=0.2, malformed=0.3)
    jobs = [job(one, MANY[number], seed=seed, repeat=1 + number % 3) for number in range(12)]
    alone = [await ask(reader(**one.parameters), item) for item in jobs]
    model = reader(**one.parameters)
    together = await asyncio.gather(*(ask(model, jobs[place]) for place in order))
    assert list(together) == [alone[place] for place in order]


async def test_two_readers_of_one_kind_have_habits_of_their_own_though_they_share_a_plug() -> None:
    model, found = reader(accuracy=0.5, consistency=1), []
    for name in ("one", "two"):
        jobs = [job(agent(name, accuracy=0.5, consistency=1), record) for record in MANY[:50]]
        found.append([(await ask(model, item)).text for item in jobs])
    assert found[0] != found[1]


async def test_another_seed_is_another_draw() -> None:
    assert await labels({"accuracy": 0.5}, seed=1) != await labels({"accuracy": 0.5}, seed=2)


# ---- refusals and broken replies


async def test_it_refuses_as_often_as_declared_and_says_so_in_words() -> None:
    one = agent(refusal=0.3)
    replies = [await ask(reader(refusal=0.3), job(one, record)) for record in MANY]
    refused = [reply for reply in replies if reply.refusal is not None]
    assert len(refused) / len(MANY) == pytest.approx(0.3, abs=0.05)
    assert {(reply.text, reply.finish, reply.simulated) for reply in refused} == {("", "refusal", True)}
    assert "Simulated" in (refused[0].refusal or "")


def kind_of(reply: Reply) -> str:
    text = reply.text
    starts = {"```": "fence", "Here": "prose", "<think>": "thinking"}
    named = next((kind for start, kind in starts.items() if text.startswith(start)), None)
    if named or reply.finish == "length":
        return named or "cut"
    if text.endswith(",}"):
        return "comma"
    return "label" if json.loads(text)["feeling"] not in FEELINGS else "sound"


async def test_broken_replies_come_as_often_as_declared_and_in_six_kinds() -> None:
    model, one = reader(malformed=0.5), agent(malformed=0.5)
    found = Counter([kind_of(await ask(model, job(one, record))) for record in MANY])
    assert set(found) == {"sound", "cut", "fence", "prose", "thinking", "comma", "label"}
    assert found["sound"] / len(MANY) == pytest.approx(0.5, abs=0.05)
    assert all(count > 50 for count in found.values())


async def test_what_was_cut_off_says_so_and_cannot_be_read() -> None:
    model, one = reader(malformed=1), agent(malformed=1)
    replies = [await ask(model, job(one, record)) for record in MANY[:50]]
    cut = [reply.text for reply in replies if reply.finish == "length"]
    assert cut
    for text in cut:
        with pytest.raises(json.JSONDecodeError):
            json.loads(text)


async def test_asked_again_after_a_broken_reply_it_answers_anew() -> None:
    """Else a broken reply could never be mended: the second question is longer, and so another draw."""
    model, one = reader(malformed=0.5), agent(malformed=0.5)
    broken = [asked for record in MANY[:100] if kind_of(await ask(model, asked := job(one, record))) != "sound"]
    again = [kind_of(await ask(model, asked, "That could not be read. Again, please.")) for asked in broken]
    assert again.count("sound") / len(again) == pytest.approx(0.5, abs=0.2)


# ---- reading earlier answers


def synthesis(*values: str | None, **traits: Any) -> Job:
    answers = tuple(answer(value, number) for number, value in enumerate(values))
    return job(agent(**traits), verse(label="mixed"), inputs={"answers": answers})


async def synthesised(*values: str | None, **traits: Any) -> dict[str, Any]:
    asked = synthesis(*values, **traits)
    answers: dict[str, Any] = json.loads((await ask(reader(**traits), asked)).text)
    return answers


async def test_a_synthesis_says_what_most_say_however_inaccurate_the_reader() -> None:
    found = await synthesised("negative", "negative", "positive", accuracy=0, faithful=1)
    assert found == {"reason": "Simulated summary: 2 say negative, 1 say positive.", "feeling": "negative"}


async def test_a_unanimous_null_is_what_the_synthesis_says() -> None:
    assert (await synthesised(None, None, "positive", faithful=1))["feeling"] is None


async def test_a_tie_is_broken_by_the_seed_one_way_or_the_other() -> None:
    tied = [synthesis("negative", "positive").model_copy(update={"seed": seed}) for seed in range(30)]
    replies = [await ask(reader(faithful=1), asked) for asked in tied]
    assert {json.loads(reply.text)["feeling"] for reply in replies} == {"negative", "positive"}


async def test_a_reader_has_one_vote_in_a_synthesis_however_often_it_was_asked() -> None:
    habit = [answer("positive", number, agent="ana", repeat=number) for number in (1, 2, 3)]
    others = [answer("negative", 4, agent="ben"), answer("negative", 5, agent="cleo")]
    asked = job(agent(faithful=1), inputs={"answers": (*habit, *others)})
    assert json.loads((await ask(reader(faithful=1), asked)).text)["feeling"] == "negative"


async def test_an_unfaithful_synthesis_says_something_else() -> None:
    assert (await synthesised("negative", "negative", faithful=0))["feeling"] != "negative"


async def test_with_no_answer_to_read_it_refuses_rather_than_invents() -> None:
    refused = answer(None, 1, status="refused", values=None)
    asked = job(agent(), inputs={"answers": (refused,)})
    assert "no answer to read" in ((await ask(reader(), asked)).refusal or "")


# ---- texts, quotes and lists that a person has coded


async def test_what_a_person_has_written_is_given_back_and_an_empty_word_is_null() -> None:
    parts = (
        Question(name="evidence", ask="Which words?", level="quote"),
        Question(name="problem", ask="What is wrong?", level="text"),
        Question(name="remedy", ask="What helps?", level="text", optional=True),
    )
    frames = Question(name="frames", ask="Which frames?", level="group", parts=parts, many=True)
    said = {"frames.count": "1", "frames.1.evidence": "inward strife", "frames.1.problem": "war", "frames.1.remedy": ""}
    labels = tuple(HumanLabel(question=name, value=value) for name, value in said.items())
    book, record = Codebook(name="frames", questions=(frames,)), verse().model_copy(update={"labels": labels})
    found = json.loads((await ask(reader(), job(agent(), record, codebook=book))).text)
    assert found == {"frames": [{"evidence": "inward strife", "problem": "war", "remedy": None}]}
    none = record.model_copy(update={"labels": (HumanLabel(question="frames.count", value=0),)})
    assert json.loads((await ask(reader(), job(agent(), none, codebook=book))).text) == {"frames": []}


# ---- numbers


async def test_a_true_number_is_given_exactly_by_an_accurate_reader() -> None:
    asked = job(agent(accuracy=1), verse(label=0.25), codebook=NUMBERS)
    assert json.loads((await ask(reader(accuracy=1), asked)).text) == {"feeling": 0.25}


@given(
    st.floats(-1, 1) | st.none(),
    st.floats(0, 1),
    st.floats(-50, 50) | st.none(),
    st.floats(0, 50) | st.none(),
    st.sampled_from([None, "sound"]),
)
async def test_numbers_stay_within_their_bounds(
    truth: float | None, accuracy: float, low: float | None, span: float | None, seen_from: str | None
) -> None:
    high = None if span is None else (low or 0) + span
    question = STRENGTH.model_copy(update={"minimum": low, "maximum": high})
    book = Codebook(name="numbers", questions=(question,))
    traits = {"accuracy": accuracy, "perspective_shift": 0.5}
    more = {"perspective": perspective(seen_from)} if seen_from else {}
    asked = job(agent(**traits), verse(label=truth), codebook=book, **more)
    found = json.loads((await ask(reader(**traits), asked)).text)["feeling"]
    assert low is None or found >= low
    assert high is None or found <= high


async def test_a_synthesis_of_numbers_is_their_middle() -> None:
    answers = tuple(answer(value, number) for number, value in enumerate([0.1, 0.9, 0.2]))  # type: ignore[arg-type]
    asked = job(agent(faithful=1), codebook=NUMBERS, inputs={"answers": answers})
    assert json.loads((await ask(reader(faithful=1), asked)).text) == {"feeling": 0.2}


# ---- what it says of itself


async def test_every_trace_of_it_says_that_it_is_simulated() -> None:
    model = reader()
    reply = await ask(model, job(agent()))
    raw = json.loads(reply.raw)
    assert model.endpoint == "simulated"
    assert model.local
    assert reply.simulated
    assert raw["simulated"] is True
    assert reply.model_returned == "simulated-1"
    assert json.loads(reply.text)["reason"].startswith("Simulated reason ")
    assert PLANTED not in repr(reply)


async def test_tokens_are_an_estimate_of_four_characters_each_and_said_to_be_one() -> None:
    asked = request(job(agent()))
    reply = await reader().complete(asked)
    characters = sum(len(message.text) for message in asked.messages)
    assert reply.usage.input_tokens == -(-characters // 4)
    assert reply.usage.output_tokens == -(-len(reply.text) // 4)
    assert json.loads(reply.raw)["usage"]["estimate"] == "characters / 4"


async def test_it_takes_as_long_as_it_declares() -> None:
    began = time.perf_counter()
    await ask(reader(latency_ms=30), job(agent(latency_ms=30)))
    assert time.perf_counter() - began >= 0.029


async def test_a_hundred_thousand_replies_are_a_matter_of_seconds() -> None:
    """Some 40 microseconds a reply on an ordinary laptop; the promise leaves room for a slow machine."""
    model, one = reader(), agent()
    asked = [request(job(one, record, perspective=perspective("sound"))) for record in MANY]
    _ = [item.job.job_id for item in asked]
    taken = []
    for _ in range(3):
        began = time.process_time()
        for item in asked:
            await model.complete(item)
        taken.append((time.process_time() - began) / len(asked))
    assert min(taken) < 250e-6


@pytest.mark.parametrize(
    ("traits", "said", "hint"),
    [
        ({"acuracy": 0.8}, "no parameter 'acuracy'", "Did you mean 'accuracy'?"),
        ({"temperature": 0.8}, "no parameter 'temperature'", "There are: accuracy, bias"),
        ({"accuracy": 1.2}, "`parameters.accuracy` is 1.2", "Probabilities run from 0 to 1"),
        ({"refusal": "often"}, "`parameters.refusal` is 'often'", "Probabilities run from 0 to 1"),
        ({"bias": {"mixed": "more"}}, "`parameters.bias.mixed` is 'more'", "a map of label: weight"),
        ({"bias": {"mixed": -1}}, "a weight in `parameters.bias` is below 0", "0 is: never."),
    ],
)
async def test_a_trait_that_cannot_be_is_named_with_its_agent(traits: dict[str, Any], said: str, hint: str) -> None:
    with pytest.raises(ConfigError, match="agent 'reader'") as caught:
        reader(**traits)
    assert said in str(caught.value)
    assert hint in str(caught.value)


async def test_a_bias_on_a_label_that_the_codebook_lacks_is_named() -> None:
    model = reader(bias={"negativ": 2})
    with pytest.raises(ConfigError, match="`bias` names 'negativ'") as caught:
        model.check(CODEBOOK)
    assert "Did you mean 'negative'?" in str(caught.value)
    with pytest.raises(ConfigError, match="negativ"):
        await ask(model, job(agent(bias={"negativ": 2})))
    assert FEELING.label_names == FEELINGS
