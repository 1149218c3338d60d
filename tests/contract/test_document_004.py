"""Founding document 004: orders of products and bookings, created, listed and retrieved, and the products."""

from datetime import datetime
from decimal import Decimal
from uuid import UUID

import pytest

from orders.models import Product
from tests.bookings.sales import book, counters, refused
from tests.contract.operations import refusal, unknown_id
from tests.contract.ordering import ARN, BODY, TOTAL, create, owed, stocks
from tests.orders import shop

pytestmark = pytest.mark.usefixtures("_inventory")


# --- Creating ---


@pytest.mark.parametrize("slash", ["", "/"])
def test_create_an_order(slash, acme):
    answer = acme.post(f"/orders{slash}", BODY)
    assert answer.status_code == 201
    created = answer.json()
    assert created["message"] == "Order created successfully"
    assert UUID(created["order_id"])
    assert created["execution_arn"] == ARN + created["order_id"]
    assert created["note"] == "Save this execution_arn to check workflow status later"
    assert (created["status"], created["total_amount"], created["currency"]) == ("pending", TOTAL, "USD")
    assert stocks() == [48, 99, 75, 30]
    assert owed(acme) == Decimal("2029.97")


def test_the_founding_documents_curl_sends_a_form_media_type(acme):
    """`curl -d` says so unless told otherwise."""
    answer = acme.client.generic(
        "POST",
        "/orders",
        '{"customer_id": "CUST001", "items": [{"product_id": "PROD004", "quantity": 1}]}',
        content_type="application/x-www-form-urlencoded",
        headers=acme.headers,
    )
    assert answer.status_code == 201
    assert stocks() == [50, 100, 75, 29]


def test_a_product_twice_is_one_item(acme):
    items = [{"product_id": "PROD003", "quantity": n} for n in (1, 2)]
    created = create(acme, {"customer_id": "CUST001", "items": items})
    [item] = acme.get(f"/orders/{created['order_id']}").json()["items"]
    assert (item["product_id"], item["quantity"], item["price"]) == ("PROD003", 3, 79.99)
    assert (created["total_amount"], shop.stock_of("PROD003")) == (239.97, 72)


def test_an_order_of_a_booking(acme, flight):
    booking = book(acme, flight, seats=2)
    created = create(acme, shop.order_body(booking))
    [item] = acme.get(f"/orders/{created['order_id']}").json()["items"]
    assert (item["booking_id"], item["product_id"], item["quantity"]) == (booking["booking_id"], None, 1)
    assert item["price"] == created["total_amount"] == booking["total_amount"]
    assert counters(flight) == {"sold": 0, "held": 2, "free": 98}


def test_products_and_bookings_on_one_order(acme, flight):
    bookings = [book(acme, flight), book(acme, flight, seats=3)]
    created = create(acme, shop.order_body(bookings[1], ("PROD002", 2), bookings[0], ("PROD002", 1)))
    order = acme.get(f"/orders/{created['order_id']}").json()
    assert len(order["items"]) == 3
    assert {item["booking_id"] for item in order["items"]} == {None, *(b["booking_id"] for b in bookings)}
    total = Decimal("89.97") + sum(Decimal(str(booking["total_amount"])) for booking in bookings)
    assert order["total_amount"] == float(total) == created["total_amount"]
    assert (owed(acme), shop.stock_of("PROD002")) == (total, 97)


def test_money_has_its_currencys_places(acme):
    shop.product("FUROSHIKI", "1000", 5, currency="JPY")
    payment = {"method": "card", "token": "tok_success"}
    answer = acme.post("/orders", shop.order_body(("FUROSHIKI", 2), payment=payment))
    assert b'"total_amount":2000,' in answer.content
    assert b'"total_amount":2000,' in acme.get(f"/orders/{answer.json()['order_id']}").content


def test_a_total_without_bounds_is_400_and_sells_nothing(acme):
    """It does not fit where orders are kept."""
    Product.objects.filter(pk="PROD001").update(price=50_000, stock=20_000)
    before = shop.everything()
    problem = refusal(acme.post("/orders", shop.order_body(("PROD001", 10_000))), 400, "invalid_input")
    assert problem["errors"][0]["pointer"] == "/items"
    assert shop.everything() == before


def test_the_price_is_that_of_the_sale(acme):
    order_id = create(acme)["order_id"]
    Product.objects.filter(pk="PROD001").update(price=Decimal("1.00"))
    order = acme.get(f"/orders/{order_id}").json()
    assert ([item["price"] for item in order["items"]], order["total_amount"]) == ([999.99, 29.99], TOTAL)


