"""Other flights for one of a booking's: which there are on a day, what each would cost, and which fit at all."""

from datetime import date, datetime
from decimal import Decimal
from typing import NamedTuple
from uuid import UUID

from bookings.documents import BookingView
from bookings.exceptions import CannotChange, FlightElsewhere, FlightOverlaps, NotInBooking
from bookings.fare_rules import exchange_settlement, is_changeable, sold_coupons
from bookings.models import Booking
from flights.models import Flight
from flights.offers import FlightFacts, Offer
from flights.search import Search, search_flights
from ticketing.services import price_coupon

MOST = 50


class Move(NamedTuple):
    """A flight that could be taken instead; `due_amount` is what all passengers pay together, negative: goes back."""

    offer: Offer
    due_amount: Decimal

    @property
    def back(self) -> Decimal:
        return max(-self.due_amount, Decimal(0))


def moves_on(view: BookingView, flight_id: UUID, day: date, *, at: datetime) -> list[Move]:
    """Return the flights of a day with enough seats that fit in a flight's place, first departure first. One statement.

    The amounts are what a quote would say. Raises NotInBooking.
    """
    old = view.flights.get(flight_id)
    if old is None:
        raise NotInBooking(f"Flight {flight_id} is not one of this booking.")
    cabin = next(k.cabin for _, coupons in view.tickets for k in coupons if k.flight_id == flight_id)
    search = Search(old.origin, old.destination, day, seats=max(view.booking.seats, 1), cabin=cabin)
    offers, _ = search_flights(search, at=at, limit=MOST)
    return [Move(offer, due_amount(view, flight_id, offer, at)) for offer in offers if is_fit(view, old, offer, at)]


def is_fit(view: BookingView, old: FlightFacts, offer: Offer, at: datetime) -> bool:
    if offer.flight.id in view.flights or offer.currency != view.booking.currency or not offer.is_open(at):
        return False
    try:
        check_place(view, old, offer.flight)
    except CannotChange:
        return False
    return True


def due_amount(view: BookingView, flight_id: UUID, offer: Offer, at: datetime) -> Decimal:
    """Return what moving a flight's coupons to an offer costs: fees and the difference of fare and taxes. No query."""
    old = [(ticket, k) for ticket, coupons in view.tickets for k in coupons if k.flight_id == flight_id]
    new = [price_coupon(offer, k.sequence, ticket.passenger_type) for ticket, k in old]
    if view.booking.status != Booking.Status.CONFIRMED:
        return sum((after.total_amount - k.total_amount for after, (_, k) in zip(new, old, strict=True)), Decimal(0))
    ids = {k.id for _, k in old}
    sold = [coupon for coupon in sold_coupons(view) if coupon.coupon_id in ids]
    involuntary = view.flights[flight_id].status == Flight.Status.CANCELLED
    return exchange_settlement(list(zip(sold, new, strict=True)), at, involuntary=involuntary).due_amount


def can_move(view: BookingView, flight_id: UUID, at: datetime) -> bool:
    """Tell whether the fare rules let a flight be given up for another one."""
    ids = {k.id for _, coupons in view.tickets for k in coupons if k.flight_id == flight_id}
    sold = [coupon for coupon in sold_coupons(view) if coupon.coupon_id in ids]
    involuntary = view.flights[flight_id].status == Flight.Status.CANCELLED
    is_sold = view.booking.status == Booking.Status.CONFIRMED
    return not is_sold or all(is_changeable(coupon, at, involuntary) for coupon in sold)


def check_place(view: BookingView, old: FlightFacts, new: FlightFacts) -> None:
    """Refuse a flight that goes elsewhere, or overlaps the others. Raises FlightElsewhere or FlightOverlaps."""
    if (new.origin, new.destination) != (old.origin, old.destination):
        raise FlightElsewhere
    for other in view.flights.values():
        if other.id == old.id:
            continue
        is_before = other.departs_at < old.departs_at
        if other.arrives_at > new.departs_at if is_before else new.arrives_at > other.departs_at:
            raise FlightOverlaps
