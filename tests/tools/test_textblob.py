"""TextBlob as an agent: its two scores, turned into labels."""

import pytest

from asking import job, keys, verse
from buttermilk.core.errors import ConfigError
from buttermilk.core.flows import Agent
from buttermilk.tools.textblob import LONG, TextBlobTool, scores

RULES = [
    {"label": "positive", "when": {"polarity": ">= 0.1"}},
    {"label": "negative", "when": {"polarity": "<= -0.1"}},
    {"label": "no_impact"},
]
AGENT = Agent(name="textblob", type="textblob", role="tool", parameters={"answers": {"feeling": RULES}})

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("a happy and beautiful morning", "positive"),
        ("a terrible, boring tale", "negative"),
        ("the ferryman took two oars", "no_impact"),
        ("it is not good", "negative"),
    ],
)
async def test_textblob_reads_plain_words(text: str, label: str) -> None:
    assert (await TextBlobTool(AGENT, keys).call(job(AGENT, verse(text)))).values["feeling"] == label


async def test_its_two_scores_are_kept_as_its_documentation_shows_them() -> None:
    """Its quickstart gives this sentence a polarity of 0.39166666666666666 and a subjectivity of 0.4357142857142857."""
    output = await TextBlobTool(AGENT, keys).call(
        job(AGENT, verse("Textblob is amazingly simple to use. What great fun!"))
    )
    assert output.raw == pytest.approx({"polarity": 0.39166666666666666, "subjectivity": 0.4357142857142857})
    assert output.version.startswith("TextBlob 0.")


async def test_a_long_text_has_the_scores_that_it_would_have_without_a_thread() -> None:
    text = "happy and free, " * (LONG // 10)
    assert (await TextBlobTool(AGENT, keys).call(job(AGENT, verse(text)))).raw == scores(text)


def test_a_score_that_it_does_not_give_is_told_with_those_it_does() -> None:
    other = AGENT.model_copy(
        update={"parameters": {"answers": {"feeling": [{"label": "positive", "when": {"pos": "> 0"}}]}}}
    )
    with pytest.raises(ConfigError, match="'pos', which this tool does not give") as caught:
        TextBlobTool(other, keys)
    assert "polarity, subjectivity" in caught.value.hint
