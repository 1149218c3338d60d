"""A booking's seats together, and swaps: all or nothing.

The flight is an A320: business in rows 1 to 3, preferred seats in rows 4 to 7, exits in rows 10 and 11.
"""

import re
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from flights.models import BlockedSeat, Flight
from tests import factories
from tests.bookings.sales import book, confirmed, database, let_hold_run_out, query, refused
from tests.orders.shop import product
from tests.ticketing.seating import (
    choose,
    give_up,
    pay_for_seat,
    seat_all,
    seat_map,
    seats_of,
    set_status,
    swap,
    tickets_of,
    trade,
    version_of,
)
from ticketing.models import Coupon

pytestmark = pytest.mark.django_db


@pytest.fixture
def flight(db):
    return factories.flight(seats={"J": 12, "Y": 138}, aircraft_type="A320-200")


@pytest.fixture
def booking(acme, flight):
    return confirmed(acme, flight, seats=3)


def rows_of(seats) -> set[int]:
    return {int(re.match(r"\d+", seat)[0]) for seat in seats if seat}


# --- A booking's seats ---


def test_a_party_is_seated_together(acme, flight, booking):
    response = seat_all(acme, booking, flight)
    assert response.status_code == 200, response.content
    answer = response.json()
    assert answer["event_id"] == str(flight.pk)
    assert [one["ticket_id"] for one in answer["seats"]] == tickets_of(booking)
    assert [one["seat"] for one in answer["seats"]] == seats_of(booking)
    assert len(set(seats_of(booking))) == 3
    assert len(rows_of(seats_of(booking))) == 1
    assert version_of(booking) == 3


def test_again_changes_nothing(acme, flight, booking):
    first = seat_all(acme, booking, flight)
    before = database()
    assert seat_all(acme, booking, flight).content == first.content
    assert database() == before


def test_who_has_a_seat_keeps_it(acme, flight, booking):
    choose(acme, tickets_of(booking)[1], "20C")
    assert seat_all(acme, booking, flight).status_code == 200
    assert seats_of(booking)[1] == "20C"
    assert None not in seats_of(booking)


def test_wanted_seats_and_the_rest(acme, flight, booking):
    assert trade(acme, booking, flight, "20A", "20B", assign_rest=True).status_code == 200
    assert seats_of(booking)[:2] == ["20A", "20B"]
    assert seats_of(booking)[2] not in (None, "20A", "20B")


def test_the_rest_sit_with_who_has_chosen(acme, flight, booking):
    assert trade(acme, booking, flight, "20A", assign_rest=True).status_code == 200
    assert sorted(seats_of(booking)) == ["20A", "20B", "20C"]
    other = confirmed(acme, flight, seats=4)
    assert trade(acme, other, flight, "20D", assign_rest=True).status_code == 200
    assert rows_of(seats_of(other)) <= {19, 20, 21}


def test_who_pays_for_an_exit_row_gets_no_others_there_for_nothing(acme, flight, booking):
    product("SEATEXIT", "49.00")
    pay_for_seat(booking)
    assert trade(acme, booking, flight, "11A", assign_rest=True).status_code == 200
    assert seats_of(booking)[0] == "11A"
    assert rows_of(seats_of(booking)[1:]) == {12}


def test_seats_for_some_only(acme, flight, booking):
    assert trade(acme, booking, flight, "20A").status_code == 200
    assert seats_of(booking) == ["20A", None, None]


def test_a_party_trades_its_seats(acme, flight, booking):
    trade(acme, booking, flight, "20A", "20B", "20C")
    assert trade(acme, booking, flight, "20B", "20C", "20A").status_code == 200
    assert seats_of(booking) == ["20B", "20C", "20A"]


def test_a_lap_infant_gets_no_seat_and_keeps_its_adult_from_the_exit(acme, flight):
    booking = confirmed(acme, flight, passengers=["INF", "ADT", "CHD"])
    assert seat_all(acme, booking, flight).status_code == 200
    infant, *seated = seats_of(booking)
    assert infant is None
    assert None not in seated
    assert not rows_of(seated) & {10, 11}


