"""What is seen of an execution in each case, in conditions, words and places. Pure: no database."""

from datetime import timedelta

import pytest

from orders import workflow
from orders.captions import advice, attempt_rows, duration_text, picture_text
from orders.drawings import TIME_LEFT, TIME_RIGHT, drawing_of
from orders.pictures import Condition, Result, picture_of
from tests.orders.histories import STATES, History, after, execution

DONE, NEXT, NOT_REACHED = Condition.DONE, Condition.NEXT, Condition.NOT_REACHED


def picture(of, history: History, now: float = 100):
    return picture_of(of, history.events, workflow.STATES, after(now))


def conditions(seen) -> list[str]:
    return [step.condition for step in seen.steps]


def test_the_table_of_states_is_that_of_the_workflow():
    assert tuple(state.name for state in workflow.STATES) == STATES


def test_an_execution_that_has_not_begun_is_at_its_first_state_next():
    seen = picture(execution("RUNNING", "TakePayment", due_at=0), History(), now=3)
    assert conditions(seen) == [NEXT, *[NOT_REACHED] * 4]
    assert (seen.took, seen.tries) == (timedelta(seconds=3), [])


def test_a_running_state_and_what_comes_next():
    history = History().succeed_all("TakePayment").opens(1, "ConfirmBookings")
    row = execution("RUNNING", "ConfirmBookings", attempt=1, attempt_started_at=1, due_at=61)
    seen = picture(row, history, now=4)
    assert conditions(seen) == [DONE, Condition.RUNNING, NEXT, NOT_REACHED, NOT_REACHED]
    assert seen.steps[1].last_try.result is Result.UNDER_WAY
    assert "ConfirmBookings: Running · attempt 1 · 3 s so far" in picture_text(seen)


def test_a_state_that_waits_for_a_retry_says_until_when():
    history = History().fails(0, "TakePayment", 1).fails(3, "TakePayment", 4, attempt=2)
    row = execution("RUNNING", "TakePayment", attempt=2, due_at=9)
    seen = picture(row, history, now=5)
    assert conditions(seen)[:3] == [Condition.WAITING, NEXT, NOT_REACHED]
    assert (len(seen.steps[0].tries), seen.steps[0].retry_at) == (2, after(9))
    assert "Waiting · attempt 3 at 14:00:09" in picture_text(seen)
    assert "tried again by itself at 14:00:09" in advice(row, seen)
    assert drawing_of(seen).lanes[0].text == "2 attempts, 2 s, again at 14:00:09"


def test_a_failed_state_shows_its_error_and_what_to_do():
    history = History().fails(0, "TakePayment", 2, error="payment_declined", cause="No funds.")
    history.add(2, "ExecutionFailed", error="payment_declined", cause="No funds.")
    row = execution("FAILED", "TakePayment", order="failed", attempt=1, stopped_at=2, error="payment_declined")
    row.order.lapses_at = after(86400)
    seen = picture(row, history)
    assert conditions(seen) == [Condition.FAILED, *[NOT_REACHED] * 4]
    assert (seen.took, seen.steps[0].last_try.cause) == (timedelta(seconds=2), "No funds.")
    text = advice(row, seen)
    assert "another card" in text
    assert "goes on at TakePayment" in text
    assert "cancelled on 04 May 2026 at 14:00 UTC" in text


def test_attempts_that_failed_of_different_things_are_not_counted_as_one():
    history = History().fails(0, "TakePayment", 1, error="payment_uncertain")
    row = execution("FAILED", "TakePayment", attempt=2, stopped_at=4)
    twice = picture(row, history.fails(2, "TakePayment", 3, attempt=2, error="payment_uncertain"))
    assert "TakePayment: Failed · 2 × payment_uncertain" in picture_text(twice)
    mixed = picture(row, history.fails(3, "TakePayment", 4, attempt=3, error="payment_declined"))
    assert "TakePayment: Failed · 3 attempts, the last payment_declined" in picture_text(mixed)


def test_a_redriven_execution_keeps_both_runs():
    history = History().fails(0, "TakePayment", 2).add(2, "ExecutionFailed", error="Busy", cause="")
    history.add(3600, "ExecutionRedriven", redriveCount=1).succeed_all(*STATES, at=3600).add(3605, "ExecutionSucceeded")
    seen = picture(execution("SUCCEEDED", "Notify", redrive_count=1, stopped_at=3605), history)
    assert conditions(seen) == [DONE] * 5
    assert [attempt.name for attempt in seen.steps[0].tries] == ["1", "1 (redrive 1)"]
    assert (seen.took, seen.ran) == (timedelta(seconds=3605), timedelta(seconds=7))
    assert drawing_of(seen).took == "1 h, 7 s of it running"


def test_a_redriven_execution_that_has_not_gone_on_yet_has_its_state_next():
    history = History().fails(0, "TakePayment", 2).add(2, "ExecutionFailed").add(9, "ExecutionRedriven")
    seen = picture(execution("RUNNING", "TakePayment", redrive_count=1, due_at=9), history)
    assert conditions(seen) == [NEXT, *[NOT_REACHED] * 4]


