"""The command line. This file is all that `buttermilk --help` opens: a verb's code is imported when it is typed."""

import os
import sys
import tempfile
import traceback

import click

from buttermilk.verbs.lazy import Verbs

# verb: (module, what it does). In the order in which a scholar meets them.
VERBS = {
    "init": ("making", "Write a new study into a folder: it runs at once."),
    "demo": ("making", "Run the demo study: 200 verses, four readers, no key needed."),
    "plan": ("running", "Show what a run would ask, why, and what it would cost. Spends nothing."),
    "run": ("running", "Ask everything of a flow that is not answered yet."),
    "freeze": ("registering", "Register what a flow asks and how it is analysed, before the answers come."),
    "status": ("looking", "Say how a run stands, from any shell."),
    "watch": ("looking", "Follow a run that goes on in another shell."),
    "pause": ("looking", "Let a run that goes on finish what is in flight and wait."),
    "resume": ("looking", "Let a paused run go on."),
    "cancel": ("looking", "End a run for good; what was answered stays."),
    "show": ("looking", "Show one job: what was asked, and every answer as it came."),
    "replay": ("looking", "Ask one job again, from the store or from its JSON alone."),
    "export": ("looking", "Write the answers as a table: CSV, XLSX, Parquet or JSONL."),
    "derive": ("looking", "Make a dataset of what a step said of each record in words."),
    "compare": ("comparing", "Compare two runs, agents, perspectives, prompts, waves or arms."),
    "report": ("looking", "Write a run's report: one HTML page."),
    "label": ("groups", "Draw a sample for people to label, send it out, take their labels back."),
    "prompts": ("groups", "Look at prompts, criteria and codebooks in all their versions."),
    "import": ("looking", "Store answers from a rescue file."),
    "doctor": ("making", "Say what works here and what does not."),
}

OURS = 70  # as sysexits.h has it: an internal error


@click.group(
    cls=Verbs,
    table=VERBS,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Start with `buttermilk demo`, or with `buttermilk init mystudy`.",
)
@click.version_option(package_name="buttermilk")
def buttermilk() -> None:
    """Ask models, tools and people the same question about many texts; keep every answer with all that produced it."""


def main() -> None:
    """The console script."""
    try:
        buttermilk.main(prog_name="buttermilk")
    except BrokenPipeError:  # `buttermilk status --json | head`
        sys.stderr.close()
        sys.exit(0)
    except Exception as error:  # noqa: BLE001  (the outermost edge)
        sys.exit(mistake_of_ours(error))


def mistake_of_ours(error: Exception) -> int:
    """A bug: one screen as well, and all that helps to mend it in a file."""
    number, name = tempfile.mkstemp(prefix="buttermilk-error-", suffix=".txt")
    with os.fdopen(number, "w", encoding="utf-8") as file:
        traceback.print_exception(error, file=file)
    last = traceback.format_exception_only(error)[-1].strip().splitlines()[0]
    click.echo(
        f"✗ This is a mistake in buttermilk, not in your study: {last}\n"
        f"  What was answered is stored, and typing the same command again goes on.\n"
        f"  Please report it, with the file {name}.",
        err=True,
    )
    return OURS
