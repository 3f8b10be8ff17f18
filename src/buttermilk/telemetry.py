"""One event per change of state, to `logging`; one span per call, to whatever OpenTelemetry is set up (none: no cost).

Span names and attributes follow the GenAI semantic conventions (open-telemetry/semantic-conventions-genai); the names
are written out here, not imported, for that package renames them. Content is never put on a span.
"""

import logging
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from opentelemetry import trace

from buttermilk.core.jobs import Job, Result

logger = logging.getLogger("buttermilk")
_tracer = trace.get_tracer("buttermilk")
UNTRACED = nullcontext(trace.INVALID_SPAN)


def event(kind: str, fields: Mapping[str, Any]) -> None:
    """`limit endpoint=… from=64 to=32 why=rate limited`"""
    if logger.isEnabledFor(logging.INFO):
        logger.info("%s %s", kind, " ".join(f"{name}={item}" for name, item in fields.items()))


def is_set_up() -> bool:
    """Does anybody listen to spans? Asked once a run."""
    return not isinstance(trace.get_tracer_provider(), trace.ProxyTracerProvider)


def call(job: Job) -> AbstractContextManager[trace.Span]:
    """The span of one attempt."""
    name = f"{_operation(job)} {job.agent.model or job.agent.type}"
    return _tracer.start_as_current_span(name, kind=trace.SpanKind.CLIENT)


def _operation(job: Job) -> str:
    return "execute_tool" if job.agent.role == "tool" else "chat"


def told(span: trace.Span, job: Job, result: Result) -> None:
    """What came of it, where somebody listens."""
    if not span.is_recording():
        return
    span.set_attributes(
        {
            "gen_ai.operation.name": _operation(job),
            "gen_ai.provider.name": job.agent.type,
            "gen_ai.request.model": job.agent.model,
            "gen_ai.response.model": result.model_returned,
            "gen_ai.response.id": result.response_id,
            "gen_ai.response.finish_reasons": [result.finish],
            "gen_ai.usage.input_tokens": result.usage.input_tokens,
            "gen_ai.usage.output_tokens": result.usage.output_tokens,
            "buttermilk.run.id": result.run_id,
            "buttermilk.job.id": job.job_id,
            "buttermilk.record.id": job.record.record_id,
            "buttermilk.step": job.step,
            "buttermilk.agent": job.agent.name,
            "buttermilk.status": result.status,
        }
    )
    if result.status == "failed":
        span.set_attribute("error.type", result.error_kind)
        span.set_status(trace.StatusCode.ERROR)


def trace_id(span: trace.Span) -> str:
    """Empty where nothing is traced."""
    context = span.get_span_context()
    return format(context.trace_id, "032x") if context.is_valid else ""
