"""How near a text is to texts that you write down: the cosine of their sentence embeddings, from -1 to 1.

    type: similarity
    base_url: https://api.openai.com/v1   # whoever speaks OpenAI's embeddings; without it a model on this machine
    model: text-embedding-3-small
    key: secret://env/OPENAI_API_KEY
    parameters:
      references:
        grief: [she wept all night, nothing was left of the house]
        joy: [the children danced]
      answers:
        feeling: [{label: positive, when: {joy: "> grief"}}, {label: negative}]

    raw: {"grief": 0.61, "joy": 0.34}

The score of a name is that of its nearest text. Cosines of two models are on two scales: move the thresholds when you
change the model. Wire format: https://platform.openai.com/docs/api-reference/embeddings (read 2026-11).
"""

import asyncio
import json
import math
from collections.abc import Mapping, Sequence
from operator import mul
from typing import Protocol

from pydantic_core import from_json
from yarl import URL

from buttermilk.core.contracts import Keys
from buttermilk.core.errors import ConfigError, Permanent, Unavailable
from buttermilk.core.flows import Agent
from buttermilk.core.jobs import Job
from buttermilk.core.messages import Output
from buttermilk.core.values import Json
from buttermilk.plugins import opened
from buttermilk.tools.scales import Scaled, scale_of, text_of
from buttermilk.wire import Wire, message_in

Vector = list[float]
LOCAL = ("device", "dtype", "revision", "batch", "pooling")


class Embeds(Protocol):
    """A service, or a model on this machine."""

    endpoint: str

    @property
    def version(self) -> str: ...
    async def vectors(self, texts: Sequence[str]) -> list[Vector]: ...
    async def close(self) -> None: ...


class Similarity(Scaled):
    """Embeds its references once, at the first text."""

    def __init__(self, agent: Agent, keys: Keys) -> None:
        self._references = references_of(agent)
        self._scale = scale_of(agent, self._references, also=("references", *(() if agent.base_url else LOCAL)))
        self._model = Service(agent, keys) if agent.base_url else _local(agent)
        self.endpoint = self._model.endpoint
        self._known: dict[str, list[Vector]] = {}
        self._lock = asyncio.Lock()

    async def call(self, job: Job) -> Output:
        self.check(job.codebook)
        text = text_of(job)
        known = await self._embedded()
        (vector,) = await self._model.vectors([text])
        raw: dict[str, Json] = {name: max(cosine(vector, one) for one in found) for name, found in known.items()}
        return Output(values=self._scale.values(job.codebook, raw), raw=raw, version=self._model.version)

    async def vectors(self, texts: Sequence[str]) -> list[Vector]:
        """The embeddings themselves, for a prompt's tests."""
        return await self._model.vectors(texts)

    async def close(self) -> None:
        await self._model.close()

    async def _embedded(self) -> Mapping[str, list[Vector]]:
        async with self._lock:
            if not self._known:
                vectors = iter(
                    await self._model.vectors([text for texts in self._references.values() for text in texts])
                )
                self._known = {name: [next(vectors) for _ in texts] for name, texts in self._references.items()}
        return self._known


class Service:
    """An address that speaks OpenAI's embeddings."""

    def __init__(self, agent: Agent, keys: Keys) -> None:
        self._agent = agent
        self.endpoint = agent.base_url.rstrip("/")
        self.version = agent.model
        named = {"Authorization": agent.key, **agent.headers}
        secrets = {text: keys(text).reveal() for text in named.values() if text.startswith("secret://")}
        headers = {name: secrets.get(text, text) for name, text in named.items() if text}
        if agent.key:
            headers["Authorization"] = f"Bearer {headers['Authorization']}"
        self._wire = Wire({"Content-Type": "application/json", **headers}, agent.limits, secrets.values())

    async def vectors(self, texts: Sequence[str]) -> list[Vector]:
        """Raises Unavailable where the reply is no embedding of each text."""
        asked = {"model": self._agent.model, "input": list(texts), "encoding_format": "float"}
        body = json.dumps(asked).encode()
        raw, _ = await self._wire.post(URL(f"{self.endpoint}/embeddings"), body)
        try:
            found = from_json(raw, allow_inf_nan=False)
            data = sorted(found["data"], key=lambda one: int(one["index"]))
            vectors = [[float(number) for number in one["embedding"]] for one in data]
            self.version = str(found.get("model") or self.version)
        except (ValueError, KeyError, TypeError) as error:
            said = raw.decode("utf-8", "replace")
            raise Unavailable(
                f"the reply is no embedding: {message_in(said)}", kind="malformed", raw=said[:10_000]
            ) from error
        if len(vectors) != len(texts):
            raise Unavailable(f"{len(texts)} texts were sent, and {len(vectors)} embeddings came.", kind="malformed")
        return vectors

    async def close(self) -> None:
        await self._wire.close()


def cosine(one: Vector, other: Vector) -> float:
    """`cosine([1, 0], [1, 1])` -> 0.7071…. Raises Permanent where they cannot be compared."""
    if len(one) != len(other):
        raise Permanent(f"embeddings of {len(one)} and of {len(other)} numbers cannot be compared", kind="malformed")
    lengths = math.hypot(*one) * math.hypot(*other)
    if not lengths:
        raise Permanent("an embedding of zeros has no direction", kind="malformed")
    return max(-1.0, min(1.0, math.fsum(map(mul, one, other)) / lengths))


def references_of(agent: Agent) -> dict[str, list[str]]:
    """Name -> texts. Raises ConfigError where there is nothing to compare with."""
    found = agent.parameters.get("references")
    sound = isinstance(found, dict) and found
    texts = {name: [said] if isinstance(said, str) else said for name, said in found.items()} if sound else {}  # type: ignore[union-attr]
    for name, said in texts.items():
        if not isinstance(said, list) or not said or not all(isinstance(text, str) and text.strip() for text in said):
            raise ConfigError(
                f"`references.{name}` is not a list of texts.", where=f"agent '{agent.name}'", hint="grief: [she wept]"
            )
    if not texts:
        hint = "Like this: references: {grief: [she wept all night], joy: [the children danced]}"
        raise ConfigError("`parameters.references` holds no text.", where=f"agent '{agent.name}'", hint=hint)
    return {name: list(map(str, said)) for name, said in texts.items() if isinstance(said, list)}


def _local(agent: Agent) -> Embeds:
    module = opened("buttermilk.tools.embedding", f"agent '{agent.name}' (`similarity` without a `base_url`)")
    model: Embeds = module.LocalEmbedding(agent)
    return model
