"""What stands around a booking, for its page: the order that sells it, the money, gates, EMDs, disruptions."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID

from django.db import connection

from bookings.documents import BookingView
from bookings.models import Booking
from bookings.services import read_booking
from orders.disruption.choices import disruptions_seen
from orders.models import Order
from partners.callers import Caller
from ticketing.emds import emds_of

AROUND = """
SELECT o.id, o.status, o.payment_method, o.currency, o.total_amount, o.refunded_amount, o.lapses_at,
    x.status, x.state, x.error, x.cause,
    COALESCE((SELECT jsonb_object_agg(d.flight_id, d.gate) FROM ticketing_departure d
        WHERE d.flight_id = ANY(%(flights)s::uuid[]) AND d.gate <> ''), '{}'),
    COALESCE((SELECT jsonb_agg(jsonb_build_array('payment', p.status, p.amount::text, p.currency, p.created_at,
        p.failure_message) ORDER BY p.id) FROM partners_payment p WHERE p.order_id = o.id), '[]'),
    COALESCE((SELECT jsonb_agg(jsonb_build_array('refund', r.status, r.amount::text, p.currency, r.created_at,
        r.failure_message) ORDER BY r.id) FROM partners_payment p JOIN partners_refund r ON r.payment_id = p.id
        WHERE p.order_id = o.id), '[]'),
    EXISTS (SELECT FROM ticketing_emd e JOIN ticketing_ticket t ON t.id = e.ticket_id WHERE t.booking_id = b.id),
    EXISTS (SELECT FROM orders_disruptedbooking w WHERE w.booking_id = b.id)
FROM bookings_booking b
LEFT JOIN orders_order o ON o.id = b.order_id
LEFT JOIN orders_execution x ON x.order_id = o.id
WHERE b.id = %(id)s
"""


class SellingOrder(NamedTuple):
    """The order that sells a booking, and how its processing stands."""

    id: UUID
    status: str
    payment_method: str
    currency: str
    total_amount: Decimal
    refunded_amount: Decimal
    lapses_at: datetime | None
    execution_status: str
    state: str
    error: str
    cause: str

    @property
    def has_failed(self) -> bool:
        return self.execution_status in ("FAILED", "TIMED_OUT")


class Movement(NamedTuple):
    """Money that a card has paid or was given back; `kind` is `payment` or `refund`."""

    kind: str
    status: str
    amount: Decimal
    currency: str
    at: datetime
    failure: str

    @classmethod
    def of(cls, row: Sequence[Any]) -> "Movement":
        kind, status, amount, currency, at, failure = row
        return cls(kind, status, Decimal(amount), currency, datetime.fromisoformat(at), failure)


@dataclass(frozen=True)
class Surrounded:
    """A booking with what stands around it. A traveller of one booking sees nothing of its order."""

    view: BookingView
    order: SellingOrder | None = None
    gates: dict[str, str] = field(default_factory=dict)
    movements: list[Movement] = field(default_factory=list)
    emds: dict[UUID, list[dict[str, Any]]] = field(default_factory=dict)
    disruptions: list[dict[str, Any]] = field(default_factory=list)

    @property
    def step(self) -> str:
        """Return the state that the order is really at: one on account passes over those with nothing left to do."""
        if self.order is None:
            return ""
        if self.order.state != "TakePayment" or self.order.payment_method != Order.PaymentMethod.ACCOUNT:
            return self.order.state
        if self.view.booking.status == Booking.Status.PENDING:
            return "ConfirmBookings"
        return "BackUp" if all(ticket.number for ticket, _ in self.view.tickets) else "IssueTickets"


def read_surrounded(booking_id: UUID, *, caller: Caller, at: datetime) -> Surrounded:
    """Return a booking that the caller may see with what stands around it. Two statements, five at most.

    Raises BookingNotFound.
    """
    view = read_booking(booking_id, caller=caller)
    with connection.cursor() as cursor:
        cursor.execute(AROUND, {"id": booking_id, "flights": list(view.flights)})
        row = cursor.fetchone()
    gates, payments, refunds, has_emds, is_disrupted = row[11:]
    is_shown = row[0] is not None and not caller.booking_id
    return Surrounded(
        view,
        SellingOrder(*row[:11]) if is_shown else None,
        json.loads(gates),
        [Movement.of(move) for move in (*json.loads(payments), *json.loads(refunds))] if is_shown else [],
        emds_of(ticket.id for ticket, _ in view.tickets) if has_emds else {},
        disruptions_seen(booking_id, at=at) if is_disrupted else [],
    )
