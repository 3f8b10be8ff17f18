"""The parts of a report that give credit: how its numbers are computed, and whose data, models, texts and works they
stand on."""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from buttermilk.analysis import references, words
from buttermilk.analysis.evidence import Evidence
from buttermilk.analysis.method import told
from buttermilk.analysis.page import Block, Grid, Heading, Section, Text, grid
from buttermilk.analysis.references import Statistic, Work
from buttermilk.analysis.tally import Tally
from buttermilk.core.flows import Agent, Citable, Perspective


class Answering(NamedTuple):
    """Who answered for an agent, and when: `Answering(agent, "gpt", "gpt-5-mini-2026-08-07", 1200, first, last)`.
    `returned` is empty where the provider did not say; first and last are of the answers."""

    agent: Agent
    name: str
    returned: str
    answers: int
    first: str
    last: str

    @property
    def provider(self) -> str:
        return self.agent.provider or self.agent.type + (" at another address" if self.agent.base_url else "")

    @property
    def model(self) -> str:
        return self.returned or self.agent.model or self.agent.type


def answering(tally: Tally) -> list[Answering]:
    """Every agent of the run, once for each model that answered for it."""
    found, method = [], tally.method
    agents = {agent.hash: agent for step in method.steps for agent in method.agents(step)}
    for agent in agents.values():
        shown = method.shown(agent.name, agent.hash)
        dated = {model: span for (name, model), span in tally.dated.items() if name == shown}
        for model, (first, last) in sorted(dated.items() or [("", ("", ""))]):
            number = tally.returned[shown][model] if model and shown in tally.returned else 0
            found.append(Answering(agent, tally.name(shown), model, number, first, last))
    return found


def numbers(used: Sequence[Statistic]) -> Section:
    cited = {one: f" ({references.cited(one.cites)})" if one.cites else "" for one in used}
    blocks = [Text(f"{one.title} {one.said.rstrip('.')}{cites}.") for one, cites in cited.items()]
    blocks.append(Text("All intervals are of 95%. Each draw is seeded: the same run gives the same page."))
    blocks.append(Text("Steps and arms are kept apart. A synthesis is never counted together with what it read."))
    return Section("How the numbers are computed", tuple(blocks))


def credited(found: Evidence, works: Mapping[str, Work]) -> Section:
    blocks: list[Block] = [Heading("Data"), Text(_data(found), "reference")]
    blocks += [Heading("Models and tools"), _models(found.tally), Heading("Prompts, criteria and codebooks")]
    blocks += [Text(_text(kind, one), "reference") for kind, one in _citable(found.tally)]
    software = words.listing(f"{name} {version}" for name, version in sorted(found.run.versions.items()))
    blocks += [Heading("Software"), Text(f"{software or 'Versions were not recorded'}.", "reference"), Heading("Works")]
    blocks += [Text(references.line(work), "reference") for _, work in sorted(works.items())]
    return Section("References", tuple(blocks))


def _models(tally: Tally) -> Grid:
    rows = [
        (
            one.name, one.agent.model or "—", one.returned or "—", one.provider, words.day(one.first).split(",")[0],
            words.day(one.last).split(",")[0], words.count(one.answers) if one.answers else "—",
        )
        for one in answering(tally)
    ]  # fmt: skip
    titles = ("agent", "asked for", "answered by", "provider", "first answer", "last answer", "answers#")
    note = "“Answered by” is the version that the provider named with its answers; a dash where it named none."
    return grid("Who answered, and when.", titles, rows, note=note)


def _citable(tally: Tally) -> Iterator[tuple[str, Citable]]:
    method, seen = tally.method, set[str]()
    for step in method.steps:
        kinds = ("prompt", method.prompts(step)), ("criteria", method.perspectives(step))
        for kind, found in (*kinds, ("codebook", method.codebooks(step))):
            for one in found:
                if one.hash not in seen:
                    seen.add(one.hash)
                    yield kind, one


def _text(kind: str, one: Citable) -> str:
    """`Criteria tja, version 1, fingerprint 3f9a1c… . B. Critic. Trans journalists' guide. https://… . CC-BY-4.0.`"""
    version = f", version {one.version}" if one.version else ""
    retrieved = f"retrieved {one.retrieved}" if isinstance(one, Perspective) and one.retrieved else ""
    parts = (f"{kind.capitalize()} {one.name}{version}, fingerprint {one.hash[:12]}", one.author, one.title)
    return ". ".join(part.rstrip(".") for part in (*parts, one.source, retrieved, one.licence) if part) + "."


def _data(found: Evidence) -> str:
    about = told(found.run, "data")
    version = f", version {about['version']}" if about.get("version") else ""
    said = [str(about[name]).rstrip(".") for name in ("source", "licence") if about.get(name)]
    size = f"{words.plural(found.tally.records, 'record')}, fingerprint {found.run.dataset_fingerprint[:12]}"
    return ". ".join([f"“{found.run.dataset}”{version}", *said, size]) + "."


def bibliography(found: Evidence, works: Mapping[str, Work]) -> str:
    """The same as BibTeX: data, software, models, texts, works. What is not known is left out, and not invented."""
    entries: dict[str, Work] = {
        "data": {"year": "n.d.", "title": f"Data set “{found.run.dataset}”", "note": _data(found)}
    }
    for name, version in sorted(found.run.versions.items()):
        entries[f"software-{name}"] = {"year": "n.d.", "title": name, "note": f"Version {version}"}
    for one in answering(found.tally):
        note = f"Answers of {words.span(one.first, one.last)}" if one.first else "No answer"
        note += "; simulated" if one.agent.type == "simulated" else ""
        key = f"model-{one.agent.name}-{one.model}".replace(" ", "-")
        entries[key] = {"author": one.provider, "year": one.first[:4] or "n.d.", "title": one.model, "note": note}
    for kind, text in _citable(found.tally):
        version = f", version {text.version}" if text.version else ""
        entries[f"{kind}-{text.name}-{text.hash[:6]}"] = {
            "author": text.author, "year": "n.d.", "title": text.title or text.name, "howpublished": text.source,
            "note": f"{kind.capitalize()} {text.name}{version}, fingerprint {text.hash[:12]}",
        }  # fmt: skip
    return "\n".join(references.bibtex(key, work) for key, work in (entries | dict(sorted(works.items()))).items())
