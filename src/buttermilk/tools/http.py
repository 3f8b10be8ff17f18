"""Any service that speaks JSON, declared in ten lines: `type: http`.

    type: http
    base_url: https://toxicity.example.org/v1/score
    key: secret://env/TOXICITY_KEY              # sent as `Authorization: Bearer …`; `headers` may name secrets too;
                                                # or `door: google`, `door: azure`: as who is logged in there
    parameters:
      body: {lang: en, document: {text: "{{ record.text }}"}}
      scores: {toxicity: scores.TOXICITY.value, spam: "labels[name=spam].score"}
      answers:
        harmful: [{label: "yes", when: {toxicity: ">= 0.5"}}, {label: "no"}]

`body` is JSON in which every text may be a template as in a prompt, with the same view of the record. What it becomes
is one JSON text: whatever a record holds, it is no key, no number and no second field. `query` goes behind the `?` in
the same way (`method: GET` sends nothing else), and `version` is the path of the service's own version in its reply.

A path is names with points between; `[0]` is an item of a list, `[name=spam]` the item that says so.

`raw` keeps each score by its name and the whole `reply`, so a threshold is moved without asking again: give
`scales.apply_rules` the new rules and what is stored, `apply_rules(rules, result.tool_output)`.
"""

import json
import math
import re
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar, Literal

from pydantic import ValidationError
from pydantic_core import from_json
from yarl import URL

from buttermilk.core.contracts import Keys
from buttermilk.core.errors import ConfigError, PromptError, ProviderError, Unavailable, did_you_mean
from buttermilk.core.flows import Agent, Prompt, Section
from buttermilk.core.jobs import Job, fill
from buttermilk.core.messages import Output
from buttermilk.core.records import Part
from buttermilk.core.values import Json, Value
from buttermilk.doors.door import door_of
from buttermilk.prompts import render
from buttermilk.prompts.parsing import asked, fields_of, parse, sources
from buttermilk.prompts.views import RECORD_FIELDS
from buttermilk.tools.scales import Scaled, scale_of, text_of
from buttermilk.wire import Wire, message_in

Step = str | int | tuple[str, str]
_STEP = re.compile(r"\.?([^.\[\]]+)|\[(\d+)\]|\[([^\[\]=]+)=([^\[\]]+)\]")


class Service(Value):
    """A service as a row of a table. What `parameters` say stands above it; of `body` and `scores`, entry by entry."""

    docs: str = ""
    base_url: str = ""
    path: str = ""
    header: tuple[str, str] = ("Authorization", "Bearer ")  # where the key goes, and what precedes it
    doors: tuple[str, ...] = ()  # whose credentials serve where there is no key
    method: Literal["POST", "PUT", "GET"] = "POST"
    query: Mapping[str, str | int | float | bool] = {}
    body: Json = None
    scores: Mapping[str, str] = {}
    version: str = ""


