"""Products in the back office: stock by pieces, prices that their currency can have."""

import pytest
from django.contrib.auth.models import User

from tests.conftest import session_api
from tests.orders import shop

pytestmark = pytest.mark.django_db


@pytest.fixture
def office(db):
    return session_api(User.objects.create_superuser("demo-office")).client


def save(office, product_id: str = "PROD003", **fields) -> int:
    form = {"name": "Keyboard", "category": "goods", "price": "79.99", "on_sale": "on", "pieces": "0", **fields}
    return office.post(f"/admin/orders/product/{product_id}/change/", form).status_code


def test_what_was_sold_meanwhile_stays_sold(acme, office):
    shop.product("PROD003", "79.99", 75)
    assert b"75" in office.get("/admin/orders/product/PROD003/change/").content
    shop.order(acme, ("PROD003", 10))
    assert save(office, price="69.99") == 302
    assert shop.stock_of("PROD003") == 65
    assert save(office, pieces="5") == 302
    assert shop.stock_of("PROD003") == 70


def test_no_more_is_taken_away_than_there_is(office):
    shop.product("PROD003", "79.99", 3)
    save(office, pieces="-4")
    assert shop.stock_of("PROD003") == 3


@pytest.mark.parametrize(("price", "currency"), [("0.005", "USD"), ("10.5", "JPY"), ("1", "eu€"), ("1", "XX")])
def test_a_price_that_nobody_can_pay_is_refused(office, price, currency):
    form = {
        "product_id": "NEW",
        "name": "New",
        "category": "goods",
        "price": price,
        "currency": currency,
        "pieces": "1",
    }
    assert office.post("/admin/orders/product/add/", form).status_code == 200
    assert not shop.Product.objects.exists()


def test_a_new_product_has_its_pieces(office):
    form = {"product_id": "NEW", "name": "New", "category": "goods", "price": "1", "currency": "USD", "pieces": "7"}
    assert office.post("/admin/orders/product/add/", {**form, "on_sale": "on"}).status_code == 302
    assert shop.stock_of("NEW") == 7
