"""The method in words, its numbers filled in: to be copied into a paper as it stands."""

from collections.abc import Iterator, Sequence

from buttermilk.analysis import compare, references, words
from buttermilk.analysis.evidence import Evidence
from buttermilk.analysis.method import told
from buttermilk.analysis.page import Section, Text
from buttermilk.analysis.references import Statistic
from buttermilk.analysis.registered import standing
from buttermilk.analysis.sections.agreements import scale_of
from buttermilk.analysis.sections.described import STATUSES
from buttermilk.analysis.sections.references import Answering, answering
from buttermilk.analysis.tally import Tally
from buttermilk.core.flows import Step


def methods(found: Evidence, used: Sequence[Statistic]) -> Section:
    paragraphs = (
        asked(found), _models(found), _collected(found), people(found), _statistics(used), _software(found),
    )  # fmt: skip
    said = (Text(" ".join(sentences)) for sentences in map(list, paragraphs) if sentences)
    return Section("The method in words", tuple(said))


def asked(found: Evidence) -> Iterator[str]:
    run, method = found.run, found.tally.method
    agents = {agent.hash for step in method.steps for agent in method.agents(step)}
    about = told(run, "data")
    credit = "; ".join(str(about[name]).rstrip(".") for name in ("source", "licence") if about.get(name))
    credit = f" ({credit})" if credit else ""
    yield (
        f"{words.plural(found.tally.records, 'record')} of the data set “{run.dataset}”{credit} "
        f"were put to {words.plural(len(agents), 'agent')} in {words.plural(len(method.steps), 'step')}."
    )
    for name in method.steps:
        yield _step(found.tally, name) + "."


def _step(tally: Tally, name: str) -> str:
    method = tally.method
    step = method.steps[name][0]
    agents = [tally.name(agent) for agent in method.agent_names(name)]
    questions = [question.name for book in method.codebooks(name) for question in book.questions]
    books = words.listing(f"{book.name}@{book.version}" for book in method.codebooks(name))
    said = f"In the step “{name}”, {words.listing(agents)} answered {words.listing(dict.fromkeys(questions))}"
    said += f" (codebook {books})"
    prompts = [prompt.version_name for prompt in method.prompts(name)]
    lenses = [one.name for one in method.perspectives(name)]
    said += f", asked by prompt {words.listing(prompts)}" if prompts else ""
    said += f", from {words.plural(len(lenses), 'perspective')} ({words.listing(lenses)})" if lenses else ""
    said += f", {step.repeats} times each" if step.repeats > 1 else ", once"
    fixed = [agent.name for agent in method.agents(name) if agent.deterministic or agent.role == "tool"]
    if fixed and (lenses or step.repeats > 1):
        said += f" (tools, here {words.listing(fixed)}, take no perspective; one that cannot vary is asked once)"
    read = words.listing(f"“{source}”" for source in dict.fromkeys(step.reads.values()))
    return said + (f", after reading the answers of {read}" if read else "") + _shown(step)


def _shown(step: Step) -> str:
    """`. In an arm of its own (“priors”) the same was asked with 3 earlier answers shown, drawn …`"""
    if step.priors is None:
        return ""
    of = f" of each {words.listing(step.priors.strata)}" if step.priors.strata else ""
    held = f"; {words.percent(step.priors.control_only)} of the records were kept for the control arm alone"
    shown, source = words.plural(step.priors.n, "earlier answer"), words.listing(step.priors.source).replace("_", " ")
    return (
        f". In an arm of its own (“{step.priors.arm}”) the same was asked with {shown}{of} shown, drawn by the seed "
        f"from {source}, without names; the control arm was asked in the same wave"
        f"{held if step.priors.control_only else ''}"
    )


