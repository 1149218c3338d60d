"""Choosing seats on a flight, as people do: what there is, what it costs, seats that are wanted but not paid yet.

A seat that costs is a wish until the EMD of its product is issued: `ticket.flight.seat` in an address, nothing in the
database. A pending booking pays for it together with its fare, a confirmed one by an order of its own.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple
from uuid import UUID

from django.db import transaction

from bookings.documents import BookingView
from bookings.models import Booking, has_run_out, status_at
from bookings.services import read_booking
from flights.models import Flight
from flights.offers import FlightFacts
from orders.emds import Tied
from orders.models import Order
from orders.sales import NewOrder, place_order
from orders.seats import PRODUCT_IDS, seat_booking, seat_prices
from partners import buckets
from partners.callers import Caller
from skybridge.exceptions import Forbidden, NotFound
from skybridge.sending import wait_for
from ticketing.documents import CouponFacts, TicketFacts
from ticketing.models import Coupon, Emd, takes_seat
from ticketing.seats import FlightSeats, SeatingPlan, SeatPrice, product_of, read_empty_seats, read_seats

PAID, ORDERED, FAILED, UNPAID = "paid", "ordered", "failed", "unpaid"
# Who has only shown a booking tries cards five times an hour: neither cards are tried out here nor orders piled up.
GUEST_PLAN: buckets.Plan = ("payments by guests", 5 / 3600, 5, None, "day")
MOVABLE = (Coupon.Status.OPEN, Coupon.Status.CHECKED_IN)


class Wish(NamedTuple):
    """A seat that costs and that a passenger is to have."""

    ticket_id: UUID
    flight_id: UUID
    seat: str

    @classmethod
    def of(cls, text: str) -> "Wish | None":
        """Read `ticket.flight.seat`; None for anything else."""
        ticket, _, rest = text.partition(".")
        flight, _, seat = rest.partition(".")
        try:
            return cls(UUID(ticket), UUID(flight), seat) if seat.isalnum() and len(seat) <= 4 else None
        except ValueError:
            return None

    def __str__(self) -> str:
        return f"{self.ticket_id}.{self.flight_id}.{self.seat}"


class Member(NamedTuple):
    """One of a party on a flight; an infant on a lap has no seat."""

    ticket: TicketFacts
    coupon: CouponFacts

    @property
    def needs_seat(self) -> bool:
        return takes_seat(self.ticket.passenger_type)

    @property
    def is_movable(self) -> bool:
        return self.needs_seat and self.coupon.status in MOVABLE


class Seating(NamedTuple):
    """What a booking's party sees of one of its flights. `documents` says what has become of seats that cost."""

    view: BookingView
    flight: FlightFacts
    party: Sequence[Member]
    seats: FlightSeats
    prices: Mapping[str, SeatPrice]
    documents: Mapping[tuple[UUID, str], str]

    @property
    def cabin(self) -> str:
        return self.party[0].coupon.cabin

    def is_open(self, at: datetime) -> bool:
        """Tell whether seats can still be chosen by who travels."""
        status = status_at(self.view.booking, at)
        is_live = status in (Booking.Status.PENDING, Booking.Status.CONFIRMED)
        is_there = self.flight.status in (Flight.Status.SCHEDULED, Flight.Status.DELAYED)
        return is_live and is_there and self.flight.departs_at > at and not has_run_out(self.view.booking, at)

    @property
    def is_held(self) -> bool:
        """Tell whether the booking itself has not been ordered yet."""
        return self.view.booking.status == Booking.Status.PENDING and self.view.booking.order_id is None

    def member(self, ticket_id: UUID) -> Member:
        found = next((member for member in self.party if member.ticket.id == ticket_id), None)
        if found is None:
            raise NotFound
        return found

    def price_of(self, member: Member, number: str) -> SeatPrice | None:
        """Return what a seat would cost a passenger beside what is paid already; None where nothing."""
        product_id = product_of(self.seats.seat_map, number)
        price = self.prices.get(product_id) if product_id and number != member.coupon.seat else None
        return price if price and self.state_of(member, number) != PAID else None

    def state_of(self, member: Member, number: str) -> str:
        """Return what has become of the product of a seat for a passenger."""
        product_id = product_of(self.seats.seat_map, number) or ""
        return self.documents.get((member.coupon.id, product_id), UNPAID)

    def has_paid(self, member: Member, product_id: str) -> bool:
        return self.documents.get((member.coupon.id, product_id)) == PAID

    def unused(self, member: Member) -> str:
        """Return the product of a seat that a passenger has paid for and does not sit on; "" for none."""
        used = product_of(self.seats.seat_map, member.coupon.seat) if member.coupon.seat else None
        paid = (
            product
            for (coupon, product), state in self.documents.items()
            if (coupon, state) == (member.coupon.id, PAID)
        )
        return next((product for product in paid if product != used), "")


