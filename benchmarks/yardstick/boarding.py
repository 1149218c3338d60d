"""A gate's decision: whether a boarding pass is good for boarding now, and if not, the one reason."""

import re
from datetime import datetime
from typing import Any
from uuid import UUID

from . import config
from .models import BoardingPass, Flight
from .schemas import ScanIn

SCANNER_PREFIX = re.compile(r"\][LzQd][ -~](?=M)")
# Head, then a leg's locator, places, carrier, number, day of the year, compartment, seat, sequence number, status.
BCBP = re.compile(
    r"M[1-4].{20}.[A-Z0-9 ]{7}[A-Z]{6}[A-Z0-9 ]{3}[0-9A-Z ]{5}[0-9 ]{3}[A-Z ].{4}.{5}.[0-9A-F]{2}.*", re.DOTALL
)
MESSAGES = {
    "unreadable": "This is not a boarding pass.",
    "unknown": "There is no such boarding pass.",
    "other_date": "This boarding pass is for the same flight on another date.",
    "other_flight": "This boarding pass is for another flight.",
    "flight_cancelled": "The flight is cancelled.",
    "voided": "The ticket is void.",
    "refunded": "The ticket was refunded.",
    "exchanged": "The ticket was exchanged for another one.",
    "already_boarded": "The passenger has boarded already.",
    "flight_changed": "The passenger was moved to another flight.",
    "offloaded": "The passenger's check-in was undone.",
    "superseded": "The passenger has a newer boarding pass.",
    "no_show": "The flight was closed out without the passenger.",
    "not_checked_in": "The passenger is not checked in.",
    "flight_departed": "The flight has left.",
    "gate_closed": "The gate is closed.",
    "too_early": "Boarding is not open yet.",
}
GIVEN_UP = {"V": "voided", "R": "refunded", "E": "exchanged"}
ENDS = {
    "reissued": "superseded",
    "offloaded": "offloaded",
    "flight_changed": "flight_changed",
    "no_show": "no_show",
}


def text_of(barcode: str) -> str:
    """Return a scanned text without what scanners put around it."""
    return SCANNER_PREFIX.sub("", barcode.rstrip("\r\n"), count=1)


def is_bcbp(text: str) -> bool:
    return BCBP.fullmatch(text) is not None


def closed_at(flight: Flight) -> datetime | None:
    return flight.departure.closed_at if flight.departure else None


def closes_at(flight: Flight) -> datetime:
    due = flight.departs_at - config.BOARDING_CLOSES
    return min(due, closed_at(flight) or due)


def decide(found: BoardingPass | None, text: str, gate: Flight, at: datetime) -> str | None:
    """Return the first reason to refuse a pass at a flight's gate, None for one that is good."""
    if found is None:
        return "unknown" if is_bcbp(text) else "unreadable"
    flight, coupon = found.flight, found.coupon
    if flight.id != gate.id:
        is_same = (gate.designator, gate.origin_id) == (flight.designator, flight.origin_id)
        return "other_date" if is_same else "other_flight"
    if flight.status == "cancelled":
        return "flight_cancelled"
    if coupon.status in GIVEN_UP:
        return GIVEN_UP[coupon.status]
    if coupon.status in ("L", "F"):
        return "already_boarded"
    if coupon.flight_id != flight.id:
        return "flight_changed"
    if found.ended_at:
        return ENDS[found.end_reason]
    if coupon.status == "O":
        return "no_show" if coupon.is_no_show else "not_checked_in"
    return decide_by_time(flight, at)


def decide_by_time(flight: Flight, at: datetime) -> str | None:
    if at >= flight.departs_at or flight.status == "departed":
        return "flight_departed"
    if at >= closes_at(flight):
        return "gate_closed"
    return "too_early" if at < flight.departs_at - config.BOARDING_OPENS else None


def scan_document(
    scan_id: UUID, shown: ScanIn, found: BoardingPass | None, reason: str | None, at: datetime
) -> dict[str, Any]:
    """Return what the device is told."""
    moments: dict[str, datetime | None] = {"boarded_at": None, "opens_at": None, "closed_at": None}
    if found and reason in (None, "already_boarded"):
        moments["boarded_at"] = found.coupon.boarded_at
    elif found and reason == "too_early":
        moments["opens_at"] = found.flight.departs_at - config.BOARDING_OPENS
    elif found and reason in ("gate_closed", "no_show"):
        moments["closed_at"] = closes_at(found.flight)
    return {
        "scan_id": scan_id,
        "result": "refused" if reason else "accepted",
        "reason": reason,
        "message": MESSAGES[reason] if reason else "The passenger is aboard.",
        **(pass_document(found) if found else {}),
        **moments,
        "nonce": shown.nonce,
        "device_id": shown.device_id,
        "scanned_at": at,
        "received_at": at,
    }


def pass_document(found: BoardingPass) -> dict[str, Any]:
    coupon, ticket = found.coupon, found.coupon.ticket
    return {
        "passenger": {
            "surname": ticket.surname,
            "given_name": ticket.given_name,
            "title": ticket.title,
            "passenger_type": ticket.passenger_type,
            "ticket_number": ticket.number,
        },
        "record_locator": ticket.booking.locator,
        "flight": gate_flight_document(found.flight),
        "cabin": coupon.cabin,
        "seat": found.seat or None,
        "sequence_number": found.sequence_number,
        "coupon_id": coupon.id,
    }


def gate_flight_document(flight: Flight) -> dict[str, Any]:
    return {
        "event_id": flight.id,
        "flightId": flight.designator,
        "departureDate": flight.departure_date,
        "origin": flight.origin_id,
        "destination": flight.destination_id,
        "departs_at": flight.departs_at,
        "status": flight.status,
        "gate": (flight.departure and flight.departure.gate) or None,
        "boarding_opens_at": flight.departs_at - config.BOARDING_OPENS,
        "boarding_closes_at": closes_at(flight),
        "closed_at": closed_at(flight),
    }
