"""Jobs, what came of them, and the runs they belong to."""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import cached_property, lru_cache
from typing import Any, Literal, NamedTuple

from pydantic import AwareDatetime, Field
from pydantic_core import PydanticSerializationError, to_json

from buttermilk.core.flows import Agent, Codebook, Flow, Perspective, Prompt
from buttermilk.core.hashing import canonical, derive_seed, digest, fingerprint
from buttermilk.core.records import Record
from buttermilk.core.values import Json, Scalar, Value

Status = Literal["answered", "refused", "unparsed", "failed"]
Parse = Literal["strict", "stripped", "repaired", "reasked", "none"]
Mode = Literal["live", "batch"]
Verdict = Literal["exact", "near", "earlier", "missing"]
RunState = Literal["running", "finished", "stopped", "cancelled", "failed"]


def _empty(value: str | float | None) -> bool:
    return not value


class Answer(Value):
    """An earlier answer as a later step reads it. A *no*, a null and a refusal are all here; nothing is left out."""

    job_id: str
    step: str
    agent: str
    perspective: str = ""
    variant: Mapping[str, Scalar] = Field(default_factory=dict)
    repeat: int = 1
    status: Status
    values: Mapping[str, Json] | None = None
    simulated: bool = False
    record_id: str = Field(default="", exclude_if=_empty, description="of a prior answer: the record it is about")
    wave: str = Field(default="", exclude_if=_empty, description="of a prior answer: when it was given")
    model: str = Field(default="", exclude_if=_empty)
    prompt: str = Field(default="", exclude_if=_empty)
    text: str = Field(default="", exclude_if=_empty, description="of a precedent: the words of its record")
    weight: float | None = Field(default=None, exclude_if=_empty, description="with which a prior answer was drawn")

    @property
    def shown_id(self) -> str:
        """The id under which it is shown and cited; with it `buttermilk show` finds it."""
        return self.job_id[:8]


class Job(Value):
    """One record through one step, by one agent, from one perspective, once: all that is needed to ask it anywhere.

    `job_id` is the fingerprint of what decides the answer, so the same Job is the same everywhere and asked once.
    """

    step: str
    record: Record
    seen_hash: str = Field(description="of what of the record may be seen")
    agent: Agent
    prompt: Prompt | None = None
    perspective: Perspective | None = None
    codebook: Codebook
    variant: Mapping[str, Scalar] = Field(default_factory=dict)
    repeat: int = Field(default=1, ge=1)
    wave: str = "1"
    arm: str = "control"
    seed: int = 1
    sent_columns: tuple[str, ...] = Field(default=(), description="metadata columns the agent may see")
    inputs: Mapping[str, tuple[Answer, ...]] = Field(default_factory=dict)
    planned_inputs: Mapping[str, int] = Field(
        default_factory=dict, description="how many answers each reading should have had"
    )

    @cached_property
    def cell(self) -> "Cell":
        return Cell.of(self)

    @cached_property
    def job_id(self) -> str:
        return self.cell.job_id(self.record.record_id, self.seen_hash, self.repeat, self.inputs_hash)

    @cached_property
    def inputs_hash(self) -> str:
        return hash_of_inputs(self.inputs)

    @property
    def call_seed(self) -> int:
        """31 bits, which every provider that takes a seed takes: the same for the same job, whenever it is asked."""
        return derive_seed(self.seed, "call", self.job_id) >> 32

    @property
    def partial(self) -> bool:
        """True when the panel it reads is not complete."""
        return any(
            sum(answer.status == "answered" for answer in self.inputs.get(name, ())) < count
            for name, count in self.planned_inputs.items()
        )


def hash_of_inputs(inputs: Mapping[str, tuple[Answer, ...]]) -> str:
    """Empty where a job reads no earlier answers."""
    if not inputs:
        return ""
    return fingerprint({name: [answer.model_dump(mode="json") for answer in items] for name, items in inputs.items()})


OF_A_CELL = ("step", "agent", "prompt", "perspective", "codebook", "variant", "wave", "arm", "seed")


