"""Disruption as its readers see it: the flights that are given up and taken, by their fields."""

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from flights.localtime import zone
from flights.models import Flight

Flights = Mapping[str, Mapping[str, Any]]


def read_flights(flight_ids: Collection[Any]) -> Flights:
    """Return flights as they are now, by id as text. One statement, none for no flights."""
    found = Flight.objects.filter(pk__in=set(flight_ids)).select_related("origin") if flight_ids else ()
    return {str(flight.pk): flight_fields(flight) for flight in found}


def flight_fields(flight: Flight) -> dict[str, Any]:
    return {
        "event_id": flight.pk,
        "flightId": flight.designator,
        "departureDate": flight.departure_date,
        "origin": flight.origin_id,
        "destination": flight.destination_id,
        "departureTime": flight.departs_at.astimezone(zone(flight.origin.timezone)).isoformat(),
    }


def flights_in(moves: Iterable[Mapping[str, Any]]) -> set[str]:
    """Return the ids of the flights that moves are between."""
    return {move[name] for move in moves for name in ("from_id", "to_id")}


def move_shown(move: Mapping[str, Any], flights: Flights) -> dict[str, Any]:
    return {
        "sequence": move["sequence"],
        "cabin": move["cabin"],
        "from": flights[move["from_id"]],
        "to": flights[move["to_id"]],
        "lost_seats": move.get("lost_seats", []),
    }


def times_shown(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Return what changed of a flight, its times with a `Z`."""
    return {name: in_zulu(fact) if name.endswith("_at") else fact for name, fact in facts.items()}


def in_zulu(moment: str) -> str:
    return moment.replace("+00:00", "Z")
