"""The questions on which each dialect is compared with its vendor's own library, and how they are compared.

A vendor's test says, for each question by its name, how the library is asked it, in the library's own words; see
`tests/models/test_anthropic_oracle.py`. Then `two_bodies` is what went out, ours and theirs.
"""

import hashlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from asking import job
from buttermilk.core.flows import Agent, Codebook, LabelDefinition, Question, Strategy
from buttermilk.core.messages import Message, Request
from buttermilk.core.records import Part
from buttermilk.models.dialect import Dialect
from buttermilk.testing import MockProvider

MEDIA = {hashlib.sha256(data).hexdigest(): data for data in (b"a picture", b"%PDF-1.7", b"a sound", b"a film")}
PNG, PDF, SOUND, FILM = MEDIA
PICTURE = Part(kind="image", blob=PNG, media_type="image/png")
PAPER = Part(kind="pdf", blob=PDF, media_type="application/pdf")
RECORDING = Part(kind="audio", blob=SOUND, media_type="audio/wav")
VIDEO = Part(kind="video", blob=FILM, media_type="video/mp4")

LABELS = tuple(LabelDefinition(name=name) for name in ("calm", "stormy"))
EVERY_KIND = Codebook(  # each shape that the schema of a codebook can have
    name="weather",
    questions=(
        Question(name="mood", ask="Which mood?", labels=LABELS),
        Question(name="second", ask="A second one?", labels=LABELS, optional=True),
        Question(name="words", ask="How many words?", level="ratio", minimum=0, maximum=9),
        Question(name="line", ask="In which line?", level="interval", optional=True, minimum=1),
        Question(name="why", ask="Why?", level="text", optional=True),
        Question(name="all", ask="Which moods?", labels=LABELS, many=True),
        Question(
            name="signs",
            ask="What shows it?",
            level="group",
            many=True,
            parts=(
                Question(name="words", ask="In its words?", level="quote", many=True),
                Question(name="mood", ask="Of which mood?", labels=LABELS, optional=True),
                Question(name="force", ask="How strong?", level="ratio", minimum=0, maximum=9, optional=True),
            ),
        ),
    ),
)

SYSTEM = Message("system", "Judge the verse.")
USER = Message("user", "The orchard hummed.")


class Asking(NamedTuple):
    """A question to a model, in nobody's format."""

    messages: tuple[Message, ...]
    answers: Strategy = "prompted"
    codebook: Codebook | None = None

    def request(self, agent: Agent) -> Request:
        return Request(agent=agent, messages=self.messages, codebook=self.codebook, job=job(agent))


def _with(*media: Part) -> Asking:
    return Asking((SYSTEM, USER._replace(media=media)))


ASKINGS: Mapping[str, Asking] = {
    "text": Asking((USER,)),
    "system": Asking((SYSTEM, USER)),
    "two systems": Asking((SYSTEM, Message("system", "Be brief."), USER)),
    "two users": Asking((SYSTEM, USER, Message("user", "And the hills?"))),
    "asked again": Asking((USER, Message("assistant", "Calm."), Message("user", "As JSON."))),
    "image": _with(PICTURE),
    "pdf": _with(PAPER, PICTURE),
    "audio": _with(RECORDING),
    "video": _with(VIDEO),
    "native": Asking((SYSTEM, USER), "native", EVERY_KIND),
    "tool": Asking((SYSTEM, USER), "tool", EVERY_KIND),
}


def blobs(sha256: str) -> bytes:
    return MEDIA[sha256]


async def two_bodies(
    mock: MockProvider, ours: Dialect, request: Request, theirs: Callable[[], object]
) -> list[dict[str, Any]]:
    """Our request and theirs, as the mock saw them: `{"path", "headers", "body", …}` each."""
    await ours.complete(request)
    await ours.close()
    theirs()
    return mock.requests(2)


def whole(validated: Any) -> Any:
    """What pydantic made of a TypedDict: keys it does not know are gone, and lazy lists are checked only when read."""
    if isinstance(validated, Mapping):
        return {key: whole(one) for key, one in validated.items()}
    if isinstance(validated, Iterator | list | tuple) or type(validated).__name__ == "ValidatorIterator":
        return [whole(one) for one in validated]
    return validated
