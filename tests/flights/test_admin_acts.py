"""What staff do to flights in the back office: disruption with its preview, blocked seats, close-out."""

from datetime import timedelta

import pytest
from django.utils import timezone

from flights.models import BlockedSeat, Flight
from orders.models import Disruption
from skybridge.models import Event
from tests import factories
from tests.bookings.sales import booking_body, confirmed, counters
from tests.orders.shop import everything
from tests.skybridge.desk import act_page, confirm, do, forge, look, offered, text
from tests.skybridge.staff import with_role
from tests.ticketing.desk import check_in, coupons, nothing_changes, refuses, sold, soon
from tests.ticketing.gates import leave_in
from tests.ticketing.seating import choose, seat_map, tickets_of
from ticketing.models import Departure

MODEL = "flights/flight"
DISRUPTING = {"delay", "retime", "aircraft", "block_seats", "unblock_seats", "cancel"}
BOARDING = {"close", "reopen"}
MAY = {"viewer": set(), "reservations": set(), "check-in": BOARDING, "supervisor": DISRUPTING | BOARDING,
       "finance": set(), "administrator": set()}  # fmt: skip


@pytest.fixture
def boss(db):
    return with_role("supervisor", name="boss")


def later(flight: Flight, hours: float = 2) -> Flight:
    departs_at = flight.departs_at + timedelta(hours=hours)
    return factories.flight(flight.origin_id, flight.destination_id, departs_at=departs_at)


@pytest.mark.parametrize("role", MAY)
def test_each_role_reaches_its_acts_and_no_other(flight, role):
    client, before = with_role(role), everything()
    for act in DISRUPTING | BOARDING:
        answer = client.get(act_page(MODEL, act), {"id": flight.pk}).status_code
        assert answer == (200 if act in MAY[role] else 403), act
        if act not in MAY[role]:
            assert forge(client, MODEL, act, flight.pk, minutes=60, seats="2A").status_code == 403
    assert offered(client, MODEL, flight.pk) == MAY[role]
    assert everything() == before


# --- Disruption ---


def test_a_cancellation_shows_who_goes_where_and_then_they_do(boss, acme, flight):
    other = later(flight)
    confirmed(acme, flight, seats=2)
    before = everything()
    page = look(boss, MODEL, "cancel", flight.pk)
    assert f"Cancel flight <small>{flight}</small>" in page
    assert "Get other flights</dt><dd>1 bookings, 2 passengers" in page
    assert f"To {other.designator}" in page
    assert everything() == before
    said = text(confirm(boss, MODEL, "cancel", page, reason="storm"))
    assert "is cancelled; 1 bookings, 2 passengers touched, get other flights: 1 booking." in said
    assert (counters(flight)["sold"], counters(other)["sold"]) == (0, 2)
    assert Disruption.objects.get().reason == "storm"
    assert "cancel" not in offered(boss, MODEL, flight.pk)


def test_cancelling_twice_disrupts_once(boss, acme, flight):
    confirmed(acme, flight)
    page = look(boss, MODEL, "cancel", flight.pk)
    confirm(boss, MODEL, "cancel", page)
    before = everything()
    assert "request_in_progress" in text(confirm(boss, MODEL, "cancel", page))
    assert everything() == before


def test_several_flights_are_delayed_and_one_is_refused(boss, flight):
    others = [later(flight, 5), later(flight, 9)]
    page = look(boss, MODEL, "delay", flight.pk, *(one.pk for one in others), minutes=50)
    Flight.objects.filter(pk=others[0].pk).update(status="departed")
    after = text(confirm(boss, MODEL, "delay", page, minutes=50))
    assert "2 done, 1 refused." in after
    assert "(stale_version)" in after
    moved = Flight.objects.get(pk=flight.pk)
    assert (moved.status, moved.departs_at - flight.departs_at) == ("delayed", timedelta(minutes=50))


def test_a_delay_is_added_once_however_often_it_is_confirmed(boss, flight):
    page = look(boss, MODEL, "delay", flight.pk, minutes=50)
    confirm(boss, MODEL, "delay", page, minutes=50)
    assert "stale_version" in text(confirm(boss, MODEL, "delay", page, minutes=50, once="another"))
    assert Flight.objects.get(pk=flight.pk).departs_at - flight.departs_at == timedelta(minutes=50)


def test_a_flight_is_retimed_in_local_time(boss, flight):
    day = f"{flight.departure_date.year + 1}-01-10"
    form = {"departs": f"{day}T10:00", "arrives": f"{day}T13:30"}
    page = look(boss, MODEL, "retime", flight.pk, **form)
    assert f"{day} 15:00 UTC" in page
    assert f"{day} 21:30 UTC" in page
    confirm(boss, MODEL, "retime", page, **form)
    moved = Flight.objects.get(pk=flight.pk)
    assert (f"{moved.departs_at:%H:%M}", str(moved.departure_date)) == ("15:00", day)


def test_a_flight_does_not_arrive_before_it_leaves(boss, flight):
    form = {"departs": "2031-07-01T10:00", "arrives": "2031-07-01T06:59"}
    assert "arrives after its departure" in look(boss, MODEL, "retime", flight.pk, **form)


def test_a_smaller_aircraft_shows_for_whom_there_is_no_place(boss, acme, flight):
    later(flight)
    confirmed(acme, flight, seats=3)
    confirmed(acme, flight, seats=2)
    form = {"aircraft_type": "E75", "seats_Y": 3}
    page = look(boss, MODEL, "aircraft", flight.pk, **form)
    assert "Seats too few in Y</dt><dd>2" in page
    confirm(boss, MODEL, "aircraft", page, **form)
    assert Flight.objects.get(pk=flight.pk).aircraft_type == "E75"
    assert counters(flight)["sold"] == 3


