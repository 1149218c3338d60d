"""Examples of the orders' calls for the API's documentation."""

from typing import Any

from drf_spectacular.utils import OpenApiExample

from bookings.examples import answers, takes

ORDER_ID = "0190d3a8-8b10-7b10-8d55-0f2a6a1e4c88"
ARN = f"arn:aws:states:us-east-1:123456789012:execution:OrderProcessingStateMachine:{ORDER_ID}"
LINE = {
    "order_id": ORDER_ID,
    "customer_id": "CUST001",
    "total_amount": 2029.97,
    "refunded_amount": 0,
    "currency": "USD",
    "status": "pending",
    "created_at": "2026-11-21T08:00:00Z",
    "updated_at": "2026-11-21T08:00:00Z",
}
ORDER: dict[str, Any] = LINE | {
    "items": [
        {
            "product_id": "PROD001",
            "booking_id": None,
            "description": "Laptop",
            "quantity": 2,
            "price": 999.99,
            "emd": None,
        },
        {
            "product_id": "PROD002",
            "booking_id": None,
            "description": "Mouse",
            "quantity": 1,
            "price": 29.99,
            "emd": None,
        },
    ],
    "payment_method": "account",
    "contact_email": "",
    "execution_arn": ARN,
    "available_actions": ["process", "cancel", "fail", "delete"],
}
PRODUCT = {
    "product_id": "PROD001",
    "name": "Laptop",
    "category": "goods",
    "price": 999.99,
    "currency": "USD",
    "rfic": "",
    "rfisc": "",
    "stock": 48,
    "in_stock": True,
}
EXECUTION = {
    "execution_arn": ARN,
    "name": ORDER_ID,
    "order_id": ORDER_ID,
    "status": "RUNNING",
    "state": "BackUp",
    "attempt": 1,
    "start_date": "2026-11-21T08:00:00Z",
    "stop_date": None,
    "next_attempt_at": None,
    "error": None,
    "cause": None,
    "redrive_count": 0,
    "redrive_date": None,
    "available_actions": ["stop"],
}
STARTED = {"type": "ExecutionStarted", "timestamp": "2026-11-21T08:00:00Z", "state": None}
PAGINATION = {"page": 1, "limit": 10, "total": 25, "pages": 3}

NEW_ORDER = takes(
    "Products",
    {
        "customer_id": "CUST001",
        "items": [{"product_id": "PROD001", "quantity": 2}, {"product_id": "PROD002", "quantity": 1}],
    },
)
CREATED = answers(
    "Created",
    {
        "message": "Order created successfully",
        "order_id": ORDER_ID,
        "execution_arn": ARN,
        "note": "Save this execution_arn to check workflow status later",
        "status": "pending",
        "total_amount": 2029.97,
        "currency": "USD",
    },
    201,
)
ORDER_CREATED = answers("Created", ORDER, 201)
ORDER_FOUND = answers("Order", ORDER)
NUMBERED_PAGE = answers("Page", {"orders": [LINE], "pagination": PAGINATION})
ORDER_PAGE = answers("Page", {"orders": [LINE], "limit": 20, "next": None})
STATUS = takes("On its way", {"status": "processing"})
UPDATED = answers("Updated", {"message": "Order updated successfully", "order_id": ORDER_ID, "status": "processing"})
DELETED = answers("Deleted", {"message": "Order deleted successfully", "order_id": ORDER_ID})
PRODUCT_PAGE = answers("Page", {"products": [PRODUCT], "pagination": PAGINATION})
WORKFLOW_STATUS = answers(
    "Running",
    {
        "execution_arn": ARN,
        "status": "RUNNING",
        "start_date": "2026-11-21T08:00:00Z",
        "stop_date": None,
        "input_identifier": ORDER_ID,
        "identifier_type": "order_id",
        "recent_events": [STARTED],
    },
)
EXECUTION_PAGE = answers("Page", {"executions": [EXECUTION], "limit": 20, "next": None})
EXECUTION_FOUND = answers("Execution", EXECUTION)
HISTORY = answers(
    "Page", {"events": [{"id": 1, "previousEventId": 0, **STARTED, "details": {}}], "limit": 20, "next": None}
)
STOP = takes("Why", {"cause": "The customer called."})
REDRIVE = takes("Another card", {"payment_token": "tok_success"})
QUOTE = {
    "quote_id": "0190d3a8-9c20-7c20-8d55-0f2a6a1e4caa",
    "order_id": ORDER_ID,
    "kind": "cancellation",
    "status": "open",
    "refund_amount": 2029.97,
    "penalty_amount": 0,
    "kept_amount": 0,
    "currency": "USD",
    "lines": [{"code": "FARE", "amount": -2029.97}],
    "created_at": "2026-11-21T09:00:00Z",
    "expires_at": "2026-11-21T09:15:00Z",
    "confirmed_at": None,
}
QUOTED_ORDER = answers(
    "A cancelled order",
    ORDER
    | {
        "status": "cancelled",
        "refunded_amount": 2029.97,
        "available_actions": ["delete"],
        "quote": QUOTE | {"status": "confirmed", "confirmed_at": "2026-11-21T09:01:00Z"},
    },
)


def quote(status: int = 200) -> OpenApiExample:
    return answers("A cancellation's quote", QUOTE, status)
