"""How an order is processed: a table of states, read top to bottom and undone bottom to top.

The database owns an execution; Celery only carries it on. Each attempt at a state is written down before it begins and
closed when it ends, so that nothing is done twice and nothing is forgotten. What a state does is safe to repeat, and
happens outside of the transactions that keep the history. A state that does not concern an order is passed by within
such a transaction. The words are those of AWS Step Functions.

Many executions go on side by side, each transaction and statement being for all of them. Where that fails, or one of
them needs a worker's whole attention (a card, a mail, a worker that died), each goes on by itself.
"""

import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from uuid import UUID

from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone

from orders.attempts import (
    TIMEOUT,
    WORKER_LOST,
    Attempt,
    Failure,
    is_free,
    let_go,
    letting_go_if_it_fails,
    present_attempt,
    query,
    without_worker,
)
from orders.histories import log, write
from orders.models import Execution, Order
from orders.states import BY_NAME, FOLLOWING, STATES, Retry, State, each
from orders.transitions import (
    end,
    end_badly,
    fail_attempt,
    go_on,
    is_due,
    is_under_way,
    locked,
    open_attempts,
    succeed,
    write_down,
)
from skybridge.events import Actor
from skybridge.exceptions import Busy, ConcurrentChange, DomainError
from skybridge.messages import send, wake_after_commit

__all__ = ["BY_NAME", "FOLLOWING", "STATES", "TIMEOUT", "WORKER_LOST", "Failure", "Retry", "State"]
logger = logging.getLogger(__name__)
SUSPECTS_LOCK = 0x5C4ED02F
BATCH = 100
CARRY_ON = "orders.carry_on"


def execution_of(order: Order) -> Execution:
    """Return the execution of a locked order."""
    execution = Execution.objects.get(pk=order.pk)
    execution.order = order
    return execution


Outcome = tuple[Attempt, Failure | None]


# --- Carrying on ---


def wake(order_id: UUID) -> None:
    """Let a worker carry an execution on once the present transaction has committed."""
    wake_after_commit(CARRY_ON, str(order_id))


def carry_on(order_ids: Sequence[UUID]) -> None:
    """Carry executions on, and beside them what else is due; what needs a worker of its own gets a message of its own.

    After a whole batch there may be more.
    """
    alone, went_on = advance_together(order_ids, besides=BATCH)
    for order_id in alone[1:]:
        send(CARRY_ON, str(order_id))
    if went_on >= BATCH:
        send(CARRY_ON)
    if alone:
        advance_alone(alone[0])


def advance(order_id: UUID) -> None:
    """Carry an execution on, state after state, until it ends or has to wait. Harmless when nothing is due."""
    for left in advance_together([order_id])[0]:
        advance_alone(left)


def advance_together(order_ids: Sequence[UUID], *, besides: int = 0) -> tuple[list[UUID], int]:
    """Carry executions on side by side, and beside them some that are due and need nothing of their own.

    Returns those that are due still and must go on by themselves, and how many went on.
    """
    with letting_go_if_it_fails():
        attempts, alone = begin_together(order_ids, besides)
        went_on = len(attempts)
        while attempts:
            attempts, more = finish_together(carry_out(attempts))
            alone += more
    return alone, went_on


def advance_alone(order_id: UUID) -> None:
    """Carry on an execution that is not to share its transactions with others."""
    with letting_go_if_it_fails():
        go_through(begin(order_id))


def go_through(attempt: Attempt | None) -> None:
    while attempt:
        [(_, failure)] = carry_out([attempt])
        attempt = finish(attempt, failure)


