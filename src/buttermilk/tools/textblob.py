"""TextBlob: a lexicon of English words, most of them adjectives, with rules for negation and emphasis (Loria 2013).

    Output(values={"tone": "positive"}, raw={"polarity": 0.8, "subjectivity": 0.75})

`polarity` runs from -1 to 1, `subjectivity` from 0 to 1: https://textblob.readthedocs.io/en/dev/quickstart.html.
`scales.py` shows the rules.
"""

import asyncio
from importlib.metadata import version

from textblob import TextBlob

from buttermilk.core.contracts import Keys
from buttermilk.core.flows import Agent
from buttermilk.core.jobs import Job
from buttermilk.core.messages import Output
from buttermilk.tools.scales import Scaled, scale_of, text_of

SCORES = ("polarity", "subjectivity")
LONG = 5_000  # characters: from here on the loop would notice the reading, and it moves to a thread


class TextBlobTool(Scaled):
    """The reader that comes with it; no corpus is fetched."""

    def __init__(self, agent: Agent, keys: Keys) -> None:
        self.endpoint = "textblob"
        self._scale = scale_of(agent, SCORES)
        self._version = f"TextBlob {version('textblob')}"

    async def call(self, job: Job) -> Output:
        self.check(job.codebook)
        text = text_of(job)
        raw = scores(text) if len(text) < LONG else await asyncio.to_thread(scores, text)
        return Output(values=self._scale.values(job.codebook, raw), raw=raw, version=self._version)


def scores(text: str) -> dict[str, float]:
    """`"a wonderful day"` -> `{"polarity": 1.0, "subjectivity": 1.0}`"""
    said = TextBlob(text).sentiment
    return {name: float(getattr(said, name)) for name in SCORES}
