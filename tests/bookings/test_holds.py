"""Booking holds seats on all flights named, or on none."""

from datetime import datetime, timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from flights.models import FlightCabin
from flights.offers import find_offer
from tests import factories
from tests.bookings.sales import (
    actions_logged,
    book,
    booking_body,
    confirmed,
    counters,
    database,
    let_hold_run_out,
    refused,
)


def test_a_hold_takes_seats_and_makes_tickets_until_its_deadline(acme, flight, settings):
    before = timezone.now()
    booking = book(acme, flight, seats=3, user_id="customer-7")
    expires_at = datetime.fromisoformat(booking["expires_at"])
    assert before < expires_at - settings.HOLD_DURATION < timezone.now()
    assert (booking["status"], booking["seats"], booking["user_id"]) == ("pending", 3, "customer-7")
    assert [ticket["status"] for ticket in booking["tickets"]] == ["held"] * 3
    assert counters(flight) == {"sold": 0, "held": 3, "free": 97}
    assert actions_logged(booking) == ["booking.pending"]


def test_the_total_is_the_sum_of_all_coupons_and_of_the_price_lines(acme, flight):
    back = factories.flight("LAX", "JFK")
    booking = book(acme, flight, back, passengers=["ADT", "CHD", "INF"])
    coupons = [coupon for ticket in booking["tickets"] for coupon in ticket["coupons"]]
    total = Decimal(str(booking["total_amount"]))
    assert len(coupons) == 6
    assert sum(Decimal(str(coupon["total_amount"])) for coupon in coupons) == total > 0
    assert sum(Decimal(str(line["amount"])) for line in booking["price_lines"]) == total


def test_a_booking_reads_back_as_it_was_answered(acme, flight):
    booking = book(acme, flight, passengers=[{"surname": "Lovelace", "given_name": "Ada", "birth_date": "1985-12-10"}])
    assert acme.get(f"/api/v1/bookings/{booking['booking_id']}").json() == booking


@pytest.mark.parametrize("seats", [1, 9])
def test_the_last_seats_can_be_held(acme, seats):
    flight = factories.flight(seats=seats)
    book(acme, flight, seats=seats)
    assert counters(flight) == {"sold": 0, "held": seats, "free": 0}


def test_too_few_seats_are_refused_and_nothing_changes(acme, zenith):
    flight = factories.flight(seats=3)
    book(zenith, flight, seats=2)
    before = database()
    refused(acme.post("/api/v1/bookings", booking_body(flight, seats=2)), 409, "not_enough_seats")
    assert database() == before


@pytest.mark.parametrize("order", [1, -1])
def test_of_several_flights_one_sold_out_takes_none(acme, flight, order):
    full = factories.flight("LAX", "SFO", seats=1)
    before = database()
    response = acme.post("/api/v1/bookings", booking_body(*(flight, full)[::order], seats=2))
    refused(response, 409, "not_enough_seats")
    assert database() == before


def test_of_several_flights_one_that_fills_meanwhile_takes_none(acme, flight, monkeypatch):
    """The read before found seats; the statement that takes them finds none."""
    full = factories.flight("LAX", "SFO", seats=1)
    book(acme, full)
    before = database()
    monkeypatch.setattr("flights.offers.open_offer", lambda wish, seats, at: find_offer(wish, at=at))
    refused(acme.post("/api/v1/bookings", booking_body(flight, full)), 409, "not_enough_seats")
    assert database() == before


def test_one_flight_twice_in_a_booking_is_refused(acme, flight):
    before = database()
    refused(acme.post("/api/v1/bookings", booking_body(flight, flight)), 400, "duplicate_flight")
    assert database() == before


def test_two_flights_of_a_booking_stand_in_order_of_travel(acme, flight):
    onward = factories.flight("LAX", "SFO", departs_at=timezone.now() + timedelta(days=6))
    booking = book(acme, onward, flight)
    assert [coupon["event_id"] for coupon in booking["tickets"][0]["coupons"]] == [str(flight.pk), str(onward.pk)]
    assert booking["event_id"] == str(flight.pk)


def test_each_cabin_has_seats_of_its_own(acme):
    flight = factories.flight(seats={"J": 2, "Y": 50})
    body = {"flights": [{"event_id": str(flight.pk), "cabin": "J"}], "seats": 2}
    assert acme.post("/api/v1/bookings", body).status_code == 201
    refused(acme.post("/api/v1/bookings", body), 409, "not_enough_seats")
    assert counters(flight, "J") == {"sold": 0, "held": 2, "free": 0}
    assert counters(flight, "Y") == {"sold": 0, "held": 0, "free": 50}


def closed_flights():
    soon = timezone.now() + timedelta(minutes=59)
    yield "cancelled", factories.flight(status="cancelled")
    yield "departed", factories.flight(status="departed")
    yield "about to depart", factories.flight(departs_at=soon)
    yield "gone", factories.flight(departs_at=timezone.now() - timedelta(minutes=1))
    closed = factories.flight()
    FlightCabin.objects.filter(flight=closed).update(on_sale=False)
    yield "closed", closed


def test_flights_that_are_not_on_sale_are_refused(acme):
    for why, flight in closed_flights():
        before = database()
        response = acme.post("/api/v1/bookings", booking_body(flight))
        assert response.json()["code"] == "flight_closed", why
        assert response.status_code == 409
        assert database() == before


def test_a_delayed_flight_is_still_sold_until_an_hour_before(acme):
    book(acme, factories.flight(status="delayed", departs_at=timezone.now() + timedelta(minutes=61)))


def test_an_unknown_flight_is_not_found(acme, flight):
    body = {"flights": [{"event_id": "0198a3f0-7e3c-7aaa-8bbb-000000000000"}]}
    refused(acme.post("/api/v1/bookings", body), 404, "flight_not_found")
    body = {"flights": [{"event_id": str(flight.pk), "cabin": "F"}]}
    refused(acme.post("/api/v1/bookings", body), 404, "flight_not_found")


def test_a_full_flight_whose_holds_ran_out_is_sold_at_once_without_a_sweep(acme, zenith):
    flight = factories.flight(seats=9)
    old = book(zenith, flight, seats=9)
    refused(acme.post("/api/v1/bookings", booking_body(flight)), 409, "not_enough_seats")
    let_hold_run_out(old["booking_id"])
    book(acme, flight, seats=9)
    assert counters(flight) == {"sold": 0, "held": 9, "free": 0}
    assert actions_logged(old)[-1] == "booking.canceled"


def test_several_full_flights_whose_holds_ran_out_are_sold_at_once(acme, zenith):
    there, back = factories.flight(seats=2), factories.flight("LAX", "JFK", seats=2)
    let_hold_run_out(*(book(zenith, flight, seats=2)["booking_id"] for flight in (there, back)))
    book(acme, there, back, seats=2)
    assert counters(there) == counters(back) == {"sold": 0, "held": 2, "free": 0}


def test_a_sold_out_flight_stays_so_beside_overdue_holds_of_others(acme):
    full, other = factories.flight(seats=1), factories.flight(seats=1)
    confirmed(acme, full)
    let_hold_run_out(book(acme, other)["booking_id"])
    refused(acme.post("/api/v1/bookings", booking_body(full)), 409, "not_enough_seats")
    assert counters(other)["held"] == 1
