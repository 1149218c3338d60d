"""How many orders an agency has is right from the moment it is kept, whatever is ordered and deleted meanwhile."""

import pytest
from django.db import transaction

from orders.models import Order, Tally
from orders.numbered_pages import live
from orders.sales import NewOrder, place_order
from partners.callers import Caller
from tests.concurrency.racing import outcomes, together
from tests.orders import shop


@pytest.fixture(autouse=True)
def _products(transactional_db):
    shop.product("PROD001", "9.99", stock=500)


def place(partner) -> Order:
    caller = Caller("agency", partner.id, "api", agency_id=partner.id)
    return place_order(NewOrder(partner.id, "CUST001", {"PROD001": 1}), caller=caller)


def total(partner) -> int:
    return partner.get("/orders").json()["pagination"]["total"]


def test_first_lists_while_orders_come_and_go(partner):
    old = [shop.order(partner, ("PROD001", 1))["order_id"] for _ in range(5)]
    calls = [lambda: partner.post("/orders", shop.order_body(("PROD001", 1)))] * 20
    calls += [lambda: partner.get("/orders")] * 5
    calls += [lambda order_id=order_id: partner.call("DELETE", f"/orders/{order_id}") for order_id in old]
    assert outcomes(together(calls)) == {200: 10, 201: 20}
    assert total(partner) == 20
    assert Tally.objects.get().orders == 20


def test_no_number_is_kept_while_an_order_is_being_written(partner):
    with transaction.atomic():
        place(partner)
        assert together([lambda: total(partner)]) == [0]
        assert not Tally.objects.exists()
    assert (total(partner), Tally.objects.get().orders) == (1, 1)


def test_control_counted_without_a_lock_it_would_be_missed(partner):
    with transaction.atomic():
        place(partner)
        together([lambda: Tally.objects.create(agency_id=partner.id, orders=live(partner.id))])
    assert (Tally.objects.get().orders, live(partner.id)) == (0, 1)
    Tally.objects.all().delete()  # as it was
