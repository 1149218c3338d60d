"""How an order is processed: a table of states, read top to bottom and undone bottom to top.

The database owns an execution; Celery only carries it on. Each attempt at a state is written down before it begins and
closed when it ends, so that nothing is done twice and nothing is forgotten. While an attempt is under way its worker
holds an advisory lock: an open attempt whose lock is free has lost its worker. What a state does is safe to repeat, and
happens outside of the transactions that keep the history. The words are those of AWS Step Functions.
"""

import hashlib
import logging
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from django.conf import settings
from django.db import Error, connection, transaction
from django.utils import timezone

from orders import backups, steps
from orders.models import Execution, ExecutionEvent, Order
from orders.steps import WORKFLOW
from skybridge.events import Actor
from skybridge.exceptions import Busy, ConcurrentChange, DomainError
from skybridge.messages import send_after_commit

logger = logging.getLogger(__name__)
WORKER_LOST, TIMEOUT, TASK_FAILED = "WorkerLost", "States.Timeout", "States.TaskFailed"
MOST_LOSSES = 3
SUSPECTS_LOCK = 0x5C4ED02F
BATCH = 100


def execution_of(order: Order) -> Execution:
    """Return the execution of a locked order."""
    execution = Execution.objects.get(pk=order.pk)
    execution.order = order
    return execution


class Retry(NamedTuple):
    """Wait `interval` seconds before the second attempt, `backoff` times longer each time, at most `longest`.

    The wait is drawn between half and the whole of that, so that what failed together does not come back together.
    """

    interval: float = 1
    backoff: float = 2
    longest: float = 60
    attempts: int = 5

    def pause(self, attempt: int) -> timedelta:
        whole = min(self.interval * self.backoff ** min(attempt - 1, 30), self.longest)
        return timedelta(seconds=whole * random.uniform(0.5, 1))


class State(NamedTuple):
    """One step. `run` carries it out for an order id; `undo` takes it back in the transaction that cancels the order.

    The failure of one that is not essential stays in the history, and the execution goes on.
    """

    name: str
    run: Callable[[UUID], None]
    undo: Callable[[steps.Undoing], None] | None = None
    timeout: timedelta = timedelta(seconds=60)
    retry: Retry = Retry()
    is_essential: bool = True


STATES = (
    State("TakePayment", steps.take_payment, steps.give_payment_back, retry=Retry(attempts=20)),
    State("ConfirmBookings", steps.confirm_bookings, steps.give_seats_back),
    State("IssueTickets", steps.issue_tickets),
    State("BackUp", steps.back_up, is_essential=False),  # what is not stored then is stored when the store is back
    State("Notify", steps.notify, retry=Retry(attempts=8), is_essential=False),
)
BY_NAME = {state.name: state for state in STATES}
FOLLOWING = {state.name: after for state, after in zip(STATES, (*STATES[1:], None), strict=True)}


class Attempt(NamedTuple):
    """One attempt at one state of one execution; `lock` is what its worker holds meanwhile."""

    order_id: UUID
    state: State
    number: int
    redrive: int

    @property
    def lock(self) -> int:
        text = f"{self.order_id} {self.redrive} {self.state.name} {self.number}"
        return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big", signed=True)


class Failure(NamedTuple):
    """Why an attempt failed; a final one is not tried again."""

    error: str
    cause: str
    is_final: bool = False


def wake(order_id: UUID) -> None:
    """Let a worker carry an execution on once the present transaction has committed."""
    send_after_commit("orders.carry_on", str(order_id))


def advance(order_id: UUID) -> None:
    """Carry an execution on, state after state, until it ends or has to wait. Harmless when nothing is due."""
    with letting_go_if_it_fails():
        attempt = begin(order_id)
        while attempt:
            failure = carry_out(attempt)
            attempt = finish(attempt, failure)


def begin(order_id: UUID) -> Attempt | None:
    """Open the attempt that is due, or return None: nothing is, or somebody else is at it."""
    at = timezone.now()
    with transaction.atomic():
        execution = locked(order_id, wait=False)
        if execution is None or not is_due(execution, at) or has_to_wait_for_others(execution):
            return None
        if at >= (execution.redriven_at or execution.started_at) + settings.EXECUTION_TIMEOUT:
            end_badly(execution, Execution.Status.TIMED_OUT, Failure(TIMEOUT, "The execution took too long."), at)
            return None
        return go_on(execution, at)


