"""What tests of orders do and look at, the looking in SQL of its own."""

from decimal import Decimal
from typing import Any

from orders import workflow
from orders.models import Product
from tests.bookings.sales import query
from tests.conftest import Api

TABLES = (
    "orders_order", "orders_orderitem", "orders_product", "orders_execution", "orders_executionevent", "orders_backup",
    "partners_account", "partners_ledgerentry", "partners_payment", "partners_refund", "bookings_booking",
    "flights_flightcabin", "flights_seathold", "ticketing_ticket", "ticketing_coupon", "ticketing_emd",
    "skybridge_event",
)  # fmt: skip


def product(product_id: str = "PROD001", price: str = "999.99", stock: int = 50, **fields: Any) -> Product:
    return Product.objects.create(
        product_id=product_id,
        name=fields.pop("name", product_id.title()),
        price=Decimal(price),
        currency=fields.pop("currency", "USD"),
        stock=stock,
        **fields,
    )


def order_body(*items: Any, customer: str = "CUST001", **more: Any) -> dict:
    """Return the body that orders products (id and quantity, or an item) and bookings (dicts with their id)."""
    listed = [
        {"product_id": item[0], "quantity": item[1]}
        if isinstance(item, tuple)
        else item
        if "product_id" in item
        else {"booking_id": item["booking_id"]}
        for item in items
    ]
    return {"customer_id": customer, "items": listed, **more}


def order(api: Api, *items: Any, **more: Any) -> dict:
    """Place an order and return the answer."""
    response = api.post("/orders", order_body(*items, **more))
    assert response.status_code == 201, response.content
    return response.json()


def read(api: Api, placed: dict) -> dict:
    return api.get(f"/api/v1/orders/{placed['order_id']}").json()


def run(placed: dict) -> dict:
    """Carry an order's execution on as a worker does; return its row."""
    workflow.advance(placed["order_id"])
    return execution(placed)


def execution(placed: dict) -> dict:
    columns = ("status", "state", "attempt", "losses", "error", "cause", "redrive_count", "last_event_id")
    [row] = query(f"SELECT {', '.join(columns)} FROM orders_execution WHERE order_id = %s", placed["order_id"])
    return dict(zip(columns, row, strict=True))


def history(placed: dict) -> list[tuple[str, str]]:
    """Return type and state of each line of an execution's history."""
    sql = "SELECT type, state FROM orders_executionevent WHERE execution_id = %s ORDER BY event_id"
    return query(sql, placed["order_id"])


def stock_of(product_id: str) -> int:
    return query("SELECT stock FROM orders_product WHERE product_id = %s", product_id)[0][0]


def balance_of(code: str) -> Decimal:
    """Return what an account's entries add up to."""
    return query("SELECT COALESCE(sum(amount), 0) FROM partners_ledgerentry WHERE account_id = %s", code)[0][0]


def everything() -> dict[str, str]:
    """Return the whole content of the tables that an order touches, to show that nothing has changed."""
    return {
        table: query(f"SELECT md5(string_agg(r::text, E'\\n' ORDER BY r::text)) FROM {table} r")[0][0]
        for table in TABLES
    }
