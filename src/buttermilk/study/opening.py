"""Opening a study: its configuration, its store, its records, its keys and its plugs; and all checks before a call."""

import csv
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from buttermilk.config import Composed, StoreSpec, compose
from buttermilk.config.overrides import in_quotes
from buttermilk.core.anchor import anchors
from buttermilk.core.contracts import Checks, Fetches, Model, Store, Tool
from buttermilk.core.errors import ConfigError, DataError, SecretError, did_you_mean
from buttermilk.core.flows import Agent, Flow, Step
from buttermilk.core.hashing import fingerprint
from buttermilk.core.priors import SOURCES
from buttermilk.core.records import Dataset, DatasetSpec, Record, Reject
from buttermilk.core.values import plain
from buttermilk.engine.plan import cells
from buttermilk.plugins import find, opened
from buttermilk.prompts import check_prompt
from buttermilk.stores.blobs import LocalBlobs
from buttermilk.study.keys import keys_of
from buttermilk.study.served import with_models_named

REJECTS_SHOWN = 5


@dataclass
class Study:
    """An opened flow: what it says, where its answers are, and which records it asks about; `whole` is the data set
    that these are of, where only its anchor set is asked."""

    composed: Composed
    store: Store
    dataset: Dataset
    whole: Dataset

    @property
    def root(self) -> Path:
        return self.composed.root

    @property
    def flow(self) -> Flow:
        return self.composed.flows[0]

    def plug_for(self, agent: Agent) -> Model | Tool:
        """The agent's plug, opened. Raises SecretError where its key is missing, ConfigError for a wrong parameter."""
        keys = keys_of(self.root, self.composed.vaults)
        if agent.role == "tool":
            tool: Tool = find("tools", agent.type)(agent, keys)
            return tool
        model: Model = find("models", agent.type)(agent, keys, blobs_of(self.composed.store, self.root).read)
        return model

    def close(self) -> None:
        self.store.close()


def open_study(root: Path, flow: str, overrides: Sequence[str] = (), *, multirun: bool = False) -> Study:
    """Compose, open the store, read the records, and check everything that can be checked before the first call."""
    composed = compose(root, flow, overrides, multirun=multirun)
    composed = with_models_named(composed, keys_of(root, composed.vaults))
    store = open_store(composed.store, root)
    try:
        whole = ingest(composed.dataset, store, composed.store, root)
        some = anchored(whole, composed.flows[0], store) if composed.run.records == "anchor" else whole
        study = Study(composed, store, some, whole)
        for one in composed.flows:
            for step in one.steps:
                check_step(one, step, study.dataset)
                check_priors(step, store)
        check_budget(composed)
    except BaseException:
        store.close()
        raise
    return study


def of_wave(overrides: Sequence[str], wave: str = "", *, anchor: bool = False) -> list[str]:
    """What `--wave` and `--anchor` say, as overrides."""
    named = [f"wave={in_quotes(wave)}"] if wave else []
    return [*overrides, *named, *(["run.records=anchor"] if anchor else [])]


def open_store(spec: StoreSpec, root: Path) -> Store:
    store: Store = find("stores", spec.type)(root / spec.path, **spec.options)
    return store


def blobs_of(spec: StoreSpec, root: Path) -> LocalBlobs:
    return LocalBlobs((root / spec.path).parent / "blobs")


# ---- records


def ingest(spec: DatasetSpec, store: Store, where: StoreSpec, root: Path) -> Dataset:
    """The dataset, read once: a source whose bytes and mapping are known is not read again."""
    source = find("sources", spec.type)(spec, root)
    key = fingerprint([source.fingerprint(), plain(spec, without=frozenset({"rejects"}))])
    known = store.dataset(key)
    if known is None:
        blobs, found = blobs_of(where, root), source.records()
        if spec.media:
            preparing = opened("buttermilk.media.preparing", f"`media` in conf/dataset/{spec.name}.yaml")
            found = preparing.prepared(found, spec.media, blobs.keep)
        kept = kept_media(written_rejects(found, _rejects(root, where, spec)), blobs, root)
        known = store.keep_dataset(key, spec, kept)
    if known.rejected and spec.rejects == "stop":
        raise rejected(known, _rejects(root, where, spec))
    return known


