"""What can still be chosen, and what goes back by itself, when a disrupted flight's hour has come."""

from datetime import timedelta

import pytest
from django.utils import timezone

from orders.departures import depart_flights
from orders.disruption import choices as disruption_choices
from orders.disruption.choices import refund_undecided
from orders.models import DisruptedBooking
from tests import factories
from tests.bookings.sales import confirmed, query
from tests.concurrency.racing import verify_invariants
from tests.orders import shop
from tests.orders.disrupting import cancel, choose, move, statuses
from tests.ticketing import desk, gates

pytestmark = pytest.mark.django_db


def read(api, booking: dict) -> dict:
    return api.get(f"/api/v1/bookings/{booking['booking_id']}").json()


def wait_longer() -> None:
    """Let who waits choose until an hour from now."""
    DisruptedBooking.objects.update(decide_by=timezone.now() + timedelta(hours=1))


def test_a_cancelled_flight_is_refunded_after_its_hour(acme, flight, pass_time):
    booking = confirmed(acme, flight)
    cancel(flight)
    pass_time(days=6)
    wait_longer()
    assert choose(acme, booking, "refund").status_code == 200
    after = read(acme, booking)
    assert (after["status"], after["refunded_amount"]) == ("refunded", booking["total_amount"])
    verify_invariants()


def test_who_does_not_choose_is_refunded_after_the_hour(acme, flight, pass_time):
    booking = confirmed(acme, flight)
    cancel(flight)
    pass_time(days=6)
    assert refund_undecided(at=timezone.now()) == 1
    assert read(acme, booking)["refunded_amount"] == booking["total_amount"]


def test_who_missed_one_flight_gets_the_cancelled_one_back(acme, flight, pass_time):
    back = factories.flight("LAX", "JFK", departs_at=flight.departs_at + timedelta(days=3))
    booking = confirmed(acme, flight, back)
    pass_time(days=6)
    depart_flights(at=timezone.now())
    cancel(back)
    assert choose(acme, booking, "refund").json()[0]["status"] == "refunded"
    assert [row[0] for row in query("SELECT status FROM ticketing_coupon ORDER BY sequence")] == ["O", "R"]
    verify_invariants()


def test_one_that_cannot_be_refunded_stops_nobody(acme, flight, monkeypatch):
    stuck, other = confirmed(acme, flight), confirmed(acme, flight)
    cancel(flight)
    refund = disruption_choices.refund

    def fail(booking_id, *args, **named):
        if str(booking_id) == stuck["booking_id"]:
            raise RuntimeError
        refund(booking_id, *args, **named)

    monkeypatch.setattr(disruption_choices, "refund", fail)
    assert refund_undecided(at=timezone.now() + timedelta(hours=73)) == 1
    assert statuses() == {stuck["booking_id"]: "waiting", other["booking_id"]: "refunded"}


def test_a_product_for_a_cancelled_flight_goes_back_after_its_hour(acme, flight, pass_time):
    shop.product("BAG1", "35.00", stock=40, rfic="C", rfisc="0CC")
    booking = confirmed(acme, flight)
    shop.run(booking)
    ticket_id = booking["tickets"][0]["ticket_id"]
    order = shop.order(acme, {"product_id": "BAG1", "quantity": 1, "ticket_id": ticket_id})
    shop.run(order)
    cancel(flight)
    pass_time(days=6)
    assert acme.put(f"/orders/{order['order_id']}", {"status": "cancelled"}).status_code == 200


def test_who_has_checked_in_for_a_delayed_flight_gets_all_of_it_back(acme, pass_time):
    flight = desk.soon(hours=20)
    booking = desk.sold(acme, flight)
    desk.check_in(acme, booking)
    move(flight, hours=30)
    pass_time(days=1)  # a fare that is not refundable, after the day of issue
    assert choose(acme, booking, "refund").status_code == 200
    assert read(acme, booking)["refunded_amount"] == booking["total_amount"]
    verify_invariants()


def test_a_flight_that_has_left_is_not_given_up(acme, pass_time):
    flight = desk.soon(hours=20)
    booking = desk.sold(acme, flight)
    move(flight, hours=5)
    pass_time(hours=30)
    depart_flights(at=timezone.now())
    wait_longer()
    other = factories.flight("JFK", "LAX", departs_at=timezone.now() + timedelta(hours=10))
    desk.refuses(lambda: choose(acme, booking, "rebook", event_id=str(other.pk)), "flight_departed")
    desk.refuses(lambda: choose(acme, booking, "refund"), "action_not_allowed")


def test_who_is_aboard_is_taken_off_by_the_gate_only(acme, staff):
    flight = desk.soon(hours=3)
    booking = desk.sold(acme, flight)
    desk.check_in(acme, booking)
    move(flight, hours=4)
    gates.leave_in(flight, 40)
    other = factories.flight("JFK", "LAX", departs_at=timezone.now() + timedelta(hours=10))
    [shown] = gates.passes_of(booking)
    assert gates.scanned(staff, flight, shown)["result"] == "accepted"
    desk.refuses(lambda: choose(acme, booking, "refund"), "already_boarded")
    desk.refuses(lambda: choose(acme, booking, "rebook", event_id=str(other.pk)), "already_boarded")


def test_who_missed_a_flight_that_is_cancelled_then_is_no_no_show_on_the_next(acme, staff):
    flight = desk.soon(hours=3)
    after = factories.flight("JFK", "LAX", departs_at=flight.departs_at + timedelta(hours=3))
    booking = desk.sold(acme, flight)
    desk.check_in(acme, booking, bags=[{"weight_kg": 10}])
    gates.leave_in(flight, 40)
    assert gates.post(staff, flight, "close").status_code == 200
    cancel(flight)
    [passenger] = staff.get(f"/api/v1/flights/{after.pk}/manifest").json()["passengers"]
    assert (passenger["state"], passenger["sequence_number"], passenger["bags"]) == ("booked", None, [])
    assert query("SELECT is_no_show, checked_in_at FROM ticketing_coupon") == [(False, None)]
