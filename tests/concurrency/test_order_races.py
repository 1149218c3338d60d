"""Many orders at one moment: stock, bookings, credit and money are given once, whole, and without a deadlock."""

import random
import threading
import time
from decimal import Decimal
from uuid import UUID

import pytest
from django.db import OperationalError, transaction

from bookings.models import Booking
from bookings.services import end_booking
from orders import workflow
from orders.emds import items_left
from orders.models import Execution, Order, Product
from orders.repayments import return_stock
from orders.steps import WORKFLOW
from partners.ledger import account_code
from partners.models import Account
from tests.bookings.sales import act, book, change, counters, query
from tests.concurrency.racing import outcomes, together
from tests.orders import shop

ALL_FREE = {"sold": 0, "held": 0, "free": 100}


@pytest.fixture(autouse=True)
def _own_objects(settings, tmp_path):
    settings.STORAGE_DIRECTORY = tmp_path / "objects"


def owed(api) -> Decimal:
    """Return what an agency owes by its entries, after checking that its balance says the same."""
    code = account_code(api.id, "", "USD")
    owed = shop.balance_of(code)
    assert [account.balance for account in Account.objects.filter(pk=code)] in ([owed], [])
    return owed


# --- The last pieces ---


def test_30_orders_for_the_last_10_pieces(partner):
    shop.product("LAST", "5.00", stock=10)
    body = shop.order_body(("LAST", 1))
    replies = together([lambda: partner.post("/orders", body)] * 30)
    assert outcomes(replies) == {201: 10, (409, "out_of_stock"): 20}
    assert (shop.stock_of("LAST"), Order.objects.count()) == (0, 10)
    assert owed(partner) == 50


def test_orders_of_all_sizes_for_the_last_pieces(partner):
    shop.product("LAST", "5.00", stock=40)
    sizes = [1 + place % 7 for place in range(30)]
    replies = together([lambda n=n: partner.post("/orders", shop.order_body(("LAST", n))) for n in sizes])
    sold = sum(n for n, reply in zip(sizes, replies, strict=True) if reply.status_code == 201)
    assert set(outcomes(replies)) == {201, (409, "out_of_stock")}
    assert shop.stock_of("LAST") == 40 - sold >= 0
    assert owed(partner) == 5 * sold


def order_naively(product_id: str) -> bool:
    """Read, compare, write: what the house forbids."""
    product = Product.objects.get(pk=product_id)
    if product.stock < 1:
        return False
    time.sleep(0.02)
    Product.objects.filter(pk=product_id).update(stock=product.stock - 1)
    return True


def test_control_a_naive_order_sells_more_than_there_is():
    shop.product("LAST", stock=10)
    sold = together([lambda: order_naively("LAST")] * 30)
    assert sum(sold) > 10
    assert 10 - shop.stock_of("LAST") < sum(sold)


# --- Two products in opposite order ---


def test_products_in_opposite_order_never_deadlock(partner, rival):
    shop.product("AAA", "1.00", stock=10_000)
    shop.product("ZZZ", "1.00", stock=10_000)
    there = shop.order_body(("AAA", 2), ("ZZZ", 1))
    back = shop.order_body(("ZZZ", 1), ("AAA", 2))
    calls = [lambda: partner.post("/orders", there), lambda: rival.post("/orders", back)] * 30
    assert outcomes(together(calls)) == {201: 60}
    assert (shop.stock_of("AAA"), shop.stock_of("ZZZ")) == (9_880, 9_940)


def test_orders_and_cancellations_of_two_products_never_deadlock(partner, rival):
    shop.product("AAA", "1.00", stock=1000)
    shop.product("ZZZ", "1.00", stock=1000)
    placed = [shop.order(partner, ("ZZZ", 3), ("AAA", 3)) for _ in range(15)]
    calls = [lambda p=p: partner.post(f"/api/v1/orders/{p['order_id']}/cancel") for p in placed]
    calls += [lambda: rival.post("/orders", shop.order_body(("ZZZ", 1), ("AAA", 1)))] * 15
    random.shuffle(calls)
    assert outcomes(together(calls)) == {200: 15, 201: 15}
    assert (shop.stock_of("AAA"), shop.stock_of("ZZZ"), owed(partner)) == (985, 985, 0)