def read_seating(booking_id: UUID, flight_id: UUID | None, *, caller: Caller, at: datetime) -> Seating:
    """Return a booking's party on one of its flights (the next one if none is named), and the seats there.

    Five statements. Raises BookingNotFound, or NotFound for a flight that is not the booking's.
    """
    view = read_booking(booking_id, caller=caller)
    flight = flight_of(view, flight_id, at)
    party = party_on(view, flight.id)
    if not party:
        raise NotFound
    return Seating(view, flight, party, read_seats(flight.id, at=at), seat_prices(caller), documents_of(view))


def seatings_of(seating: Seating, wishes: Iterable[Wish]) -> list[Seating]:
    """Return the flight at hand and the booking's others on which seats are wanted, in order of travel.

    Of the others it is not known who sits there. One statement if there are any.
    """
    wanted = {wish.flight_id for wish in wishes if seating.prices} - {seating.flight.id}
    others = [flight for flight in flights_of(seating.view) if flight.id in wanted]
    seats = read_empty_seats([flight.id for flight in others]) if others else {}
    found = [
        seating._replace(flight=flight, party=party_on(seating.view, flight.id), seats=seats[flight.id])
        for flight in others
    ]
    return sorted([seating, *found], key=lambda one: one.flight.departs_at)


def party_on(view: BookingView, flight_id: UUID) -> list[Member]:
    return [
        Member(ticket, coupon)
        for ticket, coupons in view.tickets
        for coupon in coupons
        if coupon.flight_id == flight_id and coupon.status in Coupon.LIVE
    ]


def flights_of(view: BookingView) -> list[FlightFacts]:
    """Return the flights on which somebody of a booking travels, in order."""
    live = {coupon.flight_id for _, coupons in view.tickets for coupon in coupons if coupon.status in Coupon.LIVE}
    return sorted((f for f in view.flights.values() if f.id in live), key=lambda flight: flight.departs_at)


def flight_of(view: BookingView, flight_id: UUID | None, at: datetime) -> FlightFacts:
    flights = flights_of(view)
    ahead = [flight for flight in flights if flight.departs_at > at] or flights[-1:]
    wanted = [flight for flight in flights if flight.id == flight_id] if flight_id else ahead
    if not wanted:
        raise NotFound
    return wanted[0]


def documents_of(view: BookingView) -> dict[tuple[UUID, str], str]:
    """Return what has become of the seats that were ordered for a booking, by coupon and product. One statement."""
    coupon_ids = [coupon.id for _, coupons in view.tickets for coupon in coupons if coupon.status in Coupon.LIVE]
    found = Emd.objects.filter(coupon__in=coupon_ids, product_id__in=PRODUCT_IDS, status__in=Emd.LIVE)
    columns = ("coupon_id", "product_id", "number", "order_item__order__status")
    states: dict[tuple[UUID, str], str] = {}
    for coupon_id, product_id, number, order_status in found.values_list(*columns).order_by("pk"):
        state = PAID if number else FAILED if order_status == Order.Status.FAILED else ORDERED
        if states.get((coupon_id, product_id)) != PAID:
            states[coupon_id, product_id] = state
    return states


# --- Choosing ---


def choose(seating: Seating, ticket_id: UUID, number: str, *, caller: Caller, at: datetime) -> bool:
    """Give a passenger a seat, or tell that it must be paid first. Raises NotFound, or as `seat_booking`."""
    member = seating.member(ticket_id)
    if seating.price_of(member, number):
        check(seating, {ticket_id: number}, at)
        return False
    take(seating, [Wish(ticket_id, seating.flight.id, number)], caller=caller)
    return True


def take(seating: Seating, wishes: Iterable[Wish], *, caller: Caller) -> None:
    """Give passengers seats, flight by flight. Raises as `orders.seats.seat_booking`."""
    by_flight: dict[UUID, dict[UUID, str]] = {}
    for wish in wishes:
        by_flight.setdefault(wish.flight_id, {})[wish.ticket_id] = wish.seat
    for flight_id, wanted in by_flight.items():
        seat_booking(seating.view.booking.id, flight_id, wanted, assign_rest=False, caller=caller)


