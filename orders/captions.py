"""Executions, their states and attempts in plain words: what a picture says, and what is to be done."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from orders.models import Execution, Order
from orders.pictures import Condition, Picture, Step, Try
from orders.workflow import TIMEOUT, WORKER_LOST


def duration_text(span: timedelta) -> str:
    """Return a duration in at most two units: `340 ms`, `1.24 s`, `2 min 5 s`, `3 h 4 min`, `2 d 3 h`."""
    seconds = span.total_seconds()
    if 0 < seconds < 0.001:
        return "< 1 ms"
    if 0 < seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 60:
        return f"{seconds:.3g} s"
    return two_units(round(seconds))


def two_units(seconds: int) -> str:
    for unit, larger, smaller, less in ((86400, "d", "h", 3600), (3600, "h", "min", 60), (60, "min", "s", 1)):
        if seconds >= unit:
            whole, rest = divmod(seconds, unit)
            return f"{whole} {larger}" + (f" {rest // less} {smaller}" if rest // less else "")
    return f"{seconds} s"


def time_text(moment: datetime) -> str:
    return f"{moment:%H:%M:%S}"


def step_text(step: Step, at: datetime) -> str:
    """Return how a state stands in a few words."""
    words = [step.condition.capitalize()]
    if step.condition is Condition.RUNNING and step.last_try:
        words += [f"attempt {step.last_try.number}", f"{duration_text(step.last_try.took(at))} so far"]
    elif step.condition is Condition.WAITING and step.last_try and step.retry_at:
        words += [f"attempt {step.last_try.number + 1} at {time_text(step.retry_at)}"]
    elif step.condition in (Condition.FAILED, Condition.PASSED_OVER):
        words += [error_text(step)]
    elif step.tries:
        words += [attempts_text(step.tries), duration_text(step.took(at))]
    return " · ".join(words)


def attempts_text(tries: Sequence[Try]) -> str:
    return "1 attempt" if len(tries) == 1 else f"{len(tries)} attempts"


def error_text(step: Step) -> str:
    """Return the error of a state's last attempt, and after several of them how many there were."""
    error = (step.last_try and step.last_try.error) or "no attempt"
    if len(step.tries) < 2:
        return error
    is_same = all(attempt.error == error for attempt in step.tries)
    return f"{len(step.tries)} × {error}" if is_same else f"{attempts_text(step.tries)}, the last {error}"


def picture_text(picture: Picture) -> str:
    """Return the whole picture in a paragraph, for who cannot see it."""
    states = "; ".join(f"{step.name}: {step_text(step, picture.at)}" for step in picture.steps)
    return f"{picture.status} after {duration_text(picture.took)}. {states}."


ADVICE = {
    "payment_declined": "Ask the customer for another card and redrive with its payment token, or cancel the order.",
    "payment_canceled": "Redrive with a new payment token, or cancel the order.",
    "payment_uncertain": "Find out from the payment provider what came of the payment, then redrive.",
    "card_payments_off": "Have card payments switched on (PAYMENT_PROVIDER), then redrive, or cancel the order.",
    "hold_expired": "The seats are no longer held: cancel the order and sell anew.",
    "storage_unavailable": "Have the object store repaired, then redrive.",
    WORKER_LOST: "The worker died again and again at this state: see in the workers' log what kills it, then redrive.",
    TIMEOUT: "See in the workers' log what is so slow, then redrive.",
}
ANY_FAILURE = "Remove the cause, then redrive, or cancel the order."
KEEPS = " A redrive goes on at {state}; what was done before is not repeated."
LAPSES = " Otherwise the order is cancelled on {lapses_at:%d %B %Y at %H:%M} UTC."
QUIET = {
    Execution.Status.SUCCEEDED: "Nothing is left to do.",
    Execution.Status.ABORTED: "It was stopped and undone: the payment is given back as the fare rules say, seats and"
    " tickets are cancelled, and so is its order. What is still wanted is sold by a new order.",
}


def advice(execution: Execution, picture: Picture) -> str:
    """Return in plain words what staff can do about an execution, or that nothing is to be done."""
    if execution.status == Execution.Status.RUNNING:
        return running_advice(picture)
    if execution.status == Execution.Status.SUCCEEDED:
        return " ".join([*map(passed_over_text, passed_over(picture)), QUIET[Execution.Status.SUCCEEDED]])
    if execution.status == Execution.Status.ABORTED:
        return QUIET[Execution.Status.ABORTED]
    if execution.order.status == Order.Status.CANCELLED:
        return "Its order has been cancelled and what it had done was undone. Nothing is left to do."
    text = ADVICE.get(execution.error, ANY_FAILURE)
    text += KEEPS.format(state=execution.state) if "redrive" in text else ""
    return text + (LAPSES.format(lapses_at=execution.order.lapses_at) if execution.order.lapses_at else "")


def running_advice(picture: Picture) -> str:
    waiting = [step for step in picture.steps if step.condition is Condition.WAITING]
    if waiting and waiting[0].retry_at:
        again = time_text(waiting[0].retry_at)
        return f"{waiting[0].name} is tried again by itself at {again} UTC; nothing is to be done."
    return "It goes on by itself; nothing is to be done. Stopping it undoes what it has done and cancels the order."


def passed_over(picture: Picture) -> list[Step]:
    return [step for step in picture.steps if step.condition is Condition.PASSED_OVER]


def passed_over_text(step: Step) -> str:
    return f"{step.name} failed and was passed over, as it is not essential."


def attempt_rows(picture: Picture) -> list[dict]:
    """Return the picture as a table: one row per attempt, and one per state without any."""
    rows = [attempt_row(attempt, picture.at) for attempt in picture.tries]
    untried = [step for step in picture.steps if not step.tries]
    return rows + [{"state": step.name, "result": step.condition, "condition": step.condition} for step in untried]


def attempt_row(attempt: Try, at: datetime) -> dict:
    return {
        "state": attempt.state,
        "attempt": attempt.name,
        "started_at": attempt.started_at,
        "took": duration_text(attempt.took(at)) + ("" if attempt.ended_at else " so far"),
        "result": attempt.result,
        "condition": attempt.result.condition,
        "error": attempt.error,
        "cause": attempt.cause,
    }
