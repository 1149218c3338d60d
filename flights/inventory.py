"""The counters of a flight's cabins: changed only by conditional UPDATEs, taken in primary key order.

`capacity = sold + held + free` is a CHECK. The hot operations are `bookings/holds.py` and `bookings/confirmation.py`.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Literal
from uuid import UUID

from django.db import connection
from django.db.models import F

from flights.exceptions import SoldOut
from flights.models import FlightCabin, SeatHold

# Common table expressions: what happens to the held seats of the booking that an expression `booking` (id) names.
SETTLING = """
gone AS (
    DELETE FROM flights_seathold h USING booking WHERE h.booking_id = booking.id RETURNING h.flight_cabin_id, h.seats
), locked AS MATERIALIZED (
    SELECT c.id, g.seats FROM flights_flightcabin c JOIN gone g ON g.flight_cabin_id = c.id
    ORDER BY c.id FOR UPDATE OF c
), settled AS (
    UPDATE flights_flightcabin c
    SET held = c.held - l.seats,
        sold = c.sold + CASE WHEN %(sell)s THEN l.seats ELSE 0 END,
        free = c.free + CASE WHEN %(sell)s THEN 0 ELSE l.seats END
    FROM locked l WHERE c.id = l.id
)"""
RELEASE = f"WITH booking AS (SELECT %(booking_id)s::uuid AS id), {SETTLING} SELECT 1"


def release_held_seats(booking_id: UUID) -> None:
    """Give a booking's held seats back. One statement; the caller has locked the booking."""
    with connection.cursor() as cursor:
        cursor.execute(RELEASE, {"booking_id": booking_id, "sell": False})


def take_seats(changes: Mapping[int, int], counter: Literal["held", "sold"]) -> None:
    """Take (positive) or give back (negative) seats per cabin id, all or nothing in the caller's transaction.

    Raises SoldOut.
    """
    for cabin_id in sorted(changes):
        seats = changes[cabin_id]
        cabins = FlightCabin.objects.filter(pk=cabin_id)
        if seats > 0:
            cabins = cabins.filter(free__gte=seats, on_sale=True)
        if seats and not cabins.update(**{counter: F(counter) + seats, "free": F("free") - seats}):
            raise SoldOut([cabin_id])


def change_holds(booking_id: UUID, changes: Mapping[int, int], expires_at: datetime) -> None:
    """Take or give back held seats per cabin id for a pending booking. Raises SoldOut."""
    take_seats(changes, "held")
    for cabin_id, seats in changes.items():
        holds = SeatHold.objects.filter(booking_id=booking_id, flight_cabin_id=cabin_id)
        if not holds.filter(seats__gt=-seats).update(seats=F("seats") + seats):
            holds.delete()
            if seats > 0:
                SeatHold.objects.create(
                    booking_id=booking_id, flight_cabin_id=cabin_id, seats=seats, expires_at=expires_at
                )


def overdue_bookings(cabin_ids: list[int], at: datetime) -> list[UUID]:
    """Return the bookings whose holds on these cabins have run out."""
    holds = SeatHold.objects.filter(flight_cabin_id__in=cabin_ids, expires_at__lte=at)
    return list(holds.values_list("booking_id", flat=True).distinct())


def cabin_ids(places: Iterable[tuple[UUID, str]]) -> dict[tuple[UUID, str], int]:
    """Return the ids of cabins by flight id and cabin code. One statement."""
    wanted = set(places)
    rows = FlightCabin.objects.filter(flight_id__in={flight_id for flight_id, _ in wanted})
    return {
        (flight_id, cabin): pk
        for pk, flight_id, cabin in rows.values_list("pk", "flight_id", "cabin")
        if (flight_id, cabin) in wanted
    }


def return_sold_seats(seats: Mapping[tuple[UUID, str], int]) -> None:
    """Give sold seats back, by flight and cabin."""
    ids = cabin_ids(seats)
    take_seats({ids[place]: -count for place, count in seats.items()}, "sold")
