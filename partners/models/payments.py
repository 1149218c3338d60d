"""Payments by card and their refunds, and what the sandbox provider remembers."""

from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from partners.models.accounts import Account
from skybridge.identifiers import uuid7
from skybridge.states import StateMachine, status_check


class PaymentQuerySet(models.QuerySet):
    def locked(self):
        """Lock the rows in the house's order; the lock ends with the transaction."""
        return self.order_by("pk").select_for_update(of=("self",), no_key=True)

    def of_order(self, order_id):
        return self.filter(order_id=order_id)


class Payment(StateMachine):
    """One charge of a card (or another token of a provider). Its id is the idempotency key at the provider.

    `is_wanted` turns false when the order gives its money back before the outcome is known: a success is then refunded.
    """

    class Status(models.TextChoices):
        PENDING = "pending"
        SUCCEEDED = "succeeded"
        DECLINED = "declined"
        CANCELED = "canceled"

    TRANSITIONS = {
        Status.PENDING: (Status.SUCCEEDED, Status.DECLINED, Status.CANCELED),
        Status.CANCELED: (Status.SUCCEEDED,),  # the provider carried it out after all; it is refunded
    }

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    order_id = models.UUIDField(help_text="The order that it pays.")
    purpose = models.CharField(max_length=60, default="order", help_text="What of the order: order, change:<quote id>.")
    account = models.ForeignKey(
        Account, on_delete=models.PROTECT, related_name="payments", db_constraint=False, db_index=False
    )
    provider = models.CharField(max_length=20)
    token = models.CharField(max_length=255, help_text="The provider's name for the card; never a card number.")
    amount = models.DecimalField(max_digits=14, decimal_places=4)
    currency = models.CharField(max_length=3)
    status = models.CharField(max_length=9, choices=Status, default=Status.PENDING)
    is_wanted = models.BooleanField(default=True)
    refunded_amount = models.DecimalField(
        max_digits=14, decimal_places=4, default=0, help_text="What its refunds have taken, pending ones included."
    )
    provider_reference = models.CharField(max_length=255, blank=True)
    failure_code = models.CharField(max_length=100, blank=True)
    failure_message = models.TextField(blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    called_at = models.DateTimeField(null=True, help_text="When the provider was last told to charge.")
    asked_at = models.DateTimeField(null=True, help_text="When the provider was last asked what came of it.")
    settled_at = models.DateTimeField(null=True)

    objects = PaymentQuerySet.as_manager()

    class Meta:
        constraints = [
            status_check("payment_status", "pending succeeded declined canceled"),
            models.CheckConstraint(condition=Q(amount__gt=0), name="payment_amount_positive"),
            models.CheckConstraint(
                condition=Q(refunded_amount__gte=0, refunded_amount__lte=F("amount")), name="refunds_within_payment"
            ),
            models.CheckConstraint(
                condition=Q(status="succeeded") | Q(refunded_amount=0), name="only_what_succeeded_is_refunded"
            ),
            models.UniqueConstraint(
                fields=["order_id", "purpose"],
                condition=Q(is_wanted=True, status__in=["pending", "succeeded"]),
                name="one_wanted_payment",
            ),
        ]
        indexes = [
            models.Index(fields=["order_id"], name="payment_by_order"),
            models.Index(fields=["asked_at"], name="payment_pending", condition=Q(status="pending")),
            models.Index(
                fields=["status", "id"], name="payment_not_made", condition=Q(status__in=["declined", "canceled"])
            ),
            models.Index(fields=["settled_at"], name="payment_for_quote", condition=Q(purpose__startswith="quote:")),
        ]

    def __str__(self) -> str:
        return f"{self.amount} {self.currency} {self.status}"


class Refund(StateMachine):
    """Money given back of one payment. While it is pending or has succeeded it counts in `refunded_amount` of that."""

    class Status(models.TextChoices):
        PENDING = "pending"
        SUCCEEDED = "succeeded"
        FAILED = "failed"

    TRANSITIONS = {Status.PENDING: (Status.SUCCEEDED, Status.FAILED)}

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    payment = models.ForeignKey(Payment, on_delete=models.PROTECT, related_name="refunds")
    amount = models.DecimalField(max_digits=14, decimal_places=4)
    status = models.CharField(max_length=9, choices=Status, default=Status.PENDING)
    reason = models.CharField(max_length=200, blank=True)
    provider_reference = models.CharField(max_length=255, blank=True)
    failure_code = models.CharField(max_length=100, blank=True)
    failure_message = models.TextField(blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    called_at = models.DateTimeField(null=True, help_text="When the provider was last told to give the money back.")
    settled_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            status_check("refund_status", "pending succeeded failed"),
            models.CheckConstraint(condition=Q(amount__gt=0), name="refund_amount_positive"),
        ]
        indexes = [models.Index(fields=["called_at"], name="refund_pending", condition=Q(status="pending"))]

    def __str__(self) -> str:
        return f"{self.amount} {self.status}"


class SandboxCharge(models.Model):
    """What the sandbox provider remembers of one idempotency key: it stands for another company's database.

    `outcome` is what comes of it (`unheard`: the call never reached the provider) and shows from `settles_at` on;
    `answer_due_at` is when the provider calls back by itself. `refunds` maps their keys to amounts (text).
    """

    key = models.UUIDField(primary_key=True)
    token = models.CharField(max_length=255)
    amount = models.DecimalField(max_digits=14, decimal_places=4)
    currency = models.CharField(max_length=3)
    outcome = models.CharField(max_length=9)
    settles_at = models.DateTimeField()
    answer_due_at = models.DateTimeField(null=True)
    refunds = models.JSONField(default=dict)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        indexes = [
            models.Index(fields=["answer_due_at"], name="sandbox_answers_due", condition=Q(answer_due_at__isnull=False))
        ]

    def __str__(self) -> str:
        return f"{self.token} {self.amount} {self.currency}"
