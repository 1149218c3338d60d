"""One passenger's seat: chosen, changed, given up; every refusal leaves everything as it was.

The flight is an A320: business in rows 1 to 3, preferred seats in rows 4 to 7, exits in rows 10 and 11.
"""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.utils import timezone

from flights.models import Flight
from tests import factories
from tests.bookings.sales import act, book, change, confirmed, database, let_hold_run_out, query, refused
from tests.ticketing.seating import (
    booking,
    choose,
    flight,
    give_up,
    seat_map,
    seats_of,
    set_status,
    tickets_of,
    trade,
    version_of,
)
from ticketing.models import BoardingPass, Coupon, Departure, Ticket
from ticketing.passes import issue_pass

__all__ = ["booking", "flight"]  # fixtures
pytestmark = pytest.mark.django_db


def test_a_chosen_seat_is_the_passengers(acme, flight, booking):
    response = choose(acme, tickets_of(booking)[0], "15a")
    assert response.status_code == 200, response.content
    ticket = booking["tickets"][0]
    assert response.json() == {
        "booking_id": booking["booking_id"], "ticket_id": ticket["ticket_id"],
        "coupon_id": ticket["coupons"][0]["coupon_id"], "event_id": str(flight.pk), "cabin": "Y", "status": "O",
        "seat": "15A",
    }  # fmt: skip
    assert seats_of(booking) == ["15A", None]
    shown = acme.get(f"/api/v1/bookings/{booking['booking_id']}").json()
    assert shown["tickets"][0]["coupons"][0]["seat"] == "15A"
    assert seat_map(acme, flight)["15A"]["status"] == "taken"


def test_a_seat_makes_the_next_version_and_an_event(acme, booking):
    choose(acme, tickets_of(booking)[0], "15A")
    choose(acme, tickets_of(booking)[0], "15B")
    assert version_of(booking) == 4
    sql = "SELECT before, after, actor_kind FROM skybridge_event WHERE action = 'coupon.seated' ORDER BY id"
    assert query(sql) == [
        ('{"seat": null}', '{"seat": "15A"}', "agency"),
        ('{"seat": "15A"}', '{"seat": "15B"}', "agency"),
    ]
    assert query("SELECT version FROM orders_order")[0][0] == 3


def test_the_seat_that_one_has_changes_nothing(acme, booking):
    choose(acme, tickets_of(booking)[0], "15A")
    before = database()
    assert choose(acme, tickets_of(booking)[0], "15A").status_code == 200
    assert database() == before


def test_a_held_booking_has_seats_too(acme, flight):
    held = book(acme, flight)
    assert choose(acme, tickets_of(held)[0], "15A").status_code == 200
    assert act(acme, held, "confirm").status_code == 200
    assert seats_of(held) == ["15A"]


def test_another_seat_frees_the_first(acme, zenith, flight, booking):
    other = book(zenith, flight)
    choose(acme, tickets_of(booking)[0], "15A")
    choose(acme, tickets_of(booking)[0], "15B")
    assert choose(zenith, tickets_of(other)[0], "15A").status_code == 200


def test_with_several_flights_the_flight_must_be_named(acme, flight):
    back = factories.flight("LAX", "JFK")
    booking = confirmed(acme, flight, back)
    before = database()
    response = choose(acme, tickets_of(booking)[0], "2A")
    refused(response, 400, "several_flights")
    assert response.json()["flights"] == [str(flight.pk), str(back.pk)]
    refused(give_up(acme, tickets_of(booking)[0]), 400, "several_flights")
    assert database() == before
    assert choose(acme, tickets_of(booking)[0], "2A", event_id=str(back.pk)).status_code == 200
    assert seats_of(booking) == [None, "2A"]
    assert give_up(acme, tickets_of(booking)[0], f"?event_id={back.pk}").status_code == 200
    assert seats_of(booking) == [None, None]


# --- Refusals of a seat ---


@pytest.mark.parametrize(
    ("seat", "code"),
    [("99A", "unknown_seat"), ("15I", "unknown_seat"), ("XY", "unknown_seat"), ("2A", "other_cabin")],
)
def test_a_seat_that_cannot_be(acme, booking, seat, code):
    before = database()
    response = choose(acme, tickets_of(booking)[0], seat)
    refused(response, 409, code)
    assert (response.json()["seat"], response.json()["ticket_id"]) == (seat, tickets_of(booking)[0])
    assert database() == before


