"""Orders paid by card: charged by the workflow, refunded when they are undone, charged again for changes by quote."""

from datetime import timedelta
from decimal import Decimal
from uuid import UUID

import pytest
from django.utils import timezone

from orders import reservations
from orders.settlements import reconcile_payments as reconcile
from orders.settlements import set_credit_limit
from orders.steps import WORKFLOW
from partners.ledger import open_account
from tests import factories
from tests.bookings.sales import act, book, change, query, refused
from tests.bookings.test_invariants import verify
from tests.orders import shop

pytestmark = pytest.mark.django_db
CARD = {"method": "card", "token": "tok_success"}


def payments(placed: dict) -> list[tuple]:
    """Return purpose, status, amount and refunded amount of an order's payments, oldest first."""
    sql = "SELECT purpose, status, amount, refunded_amount FROM partners_payment WHERE order_id = %s ORDER BY id"
    return query(sql, placed["order_id"])


def bank() -> Decimal:
    return shop.balance_of("bank:sandbox:USD")


@pytest.fixture
def paid(acme, flight):
    """An order of a laptop and a booking, paid by card and processed; and its booking."""
    shop.product(price="100")
    booking = book(acme, flight, seats=2)
    placed = shop.order(acme, ("PROD001", 1), booking, payment=CARD)
    assert shop.run(placed)["status"] == "SUCCEEDED"
    return placed, booking


def test_the_card_is_charged_what_the_order_costs(acme, paid):
    placed, _ = paid
    total = Decimal(str(placed["total_amount"]))
    assert payments(placed) == [("order", "succeeded", total, 0)]
    assert bank() == total
    assert shop.balance_of("cards:USD") == 0
    assert shop.read(acme, placed)["payment_method"] == "card"


def test_a_card_needs_no_credit(acme, flight):
    set_credit_limit(open_account(UUID(acme.id), "", "USD"), Decimal(0), actor=WORKFLOW, at=timezone.now())
    booking = book(acme, flight)
    refused(acme.post("/orders", shop.order_body(booking)), 409, "credit_limit_exceeded")
    assert shop.run(shop.order(acme, booking, payment=CARD))["status"] == "SUCCEEDED"


def test_cancelling_refunds_the_card_once(acme, paid):
    placed, _ = paid
    for _ in range(2):
        assert acme.put(f"/orders/{placed['order_id']}", {"status": "cancelled"}).status_code == 200
        reconcile(at=timezone.now())
    [(_, status, amount, refunded)] = payments(placed)
    assert (status, refunded) == ("succeeded", amount)
    assert (bank(), shop.balance_of("cards:USD")) == (0, 0)


def test_a_refunded_booking_gives_its_part_back_to_the_card(acme, paid):
    placed, booking = paid
    act(acme, booking, "refund")
    reconcile(at=timezone.now())
    assert bank() == 100
    order = shop.read(acme, placed)
    assert (order["status"], order["refunded_amount"]) == ("processing", placed["total_amount"] - 100)


def test_a_declined_card_fails_the_order_and_another_one_redrives_it(acme, flight):
    placed = shop.order(acme, book(acme, flight), payment={"method": "card", "token": "tok_decline"})
    failed = shop.run(placed)
    assert (failed["status"], failed["state"], failed["error"]) == ("FAILED", "TakePayment", "payment_declined")
    assert shop.read(acme, placed)["status"] == "failed"
    path = f"/api/v1/executions/{placed['execution_arn']}/redrive"
    assert acme.post(path, {"payment_token": "tok_success"}).json()["status"] == "RUNNING"
    assert shop.run(placed)["status"] == "SUCCEEDED"
    assert [status for _, status, _, _ in payments(placed)] == ["declined", "succeeded"]


def test_a_failed_order_that_is_cancelled_gives_seats_and_stock_back(acme, flight):
    shop.product(stock=5)
    placed = shop.order(acme, ("PROD001", 2), book(acme, flight), payment={"method": "card", "token": "tok_decline"})
    shop.run(placed)
    assert shop.stock_of("PROD001") == 3
    acme.put(f"/orders/{placed['order_id']}", {"status": "cancelled"})
    assert shop.stock_of("PROD001") == 5
    assert query("SELECT sold, held, free FROM flights_flightcabin") == [(0, 0, 100)]
    assert (bank(), shop.balance_of("cards:USD"), shop.balance_of("sales:USD")) == (0, 0, 0)