def begin_together(order_ids: Sequence[UUID], besides: int) -> tuple[list[Attempt], list[UUID]]:
    """Open the attempts that are due; return them, and those executions that are due and must go on by themselves."""
    at = timezone.now()
    try:
        with transaction.atomic():
            executions = [e for e in locked(order_ids, wait=False, besides=besides, at=at) if is_due(e, at)]
            special = [e.pk for e in executions if is_special(e, at)]
            attempts, alone = go_on([e for e in executions if e.pk not in special], at)
            return attempts, special + alone
    except Exception:
        if len(order_ids) + besides <= 1 or not connection.is_usable():
            raise
        logger.exception("%d executions do not begin together", len(order_ids))
        return [], list(order_ids)


def begin(order_id: UUID) -> Attempt | None:
    """Open the attempt that is due, or return None: nothing is, or somebody else is at it."""
    at = timezone.now()
    with transaction.atomic():
        for execution in locked([order_id], wait=False):
            if not is_due(execution, at) or has_to_wait_for_others(execution):
                return None
            if is_over_time(execution, at):
                end_badly(execution, Execution.Status.TIMED_OUT, Failure(TIMEOUT, "The execution took too long."), at)
                return None
            [attempt] = open_attempts([execution], at)
            return attempt
    return None


def is_special(execution: Execution, at: datetime) -> bool:
    """Tell whether an execution is not to begin beside others: it might take them with it."""
    return execution.losses > 0 or is_over_time(execution, at) or execution.state not in BY_NAME


def is_over_time(execution: Execution, at: datetime) -> bool:
    return at >= (execution.redriven_at or execution.started_at) + settings.EXECUTION_TIMEOUT


def has_to_wait_for_others(execution: Execution) -> bool:
    """Tell whether an execution that has lost its worker must wait for another such one that is under way.

    Whatever was at work in a process that one order has killed has lost its worker too. One after another, only the
    order that kills it again is lost again.
    """
    if not execution.losses:
        return False
    others = Execution.objects.filter(losses__gt=0, attempt_started_at__isnull=False)
    return not query("SELECT pg_try_advisory_xact_lock(%s::bigint)", SUSPECTS_LOCK) or others.exists()


def carry_out(attempts: Sequence[Attempt]) -> list[Outcome]:
    """Carry out attempts, those at one state together where it can; return with each why it failed, or None."""
    outcomes: list[Outcome] = []
    for state in BY_NAME.values():
        here = [attempt for attempt in attempts if attempt.state == state.name]
        failed = run(state, [attempt.order_id for attempt in here])
        outcomes += [(attempt, failure_of(attempt, failed.get(attempt.order_id))) for attempt in here]
    return outcomes


def run(state: State, order_ids: Sequence[UUID]) -> Mapping[UUID, Exception]:
    if state.run_all is None or len(order_ids) <= 1:
        return dict(each(state.run, order_ids))
    try:
        return state.run_all(order_ids)
    except Exception as exc:
        return dict.fromkeys(order_ids, exc)


def failure_of(attempt: Attempt, exc: Exception | None) -> Failure | None:
    if exc is None:
        return None
    logger.warning("%s of order %s failed: %s", attempt.state, attempt.order_id, exc, exc_info=exc)
    is_final = isinstance(exc, DomainError) and not isinstance(exc, Busy | ConcurrentChange)
    is_final = is_final and not getattr(exc, "is_temporary", False)
    return Failure(getattr(exc, "code", "") or type(exc).__name__, str(exc), is_final)


def finish_together(outcomes: Sequence[Outcome]) -> tuple[list[Attempt], list[UUID]]:
    """Close attempts and open those that are due next, as `begin_together` does.

    Those of orders that somebody else has locked, and all where that fails, are closed and go on one after another.
    """
    at = timezone.now()
    closed: set[Attempt] = set()
    following: tuple[list[Attempt], list[UUID]] = ([], [])
    try:
        with transaction.atomic():
            closed, following = close(outcomes, at, wait=len(outcomes) == 1)
    except Exception:
        if len(outcomes) == 1 or not connection.is_usable():
            raise
        logger.exception("%d attempts do not end together", len(outcomes))
    for attempt, failure in outcomes:
        if attempt not in closed:
            with surviving(attempt.order_id):
                go_through(finish(attempt, failure))
    return following


