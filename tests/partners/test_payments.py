"""Payments from the order's wish to the bank, whatever the provider does and whoever dies meanwhile."""

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from partners import tasks
from partners.exceptions import CardPaymentsOff, PaymentDeclined, PaymentUncertain
from partners.models import Payment, SandboxCharge
from partners.payments import services
from partners.payments.provider import KeyMisused, ProviderUnavailable, provider_named
from partners.payments.reconciliation import reconcile
from partners.payments.services import charge, pending_payment
from skybridge.exceptions import InvalidInput
from tests import factories
from tests.partners.conftest import check_books
from tests.partners.paying import ADA, BANK, CARDS, LATER, SOON, actions, entries, now, owed, pay, start

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("_ada")]


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
