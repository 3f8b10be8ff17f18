"""The group `prompts`: what a study's prompts, criteria and codebooks say, and said when they were used."""

import click

from buttermilk.verbs.lazy import Verbs

# verb: (module, what it does). In the order in which a scholar meets them.
PROMPTS = {
    "list": ("library", "List prompts, criteria and codebooks: which there are, and which have changed."),
    "show": ("library", "Show one: its words, its credits, and where each version was used."),
    "diff": ("library", "Show word by word how two versions differ, and whether anybody is asked again."),
    "render": ("library", "Show the messages that a prompt makes of a record, as they are sent."),
    "test": ("cases", "Ask the cases of prompts, or judge again what was recorded."),
    "watch": ("cases", "Say whether a model still answers them as it did, and what has moved."),
    "compare": ("cases", "Ask two versions about the same records, and tell a change from noise."),
    "import": ("library", "Write a prompt of a Prompty file."),
}


@click.group(
    "prompts",
    cls=Verbs,
    table=PROMPTS,
    epilog="NAME is found among the study's files, then the packaged ones, then what was ever asked. "
    "NAME@3f9a1c is the version whose hash begins so.",
)
def prompts_() -> None:
    """Look at prompts, criteria and codebooks, in every version that was ever used."""
