"""VADER: a lexicon of English words with rules for negation, emphasis and `but` (Hutto and Gilbert 2014).

    Output(values={"reason": None, "sentiment": "positive"}, raw={"neg": 0.0, "neu": 0.4, "pos": 0.6, "compound": 0.63})

`neg`, `neu`, `pos` are the shares of the text, 0 to 1; `compound` runs from -1 to 1. `scales.py` shows the rules.
"""

import asyncio
from importlib.metadata import version

from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

from buttermilk.core.contracts import Keys
from buttermilk.core.flows import Agent
from buttermilk.core.jobs import Job
from buttermilk.core.messages import Output
from buttermilk.tools.scales import Scaled, scale_of, text_of

SCORES = ("neg", "neu", "pos", "compound")
LONG = 5_000  # characters: from here on the loop would notice the reading, and it moves to a thread


class Vader(Scaled):
    """Reads its lexicon once, when it is made."""

    def __init__(self, agent: Agent, keys: Keys) -> None:
        self.endpoint = "vader"
        self._scale = scale_of(agent, SCORES)
        self._analyser = SentimentIntensityAnalyzer()
        self._version = f"vaderSentiment {version('vaderSentiment')}"

    async def call(self, job: Job) -> Output:
        self.check(job.codebook)
        text = text_of(job)
        score = self._analyser.polarity_scores
        raw = score(text) if len(text) < LONG else await asyncio.to_thread(score, text)
        return Output(values=self._scale.values(job.codebook, raw), raw=raw, version=self._version)
