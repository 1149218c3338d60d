"""Payments by card, from the order's wish to money in the bank and back.

A payment is a row first, written in the order's transaction; it is charged outside of any (`charge`), and what came of
it is recorded in a transaction of its own (`record_outcome`). Whatever dies in between is found by `reconcile` (in
`reconciliation.py`), which asks the provider. Everything may be repeated: the provider knows each payment and refund by
its id.

What changes an order's money happens inside `within(order id)`: the caller's context manager that locks the order and
makes its next version. Locks: order, payments, refunds, then the ledger's accounts.
"""

import logging
import re
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from django.db import transaction
from django.db.models import F

from partners import ledger
from partners.exceptions import CardPaymentsOff, PaymentCanceled, PaymentDeclined, PaymentUncertain
from partners.models import Payment, Refund
from partners.payments.provider import (
    ChargeRequest,
    Outcome,
    ProviderError,
    RefundRequest,
    Result,
    present_provider,
    provider_named,
)
from skybridge.events import Actor, Happening, record, system
from skybridge.exceptions import ConcurrentChange, InvalidInput

logger = logging.getLogger(__name__)
PROVIDER = system("payments")
BATCH = 100
Within = Callable[[UUID], AbstractContextManager]
has_token_shape = re.compile(r"[A-Za-z0-9_.:-]{1,255}").fullmatch
NO_TOKEN = "Send the token that the payment provider gave for the card, never a card number."
has_card_number = re.compile(r"(?:\d[ -]?){12,}").search

# --- Wanting money ---


def start_payment(
    *,
    order_id: UUID,
    account: str,
    amount: Decimal,
    currency: str,
    token: str,
    purpose: str = "order",
    actor: Actor,
    at: datetime,
) -> Payment:
    """Write down that an order's amount is to be charged, and return the payment, or the one that is there already.

    In the caller's transaction; nothing is charged before `charge`. `account` is the code that owes the money; its row
    need not be there yet. A declined payment makes room for another. Raises CardPaymentsOff, InvalidInput for what is
    no token, ValueError for an amount that is not positive.
    """
    check_token(token)
    if amount <= 0:
        raise ValueError("a payment's amount is positive")
    present = wanted_payment(order_id, purpose)
    if present is not None:
        return present
    payment = Payment(
        order_id=order_id,
        purpose=purpose,
        account_id=account,
        provider=provider_name(),
        token=token,
        amount=amount,
        currency=currency,
        created_at=at,
    )
    Payment.objects.bulk_create([payment], ignore_conflicts=True)
    stored = wanted_payment(order_id, purpose)
    if stored is None:
        raise ConcurrentChange
    if stored.pk == payment.pk:
        after = {"status": stored.status, "order_id": str(order_id), "amount": str(amount), "currency": currency}
        record([Happening("payment.pending", stored.pk, None, after, purpose)], actor=actor, at=at)
    return stored


def provider_name() -> str:
    provider = present_provider()
    if provider is None:
        raise CardPaymentsOff
    return provider.name


def check_token(token: str) -> None:
    """Refuse what is no token of a provider, above all a card's number. Raises InvalidInput."""
    if not is_token(token):
        error = {"pointer": "/payment_token", "code": "invalid", "message": NO_TOKEN}
        raise InvalidInput(f"payment_token: {NO_TOKEN}", errors=[error])


def is_token(text: str) -> bool:
    return bool(has_token_shape(text)) and not has_card_number(text)


def wanted_payment(order_id: UUID, purpose: str) -> Payment | None:
    wanted = Payment.objects.of_order(order_id).filter(purpose=purpose, is_wanted=True)
    return wanted.filter(status__in=(Payment.Status.PENDING, Payment.Status.SUCCEEDED)).first()


def pending_payment(order_id: UUID, purpose: str = "order") -> Payment | None:
    """Return the payment that an order waits for, or None: it is paid, or not to be paid by card. One query.

    That is the newest one unless it has succeeded: also a declined one, so that nobody takes it for paid.
    """
    newest = Payment.objects.of_order(order_id).filter(purpose=purpose).order_by("-pk").first()
    return None if newest is None or newest.status == Payment.Status.SUCCEEDED else newest


# --- Charging ---


