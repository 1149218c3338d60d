"""Verifying backups: each object against what the database recorded, and each version against the next one's word.

Keys and rows are read side by side in the order of their keys, objects by several threads, so memory stays flat. The
store alone can be verified too; then the newest version of a stream has only the store's own digest to vouch for it.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from heapq import merge
from itertools import groupby, islice
from operator import itemgetter
from typing import NamedTuple

from django.db import connection, transaction

from orders.models import Backup
from orders.objects import ARCHIVE, RESTORES, GivenUp, Header, header_of, name_of
from orders.restoring import restores, take_time
from skybridge.storage import NotStored, Tampered, digest, store

THREADS = 8
CHUNK = 256
RECORDED = """
SELECT key, sha256 FROM orders_backup WHERE stored_at IS NOT NULL ORDER BY key COLLATE "C"
"""
Progress = Callable[[int, int], None]


class Finding(NamedTuple):
    """What is wrong with one object: missing, tampered, unsound, unchained or unknown."""

    key: str
    kind: str
    explanation: str

    def __str__(self) -> str:
        return f"{self.kind}: {self.key}: {self.explanation}"


@dataclass
class Item:
    """One key: whether the store lists it, the SHA-256 that the database recorded, and what was read."""

    key: str
    is_listed: bool
    recorded: str = ""
    body: bytes | None = None
    problem: str = ""

    @property
    def sha256(self) -> str:
        """Return what the next version should say of this one."""
        return self.recorded or (digest(self.body) if self.body is not None else "")


@dataclass
class Verification:
    """Yields findings; afterwards `objects` says how many objects were read."""

    store_only: bool = False
    progress: Progress = lambda done, size: None
    objects: int = 0
    given_up: list[GivenUp] = field(default_factory=list)

    def findings(self) -> Iterator[Finding]:
        """Yield what is wrong, stream by stream. Raises StorageUnavailable."""
        self.given_up = restores()
        with nullcontext() if self.store_only else reading(), ThreadPoolExecutor(THREADS, "verify") as pool:
            for _, items in groupby(self.read(pool), key=lambda item: item.key.rpartition("/")[0]):
                yield from self.verify_stream(list(items))

    def read(self, pool: ThreadPoolExecutor) -> Iterator[Item]:
        size = 0 if self.store_only else Backup.objects.filter(stored_at__isnull=False).count()
        items = self.items()
        while chunk := list(islice(items, CHUNK)):
            for item in pool.map(read_item, chunk):
                self.objects += item.body is not None
                self.progress(self.objects, max(size, self.objects))
                yield item

    def items(self) -> Iterator[Item]:
        """Yield each key that the store lists or the database has recorded, in order."""
        listed = ((key, "") for key in store().list() if not key.startswith((RESTORES, ARCHIVE)))
        rows = iter(()) if self.store_only else recorded()
        for key, found in groupby(merge(listed, rows), key=itemgetter(0)):
            digests = [sha256 for _, sha256 in found]
            yield Item(key, "" in digests, max(digests))

    # --- One stream ---

    def verify_stream(self, items: list[Item]) -> Iterator[Finding]:
        """Yield what is wrong with a stream's versions, the oldest first."""
        seen: list[Item] = []
        first_recorded = min((item.key for item in items if item.recorded), default=None)
        for item in items:
            name = name_of(item.key)
            is_given_up = name is not None and any(given_up.holds(name) for given_up in self.given_up)
            yield from self.verify_item(item, seen, is_given_up, first_recorded)
            if not is_given_up:
                seen.append(item)

    def verify_item(
        self, item: Item, seen: list[Item], is_given_up: bool, first_recorded: str | None
    ) -> Iterator[Finding]:
        if item.problem:
            yield Finding(item.key, *item.problem.split(": ", 1))
        if item.body is None:
            return
        if item.recorded and digest(item.body) != item.recorded:
            yield Finding(item.key, "tampered", "its content is not what was recorded when it was stored")
            return
        try:
            header = header_of(item.body)
        except ValueError as exc:
            yield Finding(item.key, "unsound", str(exc))
            return
        if header.key != item.key:
            yield Finding(item.key, "unsound", f"it says that it is {header.key}")
        elif not is_given_up and not follows(header, seen):
            before = seen[-1].key if seen else f"version {header.version - 1}"
            yield Finding(item.key, "unchained", f"{before} is missing or not what it was when this version followed")
        is_expected = item.recorded or is_given_up or (first_recorded and item.key < first_recorded)
        if not (self.store_only or is_expected or is_known(header)):
            yield Finding(item.key, "unknown", "the database knows nothing of it")


def follows(header: Header, seen: list[Item]) -> bool:
    """Tell whether a version names the one before it; one whose content is lost, and was never recorded, may be it."""
    before = seen[-1].sha256 if seen else None
    return before == "" or header.previous_sha256 == before


def read_item(item: Item) -> Item:
    if not item.is_listed:
        item.problem = "missing: the database recorded it, the store does not have it"
        return item
    if name_of(item.key) is None:
        item.problem = "unknown: nothing that we store has such a key"
        return item
    try:
        item.body = store().get(item.key, sha256=None)
    except NotStored:
        item.problem = "missing: the store lists it, and does not have it"
    except Tampered:
        item.problem = "tampered: its content is not what the store took its digest of"
    return item


@contextmanager
def reading() -> Iterator[None]:
    with transaction.atomic():
        take_time()
        yield


def recorded() -> Iterator[tuple[str, str]]:
    with connection.chunked_cursor() as cursor:
        cursor.execute(RECORDED)
        while rows := cursor.fetchmany(CHUNK):
            yield from rows


def is_known(header: Header) -> bool:
    """Tell whether the version waits to be recorded, or was since we began to look."""
    return Backup.objects.filter(kind=header.kind, stream=header.stream, version=header.version).exists()
