"""What `doctor --live` prints: a line a model, then what is to be mended, then how many work and what it took."""

from collections.abc import Iterator, Sequence

from rich.table import Table
from rich.text import Text

from buttermilk.study.trying import Trial
from buttermilk.verbs.screen import folded, money, out

MARKS = {True: Text("✓", "green"), False: Text("✗", "red"), None: Text("·", "dim")}
CHECKS = {"key": "key", "reached": "server", "answered": "answer", "schema": "schema", "seed": "seed", "image": "image"}
ROOMY = 100  # columns from which on the model's own name has room beside the agent's


def show_trials(trials: Sequence[Trial]) -> None:
    if not trials:
        out.print("The flows of this study ask no model. To ask each that there is a file for: --all")
        return
    out.print(_table(trials))
    for line in _to_mend(trials):
        out.print(line, soft_wrap=True)
    out.print(_sum(trials), markup=False, soft_wrap=True)


def _table(trials: Sequence[Trial]) -> Table:
    table = Table(box=None, padding=(0, 2 if out.width >= ROOMY else 1, 0, 0))
    table.add_column("agent", overflow="ellipsis")
    if out.width >= ROOMY:
        table.add_column("model", overflow="ellipsis")
    for name in CHECKS.values():
        table.add_column(name, no_wrap=True)
    for name in ("tokens", "cost", "time"):
        table.add_column(name, justify="right", no_wrap=True)
    for one in trials:
        marks = {name: MARKS[getattr(one, name)] for name in CHECKS}
        if one.schema is not None:
            marks["schema"] = Text.assemble(marks["schema"], f" {one.strategy}")
        names = (one.agent, one.model) if out.width >= ROOMY else (one.agent,)
        price = "?" if one.cost is None else money(one.cost, one.currency)
        took = (f"{one.tokens:,}", price) if one.tokens else ("", "")
        table.add_row(*names, *marks.values(), *took, f"{one.seconds:.1f} s")
    return table


def _to_mend(trials: Sequence[Trial]) -> Iterator[Text]:
    """How to keep a key is said once, however many are missing."""
    told = False
    for one in trials:
        if one.well:
            continue
        said = folded(f"✗ {one.agent}: {one.said}", out)
        yield Text.assemble((said[0], "red"), said[1:])
        keyless = one.key is False and one.reached is None
        if one.hint and not (keyless and told):
            yield Text(folded(f"    {one.hint}", out))
        told = told or keyless


def _sum(trials: Sequence[Trial]) -> str:
    """`2 of 3 models work · 540 tokens · 0.0012 USD · 1 of unknown price`"""
    well, tokens = sum(one.well for one in trials), sum(one.tokens for one in trials)
    said = [f"{well} of {len(trials)} models work", f"{tokens:,} tokens"]
    for currency in sorted({one.currency for one in trials if one.cost}):
        said.append(money(sum(one.cost or 0 for one in trials if one.currency == currency), currency))
    if unpriced := sum(one.cost is None and one.tokens > 0 for one in trials):
        said.append(f"{unpriced} of unknown price")
    return " · ".join(said)
