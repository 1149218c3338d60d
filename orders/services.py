"""What the airline does with an order: read, move, cancel, delete, stop and redrive its execution.

Each locks the order first (then bookings, coupons, seats, stock, the account) and makes the order's next version.
"""

import logging
from collections.abc import Collection
from datetime import datetime, timedelta
from decimal import Decimal
from uuid import NAMESPACE_URL, UUID, uuid5

from django.conf import settings
from django.db import transaction
from django.db.models import F, Prefetch
from django.utils import timezone

from bookings.exceptions import QuoteStale
from bookings.fare_rules import Settlement
from bookings.models import Booking
from bookings.services import extend_hold
from orders import backups, workflow
from orders.accounts import account_of
from orders.delivery import count_up
from orders.emds import concerned_orders, items_left, refuse_used
from orders.exceptions import (
    NotRedrivable,
    NotRunning,
    OrderActionNotAllowed,
    OrderInProgress,
    OrderNotFound,
    OutOfStock,
)
from orders.models import Execution, Order, OrderItem, Product
from orders.numbered_pages import uncount
from orders.repayments import locked_again, paying_back, settle, value_of
from orders.sales import hold_deadline
from orders.steps import Undoing
from orders.workflow import execution_of
from partners.callers import Caller
from partners.payments.services import pending_payment, start_payment
from skybridge.events import Actor, Happening, record
from skybridge.exceptions import DomainError
from skybridge.versions import check_version
from ticketing.emds import OPEN, close_emds
from ticketing.models import Emd
from ticketing.seats import take_back_seats

logger = logging.getLogger(__name__)


def parse_order_id(text: str) -> UUID:
    """Return an order's id. Raises OrderNotFound for what cannot be one."""
    try:
        return UUID(text)
    except ValueError:
        raise OrderNotFound from None


def lock_order(order_id: UUID, *, caller: Caller, if_match: str | None = None) -> Order:
    """Lock an order that the caller may see, and those that sold EMDs to its bookings' passengers.

    Raises OrderNotFound or StaleVersion.
    """
    orders = Order.objects.visible_to(caller).locked().filter(pk__in=concerned_orders(order_id))
    order = next((order for order in orders if order.pk == order_id), None)
    if order is None:
        raise OrderNotFound
    check_version(if_match, order.version)
    return order


def change_status(order_id: UUID, status: str, *, caller: Caller, if_match: str | None = None) -> Order:
    """Move an order to a status that its table allows; the status that it has changes nothing.

    `cancelled` gives back what it has taken, `failed` ends its execution, `processing` on a failed one redrives it.
    Raises OrderNotFound, StaleVersion, OrderActionNotAllowed, or IllegalTransition naming the allowed ones.
    """
    at = timezone.now()
    with transaction.atomic():
        order = lock_order(order_id, caller=caller, if_match=if_match)
        if order.status == status:
            return order
        if status not in Order.TRANSITIONS.get(order.status, ()):
            raise Order.refusal(order.status, status)
        if status == Order.Status.CANCELLED:
            cancel(order, caller=caller, reason="", at=at)
        elif status == Order.Status.FAILED:
            fail(order, actor=caller, at=at)
        elif status == Order.Status.SHIPPED:
            ship(order, actor=caller, at=at)
        elif order.status == Order.Status.FAILED and "redrive" in execution_of(order).available_actions:
            redrive(order, "", actor=caller, at=at)
        else:
            order.move_to(status, actor=caller, at=at, lapses_at=None, **order.touched(at))
        backups.keep(order.pk, at=at)
    return order


def ship(order: Order, *, actor: Actor, at: datetime) -> None:
    """Move a locked order on once its card has paid and its seats are sold. Raises OrderInProgress."""
    held = Booking.objects.filter(order=order, status=Booking.Status.PENDING)
    if held.exists() or pending_payment(order.pk) is not None:
        raise OrderInProgress("This order is not paid, or its seats are not sold yet; see its execution.")
    order.move_to(Order.Status.SHIPPED, actor=actor, at=at, **order.touched(at))


def delete_order(order_id: UUID, *, caller: Caller, if_match: str | None = None) -> None:
    """Cancel an order if it is not yet, and show it no more; its events and backups stay.

    Raises OrderNotFound, StaleVersion, or OrderActionNotAllowed for what is shipped or delivered.
    """
    at = timezone.now()
    with transaction.atomic():
        order = lock_order(order_id, caller=caller, if_match=if_match)
        if order.status not in Order.DELETABLE:
            raise not_allowed("delete", order)
        if order.status != Order.Status.CANCELLED:
            cancel(order, caller=caller, reason="deleted", at=at)
        else:
            Order.objects.filter(pk=order.pk).update(**order.touched(at))
        Order.objects.filter(pk=order.pk).update(deleted_at=at)
        uncount(order)
        record([Happening("order.deleted", order.pk)], actor=caller, at=at)
        backups.keep(order.pk, at=at)


