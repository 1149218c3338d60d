"""A flight leaves: its gate, its close-out and reopening, and its departure.

Passengers are dealt with one booking after the other, each in a transaction of its own with its order: whoever starts
again goes on where it ended, and changes nothing that is done.
"""

import logging
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Q

from bookings.models import Booking
from flights.exceptions import FlightNotFound
from flights.models import Flight
from orders.delivery import Delivery, delivering
from partners.callers import Caller
from skybridge import context
from skybridge.events import Actor, Happening, record
from skybridge.times import utc_text
from ticketing import bags
from ticketing.exceptions import BoardingNotOpen, FlightCancelled, FlightDeparted
from ticketing.models import Bag, BoardingPass, Coupon, Departure
from ticketing.passes import end_passes
from ticketing.services import move_coupons

logger = logging.getLogger(__name__)
DEPARTURES = Caller(kind="system", id="depart_flights", door="task", is_staff=True)
NO_SHOW = bags.NO_SHOW
BOOKINGS = 500  # of one run
FLIGHTS = 10_000  # of one statement
LIMIT = 20_000  # of one run
LOOK_BACK = timedelta(minutes=10)  # a late scan may have boarded somebody at the moment of the departure
NOT_DONE = Q(status__in=(Coupon.Status.CHECKED_IN, Coupon.Status.LIFTED)) | Q(
    status=Coupon.Status.OPEN, is_no_show=False
)
WAITING_SQL = "(k.status IN ('C', 'L') OR (k.status = 'O' AND NOT k.is_no_show))"
TO_DEPART = "f.status IN ('scheduled', 'delayed') AND f.departs_at <= %(at)s::timestamptz"
ON_BOOKINGS = """
    ticketing_coupon k
    JOIN ticketing_ticket t ON t.id = k.ticket_id
    JOIN bookings_booking b ON b.id = t.booking_id AND b.status = 'confirmed'"""
TO_SETTLE = f"""
WITH due AS MATERIALIZED (
    (SELECT f.id FROM flights_flight f WHERE {TO_DEPART} ORDER BY f.departs_at LIMIT {FLIGHTS})
    UNION ALL
    SELECT f.id FROM flights_flight f
    WHERE f.status = 'departed' AND f.departs_at <= %(at)s::timestamptz AND f.departs_at > %(since)s::timestamptz
)
SELECT t.booking_id, array_agg(DISTINCT k.flight_id)
FROM due JOIN {ON_BOOKINGS} ON k.flight_id = due.id AND {WAITING_SQL}
GROUP BY t.booking_id ORDER BY t.booking_id LIMIT {BOOKINGS}
"""
DEPART = f"""
WITH due AS (
    SELECT f.id, f.status FROM flights_flight f
    WHERE {TO_DEPART} AND NOT EXISTS (SELECT FROM {ON_BOOKINGS} WHERE k.flight_id = f.id AND {WAITING_SQL})
    ORDER BY f.departs_at LIMIT {FLIGHTS} FOR NO KEY UPDATE OF f SKIP LOCKED
), moved AS (
    UPDATE flights_flight f SET status = 'departed', updated_at = %(at)s::timestamptz
    FROM due WHERE f.id = due.id RETURNING f.id, due.status
), event AS (
    INSERT INTO skybridge_event (at, actor_kind, actor_id, door, action, subject_id, before, after, reason, request_id)
    SELECT %(at)s::timestamptz, %(actor_kind)s, %(actor_id)s, %(door)s, 'flight.departed', id,
        jsonb_build_object('status', status), '{{"status": "departed"}}', '', %(request_id)s
    FROM moved
)
SELECT count(*) FROM moved
"""


# --- The flight at its airport ---


def set_gate(flight_id: UUID, gate: str, *, caller: Caller, at: datetime) -> Departure:
    """Say where a flight boards, "" for nowhere yet. Raises FlightNotFound."""
    with transaction.atomic():
        departure = lock_departure(flight_id)
        if departure.gate != gate:
            change_departure(departure, "flight.gate_changed", {"gate": gate}, actor=caller, at=at)
    return departure


def lock_departure(flight_id: UUID) -> Departure:
    """Lock what is kept of a flight's departure, made where it is not there yet. Raises FlightNotFound."""
    if not Flight.objects.filter(pk=flight_id).exists():
        raise FlightNotFound
    Departure.objects.bulk_create([Departure(flight_id=flight_id)], ignore_conflicts=True)
    departures = Departure.objects.select_related("flight").select_for_update(of=("self",))
    return departures.get(pk=flight_id)


