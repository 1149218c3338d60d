"""Delivering what was sold: seats, check-in, boarding, of bookings together with the orders that sell them.

Whatever is delivered becomes the next version of the booking and of its order, in the backup too.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection, transaction

from bookings.exceptions import BookingNotFound
from bookings.models import Booking
from orders.backups import kept
from orders.emds import lock_orders_of
from orders.models import Order
from orders.snapshots import order_document
from partners.callers import Caller
from skybridge.exceptions import ConcurrentChange
from skybridge.versions import check_version
from ticketing.emds import OPEN

# What the ids are is hidden from the planner, as in `backups.keep_orders_sql`.
NEXT = f"""
WITH given AS MATERIALIZED (
    SELECT %(booking_ids)s::uuid[] AS booking_ids, %(order_ids)s::uuid[] AS order_ids, %(at)s::timestamptz AS at
), counted AS (
    UPDATE bookings_booking b SET version = b.version + 1, updated_at = given.at
    FROM given WHERE b.id = ANY (given.booking_ids) RETURNING b.*
), its_version AS (
    UPDATE orders_order o SET version = o.version + 1, updated_at = given.at
    FROM given WHERE o.id = ANY (given.order_ids) RETURNING o.*
), kept AS (
    {kept("its_version", order_document("o.id", changed={"orders": "its_version", "bookings": "counted"}))}
)
SELECT EXISTS (
    SELECT FROM given JOIN ticketing_ticket t ON t.booking_id = ANY (given.booking_ids)
    JOIN ticketing_emd e ON e.ticket_id = t.id AND e.status IN ({", ".join(f"'{status}'" for status in OPEN)})
    JOIN orders_orderitem i ON i.id = e.order_item_id AND i.order_id <> ALL (given.order_ids)
)
"""


@dataclass
class Delivery:
    """Locked bookings in primary key order, and their locked orders; whoever changes one of them says so."""

    bookings: Sequence[Booking]
    orders: Mapping[UUID, Order]
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
        delivery = Delivery(bookings, orders, caller, at)
        yield delivery
        if delivery.is_changed and not count_up(bookings, orders.values(), at):
            raise ConcurrentChange


def count_up(bookings: Iterable[Booking], orders: Iterable[Order], at: datetime) -> bool:
    """Make the next version of locked bookings and of their orders, as `make_versions` does."""
    return make_versions([booking.pk for booking in bookings], [order.pk for order in orders], at)


def make_versions(booking_ids: Iterable[UUID], order_ids: Iterable[UUID], at: datetime) -> bool:
    """Make the next version of locked bookings and orders, and keep the orders' backups. One statement.

    Tell whether the orders are all that have sold EMDs to the bookings' passengers.
    """
    given: dict[str, Any] = {"booking_ids": list(booking_ids), "order_ids": list(order_ids), "at": at}
    with connection.cursor() as cursor:
        cursor.execute(NEXT, given)
        [is_missing_one] = cursor.fetchone()
    return not is_missing_one
