"""The back office shows an execution as a picture."""

import re

import pytest
from django.contrib.auth.models import Permission, User

from orders import workflow
from orders.models import Execution
from skybridge.events import system
from tests.bookings.sales import book
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
    for words in ("payment_declined", "No &lt;b&gt;funds&lt;/b&gt;.", "another card", "Redrive …"):
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


def test_who_may_only_look_gets_no_buttons(viewer, placed):
    page = text(viewer.get(page_of(placed)))
    assert "still RUNNING" in page
    assert "Stop and undo" not in page
