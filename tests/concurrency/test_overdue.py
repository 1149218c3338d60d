"""Seats whose hold has run out are sold at once, without a sweep, and only once."""

from tests import factories
from tests.bookings.sales import actions_logged, book, booking_body, counters, let_hold_run_out
from tests.concurrency.racing import outcomes, together


def full_of_overdue_holds(api):
    """Make a flight whose nine seats are held by three bookings that have run out."""
    flight = factories.flight(seats=9)
    overdue = [book(api, flight, seats=3) for _ in range(3)]
    let_hold_run_out(*(booking["booking_id"] for booking in overdue))
    return flight, overdue


def test_two_callers_share_what_has_run_out(partner, zenith):
    for _ in range(8):
        flight, overdue = full_of_overdue_holds(zenith)
        sizes = (5, 4)
        calls = [lambda n=n, f=flight: partner.post("/api/v1/bookings", booking_body(f, seats=n)) for n in sizes]
        assert outcomes(together(calls)) == {201: 2}
        assert counters(flight) == {"sold": 0, "held": 9, "free": 0}
        assert all(actions_logged(b) == ["booking.pending", "booking.canceled"] for b in overdue)


def test_many_callers_get_as_many_seats_as_have_run_out(partner, zenith):
    flight, _ = full_of_overdue_holds(zenith)
    replies = together([lambda: partner.post("/api/v1/bookings", booking_body(flight))] * 30)
    assert outcomes(replies) == {201: 9, (409, "not_enough_seats"): 21}
    assert counters(flight) == {"sold": 0, "held": 9, "free": 0}
