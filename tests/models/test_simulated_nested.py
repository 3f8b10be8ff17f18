"""The simulated reader answers questions within questions, errs in its quotes too, and follows what it reads."""

import json
from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asking import answer, blobs, job, keys, request, verse
from buttermilk.core.flows import Agent, Codebook, LabelDefinition, Question, said_by_path
from buttermilk.core.quotes import checked
from buttermilk.core.records import HumanLabel, Part, Record
from buttermilk.engine.parse import Forms, parse
from buttermilk.models.simulated import Simulated
from strategies import nested_codebooks

pytestmark = pytest.mark.anyio

LABELS = tuple(LabelDefinition(name=name) for name in ("art", "law", "love"))
TOPICS = Codebook(name="t", questions=(Question(name="topics", ask="Which?", labels=LABELS, many=True),))
WORDS = Codebook(name="w", questions=(Question(name="words", ask="Which?", level="quote"),))
TEXT = "When I peruse the conquered fame of heroes, and the victories of mighty generals,\n I do not envy them"


def agent(**traits: Any) -> Agent:
    return Agent(name="reader", type="simulated", parameters=traits)


async def said(codebook: Codebook, record: Record, inputs: tuple[Any, ...] = (), **traits: Any) -> dict[str, Any]:
    one = agent(**traits)
    asked = job(one, record, codebook=codebook, inputs={"answers": inputs} if inputs else {})
    reply = await Simulated(one, keys, blobs).complete(request(asked))
    return dict(json.loads(reply.text))


@given(nested_codebooks, st.integers(0, 9))
async def test_any_codebook_is_answered_in_its_form(codebook: Codebook, number: int) -> None:
    answers = await said(codebook, verse(TEXT, name=f"v{number}"))
    found = parse(json.dumps(answers), Forms().of(codebook))
    assert (found.answers is not None, found.why) == (True, "")


async def test_it_quotes_as_truly_as_it_is_accurate() -> None:
    records = [verse(f"{number} {TEXT}", name=f"v{number}") for number in range(300)]
    shares = {}
    for accuracy in (0.0, 0.7, 1.0):
        found = [
            checked(job(agent(), one, codebook=WORDS), await said(WORDS, one, accuracy=accuracy)) for one in records
        ]
        shares[accuracy] = Counter(each["words"] for each in found)
    assert shares[1.0] == {"exact": 300}
    assert set(shares[0.0]) == {"near", "missing"}
    assert shares[0.7]["exact"] == pytest.approx(210, abs=24)  # three standard errors of 300 draws of 0.7


async def test_of_a_record_without_words_it_quotes_nothing() -> None:
    picture = Record(record_id="p", parts=(Part(kind="image", blob="0" * 64, media_type="image/png"),))
    assert (await said(WORDS, picture, accuracy=1)) == {"words": ""}


async def test_it_gives_the_labels_that_people_gave() -> None:
    labels = (HumanLabel(question="topics.law", value="yes"), HumanLabel(question="topics.art", value="no"))
    record = verse(TEXT).model_copy(update={"labels": (*labels, HumanLabel(question="topics.love", value="yes"))})
    assert await said(TOPICS, record, accuracy=1) == {"topics": ["law", "love"]}
    assert await said(TOPICS, record, accuracy=0) == {"topics": ["art"]}


async def test_it_follows_the_majority_in_each_part() -> None:
    given_ = [["art"], ["art", "law"], ["law"], ["law"]]
    read = tuple(answer(None, number, values={"topics": labels}) for number, labels in enumerate(given_))
    assert await said(TOPICS, verse(TEXT), read, faithful=1) == {"topics": ["law"]}  # art: two of four, drawn
    strange = (answer(None, 9, values={"other": 1}), answer(None, 10, values={"topics": None}))
    assert said_by_path(TOPICS, await said(TOPICS, verse(TEXT), strange)).keys() == {
        "topics.art",
        "topics.law",
        "topics.love",
    }