class Cell(Value):
    """Everything of a job but its record, repeat and inputs: hashed once, shared by many jobs.

    The hash of each ingredient is kept by name, so that a plan can say which of them changed.
    """

    step: str
    agent: str
    agent_hash: str
    prompt: str = ""
    prompt_hash: str = ""
    perspective: str = ""
    perspective_hash: str = ""
    codebook: str = ""
    codebook_hash: str = ""
    variant: str = Field(default="{}", description="canonical JSON")
    wave: str = "1"
    arm: str = "control"
    seed: int = 1

    @classmethod
    def of(cls, job: Job) -> "Cell":
        return cls.build(**{name: getattr(job, name) for name in OF_A_CELL})

    @classmethod
    def build(cls, *, variant: Mapping[str, Scalar], step: str, wave: str, arm: str, seed: int, **asked: Any) -> "Cell":
        """`asked`: agent, prompt, perspective, codebook. A tool sees neither prompt nor perspective."""
        if asked["agent"].role == "tool":
            asked |= {"prompt": None, "perspective": None}
        names = {name: one.name for name, one in asked.items() if one}
        hashes = {f"{name}_hash": one.hash for name, one in asked.items() if one}
        return cls(**names, **hashes, step=step, variant=canonical(dict(variant)), wave=wave, arm=arm, seed=seed)

    @cached_property
    def key(self) -> str:
        return fingerprint(self.model_dump(mode="json"))

    def job_id(self, record_id: str, seen_hash: str, repeat: int, inputs_hash: str = "") -> str:
        # A JSON list of strings and a number is canonical as it is; this is done for every job of every plan.
        return digest(to_json([self.key, record_id, seen_hash, repeat, inputs_hash]))


class Usage(Value):
    """Tokens as the provider counted them. `input_tokens` includes those read from a cache or written to it, and
    `cache_write_tokens` those that it is to keep for an hour, whoever counts."""

    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0
    reasoning_tokens: int = 0
    cache_write_tokens: int = 0
    cache_write_hour_tokens: int = 0


class Sent(Value):
    """The bytes of a request, kept so that a thousand calls store one style guide once.

    `skeleton` is the body with each long text replaced by `{"$text":N}` and each medium by `{"$blob":"SHA-256",...}`.
    `fill(sent.skeleton, sent.texts, blobs)` is the body again, byte for byte: its SHA-256 is `sha256`. A file that was
    uploaded (`"as":"file"`) is named there by the blob's SHA-256, and not by the vendor's passing name for it.
    """

    method: str
    url: str
    skeleton: str
    texts: tuple[str, ...] = ()
    sha256: str


_MARK = re.compile(rb'\{"\$(?:text":(\d+)|blob":"([0-9a-f]{64})","as":"([^"]*)")\}')


def _quoted(text: str) -> bytes:
    """A JSON string. Half a surrogate pair, which UTF-8 cannot hold, is escaped."""
    try:
        return to_json(text)
    except PydanticSerializationError:
        return json.dumps(text).encode()


@lru_cache(maxsize=512)
def _pieces(skeleton: str) -> list[bytes | None]:
    """The skeleton cut at its marks: bytes, N, hash, form, bytes, …"""
    return _MARK.split(skeleton.encode("utf-8"))


Piece = bytes | tuple[str, str]  # of a body: bytes as they stand, or a medium's hash and the form it is to have


def cut(skeleton: str, texts: Sequence[str]) -> list[Piece]:
    """The request's body in pieces, its texts filled in.

    Only the skeleton is searched for marks, never what is filled in: a record that contains `{"$text":0}` stays text.
    """
    pieces = _pieces(skeleton)
    out: list[Piece] = [pieces[0] or b""]
    for number, key, form, rest in zip(pieces[1::4], pieces[2::4], pieces[3::4], pieces[4::4], strict=True):
        if number is not None:
            out.append(_quoted(texts[int(number)]))
        elif key is not None:
            out.append((key.decode(), (form or b"").decode()))
        out.append(rest or b"")
    return out


def fill(skeleton: str, texts: Sequence[str], blob: Callable[[str, str], bytes] | None = None) -> bytes:
    """The request's body. `blob(hash, form)` gives a medium as the text that the vendor wants, quotes not included;
    without it, a medium's mark is left standing, and the body is for the eyes."""
    return b"".join(piece if isinstance(piece, bytes) else _medium(*piece, blob) for piece in cut(skeleton, texts))


def _medium(key: str, form: str, blob: Callable[[str, str], bytes] | None) -> bytes:
    return b'"' + blob(key, form) + b'"' if blob else f'{{"$blob":"{key}","as":"{form}"}}'.encode()


