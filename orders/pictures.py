"""What is to be seen of an execution: its states, attempts and runs, read from its history. No database, no clock."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import groupby
from typing import NamedTuple

from orders.models import Execution, ExecutionEvent, Order
from orders.workflow import WORKER_LOST, State


class Condition(StrEnum):
    """How a state stands. The words are those that people read."""

    DONE = "done"
    RUNNING = "running"
    WAITING = "waiting"  # for a retry
    FAILED = "failed"
    PASSED_OVER = "passed over"  # it failed, is not essential, and the execution went on
    STOPPED = "stopped"
    UNDONE = "undone"
    NEXT = "next"
    NOT_REACHED = "not reached"

    @property
    def css(self) -> str:
        return self.replace(" ", "-")


class Result(StrEnum):
    """What came of an attempt."""

    UNDER_WAY = "under way"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    TIMED_OUT = "timed out"
    WORKER_LOST = "worker lost"
    STOPPED = "stopped"

    @property
    def condition(self) -> Condition:
        """Return the condition that looks like it."""
        return LOOKS[self]


LOOKS = {
    Result.UNDER_WAY: Condition.RUNNING,
    Result.SUCCEEDED: Condition.DONE,
    Result.FAILED: Condition.FAILED,
    Result.TIMED_OUT: Condition.FAILED,
    Result.WORKER_LOST: Condition.FAILED,
    Result.STOPPED: Condition.STOPPED,
}
CLOSING = {"TaskSucceeded": Result.SUCCEEDED, "TaskFailed": Result.FAILED, "TaskTimedOut": Result.TIMED_OUT}
ENDING = ("ExecutionSucceeded", "ExecutionFailed", "ExecutionTimedOut", "ExecutionAborted")


class Try(NamedTuple):
    """One attempt at a state. Numbers begin anew with each redrive."""

    state: str
    number: int
    redrive: int
    started_at: datetime
    ended_at: datetime | None = None
    result: Result = Result.UNDER_WAY
    error: str = ""
    cause: str = ""

    def took(self, at: datetime) -> timedelta:
        """Return how long it took, or has been under way."""
        return max((self.ended_at or at) - self.started_at, timedelta(0))

    @property
    def name(self) -> str:
        """Return its number, after a redrive with which one."""
        return f"{self.number} (redrive {self.redrive})" if self.redrive else str(self.number)


class Run(NamedTuple):
    """A time in which an execution ran: from its start or a redrive to its end. An open one has no end."""

    redrive: int
    started_at: datetime
    ended_at: datetime | None = None


class Step(NamedTuple):
    """A state of the workflow as one execution has it."""

    name: str
    condition: Condition
    tries: Sequence[Try]
    retry_at: datetime | None = None

    @property
    def last_try(self) -> Try | None:
        return self.tries[-1] if self.tries else None

    def took(self, at: datetime) -> timedelta:
        """Return the time of all its attempts, without the waiting between them."""
        return sum((attempt.took(at) for attempt in self.tries), timedelta(0))


class Picture(NamedTuple):
    """An execution as it stands at a moment."""

    status: str
    at: datetime
    started_at: datetime
    stopped_at: datetime | None
    steps: Sequence[Step]
    runs: Sequence[Run]

    @property
    def tries(self) -> list[Try]:
        """Return all attempts as they came one after the other."""
        found = [attempt for step in self.steps for attempt in step.tries]
        return sorted(found, key=lambda attempt: (attempt.redrive, attempt.started_at))

    @property
    def took(self) -> timedelta:
        return max((self.stopped_at or self.at) - self.started_at, timedelta(0))

    @property
    def ran(self) -> timedelta:
        """Return the time between start or redrive and end, without the standing still before a redrive."""
        return sum((max((run.ended_at or self.at) - run.started_at, timedelta(0)) for run in self.runs), timedelta(0))


def picture_of(
    execution: Execution, history: Iterable[ExecutionEvent], states: Sequence[State], at: datetime
) -> Picture:
    """Return what is to be seen of an execution (with its order), whose whole history is given in order."""
    events = list(history)
    tries = tries_of(events)
    steps = tuple(
        step_of(state, execution, states, tuple(t for t in tries if t.state == state.name)) for state in states
    )
    return Picture(execution.status, at, execution.started_at, execution.stopped_at, steps, runs_of(events, execution))


def tries_of(history: Iterable[ExecutionEvent]) -> list[Try]:
    """Return the attempts of a history: the lines that open them paired with those that close them."""
    tries: list[Try] = []
    redrive = 0
    for event in history:
        redrive += event.type == "ExecutionRedriven"
        if event.type == "TaskScheduled":
            tries.append(Try(event.state, event.details["attempt"], redrive, event.at))
        elif tries and tries[-1].ended_at is None:
            tries[-1] = closed(tries[-1], event)
    return tries


def closed(attempt: Try, event: ExecutionEvent) -> Try:
    """Return an attempt as a line of the history leaves it."""
    if event.type in CLOSING:
        error, cause = event.details.get("error", ""), event.details.get("cause", "")
        result = Result.WORKER_LOST if error == WORKER_LOST else CLOSING[event.type]
        return attempt._replace(ended_at=event.at, result=result, error=error, cause=cause)
    if event.type in ENDING:
        cause = event.details.get("cause", "")
        return attempt._replace(ended_at=event.at, result=Result.STOPPED, cause=cause)
    return attempt


def runs_of(history: Iterable[ExecutionEvent], execution: Execution) -> list[Run]:
    """Return when an execution ran."""
    runs = [Run(0, execution.started_at)]
    for event in history:
        if event.type in ENDING:
            runs[-1] = runs[-1]._replace(ended_at=event.at)
        elif event.type == "ExecutionRedriven":
            runs.append(Run(len(runs), event.at))
    return runs


def step_of(state: State, execution: Execution, states: Sequence[State], tries: Sequence[Try]) -> Step:
    condition = condition_of(state, execution, states, tries)
    if condition is Condition.DONE and state.undo and is_undone(execution):
        condition = Condition.UNDONE
    return Step(state.name, condition, tries, execution.due_at if condition is Condition.WAITING else None)


def is_undone(execution: Execution) -> bool:
    """Tell whether the states were undone: whoever cancels an order undoes them, running or not."""
    return execution.status == Execution.Status.ABORTED or execution.order.status == Order.Status.CANCELLED


def condition_of(state: State, execution: Execution, states: Sequence[State], tries: Sequence[Try]) -> Condition:
    names = [each.name for each in states]
    place = names.index(state.name)
    present = names.index(execution.state) if execution.state in names else len(names)
    if place < present or execution.status == Execution.Status.SUCCEEDED:
        return past_condition(tries)
    if place == present:
        return present_condition(execution)
    is_following = place == present + 1 and present_condition(execution) in (Condition.RUNNING, Condition.WAITING)
    return Condition.NEXT if is_following else Condition.NOT_REACHED


def past_condition(tries: Sequence[Try]) -> Condition:
    """Return how a state stands that the execution has left."""
    if not tries:
        return Condition.NOT_REACHED  # the workflow did not have it then
    return Condition.DONE if tries[-1].result is Result.SUCCEEDED else Condition.PASSED_OVER


def present_condition(execution: Execution) -> Condition:
    """Return how the state stands at which the execution is."""
    if execution.status == Execution.Status.RUNNING:
        if execution.attempt_started_at:
            return Condition.RUNNING
        return Condition.WAITING if execution.attempt else Condition.NEXT
    return Condition.STOPPED if execution.status == Execution.Status.ABORTED else Condition.FAILED


def status_condition(status: str) -> Condition:
    """Return the condition that an execution's status looks like."""
    return {
        Execution.Status.RUNNING: Condition.RUNNING,
        Execution.Status.SUCCEEDED: Condition.DONE,
        Execution.Status.ABORTED: Condition.STOPPED,
    }.get(Execution.Status(status), Condition.FAILED)


def by_run(tries: Iterable[Try]) -> list[list[Try]]:
    """Return a state's attempts, those between two redrives together."""
    return [list(group) for _, group in groupby(tries, key=lambda attempt: attempt.redrive)]
