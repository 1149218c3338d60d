"""Bookings that orders sell: confirmed and ticketed by the workflow or alone, and those that are not for sale."""

from datetime import datetime, timedelta
from uuid import UUID

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from bookings.expiry import sweep
from orders import steps
from orders.models import Execution, Order
from partners.ledger import account_code
from partners.models import Account
from tests import factories
from tests.bookings.sales import (
    act,
    actions_logged,
    book,
    change,
    confirmed,
    counters,
    let_hold_run_out,
    query,
    refused,
)
from tests.contract.operations import unknown_id
from tests.orders import shop
from tests.orders.settling import FREE, amount, order_of, owed, read
from tests.skybridge import desk

pytestmark = pytest.mark.usefixtures("_whole")


# --- Pending bookings on an order ---


def test_the_workflow_confirms_and_tickets_a_booking(acme, flight):
    booking = book(acme, flight, seats=2)
    placed = shop.order(acme, booking)
    assert counters(flight) == {"sold": 0, "held": 2, "free": 98}
    assert shop.run(placed)["status"] == "SUCCEEDED"
    sold = read(acme, booking)
    assert (sold["status"], sold["expires_at"], sold["order_id"]) == ("confirmed", None, placed["order_id"])
    assert all(len(ticket["number"]) == 13 for ticket in sold["tickets"])
    assert counters(flight) == {"sold": 2, "held": 0, "free": 98}
    assert actions_logged(booking) == ["booking.pending", "booking.confirmed", "booking.ticketed"]
    assert owed(acme) == amount(booking["total_amount"])


def test_an_item_names_its_flights_in_order_of_travel(acme, flight):
    out = factories.flight("JFK", "LAX", carrier="VX", number=407, departs_at=flight.departs_at - timedelta(days=1))
    booking = book(acme, flight, out)
    [item] = shop.read(acme, shop.order(acme, booking))["items"]
    assert item["description"] == f"Booking {booking['record_locator']} VX407, {flight.designator}"


def test_tickets_have_numbers_only_after_their_state(acme, flight):
    booking = book(acme, flight, seats=2)
    placed = shop.order(acme, booking)
    steps.confirm_bookings([UUID(placed["order_id"])])
    unissued = read(acme, booking)
    assert (unissued["status"], {ticket["number"] for ticket in unissued["tickets"]}) == ("confirmed", {None})
    steps.issue_tickets([UUID(placed["order_id"])])
    numbers = {ticket["number"] for ticket in read(acme, booking)["tickets"]}
    assert len(numbers) == 2
    steps.issue_tickets([UUID(placed["order_id"])])  # again changes nothing
    assert {ticket["number"] for ticket in read(acme, booking)["tickets"]} == numbers


def test_several_bookings_and_products_on_one_order(acme, flight):
    shop.product("BAG1", "35.00", 10, category="baggage")
    other = factories.flight("LAX", "JFK")
    bookings = [book(acme, flight), book(acme, other, seats=3), book(acme, flight, other)]
    placed = shop.order(acme, *bookings, ("BAG1", 4))
    assert shop.run(placed)["status"] == "SUCCEEDED"
    assert {read(acme, booking)["status"] for booking in bookings} == {"confirmed"}
    assert (counters(flight)["sold"], counters(other)["sold"]) == (2, 4)
    assert owed(acme) == amount(placed["total_amount"]) == 140 + sum(amount(b["total_amount"]) for b in bookings)


def test_an_ordered_hold_is_kept_beyond_its_deadline(acme, flight, pass_time):
    booking = book(acme, flight, seats=2)
    deadline = datetime.fromisoformat(booking["expires_at"])
    placed = shop.order(acme, booking)
    assert datetime.fromisoformat(read(acme, booking)["expires_at"]) > deadline + timedelta(hours=24)
    pass_time(hours=1)
    assert sweep(at=timezone.now()) == 0
    assert counters(flight) == {"sold": 0, "held": 2, "free": 98}
    assert shop.run(placed)["status"] == "SUCCEEDED"


