"""Attempts at a state, and the locks by which everybody knows that their workers live.

A worker holds a lock for each of its attempts in its session with the database, from before the attempt is there for
others to see until it is closed. An open attempt whose lock is free has lost its worker.
"""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import NamedTuple
from uuid import UUID

from django.db import Error, connection

from orders.models import Execution

WORKER_LOST, TIMEOUT = "WorkerLost", "States.Timeout"


class Attempt(NamedTuple):
    """One attempt at one state of one execution; `lock` is what its worker holds meanwhile."""

    order_id: UUID
    state: str
    number: int
    redrive: int

    @property
    def lock(self) -> int:
        text = f"{self.order_id} {self.redrive} {self.state} {self.number}"
        return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big", signed=True)


class Failure(NamedTuple):
    """Why an attempt failed; a final one is not tried again."""

    error: str
    cause: str
    is_final: bool = False


def present_attempt(execution: Execution) -> Attempt:
    """Return the attempt that an execution is at, or was at last."""
    return Attempt(execution.pk, execution.state, execution.attempt, execution.redrive_count)


def hold(attempts: Iterable[Attempt]) -> None:
    """Hold the locks of attempts in this session. One statement."""
    query("SELECT count(pg_advisory_lock(lock)) FROM unnest(%s::bigint[]) AS lock", locks_of(attempts))


def let_go(attempts: Iterable[Attempt]) -> None:
    """Hold the locks of attempts no longer. One statement."""
    query("SELECT count(pg_advisory_unlock(lock)) FROM unnest(%s::bigint[]) AS lock", locks_of(attempts))


@contextmanager
def letting_go_if_it_fails() -> Iterator[None]:
    """Hold no lock of an attempt that was never written down. A session's locks outlive its transactions."""
    try:
        yield
    except BaseException:
        with suppress(Error):
            query("SELECT pg_advisory_unlock_all()")
        raise


def is_free(attempt: Attempt) -> bool:
    """Tell whether nobody holds an attempt's lock; if so, hold it to the end of the transaction."""
    return query("SELECT pg_try_advisory_xact_lock(%s::bigint)", attempt.lock)


def without_worker(attempts: Sequence[Attempt]) -> set[Attempt]:
    """Return those of some attempts whose lock is free now. One statement, outside of transactions."""
    sql = "SELECT array_agg(lock) FROM unnest(%s::bigint[]) AS lock WHERE pg_try_advisory_xact_lock(lock)"
    free = set(query(sql, locks_of(attempts)) or ()) if attempts else set()
    return {attempt for attempt in attempts if attempt.lock in free}


def locks_of(attempts: Iterable[Attempt]) -> list[int]:
    return [attempt.lock for attempt in attempts]


def query(sql: str, *parameters):
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return cursor.fetchone()[0]
