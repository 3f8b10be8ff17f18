"""One Job asked until it is settled: answered, refused, unparsed, or failed when its budget of attempts is spent."""

import asyncio
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Protocol, cast

from buttermilk import telemetry
from buttermilk.core.contracts import Batches, Model, Tool
from buttermilk.core.errors import PromptError, ProviderError, RateLimited, Transient
from buttermilk.core.flows import Agent
from buttermilk.core.jobs import Job, Result, Status, Usage
from buttermilk.core.messages import Output, Reply, Request
from buttermilk.core.quotes import checked
from buttermilk.engine.assemble import assemble, reask, shown
from buttermilk.engine.limits import LONGEST_PAUSE_SECONDS as LONGEST_TOLD_SECONDS
from buttermilk.engine.limits import ClosedError, Limiter
from buttermilk.engine.logprobs import logprobs
from buttermilk.engine.parse import Forms, parse

FIRST_PAUSE_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 30.0

Now = Callable[[], datetime]
Saw = Callable[[Job, Result], None]


def now_utc() -> datetime:
    return datetime.now(UTC)


@dataclass
class Signature:
    """What every Result of a run carries."""

    run_id: str
    by: str = ""
    versions: str = ""


class Lane(Protocol):
    """What an attempt needs of the lane it runs in."""

    limiter: Limiter

    def hopeless(self) -> bool: ...
    def spent(self, result: Result) -> None: ...
    def told(self, result: Result, *, retried: bool) -> None: ...


