"""A ticket and a boarding pass as their readers see them."""

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID

from flights.documents import rules_document
from flights.offers import FlightFacts
from skybridge.money import rounded
from skybridge.times import utc_text
from ticketing import bcbp
from ticketing.faces import boards_at, gate_of, locally, status_of
from ticketing.links import links_of
from ticketing.models import BoardingPass, Coupon, Emd
from ticketing.numbers import check_digit, displayed


class TicketFacts(NamedTuple):
    id: UUID
    booking_id: UUID
    position: int
    passenger_type: str
    surname: str
    given_name: str
    title: str
    birth_date: date | None
    number: str | None
    issued_at: datetime | None
    created_at: datetime


class CouponFacts(NamedTuple):
    id: UUID
    sequence: int
    flight_id: UUID | None
    cabin: str
    status: str
    fare_basis: str
    currency: str
    fare_amount: Decimal
    total_amount: Decimal
    taxes: list[dict]
    fare_rules: dict[str, Any]
    seat: str | None = None
    checked_in_at: datetime | None = None
    boarded_at: datetime | None = None
    is_no_show: bool = False


TICKET_COLUMNS = """
    t.id, t.booking_id, t.position, t.passenger_type, t.surname, t.given_name, t.title, t.birth_date, t.number,
    t.issued_at, t.created_at
"""
COUPON_COLUMNS = """
    k.id, k.sequence, k.flight_id, k.cabin, k.status, k.fare_basis, k.currency, k.fare_amount, k.total_amount, k.taxes,
    k.fare_rules, k.seat, k.checked_in_at, k.boarded_at, k.is_no_show
"""
# A ticket's status is that of its least advanced coupon that still has a use, in this order.
STATUS_WORDS = {
    Coupon.Status.OPEN: "issued",
    Coupon.Status.CHECKED_IN: "checked_in",
    Coupon.Status.LIFTED: "boarded",
    Coupon.Status.FLOWN: "flown",
    Coupon.Status.EXCHANGED: "exchanged",
    Coupon.Status.REFUNDED: "refunded",
    Coupon.Status.VOID: "void",
}


def ticket_status(number: str | None, coupon_statuses: Sequence[str], *, lapsed: bool) -> str:
    """Return `held`, `void`, or the word of the ticket's coupons. `lapsed`: its booking's hold has run out."""
    if lapsed:
        return "void"
    for status, word in STATUS_WORDS.items():
        if status in coupon_statuses:
            return "held" if word == "issued" and number is None else word
    return "held"


def ticket_document(
    ticket: TicketFacts, coupons: Sequence[CouponFacts], flights: dict[UUID, FlightFacts], *, lapsed: bool
) -> dict[str, Any]:
    return {
        "ticket_id": ticket.id,
        "booking_id": ticket.booking_id,
        **number_fields(ticket.number),
        "status": ticket_status(ticket.number, [coupon.status for coupon in coupons], lapsed=lapsed),
        "passenger_type": ticket.passenger_type,
        "surname": ticket.surname,
        "given_name": ticket.given_name,
        "title": ticket.title,
        "birth_date": ticket.birth_date,
        "issued_at": utc_text(ticket.issued_at),
        "created_at": utc_text(ticket.created_at),
        "coupons": [coupon_document(coupon, flights, lapsed=lapsed) for coupon in coupons],
    }


def number_fields(number: str | None) -> dict[str, Any]:
    """Return a document number as it is kept, as people read it, and its check digit."""
    return {
        "number": number,
        "displayed_number": displayed(number) if number else None,
        "check_digit": check_digit(number) if number else None,
    }


def coupon_document(coupon: CouponFacts, flights: dict[UUID, FlightFacts], *, lapsed: bool) -> dict[str, Any]:
    flight = flights[coupon.flight_id] if coupon.flight_id else None
    return {
        "coupon_id": coupon.id,
        "sequence": coupon.sequence,
        "event_id": coupon.flight_id,
        "flightId": flight.designator if flight else None,
        "departureDate": flight.departure_date if flight else None,
        "cabin": coupon.cabin,
        "status": Coupon.Status.VOID if lapsed else coupon.status,
        "seat": coupon.seat,
        "checked_in_at": utc_text(coupon.checked_in_at),
        "boarded_at": utc_text(coupon.boarded_at),
        "is_no_show": coupon.is_no_show,
        "fare_basis": coupon.fare_basis,
        "fare_amount": coupon.fare_amount,
        "taxes": [{**tax, "amount": Decimal(tax["amount"])} for tax in coupon.taxes],
        "total_amount": coupon.total_amount,
        "currency": coupon.currency,
        "fare_rules": {**rules_document(coupon.fare_rules), "involuntary_until": free_until(coupon)},
    }


def free_until(coupon: CouponFacts) -> str | None:
    """Return until when all of it goes back because its flight was disrupted."""
    until = coupon.fare_rules.get("involuntary_until")
    return utc_text(datetime.fromisoformat(until)) if until else None


def boarding_pass_document(boarding_pass: BoardingPass) -> dict[str, Any]:
    """Return the JSON of a pass of `passes.readable`. No statement."""
    flight, coupon = boarding_pass.flight, boarding_pass.coupon
    signed = bcbp.decode(boarding_pass.barcode)
    return {
        "boarding_pass_id": boarding_pass.pk,
        "ticket_id": coupon.ticket_id,
        "coupon_id": coupon.pk,
        "event_id": flight.pk,
        "flightId": flight.designator,
        "departureDate": flight.departure_date,
        "origin": flight.origin_id,
        "destination": flight.destination_id,
        "departureTime": locally(flight, flight.departs_at).isoformat(),
        "boardingTime": boards_at(flight).isoformat(),
        "gate": gate_of(flight) or None,
        "seat": boarding_pass.seat or None,
        "cabin": signed.legs[0].compartment,
        "sequence_number": boarding_pass.sequence_number,
        "passenger_name": signed.passenger_name,
        "surname": coupon.ticket.surname,
        "given_name": coupon.ticket.given_name,
        "record_locator": signed.legs[0].record_locator,
        "ticket_number": coupon.ticket.number,
        "barcode": boarding_pass.barcode,
        "status": status_of(boarding_pass),
        "issued_at": utc_text(boarding_pass.issued_at),
        "ended_at": utc_text(boarding_pass.ended_at),
        "links": links_of(boarding_pass.pk),
    }


def emd_document(emd: Emd) -> dict[str, Any]:
    """Return an EMD; its coupon, if it has one, was read with it."""
    return {
        "emd_id": emd.pk,
        **number_fields(emd.number),
        "type": emd.type,
        "product_id": emd.product_id,
        "description": emd.description,
        "quantity": emd.quantity,
        "amount": rounded(emd.amount, emd.currency),
        "currency": emd.currency,
        "rfic": emd.rfic,
        "rfisc": emd.rfisc,
        "status": emd.status,
        "ticket_id": emd.ticket_id,
        "coupon_id": emd.coupon_id,
        "event_id": emd.coupon.flight_id if emd.coupon else None,
        "issued_at": utc_text(emd.issued_at),
    }
