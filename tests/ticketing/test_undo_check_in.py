"""Undoing a check-in: who may, until when, and what is left."""

import pytest

from tests.bookings.sales import act, change, query
from tests.concurrency.racing import verify_invariants
from tests.ticketing.desk import (
    check_in,
    check_in_group,
    coupons,
    passes,
    refuses,
    sold,
    soon,
    try_undo,
)

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _whole():
    yield
    verify_invariants()


@pytest.fixture
def flight(db):
    return soon(carrier="FL", number=123)


def test_the_pass_ends_the_bags_go_the_seat_stays(acme, flight):
    booking = sold(acme, flight)
    check_in(acme, booking, seat="20A", bags=[{"weight_kg": 20}])
    answer = try_undo(acme, booking).json()
    assert (answer["bags"], answer["boarding_passes"]) == ([], [])
    assert coupons(booking) == [{"status": "O", "seat": "20A", "is_checked_in": False}]
    assert passes(booking) == [(1, "20A", "offloaded")]
    assert query("SELECT status FROM ticketing_bag") == [("removed",)]


def test_checking_in_again_draws_a_new_number(acme, flight):
    booking = sold(acme, flight)
    check_in(acme, booking, seat="20A")
    try_undo(acme, booking)
    check_in(acme, booking)
    assert passes(booking) == [(1, "20A", "offloaded"), (2, "20A", "")]


def test_a_booking_can_be_given_up_once_the_check_in_is_undone(acme, flight):
    booking = sold(acme, flight)
    check_in(acme, booking)
    for refused in (lambda: act(acme, booking, "cancel"), lambda: act(acme, booking, "refund")):
        assert "undo" in refuses(refused, "action_not_allowed")["message"]
    assert "undo" in refuses(lambda: change(acme, booking, seats=2), "cannot_change")["message"]
    quote = f"/api/v1/bookings/{booking['booking_id']}/cancellations"
    assert "undo" in refuses(lambda: acme.post(quote, {}), "action_not_allowed")["message"]
    try_undo(acme, booking)
    assert acme.get(f"/api/v1/bookings/{booking['booking_id']}").json()["available_actions"] == ["cancel", "refund"]
    assert act(acme, booking, "refund").status_code == 200


def test_nobody_is_checked_in(acme, flight):
    booking = sold(acme, flight, party="ADT ADT")
    refuses(lambda: try_undo(acme, booking), "not_checked_in")
    check_in(acme, booking)
    refuses(lambda: try_undo(acme, booking, 1), "not_checked_in")
    try_undo(acme, booking)
    refuses(lambda: try_undo(acme, booking), "not_checked_in")


def test_a_flight_is_undone_with_those_after_it(acme):
    flights = [soon(hours=3), soon("LAX", "SFO", hours=11)]
    booking = sold(acme, *flights)
    check_in(acme, booking)
    assert try_undo(acme, booking, query_string=f"?event_id={flights[1].pk}").status_code == 200
    assert [k["status"] for k in coupons(booking)] == ["C", "O"]
    refuses(lambda: try_undo(acme, booking, query_string=f"?event_id={flights[1].pk}"), "not_checked_in")
    check_in(acme, booking)
    assert try_undo(acme, booking, query_string=f"?event_id={flights[0].pk}").status_code == 200
    assert [k["status"] for k in coupons(booking)] == ["O", "O"]
    other = soon()
    refuses(lambda: try_undo(acme, booking, query_string=f"?event_id={other.pk}"), "not_on_flight")


def test_after_boarding_it_is_the_staffs(acme, staff, flight):
    booking = sold(acme, flight)
    check_in(acme, booking)
    query("UPDATE ticketing_coupon SET status = 'L', boarded_at = now()")
    refuses(lambda: try_undo(acme, booking), "already_boarded")
    assert try_undo(staff, booking).status_code == 200
    assert coupons(booking)[0]["status"] == "O"
    assert query("SELECT boarded_at FROM ticketing_coupon") == [(None,)]


def test_after_departure_it_is_nobodys(acme, staff, flight):
    booking = sold(acme, flight)
    check_in(acme, booking)
    query("UPDATE ticketing_departure SET closed_at = now()")
    refuses(lambda: try_undo(staff, booking), "flight_closed_out")
    query("UPDATE flights_flight SET status = 'departed'")
    refuses(lambda: try_undo(staff, booking), "flight_departed")
    query("UPDATE flights_flight SET status = 'scheduled'")
    query("UPDATE ticketing_departure SET closed_at = NULL")


def test_a_cancelled_flight_can_be_undone_and_refunded(acme, flight):
    booking = sold(acme, flight)
    check_in(acme, booking)
    query("UPDATE flights_flight SET status = 'cancelled'")
    assert try_undo(acme, booking).status_code == 200
    assert act(acme, booking, "refund").status_code == 200


def test_no_child_is_left_alone(acme, flight):
    booking = sold(acme, flight, party="ADT CHD INF")
    check_in_group(acme, booking)
    refuses(lambda: try_undo(acme, booking), "children_checked_in")
    for place in (2, 1, 0):
        assert try_undo(acme, booking, place).status_code == 200


def test_others_cannot(acme, zenith, traveller, handler, flight):
    booking = sold(acme, flight)
    check_in(acme, booking)
    for api in (zenith, traveller, handler):
        refuses(lambda api=api: try_undo(api, booking), "ticket_not_found", 404)
