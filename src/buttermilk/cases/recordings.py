"""What models replied to a prompt's cases, in git beside the prompt: prompts/recordings/NAME.jsonl, a reply a line.

A test that is run offline meets the very reply that was recorded, through everything but the network: the prompt is
rendered, the reply is parsed and judged anew. A reply belongs to the words that were sent and to who was asked, so a
changed prompt finds none, and says so, until somebody asks again.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from pydantic import ValidationError

from buttermilk.core.contracts import Model
from buttermilk.core.errors import DataError, Permanent
from buttermilk.core.flows import Agent
from buttermilk.core.hashing import fingerprint
from buttermilk.core.jobs import Usage
from buttermilk.core.messages import Reply, Request
from buttermilk.documents.whole import whole

KEPT = (
    "text", "refusal", "finish", "model_returned", "model_fingerprint", "response_id", "raw", "http_status",
    "seed_honoured", "simulated",
)  # fmt: skip
NOT_RECORDED = "not_recorded"
Line = Mapping[str, Any]


def key_of(request: Request) -> str:
    """Who is asked, in which words, for which answers, for which time. The seed is not in it: a wave has its own."""
    said = [[one.role, one.text, [part.identity for part in one.media]] for one in request.messages]
    codebook = request.codebook.hash if request.codebook else ""
    return fingerprint([request.agent.hash, said, codebook, request.job.repeat])


class Recordings:
    """The recorded replies of one prompt."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self._lines: dict[str, Line] = {}
        if file.is_file():
            with file.open(encoding="utf-8", newline="\n") as lines:
                for number, text in enumerate(lines, 1):
                    line = self._line(text, number)
                    self._lines[line["key"]] = line

    def _line(self, text: str, number: int) -> Line:
        try:
            line = json.loads(text)
            _reply(line) if "reply" in line else line["vector"]
            return {**line, "key": str(line["key"])}
        except (ValueError, KeyError, TypeError, ValidationError) as error:
            hint = "Take the file back from git, or delete it and record anew: buttermilk prompts test --live"
            raise DataError("this is no recorded reply.", where=f"{self.file} line {number}", hint=hint) from error

    def reply(self, key: str) -> Reply | None:
        line = self._lines.get(key)
        return _reply(line) if line else None

    def vector(self, key: str) -> list[float] | None:
        line = self._lines.get(key)
        return line["vector"] if line else None

    def keep(self, lines: Sequence[Line], *, part: bool = False) -> None:
        """Write what came, in place of all that was recorded of the same agents, or beside it if it is a `part`."""
        agents = set() if part else {line["agent"] for line in lines}
        kept = [line for line in self._lines.values() if line["agent"] not in agents]
        self._lines = {line["key"]: line for line in (*kept, *lines)}
        ordered = sorted(
            self._lines.values(), key=lambda line: (line["agent"], line["case"], line["repeat"], line["key"])
        )
        self.file.parent.mkdir(parents=True, exist_ok=True)
        with whole(self.file) as path:
            path.write_bytes(b"\n".join([*map(_bytes, ordered), b""]))


def _bytes(line: Line) -> bytes:
    """JSON as people read it, in whatever script; escaped where it holds half a character."""
    try:
        return json.dumps(line, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return json.dumps(line).encode()


def _reply(line: Line) -> Reply:
    said = line["reply"]
    return Reply(**{name: said[name] for name in KEPT if name in said}, usage=Usage.model_validate(said["usage"]))


def line_of(request: Request, reply: Reply, at: str) -> Line:
    """`{"key": …, "agent": "claude", "case": "satire", "repeat": 1, "prompt": "judge@3f9a1c", "reply": {…}}`"""
    said = {name: getattr(reply, name) for name in KEPT}
    empty = Reply()
    return {
        "key": key_of(request),
        "agent": request.agent.name,
        "case": request.job.record.record_id,
        "repeat": request.job.repeat,
        "prompt": request.job.prompt.version_name if request.job.prompt else "",
        "recorded_at": at,
        "reply": {name: item for name, item in said.items() if item != getattr(empty, name)}
        | {"usage": reply.usage.model_dump(exclude_defaults=True)},
    }


class Recorded:
    """A model that says what was recorded, and nothing else."""

    simulated: ClassVar[bool] = False

    def __init__(self, agent: Agent, recordings: Recordings) -> None:
        self.endpoint, self.local = f"what was recorded of {agent.name}", True
        self._agent, self._recordings = agent, recordings

    async def complete(self, request: Request) -> Reply:
        reply = self._recordings.reply(key_of(request))
        if reply is None:
            said = f"nothing was recorded of {self._agent.name} for the prompt as it stands now"
            raise Permanent(f"{said}: type --live to ask.", kind=NOT_RECORDED)
        return reply

    async def close(self) -> None:
        """Nothing is held open."""


class Recording:
    """A model whose replies are taken down as they come."""

    simulated: ClassVar[bool] = False

    def __init__(self, model: Model, take: Callable[[Request, Reply], None]) -> None:
        self.endpoint, self.local = model.endpoint, model.local
        self._model, self._take = model, take

    async def complete(self, request: Request) -> Reply:
        reply = await self._model.complete(request)
        self._take(request, reply)
        return reply

    async def close(self) -> None:
        await self._model.close()