def anchored(whole: Dataset, flow: Flow, store: Store) -> Dataset:
    """The anchor set as a data set of its own: the records are those of the whole, and so are the ids of the jobs."""
    chosen = anchors(flow.seed, flow.anchor, (ref.record_id for refs in store.refs(whole.fingerprint) for ref in refs))
    every = (ref for refs in store.refs(whole.fingerprint) for ref in refs)
    hashes = [ref.record_hash for ref in every if ref.record_id in chosen]
    found = store.records(hashes)
    key = fingerprint(["anchor", whole.fingerprint, hashes])
    kept = store.keep_dataset(key, whole.spec, (found[one] for one in hashes))
    return kept.model_copy(update={"rejected": whole.rejected, "rejects": whole.rejects})


def kept_media(found: Iterable[Record | Reject], blobs: LocalBlobs, root: Path) -> Iterator[Record | Reject]:
    """Media are copied into the study's blobs, so that the record stays what it was when the file is edited."""
    for item in found:
        if isinstance(item, Record) and any(part.path for part in item.parts):
            parts = []
            for part in item.parts:
                if part.path and part.blob:
                    blobs.keep(Path(part.path), part.blob)
                shown = _relative(part.path, root) if part.path else None
                parts.append(part.model_copy(update={"path": shown}))
            item = item.model_copy(update={"parts": tuple(parts)})
        yield item


def _relative(path: str, root: Path) -> str:
    try:
        return Path(path).resolve().relative_to(root.resolve()).as_posix()
    except ValueError:
        return Path(path).name


def written_rejects(found: Iterable[Record | Reject], target: Path) -> Iterator[Record | Reject]:
    """Every reject also goes to a CSV that a spreadsheet opens: where, column, why, and the row as it was. No
    reject, no file: a folder of empty ones tells nobody anything."""
    target.unlink(missing_ok=True)
    names, hostile = ("where", "column", "why", "content"), ("=", "+", "-", "@", "\t", "\r")
    with ExitStack() as closing:
        file = None
        for item in found:
            if isinstance(item, Reject):
                if file is None:
                    target.parent.mkdir(parents=True, exist_ok=True)
                    file = csv.writer(closing.enter_context(target.open("w", encoding="utf-8", newline="")))
                    file.writerow(names)
                # A cell that a spreadsheet would run as a formula is quoted: rows are as hostile as their source.
                row = (getattr(item, name) for name in names)
                file.writerow(f"'{text}" if text.startswith(hostile) else text for text in row)
            yield item


def rejects_file(study: Study) -> Path:
    """Where the rows that are no records are listed."""
    return _rejects(study.root, study.composed.store, study.dataset.spec)


def _rejects(root: Path, store: StoreSpec, spec: DatasetSpec) -> Path:
    return (root / store.path).parent / "rejects" / f"{spec.name}.csv"


def rejected(dataset: Dataset, file: Path) -> DataError:
    shown = [f"{one.where}{f', column {one.column}' if one.column else ''}: {one.why}" for one in dataset.rejects]
    more = [f"… and {dataset.rejected - REJECTS_SHOWN} more."] if dataset.rejected > REJECTS_SHOWN else []
    mend = "Mend the rows, or go on without them: data.rejects=skip (the report will count them)."
    rows = "1 row is no record" if dataset.rejected == 1 else f"{dataset.rejected} rows are no records"
    return DataError(
        f"{rows} (of {dataset.rejected + dataset.records}); nothing was asked.",
        where=dataset.spec.path,
        hint="\n  ".join([*shown[:REJECTS_SHOWN], *more, f"All of them: {file}", mend]),
    )


# ---- checks


def check_step(flow: Flow, step: Step, dataset: Dataset) -> None:
    """What a step asks for, against what there is: variables, columns, kinds of media."""
    there: dict[str, Any] = {name: getattr(dataset, name) for name in ("columns", "records")}
    there |= {"sent": dataset.spec.sent, "dataset": dataset.name}
    for prompt in step.prompts:
        check_prompt(prompt, step=step.name, gives=step.gives, **there)
    for cell in cells(flow, step):
        check_media(cell.agent, step, dataset)


