"""What is counted while records pass by on their way into the store, and the one check that needs them all: ids."""

from collections import Counter
from collections.abc import Iterable, Iterator

from buttermilk.core.errors import DataError
from buttermilk.core.records import Dataset, DatasetSpec, Record, Reject

REJECTS_KEPT = 100


class Census:
    """Counts columns, kinds of parts and labels of a stream of records, and refuses a second record of one id."""

    def __init__(self, spec: DatasetSpec) -> None:
        self.spec = spec
        self.count = self.rejected = 0
        self.columns: Counter[str] = Counter()
        self.kinds: Counter[str] = Counter()
        self.labelled: Counter[str] = Counter()
        self.addresses: dict[str, str] = {}
        self.rejects: list[Reject] = []
        self._ids: set[int] = set()

    def records(self, found: Iterable[Record | Reject]) -> Iterator[Record]:
        """The records alone, counted. Raises DataError on an id that was there before."""
        for item in found:
            if isinstance(item, Reject):
                self.rejected += 1
                self.rejects += [item] if len(self.rejects) < REJECTS_KEPT else []
                continue
            if self.spec.limit is not None and self.count >= self.spec.limit:
                return
            self._count(item)
            yield item

    def _count(self, record: Record) -> None:
        self.count += 1
        key = hash(record.record_id)
        if key in self._ids:
            raise DataError(
                f"record id '{record.record_id}' is there twice (the second time as record {self.count}).",
                where=self.spec.path,
                hint="Ids must be unique, or answers could not be told apart. Mend the rows, or leave out "
                "`columns.id`: ids are then made from the content.",
            )
        self._ids.add(key)
        for column in record.metadata:
            self.columns[column] += 1
        for kind in record.kinds:
            self.kinds[kind] += 1
        for part in record.parts:
            if part.url:
                self.addresses.setdefault(f"{part.kind} {part.url.partition(':')[0]}", record.record_id)
        for question in {label.question for label in record.labels}:
            self.labelled[question] += 1

    def dataset(self, fingerprint: str) -> Dataset:
        return Dataset(
            name=self.spec.name,
            fingerprint=fingerprint,
            records=self.count,
            columns=dict(self.columns),
            kinds=dict(self.kinds),
            labelled=dict(self.labelled),
            addresses=self.addresses,
            rejects=tuple(self.rejects),
            rejected=self.rejected,
            spec=self.spec,
        )


def no_records(dataset: Dataset) -> DataError:
    """The error for a dataset in which nothing can be asked about."""
    if not dataset.rejected:
        return DataError(f"dataset '{dataset.name}' is empty: there are no records.", where=dataset.spec.path)
    first = dataset.rejects[0]
    return DataError(
        f"dataset '{dataset.name}' has no usable record: all {dataset.rejected} rows were rejected.",
        where=dataset.spec.path,
        hint=f"The first: {first.where}: {first.why}",
    )
