"""The page of one flight, for anybody: times, how it stands, cabins with price and seats left."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.utils import timezone

from flights.models import Fare
from tests.bookings.sales import confirmed
from tests.conftest import new_client
from tests.contract.operations import snapshot
from tests.factories import flight as make_flight


def page_of(flight) -> str:
    return f"/flights/{flight.pk}/"


def text(response) -> str:
    assert response.status_code == 200, response.content
    return response.content.decode()


def test_anybody_reads_times_cabins_and_seats_left(acme, flight, django_assert_max_num_queries):
    confirmed(acme, flight, seats=3)
    client = new_client()
    with django_assert_max_num_queries(4):
        shown = text(client.get(page_of(flight)))
    for words in ("FL123", "New York", "Los Angeles", "Economy", "97 seats left", "/sell/?out="):
        assert words in shown, words


def test_a_delay_says_when_it_was_to_leave(staff, flight):
    later = flight.departs_at + timedelta(hours=2)
    body = {
        "kind": "delay", "departs_at": later.isoformat(), "arrives_at": (later + timedelta(hours=6)).isoformat(),
        "reason": "De-icing",
    }  # fmt: skip
    assert staff.post(f"/api/v1/flights/{flight.pk}/disruptions", body).status_code == 201
    shown = text(new_client().get(page_of(flight)))
    assert "Delayed" in shown
    assert "It was to leave at" in shown
    assert "De-icing" in shown


def test_a_cancelled_flight_is_not_sold(staff, flight):
    body = {"kind": "cancellation", "reason": "Snow storm"}
    assert staff.post(f"/api/v1/flights/{flight.pk}/disruptions", body).status_code == 201
    shown = text(new_client().get(page_of(flight)))
    assert "This flight is cancelled." in shown
    assert "Snow storm" in shown
    assert "/sell/" not in shown


def test_a_flight_that_leaves_soon_or_is_full_is_not_sold(acme, db):
    soon = make_flight(departs_at=timezone.now() + timedelta(minutes=30))
    full = make_flight(seats=1)
    confirmed(acme, full)
    for flight in (soon, full):
        assert "/sell/" not in text(new_client().get(page_of(flight)))


def test_the_gate_is_shown(staff, flight):
    assert staff.put(f"/api/v1/flights/{flight.pk}/gate", {"gate": "B22"}).status_code == 200
    assert "B22" in text(new_client().get(page_of(flight)))


def test_what_is_not_there_is_404_and_looking_changes_nothing(flight):
    before = snapshot()
    assert new_client().get(f"/flights/{uuid4()}/").status_code == 404
    assert new_client().get(page_of(flight)).status_code == 200
    assert snapshot() == before


def test_what_a_fare_allows_is_said(flight):
    rules = {"is_refundable": True, "cancel_fee_amount": 75, "change_fee_amount": 50, "void_same_day": False}
    Fare.objects.update(**rules)
    assert "Refundable, less $75.00 · Changes for $50.00</p>" in text(new_client().get(page_of(flight)))
    Fare.objects.update(is_refundable=False, is_changeable=False, void_same_day=True)
    shown = text(new_client().get(page_of(flight)))
    assert "Not refundable · No changes · Free to cancel on the day of sale (UTC)</p>" in shown


@pytest.mark.parametrize(("days", "hours", "said"), [(8, 24, True), (6, 24, False), (8, 0, False)])
def test_a_fare_that_goes_back_whole_within_a_day_of_the_sale_says_so(db, days, hours, said):
    far = make_flight(departs_at=timezone.now() + timedelta(days=days))
    Fare.objects.update(free_cancel_hours=hours)
    shown = text(new_client().get(page_of(far)))
    assert ("Free to cancel within 24 hours of the sale" in shown) is said
    assert ("Free to cancel on the day of sale (UTC)" in shown) is not said
