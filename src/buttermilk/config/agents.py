"""Agents and the dataset: their own files -> values."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urldefrag, urlsplit

from pydantic import ValidationError

from buttermilk import plugins
from buttermilk.config.places import Places
from buttermilk.config.schema import FROM_ELSEWHERE
from buttermilk.core.errors import ButtermilkError, MissingExtra, did_you_mean
from buttermilk.core.flows import Agent, Price
from buttermilk.core.records import DatasetSpec

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")
_ADDRESS = re.compile(r"https?://", re.IGNORECASE)
_HERE = re.compile(r"https?://(127\.|localhost\b|\[::1\])", re.IGNORECASE)


def is_address(name: str) -> bool:
    """`agents=[http://127.0.0.1:8000/v1]`: an agent that has no file."""
    return _ADDRESS.match(name) is not None


def at_address(url: str) -> dict[str, Any]:
    """`http://127.0.0.1:8000/v1#llama` -> what its file would say, under the name `llama`."""
    base, model = urldefrag(url)
    return {"type": "openai", "model": model, "base_url": base}


def name_at(url: str) -> str:
    base, model = urldefrag(url)
    return re.sub(r"[^A-Za-z0-9_.-]+", "-", model or urlsplit(base).netloc).strip("-") or "model"


def build_agents(
    written: Mapping[str, Mapping[str, Any]], prices: Mapping[str, Price], places: Places, errors: list[ButtermilkError]
) -> dict[str, Agent]:
    """Each agent that is sound; what is wrong with the others is added to `errors`."""
    built = {name: _agent(name, dict(data), prices, places, errors) for name, data in written.items()}
    return {name: agent for name, agent in built.items() if agent is not None}


def _agent(
    name: str, data: dict[str, Any], prices: Mapping[str, Price], places: Places, errors: list[ButtermilkError]
) -> Agent | None:
    under = ("agent", name)
    before = len(errors)
    errors += [places.unknown_key((*under, key)) for key in sorted(FROM_ELSEWHERE & data.keys())]
    kept = {key: item for key, item in data.items() if key not in FROM_ELSEWHERE}
    role, deterministic = _kind(kept, under, places, errors)
    try:
        agent = Agent.model_validate({**kept, "name": name, "role": role, "deterministic": deterministic})
    except ValidationError as error:
        errors += places.wrong(error, under)
        return None
    if len(errors) > before:
        return None
    if agent.role == "model" and agent.price is None:
        agent = agent.model_copy(update={"price": prices.get(agent.model) or _looked_up(agent)})
    return agent


def _looked_up(agent: Agent) -> Price | None:
    """The price that the optional library knows. Who asks a server of their own pays nobody."""
    if not agent.base_url or _HERE.match(agent.base_url):
        return None
    try:
        library = plugins.opened("buttermilk.config.genai_prices", "a price")
    except MissingExtra:
        return None
    price: Price | None = library.price_of(agent.model, agent.base_url, datetime.now(UTC))
    return price


def _kind(
    data: Mapping[str, Any], under: tuple[str, ...], places: Places, errors: list[ButtermilkError]
) -> tuple[str, bool]:
    """Whether it is a model or a tool: where its `type` is registered says so."""
    kind = data.get("type")
    tools, models = plugins.names("tools"), plugins.names("models")
    if not isinstance(kind, str):  # missing, or no text: the value itself says so
        return "model", False
    if kind not in (*tools, *models):
        hint = did_you_mean(kind, [*tools, *models])
        errors.append(places.error((*under, "type"), f"there is no model or tool of type '{kind}'.", hint))
        return "model", False
    role = "tool" if kind in tools else "model"
    if data.get("role", role) != role:
        errors.append(places.error((*under, "role"), f"'{kind}' is a {role}.", "Take the line out: the type says it."))
    # A tool's class knows whether asking twice tells more; its library may be missing, and then that is said.
    return role, role == "tool" and bool(getattr(plugins.find("tools", kind), "deterministic", False))


def build_dataset(
    name: str, data: Mapping[str, Any], limit: int | None, places: Places, errors: list[ButtermilkError]
) -> DatasetSpec | None:
    """The dataset as its file describes it; `limit=20` on the command line stands above the file's own."""
    errors += [places.unknown_key(("data", key)) for key in sorted(FROM_ELSEWHERE & data.keys())]
    kept = {key: item for key, item in data.items() if key not in FROM_ELSEWHERE}
    kind, known = kept.get("type"), plugins.names("sources")
    if isinstance(kind, str) and kind not in known:
        errors.append(
            places.error(("data", "type"), f"there is no source of type '{kind}'.", did_you_mean(kind, known))
        )
    try:
        return DatasetSpec.model_validate({**kept, "name": name, **({"limit": limit} if limit else {})})
    except ValidationError as error:
        errors += places.wrong(error, ("data",))
        return None
