"""The engine: what it writes down, when it tries again, how it ends, and what people do to it meanwhile."""

from datetime import timedelta

import pytest
from django.utils import timezone

from orders import services, workflow
from orders.settlements import reconcile_payments as reconcile
from orders.steps import WORKFLOW
from orders.workflow import STATES, Retry
from partners.ledger import account_code
from tests.bookings.sales import book, counters, query, refused
from tests.concurrency.racing import together
from tests.orders import shop

pytestmark = pytest.mark.django_db
CARD = {"payment": {"method": "card", "token": "tok_success"}}
NAMES = [state.name for state in STATES]


def strike(monkeypatch, state: str, place: str, deed) -> None:
    """Let something happen before or after the effect of a state, or instead of it; the deed takes the order's id."""
    run = workflow.BY_NAME[state].run

    def struck(order_id):
        if place != "after":
            deed(order_id)
        if place != "instead":
            run(order_id)
        if place == "after":
            deed(order_id)

    monkeypatch.setitem(workflow.BY_NAME, state, workflow.BY_NAME[state]._replace(run=struck))


def fail(_):
    raise OSError("the wire is cut")


def types(placed: dict, state: str) -> list[str]:
    return [type_ for type_, of in shop.history(placed) if of == state]


@pytest.fixture
def placed(acme, flight):
    """An order of a laptop and a booking, by card."""
    shop.product(price="100")
    return shop.order(acme, ("PROD001", 1), book(acme, flight), contact_email="ada@example.com", **CARD)


# --- Retries ---


def test_pauses_grow_to_the_longest_and_vary_by_half():
    retry = Retry(interval=2, backoff=3, longest=20)
    for attempt, whole in ((1, 2), (2, 6), (3, 18), (4, 20), (1000, 20)):
        pauses = [retry.pause(attempt).total_seconds() for _ in range(200)]
        assert whole / 2 <= min(pauses) < whole * 0.6
        assert whole * 0.9 < max(pauses) <= whole


def test_a_failed_attempt_waits_for_its_time(placed, monkeypatch, pass_time):
    strike(monkeypatch, "IssueTickets", "instead", fail)
    assert shop.run(placed)["attempt"] == 1
    assert shop.run(placed)["attempt"] == 1
    pass_time(seconds=1)
    assert shop.run(placed)["attempt"] == 2
    sql = "SELECT details ->> 'error', details ->> 'cause' FROM orders_executionevent WHERE type = 'TaskFailed' LIMIT 1"
    assert query(sql) == [("OSError", "the wire is cut")]


def test_the_last_failed_attempt_fails_the_order(acme, placed, monkeypatch, pass_time):
    strike(monkeypatch, "IssueTickets", "instead", fail)
    for _ in range(5):
        shop.run(placed)
        pass_time(minutes=1)
    execution = shop.execution(placed)
    assert (execution["status"], execution["attempt"], execution["cause"]) == ("FAILED", 5, "the wire is cut")
    assert shop.read(acme, placed)["status"] == "failed"


@pytest.mark.parametrize("state", [state.name for state in STATES if not state.is_essential])
def test_a_state_that_is_not_essential_is_passed_over(acme, placed, monkeypatch, pass_time, state):
    strike(monkeypatch, state, "instead", fail)
    for _ in range(8):
        shop.run(placed)
        pass_time(minutes=1)
    assert shop.execution(placed)["status"] == "SUCCEEDED"
    assert types(placed, state)[-2:] == ["TaskFailed", "TaskStateExited"]
    assert shop.read(acme, placed)["status"] == "processing"


def test_a_store_that_is_down_fails_no_order(placed, watched, pass_time):
    watched.down = True
    for _ in range(6):
        shop.run(placed)
        pass_time(minutes=1)
    assert shop.execution(placed)["status"] == "SUCCEEDED"
    assert query("SELECT count(*) FROM orders_backup WHERE stored_at IS NULL")[0][0] > 0


# --- The history ---


