"""The back office shows an execution as a picture, and staff stop and redrive it through the services."""

import re

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client

from orders import workflow
from orders.models import Execution, ExecutionEvent, Order
from skybridge.events import system
from skybridge.models import Event
from tests.bookings.sales import book, query
from tests.conftest import session_api
from tests.orders import shop

LIST = "/admin/orders/execution/"


@pytest.fixture
def office(db):
    return session_api(User.objects.create_superuser("head-of-orders")).client


@pytest.fixture
def viewer(db):
    """A member of staff who may look at executions and do nothing."""
    user = User.objects.create_user("auditor", is_staff=True)
    seen = ("view_execution", "view_order", "view_booking", "view_event")
    user.user_permissions.set(Permission.objects.filter(codename__in=seen))
    return session_api(user).client


@pytest.fixture
def placed(acme) -> dict:
    """An order of Acme's whose execution has only started."""
    shop.product()
    return shop.order(acme, ("PROD001", 1))


@pytest.fixture
def failed(placed) -> dict:
    fail_at_payment(placed)
    return placed


def fail_at_payment(order: dict) -> None:
    """Let an order's execution fail as it does when a card is declined."""
    attempt = workflow.begin(order["order_id"])
    workflow.finish(attempt, workflow.Failure("payment_declined", "No <b>funds</b>.", is_final=True))


def page_of(order: dict) -> str:
    return f"{LIST}{order['order_id']}/change/"


def text(response) -> str:
    assert response.status_code == 200, response.content
    return response.content.decode()


def status_of(order: dict) -> tuple[str, str]:
    return (
        Execution.objects.get(pk=order["order_id"]).status,
        Order.objects.get(pk=order["order_id"]).status,
    )


# --- The page ---


def test_the_page_draws_the_execution(office, placed):
    page = text(office.get(page_of(placed)))
    for state in workflow.STATES:
        assert page.count(state.name) >= 3  # in the graph, in the timeline, in the table
    for words in ('role="img"', "Not reached", "Start", "still RUNNING", placed["execution_arn"], "ExecutionStarted"):
        assert words in page, words


def test_the_page_links_to_the_order_its_bookings_and_events(office, acme, flight):
    booking = book(acme, flight)
    order = shop.order(acme, booking)
    page = text(office.get(page_of(order)))
    for path in (
        f"/admin/orders/order/{order['order_id']}/change/",
        f"/admin/bookings/booking/{booking['booking_id']}/change/",
        f"/admin/skybridge/event/?q={order['order_id']}",
    ):
        assert path in page, path
        assert office.get(path).status_code == 200, path


def test_a_failure_is_told_with_what_to_do_and_no_markup_of_others(office, failed):
    page = text(office.get(page_of(failed)))
    for words in ("payment_declined", "No &lt;b&gt;funds&lt;/b&gt;.", "another card", "Redrive from TakePayment"):
        assert words in page, words
    assert "<b>funds" not in page
    assert "Stop and undo" not in page


@pytest.mark.parametrize("path", ["{list}", "{list}{id}/change/", "/admin/orders/order/{id}/change/"])
def test_the_markup_needs_nothing_that_the_policy_forbids(office, failed, path):
    response = office.get(path.format(list=LIST, id=failed["order_id"]))
    page = text(response)
    assert "'unsafe-inline'" not in response["Content-Security-Policy"]
    assert not re.search(r"\sstyle\s*=|<style|\son[a-z]+\s*=\s*[\"']|javascript:", page)
    assert all(" src=" in tag for tag in re.findall(r"<script[^>]*>", page))
    assert not re.search(r"(?:src|href)=[\"'](?:https?:)?//", page)


def test_each_sign_that_is_used_is_there(office, failed):
    page = text(office.get(page_of(failed)))
    assert set(re.findall(r'href="#(icon-[a-z-]+)"', page)) <= set(re.findall(r'id="(icon-[a-z-]+)"', page))
    ids = re.findall(r'\sid="([^"]+)"', page)
    assert len(ids) == len(set(ids))


def test_the_order_s_page_shows_the_states_and_leads_to_the_execution(office, failed):
    page = text(office.get(f"/admin/orders/order/{failed['order_id']}/change/"))
    assert page_of(failed) in page
    assert re.search(r"TakePayment</strong>\s*<span>failed", page)


@pytest.mark.parametrize("path", ["", "?status=FAILED", "?state=TakePayment", "?q={id}"])
def test_the_list_finds_executions(office, failed, path):
    page = text(office.get(LIST + path.format(id=failed["order_id"])))
    assert failed["order_id"] in page
    assert "payment_declined" in page


def test_other_states_are_not_listed(office, failed):
    assert failed["order_id"] not in text(office.get(f"{LIST}?state=Notify"))


