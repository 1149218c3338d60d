"""The history of an execution, written together with the execution itself: any number of them in one statement."""

import json
from collections.abc import Sequence
from datetime import datetime

from django.db import connection

from orders.models import Execution

COLUMNS = ("state", "attempt", "losses", "attempt_started_at", "due_at", "error", "cause", "last_event_id")
WRITE = """
WITH lines AS (
    INSERT INTO orders_executionevent (execution_id, event_id, type, at, state, details)
    SELECT l.execution_id, l.event_id, l.type, l.at, l.state, l.details
    FROM jsonb_to_recordset(%(lines)s::jsonb) AS l (execution_id uuid, event_id int, type text, at timestamptz,
        state text, details jsonb)
)
UPDATE orders_execution e SET state = x.state, attempt = x.attempt, losses = x.losses,
    attempt_started_at = x.attempt_started_at, due_at = x.due_at, error = x.error, cause = x.cause,
    last_event_id = x.last_event_id
FROM jsonb_to_recordset(%(executions)s::jsonb) AS x (order_id uuid, state text, attempt int, losses int,
    attempt_started_at timestamptz, due_at timestamptz, error text, cause text, last_event_id int)
WHERE e.order_id = x.order_id
"""


def log(execution: Execution, at: datetime, *lines: tuple[str, str, dict]) -> None:
    """Add lines (type, state, details) to a locked execution's history; they are written with the execution itself."""
    for type_, state, details in lines:
        execution.last_event_id += 1
        execution.unwritten.append(
            {
                "execution_id": execution.pk,
                "event_id": execution.last_event_id,
                "type": type_,
                "at": at,
                "state": state,
                "details": details,
            }
        )


def write(executions: Sequence[Execution]) -> None:
    """Write locked executions with the new lines of their histories; not their status. One statement."""
    if not executions:
        return
    rows = [{"order_id": e.pk} | {name: getattr(e, name) for name in COLUMNS} for e in executions]
    lines = [line for execution in executions for line in execution.unwritten]
    with connection.cursor() as cursor:
        cursor.execute(WRITE, {"lines": json.dumps(lines, default=str), "executions": json.dumps(rows, default=str)})
    for execution in executions:
        execution.unwritten.clear()
