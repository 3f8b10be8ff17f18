"""VADER as an agent: its four scores, read once, turned into labels."""

import pytest

from asking import job, keys, verse
from buttermilk.core.flows import Agent
from buttermilk.tools.vader import LONG, Vader

AGENT = Agent(
    name="vader",
    type="vader",
    role="tool",
    parameters={
        "answers": {
            "feeling": [
                {"label": "mixed", "when": {"pos": ">= 0.2", "neg": ">= 0.2"}},
                {"label": "positive", "when": {"compound": ">= 0.05"}},
                {"label": "negative", "when": {"compound": "<= -0.05"}},
                {"label": "no_impact"},
            ]
        }
    },
)

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("and you came in, and all the room was glad", "positive"),
        ("they wept with grief and bitter pain", "negative"),
        ("the ferryman sat down beside the oars", "no_impact"),
        ("joy and grief", "mixed"),
        ("it is not good", "negative"),
    ],
)
async def test_vader_reads_plain_verse_as_its_authors_meant_it_to(text: str, label: str) -> None:
    assert (await Vader(AGENT, keys).call(job(AGENT, verse(text)))).values["feeling"] == label


async def test_vader_keeps_its_four_scores_as_published() -> None:
    """The example of its README: `VADER is smart, handsome, and funny.` -> compound 0.8316, pos 0.746, neu 0.254."""
    output = await Vader(AGENT, keys).call(job(AGENT, verse("VADER is smart, handsome, and funny.")))
    assert output.raw == {"neg": 0.0, "neu": 0.254, "pos": 0.746, "compound": 0.8316}
    assert output.version.startswith("vaderSentiment 3.")


async def test_a_long_text_has_the_scores_that_it_would_have_without_a_thread() -> None:
    vader, text = Vader(AGENT, keys), "glad and free, " * (LONG // 10)
    output = await vader.call(job(AGENT, verse(text)))
    assert output.raw == vader._analyser.polarity_scores(text)
