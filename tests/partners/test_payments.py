"""Payments from the order's wish to the bank and back, whatever the provider does and whoever dies meanwhile."""

from datetime import timedelta
from decimal import Decimal
from uuid import UUID, uuid4

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from partners import ledger, tasks
from partners.exceptions import CardPaymentsOff, PaymentCanceled, PaymentDeclined, PaymentUncertain
from partners.models import Account, LedgerEntry, Payment, Refund, SandboxCharge
from partners.payments import services
from partners.payments.provider import KeyMisused, Outcome, ProviderUnavailable, Result, provider_named
from partners.payments.reconciliation import reconcile
from partners.payments.services import carry_out_refund, charge, give_back, pending_payment, record_outcome
from skybridge.events import Actor
from skybridge.exceptions import ConcurrentChange, InvalidInput
from skybridge.models import Event
from tests import factories
from tests.partners.conftest import check_books

pytestmark = pytest.mark.django_db
ACTOR = Actor("agency", "acme", "api")
ADA, BANK, CARDS = "customer:ada:USD", "bank:sandbox:USD", "cards:USD"
SOON, LATER = timedelta(seconds=11), timedelta(minutes=6)


@pytest.fixture(autouse=True)
def _ada(db):
    """Ada owes 100 for her order."""
    ledger.open_account(None, "ada", "USD")
    ledger.post("sale", [(ADA, Decimal(100)), ("sales:USD", Decimal(-100))], currency="USD", at=timezone.now())


def start(token: str = "tok_success", amount=100, order_id=None, account=ADA, **more) -> Payment:
    return services.start_payment(
        order_id=order_id or uuid4(),
        account=account,
        amount=Decimal(amount),
        currency="USD",
        token=token,
        actor=ACTOR,
        at=timezone.now(),
        **more,
    )


def pay(token: str = "tok_success", amount=100, **more) -> Payment:
    return charge(start(token, amount, **more).pk, at=timezone.now())


def back(payment: Payment, amount) -> Decimal:
    with transaction.atomic():
        return give_back(payment.order_id, Decimal(amount), actor=ACTOR, reason="changed", at=timezone.now())


def owed(code: str = ADA) -> Decimal:
    return Account.objects.get(pk=code).balance


def entries(kind: str) -> list[tuple]:
    found = LedgerEntry.objects.filter(kind=kind).order_by("id")
    return list(found.values_list("account_id", "amount", "reference"))


def now(payment: Payment) -> Payment:
    return Payment.objects.get(pk=payment.pk)


def actions(subject_id: UUID) -> list[str]:
    return list(Event.objects.filter(subject_id=subject_id).order_by("id").values_list("action", flat=True))


# --- Starting ---


def test_a_payment_starts_as_a_row_alone():
    payment = start("tok_success")
    assert (payment.status, payment.provider, payment.is_wanted) == ("pending", "sandbox", True)
    assert actions(payment.pk) == ["payment.pending"]
    assert not SandboxCharge.objects.exists()
    assert owed() == 100


def test_an_order_has_one_payment_for_one_purpose():
    payment = start()
    assert start("tok_other", 100, order_id=payment.order_id).pk == payment.pk
    change = start(order_id=payment.order_id, purpose="change:7")
    assert change.pk != payment.pk
    assert Payment.objects.count() == 2
    charge(payment.pk, at=timezone.now())
    assert start(order_id=payment.order_id).pk == payment.pk


@pytest.mark.parametrize(
    "token", ["4242424242424242", "4242 4242 4242 4242", "tok_4242-4242-4242-4242", "", "a b", "x" * 256]
)
def test_what_is_no_token(token):
    with pytest.raises(InvalidInput, match="never a card number"):
        start(token)
    assert not Payment.objects.exists()


def test_no_cards_without_a_provider(settings):
    settings.PAYMENT_PROVIDER = ""
    with pytest.raises(CardPaymentsOff):
        start()
    assert reconcile(at=timezone.now()) == {}


@pytest.mark.parametrize("changes", [{"refunded_amount": 1}, {"refunded_amount": -1}, {"amount": 0}])
def test_amounts_that_the_database_refuses(changes):
    payment = start()
    with pytest.raises(IntegrityError), transaction.atomic():
        Payment.objects.filter(pk=payment.pk).update(**changes)


# --- Charging ---


def test_a_success_is_posted_once():
    payment = pay()
    assert (payment.status, payment.provider_reference) == ("succeeded", f"sandbox_{payment.pk}")
    assert charge(payment.pk, at=timezone.now()).pk == payment.pk
    assert entries("payment") == [(BANK, 100, str(payment.pk)), (ADA, -100, str(payment.pk))]
    assert owed() == 0
    assert actions(payment.pk) == ["payment.pending", "payment.succeeded"]
    assert pending_payment(payment.order_id) is None
    check_books()


def test_a_card_may_clear_an_account_of_the_airline():
    pay(account=CARDS)
    assert [leg[:2] for leg in entries("payment")] == [(BANK, 100), (CARDS, -100)]
    assert (owed(), owed(CARDS)) == (100, 0)
    check_books()


