"""One event per change of state, one span per call, and content in neither."""

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry.trace import SpanContext, SpanKind, Status, StatusCode, TraceFlags

from asking import keys
from buttermilk import telemetry
from buttermilk.core.flows import Agent, Codebook, Flow, LabelDefinition, Prompt, Question, Section, Step
from buttermilk.core.jobs import Run
from buttermilk.core.records import DatasetSpec, Part, Record
from buttermilk.engine.attempt import now_utc
from buttermilk.engine.run import Engine
from buttermilk.models.openai import OpenAIChat
from buttermilk.stores.sqlite import SqliteStore
from buttermilk.testing import MockProvider

pytestmark = pytest.mark.anyio
VERSE = "Of inward strife for truth and liberty."


class Span(trace.Span):
    """A span that remembers."""

    def __init__(self, name: str, kind: SpanKind) -> None:
        self.name, self.kind, self.status = name, kind, StatusCode.UNSET
        self.attributes: dict[str, Any] = {}

    def get_span_context(self) -> SpanContext:
        return SpanContext(trace_id=0xABC, span_id=1, is_remote=False, trace_flags=TraceFlags(1))

    def is_recording(self) -> bool:
        return True

    def set_attributes(self, attributes: Mapping[str, Any]) -> None:
        self.attributes.update(attributes)

    def set_attribute(self, key: str, value: Any) -> None:
        self.attributes[key] = value

    def set_status(self, status: Status | StatusCode, description: str | None = None) -> None:
        assert isinstance(status, StatusCode)
        self.status = status

    def add_event(self, *given: Any, **more: Any) -> None: ...
    def update_name(self, name: str) -> None: ...
    def record_exception(self, *given: Any, **more: Any) -> None: ...
    def end(self, end_time: int | None = None) -> None: ...


class Tracer:
    def __init__(self) -> None:
        self.spans: list[Span] = []

    @contextmanager
    def start_as_current_span(self, name: str, *, kind: SpanKind) -> Iterator[Span]:
        self.spans.append(Span(name, kind))
        yield self.spans[-1]


@pytest.fixture
def tracer(monkeypatch: pytest.MonkeyPatch) -> Tracer:
    made = Tracer()
    monkeypatch.setattr(telemetry, "_tracer", made)
    monkeypatch.setattr(trace, "get_tracer_provider", trace.NoOpTracerProvider)
    return made


async def asked(folder: Path, url: str) -> list[dict[str, Any]]:
    """One job, through the engine; its attempts."""
    labels = tuple(LabelDefinition(name=name) for name in ("yes", "no"))
    codebook = Codebook(name="c", questions=(Question(name="harm", ask="Is it?", labels=labels),))
    agent = Agent(name="gpt", type="openai", model="gpt-4o-mini", base_url=url)
    prompt = Prompt(name="p", sections=(Section(role="user", template="{{ record.text }}"),))
    flow = Flow(name="f", steps=(Step(name="judge", agents=(agent,), prompts=(prompt,), codebook=codebook),))
    store = SqliteStore(folder / "jobs.db")
    records = [Record(record_id="v1", parts=(Part(text=VERSE),))]
    dataset = store.keep_dataset("s", DatasetSpec(name="d", type="csv", path="d.csv"), records)
    run = Run(
        run_id="run-1", spec_hash="s", flow="f", flow_hash="f", dataset="d",
        dataset_fingerprint=dataset.fingerprint, method=(flow,), started_at=now_utc(),
    )  # fmt: skip
    store.begin(run)
    await Engine(store, run, dataset, lambda one: OpenAIChat(one, keys, lambda key: b"")).go()
    found = [one.model_dump() for row in store.results("run-1") for one in store.attempts(row["job_id"])]
    store.close()
    return found


async def test_a_call_is_a_span_by_the_conventions_and_its_trace_is_kept(tmp_path: Path, tracer: Tracer) -> None:
    with MockProvider(prompt_tokens=12, completion_tokens=3) as mock:
        (result,) = await asked(tmp_path, mock.url)
    (span,) = tracer.spans
    assert (span.name, span.kind, span.status) == ("chat gpt-4o-mini", SpanKind.CLIENT, StatusCode.UNSET)
    assert span.attributes == {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "gpt-4o-mini",
        "gen_ai.response.model": "gpt-4o-mini",
        "gen_ai.response.id": result["response_id"],
        "gen_ai.response.finish_reasons": ["stop"],
        "gen_ai.usage.input_tokens": 12,
        "gen_ai.usage.output_tokens": 3,
        "buttermilk.run.id": "run-1",
        "buttermilk.job.id": result["job_id"],
        "buttermilk.record.id": "v1",
        "buttermilk.step": "judge",
        "buttermilk.agent": "gpt",
        "buttermilk.status": "answered",
    }
    assert result["trace_id"] == f"{0xABC:032x}"


async def test_content_is_on_no_span(tmp_path: Path, tracer: Tracer) -> None:
    with MockProvider() as mock:
        (result,) = await asked(tmp_path, mock.url)
    said = repr([(span.name, span.attributes) for span in tracer.spans])
    assert VERSE not in said
    assert result["text"] not in said


async def test_a_call_that_failed_says_how(tmp_path: Path, tracer: Tracer) -> None:
    with MockProvider(p500=100, faults_once=True) as mock:
        failed, answered = await asked(tmp_path, mock.url)
    assert [span.attributes.get("error.type") for span in tracer.spans] == ["http_500", None]
    assert [span.status for span in tracer.spans] == [StatusCode.ERROR, StatusCode.UNSET]
    assert [failed["status"], answered["status"]] == ["failed", "answered"]


async def test_where_nobody_listens_nothing_is_traced(tmp_path: Path) -> None:
    assert not telemetry.is_set_up()
    with MockProvider() as mock:
        (result,) = await asked(tmp_path, mock.url)
    assert result["trace_id"] == ""


def test_a_change_of_state_is_one_line_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, logger="buttermilk"):
        telemetry.event("limit", {"endpoint": "http://here", "from": 64, "to": 32, "why": "rate limited"})
    assert caplog.messages == ["limit endpoint=http://here from=64 to=32 why=rate limited"]