@pytest.mark.parametrize("action", ["confirm", "cancel", "refund"])
def test_a_booking_being_ordered_is_its_orders_alone(action, acme, flight):
    booking = book(acme, flight)
    placed = shop.order(acme, booking)
    shown = read(acme, booking)
    assert (shown["status"], shown["available_actions"]) == ("pending", [])
    before = shop.everything()
    answer = act(acme, booking, action)
    refused(answer, 409, "order_in_progress")
    assert answer.json()["order_id"] == placed["order_id"]
    refused(change(acme, booking, seats=2), 409, "cannot_change")
    assert shop.everything() == before


def test_a_failed_order_can_be_redriven_or_cancelled_with_its_seats(acme, flight):
    for action in ("redrive", "cancel"):
        booking = book(acme, flight)
        placed = shop.order(acme, booking)
        acme.put(f"/orders/{placed['order_id']}", {"status": "failed"})
        assert counters(flight)["held"] == 1
        if action == "redrive":
            acme.post(f"/api/v1/executions/{placed['order_id']}/redrive", {})
            assert shop.run(placed)["status"] == "SUCCEEDED"
            assert act(acme, booking, "cancel").status_code == 200
        else:
            acme.put(f"/orders/{placed['order_id']}", {"status": "cancelled"})
        assert (counters(flight), owed(acme)) == (FREE, 0)


# --- What cannot be ordered ---


def test_a_booking_is_on_one_order_only(acme, flight):
    booking = book(acme, flight)
    placed = shop.order(acme, booking)
    before = shop.everything()
    answer = acme.post("/orders", shop.order_body(booking))
    refused(answer, 409, "booking_not_for_sale")
    assert answer.json()["order_id"] == placed["order_id"]
    assert shop.everything() == before


@pytest.mark.parametrize("actions", ["confirm", "cancel", "confirm cancel", "confirm refund"])
def test_only_pending_bookings_are_for_sale(actions, acme, flight):
    booking = book(acme, flight)
    for action in actions.split():
        act(acme, booking, action)
    before = shop.everything()
    refused(acme.post("/orders", shop.order_body(booking)), 409, "booking_not_for_sale")
    assert shop.everything() == before


def test_an_empty_booking_is_not_for_sale(acme):
    booking = acme.post("/booking").json()
    before = shop.everything()
    refused(acme.post("/orders", shop.order_body(booking)), 409, "booking_not_for_sale")
    assert shop.everything() == before


def test_a_hold_that_ran_out_is_not_for_sale(acme, flight):
    shop.product()
    booking = book(acme, flight)
    let_hold_run_out(booking["booking_id"])
    before = shop.everything()
    refused(acme.post("/orders", shop.order_body(("PROD001", 1), booking)), 409, "hold_expired")
    refused(act(acme, booking, "confirm"), 409, "hold_expired")
    assert shop.everything() == before
    query("UPDATE bookings_booking SET expires_at = expires_at + interval '1 hour'")
    query("UPDATE flights_seathold SET expires_at = expires_at + interval '1 hour'")


def test_anothers_booking_is_not_found(acme, zenith, traveller, flight):
    theirs = [book(zenith, flight), book(traveller, flight), {"booking_id": unknown_id()}]
    before = shop.everything()
    for booking in theirs:
        refused(acme.post("/orders", shop.order_body(booking)), 404, "booking_not_found")
    refused(traveller.post("/orders", shop.order_body(theirs[0], customer=traveller.id)), 404, "booking_not_found")
    assert shop.everything() == before


def test_staff_cannot_sell_somebodys_booking_to_another(acme, staff, traveller, flight):
    theirs = [book(acme, flight), book(traveller, flight)]
    before = shop.everything()
    for booking in theirs:
        answer = staff.post("/orders", shop.order_body(booking, customer="somebody-else"))
        refused(answer, 409, "booking_not_for_sale")
    assert shop.everything() == before


