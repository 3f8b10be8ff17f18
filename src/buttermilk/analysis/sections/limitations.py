"""What stands against a run's numbers, in words a reviewer respects: what is true of this run, with its figures."""

import re
from collections.abc import Iterator

from buttermilk.analysis import words
from buttermilk.analysis.evidence import Evidence
from buttermilk.analysis.method import told
from buttermilk.analysis.page import Section, Text
from buttermilk.analysis.references import cited
from buttermilk.analysis.sections.references import Answering, answering
from buttermilk.analysis.tally import Asked, Tally

FEW_LEVELS = 5  # of a facet: below that its variance is nearly a guess (METHODS 2.5)
FEW_LABELS = 250  # people's labels: what validation is advised to rest on begins here (Pangakis et al. 2023)
DATED = re.compile(r"(19|20)\d\d-?(0[1-9]|1[0-2])|-\d{3,}\b|@[0-9a-f]{6,}")


def limitations(found: Evidence, uncorrected: bool) -> Section:
    """A paragraph on the answers, one on who gave them, one on the people beside them."""
    said = [" ".join(about) for about in (_answers(found), _agents(found), _people(found, uncorrected))]
    none = "Nothing that this report can see."
    return Section("Limitations", tuple(Text(one) for one in filter(None, said)) or (Text(none),))


def _answers(found: Evidence) -> Iterator[str]:
    run, tally = found.run, found.tally
    statuses = tally.whole.statuses
    without = [f"{words.count(n)} {name}" for name in ("refused", "unparsed", "failed") if (n := statuses[name])]
    if without:
        share = words.percent(1 - statuses["answered"] / tally.jobs)
        yield (
            f"{share} of the jobs brought no answer ({words.listing(without)}); if those records differ from the "
            "others, every share reported here is off by what they would have been."
        )
    if (remaining := run.planned - tally.jobs) > 0:
        of = words.plural(run.planned, "planned job")
        yield f"The run is partial: {words.count(remaining)} of {of} have not ended."
    for step, n in sorted(tally.partial.items()):
        yield f"{words.plural(n, 'job')} of “{step}” read a panel of earlier answers that was not complete."
    if left := told(run, "left_out").get("rows"):
        yield f"{words.plural(int(str(left)), 'row')} of the data set could not be read and are in no number."
    checked = tally.whole.quotes
    if absent := checked["missing"] + checked["earlier"]:
        share = words.percent(absent / checked.total())
        of = words.plural(checked.total(), "quoted passage")
        yield f"{words.count(absent)} of {of} ({share}) are not in the record."
    if shown := sum(tally.drops.values()):
        yield f"In {words.plural(shown, 'job')} an agent was not shown all of the record; see “What came back”."
    for asked in tally.asked.values():
        yield from _habits(tally, asked)


def _habits(tally: Tally, asked: Asked) -> Iterator[str]:
    """Who says the same of everything says nothing of anything."""
    for agent in asked.agents if asked.votes and not asked.in_words else ():
        given = {label for reader, counts in asked.counts.items() if reader.agent == agent for label in counts}
        if len(given) != 1:
            continue
        records = sum(any(reader.agent == agent for reader in votes) for votes in asked.votes.values())
        if records > 1:
            yield (
                f"{tally.name(agent)} answered “{words.label(*given)}” to “{asked.name}” for all of "
                f"{words.plural(records, 'record')}: its lift over its own habit is 0, and its agreement tells nothing."
            )


def _agents(found: Evidence) -> Iterator[str]:
    tally, method = found.tally, found.tally.method
    models = [one for one in answering(tally) if one.agent.role == "model"]
    made_up = [one for one in models if one.agent.type == "simulated"]
    if made_up:
        yield (
            f"The answers of {words.listing(dict.fromkeys(one.name for one in made_up))} are inventions of a "
            "simulation, and can support no claim about the records."
        )
    steps = [item for versions in method.steps.values() for item in versions if not item.reads]
    lenses = {lens.hash for item in steps for lens in item.perspectives}
    if models and len(lenses) < 2:
        used = "One perspective" if lenses else "No perspective"
        yield f"{used} was used: what another reading would find is not known."
    yield from _levels(len(lenses), [one for one in models if one not in made_up])
    if models and max((item.repeats for item in steps), default=1) == 1:
        yield "Each was asked once: an agent's chance cannot be told from its judgement."
    yield from _versions(tally, [one for one in models if one not in made_up])
    if tally.unhonoured:
        said = words.listing(f"{tally.name(agent)}, {words.plural(n, 'job')}" for agent, n in tally.unhonoured.items())
        yield f"A seed was sent and not honoured ({said}): those answers would not come again."
    if len(found.waves) < 2:
        yield "There is one wave: whether the answers drift with time is not known."


def _levels(lenses: int, models: list[Answering]) -> Iterator[str]:
    families = {_family(one) for one in models}
    if models and len(families) == 1:
        yield f"All models are of one family ({next(iter(families))}), and models of one family err together."
    facets = (("perspective", lenses), ("model", len({one.agent.model for one in models})))
    few = [words.plural(n, name) for name, n in facets if 1 < n < FEW_LEVELS]
    if few:
        yield (
            f"With {words.listing(few)}, variance between them is nearly a guess (too few levels), and nothing "
            "generalises beyond those that were asked."
        )


def _family(one: Answering) -> str:
    """`gpt-5-mini` -> `gpt`, `meta/llama-3.1-8b` -> `llama`"""
    name = (one.agent.model or one.agent.type).rsplit("/", 1)[-1]
    return re.split(r"[-_.: \d]", name, maxsplit=1)[0].lower() or name


def _versions(tally: Tally, models: list[Answering]) -> Iterator[str]:
    changed = [name for name, returned in sorted(tally.returned.items()) if len(returned) > 1]
    if changed:
        who = words.listing(map(tally.name, changed))
        yield f"More than one model answered for {who} within this wave: answers may differ because the models do."
    loose = list(dict.fromkeys(one.model for one in models if not DATED.search(one.model)))
    if loose:
        names = f"The name {loose[0]} fixes" if len(loose) == 1 else f"The names {words.listing(loose)} fix"
        yield f"{names} no version: a provider may put another model behind it, and the run could not be repeated."


def _people(found: Evidence, uncorrected: bool) -> Iterator[str]:
    labels = found.tally.labels
    if not labels:
        yield "No person labelled any record: whether the answers are right is not known."
    elif len(labels) < FEW_LABELS:
        yield (
            f"{words.plural(len(labels), 'record')} carry a human label, where validation is advised to rest on "
            f"{FEW_LABELS} to 1,250 ({cited(['pangakis2023'])}); intervals are as wide as that makes them."
        )
    coders = {label.coder for given in labels.values() for label in given}
    if len(coders) == 1:
        yield "One person labelled them: how far people agree, the most a machine can be asked to reach, is not known."
    if found.people.sealed:
        yield f"{words.plural(found.people.sealed, 'test label')} are sealed and in no number here."
    if uncorrected:
        why = "no sample of human labels with known probabilities corrects them"
        yield f"All shares are of uncorrected machine labels ({why}): no interval shows the machines' errors in them."
