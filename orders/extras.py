"""Extras after the sale: what a confirmed booking's passengers have on each flight, and one order of what they add."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple
from uuid import UUID

from django.db import transaction

from bookings.documents import BookingView
from bookings.exceptions import CannotChange
from bookings.models import Booking, status_at
from bookings.services import read_booking
from flights.offers import FlightFacts
from orders.checkout import Wanted, place_of, products_wanted
from orders.emds import Tied, takes_extras
from orders.models import Order, Product
from orders.sales import NewOrder, place_order
from orders.seat_choice import FAILED, GUEST_PLAN, ORDERED, PAID, flights_of
from partners import buckets
from partners.callers import Caller
from skybridge.exceptions import Forbidden
from skybridge.sending import wait_for
from skybridge.versions import check_version
from ticketing.documents import CouponFacts, TicketFacts
from ticketing.models import Coupon, Emd


class Extra(NamedTuple):
    """What a passenger has on a flight: it is `paid`, `ordered`, or its payment has `failed`."""

    description: str
    quantity: int
    state: str


class Rider(NamedTuple):
    """A passenger on a flight, with what there is already; `position` and `sequence` name both in an address."""

    position: int
    ticket: TicketFacts
    coupon: CouponFacts
    extras: list[Extra]
    is_open: bool

    @property
    def sequence(self) -> int:
        return self.coupon.sequence


class Addition(NamedTuple):
    """So many of a product for a passenger on a flight."""

    product: Product
    quantity: int
    ticket: TicketFacts
    flight: FlightFacts

    @property
    def amount(self) -> Decimal:
        return self.product.price * self.quantity

    @property
    def tied(self) -> Tied:
        return Tied(self.product.pk, self.quantity, self.ticket.id, self.flight.id)


def riders_of(view: BookingView, at: datetime) -> list[tuple[FlightFacts, list[Rider]]]:
    """Return a booking's flights in order of travel, each with who is on it. One statement."""
    coupons = [coupon for _, coupons in view.tickets for coupon in coupons]
    extras = extras_of([coupon.id for coupon in coupons])
    is_confirmed = status_at(view.booking, at) == Booking.Status.CONFIRMED
    found: dict[UUID, list[Rider]] = defaultdict(list)
    for position, (ticket, coupons) in enumerate(view.tickets, start=1):
        for coupon in coupons:
            if coupon.flight_id and coupon.status in Coupon.LIVE:
                is_open = is_confirmed and takes_extras(coupon, view.flights[coupon.flight_id], at)
                rider = Rider(position, ticket, coupon, extras[coupon.id], is_open)
                found[coupon.flight_id].append(rider)
    return [(flight, found[flight.id]) for flight in flights_of(view)]


def extras_of(coupon_ids: Sequence[UUID]) -> dict[UUID, list[Extra]]:
    """Return what is neither void nor paid back of what was sold for coupons, oldest first. One statement."""
    emds = Emd.objects.filter(coupon__in=coupon_ids, status__in=Emd.LIVE).order_by("pk")
    columns = ("coupon_id", "description", "quantity", "number", "order_item__order__status")
    found: dict[UUID, list[Extra]] = defaultdict(list)
    for coupon_id, description, quantity, number, order_status in emds.values_list(*columns):
        state = PAID if number else FAILED if order_status == Order.Status.FAILED else ORDERED
        found[coupon_id].append(Extra(description, quantity, state))
    return found


def additions(view: BookingView, wanted: Iterable[Wanted]) -> list[Addition]:
    """Return what is wanted at today's prices. One statement.

    Raises InvalidInput for a passenger or flight that the booking does not have, ProductNotFound, OutOfStock or
    CurrencyMismatch.
    """
    wishes = list(wanted)
    products = products_wanted(view, wishes)
    return [Addition(products[wish.product_id], wish.quantity, *place_of(view, wish)) for wish in wishes]


def order_extras(
    booking_id: UUID, wanted: Sequence[Wanted], *, method: str, token: str, if_match: str, caller: Caller, at: datetime
) -> Order:
    """Order extras for passengers of a confirmed booking, on one order of its owner.

    Who has only shown a locator pays by card: the account is the agency's. Raises BookingNotFound, StaleVersion,
    CannotChange, Forbidden, RateExceeded, or as `additions` and `place_order`.
    """
    with transaction.atomic():
        wait_for(int.from_bytes(booking_id.bytes[-8:], signed=True))
        view = read_booking(booking_id, caller=caller)
        booking, status = view.booking, status_at(view.booking, at)
        if status != Booking.Status.CONFIRMED:
            raise CannotChange(f"Nothing can be added to a booking that is {status}.", booking_status=status)
        check_version(if_match, booking.version)
        found = additions(view, wanted)
        if not found or (caller.booking_id and method != Order.PaymentMethod.CARD):
            raise Forbidden
        if caller.booking_id:
            buckets.require(f"payments:booking:{caller.booking_id}", GUEST_PLAN)
        order = NewOrder(
            booking.agency_id, booking.user_id, {}, (), method, token, booking.contact_email,
            tied=[addition.tied for addition in found],
        )  # fmt: skip
        return place_order(order, caller=caller)
