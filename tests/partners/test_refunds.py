"""Money from the bank back to the card: refunds, and payments that nobody wants any more."""

from decimal import Decimal

import pytest
from django.db import transaction
from django.utils import timezone

from partners.exceptions import PaymentCanceled, PaymentUncertain
from partners.models import Account, Refund, SandboxCharge
from partners.payments import services
from partners.payments.provider import Outcome, ProviderUnavailable, Result, provider_named
from partners.payments.reconciliation import reconcile
from partners.payments.services import carry_out_refund, charge, record_outcome
from skybridge.exceptions import ConcurrentChange
from tests.partners.conftest import check_books
from tests.partners.paying import ACTOR, ADA, BANK, LATER, SOON, actions, back, entries, now, owed, pay, start

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("_ada")]


# --- Giving back ---


def test_money_goes_back_through_the_provider():
    payment = pay()
    assert back(payment, 30) == 30
    refund = Refund.objects.get()
    assert (refund.status, refund.amount, now(payment).refunded_amount, owed()) == ("pending", 30, 30, 0)
    assert reconcile(at=timezone.now())["refunds"] == 1
    assert Refund.objects.get().status == "succeeded"
    assert entries("refund") == [(BANK, -30, str(refund.pk)), (ADA, 30, str(refund.pk))]
    assert actions(refund.pk) == ["refund.pending", "refund.succeeded"]
    assert reconcile(at=timezone.now() + LATER)["refunds"] == 0
    assert SandboxCharge.objects.get().refunds == {str(refund.pk): "30.0000"}


def test_never_more_than_was_captured_newest_first():
    old = pay(amount=60)
    new = pay(amount=40, order_id=old.order_id, purpose="change:1")
    assert back(old, 50) == 50
    assert [(refund.payment_id, refund.amount) for refund in Refund.objects.order_by("pk")] == [
        (new.pk, 40),
        (old.pk, 10),
    ]
    assert back(old, 90) == 50
    assert back(old, 1) == 0
    reconcile(at=timezone.now())
    assert sum(amount for code, amount, _ in entries("refund") if code == BANK) == -100
    assert owed() == 100
    check_books()


def test_a_refund_beyond_the_payment_is_refused_by_the_row_itself():
    payment = pay()
    with pytest.raises(ConcurrentChange):
        services.make_refund(payment, Decimal("100.01"), "too much", actor=ACTOR, at=timezone.now())
    assert (Refund.objects.count(), now(payment).refunded_amount) == (0, 0)


def test_a_refund_counts_whatever_the_credit_limit():
    payment = pay()
    Account.objects.filter(pk=ADA).update(credit_limit=0)
    back(payment, 100)
    reconcile(at=timezone.now())
    assert (Refund.objects.get().status, owed()) == ("succeeded", 100)


def test_a_refund_that_fails_stays_as_credit():
    payment = pay("tok_refund_fails")
    back(payment, 30)
    assert reconcile(at=timezone.now())["refunds"] == 1
    refund = Refund.objects.get()
    assert (refund.status, refund.failure_code) == ("failed", "refund_failed")
    assert (now(payment).refunded_amount, owed(), entries("refund")) == (0, 0, [])
    assert carry_out_refund(refund.pk, at=timezone.now()).status == "failed"
    check_books()


def test_a_crash_between_refund_and_record_is_repeated_once():
    payment = pay()
    back(payment, 30)
    refund = Refund.objects.select_related("payment").get()
    provider_named("sandbox").refund(services.refund_request(refund, False))
    for _ in range(2):
        carry_out_refund(refund.pk, at=timezone.now())
    assert len(entries("refund")) == 2
    assert len(SandboxCharge.objects.get().refunds) == 1


@pytest.mark.django_db(transaction=True)
def test_nobody_refunds_inside_a_transaction():
    payment = pay()
    back(payment, 30)
    with pytest.raises(RuntimeError), transaction.atomic():
        carry_out_refund(Refund.objects.get().pk, at=timezone.now())
    assert Refund.objects.get().called_at is None


def test_a_provider_that_is_away_refunds_later(monkeypatch):
    payment = pay()
    back(payment, 30)
    refund_id = Refund.objects.get().pk

    def away(request):
        raise ProviderUnavailable

    with monkeypatch.context() as broken:
        broken.setattr(provider_named("sandbox"), "refund", away, raising=False)
        with pytest.raises(PaymentUncertain):
            carry_out_refund(refund_id, at=timezone.now())
    assert reconcile(at=timezone.now())["refunds"] == 0  # told a moment ago
    assert reconcile(at=timezone.now() + SOON)["refunds"] == 1


# --- What nobody wants any more ---


def test_a_payment_that_was_not_told_is_given_up_at_once():
    payment = start()
    assert back(payment, 100) == 0
    assert (now(payment).status, now(payment).is_wanted) == ("canceled", False)
    with pytest.raises(PaymentCanceled):
        charge(payment.pk, at=timezone.now())
    assert not SandboxCharge.objects.exists()
    assert start(order_id=payment.order_id).pk != payment.pk


def test_a_late_success_of_an_unwanted_payment_is_refunded(pass_time):
    payment = start("tok_late")
    with pytest.raises(PaymentUncertain):
        charge(payment.pk, at=timezone.now())
    assert back(payment, 100) == 0
    with pytest.raises(PaymentCanceled):
        charge(payment.pk, at=timezone.now())
    pass_time(seconds=4)
    reconcile(at=timezone.now())
    assert (now(payment).status, now(payment).refunded_amount) == ("succeeded", 100)
    assert (Refund.objects.get().status, Refund.objects.get().amount) == ("succeeded", 100)
    assert (owed(), len(entries("payment")), len(entries("refund"))) == (100, 2, 2)
    check_books()


def test_given_up_while_it_is_charged():
    payment = start()
    services.mark_called(payment.pk, timezone.now())
    back(payment, 100)
    outcome = provider_named("sandbox").charge(services.request_of(payment))
    with pytest.raises(PaymentCanceled, match="refunded"):
        services.require_paid(record_outcome(payment.pk, outcome, at=timezone.now()))
    assert Refund.objects.get().amount == 100


def test_an_unwanted_payment_that_nobody_heard_of_is_canceled():
    payment = start("tok_unreachable")
    with pytest.raises(PaymentUncertain):
        charge(payment.pk, at=timezone.now())
    back(payment, 100)
    assert reconcile(at=timezone.now() + SOON)["payments"] == 0  # it may still be on its way
    assert reconcile(at=timezone.now() + LATER)["payments"] == 1
    assert now(payment).status == "canceled"


def test_a_success_after_the_end_is_refunded():
    payment = start("tok_unreachable")
    with pytest.raises(PaymentUncertain):
        charge(payment.pk, at=timezone.now())
    back(payment, 100)
    reconcile(at=timezone.now() + LATER)
    record_outcome(payment.pk, Outcome(Result.SUCCEEDED, "late"), at=timezone.now())
    assert (now(payment).status, now(payment).refunded_amount, Refund.objects.count()) == ("succeeded", 100, 1)
