"""SSIM chapter 7 schedules: each flight leg (record type 3) expanded to one flight per date of its period.

Other records add nothing that we use, but for the carrier record's time mode (U or L) and validity. Times are read in
the airport's own IANA zone, because a period can straddle a clock change; a stated UTC variation that differs is
reported. Source: IATA Standard Schedules Information Manual, chapter 7, as described in public readers.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from flights.localtime import Instant, local_date, to_instant, zone
from flights.models import Cabin
from flights.schedules import (
    BadLine,
    DatedFlight,
    Lines,
    Record,
    Refused,
    UnreadableFile,
    Warned,
    Zones,
    check_airports,
    check_duration,
    read_designator,
    read_plain,
)

MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
OPEN = "00XXX00"
LONGEST_PERIOD = timedelta(days=731)
OPEN_PERIOD = timedelta(days=364)  # where neither leg nor carrier record says when an open period ends
DATE_VARIATIONS = {" ": 0, "0": 0, "J": -1, "A": -1} | {str(days): days for days in range(1, 8)}
SOLD_SERVICES = frozenset("JSUQGBR")  # scheduled and additional passenger services; not cargo, charter, training
CABINS = dict.fromkeys("FPA", Cabin.FIRST) | dict.fromkeys("JCDIZ", Cabin.BUSINESS) | {"W": Cabin.PREMIUM}
CABINS |= dict.fromkeys("YSBHKLMNQTVX", Cabin.ECONOMY)
match_classes = re.compile(r"(?:[A-Z]\d{1,3})+").match
match_offset = re.compile(r"([+-])([01]\d)([0-5]\d)").fullmatch
match_time = re.compile(r"([01]\d|2[0-3])([0-5]\d)").fullmatch


@dataclass
class Carrier:
    """What a carrier record (type 2) says for the legs after it."""

    in_utc: bool = False
    valid_until: date | None = None


@dataclass(frozen=True, slots=True)
class End:
    """One end of a leg: airport, scheduled time of day, stated offset from UTC, date variation in days."""

    airport: str
    time: time
    offset: timedelta | None
    days: int
    is_dated: bool


def read_ssim(lines: Lines, zones: Zones) -> Iterator[Record]:
    """Yield the dated flights of every leg, the lines refused, and warnings. `zones` as for `read_csv`.

    Raises UnreadableFile when the file holds no leg at all.
    """
    carrier, has_legs = Carrier(), False
    for number, line in lines:
        record = line[:1]
        if record == "2":
            carrier = read_carrier(line)
        elif record == "3":
            has_legs = True
            try:
                yield from expand_leg(number, line, carrier, zones)
            except BadLine as bad:
                yield Refused(number, str(bad))
        elif record not in ("", "1", "4", "5") and line.strip("0 "):
            yield Refused(number, f"unknown record type {record!r}")
    if not has_legs:
        raise UnreadableFile("it has no flight leg (record type 3)")


def read_carrier(line: str) -> Carrier:
    until = line[21:28]
    try:
        return Carrier(line[1:2] == "U", None if until == OPEN else read_day(until))
    except BadLine:
        return Carrier(line[1:2] == "U")


def expand_leg(number: int, line: str, carrier: Carrier, zones: Zones) -> Iterator[Record]:
    """Yield one flight per date of the leg's period. Raises BadLine before the first."""
    line = line.ljust(200)
    airline = line[2:5].strip()
    flight_number, suffix = read_designator(airline, (line[5:9] + line[1]).strip())
    departure = End(line[36:39], read_time(line[39:43]), read_offset(line[47:52]), read_variation(line[192]), True)
    arrival = End(
        line[54:57], read_time(line[61:65]), read_offset(line[65:70]), read_variation(line[193]), line[193] != " "
    )
    check_airports(departure.airport, arrival.airport, zones)
    cabins = read_configuration(line[172:192])
    aircraft = read_plain(line[72:75], "aircraft type", 3)
    notes: dict[str, None] = {}
    for day in operating_days(line, carrier):
        departs, arrives = instants(day, departure, arrival, carrier, zones, notes)
        try:
            check_duration(departs, arrives)
        except BadLine as bad:
            yield Refused(number, f"{day}: {bad}")
            continue
        yield DatedFlight(
            number,
            airline,
            flight_number,
            suffix,
            local_date(departs, zones[departure.airport]),
            departure.airport,
            arrival.airport,
            departs,
            arrives,
            aircraft,
            "",
            cabins,
            on_sale=line[13] in SOLD_SERVICES,
        )
    yield from (Warned(number, note) for note in notes)


