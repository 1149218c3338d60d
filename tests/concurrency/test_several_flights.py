"""Bookings over several flights, in any order of the flights: no deadlock, all seats or none."""

import threading

import psycopg
import pytest
from django.db import OperationalError, transaction
from django.db.models import F

from flights.models import FlightCabin
from tests import factories
from tests.bookings.sales import act, book, booking_body, change, counters, query
from tests.concurrency.racing import outcomes, together


@pytest.fixture
def there():
    return factories.flight("JFK", "LAX", seats=200)


@pytest.fixture
def back():
    return factories.flight("LAX", "JFK", seats=25)


def test_opposite_orders_take_all_or_nothing(partner, there, back):
    bodies = [booking_body(*(there, back)[:: 1 if place % 2 else -1]) for place in range(80)]
    replies = together([lambda body=body: partner.post("/api/v1/bookings", body) for body in bodies])
    assert outcomes(replies) == {201: 25, (409, "not_enough_seats"): 55}
    assert counters(there) == {"sold": 0, "held": 25, "free": 175}
    assert counters(back) == {"sold": 0, "held": 25, "free": 0}
    assert query("SELECT count(*) FROM ticketing_coupon") == [(50,)]


def test_opposite_orders_of_all_operations(partner, there, back):
    """Confirm, change, cancel and book at one moment: each succeeds."""
    made = [book(partner, *(there, back)[:: 1 if place % 2 else -1]) for place in range(16)]
    calls = [
        *(lambda b=b: act(partner, b, "confirm") for b in made[:5]),
        *(lambda b=b: act(partner, b, "cancel") for b in made[5:11]),
        *(lambda b=b: change(partner, b, seats=2) for b in made[11:]),
    ]
    assert outcomes(together(calls)) == {200: 16}
    assert counters(there) == {"sold": 5, "held": 10, "free": 185}
    assert counters(back) == {"sold": 5, "held": 10, "free": 10}


def test_control_rows_taken_in_the_callers_order_deadlock(there, back):
    both_have_one = threading.Barrier(2)

    def hold(first, second):
        try:
            with transaction.atomic():
                for flight in (first, second):
                    FlightCabin.objects.filter(flight=flight).update(held=F("held") + 1, free=F("free") - 1)
                    if flight is first:
                        both_have_one.wait(10)
                transaction.set_rollback(True)
        except OperationalError as exc:
            return type(exc.__cause__)

    ends = together([lambda: hold(there, back), lambda: hold(back, there)])
    assert ends.count(psycopg.errors.DeadlockDetected) == 1
