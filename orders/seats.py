"""Seats of passengers: what they cost, and choosing, assigning, swapping and giving them up.

A seat that is sold is refused to a passenger without its EMD. Nobody is moved out of a seat but by these calls.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TypeVar
from uuid import UUID

from django.utils import timezone

from bookings.exceptions import CannotChange, HoldExpired, NotInBooking
from bookings.expiry import with_overdue_released
from bookings.holds import Sale
from bookings.models import Booking, has_run_out, status_at
from flights.models import Flight
from flights.seatmaps import SEAT_PRODUCTS
from orders.delivery import Delivery, delivering
from orders.models import Product
from partners.callers import Caller
from ticketing.checkin import check_not_closed, has_left
from ticketing.exceptions import (
    FlightNeeded,
    NoSeatYet,
    OtherCabin,
    SeatNeeded,
    SeveralFlights,
    TicketNotFound,
    TicketNotValid,
)
from ticketing.models import Coupon, Ticket
from ticketing.passes import reissue_passes
from ticketing.seats import SeatPrice, check_movable, seat_party, write_seats

PRODUCT_IDS = {product for products in SEAT_PRODUCTS.values() for product in products.values()}
Result = TypeVar("Result")


def seat_prices(caller: Caller | None = None) -> Mapping[str, SeatPrice]:
    """Return what the products cost that seats are sold as, by id; nothing costs staff anything. One statement.

    A seat whose product is not on sale is free.
    """
    if caller and caller.is_staff:
        return {}
    products = Product.objects.filter(pk__in=PRODUCT_IDS, on_sale=True)
    return {product.pk: SeatPrice(product.price, product.currency) for product in products}


def with_seat_prices(sale: Sale, caller: Caller) -> Sale:
    """Return a sale that knows what the seats cost that its party has chosen."""
    if not any(passenger.seat for passenger in sale.party):
        return sale
    return replace(sale, seat_prices=seat_prices(caller))


def choose_seat(ticket_id: UUID, seat: str, *, flight_id: UUID | None, caller: Caller) -> Coupon:
    """Give a passenger a seat; return the coupon. Raises as `seat_booking`, TicketNotFound and SeveralFlights."""

    def choose(delivery: Delivery) -> Coupon:
        party = party_on(delivery, flight_id or only_flight(ticket_id))
        coupon = coupon_named(party, ticket_id)
        seat_coupons(delivery, party, {coupon.pk: seat})
        return coupon

    return with_bookings([ticket_id], choose, caller=caller)


def give_up_seat(ticket_id: UUID, *, flight_id: UUID | None, caller: Caller) -> Coupon:
    """Take a passenger's seat away; return the coupon. Raises SeatNeeded after check-in, else as `choose_seat`."""

    def give_up(delivery: Delivery) -> Coupon:
        coupon = coupon_named(party_on(delivery, flight_id or only_flight(ticket_id)), ticket_id)
        check_movable(coupon)
        if coupon.status == Coupon.Status.CHECKED_IN:
            raise SeatNeeded(ticket_id=ticket_id)
        if coupon.seat:
            check_in_time(coupon, delivery)
            write_seats([coupon], {}, actor=delivery.caller, at=delivery.at)
            delivery.is_changed = True
        return coupon

    return with_bookings([ticket_id], give_up, caller=caller)


def seat_booking(
    booking_id: UUID,
    flight_id: UUID,
    wanted: Mapping[UUID, str],
    *,
    assign_rest: bool,
    caller: Caller,
    if_match: str | None = None,
) -> list[Coupon]:
    """Give passengers of a booking (by ticket id) the seats that they want on a flight, all or nothing.

    They may trade seats; with `assign_rest` the others who have none get seats together. Returns the coupons of all
    passengers on that flight, in order. Raises as `seat_party` does, BookingNotFound, StaleVersion, HoldExpired,
    CannotChange, NotInBooking or TicketNotValid.
    """
    at = timezone.now()

    def seat() -> list[Coupon]:
        with delivering([booking_id], caller=caller, at=at, if_match=if_match) as delivery:
            check_open(delivery)
            party = party_on(delivery, flight_id)
            chosen = {coupon_named(party, ticket_id).pk: number for ticket_id, number in wanted.items()}
            seat_coupons(delivery, party, chosen, assign_rest=assign_rest)
            return party

    return with_overdue_released(seat, at=at)


def swap_seats(flight_id: UUID, ticket_ids: Sequence[UUID], *, caller: Caller) -> list[Coupon]:
    """Let two passengers of a flight, of one booking or two, swap seats; return their coupons in the order given.

    Raises as `choose_seat`, NoSeatYet when one has no seat, and OtherCabin.
    """

    def swap(delivery: Delivery) -> list[Coupon]:
        party = party_on(delivery, flight_id)
        one, other = (coupon_named(party, ticket_id) for ticket_id in ticket_ids)
        check_movable(one)
        check_movable(other)
        if not (one.seat and other.seat):
            raise NoSeatYet
        if one.cabin != other.cabin:
            raise OtherCabin(seat=other.seat, ticket_id=one.ticket_id)
        seat_coupons(delivery, party, {one.pk: other.seat, other.pk: one.seat})
        return [one, other]

    return with_bookings(ticket_ids, swap, caller=caller)


