"""Where everything goes when the dashboard's charts are drawn: stacked columns on an axis, each with its table.

All lengths are whole units of the drawing's own, so that no locale writes them with a comma.
"""

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from itertools import count
from typing import NamedTuple

from orders.dashboard import Dashboard, DayAhead, Hour, share_text
from orders.dashboard_sales import Day
from skybridge.money import rounded

WIDTH, HEIGHT = 480, 190
LEFT, RIGHT, TOP, BOTTOM = 46, 474, 12, 160
MOST_TICKS = 4
LEAST_HEIGHT = 2


class Segment(NamedTuple):
    """A part of a column; `css` says what it is."""

    y: int
    height: int
    css: str


class Column(NamedTuple):
    x: int
    width: int
    middle: int
    label: str
    title: str
    segments: Sequence[Segment]


class Tick(NamedTuple):
    y: int
    text: str


class Chart(NamedTuple):
    """A chart of columns, with the words and the table that say the same."""

    name: str
    title: str
    text: str
    legend: Sequence[tuple[str, str]]
    columns: Sequence[Column]
    ticks: Sequence[Tick]
    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    now_x: int | None = None
    width: int = WIDTH
    height: int = HEIGHT
    left: int = LEFT
    right: int = RIGHT
    top: int = TOP
    bottom: int = BOTTOM


class Bar(NamedTuple):
    """What becomes a column: its parts from the bottom up, with the words for it."""

    label: str
    title: str
    parts: Sequence[tuple[str, Decimal | int]]

    @property
    def total(self) -> Decimal:
        return sum((Decimal(value) for _, value in self.parts), Decimal(0))


def charts_of(board: Dashboard) -> list[Chart]:
    """Return the charts of what somebody may see."""
    charts = []
    if board.hours is not None:
        charts.append(departures_chart(board.hours, board.at))
        charts.append(passengers_chart(board.hours, board.at, board.shows_passengers))
    if board.days is not None:
        charts.append(bookings_chart(board.days))
    if board.days is not None and board.shows_revenue:
        charts.append(revenue_chart(board.days, board.currency))
    if board.ahead is not None:
        charts.append(ahead_chart(board.ahead))
    return charts


# --- What is drawn ---


def departures_chart(hours: Sequence[Hour], at: datetime) -> Chart:
    """Draw how many flights leave in each hour of today, by how they stand."""
    legend = [("done", "left"), ("planned", "to leave"), ("late", "delayed"), ("lost", "cancelled")]
    bars = [Bar(hour_label(hour), hour_title(hour), flights_of(hour)) for hour in hours]
    total = sum(hour.flights for hour in hours)
    left = sum(hour.left for hour in hours)
    text = f"{total:,} flights leave today, {left:,} of them have left."
    head = ("Hour", "Flights", "Left", "Delayed", "Cancelled", "Seats", "Sold", "Load")
    rows = [
        (clock(hour), *texts(hour.flights, hour.left, hour.delayed, hour.cancelled, hour.seats, hour.sold), load(hour))
        for hour in hours
    ]
    return chart("departures", "Today's departures by hour", text, legend, bars, head, rows, now=now_share(at))


def flights_of(hour: Hour) -> list[tuple[str, int]]:
    planned = hour.flights - hour.left - hour.delayed - hour.cancelled
    return [("done", hour.left), ("planned", planned), ("late", hour.delayed), ("lost", hour.cancelled)]


def passengers_chart(hours: Sequence[Hour], at: datetime, with_check_in: bool) -> Chart:
    """Draw today's passengers by the hour of their departure, and how far they have come."""
    legend = [("done", "boarded"), ("planned", "checked in"), ("pale", "not checked in yet")] if with_check_in else []
    bars = [Bar(hour_label(hour), passengers_title(hour), passengers_of(hour)) for hour in hours]
    sold, checked_in = sum(hour.sold for hour in hours), sum(hour.checked_in for hour in hours)
    boarded = sum(hour.boarded for hour in hours)
    text = f"{sold:,} seats are sold for today's flights."
    if with_check_in:
        text += f" {checked_in:,} passengers have checked in, {boarded:,} of these have boarded."
    words = ("Hour", "Seats sold", "Checked in", "Boarded")
    cells = [(clock(hour), *texts(hour.sold, hour.checked_in, hour.boarded)) for hour in hours]
    shown = len(words) if with_check_in else 2
    head, rows = words[:shown], [row[:shown] for row in cells]
    return chart("passengers", "Today's passengers by hour", text, legend, bars, head, rows, now=now_share(at))


def passengers_of(hour: Hour) -> list[tuple[str, int]]:
    waiting = max(hour.sold - hour.checked_in, 0)
    return [("done", hour.boarded), ("planned", hour.checked_in - hour.boarded), ("pale", waiting)]


def bookings_chart(days: Sequence[Day]) -> Chart:
    """Draw how many bookings each day has brought."""
    bars = [
        Bar(day_label(day.day), f"{day_text(day.day)}: {counted(day.bookings, 'booking')}", [("planned", day.bookings)])
        for day in days
    ]
    total = sum(day.bookings for day in days)
    text = f"{counted(total, 'booking')} in {len(days)} days, {days[-1].bookings:,} of them today."
    rows = [(day_text(day.day), *texts(day.bookings)) for day in days]
    title = f"Bookings, last {len(days)} days"
    return chart("bookings", title, text, [], bars, ("Day", "Bookings"), rows)