def test_an_aborted_execution_is_undone_as_far_as_it_can_be():
    history = History().succeed_all("TakePayment", "ConfirmBookings", "IssueTickets").opens(3, "BackUp")
    history.add(5, "ExecutionAborted", error="Aborted", cause="The customer called.")
    row = execution("ABORTED", "BackUp", order="cancelled", attempt=1, stopped_at=5, cause="The customer called.")
    seen = picture(row, history)
    assert conditions(seen) == [Condition.UNDONE, Condition.UNDONE, DONE, Condition.STOPPED, NOT_REACHED]
    assert seen.steps[3].last_try.result is Result.STOPPED
    assert "undone" in advice(row, seen)


@pytest.mark.parametrize(("status", "state"), [("SUCCEEDED", "Notify"), ("FAILED", "ConfirmBookings")])
def test_what_an_order_had_done_is_undone_when_it_is_cancelled_later(status, state):
    history = History().succeed_all(*STATES[: STATES.index(state)])
    row = execution(status, state, order="cancelled", stopped_at=9)
    assert picture(row, history).steps[0].condition is Condition.UNDONE


def test_a_lost_worker_is_an_attempt_of_its_own_kind():
    history = History().fails(0, "TakePayment", 8, error="WorkerLost", cause="The worker died.")
    history.succeeds(9, "TakePayment", 10, attempt=2)
    seen = picture(execution("RUNNING", "ConfirmBookings", due_at=10), history)
    assert [attempt.result for attempt in seen.steps[0].tries] == [Result.WORKER_LOST, Result.SUCCEEDED]
    assert conditions(seen)[:3] == [DONE, NEXT, NOT_REACHED]


def test_an_attempt_that_took_too_long_has_timed_out():
    history = History().fails(0, "TakePayment", 60, error="States.Timeout", cause="Too long.")
    seen = picture(execution("RUNNING", "TakePayment", attempt=1, due_at=70), history, now=61)
    assert seen.steps[0].last_try.result is Result.TIMED_OUT


def test_a_state_that_is_not_essential_is_passed_over():
    history = History().succeed_all(*STATES[:3]).fails(3, "BackUp", 4, error="storage_unavailable", cause="No answer.")
    history.add(4, "TaskStateExited", "BackUp").succeeds(4, "Notify", 5).add(5, "ExecutionSucceeded")
    row = execution("SUCCEEDED", "Notify", stopped_at=5)
    seen = picture(row, history)
    assert conditions(seen) == [DONE, DONE, DONE, Condition.PASSED_OVER, DONE]
    assert "BackUp failed and was passed over" in advice(row, seen)
    assert [edge.text for edge in drawing_of(seen).edges if edge.text] == ["went on without it"]


def test_the_table_says_what_the_picture_says():
    history = History().fails(0, "TakePayment", 1).opens(3, "TakePayment", attempt=2)
    row = execution("RUNNING", "TakePayment", attempt=2, attempt_started_at=3, due_at=63)
    rows = attempt_rows(picture(row, history, now=4))
    assert [(line["state"], line["result"]) for line in rows[:3]] == [
        ("TakePayment", "failed"),
        ("TakePayment", "under way"),
        ("ConfirmBookings", "next"),
    ]
    assert (rows[0]["took"], rows[0]["cause"], rows[1]["took"]) == ("1 s", "Try later.", "1 s so far")
    assert {line["state"] for line in rows} == set(STATES)


def test_nothing_is_drawn_outside_of_its_run_s_part_of_the_axis():
    history = History().fails(0, "TakePayment", 0.02).fails(1, "TakePayment", 1.01, attempt=2)
    history.add(1.01, "ExecutionFailed")
    for redrive in range(1, 6):
        history.add(1000 * redrive, "ExecutionRedriven").fails(1000 * redrive, "TakePayment", 1000 * redrive + 40)
        history.add(1000 * redrive + 40, "ExecutionFailed")
    drawn = drawing_of(picture(execution("FAILED", "TakePayment", redrive_count=5, stopped_at=5040), history))
    assert [span.left for span in drawn.spans] == sorted(span.left for span in drawn.spans)
    assert (drawn.spans[0].left, drawn.spans[-1].right) == (TIME_LEFT, TIME_RIGHT)
    assert all(TIME_LEFT <= bar.left <= bar.left + bar.width <= TIME_RIGHT for lane in drawn.lanes for bar in lane.bars)
    assert len(drawn.lanes[0].bars) == 7
    assert [tick.text for tick in drawn.spans[1].ticks] == ["40 s"]


@pytest.mark.parametrize(
    ("length", "texts"),
    [
        (0.08, ["0 s", "20 ms", "40 ms", "60 ms", "80 ms"]),
        (12, ["0 s", "5 s", "10 s"]),
        (100, ["0 s", "20 s", "40 s", "1 min", "1 min 20 s", "1 min 40 s"]),
        (7200, ["0 s", "30 min", "1 h", "1 h 30 min", "2 h"]),
    ],
)
def test_the_axis_has_few_round_times(length, texts):
    seen = picture(execution("FAILED", "TakePayment", stopped_at=length), History().add(length, "ExecutionFailed"))
    assert [tick.text for tick in drawing_of(seen).spans[0].ticks] == texts


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 s"), (0.0004, "< 1 ms"), (0.34, "340 ms"), (1, "1 s"), (1.2355, "1.24 s"), (59.94, "59.9 s"),
        (125, "2 min 5 s"), (3600, "1 h"), (11_040, "3 h 4 min"), (183_600, "2 d 3 h"),
    ],
)  # fmt: skip
def test_durations_are_read_in_at_most_two_units(seconds, text):
    assert duration_text(timedelta(seconds=seconds)) == text