@pytest.mark.parametrize("body", [{}, {"seat": ""}, {"seat": 12}, {"seat": "12345"}, {"seat": "1A", "row": 1}])
def test_bad_input(acme, booking, body):
    before = database()
    response = acme.put(f"/api/v1/tickets/{tickets_of(booking)[0]}/seat", body)
    assert response.status_code == 400
    assert database() == before


def test_a_crew_seat(acme):
    wide = factories.flight(seats=250, aircraft_type="777-300ER")
    booking = confirmed(acme, wide)
    blocked = next(number for number, seat in seat_map(acme, wide).items() if seat["status"] == "blocked")
    before = database()
    refused(choose(acme, tickets_of(booking)[0], blocked), 409, "seat_blocked")
    assert database() == before


def test_a_taken_seat(acme, zenith, flight, booking):
    other = confirmed(zenith, flight)
    choose(zenith, tickets_of(other)[0], "15A")
    before = database()
    response = choose(acme, tickets_of(booking)[0], "15A")
    refused(response, 409, "seat_taken")
    assert response.json()["seat"] == "15A"
    assert database() == before


@pytest.mark.parametrize("party", [["ADT", "CHD"], ["ADT", "INS"]])
def test_children_keep_out_of_exit_rows(acme, flight, party):
    booking = confirmed(acme, flight, passengers=party)
    before = database()
    refused(choose(acme, tickets_of(booking)[1], "11A"), 409, "exit_row")
    assert database() == before
    assert choose(acme, tickets_of(booking)[0], "11A").status_code == 200


@pytest.mark.parametrize("place", [0, 2])
def test_who_may_hold_an_infant_keeps_out_of_exit_rows(acme, flight, place):
    booking = confirmed(acme, flight, passengers=["ADT", "INF", "ADT"])
    before = database()
    refused(choose(acme, tickets_of(booking)[place], "11A"), 409, "exit_row")
    assert database() == before


@pytest.mark.parametrize(("age", "allowed"), [(14, False), (15, True)])
def test_who_is_under_15_keeps_out_of_exit_rows(acme, flight, age, allowed):
    born = flight.departure_date.replace(year=flight.departure_date.year - age)
    booking = confirmed(acme, flight, passengers=[{"birth_date": str(born)}, "ADT"])
    assert (choose(acme, tickets_of(booking)[0], "11A").status_code == 200) is allowed


def test_one_lap_infant_per_block(acme, zenith, flight):
    ours, theirs = (confirmed(api, flight, passengers=["ADT", "INF"]) for api in (acme, zenith))
    choose(acme, tickets_of(ours)[0], "15A")
    before = database()
    refused(choose(zenith, tickets_of(theirs)[0], "15C"), 409, "infant_row")
    assert database() == before
    assert choose(zenith, tickets_of(theirs)[0], "15D").status_code == 200


def test_a_lap_infant_needs_no_seat(acme, flight):
    booking = confirmed(acme, flight, passengers=["ADT", "INF"])
    before = database()
    refused(choose(acme, tickets_of(booking)[1], "15A"), 409, "no_seat_needed")
    refused(give_up(acme, tickets_of(booking)[1]), 409, "no_seat_needed")
    assert database() == before


# --- Whose, and when ---


def test_anothers_ticket_is_not_found(zenith, traveller, booking):
    before = database()
    for api in (zenith, traveller):
        refused(choose(api, tickets_of(booking)[0], "15A"), 404, "ticket_not_found")
        refused(give_up(api, tickets_of(booking)[0]), 404, "ticket_not_found")
    refused(choose(zenith, str(uuid4()), "15A"), 404, "ticket_not_found")
    assert database() == before


def test_the_agent_and_the_traveller_choose(agent, traveller, flight, booking):
    own = confirmed(traveller, flight)
    assert choose(agent, tickets_of(booking)[0], "15A").status_code == 200
    assert choose(traveller, tickets_of(own)[0], "15B").status_code == 200


def test_a_flight_that_is_not_the_tickets(acme, booking):
    other = factories.flight()
    before = database()
    refused(choose(acme, tickets_of(booking)[0], "15A", event_id=str(other.pk)), 409, "not_in_booking")
    refused(choose(acme, tickets_of(booking)[0], "15A", event_id=str(uuid4())), 409, "not_in_booking")
    assert database() == before


@pytest.mark.parametrize("action", ["cancel", "refund"])
def test_a_closed_booking(acme, booking, action):
    choose(acme, tickets_of(booking)[0], "15A")
    act(acme, booking, action)
    before = database()
    refused(choose(acme, tickets_of(booking)[0], "15B"), 409, "cannot_change")
    refused(give_up(acme, tickets_of(booking)[0]), 409, "cannot_change")
    assert database() == before