def revenue_chart(days: Sequence[Day], currency: str) -> Chart:
    """Draw the revenue of each day; a day on which more went back than came in has no column."""
    bars = [
        Bar(
            day_label(day.day),
            f"{day_text(day.day)}: {day.revenue:,.0f} {currency}",
            [("done", max(day.revenue, Decimal(0)))],
        )
        for day in days
    ]
    total = sum((day.revenue for day in days), Decimal(0))
    text = f"{total:,.0f} {currency} in {len(days)} days, {days[-1].revenue:,.0f} of it today: sales and fees without "
    text += "taxes, less what went back."
    rows = [(day_text(day.day), f"{rounded(day.revenue, currency):,}") for day in days]
    title = f"Revenue, last {len(days)} days"
    return chart("revenue", title, text, [], bars, ("Day", f"Revenue in {currency}"), rows)


def ahead_chart(days: Sequence[DayAhead]) -> Chart:
    """Draw the seats that are sold for each of the coming days."""
    bars = [
        Bar(day.day.strftime("%a"), f"{day_text(day.day)}: {counted(day.sold, 'seat')} sold", [("planned", day.sold)])
        for day in days
    ]
    total, flights = sum(day.sold for day in days), sum(day.flights for day in days)
    text = f"{counted(total, 'seat')} sold on {counted(flights, 'flight')}, today's with them."
    head = ("Day", "Flights", "Seats", "Sold", "Load")
    rows = [
        (day_text(day.day), *texts(day.flights, day.seats, day.sold), share_text(day.sold, day.seats)) for day in days
    ]
    return chart("ahead", f"Seats sold, next {len(days)} days", text, [], bars, head, rows)


# --- Words ---


def counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def texts(*numbers: int) -> tuple[str, ...]:
    return tuple(f"{number:,}" for number in numbers)


def load(hour: Hour) -> str:
    return share_text(hour.sold, hour.seats)


def clock(hour: Hour) -> str:
    return f"{hour.at:%H:%M}"


def hour_label(hour: Hour) -> str:
    return f"{hour.at:%H}" if hour.at.hour % 3 == 0 else ""


def hour_title(hour: Hour) -> str:
    parts = [f"{hour.left} left", f"{hour.delayed} delayed", f"{hour.cancelled} cancelled", f"load {load(hour)}"]
    return f"{clock(hour)}: {counted(hour.flights, 'flight')}, {', '.join(parts)}"


def passengers_title(hour: Hour) -> str:
    return f"{clock(hour)}: {hour.sold:,} seats sold, {hour.checked_in:,} checked in, {hour.boarded:,} boarded"


def day_label(day: date) -> str:
    """Name Mondays: every seventh column has room for a word."""
    return f"{day.day} {day:%b}" if day.isoweekday() == 1 else ""


def day_text(day: date) -> str:
    return f"{day:%a} {day.day} {day:%b %Y}"


def now_share(at: datetime) -> float:
    return (at.hour * 60 + at.minute) / (24 * 60)


# --- Places ---


def chart(
    name: str, title: str, text: str, legend: Sequence[tuple[str, str]], bars: Sequence[Bar], head: Sequence[str],
    rows: Sequence[Sequence[str]], now: float | None = None,
) -> Chart:  # fmt: skip
    """Return where the columns of a chart go."""
    step = step_for(max((bar.total for bar in bars), default=Decimal(0)))
    highest = max((bar.total for bar in bars), default=Decimal(0))
    steps = max(-(-int(highest) // step), 1)
    top = Decimal(step * steps)
    ticks = [Tick(height_of(Decimal(step * n), top), short(step * n)) for n in range(steps + 1)]
    pitch = (RIGHT - LEFT) / len(bars)
    columns = [column(bar, place, pitch, top) for place, bar in enumerate(bars)]
    now_x = None if now is None else round(LEFT + now * (RIGHT - LEFT))
    return Chart(name, title, text, legend, columns, ticks, head, rows, now_x)


def step_for(highest: Decimal) -> int:
    """Return the smallest of 1, 2, 5, 10, 20, … of which at most four reach the highest value."""
    for power in count():
        for digit in (1, 2, 5):
            if digit * 10**power * MOST_TICKS >= highest:
                return digit * 10**power
    raise AssertionError


def height_of(value: Decimal, top: Decimal) -> int:
    return round(BOTTOM - (BOTTOM - TOP) * value / top)


def column(bar: Bar, place: int, pitch: float, top: Decimal) -> Column:
    x, width = round(LEFT + place * pitch + pitch * 0.14), max(round(pitch * 0.72), 2)
    segments, y, below = [], BOTTOM, Decimal(0)
    for css, value in bar.parts:
        if value > 0:
            below += value
            upper = min(height_of(below, top), y - LEAST_HEIGHT)
            segments.append(Segment(upper, y - upper, css))
            y = upper
    return Column(x, width, x + width // 2, bar.label, bar.title, segments)


def short(number: int) -> str:
    """Return a number in few letters, such as 20k."""
    for size, letter in ((1_000_000_000, "bn"), (1_000_000, "m"), (1000, "k")):
        if number >= size:
            return f"{number / size:g}{letter}"
    return str(number)