def _models(found: Evidence) -> Iterator[str]:
    by = {role: [one for one in answering(found.tally) if one.agent.role == role] for role in ("model", "tool")}
    real = [one for one in by["model"] if one.agent.type != "simulated"]
    if real:
        yield f"The {'models were' if len(real) > 1 else 'model was'} {words.listing(map(_named, real))}."
    if tools := dict.fromkeys(one.name for one in by["tool"]):
        yield f"The {'tools were' if len(tools) > 1 else 'tool was'} {words.listing(tools)}."
    if made_up := list(dict.fromkeys(one.name for one in by["model"] if one not in real)):
        yield f"{words.listing(made_up)} made up {'its' if len(made_up) == 1 else 'their'} answers by a simulation."


def _named(one: Answering) -> str:
    """`gpt (gpt-5-mini, answered by gpt-5-mini-2026-08-07, 22 November 2026)`"""
    parts = [one.agent.model or one.agent.type]
    parts += [f"answered by {one.returned}"] if one.returned and one.returned != one.agent.model else []
    dates = dict.fromkeys(words.day(at).split(",")[0] for at in (one.first, one.last) if at)
    return f"{one.name} ({', '.join([*parts, ' to '.join(dates)])})" if dates else f"{one.name} ({', '.join(parts)})"


def _collected(found: Evidence) -> Iterator[str]:
    run, tally = found.run, found.tally
    at = f" and were collected on {words.span(tally.first_at, tally.last_at)}" if tally.first_at else ""
    yield f"The answers belong to wave {run.wave}{at}, with seed {run.seed}."
    others = [wave for wave in found.waves if wave != run.wave]
    if others:
        yield f"The same flow was also collected in {'wave' if len(others) == 1 else 'waves'} {words.listing(others)}."
    by = [f"{words.count(tally.whole.statuses[status])} {status}" for status in STATUSES]
    yield (
        f"Of {words.plural(run.planned or tally.jobs, 'planned job')}, {words.count(tally.jobs)} ended: "
        f"{words.listing(by)}."
    )


def people(found: Evidence) -> Iterator[str]:
    labels = found.tally.labels
    if not labels:
        yield "No person labelled any of the records."
        return
    coders = {label.coder for given in labels.values() for label in given}
    by = words.plural(len(coders), "person").replace("persons", "people")
    yield f"{words.plural(len(labels), 'record')} were labelled by {by}."
    for sample in found.people.samples:
        how = {
            "random": "at random",
            "stratified": f"by strata ({sample.by})",
            "uncertainty": "more often where unsure",
        }
        yield (
            f"The sample “{sample.name}” of {words.plural(len(sample.draws), 'record')} was drawn {how[sample.how]} "
            f"from {words.count(sample.population)}, each with a known probability."
        )
    if not found.people.samples:
        yield "With what probability a record came to be labelled is not known."
    for one in {one.question.name: one for one in found.tally.asked.values() if one.expected}.values():
        if between := compare.between_people(one, scale_of(found.tally, one)):
            said = f"{words.corrected(between.alpha)} (n = {words.count(between.alpha.n)})"
            yield f"On “{one.question.name}” people agreed with an alpha of {said}."


def _statistics(used: Sequence[Statistic]) -> Iterator[str]:
    cited = [f"{one.title} ({references.cited(one.cites)})" for one in used if one.cites]
    if cited:
        named = [one[0].lower() + one[1:] if one[1].islower() and one.split()[0] in LOWERED else one for one in cited]
        yield f"The analysis uses {words.listing(named)}, with 95% intervals."


LOWERED = ("Bootstrap", "Competence", "Design-based", "Intervals", "Permutation", "Prediction-powered", "Restricted",
           "Stability", "The", "Variance", "Confidence-driven")  # fmt: skip


def _software(found: Evidence) -> Iterator[str]:
    run = found.run
    said = words.listing(f"{name} {version}" for name, version in sorted(run.versions.items()))
    commit = str(run.git.get("commit") or "")[:12]
    where = f", from git commit {commit}" if commit else ""
    yield f"The answers were collected and analysed with {said or 'software whose versions were not recorded'}{where}."
    if held := standing(found.store, run, run.started_at).registration:
        on = words.day(held.registered_at)
        yield f"What was asked, of whom and how it would be analysed was registered on {on}."
    else:
        yield "The method was not registered before the answers were collected."
