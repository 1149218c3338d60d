"""Seats that staff keep from passengers on one flight: nobody can choose one or be given one.

How many seats the flight sells stays as it is: who blocks more than are left over lets check-in run out of seats.
"""

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from django.db import transaction

from flights.models import BlockedSeat
from skybridge.events import Actor, Happening, record
from ticketing.exceptions import SeatNotBlocked, SeatTaken, UnknownSeat
from ticketing.seats import check_flight, lock_departure, read_seats


def block_seats(flight_id: UUID, numbers: Iterable[str], *, reason: str, actor: Actor, at: datetime) -> None:
    """Keep seats of a flight from passengers; those that are kept stay so. Locks the departure.

    Raises FlightNotFound, FlightCancelled, FlightDeparted, FlightClosed, UnknownSeat, or SeatTaken for one that a
    passenger has.
    """
    with transaction.atomic():
        before, kept = look(flight_id, at)
        wanted = set(numbers)
        taken = {occupant.seat for occupant in before.occupants if not occupant.has_run_out}
        for number in sorted(wanted):
            if before.seat_map.find(number) is None:
                raise UnknownSeat(f"This aircraft has no seat {number}.", seat=number)
            if number in taken:
                raise SeatTaken(f"Seat {number} is taken.", seat=number)
        new = [BlockedSeat(flight_id=flight_id, seat=number, reason=reason, blocked_at=at) for number in wanted - kept]
        BlockedSeat.objects.bulk_create(new)
        write_down(flight_id, kept, kept | wanted, "flight.seats_blocked", reason, actor, at)


def unblock_seats(flight_id: UUID, numbers: Iterable[str], *, reason: str, actor: Actor, at: datetime) -> None:
    """Let passengers have seats again. Locks the departure. Raises as `block_seats`, and SeatNotBlocked."""
    with transaction.atomic():
        _, kept = look(flight_id, at)
        wanted = set(numbers)
        for number in sorted(wanted - kept):
            raise SeatNotBlocked(f"Seat {number} is not blocked.", seat=number)
        BlockedSeat.objects.filter(flight=flight_id, seat__in=wanted).delete()
        write_down(flight_id, kept, kept - wanted, "flight.seats_unblocked", reason, actor, at)


def look(flight_id: UUID, at: datetime):
    """Return a flight's seats, with its departure locked, and the numbers of those that are blocked."""
    seats = read_seats(flight_id, at=at)
    check_flight(seats.flight, lock_departure(flight_id), at)
    seats = read_seats(flight_id, at=at)
    return seats, set(BlockedSeat.objects.filter(flight=flight_id).values_list("seat", flat=True))


def write_down(
    flight_id: UUID, before: set[str], after: set[str], action: str, reason: str, actor: Actor, at: datetime
) -> None:
    if before != after:
        facts = {"blocked_seats": sorted(before)}, {"blocked_seats": sorted(after)}
        record([Happening(action, flight_id, *facts, reason)], actor=actor, at=at)
