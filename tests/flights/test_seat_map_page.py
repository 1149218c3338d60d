"""The seat map that partners see."""

from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from flights.models import Flight
from tests import factories
from tests.bookings.sales import act, book, confirmed, let_hold_run_out, refused
from tests.orders.shop import product
from tests.ticketing.seating import choose, seat_map, tickets_of, trade

pytestmark = pytest.mark.django_db


@pytest.fixture
def flight(db):
    return factories.flight(seats={"Y": 138, "J": 12}, aircraft_type="A320-200")


def page(api, flight) -> dict:
    response = api.get(f"/api/v1/flights/{flight.pk}/seats")
    assert response.status_code == 200, response.content
    return response.json()


def test_cabins_come_from_front_to_back(acme, flight):
    answer = page(acme, flight)
    business, economy = answer.pop("cabins")
    legend = answer.pop("characteristics")
    assert answer == {
        "event_id": str(flight.pk), "flightId": flight.designator, "departureDate": str(flight.departure_date),
        "aircraft_type": "A320-200", "layout": "Airbus A320",
    }  # fmt: skip
    assert [business[name] for name in ("cabin", "letters", "capacity", "free")] == ["J", "AC-DF", 12, 12]
    assert [economy[name] for name in ("cabin", "letters", "capacity", "free")] == ["Y", "ABC-DEF", 138, 138]
    assert [row["row"] for row in business["rows"]] == [1, 2, 3]
    assert [row["row"] for row in economy["rows"] if row["is_exit"]] == [10, 11]
    used = {c for cabin in (business, economy) for r in cabin["rows"] for s in r["seats"] for c in s["characteristics"]}
    assert {entry["code"] for entry in legend} == used
    assert {"code": "W", "name": "at a window"} in legend


def test_a_seat(acme, flight):
    product("SEATEXIT", "49.00")
    seats = seat_map(acme, flight)
    assert seats["11A"] == {
        "number": "11A", "letter": "A", "status": "free", "is_exit": True,
        "characteristics": ["1A", "E", "IE", "L", "W"], "product_id": "SEATEXIT", "price": 49, "currency": "USD",
    }  # fmt: skip
    free = ("product_id", "price", "currency")
    assert [seats["20A"][name] for name in free] == [seats["5A"][name] for name in free] == [None, None, None]


def test_seats_are_taken_by_anybody_and_nobody_is_named(acme, zenith, flight):
    ada = {"surname": "Lovelace", "given_name": "Ada", "seat": "20A"}
    book(zenith, flight, passengers=[ada])
    trade(acme, confirmed(acme, flight), flight, "20C")
    answer = acme.get(f"/api/v1/flights/{flight.pk}/seats")
    assert b"Lovelace" not in answer.content
    assert b"LOVELACE" not in answer.content
    taken = [number for number, seat in seat_map(acme, flight).items() if seat["status"] == "taken"]
    assert taken == ["20A", "20C"]
    assert answer.json()["cabins"][1]["free"] == 136


def test_crew_seats_are_blocked(acme):
    wide = factories.flight(seats=250, aircraft_type="777-300ER")
    seats = seat_map(acme, wide).values()
    blocked = [seat for seat in seats if seat["status"] == "blocked"]
    assert blocked
    assert all("C" in seat["characteristics"] for seat in blocked)
    assert len(seats) - len(blocked) == page(acme, wide)["cabins"][0]["free"] == 250


def test_what_a_hold_that_ran_out_has_is_free_and_can_be_taken(acme, zenith, flight):
    held = book(zenith, flight, passengers=[{"seat": "20A"}])
    let_hold_run_out(held["booking_id"])
    assert seat_map(acme, flight)["20A"]["status"] == "free"
    assert choose(acme, tickets_of(confirmed(acme, flight))[0], "20A").status_code == 200
    assert seat_map(acme, flight)["20A"]["status"] == "taken"


def test_what_is_given_back_is_free(acme, flight):
    booking = confirmed(acme, flight)
    trade(acme, booking, flight, "20A")
    act(acme, booking, "refund")
    assert seat_map(acme, flight)["20A"]["status"] == "free"


def test_another_aircraft_has_other_seats(acme, flight):
    Flight.objects.filter(pk=flight.pk).update(aircraft_type="ERJ 190")
    answer = page(acme, flight)
    assert answer["cabins"][1]["letters"] == "AC-DF"
    assert answer["cabins"][1]["capacity"] == 138


def test_anybody_known_may_look(flight, acme, agent, traveller, staff, nobody):
    for api in (acme, agent, traveller, staff):
        assert page(api, flight)["cabins"]
    assert nobody.get(f"/api/v1/flights/{flight.pk}/seats").status_code == 403


def test_an_unknown_flight(acme):
    refused(acme.get(f"/api/v1/flights/{uuid4()}/seats"), 404, "flight_not_found")


def test_it_takes_no_parameters(acme, flight):
    assert acme.get(f"/api/v1/flights/{flight.pk}/seats?cabin=Y").status_code == 400


@pytest.mark.parametrize("bookings", [0, 12])
def test_it_costs_the_same_however_full(acme, flight, bookings):
    page(acme, flight)  # the key is known then
    for _ in range(bookings):
        booking = book(acme, flight, seats=9)
        body = {"event_id": str(flight.pk), "assign_rest": True}
        assert acme.post(f"/api/v1/bookings/{booking['booking_id']}/seats", body).status_code == 200
    with CaptureQueriesContext(connection) as captured:
        answer = page(acme, flight)
    assert len(captured) == 3, captured.captured_queries
    assert answer["cabins"][1]["free"] == 138 - 9 * bookings