@dataclass
class Attempts:
    """Asks agents. Handed a clock and a source of chance for the pauses."""

    signature: Signature
    now: Now = now_utc
    chance: random.Random = field(default_factory=random.Random)
    forms: Forms = field(default_factory=Forms)
    traced: bool = field(default_factory=telemetry.is_set_up)
    saw: Saw = lambda job, result: None

    async def ask(
        self, job: Job, plug: Model | Tool, lane: Lane, before: int = 0, said: tuple[str, str] | None = None
    ) -> list[Result]:
        """All tries made now, the settling one last; none if the run stopped first. `before`: tries of earlier runs.
        `said`: a reply that could not be read, and why."""
        found: list[Result] = []
        for number in range(1, job.agent.limits.attempts + 1):
            try:
                result, error = await self._once(job, plug, lane, before + number, said, retry=number > 1)
            except ClosedError:
                break
            found.append(result)
            lane.spent(result)
            if result.status == "unparsed" and said is None and result.finish == "stop" and job.agent.role == "model":
                said = (result.text, result.error)
            elif not isinstance(error, Transient):
                return found
            spent = number == job.agent.limits.attempts
            over = spent or (isinstance(error, Transient) and lane.hopeless())
            lane.told(result, retried=not over)
            if over:
                return found
            if isinstance(error, Transient):
                await lane.limiter.rest(self.pause(number, error.retry_after_seconds))
        if found and lane.limiter.closed.is_set():
            found[-1] = _cut_short(found[-1])
        return found

    def reread(self, job: Job, found: Result, answers: Mapping[str, Any], number: int) -> Result:
        """Stored scores, answered by the rules of now. `response_id` is the job whose scores they are."""
        same = ("parse", "tool_output", "model_returned", "finish", "shown")
        fields = {name: getattr(found, name) for name in same}
        return self._result(
            job,
            number,
            self.now(),
            "",
            {**fields, "status": "answered", "answers": answers, "response_id": found.job_id},
        )

    async def taken(
        self, job: Job, outcome: Reply | ProviderError, plug: Batches, lane: Lane, before: int, since: datetime
    ) -> list[Result]:
        """What came in a batch for a job, and where it could not be read, what is said when asked once more, live."""
        if isinstance(outcome, ProviderError):
            fields = _failed(outcome)
        else:
            request = assemble(job)
            fields = self._of_reply(job, request, outcome._replace(sent=plug.sent(request)), reasked=False)
            if fields["cost"] is not None and job.agent.price:
                fields["cost"] *= job.agent.price.batch
        result = self._result(job, before + 1, since, "", {**fields, "mode": "batch"})
        lane.spent(result)
        if result.status == "unparsed" and result.finish == "stop":
            said = (result.text, result.error)
            return [result, *await self.ask(job, cast(Model, plug), lane, before + 1, said)]
        return [result]

    def pause(self, number: int, retry_after_seconds: float | None) -> float:
        """Seconds until the next try: as the endpoint asked, else doubling; with jitter, so that nobody marches."""
        if retry_after_seconds is not None:
            return min(retry_after_seconds, LONGEST_TOLD_SECONDS) * (1 + 0.1 * self.chance.random())
        doubled = min(LONGEST_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 2.0 ** (number - 1))
        return doubled * (0.5 + 0.5 * self.chance.random())

    async def _once(
        self, job: Job, plug: Model | Tool, lane: Lane, number: int, said: tuple[str, str] | None, *, retry: bool
    ) -> tuple[Result, ProviderError | None]:
        limiter = lane.limiter
        began = await limiter.slot(retry=retry)
        started_at, size = self.now(), 0
        error: ProviderError | None = None
        with telemetry.call(job) if self.traced else telemetry.UNTRACED as span:
            try:
                if job.agent.role == "tool":
                    async with asyncio.timeout(job.agent.limits.timeout_seconds):
                        fields = self._of_output(await plug.call(job))  # type: ignore[union-attr]
                    limiter.went_well()
                else:
                    request = reask(assemble(job), *said) if said else assemble(job)
                    weight, estimate = _weight(request)
                    await limiter.admit(weight, estimate)
                    size = weight
                    reply = await plug.complete(request)  # type: ignore[union-attr]
                    fields = self._of_reply(job, request, reply, reasked=said is not None)
                    limiter.went_well(fields["usage"].input_tokens + fields["usage"].output_tokens, estimate)
                    if reply.rest_seconds:
                        limiter.rests(reply.rest_seconds)
            except ProviderError as raised:
                error = raised
                fields = _failed(raised)
            except TimeoutError:
                error = Transient(f"no reply within {job.agent.limits.timeout_seconds:g} s", kind="timed_out")
                fields = {"status": "failed", "error_kind": error.kind, "error": error.message}
            except PromptError as raised_by_template:
                # Checked before the run for every record that could be checked; what is left is about this record.
                fields = {"status": "failed", "error_kind": "prompt", "error": str(raised_by_template)}
            finally:
                limiter.leave(size)
            if isinstance(error, RateLimited):
                limiter.slow_down(began, error.retry_after_seconds)
            result = self._result(job, number, started_at, telemetry.trace_id(span), fields)
            telemetry.told(span, job, result)
        return result, error

    def _result(self, job: Job, number: int, started_at: datetime, trace_id: str, fields: dict[str, Any]) -> Result:
        result = Result(
            job_id=job.job_id,
            attempt=number,
            run_id=self.signature.run_id,
            partial=job.partial if job.inputs else False,
            started_at=started_at,
            ended_at=self.now(),
            by=self.signature.by,
            versions=self.signature.versions,
            trace_id=trace_id,
            **fields,
        )
        self.saw(job, result)
        return result

    def _of_output(self, output: Output) -> dict[str, Any]:
        return {
            "status": "answered",
            "answers": output.values,
            "parse": "strict",
            "tool_output": output.raw,
            "shown": "text",
            "model_returned": output.version,
            "finish": "stop",
        }

    def _of_reply(self, job: Job, request: Request, reply: Reply, *, reasked: bool) -> dict[str, Any]:
        price = job.agent.price
        fields = {
            "text": reply.text,
            "refusal": reply.refusal,
            "finish": reply.finish,
            "usage": reply.usage,
            "cost": cost(job.agent, reply.usage),
            "currency": price.currency if price else "",
            "price_version": price.version if price else "",
            "model_returned": reply.model_returned,
            "model_fingerprint": reply.model_fingerprint,
            "response_id": reply.response_id,
            "seed_honoured": reply.seed_honoured,
            "simulated": reply.simulated,
            "drops": request.drops,
            "shown": shown(request),
            "sent": reply.sent,
            "reply": reply.raw,
            "reply_headers": reply.headers,
        }
        return fields | self._verdict(job, reply, reasked=reasked)

    def _verdict(self, job: Job, reply: Reply, *, reasked: bool) -> dict[str, Any]:
        if reply.refusal is not None or reply.finish in ("refusal", "filter"):
            return {"status": "refused", "parse": "none"}
        found = parse(reply.text, self.forms.of(job.codebook), truncated=reply.finish == "length")
        if found.answers is None:
            status: Status = "unparsed"
            kind = "truncated" if reply.finish == "length" else "unparsed"
            return {"status": status, "parse": "none", "error_kind": kind, "error": found.why}
        given = {"status": "answered", "answers": found.answers, "parse": "reasked" if reasked else found.how}
        quotes = {"quotes": checked(job, found.answers)} if job.codebook.quotes else {}
        sure = {"logprobs": logprobs(reply.text, reply.tokens, found.answers)} if reply.tokens else {}
        return given | quotes | sure


def _failed(error: ProviderError) -> dict[str, Any]:
    return {"status": "failed", "error_kind": error.kind, "error": error.message, "reply": error.raw}


def _cut_short(result: Result) -> Result:
    """A reply that would have been asked about once more, had the run not stopped: a later run asks the job again, so
    that a run which was stopped comes to the same answers as one which was not."""
    if result.status != "unparsed":
        return result
    return result.model_copy(
        update={
            "status": "failed",
            "error_kind": "stopped",
            "error": f"the run stopped before it was asked again ({result.error})",
        }
    )


def cost(agent: Agent, usage: Usage) -> float | None:
    """Money for one reply; None where the agent has no price. What was read from a cache or written to it is part of
    the input, and costs as much where it has no price of its own."""
    if agent.price is None:
        return None
    price, hour = agent.price, usage.cache_write_hour_tokens
    written, read = usage.cache_write_tokens - hour, usage.cached_tokens
    own = ((read, price.cached_input), (written, price.cache_write), (hour, price.cache_write_hour))
    money = usage.input_tokens * price.input + usage.output_tokens * price.output
    money += sum(tokens * (each - price.input) for tokens, each in own if each is not None)
    return money / 1_000_000


def _weight(request: Request) -> tuple[int, float]:
    """Bytes of the texts, and tokens roughly: four characters each. For the limiter alone, never for the books."""
    size = sum(len(message.text) for message in request.messages)
    return size, size / 4
