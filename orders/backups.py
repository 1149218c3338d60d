"""Backups: every version of an order is written down beside it, in the transaction that makes it, and stored later.

Until the store has a version, its row holds it, so a change without its backup cannot be committed, and a store that is
down costs nothing but time. What is stored follows from the row alone: workers that store the same version at once, or
again after a crash, store the same bytes under the same key, which the store takes for success.
"""

import logging
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime
from functools import cache, partial
from itertools import groupby
from operator import attrgetter, itemgetter
from typing import NamedTuple
from uuid import UUID

from django.db import connection
from django.utils import timezone

from orders.models import Backup
from orders.objects import Version, body_of, key_of
from orders.snapshots import account_document, order_document
from partners.models import Account
from skybridge.exceptions import DomainError
from skybridge.storage import StorageUnavailable, Stored, digest, store

logger = logging.getLogger(__name__)
THREADS = 8
LIMIT = 20_000  # versions of one run
PART = 200  # versions, or streams, that are read at once
MOST_COUNTED = 10_000
LATE_SECONDS = 60
DRAIN_LOCK = 0x5C4ED02E  # one run at a time, database-wide


class ChainBroken(DomainError):
    """A version cannot be stored because nothing is known of the one before: this is not the database that made it."""

    code = "backup_chain_broken"


# --- Keeping: in the transaction of the change ---

COLUMNS = "kind, stream, version, taken_at, document, covers, key, sha256, store_version"


def kept(orders: str, document: str) -> str:
    """Return the SQL that keeps the orders of a table at its `updated_at`; `document` is that of the order `o.id`."""
    return f"""
    INSERT INTO orders_backup ({COLUMNS})
    SELECT 'order', o.id::text, o.version, o.updated_at, document::json, covers, '', '', ''
    FROM {orders} o CROSS JOIN LATERAL ({document}) AS d ORDER BY o.id"""


@cache
def keep_orders_sql() -> str:
    # What the ids are is hidden from the planner: a plan for one would always look cheaper than one for any number, and
    # be made anew at each call, which takes longer than the rest.
    orders = """(
        SELECT id, version, %(at)s::timestamptz AS updated_at FROM orders_order
        WHERE id = ANY ((SELECT %(order_ids)s::uuid[])::uuid[]))"""
    return kept(orders, order_document("o.id"))


@cache
def keep_account_sql() -> str:
    return f"""
    INSERT INTO orders_backup ({COLUMNS})
    SELECT 'account', %(code)s::text, 1 + COALESCE(
            (SELECT max(version) FROM orders_backup WHERE kind = 'account' AND stream = %(code)s), 0),
        %(at)s::timestamptz, document::json, covers, '', '', ''
    FROM ({account_document()}) AS d
    """


def keep(order_id: UUID, *, at: datetime) -> None:
    """Write down an order's present version, with its bookings, tickets, ledger lines and events. One statement.

    To be the last act of the transaction that made the version. Raises IntegrityError for a version that is kept
    already: whoever changes an order counts its version up.
    """
    keep_all([order_id], at=at)


def keep_all(order_ids: Iterable[UUID], *, at: datetime) -> None:
    """Do what `keep` does for some orders. One statement."""
    execute(keep_orders_sql(), {"order_ids": list(order_ids), "at": at})


def keep_account(code: str, *, at: datetime) -> None:
    """Write down an account's terms and its postings that belong to no order. Two statements; the account is locked."""
    account = Account.objects.select_for_update(no_key=True).get(pk=code)
    execute(keep_account_sql(), {"code": code, "subject_id": account.subject_id, "at": at})


def execute(sql: str, parameters: dict) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)


# --- Storing: outside of transactions ---

