"""The verbs of the group `label`."""

import sys
from pathlib import Path
from typing import Any

import click
from rich.markup import escape

from buttermilk.analysis import words
from buttermilk.analysis.people import strata
from buttermilk.core.errors import ConfigError, DataError
from buttermilk.core.questions import Question
from buttermilk.core.sheets import DOES_NOT_APPLY
from buttermilk.study import codings, labelling
from buttermilk.verbs.screen import in_words, of_study, out, print_json, say, table_of, visible

KEYS, ACTS = "123456789abcdefghijklmnoprtvwxyz", ("s", "u", "q")
SHOWN = 10  # disagreements on the screen; `--json` has them all
target_argument = click.argument("target", metavar="FILE", type=click.Path(dir_okay=False, path_type=Path))
file_argument = click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
format_option = click.option("--format", "kind", help="csv, xlsx, label-studio, argilla or 4cat; else as FILE ends.")


@click.command("sample")
@click.argument("flow", required=False)
@click.option("--dataset", help="In place of a flow; then --codebook says what is to be answered.")
@click.option("--codebook", help="With --dataset.")
@click.option("--step", help="Whose questions; else those of the first step with labels or numbers.")
@click.option("--perspective", help="Whose criteria, where they are asked one by one.")
@click.option("--size", type=int, default=100, show_default=True)
@click.option("--how", type=click.Choice(labelling.HOW), default=None, help="Else random, or stratified with --by.")
@click.option("--by", default="", help="column:NAME, or run:RUN: by the machines' majority, or by how unsure they are.")
@click.option("--question", help="Of the run, where several have labels.")
@click.option("--allocation", type=click.Choice(["proportional", "equal"]), default="proportional", show_default=True)
@click.option("--coders", default="", help="ana,ben: who is to label; else anybody.")
@click.option("--double", type=float, default=0.0, help="Share that two coders label: 0.3")
@click.option("--dev", type=float, default=0.3, show_default=True, help="Share to look at; the rest is for the test.")
@click.option("--name", help="What the sample is called; else DATASET-1.")
@click.option("--seed", type=int, help="Else the flow's.")
@of_study
def sample_(flow: str | None, how: str | None, allocation: str, coders: str, as_json: bool, **of: Any) -> None:
    """Draw records of FLOW's data set for people to label. Each has a known probability, which is kept."""
    if flow is not None and of["dataset"] is not None:
        raise ConfigError("say a flow or a data set, not both.")
    named = [name.strip() for name in coders.split(",") if name.strip()]
    made = labelling.sample(flow, how=how or "", equal=allocation == "equal", coders=named, **of)
    if as_json:
        return print_json(made.model_dump(mode="json"))
    by = f" by {made.by}" if made.by else ""
    out.print(f"[bold]{escape(made.name)}[/]: {len(made.draws):,} of {made.population:,} records of "
              f"{escape(made.about)}, {made.how}{escape(by)}, seed {made.seed}")  # fmt: skip
    numbers = ("records", "drawn", "dev", "test", "probability")
    table = table_of("stratum", *numbers, right=numbers)
    for one in strata(made):
        counts = (one.records, len(one.drawn), one.count("dev"), one.count("test"))
        table.add_row(escape(one.name), *(f"{count:,}" for count in counts), one.prob)
    out.print(table)
    for name in named:
        theirs = [draw for draw in made.draws if name in draw.coders]
        both = sum(len(draw.coders) > 1 for draw in theirs)
        say(f"{name}: {words.plural(len(theirs), 'record')}, {both:,} of them with another coder")
    return say(f"Send it out: buttermilk label export {made.name} sheet.xlsx")


@click.command("export")
@click.argument("sample")
@target_argument
@click.option("--coder", default="", help="Whose records; else a file for each coder that was named.")
@format_option
@in_words
def export_(sample: str, target: Path, coder: str, kind: str | None, root: Path | None) -> None:
    """Write blind sheets of SAMPLE: its texts and the codebook's questions, and nothing that anybody answered."""
    for sheet, place in labelling.export(sample, target, coder=coder, kind=kind or "", root=root):
        say(f"{words.plural(len(sheet.cards), 'record')} for {sheet.coder or 'anybody'} in {place}")


