"""What staff do to orders, executions and backups in the back office: each act, who may, and what is refused."""

from decimal import Decimal
from uuid import UUID

import pytest

from bookings.exceptions import QuoteStale
from orders import services, workflow
from orders.acts import failed_executions
from orders.models import Backup, Execution, ExecutionEvent, Order, OrderQuote
from partners.callers import Caller
from skybridge.models import Approval, Event
from tests.conftest import Api
from tests.orders import shop
from tests.skybridge.desk import act_page, confirm, do, forge, look, offered, text
from tests.skybridge.staff import with_role
from tests.ticketing.desk import sold

DESK = Caller("staff", "1", "admin", is_staff=True)
ORDERS, EXECUTIONS, BACKUPS = "orders/order", "orders/execution", "orders/backup"


@pytest.fixture
def boss(db):
    return with_role("supervisor", name="boss")


@pytest.fixture
def placed(acme) -> dict:
    shop.product()
    return shop.order(acme, ("PROD001", 1))


def fail(order: dict) -> dict:
    """Let an order's execution fail as it does when a card is declined."""
    attempt = workflow.begin(order["order_id"])
    workflow.finish(attempt, workflow.Failure("payment_declined", "No funds.", is_final=True))
    return order


def some_failed(acme: Api, number: int) -> list[str]:
    shop.product()
    return [fail(shop.order(acme, ("PROD001", 1)))["order_id"] for _ in range(number)]


def statuses() -> set[str]:
    return set(Execution.objects.values_list("status", flat=True))


@pytest.mark.parametrize(
    ("model", "act", "roles"),
    [
        (ORDERS, "cancel", {"reservations", "supervisor"}),
        (EXECUTIONS, "stop", {"supervisor", "administrator"}),
        (EXECUTIONS, "redrive", {"supervisor", "administrator"}),
        (BACKUPS, "store", {"supervisor", "administrator"}),
    ],
)
def test_each_role_reaches_its_acts_and_no_other(placed, model, act, roles):
    pk = Backup.objects.first().pk if model == BACKUPS else placed["order_id"]
    before = shop.everything()
    for role in ("viewer", "reservations", "check-in", "supervisor", "finance", "administrator"):
        client = with_role(role)
        assert client.get(act_page(model, act), {"id": pk}).status_code == (200 if role in roles else 403), role
        if role not in roles:
            assert forge(client, model, act, pk).status_code == 403, role
    assert shop.everything() == before


# --- Orders ---


def test_an_order_is_cancelled_at_its_quote(boss, placed, settings):
    settings.REFUND_APPROVAL_ABOVE = 100_000
    page = look(boss, ORDERS, "cancel", placed["order_id"], reason="ill")
    quote = OrderQuote.objects.get()
    assert f"Goes back to the customer</dt><dd>{quote.refund_amount:,.2f} USD" in page
    assert "is cancelled" in text(confirm(boss, ORDERS, "cancel", page, reason="ill"))
    order = Order.objects.get(pk=placed["order_id"])
    assert (order.status, order.refunded_amount, order.deleted_at) == ("cancelled", quote.refund_amount, None)
    assert shop.stock_of("PROD001") == 50
    assert Event.objects.get(action="order.cancelled").reason == "quote confirmed: ill"


def test_a_dear_order_waits_for_a_second_person(boss, placed):
    assert "waits for a second person" in do(boss, ORDERS, "cancel", placed["order_id"], asks_first=True)
    do(with_role("finance"), "skybridge/approval", "grant", Approval.objects.get().pk)
    assert "is cancelled" in do(boss, ORDERS, "cancel", placed["order_id"], asks_first=True)


def test_what_is_shipped_is_not_cancelled(boss, acme, placed):
    shop.run(placed)
    acme.put(f"/orders/{placed['order_id']}", {"status": "shipped"})
    assert "cancel" not in offered(boss, ORDERS, placed["order_id"])
    before = shop.everything()
    page = look(boss, ORDERS, "cancel", placed["order_id"], reason="late")
    assert "(action_not_allowed)" in page
    assert shop.everything() == before


def test_nothing_is_deleted(boss, placed):
    assert boss.post(f"/admin/{ORDERS}/{placed['order_id']}/delete/", {"post": "yes"}).status_code == 403
    assert "deletelink" not in text(boss.get(f"/admin/{ORDERS}/{placed['order_id']}/change/"))


# --- Executions ---


def test_an_execution_is_stopped_with_the_reason(boss, placed, settings):
    settings.REFUND_APPROVAL_ABOVE = 100_000
    assert offered(boss, EXECUTIONS, placed["order_id"]) == {"stop"}
    page = look(boss, EXECUTIONS, "stop", placed["order_id"])
    assert "is cancelled" in page
    after = text(confirm(boss, EXECUTIONS, "stop", page, reason="The customer called."))
    assert "is ABORTED" in after
    assert "The customer called." in after
    assert shop.execution(placed)["status"] == "ABORTED"
    assert Event.objects.get(action="order.cancelled").reason == "The customer called."
    assert shop.stock_of("PROD001") == 50


def test_stopping_a_dear_order_waits_for_a_second_person(boss, placed):
    page = look(boss, EXECUTIONS, "stop", placed["order_id"])
    assert "Second person</dt><dd>Needed." in page
    assert "waits for a second person" in text(confirm(boss, EXECUTIONS, "stop", page))
    assert (shop.execution(placed)["status"], shop.stock_of("PROD001")) == ("RUNNING", 49)
    assert "(approval_pending)" in do(boss, EXECUTIONS, "stop", placed["order_id"])
    do(with_role("finance"), "skybridge/approval", "grant", Approval.objects.get().pk)
    assert "is ABORTED" in do(boss, EXECUTIONS, "stop", placed["order_id"])
    order = Order.objects.get(pk=placed["order_id"])
    assert Approval.objects.get().facts["amount"] == f"{order.refunded_amount.normalize():f}"
    assert Approval.objects.get().used_at is not None


