"""Orders in REST style, under `/api/v1`: filters, pages, versions, what is available, and idempotency keys."""

from datetime import datetime, timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from orders.models import Order
from partners.ledger import account_code
from tests.bookings.sales import book, counters, query, refused
from tests.orders import shop
from tests.ticketing import desk

ORDERS = "/api/v1/orders"
STATUSES = {"process": "processing", "ship": "shipped", "deliver": "delivered", "cancel": "cancelled", "fail": "failed"}
PATHS = {
    "pending": "",
    "processing": "process",
    "shipped": "process ship",
    "delivered": "process ship deliver",
    "cancelled": "cancel",
    "failed": "fail",
}


@pytest.fixture(autouse=True)
def _products(db):
    shop.product("PROD001", "999.99", 50)
    shop.product("PROD002", "29.99", 100)


def found(api, query: str = "") -> list[str]:
    answer = api.get(f"{ORDERS}{query}")
    assert answer.status_code == 200, answer.content
    return [order["order_id"] for order in answer.json()["orders"]]


def carry_out(api, order_id: str, action: str):
    """Do what `available_actions` calls by this name."""
    path = f"{ORDERS}/{order_id}"
    if action == "delete":
        return api.delete(path)
    return api.post(f"{path}/cancel") if action == "cancel" else api.patch(path, {"status": STATUSES[action]})


def order_that_is(status: str, api) -> str:
    order_id = shop.order(api, ("PROD001", 1))["order_id"]
    for action in PATHS[status].split():
        assert carry_out(api, order_id, action).status_code == 200
    return order_id


# --- Creating and retrieving ---


def test_create_and_retrieve(acme):
    answer = acme.post(ORDERS, shop.order_body(("PROD001", 2), contact_email="ada@customer.example"))
    assert (answer.status_code, answer["ETag"]) == (201, '"1"')
    order = answer.json()
    assert (order["status"], order["total_amount"], order["refunded_amount"]) == ("pending", 1999.98, 0)
    assert (order["payment_method"], order["contact_email"]) == ("account", "ada@customer.example")
    assert order["available_actions"] == ["process", "cancel", "fail", "delete"]
    [item] = order["items"]
    assert (item["product_id"], item["description"], item["quantity"], item["price"]) == (
        "PROD001",
        "Prod001",
        2,
        999.99,
    )
    assert acme.get(f"{ORDERS}/{order['order_id']}").json() == order


@pytest.mark.parametrize(
    ("more", "pointer"),
    [
        ({"contact_email": "nobody"}, "/contact_email"),
        ({"payment": {"method": "cash"}}, "/payment/method"),
        ({"payment": {"method": "card"}}, "/payment/token"),
        ({"payment": {"method": "account", "token": "tok_success"}}, "/payment/token"),
        ({"payment": {"token": "tok_success", "number": "4242"}}, "/payment/number"),
    ],
)
def test_bad_input_is_named_and_changes_nothing(more, pointer, acme):
    before = shop.everything()
    answer = acme.post(ORDERS, shop.order_body(("PROD001", 1), **more))
    refused(answer, 400, "invalid_input")
    assert answer.json()["errors"][0]["pointer"] == pointer
    assert shop.everything() == before


@pytest.mark.parametrize("payment", [{"method": "account"}, {"method": "card", "token": "tok_success"}])
def test_an_order_that_costs_nothing(payment, acme):
    shop.product("WATER", "0.00", 9)
    placed = shop.order(acme, ("WATER", 2), payment=payment)
    assert shop.run(placed)["status"] == "SUCCEEDED"
    assert acme.delete(f"{ORDERS}/{placed['order_id']}").status_code == 200
    assert shop.stock_of("WATER") == 9


# --- Filters ---


def test_filter_by_status(acme):
    ids = {status: order_that_is(status, acme) for status in PATHS}
    for status, order_id in ids.items():
        assert found(acme, f"?status={status}") == [order_id]


def test_filter_by_customer(acme):
    one = shop.order(acme, ("PROD001", 1), customer="one & only")["order_id"]
    shop.order(acme, ("PROD001", 1), customer="another")
    assert found(acme, "?customer_id=one%20%26%20only") == [one]
    assert found(acme, "?customer_id=one") == []


