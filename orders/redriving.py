"""Redrive everything that failed: tasks take the executions over, however many there are."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID, uuid4

from django.db.models import QuerySet

from orders import services
from orders.models import Execution, Order
from partners.callers import Caller
from skybridge import context
from skybridge.events import Happening, record
from skybridge.exceptions import DomainError
from skybridge.messages import send_surely

MOST = 100_000  # executions that are queued at once
PART = 500  # of them for a task


def failed_executions() -> QuerySet[Execution]:
    """Return the executions that failed and can be redriven, oldest first; asks an index."""
    ended = (Execution.Status.FAILED, Execution.Status.TIMED_OUT)
    found = Execution.objects.filter(status__in=ended, order__status=Order.Status.FAILED, order__deleted_at=None)
    return found.select_related("order").order_by("order_id")


def queue_failed(until: datetime, *, caller: Caller, reason: str) -> int:
    """Leave all that failed until a moment to tasks; return how many, MOST at most. One statement, and an event.

    Raises QueueAway when the queue does not take them; those of the tasks that it has taken are redriven.
    """
    failed = failed_executions().filter(stopped_at__lte=until).values_list("pk", flat=True)[:MOST]
    ids = [str(pk) for pk in failed]
    if ids:
        facts = {"executions": len(ids), "failed_until": until.isoformat()}
        record([Happening("executions.redrive_queued", uuid4(), after=facts, reason=reason)], actor=caller)
    for first in range(0, len(ids), PART):
        send_surely("orders.redrive_failed", ids[first : first + PART], until.isoformat(), caller.id, reason)
    return len(ids)


def redrive_failed(ids: Sequence[UUID], until: datetime, *, caller: Caller, reason: str) -> None:
    """Redrive those of some executions that have failed by then and not moved since; a refusal is an event of its own.

    Safe to run twice: what was redriven is left alone, also when it has failed again.
    """
    failed = failed_executions().filter(pk__in=ids, stopped_at__lte=until).values_list("pk", flat=True)
    with context.saying(reason):
        for order_id in list(failed):
            try:
                services.redrive_execution(order_id, caller=caller)
            except DomainError as refusal:
                facts = {"code": refusal.code, "message": refusal.message}
                record([Happening("execution.redrive_refused", order_id, after=facts)], actor=caller)
