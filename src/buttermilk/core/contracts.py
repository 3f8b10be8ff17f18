"""All doors on one page. A plug is one file that walks through one of them; `plugins.find(kind, name)` opens it.

A plug translates its vendor's errors into those of `errors.py`, reads no environment, and is handed all it needs.
Each door has a contract suite in `tests/contracts/` which a stranger can run on a plug of their own.
"""

from collections.abc import AsyncIterator, Callable, Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, ClassVar, Protocol, TypeVar, runtime_checkable

from buttermilk.core.cases import Expectation, Trial, Verdict
from buttermilk.core.errors import ProviderError
from buttermilk.core.flows import Agent, Citable, CitableKind, Codebook, Step
from buttermilk.core.jobs import Answer, Batch, Cell, Event, Given, Job, Result, Run, Sent, Stored, Use
from buttermilk.core.messages import Output, Reply, Request
from buttermilk.core.people import Paper
from buttermilk.core.records import Dataset, DatasetSpec, Record, RecordRef, Reject
from buttermilk.core.sheets import Sheet, Told
from buttermilk.core.tables import Table
from buttermilk.core.values import Json
from buttermilk.core.waves import Returned

P = TypeVar("P", bound=Paper)


class Secret:
    """A secret's text, which shows itself to nobody: `reveal()` is the one way to it."""

    __slots__ = ("_reference", "_text")

    def __init__(self, text: str, reference: str = "") -> None:
        self._text = text
        self._reference = reference

    def reveal(self) -> str:
        return self._text

    def __repr__(self) -> str:
        return f"Secret({self._reference or 'hidden'})"

    __str__ = __repr__

    def __reduce__(self) -> Any:
        raise TypeError("a secret is not pickled")


Keys = Callable[[str], Secret]
"""From a reference (`secret://env/OPENAI_API_KEY`) to the secret, or SecretError."""

Blobs = Callable[[str], bytes]
"""From the SHA-256 of a part's bytes to the bytes."""


@runtime_checkable
class Model(Protocol):
    """`models/x.py`: one wire protocol. Made once per agent and run: `Plug(agent, keys, blobs)`.

    `complete` sends exactly what the request says and returns the reply with the bytes of both, or gives up after
    `agent.limits.timeout_seconds`. It raises
    `RateLimited`, `TimedOut`, `Unavailable` or `Permanent`; a refusal is a Reply. `endpoint` names what is limited
    together. `simulated` marks answers that no model gave. `local` is true where nothing leaves the machine.
    """

    simulated: ClassVar[bool]
    endpoint: str
    local: bool

    def __init__(self, agent: Agent, keys: Keys, blobs: Blobs) -> None: ...
    async def complete(self, request: Request) -> Reply: ...
    async def close(self) -> None: ...


@runtime_checkable
class Tool(Protocol):
    """`tools/x.py`: one analysis tool. Made once per agent and run: `Plug(agent, keys)`.

    `call` answers the questions of the job's codebook with the tool's own scale in `raw`. `deterministic` tools are
    asked once per record. Blocking libraries run in a thread inside the plug.
    """

    deterministic: ClassVar[bool]
    endpoint: str

    def __init__(self, agent: Agent, keys: Keys) -> None: ...
    async def call(self, job: Job) -> Output: ...
    async def close(self) -> None: ...


@runtime_checkable
class Checks(Protocol):
    """What a model or a tool may also have: `check` raises ConfigError where it could never answer this codebook."""

    def check(self, codebook: Codebook) -> None: ...


@runtime_checkable
class Fetches(Protocol):
    """What a model says that takes media by their addresses: from which schemes, kind by kind."""

    fetches: Mapping[str, Collection[str]]


@runtime_checkable
class Rereads(Protocol):
    """What a tool may also have: `reread` answers a codebook from scores that are stored, by the rules of now. So a
    threshold in `parameters.answers` is moved without asking again."""

    def reread(self, codebook: Codebook, raw: Mapping[str, Any]) -> Mapping[str, Any]: ...


@runtime_checkable
class Batches(Protocol):
    """What a model may also have: many questions handed over at once, to be collected later, at a lower price.

    `batch_size` is how many it takes at once, 0 where this door has none. `replies` comes after `ended`, in any order;
    an item that expired, was called back or failed is a ProviderError.
    """

    @property
    def batch_size(self) -> int: ...
    async def submit(self, asked: Sequence[tuple[str, Request]], mark: str) -> str:
        """Returns the ticket. The texts with the requests are ours: job ids, as a rule. So is the mark."""

    async def marked(self, mark: str, count: int, since: datetime) -> Sequence[str]:
        """Tickets of what may be the batch of this mark, which was to be handed over at that time."""

    async def ended(self, ticket: str) -> bool: ...
    def replies(self, ticket: str) -> AsyncIterator[tuple[str, Reply | ProviderError]]: ...
    def sent(self, request: Request) -> Sent:
        """What was handed over for this question."""

    async def cancel(self, ticket: str) -> None: ...


