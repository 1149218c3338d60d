"""A booking as its readers see it: one SQL statement for any number of bookings, and the JSON made of it."""

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from itertools import groupby
from typing import Any, NamedTuple
from uuid import UUID

from bookings.contacts import shown_phone
from bookings.models import Booking, Quote, status_at
from flights.documents import flight_document
from flights.models import Flight
from flights.offers import FLIGHT_COLUMNS, FlightFacts
from skybridge.sql import read_rows
from skybridge.times import utc_text
from ticketing.documents import COUPON_COLUMNS, TICKET_COLUMNS, CouponFacts, TicketFacts, ticket_document
from ticketing.models import Coupon


class BookingFacts(NamedTuple):
    id: UUID
    locator: str
    status: str
    agency_id: UUID | None
    agency_name: str | None
    user_id: str
    order_id: UUID | None
    seats: int
    expires_at: datetime | None
    currency: str
    total_amount: Decimal
    refunded_amount: Decimal
    version: int
    created_at: datetime
    updated_at: datetime
    contact_email: str
    contact_phone: str


class BookingView(NamedTuple):
    """A booking with its tickets (each with its coupons) and the flights that they name, by id."""

    booking: BookingFacts
    tickets: list[tuple[TicketFacts, list[CouponFacts]]]
    flights: dict[UUID, FlightFacts]

    @property
    def flights_in_order(self) -> list[FlightFacts]:
        """Return the flights in order of travel."""
        return sorted(self.flights.values(), key=lambda flight: flight.departs_at)


BOOKING_COLUMNS = """
    b.id, b.locator, b.status, b.agency_id, a.name, b.user_id, b.order_id, b.seats, b.expires_at, b.currency,
    b.total_amount, b.refunded_amount, b.version, b.created_at, b.updated_at, b.contact_email, b.contact_phone
"""
READ = f"""
SELECT {BOOKING_COLUMNS}, {TICKET_COLUMNS}, {COUPON_COLUMNS}, {FLIGHT_COLUMNS}
FROM bookings_booking b
LEFT JOIN partners_agency a ON a.id = b.agency_id
LEFT JOIN ticketing_ticket t ON t.booking_id = b.id AND NOT t.is_superseded
LEFT JOIN ticketing_coupon k ON k.ticket_id = t.id AND NOT k.is_superseded
LEFT JOIN flights_flight f ON f.id = k.flight_id
LEFT JOIN flights_airport o ON o.iata = f.origin_id
LEFT JOIN flights_airport d ON d.iata = f.destination_id
WHERE {{which}}
ORDER BY b.id DESC, t.position, k.sequence
"""
# PostgreSQL keeps the plan for one id; for a list, whose length it does not know, it would make a new one every time.
READ_ONE = READ.format(which="b.id = %(id)s")
READ_SEVERAL = READ.format(which="b.id = ANY(%(ids)s::uuid[])")
UNDERWAY = {Coupon.Status.CHECKED_IN, Coupon.Status.LIFTED, Coupon.Status.FLOWN}
B, T, K = len(BookingFacts._fields), len(TicketFacts._fields), len(CouponFacts._fields)


def read_bookings(ids: Iterable[UUID]) -> list[BookingView]:
    """Return bookings with their live tickets, newest first. One statement."""
    wanted = list(ids)
    sql, parameters = (READ_ONE, {"id": wanted[0]}) if len(wanted) == 1 else (READ_SEVERAL, {"ids": wanted})
    rows = read_rows(sql, parameters)
    return [nest(list(group)) for _, group in groupby(rows, key=lambda row: row[0])]


def nest(rows: list[tuple]) -> BookingView:
    """Build one booking of its rows, one per coupon."""
    tickets: dict[UUID, tuple[TicketFacts, list[CouponFacts]]] = {}
    flights: dict[UUID, FlightFacts] = {}
    for row in rows:
        ticket, coupon, flight = row[B : B + T], row[B + T : B + T + K], row[B + T + K :]
        if ticket[0] is None:
            continue
        if ticket[0] not in tickets:
            tickets[ticket[0]] = (TicketFacts._make(ticket), [])
        if coupon[0] is not None:
            tickets[ticket[0]][1].append(CouponFacts._make(coupon))
        if flight[0] is not None and flight[0] not in flights:
            flights[flight[0]] = FlightFacts._make(flight)
    return BookingView(BookingFacts._make(rows[0][:B]), list(tickets.values()), flights)


def available_actions(view: BookingView, at: datetime) -> list[str]:
    """Return the actions that succeed now; none once a flight has left or a passenger has checked in.

    Seats on a cancelled flight are not sold any more. While an order that sells a pending booking is processed, only
    the order can be acted on.
    """
    if obstacle(view, at) or is_being_ordered(view.booking):
        return []
    cancelled = any(flight.status == Flight.Status.CANCELLED for flight in view.flights.values())
    actions = Booking.actions_from(status_at(view.booking, at))
    return [action for action in actions if action != "confirm" or not cancelled]


