"""The back office's home: facts against known rows, what each role sees, and what it costs."""

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from flights.models import Flight, FlightCabin
from orders import dashboard_sales
from orders.dashboard import DayAhead, Route, hours_of_today, percent, read_dashboard, share_text
from orders.dashboard_pictures import Bar, chart, step_for
from orders.models import Backup
from orders.tasks import keep_dashboard
from partners.buckets import most_refused
from skybridge import approvals
from skybridge.roles import ROLES
from tests import factories
from tests.bookings.sales import confirmed
from tests.conftest import agency_api
from tests.orders.disrupting import cancel
from tests.orders.shop import order, product, run
from tests.skybridge.office import fill
from tests.skybridge.staff import with_role
from tests.ticketing.gates import check_in, leave_in

pytestmark = pytest.mark.django_db
ALL = {
    "flights.flight", "ticketing.coupon", "orders.disruptedbooking", "orders.execution", "orders.backup",
    "partners.agency", "bookings.booking", "partners.ledgerentry",
}  # fmt: skip
MOST_STATEMENTS = 15
CONTENT = re.compile(r'<section class="attention".*?<section class="lists"', re.DOTALL)


@pytest.fixture(autouse=True)
def _nothing_kept():
    dashboard_sales.bookings.forget()
    dashboard_sales.revenue.forget()


@pytest.fixture
def noon(monkeypatch):
    """Let it be noon: what leaves within hours leaves today."""
    now = datetime(2031, 3, 4, 12, 30, tzinfo=UTC)
    monkeypatch.setattr(timezone, "now", lambda: now)
    return now


def read(sees=ALL):
    return read_dashboard(sees, at=timezone.now())


# --- Departures ---


def test_an_empty_airline_has_an_empty_dashboard():
    board = read()
    assert (board.today.flights, board.next_flights, board.troubles, board.failures) == (0, [], [], [])
    assert (board.lag.versions, board.throttled, board.routes) == (0, [], [])
    assert [len(board.hours), len(board.days), len(board.ahead)] == [24, 30, 7]
    assert "Nothing" not in page(with_role("supervisor"))


def test_todays_departures_with_load_check_in_and_boarding(noon, acme, flight):
    leave_in(flight, 120)
    check_in(acme, flight, minutes=120)
    confirmed(acme, flight, seats=3)
    factories.flight(departs_at=noon - timedelta(hours=2), status="departed", seats=50)
    factories.flight(departs_at=noon + timedelta(hours=3), status="cancelled", seats=70)
    factories.flight(departs_at=noon + timedelta(hours=12), seats=70)  # tomorrow
    board = read()
    assert board.today[1:] == (3, 1, 0, 1, 150, 4, 1, 0)
    assert [(hour.at.hour, hour.flights) for hour in board.hours if hour.flights] == [(10, 1), (14, 1), (15, 1)]
    assert [(row.id, row.sold, row.checked_in, row.boarded) for row in board.next_flights] == [(flight.pk, 4, 1, 0)]


def test_what_is_ahead_by_day_and_route(noon, acme):
    confirmed(acme, factories.flight("JFK", "LAX", departs_at=noon + timedelta(days=2), seats=10), seats=3)
    factories.flight("LAX", "JFK", departs_at=noon + timedelta(days=2), seats=10)
    factories.flight("LAX", "JFK", departs_at=noon + timedelta(days=8), seats=10)
    board = read()
    assert board.ahead[2] == DayAhead((noon + timedelta(days=2)).date(), 2, 20, 3)
    assert board.routes == [Route("JFK", "LAX", 1, 10, 3), Route("LAX", "JFK", 1, 10, 0)]


# --- Problems ---


def test_flights_on_which_somebody_waits_come_first(acme):
    soon, later = (factories.flight(departs_at=timezone.now() + timedelta(hours=hours)) for hours in (3, 30))
    confirmed(acme, later, seats=2)
    Flight.objects.filter(pk=soon.pk).update(status="delayed")
    cancel(later)
    board = read()
    assert [(row.id, row.status, row.passengers) for row in board.troubles] == [
        (later.pk, "cancelled", 2),
        (soon.pk, "delayed", 0),
    ]
    assert board.trouble_count == 2
    assert read(ALL - {"orders.disruptedbooking"}).troubles[0].passengers == 0


