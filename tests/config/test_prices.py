"""What a model costs where no file says it: as the optional library genai-prices knows it, and nobody's guess."""

import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from genai_prices import __version__

from buttermilk.config import compose, init
from buttermilk.config.genai_prices import price_of
from buttermilk.core.flows import Price

NOW = datetime(2026, 11, 22, tzinfo=UTC)
OPENAI = "https://api.openai.com/v1"
ROUTER = "https://openrouter.ai/api/v1"


@pytest.fixture
def study(tmp_path: Path) -> Path:
    init(tmp_path / "study")
    return tmp_path / "study"


def price(study: Path, model: str, base_url: str, *overrides: str, more: str = "") -> Price | None:
    text = f"type: openai\nmodel: {model}\nbase_url: {base_url}\n{more}"
    (study / "conf" / "agent" / "one.yaml").write_text(text, "utf-8")
    return compose(study, "verse", ["agents=[one]", *overrides]).flows[0].steps[0].agents[0].price


def test_a_model_that_no_file_prices_is_looked_up_and_the_version_says_where(study: Path) -> None:
    found = price(study, "gpt-4o", OPENAI)
    assert found is not None
    assert found.output > found.input > (found.cached_input or 0) > 0
    assert found.source == f"genai-prices {__version__}"
    assert found.version == f"genai-prices {__version__} ({datetime.now(UTC):%Y-%m-%d})"


def test_what_the_scholar_says_stands_above_it(study: Path) -> None:
    typed = [f"prices.gpt-4o.{pair}" for pair in ("input=5", "output=6", "source=me", "dated=2026-11-02")]
    written = "price: {input: 7, output: 8, source: my contract, dated: '2026-11-01'}\n"
    found = [
        price(study, "gpt-4o-mini", OPENAI),  # which stands in the packaged table
        price(study, "gpt-4o", OPENAI, *typed),
        price(study, "gpt-4o", OPENAI, *typed, more=written),
    ]
    assert [one and one.source for one in found] == ["list price as published by OpenAI", "me", "my contract"]


def test_without_the_library_a_price_is_unknown_as_before(study: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "genai_prices", None)
    monkeypatch.delitem(sys.modules, "buttermilk.config.genai_prices")
    assert price(study, "gpt-4o", OPENAI) is None


@pytest.mark.parametrize("host", ["http://127.0.0.1:80", "http://localhost", "http://[::1]:80", "https://here.example"])
def test_a_server_of_ones_own_has_nobodys_prices(study: Path, host: str) -> None:
    assert price(study, "gpt-4o", f"{host}/v1") is None


def test_the_address_says_whose_price_it_is() -> None:
    llama = "meta-llama/llama-3.3-70b-instruct"
    assert price_of(llama, ROUTER, NOW) is not None
    assert price_of(llama, OPENAI, NOW) is None
    assert price_of("no-such-model", OPENAI, NOW) is None


def test_of_prices_that_rise_with_the_length_it_is_the_first_and_a_batch_costs_its_share() -> None:
    # $1.25 and $10 up to 200,000 tokens, half of it in a batch: https://ai.google.dev/gemini-api/docs/pricing
    found = price_of("gemini-2.5-pro", "https://generativelanguage.googleapis.com/v1beta", NOW)
    assert found is not None
    assert (found.input, found.output, found.cached_input, found.batch) == (1.25, 10, 0.125, 0.5)
    assert found.dated == "2026-11-22"


def test_what_is_written_to_a_cache_has_its_prices_for_five_minutes_and_for_an_hour() -> None:
    # 1.25 and 2 times $1: https://platform.claude.com/docs/en/build-with-claude/prompt-caching#pricing
    found = price_of("claude-haiku-4-5", "https://api.anthropic.com", NOW)
    assert found is not None
    assert (found.input, found.cache_write, found.cache_write_hour) == (1, 1.25, 2)


def test_what_is_not_paid_by_the_token_has_no_price_here() -> None:
    assert price_of("whisper-1", OPENAI, NOW) is None