def refuse_underway(action: str, order: Order, at: datetime) -> None:
    """Refuse what would be undone of a locked order with which somebody travels. One statement."""
    shown = Order.objects.filter(pk=order.pk).with_underway(at).get()
    if shown.is_underway:
        raise not_allowed(action, shown)


def not_allowed(action: str, order: Order) -> OrderActionNotAllowed:
    allowed = order.available_actions
    return OrderActionNotAllowed(
        f"Cannot {action} an order that is {order.status}; allowed now: {', '.join(allowed) or 'nothing'}.",
        status_now=order.status,
        available_actions=allowed,
    )


def cancel(order: Order, *, caller: Caller, reason: str, at: datetime) -> Settlement:
    """Stop a locked order's execution, undo its states from the bottom to the top, and give the stock back.

    Returns what goes back. What other orders sold to its bookings' passengers goes back through those. Raises
    OrderActionNotAllowed once a product has been used.
    """
    refuse_used(order, at)
    if (execution := execution_of(order)).status == Execution.Status.RUNNING:
        workflow.stop(execution, actor=caller, reason=reason or "The order was cancelled.", at=at)
    items = items_left(order)
    undoing = Undoing(order, caller, reason, at, value_of(items, order.currency))
    bookings = list(Booking.objects.filter(order=order).values_list("pk", flat=True))
    with paying_back(bookings, own=order, with_own=False, stock=items, caller=caller, kind="cancellation", at=at):
        for state in reversed(workflow.STATES):
            if state.undo:
                state.undo(undoing)
        close_own_emds(undoing)
    settle(order, undoing.settlement, "cancellation", at=at)
    order.move_to(
        Order.Status.CANCELLED, actor=caller, reason=reason, at=at, lapses_at=None,
        refunded_amount=order.refunded_amount + undoing.refund_amount, **order.touched(at),
    )  # fmt: skip
    return undoing.settlement


def close_own_emds(undoing: Undoing) -> None:
    """Close the EMDs of a cancelled order, whosever bookings their coupons belong to, and take their seats back."""
    found = Emd.objects.filter(order_item__order=undoing.order, status__in=OPEN).order_by("pk")
    emds = list(found.select_for_update(of=("self",)))
    close_emds(emds, actor=undoing.caller, reason=undoing.reason or "order cancelled", at=undoing.at)
    if losing := take_back_seats(emds, actor=undoing.caller, at=undoing.at):
        bookings = list(Booking.objects.locked().filter(pk__in=losing))
        selling = sorted({b.order_id for b in bookings if b.order_id} - {undoing.order.pk})
        count_up(bookings, [locked_again(order_id) for order_id in selling], undoing.at)


def change_product(product: Product, fields: Collection[str], pieces: int, *, actor: Actor) -> None:
    """Write the named fields of a product, new or changed, and add pieces to its stock (negative: take away).

    Raises OutOfStock when fewer are left.
    """
    with transaction.atomic():
        kept = Product.objects.select_for_update().filter(pk=product.pk).first()
        before = facts_of(kept) if kept else None
        if kept:
            product.save(update_fields=[name for name in fields if name not in ("product_id", "stock")])
        else:
            product.save(force_insert=True)
        if pieces and not Product.objects.filter(pk=product.pk, stock__gte=-pieces).update(stock=F("stock") + pieces):
            raise OutOfStock(f"{product} has fewer than {-pieces} pieces.")
        after = facts_of(Product.objects.get(pk=product.pk))
        record([Happening("product.changed", product_subject(product), before, after)], actor=actor)


def facts_of(product: Product) -> dict:
    names = ("product_id", "name", "category", "price", "currency", "stock", "on_sale", "rfic", "rfisc")
    return {name: str(getattr(product, name)) for name in names}


def product_subject(product: Product) -> UUID:
    """Return the id under which a product's events are recorded."""
    return uuid5(NAMESPACE_URL, f"urn:skybridge:product:{product.pk}")


def fail(order: Order, *, actor: Actor, at: datetime) -> None:
    """Let a locked order fail; it keeps what it has taken until it is redriven, cancelled, or lapses.

    Raises OrderActionNotAllowed once a passenger has checked in or a flight has left: what lapses is cancelled.
    """
    refuse_underway("fail", order, at)
    reason = "The order was set to failed."
    if (execution := execution_of(order)).status == Execution.Status.RUNNING:
        workflow.fail(execution, actor=actor, reason=reason, at=at)
    lapses_at = at + settings.FAILED_ORDER_LIFETIME
    order.move_to(Order.Status.FAILED, actor=actor, reason=reason, at=at, lapses_at=lapses_at, **order.touched(at))


