"""The anchor set: records that are asked in every wave, so that waves can be compared (METHODS 2.13)."""

from collections.abc import Iterable
from heapq import nsmallest

from buttermilk.core.hashing import derive_seed


def anchors(seed: int, count: int, record_ids: Iterable[str]) -> frozenset[str]:
    """Those `count` records whose own draw is least; all of them where there are no more.

    A record's draw depends on nothing but the seed and its id. So the order of the records is of no account, a record
    that is added takes at most one other's place, and one that goes gives its place to one.
    """
    return frozenset(nsmallest(count, record_ids, key=lambda one: (derive_seed(seed, "anchor", one), one)))
