"""What the back office's lists are made of, so that they cost the same however many rows a table has."""

from calendar import monthrange
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import cached_property
from operator import attrgetter
from typing import Any
from uuid import UUID

from django.contrib.admin import ChoicesFieldListFilter, SimpleListFilter, display
from django.core.paginator import Paginator
from django.db import connection
from django.db.models import BooleanField, Model, Q
from django.db.models.expressions import RawSQL
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html

from skybridge.money import rounded

Column = Any  # a function that makes a column of a row: where fields are named, Django's types know only names
COUNTED = 10_000  # rows; a list counts no further

# How a status looks: its word in the colour of one of the tones of admin.css.
TONES = {
    "done": "confirmed delivered succeeded SUCCEEDED departed flown F accepted issued stored",
    "running": "processing shipped RUNNING checked scheduled O C L boarded",
    "waiting": "created pending held",
    "passed-over": "delayed refunded R E TIMED_OUT reissued no_show",
    "failed": "failed FAILED declined",
    "stopped": "canceled cancelled ABORTED V removed",
}
TONE_OF = {status: tone for tone, statuses in TONES.items() for status in statuses.split()}


def badge(text: Any, tone: str = "") -> str:
    """Return a status as its word beside a dot of its tone."""
    return format_html('<span class="badge is-{}">{}</span>', tone or TONE_OF.get(str(text), "stopped"), text)


def status_badge(row) -> str:
    """Return the status of a state machine's row."""
    return badge(row.get_status_display().lower(), TONE_OF.get(row.status, "stopped"))


def money(amount: Decimal | None, currency: str) -> str:
    """Return an amount with its currency's places, such as 1,234.50 USD."""
    return "–" if amount is None else f"{rounded(amount, currency):,} {currency}"


def exported(column: Column, read: Callable[[Any], Any], *, is_amount: bool = False) -> Column:
    """Say what a column is in a file, where that is not what the list shows."""
    column.exported, column.is_amount = read, is_amount
    return column


def amount(name: str, description: str = "") -> Column:
    """Return the column of an amount that stands beside its currency."""

    @display(description=description or name.removesuffix("_amount").replace("_", " "))
    def column(row) -> str:
        return money(getattr(row, name), row.currency)

    def number(row) -> Decimal | None:
        return None if (value := getattr(row, name)) is None else rounded(value, row.currency)

    column.__name__ = name
    return exported(column, number, is_amount=True)


def status_column() -> Any:
    """Return the column of a state machine's status."""

    @display(description="status")
    def status(row) -> str:
        return status_badge(row)

    return exported(status, lambda row: row.get_status_display().lower())


# A column that is a function is `Any`: the stubs of Django's admin know names only.
status: Any = status_column()


def link(name: str, page: str, key: str, text: str, description: str = "") -> Column:
    """Return the column that leads to a related thing; `key` and `text` are paths such as `ticket.booking_id`."""
    read_key, read_text = attrgetter(key), attrgetter(text)

    @display(description=description or name.replace("_", " "))
    def column(row) -> str:
        try:
            pk = read_key(row)
        except AttributeError:  # what leads there is missing
            pk = None
        if pk is None:
            return "–"
        return format_html('<a href="{}">{}</a>', reverse(f"admin:{page}_change", args=[pk]), read_text(row))

    def text_of(row) -> Any:
        try:
            return None if read_key(row) is None else read_text(row)
        except AttributeError:
            return None

    column.__name__ = name
    return exported(column, text_of)


class CutPaginator(Paginator):
    """Counts to ten thousand and no further: nobody turns to page two hundred, and counting all of a table is dear."""

    @cached_property
    def count(self) -> int:
        return self.object_list.order_by()[:COUNTED].count()  # type: ignore[attr-defined]

    @property
    def is_cut(self) -> bool:
        return self.count == COUNTED


# --- Search: one reader per column that an index serves ---

Finder = Callable[[str], Q | None]


def exact(lookup: str, read: Callable[[str], Any] = str) -> Finder:
    """Return what finds a column's value; `read` turns the text into it, and raises ValueError for what is none."""

    def finder(text: str) -> Q | None:
        try:
            return Q(**{lookup: read(text)})
        except ValueError:
            return None

    return finder


def digits(text: str) -> str:
    """Read a document's number as people write it, such as 999-2400000001."""
    number = text.replace("-", "").replace(" ", "")
    if not (number.isascii() and number.isdecimal()):
        raise ValueError
    return number


by_id = exact("pk", UUID)


# --- Statuses ---


class StatusFilter(ChoicesFieldListFilter):
    """Rows of a status that is written into the statement, so that the database plans for that one.

    A plan for any status would not use an index of rare ones, and read the whole table in search of them.
    """

    def queryset(self, request, queryset):
        for value in self.lookup_val or ():
            if value in dict(self.field.flatchoices):
                queryset = queryset.filter(written(self.field, f"= '{value}'"))
        return super().queryset(request, queryset)


def written(field: Any, condition: str) -> RawSQL:
    """Return a condition on a column as part of the statement's text, which nothing that a request says may be in."""
    return RawSQL(f'"{field.model._meta.db_table}"."{field.column}" {condition}', (), BooleanField())


