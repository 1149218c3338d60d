"""The statuses of founding document 004: every change of an order's status, and deleting it."""

from decimal import Decimal

import pytest

from orders.models import Order
from tests.bookings.sales import book, counters
from tests.contract.operations import refusal
from tests.contract.ordering import ARN, create, events_of, order_that_is, owed, stocks
from tests.orders import shop

pytestmark = pytest.mark.usefixtures("_inventory")
STATUSES = ("pending", "processing", "shipped", "delivered", "cancelled", "failed")
# Where an order may go on to from each status.
ALLOWED = {
    "pending": ["processing", "cancelled", "failed"],
    "processing": ["shipped", "cancelled", "failed"],
    "shipped": ["delivered"],
    "delivered": [],
    "cancelled": [],
    "failed": ["processing", "cancelled"],
}
DELETABLE = ("pending", "processing", "cancelled", "failed")


# --- Updating the status ---


@pytest.mark.parametrize("status", STATUSES)
def test_every_status_from_every_status(status, acme):
    for target in STATUSES:
        order_id = order_that_is(status, acme)
        before = shop.everything()
        answer = acme.put(f"/orders/{order_id}", {"status": target})
        if target in ALLOWED[status] or target == status:
            updated = {"message": "Order updated successfully", "order_id": order_id, "status": target}
            assert (answer.status_code, answer.json()) == (200, updated)
            assert acme.get(f"/orders/{order_id}").json()["status"] == target
            assert (shop.everything() == before) == (target == status)
        else:
            problem = refusal(answer, 409, "illegal_transition")
            assert (problem["status_now"], problem["allowed"]) == (status, ALLOWED[status])
            assert all(word in problem["message"] for word in (status, target, *ALLOWED[status]))
            assert shop.everything() == before


@pytest.mark.parametrize("status", ["canceled", "PENDING", "done", "", None, 1, True, [], {}])
def test_what_is_no_status_is_400_and_lists_them(status, acme):
    order_id = create(acme)["order_id"]
    before = shop.everything()
    problem = refusal(acme.put(f"/orders/{order_id}", {"status": status}), 400, "invalid_input")
    assert problem["errors"][0]["pointer"] == "/status"
    if isinstance(status, str) and status:
        assert all(word in problem["message"] for word in STATUSES)
    assert shop.everything() == before


def test_an_update_without_a_status_is_400(acme):
    order_id = create(acme)["order_id"]
    before = shop.everything()
    problem = refusal(acme.put(f"/orders/{order_id}", {}), 400, "missing_fields")
    assert problem["message"] == "Missing required field: status"
    refusal(acme.put(f"/orders/{order_id}", {"status": "processing", "items": []}), 400, "invalid_input")
    assert shop.everything() == before


def test_the_life_of_an_order(acme):
    """The sequence of the founding scripts."""
    order_id = create(acme)["order_id"]
    for status in ("processing", "shipped", "delivered"):
        assert acme.put(f"/orders/{order_id}", {"status": status}).json()["status"] == status
    assert events_of(order_id) == ["order.pending", "order.processing", "order.shipped", "order.delivered"]
    assert stocks() == [48, 99, 75, 30]


def test_cancelled_gives_back_once(acme, flight):
    created = create(acme, shop.order_body(("PROD001", 2), book(acme, flight, seats=2)))
    assert owed(acme) == Decimal(str(created["total_amount"]))
    for _ in range(3):
        answer = acme.put(f"/orders/{created['order_id']}", {"status": "cancelled"})
        assert (answer.status_code, answer.json()["status"]) == (200, "cancelled")
    assert stocks() == [50, 100, 75, 30]
    assert counters(flight) == {"sold": 0, "held": 0, "free": 100}
    assert events_of(created["order_id"]).count("order.cancelled") == 1


def test_a_cancelled_order_owes_nothing(acme, flight):
    """Also for a booking that was never confirmed: its price was charged with the order."""
    placed = shop.order(acme, ("PROD001", 2), book(acme, flight, seats=2))
    acme.put(f"/orders/{placed['order_id']}", {"status": "cancelled"})
    assert owed(acme) == 0
    assert acme.get(f"/orders/{placed['order_id']}").json()["refunded_amount"] == placed["total_amount"]


def test_cancelled_after_the_workflow_gives_back_once(acme, flight):
    placed = shop.order(acme, ("PROD001", 2), book(acme, flight, seats=2))
    assert shop.run(placed)["status"] == "SUCCEEDED"
    assert counters(flight) == {"sold": 2, "held": 0, "free": 98}
    for _ in range(3):
        assert acme.put(f"/orders/{placed['order_id']}", {"status": "cancelled"}).status_code == 200
    assert (stocks(), owed(acme)) == ([50, 100, 75, 30], 0)
    assert counters(flight) == {"sold": 0, "held": 0, "free": 100}
    assert acme.get(f"/orders/{placed['order_id']}").json()["refunded_amount"] == placed["total_amount"]


# --- Deleting ---


@pytest.mark.parametrize("status", DELETABLE)
def test_delete_an_order(status, acme):
    order_id = order_that_is(status, acme)
    answer = acme.delete(f"/orders/{order_id}")
    assert answer.status_code == 200
    assert answer.json() == {"message": "Order deleted successfully", "order_id": order_id}
    for path in ("/orders/", "/api/v1/orders/", "/status/", f"/status/{ARN}", "/api/v1/executions/"):
        refusal(acme.get(path + order_id), 404)
    for path in ("/orders", "/api/v1/orders", "/executions"):
        assert order_id not in acme.get(path).content.decode()
    assert (stocks(), owed(acme)) == ([50, 100, 75, 30], 0)


def test_deleting_keeps_events_and_version(acme):
    order_id = order_that_is("processing", acme)
    acme.delete(f"/orders/{order_id}")
    assert events_of(order_id) == [
        "order.pending",
        "order.processing",
        "execution.aborted",
        "order.cancelled",
        "order.deleted",
    ]
    order = Order.objects.get(pk=order_id)
    assert (order.version, order.status) == (3, "cancelled")
    assert order.deleted_at is not None


def test_deleting_gives_seats_back(acme, flight):
    placed = shop.order(acme, ("PROD002", 5), book(acme, flight, seats=2))
    shop.run(placed)
    assert acme.delete(f"/orders/{placed['order_id']}").status_code == 200
    assert counters(flight) == {"sold": 0, "held": 0, "free": 100}
    assert (shop.stock_of("PROD002"), owed(acme)) == (100, 0)


def test_a_second_delete_is_404_and_gives_nothing_back(acme):
    order_id = create(acme)["order_id"]
    acme.delete(f"/orders/{order_id}")
    before = shop.everything()
    refusal(acme.delete(f"/orders/{order_id}"), 404, "order_not_found")
    refusal(acme.put(f"/orders/{order_id}", {"status": "cancelled"}), 404, "order_not_found")
    assert shop.everything() == before


def test_deleting_what_is_cancelled_gives_nothing_back_again(acme):
    order_id = order_that_is("cancelled", acme)
    create(acme)
    acme.delete(f"/orders/{order_id}")
    assert (stocks(), owed(acme)) == ([48, 99, 75, 30], Decimal("2029.97"))


@pytest.mark.parametrize("status", ["shipped", "delivered"])
def test_what_is_shipped_cannot_be_deleted(status, acme):
    order_id = order_that_is(status, acme)
    before = shop.everything()
    problem = refusal(acme.delete(f"/orders/{order_id}"), 409, "action_not_allowed")
    assert problem["available_actions"] == {"shipped": ["deliver"], "delivered": []}[status]
    assert status in problem["message"]
    assert shop.everything() == before
