"""Each invariant of money holds after all kinds of postings, and is found when it is broken behind our back."""

from decimal import Decimal
from uuid import uuid4

import pytest
from django.db import transaction
from django.utils import timezone

from partners import ledger
from partners.invariants import INVARIANTS
from partners.payments import services
from partners.payments.reconciliation import reconcile
from skybridge.events import Actor
from skybridge.invariants import examine
from tests.bookings.sales import query

pytestmark = pytest.mark.django_db
ACTOR = Actor("system", "tests", "task")
OPEN_LEDGER = "ALTER TABLE partners_ledgerentry DISABLE TRIGGER append_only"
BROKEN_BY = {
    "postings_are_balanced": [OPEN_LEDGER, "UPDATE partners_ledgerentry SET amount = amount + 1 WHERE amount > 0"],
    "entries_have_accounts": ["UPDATE partners_account SET currency = 'EUR' WHERE kind = 'sales'"],
    "balances_are_sums_of_entries": ["UPDATE partners_account SET balance = balance + 1 WHERE kind = 'customer'"],
    "refunded_is_sum_of_refunds": ["UPDATE partners_payment SET refunded_amount = 1 WHERE refunded_amount > 0"],
    "payments_are_posted": ["UPDATE partners_payment SET account_id = 'cards:USD' WHERE status = 'succeeded'"],
    "refunds_are_posted": [OPEN_LEDGER, "DELETE FROM partners_ledgerentry WHERE kind = 'refund'"],
}


@pytest.fixture
def in_use(db):
    """A sale, a payment with a refund of part of it, and a declined payment."""
    at, order_id = timezone.now(), uuid4()
    code = ledger.open_account(None, "ada", "USD")
    ledger.post("sale", [(code, Decimal(100)), ("sales:USD", Decimal(-100))], currency="USD", at=at)
    for token in ("tok_decline", "tok_success"):
        payment = services.start_payment(
            order_id=order_id, account=code, amount=Decimal(100), currency="USD", token=token, actor=ACTOR, at=at
        )
        outcome = services.provider_named("sandbox").charge(services.request_of(payment))
        services.record_outcome(payment.pk, outcome, at=at)
    with transaction.atomic():
        services.give_back(order_id, Decimal(30), actor=ACTOR, reason="", at=at)
    reconcile(at=at)
    query("SET CONSTRAINTS ALL IMMEDIATE")


def test_each_invariant_has_something_that_breaks_it():
    assert list(BROKEN_BY) == [invariant.name for invariant in INVARIANTS]


@pytest.mark.parametrize("invariant", INVARIANTS, ids=lambda invariant: invariant.name)
def test_each_invariant_is_found_broken(in_use, invariant):
    assert examine(invariant).violations == 0
    for sql in BROKEN_BY[invariant.name]:
        query(sql)
    assert examine(invariant).violations >= 1