def check(seating: Seating, wanted: Mapping[UUID, str], at: datetime) -> None:
    """Refuse seats that passengers could not have if they paid for them. One statement. Raises a SeatRefused."""
    coupons = list(Coupon.objects.filter(pk__in=[m.coupon.id for m in seating.party]).select_related("ticket"))
    chosen = {coupon.pk: wanted[coupon.ticket_id] for coupon in coupons if coupon.ticket_id in wanted}
    occupants = [one for one in seating.seats.occupants if not one.has_run_out]
    plan = SeatingPlan(seating.seats._replace(occupants=occupants), seating.cabin, coupons)
    plan.keep(chosen, checked=False)
    plan.choose(chosen, {})


# --- Paying ---


class Due(NamedTuple):
    """A seat that is wanted, with what it costs and what has become of it; no price where nothing is left to pay."""

    wish: Wish
    flight: FlightFacts
    member: Member
    product_id: str
    price: SeatPrice | None
    state: str


def dues(seatings: Iterable[Seating], wishes: Iterable[Wish]) -> list[Due]:
    """Return the seats that are wanted on flights, one for each passenger there, and that exist and cost."""
    wanted = {(wish.flight_id, wish.ticket_id): wish for wish in wishes}
    return [due for seating in seatings for due in dues_on(seating, wanted)]


def dues_on(seating: Seating, wanted: Mapping[tuple[UUID, UUID], Wish]) -> list[Due]:
    def due(member: Member, wish: Wish, product_id: str) -> Due:
        price, state = seating.price_of(member, wish.seat), seating.state_of(member, wish.seat)
        return Due(wish, seating.flight, member, product_id, price, state)

    return [
        due(member, wish, product_id)
        for member in seating.party
        if (wish := wanted.get((seating.flight.id, member.ticket.id))) and wish.seat != member.coupon.seat
        if (product_id := product_of(seating.seats.seat_map, wish.seat)) in seating.prices and product_id
    ]


def total_of(found: Iterable[Due]) -> SeatPrice | None:
    """Return what is left to pay, None for nothing."""
    prices = [due.price for due in found if due.price and due.state != ORDERED]
    return SeatPrice(sum((price.amount for price in prices), Decimal(0)), prices[0].currency) if prices else None


def tied_of(found: Iterable[Due]) -> list[Tied]:
    """Return the products that are to be ordered."""
    return [
        Tied(due.product_id, 1, due.wish.ticket_id, due.wish.flight_id)
        for due in found
        if due.price and due.state != ORDERED
    ]


def check_dues(seating: Seating, found: Iterable[Due], at: datetime) -> None:
    """Refuse what is wanted on one flight and cannot be had. One statement at most. Raises a SeatRefused."""
    if wanted := {due.wish.ticket_id: due.wish.seat for due in found if due.wish.flight_id == seating.flight.id}:
        check(seating, wanted, at)


def order_seats(
    seating: Seating, wishes: Iterable[Wish], *, method: str, token: str, caller: Caller, at: datetime
) -> Order:
    """Order the seats that a confirmed booking's passengers want on its flights.

    Who has only shown a locator pays by card: the account is the agency's. Raises Forbidden, a SeatRefused for a seat
    that cannot be had, RateExceeded, or as `place_order`.
    """
    booking = seating.view.booking
    with transaction.atomic():
        wait_for(int.from_bytes(booking.id.bytes[-8:], signed=True))  # two windows would both find a seat unpaid
        seating = seating._replace(documents=documents_of(seating.view))
        seatings = seatings_of(seating, wishes)
        found = dues(seatings, wishes)
        tied = tied_of(found)
        if not tied or (caller.booking_id and method != Order.PaymentMethod.CARD):
            raise Forbidden
        for one in seatings:
            check_dues(one if one is seating else one._replace(seats=read_seats(one.flight.id, at=at)), found, at)
        if caller.booking_id:
            buckets.require(f"payments:booking:{caller.booking_id}", GUEST_PLAN)
        wanted = NewOrder(booking.agency_id, booking.user_id, {}, (), method, token, tied=tied)
        return place_order(wanted, caller=caller)
