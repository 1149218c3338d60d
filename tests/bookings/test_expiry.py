"""A hold counts until its deadline, and not a moment longer, whether or not anything has swept it."""

from django.utils import timezone

from bookings.expiry import sweep
from bookings.tasks import expire_holds
from tests import factories
from tests.bookings.sales import (
    act,
    actions_logged,
    book,
    change,
    confirmed,
    counters,
    coupons_of,
    database,
    let_hold_run_out,
    refused,
)


def test_at_its_deadline_a_booking_reads_as_canceled_and_its_seats_as_free(acme, flight):
    booking = book(acme, flight, seats=4)
    let_hold_run_out(booking["booking_id"])
    read = acme.get(f"/api/v1/bookings/{booking['booking_id']}").json()
    assert (read["status"], read["available_actions"]) == ("canceled", [])
    assert [ticket["status"] for ticket in read["tickets"]] == ["void"] * 4
    available = acme.get(f"/api/v1/tickets/event/{flight.pk}/available").json()
    assert available == {"event_id": str(flight.pk), "available": 100}


def test_lists_know_the_deadline_too(acme, flight):
    overdue, pending = book(acme, flight), book(acme, flight)
    let_hold_run_out(overdue["booking_id"])

    def listed(status):
        found = acme.get(f"/api/v1/bookings?status={status}").json()["bookings"]
        return [booking["booking_id"] for booking in found]

    assert listed("pending") == [pending["booking_id"]]
    assert listed("canceled") == [overdue["booking_id"]]


def test_search_offers_seats_whose_hold_has_run_out(acme):
    flight = factories.flight(seats=2)
    booking = book(acme, flight, seats=2)
    path = f"/searchFlights?departureCity=JFK&destinationCity=LAX&departureDate={flight.departure_date}"
    assert acme.get(path).json() == []
    let_hold_run_out(booking["booking_id"])
    [found] = acme.get(path).json()
    assert found["seatAvailability"] == 2


def test_sweeping_cancels_overdue_bookings_only(acme, flight):
    overdue = [book(acme, flight, seats=2) for _ in range(3)]
    pending, sold = book(acme, flight), confirmed(acme, flight)
    let_hold_run_out(*(booking["booking_id"] for booking in overdue))
    expire_holds()
    assert counters(flight) == {"sold": 1, "held": 1, "free": 98}
    for booking in overdue:
        assert actions_logged(booking)[-1] == "booking.canceled"
        assert coupons_of(booking) == ["V", "V"]
    assert [actions_logged(booking)[-1] for booking in (pending, sold)] == ["booking.pending", "booking.confirmed"]


def test_sweeping_again_does_nothing(acme, flight):
    let_hold_run_out(book(acme, flight)["booking_id"])
    assert sweep(at=timezone.now()) == 1
    before = database()
    assert sweep(at=timezone.now()) == 0
    assert database() == before


def test_more_than_a_batch_is_swept(acme, flight, monkeypatch):
    monkeypatch.setattr("bookings.expiry.BATCH", 2)
    let_hold_run_out(*(book(acme, flight)["booking_id"] for _ in range(5)))
    assert sweep(at=timezone.now()) == 5
    assert counters(flight)["free"] == 100


def test_canceling_what_has_run_out_answers_200_and_leaves_it_to_the_sweep(acme, flight):
    booking = book(acme, flight)
    let_hold_run_out(booking["booking_id"])
    assert act(acme, booking, "cancel").json()["status"] == "canceled"
    expire_holds()
    assert counters(flight)["free"] == 100


def test_what_has_run_out_cannot_be_changed(acme, flight):
    booking = book(acme, flight)
    let_hold_run_out(booking["booking_id"])
    before = database()
    for fields in ({"seats": 2}, {"passengers": [{"surname": "Hopper"}]}):
        refused(change(acme, booking, **fields), 409, "hold_expired")
    assert database() == before


def test_a_change_takes_seats_whose_hold_has_run_out(acme, zenith):
    flight = factories.flight(seats=4)
    mine, theirs = book(acme, flight), book(zenith, flight, seats=3)
    refused(change(acme, mine, seats=4), 409, "not_enough_seats")
    let_hold_run_out(theirs["booking_id"])
    assert change(acme, mine, seats=4).json()["seats"] == 4
    assert counters(flight) == {"sold": 0, "held": 4, "free": 0}
