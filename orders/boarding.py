"""Boarding: a hot operation. One statement reads all that the gate decides on, one changes, one keeps the backup.

The change acts on the booking only as it was read (same version); if somebody was faster it does nothing, and all is
read and decided anew. It locks the orders, then the booking, then the coupon and its EMDs.
"""

import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from django.db import IntegrityError, connection, transaction

from flights.exceptions import FlightNotFound
from orders import backups
from partners.callers import Caller
from skybridge import context
from skybridge.constraints import violates
from skybridge.exceptions import ConcurrentChange
from skybridge.identifiers import uuid7
from ticketing.bcbp.decoding import message
from ticketing.gate import Case, GateFlight, PassFacts, Presented, Reason, decide, read_barcode
from ticketing.models import Coupon, Scan
from ticketing.scans import (
    SCAN_COLUMNS,
    SCAN_VALUES,
    Attempt,
    DeviceResult,
    NonceReused,
    board_document,
    judge,
    keep_attempt,
    look_document,
    refuse_future,
    scan_parameters,
    target_of,
)

ATTEMPTS = 20


def flight_columns(flight: str, departure: str) -> str:
    columns = "id carrier_id flight_number operational_suffix departure_date origin_id destination_id departs_at status"
    own = ", ".join(f"{flight}.{column}" for column in columns.split())
    return f"{own}, COALESCE({departure}.gate, ''), {departure}.closed_at"


READ = f"""
SELECT s.barcode, s.answer::text, {flight_columns("g", "gd")}, {flight_columns("f", "fd")},
    p.seat, p.sequence_number, p.ended_at, p.end_reason,
    k.id, k.flight_id, k.status, k.is_no_show, k.boarded_at, k.cabin,
    t.id, t.number, t.surname, t.given_name, t.title, t.passenger_type,
    b.id, b.locator, b.version, b.order_id, b.agency_id, b.user_id
FROM (SELECT) one
LEFT JOIN flights_flight g ON g.id = %(flight_id)s::uuid
LEFT JOIN ticketing_departure gd ON gd.flight_id = g.id
LEFT JOIN ticketing_scan s ON s.flight_id = g.id AND s.nonce = %(nonce)s
LEFT JOIN (
    ticketing_boardingpass p
    JOIN ticketing_coupon k ON k.id = p.coupon_id
    JOIN ticketing_ticket t ON t.id = k.ticket_id
    JOIN bookings_booking b ON b.id = t.booking_id
    JOIN flights_flight f ON f.id = p.flight_id
    LEFT JOIN ticketing_departure fd ON fd.flight_id = f.id
) ON p.digest = %(digest)s::bytea
"""
# Who had boarded before the close-out that made a no-show of them has a good boarding pass again.
# Each step of the coupon is an event, and of each EMD that goes with it: those are part of the orders that sold them.
# The subquery makes the orders' locks the first.
CHANGE = f"""
WITH its_orders AS MATERIALIZED (
    SELECT id FROM orders_order
    WHERE id IN (
        SELECT %(order_id)s::uuid
        UNION SELECT i.order_id FROM ticketing_emd e JOIN orders_orderitem i ON i.id = e.order_item_id
        WHERE e.coupon_id = %(coupon_id)s::uuid AND e.status = %(old)s AND %(old)s <> %(new)s
    )
    ORDER BY id FOR NO KEY UPDATE
), booking AS MATERIALIZED (
    SELECT id FROM bookings_booking
    WHERE id = %(booking_id)s::uuid AND version = %(version)s AND (SELECT count(*) FROM its_orders) >= 0
    FOR NO KEY UPDATE
), boarded AS (
    UPDATE ticketing_coupon k
    SET status = %(new)s, boarded_at = %(boarded_at)s::timestamptz, is_no_show = FALSE
    FROM booking WHERE k.id = %(coupon_id)s::uuid AND k.status = %(old)s
    RETURNING k.id
), emd AS (
    UPDATE ticketing_emd e SET status = %(new)s
    FROM boarded WHERE e.coupon_id = boarded.id AND e.status = %(old)s AND %(old)s <> %(new)s
    RETURNING e.id
), revived AS (
    UPDATE ticketing_boardingpass p SET ended_at = NULL, end_reason = ''
    FROM boarded WHERE %(old)s = 'O' AND p.id = (
        SELECT id FROM ticketing_boardingpass WHERE coupon_id = boarded.id AND end_reason = 'no_show'
        ORDER BY id DESC LIMIT 1)
), counted AS (
    UPDATE bookings_booking b SET version = version + 1, updated_at = %(received_at)s::timestamptz
    FROM boarded WHERE b.id = %(booking_id)s::uuid
), its_version AS (
    UPDATE orders_order o SET version = version + 1, updated_at = %(received_at)s::timestamptz
    FROM boarded, its_orders WHERE o.id = its_orders.id
), scan AS (
    INSERT INTO ticketing_scan ({SCAN_COLUMNS})
    SELECT {SCAN_VALUES.format(coupon="boarded.id")} FROM boarded
), event AS (
    INSERT INTO skybridge_event (at, actor_kind, actor_id, door, action, subject_id, before, after, reason, request_id)
    SELECT %(received_at)s::timestamptz, %(actor_kind)s, %(actor_id)s, %(door)s, moved.noun || '.' || (step ->> 'verb'),
        moved.id, step -> 'before', step -> 'after', %(why)s, %(request_id)s
    FROM (SELECT 'coupon' AS noun, id FROM boarded UNION ALL SELECT 'emd', id FROM emd) moved
    CROSS JOIN jsonb_array_elements(%(steps)s::jsonb) WITH ORDINALITY AS steps (step, place)
    ORDER BY moved.noun, moved.id, place
)
SELECT (SELECT count(*) FROM boarded), ARRAY(SELECT id FROM its_orders)
"""
PATH = (Coupon.Status.OPEN, Coupon.Status.CHECKED_IN, Coupon.Status.LIFTED, Coupon.Status.FLOWN)
F, KEPT = len(GateFlight._fields), 2


