"""Redrive all that failed, however many: tasks take them over, and what each is refused is in its history."""

from contextlib import contextmanager

import pytest

from orders import redriving
from orders.exceptions import NotRedrivable
from orders.models import Execution
from orders.tasks import redrive_failed
from skybridge import acts, messages
from skybridge.models import Event
from tests.orders import shop
from tests.orders.test_admin_acts import EXECUTIONS, fail, some_failed, statuses
from tests.skybridge.desk import act_page, confirm, text
from tests.skybridge.staff import with_role


@pytest.fixture
def boss(db):
    return with_role("supervisor", name="boss")


@contextmanager
def taken_over():
    """Collect what is queued for redriving; the broker has it too."""
    tasks, send = [], messages.app.send_task

    def noted(name, arguments, **given):
        if name == "orders.redrive_failed":
            tasks.append(arguments)
        return send(name, arguments, **given)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(messages.app, "send_task", noted)
        yield tasks


def page_of_all(client) -> str:
    return text(client.get(act_page(EXECUTIONS, "redrive"), {"all": "yes"}))


def test_all_that_failed_are_redriven_by_a_task(boss, acme):
    some_failed(acme, 3)
    fail_later = shop.order(acme, ("PROD001", 1))
    page = page_of_all(boss)
    assert "3 executions. They are dealt with one after another in the background" in page
    assert "Redrive (3)</button>" in page
    fail(fail_later)  # after the page was shown: it was not asked for
    with taken_over() as tasks:
        assert "3 queued, 0 refused." in text(confirm(boss, EXECUTIONS, "redrive", page))
    assert statuses() == {"FAILED"}
    for task in tasks:
        redrive_failed(*task)
    assert shop.execution(fail_later)["status"] == "FAILED"
    assert Execution.objects.filter(status="RUNNING").count() == 3


def test_tasks_take_all_that_failed_in_parts(boss, acme, monkeypatch):
    monkeypatch.setattr(redriving, "PART", 2)
    monkeypatch.setattr(acts, "SHOWN_OF_ALL", 1)
    some_failed(acme, 3)
    page = page_of_all(boss)
    assert "these are the first 1." in page
    with taken_over() as tasks:
        confirm(boss, EXECUTIONS, "redrive", page)
        assert "request_in_progress" in text(confirm(boss, EXECUTIONS, "redrive", page))
    assert [len(ids) for ids, *_ in tasks] == [2, 1]
    queued = Event.objects.get(action="executions.redrive_queued")
    assert (queued.after["executions"], queued.reason, queued.door) == (3, "Because.", "admin")


def test_a_task_that_runs_twice_redrives_once(boss, acme):
    [failed] = some_failed(acme, 1)
    with taken_over() as tasks:
        confirm(boss, EXECUTIONS, "redrive", page_of_all(boss))
    redrive_failed(*tasks[0])
    before = shop.everything()
    redrive_failed(*tasks[0])
    assert shop.everything() == before
    redriven = Event.objects.filter(subject_id=failed, action="execution.running").latest("id")
    assert (redriven.reason, redriven.door, redriven.actor_kind) == ("Because.", "admin", "staff")


def test_what_a_task_is_refused_is_in_the_history(boss, acme, monkeypatch):
    failed, other = some_failed(acme, 2)

    def refuse(order_id, **given):
        if str(order_id) == failed:
            raise NotRedrivable
        return redrive(order_id, **given)

    redrive = redriving.services.redrive_execution
    monkeypatch.setattr(redriving.services, "redrive_execution", refuse)
    with taken_over() as tasks:
        confirm(boss, EXECUTIONS, "redrive", page_of_all(boss))
    redrive_failed(*tasks[0])
    assert Execution.objects.get(pk=other).status == "RUNNING"
    page = text(boss.get(f"/admin/{EXECUTIONS}/{failed}/history/"))
    for words in ("Execution redrive refused", "not_redrivable", "Because.", "boss"):
        assert words in page, words


def test_a_queue_that_is_away_is_a_message(boss, acme, monkeypatch):
    some_failed(acme, 1)
    page = page_of_all(boss)
    monkeypatch.setattr(messages.app, "send_task", lambda *args, **given: (_ for _ in ()).throw(OSError("away")))
    assert "(queue_unavailable)" in text(confirm(boss, EXECUTIONS, "redrive", page))
    assert statuses() == {"FAILED"}


@pytest.mark.parametrize("moment", ["", "x", "2026-11-21", "2026-11-21T10:00:00", "2026-13-41T10:00:00Z"])
def test_all_needs_the_moment_of_the_page(boss, acme, moment):
    some_failed(acme, 1)
    form = {"all": moment, "step": "confirm", "once": "x", "reason": "Mine."}
    assert boss.post(act_page(EXECUTIONS, "redrive"), form).status_code == 404
    assert statuses() == {"FAILED"}