def test_control_stock_taken_in_the_callers_order_deadlocks():
    shop.product("AAA", stock=10)
    shop.product("ZZZ", stock=10)
    both_have_one = threading.Barrier(2)

    def take(*product_ids: str) -> str:
        try:
            with transaction.atomic():
                for place, product_id in enumerate(product_ids):
                    query("UPDATE orders_product SET stock = stock - 1 WHERE product_id = %s", product_id)
                    if place == 0:
                        both_have_one.wait(10)
        except OperationalError as exc:
            return type(exc.__cause__).__name__
        return "taken"

    found = together([lambda: take("AAA", "ZZZ"), lambda: take("ZZZ", "AAA")])
    assert sorted(found) == ["DeadlockDetected", "taken"]


# --- Giving back once ---


def test_cancel_delete_and_put_cancelled_give_back_once(partner, flight):
    shop.product("PROD001", stock=50)
    for is_completed in (False, True) * 4:
        placed = shop.order(partner, ("PROD001", 5), book(partner, flight, seats=3))
        if is_completed:
            workflow.advance(UUID(placed["order_id"]))
        path = f"/api/v1/orders/{placed['order_id']}"
        calls = [
            lambda p=path: partner.post(f"{p}/cancel"),
            lambda p=path: partner.call("DELETE", p),
            lambda i=placed["order_id"]: partner.call("PUT", f"/orders/{i}", {"status": "cancelled"}),
        ] * 3
        random.shuffle(calls)
        found = outcomes(together(calls))
        assert set(found) <= {200, (404, "order_not_found")}
        assert (shop.stock_of("PROD001"), counters(flight), owed(partner)) == (50, ALL_FREE, 0)
        order = Order.objects.get(pk=placed["order_id"])
        assert (order.status, order.refunded_amount) == ("cancelled", order.total_amount)
        assert order.deleted_at is not None
        actions = [a for (a,) in query("SELECT action FROM skybridge_event WHERE subject_id = %s", order.pk)]
        assert (actions.count("order.cancelled"), actions.count("order.deleted")) == (1, 1)


def test_control_without_the_orders_lock_the_stock_returns_twice(partner):
    shop.product("PROD001", stock=50)
    placed = shop.order(partner, ("PROD001", 5))
    both_have_looked = threading.Barrier(2)

    def cancel_naively():
        order = Order.objects.get(pk=placed["order_id"])
        if order.status == "pending":
            both_have_looked.wait(10)
            return_stock(items_left(order))

    together([cancel_naively] * 2)
    assert shop.stock_of("PROD001") == 55


def test_a_workflow_and_a_cancellation_at_one_moment(partner, flight):
    """Either the booking is sold and then given back, or never sold; it is paid in neither case."""
    shop.product("PROD001", stock=50)
    for _ in range(12):
        placed = shop.order(partner, ("PROD001", 1), book(partner, flight, seats=2))
        order_id = UUID(placed["order_id"])
        workers = [lambda o=order_id: workflow.advance(o)] * 2
        cancel = [lambda o=order_id: partner.post(f"/api/v1/orders/{o}/cancel")]
        together([*workers, *cancel])
        assert Execution.objects.get(pk=order_id).status in ("ABORTED", "SUCCEEDED")
        assert Order.objects.get(pk=order_id).status == "cancelled"
        assert (shop.stock_of("PROD001"), counters(flight), owed(partner)) == (50, ALL_FREE, 0)


# --- One booking, one order ---


def test_one_booking_is_sold_on_one_order(partner, flight):
    for _ in range(5):
        booking = book(partner, flight, seats=2)
        replies = together([lambda b=booking: partner.post("/orders", shop.order_body(b))] * 6)
        found = outcomes(replies)
        assert found[201] == 1
        assert set(found) <= {201, (409, "booking_not_for_sale"), (409, "concurrent_change")}
        [winner] = [reply.json()["order_id"] for reply in replies if reply.status_code == 201]
        assert str(Booking.objects.get(pk=booking["booking_id"]).order_id) == winner
    assert (Order.objects.count(), counters(flight)) == (5, {"sold": 0, "held": 10, "free": 90})


def test_a_booking_is_ordered_or_confirmed_alone(partner, flight):
    for _ in range(10):
        booking = book(partner, flight)
        calls = [
            lambda b=booking: partner.post("/orders", shop.order_body(b)),
            lambda b=booking: act(partner, b, "confirm"),
        ]
        ordered, confirmed = together(calls)
        assert {ordered.status_code, confirmed.status_code} in ({201, 409}, {200, 409})
        assert query("SELECT count(*) FROM orders_orderitem WHERE booking_id = %s", booking["booking_id"]) == [(1,)]
    assert Order.objects.count() == 10


