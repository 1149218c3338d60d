"""Scans: what a gate's device sends, what it is answered, and the record of each attempt, which never changes.

A scan names its coupon only when it has boarded the passenger: then it belongs to the order's version that it made.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

import orjson
from django.db.models import QuerySet

from flights.exceptions import FlightNotFound
from flights.models import Flight
from skybridge.events import Actor
from skybridge.exceptions import DomainError, InvalidInput
from skybridge.pagination import decode_cursor, encode_cursor
from skybridge.sql import read_rows
from skybridge.times import utc_text
from ticketing.gate import (
    ABOARD,
    MESSAGES,
    Case,
    GateFlight,
    PassFacts,
    Reason,
    facts_of,
    flight_of,
    is_earlier,
    times_of,
)
from ticketing.models import Coupon, Scan

CLOCK_SLACK = timedelta(minutes=5)


class NonceReused(DomainError):
    code = "nonce_reused"
    status_code = 422
    message = MESSAGES[Reason.NONCE_REUSED]


class DeviceResult(StrEnum):
    """What a device without a connection has decided by itself."""

    ACCEPTED = "accepted"
    REFUSED = "refused"


class Conflict(StrEnum):
    BOARDED_TWICE = "boarded_twice"
    BOARDED_AFTER_CLOSE = "boarded_after_close"
    DEVICE_ACCEPTED = "device_accepted"
    DEVICE_REFUSED = "device_refused"


CONFLICTS = {
    Conflict.BOARDED_TWICE: "Two devices have let somebody board with this pass; the earlier scan counts.",
    Conflict.BOARDED_AFTER_CLOSE: "The passenger had boarded before the close-out made a no-show of them.",
    Conflict.DEVICE_ACCEPTED: "The device has let somebody board whom we refuse.",
    Conflict.DEVICE_REFUSED: "The device has turned somebody away who could have boarded.",
}


@dataclass(frozen=True)
class Attempt:
    """One scan as a device sends it; without `scanned_at` it is made now, without `device_result` we decide."""

    barcode: str
    nonce: str | None = None
    scanned_at: datetime | None = None
    device_id: str = ""
    device_result: str = ""


@dataclass(frozen=True)
class Verdict:
    """What came of an attempt."""

    reason: Reason | None
    conflict: Conflict | None = None


def refuse_future(attempts: list[Attempt], at: datetime) -> None:
    """Refuse scans that a device says will be. Raises InvalidInput."""
    late = [i for i, a in enumerate(attempts) if a.scanned_at and a.scanned_at > at + CLOCK_SLACK]
    if late:
        message = "This time has not come yet; is the device's clock right?"
        places = [f"/scans/{i}/scanned_at" if len(attempts) > 1 else "/scanned_at" for i in late]
        errors = [{"pointer": place, "code": "in_future", "message": message} for place in places]
        raise InvalidInput(f"scanned_at: {message}", errors=errors)


def judge(case: Case, reason: Reason | None, device_result: str) -> Verdict:
    """Return what comes of an attempt to board, and where that differs from what a device did by itself."""
    if reason is None and device_result == DeviceResult.REFUSED:
        return Verdict(Reason.REFUSED_BY_DEVICE, Conflict.DEVICE_REFUSED)
    if reason and device_result == DeviceResult.ACCEPTED:
        twice = reason == Reason.ALREADY_BOARDED
        return Verdict(reason, Conflict.BOARDED_TWICE if twice else Conflict.DEVICE_ACCEPTED)
    return Verdict(reason, None if reason else conflict_of(case))


def conflict_of(case: Case) -> Conflict | None:
    """Return what is to be explained about a boarding that counts."""
    if case.found and is_earlier(case):
        return Conflict.BOARDED_TWICE
    is_late = case.found and case.found.coupon_status == Coupon.Status.OPEN
    return Conflict.BOARDED_AFTER_CLOSE if is_late else None


# --- Answers ---


def look_document(scan_id: UUID, case: Case, reason: Reason | None) -> dict[str, Any]:
    """Return what somebody is told who shows a pass; nothing of a passenger where the pass is not known to be good."""
    return {
        "scan_id": str(scan_id),
        "result": "refused" if reason else "accepted",
        "reason": reason and reason.value,
        "message": MESSAGES[reason] if reason else "This boarding pass is good.",
        **(pass_document(case.found, case.flight) if case.found and case.flight else NO_PASS),
        **times_of(case, reason),
        "scanned_at": utc_text(case.at),
    }


def board_document(scan_id: UUID, case: Case, verdict: Verdict, attempt: Attempt) -> dict[str, Any]:
    """Return what a device is told: the answer that a repeated upload gets again."""
    document = look_document(scan_id, case, verdict.reason)
    if verdict.reason is None:
        document |= {"message": "The passenger is aboard.", "boarded_at": utc_text(case.at)}
    conflict = verdict.conflict
    return document | {
        "nonce": attempt.nonce,
        "device_id": attempt.device_id,
        "device_result": attempt.device_result or None,
        "received_at": utc_text(case.received_at),
        "is_conflict": conflict is not None,
        "conflict": {"kind": conflict.value, "message": CONFLICTS[conflict]} if conflict else None,
        "replayed": False,
    }


NO_PASS: dict[str, Any] = dict.fromkeys(
    ("passenger", "record_locator", "flight", "cabin", "seat", "sequence_number", "coupon_id")
)


def pass_document(found: PassFacts, flight: GateFlight) -> dict[str, Any]:
    return {
        "passenger": {
            "surname": found.surname,
            "given_name": found.given_name,
            "title": found.title,
            "passenger_type": found.passenger_type,
            "ticket_number": found.number,
        },
        "record_locator": found.locator,
        "flight": flight_document(flight),
        "cabin": found.cabin,
        "seat": found.seat or None,
        "sequence_number": found.sequence_number,
        "coupon_id": str(found.coupon_id),
    }


def flight_document(flight: GateFlight) -> dict[str, Any]:
    return {
        "event_id": str(flight.id),
        "flightId": flight.designator,
        "departureDate": str(flight.departure_date),
        "origin": flight.origin,
        "destination": flight.destination,
        "departs_at": utc_text(flight.departs_at),
        "status": flight.status,
        "gate": flight.gate or None,
        "boarding_opens_at": utc_text(flight.opens_at),
        "boarding_closes_at": utc_text(flight.closes_at),
        "closed_at": utc_text(flight.closed_at),
    }


# --- Records ---

SCAN_ROW = "jsonb_populate_record(NULL::ticketing_scan, {json})"
ONCE = "ON CONFLICT (flight_id, nonce) DO NOTHING"
KEEP = f"""
INSERT INTO ticketing_scan SELECT s.* FROM {SCAN_ROW.format(json="%(scan)s::jsonb")} AS s {ONCE} RETURNING id"""


def scan_row(
    scan_id: UUID, kind: str, flight_id: UUID | None, attempt: Attempt, case: Case, answer: dict, actor: Actor
) -> dict[str, Any]:
    """Return the record of an attempt that has boarded nobody, by column."""
    return {
        "id": scan_id,
        "kind": kind,
        "flight_id": flight_id,
        "coupon_id": None,
        "nonce": attempt.nonce,
        "barcode": attempt.barcode.replace("\0", "\ufffd"),  # which PostgreSQL cannot hold
        "reason": answer["reason"] or "",
        "is_conflict": answer.get("is_conflict", False),
        "device_id": attempt.device_id,
        "scanned_at": case.at,
        "received_at": case.received_at,
        "answer": answer,
        "actor_kind": actor.kind,
        "actor_id": actor.id,
    }


def keep_attempt(row: dict[str, Any]) -> bool:
    """Record an attempt that changes nothing; tell whether its nonce was free. One statement."""
    return bool(read_rows(KEEP, {"scan": orjson.dumps(row).decode()}))


# --- Reading them ---


def list_scans(
    flight_id: UUID, *, limit: int, cursor: str = "", conflicts: bool = False
) -> tuple[list[Scan], str | None]:
    """Return a page of a flight's attempts, newest first, and the cursor of the next one. Raises FlightNotFound."""
    rows = found_on(flight_id).order_by("-pk")
    if conflicts:
        rows = rows.filter(is_conflict=True)
    if cursor:
        rows = rows.filter(pk__lt=decode_cursor(cursor, UUID)[0])
    found = list(rows[: limit + 1])
    if not found and not Flight.objects.filter(pk=flight_id).exists():
        raise FlightNotFound
    following = encode_cursor(found[-2].pk) if len(found) > limit else None
    return found[:limit], following


def found_on(flight_id: UUID) -> QuerySet[Scan]:
    return Scan.objects.filter(flight_id=flight_id)


def scan_document(scan: Scan) -> dict[str, Any]:
    """Return an attempt as the list shows it: its answer, and who made it."""
    own = {"nonce": None, "device_id": "", "device_result": None, "is_conflict": False, "conflict": None}
    kept = {name: value for name, value in scan.answer.items() if name != "replayed"}
    return own | kept | {
        "kind": scan.kind,
        "received_at": utc_text(scan.received_at),
        "actor_kind": scan.actor_kind,
        "actor_id": scan.actor_id,
    }  # fmt: skip


def target_of(case: Case) -> str:
    """Return the status that a boarded coupon has: flown at once where the flight has left meanwhile."""
    flight, found = flight_of(case), facts_of(case)
    if found.coupon_status in ABOARD:
        return found.coupon_status
    has_left = flight.status == Flight.Status.DEPARTED or case.received_at >= flight.departs_at
    return Coupon.Status.FLOWN if has_left else Coupon.Status.LIFTED
