"""Departure control: what is kept of a flight's check-in and boarding."""

from django.db import models
from django.utils import timezone

from flights.models import Flight
from skybridge.identifiers import uuid7
from skybridge.states import StateMachine, status_check
from ticketing.models.tickets import Coupon, Ticket


class Departure(models.Model):
    """A flight at its airport: the counter of check-in sequence numbers, its gate, and when it was closed out."""

    flight = models.OneToOneField(Flight, on_delete=models.PROTECT, primary_key=True, related_name="departure")
    last_sequence_number = models.PositiveIntegerField(default=0)
    gate = models.CharField(max_length=8, blank=True)
    closed_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"departure of {self.flight_id}"


class BoardingPass(models.Model):
    """A signed token of permission made from a checked-in coupon; the one that has not ended is good.

    A seat change makes a new one with the same sequence number. `barcode` is the BCBP text, `digest` its SHA-256.
    """

    class End(models.TextChoices):
        REISSUED = "reissued"
        OFFLOADED = "offloaded"
        FLIGHT_CHANGED = "flight_changed"
        NO_SHOW = "no_show"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    coupon = models.ForeignKey(Coupon, on_delete=models.PROTECT, related_name="boarding_passes")
    flight = models.ForeignKey(Flight, on_delete=models.PROTECT, related_name="+", db_index=False)
    sequence_number = models.PositiveIntegerField()
    seat = models.CharField(max_length=4, blank=True, help_text="Empty for an infant on a lap.")
    barcode = models.TextField()
    digest = models.BinaryField(max_length=32, unique=True)
    issued_at = models.DateTimeField(default=timezone.now)
    ended_at = models.DateTimeField(null=True)
    end_reason = models.CharField(max_length=14, choices=End, blank=True)

    class Meta:
        verbose_name_plural = "boarding passes"
        constraints = [
            models.UniqueConstraint(
                fields=["coupon"], condition=models.Q(ended_at=None), name="one_good_pass_per_coupon"
            ),
            models.UniqueConstraint(
                fields=["flight", "sequence_number"],
                condition=models.Q(ended_at=None),
                name="sequence_number_once_per_flight",
            ),
        ]
        indexes = [models.Index(fields=["flight"], name="pass_by_flight")]

    def __str__(self) -> str:
        return f"{self.sequence_number:03} {self.seat}"


class BagTagSeries(models.Model):
    """The last serial of an airline's bag tags; it starts again after 999999."""

    accounting_code = models.CharField(max_length=3, primary_key=True)
    last_serial = models.PositiveIntegerField(default=0)

    class Meta:
        verbose_name_plural = "bag tag series"

    def __str__(self) -> str:
        return f"{self.accounting_code} {self.last_serial:06}"


class Bag(StateMachine):
    """A checked bag, known by the ten digits of its tag. Source: IATA Resolution 740, licence plate."""

    class Status(models.TextChoices):
        CHECKED = "checked"
        REMOVED = "removed"
        FLOWN = "flown"

    TRANSITIONS = {Status.CHECKED: (Status.REMOVED, Status.FLOWN)}

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    coupon = models.ForeignKey(Coupon, on_delete=models.PROTECT, related_name="bags")
    tag_number = models.CharField(max_length=10)
    weight_kg = models.DecimalField(max_digits=4, decimal_places=1)
    status = models.CharField(max_length=7, choices=Status, default=Status.CHECKED)
    checked_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["tag_number"], condition=models.Q(status="checked"), name="bag_tag_in_use_once"
            ),
            models.CheckConstraint(condition=models.Q(tag_number__regex=r"^\d{10}$"), name="bag_tag_10_digits"),
            models.CheckConstraint(condition=models.Q(weight_kg__gt=0), name="bag_weighs_something"),
            status_check("bag_status", "checked removed flown"),
        ]

    def __str__(self) -> str:
        return self.tag_number


class TravelDocument(models.Model):
    """A passenger's passport or identity card, sealed: the text is encrypted, `masked` is what people are shown."""

    ticket = models.OneToOneField(Ticket, on_delete=models.PROTECT, primary_key=True, related_name="travel_document")
    sealed = models.TextField()
    masked = models.CharField(max_length=40)
    updated_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return self.masked


class Scan(models.Model):
    """One look at a boarding pass, or one attempt to board with it, and what came of it. Never changed.

    Only the archive takes it away (`orders/archiving.py`). A repeated upload shows the same `nonce` and gets the same
    `answer`. `scanned_at` is the device's word.
    """

    class Kind(models.TextChoices):
        LOOK = "look"
        BOARD = "board"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    kind = models.CharField(max_length=5, choices=Kind)
    flight = models.ForeignKey(Flight, on_delete=models.PROTECT, null=True, related_name="scans", db_index=False)
    coupon = models.ForeignKey(Coupon, on_delete=models.PROTECT, null=True, related_name="scans", db_index=False)
    nonce = models.CharField(max_length=64, null=True)
    barcode = models.TextField()
    reason = models.CharField(max_length=30, blank=True, help_text="Why it was refused; empty: accepted.")
    is_conflict = models.BooleanField(default=False, help_text="The device had decided otherwise, or two of them.")
    device_id = models.CharField(max_length=64, blank=True)
    scanned_at = models.DateTimeField()
    received_at = models.DateTimeField(default=timezone.now)
    answer = models.JSONField()
    actor_kind = models.CharField(max_length=20)
    actor_id = models.CharField(max_length=255)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["flight", "nonce"], name="scan_nonce_once_per_flight")]
        indexes = [
            models.Index(fields=["flight", "id"], name="scan_by_flight"),
            models.Index(fields=["coupon", "id"], name="scan_by_coupon"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.reason or 'accepted'}"
