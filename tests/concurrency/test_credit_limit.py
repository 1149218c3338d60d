"""Money under contention: a credit limit is never passed, and no more goes back than came in."""

import time
from collections import Counter
from contextlib import suppress
from decimal import Decimal
from uuid import UUID, uuid4

import pytest
from django.conf import settings
from django.db import transaction
from django.db.models import F, Sum
from django.utils import timezone

from partners import ledger
from partners.exceptions import CreditLimitExceeded, PaymentCanceled, PaymentUncertain
from partners.models import Account, LedgerEntry, Payment, Refund, SandboxCharge
from partners.payments import services
from partners.payments.reconciliation import reconcile
from skybridge.events import Actor
from tests.concurrency.racing import together

ACTOR = Actor("system", "tests", "task")
PRICE = Decimal(50)


def open_for(customer: str, pieces: int) -> str:
    """Open an account with credit for so many pieces."""
    code = ledger.open_account(None, customer, "USD")
    Account.objects.filter(pk=code).update(credit_limit=PRICE * pieces)
    return code


def buy(code: str) -> bool:
    try:
        with transaction.atomic():
            legs = [(code, PRICE), ("taxes:USD", -PRICE / 5), ("sales:USD", -PRICE * 4 / 5)]
            ledger.post("sale", legs, currency="USD", order_id=uuid4(), at=timezone.now())
    except CreditLimitExceeded:
        return False
    return True


def start(amount=100, token: str = "tok_success") -> Payment:
    code = open_for("ada", 1000)
    return services.start_payment(
        order_id=uuid4(), account=code, amount=Decimal(amount), currency="USD", token=token, actor=ACTOR,
        at=timezone.now(),
    )  # fmt: skip


def give_back(order_id: UUID, amount) -> Decimal:
    with transaction.atomic():
        return services.give_back(order_id, Decimal(amount), actor=ACTOR, reason="race", at=timezone.now())


def balance(code: str) -> Decimal:
    return Account.objects.get(pk=code).balance


def test_50_sales_on_credit_for_20():
    code = open_for("ada", 20)
    bought = together([lambda: buy(code)] * 50)
    assert Counter(bought) == {True: 20, False: 30}
    assert balance(code) == PRICE * 20
    assert LedgerEntry.objects.filter(account=code).count() == 20


def buy_naively(code: str) -> bool:
    """Read, compare, write: what the house forbids."""
    account = Account.objects.get(pk=code)
    if account.balance + PRICE > account.credit_limit:
        return False
    time.sleep(0.02)
    Account.objects.filter(pk=code).update(balance=F("balance") + PRICE)
    return True


def test_control_a_naive_sale_passes_the_limit():
    code = open_for("ada", 5)
    assert sum(together([lambda: buy_naively(code)] * 20)) > 5
    Account.objects.update(balance=0)  # as it was


def test_postings_between_two_owners_do_not_deadlock():
    ada, bob = open_for("ada", 1000), open_for("bob", 1000)

    def move(source: str, target: str) -> None:
        legs = [(source, PRICE), (target, -PRICE)]
        ledger.post("change", legs, currency="USD", order_id=uuid4(), at=timezone.now())

    together([lambda: move(ada, bob), lambda: move(bob, ada)] * 20)
    assert (balance(ada), balance(bob), LedgerEntry.objects.count()) == (0, 0, 80)


def test_two_give_backs_never_refund_more_than_was_captured():
    payment = services.charge(start(100).pk, at=timezone.now())
    promised = together([lambda: give_back(payment.order_id, 70)] * 2)
    assert sorted(promised) == [30, 70]
    together([lambda: reconcile(at=timezone.now())] * 4)
    assert set(Refund.objects.values_list("status", flat=True)) == {"succeeded"}
    assert Refund.objects.aggregate(sum=Sum("amount"))["sum"] == Payment.objects.get().refunded_amount == 100
    back = LedgerEntry.objects.filter(kind="refund", account="bank:sandbox:USD").aggregate(sum=Sum("amount"))
    assert back["sum"] == -100
    assert sum(map(Decimal, SandboxCharge.objects.get().refunds.values())) == 100


def test_one_payment_charged_by_many_workers_moves_money_once():
    payment = start()
    paid = together([lambda: services.charge(payment.pk, at=timezone.now()).status] * 8)
    assert set(paid) == {"succeeded"}
    assert SandboxCharge.objects.count() == 1
    assert LedgerEntry.objects.filter(kind="payment").count() == 2


def test_one_order_starts_one_payment():
    order_id, code = uuid4(), open_for("ada", 1000)

    def begin() -> UUID:
        with transaction.atomic():
            return services.start_payment(
                order_id=order_id, account=code, amount=PRICE, currency="USD", token="tok_success", actor=ACTOR,
                at=timezone.now(),
            ).pk  # fmt: skip

    assert len(set(together([begin] * 8))) == 1
    assert Payment.objects.count() == 1


@pytest.mark.parametrize("_round", range(5))
def test_given_up_while_it_is_charged_nothing_is_kept(_round):
    """Whoever comes first: the card is either never charged, or charged and refunded."""
    payment = start(100, "tok_timeout")

    def charge() -> None:
        for _ in range(2):
            with suppress(PaymentUncertain, PaymentCanceled):
                services.charge(payment.pk, at=timezone.now())

    together([charge, lambda: give_back(payment.order_id, 100)])
    for _ in range(3):
        reconcile(at=timezone.now() + settings.PAYMENT_UNHEARD_AFTER * 2)
    kept = LedgerEntry.objects.filter(account="bank:sandbox:USD").aggregate(sum=Sum("amount"))["sum"] or 0
    payment.refresh_from_db()
    assert (kept, payment.refunded_amount) == (0, 100 if payment.status == "succeeded" else 0)
    assert payment.status in ("succeeded", "canceled")
