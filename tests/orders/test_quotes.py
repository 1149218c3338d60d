"""Cancelling an order by quote: exactly what was quoted, or nothing."""

from decimal import Decimal

import pytest

from partners.ledger import account_code
from tests.bookings.sales import book, confirmed, counters, refused
from tests.orders import shop

pytestmark = pytest.mark.django_db


def quote(api, placed: dict) -> dict:
    response = api.post(f"/api/v1/orders/{placed['order_id']}/cancellations")
    assert response.status_code == 201, response.content
    return response.json()


def confirm(api, placed: dict, quoted: dict):
    return api.post(f"/api/v1/orders/{placed['order_id']}/cancellations/{quoted['quote_id']}/confirm")


@pytest.fixture
def placed(acme, flight):
    """An order of two laptops and a booking of two seats, which the workflow has completed."""
    shop.product()
    placed = shop.order(acme, ("PROD001", 2), book(acme, flight, seats=2))
    assert shop.run(placed)["status"] == "SUCCEEDED"
    return placed


def test_a_quote_says_what_goes_back_and_changes_nothing(acme, placed):
    before = shop.everything()
    quoted = quote(acme, placed)
    assert quoted["refund_amount"] == placed["total_amount"]
    assert round(sum(line["amount"] for line in quoted["lines"]), 2) == -quoted["refund_amount"]
    assert (quoted["status"], quoted["penalty_amount"], quoted["kept_amount"]) == ("open", 0, 0)
    assert shop.everything() == before
    path = f"/api/v1/orders/{placed['order_id']}/cancellations/{quoted['quote_id']}"
    assert acme.get(path).json() == quoted


def test_confirming_gives_everything_back_once(acme, placed, flight):
    quoted = quote(acme, placed)
    answers = [confirm(acme, placed, quoted) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [200, 200]
    assert answers[0].content == answers[1].content
    order = answers[0].json()
    assert (order["status"], order["refunded_amount"]) == ("cancelled", placed["total_amount"])
    assert order["quote"]["status"] == "confirmed"
    assert shop.stock_of("PROD001") == 50
    assert counters(flight) == {"sold": 0, "held": 0, "free": 100}
    assert shop.balance_of(account_code(acme.id, "", "USD")) == 0


def test_after_the_day_of_issue_the_fare_rules_keep_their_part(acme, placed, pass_time):
    pass_time(days=1)
    quoted = quote(acme, placed)
    assert quoted["kept_amount"] > 0
    order = confirm(acme, placed, quoted).json()
    assert order["refunded_amount"] == quoted["refund_amount"]
    owed = shop.balance_of(account_code(acme.id, "", "USD"))
    assert owed == Decimal(str(placed["total_amount"])) - Decimal(str(quoted["refund_amount"]))


def test_a_newer_quote_supersedes(acme, placed):
    old, new = quote(acme, placed), quote(acme, placed)
    before = shop.everything()
    refused(confirm(acme, placed, old), 409, "quote_superseded")
    assert shop.everything() == before
    assert confirm(acme, placed, new).status_code == 200


def test_a_quote_expires(acme, placed, pass_time):
    quoted = quote(acme, placed)
    before = shop.everything()
    pass_time(minutes=16)
    refused(confirm(acme, placed, quoted), 409, "quote_expired")
    assert shop.everything() == before


def test_a_quote_is_stale_when_the_amounts_have_changed(acme, placed, settings, pass_time):
    settings.QUOTE_LIFETIME *= 1000
    quoted = quote(acme, placed)
    pass_time(days=1)
    before = shop.everything()
    refused(confirm(acme, placed, quoted), 409, "quote_stale")
    assert shop.everything() == before


def test_what_is_shipped_is_not_quoted(acme, placed):
    acme.put(f"/orders/{placed['order_id']}", {"status": "shipped"})
    before = shop.everything()
    refused(acme.post(f"/api/v1/orders/{placed['order_id']}/cancellations"), 409, "action_not_allowed")
    assert shop.everything() == before


def test_anothers_order_and_quote_are_not_found(acme, zenith, placed):
    quoted = quote(acme, placed)
    refused(zenith.post(f"/api/v1/orders/{placed['order_id']}/cancellations"), 404, "order_not_found")
    refused(confirm(zenith, placed, quoted), 404, "order_not_found")
    path = f"/api/v1/orders/{placed['order_id']}/cancellations/{quoted['quote_id']}"
    refused(zenith.get(path), 404, "quote_not_found")


def test_a_booking_confirmed_alone_is_quoted_through_its_order(acme, flight):
    booking = confirmed(acme, flight)
    placed = {"order_id": booking["order_id"]}
    order = confirm(acme, placed, quote(acme, placed)).json()
    assert order["status"] == "cancelled"
    assert acme.get(f"/api/v1/bookings/{booking['booking_id']}").json()["status"] == "canceled"