def test_failed_executions_until_somebody_acts(acme):
    product()
    placed = order(acme, ("PROD001", 1), payment={"method": "card", "token": "tok_decline"})
    assert run(placed)["status"] == "FAILED"
    [failure] = read().failures
    assert (str(failure.order_id), failure.state, failure.amount) == (
        placed["order_id"],
        "TakePayment",
        Decimal("999.99"),
    )
    acme.post(f"/api/v1/orders/{placed['order_id']}/cancel")
    assert read().failure_count == 0


def test_backups_that_wait_too_long(acme, pass_time):
    product()
    order(acme, ("PROD001", 1))
    assert not read().is_behind
    pass_time(minutes=2)
    assert read().is_behind
    assert "backups late" in page(with_role("supervisor"))
    assert Backup.objects.filter(stored_at=None).exists()


def test_throttled_agencies(fast_plan):
    fast_plan.rate, fast_plan.burst = Decimal("0.01"), 2
    fast_plan.save()
    slow, idle = agency_api("Slow Travel", fast_plan), agency_api("Idle Travel", fast_plan)
    assert [slow.get("/products").status_code for _ in range(5)] == [200, 200, 429, 429, 429]
    assert idle.get("/products").status_code == 200
    assert [(row.name, row.calls) for row in read().throttled] == [("Slow Travel", 3)]
    assert most_refused(timezone.now().timestamp() + 2 * 3600, 8) == []


# --- Sales ---


def test_bookings_and_revenue_by_day(acme, flight):
    booking = confirmed(acme, flight, seats=2)
    today = read().days[-1]
    with connection.cursor() as cursor:
        cursor.execute("SELECT -sum(amount) FROM partners_ledgerentry WHERE account_id IN ('sales:USD', 'fees:USD')")
        assert today == (timezone.now().date(), 1, cursor.fetchone()[0])
    assert 0 < today.revenue < Decimal(booking["total_amount"])  # taxes are nobody's revenue
    assert read(ALL - {"partners.ledgerentry"}).days[-1].revenue == 0


def test_an_hour_that_is_over_is_counted_once(acme, flight, monkeypatch):
    confirmed(acme, flight)
    kept, now = dashboard_sales.bookings, timezone.now()
    hour = now.replace(minute=0, second=0, microsecond=0)
    month, read_from = now - timedelta(days=29), []
    asked = kept.read
    monkeypatch.setattr(kept, "read", lambda first: read_from.append(first) or asked(first))
    assert kept.since(month, hour + timedelta(minutes=65)) == {hour: 1}  # five minutes after its end it may still grow
    assert kept.since(month, hour + timedelta(minutes=75)) == {hour: 1}
    assert kept.since(month, hour + timedelta(minutes=80)) == {hour: 1}
    assert read_from == [month, hour, hour + timedelta(hours=1)]
    assert kept.since(month - timedelta(days=1), hour + timedelta(minutes=80)) == {hour: 1}
    assert read_from[-1] == month - timedelta(days=1)


def test_a_process_that_begins_takes_what_another_has_kept(acme, flight, monkeypatch):
    confirmed(acme, flight)
    now = timezone.now() + timedelta(hours=2)
    dashboard_sales.keep(now)
    expected = dashboard_sales.sales_by_day(now, days=30, with_revenue=True)
    dashboard_sales.bookings.forget()
    dashboard_sales.revenue.forget()
    read_from, asked = [], dashboard_sales.bookings.read
    monkeypatch.setattr(dashboard_sales.bookings, "read", lambda first: read_from.append(first) or asked(first))
    assert dashboard_sales.sales_by_day(now, days=30, with_revenue=True) == expected
    assert sum(day.bookings for day in expected) == 1
    assert now - read_from[0] < timedelta(minutes=75)


def test_what_is_kept_does_not_go_back_far_enough(acme, flight):
    confirmed(acme, flight)
    now = timezone.now()
    dashboard_sales.keep(now)
    dashboard_sales.bookings.forget()
    assert sum(day.bookings for day in dashboard_sales.sales_by_day(now, days=60, with_revenue=False)) == 1


