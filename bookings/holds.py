"""Holding seats: the hot operation, one SQL statement that takes the seats and writes everything that follows.

With several flights the same statement takes their rows in primary key order, inside a transaction that is rolled back
when one of them is short of seats.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from functools import cache
from typing import Any
from uuid import UUID

import orjson
from django.db import IntegrityError, transaction
from django.http import HttpResponse
from django.utils import timezone

from bookings.contacts import NO_CONTACT, Contact
from bookings.documents import BookingFacts, BookingView
from bookings.expiry import with_overdue_released
from bookings.locators import draw_locator
from bookings.models import Booking
from bookings.parties import Passenger, check_ages, check_party, seats_of
from flights.exceptions import SoldOut
from flights.offers import Offer, Wish, open_offers
from skybridge import context
from skybridge.constraints import violates
from skybridge.events import Actor
from skybridge.exceptions import StillRunning
from skybridge.idempotency import Claim, kept_headers
from skybridge.identifiers import uuid7
from skybridge.sql import read_rows
from ticketing.documents import CouponFacts, TicketFacts
from ticketing.exceptions import SeatTaken
from ticketing.models import Coupon, Ticket, takes_seat
from ticketing.seats import SeatPrice, check_new_party
from ticketing.services import price_coupon

HELD_ONE = """
held AS (
    UPDATE flights_flightcabin SET held = held + %(seats)s, free = free - %(seats)s
    WHERE id = %(cabin_id)s AND free >= %(seats)s AND on_sale {claim}
    RETURNING id
), enough AS (SELECT 1 FROM held)"""
HELD_SEVERAL = """
locked AS MATERIALIZED (
    SELECT id FROM flights_flightcabin WHERE id = ANY(%(cabin_ids)s::bigint[]) ORDER BY id FOR UPDATE
), held AS (
    UPDATE flights_flightcabin c SET held = held + %(seats)s, free = free - %(seats)s
    FROM locked WHERE c.id = locked.id AND c.free >= %(seats)s AND c.on_sale {claim}
    RETURNING c.id
), enough AS (SELECT 1 FROM held HAVING count(*) = cardinality(%(cabin_ids)s::bigint[]))"""
FOLLOWS = """,
booking AS (
    INSERT INTO bookings_booking (id, locator, status, agency_id, user_id, seats, expires_at, currency, total_amount,
        refunded_amount, version, created_at, updated_at, contact_email, contact_phone)
    SELECT %(booking_id)s::uuid, %(locator)s, 'pending', %(agency_id)s::uuid, %(user_id)s, %(seats)s,
        %(expires_at)s::timestamptz, %(currency)s, %(total_amount)s::numeric, 0, 1, %(at)s::timestamptz,
        %(at)s::timestamptz, %(contact_email)s, %(contact_phone)s
    FROM enough
), holds AS (
    INSERT INTO flights_seathold (booking_id, flight_cabin_id, seats, expires_at)
    SELECT %(booking_id)s::uuid, held.id, %(seats)s, %(expires_at)s::timestamptz FROM held, enough
), tickets AS (
    INSERT INTO ticketing_ticket (id, booking_id, position, passenger_type, surname, given_name, title, birth_date,
        is_superseded, created_at)
    SELECT t.id, %(booking_id)s::uuid, t.position, t.passenger_type, t.surname, t.given_name, t.title, t.birth_date,
        false, %(at)s::timestamptz
    FROM enough, jsonb_to_recordset(%(tickets)s::jsonb) AS t (id uuid, position int, passenger_type text, surname text,
        given_name text, title text, birth_date date)
), coupons AS (
    INSERT INTO ticketing_coupon (id, ticket_id, sequence, flight_id, cabin, status, takes_seat, fare_basis, currency,
        fare_amount, taxes, total_amount, fare_rules, seat)
    SELECT k.id, k.ticket_id, k.sequence, k.flight_id, k.cabin, 'O', k.takes_seat, k.fare_basis, k.currency,
        k.fare_amount, k.taxes, k.total_amount, k.fare_rules, k.seat
    FROM enough, jsonb_to_recordset(%(coupons)s::jsonb) AS k (id uuid, ticket_id uuid, sequence int, flight_id uuid,
        cabin text, takes_seat bool, fare_basis text, currency text, fare_amount numeric, taxes jsonb,
        total_amount numeric, fare_rules jsonb, seat text)
), event AS (
    INSERT INTO skybridge_event (at, actor_kind, actor_id, door, action, subject_id, before, after, reason, request_id)
    SELECT %(at)s::timestamptz, %(actor_kind)s, %(actor_id)s, %(door)s, 'booking.pending', %(booking_id)s::uuid, NULL,
        %(after)s::jsonb, '', %(request_id)s
    FROM enough
){kept}
SELECT count(*) FROM enough
"""
CLAIM = "AND pg_try_advisory_xact_lock(%(lock)s::bigint)"
KEPT = """, kept AS (
    INSERT INTO skybridge_idempotencykey (caller, key, fingerprint, status, headers, body, created_at)
    SELECT %(caller)s, %(key)s, %(fingerprint)s::bytea, %(kept_status)s, %(kept_headers)s::jsonb, %(kept_body)s::bytea,
        %(at)s::timestamptz
    FROM enough
)"""


@dataclass(frozen=True)
class Sale:
    """What to book, and whose it will be. `seat_prices` are for the seats that passengers choose (one flight only)."""

    wishes: Sequence[Wish]
    party: Sequence[Passenger]
    agency_id: UUID | None
    agency_name: str | None
    user_id: str
    seat_prices: Mapping[str, SeatPrice] = field(default_factory=dict)
    contact: Contact = NO_CONTACT


Answer = Callable[[BookingView], HttpResponse]


def hold_seats(sale: Sale, *, actor: Actor, answer: Answer, claim: Claim | None = None) -> HttpResponse:
    """Hold seats for a party on its flights and return the answer made of the new booking.

    With a claim, the answer is kept under its key in the same statement. One read and one statement for one flight.
    Raises FlightNotFound, AmbiguousFlight, FlightClosed, SoldOut, PartyTooLarge, TooManyInfants or, for seats that
    passengers choose, SeatRefused; then nothing has changed.
    """
    check_party(sale.party)
    at = timezone.now()
    return with_overdue_released(lambda: try_hold(sale, actor, answer, claim, at), at=at)


def try_hold(sale: Sale, actor: Actor, answer: Answer, claim: Claim | None, at: datetime) -> HttpResponse:
    seats = seats_of(sale.party)
    offers = open_offers(sale.wishes, seats, at=at)
    check_ages(sale.party, [offer.flight.departure_date for offer in offers])
    while True:
        view = draft_booking(sale, offers, at)
        response = answer(view)
        try:
            if not write_hold(view, offers, sale, actor, claim, response):
                if claim and open_offers(sale.wishes, seats, at=at):
                    raise StillRunning  # there are seats: another request holds the claim's lock
                raise SoldOut(offer.cabin_id for offer in offers)
        except IntegrityError as exc:
            if violates(exc, "seat_once"):
                raise SeatTaken from None
            if not violates(exc, "booking_locator"):
                raise
        else:
            return response


def hold_within(sale: Sale, *, actor: Actor, at: datetime) -> BookingView:
    """Hold seats as a part of the caller's transaction, and return the new booking. Raises as `hold_seats` does."""
    check_party(sale.party)
    return with_overdue_released(lambda: try_hold_within(sale, actor, at), at=at)


