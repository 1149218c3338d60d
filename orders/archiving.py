"""Archiving: what flights that left long ago need no more moves to the object store, so that tables stay small.

Boarding passes, scans and bags, blocked seats, holds that ran out unsold, and whole flights that nobody bought. Only
what the store has shown again, byte for byte as it is in the database, is deleted; sold bookings, their tickets and
coupons, and the event log stay. What is to be done follows from the rows alone: whoever starts again, or a second one
at once, goes on with what is left.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import UUID

import psycopg.errors
from django.db import IntegrityError, OperationalError, connection, transaction

from orders.archives import BAGS_ON, HAS_LEFT, NEVER_SOLD_ON, Packed, execute, keep, pack
from skybridge.events import Actor, Happening, record

BATCH = 64  # flights
YOUNGEST = timedelta(days=30)  # a flight that left less than this ago stays as it is
BUSY = (
    psycopg.errors.SerializationFailure,
    psycopg.errors.LockNotAvailable,
    psycopg.errors.DeadlockDetected,
)
Progress = Callable[[int, int], None]

IS_UNSOLD = """
NOT EXISTS (SELECT FROM ticketing_coupon x WHERE x.flight_id = f.id)
    AND NOT EXISTS (SELECT FROM orders_disruption x WHERE x.flight_id = f.id)
"""
# Flights in the order of their departures, and of each whether there is something to archive. The flights come first,
# so that a few are looked at by indexes, instead of all tables being read for all flights.
TO_ARCHIVE = f"""
WITH f AS MATERIALIZED (
    SELECT f.id, f.departs_at, f.status FROM flights_flight f
    WHERE f.departs_at < %(before)s::timestamptz
        AND (f.departs_at, f.id) > (%(after)s::timestamptz, %(after_id)s::uuid)
    ORDER BY f.departs_at, f.id LIMIT {BATCH}
)
SELECT f.id, f.departs_at, {HAS_LEFT.format(f="f")}
    AND NOT EXISTS (SELECT FROM ticketing_coupon x WHERE x.flight_id = f.id AND x.status IN ('C', 'L'))
    AND (EXISTS (SELECT FROM ticketing_boardingpass x WHERE x.flight_id = f.id)
        OR EXISTS (SELECT FROM ticketing_scan x WHERE x.flight_id = f.id)
        OR EXISTS (SELECT FROM flights_blockedseat x WHERE x.flight_id = f.id)
        OR EXISTS ({BAGS_ON.format(flight="f.id")})
        OR ({IS_UNSOLD})
        OR EXISTS ({NEVER_SOLD_ON.format(flight="f.id")}))
