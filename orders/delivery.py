"""Delivering what was sold: seats, check-in, boarding, of bookings together with the orders that sell them.

Whatever is delivered becomes the next version of the booking and of its order, in the backup too.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import transaction

from bookings.exceptions import BookingNotFound
from bookings.models import Booking
from orders import backups
from orders.emds import lock_orders_of, require_locked
from orders.models import Order
from partners.callers import Caller
from skybridge.exceptions import ConcurrentChange
from skybridge.versions import check_version


@dataclass
class Delivery:
    """Locked bookings in primary key order; whoever changes one of them says so."""

    bookings: Sequence[Booking]
    caller: Caller
    at: datetime
    is_changed: bool = False

    @property
    def booking(self) -> Booking:
        [booking] = self.bookings
        return booking


@contextmanager
def delivering(
    booking_ids: Iterable[UUID], *, caller: Caller, at: datetime, if_match: str | None = None
) -> Iterator[Delivery]:
    """Lock the orders of bookings that the caller may see, then the bookings, for a change of what is delivered.

    The orders are those that sell the bookings, and those that sold EMDs to their passengers.

    If it changed something, each gets its next version, and the orders' backups are kept. `if_match` is for one
    booking. Raises BookingNotFound, StaleVersion, or ConcurrentChange when a booking was sold between reading and
    locking it.
    """
    wanted = sorted(set(booking_ids))
    with transaction.atomic():
        orders = lock_orders_of(wanted)
        bookings = list(Booking.objects.visible_to(caller).locked().filter(pk__in=wanted))
        if len(bookings) < len(wanted):
            raise BookingNotFound
        if not {booking.order_id for booking in bookings if booking.order_id} <= set(orders):
            raise ConcurrentChange
        for booking in bookings:
            check_version(if_match, booking.version)
        delivery = Delivery(bookings, caller, at)
        yield delivery
        if delivery.is_changed:
            require_locked(wanted, orders)
            count_up(bookings, orders.values(), at)


def count_up(bookings: Iterable[Booking], orders: Iterable[Order], at: datetime) -> None:
    """Make the next version of locked bookings and of their orders."""
    for booking in bookings:
        Booking.objects.filter(pk=booking.pk).update(**booking.touched(at))
    for order in orders:
        Order.objects.filter(pk=order.pk).update(**order.touched(at))
        backups.keep(order.pk, at=at)
