"""Finding executions: by order id or ARN, in lists, and their history."""

from uuid import UUID

from django.conf import settings

from orders.exceptions import ExecutionNotFound
from orders.models import Execution, ExecutionEvent
from partners.callers import Caller
from skybridge.pagination import decode_cursor, encode_cursor

RECENT = 10


def order_id_of(identifier: str) -> tuple[UUID, str]:
    """Return the order id that an identifier names, and its kind: `order_id` or `execution_arn`.

    Raises ExecutionNotFound for what is neither.
    """
    is_arn = identifier.startswith("arn:")
    text = identifier.removeprefix(settings.EXECUTION_ARN_PREFIX) if is_arn else identifier
    try:
        return UUID(text), "execution_arn" if is_arn else "order_id"
    except ValueError:
        raise ExecutionNotFound from None


def visible_executions(caller: Caller):
    """Return the executions of the orders that a caller may see."""
    executions = Execution.objects.select_related("order").filter(order__deleted_at=None)
    if caller.is_staff:
        return executions
    if caller.booking_id:
        return executions.none()
    if caller.agency_id:
        return executions.filter(order__agency_id=caller.agency_id)
    return executions.filter(order__agency=None, order__customer_id=caller.user_id)


def find_execution(identifier: str, *, caller: Caller) -> Execution:
    """Return the execution that an order id or ARN names. One statement. Raises ExecutionNotFound."""
    order_id, _ = order_id_of(identifier)
    execution = visible_executions(caller).filter(pk=order_id).first()
    if execution is None:
        raise ExecutionNotFound
    return execution


def latest_events(execution: Execution) -> list[ExecutionEvent]:
    """Return the last lines of a history, oldest first. One statement."""
    newest = ExecutionEvent.objects.filter(execution=execution).order_by("-event_id")
    return list(newest[:RECENT])[::-1]


def history_page(execution: Execution, query: dict) -> tuple[list[ExecutionEvent], str | None]:
    """Return a page of a history, oldest first or in reverse, and the cursor of the next one. One statement."""
    rows = ExecutionEvent.objects.filter(execution=execution)
    if cursor := query.get("cursor"):
        [last] = decode_cursor(cursor, int)
        rows = rows.filter(event_id__lt=last) if query["reverse_order"] else rows.filter(event_id__gt=last)
    found = list(rows.order_by("-event_id" if query["reverse_order"] else "event_id")[: query["limit"] + 1])
    following = encode_cursor(found[-2].event_id) if len(found) > query["limit"] else None
    return found[: query["limit"]], following


def execution_page(query: dict, *, caller: Caller) -> tuple[list[Execution], str | None]:
    """Return a page of executions, newest first, and the cursor of the next one. One statement."""
    rows = visible_executions(caller).order_by("-pk")
    if "status" in query:
        rows = rows.filter(status=query["status"])
    if cursor := query.get("cursor"):
        rows = rows.filter(pk__lt=decode_cursor(cursor, UUID)[0])
    found = list(rows[: query["limit"] + 1])
    following = encode_cursor(found[-2].pk) if len(found) > query["limit"] else None
    return found[: query["limit"]], following
