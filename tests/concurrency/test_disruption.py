"""A flight is cancelled while its bookings are confirmed, cancelled and sold, and by two people at once."""

from contextlib import contextmanager
from datetime import timedelta
from threading import Thread
from uuid import UUID

import pytest
from django.db import connection, transaction
from django.utils import timezone

from bookings.confirmation import write_confirmations
from bookings.documents import read_bookings
from orders.disruption import services as disruption
from orders.disruption.planning import Change
from orders.models import DisruptedBooking, Disruption
from orders.sales import NewOrder, place_order
from partners.callers import Caller
from skybridge.events import Actor
from tests import factories
from tests.bookings.sales import act, book, booking_body, confirmed, counters, query
from tests.concurrency.racing import PATIENCE, outcomes, together, verify_invariants
from ticketing.seats import lock_departure

STAFF = Actor("staff", "1", "api")
STRANDED = """SELECT count(*) FROM ticketing_coupon k JOIN ticketing_ticket t ON t.id = k.ticket_id
    JOIN bookings_booking b ON b.id = t.booking_id
    WHERE k.flight_id = %s AND b.status = 'confirmed' AND k.status = 'O'"""


@pytest.fixture(autouse=True)
def _own_objects(settings, tmp_path):
    settings.STORAGE_DIRECTORY = tmp_path / "objects"


@pytest.fixture
def after(flight):
    return factories.flight("JFK", "LAX", departs_at=flight.departs_at + timedelta(hours=2))


def cancel(flight) -> dict:
    return disruption.cancel_flights([flight.pk], "storm", actor=STAFF, at=timezone.now())


def test_confirmations_race_with_a_cancellation(partner, flight, after):
    held = [book(partner, flight) for _ in range(12)]
    together([lambda: cancel(flight), *(lambda b=b: act(partner, b, "confirm") for b in held)])
    assert query(STRANDED, flight.pk) == [(0,)]
    assert counters(flight)["sold"] == 0
    assert counters(after)["sold"] == DisruptedBooking.objects.count()
    verify_invariants()


def test_cancellations_and_sales_race_with_a_cancellation(partner, flight, after):
    sold = [confirmed(partner, flight, seats=2) for _ in range(10)]
    calls = [lambda: cancel(flight)]
    calls += [lambda b=b: act(partner, b, "cancel") for b in sold[:5]]
    calls += [lambda: partner.post("/api/v1/bookings", booking_body(flight)) for _ in range(5)]
    together(calls)
    assert query(STRANDED, flight.pk) == [(0,)]
    assert counters(flight)["sold"] == 0
    verify_invariants()


def test_two_people_cancel_at_once(partner, flight, after):
    for _ in range(8):
        confirmed(partner, flight, seats=2)
    done = together([lambda: cancel(flight)] * 4)
    assert {one["outcome"]["rebooked"]["passengers"] for one in done} == {16}
    assert (Disruption.objects.count(), DisruptedBooking.objects.count()) == (1, 8)
    assert (counters(flight)["sold"], counters(after)["sold"]) == (0, 16)
    verify_invariants()


def test_the_last_seats_elsewhere_are_given_once(partner, flight):
    after = factories.flight("JFK", "LAX", departs_at=flight.departs_at + timedelta(hours=2), seats=6)
    for _ in range(4):
        confirmed(partner, flight, seats=2)
    replies = together([lambda: cancel(flight)] + [lambda: partner.post("/api/v1/bookings", booking_body(after))] * 6)
    rebooked = DisruptedBooking.objects.filter(status="rebooked").count()
    seats = counters(after)
    assert seats["sold"] == 2 * rebooked
    assert seats["sold"] + seats["held"] + seats["free"] == 6
    assert set(outcomes(replies[1:])) <= {201, (409, "not_enough_seats")}
    verify_invariants()


def test_two_workers_write_what_one_would(partner, flight, after):
    other = factories.flight("JFK", "SEA", departs_at=flight.departs_at)
    later = factories.flight("JFK", "SEA", departs_at=flight.departs_at + timedelta(hours=2))
    for made in (flight, other) * 3:
        confirmed(partner, made)
    flights = [flight.pk, other.pk]
    done = disruption.cancel_flights(flights, "storm", actor=STAFF, at=timezone.now(), workers=2)
    assert done["outcome"]["rebooked"]["passengers"] == 6
    assert (counters(after)["sold"], counters(later)["sold"]) == (3, 3)
    verify_invariants()


@pytest.mark.parametrize("is_guarded", [True, False])
def test_who_read_a_booking_before_the_cancellation_cannot_confirm_it(partner, flight, after, monkeypatch, is_guarded):
    held = book(partner, flight)
    [as_read] = read_bookings([held["booking_id"]])
    if not is_guarded:
        monkeypatch.setattr(disruption, "touch_pending", lambda ids, at: None)
    with transaction.atomic():
        cancel(flight)
        sold = write_confirmations([as_read], actor=STAFF, at=timezone.now())
        assert sold == (0 if is_guarded else 1)
        assert query(STRANDED, flight.pk) == [(0 if is_guarded else 1,)]
        transaction.set_rollback(True)


@contextmanager
def meanwhile(call):
    """Run a call in a thread that finds what is done here not committed yet; it ends after that."""
    with transaction.atomic():
        yield
        thread = Thread(target=lambda: (call(), connection.close()))
        thread.start()
        thread.join(1)  # it waits for a lock, or has gone on without
    thread.join(PATIENCE)
    assert not thread.is_alive()


def change_aircraft(flight, **cabins: int) -> dict:
    change = Change("aircraft", "technical", aircraft_type="A319", cabins=cabins)
    return disruption.disrupt(flight.pk, change, actor=STAFF, at=timezone.now())


def test_a_hold_that_is_ordered_at_this_moment_stays(partner, flight):
    confirmed(partner, flight, seats=4)
    held = book(partner, flight, seats=3)
    wanted = NewOrder(UUID(partner.id), "", {}, [UUID(held["booking_id"])])
    with meanwhile(lambda: change_aircraft(flight, Y=5)):
        place_order(wanted, caller=Caller("staff", "1", "api", is_staff=True))
    assert query("SELECT status FROM bookings_booking WHERE id = %s", held["booking_id"]) == [("pending",)]


def test_a_seat_that_is_given_while_the_aircraft_changes_is_cleared(partner, flight):
    confirmed(partner, flight)
    with meanwhile(lambda: change_aircraft(flight, Y=50)):
        lock_departure(flight.pk)
        query("UPDATE ticketing_coupon SET seat = '49A'")
    assert query("SELECT seat FROM ticketing_coupon") == [(None,)]
