"""What of a job goes into a request, and what is said where something could not be sent."""

import pytest

from asking import CODEBOOK, job
from buttermilk.core.flows import Agent, Capabilities, Prompt, Section
from buttermilk.core.jobs import Job
from buttermilk.core.messages import Message
from buttermilk.core.records import Part, Record
from buttermilk.engine.assemble import assemble, reask, shown

PROMPT = Prompt(
    name="judge",
    sections=(
        Section(role="system", template="Judge."),
        Section(role="user", template="{{ record.text }}"),
    ),
)
IMAGE = Part(kind="image", blob="a" * 64, media_type="image/png", alt="A harbour at night.")
SOUND = Part(kind="audio", blob="b" * 64, media_type="audio/mpeg")


def asked(*parts: Part, **capabilities: object) -> Job:
    agent = Agent(name="a", type="openai", capabilities=Capabilities.model_validate(capabilities))
    return job(agent, Record(record_id="r1", parts=(Part(text="A verse."), *parts)), prompt=PROMPT)


def test_a_job_becomes_its_messages_its_codebook_and_no_seed_that_nobody_takes() -> None:
    request = assemble(asked())
    assert request.messages == (Message(role="system", text="Judge."), Message(role="user", text="A verse."))
    assert (request.codebook, request.seed, request.drops) == (CODEBOOK, None, ())


def test_a_model_that_takes_a_seed_gets_the_same_one_each_time() -> None:
    one = asked(seed=True)
    assert assemble(one).seed == assemble(one).seed == one.call_seed
    assert 0 <= one.call_seed < 2**31
    other = one.model_copy(update={"repeat": 2})
    assert assemble(other).seed != assemble(one).seed


def test_media_that_the_model_takes_are_sent() -> None:
    request = assemble(asked(IMAGE, inputs=("text", "image")))
    assert [message.media for message in request.messages] == [(), (IMAGE,)]
    assert request.drops == ()
    assert shown(request) == "text, image"
    assert shown(assemble(asked(IMAGE, IMAGE, SOUND, inputs=("text", "image")))) == "text, image ×2, audio in words"
    assert shown(assemble(asked())) == "text"


def test_media_that_it_does_not_take_give_way_to_their_words_and_that_is_recorded() -> None:
    request = assemble(asked(IMAGE, SOUND, inputs=("text",)))
    assert request.messages[1].media == ()
    assert request.messages[1].text == "A verse.\n\n[image: A harbour at night.]\n\n[audio that cannot be shown]"
    assert request.drops == ("image: its text alternative was sent", "audio: its text alternative was sent")


def test_asking_again_keeps_what_was_asked_and_adds_the_reply_and_the_reason() -> None:
    first = assemble(asked())
    again = reask(first, "Well, well.", "reply: Invalid JSON")
    assert again.messages[: len(first.messages)] == first.messages
    assert [message.role for message in again.messages[2:]] == ["assistant", "user"]
    assert again.messages[2].text == "Well, well."
    assert "reply: Invalid JSON" in again.messages[3].text
    assert again.codebook == first.codebook


def test_a_job_that_asks_a_model_without_a_prompt_is_a_bug() -> None:
    with pytest.raises(ValueError, match="has no prompt"):
        assemble(asked().model_copy(update={"prompt": None}))