@runtime_checkable
class Source(Protocol):
    """`sources/x.py`: one way to read records. `Plug(spec, root)`; `spec.path` is relative to `root`.

    `records` yields each row as a Record or as a Reject that says why not, in the order of the file, the same every
    time, without holding them. `fingerprint` is of the bytes and the reading options, and is cheap: a dataset whose
    fingerprint is known is not read again. Raises DataError where nothing can be read, naming file and row.
    """

    def __init__(self, spec: DatasetSpec, root: Path) -> None: ...
    def records(self) -> Iterator[Record | Reject]: ...
    def fingerprint(self) -> str: ...


@runtime_checkable
class Vault(Protocol):
    """`vaults/x.py`: one way to find a secret. `Plug(root)`, `Plug(root, place)` for `vaults: {x: place}` of a study.

    `get` gives the newest version where none is named. It raises NoSuchSecret where the store has none of this name and
    SecretError where it may not be read, naming the store, who asked and what is missing. Blocking; any thread.
    """

    def get(self, name: str, version: str = "") -> Secret: ...


@runtime_checkable
class Export(Protocol):
    """`exports/x.py`: one way to write a table. Whole or not at all: written beside the target, then renamed."""

    suffix: ClassVar[str]

    def write(self, table: Table, target: Path) -> int:
        """Returns the number of rows written."""


@runtime_checkable
class Sheets(Protocol):
    """`sheets/x.py`: one format in which records go out to coders and come back labelled.

    `write` returns the files that it made, `target` first. `read` yields every answer as it stands, and where it does;
    what is not coded yet is no answer. It raises DataError where the file is not of this format.
    """

    suffix: ClassVar[str]

    def write(self, sheet: Sheet, target: Path) -> Sequence[Path]: ...
    def read(self, file: Path, codebook: Codebook) -> Iterator[Told]: ...


class Judges(Protocol):
    """What a check may ask for help. Both raise ProviderError, and ConfigError where there is nobody of that name."""

    async def ask(self, agent: str, job: Job) -> Result:
        """The job, asked of the agent of this name, whoever the job names."""

    async def embed(self, texts: Sequence[str]) -> Sequence[list[float]]:
        """A vector for each text."""


@runtime_checkable
class Check(Protocol):
    """`checks/x.py`: one thing that a prompt's test may expect. `Plug(argument, expectation)`; the argument is what
    stands behind its name in YAML, and one that cannot be used is a ConfigError (`expectation.wrong`) at once.

    `judge` never raises for what an answer is. What was refused, unreadable or failed has no content, so it passes no
    check of content: `core.cases.content` gives a Finding in its place, and `together` makes a verdict of findings.
    `not-` is no affair of a check: `core.cases.negated` turns its findings.
    """

    def __init__(self, argument: Json, expectation: Expectation) -> None: ...
    async def judge(self, trial: Trial, judges: Judges) -> Verdict: ...


@runtime_checkable
class Reads(Protocol):
    """What a check may also have: the questions that it reads, dotted, beside the one of its expectation."""

    questions: tuple[str, ...]


@runtime_checkable
class Embeds(Protocol):
    """What a check may also have: whether it asks for embeddings, for which the tests have to name somebody."""

    embeds: bool


@runtime_checkable
class Wants(Protocol):
    """What a check may also have: the labels that would do, by question."""

    labels: Mapping[str, tuple[str, ...]]


@runtime_checkable
class Compares(Protocol):
    """What a check may also have: the names of other cases of the prompt whose answers it reads from `trial.others`."""

    cases: tuple[str, ...]


@runtime_checkable
class Asks(Protocol):
    """What a check may also have: the names of the agents that it asks through `judges`, and the steps that its
    questions belong to, which a stored run's method must hold."""

    agents: tuple[str, ...]

    def steps(self, agents: Mapping[str, Agent]) -> Sequence[Step]: ...


