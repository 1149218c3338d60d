"""What passengers of a disrupted flight can choose, until when, and what each choice does."""

from datetime import datetime, timedelta
from uuid import uuid4

import pytest
from django.utils import timezone

from flights.models import Flight
from orders.disruption.choices import refund_undecided
from tests import factories
from tests.bookings.sales import confirmed, query, refused
from tests.concurrency.racing import verify_invariants
from tests.orders import shop
from tests.orders.disrupting import cancel, choices, choose, flights_of, later, move, path_of, statuses
from tests.ticketing import desk

pytestmark = pytest.mark.django_db


def test_accepting_a_rebooking(acme, rebooked):
    assert choices(acme, rebooked) == ["accept", "rebook", "refund"]
    assert choose(acme, rebooked, "accept").json()[0]["status"] == "accepted"
    assert choose(acme, rebooked, "accept").status_code == 200
    refused(choose(acme, rebooked, "refund"), 409, "choice_not_allowed")
    verify_invariants()


def test_choosing_another_flight(acme, flight, rebooked):
    other = later(flight, 10)
    answer = choose(acme, rebooked, "rebook", event_id=str(other.pk))
    assert answer.json()[0]["status"] == "rebooked"
    assert {row[0] for row in flights_of(rebooked)} == {other.pk}
    again = shop.everything()
    assert choose(acme, rebooked, "rebook", event_id=str(other.pk)).status_code == 200
    assert shop.everything() == again
    verify_invariants()


def test_flights_that_cannot_be_chosen(acme, flight, rebooked):
    full, elsewhere, gone = later(flight, 5, seats=1), factories.flight("JFK", "SEA"), later(flight, 6)
    cancel(gone)
    before = shop.everything()
    for event_id, status, code in (
        (full.pk, 409, "not_enough_seats"), (elsewhere.pk, 409, "other_route"), (gone.pk, 409, "flight_closed"),
        (uuid4(), 404, "flight_not_found"),
    ):  # fmt: skip
        refused(choose(acme, rebooked, "rebook", event_id=str(event_id)), status, code)
    assert shop.everything() == before


def test_all_of_the_money_back(acme, flight, rebooked, pass_time):
    pass_time(days=2)  # a fare that is not refundable, after the day of issue
    assert choose(acme, rebooked, "refund").json()[0]["status"] == "refunded"
    after = acme.get(f"/api/v1/bookings/{rebooked['booking_id']}").json()
    assert (after["status"], after["refunded_amount"]) == ("refunded", rebooked["total_amount"])
    assert shop.balance_of(f"agency:{acme.id}:USD") == 0
    assert choose(acme, rebooked, "refund").status_code == 200
    verify_invariants()


def test_cancelling_by_the_ordinary_way_brings_all_back_too(acme, rebooked, pass_time):
    pass_time(days=2)
    after = acme.post(f"/api/v1/bookings/{rebooked['booking_id']}/cancel").json()
    assert after["refunded_amount"] == rebooked["total_amount"]
    assert choices(acme, rebooked) == []


def test_after_the_deadline_the_fare_rules_hold_again(acme, rebooked, pass_time):
    pass_time(hours=73)
    assert choices(acme, rebooked) == []
    refused(choose(acme, rebooked, "refund"), 409, "choice_not_allowed")
    after = acme.post(f"/api/v1/bookings/{rebooked['booking_id']}/cancel").json()
    assert after["refunded_amount"] < rebooked["total_amount"]


def test_who_does_not_choose_is_refunded(acme, flight):
    booking = confirmed(acme, flight)
    cancel(flight)
    at = timezone.now() + timedelta(hours=73)
    assert (refund_undecided(at=at), refund_undecided(at=at)) == (1, 0)
    after = acme.get(f"/api/v1/bookings/{booking['booking_id']}").json()
    assert (after["status"], after["refunded_amount"]) == ("refunded", booking["total_amount"])
    assert statuses() == {booking["booking_id"]: "refunded"}
    verify_invariants()


def test_who_has_flown_one_way_gets_the_other_back(acme, flight):
    back = factories.flight("LAX", "JFK", departs_at=flight.departs_at + timedelta(days=3))
    booking = confirmed(acme, flight, back)
    query("UPDATE ticketing_coupon SET status = 'F' WHERE flight_id = %s", flight.pk)
    Flight.objects.filter(pk=flight.pk).update(status="departed")
    cancel(back)
    assert choose(acme, booking, "refund").json()[0]["status"] == "refunded"
    assert acme.get(f"/api/v1/bookings/{booking['booking_id']}").json()["status"] == "confirmed"
    verify_invariants()


# --- Until when ---


def test_coupons_say_until_when_all_of_it_goes_back(acme, flight):
    booking = confirmed(acme, flight)
    path = f"/api/v1/bookings/{booking['booking_id']}"
    assert booking["tickets"][0]["coupons"][0]["fare_rules"]["involuntary_until"] is None
    cancel(flight)
    rules = acme.get(path).json()["tickets"][0]["coupons"][0]["fare_rules"]
    assert rules["involuntary_until"] == acme.get(f"{path}/disruptions").json()[0]["decide_by"]


def deadline_of(api, booking: dict) -> datetime:
    [row, *_] = api.get(path_of(booking)).json()
    [ticket, *_] = api.get(f"/api/v1/bookings/{booking['booking_id']}").json()["tickets"]
    assert ticket["coupons"][0]["fare_rules"]["involuntary_until"] == row["decide_by"]
    return datetime.fromisoformat(row["decide_by"])


def test_nobody_chooses_after_the_flight_has_left(acme, pass_time):
    flight = desk.soon(hours=20)
    after, last = later(flight, 2), later(flight, 5)
    booking = confirmed(acme, flight)
    cancel(flight)
    assert deadline_of(acme, booking) == after.departs_at
    assert choose(acme, booking, "rebook", event_id=str(last.pk)).status_code == 200
    assert deadline_of(acme, booking) == after.departs_at
    pass_time(hours=23)
    assert choices(acme, booking) == []
    refused(choose(acme, booking, "refund"), 409, "choice_not_allowed")


def test_who_waits_for_a_flight_that_flies_chooses_until_it_leaves(acme):
    flight = desk.soon(hours=20)
    booking = confirmed(acme, flight)
    move(flight, hours=5)
    assert deadline_of(acme, booking) == flight.departs_at + timedelta(hours=5)


def test_who_waits_because_of_a_cancelled_flight_has_all_the_time(acme):
    flight = desk.soon(hours=20)
    booking = confirmed(acme, flight)
    cancel(flight)
    assert deadline_of(acme, booking) > flight.departs_at + timedelta(hours=48)
    assert refund_undecided(at=flight.departs_at) == 0
    assert refund_undecided(at=timezone.now() + timedelta(hours=73)) == 1
    verify_invariants()
