"""A reader that is made up: it answers any codebook with declared faults, offline, and marks each reply as simulated.

What it aims at is the value of the column that `truth` names, else the record's human label, or, where nobody labelled
the record, a made-up truth that all simulated readers share. A perspective may lead it elsewhere; then it errs as often
as `accuracy` says. Part of its errors are settled habits about a record, the rest are drawn anew at each asking. Where
it is shown prior answers, it may copy what most of them say; else it answers as if it had not seen them. Every draw is
a hash of the run's seed and of what is asked: neither order nor time nor the number of slots can change an answer.
"""

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from fractions import Fraction
from functools import lru_cache
from hashlib import blake2b
from itertools import product
from typing import Any, ClassVar

from pydantic import Field, ValidationError
from pydantic_core import to_json

from buttermilk.core.contracts import Blobs, Keys
from buttermilk.core.errors import ConfigError, Permanent, did_you_mean
from buttermilk.core.flows import Agent, Codebook, Question, said_by_path
from buttermilk.core.hashing import derive_seed
from buttermilk.core.jobs import Answer, Job, Usage
from buttermilk.core.messages import Finish, Reply, Request
from buttermilk.core.points import Point, expected_points, points_of
from buttermilk.core.questions import YES_NO
from buttermilk.core.values import Value

Read = Sequence[tuple[Any, Fraction]]  # what earlier answers say to a question, and what part of a vote each is
MODEL = "simulated-1"
CHARACTERS_A_TOKEN = 4  # a rough estimate, and said to be one in each reply
MOST_ENTRIES = 2  # of a list
PASSAGE = 40  # characters of a quote, and to the end of the word
COIN = 0.5  # how often it is right about a hard record
LIMITS = (0.0, 100.0)  # of a number whose question names no bounds

REASONS = (
    "the words for things seen and heard carry more than the words for feelings.",
    "one word near the end of the line turns what came before it.",
    "the movement of the line agrees with what it says.",
    "whoever speaks here keeps a distance from what is told.",
    "without what stands before and after, the line leaves this open.",
)


class Traits(Value):
    """What an agent of type `simulated` may say under `parameters`; most are probabilities."""

    accuracy: float = Field(default=0.8, ge=0, le=1, description="of the answer that is aimed at")
    bias: Mapping[str, float] = Field(default={}, description="label -> weight among errors; 1 where not named")
    consistency: float = Field(default=0.5, ge=0, le=1, description="of the settled answer; 1: all repeats agree")
    perspective_shift: float = Field(default=0.1, ge=0, le=1, description="that the criteria lead to another answer")
    truth: str = Field(default="", description="a column of the records whose value is aimed at; it need not be sent")
    hard: float = Field(default=0, ge=0, le=1, description="share of records, the same for all, where a coin decides")
    conformity: float = Field(default=0, ge=0, le=1, description="that what most prior answers say is copied")
    faithful: float = Field(default=0.95, ge=0, le=1, description="of the majority, where earlier answers are read")
    refusal: float = Field(default=0, ge=0, le=1)
    malformed: float = Field(default=0, ge=0, le=1, description="that the reply is not the JSON asked for")
    latency_ms: float = Field(default=0, ge=0, le=600_000)