@pytest.mark.parametrize("code", ["card_declined", "insufficient_funds"])
def test_a_declined_card_makes_room_for_another(code):
    payment = start("tok_decline" if code == "card_declined" else "tok_insufficient_funds")
    for _ in range(2):
        with pytest.raises(PaymentDeclined) as refused:
            charge(payment.pk, at=timezone.now())
    assert (refused.value.status_code, refused.value.code) == (409, "payment_declined")
    assert refused.value.details == {"failure_code": code}
    assert "card" in refused.value.message
    assert (now(payment).status, entries("payment"), owed()) == ("declined", [], 100)
    assert pending_payment(payment.order_id).pk == payment.pk  # nobody takes it for paid
    another = start("tok_success", order_id=payment.order_id)
    assert pending_payment(payment.order_id).pk == another.pk
    charge(another.pk, at=timezone.now())
    assert pending_payment(payment.order_id) is None
    check_books()


@pytest.mark.parametrize("token", ["tok_timeout", "tok_unreachable"])
def test_an_answer_that_does_not_come_is_uncertain_and_may_be_asked_again(token):
    payment = start(token)
    with pytest.raises(PaymentUncertain) as refused:
        charge(payment.pk, at=timezone.now())
    assert (refused.value.status_code, refused.value.code) == (503, "payment_uncertain")
    assert (now(payment).status, owed()) == ("pending", 100)
    assert charge(payment.pk, at=timezone.now()).status == "succeeded"
    assert (len(entries("payment")), owed()) == (2, 0)


@pytest.mark.django_db(transaction=True)
def test_nobody_is_charged_inside_a_transaction():
    payment = start()
    with pytest.raises(RuntimeError), transaction.atomic():
        charge(payment.pk, at=timezone.now())
    assert (now(payment).called_at, SandboxCharge.objects.count()) == (None, 0)


def test_a_key_that_is_misused_changes_nothing():
    payment = start()
    provider_named("sandbox").charge(services.request_of(payment))
    Payment.objects.filter(pk=payment.pk).update(amount=99)
    with pytest.raises(KeyMisused):
        charge(payment.pk, at=timezone.now())
    assert (now(payment).status, owed()) == ("pending", 100)


# --- Late, twice, and after a crash ---


def test_a_late_success_is_found(pass_time):
    payment = start("tok_late")
    with pytest.raises(PaymentUncertain):
        charge(payment.pk, at=timezone.now())
    assert reconcile(at=timezone.now()) == {"late": 0}
    pass_time(seconds=4)
    assert reconcile(at=timezone.now())["late"] == 1
    assert (now(payment).status, owed()) == ("succeeded", 0)
    pass_time(seconds=20)
    reconcile(at=timezone.now())
    assert len(entries("payment")) == 2
    check_books()


def test_a_late_decline_is_found(pass_time):
    payment = start("tok_late_decline")
    with pytest.raises(PaymentUncertain):
        charge(payment.pk, at=timezone.now())
    pass_time(seconds=4)
    reconcile(at=timezone.now())
    assert (now(payment).status, now(payment).failure_code, owed()) == ("declined", "card_declined", 100)


def test_an_answer_that_comes_twice_counts_once():
    payment = pay("tok_twice")
    assert reconcile(at=timezone.now())["late"] == 1
    assert (len(entries("payment")), owed()) == (2, 0)
    assert actions(payment.pk) == ["payment.pending", "payment.succeeded"]


def test_a_crash_between_charge_and_record_is_found_once():
    payment = start()
    services.mark_called(payment.pk, timezone.now())
    provider_named("sandbox").charge(services.request_of(payment))
    at = timezone.now()
    assert reconcile(at=at)["payments"] == 0  # it may still be on its way
    assert reconcile(at=at + SOON)["payments"] == 1
    assert reconcile(at=at + SOON + SOON)["payments"] == 0
    assert (now(payment).status, owed(), len(entries("payment"))) == ("succeeded", 0, 2)
    check_books()


def test_what_never_reached_the_provider_waits_while_it_is_wanted():
    payment = start("tok_unreachable")
    with pytest.raises(PaymentUncertain):
        charge(payment.pk, at=timezone.now())
    assert reconcile(at=timezone.now() + LATER)["payments"] == 0
    assert now(payment).status == "pending"


def test_the_task_reconciles(pass_time):
    payment = start("tok_timeout", order_id=factories.order().pk)
    with pytest.raises(PaymentUncertain):
        charge(payment.pk, at=timezone.now())
    pass_time(seconds=11)
    tasks.reconcile_payments()
    assert now(payment).status == "succeeded"


def test_one_provider_that_fails_does_not_stop_the_others(monkeypatch):
    payments = [start("tok_timeout"), start("tok_timeout")]
    for payment in payments:
        with pytest.raises(PaymentUncertain):
            charge(payment.pk, at=timezone.now())
    sandbox, found = provider_named("sandbox"), []

    def find(key):
        found.append(key)
        if len(found) == 1:
            raise ProviderUnavailable
        if len(found) == 3:
            raise ValueError("what is this")
        return type(sandbox).find(sandbox, key)

    monkeypatch.setattr(sandbox, "find", find, raising=False)
    assert reconcile(at=timezone.now() + SOON)["payments"] == 1
    assert reconcile(at=timezone.now() + 2 * SOON)["payments"] == 0
    assert reconcile(at=timezone.now() + 3 * SOON)["payments"] == 1
    assert {now(payment).status for payment in payments} == {"succeeded"}


def test_an_answer_about_an_unknown_payment_is_left(caplog):
    payment = start("tok_twice")
    provider_named("sandbox").charge(services.request_of(payment))
    Payment.objects.all().delete()
    assert reconcile(at=timezone.now())["late"] == 0
    assert "which we do not know" in caplog.text


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
