"""What a disruption touches, and what seats there are instead: one statement each, for any number of flights."""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any, NamedTuple
from uuid import UUID

from django.conf import settings
from django.db import connection

from orders.disruption.reaccommodation import Leg, Option, Party, Rules, Supply
from orders.exceptions import ChoiceNotAllowed

DAY = timedelta(days=1)
PARTIES = """
SELECT b.id, b.version, b.seats, max(k.passengers) OVER (PARTITION BY b.id),
    k.sequence, k.flight_id, f.carrier_id || f.flight_number || f.operational_suffix, k.cabin,
    f.origin_id, f.destination_id, f.departs_at, f.arrives_at, k.is_flown
FROM (
    {which}
) touched
JOIN bookings_booking b ON b.id = touched.booking_id AND b.status = 'confirmed'
JOIN LATERAL (
    SELECT k.sequence, k.flight_id, k.cabin, count(*) AS passengers, bool_or(k.status = 'F') AS is_flown
    FROM ticketing_ticket t JOIN ticketing_coupon k ON k.ticket_id = t.id
    WHERE t.booking_id = b.id AND NOT t.is_superseded AND k.status IN ('O', 'C', 'L', 'F')
    GROUP BY k.sequence, k.flight_id, k.cabin
) k ON TRUE
JOIN flights_flight f ON f.id = k.flight_id
ORDER BY b.id, k.sequence
"""
ON_FLIGHTS = """
    SELECT DISTINCT t.booking_id
    FROM ticketing_coupon k JOIN ticketing_ticket t ON t.id = k.ticket_id
    WHERE k.flight_id = ANY(%(flight_ids)s::uuid[]) AND k.status IN ('O', 'C', 'L') AND NOT EXISTS (
        SELECT FROM orders_disruptedbooking x JOIN orders_disruption d ON d.id = x.disruption_id
        WHERE x.booking_id = t.booking_id AND d.flight_id = k.flight_id AND d.id = ANY(%(disruption_ids)s::uuid[])
    )
"""
TOUCHED = PARTIES.format(which=ON_FLIGHTS)
OF_BOOKING = PARTIES.format(which="SELECT %(booking_id)s::uuid AS booking_id")
SUPPLY = """
SELECT f.id, c.id, f.carrier_id || f.flight_number || f.operational_suffix, c.cabin, f.origin_id, f.destination_id,
    f.departs_at, f.arrives_at, c.free
FROM flights_flight f JOIN flights_flightcabin c ON c.flight_id = f.id
JOIN (SELECT * FROM unnest(%(origins)s::text[], %(destinations)s::text[])) AS r (origin, destination)
    ON r.origin = f.origin_id AND r.destination = f.destination_id
WHERE f.departure_date BETWEEN %(first)s::date AND %(last)s::date AND f.departs_at >= %(not_before)s::timestamptz
    AND f.status IN ('scheduled', 'delayed') AND c.on_sale AND c.free > 0
"""


class Times(NamedTuple):
    """When a flight left and arrived before a disruption, and does now."""

    was_departing_at: datetime
    was_arriving_at: datetime
    departs_at: datetime
    arrives_at: datetime


def rules() -> Rules:
    """Return the airline's rules of re-accommodation."""
    return Rules(
        connection=settings.MINIMUM_CONNECTION,
        lead=settings.SALES_CLOSE_BEFORE_DEPARTURE,
        window=settings.REACCOMMODATION_WINDOW,
    )


def read_parties(
    flight_ids: Collection[UUID],
    disruption_ids: Collection[UUID],
    *,
    times: Mapping[UUID, Times] | None = None,
    moving: Collection[UUID] = (),
) -> list[Party]:
    """Return the confirmed bookings on some flights that these disruptions have not dealt with yet.

    `times` are of flights whose times have changed, or would; `moving` are the flights that nobody can fly on.
    """
    with connection.cursor() as cursor:
        cursor.execute(TOUCHED, {"flight_ids": list(flight_ids), "disruption_ids": list(disruption_ids)})
        rows = cursor.fetchall()
    moving, times = set(moving), times or {}
    return [party_of(list(group), times, moving) for _, group in groupby(rows, key=lambda row: row[0])]


def read_booking_legs(booking_id: UUID) -> Party:
    """Return a confirmed booking with its flights as they are. Raises ChoiceNotAllowed for one that has no more."""
    with connection.cursor() as cursor:
        cursor.execute(OF_BOOKING, {"booking_id": booking_id})
        rows = cursor.fetchall()
    if not rows:
        raise ChoiceNotAllowed("The booking has no flights any more.", choices=[])
    return party_of(rows, {}, ())


def party_of(rows: list[tuple], times: Mapping[UUID, Times], moving: Collection[UUID]) -> Party:
    booking_id, version, seats, passengers = rows[0][:4]
    return Party(booking_id, version, seats, passengers, tuple(leg_of(row[4:], times, moving) for row in rows))


def leg_of(row: tuple, times: Mapping[UUID, Times], moving: Collection[UUID]) -> Leg:
    sequence, flight_id, designator, cabin, origin, destination, departs_at, arrives_at, is_flown = row
    changed = times.get(flight_id) or Times(departs_at, arrives_at, departs_at, arrives_at)
    return Leg(
        sequence,
        flight_id,
        designator,
        cabin,
        origin,
        destination,
        changed.departs_at,
        changed.arrives_at,
        changed.was_departing_at,
        changed.was_arriving_at,
        is_flown,
        flight_id in moving and not is_flown,
    )


def read_supply(parties: Iterable[Party], at: datetime, *, without: Collection[UUID] = ()) -> Supply:
    """Return the free seats that parties could get: on the routes of all their legs, as far ahead as the rules go.

    `without` are flights that are about to be cancelled.
    """
    legs = [leg for party in parties for leg in party.legs if not leg.is_flown]
    if not legs:
        return Supply([], {})
    routes = sorted({(leg.origin, leg.destination) for leg in legs})
    not_before = min(leg.departs_at for leg in legs)
    parameters: dict[str, Any] = {
        "origins": [origin for origin, _ in routes],
        "destinations": [destination for _, destination in routes],
        "not_before": max(not_before, at),
        # A day more on either side: dates are local to the origin.
        "first": (max(not_before, at) - DAY).date(),
        "last": (max(leg.was_departing_at for leg in legs) + settings.REACCOMMODATION_WINDOW + DAY).date(),
    }
    with connection.cursor() as cursor:
        cursor.execute(SUPPLY, parameters)
        rows = cursor.fetchall()
    options = [Option(*row[:8]) for row in rows if row[0] not in without]
    return Supply(options, {row[1]: row[8] for row in rows})