class Simulated:
    """Needs no key and no network."""

    simulated: ClassVar[bool] = True

    def __init__(self, agent: Agent, keys: Keys, blobs: Blobs) -> None:
        self.endpoint = "simulated"
        self.local = True
        self._name = agent.name
        self._traits = _traits(agent)
        self._checked: set[str] = set()

    def check(self, codebook: Codebook) -> None:
        """Raises ConfigError where the bias names a label that no question of the codebook has."""
        known = {label for question in codebook.every for label in question.label_names}
        for label in self._traits.bias:
            if label not in known:
                message = f"`bias` names '{label}', which is no label of codebook '{codebook.name}'."
                raise ConfigError(message, where=f"agent '{self._name}'", hint=did_you_mean(label, known))
        self._checked.add(codebook.hash)

    async def complete(self, request: Request) -> Reply:
        job = request.job
        if job.codebook.hash not in self._checked:
            self.check(job.codebook)
        if self._traits.latency_ms:
            await asyncio.sleep(self._traits.latency_ms / 1000)
        draws = Draws(job, asking=len(request.messages), consistency=self._traits.consistency)
        if (refusal := self._refusal(job, draws)) is not None:
            return _reply(request, "", "refusal", refusal)
        answers = {question.name: self._answer(job, question, draws) for question in job.codebook.questions}
        text = to_json(answers).decode()
        if draws.once("malformed") < self._traits.malformed:
            spoilt, finish = _spoil(text, answers, job.codebook, draws.once("kind of malformed"))
            return _reply(request, spoilt, finish, None)
        return _reply(request, text, "stop", None)

    async def close(self) -> None:
        """Nothing is held open."""

    def _refusal(self, job: Job, draws: "Draws") -> str | None:
        if draws.settled("refusal", "") < self._traits.refusal:
            return "Simulated refusal: this reader will not judge this record."
        if job.inputs.keys() - {"priors"} and not _answered(job):
            return "Simulated refusal: there is no answer to read."
        return None

    def _answer(self, job: Job, question: Question, draws: "Draws") -> Any:
        """Within others, a question has its path for a name: `frames.1.problem`."""
        if question.many:
            return self._list(job, question, draws)
        if question.parts:
            return {part.name: self._answer(job, _within(question, part), draws) for part in question.parts}
        label = job.record.label(question.name)
        if label == "" and question.optional:  # a person who says that there is nothing to say
            return None
        if question.level in ("text", "quote") and label is not None:
            return str(label)
        if question.level == "answer":
            return next(reversed(self._cited(job, question, draws)), None if question.optional else "none")
        if question.level == "text":
            return _reason(job, question, draws)
        if question.level == "quote":
            return _passage(job, question, draws, self._traits.accuracy)
        read = [(said[question.name], share) for said, share in draws.read if question.name in said]
        if question.labels:
            return self._label(job, question, draws, read)
        return self._number(job, question, draws, [item for item, _ in read if isinstance(item, (int, float))])

    def _list(self, job: Job, question: Question, draws: "Draws") -> list[Any]:
        """Of labels those that apply, each as if it were asked about alone; of anything else as many entries as the
        human label of `frames.count` says, or none, one or two."""
        one = question.model_copy(update={"many": False})
        if question.labels:
            asked = [one.model_copy(update={"name": name, "labels": YES_NO}) for name in question.label_names]
            return [each.name for each in asked if self._answer(job, _within(question, each), draws) == "yes"]
        if question.level == "answer":
            return self._cited(job, question, draws)
        if question == points_of(job.codebook) and (points := expected_points(job.variant, job.record.metadata)):
            return self._scored(job, question, draws, points)
        counted = str(job.record.label(f"{question.name}.count"))
        drawn = int(draws.settled("how many", question.name) * (MOST_ENTRIES + 1))
        entries = range(1, 1 + (int(counted) if counted.isdecimal() else drawn))
        numbered = (one.model_copy(update={"name": str(number)}) for number in entries)
        return [self._answer(job, _within(question, each), draws) for each in numbered]

    def _cited(self, job: Job, question: Question, draws: "Draws") -> list[str]:
        """Ids of answers that were read, one or two; where the reader errs, one that nobody gave."""
        given = sorted({one.shown_id for one in _answered(job)}, key=lambda one: draws.once(one, question.name))
        kept = given[: 1 + int(draws.once("how many", question.name) * MOST_ENTRIES)]
        if not given or draws.settled("accuracy", question.name) < self._traits.accuracy:
            return kept
        return [*kept[:1], f"{int(draws.once('error', question.name) * 16**8):08x}"]

    def _scored(self, job: Job, question: Question, draws: "Draws", points: Sequence[Point]) -> list[Any]:
        """A verdict on every point in every answer that was read, or in the item."""
        read = [one.shown_id for one in _answered(job)] if job.inputs else [None]
        entries = []
        for number, (shown, one) in enumerate(product(read, points), 1):
            numbered = question.model_copy(update={"many": False, "name": f"{question.name}.{number}"})
            entries.append(self._answer(job, numbered, draws) | {"point": one.words, "answer": shown})
        return entries

    def _label(self, job: Job, question: Question, draws: "Draws", read: Read) -> str | None:
        labels = question.label_names
        shown = [(said[question.name], Fraction(1)) for said in draws.shown if question.name in said]
        if shown and draws.once("conformity", question.name) < self._traits.conformity:
            return _mode(shown, draws, question.name)
        if read:
            aim = _mode(read, draws, question.name)
            right = draws.once("faithful", question.name) < self._traits.faithful
        else:
            aim = self._aim(job, question, labels, draws)
            hard = self._traits.hard > 0 and _uniform(f"hard|{job.seen_hash}|{question.name}") < self._traits.hard
            right = draws.settled("accuracy", question.name) < (COIN if hard else self._traits.accuracy)
        if right:
            return aim
        others = [label for label in labels if label != aim]
        weights = [self._traits.bias.get(label, 1.0) for label in others]
        return _pick(others, weights, draws.settled("error", question.name))

    def _aim(self, job: Job, question: Question, labels: Sequence[str], draws: "Draws") -> str:
        """The truth as this reader sees it: a perspective leads all readers it leads at all to the same other label."""
        truth = _truth(job, question.name, labels)
        if self._traits.truth:
            if self._traits.truth not in job.record.metadata:
                raise Permanent(f"`truth` names a column '{self._traits.truth}', which the record does not have.")
            column = str(job.record.metadata[self._traits.truth])
            truth = column if column in labels else truth
        if job.perspective is None or draws.of_perspective("led", question.name) >= self._traits.perspective_shift:
            return truth
        others = [label for label in labels if label != truth]
        return others[int(draws.of_perspective("where to", question.name) * len(others))]

    def _number(self, job: Job, question: Question, draws: "Draws", read: Sequence[float]) -> float:
        """The truth, or the middle of the answers read, with noise that grows as the accuracy falls."""
        low, high = _bounds(question)
        if read:
            centre, spread = float(sorted(read)[len(read) // 2]), (1 - self._traits.faithful) * (high - low)
        else:
            centre, spread = _true_number(job, question), (1 - self._traits.accuracy) * (high - low)
            if job.perspective and draws.of_perspective("led", question.name) < self._traits.perspective_shift:
                centre += (draws.of_perspective("where to", question.name) - 0.5) * (high - low) / 2
        if spread == 0:
            return min(max(centre, low), high)
        noise = sum(draws.settled(f"noise {part}", question.name) for part in (1, 2, 3)) / 1.5 - 1  # a hill, -1 to 1
        return min(max(round(centre + noise * spread, 3), low), high)


class Draws:
    """Numbers from 0 to 1 for one asking, each a hash of what it is for."""

    __slots__ = ("_asked", "_perspective", "_record", "_settled", "read", "shown")

    def __init__(self, job: Job, *, asking: int, consistency: float) -> None:
        base = _base(job.seed)
        self._asked = f"{base}|{job.job_id}|{asking}"  # asked again after a spoilt reply, it answers anew
        self._record = f"{base}|{job.agent.name}|{job.record.record_id}|{job.seen_hash}"
        self._perspective = f"{base}|{job.perspective.name if job.perspective else ''}|{job.seen_hash}"
        self._settled = self.once("settled") < consistency
        answers = _answered(job)
        asked = Counter(answer.agent for answer in answers)  # a reader has one vote, however often it was asked
        self.shown = [said_by_path(job.codebook, one.values) for one in job.inputs.get("priors", ())]
        self.read = [(said_by_path(job.codebook, one.values), Fraction(1, asked[one.agent])) for one in answers]

    def once(self, purpose: str, question: str = "") -> float:
        """Drawn anew at each asking."""
        return _uniform(f"{self._asked}|{purpose}|{question}")

    def settled(self, purpose: str, question: str) -> float:
        """This reader's habit with this record, or, where habit does not rule this asking, drawn anew."""
        return _uniform(f"{self._record if self._settled else self._asked}|{purpose}|{question}")

    def of_perspective(self, purpose: str, question: str) -> float:
        """What a perspective does to a record, to whichever reader."""
        return _uniform(f"{self._perspective}|{purpose}|{question}")


@lru_cache(maxsize=64)
def _base(seed: int) -> str:
    return str(derive_seed(seed, "simulated"))


def _uniform(text: str) -> float:
    """A hash where a random generator would do: it costs a microsecond and remembers nothing."""
    return int.from_bytes(blake2b(text.encode("utf-8", "surrogatepass"), digest_size=6).digest(), "big") / (1 << 48)


def _traits(agent: Agent) -> Traits:
    where = f"agent '{agent.name}'"
    for name in agent.parameters:
        if name not in Traits.model_fields:
            message = f"a simulated reader has no parameter '{name}'."
            raise ConfigError(message, where=where, hint=did_you_mean(name, Traits.model_fields))
    try:
        traits = Traits.model_validate(dict(agent.parameters))
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(item) for item in first["loc"])
        hint = "Probabilities run from 0 to 1; `bias` is a map of label: weight; `latency_ms` is in milliseconds."
        raise ConfigError(
            f"`parameters.{key}` is {first['input']!r}: {first['msg']}.", where=where, hint=hint
        ) from error
    if any(weight < 0 for weight in traits.bias.values()):
        raise ConfigError("a weight in `parameters.bias` is below 0.", where=where, hint="0 is: never.")
    return traits


def _answered(job: Job) -> list[Answer]:
    """Of the steps that it reads; prior answers are shown, and not to be summed up."""
    read = (items for name, items in job.inputs.items() if name != "priors")
    return [item for items in read for item in items if item.status == "answered"]


def _mode(read: Read, draws: Draws, question: str) -> str | None:
    """What most say; a tie is drawn."""
    votes: dict[str | None, Fraction] = {}
    for item, share in read:
        given = item if item is None else str(item)
        votes[given] = votes.get(given, Fraction(0)) + share
    most = max(votes.values())
    tied = sorted((item for item in votes if votes[item] == most), key=str)
    return tied[int(draws.once("tie", question) * len(tied))]


def _within(question: Question, part: Question) -> Question:
    return part.model_copy(update={"name": f"{question.name}.{part.name}"})


def _passage(job: Job, question: Question, draws: Draws, accuracy: float) -> str:
    """Words of the record; where the reader errs, in capitals, or words that are not in it."""
    text = job.record.text
    start = text.rfind(" ", 0, int(draws.settled("where", question.name) * len(text))) + 1
    end = text.find(" ", start + PASSAGE)
    passage = text[start:] if end < 0 else text[start:end]
    if draws.settled("accuracy", question.name) < accuracy:
        return passage
    return passage.upper() if draws.settled("error", question.name) < 0.5 else "Simulated words that are not there."


def _truth(job: Job, question: str, labels: Sequence[str]) -> str:
    """The human label, or one that hangs on the record's content alone."""
    label = job.record.label(question)
    if label is not None and str(label) in labels:
        return str(label)
    return labels[int(_uniform(f"truth|{job.seen_hash}|{question}") * len(labels))]


def _true_number(job: Job, question: Question) -> float:
    label = job.record.label(question.name)
    if isinstance(label, (int, float)):
        return float(label)
    low, high = _bounds(question)
    return round(low + (high - low) * _uniform(f"truth|{job.seen_hash}|{question.name}"), 3)


def _bounds(question: Question) -> tuple[float, float]:
    low = LIMITS[0] if question.minimum is None else question.minimum
    high = max(LIMITS[1], low + 1) if question.maximum is None else question.maximum
    return min(low, high), high


def _pick(labels: Sequence[str], weights: Sequence[float], draw: float) -> str:
    """By weight; evenly where all weights are 0."""
    shares = weights if sum(weights) > 0 else [1.0] * len(labels)
    left = draw * sum(shares)
    for label, share in zip(labels, shares, strict=True):
        left -= share
        if left < 0:
            return label
    return labels[-1]


def _reason(job: Job, question: Question, draws: Draws) -> str:
    if draws.read:
        closed = next((leaf.name for leaf in job.codebook.leaves if leaf.labels), "")
        votes = Counter(str(said[closed]) for said, _ in draws.read if closed in said)
        if votes:
            return (
                "Simulated summary: " + ", ".join(f"{count} say {label}" for label, count in votes.most_common()) + "."
            )
    number = int(draws.settled("reason", question.name) * len(REASONS))
    return f"Simulated reason {number + 1} of {len(REASONS)}: {REASONS[number]}"


def _spoil(text: str, answers: Mapping[str, Any], codebook: Codebook, draw: float) -> tuple[str, Finish]:
    """Spoils a reply, a sixth each: cut, fenced, in prose, after thinking, a comma too many, no such label."""
    kind = int(draw * 6)
    if kind == 0:
        return text[: max(1, len(text) * 2 // 3)], "length"
    closed = next((question.name for question in codebook.questions if question.labels), None)
    spoilt = (
        f"```json\n{text}\n```",
        f"Here is my reading of the text:\n\n{text}\n\nI hope this helps!",
        f"<think>The question asks for JSON.</think>\n{text}",
        text[:-1] + ",}",
        to_json({**answers, closed: "undecided_simulated"}).decode() if closed else "undecided_simulated",
    )
    return spoilt[kind - 1], "stop"


def _reply(request: Request, text: str, finish: Finish, refusal: str | None) -> Reply:
    characters = sum(len(message.text) for message in request.messages)
    said = text or refusal or ""
    usage = Usage(input_tokens=_tokens(characters), output_tokens=_tokens(len(said)))
    response_id = f"simulated-{request.job.job_id[:12]}-{len(request.messages)}"
    raw = {
        "simulated": True,
        "id": response_id,
        "model": MODEL,
        "finish": finish,
        "text": text,
        "refusal": refusal,
        "usage": {"input": usage.input_tokens, "output": usage.output_tokens, "estimate": "characters / 4"},
    }
    return Reply(
        text=text,
        refusal=refusal,
        finish=finish,
        usage=usage,
        model_returned=MODEL,
        response_id=response_id,
        raw=to_json(raw).decode(),
        seed_honoured=None if request.seed is None else True,
        simulated=True,
    )


def _tokens(characters: int) -> int:
    return -(-characters // CHARACTERS_A_TOKEN)
