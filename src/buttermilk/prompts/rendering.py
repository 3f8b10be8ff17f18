"""From a prompt and a job to messages: pure, strict, and quick, for it stands in the path of every call."""

from threading import Lock
from typing import Any, Generic, NamedTuple, TypeVar

from jinja2 import Template, TemplateError, UndefinedError, nodes

from buttermilk.core.errors import PromptError
from buttermilk.core.flows import Codebook, Perspective, Prompt, Role
from buttermilk.core.hashing import canonical
from buttermilk.core.jobs import Job
from buttermilk.core.messages import Message
from buttermilk.core.records import Part
from buttermilk.prompts.parsing import Source, asked, expanded, fields_of, included, made, parse, sources
from buttermilk.prompts.sandbox import OUTPUT_LIMIT, WORK, WORK_LIMIT, Sandbox, View, sandbox_for
from buttermilk.prompts.views import (
    MEDIA_FIELDS,
    RECORD_FIELDS,
    answers_view,
    codebook_view,
    perspective_view,
    record_view,
)

# What a template can bring about while it renders; anything else is a bug of ours.
_MISTAKES = (TemplateError, ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError)

V = TypeVar("V")


class Memo(Generic[V]):
    """The last things made from values, by what they were made of: it saves time and can change no answer."""

    def __init__(self, most: int) -> None:
        self._kept: dict[Any, V] = {}
        self._most = most
        self._lock = Lock()
        self.get = self._kept.get

    def keep(self, key: Any, value: V) -> V:
        with self._lock:
            while len(self._kept) >= self._most:
                del self._kept[next(iter(self._kept))]
            self._kept[key] = value
        return value


class Ready(NamedTuple):
    """A section as it is rendered: compiled, with what it asks for."""

    place: int
    role: Role
    source: Source
    template: Template
    names: frozenset[str]
    fields: tuple[str, ...]  # of the record
    media: frozenset[str]  # which media it places: {"image"}
    pieces: tuple[str, ...] | None  # of a plain one: words, a field of the record, words, a field, …


WORDS = frozenset({"id", "text", "title"})  # the fields of a record that are a text
_RECORD = nodes.Name("record", "load")
_READY: Memo[tuple[Ready, ...]] = Memo(256)
_VIEWS: Memo[View] = Memo(256)
_UNCHANGING: Memo[Message] = Memo(256)


def render(prompt: Prompt, job: Job) -> tuple[Message, ...]:
    """One message per section. What the record holds can be nowhere but in the text of the sections that ask for it.

    A section that reads neither the record nor earlier answers is rendered once and shared by the jobs it is the same
    for. Raises PromptError with file and line.
    """
    sections = _READY.get(prompt.hash) or prepare(prompt)
    messages = []
    for section in sections:
        if "record" in section.names or not section.names.isdisjoint(job.inputs):
            messages.append(_message(section, job))
        else:
            key = _key(prompt, section, job)
            messages.append(_UNCHANGING.get(key) or _UNCHANGING.keep(key, _message(section, job)))
    media = [part for part in job.record.parts if part.kind != "text"]
    return _with_media(sections, messages, media) if media else tuple(messages)


def prepare(prompt: Prompt) -> tuple[Ready, ...]:
    """Compile a prompt and keep it by its hash. Raises PromptError for what is no template, or too large a one."""
    trees = [(source, parse(source)) for source in sources(prompt)]
    known = {source.file: tree for source, tree in trees if source.included}
    includes = expanded(trees)
    environment = sandbox_for(dict(prompt.includes), {name: size for name, (size, _) in includes.items()})
    own = frozenset().union(*(made(tree) for _, tree in trees))
    ready = []
    for place, (source, tree) in enumerate(item for item in trees if not item[0].included):
        inner = [includes[name] for name, _ in included(tree)]
        size = len(source.text) + sum(one for one, _ in inner)
        if size > OUTPUT_LIMIT:
            raise PromptError(f"with all it includes this section has {size:,} characters.", where=source.at(1))
        template = _compiled(environment, source, list(known))
        whole = [tree, *(known[name] for name in sorted(frozenset().union(*(names for _, names in inner))))]
        ready.append(_ready(place, prompt.sections[place].role, source, template, whole, own))
    return _READY.keep(prompt.hash, tuple(ready))


def _compiled(environment: Sandbox, source: Source, includes: list[str]) -> Template:
    try:
        templates = [environment.get_template(name) for name in includes]
        templates.append(environment.from_string(source.text))
    except (TemplateError, SyntaxError, RecursionError) as error:
        line = getattr(error, "lineno", None) if isinstance(error, TemplateError) else None
        raise PromptError(f"the template cannot be used: {error}", where=source.at(line or 1)) from error
    for template in templates:
        template.globals = dict(environment.globals)  # its ChainMap would cost more than the rendering
    return templates[-1]


