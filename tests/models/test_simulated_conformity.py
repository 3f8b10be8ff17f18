"""What a simulated reader does with prior answers, and what its study holds for true."""

from typing import Any

import pytest

from asking import blobs, keys
from buttermilk.core.errors import Permanent
from buttermilk.core.flows import Agent
from buttermilk.core.jobs import Answer, Job
from buttermilk.core.messages import Request
from buttermilk.core.records import HumanLabel, Part, Record
from buttermilk.models.simulated import Simulated
from keeping import CODEBOOK, PROMPT

pytestmark = pytest.mark.anyio


def prior(number: int, tone: str = "glad") -> Answer:
    return Answer(job_id=f"{number:032}", step="judge", agent=f"a{number}", status="answered", values={"tone": tone})


def job(record: Record, *priors: Answer) -> Job:
    return Job(
        step="judge", record=record, seen_hash=record.seen_hash(()), agent=Agent(name="ann", type="simulated"),
        prompt=PROMPT, codebook=CODEBOOK, inputs={"priors": priors} if priors else {},
    )  # fmt: skip


async def reply(asked: Job, **traits: Any) -> str:
    agent = Agent(name="ann", type="simulated", parameters=traits)
    asked = asked.model_copy(update={"agent": agent})
    reader = Simulated(agent, keys, blobs)
    return (await reader.complete(Request(agent=agent, messages=(), codebook=asked.codebook, job=asked))).text


def labelled(number: int, label: str = "sad", **metadata: Any) -> Record:
    labels = (HumanLabel(question="tone", value=label),) if label else ()
    return Record(record_id=f"r{number}", parts=(Part(text=f"Text {number}."),), metadata=metadata, labels=labels)


async def test_a_reader_of_full_conformity_says_what_most_priors_say_and_one_of_none_is_not_moved() -> None:
    for number in range(20):
        record = labelled(number)
        shown = job(record, prior(1), prior(2), prior(3, "sad"))
        alone = job(record)
        assert '"tone":"glad"' in await reply(shown, conformity=1, accuracy=1)
        assert '"tone":"sad"' in await reply(shown, conformity=0, accuracy=1)
        settled = {"accuracy": 0.5, "consistency": 1}
        assert await reply(shown, conformity=0, **settled) == await reply(alone, conformity=1, **settled)


async def test_conformity_is_a_probability_and_a_tie_is_drawn_by_the_seed() -> None:
    def tied(number: int) -> Job:
        return job(labelled(number), prior(1), prior(2, "sad"))

    half = [await reply(job(labelled(n), prior(1)), conformity=0.5, accuracy=1) for n in range(200)]
    assert 70 < sum('"glad"' in text for text in half) < 130
    ties = [await reply(tied(number), conformity=1) for number in range(60)]
    assert 15 < sum('"tone":"glad"' in text for text in ties) < 45
    assert ties == [await reply(tied(number), conformity=1) for number in range(60)]


async def test_the_truth_of_a_study_may_be_a_column_that_is_not_sent_and_no_human_label() -> None:
    for number in range(20):
        asked = job(labelled(number, "sad", gold=("glad", "sad")[number % 2]))
        assert f'"tone":"{("glad", "sad")[number % 2]}"' in await reply(asked, truth="gold", accuracy=1)
        assert '"tone":"sad"' in await reply(asked, accuracy=1)


async def test_a_truth_column_that_a_record_lacks_is_said() -> None:
    with pytest.raises(Permanent, match="names a column 'gold', which the record does not have"):
        await reply(job(labelled(1)), truth="gold")


async def test_hard_records_are_hard_for_every_reader_and_the_same_ones() -> None:
    """Of records that are hard about half are answered wrongly, whoever reads; of the others none."""
    jobs = [job(labelled(number)) for number in range(300)]
    wrong = [
        {
            n
            for n, one in enumerate(jobs)
            if '"glad"' in await reply(one.model_copy(update={"seed": seed}), hard=0.4, accuracy=1)
        }
        for seed in range(6)
    ]
    hard = set().union(*wrong)
    assert 95 < len(hard) < 145
    assert all(40 < len(one) < 85 for one in wrong)
