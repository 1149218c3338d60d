"""What tests of founding document 004 do and look at: its orders, its inventory, and what is owed."""

from decimal import Decimal

from partners.ledger import account_code
from skybridge.models import Event
from tests.orders import shop

# The document's own request, and what its inventory charges for it.
BODY = {
    "customer_id": "CUST001",
    "items": [{"product_id": "PROD001", "quantity": 2}, {"product_id": "PROD002", "quantity": 1}],
}
TOTAL = 2029.97
ARN = "arn:aws:states:us-east-1:123456789012:execution:OrderProcessingStateMachine:"
# What leads to each status from `pending`.
PATHS = {
    "pending": (),
    "processing": ("processing",),
    "shipped": ("processing", "shipped"),
    "delivered": ("processing", "shipped", "delivered"),
    "cancelled": ("cancelled",),
    "failed": ("failed",),
}


def create(api, body=BODY) -> dict:
    answer = api.post("/orders", body)
    assert answer.status_code == 201, answer.content
    return answer.json()


def order_that_is(status: str, api) -> str:
    """Return the id of a new order in a status, reached through the API."""
    order_id = create(api)["order_id"]
    for step in PATHS[status]:
        assert api.put(f"/orders/{order_id}", {"status": step}).status_code == 200
    return order_id


def owed(acme) -> Decimal:
    return shop.balance_of(account_code(acme.id, "", "USD"))


def stocks() -> list[int]:
    return [shop.stock_of(f"PROD00{n}") for n in (1, 2, 3, 4)]


def events_of(order_id: str) -> list[str]:
    return list(Event.objects.filter(subject_id=order_id).order_by("pk").values_list("action", flat=True))
