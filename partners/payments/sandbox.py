"""The sandbox: a provider without money, whose tokens decide what happens. See docs/payments.md.

| token | what happens |
|---|---|
| `tok_success`, and any other `tok_…` | succeeds |
| `tok_decline` | declined: `card_declined` |
| `tok_insufficient_funds` | declined: `insufficient_funds` |
| `tok_timeout` | succeeds, but the first call gets no answer |
| `tok_unreachable` | the first call does not reach the provider; the next succeeds |
| `tok_late` | pending; succeeds three seconds later |
| `tok_late_decline` | pending; declined three seconds later |
| `tok_twice` | succeeds, and the provider says so once more |
| `tok_refund_fails` | succeeds; its refunds fail |

What it knows is in a table of its own, written in autocommit, as another company's database would be.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from typing import NamedTuple
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from partners.models import SandboxCharge
from partners.payments.provider import (
    ChargeRequest,
    KeyMisused,
    Outcome,
    ProviderTimeout,
    ProviderUnavailable,
    RefundRequest,
    Result,
)

LATE = timedelta(seconds=3)
UNHEARD = "unheard"
REFUND_FAILS = "tok_refund_fails"


class Behaviour(NamedTuple):
    """What a token makes happen; `error` is what the first call meets instead of an answer."""

    outcome: str = Result.SUCCEEDED
    code: str = ""
    message: str = ""
    is_late: bool = False
    calls_back: bool = False
    error: type[Exception] | None = None


DECLINED = Behaviour(Result.DECLINED, "card_declined", "The card was declined.")
POOR = Behaviour(Result.DECLINED, "insufficient_funds", "The card has insufficient funds.")
UNKNOWN = Behaviour(Result.DECLINED, "invalid_token", "There is no such token in the sandbox.")
BEHAVIOURS = {
    "tok_decline": DECLINED,
    "tok_insufficient_funds": POOR,
    "tok_timeout": Behaviour(error=ProviderTimeout),
    "tok_unreachable": Behaviour(outcome=UNHEARD, error=ProviderUnavailable),
    "tok_late": Behaviour(is_late=True, calls_back=True),
    "tok_late_decline": DECLINED._replace(is_late=True, calls_back=True),
    "tok_twice": Behaviour(calls_back=True),
}


def behaviour_of(token: str) -> Behaviour:
    return BEHAVIOURS.get(token, Behaviour() if token.startswith("tok_") else UNKNOWN)


class SandboxProvider:
    name = "sandbox"

    def charge(self, request: ChargeRequest) -> Outcome:
        at, behaviour = timezone.now(), behaviour_of(request.token)
        charge, is_new = SandboxCharge.objects.get_or_create(key=request.key, defaults=facts(request, behaviour, at))
        if (charge.amount, charge.currency) != (request.amount, request.currency):
            raise KeyMisused(f"{request.key} was told with {charge.amount} {charge.currency} before")
        if is_new and behaviour.error:
            raise behaviour.error("sandbox")
        if charge.outcome == UNHEARD:
            charge.outcome = Result.SUCCEEDED
            SandboxCharge.objects.filter(pk=charge.pk).update(outcome=charge.outcome)
        return outcome_of(charge, at)

    def refund(self, request: RefundRequest) -> Outcome:
        with transaction.atomic():
            charge = SandboxCharge.objects.select_for_update().get(pk=request.charge_key)
            return refund_of(charge, str(request.key), request.amount)

    def find(self, key: UUID) -> Outcome | None:
        charge = SandboxCharge.objects.filter(pk=key).exclude(outcome=UNHEARD).first()
        return None if charge is None else outcome_of(charge, timezone.now())

    def late_answers(self) -> Iterator[tuple[UUID, Outcome]]:
        at = timezone.now()
        for charge in SandboxCharge.objects.filter(answer_due_at__lte=at).order_by("answer_due_at")[:100]:
            yield charge.pk, outcome_of(charge, at)
            SandboxCharge.objects.filter(pk=charge.pk).update(answer_due_at=None)


def facts(request: ChargeRequest, behaviour: Behaviour, at: datetime) -> dict:
    settles_at = at + LATE if behaviour.is_late else at
    return {
        "token": request.token,
        "amount": request.amount,
        "currency": request.currency,
        "outcome": behaviour.outcome,
        "settles_at": settles_at,
        "answer_due_at": settles_at if behaviour.calls_back else None,
        "created_at": at,
    }


def outcome_of(charge: SandboxCharge, at: datetime) -> Outcome:
    behaviour, reference = behaviour_of(charge.token), f"sandbox_{charge.key}"
    if behaviour.is_late and charge.settles_at > at:  # of another, `at` may be a moment before the row
        return Outcome(Result.PENDING, reference)
    return Outcome(Result(charge.outcome), reference, behaviour.code, behaviour.message)


def refund_of(charge: SandboxCharge, key: str, amount: Decimal) -> Outcome:
    """Give back of a locked charge, once per key; never more than was charged."""
    if charge.token == REFUND_FAILS:
        return Outcome(Result.DECLINED, code="refund_failed", message="The card's account is closed.")
    if charge.refunds.setdefault(key, str(amount)) != str(amount):
        raise KeyMisused(f"{key} was told with {charge.refunds[key]} before")
    if charge.outcome != Result.SUCCEEDED or sum(map(Decimal, charge.refunds.values())) > charge.amount:
        return Outcome(Result.DECLINED, code="amount_too_large", message="That is more than was charged.")
    charge.save(update_fields=["refunds"])
    return Outcome(Result.SUCCEEDED, f"sandbox_refund_{key}")
