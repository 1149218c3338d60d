"""A cancelled flight: who gets which flight, who has to wait, and what stays as it was."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from flights.models import Flight
from orders.models import DisruptedBooking, Disruption
from tests.bookings.sales import book, booking_body, confirmed, counters, query, refused
from tests.concurrency.racing import verify_invariants
from tests.orders import shop
from tests.orders.disrupting import cancel, flights_of, later, statuses
from ticketing.models import Bag, BoardingPass, Coupon, Departure

pytestmark = pytest.mark.django_db


def total(flight: Flight) -> int:
    return counters(flight)["sold"]


def test_a_cancelled_flights_passengers_get_the_next_one(acme, flight):
    first, second = later(flight, 2), later(flight, 4)
    booking = confirmed(acme, flight, passengers=["ADT", "CHD", "INF"])
    done = cancel(flight)
    assert (done["bookings"], done["passengers"]) == (1, 3)
    assert done["outcome"]["rebooked"] == {"bookings": 1, "passengers": 3}
    assert {row[0] for row in flights_of(booking)} == {first.pk}
    assert (total(flight), total(first), total(second)) == (0, 2, 0)
    assert Flight.objects.get(pk=flight.pk).status == "cancelled"
    verify_invariants()


def test_without_seats_they_wait(acme, flight):
    later(flight, 2, seats=1)
    later(flight, 80)
    booking = confirmed(acme, flight, seats=2)
    done = cancel(flight)
    assert done["outcome"]["waiting"] == {"bookings": 1, "passengers": 2}
    assert {row[0] for row in flights_of(booking)} == {flight.pk}
    verify_invariants()


def test_cancelling_again_changes_nothing(acme, flight):
    later(flight, 2, seats=2)
    for seats in (2, 1, 3):
        confirmed(acme, flight, seats=seats)
    book(acme, flight)
    done = cancel(flight)
    before = shop.everything(), list(Disruption.objects.values()), list(DisruptedBooking.objects.values())
    assert cancel(flight) == done
    assert (shop.everything(), list(Disruption.objects.values()), list(DisruptedBooking.objects.values())) == before
    verify_invariants()


def test_infants_children_and_seats_come_along(acme, flight):
    after = later(flight)
    booking = confirmed(acme, flight, passengers=["ADT", "INF"])
    query("UPDATE ticketing_coupon SET seat = '12A' WHERE takes_seat")
    cancel(flight)
    assert flights_of(booking) == [(after.pk, None, "O"), (after.pk, None, "O")]


def test_parties_stay_together(acme, flight):
    first, second = later(flight, 2, seats=3), later(flight, 4, seats=5)
    four, three = confirmed(acme, flight, seats=4), confirmed(acme, flight, seats=3)
    cancel(flight)
    assert {row[0] for row in flights_of(four)} == {second.pk}
    assert {row[0] for row in flights_of(three)} == {first.pk}


def test_the_fare_stays_as_it_was_paid(acme, flight):
    later(flight)
    booking = confirmed(acme, flight, seats=2)
    paid = query("SELECT sum(total_amount), min(fare_basis) FROM ticketing_coupon")
    lines = query("SELECT count(*) FROM partners_ledgerentry")
    cancel(flight)
    after = acme.get(f"/api/v1/bookings/{booking['booking_id']}").json()
    assert after["total_amount"] == booking["total_amount"]
    assert query("SELECT sum(total_amount), min(fare_basis) FROM ticketing_coupon") == paid
    assert query("SELECT count(*) FROM partners_ledgerentry") == lines


def test_a_connection_that_is_made_stays(acme, flight, onward):
    after = later(flight, 1)
    booking = confirmed(acme, flight, onward)
    cancel(flight)
    assert [row[0] for row in flights_of(booking)] == [after.pk, onward.pk]


def test_a_connection_that_is_missed_is_moved_too(acme, flight, onward):
    after, evening = later(flight, 3), later(onward, 4)
    booking = confirmed(acme, flight, onward)
    done = cancel(flight)
    assert [row[0] for row in flights_of(booking)] == [after.pk, evening.pk]
    assert (total(onward), total(evening), done["outcome"]["rebooked"]["bookings"]) == (0, 1, 1)
    verify_invariants()


def test_without_an_onward_flight_all_of_it_waits(acme, flight, onward):
    later(flight, 3)
    booking = confirmed(acme, flight, onward)
    cancel(flight)
    assert [row[0] for row in flights_of(booking)] == [flight.pk, onward.pk]
    assert statuses() == {booking["booking_id"]: "waiting"}


def test_two_flights_of_a_booking_cancelled_at_once(acme, flight, onward):
    after, evening = later(flight, 3), later(onward, 4)
    booking = confirmed(acme, flight, onward)
    done = cancel(flight, onward)
    assert [row[0] for row in flights_of(booking)] == [after.pk, evening.pk]
    assert (done["flights"], done["bookings"], DisruptedBooking.objects.count()) == (2, 1, 2)
    verify_invariants()


def test_who_has_a_connection_chooses_first(acme, flight, onward):
    after = later(flight, 1, seats=1)
    alone, connecting = confirmed(acme, flight), confirmed(acme, flight, onward)
    cancel(flight)
    assert flights_of(connecting)[0][0] == after.pk
    assert statuses()[alone["booking_id"]] == "waiting"


def test_a_rebooked_flight_is_cancelled_too(acme, flight):
    first, second = later(flight, 2), later(flight, 4)
    booking = confirmed(acme, flight)
    cancel(flight)
    cancel(first)
    assert flights_of(booking)[0][0] == second.pk
    assert [row.status for row in DisruptedBooking.objects.order_by("pk")] == ["rebooked", "rebooked"]
    verify_invariants()


def test_nobody_buys_or_confirms_a_cancelled_flight(acme, flight):
    held = book(acme, flight)
    cancel(flight)
    refused(acme.post(f"/api/v1/bookings/{held['booking_id']}/confirm"), 409, "action_not_allowed")
    refused(acme.post("/api/v1/bookings", booking_body(flight)), 409, "flight_closed")
    assert counters(flight) == {"sold": 0, "held": 1, "free": 99}
    verify_invariants()


def test_who_has_checked_in_is_taken_off_first(acme, flight):
    after = later(flight)
    booking = confirmed(acme, flight)
    query("UPDATE ticketing_coupon SET status = 'C', seat = '12A', checked_in_at = now()")
    coupon = Coupon.objects.get()
    Departure.objects.create(flight=flight, last_sequence_number=1)
    BoardingPass.objects.create(
        coupon=coupon, flight=flight, sequence_number=1, seat="12A", barcode="M1", digest=b"1" * 32
    )
    Bag.objects.create(coupon=coupon, tag_number="0016123456", weight_kg=20)
    cancel(flight)
    assert flights_of(booking) == [(after.pk, None, "O")]
    assert BoardingPass.objects.get().end_reason == "flight_changed"
    assert Bag.objects.get().status == "removed"
    verify_invariants()


def test_the_number_of_statements_does_not_depend_on_the_bookings(acme, flight):
    def cost(made: Flight) -> int:
        with CaptureQueriesContext(connection) as captured:
            cancel(made)
        return len(captured)

    few, many = later(flight, 24), later(flight, 48)
    later(many, 2)
    confirmed(acme, few)
    for _ in range(5):
        confirmed(acme, many, seats=2)
    costs = [cost(few), cost(many)]
    assert costs[0] == costs[1]


@pytest.mark.parametrize(("reason", "code"), [({}, "missing_fields"), ({"reason": "  "}, "invalid_input")])
def test_a_cancellation_has_a_reason(staff, acme, flight, reason, code):
    confirmed(acme, flight)
    before = shop.everything(), list(Flight.objects.values())
    answer = staff.post(f"/api/v1/flights/{flight.pk}/disruptions", {"kind": "cancellation", **reason})
    refused(answer, 400, code)
    assert answer.json()["errors"][0]["pointer"] == "/reason"
    assert (shop.everything(), list(Flight.objects.values())) == before
