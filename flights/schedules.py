"""Schedules: the record that every format is read into, and our CSV format.

A CSV has a header and the columns of `flights/data/README.md` in any order; those after `seats` are optional.
"""

import csv
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from functools import cache

from django.conf import settings

from flights.localtime import to_instant
from flights.models import Cabin

SMALL_AIRCRAFT_SEATS = 76  # up to here a cabin is all economy
MAX_SEATS = 1000
LONGEST_FLIGHT = timedelta(hours=24)
YEARS = range(1970, 2101)
COLUMNS = (
    "flight_date",
    "carrier",
    "flight_number",
    "origin",
    "destination",
    "sched_dep_local",
    "origin_tz",
    "sched_arr_local",
    "destination_tz",
    "tail_number",
    "aircraft_model",
    "seats",
)
EXAMPLE = (  # of a file: its header and one line
    ",".join(COLUMNS),
    "2017-03-10,UA,1161,EWR,IAH,2017-03-10T05:00,America/New_York,2017-03-10T07:56,America/Chicago,N68452,737-924ER,191",
)
match_carrier = re.compile(r"[A-Z]{3}|[A-Z][A-Z0-9]|[0-9][A-Z]").fullmatch
match_number = re.compile(r"(0*[1-9][0-9]{0,3})([A-Z]?)").fullmatch
match_airport = re.compile(r"[A-Z]{3}").fullmatch
match_plain = re.compile(r"[ -~]*").fullmatch
match_whole = re.compile(r"[0-9]{1,5}").fullmatch


class BadLine(ValueError):
    """One line cannot be used; the message is the reason."""


class UnreadableFile(Exception):
    """The file is not a schedule, or cannot be read to its end."""


@dataclass(frozen=True, slots=True)
class DatedFlight:
    """One departure as a schedule gives it. `cabins` are (cabin, seats); times are in UTC, the date is local."""

    line: int
    carrier: str
    flight_number: int
    operational_suffix: str
    departure_date: date
    origin: str
    destination: str
    departs_at: datetime
    arrives_at: datetime
    aircraft_type: str
    registration: str
    cabins: tuple[tuple[str, int], ...]
    on_sale: bool = True


@dataclass(frozen=True, slots=True)
class Refused:
    """A line that is not used, and why."""

    line: int
    reason: str


@dataclass(frozen=True, slots=True)
class Warned:
    """A line that is used, with something that its author should know."""

    line: int
    reason: str


Record = DatedFlight | Refused | Warned
Lines = Iterable[tuple[int, str]]
Zones = Mapping[str, str]


@cache
def split_seats(seats: int) -> tuple[tuple[str, int], ...]:
    """Split one seat count into cabins: economy gets settings.ECONOMY_SHARE, business the rest."""
    economy = seats
    if seats > SMALL_AIRCRAFT_SEATS:
        economy = int((seats * settings.ECONOMY_SHARE).quantize(Decimal(1), ROUND_HALF_UP))
    cabins = ((Cabin.BUSINESS.value, seats - economy), (Cabin.ECONOMY.value, economy))
    return tuple(cabin for cabin in cabins if cabin[1])


def read_csv(lines: Lines, zones: Zones) -> Iterator[Record]:
    """Yield the flights of our CSV and the lines refused. `zones` gives each known airport's IANA zone.

    Raises UnreadableFile when the header lacks a column.
    """
    lines = iter(lines)
    places, width = read_header(lines)
    for number, line in lines:
        if not line:
            continue
        try:
            fields = split_line(line, width)
            flight, note = read_row(number, [fields[place] for place in places], zones)
        except BadLine as bad:
            yield Refused(number, str(bad))
            continue
        if note:
            yield Warned(number, note)
        yield flight


def read_header(lines: Iterator[tuple[int, str]]) -> tuple[list[int], int]:
    """Return where our columns stand, and how many columns there are. Raises UnreadableFile."""
    _, header = next(lines, (0, ""))
    names = [name.strip() for name in header.lstrip("\ufeff").split(",")]
    missing = [column for column in COLUMNS if column not in names]
    if missing:
        raise UnreadableFile(f"the header lacks {', '.join(missing)}")
    return [names.index(column) for column in COLUMNS], len(names)