# --- What they share ---


def with_bookings(ticket_ids: Sequence[UUID], operate: Callable[[Delivery], Result], *, caller: Caller) -> Result:
    """Carry out an operation on the locked bookings of tickets. Raises TicketNotFound, HoldExpired or CannotChange."""
    at = timezone.now()
    visible = Ticket.objects.filter(booking__in=Booking.objects.visible_to(caller))
    found = dict(visible.filter(pk__in=ticket_ids).values_list("pk", "booking_id"))
    if len(found) < len(ticket_ids):
        raise TicketNotFound

    def deliver() -> Result:
        with delivering(found.values(), caller=caller, at=at) as delivery:
            check_open(delivery)
            return operate(delivery)

    return with_overdue_released(deliver, at=at)


def check_open(delivery: Delivery) -> None:
    """Refuse bookings whose passengers do not travel. Raises HoldExpired or CannotChange."""
    for booking in delivery.bookings:
        status = status_at(booking, delivery.at)
        if has_run_out(booking, delivery.at):
            raise HoldExpired(booking_status=status)
        if status not in (Booking.Status.PENDING, Booking.Status.CONFIRMED):
            raise CannotChange(f"A booking that is {status} has no seats to choose.", booking_status=status)


def only_flight(ticket_id: UUID) -> UUID:
    """Return the flight of a ticket that has just one. Raises TicketNotValid, FlightNeeded or SeveralFlights."""
    live = list(Coupon.objects.filter(ticket_id=ticket_id, status__in=Coupon.LIVE).values_list("flight_id", flat=True))
    flights = [flight_id for flight_id in live if flight_id]
    if not flights:
        raise FlightNeeded(ticket_id=ticket_id) if live else TicketNotValid(ticket_id=ticket_id)
    if len(flights) > 1:
        raise SeveralFlights(flights=flights)
    return flights[0]


def party_on(delivery: Delivery, flight_id: UUID) -> list[Coupon]:
    """Lock the live coupons of the bookings on a flight; return them in order. Raises NotInBooking."""
    live = Coupon.objects.filter(ticket__booking__in=delivery.bookings, flight_id=flight_id, status__in=Coupon.LIVE)
    coupons = list(live.order_by("pk").select_related("ticket", "flight").select_for_update(of=("self",)))
    if not coupons:
        raise NotInBooking("The booking is not on this flight.", event_id=flight_id)
    return sorted(coupons, key=lambda coupon: (coupon.ticket.booking_id, coupon.ticket.position))


def coupon_named(party: Sequence[Coupon], ticket_id: UUID) -> Coupon:
    """Return a ticket's coupon of those of a party. Raises TicketNotValid or NotInBooking."""
    for coupon in party:
        if coupon.ticket_id == ticket_id:
            return coupon
    bookings = {coupon.ticket.booking_id for coupon in party}
    if Coupon.objects.filter(ticket_id=ticket_id, ticket__booking__in=bookings, flight=party[0].flight_id).exists():
        raise TicketNotValid(ticket_id=ticket_id)
    raise NotInBooking("The booking has no such passenger on this flight.", ticket_id=ticket_id)


def is_new(party: Sequence[Coupon], wanted: Mapping[UUID, str], *, assign_rest: bool) -> bool:
    """Tell whether somebody wants another seat than now, or is to get one."""
    unseated = assign_rest and any(coupon.takes_seat and not coupon.seat for coupon in party)
    return unseated or any(coupon.seat != wanted.get(coupon.pk, coupon.seat) for coupon in party)


def check_in_time(coupon: Coupon, delivery: Delivery) -> None:
    """Refuse another seat on a flight that is still there once its check-in has closed. Raises CheckInClosed."""
    flight = coupon.flight
    if flight and flight.status != Flight.Status.CANCELLED and not has_left(flight, delivery.at):
        check_not_closed(coupon, delivery.caller, delivery.at)


def seat_coupons(
    delivery: Delivery, party: Sequence[Coupon], wanted: Mapping[UUID, str], *, assign_rest: bool = False
) -> None:
    """Seat a locked party; who is checked in already gets a new boarding pass. Raises CheckInClosed for latecomers."""
    before = {coupon.pk: coupon.seat for coupon in party}
    one = next((coupon for coupon in party if coupon.pk in wanted), party[0])
    if is_new(party, wanted, assign_rest=assign_rest):
        check_in_time(one, delivery)
    flight_id: UUID = one.flight_id  # type: ignore[assignment]
    seat_party(
        flight_id, one.cabin, party, wanted, prices=seat_prices(delivery.caller) if wanted else {},
        assign_rest=assign_rest, actor=delivery.caller, at=delivery.at,
    )  # fmt: skip
    moved = [coupon for coupon in party if coupon.seat != before[coupon.pk]]
    delivery.is_changed = bool(moved)
    reissue_passes([coupon for coupon in moved if coupon.status == Coupon.Status.CHECKED_IN], at=delivery.at)
