"""Never oversold: many callers for the last seats."""

import time

from django.db.models import F

from flights.models import FlightCabin
from tests import factories
from tests.bookings.sales import booking_body, counters, query
from tests.concurrency.racing import outcomes, together


def test_500_requests_for_the_last_100_seats(partner):
    flight = factories.flight(seats=100)
    body = booking_body(flight)
    replies = together([lambda: partner.post("/api/v1/bookings", body)] * 500)
    assert outcomes(replies) == {201: 100, (409, "not_enough_seats"): 400}
    assert counters(flight) == {"sold": 0, "held": 100, "free": 0}
    sql = """SELECT count(*), count(DISTINCT t.booking_id)
        FROM ticketing_coupon k JOIN ticketing_ticket t ON t.id = k.ticket_id
        WHERE k.flight_id = %s AND k.status = 'O'"""
    assert query(sql, flight.pk) == [(100, 100)]
    answered = {reply.json()["booking_id"] for reply in replies if reply.status_code == 201}
    assert answered == {str(pk) for (pk,) in query("SELECT id FROM bookings_booking")}


def test_parties_of_all_sizes_for_the_last_seats(partner):
    flight = factories.flight(seats=50)
    sizes = [1 + place % 9 for place in range(60)]
    replies = together([lambda n=n: partner.post("/api/v1/bookings", booking_body(flight, seats=n)) for n in sizes])
    taken = sum(reply.json()["seats"] for reply in replies if reply.status_code == 201)
    assert set(outcomes(replies)) == {201, (409, "not_enough_seats")}
    assert counters(flight) == {"sold": 0, "held": taken, "free": 50 - taken}


def hold_naively(flight) -> bool:
    """Read, compare, write: what the house forbids."""
    cabin = FlightCabin.objects.get(flight=flight)
    if cabin.free < 1:
        return False
    time.sleep(0.02)
    FlightCabin.objects.filter(pk=cabin.pk).update(held=cabin.held + 1, free=cabin.free - 1)
    return True


def test_control_a_naive_hold_oversells():
    flight = factories.flight(seats=10)
    held = together([lambda: hold_naively(flight)] * 30)
    assert sum(held) > 10
    assert counters(flight)["held"] < sum(held)
    FlightCabin.objects.update(held=0, free=F("capacity"))  # as it was
