"""What the airline does with an account beside selling: it becomes the account's next version in the backup."""

from datetime import datetime
from decimal import Decimal
from uuid import UUID

from django.db import transaction

from orders import backups
from partners import ledger
from skybridge.events import Actor


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