def test_filter_by_payment_method(acme):
    by_card = shop.order(acme, ("PROD001", 1), payment={"method": "card", "token": "tok_success"})["order_id"]
    on_account = shop.order(acme, ("PROD001", 1))["order_id"]
    assert found(acme, "?payment_method=card") == [by_card]
    assert found(acme, "?payment_method=account") == [on_account]


def test_filter_by_moment(acme):
    ids = [shop.order(acme, ("PROD002", 1))["order_id"] for _ in range(3)]
    middle = Order.objects.get(pk=ids[1]).created_at.isoformat().replace("+00:00", "Z")
    assert found(acme, f"?created_after={middle}") == ids[:0:-1]
    assert found(acme, f"?created_before={middle}") == ids[:1]
    assert found(acme, f"?created_after={middle}&created_before={middle}") == []


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("total_at_least=59.98", [3, 2]),
        ("total_at_least=59.99", [3]),
        ("total_at_most=59.98", [2, 1]),
        ("total_at_most=59.97", [1]),
        ("total_at_least=29.99&total_at_most=29.99", [1]),
    ],
)
def test_filter_by_total(query, expected, acme):
    ids = {n: shop.order(acme, ("PROD002", n))["order_id"] for n in (1, 2, 3)}
    assert found(acme, f"?{query}") == [ids[n] for n in expected]


def test_filter_by_product(acme):
    both = shop.order(acme, ("PROD001", 1), ("PROD002", 1))["order_id"]
    mouse = shop.order(acme, ("PROD002", 1))["order_id"]
    assert found(acme, "?product_id=PROD002") == [mouse, both]
    assert found(acme, "?product_id=PROD001") == [both]
    assert found(acme, "?product_id=PROD00") == []


def test_filter_by_booking(acme, zenith, flight):
    booking = book(acme, flight)
    placed = shop.order(acme, booking, ("PROD001", 1))["order_id"]
    shop.order(acme, book(acme, flight))
    assert found(acme, f"?booking_id={booking['booking_id']}") == [placed]
    assert found(zenith, f"?booking_id={booking['booking_id']}") == []


def test_filters_together(acme):
    order_id = order_that_is("failed", acme)
    order_that_is("cancelled", acme)
    assert found(acme, "?status=failed&customer_id=CUST001&product_id=PROD001&total_at_least=1") == [order_id]
    assert found(acme, "?status=failed&product_id=PROD002") == []


@pytest.mark.parametrize(
    "query",
    ["status=canceled", "payment_method=cash", "created_after=yesterday", "total_at_least=much", "booking_id=1", "x=1"],
)
def test_a_bad_filter_is_400(query, acme):
    answer = acme.get(f"{ORDERS}?{query}")
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["pointer"] == f"/{query.partition('=')[0]}"


# --- Pages ---


def test_pages_are_stable_while_orders_arrive(acme):
    ids = [shop.order(acme, ("PROD002", 1))["order_id"] for _ in range(7)]
    page = acme.get(f"{ORDERS}?limit=3").json()
    seen = [order["order_id"] for order in page["orders"]]
    while page["next"]:
        shop.order(acme, ("PROD002", 1))
        page = acme.get(f"{ORDERS}?limit=3&cursor={page['next']}").json()
        seen += [order["order_id"] for order in page["orders"]]
    assert seen == ids[::-1]


def test_a_deleted_order_between_pages_hides_nothing(acme):
    ids = [shop.order(acme, ("PROD002", 1))["order_id"] for _ in range(5)]
    page = acme.get(f"{ORDERS}?limit=2").json()
    acme.delete(f"{ORDERS}/{ids[3]}")  # the last one of the first page, which the cursor names
    assert found(acme, f"?limit=3&cursor={page['next']}") == ids[2::-1]


def test_pages_of_a_filter(acme):
    ids = [order_that_is("failed", acme) for _ in range(3)]
    order_that_is("cancelled", acme)
    page = acme.get(f"{ORDERS}?status=failed&limit=2").json()
    assert [order["order_id"] for order in page["orders"]] == ids[:0:-1]
    assert found(acme, f"?status=failed&limit=2&cursor={page['next']}") == ids[:1]


# --- What is available ---


@pytest.mark.parametrize("status", PATHS)
def test_each_available_action_succeeds(status, acme):
    listed = acme.get(f"{ORDERS}/{order_that_is(status, acme)}").json()["available_actions"]
    for action in listed:
        order_id = order_that_is(status, acme)
        assert carry_out(acme, order_id, action).status_code == 200, action
        if action == "delete":
            refused(acme.get(f"{ORDERS}/{order_id}"), 404, "order_not_found")
        else:
            assert acme.get(f"{ORDERS}/{order_id}").json()["status"] == STATUSES[action]