class Seen(NamedTuple):
    """What one reading gives: the scan that has used the nonce, the flight at the gate, the pass and its flight."""

    kept: tuple[str, dict] | None
    gate: GateFlight | None
    flight: GateFlight | None
    found: PassFacts | None


def read(presented: Presented, *, flight_id: UUID | None, nonce: str | None = None) -> Seen:
    """Return all that a gate decides on. One statement. Raises FlightNotFound."""
    parameters = {"digest": presented.digest, "flight_id": flight_id, "nonce": nonce}
    with connection.cursor() as cursor:
        cursor.execute(READ, parameters)
        row = cursor.fetchone()
    kept, gate, flight, found = row[:KEPT], row[KEPT : KEPT + F], row[KEPT + F : KEPT + 2 * F], row[KEPT + 2 * F :]
    if flight_id and gate[0] is None:
        raise FlightNotFound
    return Seen(
        (kept[0], json.loads(kept[1])) if kept[1] else None,
        GateFlight._make(gate) if gate[0] else None,
        GateFlight._make(flight) if flight[0] else None,
        PassFacts._make(found) if flight[0] else None,
    )


# --- Looking ---


def look(barcode: str, *, flight_id: UUID | None = None, caller: Caller, at: datetime) -> dict[str, Any]:
    """Tell whether a boarding pass is good for boarding now, and record that it was shown. Two statements.

    Who neither works at gates nor sees the booking is told `unknown`. Raises FlightNotFound.
    """
    presented = read_barcode(barcode)
    seen = read(presented, flight_id=flight_id)
    if seen.found and not may_know(seen.found, caller):
        seen = seen._replace(found=None, flight=None)
    case = Case(presented, seen.found, seen.flight, seen.gate, at, at)
    scan_id, attempt = uuid7(), Attempt(barcode)
    answer = look_document(scan_id, case, decide(case))
    where = seen.gate or seen.flight
    keep_attempt(scan_parameters(scan_id, Scan.Kind.LOOK, where.id if where else None, attempt, case, answer, caller))
    return answer


def may_know(found: PassFacts, caller: Caller) -> bool:
    return caller.works_at_gates or caller.sees(found.agency_id, found.user_id, found.booking_id)


# --- Boarding ---


def board(flight_id: UUID, attempt: Attempt, *, caller: Caller, at: datetime) -> dict[str, Any]:
    """Board a passenger, or refuse it for one reason; either is recorded. Three statements, two for a refusal.

    A nonce that the flight has seen gets its answer again. Raises InvalidInput, FlightNotFound, NonceReused.
    """
    refuse_future([attempt], at)
    answer = try_to_board(flight_id, attempt, caller=caller, at=at)
    if answer["reason"] == Reason.NONCE_REUSED:
        raise NonceReused(nonce=attempt.nonce)
    return answer