@runtime_checkable
class Store(Protocol):
    """`stores/x.py`: one way to keep results. Blocking; the engine calls it from a thread. Raises StoreError.

    Every write is insert-if-absent on a content id: a retry is harmless, and of two answers to one job the first stays.
    """

    where: str

    def put(self, run_id: str, pairs: Sequence[tuple[Job, Result]]) -> None:
        """Keep attempts with their jobs, all or none."""

    def submitting(self, batch: Batch, jobs: Sequence[Job]) -> None:
        """Keep the jobs of a batch that is about to be handed over, and its mark as its ticket."""

    def batches(self, run_id: str) -> list[Batch]:
        """Those that are waited for, and those of which it is not known whether they were handed over."""

    def tickets(self) -> set[str]:
        """Of all batches of all runs."""

    def settle(self, ticket: str, batch: Batch) -> None:
        """What has become of the batch of this ticket: it has another one now, or another state."""

    def cells(self, step: str, agent_type: str) -> list[tuple[Cell, Agent]]:
        """Every cell of such a step that was ever asked of such an agent, with the agent as it was."""

    def adopt(self, run_id: str, job_ids: Sequence[str]) -> None:
        """Count stored answers as part of this run too."""

    def replace(self, run_id: str, step: str, record_ids: Sequence[str], job_ids: Sequence[str]) -> None:
        """Of this step and these records only these jobs belong to the run: what they read has changed since."""

    def done(self, job_ids: Sequence[str]) -> dict[str, Stored]:
        """What is stored of these jobs."""

    def results(self, run_id: str, step: str | None = None, arm: str | None = None) -> Iterator[dict[str, Any]]:
        """The last attempt of each job of a run as one flat row, in an order that depends on content alone."""

    def counted(self, run_id: str) -> Iterator[dict[str, Any]]:
        """The same rows in an order of content, with the columns that a report counts and the key of their `cell`."""

    def answers(self, run_id: str, step: str, record_ids: Sequence[str]) -> dict[str, tuple[Answer, ...]]:
        """What a step of a run gave for each record, every status included, in the order of the job ids. What was
        answered by who was shown earlier answers is not among it."""

    def pool(
        self, step: str, codebook_hash: str, record_ids: Sequence[str], runs: Sequence[str] = ()
    ) -> dict[str, tuple[Given, ...]]:
        """What models and tools answered about these records in the control arm of a step, to this very codebook, in
        any wave and run, a run that is not kept included: in the order of the job ids. Never what people said."""

    def matching(self, prefix: str, limit: int = 5) -> list[str]:
        """Job ids that begin so."""

    def job(self, job_id: str) -> Job | None: ...
    def attempts(self, job_id: str) -> list[Result]: ...

    def keep_dataset(self, source_fingerprint: str, spec: DatasetSpec, records: Iterable[Record | Reject]) -> Dataset:
        """Store the records once and return what they are as a dataset. Raises DataError on a duplicate id."""

    def dataset(self, source_fingerprint: str) -> Dataset | None: ...
    def refs(self, dataset: str) -> Iterator[list[RecordRef]]:
        """In the dataset's order, a few hundred at a time."""

    def records(self, record_hashes: Sequence[str]) -> dict[str, Record]: ...

    def begin(self, run: Run) -> None: ...
    def update(self, run_id: str, changes: Mapping[str, Any]) -> None: ...
    def run(self, run_id: str) -> Run | None: ...
    def runs(self) -> list[Run]: ...
    def log(self, run_id: str, events: Sequence[Event]) -> None: ...
    def events(self, run_id: str) -> list[Event]: ...
    def similar(self, step: str, record_ids: Sequence[str]) -> Iterator[tuple[Cell, str, str, int]]:
        """What was asked before about these records in a step, as (cell, record_id, seen_hash, repeat)."""

    def uses(self, kind: CitableKind, name: str | None = None) -> list[Use]:
        """Every use of each version in a run that has begun, the latest run first."""

    def versions(self, kind: CitableKind, prefix: str = "", name: str | None = None) -> list[Citable]:
        """Those that were ever asked with and whose hash begins so, the latest first. Names may share a hash."""

    def counts(self, run_id: str) -> dict[tuple[str, str, str], int]:
        """(step, agent, status of the last attempt) -> how many jobs of the run."""

    def returned(self, run_ids: Sequence[str]) -> list[Returned]:
        """Which models replied in these runs, by their own account, in the order of their first reply."""

    def spent(self, run_id: str) -> tuple[float, int]:
        """Money and tokens over all attempts that this run made."""

    def file(self, papers: Sequence[Paper]) -> None:
        """Keep samples, codings, openings and registrations, all or none, each once by its content."""

    def papers(self, kind: type[P], about: str) -> list[P]:
        """Those about a data set or a flow, in the order in which they were kept."""

    def close(self) -> None: ...