FROM f ORDER BY f.departs_at, f.id
"""
FIRST = "SELECT departs_at FROM flights_flight ORDER BY departs_at LIMIT 1"


@dataclass
class Summary:
    """What was moved: flights, those of them that are in the archive alone, deleted rows by table; `left` were busy."""

    flights: int = 0
    gone: int = 0
    left: int = 0
    rows: Counter[str] = field(default_factory=Counter)


def archive_flights(
    before: datetime, *, actor: Actor, at: datetime, dry_run: bool = False, progress: Progress = lambda done, size: None
) -> Summary:
    """Archive the flights that left before a moment; with `dry_run` only count, and change nothing.

    Raises StorageUnavailable or Tampered when the store does not show what it was given; what was deleted before is
    in the archive, and nothing else was deleted. `before` must be at least YOUNGEST ago (ValueError).
    """
    if before > at - YOUNGEST:
        raise ValueError(f"Flights stay for {YOUNGEST.days} days.")
    summary, begins_at = Summary(), first_departure() or before
    for ids, departs_at in batches(before):
        if ids:
            archive(ids, summary, before=before, actor=actor, at=at, dry_run=dry_run)
        progress(*(int((moment - begins_at).total_seconds()) for moment in (departs_at, before)))
    return summary


def first_departure() -> datetime | None:
    rows = execute(FIRST)
    return rows[0][0] if rows else None


def batches(before: datetime) -> Iterator[tuple[list[UUID], datetime]]:
    """Yield what is to be archived of some flights, in order of departure, and when the last of them left."""
    after, after_id = datetime.min.replace(tzinfo=UTC), UUID(int=0)
    while found := execute(TO_ARCHIVE, {"before": before, "after": after, "after_id": after_id}):
        after_id, after, _ = found[-1]
        yield [flight_id for flight_id, _, is_due in found if is_due], after


def archive(
    ids: Sequence[UUID], summary: Summary, *, before: datetime, actor: Actor, at: datetime, dry_run: bool
) -> None:
    """Store flights, read them back, and delete in one transaction what is still as it was stored."""
    packed = pack(ids, before)
    if not dry_run:
        keep(packed)
    try:
        take_out(packed, summary, before=before, actor=actor, at=at, dry_run=dry_run)
    except (IntegrityError, OperationalError) as exc:
        if not isinstance(exc, IntegrityError) and not isinstance(exc.__cause__, BUSY):
            raise
        summary.left += len(ids)  # somebody works on one of them; the next run will find them as they are then


# --- Out of the database ---


def take_out(
    packed: Sequence[Packed], summary: Summary, *, before: datetime, actor: Actor, at: datetime, dry_run: bool
) -> None:
    """Delete what objects hold of flights that are still as they were packed. One transaction, which sees one moment.

    Locks the bookings that were never sold, then the flights; flights that somebody else has locked are left to them.
    """
    with transaction.atomic():
        begin()
        objects = {one.flight_id: one for one in pack(lock([one.flight_id for one in packed], before), before)}
        same = [one for one in packed if objects.get(one.flight_id) == one]
        summary.left += len(packed) - len(same)
        rows, gone = delete([one.flight_id for one in same], before)
        happenings = [
            Happening("flight.archived", one.flight_id, after={"key": one.key, "is_gone": one.flight_id in gone})
            for one in same
        ]
        record(happenings, actor=actor, at=at)
        if dry_run:
            transaction.set_rollback(True)
    summary.flights += len(same)
    summary.gone += len(gone)
    summary.rows += rows


def begin() -> None:
    if not connection.savepoint_ids:  # not inside another transaction, as tests are
        execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
    execute("SET LOCAL statement_timeout = 0")
    execute("SET LOCAL skybridge.archiving = 'on'")  # the one thing that may delete scans


LOCK_BOOKINGS = f"""
SELECT id FROM bookings_booking WHERE id IN ({NEVER_SOLD_ON.format(flight="ANY(%(ids)s::uuid[])")})
ORDER BY id FOR UPDATE
"""
LOCK_FLIGHTS = "SELECT id FROM flights_flight WHERE id = ANY(%(ids)s::uuid[]) ORDER BY id FOR UPDATE SKIP LOCKED"
# Each takes the flights' ids and those of the bookings that were never sold.
DELETIONS = {
    "ticketing_coupon": """ticket_id IN (
        SELECT id FROM ticketing_ticket WHERE booking_id = ANY(%(never_sold)s::uuid[]))""",
    "ticketing_ticket": "booking_id = ANY(%(never_sold)s::uuid[])",
    "bookings_booking": "id = ANY(%(never_sold)s::uuid[])",
    "ticketing_boardingpass": "flight_id = ANY(%(ids)s::uuid[])",
    "ticketing_scan": "flight_id = ANY(%(ids)s::uuid[])",
    "ticketing_bag": f"id IN ({BAGS_ON.format(flight='ANY(%(ids)s::uuid[])')})",
    "flights_blockedseat": "flight_id = ANY(%(ids)s::uuid[])",
}
GONE = f"SELECT f.id FROM flights_flight f WHERE f.id = ANY(%(ids)s::uuid[]) AND {IS_UNSOLD}"
GONE_DELETIONS = {
    "ticketing_departure": "flight_id = ANY(%(gone)s::uuid[])",
    "flights_flightcabin": "flight_id = ANY(%(gone)s::uuid[])",
    "flights_flight": "id = ANY(%(gone)s::uuid[])",
}


def lock(ids: Sequence[UUID], before: datetime) -> list[UUID]:
    """Lock flights with the bookings on them that were never sold; return those that nobody else has."""
    execute(LOCK_BOOKINGS, {"ids": list(ids), "before": before})
    return [flight_id for (flight_id,) in execute(LOCK_FLIGHTS, {"ids": list(ids)})]


def delete(ids: list[UUID], before: datetime) -> tuple[Counter[str], set[UUID]]:
    """Delete what is archived of flights; return how many rows of which table, and which flights are gone."""
    found = execute(NEVER_SOLD_ON.format(flight="ANY(%(ids)s::uuid[])"), {"ids": ids, "before": before})
    deleted = delete_from(DELETIONS, {"ids": ids, "never_sold": list({booking_id for (booking_id,) in found})})
    gone = {flight_id for (flight_id,) in execute(GONE, {"ids": ids})}
    return deleted + delete_from(GONE_DELETIONS, {"gone": list(gone)}), gone


def delete_from(conditions: dict[str, str], parameters: dict) -> Counter[str]:
    deleted: Counter[str] = Counter()
    with connection.cursor() as cursor:
        for table, condition in conditions.items():
            cursor.execute(f"DELETE FROM {table} WHERE {condition}", parameters)
            deleted[table] = cursor.rowcount
    return deleted