def test_the_page_costs_the_same_whatever_its_history(office, acme, flight, placed, django_assert_num_queries):
    with django_assert_num_queries(5):  # session, user, execution with its order, history, bookings
        office.get(page_of(placed))
    many = shop.order(acme, book(acme, flight), book(acme, flight))
    execution = Execution.objects.select_related("order").get(pk=many["order_id"])
    for _ in range(3):
        fail_at_payment(many)
        workflow.redrive(refreshed(execution), actor=system("test"), at=execution.started_at)
    with django_assert_num_queries(5):
        office.get(page_of(many))


def refreshed(execution: Execution) -> Execution:
    execution.refresh_from_db()
    return execution


def test_the_list_costs_the_same_however_long(office, acme, placed, django_assert_num_queries):
    with django_assert_num_queries(4):
        office.get(LIST)
    for _ in range(3):
        shop.order(acme, ("PROD001", 1))
    with django_assert_num_queries(4):
        office.get(LIST)


# --- Stop and redrive ---


def test_staff_stop_an_execution_and_say_why(office, placed):
    response = office.post(f"{LIST}{placed['order_id']}/stop/", {"cause": "The customer called."}, follow=True)
    page = text(response)
    assert response.redirect_chain == [(page_of(placed), 302)]
    assert f"The execution of order {placed['order_id']} is ABORTED." in page
    assert "The customer called." in page
    assert status_of(placed) == ("ABORTED", "cancelled")
    assert shop.stock_of("PROD001") == 50
    event = Event.objects.get(subject_id=placed["order_id"], action="order.cancelled")
    assert (event.actor_kind, event.door, event.reason) == ("staff", "admin", "The customer called.")


def test_stopping_without_a_cause_changes_nothing(office, placed):
    before = shop.everything()
    page = text(office.post(f"{LIST}{placed['order_id']}/stop/", {"cause": "  "}, follow=True))
    assert "cause_missing" in page
    assert shop.everything() == before


def test_staff_redrive_an_execution(office, failed):
    page = text(office.post(f"{LIST}{failed['order_id']}/redrive/", follow=True))
    assert "is RUNNING" in page
    assert status_of(failed) == ("RUNNING", "processing")
    assert ExecutionEvent.objects.filter(execution=failed["order_id"], type="ExecutionRedriven").count() == 1


@pytest.mark.parametrize(("action", "code"), [("redrive", "not_redrivable"), ("stop", "not_running")])
def test_a_refusal_is_a_message_with_its_code(office, placed, action, code):
    if action == "stop":
        fail_at_payment(placed)
    before = shop.everything()
    page = text(office.post(f"{LIST}{placed['order_id']}/{action}/", {"cause": "Why not?"}, follow=True))
    assert code in page
    assert shop.everything() == before


def test_many_are_stopped_and_redriven_from_the_list(office, acme, placed):
    ids = [placed["order_id"], shop.order(acme, ("PROD001", 1))["order_id"]]
    for order_id in ids:
        fail_at_payment({"order_id": order_id})
    office.post(LIST, {"action": "redrive", "_selected_action": ids})
    assert set(query("SELECT status FROM orders_execution")) == {("RUNNING",)}
    assert "cause_missing" in text(office.post(LIST, {"action": "stop", "_selected_action": ids}, follow=True))
    office.post(LIST, {"action": "stop", "cause": "Wrong prices.", "_selected_action": ids})
    assert set(query("SELECT status, cause FROM orders_execution")) == {("ABORTED", "Wrong prices.")}


def test_who_may_only_look_gets_no_buttons_and_a_refusal(viewer, placed):
    page = text(viewer.get(page_of(placed)))
    assert "still RUNNING" in page
    assert "Stop and undo" not in page
    assert 'name="cause"' not in text(viewer.get(LIST))
    before = shop.everything()
    for action in ("stop", "redrive"):
        assert viewer.post(f"{LIST}{placed['order_id']}/{action}/", {"cause": "Mine."}).status_code == 403
    assert shop.everything() == before


def test_acting_needs_a_post_with_a_token(office, placed):
    before = shop.everything()
    assert office.get(f"{LIST}{placed['order_id']}/stop/").status_code == 405
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(User.objects.get(username="head-of-orders"))
    assert strict.post(f"{LIST}{placed['order_id']}/stop/", {"cause": "A trick."}).status_code == 403
    assert shop.everything() == before


def test_an_order_that_is_not_there_is_a_message(office):
    path = "0190d3a8-8b10-7b10-8d55-0f2a6a1e4c88"
    response = office.post(f"{LIST}{path}/redrive/", follow=True)
    assert "order_not_found" in response.content.decode()
