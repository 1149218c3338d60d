"""What tests of disruptions do and look at."""

from datetime import timedelta
from typing import Any

from django.utils import timezone

from flights.models import Flight
from orders.disruption import services as disruption
from orders.disruption.planning import Change
from orders.models import DisruptedBooking
from skybridge.events import Actor
from tests import factories
from tests.bookings.sales import query

STAFF = Actor("staff", "1", "api")


def later(flight: Flight, hours: float = 2, **fields: Any) -> Flight:
    """Make a flight of the same route some hours after another."""
    departs_at = flight.departs_at + timedelta(hours=hours)
    return factories.flight(flight.origin_id, flight.destination_id, departs_at=departs_at, **fields)


def cancel(*flights: Flight) -> dict:
    return disruption.cancel_flights([flight.pk for flight in flights], "storm", actor=STAFF, at=timezone.now())


def move(flight: Flight, kind: str = "delay", **by: float) -> dict:
    shift = timedelta(**by)
    change = Change(kind, "de-icing", flight.departs_at + shift, flight.arrives_at + shift)
    return disruption.disrupt(flight.pk, change, actor=STAFF, at=timezone.now())


def flights_of(booking: dict) -> list[tuple]:
    """Return flight, seat and status of a booking's live coupons."""
    sql = """SELECT k.flight_id, k.seat, k.status FROM ticketing_coupon k JOIN ticketing_ticket t ON t.id = k.ticket_id
        WHERE t.booking_id = %s AND k.status IN ('O', 'C', 'L', 'F') ORDER BY t.position, k.sequence"""
    return query(sql, booking["booking_id"])


def statuses() -> dict[str, str]:
    return {str(row.booking_id): row.status for row in DisruptedBooking.objects.order_by("pk")}


def path_of(booking: dict) -> str:
    return f"/api/v1/bookings/{booking['booking_id']}/disruptions"


def choices(api, booking: dict) -> list[str]:
    return api.get(path_of(booking)).json()[0]["choices"]


def choose(api, booking: dict, choice: str, **more: Any):
    [first, *_] = api.get(path_of(booking)).json()
    return api.post(f"{path_of(booking)}/{first['disruption_id']}/choice", {"choice": choice, **more})
