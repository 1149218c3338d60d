"""Bookings and revenue by day, for a month back, at the cost of the hour that is not over.

What was booked and posted in an hour that is over never changes: bookings are not deleted and the ledger is only
written to. So each process counts an hour once and keeps the sum; the beat's keeps them in Valkey too, for processes
that begin.
"""

import threading
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID

from django.conf import settings
from django.db import connection

from orders.dashboard_kept import keep as keep_facts
from orders.dashboard_kept import kept
from partners.ledger import FEES, SALES, system_account
from skybridge.times import day_start

HOUR = timedelta(hours=1)
SETTLED_AFTER = timedelta(minutes=10)  # then whatever was begun in an hour is committed
DAYS_BACK = 30
KEPT_SECONDS = 3600
NEVER = datetime.min.replace(tzinfo=UTC)


class Day(NamedTuple):
    """A day's new bookings, and its revenue: sales and fees without taxes, less what went back."""

    day: date
    bookings: int = 0
    revenue: Decimal = Decimal(0)


# The ids sort by time; a row's `created_at` is a moment older.
BOOKINGS = """
SELECT date_bin('1 hour', created_at, '2000-01-01 00:00Z'), count(*) FROM bookings_booking
WHERE id >= %(id)s::uuid AND created_at >= %(first)s::timestamptz GROUP BY 1
"""
REVENUE = """
SELECT date_bin('1 hour', at, '2000-01-01 00:00Z'), -sum(amount) FROM partners_ledgerentry
WHERE account_id = ANY(%(accounts)s::text[]) AND at >= %(first)s::timestamptz GROUP BY 1
"""


def first_id(at: datetime) -> UUID:
    """Return the smallest id that can have been made at a moment."""
    return UUID(int=(int(at.timestamp() * 1000) << 80))


class Hourly:
    """Sums of a statement by hour; those of hours that are over are kept, as numbers of one type."""

    def __init__(self, name: str, sql: str, type_: type) -> None:
        self.name, self.sql, self.type = f"hourly {name}", sql, type_
        self.lock = threading.Lock()
        self.forget()

    def forget(self) -> None:
        self.kept: dict[datetime, Any] = {}
        self.from_, self.until = datetime.max.replace(tzinfo=UTC), NEVER

    def since(self, first: datetime, at: datetime) -> dict[datetime, Any]:
        """Return the sums of the hours from the first one on. One statement."""
        with self.lock:
            if first < self.from_ or at < self.until:
                self.forget()
            if self.until == NEVER:
                self.recall(first, at)
            known = {hour: total for hour, total in self.kept.items() if hour >= first}
            unread = max(first, self.until)
        found = known | dict(self.read(unread))
        settled = (at - SETTLED_AFTER).replace(minute=0, second=0, microsecond=0)
        with self.lock:
            self.kept = {hour: total for hour, total in found.items() if hour < settled}
            self.from_, self.until = first, settled
        return found

    def recall(self, first: datetime, at: datetime) -> None:
        """Take what another process has kept in Valkey, if it goes back far enough."""
        facts = kept(self.name)
        if facts is None:
            return
        from_, until = datetime.fromisoformat(facts["from"]), datetime.fromisoformat(facts["until"])
        if from_ <= first and until <= at:
            self.kept = {datetime.fromisoformat(hour): self.type(total) for hour, total in facts["hours"].items()}
            self.from_, self.until = from_, until

    def share(self) -> None:
        with self.lock:
            hours = {hour.isoformat(): str(total) for hour, total in self.kept.items()}
            facts = {"from": self.from_.isoformat(), "until": self.until.isoformat(), "hours": hours}
        keep_facts(self.name, facts, KEPT_SECONDS)

    def read(self, first: datetime) -> Iterable[tuple[datetime, Any]]:
        accounts = [system_account(name, settings.CURRENCY) for name in (SALES, FEES)]
        everything: dict[str, Any] = {
            "id": first_id(first - timedelta(minutes=1)),
            "first": first,
            "accounts": accounts,
        }
        parameters = {name: value for name, value in everything.items() if f"%({name})s" in self.sql}
        with connection.cursor() as cursor:
            cursor.execute(self.sql, parameters)
            return cursor.fetchall()


bookings, revenue = Hourly("bookings", BOOKINGS, int), Hourly("revenue", REVENUE, Decimal)


def first_hour(at: datetime, days: int) -> datetime:
    return day_start(at.date()) - timedelta(days=days - 1)


def keep(at: datetime) -> None:
    """Keep the hours that are over for processes that begin. Two statements."""
    for hourly in (bookings, revenue):
        hourly.since(first_hour(at, DAYS_BACK), at)
        hourly.share()


def sales_by_day(at: datetime, *, days: int, with_revenue: bool) -> list[Day]:
    """Return so many days up to today, oldest first. Two statements, one without revenue."""
    first = first_hour(at, days)
    by_day = {day: Day(day) for day in ((first + timedelta(days=n)).date() for n in range(days))}
    for hour, count in bookings.since(first, at).items():
        if (day := by_day.get(hour.date())) is not None:
            by_day[hour.date()] = day._replace(bookings=day.bookings + count)
    for hour, amount in (revenue.since(first, at) if with_revenue else {}).items():
        if (day := by_day.get(hour.date())) is not None:
            by_day[hour.date()] = day._replace(revenue=day.revenue + amount)
    return list(by_day.values())
