"""Backups: the versions of orders and accounts, kept until the store has them."""

from django.db import models
from django.db.models import Q


class WrittenJSON(models.JSONField):
    """JSON as it was written, to be read as a whole: making jsonb of a backup takes as long as all its reading."""

    def db_type(self, connection) -> str:
        return "json"

    def from_db_value(self, value, expression, connection):
        return value  # which the driver has read


class Backup(models.Model):
    """One version of a stream (an order, or an account's postings without one), kept here until the store has it.

    `document` is the version's content and goes when it is stored; each version names the SHA-256 of the one before.
    """

    class Kind(models.TextChoices):
        ORDER = "order"
        ACCOUNT = "account"

    id = models.BigAutoField(primary_key=True)
    kind = models.CharField(max_length=7, choices=Kind)
    stream = models.CharField(max_length=300, help_text="The order's id, or the account's code.")
    version = models.PositiveIntegerField()
    taken_at = models.DateTimeField()
    document = WrittenJSON(null=True)
    covers = models.JSONField(default=dict, help_text="The versions of its bookings, and how many rows it has.")
    key = models.CharField(max_length=400, blank=True)
    sha256 = models.CharField(max_length=64, blank=True)
    stored_at = models.DateTimeField(null=True)
    store_version = models.CharField(max_length=200, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["kind", "stream", "version"], name="backup_once"),
            models.CheckConstraint(
                condition=Q(stored_at=None, document__isnull=False)
                | (Q(stored_at__isnull=False) & ~Q(sha256="") & ~Q(key="")),
                name="backup_is_here_or_stored",
            ),
        ]
        indexes = [models.Index(fields=["id"], name="backup_not_stored", condition=Q(stored_at=None))]

    def __str__(self) -> str:
        return f"{self.stream} version {self.version}"
