"""Design-based supervised learning: machine labels put right by people's, each record drawn with a known chance."""

from collections.abc import Sequence
from math import fsum
from typing import NamedTuple

from buttermilk.analysis.statistics.estimate import Estimate
from buttermilk.analysis.statistics.mean import around, variance
from buttermilk.analysis.statistics.prediction_powered import BEYOND, CORPUS, too_few


class Case(NamedTuple):
    """One record: what the machine said, what a person said (None: was not asked), and the chance of being asked; `x`
    is what it is regressed on, beginning with 1."""

    guess: float
    truth: float | None = None
    chance: float = 1.0
    x: tuple[float, ...] = (1.0,)

    @property
    def outcome(self) -> float:
        """ỹ = ŷ + (R / π)(y - ŷ): on average over the draws the truth, whatever the machine said."""
        return self.guess if self.truth is None else self.guess + (self.truth - self.guess) / self.chance


def design_based(cases: Sequence[Case], *, corpus: bool = False) -> Estimate:
    """mean(ỹ), ỹ = ŷ + (R / π)(y - ŷ), SE² = var(ỹ) / N; with `corpus`, of just these, Σ R (1 - π)(y - ŷ)² / π² / N².

    π may be the same for all, or larger in some strata or where the machine was unsure (confidence-driven): the chance
    must be known, not estimated, and above nought for every record.

    Egami, N., Hinck, M., Stewart, B. M. and Wei, H. (2023). Using imperfect surrogates for downstream inference.
    NeurIPS 36; Gligorić, K., Zrnic, T., Lee, C., Candès, E. J. and Jurafsky, D. (2024). Can unconfident LLM annotations
    be used for confident conclusions? arXiv 2408.15204; Horvitz, D. G. and Thompson, D. J. (1952). JASA 47, 663-685."""
    drawn = [case for case in cases if case.truth is not None]
    if why := too_few(len(drawn)):
        return Estimate(None, n=len(drawn), note=why)
    outcomes = [case.outcome for case in cases]
    value = fsum(outcomes) / len(cases)
    if corpus:
        missed = fsum((1 - one.chance) * ((one.truth or 0.0) - one.guess) ** 2 / one.chance**2 for one in drawn)
        return around(value, missed / len(cases) ** 2, len(drawn), CORPUS)
    return around(value, variance(outcomes) / len(cases), len(drawn), BEYOND)
