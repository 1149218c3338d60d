"""A disrupted flight: who is touched, who gets which flight, who has to choose, and what each choice does."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from flights.models import Flight
from orders import disruption
from orders.models import DisruptedBooking, Disruption
from skybridge.events import Actor
from tests import factories
from tests.bookings.sales import book, confirmed, counters, query
from tests.concurrency.racing import verify_invariants
from tests.orders import shop

pytestmark = pytest.mark.django_db
STAFF = Actor("staff", "1", "api")


def later(flight: Flight, hours: float = 2, **fields: Any) -> Flight:
    """Make a flight of the same route some hours after another."""
    departs_at = flight.departs_at + timedelta(hours=hours)
    return factories.flight(flight.origin_id, flight.destination_id, departs_at=departs_at, **fields)


def cancel(*flights: Flight) -> dict:
    return disruption.cancel_flights([flight.pk for flight in flights], "storm", actor=STAFF, at=timezone.now())


def flights_of(booking: dict) -> list[tuple]:
    """Return flight, seat and status of a booking's live coupons."""
    sql = """SELECT k.flight_id, k.seat, k.status FROM ticketing_coupon k JOIN ticketing_ticket t ON t.id = k.ticket_id
        WHERE t.booking_id = %s AND k.status IN ('O', 'C', 'L', 'F') ORDER BY t.position, k.sequence"""
    return query(sql, booking["booking_id"])


def statuses() -> dict[str, str]:
    return {str(row.booking_id): row.status for row in DisruptedBooking.objects.order_by("pk")}


def total(flight: Flight) -> int:
    return counters(flight)["sold"]


# --- Cancelling ---


def test_a_cancelled_flights_passengers_get_the_next_one(acme, flight):
    first, second = later(flight, 2), later(flight, 4)
    booking = confirmed(acme, flight, passengers=["ADT", "CHD", "INF"])
    done = cancel(flight)
    assert (done["bookings"], done["passengers"]) == (1, 3)
    assert done["outcome"]["rebooked"] == {"bookings": 1, "passengers": 3}
    assert {row[0] for row in flights_of(booking)} == {first.pk}
    assert (total(flight), total(first), total(second)) == (0, 2, 0)
    assert Flight.objects.get(pk=flight.pk).status == "cancelled"
    verify_invariants()


def test_without_seats_they_wait(acme, flight):
    later(flight, 2, seats=1)
    later(flight, 80)
    booking = confirmed(acme, flight, seats=2)
    done = cancel(flight)
    assert done["outcome"]["waiting"] == {"bookings": 1, "passengers": 2}
    assert {row[0] for row in flights_of(booking)} == {flight.pk}
    verify_invariants()


def test_cancelling_again_changes_nothing(acme, flight):
    later(flight, 2, seats=2)
    for seats in (2, 1, 3):
        confirmed(acme, flight, seats=seats)
    book(acme, flight)
    done = cancel(flight)
    before = shop.everything(), list(Disruption.objects.values()), list(DisruptedBooking.objects.values())
    assert cancel(flight) == done
    assert (shop.everything(), list(Disruption.objects.values()), list(DisruptedBooking.objects.values())) == before
    verify_invariants()
