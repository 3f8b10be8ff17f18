"""Fakes that ship with the product, for your tests and for ours: see `provider.py` for the mock LLM provider."""

from buttermilk.testing.provider import MockProvider
from buttermilk.testing.settings import Settings

__all__ = ["MockProvider", "Settings"]