def test_the_history_of_a_success(placed):
    shop.run(placed)
    of_one = ["TaskStateEntered", "TaskScheduled", "TaskStarted", "TaskSucceeded", "TaskStateExited"]
    lines = [(type_, name) for name in NAMES for type_ in of_one]
    assert shop.history(placed) == [("ExecutionStarted", ""), *lines, ("ExecutionSucceeded", "")]
    numbers = query("SELECT event_id FROM orders_executionevent ORDER BY event_id")
    assert [number for (number,) in numbers] == list(range(1, shop.execution(placed)["last_event_id"] + 1))


def test_each_ending_is_in_the_history(acme, monkeypatch, pass_time):
    shop.product()
    stopped, set_failed, late = (shop.order(acme, ("PROD001", 1)) for _ in range(3))
    acme.post(f"/api/v1/executions/{stopped['order_id']}/stop")
    acme.put(f"/orders/{set_failed['order_id']}", {"status": "failed"})
    pass_time(hours=24)
    assert shop.run(late)["status"] == "TIMED_OUT"
    endings = [shop.history(one)[-1][0] for one in (stopped, set_failed, late)]
    assert endings == ["ExecutionAborted", "ExecutionFailed", "ExecutionTimedOut"]
    acme.post(f"/api/v1/executions/{late['order_id']}/redrive")
    assert shop.history(late)[-1][0] == "ExecutionRedriven"
    assert shop.run(late)["status"] == "SUCCEEDED"


# --- Time ---


def test_an_attempt_that_takes_too_long_is_given_up_and_its_late_result_ignored(placed, monkeypatch, pass_time):
    def overtake(order_id):
        if shop.execution(placed)["attempt"] == 1:
            pass_time(seconds=61)
            monkeypatch.setattr(workflow, "is_free", lambda attempt: False)  # its worker lives
            workflow.give_up_if_lost(order_id, timezone.now())

    strike(monkeypatch, "IssueTickets", "before", overtake)
    assert (shop.run(placed)["state"], types(placed, "IssueTickets")[-1]) == ("IssueTickets", "TaskTimedOut")
    pass_time(seconds=1)
    assert shop.run(placed)["status"] == "SUCCEEDED"
    assert types(placed, "IssueTickets").count("TaskSucceeded") == 1


def test_a_failed_order_lapses_and_gives_everything_back(acme, flight, pass_time):
    shop.product()
    placed = shop.order(acme, ("PROD001", 1), book(acme, flight), payment={"method": "card", "token": "tok_decline"})
    assert shop.run(placed)["status"] == "FAILED"
    pass_time(minutes=59)
    assert services.lapse_failed_orders(at=timezone.now(), caller=WORKFLOW) == 0
    pass_time(minutes=2)
    assert services.lapse_failed_orders(at=timezone.now(), caller=WORKFLOW) == 1
    assert_undone(acme, placed, flight)


def test_what_failed_by_our_fault_keeps_what_it_has_for_a_day(acme, flight, pass_time):
    shop.product()
    placed = shop.order(acme, ("PROD001", 1), book(acme, flight))
    acme.put(f"/orders/{placed['order_id']}", {"status": "failed"})
    pass_time(hours=23)
    assert services.lapse_failed_orders(at=timezone.now(), caller=WORKFLOW) == 0
    pass_time(hours=2)
    assert services.lapse_failed_orders(at=timezone.now(), caller=WORKFLOW) == 1
    assert_undone(acme, placed, flight)


def assert_undone(acme, placed: dict, flight) -> None:
    """Seats, stock and money are back."""
    assert shop.read(acme, placed)["status"] == "cancelled"
    assert counters(flight) == {"sold": 0, "held": 0, "free": 100}
    assert shop.stock_of("PROD001") == 50
    reconcile(at=timezone.now())
    accounts = (account_code(acme.id, "", "USD"), "cards:USD", "bank:sandbox:USD")
    assert [shop.balance_of(code) for code in accounts] == [0, 0, 0]


# --- Stop and redrive ---


@pytest.mark.parametrize("place", ["before", "after"])
@pytest.mark.parametrize("state", NAMES)
def test_stopping_in_the_middle_of_a_state_undoes_what_was_done(acme, placed, flight, monkeypatch, state, place):
    events = "SELECT count(*) FROM skybridge_event WHERE action = 'order.completed'"
    seen = []

    def stop(order_id):
        assert acme.post(f"/api/v1/executions/{order_id}/stop").status_code == 200
        seen.append(query(events))

    strike(monkeypatch, state, place, stop)
    execution = shop.run(placed)
    assert (execution["status"], shop.history(placed)[-1][0]) == ("ABORTED", "ExecutionAborted")
    assert_undone(acme, placed, flight)
    assert [query(events)] == seen  # the state that was under way has told nobody of a complete order