WAITING = """
SELECT b.stream, b.id, b.kind, b.version, b.taken_at, b.document::text, (
    SELECT p.sha256 FROM orders_backup p
    WHERE p.kind = b.kind AND p.stream = b.stream AND p.version < b.version ORDER BY p.version DESC LIMIT 1)
FROM orders_backup b WHERE b.kind = %s AND b.stream = ANY(%s::text[]) AND b.stored_at IS NULL
ORDER BY b.stream, b.version LIMIT %s
"""
STORED = """
UPDATE orders_backup b SET key = s.key, sha256 = s.sha256, store_version = s.store_version,
    stored_at = %(at)s::timestamptz, document = NULL
FROM unnest(%(ids)s::bigint[], %(keys)s::text[], %(digests)s::text[], %(store_versions)s::text[])
    AS s (id, key, sha256, store_version)
WHERE b.id = s.id AND b.stored_at IS NULL
"""


class Waiting(NamedTuple):
    """A version that waits, and the SHA-256 of the one before: None for the first, empty where that one waits, too."""

    stream: str
    row_id: int
    kind: str
    version: int
    taken_at: datetime
    document: str
    previous: str | None

    def after(self, sha256: str) -> Version:
        """Return the version to store, `sha256` being that of the last one stored. Raises ChainBroken."""
        previous = self.previous or sha256 or None
        if not previous and self.version > 1:
            raise ChainBroken(f"{self.stream}: version {self.version} waits, and no version before it is known.")
        return Version(self.kind, self.stream, self.version, self.taken_at, previous, self.document)


Outcome = tuple[list[tuple[int, Stored]], Exception | None]


def store_order(order_id: UUID) -> int:
    """Store the versions of an order that wait, and return how many. Raises as `store_waiting` does."""
    return store_waiting(Backup.Kind.ORDER, str(order_id))


def store_waiting(kind: str, stream: str) -> int:
    """Store the versions of a stream that wait, in order, and return how many. Two statements for each PART of them.

    Raises StorageUnavailable; AlreadyStored when the store has something else under a key, ChainBroken.
    """
    stored = 0
    while waiting := waiting_versions(kind, [stream]):
        done, failure = store_chain(waiting)
        stored += record_stored(done)
        if failure:
            raise failure
    return stored


def store_orders(order_ids: Iterable[UUID]) -> dict[UUID, Exception]:
    """Store the versions of some orders that wait, several at once; return why those that could not be were not."""
    with ThreadPoolExecutor(THREADS, "backup") as pool:
        failures = store_streams(Backup.Kind.ORDER, list(map(str, order_ids)), pool)[1]
    return {UUID(stream): failure for stream, failure in failures.items()}


def store_streams(kind: str, streams: Sequence[str], pool: Executor) -> tuple[int, dict[str, Exception]]:
    """Store what waits of some streams; return how many versions that were, and why streams could not be.

    Two statements for each PART of the versions. At the first sign that the store is down the others are not tried.
    """
    stored, failures, over = 0, dict[str, Exception](), threading.Event()
    while waiting := waiting_versions(kind, [stream for stream in streams if stream not in failures]):
        chains = [list(chain) for _, chain in groupby(waiting, key=attrgetter("stream"))]
        outcomes = list(pool.map(partial(store_chain, over=over), chains))
        stored += record_stored([pair for done, _ in outcomes for pair in done])
        failures |= {chain[0].stream: failure for chain, (_, failure) in zip(chains, outcomes, strict=True) if failure}
    return stored, failures


def waiting_versions(kind: str, streams: Sequence[str]) -> list[Waiting]:
    """Return the next versions of streams that wait, PART at most, stream by stream. One statement."""
    with connection.cursor() as cursor:
        cursor.execute(WAITING, [kind, list(streams), PART])
        return list(map(Waiting._make, cursor.fetchall()))


def store_chain(waiting: Sequence[Waiting], over: threading.Event | None = None) -> Outcome:
    """Store versions of one stream in order; return those that were stored, and why the next one was not.

    Asks no database. When the store is away, `over` tells the other threads.
    """
    done: list[tuple[int, Stored]] = []
    try:
        for one in waiting:
            if over and over.is_set():
                raise StorageUnavailable("it was not available a moment ago")
            version = one.after(done[-1][1].sha256 if done else "")
            key = key_of(version.kind, version.stream, version.version, version.taken_at)
            body = body_of(version)
            done.append((one.row_id, store().put(key, body, sha256=digest(body))))
    except StorageUnavailable as exc:
        if over:
            over.set()
        return done, exc
    except Exception as exc:
        return done, exc
    return done, None


