"""Open tickets: their flight is set later, at the price of that moment; they end like all others."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from bookings import holds
from bookings.models import Booking
from flights.models import Fare
from orders.models import Order, OrderItem
from partners.models import Account
from tests import factories
from tests.bookings.test_invariants import verify
from tests.contract.operations import refusal, snapshot
from tests.orders.shop import balance_of, run
from ticketing.models import Coupon


@pytest.fixture
def open_ticket(acme) -> dict:
    return acme.post("/ticket", {"pax": "Ada Lovelace"}).json()


@pytest.fixture
def path(open_ticket) -> str:
    return f"/api/v1/bookings/{open_ticket['booking_id']}"


def to(flight, **more) -> dict:
    return {"flights": [{"event_id": str(flight.pk)}], **more}


def all_invariants_hold() -> bool:
    return verify()[0] == 0


def test_a_flight_is_set_and_paid(acme, open_ticket, path, flight):
    answer = acme.patch(path, to(flight))
    assert answer.status_code == 200, answer.content
    body, [cabin] = answer.json(), flight.cabins.all()
    [coupon] = body["tickets"][0]["coupons"]
    assert (coupon["event_id"], coupon["coupon_id"]) == (
        str(flight.pk),
        open_ticket["tickets"][0]["coupons"][0]["coupon_id"],
    )
    assert body["tickets"][0]["number"] == open_ticket["ticket_number"]
    assert (cabin.sold, cabin.held, cabin.free) == (1, 0, 99)
    assert Decimal(str(body["total_amount"])) == cabin.fare.total_amount
    assert all_invariants_hold()


def test_the_order_sells_the_difference(acme, open_ticket, path, flight):
    total = Fare.objects.get().total_amount
    acme.patch(path, to(flight))
    order = Order.objects.get()
    assert (order.total_amount, OrderItem.objects.count(), order.version) == (total, 2, 2)
    assert balance_of(f"agency:{acme.id}:USD") == total


def test_then_it_is_checked_in_like_every_other(acme, open_ticket, path):
    soon = factories.flight(departs_at=timezone.now() + timedelta(hours=20), aircraft_type="A320")
    acme.patch(path, to(soon))
    body = acme.post("/checkin", {"order_id": open_ticket["order_id"]}).json()
    assert body["boarding_pass"]["ticket_number"] == open_ticket["ticket_number"]
    assert all_invariants_hold()


def test_its_order_is_processed_before_or_after(acme, open_ticket, path, flight):
    acme.patch(path, to(flight))
    assert run(open_ticket)["status"] == "SUCCEEDED"
    assert all_invariants_hold()


def test_free_days_count_from_the_flights_sale(acme, path, pass_time):
    later = factories.flight(departs_at=timezone.now() + timedelta(days=40))
    pass_time(days=20)
    acme.patch(path, to(later))
    refunded = acme.post(f"{path}/refund").json()
    assert refunded["refunded_amount"] == refunded["total_amount"] > 0
    assert all_invariants_hold()


def test_it_can_be_quoted(acme, path, flight):
    quote = acme.post(f"{path}/changes", to(flight))
    assert quote.status_code == 201, quote.content
    assert quote.json()["due_amount"] == float(Fare.objects.get().total_amount)
    assert Coupon.objects.get().flight_id is None
    done = acme.post(f"{path}/changes/{quote.json()['quote_id']}/confirm")
    assert (done.status_code, done.json()["event_id"]) == (200, str(flight.pk))
    assert all_invariants_hold()


@pytest.mark.parametrize("action", ["cancel", "refund"])
def test_it_ends_like_every_other(acme, open_ticket, path, action):
    answer = acme.post(f"{path}/{action}")
    assert (answer.status_code, answer.json()["total_amount"]) == (200, 0)
    assert Booking.objects.get().status == f"{action}ed"
    assert all_invariants_hold()


# --- Refused, and nothing has changed ---


def test_not_while_it_is_checked_in(acme, open_ticket, path, flight):
    acme.post("/checkin", {"order_id": open_ticket["order_id"]})
    before = snapshot()
    refusal(acme.patch(path, to(flight)), 409, "cannot_change")
    assert snapshot() == before
    acme.delete(f"/api/v1/tickets/{open_ticket['ticket_id']}/check-in")
    assert acme.patch(path, to(flight)).status_code == 200


def test_not_twice(acme, path, flight):
    acme.patch(path, to(flight))
    other = factories.flight()
    before = snapshot()
    refusal(acme.patch(path, to(other)), 409, "cannot_change")
    assert snapshot() == before


@pytest.mark.parametrize("more", [{"seats": 2}, {"second": True}])
def test_not_two_of_anything(acme, path, flight, more):
    body = to(flight)
    if "second" in more:
        body["flights"] += to(factories.flight("LAX", "SFO"))["flights"]
    before = snapshot()
    refusal(acme.patch(path, body | ({"seats": 2} if "seats" in more else {})), 409, "cannot_change")
    assert snapshot() == before


def test_not_on_a_full_flight(acme, path, flight):
    flight.cabins.update(sold=100, free=0)
    before = snapshot()
    refusal(acme.patch(path, to(flight)), 409, "not_enough_seats")
    assert snapshot() == before


def test_not_beyond_the_credit(acme, path, flight):
    Account.objects.filter(agency_id=acme.id).update(credit_limit=1)
    before = snapshot()
    refusal(acme.patch(path, to(flight)), 409, "credit_limit_exceeded")
    assert snapshot() == before


def test_not_in_another_currency(acme, path, flight):
    Fare.objects.update(currency="EUR")
    before = snapshot()
    refusal(acme.patch(path, to(flight)), 409, "cannot_change")
    assert snapshot() == before


def test_nor_by_others(zenith, path, flight):
    before = snapshot()
    refusal(zenith.patch(path, to(flight)), 404, "booking_not_found")
    assert snapshot() == before


# --- Holding as a part of a larger transaction ---


def test_a_locator_that_is_taken_is_drawn_anew_inside_a_transaction(acme, flight, monkeypatch):
    taken = factories.booking().locator
    drawn = iter([taken, taken, "ZZZZZ2"])
    monkeypatch.setattr(holds, "draw_locator", lambda: next(drawn))
    body = {"pax": "Ada", "flightId": "FL123", "departureDate": str(flight.departure_date)}
    assert acme.post("/ticket", body).json()["record_locator"] == "ZZZZZ2"


def test_holds_that_have_run_out_make_room(acme, flight, pass_time):
    body = {"flightId": "FL123", "departureDate": str(flight.departure_date)}
    flight.cabins.update(sold=99, free=1)
    acme.post("/booking", body)
    refusal(acme.post("/ticket", {"pax": "Ada", **body}), 409, "not_enough_seats")
    pass_time(minutes=21)
    assert acme.post("/ticket", {"pax": "Ada", **body}).status_code == 201


# --- In an empty booking ---


def test_an_empty_booking_gets_one(acme):
    empty = acme.post("/booking", {"agency": "Acme Travel"}).json()
    answer = acme.post("/ticket", {"pax": "Ada Lovelace", "booking_id": empty["booking_id"]})
    assert answer.status_code == 201, answer.content
    body = answer.json()
    assert (body["status"], body["booking_id"], body["booking_status"]) == ("ISSUED", empty["booking_id"], "confirmed")
    assert (body["ticket_number"], Booking.objects.count()) == (body["tickets"][0]["number"], 1)
    again = acme.post("/ticket", {"pax": "Ada Lovelace", "booking_id": empty["booking_id"]}).json()
    assert (again["ticket_id"], again["order_id"]) == (body["ticket_id"], body["order_id"])
    assert all_invariants_hold()


def test_anothers_empty_booking_is_not_found(acme, zenith):
    empty = zenith.post("/booking", {"agency": "Zenith Tours"}).json()
    before = snapshot()
    call = acme.post("/ticket", {"pax": "Ada Lovelace", "booking_id": empty["booking_id"]})
    refusal(call, 404, "booking_not_found")
    assert snapshot() == before


def test_an_empty_booking_that_was_cancelled_gets_none(acme):
    empty = acme.post("/booking", {"agency": "Acme Travel"}).json()
    acme.post(f"/api/v1/bookings/{empty['booking_id']}/cancel")
    before = snapshot()
    assert acme.post("/ticket", {"pax": "Ada", "booking_id": empty["booking_id"]}).status_code == 409
    assert snapshot() == before
