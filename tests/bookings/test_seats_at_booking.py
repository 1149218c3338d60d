"""Seats chosen while booking, what becomes of them when a hold runs out, and when a flight's date changes.

The flight is an A320: business in rows 1 to 3, preferred seats in rows 4 to 7, exits in rows 10 and 11.
"""

from datetime import timedelta

import pytest
from django.utils import timezone

from bookings.expiry import sweep
from tests import factories
from tests.bookings.sales import (
    act,
    actions_logged,
    book,
    booking_body,
    change,
    confirmed,
    counters,
    coupons_of,
    database,
    let_hold_run_out,
    query,
    refused,
)
from tests.bookings.test_statements import statements
from tests.orders.shop import product
from tests.ticketing.seating import choose, seat_all, seats_of, tickets_of, trade

pytestmark = pytest.mark.django_db


@pytest.fixture
def flight(db):
    return factories.flight(number=123, seats={"J": 12, "Y": 138}, aircraft_type="A320-200")


def try_booking(api, *flights, **party):
    return api.post("/api/v1/bookings", booking_body(*flights, **party))


def test_passengers_choose_seats(acme, flight):
    booking = book(acme, flight, passengers=[{"seat": "20a"}, {}, {"seat": "20C", "passenger_type": "CHD"}])
    assert [t["coupons"][0]["seat"] for t in booking["tickets"]] == ["20A", None, "20C"]
    assert seats_of(booking) == ["20A", None, "20C"]
    assert acme.get(f"/api/v1/bookings/{booking['booking_id']}").json() == booking


def test_the_seat_stays_when_the_booking_is_sold(acme, flight):
    booking = confirmed(acme, flight, passengers=[{"seat": "20A"}, "INF"])
    assert seats_of(booking) == ["20A", None]


@pytest.mark.parametrize(
    ("party", "code"),
    [
        ([{"seat": "99A"}], "unknown_seat"),
        ([{"seat": "2A"}], "other_cabin"),
        ([{}, {"seat": "11A", "passenger_type": "CHD"}], "exit_row"),
        ([{"seat": "11A"}, "INF"], "exit_row"),
        ([{"seat": "20A"}, {"seat": "20C"}, "INF", "INF"], "infant_row"),
        ([{}, {"seat": "20A", "passenger_type": "INF"}], "no_seat_needed"),
        ([{"seat": "20A"}, {"seat": "20A"}], "seat_taken"),
        ([{}, {"seat": "25F"}], "seat_taken"),
        ([{"seat": "20A"}, {"seat": "10A"}], "seat_not_paid"),
    ],
)
def test_all_of_it_or_nothing(acme, zenith, flight, party, code):
    product("SEATEXIT", "49.00")
    book(zenith, flight, passengers=[{"seat": "25F"}])
    before = database()
    if code == "exit_row":
        query("UPDATE orders_product SET on_sale = false")
    refused(try_booking(acme, flight, passengers=party), 409, code)
    assert database() == before
    assert counters(flight)["held"] == 1


def test_a_flight_that_is_sold_out_keeps_its_seats(acme, zenith):
    small = factories.flight(seats=4, aircraft_type="A320-200")
    book(zenith, small, seats=3)
    before = database()
    refused(try_booking(acme, small, passengers=[{"seat": "1A"}, {}]), 409, "not_enough_seats")
    assert database() == before


def test_seats_on_several_flights_are_chosen_afterwards(acme, flight):
    back = factories.flight("LAX", "JFK")
    before = database()
    response = try_booking(acme, flight, back, passengers=[{"seat": "20A"}])
    assert response.status_code == 400
    assert response.json()["errors"][0]["pointer"] == "/passengers"
    assert database() == before


def test_a_seat_needs_a_flight(acme):
    assert acme.post("/api/v1/bookings", {"passengers": [{"seat": "20A"}]}).status_code == 400


def test_the_same_key_books_once(acme, flight):
    body = booking_body(flight, passengers=[{"seat": "20A"}])
    first = acme.post("/api/v1/bookings", body, Idempotency_Key="seat")
    assert first.status_code == 201
    before = database()
    assert acme.post("/api/v1/bookings", body, Idempotency_Key="seat").content == first.content
    assert database() == before


def test_without_seats_a_hold_costs_what_it_did(acme, flight):
    book(acme, flight)
    with statements(2, writes=1):
        book(acme, flight, seats=9)