def record_stored(done: Sequence[tuple[int, Stored]]) -> int:
    """Let rows name their objects in place of holding the content; return how many were given. One statement."""
    if done:
        parameters = {
            "ids": [row_id for row_id, _ in done],
            "keys": [stored.key for _, stored in done],
            "digests": [stored.sha256 for _, stored in done],
            "store_versions": [stored.version_id for _, stored in done],
            "at": timezone.now(),
        }
        execute(STORED, parameters)
    return len(done)


# --- What waits ---


class Lag(NamedTuple):
    """How many versions wait to be stored (at most MOST_COUNTED are counted), and for how long the oldest has."""

    versions: int
    seconds: float

    def __str__(self) -> str:
        more = "+" if self.versions == MOST_COUNTED else ""
        return f"{self.versions}{more} waiting, oldest {self.seconds:.0f} s" if self.versions else "ok"


LAG = f"""
SELECT (SELECT count(*) FROM (SELECT FROM orders_backup WHERE stored_at IS NULL LIMIT {MOST_COUNTED}) AS counted),
    (SELECT taken_at FROM orders_backup WHERE stored_at IS NULL ORDER BY id LIMIT 1)
"""


def lag(at: datetime) -> Lag:
    """Return what waits. One statement on the index of what is not stored."""
    with connection.cursor() as cursor:
        cursor.execute(LAG)
        count, oldest = cursor.fetchone()
    return Lag(count, max((at - oldest).total_seconds(), 0) if oldest else 0)


def health() -> str:
    """Return the line of /readyz."""
    return str(lag(timezone.now()))


# --- Draining: the periodic task ---


def drain(*, at: datetime, limit: int = LIMIT) -> int:
    """Store what waits, oldest stream first, several streams at once, and return how many versions that were.

    It ends at the first sign that the store is down. Two at once do no harm.
    """
    report(lag(at))
    stored = 0
    with ThreadPoolExecutor(THREADS, "backup") as pool:
        for kind, streams in parts(waiting_streams(limit)):
            more, failures = store_streams(kind, streams, pool)
            stored += more
            tell(kind, failures)
            if any(isinstance(failure, StorageUnavailable) for failure in failures.values()):
                break
    return stored


def parts(streams: Iterable[tuple[str, str]]) -> Iterator[tuple[str, Sequence[str]]]:
    """Yield the streams of one kind, PART at a time, in the order of the first."""
    for kind, some in groupby(streams, key=itemgetter(0)):
        names = [stream for _, stream in some]
        yield from ((kind, names[start : start + PART]) for start in range(0, len(names), PART))


def tell(kind: str, failures: Mapping[str, Exception]) -> None:
    """Log what could not be stored, and once that the store is down."""
    away = [failure for failure in failures.values() if isinstance(failure, StorageUnavailable)]
    if away:
        logger.warning("the object store is not available, backups wait: %s", away[0])
    for stream, failure in failures.items():
        if not isinstance(failure, StorageUnavailable):
            logger.error("%s %s cannot be stored", kind, stream, exc_info=failure)


def report(waiting: Lag) -> None:
    if waiting.seconds > LATE_SECONDS:
        facts = {"waiting": waiting.versions, "oldest_seconds": round(waiting.seconds)}
        logger.warning("backups are late: %s", waiting, extra={"facts": facts})


def waiting_streams(limit: int) -> list[tuple[str, str]]:
    rows = Backup.objects.filter(stored_at=None).order_by("pk").values_list("kind", "stream")[:limit]
    return list(dict.fromkeys(rows))


@contextmanager
def only_one() -> Iterator[bool]:
    """Tell whether this is the only run of the periodic task; the lock ends with the connection at the latest."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s::bigint)", [DRAIN_LOCK])
        [is_mine] = cursor.fetchone()
        try:
            yield is_mine
        finally:
            if is_mine:
                cursor.execute("SELECT pg_advisory_unlock(%s::bigint)", [DRAIN_LOCK])
