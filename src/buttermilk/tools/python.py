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
from collections.abc import Callable, Mapping
from importlib import import_module
from pathlib import Path
from traceback import format_exception
from typing import Any, ClassVar

from pydantic import ValidationError

from buttermilk.core.contracts import Keys
from buttermilk.core.errors import ConfigError, Permanent, ProviderError, did_you_mean
from buttermilk.core.flows import Agent, Codebook
from buttermilk.core.hashing import digest
from buttermilk.core.jobs import Job
from buttermilk.core.messages import Output
from buttermilk.core.records import Record
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
        self._function = self._found(str(self._name))
        try:
            first = next(iter(inspect.signature(self._function).parameters), "")
        except ValueError:  # of some functions in C nobody knows what they take
            first = ""
        self._reads_record = first == "record"
        own = inspect.unwrap(self._function)
        file = inspect.getsourcefile(own) if inspect.isfunction(own) else None
        code = digest(Path(file).read_bytes())[:8] if file else ""
        self._version = " ".join(filter(None, [str(self._name), agent.model, code]))

    def check(self, codebook: Codebook) -> None:
        """Raises ConfigError where the agent's rules do not fit the codebook."""
        self._scale.check(codebook)

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

    async def close(self) -> None:
        """Nothing is held open."""

    def _found(self, name: str) -> Callable[[Any], Any]:
        module, _, attribute = name.partition(":")
        if not module or not attribute.isidentifier():
            raise self._wrong("`parameters.function` names no function.", "Like this: function: package.module:name")
        try:
            opened = import_module(module)
        except ImportError as error:
            hint = "Install it, or say where it lies: PYTHONPATH=. buttermilk run FLOW"
            raise self._wrong(f"'{module}' cannot be opened: {error}.", hint) from error
        function = getattr(opened, attribute, None)
        if not callable(function):
            raise self._wrong(f"'{module}' has no function '{attribute}'.", did_you_mean(attribute, _functions(opened)))
        return function  # type: ignore[no-any-return]

    def _failed(self, error: BaseException) -> BaseException:
        """What it raised, as a failure of this one answer; an error of `core.errors` says itself what it is."""
        if isinstance(error, ProviderError) or not isinstance(error, Exception):
            return error
        raw = "".join(format_exception(error))
        return Permanent(f"{self._name} raised {type(error).__name__}: {error}", kind="python", raw=raw)

    def _wrong(self, message: str, hint: str) -> ConfigError:
        return ConfigError(message, where=self._where, hint=hint)


def _functions(module: Any) -> list[str]:
    return [name for name, item in vars(module).items() if inspect.isfunction(item) and not name.startswith("_")]


def _seen(job: Job) -> Record:
    """What an agent may see: else what decides its answer would not be in the job's id."""
    metadata = {name: job.record.metadata[name] for name in job.sent_columns if name in job.record.metadata}
    return job.record.model_copy(update={"labels": (), "metadata": metadata})
