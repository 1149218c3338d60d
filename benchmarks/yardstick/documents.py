"""From rows to answers: what FastAPI checks against the response models and writes as JSON."""

from datetime import datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Row

from .models import Booking, Coupon, Flight, Ticket

WORDS = {
    "O": "issued",
    "C": "checked_in",
    "L": "boarded",
    "F": "flown",
    "E": "exchanged",
    "R": "refunded",
    "V": "void",
}
ACTIONS = {"created": ["cancel"], "pending": ["confirm", "cancel"], "confirmed": ["cancel", "refund"]}


def flight_document(flight: Flight) -> dict[str, Any]:
    return {
        "event_id": flight.id,
        "flightId": flight.designator,
        "carrier": flight.carrier_id,
        "flight_number": flight.flight_number,
        "departureDate": flight.departure_date,
        "departureCity": flight.origin.city_name,
        "destinationCity": flight.destination.city_name,
        "origin": flight.origin_id,
        "destination": flight.destination_id,
        "departureTime": flight.departs_at.astimezone(ZoneInfo(flight.origin.timezone)),
        "arrivalTime": flight.arrives_at.astimezone(ZoneInfo(flight.destination.timezone)),
        "duration_minutes": int((flight.arrives_at - flight.departs_at).total_seconds()) // 60,
        "aircraft_type": flight.aircraft_type,
        "status": flight.status,
    }


def offer_document(offer: Row) -> dict[str, Any]:
    """Return a row of a search."""
    return {
        **offer._mapping,
        "flightId": f"{offer.carrier}{offer.flight_number}{offer.operational_suffix}",
        "departureTime": offer.departs_at.astimezone(ZoneInfo(offer.origin_timezone)),
        "arrivalTime": offer.arrives_at.astimezone(ZoneInfo(offer.destination_timezone)),
        "duration_minutes": int((offer.arrives_at - offer.departs_at).total_seconds()) // 60,
    }


def booking_document(booking: Booking, agency_name: str | None, at: datetime) -> dict[str, Any]:
    status = booking.status_at(at)
    has_lapsed = status != booking.status
    flights = flights_of(booking)
    return {
        "booking_id": booking.id,
        "bookingId": booking.id,
        "record_locator": booking.locator,
        "status": status,
        "booking_status": status,
        "agency": agency_name,
        "user_id": booking.user_id,
        "userId": booking.user_id,
        "contact": {
            "email": booking.contact_email,
            "phone": f"+{booking.contact_phone}" if booking.contact_phone else "",
        },
        "order_id": booking.order_id,
        "event_id": flights[0].id if flights else None,
        "seats": booking.seats,
        "ticket_quantity": len(booking.tickets),
        "created_at": booking.created_at,
        "updated_at": booking.updated_at,
        "expires_at": booking.expires_at,
        "total_amount": booking.total_amount,
        "refunded_amount": booking.refunded_amount,
        "currency": booking.currency,
        "price_lines": price_lines(booking),
        "flights": [flight_document(flight) for flight in flights],
        "tickets": [ticket_document(ticket, has_lapsed) for ticket in booking.tickets],
        "available_actions": available_actions(booking, at),
    }


def coupons_of(booking: Booking) -> list[Coupon]:
    return [coupon for ticket in booking.tickets for coupon in ticket.coupons]


def flights_of(booking: Booking) -> list[Flight]:
    flights = {coupon.flight.id: coupon.flight for coupon in coupons_of(booking) if coupon.flight}
    return sorted(flights.values(), key=lambda flight: flight.departs_at)


def available_actions(booking: Booking, at: datetime) -> list[str]:
    """Return the actions that succeed now; none once a flight has left or a passenger has checked in."""
    flights = flights_of(booking)
    has_left = any(flight.departs_at <= at and flight.status != "cancelled" for flight in flights)
    is_under_way = any(coupon.status in "CLF" for coupon in coupons_of(booking))
    if has_left or is_under_way or (booking.order_id and booking.status == "pending"):
        return []
    is_cancelled = any(flight.status == "cancelled" for flight in flights)
    actions = ACTIONS.get(booking.status_at(at), [])
    return [action for action in actions if action != "confirm" or not is_cancelled]


def price_lines(booking: Booking) -> list[dict[str, Any]]:
    """Return the fare and each tax with the sum over all coupons."""
    sums: dict[str, Decimal] = {}
    for coupon in coupons_of(booking):
        sums["FARE"] = sums.get("FARE", Decimal(0)) + coupon.fare_amount
        for tax in coupon.taxes:
            sums[tax["code"]] = sums.get(tax["code"], Decimal(0)) + Decimal(tax["amount"])
    return [{"code": code, "amount": amount, "currency": booking.currency} for code, amount in sums.items()]


def ticket_document(ticket: Ticket, has_lapsed: bool) -> dict[str, Any]:
    return {
        "ticket_id": ticket.id,
        "booking_id": ticket.booking_id,
        "number": ticket.number,
        "displayed_number": f"{ticket.number[:3]}-{ticket.number[3:]}" if ticket.number else None,
        "check_digit": int(ticket.number) % 7 if ticket.number else None,
        "status": ticket_status(ticket, has_lapsed),
        "passenger_type": ticket.passenger_type,
        "surname": ticket.surname,
        "given_name": ticket.given_name,
        "title": ticket.title,
        "birth_date": ticket.birth_date,
        "issued_at": ticket.issued_at,
        "created_at": ticket.created_at,
        "coupons": [coupon_document(coupon, has_lapsed) for coupon in ticket.coupons],
    }


def ticket_status(ticket: Ticket, has_lapsed: bool) -> str:
    """Return the word of the ticket's least advanced coupon that still has a use."""
    if has_lapsed:
        return "void"
    statuses = {coupon.status for coupon in ticket.coupons}
    word = next((word for status, word in WORDS.items() if status in statuses), "held")
    return "held" if word == "issued" and ticket.number is None else word


def coupon_document(coupon: Coupon, has_lapsed: bool) -> dict[str, Any]:
    return {
        "coupon_id": coupon.id,
        "sequence": coupon.sequence,
        "event_id": coupon.flight_id,
        "flightId": coupon.flight.designator if coupon.flight else None,
        "departureDate": coupon.flight.departure_date if coupon.flight else None,
        "cabin": coupon.cabin,
        "status": "V" if has_lapsed else coupon.status,
        "seat": coupon.seat,
        "checked_in_at": coupon.checked_in_at,
        "boarded_at": coupon.boarded_at,
        "is_no_show": coupon.is_no_show,
        "fare_basis": coupon.fare_basis,
        "fare_amount": coupon.fare_amount,
        "taxes": coupon.taxes,
        "total_amount": coupon.total_amount,
        "currency": coupon.currency,
        "fare_rules": coupon.fare_rules,
    }
