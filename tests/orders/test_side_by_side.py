"""Executions side by side: the same history as one alone has, and what befalls one of them befalls no other."""

import threading

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from orders import states, steps, transitions, workflow
from orders.models import Backup, Order
from skybridge.messages import Sender, app
from skybridge.storage import AlreadyStored
from tests.bookings.sales import book, query
from tests.concurrency.racing import together, verify_invariants
from tests.orders import objects, shop
from tests.orders.test_workflow import fail

pytestmark = pytest.mark.django_db
committed = pytest.mark.django_db(transaction=True)
LINES = """SELECT event_id, type, state, details FROM orders_executionevent WHERE execution_id = %s ORDER BY event_id"""
CARD = {"payment": {"method": "card", "token": "tok_success"}}


@pytest.fixture
def plain(acme) -> list[dict]:
    """Orders of one product each, on account."""
    shop.product(stock=100)
    return [shop.order(acme, ("PROD001", 1)) for _ in range(5)]


@pytest.fixture
def selling(acme, flight) -> list[dict]:
    """Orders of one booking each, on account."""
    return [shop.order(acme, book(acme, flight)) for _ in range(5)]


def ids(placed: list[dict]) -> list:
    return [one["order_id"] for one in placed]


def statuses(placed: list[dict]) -> list[str]:
    return [shop.execution(one)["status"] for one in placed]


def test_each_has_the_history_that_one_alone_has(acme, plain):
    *several, alone = plain
    assert workflow.advance_together(ids(several)) == ([], 4)
    workflow.advance(alone["order_id"])
    histories = [query(LINES, order_id) for order_id in ids(plain)]
    assert len(histories[0]) == 27
    assert all(history == histories[-1] for history in histories)
    assert statuses(plain) == ["SUCCEEDED"] * 5
    verify_invariants()


def test_the_history_is_that_of_attempts_made_one_by_one(plain):
    first, second = plain[:2]
    workflow.advance_together(ids([first]))
    workflow.advance_alone(second["order_id"])  # which passes nothing by at its beginning
    assert query(LINES, first["order_id"]) == query(LINES, second["order_id"])
    times = query("SELECT at FROM orders_executionevent WHERE execution_id = %s ORDER BY event_id", first["order_id"])
    assert times == sorted(times)


def test_each_version_is_kept_once_and_each_order_complete_once(plain):
    workflow.advance_together(ids(plain))
    for one in plain:
        kept = Backup.objects.filter(stream=one["order_id"]).order_by("version").values_list("version", "stored_at")
        assert [version for version, _ in kept] == [1, 2, 3]
        assert [bool(stored_at) for _, stored_at in kept] == [True, True, False]
        actions = [action for (action,) in query("SELECT action FROM skybridge_event WHERE subject_id = %s ORDER BY id",
            one["order_id"])]  # fmt: skip
        assert actions == ["order.pending", "order.processing", "order.completed", "execution.succeeded"]
    assert objects.drain() == 5


@pytest.mark.parametrize(("orders", "most"), [("plain", 25), ("selling", 71)])
def test_any_number_costs_the_same_statements(request, orders, most):
    orders = request.getfixturevalue(orders)
    with CaptureQueriesContext(connection) as two:
        workflow.advance_together(ids(orders[:2]))
    with CaptureQueriesContext(connection) as three:
        workflow.advance_together(ids(orders[2:]))
    assert statuses(orders) == ["SUCCEEDED"] * 5
    assert len(two) == len(three) <= most


def test_a_message_carries_on_what_else_is_due(plain):
    workflow.carry_on([plain[0]["order_id"]])
    assert statuses(plain) == ["SUCCEEDED"] * 5


def test_what_needs_a_worker_gets_a_message_of_its_own(acme, flight, plain, monkeypatch):
    sent = []
    monkeypatch.setattr(workflow, "send", lambda task, *arguments: sent.append((task, arguments)))
    mailed = [shop.order(acme, ("PROD001", 1), contact_email="ada@example.com") for _ in range(2)]
    paid = shop.order(acme, ("PROD001", 1), book(acme, flight), **CARD)
    workflow.carry_on([*ids(plain), *ids(mailed), paid["order_id"]])
    assert statuses(plain) == ["SUCCEEDED"] * 5
    assert len(sent) == 2
    for _, [order_id] in sent:
        workflow.carry_on([order_id])
    assert statuses([*mailed, paid]) == ["SUCCEEDED"] * 3


