"""What tests of check-in do and look at, the looking in SQL of its own."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from flights.models import Flight
from tests import factories
from tests.bookings.sales import confirmed, query, refused
from tests.concurrency.racing import verify_invariants
from tests.conftest import Api

TABLES = (
    "bookings_booking", "ticketing_ticket", "ticketing_coupon", "ticketing_emd", "ticketing_departure",
    "ticketing_boardingpass", "ticketing_bag", "ticketing_bagtagseries", "ticketing_traveldocument", "skybridge_event",
    "orders_order", "orders_backup", "flights_flight", "flights_flightcabin",
)  # fmt: skip
PASSPORT = {
    "type": "P",
    "number": "X12345678",
    "issuing_country": "USA",
    "nationality": "USA",
    "expiry_date": "2040-01-31",
}


def soon(origin: str = "JFK", destination: str = "LAX", *, hours: float = 5, **fields: Any) -> Flight:
    """Make a flight whose check-in is open."""
    return factories.flight(origin, destination, departs_at=timezone.now() + timedelta(hours=hours), **fields)


def named(passenger_type: str = "ADT", given_name: str = "Ada", **fields: Any) -> dict:
    return {"passenger_type": passenger_type, "surname": "Lovelace", "given_name": given_name, **fields}


def sold(api: Api, *flights: Flight, party: str = "ADT", **fields: Any) -> dict:
    """Sell flights to a party given by its passenger types, all of them named."""
    names = ["Ada", "Byron", "Clara", "Dora", "Emil", "Fred", "Gwen", "Hugo", "Ines"]
    passengers = [named(one, name) for one, name in zip(party.split(), names, strict=False)]
    return confirmed(api, *flights, passengers=passengers, **fields)


def ticket_ids(booking: dict) -> list[str]:
    return [ticket["ticket_id"] for ticket in booking["tickets"]]


def at_ticket(ticket_id: str, rest: str = "check-in") -> str:
    return f"/api/v1/tickets/{ticket_id}/{rest}"


def try_check_in(api: Api, booking: dict, place: int = 0, **body: Any):
    return api.post(at_ticket(ticket_ids(booking)[place]), body)


def check_in(api: Api, booking: dict, place: int = 0, **body: Any) -> dict:
    response = try_check_in(api, booking, place, **body)
    assert response.status_code == 200, response.content
    return response.json()


def try_group(api: Api, booking: dict, **body: Any):
    return api.post(f"/api/v1/bookings/{booking['booking_id']}/check-in", body)


def check_in_group(api: Api, booking: dict, **body: Any) -> dict:
    response = try_group(api, booking, **body)
    assert response.status_code == 200, response.content
    return response.json()


def try_undo(api: Api, booking: dict, place: int = 0, query_string: str = ""):
    return api.delete(at_ticket(ticket_ids(booking)[place]) + query_string)


def everything() -> dict[str, str]:
    """Return a digest of each table that a check-in touches."""
    return {
        table: query(f"SELECT md5(string_agg(r::text, E'\\n' ORDER BY r::text)) FROM {table} r")[0][0]
        for table in TABLES
    }


@contextmanager
def nothing_changes() -> Iterator[None]:
    before = everything()
    yield
    assert everything() == before


def refuses(call, code: str, status: int = 409) -> dict:
    """Assert that a call is refused with this code and has changed nothing; return the body."""
    with nothing_changes():
        response = call()
    refused(response, status, code)
    return response.json()


def coupons(booking: dict) -> list[dict]:
    """Return status, seat and check-in time of a booking's coupons, by passenger and flight."""
    rows = query(
        """SELECT k.status, k.seat, k.checked_in_at IS NOT NULL FROM ticketing_coupon k
        JOIN ticketing_ticket t ON t.id = k.ticket_id WHERE t.booking_id = %s ORDER BY t.position, k.sequence""",
        booking["booking_id"],
    )
    return [dict(zip(("status", "seat", "is_checked_in"), row, strict=True)) for row in rows]


def passes(booking: dict) -> list[tuple]:
    """Return sequence number, seat and end of a booking's boarding passes, oldest first."""
    return query(
        """SELECT p.sequence_number, p.seat, p.end_reason FROM ticketing_boardingpass p
        JOIN ticketing_coupon k ON k.id = p.coupon_id JOIN ticketing_ticket t ON t.id = k.ticket_id
        WHERE t.booking_id = %s ORDER BY p.id""",
        booking["booking_id"],
    )


@pytest.fixture(autouse=True)
def _whole():
    yield
    verify_invariants()


@pytest.fixture
def flight(db):
    return soon(carrier="FL", number=123)
