"""What tests of bookings do and look at, the looking in SQL of its own."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db import connection
from django.utils import timezone

from flights.models import Flight
from tests.conftest import Api

TABLES = (
    "bookings_booking",
    "flights_flightcabin",
    "flights_seathold",
    "ticketing_ticket",
    "ticketing_coupon",
    "skybridge_event",
)


def query(sql: str, *parameters: Any) -> list[tuple]:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters or None)
        return cursor.fetchall() if cursor.description else []


def booking_body(*flights: Flight, seats: int = 1, passengers: Sequence[str | dict] = (), **more: Any) -> dict:
    """Return the body that books flights for `seats` adults, or for passengers (dicts, or types only)."""
    party = [{"passenger_type": p} if isinstance(p, str) else p for p in passengers]
    return {
        "flights": [{"event_id": str(flight.pk)} for flight in flights],
        **({"passengers": party} if party else {"seats": seats}),
        **more,
    }


def book(api: Api, *flights: Flight, **party: Any) -> dict:
    """Hold seats and return the booking."""
    response = api.post("/api/v1/bookings", booking_body(*flights, **party))
    assert response.status_code == 201, response.content
    return response.json()


def act(api: Api, booking: dict, action: str):
    return api.post(f"/api/v1/bookings/{booking['booking_id']}/{action}")


def change(api: Api, booking: dict, **fields: Any):
    return api.patch(f"/api/v1/bookings/{booking['booking_id']}", fields)


def confirmed(api: Api, *flights: Flight, **party: Any) -> dict:
    response = act(api, book(api, *flights, **party), "confirm")
    assert response.status_code == 200, response.content
    return response.json()


def counters(flight: Flight, cabin: str = "Y") -> dict[str, int]:
    """Return the seats of a cabin that are sold, held and free."""
    [row] = query(
        "SELECT sold, held, free FROM flights_flightcabin WHERE flight_id = %s AND cabin = %s", flight.pk, cabin
    )
    return dict(zip(("sold", "held", "free"), row, strict=True))


def coupons_of(booking: dict) -> list[str]:
    """Return the status letters of all coupons that a booking has or had, oldest tickets first."""
    sql = """SELECT k.status FROM ticketing_coupon k JOIN ticketing_ticket t ON t.id = k.ticket_id
        WHERE t.booking_id = %s ORDER BY t.created_at, t.position, k.sequence"""
    return [status for (status,) in query(sql, booking["booking_id"])]


def actions_logged(booking: dict) -> list[str]:
    sql = "SELECT action FROM skybridge_event WHERE subject_id = %s ORDER BY id"
    return [action for (action,) in query(sql, booking["booking_id"])]


def database() -> dict[str, str]:
    """Return the whole content of the bookings' tables, to show that nothing has changed."""
    return {
        table: query(f"SELECT string_agg(r::text, E'\\n' ORDER BY r::text) FROM {table} r")[0][0] for table in TABLES
    }


def let_hold_run_out(*booking_ids: str | UUID) -> None:
    """Move the deadline of pending bookings into the past."""
    past = timezone.now() - timedelta(seconds=1)
    ids = [str(booking_id) for booking_id in booking_ids]
    sql = "UPDATE bookings_booking SET expires_at = %s WHERE status = 'pending' AND id = ANY(%s::uuid[])"
    query(sql, past, ids)
    query("UPDATE flights_seathold SET expires_at = %s WHERE booking_id = ANY(%s::uuid[])", past, ids)


def refused(response, status: int, code: str) -> None:
    """Assert that an answer is this refusal."""
    body = response.json()
    assert (response.status_code, body["code"]) == (status, code), body
