"""Holds that have run out: their seats count as free at the deadline, and a sweep cancels the bookings later."""

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import TypeVar
from uuid import UUID

from django.db import connection, transaction

from bookings.models import Booking
from flights.exceptions import SoldOut
from flights.inventory import overdue_bookings, release_held_seats
from skybridge.events import Actor, system
from ticketing.exceptions import SeatRefused
from ticketing.models import Coupon
from ticketing.services import close_tickets

SWEEPER = system("expire_holds")
BATCH = 500
ATTEMPTS = 5  # one for each of a booking's flights, and one more
Result = TypeVar("Result")


def expire_bookings(ids: Iterable[UUID], *, at: datetime, actor: Actor = SWEEPER, wait: bool = False) -> int:
    """Cancel the bookings whose deadline has passed and release their seats; return how many.

    One transaction each, in primary key order. A booking that somebody is working on is left to them, or waited for.
    """
    return sum(expire_booking(booking_id, at=at, actor=actor, wait=wait) for booking_id in sorted(ids))


def expire_booking(booking_id: UUID, *, at: datetime, actor: Actor, wait: bool) -> bool:
    with transaction.atomic():
        overdue = Booking.objects.overdue(at).select_for_update(skip_locked=not wait)
        booking = overdue.filter(pk=booking_id).first()
        if booking is None:
            return False
        cancel_hold(booking, actor=actor, at=at, reason="hold expired")
        return True


def with_overdue_released(operate: Callable[[], Result], *, at: datetime) -> Result:
    """Carry out an operation; while seats are short, or one is taken, release holds that have run out and try again.

    Holds that somebody else is releasing at this moment are waited for, except inside a transaction.
    """
    for _ in range(ATTEMPTS):
        try:
            return operate()
        except SoldOut as refusal:
            if not refusal.cabin_ids:
                raise
            overdue = overdue_bookings(refusal.cabin_ids, at)
        except SeatRefused as refusal:
            overdue = refusal.overdue_bookings
            if not overdue:
                raise
        expire_bookings(overdue, at=at, wait=not connection.in_atomic_block)
    return operate()


def cancel_hold(booking: Booking, *, actor: Actor, at: datetime, reason: str = "") -> None:
    """Release a locked pending booking's seats and void its tickets."""
    close_tickets(booking.pk, Coupon.Status.VOID, actor=actor, reason=reason, at=at)
    release_held_seats(booking.pk)
    booking.move_to(Booking.Status.CANCELED, actor=actor, reason=reason, at=at, **booking.touched(at))


def sweep(*, at: datetime) -> int:
    """Cancel all overdue bookings, a batch of ids at a time; return how many."""
    swept = 0
    while ids := list(Booking.objects.overdue(at).order_by("expires_at").values_list("pk", flat=True)[:BATCH]):
        expired = expire_bookings(ids, at=at)
        swept += expired
        if expired < len(ids):
            break
    return swept
