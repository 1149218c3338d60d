"""The bookings that a disruption concerns now: those that wait for a choice, and those lately given other flights."""

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import BooleanField, Count, F, Func, Min, QuerySet

from bookings.models import Booking, BookingQuerySet
from orders.models import DisruptedBooking
from partners.callers import Caller
from skybridge.identifiers import first_id

Status = DisruptedBooking.Status
LATELY = timedelta(days=7)
WAITING, REBOOKED = Status.WAITING.value, Status.REBOOKED.value
CONCERNS = (WAITING, REBOOKED)


class AnyOf(Func):
    """`key = ANY(ARRAY(...))`: the ids are read first, by their own index, and then looked up within an agency's.

    With IN, PostgreSQL may walk all bookings of an agency instead until it has met enough that are among the ids.
    """

    template, arg_joiner = "(%(expressions)s))", " = ANY("
    output_field = BooleanField()


class Concerned(NamedTuple):
    """How many bookings wait for a choice, until when the first of them can choose, and how many were rebooked."""

    waiting: int
    decide_by: datetime | None
    rebooked: int


def concerning(concern: str, at: datetime) -> QuerySet[DisruptedBooking]:
    """Keep what waits for a choice that there still is, or what was rebooked lately and nobody has decided on."""
    rows = DisruptedBooking.objects.filter(status=concern)
    if concern == WAITING:
        return rows.filter(decide_by__gt=at)
    return rows.filter(pk__gte=first_id(at - LATELY), decided_at=None)


def disrupted(bookings: BookingQuerySet, concern: str, at: datetime) -> BookingQuerySet:
    """Keep the confirmed bookings that a disruption concerns so."""
    ids = ArraySubquery(concerning(concern, at).values("booking_id"))
    return bookings.with_status(Booking.Status.CONFIRMED, at).filter(AnyOf(F("pk"), ids))


def count_concerned(*, caller: Caller, at: datetime) -> Concerned:
    """Return how many of the caller's bookings are concerned. Two statements; they cost with what is disrupted now."""
    bookings = Booking.objects.visible_to(caller)
    waiting = disrupted(bookings, WAITING, at).filter(disruptions__in=concerning(WAITING, at))
    found = waiting.aggregate(bookings=Count("pk", distinct=True), first=Min("disruptions__decide_by"))
    return Concerned(found["bookings"], found["first"], disrupted(bookings, REBOOKED, at).count())


def concerns_of(booking_ids: Collection[UUID], at: datetime) -> dict[UUID, str]:
    """Return what concerns some bookings; waiting goes before rebooked. One statement, none for no bookings."""
    if not booking_ids:
        return {}
    found: dict[UUID, str] = {}
    of_these = {"booking__in": booking_ids, "booking__status": Booking.Status.CONFIRMED}
    waiting, rebooked = (
        concerning(concern, at).filter(**of_these).values_list("booking_id", "status") for concern in CONCERNS
    )
    for booking_id, status in waiting.union(rebooked):
        if found.get(booking_id) != WAITING:
            found[booking_id] = status
    return found