def operating_days(line: str, carrier: Carrier) -> list[date]:
    """Return the dates on which a leg operates, from its period, days of the week and frequency. Raises BadLine."""
    first = read_day(line[14:21])
    last = read_last_day(line[21:28], first, carrier)
    weekdays = {int(digit) for digit in line[28:35] if digit.isdigit()}
    weeks = 2 if line[35] == "2" else 1
    if not weekdays or not weekdays <= set(range(1, 8)):
        raise BadLine(f"days of operation {line[28:35]!r} name no day from 1 to 7")
    dates = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    found = [day for day in dates if day.isoweekday() in weekdays and (day - first).days // 7 % weeks == 0]
    if not found:
        raise BadLine(f"no date from {first} to {last} is one of its days of operation")
    return found


def read_last_day(text: str, first: date, carrier: Carrier) -> date:
    """Return a period's end; an open one ends with the carrier's validity, or after a year. Raises BadLine."""
    if text == OPEN:
        last = carrier.valid_until
        last = last if last and last >= first else first + OPEN_PERIOD
        return min(last, first + LONGEST_PERIOD)
    last = read_day(text)
    if not timedelta(0) <= last - first <= LONGEST_PERIOD:
        raise BadLine(f"the period from {first} to {last} is not one of up to two years")
    return last


def instants(
    day: date, departure: End, arrival: End, carrier: Carrier, zones: Zones, notes: dict[str, None]
) -> tuple[datetime, datetime]:
    """Return departure and arrival on one date of the period. Adds to `notes` what the file's author should know.

    Without a date variation the arrival is the first one after the departure.
    """

    def at(end: End, days: int) -> Instant:
        wall = datetime.combine(day + timedelta(days=days), end.time)
        if carrier.in_utc:
            return Instant(wall.replace(tzinfo=UTC))
        return to_instant(wall, zones[end.airport], end.offset)

    leaves = at(departure, departure.days)
    if arrival.is_dated:
        lands = at(arrival, arrival.days)
    else:
        days = range(departure.days - 1, departure.days + 3)
        lands = next(lands for lands in (at(arrival, n) for n in days) if lands.at > leaves.at)
    for end, instant in ((departure, leaves), (arrival, lands)):
        notes |= dict.fromkeys(filter(None, [instant.note, difference(end, instant.at, zones[end.airport])]))
    return leaves.at, lands.at


def difference(end: End, at: datetime, zone_name: str) -> str:
    actual = at.astimezone(zone(zone_name)).utcoffset()
    if end.offset is None or end.offset == actual:
        return ""
    return f"{end.airport}: stated UTC variation {hours(end.offset)}, but {zone_name} has {hours(actual)}"


def hours(offset: timedelta | None) -> str:
    minutes = round((offset or timedelta()).total_seconds() / 60)
    return f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02}{abs(minutes) % 60:02}"


def read_configuration(text: str) -> tuple[tuple[str, int], ...]:
    """Return the seats by cabin of a configuration such as J14W34Y316VV364, first cabin first. Raises BadLine."""
    match = match_classes(text)
    if match is None:
        raise BadLine(f"no seats in the aircraft configuration {text.strip()!r}")
    seats = dict.fromkeys([Cabin.FIRST, Cabin.BUSINESS, Cabin.PREMIUM, Cabin.ECONOMY], 0)
    for letter, number in re.findall(r"([A-Z])(\d+)", match[0]):
        if letter not in CABINS:
            raise BadLine(f"unknown class {letter} in the aircraft configuration {text.strip()!r}")
        seats[CABINS[letter]] += int(number)
    if not any(seats.values()):
        raise BadLine(f"no seats in the aircraft configuration {text.strip()!r}")
    return tuple((cabin.value, number) for cabin, number in seats.items() if number)


def read_day(text: str) -> date:
    """Return a date written DDMMMYY; years are 1970 to 2069. Raises BadLine."""
    try:
        year = int(text[5:7])
        return date(2000 + year if year < 70 else 1900 + year, MONTHS.index(text[2:5]) + 1, int(text[:2]))
    except ValueError:
        raise BadLine(f"{text!r} is not a date like 09JUN05") from None


def read_time(text: str) -> time:
    match = match_time(text)
    if match is None:
        raise BadLine(f"{text!r} is not a time of day like 2130")
    return time(int(match[1]), int(match[2]))


def read_offset(text: str) -> timedelta | None:
    match = match_offset(text)
    if match is None:
        if text.strip():
            raise BadLine(f"{text!r} is not a UTC variation like +0400")
        return None
    size = timedelta(hours=int(match[2]), minutes=int(match[3]))
    return -size if match[1] == "-" else size


def read_variation(text: str) -> int:
    """Return a date variation in days; a blank is 0. Raises BadLine."""
    if text not in DATE_VARIATIONS:
        raise BadLine(f"{text!r} is not a date variation")
    return DATE_VARIATIONS[text]