def board_all(flight_id: UUID, attempts: list[Attempt], *, caller: Caller, at: datetime) -> list[dict[str, Any]]:
    """Do what `board` does for scans in any order, each by itself; return the answers in the order given.

    What was done before an error stays done: the same upload again goes on. Raises InvalidInput before anything is
    done, or FlightNotFound.
    """
    refuse_future(attempts, at)
    return [try_to_board(flight_id, attempt, caller=caller, at=at) for attempt in attempts]


def try_to_board(flight_id: UUID, attempt: Attempt, *, caller: Caller, at: datetime) -> dict[str, Any]:
    """Read, decide and write, as often as somebody else is faster."""
    presented = read_barcode(attempt.barcode)
    for _ in range(ATTEMPTS):
        seen = read(presented, flight_id=flight_id, nonce=attempt.nonce)
        if seen.kept and message(seen.kept[0]) == presented.text:
            return seen.kept[1] | {"replayed": True}
        has_boarded = attempt.device_result == DeviceResult.ACCEPTED
        scanned_at = attempt.scanned_at or at
        case = Case(presented, seen.found, seen.flight, seen.gate, scanned_at, at, has_boarded)
        if answer := write_attempt(case, attempt, is_reused=bool(seen.kept), caller=caller):
            return answer
    raise ConcurrentChange


def write_attempt(case: Case, attempt: Attempt, *, is_reused: bool, caller: Caller) -> dict[str, Any] | None:
    """Write what comes of an attempt and return the answer; None when somebody else was faster."""
    scan_id = uuid7()
    verdict = judge(case, Reason.NONCE_REUSED if is_reused else decide(case), attempt.device_result)
    answer = board_document(scan_id, case, verdict, attempt)
    parameters = scan_parameters(scan_id, Scan.Kind.BOARD, gate_of(case).id, attempt, case, answer, caller)
    if is_reused:
        parameters["nonce"] = None
    written = keep_attempt(parameters) if verdict.reason else write_boarding(case, parameters, caller)
    return answer if written else None


def gate_of(case: Case) -> GateFlight:
    assert case.gate
    return case.gate


def write_boarding(case: Case, scan: dict[str, Any], caller: Caller) -> bool:
    """Board a passenger, and keep the orders' next versions; tell whether everything was as it had been read."""
    found = case.found
    assert found
    target = target_of(case)
    parameters = scan | {
        "order_id": found.order_id,
        "booking_id": found.booking_id,
        "version": found.version,
        "coupon_id": found.coupon_id,
        "old": found.coupon_status,
        "new": target,
        "boarded_at": case.at,
        "door": caller.door,
        "why": "" if target != found.coupon_status else "an earlier scan was uploaded",
        "request_id": context.request_id.get(),
        "steps": json.dumps(list(steps(found, target, case.at))),
    }
    try:
        with transaction.atomic():
            is_boarded, order_ids = execute(CHANGE, parameters)
            if is_boarded and order_ids:
                backups.keep_all(order_ids, at=case.received_at)
            return is_boarded
    except IntegrityError as exc:
        if not violates(exc, "scan_nonce_once_per_flight"):
            raise
    return False


def execute(sql: str, parameters: dict[str, Any]) -> tuple[bool, list[UUID]]:
    """Tell whether somebody has boarded, and which orders that concerns."""
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        count, order_ids = cursor.fetchone()
    return bool(count), order_ids


def steps(found: PassFacts, target: str, at: datetime) -> Iterator[dict[str, Any]]:
    """Yield the events that lead a coupon to its status, or the one of a boarding that was earlier than known."""
    before: dict[str, Any] = {"status": found.coupon_status}
    if target == found.coupon_status:
        was = str(found.boarded_at)
        yield {
            "verb": "boarded_earlier",
            "before": before | {"boarded_at": was},
            "after": before | {"boarded_at": str(at)},
        }
        return
    place = PATH.index(Coupon.Status(found.coupon_status))
    for status in PATH[place + 1 : PATH.index(Coupon.Status(target)) + 1]:
        after = {"status": status.value}
        yield {"verb": status.name.lower(), "before": before, "after": after}
        before = after
