"""How executions whose orders are locked go on: from state to state, to their end, and into the database.

Everything is done for all of them at once, and written down by the same few statements however many they are.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from django.conf import settings
from django.db.models import F

from orders import backups
from orders.attempts import TIMEOUT, WORKER_LOST, Attempt, Failure, hold, present_attempt
from orders.histories import log, write
from orders.models import Execution, Order
from orders.states import BY_NAME, FOLLOWING, State
from orders.steps import WORKFLOW
from skybridge.events import Actor

MOST_LOSSES = 3
LOOKED_AT = 1000  # what is due next: a bound that the planner sees


def locked(
    order_ids: Sequence[UUID], *, wait: bool = True, besides: int = 0, at: datetime | None = None
) -> list[Execution]:
    """Lock orders and return their executions; without waiting, those that nobody else has locked.

    `besides` is how many more may come with them: such as are due `at` that moment and need neither a card nor a mail.
    """
    named = Order.objects.order_by("pk").filter(pk__in=order_ids)
    orders = list(named.select_for_update(skip_locked=not wait)) if order_ids else []
    if besides:
        orders += plain_due(at).select_for_update(of=("self",), skip_locked=True)[:besides]
    by_id = {order.pk: order for order in orders}
    executions = list(Execution.objects.filter(pk__in=by_id).with_contents()) if by_id else []
    for execution in executions:
        execution.order = by_id[execution.pk]
    return executions


def plain_due(at: datetime | None):
    """Return the orders, of the next ones that are due, that need neither a card nor a mail."""
    due = Execution.objects.filter(due_at__lte=at, attempt_started_at=None, losses=0).order_by("due_at")
    orders = Order.objects.filter(payment_method=Order.PaymentMethod.ACCOUNT, contact_email="")
    return orders.filter(pk__in=due.values("pk")[:LOOKED_AT]).order_by("pk")


def is_due(execution: Execution, at: datetime) -> bool:
    running = execution.status == Execution.Status.RUNNING and execution.attempt_started_at is None
    return running and execution.due_at is not None and execution.due_at <= at


def is_under_way(execution: Execution, attempt: Attempt) -> bool:
    is_open = execution.status == Execution.Status.RUNNING and execution.attempt_started_at is not None
    return is_open and present_attempt(execution) == attempt


def go_on(executions: Sequence[Execution], at: datetime) -> tuple[list[Attempt], list[UUID]]:
    """Let locked executions pass what does not concern them, open the attempts that are due, and write all down.

    Returns the attempts, and the executions whose next state is not for many at once.
    """
    start(executions, at)
    for state in BY_NAME.values():
        pass_by(state, [e for e in executions if e.state == state.name and not e.attempt and is_due(e, at)], at)
    due = [e for e in executions if is_due(e, at)]
    opening = [e for e in due if len(executions) == 1 or BY_NAME[e.state].run_all]
    attempts = open_attempts(opening, at)
    write_down([e for e in executions if e.attempt_started_at is None], at)
    return attempts, [e.pk for e in due if e.attempt_started_at is None]


def start(executions: Sequence[Execution], at: datetime) -> None:
    """Let orders whose processing begins say so."""
    orders = [e.order for e in executions if e.order.status == Order.Status.PENDING and is_due(e, at)]
    if orders:
        Order.move_all(
            orders, Order.Status.PROCESSING, actor=WORKFLOW, at=at, version=F("version") + 1, updated_at=at
        )  # fmt: skip
        for order in orders:
            order.version += 1
        backups.keep_all([order.pk for order in orders], at=at)


def pass_by(state: State, executions: Sequence[Execution], at: datetime) -> None:
    """Let those executions at a state that it does not concern go on to the next one."""
    passing = [execution for execution in executions if not state.concerns(execution)]
    if passing:
        state.settle(passing, at)
    for execution in passing:
        enter(execution, state, at)
        succeed(execution, at)


def open_attempts(executions: Sequence[Execution], at: datetime) -> list[Attempt]:
    """Write down that attempts at the present states begin, and hold their locks from before that commits."""
    start(executions, at)
    for execution in executions:
        state = BY_NAME[execution.state]
        enter(execution, state, at)
        execution.attempt_started_at, execution.due_at = at, at + state.timeout
    write(executions)
    attempts = [present_attempt(execution) for execution in executions]
    if attempts:
        hold(attempts)
    return attempts


def enter(execution: Execution, state: State, at: datetime) -> None:
    """Begin another attempt at a state."""
    if execution.attempt == 0:
        log(execution, at, ("TaskStateEntered", state.name, {}))
    execution.attempt += 1
    details = {"attempt": execution.attempt, "timeoutInSeconds": int(state.timeout.total_seconds())}
    log(execution, at, ("TaskScheduled", state.name, details), ("TaskStarted", state.name, {}))


def succeed(execution: Execution, at: datetime) -> None:
    log(execution, at, ("TaskSucceeded", execution.state, {}))
    leave(execution, at)


def leave(execution: Execution, at: datetime) -> None:
    """Go on to the following state; after the last one nothing is due any more."""
    log(execution, at, ("TaskStateExited", execution.state, {}))
    following = FOLLOWING[execution.state]
    execution.attempt = execution.losses = 0
    execution.attempt_started_at, execution.due_at = None, at if following else None
    if following:
        execution.state = following.name
    else:
        log(execution, at, ("ExecutionSucceeded", "", {}))


def write_down(executions: Sequence[Execution], at: datetime) -> None:
    """Write executions that wait; those that have left the last state end, and make their orders' last versions."""
    running = [execution for execution in executions if execution.status == Execution.Status.RUNNING]
    write(running)
    over = [execution for execution in running if execution.due_at is None]
    if over:
        ids = [execution.pk for execution in over]
        Execution.move_all(over, Execution.Status.SUCCEEDED, actor=WORKFLOW, at=at, stopped_at=at)
        Order.objects.filter(pk__in=ids).update(version=F("version") + 1, updated_at=at)
        backups.keep_all(ids, at=at)


def fail_attempt(execution: Execution, failure: Failure, at: datetime) -> None:
    """Plan the next attempt, or let the execution fail."""
    state = BY_NAME[execution.state]
    type_ = "TaskTimedOut" if failure.error == TIMEOUT else "TaskFailed"
    log(execution, at, (type_, state.name, {"error": failure.error, "cause": failure.cause}))
    execution.attempt_started_at = None
    execution.losses += failure.error == WORKER_LOST
    is_last = failure.is_final or execution.attempt >= state.retry.attempts or execution.losses >= MOST_LOSSES
    if not is_last:
        execution.due_at = at + state.retry.pause(execution.attempt)
    elif state.is_essential:
        end_badly(execution, Execution.Status.FAILED, failure, at)
    else:
        leave(execution, at)


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
    write([execution])
    execution.move_to(
        status, actor=actor, reason=cause, at=at, stopped_at=at, due_at=None, attempt_started_at=None, error=error,
        cause=cause,
    )  # fmt: skip