def test_a_payment_under_way_when_the_order_is_stopped_is_refunded(acme, flight, pass_time):
    shop.product()
    placed = shop.order(acme, ("PROD001", 1), book(acme, flight), payment={"method": "card", "token": "tok_late"})
    assert shop.run(placed)["status"] == "RUNNING"
    acme.post(f"/api/v1/executions/{placed['order_id']}/stop")
    pass_time(seconds=20)
    reconcile(at=timezone.now())
    assert query("SELECT status, refunded_amount = amount FROM partners_payment") == [("succeeded", True)]
    assert_undone(acme, placed, flight)


def test_a_redrive_repeats_nothing_that_was_done(acme, placed, monkeypatch, pass_time):
    strike(monkeypatch, "IssueTickets", "instead", fail)
    for _ in range(5):
        shop.run(placed)
        pass_time(minutes=1)
    monkeypatch.setitem(workflow.BY_NAME, "IssueTickets", STATES[2])
    path = f"/api/v1/executions/{placed['order_id']}/redrive"
    assert acme.post(path).status_code == 200
    refused(acme.post(path), 409, "not_redrivable")
    assert shop.run(placed)["status"] == "SUCCEEDED"
    assert [types(placed, name).count("TaskSucceeded") for name in NAMES] == [1] * 5
    assert types(placed, "TakePayment").count("TaskStarted") == 1


# --- The sweep ---


def test_one_execution_that_cannot_go_on_does_not_stop_the_others(acme, placed, monkeypatch):
    query("UPDATE orders_execution SET state = 'NoSuchState', due_at = due_at - interval '1 day'")
    shop.product("BAG")
    other = shop.order(acme, ("BAG", 1))
    workflow.sweep()
    assert shop.execution(other)["status"] == "SUCCEEDED"
    assert shop.execution(placed)["status"] == "RUNNING"


def test_executions_that_lost_their_worker_go_on_one_after_another(acme, monkeypatch):
    shop.product()
    first, second = (shop.order(acme, ("PROD001", 1)) for _ in range(2))
    query("UPDATE orders_execution SET losses = 1")
    strike(monkeypatch, "TakePayment", "before", lambda _: workflow.advance(second["order_id"]))
    assert shop.run(first)["status"] == "SUCCEEDED"
    assert shop.execution(second)["attempt"] == 0
    workflow.sweep()
    assert shop.execution(second)["status"] == "SUCCEEDED"


# --- Many at once ---


@pytest.mark.django_db(transaction=True)
def test_eight_workers_at_one_order_do_each_state_once(placed, flight):
    together([lambda: workflow.advance(placed["order_id"])] * 8)
    workflow.sweep()
    assert shop.execution(placed)["status"] == "SUCCEEDED"
    assert [types(placed, name).count("TaskStarted") for name in NAMES] == [1] * 5
    assert query("SELECT count(*), max(event_id) FROM orders_executionevent") == [(27, 27)]
    assert counters(flight)["sold"] == 1


@pytest.mark.django_db(transaction=True)
def test_nothing_is_held_when_an_execution_ends_or_is_interrupted(placed, monkeypatch):
    def interrupt(_):
        raise SystemExit

    locks = """SELECT count(*) FROM pg_locks l JOIN pg_database d ON d.oid = l.database
        WHERE l.locktype = 'advisory' AND d.datname = current_database()"""
    strike(monkeypatch, "BackUp", "before", interrupt)
    with pytest.raises(SystemExit):
        workflow.advance(placed["order_id"])
    assert query(locks) == [(0,)]
    monkeypatch.setitem(workflow.BY_NAME, "BackUp", STATES[3])
    workflow.sweep()  # the worker was lost
    monkeypatch.setattr(timezone, "now", lambda now=timezone.now: now() + timedelta(seconds=1))
    assert shop.run(placed)["status"] == "SUCCEEDED"
    assert query(locks) == [(0,)]
