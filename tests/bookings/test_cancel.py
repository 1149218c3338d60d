"""Cancelling voids the tickets and gives the seats back, once."""

import pytest

from tests import factories
from tests.bookings.sales import act, actions_logged, book, confirmed, counters, coupons_of, database, query, refused

ALL_FREE = {"sold": 0, "held": 0, "free": 100}


@pytest.mark.parametrize("sell", [book, confirmed])
def test_cancel_gives_all_seats_back_and_voids_the_tickets(acme, flight, sell):
    back = factories.flight("LAX", "JFK")
    booking = sell(acme, flight, back, passengers=["ADT", "ADT", "INF"])
    response = act(acme, booking, "cancel")
    assert (response.status_code, response.json()["status"]) == (200, "canceled")
    assert response.json()["available_actions"] == []
    assert counters(flight) == counters(back) == ALL_FREE
    assert coupons_of(booking) == ["V"] * 6
    assert [ticket["status"] for ticket in response.json()["tickets"]] == ["void"] * 3
    assert actions_logged(booking)[-1] == "booking.canceled"


@pytest.mark.parametrize("path", ["/cancel", "/api/v1/mgmt/bookings/{}/cancel", "/api/v1/bookings/{}/cancel"])
def test_cancelling_again_by_any_door_answers_200_and_does_nothing(acme, flight, path):
    booking = confirmed(acme, flight, seats=2)
    act(acme, booking, "cancel")
    before = database()
    body = {"bookingId": booking["booking_id"]} if path == "/cancel" else None
    response = acme.post(path.format(booking["booking_id"]), body)
    assert (response.status_code, response.json()["status"]) == (200, "canceled")
    assert database() == before


def test_an_empty_booking_can_be_canceled(acme):
    empty = acme.post("/api/v1/bookings", {}).json()
    assert act(acme, empty, "cancel").json()["status"] == "canceled"


def test_a_refunded_booking_cannot_be_canceled(acme, flight):
    booking = confirmed(acme, flight)
    act(acme, booking, "refund")
    before = database()
    refused(act(acme, booking, "cancel"), 409, "action_not_allowed")
    assert database() == before


def test_a_passenger_who_has_checked_in_keeps_the_booking(acme, flight):
    booking = confirmed(acme, flight, seats=2)
    query("UPDATE ticketing_coupon SET status = 'C' WHERE id = (SELECT id FROM ticketing_coupon LIMIT 1)")
    before = database()
    for action in ("cancel", "refund"):
        refused(act(acme, booking, action), 409, "action_not_allowed")
    assert database() == before


def test_canceled_seats_can_be_sold_again(acme, zenith):
    flight = factories.flight(seats=1)
    act(acme, confirmed(acme, flight), "cancel")
    confirmed(zenith, flight)
    assert counters(flight) == {"sold": 1, "held": 0, "free": 0}