def test_no_adult_of_a_booking_with_a_lap_infant_sits_in_an_exit_row(acme, flight):
    """Whoever holds the infant: nobody knows before boarding."""
    booking = confirmed(acme, flight, passengers=["ADT", "ADT", "INF"])
    trade(acme, booking, flight, "20A")
    other = confirmed(acme, flight)
    trade(acme, other, flight, "11A")
    before = database()
    refused(choose(acme, tickets_of(booking)[1], "11B"), 409, "exit_row")
    refused(trade(acme, booking, flight, "20A", "11B"), 409, "exit_row")
    refused(swap(acme, flight, tickets_of(booking)[0], tickets_of(other)[0]), 409, "exit_row")
    assert database() == before


def test_the_rest_of_a_booking_with_a_lap_infant_is_seated_away_from_exits(acme, flight):
    booking = confirmed(acme, flight, passengers=["ADT", "ADT", "INF"])
    trade(acme, booking, flight, "12A")
    kept = [n for n in seat_map(acme, flight) if n not in ("12A", "11A", "11B", "11C")]
    BlockedSeat.objects.bulk_create(BlockedSeat(flight=flight, seat=number) for number in kept)
    before = database()
    refused(seat_all(acme, booking, flight), 409, "no_seat_left")
    assert database() == before


def test_given_seats_cost_nothing(acme, booking, flight):
    """Seats for sale are given last, and free of charge."""
    product("SEATEXIT", "49.00")
    product("SEATPREF", "24.00")
    assert seat_all(acme, booking, flight).status_code == 200
    assert min(rows_of(seats_of(booking))) >= 8
    assert not rows_of(seats_of(booking)) & {10, 11}
    small = factories.flight(seats=4, aircraft_type="A320-200")
    for _ in range(4):
        assert seat_all(acme, one := confirmed(acme, small), small).status_code == 200
        assert None not in seats_of(one)


def test_another_aircraft_moves_who_lost_a_seat(acme, flight, booking):
    trade(acme, booking, flight, "8A", "8B", "8C")
    Flight.objects.filter(pk=flight.pk).update(aircraft_type="ERJ 190")
    assert seat_all(acme, booking, flight).status_code == 200
    first, second, third = seats_of(booking)
    assert (first, third) == ("8A", "8C")
    assert second not in (None, "8B")


def test_all_of_it_or_nothing(acme, zenith, flight, booking):
    other = confirmed(zenith, flight)
    choose(zenith, tickets_of(other)[0], "20B")
    before = database()
    response = trade(acme, booking, flight, "20A", "20B", assign_rest=True)
    refused(response, 409, "seat_taken")
    assert (response.json()["seat"], response.json()["ticket_id"]) == ("20B", tickets_of(booking)[1])
    assert database() == before


def test_two_cannot_have_one_seat(acme, flight, booking):
    before = database()
    refused(trade(acme, booking, flight, "20A", "20A"), 409, "seat_taken")
    assert database() == before


def test_a_seat_of_ones_own_party_is_taken_too(acme, flight, booking):
    choose(acme, tickets_of(booking)[2], "20A")
    before = database()
    refused(trade(acme, booking, flight, "20A"), 409, "seat_taken")
    assert database() == before


@pytest.mark.parametrize(
    "body",
    [
        {"assign_rest": False},
        {"assign_rest": "true"},
        {"seats": [{"seat": "20A"}]},
        {"seats": [{"ticket_id": str(uuid4())}]},
        {"event_id": None},
        {"seats": [{"ticket_id": "0190d3a8-7a10-7a10-8d55-0f2a6a1e4b66", "seat": s} for s in ("1A", "1C")]},
    ],
)
def test_bad_input(acme, flight, booking, body):
    before = database()
    assert seat_all(acme, booking, flight, **body).status_code == 400
    assert database() == before


def test_a_ticket_of_another_booking(acme, flight, booking):
    other = confirmed(acme, flight)
    elsewhere = factories.flight()
    wanted = [{"ticket_id": tickets_of(other)[0], "seat": "20A"}]
    before = database()
    refused(seat_all(acme, booking, flight, seats=wanted), 409, "not_in_booking")
    refused(seat_all(acme, booking, elsewhere), 409, "not_in_booking")
    assert database() == before


