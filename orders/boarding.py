"""Boarding: a hot operation. One statement reads all that the gate decides on, one changes it and keeps the backups.

The change acts on the booking only as it was read (same version); if somebody was faster it does nothing, and all is
read and decided anew. It locks the orders, then the booking, then the coupon and its EMDs.
"""

import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import orjson

from flights.exceptions import FlightNotFound
from orders.backups import kept
from orders.snapshots import order_document
from partners.callers import Caller
from skybridge import context
from skybridge.exceptions import ConcurrentChange
from skybridge.identifiers import uuid7
from skybridge.sql import read_rows
from ticketing.bcbp.decoding import message
from ticketing.gate import Case, GateFlight, PassFacts, Presented, Reason, decide, read_barcode
from ticketing.models import Coupon, Scan
from ticketing.scans import (
    ONCE,
    SCAN_ROW,
    Attempt,
    DeviceResult,
    NonceReused,
    board_document,
    judge,
    keep_attempt,
    look_document,
    refuse_future,
    scan_row,
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
# All that is known comes as one value. The subquery makes the orders' locks the first. Nothing happens if somebody has
# changed them or the booking since the statement began: then what it sees, and would keep in the backups, is the past.
# Who had boarded before the close-out that made a no-show of them has a good boarding pass again.
# Each step of the coupon is an event, and of each EMD that goes with it: those are part of the orders that sold them.
CHANGED = {
    "orders": "its_version",
    "bookings": "counted",
    "coupons": "boarded",
    "emds": "emd",
    "boarding_passes": "revived",
}
ADDED = {"scans": "scan", "events": "event"}
CHANGE = f"""
WITH fact AS MATERIALIZED (
    SELECT * FROM jsonb_to_record(%(facts)s::jsonb) AS f (order_id uuid, booking_id uuid, version int, coupon_id uuid,
        old text, new text, boarded_at timestamptz, received_at timestamptz, actor_kind text, actor_id text, door text,
        why text, request_id text, steps jsonb, scan jsonb)
), seen AS MATERIALIZED (
    SELECT id, version FROM orders_order WHERE id IN (
        SELECT order_id FROM fact
        UNION SELECT i.order_id
        FROM fact f JOIN ticketing_emd e ON e.coupon_id = f.coupon_id AND e.status = f.old AND f.old <> f.new
        JOIN orders_orderitem i ON i.id = e.order_item_id
    )
), its_orders AS MATERIALIZED (
    SELECT o.id FROM seen JOIN orders_order o ON o.id = seen.id AND o.version = seen.version
    ORDER BY o.id FOR NO KEY UPDATE OF o
), booking AS MATERIALIZED (
    SELECT b.id FROM fact f JOIN bookings_booking b ON b.id = f.booking_id AND b.version = f.version
    WHERE (SELECT count(*) FROM its_orders) = (SELECT count(*) FROM seen)
    FOR NO KEY UPDATE OF b
), coupon AS MATERIALIZED (
    SELECT k.id FROM booking, fact f JOIN ticketing_coupon k ON k.id = f.coupon_id AND k.status = f.old
    FOR NO KEY UPDATE OF k
), scan AS (
    INSERT INTO ticketing_scan
    SELECT s.* FROM coupon, fact f, {SCAN_ROW.format(json="f.scan")} AS s {ONCE} RETURNING *
), boarded AS (
    UPDATE ticketing_coupon k SET status = f.new, boarded_at = f.boarded_at, is_no_show = FALSE
    FROM scan, fact f WHERE k.id = scan.coupon_id RETURNING k.*
), emd AS (
    UPDATE ticketing_emd e SET status = f.new
    FROM boarded k, fact f WHERE e.coupon_id = k.id AND e.status = f.old AND f.old <> f.new RETURNING e.*
), revived AS (
    UPDATE ticketing_boardingpass p SET ended_at = NULL, end_reason = ''
    FROM boarded k, fact f WHERE f.old = 'O' AND p.id = (
        SELECT id FROM ticketing_boardingpass WHERE coupon_id = k.id AND end_reason = 'no_show'
        ORDER BY id DESC LIMIT 1)
    RETURNING p.*
), counted AS (
    UPDATE bookings_booking b SET version = b.version + 1, updated_at = f.received_at
    FROM boarded, fact f WHERE b.id = f.booking_id RETURNING b.*
), its_version AS (
    UPDATE orders_order o SET version = o.version + 1, updated_at = f.received_at
    FROM boarded, fact f, its_orders WHERE o.id = its_orders.id RETURNING o.*
), event AS (
    INSERT INTO skybridge_event (at, actor_kind, actor_id, door, action, subject_id, before, after, reason, request_id)
    SELECT f.received_at, f.actor_kind, f.actor_id, f.door, moved.noun || '.' || (step ->> 'verb'), moved.id,
        step -> 'before', step -> 'after', f.why, f.request_id
    FROM (SELECT 'coupon' AS noun, id FROM boarded UNION ALL SELECT 'emd', id FROM emd) moved
    CROSS JOIN fact f CROSS JOIN jsonb_array_elements(f.steps) WITH ORDINALITY AS steps (step, place)
    ORDER BY moved.noun, moved.id, place
    RETURNING *
), kept AS (
    {kept("its_version", order_document("o.id", changed=CHANGED, added=ADDED))}
)
SELECT count(*) FROM boarded
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
    [row] = read_rows(READ, {"digest": presented.digest, "flight_id": flight_id, "nonce": nonce})
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
    keep_attempt(scan_row(scan_id, Scan.Kind.LOOK, where.id if where else None, attempt, case, answer, caller))
    return answer


def may_know(found: PassFacts, caller: Caller) -> bool:
    return caller.works_at_gates or caller.sees(found.agency_id, found.user_id, found.booking_id)


# --- Boarding ---


def board(flight_id: UUID, attempt: Attempt, *, caller: Caller, at: datetime) -> dict[str, Any]:
    """Board a passenger, or refuse it for one reason; either is recorded. Two statements.

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
    row = scan_row(scan_id, Scan.Kind.BOARD, gate_of(case).id, attempt, case, answer, caller)
    if is_reused:
        row["nonce"] = None
    written = keep_attempt(row) if verdict.reason else write_boarding(case, row, caller)
    return answer if written else None


def gate_of(case: Case) -> GateFlight:
    assert case.gate
    return case.gate


def write_boarding(case: Case, scan: dict[str, Any], caller: Caller) -> bool:
    """Board a passenger, and keep the orders' next versions; tell whether everything was as it had been read."""
    found = case.found
    assert found
    target = target_of(case)
    facts = {
        "order_id": found.order_id,
        "booking_id": found.booking_id,
        "version": found.version,
        "coupon_id": found.coupon_id,
        "old": found.coupon_status,
        "new": target,
        "boarded_at": case.at,
        "received_at": case.received_at,
        "actor_kind": caller.kind,
        "actor_id": caller.id,
        "door": caller.door,
        "why": "" if target != found.coupon_status else "an earlier scan was uploaded",
        "request_id": context.request_id.get(),
        "steps": list(steps(found, target, case.at)),
        "scan": scan | {"coupon_id": found.coupon_id},
    }
    return read_rows(CHANGE, {"facts": orjson.dumps(facts).decode()}) == [(1,)]


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
