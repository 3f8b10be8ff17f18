"""Sentence embeddings by a model on this machine: the mean of its last layer over the words of a text, as in Reimers
and Gurevych (2019), Sentence-BERT, section 3; or `pooling: cls`, its first token, where the model's card says so."""

import asyncio
from collections.abc import Sequence
from functools import cached_property
from typing import Any

import torch
from transformers import AutoModel, AutoTokenizer

from buttermilk.core.flows import Agent
from buttermilk.tools.local import Batches, LocalModel, batch_of

POOLING = ("mean", "cls")


class LocalEmbedding:
    """Opens its model at the first text."""

    def __init__(self, agent: Agent) -> None:
        self._model = LocalModel(agent)
        self._pooling = agent.parameters.get("pooling", "mean")
        if self._pooling not in POOLING:
            raise self._model.wrong(f"there is no pooling '{self._pooling}'.", f"There are: {', '.join(POOLING)}")
        self._batches = Batches(self._read, batch_of(agent))
        self.endpoint = f"transformers on {self._model.device}"

    @property
    def version(self) -> str:
        return f"{self._loaded[2]}, {self._pooling}"

    async def vectors(self, texts: Sequence[str]) -> list[list[float]]:
        return await asyncio.gather(*(self._batches.one(text) for text in texts))

    async def close(self) -> None:
        """The model is given back with the tool."""

    @cached_property
    def _loaded(self) -> tuple[Any, Any, str]:
        tokenizer = self._model.load(AutoTokenizer.from_pretrained)
        model = self._model.load(AutoModel.from_pretrained, dtype=self._model.dtype).to(self._model.device).eval()
        return tokenizer, model, self._model.version(model.config)

    def _read(self, texts: list[str]) -> list[list[float]]:
        tokenizer, model, _ = self._loaded
        sound = [text.encode("utf-8", "replace").decode() for text in texts]
        longest = self._model.longest(tokenizer, model.config)
        given = tokenizer(sound, padding=True, truncation=True, max_length=longest, return_tensors="pt")
        given = given.to(self._model.device)
        with torch.inference_mode():
            layer = model(**given).last_hidden_state.float()
        there = given["attention_mask"].unsqueeze(-1).float()
        means = (layer * there).sum(dim=1) / there.sum(dim=1).clamp(min=1.0)
        found: list[list[float]] = (layer[:, 0] if self._pooling == "cls" else means).tolist()
        return found
