"""What models that run on this machine share: where they run, which weights they are, and that calls which wait at the
same time are answered together, by one pass of the model in a thread."""

import asyncio
import hashlib
import re
from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path
from typing import Any, Generic, TypeVar

import torch
import transformers

from buttermilk.core.errors import ConfigError, Permanent, Unavailable
from buttermilk.core.flows import Agent

T = TypeVar("T")
WEIGHTS = ("*.safetensors", "*.bin", "config.json", "tokenizer.json")
PARAMETERS = ("device", "dtype", "revision", "batch")
NO_MEMORY = re.compile("out of memory|allocate memory|not enough memory")
DTYPES = ("auto", "float32", "bfloat16", "float16")


class LocalModel:
    """The folder or the hub's name that the agent gives, and the device: `cpu` unless it says `cuda`, `cuda:1`, `mps`,
    or `auto`, which is the graphics card if there is one. The numbers are as the model keeps them, or as `dtype` says.

    A name is looked up on the hub, and kept on this machine, at the first call; code that comes with a model is never
    run. Write the commit as `revision`: names can be given other weights.
    """

    def __init__(self, agent: Agent) -> None:
        self.agent = agent
        self.name = agent.model
        self.device = _device(str(agent.parameters.get("device", "cpu")))
        self.dtype = str(agent.parameters.get("dtype", "auto"))
        self.revision = str(agent.parameters.get("revision", "main"))
        if not self.name or (Path(self.name).is_absolute() and not Path(self.name).is_dir()):
            raise self.wrong(f"there is no folder '{self.name}'.", "`model` is a folder, or a name on the hub.")
        try:
            torch.empty(0, device=self.device)
        except (RuntimeError, AssertionError, ValueError) as error:
            hint = "`device: auto` takes the best there is."
            raise self.wrong(f"there is no device '{self.device}' here.", hint) from error
        if self.dtype not in DTYPES:
            raise self.wrong(f"there is no dtype '{self.dtype}'.", f"There are: {', '.join(DTYPES)}")
        transformers.utils.logging.set_verbosity_error()
        transformers.utils.logging.disable_progress_bar()

    def load(self, opened: Callable[..., T], **more: Any) -> T:
        """What `opened` makes of the model. Raises ConfigError where there is none."""
        try:
            return opened(self.name, revision=self.revision, trust_remote_code=False, **more)
        except (OSError, ValueError, KeyError, RuntimeError) as error:
            said = str(error).strip().partition("\n")[0][:300]
            raise self.wrong(f"the model '{self.name}' cannot be opened: {said}") from error

    def version(self, config: Any) -> str:
        """`transformers 5.1, org/name@3f2a…`: the hub's commit, or a digest of the folder's weights."""
        folder, commit = Path(self.name), getattr(config, "_commit_hash", None)
        if folder.is_dir():
            whole = hashlib.sha256()
            for file in sorted({file for pattern in WEIGHTS for file in folder.glob(pattern)}):
                with file.open("rb") as opened:
                    whole.update(hashlib.file_digest(opened, "sha256").digest())
            commit = whole.hexdigest()[:12]
        return f"transformers {transformers.__version__}, {folder.name if folder.is_dir() else self.name}@{commit}"

    def longest(self, tokenizer: Any, config: Any) -> int:
        """How many tokens it reads: what its tokenizer says, else its positions less the two that some keep."""
        said = int(tokenizer.model_max_length)
        return said if said < 1_000_000 else int(getattr(config, "max_position_embeddings", 514)) - 2

    def wrong(self, message: str, hint: str = "") -> ConfigError:
        return ConfigError(message, where=f"agent '{self.agent.name}'", hint=hint)


def _device(said: str) -> str:
    if said != "auto":
        return said
    return str(torch.accelerator.current_accelerator()) if torch.accelerator.is_available() else "cpu"


class _Batch(Generic[T]):
    """Texts, and the task that reads them once the batch before has been read."""

    def __init__(self, work: "Callable[[_Batch[T]], Coroutine[Any, Any, Sequence[T]]]") -> None:
        self.texts: list[str] = []
        self.task = asyncio.create_task(work(self))


class Batches(Generic[T]):
    """`await batches.one(text)`: the first is asked alone; what comes meanwhile waits and is asked together."""

    def __init__(self, run: Callable[[list[str]], Sequence[T]], most: int) -> None:
        self._run = run
        self._most = most
        self._open: _Batch[T] | None = None
        self._lock = asyncio.Lock()

    async def one(self, text: str) -> T:
        batch = self._open
        if batch is None or len(batch.texts) >= self._most:
            batch = self._open = _Batch(self._work)
        batch.texts.append(text)
        place = len(batch.texts) - 1
        return (await asyncio.shield(batch.task))[place]

    async def _work(self, batch: _Batch[T]) -> Sequence[T]:
        async with self._lock:
            if self._open is batch:
                self._open = None
            return await asyncio.to_thread(self._safely, batch.texts)

    def _safely(self, texts: list[str]) -> Sequence[T]:
        """Where the memory of the device does not hold so many, half as many are read at once from then on."""
        found: list[T] = []
        while len(found) < len(texts):
            part = texts[len(found) : len(found) + self._most]
            try:
                found += self._run(part)
            except (RuntimeError, IndexError, ValueError) as error:
                if not NO_MEMORY.search(str(error)):  # only CUDA has an error of its own for it
                    raise Permanent(f"the model cannot read it: {str(error)[:300]}", kind="model") from error
                if len(part) == 1:
                    raise Unavailable("the device has no memory left, even for one text", kind="memory") from error
                self._most = len(part) // 2
        return found


def batch_of(agent: Agent) -> int:
    """How many texts at most are read at once."""
    said = agent.parameters.get("batch", 16)
    if not isinstance(said, int) or isinstance(said, bool) or said < 1:
        raise ConfigError(
            f"`parameters.batch` must be a whole number from 1, not {said!r}.", where=f"agent '{agent.name}'"
        )
    return said