class Result(Value):
    """One attempt of a Job, append-only. `answers` is set only where `status` is `answered`.

    False, null, refused and unparsable are four things: `{"harm": false}`, `{"harm": None}`, status `refused`,
    status `unparsed`. `text` is verbatim what came back.
    """

    job_id: str
    attempt: int = Field(ge=1)
    run_id: str
    status: Status
    answers: Mapping[str, Json] | None = None
    parse: Parse = "none"
    text: str = ""
    refusal: str | None = None
    finish: str = ""
    error_kind: str = ""
    error: str = ""
    usage: Usage = Usage()
    cost: float | None = Field(default=None, description="None where no price is known: unknown is not free")
    currency: str = ""
    price_version: str = ""
    model_returned: str = ""
    model_fingerprint: str = ""
    response_id: str = ""
    seed_honoured: bool | None = None
    simulated: bool = False
    partial: bool = False
    drops: tuple[str, ...] = ()
    shown: str = Field(default="", description="what the agent saw of the record: 'text, image ×3, audio in words'")
    tool_output: Mapping[str, Json] = Field(default_factory=dict)
    sent: Sent | None = None
    reply: str = Field(default="", description="the reply's body as it came")
    reply_headers: Mapping[str, str] = Field(default_factory=dict)
    started_at: AwareDatetime
    ended_at: AwareDatetime
    by: str = Field(default="", description="user@machine")
    versions: str = Field(default="", description="key of the stored list of package versions")
    trace_id: str = ""
    mode: Mode = "live"
    quotes: Mapping[str, Verdict] = Field(
        default_factory=dict, description="of each passage that was to be copied from the record, whether it is in it"
    )
    logprobs: Mapping[str, float] = Field(
        default_factory=dict,
        description="of each answer, natural logarithm of how probable the model held it: {'harm': -0.02}",
    )

    @property
    def seconds(self) -> float:
        return (self.ended_at - self.started_at).total_seconds()


class Budget(Value):
    """What a run may spend; None is no cap."""

    money: float | None = Field(default=None, ge=0)
    tokens: int | None = Field(default=None, ge=0)
    currency: str = "USD"


class Run(Value):
    """One execution of a flow on a dataset, with all that decided it. The name is never used again."""

    run_id: str
    kind: Literal["study", "test"] = Field(default="study", description="test: a prompt's own cases were asked")
    spec_hash: str = Field(description="of flow, dataset and wave: what makes a stopped run the same run")
    flow: str
    flow_hash: str
    title: str = ""
    dataset: str
    dataset_fingerprint: str
    wave: str = "1"
    seed: int = 1
    budget: Budget = Budget()
    planned: int = 0
    method: tuple[Flow, ...] = Field(default=(), description="the flow, once per cell of a sweep")
    config: Mapping[str, Json] = Field(
        default_factory=dict, description="the resolved configuration; secrets are references"
    )
    git: Mapping[str, Json] = Field(default_factory=dict)
    versions: Mapping[str, str] = Field(default_factory=dict)
    user: str = ""
    machine: str = ""
    pid: int = 0
    state: RunState = "running"
    why: str = Field(default="", description="why it is in this state: 'budget of 1.00 USD reached'")
    control: Literal["", "pause", "cancel"] = ""
    started_at: AwareDatetime
    ended_at: AwareDatetime | None = None
    heartbeat_at: AwareDatetime | None = None
    progress: Mapping[str, Json] = Field(default_factory=dict)


class Stored(NamedTuple):
    """What the store says of a planned job: the status of its last attempt, and how many there were."""

    status: Status
    attempts: int
    flow: str = ""


class Given(NamedTuple):
    """A machine's answer that others may be shown: about which content, when, and in which runs: first the one that
    asked it, then those it was looked for in."""

    answer: Answer
    seen_hash: str
    runs: tuple[str, ...]
    started_at: datetime
    ended_at: datetime


class Use(NamedTuple):
    """Where a version of a prompt, of criteria or of a codebook was used: in one step of one run."""

    name: str
    hash: str
    run_id: str
    step: str
    jobs: int
    first_at: datetime  # of the run
    last_at: datetime
    commit: str  # empty outside a git repository
    dirty: bool  # files differed from that commit

    @property
    def version_name(self) -> str:
        return f"{self.name}@{self.hash[:6]}"


class Event(Value):
    """One change of state in a run: a limit halved, a lane stopped. `{"kind": "limit", "fields": {"to": 32}}`"""

    at: AwareDatetime
    kind: str
    fields: Mapping[str, Json] = Field(default_factory=dict)


class Batch(Value):
    """Questions handed to a provider together, to be answered within a day at a lower price. `ticket` is its name
    there. What has been collected, or was called back, is waited for no longer.

    It is kept before it is handed over, as `submitting` and by our own `mark`: so a crash between the two loses none.
    """

    ticket: str
    mark: str = Field(default="", description="our name for it, written on it where the provider has a place for one")
    run_id: str
    step: str
    agent: str
    agent_hash: str
    endpoint: str
    job_ids: tuple[str, ...]
    submitted_at: AwareDatetime
    state: Literal["submitting", "waiting", "collected", "cancelled", "untaken"] = "waiting"