def test_passengers_are_counted_by_the_beat(noon, acme, flight):
    leave_in(flight, 120)
    check_in(acme, flight, minutes=120)
    assert read().today.checked_in == 1  # nobody has counted: the page does
    keep_dashboard()
    with CaptureQueriesContext(connection) as queries:
        assert read().today.checked_in == 1
    assert not any("sum(k.boarded)" in query["sql"] for query in queries)
    assert sum(hour.checked_in for hour in hours_of_today(noon + timedelta(days=1), with_passengers=True)) == 0


# --- The page ---


def page(client) -> str:
    response = client.get("/admin/")
    assert response.status_code == 200
    return CONTENT.search(response.content.decode()).group()


def test_each_role_sees_its_part():
    seen = {role: page(with_role(role)) for role in ROLES}
    words = {
        "Next departures": {"viewer", "reservations", "check-in", "supervisor", "finance", "administrator"},
        "Revenue today": {"supervisor", "finance"},
        "Bookings today": {"viewer", "reservations", "check-in", "supervisor", "finance", "administrator"},
        "<dt>Backups": {"supervisor", "finance", "administrator"},
    }
    for word, roles in words.items():
        assert {role for role in ROLES if word in seen[role]} == roles, word


def test_who_sees_nothing_is_asked_nothing(db):
    with CaptureQueriesContext(connection) as queries:
        board = read(set())
    assert len(queries) == 0
    assert (board.hours, board.days, board.failures, board.throttled) == (None, None, None, None)


def test_a_home_page_takes_few_statements_however_much_there_is(acme):
    office = with_role("supervisor")
    counts = []
    for start in (0, 3):
        fill(3, start)
        page(office)
        with CaptureQueriesContext(connection) as queries:
            page(office)
        counts.append(len(queries))
    assert counts[0] == counts[1] <= MOST_STATEMENTS


def test_the_page_keeps_to_the_policy_and_every_chart_has_a_table(acme, flight):
    confirmed(acme, flight)
    text = page(with_role("supervisor"))
    assert not re.search(r"<script|\sstyle=|\son\w+=", text)
    charts = re.findall(r'<figure class="chart".*?</figure>', text, re.DOTALL)
    assert len(charts) == 5
    for drawn in charts:
        assert all(part in drawn for part in ("<title id=", "<desc id=", 'role="img"', "<table>", 'scope="row"'))
    ids = re.findall(r'\sid="([^"]+)"', text)
    assert len(ids) == len(set(ids))


# --- Drawing ---


def test_shares_are_never_rounded_up_to_all():
    assert [percent(*pair) for pair in ((0, 0), (0, 5), (199, 200), (5, 5))] == [0, 0, 99, 100]
    assert [share_text(*pair) for pair in ((0, 0), (0, 5), (13, 1000), (199, 200))] == ["–", "0 %", "1.3 %", "99 %"]


def test_the_axis_has_few_round_ticks_that_reach_the_highest_column():
    for highest, step in ((0, 1), (3, 1), (7, 2), (95, 50), (130, 50), (1234, 500)):
        assert step_for(Decimal(highest)) == step


def test_columns_stand_on_each_other_and_stay_inside():
    bars = [Bar("a", "a", [("done", 3), ("late", 1), ("lost", 0)]), Bar("b", "b", [])]
    drawn = chart("c", "C", "", [], bars, (), ())
    lower, upper = drawn.columns[0].segments
    assert (lower.y + lower.height, upper.y + upper.height, upper.y) == (drawn.bottom, lower.y, drawn.top)
    assert drawn.columns[1].segments == []
    assert [tick.text for tick in drawn.ticks] == ["0", "1", "2", "3", "4"]


def test_the_cabins_of_a_flight_are_added_up(noon):
    made = factories.flight(departs_at=noon + timedelta(hours=1), seats={"Y": 90, "J": 10})
    FlightCabin.objects.filter(flight=made, cabin="J").update(sold=5, free=5)
    [next_flight] = read().next_flights
    assert (next_flight.seats, next_flight.sold, next_flight.load) == (100, 5, 5)


def test_what_waits_for_a_second_person_is_named(acme):
    asker, office = User.objects.create_user("asker"), with_role("supervisor")
    assert "for a second person" not in page(office)
    facts = {"amount": Decimal("972.60"), "currency": "USD"}
    approvals.ask("refund_booking", uuid4(), facts, reason="Ill", user=asker, at=timezone.now())
    assert '?state=waiting">1 approval</a>' in page(office)
    assert "for a second person" not in page(with_role("viewer"))