def change_departure(
    departure: Departure, action: str, changes: dict, *, actor: Actor, reason: str = "", at: datetime
) -> None:
    before = {name: as_text(getattr(departure, name)) for name in changes}
    after = {name: as_text(value) for name, value in changes.items()}
    Departure.objects.filter(pk=departure.pk).update(**changes)
    record([Happening(action, departure.pk, before, after, reason)], actor=actor, at=at)
    for name, value in changes.items():
        setattr(departure, name, value)


def as_text(value: str | datetime | None) -> str | None:
    return utc_text(value) if isinstance(value, datetime) else value


# --- Close-out ---


def close_flight(flight_id: UUID, *, caller: Caller, at: datetime) -> Departure:
    """Close a flight out: nobody checks in or boards any more, and who is not aboard is a no-show.

    No-shows are off the flight (checked in becomes open again), their passes end, their bags are to be removed. Again:
    what was not done yet is done. Raises FlightNotFound, FlightCancelled, FlightDeparted or BoardingNotOpen.
    """
    with transaction.atomic():
        departure = lock_departure(flight_id)
        check_not_left(departure.flight)
        if departure.closed_at is None:
            opens_at = departure.flight.departs_at - settings.BOARDING_OPENS
            if at < opens_at:
                raise BoardingNotOpen(opens_at=utc_text(opens_at))
            change_departure(departure, "flight.closed_out", {"closed_at": at}, actor=caller, at=at)
    waiting = Q(status=Coupon.Status.CHECKED_IN) | Q(status=Coupon.Status.OPEN, is_no_show=False)
    for booking_id in bookings_with(flight_id, waiting):
        with delivering([booking_id], caller=sees_all(caller), at=at) as delivery:
            end_boarding(delivery, [flight_id], waiting, ended_at=departure.closed_at or at)
    return departure


def check_not_left(flight: Flight) -> None:
    if flight.status == Flight.Status.CANCELLED:
        raise FlightCancelled
    if flight.status == Flight.Status.DEPARTED:
        raise FlightDeparted


def sees_all(caller: Caller) -> Caller:
    """Return the caller as one that may touch every booking: who works at gates has all passengers there."""
    return replace(caller, is_staff=True)


def bookings_with(flight_id: UUID, coupons: Q) -> list[UUID]:
    """Return the confirmed bookings that have such coupons on a flight, in primary key order."""
    found = Coupon.objects.filter(coupons, flight_id=flight_id, ticket__booking__status=Booking.Status.CONFIRMED)
    return sorted(set(found.values_list("ticket__booking_id", flat=True)))


def end_boarding(delivery: Delivery, flight_ids: Collection[UUID], which: Q, *, ended_at: datetime) -> None:
    """Make no-shows of the passengers of a locked booking who are not aboard; who is aboard has flown."""
    coupons = lock_coupons(delivery, flight_ids, which)
    by_status: dict[str, list[Coupon]] = {status: [] for status in Coupon.LIVE}
    for coupon in coupons:
        by_status[coupon.status].append(coupon)
    fly(by_status[Coupon.Status.LIFTED], actor=delivery.caller, at=delivery.at)
    leave_behind(by_status[Coupon.Status.CHECKED_IN], actor=delivery.caller, ended_at=ended_at, at=delivery.at)
    mark_no_shows(by_status[Coupon.Status.OPEN], is_no_show=True, actor=delivery.caller, at=delivery.at)
    delivery.is_changed = delivery.is_changed or bool(coupons)


def lock_coupons(delivery: Delivery, flight_ids: Collection[UUID], which: Q) -> list[Coupon]:
    """Lock such coupons of the delivery's confirmed bookings on flights."""
    ids = [booking.pk for booking in delivery.bookings if booking.status == Booking.Status.CONFIRMED]
    found = Coupon.objects.filter(which, ticket__booking__in=ids, flight__in=list(flight_ids)).order_by("pk")
    return list(found.select_for_update(of=("self",)))


def fly(coupons: Sequence[Coupon], *, actor: Actor, at: datetime) -> None:
    if coupons:
        move_coupons(coupons, Coupon.Status.FLOWN, actor=actor, at=at)
        Bag.move_all(checked_bags(coupons), Bag.Status.FLOWN, actor=actor, at=at)