def try_hold_within(sale: Sale, actor: Actor, at: datetime) -> BookingView:
    offers = open_offers(sale.wishes, seats_of(sale.party), at=at)
    check_ages(sale.party, [offer.flight.departure_date for offer in offers])
    while True:
        view = draft_booking(sale, offers, at)
        try:
            with transaction.atomic():  # a record locator that is taken must not end the caller's transaction
                if not write_hold(view, offers, sale, actor, None, HttpResponse()):
                    raise SoldOut(offer.cabin_id for offer in offers)
            return view
        except IntegrityError as exc:
            if not violates(exc, "booking_locator"):
                raise


def draft_booking(sale: Sale, offers: Sequence[Offer], at: datetime) -> BookingView:
    """Return the booking as it will stand: new identifiers, prices of the moment, nothing written yet."""
    booking_id = uuid7()
    tickets = [
        draft_ticket(booking_id, position, passenger, offers, at)
        for position, passenger in enumerate(sale.party, start=1)
    ]
    booking = BookingFacts(
        id=booking_id,
        locator=draw_locator(),
        status=Booking.Status.PENDING,
        agency_id=sale.agency_id,
        agency_name=sale.agency_name,
        user_id=sale.user_id,
        order_id=None,
        seats=seats_of(sale.party),
        expires_at=Booking.hold_deadline(at),
        currency=offers[0].currency,
        total_amount=sum((coupon.total_amount for _, coupons in tickets for coupon in coupons), Decimal(0)),
        refunded_amount=Decimal(0),
        version=1,
        created_at=at,
        updated_at=at,
        contact_email=sale.contact.email,
        contact_phone=sale.contact.phone,
    )
    return BookingView(booking, tickets, {offer.flight.id: offer.flight for offer in offers})