@pytest.mark.parametrize("status", PATHS)
def test_what_is_not_available_is_refused_and_changes_nothing(status, acme):
    order_id = order_that_is(status, acme)
    listed = acme.get(f"{ORDERS}/{order_id}").json()["available_actions"]
    before = shop.everything()
    for action in {*STATUSES, "delete"} - set(listed):
        answer = carry_out(acme, order_id, action)
        if STATUSES.get(action) == status:
            assert (answer.status_code, answer.json()["status"]) == (200, status)
        else:
            refused(answer, 409, "action_not_allowed" if action == "delete" else "illegal_transition")
    assert shop.everything() == before


def test_nothing_to_cancel_once_a_flight_has_left(acme, flight, pass_time):
    placed = shop.order(acme, book(acme, flight))
    shop.run(placed)
    assert {"cancel", "delete"} <= set(shop.read(acme, placed)["available_actions"])
    pass_time(days=6)
    assert shop.read(acme, placed)["available_actions"] == ["ship"]
    before = shop.everything()
    for action in ("cancel", "delete"):
        assert carry_out(acme, placed["order_id"], action).status_code == 409
    assert shop.everything() == before


def test_an_order_does_not_fail_while_somebody_is_checked_in(acme):
    booking = desk.sold(acme, desk.soon(hours=20))
    desk.check_in(acme, booking)
    shop.run(booking)
    order_id = booking["order_id"]
    assert acme.get(f"{ORDERS}/{order_id}").json()["available_actions"] == ["ship"]
    before = shop.everything()
    refused(acme.put(f"/orders/{order_id}", {"status": "failed"}), 409, "action_not_allowed")
    assert shop.everything() == before


# --- Versions ---


def test_a_version_for_each_change(acme):
    order_id = order_that_is("pending", acme)
    path = f"{ORDERS}/{order_id}"
    assert acme.get(path)["ETag"] == '"1"'
    assert acme.patch(path, {"status": "processing"}, If_Match='"1"')["ETag"] == '"2"'
    assert acme.post(f"{path}/cancel", If_Match='"2"')["ETag"] == '"3"' == acme.get(path)["ETag"]
    assert acme.delete(path, If_Match='"3"').status_code == 200
    assert Order.objects.get(pk=order_id).version == 4


@pytest.mark.parametrize("stale", ['"1"', '"3"', "2", 'W/"2"', '"x"', ""])
def test_a_stale_version_is_412_and_changes_nothing(stale, acme):
    order_id = order_that_is("processing", acme)
    before = shop.everything()
    path = f"{ORDERS}/{order_id}"
    for answer in (
        acme.patch(path, {"status": "shipped"}, If_Match=stale),
        acme.put(f"/orders/{order_id}", {"status": "shipped"}, If_Match=stale),
        acme.post(f"{path}/cancel", If_Match=stale),
        acme.delete(path, If_Match=stale),
        acme.delete(f"/orders/{order_id}", If_Match=stale),
    ):
        refused(answer, 412, "stale_version")
    assert shop.everything() == before


@pytest.mark.parametrize("fresh", ['"2"', "*", '"7", "2"'])
def test_a_fresh_version_goes_through(fresh, acme):
    order_id = order_that_is("processing", acme)
    assert acme.patch(f"{ORDERS}/{order_id}", {"status": "shipped"}, If_Match=fresh).status_code == 200


# --- Cancelling and deleting ---


def test_cancel_twice_gives_back_once(acme, flight):
    placed = shop.order(acme, ("PROD001", 2), book(acme, flight, seats=2))
    shop.run(placed)
    first, second = (acme.post(f"{ORDERS}/{placed['order_id']}/cancel") for _ in range(2))
    assert (first.status_code, first.content) == (second.status_code, second.content)
    cancelled = first.json()
    assert (cancelled["status"], cancelled["refunded_amount"]) == ("cancelled", placed["total_amount"])
    assert (shop.stock_of("PROD001"), counters(flight)) == (50, {"sold": 0, "held": 0, "free": 100})
    assert shop.balance_of(account_code(acme.id, "", "USD")) == 0


