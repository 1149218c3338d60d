"""Several callers act on one booking: one of them wins, whole, and seats return exactly once."""

import random
import threading
import time
from datetime import timedelta

from django.utils import timezone

from bookings.expiry import sweep
from bookings.models import Booking
from tests.bookings.sales import act, actions_logged, book, change, confirmed, counters, query
from tests.concurrency.racing import outcomes, together

ALL_FREE = {"sold": 0, "held": 0, "free": 100}


def status_of(booking) -> str:
    return Booking.objects.get(pk=booking["booking_id"]).status


def test_confirm_and_expiry_at_one_moment(acme, flight):
    """The sweep's clock stands past the deadline, the confirmation's before it: whoever is first wins."""
    for _ in range(25):
        booking = book(acme, flight, seats=2)
        past = timezone.now() + timedelta(hours=1)
        calls = [lambda b=booking: act(acme, b, "confirm"), lambda at=past: sweep(at=at)]
        reply, swept = together(calls)
        if reply.status_code == 200:
            assert (swept, status_of(booking)) == (0, "confirmed")
            assert act(acme, booking, "refund").status_code == 200
        else:
            assert outcomes([reply]) == {(409, "hold_expired"): 1}
            assert (swept, status_of(booking)) == (1, "canceled")
        assert counters(flight) == ALL_FREE


def test_confirm_at_the_deadline_by_the_clock(partner, flight):
    """Each of many bookings is confirmed within a few hundredths of a second of its deadline, while a sweep runs."""
    bookings = [book(partner, flight) for _ in range(30)]
    deadline = timezone.now() + timedelta(seconds=0.4)
    query("UPDATE bookings_booking SET expires_at = %s", deadline)
    query("UPDATE flights_seathold SET expires_at = %s", deadline)

    def confirm_late(booking):
        time.sleep(max(0, (deadline - timezone.now()).total_seconds() + random.uniform(-0.1, 0.05)))
        return act(partner, booking, "confirm")

    def keep_sweeping():
        while timezone.now() < deadline + timedelta(seconds=0.5):
            sweep(at=timezone.now())

    replies = together([*(lambda b=b: confirm_late(b) for b in bookings), keep_sweeping, keep_sweeping])[:-2]
    sold = sum(reply.status_code == 200 for reply in replies)
    assert set(outcomes(replies)) <= {200, (409, "hold_expired")}
    assert counters(flight) == {"sold": sold, "held": 0, "free": 100 - sold}
    for booking, reply in zip(bookings, replies, strict=True):
        assert status_of(booking) == ("confirmed" if reply.status_code == 200 else "canceled")


def test_confirming_in_parallel_issues_once(partner, flight):
    for _ in range(5):
        booking = book(partner, flight, seats=2)
        replies = together([lambda b=booking: act(partner, b, "confirm")] * 8)
        assert outcomes(replies) == {200: 8}
        assert len({reply.content for reply in replies}) == 1
        assert actions_logged(booking) == ["booking.pending", "booking.confirmed"]
    assert counters(flight) == {"sold": 10, "held": 0, "free": 90}


def test_cancelling_twenty_times_in_parallel_returns_the_seats_once(partner, flight):
    others = confirmed(partner, flight, seats=9)
    for sell in (book, confirmed):
        booking = sell(partner, flight, seats=3)
        assert outcomes(together([lambda b=booking: act(partner, b, "cancel")] * 20)) == {200: 20}
        assert counters(flight) == {"sold": 9, "held": 0, "free": 91}
        assert actions_logged(booking).count("booking.canceled") == 1
    assert status_of(others) == "confirmed"


def test_cancel_refund_and_change_in_parallel_return_the_seats_once(partner, flight):
    for _ in range(12):
        booking = confirmed(partner, flight, seats=2)
        calls = [
            lambda b=booking: act(partner, b, "cancel"),
            lambda b=booking: act(partner, b, "refund"),
            lambda b=booking: change(partner, b, seats=5),
            lambda b=booking: change(partner, b, seats=1),
            lambda b=booking: act(partner, b, "confirm"),
        ]
        random.shuffle(calls)
        replies = together(calls)
        assert {reply.status_code for reply in replies} <= {200, 409}
        ends = [action for action in actions_logged(booking) if action in ("booking.canceled", "booking.refunded")]
        assert ends == [f"booking.{status_of(booking)}"]
        assert counters(flight) == ALL_FREE


def test_control_returning_seats_without_a_lock_returns_them_twice(acme, flight):
    """Look at the status, then give back: two callers both see the booking confirmed."""
    booking = confirmed(acme, flight, seats=2)
    confirmed(acme, flight, seats=9)
    both_have_looked = threading.Barrier(2)

    def cancel_naively():
        if status_of(booking) == "confirmed":
            both_have_looked.wait(10)
            query("UPDATE flights_flightcabin SET sold = sold - 2, free = free + 2 WHERE flight_id = %s", flight.pk)

    together([cancel_naively] * 2)
    assert counters(flight) == {"sold": 7, "held": 0, "free": 93}
    query("UPDATE flights_flightcabin SET sold = 11, free = 89 WHERE flight_id = %s", flight.pk)  # as it should be
