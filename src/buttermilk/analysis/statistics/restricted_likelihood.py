"""Restricted maximum likelihood for records crossed with facets, gaps and unequal repeats included."""

from collections.abc import Sequence
from itertools import combinations
from math import fsum, log, pi
from typing import Any, NamedTuple

from buttermilk.analysis.statistics.mean import variance

try:
    import numpy as np
except ImportError:  # an extra
    np = None  # type: ignore[assignment]

NEEDS_NUMPY = "answers are missing or unequally many: needs numpy (pip install 'buttermilk[statistics]')"
READY = np is not None
ROUNDS = 200
CLOSE = 1e-15  # share of the log-likelihood that a round must still gain


class Fit(NamedTuple):
    parts: dict[tuple[str, ...], float]
    likelihood: float


def restricted_likelihood(facets: tuple[str, ...], columns: Sequence[tuple[str, ...]], units: Any) -> Fit:
    """The variances that maximise the density of all contrasts free of μ; none is below nought.

        -2 l = (N - 1) log 2π + log|V| + log|1'V⁻¹1| + y'Py,   P = V⁻¹ - V⁻¹1(1'V⁻¹1)⁻¹1'V⁻¹

    Records that were answered in the same cells equally often have the same V, so they enter by the sum of their means
    and of these means' products alone; what all records share (the facets' own effects) is as wide as there are columns
    (Woodbury). So the size of a step does not grow with the number of records. Average-information steps, halved where
    they would lead down; where that fails, a step that never does. Patterson, H. D. and Thompson, R. (1971). Biometrika
    58, 545-554; Gilmour, A. R., Thompson, R. and Cullis, B. R. (1995). Biometrics 51, 1440-1450; Zhou, H., Hu, L.,
    Zhou, J. and Lange, K. (2019). MM algorithms for variance components models. J. Comput. Graph. Statist. 28, 350-361.
    """
    model = Model(facets, columns, units)
    at = np.full(len(model.effects), model.spread / len(model.effects))
    here = model.look(at)
    for _ in range(ROUNDS):
        step = _step(at, here)
        for share in (1.0, 0.5, 0.25, 0.1, 0.02):
            there = np.clip(at + share * step, model.least, model.most)
            found = model.look(there)
            if found.likelihood > here.likelihood:
                break
        else:
            ratio = np.sqrt(np.maximum(here.squares, 0.0) / np.maximum(here.traces, 1e-12))
            there = np.clip(at * ratio, model.least, model.most)
            found = model.look(there)
        gained = found.likelihood - here.likelihood
        if gained > 0:
            at, here = there, found
        if gained <= CLOSE * abs(here.likelihood):
            break
    return Fit({effect: float(part) for effect, part in zip(model.effects, at, strict=True)}, here.likelihood)


class Look(NamedTuple):
    """The log-likelihood at a point; by effect y'PV'Py and tr PV', whose half difference is its slope; information."""

    likelihood: float
    squares: Any
    traces: Any
    information: Any


def _step(at: Any, here: Look) -> Any:
    """Newton's, among the effects that are above nought or would rise from it."""
    slope = (here.squares - here.traces) / 2
    free = (at > 1e-9 * at.sum()) | (slope > 0)
    step = np.zeros_like(at)
    if free.any():
        step[free] = np.linalg.lstsq(here.information[np.ix_(free, free)], slope[free], rcond=1e-12)[0]
    return step


