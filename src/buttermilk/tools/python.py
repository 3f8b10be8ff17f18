"""A function of your own as a tool: `type: python`.

    parameters:
      function: my_measures.verse:rhyme     # package.module:name, installed or on the PYTHONPATH
      scores: [rhymes, metre]               # what it returns: {"rhymes": 3, "metre": "iambic"}
      answers: {rhymed: [{label: "yes", when: {rhymes: ">= 1"}}, {label: "no"}], metre: metre}

It is called in a thread with the record's text; if its first parameter is called `record`, with the record as an agent
may see it: no labels, and of the metadata only what may be sent. What it returns is kept whole in `raw`, so thresholds
can be moved afterwards (`scales.apply_rules`). A change of its code asks nobody again: for that, raise `model: "2"` in
the agent's file, which is part of who answers. The version on each answer has the fingerprint of its file.
"""

import asyncio
import inspect
from collections.abc import Mapping
from pathlib import Path
from traceback import format_exception
from typing import Any, ClassVar

from pydantic import ValidationError

from buttermilk.core.contracts import Keys
from buttermilk.core.errors import ConfigError, Permanent, ProviderError
from buttermilk.core.flows import Agent
from buttermilk.core.hashing import digest
from buttermilk.core.jobs import Job
from buttermilk.core.messages import Output
from buttermilk.core.records import Record
from buttermilk.plugins import function, takes
from buttermilk.tools.scales import Scaled, scale_of, text_of


class PythonTool(Scaled):
    """Finds its function when it is made, so that a wrong name is told before anything is asked."""

    deterministic: ClassVar[bool] = False  # nobody knows what a function does

    def __init__(self, agent: Agent, keys: Keys) -> None:
        self._where = f"agent '{agent.name}'"
        self._name = agent.parameters.get("function")
        self.endpoint = f"python {self._name}"
        scores = agent.parameters.get("scores")
        if not isinstance(scores, list) or not all(isinstance(name, str) for name in scores):
            raise self._wrong(
                "`parameters.scores` does not list what the function returns.", "Like this: scores: [rhymes]"
            )
        self._scale = scale_of(agent, map(str, scores), also=["function", "scores"])
        self._function = function(str(self._name), "parameters.function", self._where)
        self._reads_record = takes(self._function, "record")
        own = inspect.unwrap(self._function)
        file = inspect.getsourcefile(own) if inspect.isfunction(own) else None
        code = digest(Path(file).read_bytes())[:8] if file else ""
        self._version = " ".join(filter(None, [str(self._name), agent.model, code]))

    async def call(self, job: Job) -> Output:
        self.check(job.codebook)
        text = text_of(job)
        given = _seen(job) if self._reads_record else text
        said: Any = (await asyncio.gather(asyncio.to_thread(self._function, given), return_exceptions=True))[0]
        if isinstance(said, BaseException):
            raise self._failed(said)
        if not isinstance(said, Mapping):
            raise Permanent(f"{self._name} returned {type(said).__name__}, and not scores by name", kind="python")
        try:
            kept = Output(values={}, raw=said).raw
        except ValidationError as error:
            raise Permanent(f"{self._name} returned what JSON cannot hold: {said!r:.200}", kind="python") from error
        return Output(values=self._scale.read(job.codebook, kept), raw=kept, version=self._version)

    def _failed(self, error: BaseException) -> BaseException:
        """What it raised, as a failure of this one answer; an error of `core.errors` says itself what it is."""
        if isinstance(error, ProviderError) or not isinstance(error, Exception):
            return error
        raw = "".join(format_exception(error))
        return Permanent(f"{self._name} raised {type(error).__name__}: {error}", kind="python", raw=raw)

    def _wrong(self, message: str, hint: str) -> ConfigError:
        return ConfigError(message, where=self._where, hint=hint)


def _seen(job: Job) -> Record:
    """What an agent may see: else what decides its answer would not be in the job's id."""
    metadata = {name: job.record.metadata[name] for name in job.sent_columns if name in job.record.metadata}
    return job.record.model_copy(update={"labels": (), "metadata": metadata})