@pytest.mark.parametrize(
    ("body", "message", "code"),
    [
        ({"items": BODY["items"]}, "Missing required field: customer_id", "missing_fields"),
        ({"customer_id": "CUST001"}, "Missing required field: items", "missing_fields"),
        ({}, "Missing required field: customer_id, items", "missing_fields"),
        ({**BODY, "items": []}, "items: This list may not be empty.", "invalid_input"),
        ({**BODY, "customer_id": ""}, "customer_id: This field may not be blank.", "invalid_input"),
        ({**BODY, "total_amount": 1}, "total_amount: This field is unknown or cannot be set.", "invalid_input"),
        ({**BODY, "status": "shipped"}, "status: This field is unknown or cannot be set.", "invalid_input"),
    ],
)
def test_bad_input_is_400_and_sells_nothing(body, message, code, acme):
    before = shop.everything()
    assert refusal(acme.post("/orders", body), 400, code)["message"] == message
    assert shop.everything() == before


@pytest.mark.parametrize("unknown", ["PROD999", "prod001", "PROD001'--", "Ünbekannt"])
def test_an_unknown_product_is_400_and_sells_nothing(unknown, acme):
    before = shop.everything()
    body = {**BODY, "items": [*BODY["items"], {"product_id": unknown, "quantity": 1}]}
    assert refusal(acme.post("/orders", body), 400, "product_not_found")["message"] == f"Product {unknown} not found"
    assert shop.everything() == before


def test_a_product_that_is_off_sale_is_not_found(acme):
    Product.objects.filter(pk="PROD002").update(on_sale=False)
    before = shop.everything()
    assert refusal(acme.post("/orders", BODY), 400)["message"] == "Product PROD002 not found"
    assert shop.everything() == before


@pytest.mark.parametrize("quantities", [(31,), (30, 1)])
def test_too_little_stock_is_409_and_takes_nothing(quantities, acme):
    before = shop.everything()
    items = [*BODY["items"], *({"product_id": "PROD004", "quantity": n} for n in quantities)]
    problem = refusal(acme.post("/orders", {**BODY, "items": items}), 409, "out_of_stock")
    assert problem["stock"] == {"PROD004": 30}
    assert problem["message"] == "Not enough stock: PROD004 (30 left)."
    assert shop.everything() == before


def test_the_whole_stock_can_be_sold(acme):
    create(acme, {"customer_id": "CUST001", "items": [{"product_id": "PROD004", "quantity": 30}]})
    assert shop.stock_of("PROD004") == 0
    refused(acme.post("/orders", shop.order_body(("PROD004", 1))), 409, "out_of_stock")


def test_an_unknown_booking_is_404_and_sells_nothing(acme, zenith, flight):
    foreign = book(zenith, flight)
    before = shop.everything()
    for booking_id in (unknown_id(), foreign["booking_id"]):
        body = shop.order_body(("PROD001", 1), {"booking_id": booking_id})
        assert refusal(acme.post("/orders", body), 404, "booking_not_found")["message"] == "Booking not found"
    assert shop.everything() == before


def test_a_booking_twice_is_400(acme, flight):
    booking = book(acme, flight)
    before = shop.everything()
    refusal(acme.post("/orders", shop.order_body(booking, booking)), 400, "invalid_input")
    assert shop.everything() == before


CALLS = [("GET", "/orders"), ("POST", "/orders"), ("GET", "/products"), ("GET", "/executions"), ("GET", "/status/{}")]
CALLS += [(method, "/orders/{}") for method in ("GET", "PUT", "DELETE")]


@pytest.mark.parametrize(("method", "path"), CALLS)
def test_no_key_is_403_forbidden(method, path, acme, nobody):
    order_id = create(acme)["order_id"]
    before = shop.everything()
    for headers in ({}, {"x_api_key": "no-key"}):
        answer = nobody.call(method, path.format(order_id), BODY if method == "POST" else None, **headers)
        assert refusal(answer, 403, "forbidden")["message"] == "Forbidden"
    assert shop.everything() == before


# --- Listing ---


def test_list_orders_by_page(acme, zenith):
    made = [create(acme, shop.order_body(("PROD002", 1), customer=f"CUST{n}"))["order_id"] for n in range(25)]
    create(zenith)
    first = acme.get("/orders?page=1&limit=10").json()
    assert first["pagination"] == {"page": 1, "limit": 10, "total": 25, "pages": 3}
    last = acme.get("/orders?page=3&limit=10").json()
    assert [order["order_id"] for order in first["orders"]] == made[:14:-1]
    assert [order["order_id"] for order in last["orders"]] == made[4::-1]
    line = last["orders"][-1]
    assert (line["customer_id"], line["total_amount"], line["status"]) == ("CUST0", 29.99, "pending")
    assert datetime.fromisoformat(line["created_at"]).tzinfo
    assert acme.get("/orders?page=4&limit=10").json() == {"orders": [], "pagination": last["pagination"] | {"page": 4}}


