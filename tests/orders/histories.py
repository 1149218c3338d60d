"""Histories of executions as the workflow writes them, for tests that only look: no row is saved here."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from orders.models import Execution, ExecutionEvent, Order

START = datetime(2026, 5, 3, 14, 0, tzinfo=UTC)
ORDER_ID = UUID("0190d3a8-8b10-7b10-8d55-0f2a6a1e4c88")
STATES = ("TakePayment", "ConfirmBookings", "IssueTickets", "BackUp", "Notify")


def after(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


class History:
    """Lines of a history, written attempt by attempt; times are seconds after the start."""

    def __init__(self) -> None:
        self.events: list[ExecutionEvent] = []
        self.add(0, "ExecutionStarted")

    def add(self, at: float, type_: str, state: str = "", **details: Any) -> "History":
        number = len(self.events) + 1
        event = ExecutionEvent(
            execution_id=ORDER_ID, event_id=number, type=type_, at=after(at), state=state, details=details
        )
        self.events.append(event)
        return self

    def opens(self, at: float, state: str, attempt: int = 1) -> "History":
        if attempt == 1:
            self.add(at, "TaskStateEntered", state)
        return self.add(at, "TaskScheduled", state, attempt=attempt, timeoutInSeconds=60).add(at, "TaskStarted", state)

    def succeeds(self, at: float, state: str, until: float, attempt: int = 1) -> "History":
        self.opens(at, state, attempt).add(until, "TaskSucceeded", state)
        return self.add(until, "TaskStateExited", state)

    def fails(
        self, at: float, state: str, until: float, attempt: int = 1, error: str = "Busy", cause: str = "Try later."
    ) -> "History":
        type_ = "TaskTimedOut" if error == "States.Timeout" else "TaskFailed"
        return self.opens(at, state, attempt).add(until, type_, state, error=error, cause=cause)

    def succeed_all(self, *states: str, at: float = 0) -> "History":
        for number, state in enumerate(states):
            self.succeeds(at + number, state, at + number + 0.5)
        return self


def execution(status: str, state: str, *, order: str = "processing", **fields: Any) -> Execution:
    """Return an execution of an order, neither saved; times may be given as seconds after the start."""
    times = {name: after(at) for name, at in fields.items() if name.endswith("_at")}
    sold = Order(pk=ORDER_ID, status=order, currency="USD", total_amount=1)
    return Execution(order=sold, status=status, state=state, started_at=START, **fields | times)
