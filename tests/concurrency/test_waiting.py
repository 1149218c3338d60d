"""Who waits for a lock is told to come back after three seconds; who needs none does not wait."""

import time

import pytest
from django.db import transaction

from bookings.models import Booking
from flights.models import FlightCabin
from tests import factories
from tests.bookings.sales import act, book, booking_body, confirmed, database
from tests.concurrency.racing import outcomes, together


def timed(call):
    began_at = time.monotonic()
    return call(), time.monotonic() - began_at


def test_a_lock_is_waited_for_three_seconds(partner, flight):
    """On a flight's cabin: book, confirm, refund. On a booking: cancel.

    Two at a time: one worker may get both, and has two threads. One caller per row: in a queue PostgreSQL counts the
    wait for one's turn and the wait for the row one by one.
    """
    pending, sold = book(partner, factories.flight()), confirmed(partner, factories.flight())
    canceling = book(partner, factories.flight())
    body = booking_body(flight)
    before = database()
    calls = [
        lambda: partner.post("/api/v1/bookings", body, Idempotency_Key="k"),
        lambda: act(partner, canceling, "cancel"),
        lambda: act(partner, pending, "confirm"),
        lambda: act(partner, sold, "refund"),
    ]
    with transaction.atomic():
        list(Booking.objects.filter(pk=canceling["booking_id"]).select_for_update())
        list(FlightCabin.objects.select_for_update())
        timings = [lambda call=call: timed(call) for call in calls]
        replies = together(timings[:2]) + together(timings[2:])
    assert outcomes(reply for reply, _ in replies) == {(503, "busy"): 4}
    assert all(reply.headers["Retry-After"] == "1" for reply, _ in replies)
    assert [round(seconds) for _, seconds in replies] == [3] * 4
    assert database() == before
    assert partner.post("/api/v1/bookings", body, Idempotency_Key="k").status_code == 201


@pytest.mark.parametrize(
    "path", ["/searchFlights?departureCity=JFK&destinationCity=LAX&departureDate={}", "/api/v1/bookings"]
)
def test_readers_do_not_wait(partner, flight, path):
    book(partner, flight)
    with transaction.atomic():
        list(FlightCabin.objects.select_for_update())
        list(Booking.objects.select_for_update())
        reply, seconds = timed(lambda: partner.get(path.format(flight.departure_date)))
    assert (reply.status_code, seconds < 1) == (200, True)


def test_a_sold_out_flight_refuses_without_waiting(partner):
    full = factories.flight(seats=1)
    confirmed(partner, full)
    with transaction.atomic():
        list(FlightCabin.objects.select_for_update())
        reply, seconds = timed(lambda: partner.post("/api/v1/bookings", booking_body(full)))
    assert outcomes([reply]) == {(409, "not_enough_seats"): 1}
    assert seconds < 1
