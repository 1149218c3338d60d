"""What is done to a booking together with the order that sells it: confirm, cancel, refund, change, by quote or not.

The order is locked first; what the change costs is posted to its account in the same transaction.
"""

from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial
from uuid import UUID

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from bookings.changes import Change, change_booking
from bookings.documents import BookingView
from bookings.exceptions import QuoteStale
from bookings.fare_rules import Settlement
from bookings.models import Booking, Quote
from bookings.quotes import carry_out_quote, check_quote, read_quote
from bookings.services import check_action, end_booking, read_booking
from orders import workflow
from orders.accounts import QUOTE, account_of, unused_purposes
from orders.emds import lock_orders_of
from orders.exceptions import OrderInProgress, QuoteNeeded
from orders.models import Order, OrderItem
from orders.recording import write_confirmed_order
from orders.repayments import close_version, paying_back, settle
from orders.sales import NewOrder, booking_item, draft_order
from orders.steps import changing
from partners.callers import Caller
from partners.models import Payment
from partners.payments.services import charge, give_back, make_refund, start_payment
from skybridge.events import Actor
from skybridge.exceptions import ConcurrentChange
from skybridge.versions import check_version

LOOK_BACK = timedelta(days=7)


def act(booking_id: UUID, action: str, *, caller: Caller, reason: str = "", if_match: str | None = None) -> BookingView:
    """Confirm, cancel or refund a booking through its order and return it as it stands then.

    Raises BookingNotFound, StaleVersion, HoldExpired, ActionNotAllowed, OrderInProgress or CreditLimitExceeded.
    """
    if action == "confirm":
        return confirm_booking(booking_id, caller=caller, if_match=if_match)
    return close_booking(booking_id, action, caller=caller, reason=reason, if_match=if_match)


def confirm_booking(
    booking_id: UUID, *, caller: Caller, if_match: str | None = None, with_mail: bool = False
) -> BookingView:
    """Confirm a booking and make the order that sells it, on its owner's account. Again: the same answer.

    `with_mail` has the confirmation sent to the booking's contact. One read and one statement, more only if somebody
    was faster.
    """
    view, at = read_booking(booking_id, caller=caller), timezone.now()
    while True:
        refuse_while_ordered(view)
        check_version(if_match, view.booking.version)
        if view.booking.status == Booking.Status.CONFIRMED:
            return view
        check_action(view, "confirm", at)
        item = booking_item(view)
        contact_email = view.booking.contact_email if with_mail else ""
        wanted = NewOrder(view.booking.agency_id, view.booking.user_id, {}, contact_email=contact_email)
        order = draft_order(wanted, [item], at)
        if confirmed := write_confirmed_order(order, view, item, actor=caller, at=at):
            workflow.wake(order.pk)
            return confirmed
        view = read_booking(booking_id, caller=caller)


def refuse_while_ordered(view: BookingView) -> None:
    if view.booking.status == Booking.Status.PENDING and view.booking.order_id:
        raise OrderInProgress(order_id=view.booking.order_id)


def close_booking(
    booking_id: UUID, action: str, *, caller: Caller, reason: str = "", if_match: str | None = None,
    waived: bool = False, giving_back: Decimal | None = None, at: datetime | None = None,
) -> BookingView:  # fmt: skip
    """Cancel or refund a booking and give back what its fare rules say, or all of it if they are waived.

    Raises QuoteStale, and changes nothing, when that is another amount than `giving_back`.
    """
    view = read_booking(booking_id, caller=caller)
    refuse_while_ordered(view)
    at = at or timezone.now()
    with transaction.atomic():
        order = lock_order_of(view)
        with paying_back([booking_id], own=order, caller=caller, kind=action, at=at):
            view, terms = end_booking(
                booking_id, action, caller=caller, reason=reason, if_match=if_match, at=at, waived=waived
            )
        if giving_back is not None and (terms is None or terms.refund_amount != giving_back):
            raise QuoteStale
        if terms:
            settle_booking(order, view, terms.settlement, "cancellation", caller=caller, at=at)
        return view


def change(booking_id: UUID, wanted: Change, *, caller: Caller, if_match: str | None = None) -> BookingView:
    """Change a booking at once, whatever it costs. Raises as `change_booking`; QuoteNeeded where a card must pay."""
    at = timezone.now()
    with transaction.atomic():
        order = lock_order_of(read_booking(booking_id, caller=caller))
        with paying_back([booking_id], own=order, caller=caller, kind="change", at=at):
            view, settlement = change_booking(booking_id, wanted, caller=caller, if_match=if_match)
        if order and settlement.due_amount > 0 and order.payment_method == Order.PaymentMethod.CARD:
            raise QuoteNeeded(due_amount=settlement.due_amount)
        settle_booking(order, view, settlement, "change", caller=caller, at=at)
        return view