def leave_behind(coupons: Sequence[Coupon], *, actor: Actor, ended_at: datetime, at: datetime) -> None:
    """Take passengers who are checked in but did not come off the flight, with their bags."""
    if coupons:
        move_coupons(coupons, Coupon.Status.OPEN, actor=actor, reason=NO_SHOW, at=at, is_no_show=True)
        end_passes([coupon.pk for coupon in coupons], BoardingPass.End.NO_SHOW, at=ended_at)
        bags.remove_bags(checked_bags(coupons), actor=actor, reason=NO_SHOW, at=at)


def checked_bags(coupons: Sequence[Coupon]) -> list[Bag]:
    found = bags.checked_bags(coupon.pk for coupon in coupons).order_by("pk")
    return list(found.select_for_update(of=("self",)))


def mark_no_shows(
    coupons: Sequence[Coupon], *, is_no_show: bool, reason: str = "", actor: Actor, at: datetime, **changes
) -> None:
    """Write down of open coupons whether their passenger has missed the flight."""
    if coupons:
        ids = [coupon.pk for coupon in coupons]
        Coupon.objects.filter(pk__in=ids).update(is_no_show=is_no_show, **changes)
        action = "coupon.no_show" if is_no_show else "coupon.reopened"
        facts = {"status": Coupon.Status.OPEN.value}
        before, after = {"is_no_show": not is_no_show}, {"is_no_show": is_no_show}
        happenings = [Happening(action, pk, facts | before, facts | after, reason) for pk in ids]
        record(happenings, actor=actor, at=at)


def reopen_flight(flight_id: UUID, *, reason: str, caller: Caller, at: datetime) -> Departure:
    """Undo a close-out before the flight leaves: its no-shows may check in again, with passes and bags of their own.

    Of a flight that is not closed nothing changes. Raises FlightNotFound, FlightCancelled or FlightDeparted.
    """
    with transaction.atomic():
        departure = lock_departure(flight_id)
        check_not_left(departure.flight)
        if departure.flight.departs_at <= at:
            raise FlightDeparted
        if departure.closed_at:
            change_departure(departure, "flight.reopened", {"closed_at": None}, actor=caller, reason=reason, at=at)
    missed = Q(status=Coupon.Status.OPEN, is_no_show=True)
    for booking_id in bookings_with(flight_id, missed):
        with delivering([booking_id], caller=sees_all(caller), at=at) as delivery:
            coupons = lock_coupons(delivery, [flight_id], missed)
            mark_no_shows(coupons, is_no_show=False, reason=reason, actor=caller, at=at, checked_in_at=None)
            delivery.is_changed = bool(coupons)
    return departure


# --- Departure ---


@dataclass(frozen=True)
class Run:
    """What one run of the periodic task has done."""

    flights: int
    bookings: int


def depart_flights(*, at: datetime, limit: int = LIMIT) -> Run:
    """Let the flights leave whose time has come: who is aboard has flown, who is not is a no-show.

    Passengers come first, at most BOOKINGS bookings of a run, the flight after its last one; flights without passengers
    leave in statements of FLIGHTS each, at most `limit` of a run. Several at once do no harm.
    """
    settled = sum(settle(booking_id, flight_ids, at=at) for booking_id, flight_ids in bookings_to_settle(at))
    departed = 0
    while departed < limit:
        moved = depart_batch(at)
        departed += moved
        if moved < FLIGHTS:
            break
    return Run(departed, settled)


def bookings_to_settle(at: datetime) -> Iterable[tuple[UUID, list[UUID]]]:
    """Return bookings with the flights that they are on and that have to leave. One statement."""
    with connection.cursor() as cursor:
        cursor.execute(TO_SETTLE, {"at": at, "since": at - LOOK_BACK})
        return cursor.fetchall()


def settle(booking_id: UUID, flight_ids: Collection[UUID], *, at: datetime) -> bool:
    """Let the passengers of a booking fly or miss flights; what fails is tried again by the next run."""
    try:
        with delivering([booking_id], caller=DEPARTURES, at=at) as delivery:
            end_boarding(delivery, flight_ids, NOT_DONE, ended_at=at)
            return delivery.is_changed
    except Exception:
        logger.exception("booking %s cannot be settled", booking_id)
    return False


def depart_batch(at: datetime) -> int:
    """Let flights leave that have nobody to wait for; return how many. One statement."""
    parameters: dict[str, Any] = {
        "at": at,
        "actor_kind": DEPARTURES.kind,
        "actor_id": DEPARTURES.id,
        "door": DEPARTURES.door,
        "request_id": context.request_id.get(),
    }
    with connection.cursor() as cursor:
        cursor.execute(DEPART, parameters)
        return cursor.fetchone()[0]