def test_two_bookings_in_opposite_order_never_deadlock(partner, flight):
    for _ in range(8):
        one, two = book(partner, flight), book(partner, flight)
        calls = [lambda a=one, b=two: partner.post("/orders", shop.order_body(a, b))]
        calls += [lambda a=one, b=two: partner.post("/orders", shop.order_body(b, a))]
        found = outcomes(together(calls * 2))
        assert found[201] == 1
        assert set(found) <= {201, (409, "booking_not_for_sale"), (409, "concurrent_change")}


def test_confirm_and_cancel_at_one_moment_leave_nothing_owed(partner, flight):
    """A cancellation that read the booking before its sale must not end the sale without its money."""
    for _ in range(25):
        booking = book(partner, flight, seats=2)
        calls = [lambda b=booking: act(partner, b, "confirm"), lambda b=booking: act(partner, b, "cancel")]
        together(calls * 2)
        assert act(partner, booking, "cancel").status_code == 200
        assert (counters(flight), owed(partner)) == (ALL_FREE, 0)


def test_confirm_and_change_at_one_moment_owe_what_the_booking_costs(partner, flight):
    for _ in range(15):
        booking = book(partner, flight, seats=2)
        calls = [lambda b=booking: act(partner, b, "confirm"), lambda b=booking: change(partner, b, seats=5)]
        together(calls)
        assert act(partner, booking, "confirm").status_code == 200
        assert owed(partner) == Booking.objects.get(pk=booking["booking_id"]).total_amount
        act(partner, booking, "cancel")
        assert (counters(flight), owed(partner)) == (ALL_FREE, 0)


def test_control_a_sale_ended_without_its_order_stays_owed(partner, flight):
    """What `settle_booking` refuses: whoever read the booking before its sale has locked no order to settle with."""
    booking = book(partner, flight)
    assert act(partner, booking, "confirm").status_code == 200
    with transaction.atomic():
        end_booking(UUID(booking["booking_id"]), "cancel", caller=WORKFLOW)
        assert counters(flight) == ALL_FREE
        assert owed(partner) == Decimal(str(booking["total_amount"]))
        transaction.set_rollback(True)


# --- Credit ---


def test_credit_for_exactly_8_orders(partner):
    shop.product("PROD001", "100.00", stock=50)
    Account.objects.create(
        code=account_code(partner.id, "", "USD"), kind="agency", agency_id=partner.id, currency="USD", credit_limit=1699
    )
    replies = together([lambda: partner.post("/orders", shop.order_body(("PROD001", 2)))] * 24)
    assert outcomes(replies) == {201: 8, (409, "credit_limit_exceeded"): 16}
    assert (shop.stock_of("PROD001"), Order.objects.count(), owed(partner)) == (34, 8, 1600)


def test_credit_and_stock_run_out_together(partner, rival):
    """Whatever refuses an order, it leaves neither stock nor debt behind."""
    shop.product("PROD001", "100.00", stock=9)
    Account.objects.create(
        code=account_code(partner.id, "", "USD"), kind="agency", agency_id=partner.id, currency="USD", credit_limit=500
    )
    calls = [lambda: partner.post("/orders", shop.order_body(("PROD001", 1)))] * 12
    calls += [lambda: rival.post("/orders", shop.order_body(("PROD001", 1)))] * 12
    found = outcomes(together(calls))
    assert found[201] == 9
    assert set(found) <= {201, (409, "credit_limit_exceeded"), (409, "out_of_stock")}
    assert shop.stock_of("PROD001") == 0
    assert owed(partner) <= 500
    assert owed(partner) + owed(rival) == 900


def test_one_key_is_one_order(partner):
    shop.product("PROD001", "100.00", stock=50)
    body = shop.order_body(("PROD001", 2))
    replies = together([lambda: partner.post("/orders", body, Idempotency_Key="once")] * 12)
    assert set(outcomes(replies)) <= {201, (409, "request_in_progress")}
    assert len({reply.content for reply in replies if reply.status_code == 201}) == 1
    assert (shop.stock_of("PROD001"), Order.objects.count(), owed(partner)) == (48, 1, 200)
