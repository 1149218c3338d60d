"""A bag sold while its passenger's booking is closed; two orders that pay one bag back: once, without a deadlock."""

import random
import threading
from decimal import Decimal

import pytest
from django.db import transaction
from django.utils import timezone

from orders import emds
from orders.delivery import make_versions
from orders.models import Order
from partners.ledger import account_code
from tests.bookings.sales import act, confirmed, query
from tests.bookings.test_invariants import verify
from tests.concurrency.racing import outcomes, together
from tests.orders import shop
from ticketing.models import Coupon, Emd


@pytest.fixture(autouse=True)
def goods(settings, tmp_path):
    settings.STORAGE_DIRECTORY = tmp_path / "objects"
    shop.product("BAG1", "35.00", stock=100, rfic="C")
    shop.product("PROD001", "10.00", stock=100)


def bag(booking: dict) -> dict:
    return {"product_id": "BAG1", "quantity": 1, "ticket_id": booking["tickets"][0]["ticket_id"]}


def nothing_is_left(partner) -> None:
    """Assert that no bag is sold or owed for."""
    assert shop.stock_of("BAG1") == 100
    assert not Emd.objects.filter(status__in=Emd.LIVE).exists()
    assert verify()[0] == 0, verify()[1]


def test_a_bag_is_sold_while_its_booking_is_closed(partner, flight):
    """Either the sale is refused, or what it sold is paid back."""
    for _ in range(8):
        booking = confirmed(partner, flight)
        calls = [
            lambda b=booking: partner.post("/orders", shop.order_body(bag(b))),
            lambda b=booking: act(partner, b, "cancel"),
        ]
        random.shuffle(calls)
        found = outcomes(together(calls))
        assert set(found) <= {200, 201, (409, "ticket_not_valid"), (409, "concurrent_change")}, found
        if act(partner, booking, "cancel").status_code == 200:
            nothing_is_left(partner)


def test_control_without_the_lock_of_the_order_a_bag_outlives_its_coupon(partner, flight):
    """Whoever looks at a coupon before it is closed sells for it afterwards."""
    booking = confirmed(partner, flight)
    ticket = booking["tickets"][0]
    looked, closed = threading.Event(), threading.Event()

    def sell_naively():
        coupon = Coupon.objects.get(pk=ticket["coupons"][0]["coupon_id"])
        looked.set()
        closed.wait(10)
        return coupon.status

    def close():
        looked.wait(10)
        act(partner, booking, "cancel")
        closed.set()

    [status, _] = together([sell_naively, close])
    assert (status, Coupon.objects.get().status) == ("O", "V")


def test_two_orders_that_pay_back_one_bag(partner, flight):
    for _ in range(8):
        booking = confirmed(partner, flight)
        main = query("SELECT order_id FROM bookings_booking WHERE id = %s", booking["booking_id"])[0][0]
        order = shop.order(partner, bag(booking), ("PROD001", 1))
        calls = [
            lambda i=main: partner.call("PUT", f"/orders/{i}", {"status": "cancelled"}),
            lambda i=order["order_id"]: partner.call("PUT", f"/orders/{i}", {"status": "cancelled"}),
        ] * 2
        random.shuffle(calls)
        found = outcomes(together(calls))
        assert set(found) <= {200, (409, "concurrent_change")}, found
        for call in calls:
            call()
        assert Order.objects.get(pk=order["order_id"]).refunded_amount == Decimal(45)
        assert shop.balance_of(account_code(partner.id, "", "USD")) == 0
        nothing_is_left(partner)


def test_an_order_that_came_in_between_is_noticed(partner, flight):
    booking = confirmed(partner, flight)
    with transaction.atomic():
        orders = emds.lock_orders_of([booking["booking_id"]])
    assert len(orders) == 1
    shop.order(partner, bag(booking))
    assert not make_versions([booking["booking_id"]], orders, timezone.now())