def test_bookings_go_on_side_by_side_too(acme, flight, plain, selling):
    late = shop.order(acme, pending := book(acme, flight))
    query("UPDATE bookings_booking SET expires_at = created_at WHERE id = %s", pending["booking_id"])
    assert workflow.advance_together(ids([*plain, *selling, late]))[0] == []
    assert statuses([*plain, *selling, late]) == [*["SUCCEEDED"] * 10, "FAILED"]
    numbers = query("SELECT count(DISTINCT number) FROM ticketing_ticket WHERE number IS NOT NULL")
    assert numbers == [(5,)]
    assert [len(query(LINES, one["order_id"])) for one in selling] == [27] * 5


def test_a_message_carries_on_bookings_that_are_due_too(plain, selling):
    workflow.carry_on([plain[0]["order_id"]])
    assert statuses([*plain, *selling]) == ["SUCCEEDED"] * 10


def test_tickets_of_bookings_are_numbered_in_their_order(acme, flight):
    placed = [shop.order(acme, book(acme, flight, seats=3)) for _ in range(3)]
    workflow.advance_together(ids(placed))
    numbered = (
        "SELECT number FROM ticketing_ticket t JOIN bookings_booking b ON b.id = booking_id ORDER BY b.id, position"
    )
    numbers = query(numbered)
    assert len(numbers) == 9
    assert numbers == sorted(numbers)


def test_more_than_a_few_bookings_go_on_a_few_at_a_time(selling, monkeypatch):
    few, confirm_all = [], steps.confirm_all
    monkeypatch.setattr(states, "AT_ONCE", 2)
    monkeypatch.setattr(steps, "confirm_all", lambda views, **how: few.append(len(views)) or confirm_all(views, **how))
    workflow.advance_together(ids(selling))
    assert (few, statuses(selling)) == ([2, 2, 1], ["SUCCEEDED"] * 5)


def test_what_a_message_does_not_name_is_left_to_its_own_worker(acme, plain):
    paid = shop.order(acme, ("PROD001", 1), **CARD)
    workflow.carry_on([plain[0]["order_id"]])
    assert (shop.execution(paid)["attempt"], shop.execution(paid)["state"]) == (0, "TakePayment")


# --- What befalls one of them ---


def test_the_store_refuses_one(plain, watched):
    refused, real = plain[2]["order_id"], watched.put

    def put(key: str, body: bytes, *, sha256: str):
        if refused in key:
            raise AlreadyStored("something else is stored here", key)
        return real(key, body, sha256=sha256)

    watched.put = put
    workflow.advance_together(ids(plain))
    assert statuses(plain) == ["SUCCEEDED", "SUCCEEDED", "RUNNING", "SUCCEEDED", "SUCCEEDED"]
    assert shop.execution(plain[2])["attempt"] == 1
    assert shop.history(plain[2])[-1] == ("TaskFailed", "BackUp")


def test_a_store_that_is_down_is_asked_a_few_times_for_all(plain, watched, pass_time):
    watched.down = True
    workflow.advance_together(ids(plain))
    assert {shop.history(one)[-1] for one in plain} == {("TaskFailed", "BackUp")}
    watched.down = False
    pass_time(seconds=1)
    workflow.sweep()
    assert statuses(plain) == ["SUCCEEDED"] * 5


def test_one_that_cannot_be_written_does_not_stop_the_others(plain):
    broken = plain[1]["order_id"]
    Backup.objects.create(kind="order", stream=broken, version=2, taken_at=timezone.now(), document={})
    alone, _ = workflow.advance_together(ids(plain))
    assert len(alone) == 5  # none has begun: each goes on by itself
    workflow.sweep()
    assert statuses(plain) == ["SUCCEEDED", "RUNNING", "SUCCEEDED", "SUCCEEDED", "SUCCEEDED"]


def test_a_failure_at_the_end_is_taken_one_by_one(plain, monkeypatch):
    real = transitions.write_down

    def write_down(executions, at):
        if len(executions) > 1:
            raise OSError("the wire is cut")
        real(executions, at)

    attempts, _ = workflow.begin_together(ids(plain), 0)
    monkeypatch.setattr(transitions, "write_down", write_down)
    assert workflow.finish_together(workflow.carry_out(attempts)) == ([], [])
    assert statuses(plain) == ["SUCCEEDED"] * 5
    assert all(len(query(LINES, order_id)) == 27 for order_id in ids(plain))


