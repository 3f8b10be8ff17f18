"""`report(store, run_id, target)`: one self-contained HTML page about one run, for people, and for paper. The page asks
nothing of any network and runs only the scripts whose hashes it names; what records, models and scholars wrote is
escaped wherever it stands. Without scripts the tables say what the charts say."""

import base64
import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from buttermilk.analysis import words
from buttermilk.analysis.evidence import Evidence, evidence
from buttermilk.analysis.folder import files, replaced
from buttermilk.analysis.page import Figure, Section, Text
from buttermilk.analysis.references import cited_in, used
from buttermilk.analysis.sections import (
    agreements,
    arms,
    described,
    differing,
    drifting,
    findings,
    key_points,
    panels,
    specific,
    syntheses,
)
from buttermilk.analysis.sections.balance import balance
from buttermilk.analysis.sections.corrected import corrected, uncorrected
from buttermilk.analysis.sections.guide import guide
from buttermilk.analysis.sections.limitations import limitations
from buttermilk.analysis.sections.paragraphs import methods
from buttermilk.analysis.sections.people import human_sample
from buttermilk.analysis.sections.references import bibliography, credited, numbers
from buttermilk.analysis.sections.registration import registration
from buttermilk.analysis.sections.specification import specification
from buttermilk.analysis.sections.variance import variance
from buttermilk.core.contracts import Store
from buttermilk.core.errors import ConfigError, did_you_mean
from buttermilk.documents.whole import whole

HERE = Path(__file__).parent
SCRIPTS = ("vega.min.js", "vega-lite.min.js", "vega-embed.min.js", "charts.js")


def report(store: Store, run_id: str, target: Path, *, latent: bool = False) -> Path:
    """Write the report of a run, and the folder of its tables beside it: whole or not at all. Say where the page is.
    `latent`: with Dawid and Skene's model."""
    run = store.run(run_id)
    if run is None:
        known = did_you_mean(run_id, (one.run_id for one in store.runs()))
        raise ConfigError(f"there is no run '{run_id}' in this store.", hint=known)
    found = evidence(store, run)
    of = parts(found, latent=latent)
    more = {"references.bib": bibliography(found, cited_in(of))}
    written = render(found, of).encode("utf-8", "replace")
    with whole(target) as path:
        target.parent.mkdir(parents=True, exist_ok=True)
        with replaced(folder_of(target), files(of, more)):
            path.write_bytes(written)
    return target


def folder_of(target: Path) -> Path:
    """`reports/verse-1.html` -> `reports/verse-1`; where the page's name has no ending, `verse-1-tables`."""
    page = target.resolve()
    return page.with_suffix("") if page.suffix else page.with_name(f"{page.name}-tables")


def render(found: Evidence, of: Sequence[Section] | None = None) -> str:
    """The report as text."""
    run, counted = found.run, found.tally
    dates = words.span(counted.first_at, counted.last_at) if counted.first_at else "no answer collected yet"
    return page(
        parts(found) if of is None else of, kicker="Report of the run", name=run.run_id, title=run.title or run.flow,
        caution="Uncorrected machine labels" if uncorrected(found) else "",
        simulated=described.simulated_line(counted), state=described.state_line(run, counted.jobs),
        partial=counted.jobs < run.planned, dates=f"Flow “{run.flow}” on the data set “{run.dataset}”, {dates}",
    )  # fmt: skip


def page(of: Sequence[Section], *, caution: str = "", **said: Any) -> str:
    """One self-contained page. Scripts where there is a chart to draw; a `caution` stands in the title."""
    pages = Environment(
        loader=FileSystemLoader(HERE / "templates"), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True, keep_trailing_newline=True,
    )  # fmt: skip
    pages.globals["script_json"] = script_json
    drawn = any(isinstance(block, Figure) for section in of for block in section.blocks)
    scripts = [_asset(name) for name in SCRIPTS] if drawn else []
    style = _asset("report.css")
    own = [Markup(text) for text in (style, *scripts)]  # noqa: S704 - our own files, never a record's words
    return pages.get_template("page.html").render(
        sections=of, caution=caution, scripts=own[1:], style=own[0], policy=_policy(scripts, style), **said
    )


def parts(found: Evidence, *, latent: bool = False) -> tuple[Section, ...]:
    """The sections in their order: what was done, what was found, what stands against it, whose work it rests on. One
    that has nothing to say is None and left out."""
    run, counted = found.run, found.tally
    if not counted.jobs:
        nothing = Section("What came back", (Text("No job of this run has ended: there is nothing to report yet."),))
        return described.asked_of_whom(run, counted), registration(found), nothing, described.how_it_was_made(run)
    body = [
        described.asked_of_whom(run, counted),
        registration(found),
        described.what_came_back(counted),
        findings.distributions(counted),
        agreements.agreements(counted),
        panels.panels(found, latent=latent),
        specific.specific(found),
        variance(found),
        human_sample(found),
        agreements.beside_people(counted),
        corrected(found),
        specification(found),
        drifting.drifting(found),
        arms.arms(found),
        balance(found),
        syntheses.syntheses(found),
        differing.differing(found),
        key_points.key_points(found),
        findings.divided(counted, found.store),
        described.cost(counted),
    ]
    done = [section for section in body if section]
    stands_on = used(done)
    said = (methods(found, stands_on), *done, limitations(found, uncorrected(found)), guide(found), numbers(stands_on))
    return (*said, credited(found, cited_in(said)), described.how_it_was_made(run))


def script_json(data: Any) -> Markup:
    """JSON for a script element: no text in it can end the element or begin a comment."""
    text = json.dumps(data, ensure_ascii=True)
    return Markup(text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026"))  # noqa: S704


def _asset(name: str) -> str:
    """A file of ours without the line that points to its source map, which would be looked for."""
    lines = (HERE / "assets" / name).read_text(encoding="utf-8").splitlines()
    return "\n".join(line for line in lines if not line.startswith("//# sourceMappingURL"))


def _policy(scripts: list[str], style: str) -> str:
    """Nothing may be fetched, and nothing run or styled but these very texts; `eval` stays forbidden."""
    allowed = " ".join(_hash(script) for script in scripts) or "'none'"
    return f"default-src 'none'; script-src {allowed}; style-src {_hash(style)}; base-uri 'none'; form-action 'none'"


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
