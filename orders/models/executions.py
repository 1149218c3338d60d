"""Executions that process orders, with their histories."""

from uuid import UUID

from django.conf import settings
from django.db import models
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone
from django.utils.functional import cached_property

from bookings.models import Booking
from orders.models.orders import Order
from skybridge.states import StateMachine, status_check
from ticketing.models import Emd


class ExecutionQuerySet(models.QuerySet):
    def with_contents(self):
        """Tell of each whether its order sells bookings, and products for passengers."""
        return self.annotate(has_bookings=has_bookings(), has_emds=has_emds())


def has_bookings() -> Exists:
    """Tell of an order, or of its execution, whether it sells bookings."""
    return Exists(Booking.objects.filter(order=OuterRef("pk")))


def has_emds() -> Exists:
    """Tell of an order, or of its execution, whether it sells products for passengers."""
    return Exists(Emd.objects.filter(order_item__order=OuterRef("pk")))


class Execution(StateMachine):
    """The processing of one order by the workflow (`orders/workflow.py`), in the words of AWS Step Functions.

    `due_at` is when something is to be done next; an attempt that is under way has `attempt_started_at`.
    """

    class Status(models.TextChoices):
        RUNNING = "RUNNING"
        SUCCEEDED = "SUCCEEDED"
        FAILED = "FAILED"
        TIMED_OUT = "TIMED_OUT"
        ABORTED = "ABORTED"

    TRANSITIONS = {
        Status.RUNNING: (Status.SUCCEEDED, Status.FAILED, Status.TIMED_OUT, Status.ABORTED),
        Status.FAILED: (Status.RUNNING,),  # redriven
        Status.TIMED_OUT: (Status.RUNNING,),
    }

    order = models.OneToOneField(Order, on_delete=models.PROTECT, primary_key=True, related_name="execution")
    status = models.CharField(max_length=9, choices=Status, default=Status.RUNNING)
    state = models.CharField(max_length=40, help_text="The state that is next or under way, or was the last one.")
    attempt = models.PositiveIntegerField(default=0, help_text="Attempts at the state so far.")
    losses = models.PositiveSmallIntegerField(default=0, help_text="Attempts at the state whose worker died.")
    attempt_started_at = models.DateTimeField(null=True)
    due_at = models.DateTimeField(null=True)
    error = models.CharField(max_length=100, blank=True)
    cause = models.TextField(blank=True)
    redrive_count = models.PositiveSmallIntegerField(default=0)
    redriven_at = models.DateTimeField(null=True)
    last_event_id = models.PositiveIntegerField(default=0)
    started_at = models.DateTimeField(default=timezone.now)
    stopped_at = models.DateTimeField(null=True)

    objects = ExecutionQuerySet.as_manager()
    has_bookings: bool  # where it was read `with_contents`
    has_emds: bool

    class Meta:
        constraints = [status_check("execution_status", "RUNNING SUCCEEDED FAILED TIMED_OUT ABORTED")]
        indexes = [
            models.Index(fields=["due_at"], name="execution_due", condition=Q(due_at__isnull=False)),
            models.Index(
                fields=["attempt_started_at"],
                name="execution_under_way",
                condition=Q(attempt_started_at__isnull=False),
            ),
            models.Index(fields=["status", "order"], name="execution_by_status"),
        ]

    def __str__(self) -> str:
        return self.arn

    @cached_property
    def unwritten(self) -> list[dict]:
        """The lines of its history that are written when it is written next (`orders/histories.py`)."""
        return []

    @property
    def available_actions(self) -> list[str]:
        """Return `stop` or `redrive` where it succeeds now; what a cancelled order had done has been undone."""
        if self.status == Execution.Status.RUNNING:
            return ["stop"] if Order.Status.CANCELLED in Order.TRANSITIONS.get(self.order.status, ()) else []
        can_go_on = self.status in Execution.TRANSITIONS and self.order.status != Order.Status.CANCELLED
        return ["redrive"] if can_go_on else []

    @property
    def arn(self) -> str:
        return arn_of(self.pk)


def arn_of(order_id: UUID) -> str:
    """Return the ARN of an order's execution."""
    return f"{settings.EXECUTION_ARN_PREFIX}{order_id}"


class ExecutionEvent(models.Model):
    """One line of an execution's history, numbered from 1 without gaps. The database refuses UPDATE and DELETE."""

    pk = models.CompositePrimaryKey("execution_id", "event_id")
    execution = models.ForeignKey(Execution, on_delete=models.PROTECT, related_name="history", db_index=False)
    event_id = models.PositiveIntegerField()
    type = models.CharField(max_length=40)
    at = models.DateTimeField()
    state = models.CharField(max_length=40, blank=True)
    details = models.JSONField(default=dict)

    def __str__(self) -> str:
        return f"{self.event_id} {self.type} {self.state}"
