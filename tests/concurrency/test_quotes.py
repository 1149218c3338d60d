"""One quote is confirmed once, and against a change of its booking either it holds to the letter or it is refused."""

import random

from bookings.models import Booking, Quote
from skybridge.models import Event
from tests import factories
from tests.bookings.sales import act, actions_logged, change, confirmed, counters, query
from tests.concurrency.racing import outcomes, together

ALL_FREE = {"sold": 0, "held": 0, "free": 100}


def quote(api, booking, kind="cancellations", **body) -> str:
    """Make a quote and return the path that confirms it."""
    path = f"/api/v1/bookings/{booking['booking_id']}/{kind}"
    response = api.post(path, body)
    assert response.status_code == 201, response.content
    return f"{path}/{response.json()['quote_id']}/confirm"


def test_confirming_one_quote_in_parallel_happens_once(partner, flight):
    for _ in range(5):
        booking = confirmed(partner, flight, seats=3)
        path = quote(partner, booking, ticket_ids=[booking["tickets"][0]["ticket_id"]])
        replies = together([lambda p=path: partner.post(p)] * 8)
        assert outcomes(replies) == {200: 8}
        assert len({reply.content for reply in replies}) == 1
        assert actions_logged(booking).count("booking.partly_canceled") == 1
    assert counters(flight) == {"sold": 10, "held": 0, "free": 90}


def test_confirming_one_change_in_parallel_moves_once(partner, flight):
    for _ in range(3):
        booking = confirmed(partner, flight)
        path = quote(partner, booking, "changes", seats=3)
        assert outcomes(together([lambda p=path: partner.post(p)] * 6)) == {200: 6}
        assert actions_logged(booking).count("booking.changed") == 1
    assert counters(flight) == {"sold": 9, "held": 0, "free": 91}


def test_a_quote_is_confirmed_or_the_booking_changed_but_not_both(partner, flight):
    """Whoever is second meets another booking: the quote is stale, or the booking cannot be changed any more."""
    stale = 0
    for _ in range(12):
        booking = confirmed(partner, flight, seats=2)
        path = quote(partner, booking)
        calls = [lambda p=path: partner.post(p), lambda b=booking: change(partner, b, seats=5)]
        random.shuffle(calls)
        found = outcomes(together(calls))
        assert found in ({200: 1, (409, "quote_stale"): 1}, {200: 1, (409, "cannot_change"): 1})
        stale += (409, "quote_stale") in found
        status = "confirmed" if (409, "quote_stale") in found else "canceled"
        assert Booking.objects.get(pk=booking["booking_id"]).status == status
        act(partner, booking, "cancel")
    assert counters(flight) == ALL_FREE
    assert Quote.objects.filter(confirmed_at=None).count() == stale


def test_two_quotes_of_one_booking_leave_one_open(partner, flight):
    booking = confirmed(partner, flight, seats=2)
    path = f"/api/v1/bookings/{booking['booking_id']}"
    calls = [lambda: partner.post(f"{path}/cancellations", {}), lambda: partner.post(f"{path}/changes", {"seats": 1})]
    assert outcomes(together(calls * 4)) == {201: 8}
    assert Quote.objects.filter(is_superseded=False).count() == 1
    assert actions_logged(booking) == ["booking.pending", "booking.confirmed"]


def test_quotes_of_the_last_seat_are_confirmed_for_one(partner):
    small = factories.flight(seats=3)
    bookings = [confirmed(partner, small) for _ in range(2)]
    paths = [quote(partner, booking, "changes", seats=2) for booking in bookings]
    found = outcomes(together([lambda p=path: partner.post(p) for path in paths]))
    assert found == {200: 1, (409, "not_enough_seats"): 1}
    assert counters(small) == {"sold": 3, "held": 0, "free": 0}


def test_control_without_the_version_a_quote_would_cancel_another_booking_than_it_priced(partner, flight):
    """Had the quote only its price to go by, a booking with other passengers at the same price would pass."""
    booking = confirmed(partner, flight, seats=2)
    path = quote(partner, booking)
    assert change(partner, booking, passengers=[{"surname": "Hopper"}]).status_code == 200
    query("UPDATE bookings_quote SET booking_version = booking_version + 1")
    assert partner.post(path).status_code == 200
    assert Event.objects.filter(action="booking.canceled").count() == 1
