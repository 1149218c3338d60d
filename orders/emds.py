"""Products for passengers: whom an order's product is for, and which orders have sold some to a booking's passengers.

An EMD is part of the order that sold it. It follows a coupon of a booking, which another order may have sold: whoever
moves coupons locks all of these orders.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from django.db.models import QuerySet

from bookings.models import Booking
from bookings.services import is_seen
from flights.models import Flight
from flights.offers import FlightFacts
from orders.exceptions import EventNeeded, OrderActionNotAllowed, TicketNotForOrder
from orders.models import Order, OrderItem
from partners.callers import Caller
from skybridge.identifiers import uuid7
from ticketing.documents import CouponFacts
from ticketing.emds import CLOSED, OPEN
from ticketing.exceptions import (
    CouponUsed,
    FlightCancelled,
    FlightDeparted,
    NotOnFlight,
    TicketNotFound,
    TicketNotValid,
)
from ticketing.models import Coupon, Emd

SELLABLE = (Coupon.Status.OPEN, Coupon.Status.CHECKED_IN)  # who is on board gets nothing more


@dataclass(frozen=True)
class Tied:
    """A product that is to be for one passenger on one flight; the flight may be left out where there is one."""

    product_id: str
    quantity: int
    ticket_id: UUID
    flight_id: UUID | None = None


class Owner(NamedTuple):
    """Whose an order will be, and the bookings that it sells itself."""

    agency_id: UUID | None
    customer_id: str
    booking_ids: Sequence[UUID]


class EmdDraft(NamedTuple):
    """An EMD to be: it starts with its coupon's status."""

    id: UUID
    ticket_id: UUID
    coupon_id: UUID
    status: str
    rfic: str
    rfisc: str

    @classmethod
    def of(cls, coupon: Coupon, rfic: str, rfisc: str) -> "EmdDraft":
        return cls(uuid7(), coupon.ticket_id, coupon.pk, coupon.status, rfic, rfisc)


# --- Selling ---


def coupons_for(tied: Sequence[Tied], owner: Owner, *, caller: Caller, at: datetime) -> list[Coupon]:
    """Return the coupon that each product is for, with its ticket and booking. One statement.

    Raises TicketNotFound, TicketNotForOrder, EventNeeded, NotOnFlight, TicketNotValid, CouponUsed, FlightCancelled or
    FlightDeparted.
    """
    found = Coupon.objects.filter(ticket__in={wish.ticket_id for wish in tied}, is_superseded=False)
    by_ticket: dict[UUID, list[Coupon]] = {}
    for coupon in found.select_related("ticket__booking", "flight").order_by("ticket", "sequence"):
        by_ticket.setdefault(coupon.ticket_id, []).append(coupon)
    return [coupon_for(wish, by_ticket.get(wish.ticket_id, []), owner, caller, at) for wish in tied]


def coupon_for(wish: Tied, coupons: Sequence[Coupon], owner: Owner, caller: Caller, at: datetime) -> Coupon:
    if not coupons or not is_seen(coupons[0].ticket.booking, caller):
        raise TicketNotFound(ticket_id=wish.ticket_id)
    check_ticket(coupons[0], owner)
    coupon = on_flight(wish, coupons)
    check_coupon(coupon, at)
    return coupon


def check_ticket(coupon: Coupon, owner: Owner) -> None:
    ticket, booking = coupon.ticket, coupon.ticket.booking
    if ticket.is_superseded:
        raise TicketNotValid(ticket_id=ticket.pk)
    whose = (booking.agency_id, booking.agency_id is None and booking.user_id)
    if whose != (owner.agency_id, owner.agency_id is None and owner.customer_id):
        raise TicketNotForOrder(f"Ticket {ticket.pk} belongs to somebody else than the order.", ticket_id=ticket.pk)
    if booking.pk not in owner.booking_ids and booking.status in (Booking.Status.CREATED, Booking.Status.PENDING):
        raise TicketNotForOrder(ticket_id=ticket.pk, booking_id=booking.pk)


def on_flight(wish: Tied, coupons: Sequence[Coupon]) -> Coupon:
    """Return the coupon of a ticket that is meant. Raises EventNeeded or NotOnFlight."""
    if wish.flight_id is None and len(coupons) > 1:
        raise EventNeeded(ticket_id=wish.ticket_id)
    for coupon in coupons:
        if coupon.flight_id and wish.flight_id in (None, coupon.flight_id):
            return coupon
    raise NotOnFlight(ticket_id=wish.ticket_id)


def takes_extras(coupon: CouponFacts, flight: FlightFacts, at: datetime) -> bool:
    """Tell whether a live coupon on this flight can have more, as `check_coupon` says."""
    return coupon.status in SELLABLE and flight.status != Flight.Status.CANCELLED and flight.departs_at > at


def check_coupon(coupon: Coupon, at: datetime) -> None:
    flight = coupon.flight
    names: dict[str, Any] = {"ticket_id": coupon.ticket_id, "event_id": coupon.flight_id}
    if coupon.status not in Coupon.LIVE:
        raise TicketNotValid(**names)
    if coupon.status not in SELLABLE:
        raise CouponUsed(**names)
    if flight and flight.status == Flight.Status.CANCELLED:
        raise FlightCancelled(**names)
    if flight and flight.departs_at <= at:
        raise FlightDeparted(**names)


# --- The orders that a booking's coupons concern ---


def sold_to(booking_ids: Iterable[UUID]) -> QuerySet[Emd]:
    """Return the EMDs of bookings' passengers that can still move."""
    return Emd.objects.filter(ticket__booking_id__in=booking_ids, status__in=OPEN)


def lock_orders_of(booking_ids: Collection[UUID]) -> dict[UUID, Order]:
    """Lock the orders that sell bookings, and those that sold EMDs to their passengers; by id. One statement."""
    selling = Booking.objects.filter(pk__in=booking_ids).exclude(order=None).values_list("order_id")
    concerned = selling.union(sold_to(booking_ids).values_list("order_item__order_id"))
    return {order.pk: order for order in Order.objects.locked().filter(pk__in=concerned)}


def concerned_orders(order_id: UUID) -> list[UUID]:
    """Return an order, those that sold EMDs to its bookings' passengers, and those that sell the bookings of its EMDs.

    One statement.
    """
    beside = Emd.objects.filter(ticket__booking__order_id=order_id, status__in=OPEN)
    below = Emd.objects.filter(order_item__order_id=order_id, status__in=OPEN, ticket__booking__order__isnull=False)
    concerned = beside.values_list("order_item__order_id").union(below.values_list("ticket__booking__order_id"))
    return [order_id, *(found for (found,) in concerned)]


# --- What has become of an order's products ---


def unissued_emds(order_ids: Iterable[UUID]) -> QuerySet[Emd]:
    """Return the EMDs of orders that want a number."""
    return Emd.objects.filter(order_item__order__in=order_ids, number=None, status__in=Emd.LIVE)


def items_left(order: Order) -> list[OrderItem]:
    """Return the products of an order that have not been paid back yet, by product. One statement."""
    products = OrderItem.objects.filter(order=order, product__isnull=False).exclude(emd__status__in=CLOSED)
    return list(products.order_by("product_id"))


def refuse_used(order: Order, at: datetime) -> None:
    """Refuse to cancel an order of which a product has been used. Raises OrderActionNotAllowed. One statement."""
    if used := Emd.objects.filter(order_item__order=order).used(at).first():
        raise OrderActionNotAllowed(
            f"{used.description} of this order is in use, or its flight has left; it cannot be cancelled any more.",
            emd_id=used.pk, emd_status=used.status, available_actions=[],
        )  # fmt: skip