class Model:
    """What the likelihood needs to know of the answers: sums by pattern of answered cells."""

    def __init__(self, facets: tuple[str, ...], columns: Sequence[tuple[str, ...]], units: Any) -> None:
        self.many = len(columns)
        counts = np.array([[len(votes) for votes in unit] for unit in units])
        means = np.array([[fsum(votes) / len(votes) if votes else 0.0 for votes in unit] for unit in units])
        self.answers, self.cells = int(counts.sum()), int((counts > 0).sum())
        self.within = fsum(variance(votes) * len(votes) for unit in units for votes in unit if len(votes) > 1)
        order = np.lexsort((*means.T, *counts.T))  # by content: sums come out the same in any order of arrival
        means, counts = means[order], counts[order]
        self.logs = float(np.log(counts[counts > 0]).sum())
        self.spread = float(means[counts > 0].var()) + self.within / self.answers or 1.0
        self.most = 100 * self.spread
        patterns, member = np.unique(counts, axis=0, return_inverse=True)
        self.counts, self.size = patterns, np.bincount(member.ravel())
        groups = np.split(means[np.argsort(member.ravel(), kind="stable")], np.cumsum(self.size)[:-1])
        self.sums = np.array([group.sum(0) for group in groups])
        self.products = np.array([group.T @ group for group in groups])
        self.seen = (patterns > 0).astype(float)
        self._name_effects(facets, columns)

    def _name_effects(self, facets: tuple[str, ...], columns: Sequence[tuple[str, ...]]) -> None:
        """What cannot be told from a simpler effect is not one of its own: without repeats, the highest interaction."""
        found: dict[bytes, tuple[tuple[str, ...], Any]] = {}
        for size in range(len(facets) + 1):
            for part in combinations(range(len(facets)), size):
                alike = np.array([[float(all(a[at] == b[at] for at in part)) for b in columns] for a in columns])
                found.setdefault(alike.tobytes(), (tuple(facets[at] for at in part), alike))
        alone = bool((self.counts <= 1).all())
        known = list(found.values())
        of_records = [
            (("record", *part), alike) for part, alike in known if not (alone and (alike == np.eye(self.many)).all())
        ]
        of_all = [(part, alike) for part, alike in known if part]
        self.of_records = np.array([alike for _, alike in of_records]).reshape(-1, self.many, self.many)
        self.of_all = np.array([alike for _, alike in of_all]).reshape(-1, self.many, self.many)
        self.effects = [part for part, _ in (*of_records, *of_all)] + [("run",)]
        self.least = np.zeros(len(self.effects))
        self.least[-1] = 1e-6 * self.spread  # below, nothing could be inverted

    def look(self, at: Any) -> Look:
        rows, whole = len(self.of_records), len(self.of_all)
        shared = np.tensordot(at[rows : rows + whole], self.of_all, 1)
        noise = self.seen / np.maximum(self.counts, 1)
        both = self.seen[:, :, None] * self.seen[:, None, :]
        spread = np.tensordot(at[:rows], self.of_records, 1) * both
        own = np.arange(self.many)
        spread[:, own, own] += at[-1] * noise + (1 - self.seen)  # a cell that was not answered stands by itself
        inverse = np.linalg.inv(spread) * both
        logs = np.linalg.slogdet(spread)[1]
        pull = np.tensordot(self.size, inverse, 1)
        lean = np.einsum("gij,gj->i", inverse, self.sums)
        root = _root(shared)
        design = np.column_stack([np.ones(self.many), root])
        inner = design.T @ pull @ design
        inner[1:, 1:] += np.eye(root.shape[1])
        back = design @ np.linalg.inv(inner) @ design.T
        middle = back @ lean
        fit = float(np.einsum("gij,gij->", inverse, self.products)) - float(lean @ middle)
        free = self.answers - self.cells
        likelihood = -0.5 * (
            (self.answers - 1) * log(2 * pi) + float(self.size @ logs) + self.logs + free * log(at[-1])
            + float(np.linalg.slogdet(inner)[1]) + fit + self.within / at[-1]
        )  # fmt: skip
        return Look(likelihood, *self._slopes(at[-1], inverse, pull, lean, back, middle, noise))

    def _slopes(self, run: float, inverse: Any, pull: Any, lean: Any, back: Any, middle: Any, noise: Any) -> Any:
        """y'PV'Py, tr PV' and y'PV'PV'Py / 2, effect by effect: of records, of all, of runs."""
        size = self.size[:, None, None]
        far = self.sums[:, :, None] * middle
        gap = self.products - far - np.swapaxes(far, 1, 2) + size * np.outer(middle, middle)
        apart = inverse @ gap @ inverse  # Σ Py (Py)' over the records of a pattern
        summed = np.einsum("gij,gj->gi", inverse, self.sums - self.size[:, None] * middle)
        less = size * (inverse - inverse @ back @ inverse)
        kinds = [*self.of_records, noise[:, :, None] * np.eye(self.many)]
        squares = [float((kind * apart).sum()) for kind in kinds]
        traces = [float((kind * less).sum()) for kind in kinds]
        squares[-1] += self.within / run**2
        traces[-1] += (self.answers - self.cells) / run
        rest, over = lean - pull @ middle, pull - pull @ back @ pull
        common = [alike @ rest for alike in self.of_all]
        moved = [kind @ apart for kind in kinds]
        between, reached = [], []
        for kind in kinds:
            turn = inverse @ kind
            between.append([float((turn * one).sum()) for one in moved])
            reached.append(np.einsum("gij,gj->i", turn, summed))
        between[-1][-1] += self.within / run**3
        whole = np.block(
            [
                [np.array(between), _across(reached, common)],
                [_across(common, reached), _across(common, [pull @ one for one in common])],
            ]
        )
        pulled = np.array([*reached, *(pull @ one for one in common)])
        information = (whole - pulled @ back @ pulled.T) / 2
        squares += [float(rest @ one) for one in common]
        traces += [float((over * alike).sum()) for alike in self.of_all]
        rows = len(self.of_records)
        order = [*range(rows), *range(rows + 1, len(squares)), rows]  # the run last, as the effects are named
        return np.array(squares)[order], np.array(traces)[order], information[np.ix_(order, order)]


def _across(first: Sequence[Any], second: Sequence[Any]) -> Any:
    return np.array([[float(one @ two) for two in second] for one in first]).reshape(len(first), len(second))


def _root(spread: Any) -> Any:
    """L of spread = L L', which may be of lower rank."""
    values, vectors = np.linalg.eigh(spread)
    return vectors * np.sqrt(np.maximum(values, 0.0))
