"""Issuing one passenger's ticket in a single call: an open one, one on a flight, or one of a booking that is held."""

from typing import NamedTuple
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from bookings.changes import Change, Names
from bookings.documents import BookingView
from bookings.exceptions import PassengerNotInBooking
from bookings.holds import Sale, hold_within
from bookings.models import Booking
from bookings.open_tickets import book_open_ticket, fill_with_open_ticket
from bookings.parties import Passenger
from bookings.services import read_booking
from flights.offers import Wish
from orders.reservations import change, confirm_booking
from partners.callers import Caller
from skybridge.versions import etag
from ticketing.documents import TicketFacts


class Issued(NamedTuple):
    """A confirmed booking, and the passenger's ticket in it."""

    view: BookingView
    ticket: TicketFacts


def issue_open_ticket(passenger: Passenger, *, agency_id: UUID | None, user_id: str, caller: Caller) -> Issued:
    """Sell a ticket without a flight, for nothing, on an order of its own."""
    at = timezone.now()
    with transaction.atomic():
        view = book_open_ticket(passenger, agency_id=agency_id, user_id=user_id, actor=caller, at=at)
        return issued(confirm_booking(view.booking.id, caller=caller), passenger)


def issue_ticket(
    passenger: Passenger, wish: Wish, *, owned: tuple[UUID | None, str | None, str], caller: Caller
) -> Issued:
    """Sell a seat on a flight and issue its ticket, on an order of its own, or change nothing.

    `owned` is what `bookings.selling.owner` returns. Raises as `hold_seats` and `confirm_booking` do.
    """
    at = timezone.now()
    with transaction.atomic():
        view = hold_within(Sale([wish], [passenger], *owned), actor=caller, at=at)
        return issued(confirm_booking(view.booking.id, caller=caller), passenger)


def issue_booking(booking_id: UUID, passenger: Passenger, *, caller: Caller) -> Issued:
    """Confirm a held booking whose first passenger without a name gets this one, unless somebody is called so.

    An empty booking gets an open ticket. Again: the same answer. Raises PassengerNotInBooking, and as `change` and
    `confirm_booking` do.
    """
    at = timezone.now()
    with transaction.atomic():
        view = read_booking(booking_id, caller=caller)
        if view.booking.status == Booking.Status.CREATED and not view.tickets:
            fill_with_open_ticket(booking_id, passenger, caller=caller, at=at)
        elif ticket_of(view, passenger) is None:
            wanted = Change(names=[Names(first_unnamed(view), names_of(passenger))])
            change(booking_id, wanted, caller=caller, if_match=etag(view.booking.version))
        return issued(confirm_booking(booking_id, caller=caller), passenger)


def first_unnamed(view: BookingView) -> UUID:
    for ticket, _ in view.tickets:
        if not (ticket.surname or ticket.given_name):
            return ticket.id
    raise PassengerNotInBooking


def names_of(passenger: Passenger) -> tuple[tuple[str, str], ...]:
    fields = {"surname": passenger.surname, "given_name": passenger.given_name, "title": passenger.title}
    return tuple(fields.items())


def ticket_of(view: BookingView, passenger: Passenger) -> TicketFacts | None:
    """Return the ticket of the passenger of this name, if the booking has one."""
    found = (ticket for ticket, _ in view.tickets if passenger.is_called(ticket.surname, ticket.given_name))
    return next(found, None)


def issued(view: BookingView, passenger: Passenger) -> Issued:
    return Issued(view, ticket_of(view, passenger) or view.tickets[0][0])