def test_no_seat_left(acme, zenith):
    """More infants than blocks."""
    small = factories.flight(seats=4, aircraft_type="A320-200")
    booking = confirmed(acme, small, passengers=["ADT", "INF", "ADT", "INF", "ADT", "INF"])
    before = database()
    refused(seat_all(acme, booking, small), 409, "no_seat_left")
    assert database() == before


def test_anothers_booking_is_not_found(zenith, traveller, flight, booking):
    before = database()
    for api in (zenith, traveller):
        refused(seat_all(api, booking, flight), 404, "booking_not_found")
    assert database() == before


def test_a_stale_version(acme, flight, booking):
    tag = acme.get(f"/api/v1/bookings/{booking['booking_id']}").headers["ETag"]
    body = {"event_id": str(flight.pk), "assign_rest": True}
    path = f"/api/v1/bookings/{booking['booking_id']}/seats"
    assert acme.post(path, body, If_Match=tag).status_code == 200
    before = database()
    refused(acme.post(path, body, If_Match=tag), 412, "stale_version")
    assert database() == before


def test_boarded_passengers_stay_while_others_are_seated(acme, flight, booking):
    choose(acme, tickets_of(booking)[0], "20A")
    Coupon.objects.filter(seat="20A").update(status="L")
    assert seat_all(acme, booking, flight).status_code == 200
    assert seats_of(booking)[0] == "20A"
    before = database()
    refused(trade(acme, booking, flight, "21A"), 409, "already_boarded")
    assert database() == before


def test_seating_costs_the_same_for_any_party(acme, flight):
    def cost(seats: int) -> int:
        booking = book(acme, flight, seats=seats)
        with CaptureQueriesContext(connection) as captured:
            assert seat_all(acme, booking, flight).status_code == 200
        return len(captured)

    cost(1)  # makes the departure
    assert cost(9) == cost(1) <= 16


# --- Swaps ---


def test_two_of_one_booking_swap(acme, flight, booking):
    trade(acme, booking, flight, "20A", "20B", "20C")
    response = swap(acme, flight, *tickets_of(booking)[:2])
    assert response.status_code == 200, response.content
    answer = response.json()
    assert [(one["ticket_id"], one["seat"]) for one in answer["seats"]] == [
        (tickets_of(booking)[0], "20B"),
        (tickets_of(booking)[1], "20A"),
    ]
    assert seats_of(booking) == ["20B", "20A", "20C"]


def test_two_of_different_bookings_swap(acme, flight, booking):
    other = confirmed(acme, flight)
    trade(acme, booking, flight, "20A")
    trade(acme, other, flight, "25F")
    assert swap(acme, flight, tickets_of(other)[0], tickets_of(booking)[0]).status_code == 200
    assert (seats_of(booking)[0], seats_of(other)[0]) == ("25F", "20A")
    assert (version_of(booking), version_of(other)) == (4, 4)


def test_staff_swaps_passengers_of_two_agencies(acme, zenith, staff, flight, booking):
    other = confirmed(zenith, flight)
    trade(acme, booking, flight, "20A")
    trade(zenith, other, flight, "25F")
    ids = (tickets_of(booking)[0], tickets_of(other)[0])
    before = database()
    for api in (acme, zenith):
        refused(swap(api, flight, *ids), 404, "ticket_not_found")
    assert database() == before
    assert swap(staff, flight, *ids).status_code == 200
    assert (seats_of(booking)[0], seats_of(other)[0]) == ("25F", "20A")


def test_a_swap_obeys_the_exit_rows(acme, flight):
    booking = confirmed(acme, flight, passengers=["ADT", "CHD"])
    trade(acme, booking, flight, "11A", "12A")
    before = database()
    refused(swap(acme, flight, *tickets_of(booking)), 409, "exit_row")
    assert database() == before


def test_a_swap_obeys_the_infants_masks(acme, flight):
    ours, theirs, alone = (
        confirmed(acme, flight, passengers=party) for party in (["ADT", "INF"], ["ADT", "INF"], ["ADT"])
    )
    for booking, seat in ((ours, "20A"), (theirs, "21A"), (alone, "20B")):
        assert trade(acme, booking, flight, seat).status_code == 200
    before = database()
    refused(swap(acme, flight, tickets_of(theirs)[0], tickets_of(alone)[0]), 409, "infant_row")
    assert database() == before


