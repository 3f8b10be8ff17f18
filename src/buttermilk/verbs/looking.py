"""The verbs that look at what is stored, and those that speak to a run in another shell."""

import asyncio
import json
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any

import click
from rich.live import Live
from rich.markup import escape
from rich.text import Text

from buttermilk.config import find_root
from buttermilk.core.flows import Codebook, leaves_of, said_by_path
from buttermilk.core.jobs import Job, Result
from buttermilk.core.questions import UNSAID
from buttermilk.study.deriving import derive
from buttermilk.study.looking import STATUSES, bring_in, cancel, export, replay, report, show, status, stored
from buttermilk.study.running import control
from buttermilk.verbs.live import summary
from buttermilk.verbs.screen import FAILED, in_words, money, of_study, out, print_json, table_of

run_argument = click.argument("run", required=False)
WATCH_SECONDS = 1.0
HOW = {"stripped": "taken out of its wrapping", "repaired": "its JSON repaired",
       "reasked": "told what was wrong and asked once more"}  # fmt: skip
FOUND = {
    "exact": "in the record",
    "near": "in the record, nearly so",
    "earlier": "in an earlier answer, not in the record",
    "missing": "not in the record",
}
READ = {"exact": "an answer that it read", "missing": "no answer that it read"}
SHOWN = 2_000  # characters of a long text on the screen; `--json` has it whole


@click.command("status")
@run_argument
@of_study
def status_(run: str | None, root: Path | None, as_json: bool) -> None:
    """Say how RUN (else the latest) stands, from any shell."""
    found = status(run, root=root)
    print_json(found) if as_json else _show_status(found)


def _show_status(found: Mapping[str, Any]) -> None:
    table = table_of("step", "agent", *STATUSES, right=STATUSES, no_wrap=False)
    places: dict[tuple[str, str], dict[str, int]] = {}
    for row in found["by_step"]:
        places.setdefault((row["step"], row["agent"]), {})[row["status"]] = row["jobs"]
    for place, counts in places.items():
        table.add_row(*place, *(f"{counts.get(name, 0):,}" for name in STATUSES))
    out.print(table)
    for lane in found["lanes"]:
        busy = f"{lane['in_flight']} in flight, limit {lane['limit']}, {lane['retries']} retries"
        out.print(f"{lane['step']} at {lane['endpoint']}: {busy}", markup=False)
    limits = [event for event in found["events"] if event["kind"] == "limit"]
    if limits:
        last, at = limits[-1], datetime.fromisoformat(limits[-1]["at"]).astimezone()
        out.print(f"last change of limit: {last['from']} → {last['to']} ({last['why']}), {at:%H:%M:%S}", markup=False)
    spent = f", spent {money(found['cost'], found['currency'])}" if found["cost"] else ""
    out.print(f"{found['tokens']:,} tokens{spent}; answers are kept in {found['store']}", markup=False, soft_wrap=True)
    out.print(summary(dict(found)), markup=False, soft_wrap=True)


@click.command("watch")
@run_argument
@of_study
def watch_(run: str | None, root: Path | None, as_json: bool) -> None:
    """Follow RUN (else the latest) until it ends. Ctrl-C stops the watching, not the run."""
    with suppress(KeyboardInterrupt), Live(console=out, auto_refresh=False) as live:
        said = ""
        while True:
            found = status(run, root=root)
            before, said = said, summary(found)
            if as_json:
                print_json(found)
            elif out.is_terminal:
                live.update(Text(said), refresh=True)
            elif said != before:
                out.print(said, markup=False, soft_wrap=True)
            if found["state"] not in ("running", "paused"):
                return
            time.sleep(WATCH_SECONDS)


def _tell(run: str | None, root: Path | None, word: str, said: str) -> None:
    with stored(root) as (store, _):
        found = control(store, run, word)
    out.print(f"{found.run_id}: {said}", markup=False)


@click.command("pause")
@run_argument
@in_words
def pause_(run: str | None, root: Path | None) -> None:
    """Let RUN (else the latest) finish what is in flight, and wait."""
    _tell(run, root, "pause", "told to pause; `buttermilk resume` lets it go on")


@click.command("resume")
@run_argument
@in_words
def resume_(run: str | None, root: Path | None) -> None:
    """Let a paused RUN (else the latest) go on. One that was stopped goes on with `buttermilk run FLOW`."""
    _tell(run, root, "", "told to go on")


@click.command("cancel")
@run_argument
@in_words
def cancel_(run: str | None, root: Path | None) -> None:
    """End RUN (else the latest) for good, and call its batches back. What was answered stays stored."""
    found, back = asyncio.run(cancel(run, root=root))
    called = f"; {back:,} jobs are called back from their providers" if back else ""
    out.print(f"{found.run_id}: cancelled{called}", markup=False)


@click.command("show")
@click.argument("job")
@of_study
def show_(job: str, root: Path | None, as_json: bool) -> None:
    """Show JOB (the first digits of its id are enough): what was asked of whom, and every answer as it came."""
    found = show(job, root=root)
    print_json(found) if as_json else _show_job(found)