def test_one_that_is_stopped_meanwhile_stays_stopped(acme, plain, monkeypatch):
    def back_up_all(order_ids):
        assert acme.post(f"/api/v1/executions/{plain[0]['order_id']}/stop").status_code == 200
        return steps.back_up_all(order_ids)

    state = workflow.BY_NAME["BackUp"]
    monkeypatch.setitem(workflow.BY_NAME, "BackUp", state._replace(run_all=back_up_all))
    workflow.advance_together(ids(plain))
    assert statuses(plain) == ["ABORTED", *["SUCCEEDED"] * 4]


@committed
def test_one_that_somebody_else_has_locked_is_waited_for_alone(plain, monkeypatch):
    attempts, _ = workflow.begin_together(ids(plain), 0)
    is_locked, others_are_done = threading.Event(), threading.Event()

    def lock() -> None:
        with transaction.atomic():
            Order.objects.locked().get(pk=plain[0]["order_id"])
            is_locked.set()
            others_are_done.wait(10)

    def finish() -> None:
        is_locked.wait(10)
        workflow.finish_together(workflow.carry_out(attempts))

    def look() -> None:
        is_locked.wait(10)
        while statuses(plain[1:]) != ["SUCCEEDED"] * 4:
            pass
        assert statuses(plain[:1]) == ["RUNNING"]
        others_are_done.set()

    together([lock, finish, look])
    assert statuses(plain) == ["SUCCEEDED"] * 5


@committed
@pytest.mark.parametrize("orders", ["plain", "selling"])
def test_workers_at_the_same_executions_do_each_once(request, orders):
    orders = request.getfixturevalue(orders)
    together([lambda: workflow.carry_on(ids(orders))] * 6)
    workflow.sweep()
    assert statuses(orders) == ["SUCCEEDED"] * 5
    assert query("SELECT count(*), max(event_id) FROM orders_executionevent") == [(27 * 5, 27)]
    assert query("SELECT count(*) FROM skybridge_event WHERE action = 'order.completed'") == [(5,)]
    assert query("SELECT count(*) FROM skybridge_event WHERE action = 'booking.confirmed'") in ([(0,)], [(5,)])
    verify_invariants()


def test_one_that_lost_its_worker_goes_on_by_itself(plain):
    query("UPDATE orders_execution SET losses = 1 WHERE order_id = %s", plain[0]["order_id"])
    alone, went_on = workflow.advance_together(ids(plain))
    assert ([str(one) for one in alone], went_on) == ([plain[0]["order_id"]], 4)


def test_a_state_that_fails_for_all_is_tried_again_for_all(plain, monkeypatch, pass_time):
    state = workflow.BY_NAME["BackUp"]
    monkeypatch.setitem(workflow.BY_NAME, "BackUp", state._replace(run_all=fail))
    for _ in range(5):
        workflow.advance_together(ids(plain))
        pass_time(minutes=1)
    assert statuses(plain) == ["SUCCEEDED"] * 5  # BackUp is not essential
    assert shop.history(plain[0]).count(("TaskFailed", "BackUp")) == 5


# --- Wake-ups ---


@pytest.fixture
def sent(monkeypatch) -> list:
    sent: list = []
    monkeypatch.setattr(app, "send_task", lambda task, arguments, **_: sent.append((task, list(arguments))))
    return sent


def test_one_message_wakes_a_worker_for_many(sent):
    sender = Sender()
    sender.start()
    for name in "abc":
        sender.gather("orders.carry_on", name)
    await_names(sent, 3)
    assert 1 <= len(sent) <= 2  # the first may go at once
    sender.gather("orders.carry_on", "d")
    await_names(sent, 4)
    assert [name for _, names in sent for name in names] == ["a", "b", "c", "d"]


def await_names(sent: list, count: int) -> None:
    waiting = threading.Event()
    for _ in range(500):
        if sum(len(names) for _, names in sent) >= count:
            return
        waiting.wait(0.01)
    raise AssertionError(sent)


def test_wake_ups_that_find_no_room_are_thrown_away(sent):
    sender = Sender()
    sender.messages.maxsize = 1
    sender.thread = threading.current_thread()  # which sends nothing
    sender.take("other", ())
    sender.gather("orders.carry_on", "a")
    sender.messages.get()
    sender.gather("orders.carry_on", "b")
    assert sender.harvest("orders.carry_on") == [("b",)]