def charge(payment_id: UUID, *, at: datetime, within: Within = nullcontext) -> Payment:
    """Charge a payment at its provider, record what came of it, and return it paid. Safe to repeat.

    Outside of any transaction: raises RuntimeError inside of one. Raises PaymentDeclined, PaymentCanceled when its
    order gave it up first, and PaymentUncertain when the provider has not answered (yet): try again, or leave it to
    `reconcile`.
    """
    payment = mark_called(payment_id, at)
    if payment.status == Payment.Status.PENDING:
        with uncertain():
            outcome = provider_named(payment.provider).charge(request_of(payment))
        payment = record_outcome(payment_id, outcome, at=at, within=within)
    return require_paid(payment)


def mark_called(payment_id: UUID, at: datetime) -> Payment:
    """Note that the provider is being told, unless the payment is settled or given up. Raises PaymentCanceled."""
    with transaction.atomic(durable=True):
        pending = Payment.objects.filter(pk=payment_id, status=Payment.Status.PENDING, is_wanted=True)
        is_marked = pending.update(called_at=at, asked_at=at)
        payment = Payment.objects.get(pk=payment_id)
    if payment.status == Payment.Status.PENDING and not is_marked:
        raise PaymentCanceled
    return payment


def require_paid(payment: Payment) -> Payment:
    match payment.status:
        case Payment.Status.DECLINED:
            raise PaymentDeclined(payment.failure_message, failure_code=payment.failure_code)
        case Payment.Status.CANCELED:
            raise PaymentCanceled
        case Payment.Status.PENDING:
            raise PaymentUncertain
    if not payment.is_wanted:
        raise PaymentCanceled("The payment was given up while it was carried out, and is refunded.")
    return payment


@contextmanager
def uncertain() -> Iterator[None]:
    try:
        yield
    except ProviderError as exc:
        raise PaymentUncertain from exc


def request_of(payment: Payment) -> ChargeRequest:
    description = f"Order {payment.order_id}"
    return ChargeRequest(payment.pk, payment.amount, payment.currency, payment.token, description)


def record_outcome(payment_id: UUID, outcome: Outcome, *, at: datetime, within: Within = nullcontext) -> Payment:
    """Write down what the provider says of a payment, and return it. The same again changes nothing.

    The first success is posted: debit bank, credit the payment's account; one that nobody wants any more is refunded
    from here.
    """
    payment = Payment.objects.get(pk=payment_id)
    if is_news(payment, outcome):
        with transaction.atomic(), within(payment.order_id):
            payment = settle_payment(payment_id, outcome, at)
    return payment


def is_news(payment: Payment, outcome: Outcome) -> bool:
    return Payment.Status(outcome.result) in Payment.TRANSITIONS.get(payment.status, ())


def settle_payment(payment_id: UUID, outcome: Outcome, at: datetime) -> Payment:
    """Record an outcome in the caller's transaction. Locks the payment, then an owner's account."""
    payment = Payment.objects.locked().get(pk=payment_id)
    status = Payment.Status(outcome.result)
    if not is_news(payment, outcome):
        return payment
    payment.move_to(
        status,
        actor=PROVIDER,
        reason=outcome.message,
        at=at,
        provider_reference=outcome.reference,
        failure_code=outcome.code,
        failure_message=outcome.message,
        settled_at=at,
    )
    if status == Payment.Status.SUCCEEDED:
        if not payment.is_wanted:
            make_refund(payment, payment.amount, "The order no longer wants it.", actor=PROVIDER, at=at)
        post_money(payment, payment.amount, "payment", at=at)
    return payment


def post_money(payment: Payment, amount: Decimal, kind: str, *, at: datetime, reference: str = "") -> None:
    """Post money that has moved into the bank, or (a negative amount) out of it, whatever the credit limit."""
    into = ledger.system_account(ledger.bank(payment.provider), payment.currency)
    ledger.post(
        kind,
        [(into, amount), (payment.account_id, -amount)],
        currency=payment.currency,
        order_id=payment.order_id,
        reference=reference or str(payment.pk),
        within_limit=False,
        at=at,
    )


# --- Giving money back ---


def give_back(
    order_id: UUID, amount: Decimal, *, unused: Collection[str] = (), actor: Actor, reason: str, at: datetime
) -> Decimal:
    """Give up an order's payments under way, and refund up to an amount of those that succeeded, newest first.

    In the caller's transaction, before it posts to the ledger. Payments of `unused` purposes have bought nothing and go
    back whole by themselves. Returns what will be refunded (the rest stays as credit
    on the account). The refunds are carried out by `reconcile`, a payment under way is refunded when it succeeds. Locks
    the order's payments.
    """
    payments = list(Payment.objects.of_order(order_id).locked())
    give_up([payment for payment in payments if payment.status == Payment.Status.PENDING], actor, reason, at)
    left = amount
    spent = [p for p in payments if p.status == Payment.Status.SUCCEEDED and p.purpose not in unused]
    for payment in reversed(spent):
        part = min(left, payment.amount - payment.refunded_amount)
        if part > 0:
            make_refund(payment, part, reason, actor=actor, at=at)
            left -= part
    return amount - left


