"""A text classifier of Hugging Face's `transformers`, run on this machine: nothing leaves it.

    type: transformers
    model: /models/toxicity               # a folder, or a name on the hub
    parameters:
      labels: [toxic, neutral]            # as the model has them: each is a score from 0 to 1
      device: auto                        # the graphics card if there is one; else the processor
      answers:
        harmful: [{label: "yes", when: {toxic: "> neutral"}}, {label: "no"}]

    raw: {"tokens": 212, "cut": False, "toxic": 0.91, "neutral": 0.09}

`cut` is true where the text was longer than the model reads, and only its beginning was read. The pipeline:
https://huggingface.co/docs/transformers/main_classes/pipelines#transformers.TextClassificationPipeline
"""

from collections.abc import Mapping
from functools import cached_property
from typing import Any, NamedTuple

from transformers import pipeline

from buttermilk.core.contracts import Keys
from buttermilk.core.flows import Agent
from buttermilk.core.jobs import Job
from buttermilk.core.messages import Output
from buttermilk.core.values import Json
from buttermilk.tools.local import PARAMETERS, Batches, LocalModel, batch_of
from buttermilk.tools.scales import Scaled, scale_of, text_of


class Loaded(NamedTuple):
    """The pipeline, how many tokens it reads, and what it is called with its version."""

    classify: Any
    longest: int
    version: str


class TransformersTool(Scaled):
    """Opens its model at the first text."""

    def __init__(self, agent: Agent, keys: Keys) -> None:
        self._model = LocalModel(agent)
        labels = agent.parameters.get("labels")
        if not isinstance(labels, list) or not labels or not all(isinstance(label, str) for label in labels):
            hint = "Like this: labels: [toxic, neutral]; the model's card or its config.json names them."
            raise self._model.wrong("`parameters.labels` does not say which labels the model gives.", hint)
        self._labels = sorted(map(str, labels))
        self._scale = scale_of(agent, ["tokens", *self._labels], also=("labels", *PARAMETERS))
        self._batches = Batches(self._read, batch_of(agent))
        self.endpoint = f"transformers on {self._model.device}"

    async def call(self, job: Job) -> Output:
        self.check(job.codebook)
        raw = await self._batches.one(text_of(job))
        return Output(values=self._scale.values(job.codebook, raw), raw=raw, version=self._loaded.version)

    @cached_property
    def _loaded(self) -> Loaded:
        """Raises ConfigError where there is no such model, or it has other labels."""

        def opened(name: str, **more: Any) -> Any:
            return pipeline("text-classification", model=name, device=self._model.device, **more)

        found = self._model.load(opened, dtype=self._model.dtype)
        config = found.model.config
        has = sorted(map(str, config.id2label.values()))
        if has != self._labels:
            raise self._model.wrong("the model has other labels.", f"Write: labels: [{', '.join(has)}]")
        return Loaded(found, self._model.longest(found.tokenizer, config), self._model.version(config))

    def _read(self, texts: list[str]) -> list[Mapping[str, Json]]:
        model = self._loaded
        sound = [text.encode("utf-8", "replace").decode() for text in texts]  # half a character is none to a tokenizer
        counts = [len(ids) for ids in model.classify.tokenizer(sound, verbose=False)["input_ids"]]
        said = model.classify(sound, top_k=None, truncation=True, max_length=model.longest, batch_size=len(sound))
        return [
            {"tokens": count, "cut": count > model.longest, **{one["label"]: float(one["score"]) for one in scores}}
            for count, scores in zip(counts, said, strict=True)
        ]
