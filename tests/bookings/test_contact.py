"""How to reach whoever booked: kept with the hold, shown, changed, found."""

import re
from datetime import timedelta

import pytest

from bookings.contacts import phone_digits, searched_digits
from bookings.models import Booking
from tests import factories
from tests.bookings.sales import act, actions_logged, book, booking_body, change, confirmed, database, refused
from ticketing.models import Coupon

ADA = {"email": "ada@example.com", "phone": "+1 (212) 555-0123"}
KEPT = {"email": "ada@example.com", "phone": "+12125550123"}


def test_given_with_the_hold(acme, flight):
    held = book(acme, flight, contact=ADA)
    assert held["contact"] == KEPT
    assert acme.get(f"/api/v1/bookings/{held['booking_id']}").json()["contact"] == KEPT


def test_given_with_several_flights_and_with_none(acme, flight):
    back = factories.flight("LAX", "JFK", departs_at=flight.departs_at + timedelta(days=2))
    assert book(acme, flight, back, contact=ADA)["contact"] == KEPT
    assert acme.post("/api/v1/bookings", {"contact": ADA}).json()["contact"] == KEPT


def test_left_out(acme, flight):
    assert book(acme, flight)["contact"] == {"email": "", "phone": ""}


def test_changed_in_part(acme, flight):
    held = book(acme, flight, contact=ADA)
    changed = change(acme, held, contact={"phone": "0044 20 7946 0018"}).json()
    assert changed["contact"] == {"email": "ada@example.com", "phone": "+442079460018"}
    assert changed["total_amount"] == held["total_amount"]
    assert actions_logged(held)[-1] == "booking.changed"


def test_changed_after_check_in(acme, flight):
    sold = confirmed(acme, flight, contact=ADA)
    Coupon.objects.update(status=Coupon.Status.CHECKED_IN)
    assert change(acme, sold, contact={"email": ""}).json()["contact"]["email"] == ""


def test_not_changed_once_cancelled(acme, flight):
    held = book(acme, flight, contact=ADA)
    act(acme, held, "cancel")
    before = database()
    refused(change(acme, held, contact={"phone": ""}), 409, "cannot_change")
    assert database() == before


@pytest.mark.parametrize(
    "contact", [{"phone": "2125550123"}, {"phone": "+1 212"}, {"phone": "+1212555012345678"}, {"email": "ada"},
                {"fax": "+12125550123"}, {"phone": 12125550123}],
)  # fmt: skip
def test_wrong_contact(acme, flight, contact):
    before = database()
    response = acme.post("/api/v1/bookings", booking_body(flight, contact=contact))
    assert response.status_code == 400
    [error] = response.json()["errors"]
    assert error["pointer"].startswith("/contact/")
    assert database() == before


def test_found_by_phone(acme, zenith, flight):
    held = book(acme, flight, contact=ADA)
    book(zenith, flight, contact={"phone": "+12125550124"})
    [found] = Booking.objects.with_phone(searched_digits("1 212 555 0123"))
    assert str(found.pk) == held["booking_id"]
    assert not Booking.objects.with_phone("")


@pytest.mark.parametrize(
    ("text", "digits"),
    [("+1 (212) 555-0123", "12125550123"), ("0049 30 / 901820", "4930901820"), ("+44 (0)20 7946 0018", "442079460018"),
     ("", ""), ("  ", "")],
)  # fmt: skip
def test_digits(text, digits):
    assert phone_digits(text) == digits


@pytest.mark.parametrize("text", ["212 555 0123", "+0 212 555 0123", "+1 212 555 CALL", "+", "+1٢125550123"])
def test_no_digits(text):
    with pytest.raises(ValueError, match=re.escape(text)):
        phone_digits(text)
