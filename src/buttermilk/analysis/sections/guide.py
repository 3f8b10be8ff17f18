"""The checklist GUIDE-LLM, answered from the store where the store knows, and left open where only the authors do."""

from collections.abc import Callable, Mapping

from buttermilk.analysis import words
from buttermilk.analysis.evidence import Evidence
from buttermilk.analysis.method import told
from buttermilk.analysis.page import Section, Text, grid
from buttermilk.analysis.references import cited, text
from buttermilk.analysis.sections import paragraphs
from buttermilk.analysis.sections.references import answering
from buttermilk.core.flows import Prompt, Step
from buttermilk.core.hashing import canonical

TO_BE_WRITTEN = "to be written"
NOTE = (
    "The items are those of GUIDE-LLM (14 core, 8 optional), by their numbers, in our own words: its authors' wording "
    "is at llm-checklist.com. What only you can say is marked “to be written”."
)


def guide(found: Evidence) -> Section:
    blocks = [
        Text(
            f"What the store can say to the reporting checklist GUIDE-LLM ({cited(['feuerriegel2026'])}), version 1.1."
        )
    ]
    tables = [
        grid(caption, ("item", "asks", "answer", "left to the authors"), _rows(found, part), note=note)
        for part, caption, note in (
            ("core", "GUIDE-LLM, core items.", NOTE), ("optional", "GUIDE-LLM, optional items.", "")
        )
    ]  # fmt: skip
    return Section("GUIDE-LLM checklist", (*blocks, *tables))


def _rows(found: Evidence, part: str) -> list[tuple[str, ...]]:
    items: Mapping[str, Mapping[str, str]] = text("guide")[part]
    return [
        (
            name, item["asks"], ANSWERS[item["answered"]](found) if "answered" in item else item.get("said", ""),
            f"{TO_BE_WRITTEN}: {item['open']}" if item["open"] else "",
        )
        for name, item in items.items()
    ]  # fmt: skip


def _steps(found: Evidence) -> list[Step]:
    return [item for versions in found.tally.method.steps.values() for item in versions]


def _prompts(found: Evidence) -> list[Prompt]:
    return list({prompt.hash: prompt for item in _steps(found) for prompt in item.prompts}.values())


def purposes(found: Evidence) -> str:
    return " ".join(paragraphs.asked(found))


def oversight(found: Evidence) -> str:
    seen = words.plural(len(found.tally.labels), "record") if found.tally.labels else "No record"
    return f"Answers were kept as they came; none was edited. {seen} carry a human label for comparison."


def models(found: Evidence) -> str:
    said = [
        f"{one.name}: {f'{one.agent.model} ({one.provider})' if one.agent.model else 'a tool'}"
        + (f", answered by {one.returned}" if one.returned not in ("", one.agent.model) else "")
        + (f", {words.span(one.first, one.last)}" if one.first else ", no answer")
        for one in answering(found.tally)
    ]
    return "\n".join(said)


def access(found: Evidence) -> str:
    types = dict.fromkeys(
        f"{one.agent.type}{f' by way of {one.agent.door}' if one.agent.door else ''}" for one in answering(found.tally)
    )
    return (
        f"By interface, never a web page: {words.listing(types)}. Each job is one separate call, with no conversation."
    )


def settings(found: Evidence) -> str:
    agents = {one.agent.hash: one for one in answering(found.tally) if one.agent.role == "model"}
    said = [
        f"{one.name}: "
        + (", ".join(f"{key}={canonical(value)}" for key, value in one.agent.parameters.items()) or "none sent")
        for one in agents.values()
    ]
    repeats = words.listing(f"{item.repeats} in “{item.name}”" for item in _steps(found))
    return "\n".join([*said, f"Repeats: {repeats}. Seed of the run: {found.run.seed}."])


def additions(found: Evidence) -> str:
    read = [
        f"“{item.name}” reads the answers of {words.listing(item.reads.values())}"
        for item in _steps(found)
        if item.reads
    ]
    shown = [f"“{item.name}” has an arm that is shown earlier answers" for item in _steps(found) if item.priors]
    return f"{'; '.join([*read, *shown]) or 'Nothing by this run'}. No retrieval, no web search, no tool calls."


def prompts(found: Evidence) -> str:
    named = words.listing(prompt.version_name for prompt in _prompts(found))
    return f"{named}: in full by “buttermilk prompts show NAME@HASH”, and with every stored job." if named else "None."


def system(found: Evidence) -> str:
    with_ = [
        prompt.version_name for prompt in _prompts(found) if any(part.role == "system" for part in prompt.sections)
    ]
    return f"A system message is part of {words.listing(with_)}." if with_ else "None was sent."


def privacy(found: Evidence) -> str:
    about = told(found.run, "data")
    said = [f"{name}: {about[name]}" for name in ("consent", "sensitivity", "licence") if about.get(name)]
    policy = about.get("policy")
    said += [f"{column}: {policy[column]}" for column in policy] if isinstance(policy, Mapping) else []
    return "; ".join(said) or "The data set says nothing of consent or sensitivity."


def validation(found: Evidence) -> str:
    return " ".join(paragraphs.people(found))


def processing(found: Evidence) -> str:
    came = found.tally.whole
    read = [f"{words.count(came.parses[kind])} {said}" for kind, said in words.PARSES.items() if came.parses[kind]]
    kept = words.count(sum(came.statuses[name] for name in ("refused", "unparsed", "failed")))
    return f"Read by program: {words.listing(read) or 'none'}. {kept} without an answer were left out and are counted."


def code(found: Evidence) -> str:
    commit = str(found.run.git.get("commit") or "")
    return f"Flow, prompts and codebooks are plain text, in git commit {commit}." if commit else "Not kept in git."


def wordings(found: Evidence) -> str:
    return f"{words.plural(len(_prompts(found)), 'wording')}; versions and their tests are in the store."


def comparison(found: Evidence) -> str:
    agents = dict.fromkeys(one.name for one in answering(found.tally))
    return f"{words.plural(len(agents), 'agent')} side by side: {words.listing(agents)}."


def resources(found: Evidence) -> str:
    spent, came = found.tally.whole.spent, found.tally.whole
    return (
        f"{words.plural(found.tally.jobs, 'job')}, {words.count(int(spent['input_tokens']))} tokens read and "
        f"{words.count(int(spent['output_tokens']))} written, {words.money(came.cost)}, "
        f"{spent['seconds'] / 3600:.2f} hours of waiting in all."
    )


ANSWERS: Mapping[str, Callable[[Evidence], str]] = {
    one.__name__: one
    for one in (
        purposes, oversight, models, access, settings, additions, prompts, system, privacy, validation,
        processing, code, wordings, comparison, resources,
    )
}  # fmt: skip