def confirm_quote(booking_id: UUID, quote_id: UUID, kind: str, *, caller: Caller) -> BookingView:
    """Carry out exactly what a quote says, and settle it. Raises as `carry_out_quote`, and CreditLimitExceeded."""
    read_quote(booking_id, quote_id, kind, caller=caller)
    at = timezone.now()
    with transaction.atomic():
        order = lock_order_of(read_booking(booking_id, caller=caller))
        with paying_back([booking_id], own=order, caller=caller, kind=kind, at=at):
            view, settlement, is_new = carry_out_quote(quote_id, caller=caller, at=at)
        if is_new:
            settle_booking(order, view, settlement, kind, caller=caller, at=at, reference=str(quote_id))
        return view


def pay_quote(booking_id: UUID, quote_id: UUID, kind: str, *, caller: Caller) -> None:
    """Charge what an open quote has due to the card that paid its order, before it is carried out.

    Nothing happens where nothing is due, or the order is on account. Called outside of transactions. What a quote that
    is not carried out has been paid goes back by `return_unused_payments`. Raises as `check_quote`, PaymentDeclined or
    PaymentUncertain.
    """
    quote = read_quote(booking_id, quote_id, kind, caller=caller)
    booking = Booking.objects.select_related("order").get(pk=booking_id)
    order, at = booking.order, timezone.now()
    if order is None or order.payment_method != Order.PaymentMethod.CARD:
        return
    if quote.due_amount <= 0 or quote.confirmed_at:
        return
    check_quote(quote, booking, at)
    payment = start_payment(
        order_id=order.pk, account=account_of(order), amount=quote.due_amount, currency=quote.currency,
        token=last_token(order.pk), purpose=f"{QUOTE}{quote.pk}", actor=caller, at=at,
    )  # fmt: skip
    charge(payment.pk, at=at, within=partial(changing, at=at))


def last_token(order_id: UUID) -> str:
    """Return the token of the card that paid an order last."""
    paid = Payment.objects.of_order(order_id).filter(status=Payment.Status.SUCCEEDED)
    return paid.order_by("-pk").values_list("token", flat=True).first() or ""


def return_unused_payments(*, at: datetime, actor: Actor) -> int:
    """Give back what was charged for quotes that were not carried out and cannot be any more; return how many."""
    charged = Payment.objects.filter(purpose__startswith=QUOTE, status=Payment.Status.SUCCEEDED, refunded_amount=0)
    dead = Quote.objects.filter(confirmed_at=None).filter(Q(expires_at__lte=at) | Q(is_superseded=True))
    returned = 0
    for payment in charged.filter(settled_at__gte=at - LOOK_BACK):
        if dead.filter(pk=payment.purpose.removeprefix(QUOTE)).exists():
            with changing(payment.order_id, at):
                locked = Payment.objects.locked().get(pk=payment.pk)
                make_refund(locked, locked.amount, "The quote was not carried out.", actor=actor, at=at)
            returned += 1
    return returned


def lock_order_of(view: BookingView) -> Order | None:
    """Lock the order that sells a booking, if there is one, and those that sold EMDs to its passengers."""
    orders = lock_orders_of([view.booking.id])
    return orders.get(view.booking.order_id) if view.booking.order_id else None


def settle_booking(
    order: Order | None, view: BookingView, settlement: Settlement, kind: str,
    *, caller: Caller, at: datetime, reference: str = "",
) -> None:  # fmt: skip
    """Settle what a change of a booking costs with its locked order, whose next version this is.

    What is due becomes an item of the order; what goes back is refunded as it was paid. Raises ConcurrentChange when
    the booking was sold on another order, or at all, between reading and locking it.
    """
    if view.booking.order_id != (order.pk if order else None):
        raise ConcurrentChange
    if order is None:
        return
    if settlement.due_amount > 0:
        add_change_item(order, view, settlement)
    elif settlement.refund_amount and order.payment_method == Order.PaymentMethod.CARD:
        unused = unused_purposes(order.pk)
        give_back(order.pk, settlement.refund_amount, unused=unused, actor=caller, reason=kind, at=at)
    settle(order, settlement, kind, at=at, reference=reference)
    order.refunded_amount += settlement.refund_amount
    close_version(order, caller=caller, at=at)


def add_change_item(order: Order, view: BookingView, settlement: Settlement) -> None:
    order.total_amount += settlement.due_amount
    OrderItem.objects.create(
        order=order,
        position=OrderItem.objects.filter(order=order).count() + 1,
        booking_id=view.booking.id,
        is_change=True,
        description=f"Change of booking {view.booking.locator}",
        price=settlement.due_amount,
    )