def test_both_with_infants_may_swap(acme, flight):
    ours, theirs = (confirmed(acme, flight, passengers=["ADT", "INF"]) for _ in range(2))
    trade(acme, ours, flight, "20A")
    trade(acme, theirs, flight, "21A")
    assert swap(acme, flight, tickets_of(ours)[0], tickets_of(theirs)[0]).status_code == 200
    assert (seats_of(ours)[0], seats_of(theirs)[0]) == ("21A", "20A")


def test_a_swap_needs_two_seats(acme, flight, booking):
    trade(acme, booking, flight, "20A")
    before = database()
    refused(swap(acme, flight, *tickets_of(booking)[:2]), 409, "no_seat_yet")
    assert database() == before


def test_a_swap_stays_in_the_cabin(acme, flight, booking):
    body = {"flights": [{"event_id": str(flight.pk), "cabin": "J"}], "passengers": [{"seat": "2A"}]}
    in_front = acme.post("/api/v1/bookings", body).json()
    trade(acme, booking, flight, "20A")
    before = database()
    refused(swap(acme, flight, tickets_of(in_front)[0], tickets_of(booking)[0]), 409, "other_cabin")
    assert database() == before


def test_a_swap_into_a_seat_that_costs_must_be_paid(acme, flight, booking):
    product("SEATEXIT", "49.00")
    pay_for_seat(booking, 0)
    trade(acme, booking, flight, "11A", "20A")
    before = database()
    refused(swap(acme, flight, *tickets_of(booking)[:2]), 409, "seat_not_paid")
    assert database() == before
    pay_for_seat(booking, 1)
    assert swap(acme, flight, *tickets_of(booking)[:2]).status_code == 200


@pytest.mark.parametrize("ids", [[], ["0190d3a8-7a10-7a10-8d55-0f2a6a1e4b66"], ["x", "y"]])
def test_a_swap_names_two_tickets(acme, flight, booking, ids):
    before = database()
    assert swap(acme, flight, *ids).status_code == 400
    assert swap(acme, flight, *[tickets_of(booking)[0]] * 2).status_code == 400
    assert database() == before


def test_a_swap_with_a_hold_that_has_run_out(acme, flight, booking):
    held = book(acme, flight, passengers=[{"seat": "25F"}])
    trade(acme, booking, flight, "20A")
    let_hold_run_out(held["booking_id"])
    before = database()
    refused(swap(acme, flight, tickets_of(held)[0], tickets_of(booking)[0]), 409, "hold_expired")
    assert database() == before


def test_a_boarded_passenger_does_not_swap(acme, flight, booking):
    trade(acme, booking, flight, "20A", "20B")
    set_status(booking, "L")
    before = database()
    refused(swap(acme, flight, *tickets_of(booking)[:2]), 409, "already_boarded")
    assert database() == before


def test_the_log_tells_of_a_swap(acme, flight, booking):
    trade(acme, booking, flight, "20A", "20B")
    swap(acme, flight, *tickets_of(booking)[:2])
    sql = "SELECT before ->> 'seat', after ->> 'seat' FROM skybridge_event WHERE action = 'coupon.seated' ORDER BY id"
    assert sorted(query(sql)[-2:]) == [("20A", "20B"), ("20B", "20A")]


def test_seats_stay_once_check_in_has_closed(acme, staff, flight, booking, pass_time):
    trade(acme, booking, flight, "20A", "20B")
    pass_time(seconds=(flight.departs_at - timezone.now()).total_seconds() - 30 * 60)
    one, two, three = tickets_of(booking)
    before = database()
    refused(choose(acme, one, "21A"), 409, "check_in_closed")
    refused(trade(acme, booking, flight, "21A"), 409, "check_in_closed")
    refused(seat_all(acme, booking, flight), 409, "check_in_closed")
    refused(swap(acme, flight, one, two), 409, "check_in_closed")
    refused(give_up(acme, one), 409, "check_in_closed")
    assert choose(acme, one, "20A").status_code == 200
    assert database() == before
    assert choose(staff, three, "21A").status_code == 200
    assert swap(staff, flight, one, two).status_code == 200
