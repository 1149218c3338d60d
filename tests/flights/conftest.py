"""Airports for all tests of this app (loaded once), and schedules made of short rows."""

from datetime import UTC, datetime

import pytest

from flights.airports import airport_rows, load_airports
from flights.models import Airport
from skybridge.events import Actor

HEADER = (
    "flight_date,carrier,flight_number,origin,destination,sched_dep_local,origin_tz,sched_arr_local,destination_tz,"
    "tail_number,aircraft_model,seats"
)
ROW = {
    "flight_date": "2027-06-01",
    "carrier": "ZZ",
    "flight_number": "100",
    "origin": "JFK",
    "destination": "LAX",
    "sched_dep_local": "2027-06-01T10:00",
    "origin_tz": "America/New_York",
    "sched_arr_local": "2027-06-01T13:00",
    "destination_tz": "America/Los_Angeles",
    "tail_number": "N1",
    "aircraft_model": "A320-232",
    "seats": "200",
}


def row(**changes: object) -> str:
    """Return a CSV row: ZZ100 of 1 June 2027, JFK 10:00 to LAX 13:00, 200 seats, but for the changes."""
    return ",".join(str(value) for value in (ROW | changes).values())


def numbered(*rows: str) -> list[tuple[int, str]]:
    return list(enumerate([HEADER, *rows], start=1))


@pytest.fixture(scope="session")
def zones() -> dict[str, str]:
    return {airport["iata"]: airport["timezone"] for airport in airport_rows()}


@pytest.fixture(scope="session")
def _airports_once(django_db_setup, django_db_blocker):
    with django_db_blocker.unblock():
        load_airports()


@pytest.fixture
def airports(_airports_once, db) -> None:
    """All airports; loaded again after a test that empties the database."""
    if not Airport.objects.exists():
        load_airports()


@pytest.fixture
def actor() -> Actor:
    return Actor("system", "test", "command")


@pytest.fixture
def now() -> datetime:
    """A moment before the flights of `row`."""
    return datetime(2027, 1, 1, tzinfo=UTC)