def finish(attempt: Attempt, failure: Failure | None) -> Attempt | None:
    """Close an attempt and return the next one that is due now, if there is one."""
    at = timezone.now()
    with transaction.atomic():
        _, (following, _) = close([(attempt, failure)], at)
    return following[0] if following else None


def close(
    outcomes: Sequence[Outcome], at: datetime, *, wait: bool = True
) -> tuple[set[Attempt], tuple[list[Attempt], list[UUID]]]:
    """Close the attempts whose orders can be locked; return them, and what comes next, as `go_on` does."""
    executions = {e.pk: e for e in locked([attempt.order_id for attempt, _ in outcomes], wait=wait)}
    closed = {attempt for attempt, _ in outcomes if wait or attempt.order_id in executions}
    present = []
    for attempt, failure in outcomes:
        execution = executions.get(attempt.order_id)
        if execution is None or not is_under_way(execution, attempt):
            continue  # it was stopped, or given up as timed out; what the attempt did is safe to repeat
        if failure:
            fail_attempt(execution, failure, at)
        else:
            succeed(execution, at)
        present.append(execution)
    following = go_on(present, at)
    let_go(closed)  # nobody looks at them before the transaction, which has locked the orders, is over
    return closed, following


# --- Attempts whose worker died, and attempts that take too long ---


def sweep() -> None:
    """Take up what stands still: lost and overlong attempts, and whatever is due."""
    at = timezone.now()
    for order_id in standing_still(at):
        with surviving(order_id):
            give_up_if_lost(order_id, at)
    alone, went_on = advance_together(due(at))
    if went_on >= BATCH:
        send(CARRY_ON)
    for order_id in alone:
        with surviving(order_id):
            advance_alone(order_id)


@contextmanager
def surviving(order_id: UUID) -> Iterator[None]:
    """Log what goes wrong with one execution; the others go on. Without a database there are no others."""
    try:
        yield
    except Exception:
        logger.exception("the execution of order %s stands still", order_id)
        if not connection.is_usable():
            raise


def standing_still(at: datetime) -> list[UUID]:
    """Return the executions whose attempt has lost its worker, or takes too long. Two statements."""
    rows = Execution.objects.filter(attempt_started_at__isnull=False).order_by("attempt_started_at")
    attempts = {present_attempt(execution): execution for execution in rows}
    lost = without_worker(list(attempts))
    return [e.pk for attempt, e in attempts.items() if attempt in lost or (e.due_at and e.due_at <= at)]


def due(at: datetime) -> list[UUID]:
    rows = Execution.objects.filter(due_at__lte=at, attempt_started_at=None).order_by("due_at")
    return list(rows.values_list("pk", flat=True)[:BATCH])


def give_up_if_lost(order_id: UUID, at: datetime) -> None:
    """Close an open attempt whose worker died or whose time is over, so that the next one can begin."""
    with transaction.atomic():
        for execution in locked([order_id], wait=False):
            if execution.attempt_started_at is None:
                return
            attempt = present_attempt(execution)
            if is_free(attempt):
                cause = f"The worker died while it was at {attempt.state}, attempt {attempt.number}."
                fail_attempt(execution, Failure(WORKER_LOST, cause), at)
            elif execution.due_at is not None and execution.due_at <= at:
                seconds = BY_NAME[attempt.state].timeout.total_seconds()
                fail_attempt(execution, Failure(TIMEOUT, f"{attempt.state} took longer than {seconds:.0f} s."), at)
            write_down([execution], at)


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
    write([execution])
    execution.move_to(
        Execution.Status.RUNNING, actor=actor, at=at, redrive_count=count, redriven_at=at, stopped_at=None, due_at=at,
        attempt=0, losses=0, error="", cause="", last_event_id=execution.last_event_id,
    )  # fmt: skip
    wake(execution.pk)
