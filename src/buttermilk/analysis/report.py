"""`report(store, run_id, target)`: one self-contained HTML page about one run, for people, and for paper.

The page asks nothing of any network and runs only the scripts whose hashes it names; what records, models and scholars
wrote is escaped wherever it stands. Without scripts the tables say what the charts say.
"""

import base64
import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from buttermilk.analysis import agreements, findings, sections, words
from buttermilk.analysis.page import Figure, Section, Text
from buttermilk.analysis.tally import Tally, tally
from buttermilk.core.contracts import Store
from buttermilk.core.errors import ConfigError, did_you_mean
from buttermilk.core.jobs import Run
from buttermilk.documents.whole import whole

HERE = Path(__file__).parent
SCRIPTS = ("vega.min.js", "vega-lite.min.js", "vega-embed.min.js", "charts.js")


def report(store: Store, run_id: str, target: Path) -> Path:
    """Write the report of a run, whole or not at all, and say where it is."""
    run = store.run(run_id)
    if run is None:
        known = did_you_mean(run_id, (one.run_id for one in store.runs()))
        raise ConfigError(f"there is no run '{run_id}' in this store.", hint=known)
    page = render(run, tally(store, run), store)
    with whole(target) as path:
        target.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(page.encode("utf-8", "replace"))
    return target


def render(run: Run, counted: Tally, store: Store) -> str:
    """The report as text."""
    dates = words.span(counted.first_at, counted.last_at) if counted.first_at else "no answer collected yet"
    return page(
        "report.html",
        parts(run, counted, store),
        kicker="Report of the run",
        name=run.run_id,
        title=run.title or run.flow,
        simulated=sections.simulated_line(counted),
        state=sections.state_line(run, counted.jobs),
        partial=counted.jobs < run.planned,
        dates=f"Flow “{run.flow}” on the data set “{run.dataset}”, {dates}",
    )


def page(template: str, of: Sequence[Section], **said: Any) -> str:
    """One self-contained page: `page.html`, or a template that adds to it. Scripts where there is a chart to draw."""
    pages = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    pages.globals["script_json"] = script_json
    drawn = any(isinstance(block, Figure) for section in of for block in section.blocks)
    scripts = [_asset(name) for name in SCRIPTS] if drawn else []
    style = _asset("report.css")
    return pages.get_template(template).render(
        sections=of,
        scripts=[Markup(script) for script in scripts],  # noqa: S704 - our own files, never a record's words
        style=Markup(style),  # noqa: S704
        policy=_policy(scripts, style),
        **said,
    )


def parts(run: Run, counted: Tally, store: Store) -> tuple[Section, ...]:
    """The sections in their order."""
    if not counted.jobs:
        nothing = Section("What came back", (Text("No job of this run has ended: there is nothing to report yet."),))
        return sections.asked_of_whom(run, counted), nothing, sections.how_it_was_made(run)
    return (
        sections.asked_of_whom(run, counted),
        sections.what_came_back(counted),
        findings.distributions(counted),
        agreements.agreements(counted),
        agreements.beside_people(counted),
        findings.divided(counted, store),
        sections.cost(counted),
        sections.how_it_was_made(run),
    )


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