def check_priors(step: Step, store: Store) -> None:
    """A source that is no run and no word for several would quietly give nothing to draw from."""
    for name in step.priors.runs if step.priors else ():
        if store.run(name) is None and next(store.results(name), None) is None:
            known = [*SOURCES, *(run.run_id for run in store.runs())]
            said = f"there is no run '{name}' to draw prior answers from."
            raise ConfigError(said, where=f"step '{step.name}', priors.source", hint=did_you_mean(name, known))


def check_plugs(study: Study, *, keys_needed: bool = True) -> list[str]:
    """Open each agent's plug once: a missing key, a wrong parameter, a label that is not in the codebook: told now.

    A plan needs no keys (`keys_needed=False`): what is missing is returned, to be said beside it.
    """
    asked = {
        (cell.agent.name, cell.agent.hash, cell.codebook.hash): (cell.agent, cell.codebook)
        for flow in study.composed.flows
        for step in flow.steps
        for cell in cells(flow, step)
    }
    missing: list[str] = []
    for agent, codebook in asked.values():
        try:
            plug = study.plug_for(agent)
        except SecretError as error:
            if keys_needed:
                raise
            missing.append(f"agent '{agent.name}' cannot be asked yet: {error.message}")
            continue
        if isinstance(plug, Checks):
            plug.check(codebook)
        if isinstance(plug, Fetches):
            check_addresses(agent, plug, study.dataset)
    return list(dict.fromkeys(missing))


def check_media(agent: Agent, step: Step, dataset: Dataset) -> None:
    """An agent that cannot take what has no words would answer about nothing."""
    if agent.role != "model":
        return
    for kind, count in dataset.kinds.items():
        if kind != "text" and kind not in agent.capabilities.inputs:
            takes = f"agent '{agent.name}' takes {', '.join(agent.capabilities.inputs)}"
            said = f"{takes}; {count} records of '{dataset.name}' have {kind} without a text alternative."
            hint = f"Choose an agent that takes {kind}, say so in its `capabilities.inputs`, or map a column of "
            raise ConfigError(said, where=f"step '{step.name}'", hint=hint + "descriptions: `columns: {alt: COLUMN}`.")


def check_addresses(agent: Agent, plug: Fetches, dataset: Dataset) -> None:
    """A medium that is given by its address is the vendor's to fetch, and not every vendor fetches it."""
    for found, record_id in dataset.addresses.items():
        kind, scheme = found.split()
        if kind in agent.capabilities.inputs and scheme not in plug.fetches.get(kind, ()):
            raise ConfigError(
                f"'{agent.type}' takes no {kind} from {scheme}:// addresses, and record '{record_id}' of "
                f"'{dataset.name}' has one.",
                where=f"agent '{agent.name}'",
                hint=f"Download the files and name them by their paths; or take `{kind}` out of the agent's "
                "`capabilities.inputs`, so that their words are sent (`columns: {alt: COLUMN}`).",
            )


def check_budget(composed: Composed) -> None:
    """A cap on money means nothing where a price is unknown; no cap does where all is handed over at once."""
    budget = composed.run.budget
    if composed.run.mode == "batch" and (budget.money is not None or budget.tokens is not None):
        said = "a batch cannot be stopped by a budget: it is handed over whole."
        hint = "Take the cap out, and hand over as many records as you can pay for: limit=100"
        raise ConfigError(said, where="run.mode=batch", hint=hint)
    if budget.money is None:
        return
    for agent in (agent for flow in composed.flows for step in flow.steps for agent in step.agents):
        if agent.role != "model" or find("models", agent.type).simulated:
            continue
        where = f"agent '{agent.name}'"
        if agent.price is None:
            said = f"the run has a budget in money, and the price of '{agent.model or agent.name}' is not known."
            price = "`price: {input: ..., output: ..., source: ..., dated: ...}` per million tokens"
            hint = f"Write it down: conf/agent/{agent.name}.yaml, {price}; or cap tokens: run.budget.tokens=..."
            raise ConfigError(said, where=where, hint=hint)
        if agent.price.currency != budget.currency:
            said = f"the budget is in {budget.currency}, the price of '{agent.name}' in {agent.price.currency}."
            raise ConfigError(said, where=where, hint="Give both in one currency: run.budget.currency=...")