@pytest.mark.parametrize(("asked", "served"), [("", 10), ("?limit=1", 1), ("?limit=100", 100), ("?limit=250", 100)])
def test_a_limit_above_100_is_served_as_100_and_said(asked, served, acme):
    for path in ("/orders", "/products"):
        assert acme.get(path + asked).json()["pagination"]["limit"] == served
    assert acme.get(f"/executions{asked}").json()["limit"] == (served if asked else 20)


def test_no_orders_yet(acme):
    expected = {"orders": [], "pagination": {"page": 1, "limit": 10, "total": 0, "pages": 0}}
    assert acme.get("/orders").json() == expected


@pytest.mark.parametrize("query", ["page=0", "page=-1", "page=x", "limit=0", "limit=-5", "limit=1.5", "status=pending"])
def test_bad_pages_are_400(query, acme):
    problem = refusal(acme.get(f"/orders?{query}"), 400, "invalid_input")
    assert problem["errors"][0]["pointer"] == f"/{query.partition('=')[0]}"


# --- Retrieving ---


@pytest.mark.parametrize("slash", ["", "/"])
def test_retrieve_an_order(slash, acme):
    created = create(acme)
    answer = acme.get(f"/orders/{created['order_id']}{slash}")
    assert (answer.status_code, answer["ETag"]) == (200, '"1"')
    order = answer.json()
    assert {name: order[name] for name in ("order_id", "customer_id", "total_amount", "status")} == {
        "order_id": created["order_id"],
        "customer_id": "CUST001",
        "total_amount": TOTAL,
        "status": "pending",
    }
    assert order["created_at"].endswith("Z")
    documented = ("product_id", "quantity", "price")
    assert [tuple(item[name] for name in documented) for item in order["items"]] == [
        ("PROD001", 2, 999.99),
        ("PROD002", 1, 29.99),
    ]


@pytest.mark.parametrize("order_id", ["ORDER-1", "550e8400", "0", "%20", "../etc", "null", None])
@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_an_unknown_order_is_404_even_if_it_is_no_uuid(method, order_id, acme):
    before = shop.everything()
    body = {"status": "processing"} if method == "PUT" else None
    order_id = unknown_id() if order_id is None else order_id
    answer = acme.call(method, f"/orders/{order_id}", body)
    if "/" not in order_id:
        assert refusal(answer, 404, "order_not_found")["message"] == "Order not found"
    refusal(answer, 404)
    assert shop.everything() == before


# --- Products ---


def test_the_founding_inventory(acme):
    goods = acme.get("/products?category=goods").json()
    assert goods["pagination"] == {"page": 1, "limit": 10, "total": 4, "pages": 1}
    assert [(p["product_id"], p["name"], p["price"], p["stock"]) for p in goods["products"]] == [
        ("PROD001", "Laptop", 999.99, 50),
        ("PROD002", "Mouse", 29.99, 100),
        ("PROD003", "Keyboard", 79.99, 75),
        ("PROD004", "Monitor", 299.99, 30),
    ]
    assert {(p["currency"], p["in_stock"], p["category"]) for p in goods["products"]} == {("USD", True, "goods")}


def test_products_by_page(acme):
    pages = [acme.get(f"/products?page={n}&limit=5").json() for n in (1, 2, 3)]
    ids = [product["product_id"] for page in pages for product in page["products"]]
    assert (ids, len(set(ids))) == (sorted(ids), 14)
    assert pages[2]["pagination"] == {"page": 3, "limit": 5, "total": 14, "pages": 3}
    baggage = acme.get("/products?category=baggage").json()["products"]
    assert [product["product_id"] for product in baggage] == ["BAG1", "BAG2", "PETC"]


def test_products_in_stock(acme):
    create(acme, {"customer_id": "CUST001", "items": [{"product_id": "PROD004", "quantity": 30}]})
    [sold_out] = acme.get("/products?in_stock=false").json()["products"]
    assert (sold_out["product_id"], sold_out["stock"], sold_out["in_stock"]) == ("PROD004", 0, False)
    assert acme.get("/products?in_stock=true").json()["pagination"]["total"] == 13
    assert acme.get("/products?in_stock=true&category=goods").json()["pagination"]["total"] == 3


@pytest.mark.parametrize("query", ["category=x", "category=GOODS", "in_stock=maybe", "page=0", "limit=0", "name=Mouse"])
def test_bad_product_queries_are_400(query, acme):
    problem = refusal(acme.get(f"/products?{query}"), 400, "invalid_input")
    assert problem["errors"][0]["pointer"] == f"/{query.partition('=')[0]}"