def draft_ticket(
    booking_id: UUID, position: int, passenger: Passenger, offers: Sequence[Offer], at: datetime
) -> tuple[TicketFacts, list[CouponFacts]]:
    ticket = TicketFacts(
        uuid7(), booking_id, position, passenger.passenger_type, passenger.surname, passenger.given_name,
        passenger.title, passenger.birth_date, None, None, at,
    )  # fmt: skip
    return ticket, [
        price_coupon(offer, sequence, passenger.passenger_type)._replace(seat=passenger.seat or None)
        for sequence, offer in enumerate(offers, start=1)
    ]


def write_hold(
    view: BookingView, offers: Sequence[Offer], sale: Sale, actor: Actor, claim: Claim | None, response: HttpResponse
) -> bool:
    """Take the seats and write the booking; tell whether there were enough."""
    several, choosing = len(offers) > 1, any(passenger.seat for passenger in sale.party)
    sql = statement(several, claim is not None)
    parameters = hold_parameters(view, offers, actor) | (claim_parameters(claim, response) if claim else {})
    if not several and not choosing:
        return execute(sql, parameters)
    with transaction.atomic():
        if choosing:
            check_seats(view, offers[0], sale)
        enough = execute(sql, parameters)
        if not enough:
            transaction.set_rollback(True)
        return enough


def check_seats(view: BookingView, offer: Offer, sale: Sale) -> None:
    """Refuse seats that a new booking's passengers cannot have. Locks the departure. Raises as `check_new_party`."""
    coupons = [
        Coupon(**coupon._asdict(), ticket=Ticket(**ticket._asdict()), takes_seat=takes_seat(ticket.passenger_type))
        for ticket, coupons in view.tickets
        for coupon in coupons
    ]
    check_new_party(offer.flight.id, coupons, prices=sale.seat_prices, at=view.booking.created_at)


@cache
def statement(several: bool, claimed: bool) -> str:
    taking = (HELD_SEVERAL if several else HELD_ONE).format(claim=CLAIM if claimed else "")
    return "WITH " + taking + FOLLOWS.format(kept=KEPT if claimed else "")


def execute(sql: str, parameters: dict) -> bool:
    return read_rows(sql, parameters) == [(1,)]


def json_text(value: Any) -> str:
    return orjson.dumps(value, default=str).decode()


def hold_parameters(view: BookingView, offers: Sequence[Offer], actor: Actor) -> dict:
    booking = view.booking
    return {
        "seats": booking.seats,
        "cabin_id": offers[0].cabin_id,
        "cabin_ids": [offer.cabin_id for offer in offers],
        "booking_id": booking.id,
        "locator": booking.locator,
        "agency_id": booking.agency_id,
        "user_id": booking.user_id,
        "expires_at": booking.expires_at,
        "currency": booking.currency,
        "total_amount": booking.total_amount,
        "at": booking.created_at,
        "contact_email": booking.contact_email,
        "contact_phone": booking.contact_phone,
        "tickets": json_text([ticket._asdict() for ticket, _ in view.tickets]),
        "coupons": json_text(
            [
                coupon._asdict() | {"ticket_id": ticket.id, "takes_seat": takes_seat(ticket.passenger_type)}
                for ticket, coupons in view.tickets
                for coupon in coupons
            ]
        ),
        "actor_kind": actor.kind,
        "actor_id": actor.id,
        "door": actor.door,
        "after": json_text({"status": booking.status, "seats": booking.seats, "locator": booking.locator}),
        "request_id": context.request_id.get(),
    }


def claim_parameters(claim: Claim, response: HttpResponse) -> dict:
    return {
        "lock": claim.lock,
        "caller": claim.caller,
        "key": claim.key,
        "fingerprint": claim.fingerprint,
        "kept_status": response.status_code,
        "kept_headers": json_text(kept_headers(response)),
        "kept_body": response.content,
    }
