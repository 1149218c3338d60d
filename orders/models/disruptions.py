"""Disruptions: flights that are delayed, retimed, get another aircraft or are cancelled, and the bookings touched."""

from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils import timezone

from bookings.models import Booking
from flights.models import Flight
from skybridge.identifiers import uuid7
from skybridge.states import StateMachine, status_check


class Disruption(models.Model):
    """One change of a flight that has been sold. `before` and `after` have what changed; it is never changed itself."""

    class Kind(models.TextChoices):
        DELAY = "delay"
        RETIME = "retime"
        AIRCRAFT = "aircraft"
        CANCELLATION = "cancellation"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    flight = models.ForeignKey(Flight, on_delete=models.PROTECT, related_name="disruptions")
    kind = models.CharField(max_length=12, choices=Kind)
    reason = models.CharField(max_length=200, blank=True)
    before = models.JSONField()
    after = models.JSONField()
    actor_kind = models.CharField(max_length=20)
    actor_id = models.CharField(max_length=255)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(kind__in=("delay", "retime", "aircraft", "cancellation")), name="disruption_kind"
            ),
            models.UniqueConstraint(fields=["flight"], condition=Q(kind="cancellation"), name="cancelled_once"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} of {self.flight_id}"


class DisruptedBooking(StateMachine):
    """What became of one booking that a disruption touches.

    `accepted` takes the flight as it is now; `rebooked` has other flights; `waiting` has to choose; `superseded` was
    waiting when its flight was disrupted again. Until `decide_by` it can be refunded without a penalty. `moves` lists
    the flights given for others: {sequence, cabin, from_id, from, to_id, to}; on the same flight, lost_seats.
    """

    class Status(models.TextChoices):
        WAITING = "waiting"
        ACCEPTED = "accepted"
        REBOOKED = "rebooked"
        REFUNDED = "refunded"
        SUPERSEDED = "superseded"

    TRANSITIONS = {
        Status.WAITING: (Status.ACCEPTED, Status.REBOOKED, Status.REFUNDED, Status.SUPERSEDED),
        Status.REBOOKED: (Status.ACCEPTED, Status.REBOOKED, Status.REFUNDED),  # rebooked: by choice, once more
    }
    ACTIONS: ClassVar[dict[str, str]] = {
        Status.ACCEPTED: "accept",
        Status.REBOOKED: "rebook",
        Status.REFUNDED: "refund",
    }

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    disruption = models.ForeignKey(Disruption, on_delete=models.PROTECT, related_name="bookings", db_index=False)
    booking = models.ForeignKey(Booking, on_delete=models.PROTECT, related_name="disruptions")
    status = models.CharField(max_length=10, choices=Status, default=Status.WAITING)
    passengers = models.PositiveSmallIntegerField(default=0, help_text="Those whom it touched, infants too.")
    moves = models.JSONField(default=list)
    decide_by = models.DateTimeField(null=True)
    decided_at = models.DateTimeField(null=True)
    decided_by = models.CharField(max_length=300, blank=True)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["disruption", "booking"], name="disrupted_once"),
            status_check("disruptedbooking_status", "waiting accepted rebooked refunded superseded"),
            models.CheckConstraint(
                condition=~Q(status__in=("waiting", "rebooked")) | Q(decide_by__isnull=False),
                name="choice_has_deadline",
            ),
        ]
        indexes = [
            models.Index(fields=["decide_by"], name="disruption_undecided", condition=Q(status="waiting")),
        ]

    def __str__(self) -> str:
        return f"{self.booking_id} {self.status}"

    def is_open(self, at) -> bool:
        """Tell whether there is still something to choose."""
        return self.status in self.TRANSITIONS and self.decide_by is not None and at < self.decide_by
