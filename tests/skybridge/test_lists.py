"""Filters of lists: days by number, and statuses that are written into the statement."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from django.contrib import admin
from django.contrib.auth.models import User
from django.db import connection
from django.test.utils import CaptureQueriesContext

from flights.models import Flight
from orders import workflow
from orders.models import Execution
from skybridge.lists import first_number
from skybridge.models import Event
from tests import factories
from tests.conftest import session_api
from tests.orders import shop
from tests.skybridge.office import fill

pytestmark = pytest.mark.django_db
EVENTS, BOOKINGS = "/admin/skybridge/event/", "/admin/bookings/booking/"
NOON = datetime(2026, 3, 5, 12, tzinfo=UTC)


@pytest.fixture
def office(db):
    return session_api(User.objects.create_superuser("head-of-office")).client


def event_at(at: datetime) -> Event:
    who = {"actor_kind": "system", "actor_id": "x", "door": "task"}
    return Event.objects.create(at=at, action="x.happened", subject_id=uuid4(), **who)


def shown(office, path: str) -> list:
    return [row.pk for row in office.get(path).context["cl"].result_list]


def test_the_first_number_of_a_moment():
    assert first_number(Event, "at", NOON) is None
    made = [event_at(NOON + timedelta(hours=hours)).pk for hours in range(40)]
    for hours in (0, 1, 17, 39):
        assert first_number(Event, "at", NOON + timedelta(hours=hours)) == made[hours]
        assert made[hours] < first_number(Event, "at", NOON + timedelta(hours=hours, seconds=1)) <= made[hours] + 1
    assert first_number(Event, "at", NOON - timedelta(days=1)) == made[0]
    assert first_number(Event, "at", NOON + timedelta(days=9)) == made[-1] + 1


def test_events_of_a_day_a_month_and_a_year(office):
    midnight = NOON + timedelta(hours=12)
    first, after = event_at(NOON).pk, event_at(midnight + timedelta(minutes=4)).pk
    late = event_at(midnight - timedelta(minutes=4)).pk  # written down after one of the day that follows
    second, third = event_at(NOON + timedelta(days=1)).pk, event_at(NOON + timedelta(days=40)).pk
    assert shown(office, f"{EVENTS}?day=2026-03-05") == [late, first]
    assert shown(office, f"{EVENTS}?day=2026-03-06") == [second, after]
    assert shown(office, f"{EVENTS}?day=2026-03") == [second, late, after, first]
    assert set(shown(office, f"{EVENTS}?day=2026")) >= {first, second, third}
    assert shown(office, f"{EVENTS}?day=2024") == []


@pytest.mark.parametrize("path", [EVENTS, "/admin/partners/ledgerentry/", "/admin/orders/backup/"])
def test_a_day_takes_two_statements_more(office, path):
    fill(2)
    counts = []
    for query in ("", "?day=2026-03-05", f"?day={datetime.now(UTC):%Y}"):
        office.get(path + query)
        with CaptureQueriesContext(connection) as statements:
            office.get(path + query)
        counts.append(len(statements))
    assert max(counts) <= counts[0] + 2


@pytest.mark.parametrize("status", ["created", "refunded", "confirmed"])
def test_a_status_is_part_of_the_statement(office, status):
    of_it, _ = factories.booking(status), factories.booking("canceled")
    with CaptureQueriesContext(connection) as statements:
        assert shown(office, f"{BOOKINGS}?status__exact={status}") == [of_it.pk]
    assert any(f'"bookings_booking"."status" = \'{status}\'' in query["sql"] for query in statements)


def test_another_text_is_not(office):
    with CaptureQueriesContext(connection) as statements:
        office.get(BOOKINGS, {"status__exact": "x' OR '1'='1"})
    assert not any("= 'x' OR" in query["sql"] for query in statements)


@pytest.mark.parametrize("state", [state.name for state in workflow.STATES])
def test_executions_at_a_state(office, acme, state):
    shop.product()
    placed = shop.order(acme, ("PROD001", 1))["order_id"]
    done = shop.order(acme, ("PROD001", 1))
    shop.run(done)
    Execution.objects.filter(pk=placed).update(state=state)
    expected = [done["order_id"], placed] if state == "Notify" else [placed]
    assert [str(pk) for pk in shown(office, f"/admin/orders/execution/?state={state}")] == expected


def test_a_row_s_checkbox_is_django_s(flight):
    office, row = admin.site.get_model_admin(Flight), Flight.objects.get()
    assert office.action_checkbox(row) == admin.ModelAdmin.action_checkbox(office, row).strip()
