"""A sale is one statement that writes what several would: stock, ledger, order, backup, the answer to a key."""

import json
from uuid import UUID

import pytest
from django.db import connection

from orders.models import Backup
from orders.snapshots import order_document
from partners import ledger
from tests import factories
from tests.bookings.sales import act, book, change, query
from tests.orders import shop

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _products(db):
    shop.product("BAG", "35.50", 9)
    shop.product("MEAL", "12.00", 9)


def as_found(order_id: str) -> tuple[dict, dict]:
    """Return an order's document, and what it covers, as a statement of its own finds them."""
    with connection.cursor() as cursor:
        cursor.execute(order_document("%(order_id)s::uuid"), {"order_id": order_id})
        document, covers = cursor.fetchone()
    return json.loads(document), json.loads(covers) if isinstance(covers, str) else covers


def is_kept_as_found(order_id: str) -> bool:
    kept = Backup.objects.get(stream=order_id)
    return (kept.document, kept.covers, kept.version) == (*as_found(order_id), 1)


def test_a_sale_of_products_keeps_the_backup_that_a_second_statement_would(acme):
    shop.order(acme, ("BAG", 1))
    placed = shop.order(acme, ("BAG", 2), ("MEAL", 1), contact_email="ada@customer.example")
    assert is_kept_as_found(placed["order_id"])
    document, _ = as_found(placed["order_id"])
    assert [row["stock"] for row in document["products"]] == [6, 8]
    assert (len(document["accounts"]), len(document["ledger"]), len(document["events"])) == (2, 2, 1)


def test_a_sale_that_costs_nothing_keeps_it_too(acme):
    shop.product("WATER", "0.00", 9)
    assert is_kept_as_found(shop.order(acme, ("WATER", 1))["order_id"])


def test_a_first_sale_opens_its_accounts(acme):
    assert query("SELECT count(*) FROM partners_account") == [(0,)]
    assert is_kept_as_found(shop.order(acme, ("BAG", 1))["order_id"])
    assert {row[0] for row in query("SELECT kind FROM partners_account")} == {"agency", "sales"}


@pytest.mark.parametrize("party", [{"seats": 1}, {"seats": 9}, {"passengers": ["ADT", "INF", "CHD"]}])
def test_a_confirmation_keeps_the_backup_that_a_second_statement_would(party, acme, flight):
    first = book(acme, flight, seats=2)
    booking = book(acme, flight, factories.flight("LAX", "JFK"), **party)
    act(acme, first, "confirm")
    confirmed = act(acme, booking, "confirm").json()
    assert is_kept_as_found(confirmed["order_id"])
    document, covers = as_found(confirmed["order_id"])
    assert covers["bookings"] == {confirmed["booking_id"]: 2}
    assert [row["held"] for row in document["cabins"]] == [0, 0]
    assert {ticket["number"] for ticket in document["tickets"]} == {t["number"] for t in confirmed["tickets"]}


def test_a_booking_that_was_changed_is_kept_as_found(acme, flight):
    booking = book(acme, flight, seats=2)
    assert change(acme, booking, seats=1).status_code == 200
    assert is_kept_as_found(act(acme, booking, "confirm").json()["order_id"])


def test_happenings_are_recorded_in_their_order(acme, flight):
    act(acme, book(acme, flight), "confirm")
    newest = query(
        "SELECT action, before ->> 'status', after ->> 'status' FROM skybridge_event ORDER BY id DESC LIMIT 2"
    )
    assert newest == [("order.pending", None, "pending"), ("booking.confirmed", "pending", "confirmed")]
    assert query("SELECT count(*) FROM skybridge_event WHERE action = 'order.pending' AND before IS NULL") == [(1,)]


@pytest.mark.parametrize("what", ["products", "booking"])
def test_what_the_account_does_not_cover_changes_nothing(what, acme, flight):
    booking = book(acme, flight)
    ledger.open_account(UUID(acme.id), "", "USD")
    query("UPDATE partners_account SET credit_limit = 30")
    before = shop.everything()
    answer = act(acme, booking, "confirm") if what == "booking" else acme.post("/orders", shop.order_body(("BAG", 1)))
    assert (answer.status_code, answer.json()["code"]) == (409, "credit_limit_exceeded")
    assert shop.everything() == before


def test_too_little_of_one_product_takes_none_of_the_others(acme, monkeypatch):
    shop.order(acme, ("MEAL", 1))
    monkeypatch.setattr("orders.sales.products_for_sale", lambda pieces: everything_there_is())
    before = shop.everything()
    answer = acme.post("/orders", shop.order_body(("BAG", 10), ("MEAL", 1)))
    assert (answer.status_code, answer.json()["stock"]) == (409, {"BAG": 9})
    assert shop.everything() == before


def everything_there_is() -> dict:
    """Return products as if all were there: somebody has taken them since."""
    return {product.pk: product for product in shop.Product.objects.all()}