def is_being_ordered(booking: BookingFacts) -> bool:
    return booking.order_id is not None and booking.status == Booking.Status.PENDING


def obstacle(view: BookingView, at: datetime) -> str:
    """Return what stands in the way of giving a booking up or changing it, "" for nothing."""
    statuses = {coupon.status for _, coupons in view.tickets for coupon in coupons}
    if Coupon.Status.FLOWN in statuses or any(has_left(flight, at) for flight in view.flights.values()):
        return "a flight has left"
    return "a passenger is checked in, undo the check-in first" if statuses & UNDERWAY else ""


def has_left(flight: FlightFacts, at: datetime) -> bool:
    """Tell whether a flight's time has come; a cancelled one never leaves."""
    return flight.departs_at <= at and flight.status != Flight.Status.CANCELLED


def booking_document(view: BookingView, at: datetime) -> dict[str, Any]:
    booking = view.booking
    status = status_at(booking, at)
    lapsed = status != booking.status
    flights = view.flights_in_order
    return {
        "booking_id": booking.id,
        "bookingId": booking.id,
        "record_locator": booking.locator,
        "status": status,
        "booking_status": status,
        "agency": booking.agency_name,
        "user_id": booking.user_id,
        "userId": booking.user_id,
        "contact": {"email": booking.contact_email, "phone": shown_phone(booking.contact_phone)},
        "order_id": booking.order_id,
        "event_id": flights[0].id if flights else None,
        "seats": booking.seats,
        "ticket_quantity": len(view.tickets),
        "created_at": utc_text(booking.created_at),
        "updated_at": utc_text(booking.updated_at),
        "expires_at": utc_text(booking.expires_at),
        "total_amount": booking.total_amount,
        "refunded_amount": booking.refunded_amount,
        "currency": booking.currency,
        "price_lines": price_lines(view),
        "flights": [flight_document(flight) for flight in flights],
        "tickets": [ticket_document(ticket, coupons, view.flights, lapsed=lapsed) for ticket, coupons in view.tickets],
        "available_actions": available_actions(view, at),
    }


def price_lines(view: BookingView) -> list[dict[str, Any]]:
    """Return the fare and each tax with the sum over all coupons."""
    sums: dict[str, Decimal] = {}
    for _, coupons in view.tickets:
        for coupon in coupons:
            sums["FARE"] = sums.get("FARE", Decimal(0)) + coupon.fare_amount
            for tax in coupon.taxes:
                sums[tax["code"]] = sums.get(tax["code"], Decimal(0)) + Decimal(tax["amount"])
    return [{"code": code, "amount": amount, "currency": view.booking.currency} for code, amount in sums.items()]


def group_by_event(views: Iterable[BookingView], at: datetime) -> list[dict[str, Any]]:
    """Return events (title, date), each with its bookings and their tickets; a booking without a flight comes last."""
    events: dict[UUID | None, dict[str, Any]] = {}
    for view in views:
        document = booking_document(view, at)
        for flight in view.flights.values():
            event = events.setdefault(flight.id, event_document(flight))
            event["bookings"].append(document)
        if not view.flights:
            nowhere: dict[str, Any] = {"event_id": None, "title": "No flight yet", "date": None, "bookings": []}
            events.setdefault(None, nowhere)["bookings"].append(document)
    return sorted(events.values(), key=lambda event: (event["date"] is None, str(event["date"])))


def event_document(flight: FlightFacts) -> dict[str, Any]:
    return {
        "event_id": flight.id,
        "title": f"{flight.designator} {flight.departure_city} – {flight.destination_city}",
        "date": flight.departure_date,
        "bookings": [],
    }


def tickets_of(views: Iterable[BookingView], at: datetime, *, event_id: str | None = None) -> list[dict[str, Any]]:
    """Return the tickets of bookings, of one event only where it is given."""
    found = []
    for view in views:
        status = status_at(view.booking, at)
        for ticket, coupons in view.tickets:
            if event_id is None or event_id in {str(coupon.flight_id) for coupon in coupons}:
                document = ticket_document(ticket, coupons, view.flights, lapsed=status != view.booking.status)
                found.append(document | {"user_id": view.booking.user_id, "booking_status": status})
    return found


def quote_document(quote: Quote, at: datetime) -> dict[str, Any]:
    return {
        "quote_id": quote.pk,
        "booking_id": quote.booking_id,
        "kind": quote.kind,
        "status": quote_status(quote, at),
        "due_amount": quote.due_amount,
        "refund_amount": quote.refund_amount,
        "penalty_amount": quote.penalty_amount,
        "kept_amount": quote.kept_amount,
        "currency": quote.currency,
        "lines": [{**line, "amount": Decimal(line["amount"])} for line in quote.lines],
        "created_at": utc_text(quote.created_at),
        "expires_at": utc_text(quote.expires_at),
        "confirmed_at": utc_text(quote.confirmed_at),
    }


def quote_status(quote: Any, at: datetime) -> str:
    if quote.confirmed_at:
        return "confirmed"
    if quote.is_superseded:
        return "superseded"
    return "expired" if quote.expires_at <= at else "open"
