"""Accounts and the ledger: money moves only as entries that add up to zero."""

import uuid
from decimal import Decimal

from django.db import models
from django.utils import timezone

from partners.models.callers import Agency


class Account(models.Model):
    """What somebody owes us, or one of the airline's own accounts. The database refuses DELETE (migration 0003).

    The code says it all: `agency:<id>:USD`, `customer:<user id>:USD`, `sales:USD`, `bank:<provider>:USD`. `balance` is
    kept for owners only (positive: the owner owes us); that of the airline's accounts is the sum of their entries, so
    that no row of theirs is ever waited for.
    """

    class Kind(models.TextChoices):
        AGENCY = "agency"
        CUSTOMER = "customer"
        SALES = "sales"
        TAXES = "taxes"
        FEES = "fees"
        CARDS = "cards", "Card clearing"
        BANK = "bank"

    OWNERS = (Kind.AGENCY, Kind.CUSTOMER)

    code = models.CharField(max_length=300, primary_key=True)
    kind = models.CharField(max_length=8, choices=Kind)
    agency = models.ForeignKey(Agency, on_delete=models.PROTECT, null=True, related_name="accounts")
    customer_id = models.CharField(max_length=255, blank=True)
    currency = models.CharField(max_length=3)
    balance = models.DecimalField(max_digits=14, decimal_places=4, default=0, help_text="Positive: owed to us.")
    credit_limit = models.DecimalField(
        max_digits=14, decimal_places=4, null=True, blank=True, help_text="Most that may be owed; empty: no limit."
    )
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(kind="agency", agency__isnull=False, customer_id="")
                | (models.Q(kind="customer", agency=None) & ~models.Q(customer_id=""))
                | models.Q(
                    kind__in=["sales", "taxes", "fees", "cards", "bank"],
                    agency=None,
                    customer_id="",
                    balance=0,
                    credit_limit=None,
                ),
                name="account_kind",
            ),
            models.CheckConstraint(condition=models.Q(credit_limit__gte=0), name="credit_limit_not_negative"),
        ]

    def __str__(self) -> str:
        return self.code

    @property
    def credit_left(self) -> Decimal | None:
        """Return how much more may be owed; None: any amount."""
        return None if self.credit_limit is None else max(self.credit_limit - self.balance, Decimal(0))

    @property
    def subject_id(self) -> uuid.UUID:
        """Return the id under which the account's events are recorded: its agency's, or one made of its code."""
        return self.agency_id or uuid.uuid5(uuid.NAMESPACE_URL, f"urn:skybridge:account:{self.code}")


class LedgerEntry(models.Model):
    """One leg of a posting; positive is a debit. The database refuses UPDATE, DELETE and TRUNCATE (migration 0003).

    It also refuses a statement whose new entries do not add up to zero per posting and currency. Neither `account` nor
    `order_id` has a foreign key: a key's share lock would make each sale write to the row of `sales:USD`, and orders
    are an app above. The trigger checks instead that the account exists and has the entry's currency.
    """

    class Kind(models.TextChoices):
        SALE = "sale"
        CHANGE = "change"
        CANCELLATION = "cancellation"
        FEE = "fee"
        REVERSAL = "reversal"
        PAYMENT = "payment"
        REFUND = "refund"
        SETTLEMENT = "settlement"

    id = models.BigAutoField(primary_key=True)
    posting_id = models.UUIDField()
    at = models.DateTimeField()
    kind = models.CharField(max_length=20, help_text="sale, payment, refund, settlement or another word of its poster.")
    account = models.ForeignKey(
        Account, on_delete=models.PROTECT, related_name="entries", db_constraint=False, db_index=False
    )
    amount = models.DecimalField(max_digits=14, decimal_places=4, help_text="Positive: debit; negative: credit.")
    currency = models.CharField(max_length=3)
    order_id = models.UUIDField(null=True)
    reference = models.CharField(max_length=200, blank=True)

    class Meta:
        verbose_name_plural = "ledger entries"
        constraints = [models.CheckConstraint(condition=~models.Q(amount=0), name="ledger_entry_not_zero")]
        indexes = [
            models.Index(fields=["account", "at", "id"], name="ledger_by_account"),
            models.Index(fields=["order_id"], name="ledger_by_order", condition=models.Q(order_id__isnull=False)),
            models.Index(fields=["posting_id"], name="ledger_by_posting"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.amount} {self.currency} {self.account_id}"
