"""What the workflow's states do for an order, and how each is undone. Everything here is safe to repeat."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import partial
from uuid import UUID

from django.db import transaction
from django.db.models import F, QuerySet
from django.utils import timezone

from bookings.documents import BookingView, read_bookings
from bookings.exceptions import HoldExpired
from bookings.fare_rules import Settlement, purchase
from bookings.models import Booking, has_run_out
from bookings.services import confirm_all, end_booking, release_booking, ticket_all
from orders import backups
from orders.accounts import unused_purposes
from orders.confirmations import confirmation_mail
from orders.emds import unissued_emds
from orders.models import Execution, Order
from partners.callers import Caller
from partners.payments.services import charge, give_back, pending_payment
from skybridge.events import Happening, record
from skybridge.models import Event
from ticketing.emds import issue_emds

WORKFLOW = Caller(kind="system", id="workflow", door="task", is_staff=True)


@contextmanager
def changing(order_id: UUID, at: datetime) -> Iterator[Order]:
    """Lock an order for a change of what it sells; the change becomes its next version, in the backup too."""
    with changing_all([order_id], at) as [order]:
        yield order


@contextmanager
def changing_all(order_ids: Collection[UUID], at: datetime) -> Iterator[list[Order]]:
    """Do what `changing` does for some orders. Three statements."""
    with transaction.atomic():
        orders = Order.objects.filter(pk__in=order_ids)
        yield list(orders.locked())
        orders.update(version=F("version") + 1, updated_at=at)
        backups.keep_all(order_ids, at=at)


# --- What the states do. Whom one does not concern passes it without an attempt of its own ---


def is_paid_by_card(execution: Execution) -> bool:
    return execution.order.payment_method == Order.PaymentMethod.CARD


def has_bookings(execution: Execution) -> bool:
    return execution.has_bookings


def has_documents(execution: Execution) -> bool:
    return execution.has_bookings or execution.has_emds


def wants_mail(execution: Execution) -> bool:
    return bool(execution.order.contact_email)


def booking_views(order_ids: Collection[UUID]) -> list[BookingView]:
    """Return the bookings that orders sell, in primary key order. Two statements."""
    ids = list(Booking.objects.filter(order__in=order_ids).values_list("pk", flat=True))
    return read_bookings(ids)[::-1] if ids else []


def take_payment(order_id: UUID) -> None:
    """Charge the order's card; an order on account is charged already. Raises PaymentDeclined or PaymentUncertain."""
    payment = pending_payment(order_id)
    if payment is not None:
        at = timezone.now()
        charge(payment.pk, at=at, within=partial(changing, at=at))


def confirm_bookings(order_ids: Collection[UUID]) -> None:
    """Sell the held seats of orders' bookings, all or nothing. One that was cancelled meanwhile is left as it is."""
    at = timezone.now()
    views = booking_views(order_ids)
    for view in views:
        if has_run_out(view.booking, at):
            raise HoldExpired(booking_status=view.booking.status)
    pending = [view for view in views if view.booking.status == Booking.Status.PENDING]
    if pending:
        with changing_all(orders_of(pending), at):
            confirm_all(pending, caller=WORKFLOW, at=at)


def issue_tickets(order_ids: Collection[UUID]) -> None:
    """Give the tickets of orders' bookings and the EMDs of their products their numbers, all or nothing."""
    at = timezone.now()
    unissued = [view for view in booking_views(order_ids) if wants_tickets(view)]
    emds = unissued_emds(order_ids)
    concerned = orders_of(unissued) | set(emds.values_list("order_item__order_id", flat=True))
    if concerned:
        with changing_all(concerned, at):
            ticket_all([view.booking.id for view in unissued], actor=WORKFLOW, at=at)
            issue_emds(emds.values_list("pk", flat=True), actor=WORKFLOW, at=at)


def orders_of(views: Iterable[BookingView]) -> set[UUID]:
    return {view.booking.order_id for view in views if view.booking.order_id}


