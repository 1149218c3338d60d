"""Giving money back on an order, and for EMDs whose flight coupon has been closed, on the orders that sold them."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from decimal import Decimal
from itertools import groupby
from uuid import UUID

from django.db.models import F

from bookings.fare_rules import Settlement
from bookings.models import Booking
from orders import backups, workflow
from orders.accounts import post_settlement, unused_purposes
from orders.emds import items_left, sold_to
from orders.exceptions import OrderInProgress
from orders.models import Execution, Order, OrderItem, Product
from partners.callers import Caller
from partners.payments.services import give_back, pending_payment
from skybridge.exceptions import ConcurrentChange
from skybridge.messages import send_after_commit
from ticketing.emds import CLOSED
from ticketing.models import Emd

EMDS = "emds"  # the reference of postings that pay EMDs back


def settle(order: Order, settlement: Settlement, kind: str, *, at: datetime, reference: str = "") -> None:
    """Post what a change or cancellation costs; refunds to a card are carried out after the commit."""
    post_settlement(order, kind, settlement, at=at, reference=reference)
    if order.payment_method == Order.PaymentMethod.CARD:
        send_after_commit("partners.reconcile_payments")


def value_of(items: Iterable[OrderItem], currency: str) -> Settlement:
    """Return what products go back for: all that they cost."""
    return Settlement(currency, fare_amount=-sum((item.price * item.quantity for item in items), Decimal(0)))


def return_stock(items: Iterable[OrderItem]) -> None:
    """Return products to the stock, in primary key order."""
    pieces: Counter[str] = Counter()
    for item in items:
        if item.product_id:
            pieces[item.product_id] += item.quantity
    for product_id, quantity in sorted(pieces.items()):
        Product.objects.filter(pk=product_id).update(stock=F("stock") + quantity)


@contextmanager
def paying_back(
    booking_ids: Sequence[UUID], *, own: Order | None, caller: Caller, kind: str, at: datetime,
    with_own: bool = True, stock: Sequence[OrderItem] = (),
) -> Iterator[None]:  # fmt: skip
    """Pay back the EMDs of bookings' passengers that are closed within, at full price, by the orders that sold them.

    All concerned orders are locked. `own` is the order that sells the bookings: its next version is its caller's, and
    so are its products unless `with_own`. `stock` are items that go back to the stock besides. One statement where
    there are no EMDs. Raises OrderInProgress for one that a card is being charged for, or ConcurrentChange.
    """
    before = dict(sold_to(booking_ids).values_list("pk", "coupon_id"))
    yield
    emds = list(Emd.objects.filter(pk__in=before).select_related("order_item")) if before else []
    changed = [emd for emd in emds if emd.status in CLOSED or emd.coupon_id != before[emd.pk]]
    if not with_own and own:
        changed = [emd for emd in changed if emd.order_item.order_id != own.pk]
    return_stock([*stock, *(emd.order_item for emd in changed if emd.status in CLOSED)])
    changed.sort(key=lambda emd: emd.order_item.order_id)
    for order_id, group in groupby(changed, key=lambda emd: emd.order_item.order_id):
        items = [emd.order_item for emd in group if emd.status in CLOSED]
        order = own if own and own.pk == order_id else locked_again(order_id)
        if items:
            pay_back(order, items, caller=caller, kind=kind, at=at)
        if order is not own:
            close_version(order, caller=caller, at=at)


def locked_again(order_id: UUID) -> Order:
    """Return an order that is locked already, without waiting for it. Raises ConcurrentChange if it is not."""
    order = Order.objects.filter(pk=order_id).select_for_update(skip_locked=True).first()
    if order is None:
        raise ConcurrentChange
    return order


def pay_back(order: Order, items: Sequence[OrderItem], *, caller: Caller, kind: str, at: datetime) -> None:
    """Give back what products of a locked order cost; the order's row is its caller's to write."""
    settlement = value_of(items, order.currency)
    if order.payment_method == Order.PaymentMethod.CARD:
        if pending_payment(order.pk) is not None:
            raise OrderInProgress("A product for a passenger is being paid by card; try again.", order_id=order.pk)
        unused = unused_purposes(order.pk)
        give_back(order.pk, settlement.refund_amount, unused=unused, actor=caller, reason=kind, at=at)
    settle(order, settlement, "cancellation", at=at, reference=EMDS)
    order.refunded_amount += settlement.refund_amount


def close_version(order: Order, *, caller: Caller, at: datetime) -> None:
    """Write down what a locked order has become as its next version; cancelled if nothing is left of it."""
    order.version, order.updated_at = order.version + 1, at
    order.save(update_fields=["refunded_amount", "total_amount", "version", "updated_at"])
    cancel_if_nothing_is_left(order, caller=caller, at=at)
    backups.keep(order.pk, at=at)


def cancel_if_nothing_is_left(order: Order, *, caller: Caller, at: datetime) -> None:
    """Move an order whose every booking is closed, and every product paid back, to cancelled."""
    if Order.Status.CANCELLED not in Order.TRANSITIONS.get(order.status, ()):
        return
    live = Booking.objects.filter(order=order, status__in=(Booking.Status.PENDING, Booking.Status.CONFIRMED))
    if live.exists() or items_left(order):
        return
    reason = "Its bookings were cancelled."
    if (execution := workflow.execution_of(order)).status == Execution.Status.RUNNING:
        workflow.stop(execution, actor=caller, reason=reason, at=at)
    order.move_to(Order.Status.CANCELLED, actor=caller, reason=reason, at=at, lapses_at=None)
