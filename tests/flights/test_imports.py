"""Merging a schedule: what is new, what changed, what stays, what is refused, and proof that nothing else moved."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from django.db.models import F

from flights import imports
from flights.imports import Summary, airport_zones, import_flights
from flights.models import Carrier, Fare, Flight, FlightCabin
from flights.schedules import read_csv
from skybridge.models import Event
from tests.flights.conftest import numbered, row

Merge = Callable[..., Summary]


@pytest.fixture
def merge(airports, actor, now) -> Merge:
    """Return a function that imports rows, as of `now`."""

    def run(*rows: str, **options) -> Summary:
        return import_flights(
            read_csv(numbered(*rows), airport_zones()), actor=actor, source="test.csv", **{"now": now, **options}
        )

    return run


def counts(summary: Summary) -> tuple[int, ...]:
    return summary.read, summary.new, summary.changed, summary.unchanged, summary.refused


def everything() -> list:
    """Return all that an import may write."""
    return [
        list(model.objects.order_by("pk").values())
        for model in (Flight, FlightCabin, Fare, Carrier, Event)
    ]  # fmt: skip


def sell(cabin: str, *, sold: int = 0, held: int = 0) -> None:
    FlightCabin.objects.filter(cabin=cabin).update(sold=sold, held=held, free=F("capacity") - sold - held)


def test_a_new_flight_with_its_cabins_carrier_and_fares(merge):
    assert counts(merge(row())) == (1, 1, 0, 0, 0)
    flight = Flight.objects.get()
    assert (flight.designator, flight.origin_id, flight.destination_id) == ("ZZ100", "JFK", "LAX")
    assert flight.departs_at == datetime(2027, 6, 1, 14, tzinfo=UTC)
    assert flight.arrives_at == datetime(2027, 6, 1, 20, tzinfo=UTC)
    assert (flight.aircraft_type, flight.registration, flight.status) == ("A320-232", "N1", "scheduled")
    cabins = flight.cabins.order_by("cabin").values_list("cabin", "capacity", "free", "on_sale", "fare__fare_basis")
    assert list(cabins) == [("J", 16, 16, True, "JXOW"), ("Y", 184, 184, True, "YXOW")]
    assert Carrier.objects.filter(iata="ZZ", name="").exists()


def test_one_event_tells_of_the_import(merge, actor, now):
    merge(row(), row(flight_number=101))
    event = Event.objects.get()
    assert (event.action, event.at, event.actor_id, event.door) == ("schedule.imported", now, "test", "command")
    assert event.after == {"source": "test.csv", "new": 2, "changed": 0}


def test_the_same_file_again_changes_nothing(merge):
    merge(row(), row(flight_number=101))
    before = everything()
    assert counts(merge(row(), row(flight_number=101))) == (2, 0, 0, 2, 0)
    assert everything() == before


def test_flights_in_several_batches(merge, monkeypatch):
    monkeypatch.setattr(imports, "BATCH", 3)
    rows = [row(flight_number=number) for number in range(100, 110)]
    assert counts(merge(*rows, rows[0])) == (11, 10, 0, 0, 1)
    assert counts(merge(*rows)) == (10, 0, 0, 10, 0)


def test_a_changed_flight_alone_is_updated_and_recorded(merge, now):
    merge(row(), row(flight_number=101))
    other = Flight.objects.get(flight_number=101).updated_at
    later = row(sched_dep_local="2027-06-01T11:00", sched_arr_local="2027-06-01T14:00", seats=220, tail_number="N2")
    at = datetime(2027, 2, 1, tzinfo=UTC)
    assert counts(merge(later, row(flight_number=101), now=at)) == (2, 0, 1, 1, 0)
    flight = Flight.objects.get(flight_number=100)
    assert (flight.departs_at.hour, flight.registration, flight.updated_at) == (15, "N2", at)
    assert dict(flight.cabins.values_list("cabin", "free")) == {"J": 18, "Y": 202}
    assert Flight.objects.get(flight_number=101).updated_at == other
    event = Event.objects.get(action="flight.rescheduled")
    assert (event.subject_id, event.reason, event.at) == (flight.pk, "test.csv", at)
    assert event.before["seats"] == {"J": 16, "Y": 184}
    assert event.after["seats"] == {"J": 18, "Y": 202}
    assert datetime.fromisoformat(event.after["departs_at"]) == flight.departs_at


def test_a_new_capacity_leaves_sold_and_held_seats_alone(merge):
    merge(row())
    sell("Y", sold=100, held=20)
    assert counts(merge(row(seats=150))) == (1, 0, 1, 0, 0)
    cabin = FlightCabin.objects.get(cabin="Y")
    assert (cabin.capacity, cabin.sold, cabin.held, cabin.free) == (138, 100, 20, 18)


def refused(merge: Merge, *rows: str, **options) -> list[str]:
    """Import rows of which none is accepted and return the reasons, after proof that nothing moved."""
    before = everything()
    summary = merge(*rows, **options)
    assert (summary.new, summary.changed, summary.refused) == (0, 0, len(rows))
    assert everything() == before
    return [refusal.reason for refusal in summary.refusals]


def test_fewer_seats_than_are_sold_or_held_is_refused(merge):
    merge(row())
    sell("Y", sold=100, held=20)
    assert refused(merge, row(seats=120)) == ["120 seats in cabin Y are sold or held, more than 110"]
    assert refused(merge, row(seats=70)) == ["120 seats in cabin Y are sold or held, more than 70"]


def test_a_cabin_that_is_gone_keeps_its_row_without_seats(merge):
    merge(row())
    assert counts(merge(row(seats=70))) == (1, 0, 1, 0, 0)
    assert dict(FlightCabin.objects.values_list("cabin", "capacity")) == {"J": 0, "Y": 70}
    assert counts(merge(row(seats=70))) == (1, 0, 0, 1, 0)
    assert counts(merge(row())) == (1, 0, 1, 0, 0)
    assert dict(FlightCabin.objects.values_list("cabin", "free")) == {"J": 16, "Y": 184}


def test_a_cabin_that_is_new_is_added(merge):
    merge(row(seats=70))
    merge(row())
    assert dict(FlightCabin.objects.values_list("cabin", "free")) == {"J": 16, "Y": 184}


ELSEWHERE = {"destination": "SFO", "sched_arr_local": "2027-06-01T13:30"}


def test_another_destination_brings_its_fares(merge):
    merge(row())
    assert counts(merge(row(**ELSEWHERE))) == (1, 0, 1, 0, 0)
    assert Flight.objects.get().destination_id == "SFO"
    assert set(FlightCabin.objects.values_list("fare__destination", flat=True)) == {"SFO"}


def test_another_destination_is_refused_once_seats_are_sold_or_held(merge):
    merge(row())
    sell("J", held=1)
    assert refused(merge, row(**ELSEWHERE)) == ["seats to LAX are sold or held; it cannot go to SFO"]


def test_a_present_cabin_keeps_its_own_fare_and_sales_state(merge):
    merge(row())
    special = Fare.objects.get(fare_basis="YXOW", cabin="Y")
    special.pk, special.fare_basis = None, "YSALE"
    special.save()
    FlightCabin.objects.filter(cabin="Y").update(fare=special, on_sale=False)
    merge(row(seats=220))
    cabin = FlightCabin.objects.get(cabin="Y")
    assert (cabin.capacity, cabin.fare_id, cabin.on_sale) == (202, special.pk, False)


def test_a_departed_flight_is_never_changed(merge):
    past = datetime(2027, 6, 1, 14, tzinfo=UTC)
    merge(row())
    assert refused(merge, row(seats=220), now=past) == ["the flight has departed and is not changed"]
    assert counts(merge(row(), now=past)) == (1, 0, 0, 1, 0)


def test_a_past_flight_that_is_new_goes_in(merge):
    assert counts(merge(row(), now=datetime(2028, 1, 1, tzinfo=UTC))) == (1, 1, 0, 0, 0)


def test_a_change_into_the_past_is_refused(merge):
    merge(row())
    early = row(sched_dep_local="2027-06-01T01:00")
    at = datetime(2027, 6, 1, 6, tzinfo=UTC)
    assert refused(merge, early, now=at) == ["its new departure has passed"]


@pytest.mark.parametrize("status", [Flight.Status.CANCELLED, Flight.Status.DELAYED])
def test_a_flight_in_the_hands_of_operations_is_not_changed(merge, status):
    merge(row())
    Flight.objects.update(status=status)
    assert refused(merge, row(seats=220)) == [f"the flight is {status} and is not changed by a schedule"]


def test_the_second_record_of_a_flight_is_refused(merge):
    summary = merge(row(), row(seats=100), row(origin="EWR"))
    assert counts(summary) == (3, 2, 0, 0, 1)
    assert [(r.line, r.reason) for r in summary.refusals] == [(3, "the same flight and date as line 2")]
    assert sum(Flight.objects.get(origin="JFK").cabins.values_list("capacity", flat=True)) == 200


def test_a_bad_line_is_reported_and_the_rest_goes_in(merge):
    summary = merge(row(), row(seats="x"), row(flight_number=101))
    assert counts(summary) == (3, 2, 0, 0, 1)
    assert [(r.line, r.reason) for r in summary.refusals] == [(3, "seats 'x' is not a whole number")]


def test_a_dry_run_counts_and_writes_nothing(merge):
    merge(row())
    sell("Y", sold=150)
    before = everything()
    rows = [row(tail_number="N2"), row(flight_number=101), row(flight_number=101), row(flight_number=102, seats="x")]
    assert counts(merge(*rows, dry_run=True)) == (4, 1, 1, 0, 2)
    assert counts(merge(row(seats=100), dry_run=True)) == (1, 0, 0, 0, 1)
    assert everything() == before


def test_a_schedule_without_registrations_erases_none(merge):
    merge(row())
    assert counts(merge(row(tail_number=""))) == (1, 0, 0, 1, 0)


@pytest.mark.parametrize("flights", [1, 50])
def test_the_number_of_statements_does_not_depend_on_the_flights(merge, flights, django_assert_max_num_queries):
    merge(row(flight_number=9999))
    rows = [row(flight_number=number, seats=100 + number) for number in range(1, flights + 1)]
    with django_assert_max_num_queries(26):
        merge(*rows)
    with django_assert_max_num_queries(30):
        merge(*(line.replace("N1", "N2") for line in rows))