def wants_tickets(view: BookingView) -> bool:
    confirmed = view.booking.status == Booking.Status.CONFIRMED
    return confirmed and any(ticket.number is None for ticket, _ in view.tickets)


def back_up(order_id: UUID) -> None:
    """Bring every version of the order to the object store. Raises StorageUnavailable."""
    backups.store_order(order_id)


def back_up_all(order_ids: Sequence[UUID]) -> Mapping[UUID, Exception]:
    """Bring every version of some orders to the object store; return why those failed that did."""
    return backups.store_orders(order_ids)


def notify(order_id: UUID) -> None:
    """Write to the customer that the order is complete, once, and record it.

    A worker that dies between the two sends the message again, under the same Message-ID. The execution's end makes the
    version of the order that holds the record.
    """
    order = Order.objects.get(pk=order_id)
    if is_completed(order_id) or order.status in (Order.Status.CANCELLED, Order.Status.FAILED):
        return  # somebody has ended it meanwhile
    if order.contact_email:
        confirmation_mail(order, booking_views([order_id]), at=timezone.now()).send()
    with transaction.atomic():
        after = {"status": Order.objects.locked().get(pk=order_id).status, "mail": bool(order.contact_email)}
        if not is_completed(order_id):
            record([Happening("order.completed", order_id, None, after)], actor=WORKFLOW)


def complete_quietly(executions: Sequence[Execution], at: datetime) -> None:
    """Record that the orders of locked executions are complete, where nobody is to be written to. Two statements."""
    orders = {execution.pk: execution.order for execution in executions}
    recorded = set(completions(orders).values_list("subject_id", flat=True))
    record(
        [
            Happening("order.completed", order.pk, None, {"status": order.status, "mail": False})
            for order in orders.values()
            if order.pk not in recorded
        ],
        actor=WORKFLOW,
        at=at,
    )


def is_completed(order_id: UUID) -> bool:
    return completions([order_id]).exists()


def completions(order_ids: Iterable[UUID]) -> QuerySet[Event]:
    return Event.objects.filter(subject_id__in=list(order_ids), action="order.completed")


# --- Undoing, in the transaction that cancels the order ---


@dataclass
class Undoing:
    """An order being cancelled, and what comes of it: `settlement` adds up what goes back."""

    order: Order
    caller: Caller
    reason: str
    at: datetime
    settlement: Settlement

    def add(self, settlement: Settlement) -> None:
        self.settlement = self.settlement.plus(settlement)

    @property
    def refund_amount(self) -> Decimal:
        return self.settlement.refund_amount


def give_seats_back(undoing: Undoing) -> None:
    """Cancel the order's bookings: their seats are free again, their value goes back by the fare rules.

    The price of one that was never confirmed goes back whole: the order was charged for it.
    """
    for view in booking_views([undoing.order.pk]):
        if view.booking.status == Booking.Status.PENDING:
            release_booking(view.booking.id, actor=undoing.caller, reason=undoing.reason, at=undoing.at)
            undoing.add(purchase(coupon for _, coupons in view.tickets for coupon in coupons).reversed)
        elif view.booking.status == Booking.Status.CONFIRMED:
            undoing.add(end(view.booking.id, undoing))


def end(booking_id: UUID, undoing: Undoing) -> Settlement:
    """Cancel a booking of the order; return what its fare rules give back."""
    _, terms = end_booking(booking_id, "cancel", caller=undoing.caller, reason=undoing.reason, at=undoing.at)
    return terms.settlement if terms else Settlement(undoing.order.currency)


def give_payment_back(undoing: Undoing) -> None:
    """Refund what was paid by card, as far as it is owed; a payment under way is refunded when it succeeds."""
    order = undoing.order
    if order.payment_method == Order.PaymentMethod.CARD:
        give_back(
            order.pk, undoing.refund_amount, unused=unused_purposes(order.pk), actor=undoing.caller,
            reason=undoing.reason, at=undoing.at,
        )  # fmt: skip
