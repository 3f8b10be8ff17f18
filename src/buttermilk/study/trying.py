"""`doctor --live`: each model is asked one small question, and what of it works, what does not, and why is said.

The question hides what is to be seen: where the answer's schema is asked for by the API, the prompt does not say how to
answer; and the colour of the picture stands nowhere in words. A question that is not taken at all costs nothing: it is
put again without its picture, its schema or its seed, to find which of them it was.
"""

import asyncio
import time
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from struct import pack

from buttermilk.config import compose, compose_agents, flows
from buttermilk.core.contracts import Keys, Model
from buttermilk.core.errors import ButtermilkError, ProviderError, SecretError, TimedOut, did_you_mean
from buttermilk.core.flows import Agent, Codebook, LabelDefinition, Prompt, Question, Section
from buttermilk.core.hashing import sha256
from buttermilk.core.jobs import Job
from buttermilk.core.messages import Reply, Request
from buttermilk.core.records import Part, Record
from buttermilk.engine.assemble import assemble
from buttermilk.engine.attempt import cost
from buttermilk.engine.parse import Forms, parse
from buttermilk.plugins import find
from buttermilk.study.keys import keys_of
from buttermilk.study.served import served, with_model

PATIENCE_SECONDS = 60.0
SIDE = 64  # pixels; some models take no smaller picture than 28
COLOURS = {"red": b"\xd0\x20\x20", "green": b"\x20\xa0\x40", "blue": b"\x20\x50\xd0", "yellow": b"\xf0\xd0\x20"}
DOOR, PICTURE = "blue", "red"  # the right answers
UNREACHED = ("unreachable", "reset", "bad_url")
NOT_TAKEN = (400, 404, 413, 415, 422, 500, 501)  # statuses of an API that may dislike a part of the question
MEND = {
    "image": "Under `capabilities` take `image` out of `inputs`: then its words are sent in its place.",
    "schema": "Under `capabilities` let `answers:` be another of native, tool, prompted.",
    "seed": "Under `capabilities` take out `seed: true`.",
}
CHECKS = ("key", "reached", "answered", "schema", "seed", "image")
SHOWN = 160  # characters of an answer that should have been another


@dataclass
class Trial:
    """One model, asked once. A check is None where there was nothing to check, or it did not come to that."""

    agent: str
    model: str = ""
    endpoint: str = ""
    strategy: str = ""
    key: bool | None = None
    reached: bool | None = None
    answered: bool | None = None
    schema: bool | None = None
    seed: bool | None = None
    image: bool | None = None
    said: str = ""
    hint: str = ""
    model_returned: str = ""
    tokens: int = 0
    cost: float | None = None
    currency: str = ""
    price: str = ""
    seconds: float = 0.0

    @property
    def well(self) -> bool:
        return self.answered is True and all(getattr(self, name) is not False for name in CHECKS)

    def wrong(self, said: str, hint: str = "") -> None:
        """What is said first is what is to be mended first."""
        if not self.said:
            self.said, self.hint = said, hint


async def try_models(root: Path, *, every: bool = False, patience_seconds: float = PATIENCE_SECONDS) -> list[Trial]:
    """Each model that the study's flows name, or `every` one it has a file for, asked at the same time."""
    found, broken = (compose_agents(root), []) if every else _agents_of_flows(root)
    keys = keys_of(root)
    async with asyncio.TaskGroup() as group:
        # A simulated one is no model: that it works is for the tests to say.
        models = [agent for agent in found if agent.role == "model" and agent.type != "simulated"]
        asked = [group.create_task(tried(agent, keys, patience_seconds)) for agent in models]
    return [*(task.result() for task in asked), *broken]


def _agents_of_flows(root: Path) -> tuple[list[Agent], list[Trial]]:
    found: dict[tuple[str, str], Agent] = {}
    broken = []
    for name in flows(root):
        try:
            composed = compose(root, name)
        except ButtermilkError as error:
            hint = " ".join(filter(None, (error.where, error.hint)))
            broken.append(Trial(f"flow {name}", said=error.message, hint=hint))
        else:
            agents = [agent for flow in composed.flows for step in flow.steps for agent in step.agents]
            found |= {(agent.name, agent.hash): agent for agent in agents}
    return list(found.values()), broken


