"""What goes to a model and what comes back, in no vendor's format."""

from collections.abc import Mapping
from typing import Literal

from pydantic import Field

from buttermilk.core.flows import Agent, Codebook, Role
from buttermilk.core.jobs import Job, Sent, Usage
from buttermilk.core.records import Part
from buttermilk.core.values import Json, Value

Finish = Literal["stop", "length", "refusal", "filter", "other"]


class Message(Value):
    """One turn: its words, and the media that go with it. A record's text is in `text` and can be nowhere else."""

    role: Role
    text: str
    media: tuple[Part, ...] = ()


class Request(Value):
    """One call to a model. `job` is for the simulated model alone; a provider is sent none of it."""

    agent: Agent
    messages: tuple[Message, ...]
    codebook: Codebook | None = None
    seed: int | None = None
    job: Job
    drops: tuple[str, ...] = Field(default=(), description="what the model could not take: 'image: its text was sent'")


class Reply(Value):
    """What a model answered, verbatim in `text` and `raw`, with what its provider said about it."""

    text: str = ""
    refusal: str | None = None
    finish: Finish = "stop"
    usage: Usage = Usage()
    model_returned: str = ""
    model_fingerprint: str = ""
    response_id: str = ""
    raw: str = ""
    headers: Mapping[str, str] = Field(default_factory=dict)
    http_status: int = 200
    sent: Sent | None = None
    seed_honoured: bool | None = None
    simulated: bool = False


class Output(Value):
    """What an analysis tool answered: a value per question, and all it said in `raw`, on its own scale."""

    values: Mapping[str, str | float | int | bool | None]
    raw: Mapping[str, Json] = Field(default_factory=dict)
    version: str = ""
