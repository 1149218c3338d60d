"""One `Idempotency-Key` from many threads: one effect, one answer."""

import pytest

from tests import factories
from tests.bookings.sales import book, booking_body, counters, query
from tests.concurrency.racing import outcomes, together

THREADS = 50


def of_one_key(replies, status: int) -> None:
    """Assert that all answers are the first one, byte for byte, or say that it is still running."""
    answers = {reply.content for reply in replies if reply.status_code == status}
    others = [reply for reply in replies if reply.status_code != status]
    assert len(answers) == 1
    assert set(outcomes(others)) <= {(409, "request_in_progress")}
    assert all(reply.headers["Retry-After"] for reply in others)
    first = [r for r in replies if r.status_code == status and r.headers["Idempotent-Replayed"] is None]
    assert len(first) == 1


@pytest.mark.parametrize("flights", [1, 2])
def test_one_booking(partner, flights):
    wanted = [factories.flight(), factories.flight("LAX", "JFK")][:flights]
    body = booking_body(*wanted, seats=2)
    replies = together([lambda: partner.post("/api/v1/bookings", body, Idempotency_Key="k-1")] * THREADS)
    of_one_key(replies, 201)
    assert query("SELECT count(*) FROM bookings_booking") == [(1,)]
    assert counters(wanted[-1])["held"] == 2
    later = partner.post("/api/v1/bookings", body, Idempotency_Key="k-1")
    assert later.content in {reply.content for reply in replies}


@pytest.mark.parametrize("path", ["/booking", "/api/v1/bookings"])
def test_one_empty_booking(partner, path):
    replies = together([lambda: partner.post(path, {}, Idempotency_Key="k-2")] * THREADS)
    of_one_key(replies, 201)
    assert query("SELECT count(*) FROM bookings_booking") == [(1,)]


def test_one_confirmation(partner, flight):
    path = f"/api/v1/bookings/{book(partner, flight)['booking_id']}/confirm"
    of_one_key(together([lambda: partner.post(path, Idempotency_Key="k-3")] * THREADS), 200)
    assert query("SELECT count(*) FROM skybridge_event WHERE action = 'booking.confirmed'") == [(1,)]


def test_one_refusal(partner):
    full = factories.flight(seats=1)
    body = booking_body(full, seats=2)
    replies = together([lambda: partner.post("/api/v1/bookings", body, Idempotency_Key="k-4")] * THREADS)
    assert set(outcomes(replies)) <= {(409, "not_enough_seats"), (409, "request_in_progress")}
    assert len({reply.content for reply in replies if reply.json()["code"] == "not_enough_seats"}) == 1


def test_one_last_seat_for_two_keys(partner):
    flight = factories.flight(seats=1)
    body = booking_body(flight)
    calls = [
        lambda key=f"k-{place % 2}": partner.post("/api/v1/bookings", body, Idempotency_Key=key) for place in range(40)
    ]
    replies = together(calls)
    assert len({reply.json()["booking_id"] for reply in replies if reply.status_code == 201}) == 1
    assert set(outcomes(replies)) <= {201, (409, "not_enough_seats"), (409, "request_in_progress")}


def test_control_without_a_key_each_call_books(partner, flight):
    body = booking_body(flight)
    replies = together([lambda: partner.post("/api/v1/bookings", body)] * THREADS)
    assert outcomes(replies) == {201: THREADS}
    assert query("SELECT count(*) FROM bookings_booking") == [(THREADS,)]
