"""What the jobs of an arm with priors are shown: drawn from the store by the rules of `core/pool.py`.

A draw is a function of the seed, the step, the agent, the perspective, the variant and the record: neither order nor
the number of slots nor a stop can change it. The repeats of a cell share it. A repeat is the same question put once
more; had each its own draw, their spread would be that of the draws too, and not to be held against the control arm's.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from math import prod
from typing import NamedTuple

from buttermilk.core.contracts import Store
from buttermilk.core.hashing import derive_seed
from buttermilk.core.jobs import Answer, Given
from buttermilk.core.people import Sample
from buttermilk.core.pool import Habits, Terms, begun, drawn
from buttermilk.core.records import Dataset, RecordRef
from buttermilk.engine.lane import Inputs
from buttermilk.engine.nearness import Nearness
from buttermilk.engine.plan import CellPlan, readings

NEAREST = 10  # records whose answers may be precedents
Open = tuple[list[Given], Mapping[str, float]]  # what may be shown of the answers about one record, and their weights


class Ground(NamedTuple):
    """What is known of a whole data set before anything is drawn; `candidates` are precedents: record id -> ref."""

    terms: Terms
    habits: Habits
    candidates: Mapping[str, RecordRef]
    nearness: Nearness | None


@dataclass
class Lots:
    """Of one step of a run, or of a plan: what is drawn is looked up in the store as it is when this is made.

    `run_id` is the run whose answers are read by later steps; `asking` the one that asks, empty where it is yet to be.
    """

    store: Store
    dataset: Dataset
    run_id: str
    asking: str
    _grounds: dict[tuple[str, ...], Ground] = field(default_factory=dict)
    _last: tuple[tuple[str, ...], Mapping[str, Open]] = ((), {})

    def inputs(self, cell: CellPlan, refs: Sequence[RecordRef]) -> Inputs:
        """record id -> reading -> answers: of the steps that it reads, and its priors."""
        read = readings(self.store, self.run_id, cell, refs) if cell.step.reads else {}
        if not cell.informed:
            return read
        priors = self._drawn(cell, refs)
        return {ref.record_id: {**read.get(ref.record_id, {}), "priors": priors[ref.record_id]} for ref in refs}

    def only_control(self, cell: CellPlan, ref: RecordRef) -> bool:
        return cell.step.priors is not None and cell.step.priors.only_control(cell.flow.seed, ref.record_id)

    def _drawn(self, cell: CellPlan, refs: Sequence[RecordRef]) -> dict[str, tuple[Answer, ...]]:
        ground, draw = self._ground(cell), _draw(cell)
        asked = [ref for ref in refs if not self.only_control(cell, ref)]
        found: dict[str, tuple[Answer, ...]] = {ref.record_id: () for ref in refs}
        if not ground.terms.waves or not asked:
            return found
        if ground.nearness is None:
            open_ = self._open(cell, ground, asked)
            return found | {one.record_id: draw(ground, one.record_id, [open_[one.record_id]]) for one in asked}
        near = {one.record_id: ground.nearness.nearest(one.record_id, ground.candidates, NEAREST) for one in asked}
        others = sorted({other for others in near.values() for other in others})
        open_ = self._open(cell, ground, [ground.candidates[other] for other in others])
        for record_id, others in near.items():
            found[record_id] = self._with_words(draw(ground, record_id, [open_[one] for one in others]), ground)
        return found

    def _with_words(self, answers: tuple[Answer, ...], ground: Ground) -> tuple[Answer, ...]:
        """A precedent means nothing without what was judged."""
        refs = {one.record_id: ground.candidates[one.record_id].record_hash for one in answers}
        records = self.store.records(list(refs.values()))
        return tuple(one.model_copy(update={"text": records[refs[one.record_id]].text}) for one in answers)

    def _open(self, cell: CellPlan, ground: Ground, refs: Sequence[RecordRef]) -> Mapping[str, Open]:
        """Of each record what may be shown to anybody. The last are kept: cell after cell asks about the same."""
        key = (*_place(cell), *(ref.record_id for ref in refs))
        if self._last[0] != key:
            pools = self._pools(cell, refs)
            earlier = {one.record_id: ground.terms.earlier(pools.get(one.record_id, ()), one.seen_hash) for one in refs}
            lift = ground.terms.priors.weights == "lift"
            weighed = {name: (given, ground.habits.weights(given) if lift else {}) for name, given in earlier.items()}
            self._last = key, weighed
        return self._last[1]

    def _pools(self, cell: CellPlan, refs: Sequence[RecordRef]) -> Mapping[str, tuple[Given, ...]]:
        runs = cell.step.priors.runs if cell.step.priors else ()
        return self.store.pool(cell.step.name, cell.codebook.hash, [ref.record_id for ref in refs], runs)

    # ---- the whole data set

    def _ground(self, cell: CellPlan) -> Ground:
        place = _place(cell)
        if place not in self._grounds:
            self._grounds[place] = self._surveyed(cell)
        return self._grounds[place]

    def _surveyed(self, cell: CellPlan) -> Ground:
        """Two passes: when each wave began, then who answers what, and about which records there is an answer."""
        priors, first = cell.step.priors, dict[str, datetime]()
        assert priors is not None  # noqa: S101  (only such a cell is informed)
        for refs in self.store.refs(self.dataset.fingerprint):
            for given in self._pools(cell, refs).values():
                begun(given, first)
        terms, habits = Terms.of(priors, self.asking, cell.flow.wave, first), Habits(cell.codebook)
        candidates: dict[str, RecordRef] = {}
        if not terms.waves:
            return Ground(terms, habits, candidates, None)
        for refs in self.store.refs(self.dataset.fingerprint):
            pools = self._pools(cell, refs)
            for ref in refs:
                earlier = terms.earlier(pools.get(ref.record_id, ()), ref.seen_hash)
                habits.count(earlier)
                candidates |= {ref.record_id: ref} if earlier else {}
        return Ground(terms, habits, *self._precedents(candidates) if priors.scope == "similar_records" else ({}, None))

    def _precedents(self, candidates: Mapping[str, RecordRef]) -> tuple[Mapping[str, RecordRef], Nearness]:
        """Records of a test split are never among them."""
        samples = self.store.papers(Sample, self.dataset.name)
        test = {draw.record_id for sample in samples for draw in sample.draws if draw.split == "test"}
        texts: dict[str, str] = {}
        for refs in self.store.refs(self.dataset.fingerprint):
            found = self.store.records([ref.record_hash for ref in refs])
            texts |= {ref.record_id: found[ref.record_hash].text for ref in refs}
        return {name: ref for name, ref in candidates.items() if name not in test}, Nearness(texts)


def most_shown(cell: CellPlan) -> int:
    """How many answers are shown at most."""
    step = cell.step
    if not cell.informed or step.priors is None:
        return 0
    axes = {
        "model": {agent.model or agent.name for agent in step.agents},
        "prompt": step.prompts,
        "perspective": step.perspectives,
    }
    return step.priors.n * prod(len(axes[name]) or 1 for name in step.priors.strata)


def _place(cell: CellPlan) -> tuple[str, ...]:
    """What the cells have in common that draw from one pool."""
    said = cell.step.priors.model_dump_json() if cell.step.priors else ""
    return cell.step.name, cell.codebook.hash, cell.flow.wave, said


def _draw(cell: CellPlan) -> Callable[[Ground, str, Sequence[Open]], tuple[Answer, ...]]:
    """For one cell: of what is open about some records that which is shown with the record asked about."""
    step, perspective = cell.step, cell.perspective.name if cell.perspective else ""
    variables = {name: cell.variant[name] for name in step.variables}
    place = (step.name, cell.agent.name, perspective, dict(cell.variant))

    def of(ground: Ground, record_id: str, about: Sequence[Open]) -> tuple[Answer, ...]:
        given = [one for earlier, _ in about for one in earlier]
        weights = {job_id: weight for _, weights in about for job_id, weight in weights.items()}
        seed = derive_seed(cell.flow.seed, "priors", *place, record_id)
        shown = ground.terms.shown_to(cell.agent.name, variables, given)
        return drawn(shown, weights, ground.terms.priors, seed)

    return of