def test_delete_answers_as_the_founding_document(acme):
    order_id = order_that_is("pending", acme)
    answer = acme.delete(f"{ORDERS}/{order_id}")
    assert answer.json() == {"message": "Order deleted successfully", "order_id": order_id}
    refused(acme.get(f"{ORDERS}/{order_id}"), 404, "order_not_found")


def test_a_shipped_order_cannot_be_cancelled(acme):
    order_id = order_that_is("shipped", acme)
    before = shop.everything()
    refused(acme.post(f"{ORDERS}/{order_id}/cancel"), 409, "illegal_transition")
    assert shop.everything() == before


# --- Idempotency keys ---


@pytest.mark.parametrize("path", ["/orders", ORDERS])
def test_a_repeated_order_is_one_order(path, acme):
    body = shop.order_body(("PROD001", 2))
    first, second = (acme.post(path, body, Idempotency_Key="once") for _ in range(2))
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.content == second.content
    assert (first.has_header("Idempotent-Replayed"), second["Idempotent-Replayed"]) == (False, "true")
    assert (Order.objects.count(), shop.stock_of("PROD001")) == (1, 48)
    assert shop.balance_of(account_code(acme.id, "", "USD")) == Decimal("1999.98")


def test_a_refused_order_stays_refused_under_its_key(acme):
    body = shop.order_body(("PROD001", 51))
    first = acme.post("/orders", body, Idempotency_Key="once")
    refused(first, 409, "out_of_stock")
    query("UPDATE orders_product SET stock = 60")
    assert acme.post("/orders", body, Idempotency_Key="once").content == first.content
    assert acme.post("/orders", body, Idempotency_Key="again").status_code == 201
    assert (Order.objects.count(), shop.stock_of("PROD001")) == (1, 9)


def test_a_key_for_another_order_is_422(acme):
    acme.post("/orders", shop.order_body(("PROD001", 1)), Idempotency_Key="once")
    before = shop.everything()
    refused(
        acme.post("/orders", shop.order_body(("PROD001", 2)), Idempotency_Key="once"), 422, "idempotency_key_reused"
    )
    assert shop.everything() == before


# --- How many statements ---


def statements(call) -> int:
    """Return how many statements a call makes, those that find the key aside."""
    call()
    with CaptureQueriesContext(connection) as captured:
        assert call().status_code < 300
    return len([q for q in captured if "SAVEPOINT" not in q["sql"]])


@pytest.mark.parametrize(
    ("path", "expected"),
    [("/orders?limit=100", 1), (f"{ORDERS}?limit=100", 1), ("/executions?limit=100", 1), ("/products?limit=100", 2)],
)
def test_lists_take_as_many_statements_for_many_as_for_few(path, expected, acme):
    shop.order(acme, ("PROD001", 1))
    few = statements(lambda: acme.get(path))
    for _ in range(9):
        shop.order(acme, ("PROD001", 1), ("PROD002", 1))
    assert statements(lambda: acme.get(path)) == few == expected


@pytest.mark.parametrize(
    ("path", "expected"),
    [("/orders/{}", 2), (f"{ORDERS}/{{}}", 2), ("/status/{}", 2), ("/api/v1/executions/{}", 1)],
)
def test_details_take_as_many_statements_for_many_as_for_few(path, expected, acme, flight):
    small = shop.order(acme, ("PROD001", 1))
    large = shop.order(acme, ("PROD001", 1), ("PROD002", 5), *(book(acme, flight) for _ in range(4)))
    shop.run(large)
    few = statements(lambda: acme.get(path.format(small["order_id"])))
    assert statements(lambda: acme.get(path.format(large["order_id"]))) == few == expected


def test_an_order_of_many_products_takes_as_many_statements_as_one(acme):
    few = statements(lambda: acme.post("/orders", shop.order_body(("PROD001", 1))))
    for n in range(30):
        shop.product(f"X{n}", stock=9)
    many = statements(lambda: acme.post("/orders", shop.order_body(*((f"X{n}", 1) for n in range(30)))))
    assert many == few == 2


def test_times_of_an_order(acme):
    began = timezone.now()
    order = shop.read(acme, shop.order(acme, ("PROD001", 1)))
    created = datetime.fromisoformat(order["created_at"])
    assert began - timedelta(milliseconds=1) <= created <= timezone.now()
    assert order["created_at"] == order["updated_at"]
