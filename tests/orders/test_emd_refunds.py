"""Products for passengers paid back, with their coupons or with their order."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from flights.models import Flight
from orders.models import Order
from tests.bookings.sales import act, book, change, query, refused
from tests.orders import shop
from tests.orders.emds import all_is_well, bag, move, sold, status_of

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("goods")]


def money_of(order: dict) -> tuple[Decimal, Decimal]:
    """Return what an order has given back, and what its owner's account still owes for it."""
    kept = Order.objects.get(pk=order["order_id"])
    sql = "SELECT sum(amount) FROM partners_ledgerentry WHERE order_id = %s AND account_id LIKE 'agency:%%'"
    return kept.refunded_amount, query(sql, order["order_id"])[0][0]


def test_cancelling_the_order_refunds_its_emds(acme, booking):
    order = sold(acme, bag(booking, quantity=2))
    assert acme.put(f"/orders/{order['order_id']}", {"status": "cancelled"}).status_code == 200
    assert (status_of(order), money_of(order), shop.stock_of("BAG1")) == ("R", (Decimal(70), Decimal(0)), 40)
    all_is_well()


def test_an_emd_without_a_number_becomes_void(acme, booking):
    order = shop.read(acme, shop.order(acme, bag(booking)))
    assert acme.delete(f"/orders/{order['order_id']}").status_code == 200
    assert (status_of(order), money_of(order), shop.stock_of("BAG1")) == ("V", (Decimal(35), Decimal(0)), 40)
    all_is_well()


@pytest.mark.parametrize("action", ["cancel", "refund"])
def test_closing_the_booking_pays_back_what_another_order_sold(acme, booking, action):
    order = sold(acme, bag(booking), bag(booking, 1, product_id="SEATPREF"), ("PROD001", 1))
    assert act(acme, booking, action).status_code == 200
    assert [status_of(order, place) for place in (1, 2)] == ["R", "R"]
    assert money_of(order) == (Decimal(59), Decimal("999.99"))
    assert (shop.stock_of("BAG1"), shop.stock_of("SEATPREF"), shop.stock_of("PROD001")) == (40, 40, 39)
    all_is_well()


def test_cancelling_the_rest_pays_nothing_twice(acme, booking):
    order = sold(acme, bag(booking), ("PROD001", 1))
    act(acme, booking, "cancel")
    quoted = acme.post(f"/api/v1/orders/{order['order_id']}/cancellations").json()
    assert quoted["refund_amount"] == 999.99
    acme.put(f"/orders/{order['order_id']}", {"status": "cancelled"})
    assert money_of(order) == (Decimal("1034.99"), Decimal(0))
    assert (shop.stock_of("BAG1"), shop.stock_of("PROD001")) == (40, 40)
    all_is_well()


def test_an_order_with_nothing_left_is_cancelled(acme, booking):
    order = sold(acme, bag(booking))
    act(acme, booking, "cancel")
    assert shop.read(acme, order)["status"] == "cancelled"
    assert money_of(order) == (Decimal(35), Decimal(0))
    all_is_well()


def test_cancelling_the_order_of_the_booking_pays_back_what_another_sold(acme, flight):
    main = sold(acme, book(acme, flight))
    booking = acme.get(f"/api/v1/bookings/{main['items'][0]['booking_id']}").json()
    order = sold(acme, bag(booking))
    assert acme.put(f"/orders/{main['order_id']}", {"status": "cancelled"}).status_code == 200
    assert (status_of(order), money_of(order)) == ("R", (Decimal(35), Decimal(0)))
    all_is_well()


def test_a_booking_and_its_bag_on_one_order_go_back_together(acme, flight):
    held = book(acme, flight)
    order = sold(acme, held, bag(held))
    act(acme, held, "cancel")
    assert (status_of(order), shop.stock_of("BAG1"), shop.read(acme, order)["status"]) == ("R", 40, "cancelled")
    all_is_well()


def test_a_passenger_who_leaves_takes_the_bag_along(acme, booking):
    order = sold(acme, bag(booking), bag(booking, 1))
    path = f"/api/v1/bookings/{booking['booking_id']}/cancellations"
    quote = acme.post(path, {"ticket_ids": [booking["tickets"][1]["ticket_id"]]}).json()
    assert acme.post(f"{path}/{quote['quote_id']}/confirm").status_code == 200
    assert [status_of(order, place) for place in (0, 1)] == ["O", "R"]
    assert money_of(order) == (Decimal(35), Decimal(35))
    all_is_well()


def test_fewer_seats_and_the_bag_of_the_last_passenger(acme, booking):
    order = sold(acme, bag(booking, 1))
    assert change(acme, booking, seats=1).status_code == 200
    assert (status_of(order), shop.stock_of("BAG1")) == ("R", 40)
    all_is_well()


def test_a_card_gets_its_money_back(acme, booking):
    order = sold(acme, bag(booking), ("PROD001", 1), payment={"method": "card", "token": "tok_success"})
    act(acme, booking, "cancel")
    assert query("SELECT amount, status FROM partners_refund") == [(Decimal(35), "pending")]
    assert Order.objects.get(pk=order["order_id"]).refunded_amount == 35
    all_is_well()


def test_what_a_card_is_being_charged_for_is_waited_for(acme, booking):
    shop.order(acme, bag(booking), payment={"method": "card", "token": "tok_success"})
    before = shop.everything()
    refused(act(acme, booking, "cancel"), 409, "order_in_progress")
    assert shop.everything() == before


def test_what_is_in_use_is_not_cancelled(acme, booking):
    order = sold(acme, bag(booking))
    assert {"cancel", "delete"} <= set(order["available_actions"])
    move(booking, "C")
    before = shop.everything()
    refused(acme.put(f"/orders/{order['order_id']}", {"status": "cancelled"}), 409, "action_not_allowed")
    refused(acme.post(f"/api/v1/orders/{order['order_id']}/cancellations"), 409, "action_not_allowed")
    assert shop.everything() == before
    assert not {"cancel", "delete"} & set(shop.read(acme, order)["available_actions"])
    move(booking, "O")
    assert "cancel" in shop.read(acme, order)["available_actions"]


def test_what_has_left_is_not_cancelled(acme, booking, flight):
    order = sold(acme, bag(booking))
    Flight.objects.filter(pk=flight.pk).update(departs_at=timezone.now() - timedelta(hours=1))
    refused(acme.put(f"/orders/{order['order_id']}", {"status": "cancelled"}), 409, "action_not_allowed")
    assert "cancel" not in shop.read(acme, order)["available_actions"]
