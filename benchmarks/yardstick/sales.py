"""Selling: an order with its execution, charged to the agency's account, and backed up. ORDER and CONFIRM share it."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from .backups import backup_of
from .ledger import charge
from .models import Event, Execution, ExecutionEvent, Order, OrderItem, new_id


def new_order(items: list[OrderItem], agency_id: UUID | None, customer_id: str, currency: str, at: datetime) -> Order:
    return Order(
        id=new_id(),
        agency_id=agency_id,
        customer_id=customer_id,
        status="pending",
        currency=currency,
        total_amount=sum((item.price * item.quantity for item in items), Decimal(0)),
        version=1,
        created_at=at,
        updated_at=at,
        items=items,
        execution=Execution(
            due_at=at,
            started_at=at,
            history=[ExecutionEvent(event_id=1, type="ExecutionStarted", at=at)],
        ),
    )


async def write_order(
    session: AsyncSession,
    order: Order,
    at: datetime,
    taxes: Decimal = Decimal(0),
    events: Sequence[Event] = (),
    **sold: Any,
) -> None:
    """Write an order, charge it, and back it up with the rows that it has sold."""
    after = {"status": order.status, "total_amount": str(order.total_amount)}
    actor_id = str(order.agency_id)
    events = [*events, Event(at=at, actor_id=actor_id, action="order.pending", subject_id=order.id, after=after)]
    session.add(order)
    session.add_all(events)
    await session.flush()  # the account is locked last, and no longer than it takes to charge it
    ledger = await charge(session, order, taxes, at)
    await session.flush()  # which gives the entries their ids
    rows = {
        "orders": [order],
        "items": order.items,
        "executions": [order.execution],
        "history": order.execution.history,
        "events": events,
        "ledger": ledger,
    }
    session.add(backup_of(order, at, **rows, **sold))