def test_what_has_left_is_not_disrupted(boss, flight):
    Flight.objects.filter(pk=flight.pk).update(status="departed")
    assert "(flight_departed)" in look(boss, MODEL, "cancel", flight.pk)
    assert not Disruption.objects.exists()


# --- Blocked seats ---


def test_a_blocked_seat_is_chosen_by_nobody_and_given_to_nobody(boss, acme):
    flight = soon(seats=4, aircraft_type="E75")
    numbers = sorted(seat_map(acme, flight))
    assert "from passengers" in do(boss, MODEL, "block_seats", flight.pk, seats=" ".join(numbers[:3]).lower())
    shown = seat_map(acme, flight)
    assert [shown[number]["status"] for number in numbers] == ["blocked", "blocked", "blocked", "free"]
    booking = sold(acme, flight)
    refuses(lambda: choose(acme, tickets_of(booking)[0], numbers[0]), "seat_blocked")
    check_in(acme, booking)
    assert coupons(booking)[0]["seat"] == numbers[3]


def test_the_flight_sells_as_many_as_before_and_check_in_runs_out(boss, acme):
    flight = soon(seats=2, aircraft_type="E75")
    do(boss, MODEL, "block_seats", flight.pk, seats=" ".join(seat_map(acme, flight)))
    assert acme.get(f"/api/v1/flights/{flight.pk}/seats").json()["cabins"][0]["capacity"] == 2
    booking = sold(acme, flight)
    refuses(lambda: acme.post(f"/api/v1/tickets/{tickets_of(booking)[0]}/check-in", {}), "no_seat_left")


def test_seats_are_given_back(boss, acme, flight):
    do(boss, MODEL, "block_seats", flight.pk, seats="2A 3A")
    assert "2A, 3A" in text(boss.get(f"/admin/{MODEL}/{flight.pk}/change/"))
    do(boss, MODEL, "unblock_seats", flight.pk, seats="2A")
    assert list(BlockedSeat.objects.values_list("seat", "reason")) == [("3A", "Because.")]
    assert seat_map(acme, flight)["2A"]["status"] == "free"
    blocked, unblocked = Event.objects.filter(subject_id=flight.pk).order_by("id")
    assert (blocked.action, blocked.after) == ("flight.seats_blocked", {"blocked_seats": ["2A", "3A"]})
    assert (unblocked.before, unblocked.reason) == ({"blocked_seats": ["2A", "3A"]}, "Because.")


def test_again_nothing_is_blocked_twice(boss, flight):
    for _ in range(2):
        do(boss, MODEL, "block_seats", flight.pk, seats="2A")
    assert Event.objects.filter(action="flight.seats_blocked").count() == 1


def test_a_taken_unknown_or_free_seat_is_refused(boss, acme):
    flight = soon()
    booking = sold(acme, flight)
    choose(acme, tickets_of(booking)[0], "5C")
    with nothing_changes():
        assert "(seat_taken)" in do(boss, MODEL, "block_seats", flight.pk, seats="5C 5D")
        assert "(unknown_seat)" in do(boss, MODEL, "block_seats", flight.pk, seats="99Z")
        assert "(seat_not_blocked)" in do(boss, MODEL, "unblock_seats", flight.pk, seats="5D")
    assert not BlockedSeat.objects.exists()


def test_a_booking_cannot_be_made_with_a_blocked_seat(boss, acme, flight):
    do(boss, MODEL, "block_seats", flight.pk, seats="2A")
    passengers = [{"passenger_type": "ADT", "seat": "2A"}]
    refuses(lambda: acme.post("/api/v1/bookings", booking_body(flight, passengers=passengers)), "seat_blocked")


def test_the_map_of_a_flight_with_blocked_seats_takes_no_more_statements(
    boss, acme, flight, django_assert_max_num_queries
):
    do(boss, MODEL, "block_seats", flight.pk, seats="2A 3A 4A")
    with django_assert_max_num_queries(6):
        seat_map(acme, flight)


# --- Close-out ---


def test_a_flight_is_closed_and_reopened(boss, acme):
    flight = soon()
    booking = sold(acme, flight)
    leave_in(flight, 30)
    assert "Not checked in</dt><dd>1" in look(boss, MODEL, "close", flight.pk)
    assert "is closed out" in do(boss, MODEL, "close", flight.pk)
    assert Departure.objects.get(pk=flight.pk).closed_at is not None
    refuses(lambda: acme.post(f"/api/v1/tickets/{tickets_of(booking)[0]}/check-in", {}), "flight_closed_out")
    assert "is open again" in do(boss, MODEL, "reopen", flight.pk)
    assert Departure.objects.get(pk=flight.pk).closed_at is None
    assert Event.objects.get(action="flight.reopened").reason == "Because."


def test_who_missed_the_flight_is_a_no_show_whatever_the_reason(boss, acme):
    flight = soon()
    booking = sold(acme, flight)
    check_in(acme, booking, bags=[{"weight_kg": 20}])
    leave_in(flight, 30)
    do(boss, MODEL, "close", flight.pk)
    assert Event.objects.get(action="flight.closed_out").reason == "Because."
    assert Event.objects.get(action="bag.removed").reason == "no-show"


def test_too_early_to_close_is_a_message(boss, flight):
    before = everything()
    assert "(boarding_not_open)" in do(boss, MODEL, "close", flight.pk)
    assert everything() == before
    assert flight.departs_at > timezone.now()
