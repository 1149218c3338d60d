"""Staff find flights and bookings by what people quote."""

import pytest
from django.contrib.auth.models import User

from tests.bookings.sales import act, book


@pytest.fixture
def office(staff):
    User.objects.filter(username="demo-staff").update(is_superuser=True)
    return staff.client


def found(office, path: str, term: str) -> int:
    return len(office.get(path, {"q": term}).context["cl"].result_list)


@pytest.mark.parametrize("term", ["FL123", "fl123", "123", "JFK", "new york", "los angeles", "FL123 lax", "{date}"])
def test_a_flight_is_found_by_whatever_it_is_known_by(office, flight, term):
    term = term.format(date=flight.departure_date)
    assert found(office, "/admin/flights/flight/", term) == 1


@pytest.mark.parametrize("term", ["FL124", "LHR", "FL123 SFO", "2020-01-01", "12345678901"])
def test_other_flights_are_not_found(office, flight, term):
    assert found(office, "/admin/flights/flight/", term) == 0


def test_a_booking_is_found_by_whatever_people_quote(office, acme, flight):
    booking = act(acme, book(acme, flight, passengers=[{"surname": "Hopper"}], user_id="c-1"), "confirm").json()
    terms = [booking["booking_id"], booking["record_locator"].lower(), booking["tickets"][0]["number"]]
    for term in [*terms, "hopper", "Acme Travel", "c-1"]:
        assert found(office, "/admin/bookings/booking/", term) == 1, term
    assert found(office, "/admin/bookings/booking/", "Lovelace") == 0


def test_a_booking_s_page_shows_its_flights(office, acme, flight):
    booking = book(acme, flight)
    page = office.get(f"/admin/bookings/booking/{booking['booking_id']}/change/").content.decode()
    assert f"/admin/flights/flight/{flight.pk}/change/" in page


def test_nothing_can_be_added_changed_or_deleted(office, acme, flight):
    booking = book(acme, flight)["booking_id"]
    for path in ("add/", f"{booking}/delete/"):
        assert office.post(f"/admin/bookings/booking/{path}").status_code == 403
    assert office.post(f"/admin/bookings/booking/{booking}/change/", {"status": "refunded"}).status_code == 403
