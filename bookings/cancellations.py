"""Cancelling a booking in part: whole passengers or whole flights, so that everybody who stays keeps every flight."""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from bookings.changes import Changing, Segment, check_open, passenger_of
from bookings.documents import BookingView, obstacle, read_bookings
from bookings.exceptions import (
    ActionNotAllowed,
    AdultMissing,
    InfantWithoutAdult,
    NotInBooking,
    NotRectangular,
)
from bookings.fare_rules import Settlement
from bookings.parties import Passenger, seats_of
from bookings.services import end_booking, lock_booking
from partners.callers import Caller
from ticketing.documents import TicketFacts
from ticketing.models import PassengerType


@dataclass(frozen=True)
class Part:
    """What is cancelled: these tickets on these flights; empty means all of them."""

    ticket_ids: Sequence[UUID] = ()
    flight_ids: Sequence[UUID] = ()


def cancel_part(
    booking_id: UUID,
    part: Part,
    *,
    caller: Caller,
    reason: str = "",
    if_match: str | None = None,
    at: datetime | None = None,
) -> tuple[BookingView, Settlement]:
    """Cancel a part of a booking, or all of it, by its fare rules; return it as it stands then, and the money.

    Refunds the coupons of a confirmed booking (R), voids those of a pending one; the last passenger or flight ends the
    booking as `cancel` does. Raises BookingNotFound, StaleVersion, HoldExpired, CannotChange, ActionNotAllowed,
    NotInBooking, NotRectangular, AdultMissing or InfantWithoutAdult; then nothing has changed.
    """
    at = at or timezone.now()
    with transaction.atomic():
        booking = lock_booking(booking_id, caller=caller, if_match=if_match)
        view = read_bookings([booking_id])[0]
        tickets, flights = chosen(view, part)
        if len(tickets) == len(view.tickets) and len(flights) == len(view.flights):
            after, terms = end_booking(booking_id, "cancel", caller=caller, reason=reason, at=at)
            return after, terms.settlement if terms else Settlement(booking.currency)
        check_open(booking, view, at)
        work = Changing(booking, caller, at)
        if len(flights) == len(view.flights):
            leave(work, view, tickets, reason or "passengers cancelled")
        elif len(tickets) == len(view.tickets):
            drop(work, view, flights, reason or "flights cancelled")
        else:
            raise NotRectangular
        return work.finish(view, "booking.partly_canceled")


def chosen(view: BookingView, part: Part) -> tuple[list[TicketFacts], set[UUID]]:
    """Return the tickets and the flights that a part names. Raises NotInBooking."""
    tickets = {ticket.id: ticket for ticket, _ in view.tickets}
    for kind, named, present in (("Ticket", part.ticket_ids, tickets), ("Flight", part.flight_ids, view.flights)):
        for unknown in set(named) - set(present):
            raise NotInBooking(f"{kind} {unknown} is not one of this booking.")
    return [tickets[pk] for pk in tickets if pk in (part.ticket_ids or tickets)], set(part.flight_ids or view.flights)


def leave(work: Changing, view: BookingView, leaving: Sequence[TicketFacts], reason: str) -> None:
    """Cancel some passengers on all flights."""
    check_not_started(view, view.flights, work.at)
    staying = [passenger_of(ticket) for ticket, _ in view.tickets if ticket not in leaving]
    check_staying(staying)
    work.give_up_passengers(view, leaving, work.segments(view), reason=reason)
    work.booking.seats = seats_of(staying)


def check_staying(party: Sequence[Passenger]) -> None:
    """Refuse a rest of a party that cannot travel alone. Raises InfantWithoutAdult or AdultMissing."""
    count = Counter(passenger.passenger_type for passenger in party)
    if count[PassengerType.INFANT] > count[PassengerType.ADULT]:
        raise InfantWithoutAdult
    if not count[PassengerType.ADULT]:
        raise AdultMissing


def drop(work: Changing, view: BookingView, flights: set[UUID], reason: str) -> None:
    """Cancel some flights of all passengers; flights flown before do not stand in the way."""
    check_not_started(view, flights, work.at)
    leaving: list[Segment] = [segment for segment in work.segments(view) if segment.flight.id in flights]
    work.give_up_flights(view, leaving, reason=reason)


def check_not_started(view: BookingView, flights: Collection[UUID], at: datetime) -> None:
    """Refuse to give up flights that have left or that somebody has checked in for. Raises ActionNotAllowed."""
    tickets = [(ticket, [k for k in coupons if k.flight_id in flights]) for ticket, coupons in view.tickets]
    concerned = BookingView(view.booking, tickets, {pk: flight for pk, flight in view.flights.items() if pk in flights})
    if reason := obstacle(concerned, at):
        raise ActionNotAllowed(f"This cannot be cancelled: {reason}.")
