"""Seats whose hold has run out are sold at once, without a sweep, and only once."""

import pytest

from tests import factories
from tests.bookings.sales import actions_logged, book, booking_body, counters, let_hold_run_out
from tests.concurrency.racing import outcomes, together


def full_of_overdue_holds(api, sizes=(3, 3, 3)):
    """Make a flight whose nine seats are held by bookings that have run out."""
    flight = factories.flight(seats=9)
    overdue = [book(api, flight, seats=seats) for seats in sizes]
    let_hold_run_out(*(booking["booking_id"] for booking in overdue))
    return flight, overdue


@pytest.mark.parametrize("sizes", [(9,), (3, 3, 3)])
def test_two_callers_share_what_has_run_out(partner, zenith, sizes):
    for _ in range(8):
        flight, overdue = full_of_overdue_holds(zenith, sizes)
        calls = [lambda n=n, f=flight: partner.post("/api/v1/bookings", booking_body(f, seats=n)) for n in (5, 4)]
        replies = together(calls)
        assert [reply.status_code for reply in replies] == [201, 201]
        assert counters(flight) == {"sold": 0, "held": 9, "free": 0}
        assert all(actions_logged(b) == ["booking.pending", "booking.canceled"] for b in overdue)


def test_many_callers_never_get_more_seats_than_have_run_out(partner, zenith):
    flight, overdue = full_of_overdue_holds(zenith)
    replies = together([lambda: partner.post("/api/v1/bookings", booking_body(flight))] * 30)
    sold = sum(reply.status_code == 201 for reply in replies)
    assert set(outcomes(replies)) == {201, (409, "not_enough_seats")}
    assert 1 <= sold <= 9
    assert counters(flight) == {"sold": 0, "held": sold, "free": 9 - sold}
    assert all(actions_logged(b) == ["booking.pending", "booking.canceled"] for b in overdue)