class HttpTool(Scaled):
    """One agent behind an address. A subclass is a row: its `service`, and which parameters an agent may give."""

    deterministic: ClassVar[bool] = False  # nobody knows what is behind an address
    service: ClassVar[Service] = Service(doors=("google", "azure"))
    takes: ClassVar[tuple[str, ...]] = ("method", "query", "body", "scores", "version")

    def __init__(self, agent: Agent, keys: Keys) -> None:
        self._agent = agent
        self._service = self.declared(agent)
        if agent.door and agent.door not in self._service.doors:
            hint = f"There are: {', '.join(self._service.doors)}." if self._service.doors else "Write a `key`."
            raise self._wrong(f"'{agent.door}' is no door of '{agent.type}'.", hint)
        self._paths = {name: self._path(path) for name, path in self._service.scores.items()}
        self._version = self._path(self._service.version) if self._service.version else ()
        self._scale = scale_of(agent, self.names(), also=self.takes)
        self._url = self._address()
        self.endpoint = str(self._url)
        self._texts: list[str] = []
        query = {
            name: said if isinstance(said, str) else json.dumps(said) for name, said in self._service.query.items()
        }
        self._query = {name: self._planted(said) for name, said in query.items()}
        body = self._planted(self._service.body)
        self._body = json.dumps(body, ensure_ascii=False, separators=(",", ":"))  # as `fill` looks for the places
        self._prompt = self._templates()
        self._wire = self._opened(keys)
        self._door = None if agent.key else door_of(agent)

    # ---- what a service may say otherwise

    def declared(self, agent: Agent) -> Service:
        """The row with what the agent's parameters say."""
        given = {name: item for name, item in agent.parameters.items() if name in self.takes}
        row = self.service.model_dump()
        for name in ("body", "scores"):
            if isinstance(row[name], dict) and isinstance(given.get(name), dict):
                given[name] = row[name] | given[name]
        try:
            service = Service.model_validate(row | {name: given[name] for name in given if name in row})
            if service.method == "GET" and service.body is not None:
                raise self._wrong("a GET has no `body`.", "Say under `query` what is sent behind the `?`.")
            return service
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(map(str, first["loc"]))
            raise self._wrong(
                f"`parameters.{where}`: {first['msg']}.", "tools/http.py shows one that works."
            ) from error

    def names(self) -> Iterable[str]:
        """Of the scores that rules may speak of."""
        if not self._paths or "reply" in self._paths:
            hint = 'Like this: scores: {toxicity: "labels[name=toxic].score"}; `reply` is the name of the whole.'
            raise self._wrong("`parameters.scores` says of no score where it stands in the reply.", hint)
        return self._paths

    def scores(self, reply: Any) -> dict[str, Json]:
        """What the reply says, by name; a score that is not there is left out, and not thought up."""
        found = {name: at(reply, path) for name, path in self._paths.items()}
        return {name: score for name, item in found.items() if (score := _score(item)) is not None}

    # ---- a call

    async def call(self, job: Job) -> Output:
        self._scale.check(job.codebook)
        text_of(job)  # a record without words is a failure
        texts = self._rendered(job)
        query = {name: texts[said["$text"]] if isinstance(said, dict) else said for name, said in self._query.items()}
        body = fill(self._body, texts) if self._service.method != "GET" else None
        url = self._url.with_query(query)
        lent = await self._door.headers(str(url), body or b"") if self._door else None
        raw, _ = await self._wire.ask(self._service.method, url, body, lent)
        said = raw.decode("utf-8", "replace")
        try:
            reply = Output(values={}, raw={"reply": from_json(raw, allow_inf_nan=False)}).raw["reply"]
        except ValueError as error:
            raise Unavailable(
                f"the reply is no JSON: {message_in(said)}", kind="malformed", raw=said[:100_000]
            ) from error
        try:
            kept = {**self.scores(reply), "reply": reply}
            values = self._scale.read(job.codebook, kept)
        except ProviderError as error:
            error.raw = said
            raise
        version = at(reply, self._version) if self._version else None
        return Output(values=values, raw=kept, version=str(version or self._agent.model or self.endpoint))

    async def close(self) -> None:
        await self._wire.close()

    def _rendered(self, job: Job) -> list[str]:
        parts = job.record.parts
        if any(part.text is None for part in parts):  # a picture is the words that stand for it
            words = tuple(
                part if part.text is not None else Part(text=part.alt or "", role=part.role) for part in parts
            )
            job = job.model_copy(update={"record": job.record.model_copy(update={"parts": words})})
        try:
            return [message.text for message in render(self._prompt, job)]
        except PromptError as error:
            raise PromptError(error.message, where=self._where("a template"), hint=error.hint) from error

    # ---- read once, when it is made

    def _path(self, written: str) -> tuple[Step, ...]:
        try:
            return steps_of(written)
        except ValueError as error:
            hint = "Like these: results[0].scores.hate, or labels[name=spam].score"
            raise self._wrong(f"'{written}' is no path into a reply.", hint) from error

    def _address(self) -> URL:
        written = (self._agent.base_url or self._service.base_url).rstrip("/") + self._service.path
        hint = "Like this: base_url: https://api.example.org/v1/score; what comes after a `?` stands under `query`."
        try:
            url = URL(written)
        except ValueError as error:
            raise self._wrong(f"'{written}' is not an address.", hint) from error
        if url.scheme not in ("http", "https") or not url.host or url.query_string or url.user:
            raise self._wrong(f"'{written}' is not an address that can be asked.", hint)
        return url

    def _planted(self, said: Any) -> Any:
        """The JSON with each template taken out of it: `{"$text": 0}` marks the place of the first."""
        if isinstance(said, dict):
            return {name: self._planted(item) for name, item in said.items()}
        if isinstance(said, list):
            return [self._planted(item) for item in said]
        if said == "{{ agent.model }}":
            if not self._agent.model:
                raise self._wrong("it needs a `model`.", f"Which there are: {self._service.docs}")
            return self._agent.model
        if not isinstance(said, str) or "{" not in said:
            return said if not str(said).startswith("secret://") else self._refuse_secret()
        self._texts.append(said)
        return {"$text": len(self._texts) - 1}

    def _refuse_secret(self) -> Any:
        hint = "Write it as `key`, or as one of the `headers`: what is sent otherwise is kept, and can be read."
        raise self._wrong("a secret stands in `body` or `query`.", hint)

    def _templates(self) -> Prompt:
        """The templates as one prompt: the same strictness, and the same limits."""
        hint = 'Like this: body: {text: "{{ record.text }}"}'
        try:
            prompt = Prompt(
                name=self._agent.name, sections=tuple(Section(role="user", template=t) for t in self._texts)
            )
            trees = [parse(source) for source in sources(prompt)]
        except (ValidationError, PromptError) as error:
            said = error.message if isinstance(error, PromptError) else "nothing of a record would be sent."
            raise self._wrong(said, hint) from error
        if not any("record" in asked(tree) for tree in trees):
            raise self._wrong("nothing of a record would be sent.", hint)
        for tree in trees:
            for field in sorted((fields_of(tree, "record") or frozenset()) - RECORD_FIELDS.keys()):
                raise self._wrong(f"a record has no '{field}'.", did_you_mean(field, RECORD_FIELDS))
        return prompt

    def _opened(self, keys: Keys) -> Wire:
        name, before = self._service.header
        named = {**self._agent.headers, **({name: self._agent.key} if self._agent.key else {})}
        secrets = {text: keys(text).reveal() for text in named.values() if text.startswith("secret://")}
        headers = {
            "Content-Type": "application/json",
            **{name: secrets.get(text, text) for name, text in named.items()},
        }
        if self._agent.key:
            headers[name] = before + headers[name]
        return Wire(headers, self._agent.limits, secrets.values())

    def _where(self, what: str) -> str:
        return f"agent '{self._agent.name}', {what}"

    def _wrong(self, message: str, hint: str) -> ConfigError:
        return ConfigError(message, where=f"agent '{self._agent.name}'", hint=hint)


def steps_of(path: str) -> tuple[Step, ...]:
    """`labels[0].score` -> ("labels", 0, "score"). Raises ValueError for what is no path."""
    found = list(_STEP.finditer(path))
    if not path or "".join(one[0] for one in found) != path:
        raise ValueError(path)
    return tuple(one[1] or (int(one[2]) if one[2] else (one[3], one[4])) for one in found)


def at(found: Any, path: Iterable[Step]) -> Any:
    """What stands in a reply at a path; None where nothing does."""
    try:
        for step in path:
            if isinstance(step, tuple):
                name, text = step
                found = next(item for item in found if str(item[name]) == text)
            else:
                found = found[step]
    except (LookupError, TypeError, StopIteration):
        return None
    return found


def _score(found: Any) -> float | str | None:
    """A flag is 1 or 0, so that a rule can compare it."""
    if isinstance(found, bool):
        return int(found)
    return found if isinstance(found, str) or (isinstance(found, int | float) and abs(found) < math.inf) else None