# --- Days: years, months and days to choose from, without asking the table for those that it has ---


@dataclass(frozen=True)
class Span:
    """A year, a month or a day: its text, its first day, and the first day after it."""

    text: str
    first: date
    after: date


def span_of(text: str) -> Span | None:
    """Read 2026, 2026-11 or 2026-11-21."""
    parts = [int(part) if part.isascii() and part.isdecimal() else 0 for part in text.split("-")]
    with suppress(ValueError, OverflowError):
        first = date(*[*parts, 1, 1][:3]) if len(parts) <= 3 else date.min
        if first.year < 1900:
            return None
        return Span(text, first, after(first, len(parts)))
    return None


def after(first: date, parts: int) -> date:
    days = {1: 366 if monthrange(first.year, 2)[1] == 29 else 365, 2: monthrange(first.year, first.month)[1]}
    return first + timedelta(days=days.get(parts, 1))


class DayFilter(SimpleListFilter):
    """Rows of a year, month or day; a subclass names the column, which an index serves."""

    template = "admin/days.html"
    title = "day"
    parameter_name = "day"
    column = ""
    shortcuts: tuple[tuple[str, int], ...] = (("Today", 0), ("Yesterday", -1))

    def lookups(self, request, model_admin):
        return [("", "")]  # the choices depend on what has been chosen

    def queryset(self, request, queryset):
        span = span_of(self.value() or "")
        return queryset.filter(**self.condition(span)) if span else queryset

    def condition(self, span: Span) -> dict[str, Any]:
        return {f"{self.column}__gte": self.bound(span.first), f"{self.column}__lt": self.bound(span.after)}

    def bound(self, day: date) -> Any:
        return day

    def choices(self, changelist) -> Iterator[Any]:
        chosen = self.value() or ""

        def choice(value: str, words: str, kind: str = "") -> dict:
            link = changelist.get_query_string({self.parameter_name: value} if value else {}, [self.parameter_name])
            return {"selected": value == chosen, "query_string": link, "display": words, "kind": kind}

        yield choice("", "All")
        today = timezone.now().date()
        for words, days in self.shortcuts:
            yield choice(str(today + timedelta(days=days)), words)
        for year in (today.year - 1, today.year, today.year + 1):
            yield choice(str(year), str(year), "first" if year == today.year - 1 else "year")
        span = span_of(chosen)
        first = span.first if span else today
        for month in range(1, 13):
            yield choice(f"{first.year}-{month:02}", f"{date(first.year, month, 1):%b}", "part")
        if span and chosen.count("-"):
            for day in range(1, monthrange(first.year, first.month)[1] + 1):
                yield choice(f"{first.year}-{first.month:02}-{day:02}", str(day), "part")


def midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


class MadeFilter(DayFilter):
    """When a row was made, by its identifier, which sorts by time."""

    title = "day it was made (UTC)"
    column = "pk"

    def bound(self, day: date) -> UUID:
        return UUID(int=int(midnight(day).timestamp() * 1000) << 80)


# The first row whose moment is not before a given one, by halves: numbers grow with time, so the primary key will do.
FIRST_NUMBER = """
WITH RECURSIVE search (low, high) AS (
    SELECT min({key}), max({key}) + 1 FROM {table}
    UNION ALL
    SELECT CASE WHEN probe.moment < %(moment)s THEN probe.number + 1 ELSE low END,
        CASE WHEN probe.moment < %(moment)s THEN high ELSE (low + high) / 2 END
    FROM search, LATERAL (
        SELECT {key} AS number, {column} AS moment FROM {table}
        WHERE {key} >= (low + high) / 2 ORDER BY {key} LIMIT 1
    ) AS probe
    WHERE low < high
)
SELECT low FROM search WHERE low >= high
"""
WRITTEN_WITHIN = timedelta(minutes=10)  # of the moment that a row names


def first_number(model: type[Model], column: str, moment: datetime) -> int | None:
    """Return a number that all rows since a moment reach, None of an empty table. One statement of some 25 look-ups."""
    names = {"key": model._meta.pk.column, "table": model._meta.db_table, "column": column}
    with connection.cursor() as cursor:
        cursor.execute(FIRST_NUMBER.format(**names), {"moment": moment})
        found = cursor.fetchone()
    return found[0] if found else None


class NumberedDayFilter(DayFilter):
    """When a row was made, by its number, where that is not a UUID: the days need no index of their own."""

    title = "day (UTC)"
    column = "at"

    def queryset(self, request, queryset):
        span = span_of(self.value() or "")
        if span is None:
            return queryset
        first, after = midnight(span.first), midnight(span.after)
        low = first_number(queryset.model, self.column, first - WRITTEN_WITHIN)
        if low is None:
            return queryset.none()
        high = first_number(queryset.model, self.column, after + WRITTEN_WITHIN)
        within = {f"{self.column}__gte": first, f"{self.column}__lt": after}
        return queryset.filter(pk__gte=low, pk__lt=high, **within)
