"""Open tickets: sold without a flight, which is set later at the price of that moment."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from django.conf import settings
from django.db import transaction

from bookings.documents import BookingView, read_bookings
from bookings.exceptions import CannotChange
from bookings.fare_rules import FIRST_ISSUED
from bookings.holds import draft_ticket
from bookings.models import Booking
from bookings.parties import Passenger, check_ages, seats_of
from bookings.services import create_booking, lock_booking
from flights.models import Cabin
from flights.offers import Offer, Wish, open_offer
from partners.callers import Caller
from skybridge.events import Actor
from skybridge.identifiers import uuid7
from ticketing.documents import CouponFacts, TicketFacts
from ticketing.models import Coupon
from ticketing.services import price_coupon, write_tickets


def book_open_ticket(
    passenger: Passenger, *, agency_id: UUID | None, user_id: str, actor: Actor, at: datetime
) -> BookingView:
    """Make a pending booking of one open ticket, which costs nothing yet, and return it."""
    with transaction.atomic():
        booking = create_booking(agency_id=agency_id, user_id=user_id, actor=actor)
        return hold_open_ticket(booking, passenger, actor=actor, at=at)


def fill_with_open_ticket(booking_id: UUID, passenger: Passenger, *, caller: Caller, at: datetime) -> BookingView:
    """Make an empty booking a pending one of one open ticket. Raises BookingNotFound or CannotChange."""
    with transaction.atomic():
        booking = lock_booking(booking_id, caller=caller)
        if booking.status != Booking.Status.CREATED:
            raise CannotChange("This booking is not empty any more.", booking_status=booking.status)
        return hold_open_ticket(booking, passenger, actor=caller, at=at, **booking.touched(at))


def hold_open_ticket(booking: Booking, passenger: Passenger, *, actor: Actor, at: datetime, **changes) -> BookingView:
    ticket, _ = draft_ticket(booking.pk, 1, passenger, [], at)
    write_tickets([(ticket, [open_coupon()])])
    booking.move_to(
        Booking.Status.PENDING, actor=actor, at=at, expires_at=booking.hold_deadline(at), seats=seats_of([passenger]),
        currency=settings.CURRENCY, **changes,
    )  # fmt: skip
    return read_bookings([booking.pk])[0]


def open_coupon() -> CouponFacts:
    nothing = Decimal(0)
    return CouponFacts(
        uuid7(), 1, None, Cabin.ECONOMY, Coupon.Status.OPEN, "", settings.CURRENCY, nothing, nothing, [], {}
    )


def point_at_flight(view: BookingView, wishes: Sequence[Wish], *, at: datetime) -> tuple[Offer, list[CouponFacts]]:
    """Point the open coupons of a locked confirmed booking at a flight; return its offer and the coupons as they are.

    The caller takes the seats and settles the price. Raises CannotChange, WrongAge, SoldOut, FlightClosed or
    FlightNotFound.
    """
    coupons = [(ticket, coupon) for ticket, held in view.tickets for coupon in held]
    if not coupons or any(coupon.flight_id for _, coupon in coupons):
        message = "Flights can be added to an empty booking, or one flight to a booking of open tickets."
        raise CannotChange(message, booking_status=view.booking.status)
    if len(wishes) > 1:
        raise CannotChange("An open ticket is good for one flight.")
    offer = open_offer(wishes[0], view.booking.seats, at=at)
    if offer.currency != view.booking.currency:
        raise CannotChange("That flight is sold in another currency.", currency=offer.currency)
    check_ages([travelling(ticket) for ticket, _ in coupons], [offer.flight.departure_date])
    return offer, [point(ticket, coupon, offer, at) for ticket, coupon in coupons]


def travelling(ticket: TicketFacts) -> Passenger:
    return Passenger(ticket.passenger_type, birth_date=ticket.birth_date)


def point(ticket: TicketFacts, coupon: CouponFacts, offer: Offer, at: datetime) -> CouponFacts:
    """Point a coupon at an offer. The times of its fare rules count from now, not from the ticket's issue."""
    priced = price_coupon(offer, coupon.sequence, ticket.passenger_type)
    rules = {**priced.fare_rules, FIRST_ISSUED: at.isoformat()}
    sold = priced._replace(id=coupon.id, fare_rules=rules)
    Coupon.objects.filter(pk=coupon.id).update(
        **{name: value for name, value in sold._asdict().items() if name not in ("id", "status")}
    )
    return sold
