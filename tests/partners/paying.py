"""What tests of payments do and look at: Ada pays for an order, and gets money back."""

from datetime import timedelta
from decimal import Decimal
from uuid import UUID, uuid4

from django.db import transaction
from django.utils import timezone

from partners.models import Account, LedgerEntry, Payment
from partners.payments import services
from partners.payments.services import charge, give_back
from skybridge.events import Actor
from skybridge.models import Event

ACTOR = Actor("agency", "acme", "api")


ADA, BANK, CARDS = "customer:ada:USD", "bank:sandbox:USD", "cards:USD"


SOON, LATER = timedelta(seconds=11), timedelta(minutes=6)


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
