"""Who calls us: agencies and their keys and plans, their agents, and the travellers whose tokens we have seen."""

from django.conf import settings
from django.db import models
from django.utils import timezone

from skybridge.identifiers import uuid7


class Plan(models.Model):
    """How fast and how much an agency may call: a token bucket and an optional quota."""

    class QuotaPeriod(models.TextChoices):
        DAY = "day"
        MONTH = "month"

    name = models.CharField(max_length=40, unique=True)
    rate = models.DecimalField(max_digits=8, decimal_places=2, default=5, help_text="Requests per second.")
    burst = models.PositiveIntegerField(default=10, help_text="Requests at once.")
    quota = models.PositiveBigIntegerField(null=True, blank=True, help_text="Requests per period; empty: no quota.")
    quota_period = models.CharField(max_length=5, choices=QuotaPeriod, default=QuotaPeriod.DAY)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=models.Q(rate__gt=0, burst__gte=1), name="plan_lets_somebody_in"),
        ]

    def __str__(self) -> str:
        return self.name


class Agency(models.Model):
    """A partner agency: an authorised travel desk that sells our flights."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    name = models.CharField(max_length=100, unique=True)
    plan = models.ForeignKey(Plan, on_delete=models.PROTECT)
    is_active = models.BooleanField(default=True)
    is_ground_handler = models.BooleanField(
        default=False, help_text="Works at our gates: its keys scan boarding passes and read manifests of every flight."
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        verbose_name_plural = "agencies"

    def __str__(self) -> str:
        return self.name


class ApiKeyQuerySet(models.QuerySet):
    def live(self, at):
        return self.filter(revoked_at=None).filter(models.Q(expires_at=None) | models.Q(expires_at__gt=at))


class ApiKey(models.Model):
    """An agency's key. The key itself is shown once; what stays is its SHA-256."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    agency = models.ForeignKey(Agency, on_delete=models.PROTECT, related_name="api_keys")
    name = models.CharField(max_length=60, blank=True)
    prefix = models.CharField(max_length=16, editable=False)
    digest = models.BinaryField(max_length=32, unique=True, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    expires_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, editable=False)
    revoked_at = models.DateTimeField(null=True, editable=False)

    objects = ApiKeyQuerySet.as_manager()

    class Meta:
        verbose_name = "API key"

    def __str__(self) -> str:
        return f"{self.prefix}…"


class Traveller(models.Model):
    """A user id of a token, bound for good to the issuer and subject that first showed it."""

    user_id = models.CharField(max_length=255, primary_key=True)
    issuer = models.CharField(max_length=255)
    subject = models.CharField(max_length=255)
    bound_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return self.user_id


class Agent(models.Model):
    """A person who signs in to work for an agency."""

    user = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="agent")
    agency = models.ForeignKey(Agency, on_delete=models.PROTECT, related_name="agents")
    is_manager = models.BooleanField(
        default=False, db_default=False, help_text="Sees, makes and ends the agency's API keys."
    )

    def __str__(self) -> str:
        return f"{self.user} ({self.agency})"