def test_an_execution_that_gives_back_another_amount_is_not_stopped(placed):
    before = shop.everything()
    with pytest.raises(QuoteStale):
        services.stop_execution(UUID(placed["order_id"]), caller=DESK, giving_back=Decimal(1))
    assert shop.everything() == before


def test_who_has_asked_to_stop_takes_it_back(placed):
    head = with_role("administrator", name="head")
    do(head, EXECUTIONS, "stop", placed["order_id"])
    assert "is refused" in do(head, "skybridge/approval", "refuse", Approval.objects.get().pk)
    assert "is ABORTED" not in do(head, EXECUTIONS, "stop", placed["order_id"])


def test_what_other_orders_sold_to_its_passengers_counts_for_the_second_person(boss, acme, flight, settings):
    settings.REFUND_APPROVAL_ABOVE = 300
    booking = sold(acme, flight)
    ticket = booking["tickets"][0]["ticket_id"]
    shop.product("BAG1", price="250", rfic="C")
    shop.order(acme, {"product_id": "BAG1", "quantity": 1, "ticket_id": ticket})
    page = look(boss, ORDERS, "cancel", booking["order_id"], reason="ill")
    assert "Products on other orders go back</dt><dd>250.00 USD" in page
    assert "Second person</dt><dd>Needed." in page


def test_a_running_execution_that_has_moved_on_is_stopped_all_the_same(boss, acme, flight, placed, settings):
    settings.REFUND_APPROVAL_ABOVE = 100_000
    page = look(boss, EXECUTIONS, "stop", placed["order_id"])
    workflow.begin(placed["order_id"])
    assert "is ABORTED" in text(confirm(boss, EXECUTIONS, "stop", page))


def test_an_execution_is_redriven_once(boss, placed):
    fail(placed)
    assert offered(boss, EXECUTIONS, placed["order_id"]) == {"redrive"}
    page = look(boss, EXECUTIONS, "redrive", placed["order_id"])
    assert "payment_declined" in page
    assert "is RUNNING" in text(confirm(boss, EXECUTIONS, "redrive", page))
    before = shop.everything()
    assert "request_in_progress" in text(confirm(boss, EXECUTIONS, "redrive", page))
    assert shop.everything() == before
    assert ExecutionEvent.objects.filter(type="ExecutionRedriven").count() == 1
    assert Event.objects.filter(subject_id=placed["order_id"], reason="Because.").exists()


@pytest.mark.parametrize(("act", "code"), [("redrive", "not_redrivable"), ("stop", "not_running")])
def test_what_cannot_be_is_refused(boss, placed, act, code):
    if act == "stop":
        fail(placed)
    before = shop.everything()
    assert f"({code})" in look(boss, EXECUTIONS, act, placed["order_id"])
    assert shop.everything() == before


def test_a_card_can_be_given_where_one_paid(boss, acme):
    shop.product()
    placed = shop.order(acme, ("PROD001", 1), payment={"method": "card", "token": "tok_decline"})
    workflow.advance(placed["order_id"])
    page = look(boss, EXECUTIONS, "redrive", placed["order_id"])
    assert 'name="payment_token"' in page
    assert "is RUNNING" in text(confirm(boss, EXECUTIONS, "redrive", page, payment_token="tok_success"))
    workflow.advance(placed["order_id"])
    assert shop.execution(placed)["status"] == "SUCCEEDED"


def test_all_that_failed_are_redriven_at_once(boss, acme):
    some_failed(acme, 3)  # how it goes on is in test_redriving.py
    assert "Redrive all that failed" in text(boss.get(f"/admin/{EXECUTIONS}/"))
    page = text(boss.get(act_page(EXECUTIONS, "redrive"), {"all": "yes"}))
    assert "3 queued, 0 refused." in text(confirm(boss, EXECUTIONS, "redrive", page))


def test_of_three_one_has_been_redriven_meanwhile(boss, acme):
    ids = some_failed(acme, 3)
    page = look(boss, EXECUTIONS, "redrive", *ids)
    do(boss, EXECUTIONS, "redrive", ids[1])
    after = text(confirm(boss, EXECUTIONS, "redrive", page))
    assert "2 done, 1 refused." in after
    assert "(stale_version)" in after
    assert ExecutionEvent.objects.filter(type="ExecutionRedriven").count() == 3


def test_without_failures_there_is_nothing_to_redrive(boss, placed):
    assert boss.get(act_page(EXECUTIONS, "redrive"), {"all": "yes"}, follow=True).status_code == 200
    assert not failed_executions().exists()
    assert "Redrive all that failed" not in text(with_role("viewer").get(f"/admin/{EXECUTIONS}/"))


# --- Backups ---


def test_backups_that_wait_are_stored_at_once(boss, placed):
    page = text(boss.get(act_page(BACKUPS, "store"), {"all": "yes"}))
    after = text(confirm(boss, BACKUPS, "store", page))
    assert "0 refused" in after or "stored" in after
    assert not Backup.objects.filter(stored_at=None).exists()


def test_a_store_that_is_down_is_a_message(boss, placed, watched):
    watched.down = True
    pk = Backup.objects.first().pk
    assert "(storage_unavailable)" in do(boss, BACKUPS, "store", pk)
    assert Backup.objects.get(pk=pk).stored_at is None