def _show_job(found: Mapping[str, Any]) -> None:
    job = Job.model_validate(found["job"])
    seen = [job.agent.name, job.perspective.name if job.perspective else "", f"repeat {job.repeat}", f"wave {job.wave}"]
    seen += [f"arm {job.arm}"] if job.arm != "control" else []
    out.print(f"[bold]job {found['job_id']}[/]\n{job.step}: {escape(' · '.join(item for item in seen if item))}")
    out.print(f"record {escape(job.record.record_id)}: {escape(_cut(job.record.text))}")
    for label in job.record.labels:
        out.print(f"  {escape(label.coder)}: {escape(label.question)} = {escape(str(label.value))}")
    for prior in job.inputs.get("priors", ()):
        said = ", ".join(f"{name}: {value}" for name, value in said_by_path(job.codebook, prior.values).items())
        which = f"{prior.job_id[:12]}, record {prior.record_id}, wave {prior.wave}"
        out.print(f"  was shown {escape(which)}: {escape(_cut(said))}", soft_wrap=True)
    for given in found["results"]:
        _show_result(Result.model_validate(given), job.codebook)
    for one in found["cited"]:
        who = " · ".join(filter(None, (one["agent"], one["perspective"], f"time {one['repeat']}")))
        out.print(escape(f"cited {one['id']}, {who}: {json.dumps(one['values'], ensure_ascii=False)}"))
    out.print(f"All of it: buttermilk show {found['job_id'][:12]} --json", style="dim")


def _show_result(result: Result, codebook: Codebook) -> None:
    mark = " [yellow](simulated)[/]" if result.simulated else ""
    how = f", {HOW[result.parse]}" if result.parse in HOW else ""
    out.print(f"attempt {result.attempt}: [bold]{result.status}[/]{mark}{how} in {result.seconds:.2f} s")
    if result.answers is not None:
        for leaf, value in leaves_of(codebook, result.answers):
            said = "(null)" if value is None else "(not said)" if value is UNSAID else str(value)
            told = READ if leaf.level == "answer" else FOUND
            found = f" [dim]({told[result.quotes[leaf.name]]})[/]" if leaf.name in result.quotes else ""
            out.print(f"  {escape(leaf.name)}: {escape(said)}{found}")
    if result.text and result.status != "answered":
        out.print(f"  it said: {escape(_cut(result.text))}")
    if result.refusal or result.error:
        out.print(f"  {escape(result.refusal or result.error)}")
    tokens = f"  {result.usage.input_tokens:,} + {result.usage.output_tokens:,} tokens"
    if result.cost is not None and not result.simulated:
        out.print(f"{tokens}, {money(result.cost, result.currency)} ({escape(result.price_version)})")
    elif result.usage.input_tokens:
        out.print(tokens)


def _cut(text: str) -> str:
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}… ({len(text):,} characters)"


@click.command("replay")
@click.argument("job")
@of_study
def replay_(job: str, root: Path | None, as_json: bool) -> None:
    """Ask JOB again: its id, or a .json file that `show --json` wrote. Nothing is stored."""
    found, result = asyncio.run(replay(job, root=root))
    if as_json:
        print_json({"job_id": found.job_id, "result": result.model_dump(mode="json")})
    else:
        _show_result(result, found.codebook)
    sys.exit(FAILED if result.status == "failed" else 0)


@click.command("export", epilog="The format is the file's suffix: .csv, .xlsx, .parquet or .jsonl")
@click.argument("target", type=click.Path(dir_okay=False, path_type=Path))
@run_argument
@in_words
def export_(target: Path, run: str | None, root: Path | None) -> None:
    """Write the answers of RUN (else the latest) to TARGET, a row per answer and question."""
    rows = export(target, run, root=root)
    out.print(f"{rows:,} rows in {target}", markup=False)


@click.command("derive")
@click.argument("name")
@run_argument
@click.option("--step", help="Whose answers; else the only step with one question of `level: text`.")
@click.option("--agent", help="Whose words, where several answered.")
@in_words
def derive_(name: str, run: str | None, step: str | None, agent: str | None, root: Path | None) -> None:
    """Make the dataset NAME of what a step of RUN (else the latest) said of each record in words."""
    count = derive(name, run, step=step, agent=agent, root=root)
    out.print(f"{count:,} records in data/{name}.jsonl. Ask about them: dataset: {name}", markup=False)


@click.command("report")
@run_argument
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="Else reports/RUN.html")
@click.option("--latent", is_flag=True, help="With Dawid and Skene's model and MACE, beside the majority.")
@in_words
def report_(run: str | None, output: Path | None, latent: bool, root: Path | None) -> None:
    """Write the report of RUN (else the latest): one HTML page that needs nothing else."""
    out.print(f"Report: {report(run, output, latent=latent, root=root).resolve()}", markup=False)


@click.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@in_words
def import_(file: Path, root: Path | None) -> None:
    """Store the answers of a rescue FILE, which a run writes when its store is full."""
    out.print(f"{bring_in(file, root=root or find_root(Path.cwd())):,} answers stored", markup=False)