def split_line(line: str, width: int) -> list[str]:
    """Return the fields of a line; a quoted field ends on its line. Raises BadLine."""
    try:
        fields = next(csv.reader([line], strict=True)) if '"' in line else line.split(",")
    except csv.Error as error:
        raise BadLine(f"not CSV: {error}") from None
    if len(fields) != width:
        raise BadLine(f"{len(fields)} fields instead of {width}")
    return fields


def read_row(line: int, fields: list[str], zones: Zones) -> tuple[DatedFlight, str]:
    """Return a row's flight and a note on its times, or "". Raises BadLine."""
    day, carrier, digits, origin, destination, departs, origin_tz, arrives, destination_tz, tail, model, seats = fields
    departure_date = read_date(day)
    number, suffix = read_designator(carrier, digits)
    check_airports(origin, destination, zones)
    leaves, lands = read_wall(departs, "sched_dep_local"), read_wall(arrives, "sched_arr_local")
    if leaves.date() != departure_date:
        raise BadLine(f"flight_date {day} is not the date of departure {departs}")
    departure = to_instant(leaves, zones[origin])
    arrival = to_instant(lands, zones[destination])
    check_zone(origin, origin_tz, leaves, departure.at, zones)
    check_zone(destination, destination_tz, lands, arrival.at, zones)
    check_duration(departure.at, arrival.at)
    flight = DatedFlight(
        line,
        carrier,
        number,
        suffix,
        departure_date,
        origin,
        destination,
        departure.at,
        arrival.at,
        read_plain(model, "aircraft_model", 32),
        read_plain(tail, "tail_number", 10),
        split_seats(read_seats(seats)),
    )
    return flight, departure.note or arrival.note


def read_date(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise BadLine(f"flight_date {text!r} is not a date like 2017-03-10") from None


def read_wall(text: str, column: str) -> datetime:
    try:
        wall = datetime.fromisoformat(text)
    except ValueError:
        wall = None
    if wall is None or wall.tzinfo is not None or len(text) < len("2017-03-10T05:00") or wall.year not in YEARS:
        raise BadLine(f"{column} {text!r} is not a local time like 2017-03-10T05:00")
    return wall


def read_designator(carrier: str, number: str) -> tuple[int, str]:
    """Return flight number and operational suffix. Raises BadLine."""
    if not match_carrier(carrier):
        raise BadLine(f"carrier {carrier!r} is not an airline designator")
    match = match_number(number)
    if match is None or int(match[1]) > 9999:
        raise BadLine(f"flight_number {number!r} is not a number from 1 to 9999")
    return int(match[1]), match[2]


def read_seats(text: str) -> int:
    if not match_whole(text):
        raise BadLine(f"seats {text!r} is not a whole number")
    if not 1 <= int(text) <= MAX_SEATS:
        raise BadLine(f"seats {text} is not from 1 to {MAX_SEATS}")
    return int(text)


def read_plain(text: str, column: str, longest: int) -> str:
    if len(text) > longest or not match_plain(text):
        raise BadLine(f"{column} {text[:40]!r} is not at most {longest} plain characters")
    return text.strip()


def check_airports(origin: str, destination: str, zones: Zones) -> None:
    for airport in (origin, destination):
        if airport not in zones:
            known = match_airport(airport)
            raise BadLine(f"unknown airport {airport}" if known else f"{airport!r} is not an IATA airport code")
    if origin == destination:
        raise BadLine(f"origin and destination are both {origin}")


def check_zone(airport: str, given: str, wall: datetime, at: datetime, zones: Zones) -> None:
    """Refuse a time zone that gives the wall-clock time another instant than the airport's own zone."""
    if given == zones[airport]:
        return
    try:
        same = to_instant(wall, given).at == at
    except (KeyError, ValueError, OSError):  # no such zone, or not even the name of one
        same = False
    if not same:
        raise BadLine(f"{airport} is in {zones[airport]}, not in {given[:40]!r}")


def check_duration(departs_at: datetime, arrives_at: datetime) -> None:
    if arrives_at <= departs_at:
        raise BadLine(f"arrives at {short(arrives_at)}, not after its departure at {short(departs_at)}")
    if arrives_at - departs_at > LONGEST_FLIGHT:
        raise BadLine("takes longer than 24 hours")


def short(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M}Z"