# ---- one model


async def tried(agent: Agent, keys: Keys, patience_seconds: float = PATIENCE_SECONDS) -> Trial:
    """One model, asked."""
    trial = Trial(agent.name, agent.model, agent.base_url, agent.capabilities.answers)
    began = time.monotonic()
    try:
        agent, plug = await asyncio.to_thread(_opened, agent, keys, patience_seconds)
        trial.model, trial.endpoint = agent.model, plug.endpoint
        trial.key = True if agent.key or agent.door else None
        try:
            await _ask(trial, agent, plug)
        finally:
            await plug.close()
    except ButtermilkError as error:
        await _blame(trial, error, agent, keys)
    trial.seconds = time.monotonic() - began
    return trial


def _opened(agent: Agent, keys: Keys, patience_seconds: float) -> tuple[Agent, Model]:
    """Vaults and lists of models are asked in a thread: they may wait for the network."""
    agent = with_model(agent, keys)
    patience = min(agent.limits.timeout_seconds, patience_seconds)
    agent = agent.model_copy(update={"limits": agent.limits.model_copy(update={"timeout_seconds": patience})})
    plug: Model = find("models", agent.type)(agent, keys, lambda key: PNG)
    return agent, plug


async def _ask(trial: Trial, agent: Agent, plug: Model) -> None:
    request = question(agent)
    try:
        reply = await plug.complete(request)
    except ProviderError as error:
        part, found = await _without_a_part(plug, request, error)
        if found is None:
            raise
        trial.wrong(f"`{part}` is not taken: {error.message}", MEND[part])
        setattr(trial, part, False)
        reply = found
    _count(trial, agent, reply)
    _judge(trial, request, reply)


async def _without_a_part(plug: Model, request: Request, error: ProviderError) -> tuple[str, Reply | None]:
    """Which part of the question it was that the model did not take, and its answer without it."""
    for part, fewer in _fewer(request) if error.http_status in NOT_TAKEN else ():
        try:
            return part, await plug.complete(fewer)
        except ProviderError:
            continue
    return "", None


def _fewer(request: Request) -> Iterator[tuple[str, Request]]:
    if any(message.media for message in request.messages):
        yield "image", request._replace(messages=tuple(message._replace(media=()) for message in request.messages))
    if request.agent.capabilities.answers != "prompted":
        yield "schema", request._replace(codebook=None)
    if request.seed is not None:
        yield "seed", request._replace(seed=None)


def _count(trial: Trial, agent: Agent, reply: Reply) -> None:
    trial.reached, trial.model_returned = True, reply.model_returned
    trial.tokens = reply.usage.input_tokens + reply.usage.output_tokens
    trial.cost = cost(agent, reply.usage)
    if agent.price:
        trial.currency, trial.price = agent.price.currency, agent.price.version


def _judge(trial: Trial, request: Request, reply: Reply) -> None:
    """What of the question was heeded, by what the answer says."""
    trial.answered = reply.refusal is None and reply.finish not in ("refusal", "filter")
    if not trial.answered:
        return trial.wrong(f"it refused: {reply.refusal or reply.text or reply.finish}")
    if request.seed is not None and trial.seed is None:
        trial.seed = reply.seed_honoured is not False
    if reply.finish == "length":
        trial.schema = False
        thought = f", {reply.usage.reasoning_tokens:,} of them thinking" if reply.usage.reasoning_tokens else ""
        said = f"the answer was cut off after {reply.usage.output_tokens:,} tokens{thought}."
        return trial.wrong(said, "Allow it more under `parameters` (max_tokens, or what its API calls it).")
    if trial.schema is None:
        _judge_answer(trial, request, reply)
    return None


def _judge_answer(trial: Trial, request: Request, reply: Reply) -> None:
    found = parse(reply.text, Forms().of(request.codebook or TEXT_ALONE))
    trial.schema = found.answers is not None
    if found.answers is None:
        hint = MEND["schema"]
        return trial.wrong(f"the answer is not of the form that was asked for: {reply.text[:SHOWN]!r}", hint)
    if "picture" in found.answers and trial.image is None:
        trial.image = found.answers["picture"] == PICTURE
        if not trial.image:
            said = f"it was sent a {PICTURE} picture and says that it is {found.answers['picture']}: it may not see it."
            trial.wrong(said, MEND["image"])
    return None