def test_a_hold_that_has_run_out(acme, flight):
    held = book(acme, flight)
    let_hold_run_out(held["booking_id"])
    before = database()
    refused(choose(acme, tickets_of(held)[0], "15A"), 409, "hold_expired")
    assert database() == before


def test_an_exchanged_ticket(acme, booking, flight):
    later = factories.flight(
        number=flight.flight_number, departs_at=flight.departs_at + timedelta(days=1), seats={"Y": 138}
    )
    assert change(acme, booking, departureDate=str(later.departure_date)).status_code == 200
    before = database()
    refused(choose(acme, tickets_of(booking)[0], "15A"), 409, "ticket_not_valid")
    assert database() == before


@pytest.mark.parametrize(("status", "code"), [("L", "already_boarded"), ("F", "coupon_used")])
def test_on_board_seats_stay(acme, booking, status, code):
    choose(acme, tickets_of(booking)[0], "15A")
    set_status(booking, status)
    before = database()
    refused(choose(acme, tickets_of(booking)[0], "15B"), 409, code)
    refused(give_up(acme, tickets_of(booking)[0]), 409, code)
    assert database() == before


def test_a_flight_that_does_not_go_or_has_gone(acme, flight, booking):
    changes = {
        "flight_cancelled": {"status": "cancelled"},
        "flight_departed": {"status": "departed"},
    }
    for code, fields in changes.items():
        Flight.objects.filter(pk=flight.pk).update(**fields)
        before = database()
        refused(choose(acme, tickets_of(booking)[0], "15A"), 409, code)
        assert database() == before


def test_a_flight_that_should_have_left(acme, flight, booking, pass_time):
    pass_time(days=6)
    before = database()
    refused(choose(acme, tickets_of(booking)[0], "15A"), 409, "flight_departed")
    assert database() == before


def test_a_flight_that_is_closed_out(acme, flight, booking):
    Departure.objects.update_or_create(flight=flight, defaults={"closed_at": timezone.now()})
    before = database()
    refused(choose(acme, tickets_of(booking)[0], "15A"), 409, "flight_closed_out")
    assert database() == before


# --- Giving a seat up ---


def test_a_seat_given_up_is_free(acme, flight, booking):
    choose(acme, tickets_of(booking)[0], "15A")
    response = give_up(acme, tickets_of(booking)[0])
    assert (response.status_code, response.json()["seat"]) == (200, None)
    assert seat_map(acme, flight)["15A"]["status"] == "free"
    before = database()
    assert give_up(acme, tickets_of(booking)[0]).json() == response.json()
    assert database() == before


def test_who_is_checked_in_keeps_a_seat(acme, booking):
    choose(acme, tickets_of(booking)[0], "15A")
    set_status(booking, "C")
    before = database()
    refused(give_up(acme, tickets_of(booking)[0]), 409, "seat_needed")
    assert database() == before


def test_cancelled_passengers_free_their_seats(acme, flight, booking):
    trade(acme, booking, flight, "15A", "15B")
    act(acme, booking, "cancel")
    assert {seat_map(acme, flight)[number]["status"] for number in ("15A", "15B")} == {"free"}


def test_the_key_answers_again(acme, booking):
    path, body = f"/api/v1/tickets/{tickets_of(booking)[0]}/seat", {"seat": "15A"}
    first = acme.put(path, body, Idempotency_Key="seat")
    before = database()
    assert acme.put(path, body, Idempotency_Key="seat").content == first.content
    assert database() == before


def test_who_is_checked_in_gets_a_new_pass(acme, flight, booking):
    choose(acme, tickets_of(booking)[0], "15A")
    Ticket.objects.update(surname="Lovelace", given_name="Ada")
    set_status(booking, "C")
    coupon = Coupon.objects.get(seat="15A")
    issue_pass(coupon, sequence_number=7, at=timezone.now())
    assert choose(acme, tickets_of(booking)[0], "15B").status_code == 200
    passes = BoardingPass.objects.order_by("issued_at").values_list("seat", "sequence_number", "end_reason")
    assert list(passes) == [("15A", 7, "reissued"), ("15B", 7, "")]


def test_an_open_ticket_has_no_seats(acme, db):
    ticket_id = acme.post("/ticket", {"pax": "Ada Lovelace"}).json()["ticket_id"]
    before = database()
    refused(choose(acme, ticket_id, "15A"), 409, "flight_needed")
    refused(give_up(acme, ticket_id), 409, "flight_needed")
    assert database() == before