def has_to_wait_for_others(execution: Execution) -> bool:
    """Tell whether an execution that has lost its worker must wait for another such one that is under way.

    Whatever was at work in a process that one order has killed has lost its worker too. One after another, only the
    order that kills it again is lost again.
    """
    if not execution.losses:
        return False
    others = Execution.objects.filter(losses__gt=0, attempt_started_at__isnull=False)
    return not query("SELECT pg_try_advisory_xact_lock(%s::bigint)", SUSPECTS_LOCK) or others.exists()


def carry_out(attempt: Attempt) -> Failure | None:
    """Carry out a state; return why it failed, or None."""
    try:
        attempt.state.run(attempt.order_id)
    except Exception as exc:
        logger.warning("%s of order %s failed: %s", attempt.state.name, attempt.order_id, exc, exc_info=exc)
        is_final = isinstance(exc, DomainError) and not isinstance(exc, Busy | ConcurrentChange)
        is_final = is_final and not getattr(exc, "is_temporary", False)
        return Failure(getattr(exc, "code", "") or type(exc).__name__, str(exc), is_final)
    return None


def finish(attempt: Attempt, failure: Failure | None) -> Attempt | None:
    """Close an attempt and return the next one that is due now, if there is one."""
    at = timezone.now()
    with transaction.atomic():
        following = close(attempt, failure, at)
        let_go(attempt)  # nobody looks at it before the transaction, which has locked the order, is over
    return following


def close(attempt: Attempt, failure: Failure | None, at: datetime) -> Attempt | None:
    execution = locked(attempt.order_id)
    if execution is None or not is_under_way(execution, attempt):
        return None  # it was stopped, or given up as timed out; what the attempt did is safe to repeat
    if failure:
        fail_attempt(execution, attempt, failure, at)
    else:
        succeed(execution, attempt, at)
    return go_on(execution, at)


def go_on(execution: Execution, at: datetime) -> Attempt | None:
    """Open the attempt of a locked execution that is due now, if there is one, and write the execution down."""
    attempt = open_attempt(execution, at) if is_due(execution, at) else None
    if execution.status == Execution.Status.RUNNING:
        save(execution)
    return attempt


def locked(order_id: UUID, *, wait: bool = True) -> Execution | None:
    """Lock an order and return its execution; without waiting, None when somebody else holds the lock."""
    orders = Order.objects.filter(pk=order_id).select_for_update(skip_locked=not wait)
    order = orders.first()
    if order is None:
        return None
    execution = Execution.objects.get(pk=order_id)
    execution.order = order
    return execution


def is_due(execution: Execution, at: datetime) -> bool:
    running = execution.status == Execution.Status.RUNNING and execution.attempt_started_at is None
    return running and execution.due_at is not None and execution.due_at <= at


def is_under_way(execution: Execution, attempt: Attempt) -> bool:
    present = (execution.state, execution.attempt, execution.redrive_count)
    return (
        execution.status == Execution.Status.RUNNING
        and execution.attempt_started_at is not None
        and present == (attempt.state.name, attempt.number, attempt.redrive)
    )


def open_attempt(execution: Execution, at: datetime) -> Attempt:
    """Write down that an attempt at the present state begins, and hold its lock from before that commits."""
    state = BY_NAME[execution.state]
    if execution.attempt == 0:
        enter(execution, state, at)
    execution.attempt += 1
    execution.attempt_started_at, execution.due_at = at, at + state.timeout
    details = {"attempt": execution.attempt, "timeoutInSeconds": int(state.timeout.total_seconds())}
    log(execution, at, ("TaskScheduled", state.name, details), ("TaskStarted", state.name, {}))
    attempt = Attempt(execution.pk, state, execution.attempt, execution.redrive_count)
    hold(attempt)
    return attempt


def enter(execution: Execution, state: State, at: datetime) -> None:
    log(execution, at, ("TaskStateEntered", state.name, {}))
    order = execution.order
    if order.status == Order.Status.PENDING:
        order.move_to(Order.Status.PROCESSING, actor=WORKFLOW, at=at, **order.touched(at))
        backups.keep(order.pk, at=at)