async def _blame(trial: Trial, error: ButtermilkError, agent: Agent, keys: Keys) -> None:
    """Which check an error is about."""
    hint = error.hint
    if isinstance(error, SecretError):
        trial.key = False
    elif isinstance(error, ProviderError):
        trial.reached = error.kind not in UNREACHED
        trial.answered = False if trial.reached else None
        if error.http_status in (401, 403):
            trial.key = False
        hint = hint or await _what_to_do(error, agent, keys)
    trial.wrong(error.message, hint)


async def _what_to_do(error: ProviderError, agent: Agent, keys: Keys) -> str:
    if error.http_status in (401, 403):
        where = f"the one in {agent.key}" if agent.key else "none is sent: write `key: secret://env/NAME`"
        return f"The key is not accepted ({where}), or has no right to this model."
    if error.http_status == 404:
        return f"Is `model: {agent.model}` its name there? {await asyncio.to_thread(_names, agent, keys)}"
    if error.kind in UNREACHED or error.kind == "malformed":
        return f"Is the server running, and is its address right ({agent.base_url})?"
    if isinstance(error, TimedOut):
        return "A local model may still be loading: try again, or allow it more: --patience 300"
    if error.http_status in (402, 429):
        return "The provider asks for patience, or for money: look at your account's limits and credit."
    return "The provider's own fault, as it says: try again later." if error.http_status >= 500 else ""


def _names(agent: Agent, keys: Keys) -> str:
    """Where the server lists its models, the nearest name."""
    try:
        return did_you_mean(agent.model, served(agent, keys)[:20])
    except ButtermilkError:
        return ""


# ---- the question


def _asks(name: str, ask: str) -> Question:
    return Question(name=name, ask=ask, labels=tuple(LabelDefinition(name=colour) for colour in COLOURS))


ABOUT_TEXT = _asks("door", "Which colour has the door?")
ABOUT_PICTURE = _asks("picture", "Which colour has the picture?")
TEXT_ALONE = Codebook(name="doctor", questions=(ABOUT_TEXT,))
WITH_PICTURE = Codebook(name="doctor", questions=(ABOUT_TEXT, ABOUT_PICTURE))
PLAIN = "{{ record.text }}\n\n{% for question in codebook.questions %}{{ question.ask }}\n{% endfor %}"
IN_WORDS = (
    "{{ record.text }}\n\n{{ codebook.instructions }}\n\n"
    "Answer with one JSON object, its keys named as the questions are. Write nothing before or after it."
)


def question(agent: Agent) -> Request:
    """What one model is asked: `The house has a blue door.`, and where it takes pictures, a red one."""
    sees = "image" in agent.capabilities.inputs
    parts = (Part(text=f"The house has a {DOOR} door."), *((DRAWN,) if sees else ()))
    record = Record(record_id="doctor", parts=parts)
    template = IN_WORDS if agent.capabilities.answers == "prompted" else PLAIN
    return assemble(
        Job(
            step="doctor",
            record=record,
            seen_hash=record.seen_hash(()),
            agent=agent,
            prompt=Prompt(name="doctor", sections=(Section(role="user", template=template),)),
            codebook=WITH_PICTURE if sees else TEXT_ALONE,
        )
    )


def drawn(colour: bytes) -> bytes:
    """A PNG of one colour: https://www.w3.org/TR/png-3/"""
    rows = (b"\x00" + colour * SIDE) * SIDE
    chunks: Mapping[bytes, bytes] = {
        b"IHDR": pack(">IIBBBBB", SIDE, SIDE, 8, 2, 0, 0, 0),
        b"IDAT": zlib.compress(rows),
        b"IEND": b"",
    }
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        pack(">I", len(data)) + kind + data + pack(">I", zlib.crc32(kind + data)) for kind, data in chunks.items()
    )


PNG = drawn(COLOURS[PICTURE])
DRAWN = Part(kind="image", blob=sha256(PNG), media_type="image/png", alt="a picture")