def test_with_seats_a_hold_costs_the_same_for_any_party(acme, flight):
    letters = [f"{row}{letter}" for row in (20, 21) for letter in "ABCDEF"]
    book(acme, flight, passengers=[{"seat": "25A"}])
    for seats in (letters[:1], letters[1:10]):
        with statements(8, writes=1):  # offer, prices, begin, departure, seats, who has them, the hold, commit
            book(acme, flight, passengers=[{"seat": seat} for seat in seats])


# --- Holds that run out ---


def test_a_seat_is_free_at_the_deadline_for_a_new_booking(acme, zenith, flight):
    held = book(zenith, flight, passengers=[{"seat": "20A"}])
    let_hold_run_out(held["booking_id"])
    booking = book(acme, flight, passengers=[{"seat": "20A"}])
    assert seats_of(booking) == ["20A"]
    assert coupons_of(held) == ["V"]
    assert actions_logged(held)[-1] == "booking.canceled"


@pytest.mark.parametrize("headers", [{}, {"Idempotency_Key": "k"}])
def test_a_seat_is_free_at_the_deadline_for_a_choice(acme, zenith, flight, headers):
    held = book(zenith, flight, passengers=[{"seat": "20A"}])
    booking = confirmed(acme, flight)
    let_hold_run_out(held["booking_id"])
    path = f"/api/v1/tickets/{tickets_of(booking)[0]}/seat"
    assert acme.put(path, {"seat": "20A"}, **headers).status_code == 200
    assert coupons_of(held) == ["V"]


def test_an_infants_block_is_free_at_the_deadline(acme, zenith, flight):
    held = book(zenith, flight, passengers=[{"seat": "20A"}, "INF"])
    booking = confirmed(acme, flight, passengers=["ADT", "INF"])
    let_hold_run_out(held["booking_id"])
    assert choose(acme, tickets_of(booking)[0], "20C").status_code == 200


def test_the_last_seats_are_free_at_the_deadline(acme, zenith):
    small = factories.flight(seats=4, aircraft_type="A320-200")
    held = book(zenith, small, seats=3)
    assert seat_all(zenith, held, small).status_code == 200
    let_hold_run_out(held["booking_id"])
    booking = book(acme, small, seats=4)
    assert seat_all(acme, booking, small).status_code == 200
    assert None not in seats_of(booking)


def test_a_refused_choice_leaves_what_ran_out_to_the_sweep(acme, zenith, flight):
    """Only a seat that is wanted is released early."""
    held = book(zenith, flight, passengers=[{"seat": "20A"}])
    booking = confirmed(acme, flight)
    let_hold_run_out(held["booking_id"])
    choose(acme, tickets_of(booking)[0], "20B")
    assert coupons_of(held) == ["O"]
    sweep(at=timezone.now())
    assert coupons_of(held) == ["V"]


# --- Changes of date ---


@pytest.mark.parametrize("sell", [book, confirmed])
def test_another_date_has_no_seat_yet_and_other_flights_keep_theirs(acme, flight, sell):
    back = factories.flight("LAX", "JFK", aircraft_type="A320-200", departs_at=flight.departs_at + timedelta(days=9))
    later = factories.flight(number=123, departs_at=flight.departs_at + timedelta(days=1))
    booking = sell(acme, flight, back, seats=2)
    for leg, seats in ((flight, ("20A", "20B")), (back, ("15A", "15B"))):
        assert trade(acme, booking, leg, *seats).status_code == 200
    response = change(acme, booking, departureDate=str(later.departure_date), flightId=flight.designator)
    assert response.status_code == 200, response.content
    assert seats_of(booking) == [None, "15A", None, "15B"]
    other = confirmed(acme, flight)
    assert choose(acme, tickets_of(other)[0], "20A").status_code == 200


def test_more_and_fewer_passengers_leave_the_others_seats(acme, flight):
    booking = confirmed(acme, flight, seats=2)
    trade(acme, booking, flight, "20A", "20B")
    assert change(acme, booking, seats=3).status_code == 200
    assert seats_of(booking) == ["20A", "20B", None]
    assert change(acme, booking, seats=1).status_code == 200
    assert seats_of(booking) == ["20A"]
    assert act(acme, booking, "cancel").status_code == 200