def _ready(
    place: int, role: Role, source: Source, template: Template, whole: list[nodes.Template], own: frozenset[str]
) -> Ready:
    names = asked(whole[0]).union(*(asked(tree) - own for tree in whole[1:]))
    read = [fields_of(tree, "record") for tree in whole]
    exact = frozenset().union(*(fields or () for fields in read))
    all_of_it = None in read or not exact <= RECORD_FIELDS.keys()
    fields = tuple(RECORD_FIELDS) if all_of_it else tuple(sorted(exact))
    pieces = _pieces(whole[0]) if len(whole) == 1 else None
    return Ready(place, role, source, template, names, fields, exact & MEDIA_FIELDS, pieces)


def _pieces(tree: nodes.Template) -> tuple[str, ...] | None:
    """Most prompts are words around `{{ record.text }}`: those need no template. None where there is more to it."""
    pieces = [""]
    for node in (inner for outer in tree.body for inner in getattr(outer, "nodes", [outer])):
        if isinstance(node, nodes.TemplateData):
            if len(pieces) % 2:
                pieces[-1] += node.data
            else:
                pieces.append(node.data)
        elif isinstance(node, nodes.Getattr) and node.node == _RECORD and node.attr in WORDS:
            pieces += [node.attr] if len(pieces) % 2 else ["", node.attr]
        else:
            return None
    return tuple(pieces)


def _identity(value: Perspective | Codebook) -> tuple[str, str, str]:
    return value.hash, value.name, value.title


def _key(prompt: Prompt, section: Ready, job: Job) -> tuple[Any, ...]:
    """All that a section without a record can show."""
    names, perspective = section.names, job.perspective
    return (
        prompt.hash,
        section.place,
        _identity(perspective) if perspective and "perspective" in names else None,
        _identity(job.codebook) if "codebook" in names else None,
        canonical({name: value for name, value in job.variant.items() if name in names}) if job.variant else "",
    )


def _values(section: Ready, job: Job) -> dict[str, Any]:
    names = section.names
    values: dict[str, Any] = {**job.variant, WORK: [WORK_LIMIT]}
    if "record" in names:
        values["record"] = record_view(job, section.fields)
    if "perspective" in names and job.perspective is not None:
        key = ("perspective", *_identity(job.perspective))
        values["perspective"] = _VIEWS.get(key) or _VIEWS.keep(key, perspective_view(job.perspective))
    if "codebook" in names:
        key = ("codebook", *_identity(job.codebook))
        values["codebook"] = _VIEWS.get(key) or _VIEWS.keep(key, codebook_view(job.codebook))
    if "priors" in names:
        values["priors"] = []  # in the control arm, and where a step has none
    return values | {name: answers_view(job, name) for name in job.inputs if name in names}


def _message(section: Ready, job: Job) -> Message:
    template = section.template
    try:
        if section.pieces is None:
            text = "".join(template.root_render_func(template.new_context(_values(section, job))))
        else:
            text = "".join(RECORD_FIELDS[one](job) if n % 2 else one for n, one in enumerate(section.pieces))
    except _MISTAKES as error:
        raise _blame(error, section.source, job) from error
    if len(text) > OUTPUT_LIMIT:
        said = f"this section became {len(text):,} characters for record '{job.record.record_id}'"
        hint = "Is there a loop in it too many?"
        raise PromptError(f"{said}; the most is {OUTPUT_LIMIT:,}.", where=section.source.at(1), hint=hint)
    return Message(role=section.role, text=text)


def _blame(error: Exception, source: Source, job: Job) -> PromptError:
    """The innermost line of a template in the traceback, and what went wrong there."""
    where, trace = source.at(1), error.__traceback__
    while trace is not None:
        template = trace.tb_frame.f_globals.get("__jinja_template__")
        if template is not None:
            line = template.get_corresponding_lineno(trace.tb_lineno)
            where = f"{template.name}:{line}" if template.name else source.at(line)
        trace = trace.tb_next
    said = str(error)
    if isinstance(error, RecursionError):
        said = "the template calls itself without end."
    elif isinstance(error, TypeError):
        said = f"something is used here as what it is not: {said}"
    may_be_missing = isinstance(error, UndefinedError) and not said.endswith("is undefined")
    hint = "Where it may be missing, write {{ ... | default('') }}." if may_be_missing else ""
    return PromptError(f"{said.rstrip('.')} (record '{job.record.record_id}').", where=where, hint=hint)


def _with_media(sections: tuple[Ready, ...], messages: list[Message], media: list[Part]) -> tuple[Message, ...]:
    """Each picture, sound or film goes with the message that names it, else with the last one of the user."""
    users = [section.place for section in sections if section.role == "user"]
    last = users[-1] if users else len(sections) - 1
    placed: dict[int, list[Part]] = {}
    for part in media:
        naming = (one.place for one in sections if part.kind in one.media or "media" in one.media)
        place = next(naming, last)
        placed.setdefault(place, []).append(part)
    return tuple(
        Message(role=message.role, text=message.text, media=tuple(placed[place])) if place in placed else message
        for place, message in enumerate(messages)
    )
