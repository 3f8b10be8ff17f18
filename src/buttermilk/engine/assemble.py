"""A Job becomes a Request: its prompt rendered, what the model cannot take replaced by its words, and that recorded."""

from collections import Counter

from buttermilk.core.flows import Agent
from buttermilk.core.jobs import Job
from buttermilk.core.messages import Message, Request
from buttermilk.core.records import Part
from buttermilk.prompts import render


def assemble(job: Job) -> Request:
    """Raises PromptError where the template does not fit the record."""
    if job.prompt is None:
        raise ValueError(f"job {job.job_id} asks a model and has no prompt")  # config.py lets no such step through
    messages = render(job.prompt, job)
    drops: tuple[str, ...] = ()
    if any(message.media for message in messages):
        messages, drops = _within(job.agent, messages)
    seed = job.call_seed if job.agent.capabilities.seed else None
    return Request(agent=job.agent, messages=messages, codebook=job.codebook, seed=seed, job=job, drops=drops)


def shown(request: Request) -> str:
    """What the agent sees: `text`, `text, image ×3`, `text, audio in words`."""
    if not request.drops and not any(message.media for message in request.messages):
        return "text"
    sent = Counter(part.kind for message in request.messages for part in message.media)
    words = Counter(drop.partition(":")[0] for drop in request.drops)
    said = [(kind, "", count) for kind, count in sent.items()] + [(kind, " in words", n) for kind, n in words.items()]
    return ", ".join(["text", *(f"{kind}{how}{f' ×{count}' if count > 1 else ''}" for kind, how, count in said)])


def reask(request: Request, said: str, why: str) -> Request:
    """The same question again, with the reply that could not be read and what was wrong with it."""
    again = (
        Message(role="assistant", text=said),
        Message(
            role="user",
            text=f"That reply could not be read: {why}. Answer again with one JSON object that fits, and nothing else.",
        ),
    )
    return request._replace(messages=(*request.messages, *again))


def _within(agent: Agent, messages: tuple[Message, ...]) -> tuple[tuple[Message, ...], tuple[str, ...]]:
    """Media that the model does not take give way to their text alternative."""
    takes, kept, drops = agent.capabilities.inputs, [], []
    for message in messages:
        sent = tuple(part for part in message.media if part.kind in takes)
        words = [_words(part) for part in message.media if part.kind not in takes]
        drops += [f"{part.kind}: its text alternative was sent" for part in message.media if part.kind not in takes]
        text = "\n\n".join([message.text, *words]) if words else message.text
        kept.append(message._replace(text=text, media=sent))
    return tuple(kept), tuple(drops)


def _words(part: Part) -> str:
    return f"[{part.kind}: {part.alt}]" if part.alt else f"[{part.kind} that cannot be shown]"