@click.command("import")
@file_argument
@click.option("--sample", help="Of which sample; else as the file says, or of none.")
@click.option("--flow", help="Whose questions these are, where there is no sample.")
@click.option("--coder", "coders", multiple=True, help="Who labelled; 17=ana where the file says 17.")
@format_option
@click.option("--skip", is_flag=True, help="Leave out what is wrong, and keep the rest.")
@of_study
def import_(file: Path, kind: str | None, coders: tuple[str, ...], as_json: bool, **of: Any) -> None:
    """Take labels back from FILE: a sheet, another table of labels, or what an annotation tool exports."""
    taken = codings.import_(file, kind=kind or "", coders=coders, **of)
    _show_taken(taken, as_json=as_json)


def _show_taken(taken: codings.Taken, *, as_json: bool) -> None:
    if as_json:
        print_json(taken._asdict())
        return
    say(f"{words.plural(taken.new, 'new label')}, {taken.changed:,} changed, {taken.same:,} as before")
    for line in taken.wrong:
        say(f"[yellow]![/] left out: {escape(line)}", markup=True)


@click.command("status")
@of_study
def status_(root: Path | None, as_json: bool) -> None:
    """Say of each sample who has coded how much, and whether its test labels are open."""
    found = labelling.status(root)
    if as_json:
        print_json({"samples": [one.as_json() for one in found]})
        return
    if not found:
        out.print("No sample yet. Draw one: buttermilk label sample FLOW")
    for one in found:
        told = one.as_json()
        opened = f"opened {told['opened_at'][:10]}" if told["opened_at"] else "sealed"
        say(f"{one.sample.name}: {told['drawn']:,} of {told['of']:,} records of {one.sample.about}, {one.sample.how}; "
            f"dev {told['dev']:,}, test {told['test']:,} ({opened}), double {told['double']:,}")  # fmt: skip
        for coder, (done, of) in one.coded.items():
            say(f"  {coder}: {done:,} of {of:,} records")


@click.command("agree")
@click.argument("sample", required=False)
@of_study
def agree_(sample: str | None, root: Path | None, as_json: bool) -> None:
    """Say how the coders of SAMPLE agree; else all who labelled the data set. Sealed labels are not compared."""
    found, sealed = codings.agree(sample, root=root)
    if as_json:
        print_json({"sealed": sealed, "questions": [_as_json(one) for one in found]})
        return
    for one in found:
        alpha = one.whole.alpha
        out.print(f"[bold]{escape(one.question.name)}[/]  alpha {words.corrected(alpha)}, "
                  f"n = {alpha.n:,} records, {alpha.pairs:,} pairs")  # fmt: skip
        for first, second, same in one.pairs:
            say(f"  {first} and {second}: the same in {words.share(same)}, n = {same.n:,}")
        for record, said in list(one.divided.items())[:SHOWN]:
            say(f"  {record}: {', '.join(f'{coder} {words.label(value)}' for coder, value in said.items())}")
        if len(one.divided) > SHOWN:
            out.print(f"  … and {len(one.divided) - SHOWN:,} more", markup=False)
    if sealed:
        say(f"{words.plural(sealed, 'label')} of test records sealed: not compared.")


def _as_json(one: codings.Agreed) -> dict[str, Any]:
    return {
        "question": one.question.name,
        "alpha": one.whole.alpha._asdict(),
        "same": one.whole.same._asdict(),
        "pairs": [{"first": first, "second": second, **same._asdict()} for first, second, same in one.pairs],
        "disagreements": {record: dict(said) for record, said in one.divided.items()},
    }


