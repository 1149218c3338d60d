"""Who travels in one booking: up to nine seats, and a lap infant per adult."""

from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from bookings.exceptions import NoAdult, PartyTooLarge, TooManyInfants
from bookings.parties import Passenger, check_party, seats_of, unnamed
from tests import factories
from tests.bookings.sales import book, booking_body, change, confirmed, counters, coupons_of, database, query, refused


def test_an_infant_on_a_lap_takes_no_seat(acme, flight):
    booking = book(acme, flight, passengers=["ADT", "ADT", "CHD", "INS", "INF", "INF"])
    assert (booking["seats"], len(booking["tickets"])) == (4, 6)
    assert counters(flight)["held"] == 4


def test_children_and_infants_pay_less_and_infants_no_airport_charges(acme, flight):
    adult, child, infant = book(acme, flight, passengers=["ADT", "CHD", "INF"])["tickets"]
    fares = [ticket["coupons"][0]["fare_amount"] for ticket in (adult, child, infant)]
    assert fares == [fares[0], pytest.approx(fares[0] * 0.75, abs=0.01), pytest.approx(fares[0] * 0.10, abs=0.01)]
    assert {tax["code"] for tax in infant["coupons"][0]["taxes"]} == {"US"}


@pytest.mark.parametrize(
    ("passengers", "code"),
    [
        (["INF"], "no_adult"),
        (["CHD", "INF"], "no_adult"),
        (["INS"], "no_adult"),
        (["ADT", "INF", "INF"], "too_many_infants"),
        (["ADT", "INS", "INF", "INF"], "too_many_infants"),
    ],
)
def test_a_party_without_enough_adults_is_refused(acme, flight, passengers, code):
    before = database()
    refused(acme.post("/api/v1/bookings", booking_body(flight, passengers=passengers)), 400, code)
    assert database() == before


@pytest.fixture
def summer_flight(db):
    """A flight of a day that every year has."""
    return factories.flight(departs_at=datetime(timezone.now().year + 1, 6, 15, 16, tzinfo=UTC))


def years_before(flight, years: int, days: int = 0) -> str:
    """Return the birth date of who turns that old on the day of the flight, or some days later."""
    return str(flight.departure_date.replace(year=flight.departure_date.year - years) + timedelta(days=days))


@pytest.mark.parametrize(
    ("kind", "years", "days"),
    [("ADT", 12, 1), ("CHD", 12, 0), ("CHD", 2, 1), ("INF", 2, 0), ("INS", 2, 0), ("ADT", -1, 0)],
)
def test_a_birth_date_must_fit_the_passenger_type(acme, summer_flight, kind, years, days):
    child = {"passenger_type": kind, "birth_date": years_before(summer_flight, years, days)}
    before = database()
    response = acme.post("/api/v1/bookings", booking_body(summer_flight, passengers=[{}, child]))
    refused(response, 400, "wrong_age")
    assert response.json()["errors"][0]["pointer"] == "/passengers/1/birth_date"
    assert database() == before


@pytest.mark.parametrize(("kind", "years", "days"), [("ADT", 12, 0), ("CHD", 12, 1), ("CHD", 2, 0), ("INF", 2, 1)])
def test_the_day_before_and_after_a_birthday_fit(acme, summer_flight, kind, years, days):
    child = {"passenger_type": kind, "birth_date": years_before(summer_flight, years, days)}
    assert acme.post("/api/v1/bookings", booking_body(summer_flight, passengers=[{}, child])).status_code == 201


def test_an_infant_that_turns_two_before_the_way_back_needs_a_seat(acme, summer_flight):
    back = factories.flight("LAX", "JFK", departs_at=summer_flight.departs_at + timedelta(days=3))
    party = [{}, {"passenger_type": "INF", "birth_date": years_before(summer_flight, 2, 2)}]
    refused(acme.post("/api/v1/bookings", booking_body(summer_flight, back, passengers=party)), 400, "wrong_age")
    assert acme.post("/api/v1/bookings", booking_body(summer_flight, passengers=party)).status_code == 201


@pytest.mark.parametrize("name", ["DO3", "<b>", "a@b", "x\ty"])
def test_a_name_is_made_of_letters(acme, flight, name):
    before = database()
    refused(acme.post("/api/v1/bookings", booking_body(flight, passengers=[{"surname": name}])), 400, "invalid_input")
    assert database() == before


def test_names_of_any_script_are_kept_as_given(acme, flight):
    party = [{"surname": "O'Neill-Ångström", "given_name": "José Mª Jr."}, {"surname": "山田", "given_name": "太郎"}]
    tickets = book(acme, flight, passengers=party)["tickets"]
    assert [ticket["surname"] for ticket in tickets] == ["O'Neill-Ångström", "山田"]


