"""What check-in needs: an open flight, a ticket that is paid, and somebody who may travel."""

from datetime import timedelta

import pytest

from skybridge.times import utc_text
from tests.bookings.sales import act, book, confirmed, query
from tests.orders import shop
from tests.ticketing.desk import (
    _whole,
    check_in,
    check_in_group,
    coupons,
    flight,
    named,
    nothing_changes,
    refuses,
    sold,
    soon,
    ticket_ids,
    try_check_in,
    try_group,
)
from ticketing import bcbp

__all__ = ["_whole", "flight"]  # fixtures
pytestmark = pytest.mark.django_db


# --- The window ---


def test_the_window_opens_and_closes(acme, staff, pass_time):
    flight = soon(hours=30)
    booking = sold(acme, flight, party="ADT ADT")
    problem = refuses(lambda: try_check_in(acme, booking), "check_in_not_open")
    assert problem["opens_at"] == utc_text(flight.departs_at - timedelta(hours=24))
    refuses(lambda: try_check_in(staff, booking), "check_in_not_open")
    pass_time(hours=6, seconds=5)
    first = check_in(acme, booking, seat="20A")
    pass_time(hours=23, minutes=1)
    problem = refuses(lambda: try_check_in(acme, booking, 1), "check_in_closed")
    assert problem["closed_at"] == utc_text(flight.departs_at - timedelta(minutes=60))
    assert check_in(acme, booking) == first
    refuses(lambda: try_check_in(acme, booking, seat="20B"), "check_in_closed")
    check_in(staff, booking, 1)
    pass_time(hours=1)
    refuses(lambda: try_check_in(staff, booking, 1, seat="20B"), "flight_departed")


def test_the_window_is_a_setting(acme, settings):
    settings.CHECK_IN_OPENS, settings.CHECK_IN_CLOSES = timedelta(hours=4), timedelta(hours=3)
    early = sold(acme, soon(hours=5))
    refuses(lambda: try_check_in(acme, early), "check_in_not_open")
    check_in(acme, sold(acme, soon(hours=3.5)))
    late = sold(acme, soon(hours=2))
    refuses(lambda: try_check_in(acme, late), "check_in_closed")


@pytest.mark.parametrize(("status", "code"), [("cancelled", "flight_cancelled"), ("departed", "flight_departed")])
def test_flights_that_do_not_leave_any_more(acme, staff, flight, status, code):
    booking = sold(acme, flight)
    query("UPDATE flights_flight SET status = %s WHERE id = %s", status, flight.pk)
    refuses(lambda: try_check_in(acme, booking), code)
    refuses(lambda: try_check_in(staff, booking, event_id=str(flight.pk)), code)


def test_a_flight_that_is_closed_out(acme, staff, flight):
    booking = sold(acme, flight)
    query(
        "INSERT INTO ticketing_departure (flight_id, last_sequence_number, gate, closed_at) VALUES (%s, 0, '', now())",
        flight.pk,
    )
    refuses(lambda: try_check_in(acme, booking), "flight_closed_out")
    refuses(lambda: try_check_in(staff, booking), "flight_closed_out")
    query("UPDATE ticketing_departure SET closed_at = NULL")


# --- Paid and ticketed ---


def test_a_hold_is_not_paid(acme, flight, pass_time):
    booking = book(acme, flight, passengers=[named()])
    assert refuses(lambda: try_check_in(acme, booking), "not_paid")["booking_status"] == "pending"
    pass_time(minutes=21)
    assert refuses(lambda: try_check_in(acme, booking), "not_paid")["booking_status"] == "canceled"


def test_an_order_whose_card_has_not_paid(acme, flight):
    held = book(acme, flight, passengers=[named()])
    placed = shop.order(acme, held, payment={"method": "card", "token": "tok_decline"})
    shop.run(placed)
    refuses(lambda: try_check_in(acme, held), "not_paid")
    refuses(lambda: try_group(acme, held), "not_paid")


def test_an_order_whose_card_has_paid(acme, flight):
    held = book(acme, flight, passengers=[named()])
    shop.run(shop.order(acme, held, payment={"method": "card", "token": "tok_success"}))
    check_in(acme, held)


def test_a_failed_order_is_not_paid(acme, flight):
    booking = sold(acme, flight)
    assert acme.put(f"/orders/{booking['order_id']}", {"status": "failed"}).status_code == 200
    assert refuses(lambda: try_check_in(acme, booking), "not_paid")["order_status"] == "failed"


def test_a_booking_without_ticket_numbers(acme, flight):
    booking = sold(acme, flight)
    query("UPDATE ticketing_ticket SET number = NULL, issued_at = NULL")
    refuses(lambda: try_check_in(acme, booking), "not_ticketed")