def test_staff_sells_a_travellers_booking_to_the_traveller(staff, traveller, flight):
    booking = book(traveller, flight)
    placed = shop.order(staff, booking, customer=traveller.id)
    assert shop.read(traveller, placed)["customer_id"] == traveller.id
    assert shop.run(placed)["status"] == "SUCCEEDED"
    assert shop.balance_of(account_code(None, traveller.id, "USD")) == amount(booking["total_amount"])


def test_one_order_has_one_currency(acme, flight):
    shop.product("EUROS", "10.00", 5, currency="EUR")
    shop.product("DOLLARS", "10.00", 5)
    booking = book(acme, flight)
    before = shop.everything()
    for items in ([("EUROS", 1), ("DOLLARS", 1)], [("EUROS", 1), booking]):
        refused(acme.post("/orders", shop.order_body(*items)), 400, "currency_mismatch")
    assert shop.everything() == before


def test_no_credit_takes_neither_stock_nor_booking(acme, flight):
    shop.product()
    booking = book(acme, flight)
    Account.objects.create(
        code=account_code(acme.id, "", "USD"), kind="agency", agency_id=acme.id, currency="USD", credit_limit=10
    )
    before = shop.everything()
    refused(acme.post("/orders", shop.order_body(("PROD001", 1), booking)), 409, "credit_limit_exceeded")
    refused(act(acme, booking, "confirm"), 409, "credit_limit_exceeded")
    assert shop.everything() == before


# --- Confirming without an order makes one ---


def by_rest(booking, api, office):
    assert api.post(f"/api/v1/bookings/{booking['booking_id']}/confirm").status_code == 200


def by_document_003(booking, api, office):
    assert api.put(f"/api/v1/mgmt/bookings/{booking['booking_id']}/confirm").status_code == 200


def by_admin(booking, api, office):
    desk.do(office.client, "bookings/booking", "confirm", booking["booking_id"])


@pytest.fixture
def office(staff):
    User.objects.filter(username="demo-staff").update(is_superuser=True)
    return staff


@pytest.mark.parametrize("door", [by_rest, by_document_003, by_admin])
def test_confirming_makes_the_order(door, acme, office, flight):
    booking = book(acme, flight, seats=2, user_id="customer-7")
    door(booking, acme, office)
    order = order_of(acme, booking)
    [item] = order["items"]
    assert (item["booking_id"], item["price"]) == (booking["booking_id"], booking["total_amount"])
    assert (order["customer_id"], order["status"], order["total_amount"]) == ("customer-7", "pending", item["price"])
    assert all(ticket["number"] for ticket in read(acme, booking)["tickets"])
    assert owed(acme) == amount(booking["total_amount"])
    assert shop.run(order)["status"] == "SUCCEEDED"
    assert shop.read(acme, order)["status"] == "processing"


def test_confirming_again_makes_no_second_order(acme, flight):
    booking = confirmed(acme, flight)
    before = shop.everything()
    assert act(acme, booking, "confirm").json() == booking
    assert shop.everything() == before
    assert (Order.objects.count(), Execution.objects.count()) == (1, 1)


def test_staff_confirms_a_booking_of_nobody(staff, flight):
    """It is paid at the counter."""
    booking = confirmed(staff, flight, seats=2)
    order = order_of(staff, booking)
    assert (order["customer_id"], order["total_amount"]) == ("", booking["total_amount"])
    assert shop.balance_of("bank:counter:USD") == amount(booking["total_amount"])
    assert shop.run(order)["status"] == "SUCCEEDED"
    assert act(staff, booking, "refund").json()["status"] == "refunded"
    assert (shop.balance_of("bank:counter:USD"), counters(flight)) == (0, FREE)


def test_a_travellers_booking_is_on_the_travellers_account(traveller, flight):
    booking = confirmed(traveller, flight)
    code = account_code(None, traveller.id, "USD")
    assert shop.balance_of(code) == amount(booking["total_amount"])
    assert order_of(traveller, booking)["customer_id"] == traveller.id
    act(traveller, booking, "cancel")
    assert shop.balance_of(code) == 0
