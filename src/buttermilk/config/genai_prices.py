"""Prices of models that no file of the study prices, from the library genai-prices, where that is installed.

https://github.com/pydantic/genai-prices (read 2026-11). The address says whose price it is: one model costs something
else with each host. Of prices that rise with the length of a prompt, it is the first.
"""

from datetime import datetime

from genai_prices import __version__
from genai_prices.data_snapshot import get_snapshot
from genai_prices.types import ModelPrice, TieredPrices

from buttermilk.core.flows import Price


def price_of(model: str, base_url: str, now: datetime) -> Price | None:
    """None for a model or a host that the library does not know, or that is not paid by the token."""
    try:
        _, found = get_snapshot().find_provider_model(model, None, None, base_url)
    except LookupError:
        return None
    usual, batch = found.get_prices(now), found.get_prices(now, {"processing": "batch"})
    given, made = _first(usual, "input_mtok"), _first(usual, "output_mtok")
    if given is None or made is None:
        return None
    in_batch = _first(batch, "input_mtok")
    return Price(
        input=given,
        output=made,
        cached_input=_first(usual, "cache_read_mtok"),
        cache_write=_first(usual, "cache_write_mtok"),
        cache_write_hour=_first(usual, "cache_write_1h_mtok"),
        batch=min(1.0, in_batch / given) if in_batch and given else 1.0,
        source=f"genai-prices {__version__}",
        dated=f"{now:%Y-%m-%d}",
    )


def _first(prices: ModelPrice, unit: str) -> float | None:
    price = getattr(prices, unit, None)
    amount = price.base if isinstance(price, TieredPrices) else price
    return None if amount is None else float(amount)