def give_up(payments: Iterable[Payment], actor: Actor, reason: str, at: datetime) -> None:
    """Let locked pending payments be unwanted; those that the provider was never told are canceled at once."""
    payments = list(payments)
    Payment.objects.filter(pk__in=[payment.pk for payment in payments]).update(is_wanted=False)
    untold = [payment for payment in payments if payment.called_at is None]
    if untold:
        Payment.move_all(untold, Payment.Status.CANCELED, actor=actor, reason=reason, at=at, settled_at=at)


def make_refund(payment: Payment, amount: Decimal, reason: str, *, actor: Actor, at: datetime) -> Refund:
    """Reserve an amount of a payment and write down that it is to be refunded. Raises ConcurrentChange beyond it."""
    payable = Payment.objects.filter(
        pk=payment.pk, status=Payment.Status.SUCCEEDED, refunded_amount__lte=F("amount") - amount
    )
    if not payable.update(refunded_amount=F("refunded_amount") + amount):
        raise ConcurrentChange
    refund = Refund.objects.create(payment=payment, amount=amount, reason=reason[:200], created_at=at)
    after = {"status": refund.status, "payment_id": str(payment.pk), "amount": str(amount)}
    record([Happening("refund.pending", refund.pk, None, after, reason)], actor=actor, at=at)
    return refund


def carry_out_refund(refund_id: UUID, *, at: datetime, within: Within = nullcontext) -> Refund:
    """Give a refund's money back through its provider, and return it as it is then. Safe to repeat.

    Outside of any transaction: raises RuntimeError inside of one. Raises PaymentUncertain when the provider has not
    answered; `reconcile` tries again.
    """
    with transaction.atomic(durable=True):
        refund = Refund.objects.select_related("payment").get(pk=refund_id)
        is_repeated = refund.called_at is not None
        Refund.objects.filter(pk=refund_id, status=Refund.Status.PENDING).update(called_at=at)
    if refund.status != Refund.Status.PENDING:
        return refund
    with uncertain():
        outcome = provider_named(refund.payment.provider).refund(refund_request(refund, is_repeated))
    return record_refund(refund_id, outcome, at=at, within=within)


def refund_request(refund: Refund, is_repeated: bool) -> RefundRequest:
    payment = refund.payment
    return RefundRequest(
        refund.pk, payment.pk, payment.provider_reference, refund.amount, payment.currency, is_repeated
    )


def record_refund(refund_id: UUID, outcome: Outcome, *, at: datetime, within: Within = nullcontext) -> Refund:
    """Write down what came of a refund, and return it. The same again changes nothing.

    A success is posted: debit the payment's account, credit bank. A failure leaves the money as credit on the account.
    """
    refund = Refund.objects.select_related("payment").get(pk=refund_id)
    if refund.status == Refund.Status.PENDING and outcome.result != Result.PENDING:
        with transaction.atomic(), within(refund.payment.order_id):
            refund = settle_refund(refund_id, outcome, at)
    return refund


def settle_refund(refund_id: UUID, outcome: Outcome, at: datetime) -> Refund:
    """Record an outcome in the caller's transaction. Locks the payment and the refund, then an owner's account."""
    payment = Payment.objects.locked().get(refunds=refund_id)
    refund = Refund.objects.select_for_update(no_key=True).get(pk=refund_id)
    if refund.status != Refund.Status.PENDING:
        return refund
    failed = outcome.result == Result.DECLINED
    refund.move_to(
        Refund.Status.FAILED if failed else Refund.Status.SUCCEEDED,
        actor=PROVIDER,
        reason=outcome.message,
        at=at,
        provider_reference=outcome.reference,
        failure_code=outcome.code,
        failure_message=outcome.message,
        settled_at=at,
    )
    if failed:
        Payment.objects.filter(pk=payment.pk).update(refunded_amount=F("refunded_amount") - refund.amount)
    else:
        post_money(payment, -refund.amount, "refund", at=at, reference=str(refund.pk))
    return refund
