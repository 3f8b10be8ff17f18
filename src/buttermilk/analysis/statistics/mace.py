"""MACE: a hidden true label, and for each rater the share of answers that it knows rather than guesses."""

from collections.abc import Mapping
from math import log
from typing import NamedTuple

from buttermilk.analysis.statistics.estimate import Label
from buttermilk.analysis.statistics.latent import LEAST, Answers, Panel, of_logs, panel

Start = Mapping[str, tuple[float, Mapping[Label, float]]]
"""For each rater: how often it knows, and what it says when it does not."""


class Competence(NamedTuple):
    """`knows[rater]` is the share of its answers that the rater knew; `posterior[record][label]`; or a `note`."""

    knows: Mapping[str, float] = {}
    posterior: Mapping[str, Mapping[Label, float]] = {}
    note: str = ""


class _Model(NamedTuple):
    knows: list[float]
    guesses: list[list[float]]


def mace(answers: Answers, *, start: Start | None = None, rounds: int = 50, least: int = LEAST) -> Competence:
    """EM for P(a_ij | t_i) = (1 - θ_j) ξ_j(a_ij) + θ_j [a_ij = t_i], each t_i equally likely; counts + .01 / K.

    It starts where each rater knows half and guesses evenly, so that nothing is drawn and no order counts. Hovy, D.,
    Berg-Kirkpatrick, T., Vaswani, A. and Hovy, E. (2013). Learning whom to trust with MACE. Proceedings of NAACL-HLT,
    1120-1130."""
    given = panel(answers)
    note = given.refusal(least)
    if note:
        return Competence(note=note)
    even = {label: 1 / len(given.labels) for label in given.labels}
    begun = start or dict.fromkeys(given.raters, (0.5, even))
    model = _Model(
        [begun[rater][0] for rater in given.raters],
        [[begun[rater][1][label] for label in given.labels] for rater in given.raters],
    )
    for _ in range(rounds):
        model = _maximised(given, model, _hidden(given, model))
    knows = dict(zip(given.raters, model.knows, strict=True))
    return Competence(knows, given.by_record(_hidden(given, model)))


def _chance(model: _Model, rater: int, label: int, truth: int) -> float:
    return (1 - model.knows[rater]) * model.guesses[rater][label] + model.knows[rater] * (label == truth)


def _hidden(given: Panel, model: _Model) -> list[list[float]]:
    logs = [
        [
            [log(max(_chance(model, rater, label, truth), 1e-300)) for truth in range(len(given.labels))]
            for label in range(len(given.labels))
        ]
        for rater in range(len(given.raters))
    ]
    truths = range(len(given.labels))
    return [
        of_logs([sum([times * logs[rater][label][truth] for rater, label, times in row]) for truth in truths])
        for row, _ in given.rows
    ]


def _maximised(given: Panel, model: _Model, hidden: list[list[float]]) -> _Model:
    """An answer was guessed in so far as the true label is another, or is the same and was hit by chance."""
    size = len(given.labels)
    smooth = 0.01 / size
    knew, guessed = [smooth] * len(given.raters), [[smooth] * size for _ in given.raters]
    for (row, records), truth in zip(given.rows, hidden, strict=True):
        for rater, label, times in row:
            by_chance = (1 - model.knows[rater]) * model.guesses[rater][label]
            known = truth[label] * model.knows[rater] / (by_chance + model.knows[rater])
            knew[rater] += records * times * known
            guessed[rater][label] += records * times * (1 - known)
    wholes = [sum(row) - size * smooth for row in guessed]
    knows = [one / (one + whole + smooth) for one, whole in zip(knew, wholes, strict=True)]
    return _Model(knows, [[one / sum(row) for one in row] for row in guessed])