@pytest.fixture
def dearer(acme, paid, pass_time):
    """The quote of moving the booking to a later day, which costs a fee once the day of issue is over."""
    placed, booking = paid
    number = int(booking["flights"][0]["flightId"][2:])
    later = factories.flight(number=number, departs_at=timezone.now() + timedelta(days=9))
    pass_time(days=1)
    path = f"/api/v1/bookings/{booking['booking_id']}/changes"
    quoted = acme.post(path, {"departureDate": str(later.departure_date)}).json()
    assert quoted["due_amount"] > 0
    return placed, booking, quoted, f"{path}/{quoted['quote_id']}/confirm"


def test_what_a_change_costs_is_charged_by_its_quote(acme, dearer):
    placed, _, quoted, confirm = dearer
    before = bank()
    key = {"Idempotency_Key": "k"}
    answers = [acme.post(confirm, **key), acme.post(confirm, **key), acme.post(confirm)]
    assert [answer.status_code for answer in answers] == [200, 200, 200], answers[0].content
    assert bank() - before == Decimal(str(quoted["due_amount"]))
    order = shop.read(acme, placed)
    assert order["total_amount"] == pytest.approx(placed["total_amount"] + quoted["due_amount"])
    assert [item["price"] for item in order["items"] if item["description"].startswith("Change")] == [
        quoted["due_amount"]
    ]


def test_a_change_that_costs_a_card_money_wants_a_quote(acme, dearer):
    _, booking, _, _ = dearer
    day = query("SELECT max(departure_date) FROM flights_flight")[0][0]
    before = shop.everything()
    refused(change(acme, booking, departureDate=str(day)), 409, "quote_needed")
    assert shop.everything() == before


def test_what_a_quote_was_paid_goes_back_if_it_is_not_carried_out(acme, dearer, pass_time):
    placed, booking, quoted, _ = dearer
    reservations.pay_quote(booking["booking_id"], quoted["quote_id"], "change", caller=WORKFLOW)
    assert reservations.return_unused_payments(at=timezone.now(), actor=WORKFLOW) == 0  # it may yet be carried out
    assert reservations.return_unused_payments(at=timezone.now() + timedelta(hours=1), actor=WORKFLOW) == 1
    assert reservations.return_unused_payments(at=timezone.now() + timedelta(hours=1), actor=WORKFLOW) == 0
    reconcile(at=timezone.now())
    assert bank() == Decimal(str(placed["total_amount"]))


def test_a_card_number_is_no_token(acme, flight):
    body = shop.order_body(book(acme, flight), payment={"method": "card", "token": "4242424242424242"})
    before = shop.everything()
    refused(acme.post("/orders", body), 400, "invalid_input")
    assert shop.everything() == before


def test_a_cancelled_order_is_not_redriven(acme, flight):
    placed = shop.order(acme, book(acme, flight), payment={"method": "card", "token": "tok_decline"})
    shop.run(placed)
    acme.put(f"/orders/{placed['order_id']}", {"status": "cancelled"})
    path = f"/api/v1/executions/{placed['order_id']}"
    assert acme.get(path).json()["available_actions"] == []
    before = shop.everything()
    refused(acme.post(f"{path}/redrive", {"payment_token": "tok_success"}), 409, "not_redrivable")
    assert shop.everything() == before


def test_a_payment_for_a_quote_not_carried_out_is_not_spent_on_other_refunds(acme, dearer):
    """It goes back whole by itself, and a refund is taken from what has bought something."""
    placed, booking, quoted, _ = dearer
    reservations.pay_quote(booking["booking_id"], quoted["quote_id"], "change", caller=WORKFLOW)
    act(acme, booking, "refund")
    reservations.return_unused_payments(at=timezone.now() + timedelta(hours=1), actor=WORKFLOW)
    reconcile(at=timezone.now())
    order = shop.read(acme, placed)
    assert bank() == Decimal(str(order["total_amount"])) - Decimal(str(order["refunded_amount"]))
    assert [refunded for purpose, _, _, refunded in payments(placed) if purpose != "order"] == [
        Decimal(str(quoted["due_amount"]))
    ]
    assert verify()[0] == 0


@pytest.mark.parametrize("items", [("PROD001", 1), "booking"])
def test_what_is_not_paid_is_not_shipped(acme, flight, items):
    shop.product()
    item = book(acme, flight) if items == "booking" else items
    placed = shop.order(acme, item, payment={"method": "card", "token": "tok_late_decline"})
    acme.put(f"/orders/{placed['order_id']}", {"status": "processing"})
    before = shop.everything()
    refused(acme.put(f"/orders/{placed['order_id']}", {"status": "shipped"}), 409, "order_in_progress")
    assert shop.everything() == before
