"""A delayed or retimed flight: who is told, who has to choose, and which times it may have."""

from datetime import timedelta

import pytest

from flights.models import Flight
from orders.exceptions import FlightExists
from orders.models import DisruptedBooking, Disruption
from tests import factories
from tests.bookings.sales import confirmed, refused
from tests.concurrency.racing import verify_invariants
from tests.orders import shop
from tests.orders.disrupting import cancel, choices, flights_of, later, move, statuses

pytestmark = pytest.mark.django_db


def test_a_short_delay_is_told(acme, flight):
    booking = confirmed(acme, flight)
    assert move(flight, hours=1)["outcome"]["accepted"]["bookings"] == 1
    now = Flight.objects.get(pk=flight.pk)
    assert (now.status, now.departs_at) == ("delayed", flight.departs_at + timedelta(hours=1))
    assert statuses() == {booking["booking_id"]: "accepted"}
    assert choices(acme, booking) == []
    verify_invariants()


def test_a_long_delay_leaves_a_choice(acme, flight):
    booking = confirmed(acme, flight)
    move(flight, hours=2)
    move(flight, hours=3)  # not two and three: three after the plan
    assert [row.status for row in DisruptedBooking.objects.order_by("pk")] == ["accepted", "waiting"]
    assert choices(acme, booking) == ["accept", "rebook", "refund"]
    assert flights_of(booking)[0][0] == flight.pk
    verify_invariants()


def test_a_delay_again_changes_nothing(acme, flight):
    confirmed(acme, flight)
    done = move(flight, hours=4)
    before = shop.everything(), list(Disruption.objects.values()), list(DisruptedBooking.objects.values())
    assert move(flight, hours=4) == done
    assert (shop.everything(), list(Disruption.objects.values()), list(DisruptedBooking.objects.values())) == before


def test_a_delay_breaks_a_connection(acme, flight, onward):
    evening = later(onward, 4)
    booking = confirmed(acme, flight, onward)
    move(flight, minutes=100)
    assert [row[0] for row in flights_of(booking)] == [flight.pk, evening.pk]
    assert statuses() == {booking["booking_id"]: "rebooked"}
    verify_invariants()


def test_a_delay_keeps_the_date_and_a_retiming_moves_it(acme, flight):
    delayed, retimed = later(flight, 1), later(flight, 1)
    move(delayed, hours=24)
    move(retimed, "retime", hours=24)
    days = {pk: Flight.objects.get(pk=pk).departure_date - flight.departure_date for pk in (delayed.pk, retimed.pk)}
    assert days[retimed.pk] - days[delayed.pk] == timedelta(days=1)
    assert Flight.objects.get(pk=retimed.pk).status == "scheduled"


def test_a_retiming_onto_the_same_number_is_refused(acme, flight):
    factories.flight(number=123, departs_at=flight.departs_at + timedelta(days=1))
    before = shop.everything()
    with pytest.raises(FlightExists):
        move(flight, "retime", days=1)
    assert shop.everything() == before


def test_a_longer_disruption_takes_the_place_of_one_that_waits(acme, flight):
    booking = confirmed(acme, flight)
    move(flight, hours=4)
    after = later(flight, 8)
    cancel(flight)
    assert [row.status for row in DisruptedBooking.objects.order_by("pk")] == ["superseded", "rebooked"]
    assert flights_of(booking)[0][0] == after.pk


@pytest.mark.parametrize(
    ("departs_at", "arrives_at", "field"),
    [("2020-01-01T00:00Z", "2020-01-01T05:00Z", "departs_at"), ("9999-12-31T20:00Z", "9999-12-31T23:00Z", "departs_at"),
     (None, "9999-12-31T23:00Z", "arrives_at")],
)  # fmt: skip
@pytest.mark.parametrize("preview", [True, False])
def test_times_that_no_flight_has_are_refused(staff, acme, flight, departs_at, arrives_at, field, preview):
    confirmed(acme, flight)
    times = {"departs_at": departs_at or (flight.departs_at + timedelta(hours=1)).isoformat(), "arrives_at": arrives_at}
    before = shop.everything(), list(Flight.objects.values())
    answer = staff.post(f"/api/v1/flights/{flight.pk}/disruptions", {"kind": "retime", "preview": preview, **times})
    refused(answer, 400, "invalid_input")
    assert answer.json()["errors"][0]["pointer"] == f"/{field}"
    assert (shop.everything(), list(Flight.objects.values())) == before


def new_times(flight: Flight, departs: timedelta, arrives: timedelta) -> dict:
    return {
        "departs_at": (flight.departs_at + departs).isoformat(), "arrives_at": (flight.arrives_at + arrives).isoformat()
    }  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "departs", "arrives", "field"),
    [("retime", timedelta(days=-6), timedelta(days=-6), "departs_at"), 
     ("delay", timedelta(), timedelta(hours=1), "departs_at"),
     ("delay", timedelta(hours=-1), timedelta(hours=-1), "departs_at"),
     ("delay", timedelta(hours=49), timedelta(hours=49), "departs_at"),
     ("retime", timedelta(), timedelta(hours=19), "arrives_at")],
)  # fmt: skip
@pytest.mark.parametrize("preview", [True, False])
def test_times_that_do_not_fit_the_kind_are_refused(staff, acme, flight, kind, departs, arrives, field, preview):
    confirmed(acme, flight)
    before = shop.everything(), list(Flight.objects.values())
    body = {"kind": kind, "reason": "ice", "preview": preview} | new_times(flight, departs, arrives)
    answer = staff.post(f"/api/v1/flights/{flight.pk}/disruptions", body)
    refused(answer, 400, "invalid_input")
    assert answer.json()["errors"][0]["pointer"] == f"/{field}"
    assert (shop.everything(), list(Flight.objects.values())) == before


def test_a_delay_can_grow_shorter_but_not_vanish(staff, flight):
    path = f"/api/v1/flights/{flight.pk}/disruptions"
    hour = timedelta(hours=1)
    for hours, status in ((4, 201), (2, 201), (0, 400)):
        body = {"kind": "delay", "reason": "ice"} | new_times(flight, hours * hour, hours * hour)
        assert staff.post(path, body).status_code == status
    assert Flight.objects.get(pk=flight.pk).departs_at == flight.departs_at + 2 * hour


def test_a_delay_across_midnight_keeps_the_date_by_which_it_is_known(staff, flight):
    body = {"kind": "delay", "reason": "ice"} | new_times(flight, timedelta(hours=24), timedelta(hours=24))
    assert staff.post(f"/api/v1/flights/{flight.pk}/disruptions", body).status_code == 201
    shown = staff.get(f"/api/v1/flights/{flight.pk}").json()
    assert shown["departureDate"] == flight.departure_date.isoformat()
    assert shown["departureTime"][:10] == (flight.departure_date + timedelta(days=1)).isoformat()
