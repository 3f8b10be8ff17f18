"""The groups `label` and `prompts`: which verbs they have."""

import click

from buttermilk.verbs.lazy import Verbs

# verb: (module, what it does). In the order in which a scholar meets them.
LABEL = {
    "sample": ("labelling", "Draw records for people to label, with known probabilities."),
    "export": ("labelling", "Write blind sheets: CSV, XLSX, Label Studio, Argilla or 4CAT."),
    "code": ("labelling", "Label here, by keyboard."),
    "import": ("labelling", "Take labels back from a file."),
    "status": ("labelling", "Say who has coded how much of each sample."),
    "agree": ("labelling", "Say how the coders agree, and list where they do not."),
    "adjudicate": ("labelling", "Write a sheet of the disagreements, and take it back settled."),
    "open": ("labelling", "Open the test labels of a sample, for good."),
}
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
    "label",
    cls=Verbs,
    table=LABEL,
    epilog="Test labels are sealed until they are opened: nothing counts, shows or exports them.",
)
def label_() -> None:
    """Let people label a sample of the records, and hold the machines against them."""


@click.group(
    "prompts",
    cls=Verbs,
    table=PROMPTS,
    epilog="NAME is found among the study's files, then the packaged ones, then what was ever asked. "
    "NAME@3f9a1c is the version whose hash begins so.",
)
def prompts_() -> None:
    """Look at prompts, criteria and codebooks, in every version that was ever used."""