def succeed(execution: Execution, attempt: Attempt, at: datetime) -> None:
    log(execution, at, ("TaskSucceeded", attempt.state.name, {}))
    leave(execution, attempt.state, at)


def leave(execution: Execution, state: State, at: datetime) -> None:
    """Go on to the following state, or end the execution."""
    log(execution, at, ("TaskStateExited", state.name, {}))
    execution.attempt = execution.losses = 0
    execution.attempt_started_at = None
    if following := FOLLOWING[state.name]:
        execution.state, execution.due_at = following.name, at
        return
    log(execution, at, ("ExecutionSucceeded", "", {}))
    end(execution, Execution.Status.SUCCEEDED, at)
    Order.objects.filter(pk=execution.pk).update(**execution.order.touched(at))
    backups.keep(execution.pk, at=at)


def fail_attempt(execution: Execution, attempt: Attempt, failure: Failure, at: datetime) -> None:
    """Plan the next attempt, or let the execution fail."""
    type_ = "TaskTimedOut" if failure.error == TIMEOUT else "TaskFailed"
    log(execution, at, (type_, attempt.state.name, {"error": failure.error, "cause": failure.cause}))
    execution.attempt_started_at = None
    execution.losses += failure.error == WORKER_LOST
    retry = attempt.state.retry
    is_last = failure.is_final or attempt.number >= retry.attempts or execution.losses >= MOST_LOSSES
    if not is_last:
        execution.due_at = at + retry.pause(attempt.number)
    elif attempt.state.is_essential:
        end_badly(execution, Execution.Status.FAILED, failure, at)
    else:
        leave(execution, attempt.state, at)


def end_badly(execution: Execution, status: str, failure: Failure, at: datetime) -> None:
    """End an execution as FAILED or TIMED_OUT. The order fails with it, and keeps what it has taken for a while.

    What was refused for good, such as a card, keeps it less long: nobody shall block seats with cards that do not pay.
    """
    type_ = "ExecutionTimedOut" if status == Execution.Status.TIMED_OUT else "ExecutionFailed"
    log(execution, at, (type_, "", {"error": failure.error, "cause": failure.cause}))
    end(execution, status, at, error=failure.error[:100], cause=failure.cause)
    order = execution.order
    lifetime = settings.REFUSED_ORDER_LIFETIME if failure.is_final else settings.FAILED_ORDER_LIFETIME
    if Order.Status.FAILED in Order.TRANSITIONS.get(order.status, ()):
        order.move_to(
            Order.Status.FAILED, actor=WORKFLOW, reason=failure.cause, at=at,
            lapses_at=at + lifetime, **order.touched(at),
        )  # fmt: skip
    else:
        Order.objects.filter(pk=order.pk).update(**order.touched(at))
    backups.keep(order.pk, at=at)


def end(execution: Execution, status: str, at: datetime, *, actor: Actor = WORKFLOW, error="", cause="") -> None:
    write_history(execution)
    execution.move_to(
        status, actor=actor, reason=cause, at=at, stopped_at=at, due_at=None, attempt_started_at=None,
        attempt=execution.attempt, losses=execution.losses, last_event_id=execution.last_event_id, error=error,
        cause=cause,
    )  # fmt: skip


def save(execution: Execution) -> None:
    write_history(execution)
    execution.save(
        update_fields=["state", "attempt", "losses", "attempt_started_at", "due_at", "last_event_id", "cause", "error"]
    )


def log(execution: Execution, at: datetime, *lines: tuple[str, str, dict]) -> None:
    """Add lines (type, state, details) to a locked execution's history; they are written with the execution itself."""
    for type_, state, details in lines:
        execution.last_event_id += 1
        execution.unwritten.append(
            ExecutionEvent(
                execution=execution, event_id=execution.last_event_id, type=type_, at=at, state=state, details=details
            )
        )


def write_history(execution: Execution) -> None:
    """Write the new lines, in one statement."""
    ExecutionEvent.objects.bulk_create(execution.unwritten)
    execution.unwritten.clear()


# --- Attempts whose worker died, and attempts that take too long ---