@click.command("adjudicate")
@click.argument("sample")
@target_argument
@click.option("--take", is_flag=True, help="Take FILE back, its column `adjudicated` filled in.")
@click.option("--coder", default="", help="With --take: who settled it; else you.")
@of_study
def adjudicate_(sample: str, target: Path, take: bool, coder: str, root: Path | None, as_json: bool) -> None:
    """Write what the coders of SAMPLE disagree on into FILE, without their names; then take it back."""
    if take:
        return _show_taken(codings.settle(sample, target, coder=coder, root=root), as_json=as_json)
    written = codings.adjudicate(sample, target, root=root)
    if as_json:
        return print_json({"disagreements": written})
    return say(f"{words.plural(written, 'disagreement')} in {target}. Fill in `adjudicated`; then add --take.")


@click.command("open")
@click.argument("sample")
@click.argument("flow", required=False)
@click.option("--why", required=True, help="Printed in the report.")
@of_study
def open_(sample: str, flow: str | None, why: str, root: Path | None, as_json: bool) -> None:
    """Open the test labels of SAMPLE. What FLOW asks with is written down as it is at this moment."""
    opening, first = labelling.open_(sample, why, flow, root=root)
    if as_json:
        return print_json({"first": first, **opening.model_dump(mode="json")})
    if first:
        locked = ", ".join(f"{part}@{key[:6]}" for part, key in opening.locked.items())
        return say(f"{sample} is open. Written down: {locked}")
    since = f"{opening.opened_at:%Y-%m-%d %H:%M} UTC, by {opening.by}: {opening.why}"
    return say(f"{sample} is open already, since {since}")


@click.command("code")
@click.argument("sample")
@click.option("--coder", required=True, help="Who labels.")
@in_words
def code_(sample: str, coder: str, root: Path | None) -> None:
    """Label SAMPLE by keyboard: a key a label, s skips, u goes back one, q ends. Each answer is kept at once."""
    with labelling.desk(root) as here:
        session = codings.session(here, sample, coder)
        before, seen = len(session.said), ""
        while (task := session.now) is not None:
            card, leaf = task
            if card.record_id != seen:
                out.print(f"\n[bold cyan]── {session.at // len(session.leaves) + 1:,} of {len(session.cards):,} ──[/]")
                for name, said in card.shown.items():
                    say(visible(said if name == "text" else f"{name}: {said}"))
                seen = card.record_id
            act, given = _asked(leaf)
            if act == "q":
                break
            if act == "s":
                session.skip()
            elif act == "u":
                session.back()
            else:
                try:
                    session.answer(given)
                except DataError as error:
                    say(f"[red]✗[/] {escape(error.message)}", markup=True)
        out.print(f"{words.plural(len(session.said) - before, 'answer')} kept; {session.left:,} left.", markup=False)


def _asked(leaf: Question) -> tuple[str, str]:
    """What is to be done, `s`, `u` or `q`; or nothing, and the answer. The end of the input is `q`."""
    say(f"\n{leaf.ask}", style="bold")
    choices = dict(zip(KEYS, [*leaf.label_names, *([DOES_NOT_APPLY] if leaf.optional else [])], strict=False))
    try:
        if not leaf.labels:
            more = f", or: {DOES_NOT_APPLY}" if leaf.optional else ""
            said = click.prompt(f"(s skip, u back, q end{more})", default="s", show_default=False).strip()
            return (said, "") if said in ACTS else ("", said)
        say("  ".join(f"[{key}] {name}" for key, name in choices.items()))
        say("[s] skip  [u] back  [q] end", style="dim")
        while True:
            key = _key().lower()
            if key in ACTS:
                return key, ""
            if key in choices:
                return "", choices[key]
    except (EOFError, click.Abort, KeyboardInterrupt):
        return "q", ""


def _key() -> str:
    """One key of a terminal; elsewhere one character of what is given."""
    key = click.getchar() if sys.stdin.isatty() else sys.stdin.read(1)
    if not key:
        raise EOFError
    return key
