"""What the airline does with an account beside selling: it becomes the account's next version in the backup."""

from collections import Counter
from datetime import datetime
from decimal import Decimal
from functools import partial
from typing import Any
from uuid import UUID

from django.db import transaction

from orders import backups
from orders.steps import changing
from partners import ledger
from partners.models import Account
from partners.payments.reconciliation import reconcile
from partners.statements import require_agency
from skybridge.events import Actor
from skybridge.money import rounded


def reconcile_payments(*, at: datetime) -> Counter:
    """Settle what the payment provider knows better than we do, and carry out refunds; return how many of each."""
    return reconcile(at=at, within=partial(changing, at=at))


@transaction.atomic
def settle_owner(
    agency_id: UUID | None,
    customer_id: str,
    amount: Decimal,
    currency: str,
    reference: str,
    *,
    actor: Actor,
    at: datetime,
) -> dict[str, Any]:
    """Record a payment received from an agency or a traveller, and return it with what is owed now.

    Opens an agency's account if there is none. Raises AgencyNotFound, NotFound for a traveller who never owed anything,
    InvalidInput for an amount that the currency cannot have.
    """
    code = ledger.account_code(agency_id, customer_id, currency)
    if agency_id:
        ledger.open_account(require_agency(agency_id), "", currency)
    posting_id = settle_account(code, amount, actor=actor, reference=reference, at=at)
    return {
        "posting_id": posting_id,
        "account": code,
        "amount": rounded(amount, currency),
        "currency": currency,
        "reference": reference,
        "balance": rounded(Account.objects.get(pk=code).balance, currency),
    }


@transaction.atomic
def settle_account(code: str, amount: Decimal, *, actor: Actor, reference: str, at: datetime) -> UUID:
    """Record a payment that the airline has received from an account's owner. Raises as `ledger.settle_account`."""
    posting_id = ledger.settle_account(code, amount, actor=actor, reference=reference, at=at)
    backups.keep_account(code, at=at)
    return posting_id


@transaction.atomic
def set_credit_limit(code: str, limit: Decimal | None, *, actor: Actor, at: datetime) -> None:
    """Change how much an account may owe. Raises as `ledger.set_credit_limit`."""
    ledger.set_credit_limit(code, limit, actor=actor, at=at)
    backups.keep_account(code, at=at)
