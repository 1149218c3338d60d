"""Bookings that are cancelled or refunded, alone or with their order, and what it gives back."""

from decimal import Decimal
from uuid import UUID

import pytest
from django.utils import timezone

from bookings.expiry import sweep
from orders import steps
from orders.models import Order
from tests.bookings.sales import act, actions_logged, book, confirmed, counters, coupons_of, let_hold_run_out
from tests.orders import shop
from tests.orders.settling import FREE, amount, order_of, owed, read

pytestmark = pytest.mark.usefixtures("_whole")


# --- Cancelling and refunding through the order ---


@pytest.mark.parametrize("action", ["cancel", "refund"])
@pytest.mark.parametrize("is_completed", [True, False])
def test_ending_a_booking_settles_its_order(action, is_completed, acme, flight):
    booking = confirmed(acme, flight, seats=2)
    placed = {"order_id": booking["order_id"]}
    if is_completed:
        shop.run(placed)
    assert act(acme, booking, action).status_code == 200
    order = shop.read(acme, placed)
    assert (owed(acme), counters(flight)) == (0, FREE)
    assert (order["status"], order["refunded_amount"]) == ("cancelled", order["total_amount"])
    assert shop.execution(placed)["status"] == ("SUCCEEDED" if is_completed else "ABORTED")
    before = shop.everything()
    assert act(acme, booking, action).status_code == 200  # again changes nothing
    assert shop.everything() == before


def test_an_order_stays_while_something_is_left(acme, flight):
    shop.product()
    first, second = book(acme, flight), book(acme, flight)
    placed = shop.order(acme, first, second, ("PROD001", 1))
    shop.run(placed)
    for booking in (first, second):
        act(acme, booking, "cancel")
        assert shop.read(acme, placed)["status"] == "processing"
    assert owed(acme) == Decimal("999.99")
    assert shop.read(acme, placed)["refunded_amount"] == pytest.approx(placed["total_amount"] - 999.99)
    acme.put(f"/orders/{placed['order_id']}", {"status": "cancelled"})
    assert (owed(acme), shop.stock_of("PROD001")) == (0, 50)


def test_the_last_booking_of_an_order_takes_it_along(acme, flight):
    first, second = book(acme, flight), book(acme, flight)
    placed = shop.order(acme, first, second)
    shop.run(placed)
    act(acme, first, "cancel")
    assert shop.read(acme, placed)["status"] == "processing"
    act(acme, second, "refund")
    assert (shop.read(acme, placed)["status"], owed(acme)) == ("cancelled", 0)


def test_a_booking_cancelled_before_its_tickets_are_issued(acme, flight):
    booking = book(acme, flight, seats=2)
    placed = shop.order(acme, booking)
    steps.confirm_bookings([UUID(placed["order_id"])])
    assert act(acme, booking, "cancel").status_code == 200
    assert (owed(acme), counters(flight)) == (0, FREE)
    assert shop.read(acme, placed)["status"] == "cancelled"
    assert {ticket["number"] for ticket in read(acme, booking)["tickets"]} == {None}


def test_cancelling_the_order_cancels_its_bookings(acme, flight):
    bookings = [book(acme, flight, seats=n) for n in (1, 2)]
    placed = shop.order(acme, *bookings)
    shop.run(placed)
    acme.post(f"/api/v1/orders/{placed['order_id']}/cancel")
    assert {read(acme, booking)["status"] for booking in bookings} == {"canceled"}
    assert {letter for booking in bookings for letter in coupons_of(booking)} == {"V"}
    assert (owed(acme), counters(flight)) == (0, FREE)


@pytest.mark.parametrize("is_swept", [False, True])
def test_a_hold_that_ran_out_on_its_order_is_given_back_with_it(is_swept, acme, flight):
    """Not before the order has stood still for days: nobody processed it, so nobody pays."""
    booking = book(acme, flight, seats=2)
    placed = shop.order(acme, booking)
    let_hold_run_out(booking["booking_id"])
    if is_swept:
        assert sweep(at=timezone.now()) == 0  # it is the order's
    assert acme.put(f"/orders/{placed['order_id']}", {"status": "cancelled"}).status_code == 200
    assert actions_logged(booking) == ["booking.pending", "booking.canceled"]
    assert (owed(acme), counters(flight)) == (0, FREE)
    assert shop.read(acme, placed)["refunded_amount"] == placed["total_amount"]


def test_what_was_refunded_alone_is_not_refunded_with_the_order_again(acme, flight):
    shop.product()
    booking = book(acme, flight)
    placed = shop.order(acme, booking, ("PROD001", 1))
    steps.confirm_bookings([UUID(placed["order_id"])])
    act(acme, booking, "cancel")
    acme.delete(f"/orders/{placed['order_id']}")
    assert owed(acme) == 0
    assert Order.objects.get(pk=placed["order_id"]).refunded_amount == amount(placed["total_amount"])


# --- After the day of issue, the fare rules keep their part ---


@pytest.mark.parametrize("through", ["booking", "order"])
def test_a_late_cancellation_keeps_what_the_rules_keep(through, acme, flight, pass_time):
    booking = confirmed(acme, flight, seats=2)
    pass_time(days=1)
    if through == "booking":
        act(acme, booking, "cancel")
    else:
        acme.post(f"/api/v1/orders/{booking['order_id']}/cancel")
    order, ended = order_of(acme, booking), read(acme, booking)
    assert (order["status"], counters(flight)) == ("cancelled", FREE)
    assert 0 < order["refunded_amount"] == ended["refunded_amount"] < order["total_amount"]
    assert owed(acme) == amount(order["total_amount"]) - amount(order["refunded_amount"])