def redrive(order: Order, payment_token: str, *, actor: Actor, at: datetime) -> None:
    """Let a locked failed order's execution go on at the state that failed, with another card if one is given."""
    execution = execution_of(order)
    if "redrive" not in execution.available_actions:
        raise NotRedrivable(execution_status=execution.status, order_status=order.status)
    if order.payment_method == Order.PaymentMethod.CARD and payment_token:
        start_payment(
            order_id=order.pk, account=account_of(order), amount=order.total_amount - order.refunded_amount,
            currency=order.currency, token=payment_token, actor=actor, at=at,
        )  # fmt: skip
    keep_seats(order, at)
    workflow.redrive(execution, actor=actor, at=at)
    if order.status == Order.Status.FAILED:
        order.move_to(Order.Status.PROCESSING, actor=actor, at=at, lapses_at=None, **order.touched(at))
    else:
        Order.objects.filter(pk=order.pk).update(**order.touched(at))


def keep_seats(order: Order, at: datetime) -> None:
    """Keep the seats of an order's pending bookings for as long as it can be processed."""
    for booking in Booking.objects.locked().filter(order=order, status=Booking.Status.PENDING):
        extend_hold(booking, until=hold_deadline(at), at=at)


def redrive_execution(order_id: UUID, *, caller: Caller, payment_token: str = "") -> Execution:
    """Continue a failed execution at the state that failed. Raises OrderNotFound or NotRedrivable."""
    at = timezone.now()
    with transaction.atomic():
        order = lock_order(order_id, caller=caller)
        redrive(order, payment_token, actor=caller, at=at)
        backups.keep(order.pk, at=at)
    return execution_of(order)


def stop_execution(
    order_id: UUID, *, caller: Caller, reason: str = "", giving_back: Decimal | None = None
) -> Execution:
    """End a running execution as ABORTED, undo what it did, cancel its order.

    Raises OrderNotFound or NotRunning; QuoteStale, and changes nothing, when another amount than `giving_back` goes
    back.
    """
    at = timezone.now()
    with transaction.atomic():
        order = lock_stoppable(order_id, caller=caller)
        settlement = cancel(order, caller=caller, reason=reason or "The execution was stopped.", at=at)
        if giving_back not in (None, settlement.refund_amount):
            raise QuoteStale
        backups.keep(order.pk, at=at)
    return execution_of(order)


def lock_stoppable(order_id: UUID, *, caller: Caller) -> Order:
    """Lock an order whose execution can be stopped. Raises OrderNotFound, NotRunning or OrderActionNotAllowed."""
    order = lock_order(order_id, caller=caller)
    execution = execution_of(order)
    if execution.status != Execution.Status.RUNNING:
        raise NotRunning(execution_status=execution.status)
    if Order.Status.CANCELLED not in Order.TRANSITIONS.get(order.status, ()):
        raise not_allowed("stop", order)
    return order


def lapse_failed_orders(*, at: datetime, caller: Caller) -> int:
    """Cancel the failed orders whose time is over; return how many. One that cannot be is tried again in an hour."""
    lapsed = 0
    for order_id in Order.objects.filter(lapses_at__lte=at).order_by("lapses_at").values_list("pk", flat=True)[:100]:
        try:
            lapsed += lapse(order_id, at, caller)
        except DomainError as refusal:
            logger.warning("order %s cannot lapse: %s", order_id, refusal.message)
            Order.objects.filter(pk=order_id, status=Order.Status.FAILED).update(lapses_at=at + timedelta(hours=1))
    return lapsed


def lapse(order_id: UUID, at: datetime, caller: Caller) -> bool:
    with transaction.atomic():
        orders = Order.objects.filter(pk__in=concerned_orders(order_id)).order_by("pk")
        order = next((o for o in orders.select_for_update(skip_locked=True) if o.pk == order_id), None)
        if order is None or order.lapses_at is None or order.lapses_at > at:
            return False
        cancel(order, caller=caller, reason="Nobody redrove it in time.", at=at)
        backups.keep(order.pk, at=at)
        return True


def read_order(order_id: UUID, *, caller: Caller) -> Order:
    """Return an order that the caller may see, with its items and their EMDs. Two statements. Raises OrderNotFound."""
    visible = Order.objects.visible_to(caller).with_underway(timezone.now())
    with_emds = Prefetch("items", OrderItem.objects.select_related("emd__coupon"))
    order = visible.prefetch_related(with_emds).filter(pk=order_id).first()
    if order is None:
        raise OrderNotFound
    return order