def sweep() -> None:
    """Take up what stands still: lost and overlong attempts, and whatever is due. Each in a transaction of its own."""
    at = timezone.now()
    for order_id in under_way():
        with surviving(order_id):
            give_up_if_lost(order_id, at)
    for order_id in due(at):
        with surviving(order_id):
            advance(order_id)


@contextmanager
def surviving(order_id: UUID) -> Iterator[None]:
    """Log what goes wrong with one execution; the others go on. Without a database there are no others."""
    try:
        yield
    except Exception:
        logger.exception("the execution of order %s stands still", order_id)
        if not connection.is_usable():
            raise


def under_way() -> list[UUID]:
    rows = Execution.objects.filter(attempt_started_at__isnull=False).order_by("attempt_started_at")
    return list(rows.values_list("pk", flat=True))


def due(at: datetime) -> list[UUID]:
    rows = Execution.objects.filter(due_at__lte=at, attempt_started_at=None).order_by("due_at")
    return list(rows.values_list("pk", flat=True)[:BATCH])


def give_up_if_lost(order_id: UUID, at: datetime) -> None:
    """Close an open attempt whose worker died or whose time is over, so that the next one can begin."""
    with transaction.atomic():
        execution = locked(order_id, wait=False)
        if execution is None or execution.attempt_started_at is None:
            return
        state = BY_NAME[execution.state]
        attempt = Attempt(order_id, state, execution.attempt, execution.redrive_count)
        if is_free(attempt):
            cause = f"The worker died while it was at {state.name}, attempt {attempt.number}."
            fail_attempt(execution, attempt, Failure(WORKER_LOST, cause), at)
        elif execution.due_at is not None and execution.due_at <= at:
            cause = f"{state.name} took longer than {state.timeout.total_seconds():.0f} s."
            fail_attempt(execution, attempt, Failure(TIMEOUT, cause), at)
        if execution.status == Execution.Status.RUNNING:
            save(execution)


def hold(attempt: Attempt) -> None:
    query("SELECT pg_advisory_lock(%s::bigint)", attempt.lock)


def let_go(attempt: Attempt) -> None:
    query("SELECT pg_advisory_unlock(%s::bigint)", attempt.lock)


@contextmanager
def letting_go_if_it_fails() -> Iterator[None]:
    """Hold no lock of an attempt that was never written down. A session's locks outlive its transactions."""
    try:
        yield
    except BaseException:
        with suppress(Error):
            query("SELECT pg_advisory_unlock_all()")
        raise


def is_free(attempt: Attempt) -> bool:
    """Tell whether nobody holds an attempt's lock; if so, hold it to the end of the transaction."""
    return query("SELECT pg_try_advisory_xact_lock(%s::bigint)", attempt.lock)


def query(sql: str, *parameters):
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return cursor.fetchone()[0]


# --- What people do to executions ---


def stop(execution: Execution, *, actor: Actor, reason: str, at: datetime) -> None:
    """End a running execution of a locked order as ABORTED. Whoever cancels the order undoes its states."""
    log(execution, at, ("ExecutionAborted", "", {"error": "Aborted", "cause": reason}))
    end(execution, Execution.Status.ABORTED, at, actor=actor, error="Aborted", cause=reason)


def fail(execution: Execution, *, actor: Actor, reason: str, at: datetime) -> None:
    """End a running execution of a locked order as FAILED because somebody says so."""
    log(execution, at, ("ExecutionFailed", "", {"error": "Failed", "cause": reason}))
    end(execution, Execution.Status.FAILED, at, actor=actor, error="Failed", cause=reason)


def redrive(execution: Execution, *, actor: Actor, at: datetime) -> None:
    """Continue a failed execution of a locked order at the state that failed; the states before are not repeated."""
    count = execution.redrive_count + 1
    log(execution, at, ("ExecutionRedriven", "", {"redriveCount": count}))
    write_history(execution)
    execution.move_to(
        Execution.Status.RUNNING, actor=actor, at=at, redrive_count=count, redriven_at=at, stopped_at=None, due_at=at,
        attempt=0, losses=0, error="", cause="", last_event_id=execution.last_event_id,
    )  # fmt: skip
    wake(execution.pk)
