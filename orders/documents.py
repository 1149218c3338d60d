"""Orders, products and executions as their readers see them."""

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from typing import Any

from bookings.documents import quote_status
from orders.models import Execution, ExecutionEvent, Order, OrderItem, OrderQuote, Product, arn_of
from orders.numbered_pages import OrderFacts
from skybridge.money import rounded
from skybridge.times import utc_text
from ticketing.documents import emd_document


def order_line(order: Order | OrderFacts) -> dict[str, Any]:
    """Return an order as a list shows it."""
    return {
        "order_id": order.pk,
        "customer_id": order.customer_id,
        "total_amount": rounded(order.total_amount, order.currency),
        "refunded_amount": rounded(order.refunded_amount, order.currency),
        "currency": order.currency,
        "status": order.status,
        "created_at": utc_text(order.created_at),
        "updated_at": utc_text(order.updated_at),
    }


def order_document(order: Order) -> dict[str, Any]:
    """Return an order with its items and the actions that its status allows."""
    items = sorted(order.items.all(), key=lambda item: item.position)
    return order_line(order) | {
        "items": [item_document(item, order.currency) for item in items],
        "payment_method": order.payment_method,
        "contact_email": order.contact_email,
        "execution_arn": arn_of(order.pk),
        "available_actions": order.available_actions,
    }


def item_document(item: OrderItem, currency: str) -> dict[str, Any]:
    return {
        "product_id": item.product_id,
        "booking_id": item.booking_id,
        "description": item.description,
        "quantity": item.quantity,
        "price": rounded(item.price, currency),
        "emd": emd_document(item.emd) if hasattr(item, "emd") else None,
    }


def quote_document(quote: OrderQuote, at: datetime) -> dict[str, Any]:
    return {
        "quote_id": quote.pk,
        "order_id": quote.order_id,
        "kind": "cancellation",
        "status": quote_status(quote, at),
        "refund_amount": rounded(quote.refund_amount, quote.currency),
        "penalty_amount": rounded(quote.penalty_amount, quote.currency),
        "kept_amount": rounded(quote.kept_amount, quote.currency),
        "currency": quote.currency,
        "lines": [{**line, "amount": Decimal(line["amount"])} for line in quote.lines],
        "created_at": utc_text(quote.created_at),
        "expires_at": utc_text(quote.expires_at),
        "confirmed_at": utc_text(quote.confirmed_at),
    }


def product_document(product: Product) -> dict[str, Any]:
    return {
        "product_id": product.product_id,
        "name": product.name,
        "category": product.category,
        "price": rounded(product.price, product.currency),
        "currency": product.currency,
        "rfic": product.rfic,
        "rfisc": product.rfisc,
        "stock": product.stock,
        "in_stock": product.stock > 0,
    }


def execution_document(execution: Execution) -> dict[str, Any]:
    return {
        "execution_arn": execution.arn,
        "name": execution.pk,
        "order_id": execution.pk,
        "status": execution.status,
        "state": execution.state or None,
        "attempt": execution.attempt,
        "start_date": utc_text(execution.started_at),
        "stop_date": utc_text(execution.stopped_at),
        "next_attempt_at": utc_text(execution.due_at if execution.attempt_started_at is None else None),
        "error": execution.error or None,
        "cause": execution.cause or None,
        "redrive_count": execution.redrive_count,
        "redrive_date": utc_text(execution.redriven_at),
        "available_actions": execution.available_actions,
    }


def history_document(events: Iterable[ExecutionEvent]) -> list[dict[str, Any]]:
    """Return lines of a history as GetExecutionHistory has them. Source: AWS Step Functions API reference."""
    return [
        {
            "id": event.event_id,
            "previousEventId": event.event_id - 1,
            "type": event.type,
            "timestamp": utc_text(event.at),
            "state": event.state or None,
            "details": event.details,
        }
        for event in events
    ]


def recent_events(events: Iterable[ExecutionEvent]) -> list[dict[str, Any]]:
    return [{"type": e.type, "timestamp": utc_text(e.at), "state": e.state or None} for e in events]
