"""Backups: every version of an order is written down beside it, in the transaction that makes it, and stored later.

Until the store has a version, its row holds it, so a change without its backup cannot be committed, and a store that is
down costs nothing but time. What is stored follows from the row alone: workers that store the same version at once, or
again after a crash, store the same bytes under the same key, which the store takes for success.
"""

import logging
import threading
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime
from functools import cache
from queue import Empty, SimpleQueue
from typing import NamedTuple
from uuid import UUID

from django.db import connection
from django.utils import timezone

from orders.models import Backup
from orders.objects import Version, body_of, key_of
from orders.snapshots import account_document, order_document
from partners.models import Account
from skybridge.exceptions import DomainError
from skybridge.storage import StorageUnavailable, digest, store

logger = logging.getLogger(__name__)
THREADS = 8
LIMIT = 20_000  # versions of one run
MOST_COUNTED = 10_000
LATE_SECONDS = 60
DRAIN_LOCK = 0x5C4ED02E  # one run at a time, database-wide


class ChainBroken(DomainError):
    """A version cannot be stored because nothing is known of the one before: this is not the database that made it."""

    code = "backup_chain_broken"


# --- Keeping: in the transaction of the change ---

COLUMNS = "kind, stream, version, taken_at, document, covers, key, sha256, store_version"


@cache
def keep_orders_sql() -> str:
    # What the ids are is hidden from the planner: a plan for one would always look cheaper than one for any number, and
    # be made anew at each call, which takes longer than the rest.
    return f"""
    INSERT INTO orders_backup ({COLUMNS})
    SELECT 'order', o.id::text, o.version, %(at)s::timestamptz, document::json, covers, '', '', ''
    FROM orders_order o CROSS JOIN LATERAL ({order_document("o.id")}) AS d
    WHERE o.id = ANY ((SELECT %(order_ids)s::uuid[])::uuid[]) ORDER BY o.id
    """


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

NEXT = """
SELECT b.id, b.version, b.taken_at, b.document::text, (
    SELECT p.sha256 FROM orders_backup p
    WHERE p.kind = b.kind AND p.stream = b.stream AND p.version < b.version ORDER BY p.version DESC LIMIT 1)
FROM orders_backup b WHERE b.kind = %s AND b.stream = %s AND b.stored_at IS NULL ORDER BY b.version LIMIT 1
"""


def store_order(order_id: UUID) -> int:
    """Store the versions of an order that wait, and return how many. Raises StorageUnavailable."""
    return store_waiting(Backup.Kind.ORDER, str(order_id))


def store_waiting(kind: str, stream: str) -> int:
    """Store the versions of a stream that wait, in order, and return how many. Two statements each.

    Raises StorageUnavailable; AlreadyStored when the store has something else under a key, ChainBroken.
    """
    stored = 0
    while waiting := next_waiting(kind, stream):
        row_id, version = waiting
        store_version(row_id, version)
        stored += 1
    return stored


def next_waiting(kind: str, stream: str) -> tuple[int, Version] | None:
    with connection.cursor() as cursor:
        cursor.execute(NEXT, [kind, stream])
        row = cursor.fetchone()
    if row is None:
        return None
    row_id, number, taken_at, document, previous = row
    if not previous and number > 1:
        raise ChainBroken(f"{stream}: version {number} waits, and no version before it is known.")
    return row_id, Version(kind, stream, number, taken_at, previous, document)


def store_version(row_id: int, version: Version) -> None:
    """Store a version, then let its row name the object in place of holding the content."""
    key = key_of(version.kind, version.stream, version.version, version.taken_at)
    body = body_of(version)
    stored = store().put(key, body, sha256=digest(body))
    Backup.objects.filter(pk=row_id, stored_at=None).update(
        key=key, sha256=stored.sha256, stored_at=timezone.now(), store_version=stored.version_id, document=None
    )


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
    streams = waiting_streams(limit)
    if not streams:
        return 0
    queue: SimpleQueue[tuple[str, str]] = SimpleQueue()
    for stream in streams:
        queue.put(stream)
    threads, over = min(THREADS, len(streams)), threading.Event()
    with ThreadPoolExecutor(threads, "backup") as pool:
        return sum(pool.map(lambda _: store_queue(queue, over), range(threads)))


def report(waiting: Lag) -> None:
    if waiting.seconds > LATE_SECONDS:
        facts = {"waiting": waiting.versions, "oldest_seconds": round(waiting.seconds)}
        logger.warning("backups are late: %s", waiting, extra={"facts": facts})


def waiting_streams(limit: int) -> list[tuple[str, str]]:
    rows = Backup.objects.filter(stored_at=None).order_by("pk").values_list("kind", "stream")[:limit]
    return list(dict.fromkeys(rows))


def store_queue(queue: SimpleQueue, over: threading.Event) -> int:
    """Store streams from a queue in a thread of its own."""
    stored = 0
    try:
        while not over.is_set():
            kind, stream = queue.get_nowait()
            stored += try_to_store(kind, stream, over)
    except Empty:
        pass
    finally:
        connection.close()
    return stored


def try_to_store(kind: str, stream: str, over: threading.Event) -> int:
    try:
        return store_waiting(kind, stream)
    except StorageUnavailable as exc:
        if not over.is_set():
            logger.warning("the object store is not available, backups wait: %s", exc)
        over.set()
    except Exception:
        logger.exception("%s %s cannot be stored", kind, stream)
    return 0


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