@pytest.mark.parametrize("action", ["cancel", "refund"])
def test_tickets_of_an_ended_booking(acme, flight, action):
    booking = sold(acme, flight)
    assert act(acme, booking, action).status_code == 200
    refuses(lambda: try_check_in(acme, booking), "ticket_not_valid")
    refuses(lambda: try_group(acme, booking), "ticket_not_valid")


@pytest.mark.parametrize(("status", "code"), [("F", "coupon_used"), ("R", "ticket_not_valid")])
def test_coupons_that_are_used_or_given_up(acme, flight, status, code):
    booking = sold(acme, flight)
    query("UPDATE ticketing_coupon SET status = %s", status)
    refuses(lambda: try_check_in(acme, booking), code)
    query("UPDATE ticketing_coupon SET status = 'O'")


def test_again_after_boarding_is_the_same_answer(acme, flight):
    booking = sold(acme, flight, party="ADT ADT")
    check_in(acme, booking, seat="20A")
    query("UPDATE ticketing_coupon SET status = 'L', boarded_at = now() WHERE seat = '20A'")
    first, by_desk = (check_in(acme, booking), acme.post("/checkin", by_hand(booking)).json())
    with nothing_changes():
        assert check_in(acme, booking, seat="20a") == first
        assert acme.post("/checkin", by_hand(booking)).json() == by_desk
    assert by_desk["boarding_pass"]["barcode"] == first["boarding_passes"][0]["barcode"]
    refuses(lambda: try_check_in(acme, booking, seat="21A"), "already_boarded")
    refuses(lambda: try_check_in(acme, booking, bags=[{"weight_kg": 5}]), "already_boarded")
    assert [k["status"] for k in coupons(booking)] == ["L", "O"]
    query("UPDATE ticketing_coupon SET status = 'C', boarded_at = NULL WHERE seat = '20A'")


def by_hand(booking: dict) -> dict:
    return {"order_id": booking["order_id"], "ticket_id": ticket_ids(booking)[0]}


# --- Who travels ---


def test_names_are_needed(acme, flight):
    booking = confirmed(acme, flight, passengers=[{"given_name": "Ada"}])
    assert refuses(lambda: try_check_in(acme, booking), "name_needed")["ticket_id"] == ticket_ids(booking)[0]
    acme.patch(f"/api/v1/bookings/{booking['booking_id']}", {"passengers": [{"surname": "Lovelace"}]})
    check_in(acme, booking)


def test_who_has_one_name_only_needs_no_other(acme, flight):
    booking = confirmed(acme, flight, passengers=[{"surname": "Sukarno"}])
    [boarding_pass] = check_in(acme, booking)["boarding_passes"]
    assert bcbp.decode(boarding_pass["barcode"]).passenger_name == "SUKARNO"


def test_names_are_printed_in_latin_letters(acme, flight):
    booking = confirmed(acme, flight, passengers=[{"surname": "Лавлейс", "given_name": "Ада"}])
    refuses(lambda: try_check_in(acme, booking), "name_not_latin")


def test_children_come_with_or_after_an_adult(acme, flight):
    booking = sold(acme, flight, party="ADT CHD INF")
    for place in (1, 2):
        refuses(lambda place=place: try_check_in(acme, booking, place), "adult_not_checked_in")
    together = [{"ticket_id": ticket_ids(booking)[place]} for place in (1, 2)]
    refuses(lambda: try_group(acme, booking, passengers=together), "adult_not_checked_in")
    for place in (0, 1, 2):
        check_in(acme, booking, place)


def test_each_lap_infant_has_an_adult_of_its_own(acme, flight):
    booking = sold(acme, flight, party="ADT ADT INF INF")
    check_in(acme, booking, 0)
    check_in(acme, booking, 2)
    refuses(lambda: try_check_in(acme, booking, 3), "adult_not_checked_in")
    check_in(acme, booking, 1)
    check_in(acme, booking, 3)


def test_the_second_adult_with_the_infant_leaves_an_exit_seat_from_before(acme):
    flight = soon(aircraft_type="A320-200", seats={"J": 12, "Y": 138})
    booking = sold(acme, flight, party="ADT ADT INF")
    query("UPDATE ticketing_coupon SET seat = '11A' WHERE ticket_id = %s", ticket_ids(booking)[1])
    refuses(lambda: try_check_in(acme, booking, 1, seat="11B"), "exit_row")
    refuses(
        lambda: try_group(acme, booking, passengers=[{"ticket_id": ticket_ids(booking)[2]}]), "adult_not_checked_in"
    )
    check_in_group(acme, booking, passengers=[{"ticket_id": ticket_ids(booking)[place]} for place in (1, 2)])
    assert [k["status"] for k in coupons(booking)] == ["O", "C", "C"]
    assert not {k["seat"][:-1] for k in coupons(booking) if k["seat"]} & {"10", "11"}
