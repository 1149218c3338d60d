"""Finding what got lost between us and a payment provider: it is asked, and what it says is recorded."""

import logging
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from datetime import datetime
from uuid import UUID

from django.conf import settings
from django.db import connection, transaction

from partners.exceptions import PaymentUncertain
from partners.models import Payment, Refund
from partners.payments.provider import ProviderError, provider_named
from partners.payments.services import PROVIDER, Within, carry_out_refund, record_outcome
from skybridge.exceptions import ConcurrentChange

logger = logging.getLogger(__name__)
BATCH = 100


def reconcile(*, at: datetime, within: Within = nullcontext) -> Counter:
    """Settle what the provider knows better than we do, and carry out refunds; return how many of each.

    Takes late answers, asks about payments that were told but not answered for `PAYMENT_ANSWER_WITHIN`, and carries
    out the refunds that wait. Several workers do no harm: a payment is claimed for that long, and a refund told twice
    is one refund. What fails is logged and tried again.
    """
    counts: Counter = Counter()
    for name in providers_in_use():
        counts["late"] += take_late_answers(name, at, within)
    for payment_id in claimed(CLAIM_PAYMENTS, at):
        with surviving(payment_id):
            counts["payments"] += look_up(payment_id, at, within)
    for refund_id in claimed(CLAIM_REFUNDS, at):
        with surviving(refund_id):
            refund = carry_out_refund(refund_id, at=at, within=within)
            counts["refunds"] += refund.status != Refund.Status.PENDING
    return counts


CLAIM_PAYMENTS = """
UPDATE partners_payment SET asked_at = %(at)s::timestamptz WHERE id = ANY(ARRAY(
    SELECT id FROM partners_payment
    WHERE status = 'pending' AND called_at IS NOT NULL AND asked_at <= %(before)s::timestamptz
    ORDER BY asked_at LIMIT %(batch)s FOR UPDATE SKIP LOCKED
)) RETURNING id
"""
CLAIM_REFUNDS = """
SELECT id FROM partners_refund
WHERE status = 'pending' AND (called_at IS NULL OR called_at <= %(before)s::timestamptz)
ORDER BY called_at NULLS FIRST LIMIT %(batch)s
"""


def claimed(sql: str, at: datetime) -> list[UUID]:
    """Return the ids of a batch that is due."""
    with connection.cursor() as cursor:
        cursor.execute(sql, {"at": at, "before": at - settings.PAYMENT_ANSWER_WITHIN, "batch": BATCH})
        return [found for (found,) in cursor.fetchall()]


@contextmanager
def surviving(subject_id: UUID | str) -> Iterator[None]:
    """Log what goes wrong with one payment or refund; the others go on."""
    try:
        yield
    except (PaymentUncertain, ProviderError, ConcurrentChange) as exc:
        logger.info("%s: %s", subject_id, exc.__cause__ or exc)
    except Exception:
        logger.exception("payment or refund %s", subject_id)


def providers_in_use() -> set[str]:
    """Return the provider of new payments and those of payments that wait."""
    waiting = Payment.objects.filter(status=Payment.Status.PENDING).values_list("provider", flat=True)
    return {settings.PAYMENT_PROVIDER, *waiting} - {""}


def take_late_answers(name: str, at: datetime, within: Within) -> int:
    """Record what a provider says by itself; return how many answers there were."""
    taken = 0
    with surviving(name):
        for payment_id, outcome in provider_named(name).late_answers():
            if Payment.objects.filter(pk=payment_id).exists():
                record_outcome(payment_id, outcome, at=at, within=within)
                taken += 1
            else:
                logger.error("%s answers about the payment %s, which we do not know", name, payment_id)
    return taken


def look_up(payment_id: UUID, at: datetime, within: Within) -> bool:
    """Ask the provider what came of a payment and record it; tell whether that settled it.

    One that the provider does not know of is given up once nobody wants it and it cannot be on its way any more; while
    it is wanted it waits for the next `charge`.
    """
    payment = Payment.objects.get(pk=payment_id)
    outcome = provider_named(payment.provider).find(payment_id)
    if outcome is not None:
        return record_outcome(payment_id, outcome, at=at, within=within).status != Payment.Status.PENDING
    if payment.is_wanted or payment.called_at is None or payment.called_at > at - settings.PAYMENT_UNHEARD_AFTER:
        return False
    with transaction.atomic(), within(payment.order_id):
        reason = "The provider never heard of it."
        payment.move_to(Payment.Status.CANCELED, actor=PROVIDER, reason=reason, at=at, settled_at=at)
    return True
