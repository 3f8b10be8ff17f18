"""By what a sample is stratified or weighted: a column, or what the machines of a run said."""

from collections.abc import Iterable, Mapping, Sequence

from buttermilk.analysis.frame import as_text
from buttermilk.analysis.sampling import FLOOR
from buttermilk.analysis.statistics.entropy import entropy, one_voice_each
from buttermilk.analysis.statistics.estimate import Label, Votes
from buttermilk.analysis.tally import Asked, Reader, tally
from buttermilk.core.contracts import Store
from buttermilk.core.errors import ConfigError, did_you_mean
from buttermilk.core.records import Dataset, Record
from buttermilk.core.sheets import DOES_NOT_APPLY
from buttermilk.study.running import find_run

BLANK, TIE, UNANSWERED = "(empty)", "(tie)", "(no answer)"


def strata_of(
    store: Store, data: Dataset, records: Iterable[Record], by: str, question: str | None
) -> dict[str, list[str]]:
    """`column:genre` or `run:verse-2026-11-22`: stratum -> record ids."""
    kind, _, name = by.partition(":")
    if kind == "column":
        if name not in data.columns:
            raise ConfigError(f"data set '{data.name}' has no column '{name}'.", hint=did_you_mean(name, data.columns))
        of = {record.record_id: as_text(record.metadata.get(name)) or BLANK for record in records}
    else:
        votes = _voted(store, data, by, question).votes
        of = {record.record_id: _majority(votes.get(record.record_id, {})) for record in records}
    found: dict[str, list[str]] = {}
    for record_id, stratum in of.items():
        found.setdefault(stratum, []).append(record_id)
    return found


def weights_of(
    store: Store, data: Dataset, record_ids: Sequence[str], by: str, question: str | None
) -> dict[str, float]:
    """How unsure the machines are of each record: one less the share of the commonest label, and 1 where none said
    anything; never less than FLOOR."""
    asked = _voted(store, data, by, question)
    labels = len(asked.labels())

    def unsure(votes: Mapping[Reader, Votes]) -> float:
        return 1 - entropy(one_voice_each(votes.values()), labels).modal if votes else 1.0

    return {one: max(FLOOR, unsure(asked.votes.get(one, {}))) for one in record_ids}


def _majority(votes: Mapping[Reader, Votes]) -> str:
    """The label with the greatest share, each reader having one voice. A tie is a stratum of its own."""
    shares: dict[Label, float] = one_voice_each(votes.values())
    most = max(shares.values(), default=0.0)
    best = [label for label, share in shares.items() if share > most - 1e-9]
    if len(best) != 1:
        return TIE if best else UNANSWERED
    return as_text(best[0]) or DOES_NOT_APPLY


def _voted(store: Store, data: Dataset, by: str, question: str | None) -> Asked:
    """What the run's first step with such labels asked; the question has to be named where there are several."""
    kind, _, name = by.partition(":")
    if kind != "run" or not name:
        raise ConfigError(f"'{by}' is neither a column nor a run.", hint="Say --by column:genre, or --by run:RUN")
    run = find_run(store, name)
    if run.dataset != data.name:
        raise ConfigError(f"run '{name}' asked about '{run.dataset}', not about '{data.name}'.")
    labelled = [one for one in tally(store, run).asked.values() if one.question.labels and one.arm == "control"]
    fit = {one.question.name: one for one in reversed(labelled)}
    if question is None and len(fit) == 1:
        return next(iter(fit.values()))
    if question not in fit:
        said = f"run '{name}' has no answers by label to '{question}'."
        said = said if question else "several questions have labels."
        raise ConfigError(said, hint=f"Name one: --question. {did_you_mean(question or '', fit)}")
    return fit[question]