def test_nine_seats_and_nine_infants_fit_and_ten_seats_do_not(acme, flight):
    book(acme, flight, passengers=["ADT", "INF"] * 9)
    before = database()
    refused(acme.post("/api/v1/bookings", booking_body(flight, passengers=["ADT"] * 10)), 400, "party_too_large")
    assert acme.post("/api/v1/bookings", booking_body(flight, seats=10)).status_code == 400
    assert acme.post("/api/v1/bookings", booking_body(flight, seats=0)).status_code == 400
    assert database() == before


def test_seats_and_passengers_must_agree(acme, flight):
    body = booking_body(flight, passengers=["ADT", "INF"]) | {"seats": 2}
    assert acme.post("/api/v1/bookings", body).status_code == 400
    assert acme.post("/api/v1/bookings", body | {"seats": 1}).status_code == 201


def test_names_can_be_given_later_by_place_or_by_ticket(acme, flight):
    booking = confirmed(acme, flight, seats=2)
    second = booking["tickets"][1]["ticket_id"]
    change(acme, booking, passengers=[{"surname": "Lovelace", "given_name": "Ada"}])
    named = change(acme, booking, passengers=[{"ticket_id": second, "surname": "Hopper"}]).json()
    assert [ticket["surname"] for ticket in named["tickets"]] == ["Lovelace", "Hopper"]
    assert named["tickets"][0]["given_name"] == "Ada"
    assert [t["number"] for t in named["tickets"]] == [t["number"] for t in booking["tickets"]]


def test_an_issued_ticket_s_name_is_completed_but_only_changed_by_staff(acme, staff, flight):
    booking = confirmed(acme, flight, passengers=[{"surname": "Lovelace"}])
    assert change(acme, booking, passengers=[{"surname": "Lovelace", "given_name": "Ada"}]).status_code == 200
    before = database()
    for fields in ({"surname": "Hopper"}, {"given_name": "Grace"}, {"surname": ""}):
        refused(change(acme, booking, passengers=[fields]), 409, "name_change_not_allowed")
    assert database() == before
    renamed = change(staff, booking, passengers=[{"surname": "Hopper", "given_name": "Grace"}]).json()
    assert [(t["surname"], t["given_name"]) for t in renamed["tickets"]] == [("Hopper", "Grace")]


def test_names_of_a_hold_may_change(acme, flight):
    booking = book(acme, flight, passengers=[{"surname": "Lovelace"}])
    assert change(acme, booking, passengers=[{"surname": "Hopper"}]).json()["tickets"][0]["surname"] == "Hopper"


def test_names_cannot_be_given_after_check_in_nor_to_others(acme, flight):
    booking, other = confirmed(acme, flight), confirmed(acme, flight)
    stranger = other["tickets"][0]["ticket_id"]
    before = database()
    refused(change(acme, booking, passengers=[{"ticket_id": stranger, "surname": "X"}]), 409, "cannot_change")
    refused(change(acme, booking, passengers=[{"surname": "X"}, {"surname": "Y"}]), 409, "cannot_change")
    assert database() == before
    query("UPDATE ticketing_coupon SET status = 'C'")
    refused(change(acme, booking, passengers=[{"surname": "X"}]), 409, "cannot_change")


def test_fewer_seats_leave_no_infant_without_adult(acme, flight):
    booking = book(acme, flight, passengers=["ADT", "ADT", "INF", "INF"])
    before = database()
    refused(change(acme, booking, seats=1), 400, "too_many_infants")
    assert database() == before


def test_fewer_seats_give_up_the_unnamed_first(acme, flight):
    booking = book(acme, flight, passengers=["ADT", {"surname": "Lovelace"}, {"surname": "Hopper"}])
    left = change(acme, booking, seats=2).json()
    assert [ticket["surname"] for ticket in left["tickets"]] == ["Lovelace", "Hopper"]
    assert coupons_of(booking) == ["V", "O", "O"]


def test_the_rules_themselves():
    check_party([*unnamed(2), Passenger("INF"), Passenger("INF")])
    assert seats_of([Passenger("INS"), Passenger("INF"), Passenger("CHD")]) == 2
    for party, refusal in (([], NoAdult), (unnamed(10), PartyTooLarge)):
        with pytest.raises(refusal):
            check_party(party)
    with pytest.raises(TooManyInfants):
        check_party([*unnamed(1), Passenger("CHD"), Passenger("INF"), Passenger("INF")])
