"""What people say of records, and how it came that they were asked: samples, codings, openings, registrations.

Each is kept once, under the hash of its content, and never changed: `Store.file` and `Store.papers`.
"""

from collections.abc import Mapping
from functools import cached_property
from typing import Literal

from pydantic import AwareDatetime, Field

from buttermilk.core.hashing import digest
from buttermilk.core.questions import Question
from buttermilk.core.values import Json, Scalar, Value

Split = Literal["dev", "test"]


class Paper(Value):
    """Something that is written down once. `about` is the name of the data set or flow that it belongs to."""

    about: str

    @cached_property
    def key(self) -> str:
        return digest(type(self).__name__ + self.model_dump_json())


class Draw(Value):
    """How one record came into a sample: `prob` is the known probability with which it was drawn, within its stratum or
    by its weight."""

    record_id: str
    prob: float = Field(gt=0, le=1)
    stratum: str = ""
    split: Split = "test"
    coders: tuple[str, ...] = Field(default=(), description="who is to label it; two for double coding")


class Sample(Paper):
    """Records drawn for people to label, with the probability of each. `about` is the data set."""

    name: str
    dataset_fingerprint: str
    codebook: str = Field(description="name@version of what is to be answered")
    codebook_hash: str
    questions: tuple[Question, ...] = Field(default=(), description="of the codebook, as people are asked them")
    how: Literal["random", "stratified", "uncertainty"]
    by: str = Field(default="", description="what makes the strata or the weights: `column:genre`, `run:verse-2026-11`")
    seed: int
    population: int = Field(description="records it was drawn from")
    draws: tuple[Draw, ...]
    drawn_at: AwareDatetime


class Coding(Paper):
    """One named person's answer to one question about one record; `value` None is *does not apply*.

    `adjudicated`: it settles what others disagreed on, and is the reference label. `blind`: the coder saw no machine's
    answer and no other coder's.
    """

    record_id: str
    question: str = Field(description="dotted: criteria.c1.verdict")
    value: Scalar
    coder: str
    sample: str = Field(default="", description="the sample's name; empty where the labels came by themselves")
    blind: bool = True
    adjudicated: bool = False
    note: str = ""
    source: str = Field(default="", description="the file it was read from")
    coded_at: AwareDatetime


class Opening(Paper):
    """The test labels of a sample were opened: from then on they may be looked at, and nothing may be changed that
    would fit them. `locked` are the hashes of what was asked with at that moment."""

    sample: str
    flow: str
    locked: Mapping[str, str]
    why: str = ""
    by: str
    opened_at: AwareDatetime


class Registration(Paper):
    """What was declared before the answers came; `about` is the flow. `parts` are hashes by name, `plan` what a person
    reads of them: sample plan, analysis, hypotheses."""

    parts: Mapping[str, str]
    plan: Mapping[str, Json]
    by: str
    registered_at: AwareDatetime
    git: Mapping[str, Json] = {}


class Deviation(Paper):
    """Why a method is another than was declared; `about` is the flow. `changes`: what differs, and what it is now."""

    changes: Mapping[str, str]
    why: str = Field(min_length=1)
    by: str
    written_at: AwareDatetime
