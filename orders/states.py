"""The states that an order passes on its way: a table, read top to bottom and undone bottom to top."""

import random
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from orders import steps
from orders.models import Execution

AT_ONCE = 20


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

    `run_all` does the same for many orders and says why those failed that did. An order that it does not concern passes
    it by; `settle` is what it does for such ones, in the transaction that writes that down. The failure of one that is
    not essential stays in the history, and the execution goes on.
    """

    name: str
    run: Callable[[UUID], None]
    undo: Callable[[steps.Undoing], None] | None = None
    timeout: timedelta = timedelta(seconds=60)
    retry: Retry = Retry()
    is_essential: bool = True
    concerns: Callable[[Execution], bool] = lambda execution: True
    run_all: Callable[[Sequence[UUID]], Mapping[UUID, Exception]] | None = None
    settle: Callable[[Sequence[Execution], datetime], None] = lambda executions, at: None


def for_one(deed: Callable[[Sequence[UUID]], None]) -> Callable[[UUID], None]:
    return lambda order_id: deed([order_id])


def for_all(deed: Callable[[Sequence[UUID]], None]) -> Callable[[Sequence[UUID]], Mapping[UUID, Exception]]:
    """Return what does for many orders what is all or nothing: for a few at once, and one by one if that fails.

    A few, because others wait meanwhile for what it locks, such as seats.
    """

    def run_all(order_ids: Sequence[UUID]) -> Mapping[UUID, Exception]:
        failures: dict[UUID, Exception] = {}
        for first in range(0, len(order_ids), AT_ONCE):
            few = order_ids[first : first + AT_ONCE]
            try:
                deed(few)
            except Exception:
                failures |= dict(each(for_one(deed), few))
        return failures

    return run_all


def each(deed: Callable[[UUID], None], order_ids: Iterable[UUID]) -> Iterator[tuple[UUID, Exception]]:
    """Do something for one order after another, and yield why it failed for those for which it did."""
    for order_id in order_ids:
        try:
            deed(order_id)
        except Exception as exc:
            yield order_id, exc


STATES = (
    State(
        "TakePayment", steps.take_payment, steps.give_payment_back, retry=Retry(attempts=20),
        concerns=steps.is_paid_by_card,
    ),
    State(
        "ConfirmBookings", for_one(steps.confirm_bookings), steps.give_seats_back, concerns=steps.has_bookings,
        run_all=for_all(steps.confirm_bookings),
    ),
    State(
        "IssueTickets", for_one(steps.issue_tickets), concerns=steps.has_documents,
        run_all=for_all(steps.issue_tickets),
    ),
    # What is not stored then is stored when the store is back.
    State("BackUp", steps.back_up, is_essential=False, run_all=steps.back_up_all),
    State(
        "Notify", steps.notify, retry=Retry(attempts=8), is_essential=False, concerns=steps.wants_mail,
        settle=steps.complete_quietly,
    ),
)  # fmt: skip
BY_NAME = {state.name: state for state in STATES}
FOLLOWING = {state.name: after for state, after in zip(STATES, (*STATES[1:], None), strict=True)}
