"""The part of a report that asks what a panel is worth: how divided, how redundant, what its majority settles."""

from collections.abc import Iterator

from buttermilk.analysis import charts_panels, compare, words
from buttermilk.analysis.compare import Scale
from buttermilk.analysis.evidence import Evidence
from buttermilk.analysis.page import Block, Figure, Grid, Section, Text, grid
from buttermilk.analysis.sections.agreements import scale_of
from buttermilk.analysis.sections.findings import MOST_LABELS, compared, reader_name, slug, title_of
from buttermilk.analysis.statistics.dawid_skene import TOO_SURE, dawid_skene
from buttermilk.analysis.statistics.estimate import Estimate, Label
from buttermilk.analysis.statistics.mace import mace
from buttermilk.analysis.statistics.majority import majority
from buttermilk.analysis.statistics.redundancy import FEW, effective
from buttermilk.analysis.tally import Asked, Tally

MOST_OVERRULED = 15


def panels(found: Evidence, *, latent: bool = False) -> Section | None:
    """None where no two agents answered one question. `latent` adds the models of a hidden true label."""
    blocks: list[Block] = []
    for asked in compared(found.tally):
        if len(asked.agents) > 1 and not asked.measured:
            scale = scale_of(found.tally, asked)
            blocks += [title_of(asked), *_panel(asked, scale), *_spectrum(asked, scale)]
            blocks += _latent(found.tally, asked) if latent else []
    return Section("What the panel is worth", tuple(blocks)) if blocks else None


def _panel(asked: Asked, scale: Scale) -> Iterator[Text]:
    most, worth = compare.majorities(asked), compare.worth(asked, scale)
    yield Text(_settled(most))
    if worth is None or worth.rho.value is None:
        yield Text("How far the agents err together cannot be told: at least one of every two never varies.")
        return
    rho, k, value = worth.rho, worth.agents, worth.rho.value
    low, high = (min(effective(k, one), k) if one is not None else None for one in (rho.high, rho.low))
    worth_of = Estimate(min(effective(k, value), k), low, high, note="no interval")
    said = f"ρ = {words.corrected(rho)}, n = {words.plural(rho.n, 'record')}"
    votes = f"{k} agents are worth {words.corrected(worth_of)} independent votes"
    if worth.errors:
        how = "err together" if value > 0 else "show no sign of erring together"
        yield Text(f"On labelled records the agents {how} ({said}): {votes}.")
    else:
        yield Text(
            f"Fewer than {FEW} records are labelled, so the agents' answers stand in for their errors ({said}): "
            f"{votes}. This is agreement-based, an upper bound of redundancy: agents are alike right, too."
        )


def _settled(most: compare.Majority) -> str:
    clear = f"{words.count(most.n - most.ties)} of {words.plural(most.n, 'record')}"
    said = f"Each agent having one vote, a majority settles {clear}; {words.plural(most.ties, 'record')} "
    said += "ends in a tie, which is kept as a tie." if most.ties == 1 else "end in ties, which are kept as ties."
    if most.right.value is None:
        return said
    right = f"{words.share(most.right)} of {words.plural(most.right.n, 'labelled record')}"
    return f"{said} It matches the human label in {right}; a tie that holds the label counts as its part of it."


def _spectrum(asked: Asked, scale: Scale) -> Iterator[Figure]:
    labels = [words.label(label) for label in asked.labels()]
    if len(labels) > MOST_LABELS:
        return
    columns = charts_panels.slices(compare.by_division(asked))
    if not columns:
        return
    rows = [
        (str(start + 1), str(end), f"{spread:.4f}", *(f"{shares.get(label, 0.0):.4f}" for label in labels))
        for start, end, spread, shares in columns
    ]
    even = sum(end - start for start, end, spread, _ in columns if spread == 0)
    n = columns[-1][1]
    shows = (
        f"Stacked columns of the answers to {asked.name}, {words.plural(n, 'record')} sorted by entropy: at the "
        f"left {words.count(even)} on which all agree, at the right the most divided, entropy {columns[-1][2]:.2f}."
    )
    together = max(end - start for start, end, _, _ in columns)
    caption = f"The records of “{asked.name}” in the step “{asked.step}”, sorted by how divided the agents are"
    caption += f"; a column stands for {words.plural(together, 'record')}." if together > 1 else "."
    data = grid(
        "Records sorted by entropy: shares of answers.", ("from record#", "to record#", "entropy#", *labels), rows
    )
    spec = charts_panels.spectrum(columns, labels, ordered=asked.question.level == "ordinal", shows=shows)
    yield Figure(slug("spectrum", asked.step, asked.name), caption, shows, spec, data)


def _latent(tally: Tally, asked: Asked) -> Iterator[Block]:
    answers = {
        record_id: {reader_name(tally, reader): votes for reader, votes in asked.votes[record_id].items()}
        for record_id in asked.records
    }
    found, known = dawid_skene(answers), mace(answers)
    if found.note:
        yield Text(f"Dawid and Skene's model of a hidden true label is {found.note}.", "caution")
        return
    yield Text(TOO_SURE, "caution")
    rows = []
    for rater, truths in found.confusions.items():
        right = sum(share * truths[label][label] for label, share in found.shares.items())
        rows.append((rater, words.percent(right), words.percent(known.knows[rater])))
    titles = ("agent and perspective", "right, by Dawid and Skene#", "knows rather than guesses, by MACE#")
    yield grid(f"Competence on “{asked.name}”, as answers alone suggest it.", titles, rows)
    yield _overruled(asked, {record: dict(shares) for record, shares in found.posterior.items()})


def _overruled(asked: Asked, posterior: dict[str, dict[Label, float]]) -> Grid:
    rows = []
    for record_id, shares in posterior.items():
        most = majority(tuple(asked.votes[record_id].values()))
        chosen = max(shares, key=lambda label: shares[label])
        if most != (chosen,):
            said = " / ".join(map(words.label, most))
            rows.append((record_id, said, words.label(chosen), words.percent(shares[chosen])))
    caption = (
        f"Where the model's label of “{asked.name}” is not the majority's: {words.count(len(rows))} of "
        f"{words.plural(len(posterior), 'record')}{', the first ones' if len(rows) > MOST_OVERRULED else ''}."
    )
    return grid(caption, ("record", "majority", "Dawid and Skene", "its certainty#"), rows[:MOST_OVERRULED])
