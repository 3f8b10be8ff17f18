"""What goes to a model and what comes back, in no vendor's format.

What a model is asked and says lives for one call: plain tuples, which cost a tenth of a checked value. What is kept of
it is checked where it is kept, in a Result. What a tool says is checked at once: anybody may write one.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Literal, NamedTuple

from pydantic import Field

from buttermilk.core.flows import Agent, Codebook, Role
from buttermilk.core.jobs import Job, Sent, Usage
from buttermilk.core.records import Part
from buttermilk.core.values import Json, Value

Finish = Literal["stop", "length", "refusal", "filter", "other"]
NOTHING: Mapping[str, Any] = MappingProxyType({})


class Message(NamedTuple):
    """One turn: its words, and the media that go with it. A record's text is in `text` and can be nowhere else."""

    role: Role
    text: str
    media: tuple[Part, ...] = ()


class Request(NamedTuple):
    """One call to a model. `job` is for the simulated model alone; a provider is sent none of it."""

    agent: Agent
    messages: tuple[Message, ...]
    job: Job
    codebook: Codebook | None = None
    seed: int | None = None
    drops: tuple[str, ...] = ()  # what the model could not take: "image: its text was sent"


class Token(NamedTuple):
    """A piece of a reply in UTF-8, which may end within a character, and the logarithm of its probability."""

    piece: bytes
    logprob: float


class Reply(NamedTuple):
    """What a model answered, verbatim in `text` and `raw`, with what its provider said about it."""

    text: str = ""
    refusal: str | None = None
    finish: Finish = "stop"
    usage: Usage = Usage()
    model_returned: str = ""
    model_fingerprint: str = ""
    response_id: str = ""
    raw: str = ""
    headers: Mapping[str, str] = NOTHING
    http_status: int = 200
    rest_seconds: float = 0.0  # until there is any of the endpoint's allowance again; it said so beside the answer
    tokens: tuple["Token", ...] = ()  # where they were asked for
    sent: Sent | None = None
    seed_honoured: bool | None = None
    simulated: bool = False


class Output(Value):
    """What an analysis tool answered: a value per question, and all it said in `raw`, on its own scale."""

    values: Mapping[str, Json]
    raw: Mapping[str, Json] = Field(default_factory=dict)
    version: str = ""
