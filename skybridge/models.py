"""The kernel's two tables: the append-only event log and the answers kept for idempotency keys."""

from django.db import models
from django.utils import timezone


class Event(models.Model):
    """One thing that happened. The database refuses UPDATE and DELETE (migration 0002)."""

    id = models.BigAutoField(primary_key=True)
    at = models.DateTimeField(default=timezone.now)
    actor_kind = models.CharField(max_length=16)
    actor_id = models.CharField(max_length=255)
    door = models.CharField(max_length=16)
    action = models.CharField(max_length=64)
    subject_id = models.UUIDField()
    before = models.JSONField(null=True)
    after = models.JSONField(null=True)
    reason = models.TextField(blank=True)
    request_id = models.CharField(max_length=64, blank=True)

    class Meta:
        indexes = [models.Index(fields=["subject_id", "id"], name="event_by_subject")]

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M:%S} {self.action}"


class IdempotencyKey(models.Model):
    """The first answer to an unsafe call, kept under its caller and `Idempotency-Key`."""

    id = models.BigAutoField(primary_key=True)
    caller = models.CharField(max_length=300)
    key = models.CharField(max_length=255)
    fingerprint = models.BinaryField(max_length=32)
    status = models.PositiveSmallIntegerField()
    headers = models.JSONField(default=dict)
    body = models.BinaryField()
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["caller", "key"], name="idempotency_key_once")]
        indexes = [models.Index(fields=["created_at"], name="idempotency_key_by_age")]

    def __str__(self) -> str:
        return self.key
