"""Departure: at its time a flight has left, who was aboard has flown, and who was not is a no-show."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import connection
from django.utils import timezone

from flights.models import Flight
from orders import departures
from orders.departures import depart_flights
from tests import factories
from tests.bookings.sales import book, confirmed
from tests.ticketing import gates
from tests.ticketing.gates import ADA, BOB, actions_on, check_in, offline, scanned, status_of
from ticketing.models import Bag, Coupon
from ticketing.tasks import depart_flights as task

pytestmark = pytest.mark.django_db


@pytest.fixture
def flight(db):
    departs_at = timezone.now() + timedelta(hours=5)
    return factories.flight("JFK", "LAX", carrier="FL", number=123, departs_at=departs_at)


def depart(**later: float):
    return depart_flights(at=timezone.now() + timedelta(**later))


def status(flight: Flight) -> str:
    return Flight.objects.values_list("status", flat=True).get(pk=flight.pk)


def test_who_is_aboard_has_flown_and_who_is_not_is_a_no_show(handler, acme, flight):
    never = confirmed(acme, flight, passengers=[{"surname": "Never", "given_name": "Seen"}])
    ada, bob = check_in(acme, flight, ADA, BOB)
    bags = [
        Bag.objects.create(coupon=p.coupon, tag_number=f"001600000{i}", weight_kg=9) for i, p in enumerate((ada, bob))
    ]
    scanned(handler, flight, ada)
    run = depart(minutes=41)
    assert (run.flights, run.bookings) == (1, 2)
    assert status(flight) == "departed"
    assert (status_of(ada), status_of(bob)) == (("F", False), ("O", True))
    assert Coupon.objects.get(ticket__booking=never["booking_id"]).is_no_show
    assert [Bag.objects.get(pk=b.pk).status for b in bags] == ["flown", "removed"]
    assert actions_on(flight.pk) == ["flight.departed"]
    assert actions_on(ada.coupon_id) == ["coupon.checked_in", "coupon.lifted", "coupon.flown"]


def test_a_second_run_changes_nothing(handler, acme, flight):
    [ada] = check_in(acme, flight)
    scanned(handler, flight, ada)
    depart(minutes=41)
    before = gates.everything()
    assert depart(minutes=42) == departures.Run(0, 0)
    assert gates.everything() == before


def test_nothing_leaves_before_its_time(handler, acme, flight):
    check_in(acme, flight)
    before = gates.everything()
    assert depart(minutes=39) == departures.Run(0, 0)
    assert gates.everything() == before


def test_a_delayed_flight_leaves_by_its_new_time(acme, flight):
    check_in(acme, flight)
    Flight.objects.filter(pk=flight.pk).update(status="delayed")
    gates.leave_in(flight, 90)
    assert depart(minutes=60).flights == 0
    assert depart(minutes=91).flights == 1
    assert status(flight) == "departed"


def test_a_cancelled_flight_never_leaves(acme, flight):
    [ada] = check_in(acme, flight)
    Flight.objects.filter(pk=flight.pk).update(status="cancelled")
    assert depart(minutes=60).flights == 0
    assert (status(flight), status_of(ada)) == ("cancelled", ("C", False))


def test_pending_bookings_are_left_to_expire(acme, flight):
    held = book(acme, flight, seats=2)
    gates.leave_in(flight, -1)
    depart()
    assert status(flight) == "departed"
    coupons = Coupon.objects.filter(ticket__booking=held["booking_id"])
    assert set(coupons.values_list("status", "is_no_show")) == {("O", False)}


def test_other_flights_of_a_booking_stay_open(acme, flight):
    back = factories.flight("LAX", "JFK", departs_at=timezone.now() + timedelta(days=3))
    confirmed(acme, flight, back, passengers=[ADA])
    gates.leave_in(flight, -1)
    depart()
    assert dict(Coupon.objects.values_list("flight_id", "is_no_show")) == {flight.pk: True, back.pk: False}


def test_a_booking_that_fails_keeps_only_its_flight_back(acme, flight, monkeypatch):
    other = factories.flight("JFK", "SFO", departs_at=timezone.now() + timedelta(hours=5))
    check_in(acme, flight)
    check_in(acme, other)
    whole = departures.end_boarding

    def fail(delivery, flight_ids, *args, **more):
        if list(flight_ids) == [flight.pk]:
            raise RuntimeError("trouble")
        whole(delivery, flight_ids, *args, **more)

    monkeypatch.setattr(departures, "end_boarding", fail)
    depart(minutes=41)
    assert (status(flight), status(other)) == ("scheduled", "departed")
    monkeypatch.undo()
    depart(minutes=42)
    assert status(flight) == "departed"


def test_who_boarded_at_the_last_moment_has_flown_with_the_next_run(handler, acme, flight):
    [ada] = check_in(acme, flight)
    scanned(handler, flight, ada)
    gates.leave_in(flight, -1)
    Flight.objects.filter(pk=flight.pk).update(status="departed")  # as if the scan had come in between
    depart()
    assert status_of(ada) == ("F", False)


def test_a_late_upload_after_the_departure_has_flown(handler, acme, flight):
    [ada] = check_in(acme, flight)
    early = offline(ada, 5)
    depart(minutes=41)
    assert status_of(ada) == ("O", True)
    assert scanned(handler, flight, early)["conflict"]["kind"] == "boarded_after_close"
    assert status_of(ada) == ("F", False)


def test_flights_without_passengers_leave_in_two_statements(flight, django_assert_num_queries):
    make_past_flights(flight, 30)
    with django_assert_num_queries(2):
        assert depart().flights == 30
    assert Flight.objects.filter(status="departed").count() == 30


def test_a_run_is_bounded(flight, monkeypatch):
    make_past_flights(flight, 30)
    monkeypatch.setattr(departures, "FLIGHTS", 30)  # the statements have their own
    assert depart_flights(at=timezone.now(), limit=30).flights == 30


def test_what_has_left_is_not_sold(acme, flight):
    gates.leave_in(flight, -1)
    depart()
    day = str(flight.departure_date)
    assert acme.get(f"/searchFlights?departureCity=JFK&destinationCity=LAX&departureDate={day}").json() == []
    answer = acme.post("/api/v1/bookings", {"flights": [{"event_id": str(flight.pk)}], "seats": 1})
    assert (answer.status_code, answer.json()["code"]) == (409, "flight_closed")


def test_the_task_is_a_door(flight):
    gates.leave_in(flight, -1)
    task()
    assert status(flight) == "departed"


def make_past_flights(flight: Flight, count: int) -> None:
    """Copy a flight into the past, without passengers."""
    with connection.cursor() as cursor:
        for number in range(count):
            cursor.execute(
                """INSERT INTO flights_flight (id, carrier_id, flight_number, operational_suffix, departure_date,
                    origin_id, destination_id, departs_at, arrives_at, aircraft_type, registration, status, updated_at)
                SELECT %s, carrier_id, %s, '', departure_date - 2, origin_id, destination_id,
                    departs_at - interval '2 days', arrives_at - interval '2 days', '', '', 'scheduled', now()
                FROM flights_flight WHERE id = %s""",
                [uuid4(), 5000 + number, flight.pk],
            )
