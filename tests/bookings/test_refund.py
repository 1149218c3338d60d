"""Refunding gives back what the fare rules say, on the day of issue everything, and the seats."""

import pytest

from tests import factories
from tests.bookings.sales import act, actions_logged, book, change, confirmed, counters, coupons_of, database, refused


def test_refund_gives_back_the_price_and_the_seats(acme, flight):
    back = factories.flight("LAX", "JFK")
    booking = confirmed(acme, flight, back, passengers=["ADT", "CHD", "INF"])
    response = act(acme, booking, "refund")
    refunded = response.json()
    assert (response.status_code, refunded["status"]) == (200, "refunded")
    assert refunded["refunded_amount"] == booking["total_amount"] > 0
    assert counters(flight) == counters(back) == {"sold": 0, "held": 0, "free": 100}
    assert coupons_of(booking) == ["R"] * 6
    assert [ticket["status"] for ticket in refunded["tickets"]] == ["refunded"] * 3
    assert actions_logged(booking)[-1] == "booking.refunded"


def test_what_was_given_up_before_is_refunded_once(acme, flight):
    booking = confirmed(acme, flight, seats=3)
    changed = change(acme, booking, seats=1).json()
    assert changed["refunded_amount"] == pytest.approx(booking["total_amount"] / 3 * 2)
    refunded = act(acme, booking, "refund").json()
    assert refunded["refunded_amount"] == booking["total_amount"]
    assert coupons_of(booking) == ["R", "R", "R"]


def test_refunding_again_answers_the_same_and_does_nothing(acme, flight):
    booking = confirmed(acme, flight)
    first = act(acme, booking, "refund")
    before = database()
    assert act(acme, booking, "refund").content == first.content
    assert database() == before


def test_only_a_confirmed_booking_is_refunded(acme, flight):
    empty, pending = acme.post("/api/v1/bookings", {}).json(), book(acme, flight)
    canceled = act(acme, confirmed(acme, flight), "cancel").json()
    before = database()
    for booking in (empty, pending, canceled):
        response = act(acme, booking, "refund")
        refused(response, 409, "action_not_allowed")
        assert response.json()["booking_status"] == booking["status"]
    assert database() == before
