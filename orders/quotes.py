"""Quotes of an order's cancellation: what it gives back, and cancelling at exactly that or not at all.

A quote is made by cancelling inside a savepoint that is rolled back.
"""

from datetime import datetime
from decimal import Decimal
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from bookings.exceptions import QuoteExpired, QuoteStale, QuoteSuperseded
from bookings.fare_rules import Settlement
from bookings.quotes import rehearse
from orders import backups
from orders.exceptions import OrderQuoteNotFound
from orders.models import Order, OrderQuote
from orders.services import cancel, lock_order, lock_stoppable, not_allowed
from partners.callers import Caller
from skybridge import context


def quote_cancellation(order_id: UUID, *, caller: Caller) -> OrderQuote:
    """Quote the cancellation of a whole order. Raises OrderNotFound, OrderActionNotAllowed, ActionNotAllowed."""
    at = timezone.now()
    with transaction.atomic():
        order = lock_order(order_id, caller=caller)
        settlement = rehearse(lambda: cancel_order(Order.objects.get(pk=order_id), caller, at))
        OrderQuote.objects.filter(order=order, confirmed_at=None, is_superseded=False).update(is_superseded=True)
        return OrderQuote.objects.create(
            order=order,
            currency=order.currency,
            refund_amount=settlement.refund_amount,
            penalty_amount=settlement.penalty_amount,
            kept_amount=settlement.kept_amount,
            lines=settlement.lines,
            created_at=at,
            expires_at=at + settings.QUOTE_LIFETIME,
        )


def refund_of_stopping(order_id: UUID, *, caller: Caller) -> Decimal:
    """Return what goes back if an order's execution is stopped now. Raises as `stop_execution`."""
    at = timezone.now()
    with transaction.atomic():
        order = lock_stoppable(order_id, caller=caller)
        return rehearse(lambda: cancel(order, caller=caller, reason="", at=at)).refund_amount


def cancel_order(order: Order, caller: Caller, at: datetime) -> Settlement:
    if Order.Status.CANCELLED not in Order.TRANSITIONS.get(order.status, ()):
        raise not_allowed("cancel", order)
    return cancel(order, caller=caller, reason=context.reason_with("quote confirmed"), at=at)


def read_quote(order_id: UUID, quote_id: UUID, *, caller: Caller) -> OrderQuote:
    """Return a quote of an order that the caller may see. Raises OrderQuoteNotFound."""
    visible = Order.objects.visible_to(caller).filter(pk=order_id)
    quote = OrderQuote.objects.filter(pk=quote_id, order__in=visible).first()
    if quote is None:
        raise OrderQuoteNotFound
    return quote


def confirm_quote(order_id: UUID, quote_id: UUID, *, caller: Caller) -> OrderQuote:
    """Cancel an order at exactly the quoted amounts, or change nothing; a quote confirmed before stays as it is.

    Raises OrderNotFound, OrderQuoteNotFound, QuoteSuperseded, QuoteExpired, QuoteStale, or what cancelling raises.
    """
    at = timezone.now()
    with transaction.atomic():
        order = lock_order(order_id, caller=caller)
        quote = read_quote(order_id, quote_id, caller=caller)
        if quote.confirmed_at:
            return quote
        check_quote(quote, at)
        settlement = cancel_order(order, caller, at)
        if (settlement.lines, settlement.kept_amount) != (quote.lines, quote.kept_amount):
            raise QuoteStale
        quote.confirmed_at = at
        quote.save(update_fields=["confirmed_at"])
        backups.keep(order_id, at=at)
    return quote


def check_quote(quote: OrderQuote, at: datetime) -> None:
    if quote.is_superseded:
        raise QuoteSuperseded
    if quote.expires_at <= at:
        raise QuoteExpired(expires_at=quote.expires_at.isoformat())
