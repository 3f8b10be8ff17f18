"""Which model a server has, where nobody said: `agents=[http://127.0.0.1:8000/v1]` is enough if it serves one.

Asked when a study is opened, because the model is part of what a job is; nothing but the list is asked for.
"""

import json
from collections.abc import Mapping
from typing import Any, cast
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

from buttermilk.config import Composed
from buttermilk.core.contracts import Keys
from buttermilk.core.errors import ConfigError, Permanent, ProviderError, Unavailable
from buttermilk.core.flows import Agent, Flow

PATIENCE_SECONDS = 10.0
MOST_NAMED = 6


def with_models_named(composed: Composed, keys: Keys) -> Composed:
    """The same study, with the one model of its server for each agent that has an address and names no model."""
    asked = {agent.name: agent for flow in composed.flows for step in flow.steps for agent in step.agents}
    found = {name: named for name, agent in asked.items() if (named := with_model(agent, keys)) is not agent}
    if not found:
        return composed
    written = cast(Mapping[str, Any], composed.resolved["agent"])
    agents = {name: {**data, "model": found[name].model} if name in found else data for name, data in written.items()}
    whole = tuple(_with(flow, found) for flow in composed.flows)
    return composed.model_copy(update={"flows": whole, "resolved": {**composed.resolved, "agent": agents}})


def _with(flow: Flow, found: Mapping[str, Agent]) -> Flow:
    agents = [tuple(found.get(agent.name, agent) for agent in step.agents) for step in flow.steps]
    steps = (step.model_copy(update={"agents": each}) for step, each in zip(flow.steps, agents, strict=True))
    return flow.model_copy(update={"steps": tuple(steps)})


def with_model(agent: Agent, keys: Keys) -> Agent:
    """The agent itself, unless it is a model that has an address and no name."""
    if agent.role != "model" or not agent.base_url or agent.model:
        return agent
    return agent.model_copy(update={"model": only_model(agent, keys)})


def only_model(agent: Agent, keys: Keys) -> str:
    """The name of the one model behind an address. Of several, a scholar chooses: nobody else does."""
    names = served(agent, keys)
    if len(names) == 1:
        return names[0]
    if not names:
        raise ConfigError("the server serves no model.", where=agent.base_url, hint="Load one into it, and try again.")
    shown = ", ".join(names[:MOST_NAMED]) + (f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else "")
    said = f"the server serves {len(names)} models, and '{agent.name}' does not say which: {shown}."
    raise ConfigError(said, where=agent.base_url, hint=f"Name one behind a '#': {agent.base_url}#{names[0]}")


def served(agent: Agent, keys: Keys) -> list[str]:
    """What `GET BASE_URL/models` lists. Raises ProviderError where nobody answers."""
    if not urlsplit(agent.base_url).hostname:
        raise ConfigError(f"'{agent.base_url}' is not an address.", hint="e.g. http://127.0.0.1:8000/v1")
    address = f"{agent.base_url.rstrip('/')}/models"
    headers = {"Authorization": f"Bearer {keys(agent.key).reveal()}"} if agent.key else {}
    try:
        request = Request(address, headers=headers)  # noqa: S310  (an address is http or https: config.agents)
        with urlopen(request, timeout=PATIENCE_SECONDS) as reply:  # noqa: S310
            listed = json.load(reply)["data"]
        return sorted(str(item["id"]) for item in listed)
    except HTTPError as error:
        error.close()
        raise _pointed(agent, Permanent(f"the server does not say which models it has ({error.code}).")) from error
    except (URLError, OSError) as error:
        cause = getattr(error, "reason", error)
        reason = str(getattr(cause, "strerror", None) or cause).lower()
        raise _pointed(agent, Unavailable(f"the server cannot be reached ({reason}).")) from error
    except (ValueError, KeyError, TypeError) as error:
        raise _pointed(agent, Permanent("the server does not say which models it has.")) from error


def _pointed(agent: Agent, error: ProviderError) -> ProviderError:
    error.where = agent.base_url
    error.hint = f"Is it running, is the address right?   The model can be named, too: {agent.base_url}#MODEL"
    return error
