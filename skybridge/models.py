"""The kernel's tables: the append-only event log, the answers kept for idempotency keys, and what staff may do.

Who may do what is in `skybridge/roles.py`, approvals in `approvals.py`, sessions in `staff_sessions.py`.
"""

from cryptography.fernet import InvalidToken
from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django_otp.plugins.otp_totp.models import TOTPDevice

from skybridge import sealing
from skybridge.identifiers import uuid7


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


class Act(models.Model):
    """No table: the permissions to act on things, all in one place. Who has which is in `skybridge/roles.py`."""

    class Meta:
        managed = False
        default_permissions = ()
        permissions = [
            ("confirm_booking", "Confirm bookings"),
            ("cancel_booking", "Cancel bookings"),
            ("change_itinerary", "Change passengers and flights of bookings"),
            ("extend_hold", "Hold seats for longer"),
            ("refund_booking", "Refund bookings"),
            ("approve_refund", "Approve another's refund above the limit"),
            ("waive_penalty", "Waive fees and penalties"),
            ("approve_waiver", "Approve another's waiver"),
            ("check_in", "Check in, give seats, tag bags"),
            ("board", "Scan and board at the gate, offload, close flights"),
            ("disrupt_flight", "Delay, cancel and change flights"),
            ("block_seats", "Block seats, and give them back"),
            ("import_schedule", "Import schedules"),
            ("process_order", "Process, ship and deliver orders"),
            ("cancel_order", "Cancel orders"),
            ("stop_execution", "Stop executions"),
            ("redrive_execution", "Redrive executions"),
            ("store_backup", "Store backups that wait"),
            ("settle_account", "Record settlements of accounts"),
            ("manage_api_keys", "Make, replace and revoke API keys"),
            ("revoke_session", "End the sessions of others"),
            ("unlock_sign_in", "Let in who is locked out"),
            ("reset_second_factor", "Take away a lost second factor"),
            ("export", "Export lists as files"),
            ("use_api", "Change anything through the API, signed in by browser"),
        ]


class Approval(models.Model):
    """A second person's word on an act: asked for, then granted or refused, then used once."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    act = models.CharField(max_length=64)
    object_id = models.UUIDField()
    facts = models.JSONField(default=dict)
    reason = models.TextField()
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    asked_at = models.DateTimeField()
    decided_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", null=True)
    decided_at = models.DateTimeField(null=True)
    is_granted = models.BooleanField(null=True)
    used_at = models.DateTimeField(null=True)

    class Meta:
        default_permissions = ("view",)
        constraints = [
            models.UniqueConstraint(
                fields=["object_id", "act"], condition=Q(decided_at=None), name="approval_asked_once"
            ),
            models.CheckConstraint(
                condition=Q(decided_at=None, decided_by=None, is_granted=None)
                | Q(decided_at__isnull=False, decided_by__isnull=False, is_granted__isnull=False),
                name="approval_decided_whole",
            ),
            models.CheckConstraint(
                condition=~Q(is_granted=True) | ~Q(decided_by=F("asked_by")), name="approval_by_another"
            ),
            models.CheckConstraint(condition=Q(used_at=None) | Q(is_granted=True), name="approval_used_if_granted"),
        ]
        indexes = [models.Index(fields=["object_id", "id"], name="approval_by_object")]

    def __str__(self) -> str:
        return f"of {self.facts.get('amount', '')} {self.facts.get('currency', '')}".strip()


class AppDevice(TOTPDevice):
    """An authenticator app. Its secret is sealed for its user alone; Django OTP's own column for it stays empty."""

    sealed = models.TextField()

    class Meta:
        default_permissions = ()

    @property
    def bin_key(self) -> bytes:
        """Return the secret. Raises InvalidToken without the key that sealed it, and for another user's."""
        owner, _, secret = sealing.unseal(self.sealed).partition(" ")
        if owner != str(self.user_id):
            raise InvalidToken
        return bytes.fromhex(secret)


class StaffSession(models.Model):
    """A sign-in by browser: whose, from where, and until when. The session itself is Django's."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="staff_sessions")
    session_digest = models.CharField(max_length=64, unique=True)
    credentials_digest = models.CharField(max_length=64)  # another password ends the session
    started_at = models.DateTimeField()
    last_used_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    address = models.GenericIPAddressField(null=True)
    browser = models.CharField(max_length=200, blank=True)

    class Meta:
        default_permissions = ("view",)
        indexes = [models.Index(fields=["user", "-last_used_at"], name="staff_session_by_user")]

    def __str__(self) -> str:
        return f"{self.started_at:%Y-%m-%d %H:%M} {self.address or ''}"
