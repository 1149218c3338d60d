"""The demo schedule: a real week of New York departures, repeated on its own weekdays from yesterday on.

A flight of Friday 10 March 2017 runs on Fridays, at the same local wall-clock times. Source: `flights/data/README.md`.
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import count
from pathlib import Path

from flights.airports import load_airports
from flights.imports import Summary, airport_zones, import_flights
from flights.localtime import to_instant, zone
from flights.models import Airport, Carrier, Flight
from flights.schedule_files import read_schedule
from flights.schedules import DatedFlight, Record, Warned, Zones, split_seats
from skybridge.events import Actor

SAMPLE = Path(__file__).parent / "data" / "flights-sample.csv.gz"
DAYS_BACK, DAYS_AHEAD = 1, 28
# Names and accounting codes (first three digits of ticket numbers); a code that we are not sure of stays blank.
CARRIERS = {
    "AA": ("American Airlines", "001"),
    "AS": ("Alaska Airlines", "027"),
    "B6": ("JetBlue Airways", "279"),
    "DL": ("Delta Air Lines", "006"),
    "EV": ("ExpressJet Airlines", ""),
    "F9": ("Frontier Airlines", "422"),
    "FL": ("SkyBridge Demo Airline", ""),
    "HA": ("Hawaiian Airlines", "173"),
    "NK": ("Spirit Airlines", "487"),
    "OO": ("SkyWest Airlines", ""),
    "UA": ("United Airlines", "016"),
    "VX": ("Virgin America", ""),
    "WN": ("Southwest Airlines", "526"),
}


@dataclass(frozen=True, slots=True)
class Pattern:
    """A flight that repeats: local times of day, and how many days after its departure it arrives."""

    carrier: str
    flight_number: int
    operational_suffix: str
    origin: str
    destination: str
    departs: time
    arrives: time
    days_later: int
    aircraft_type: str
    registration: str
    cabins: tuple[tuple[str, int], ...]


def own_flight(
    number: int, origin: str, destination: str, departs: time, arrives: time, days_later: int = 0
) -> Pattern:
    seats = split_seats(200)
    return Pattern("FL", number, "", origin, destination, departs, arrives, days_later, "A321-231", "", seats)


# Every day: a connection at Los Angeles, a pair across a border (documents at check-in), and the founding document's
# example `flightId: FL123`. That one comes last: where it is, its whole day is.
LAST_OF_DAY = 123
OWN_FLIGHTS = (
    own_flight(124, "LAX", "JFK", time(14, 30), time(22, 55)),
    own_flight(125, "LAX", "SFO", time(14, 35), time(15, 55)),
    own_flight(126, "JFK", "LHR", time(18, 30), time(6, 30), days_later=1),
    own_flight(127, "LHR", "JFK", time(10), time(13)),
    own_flight(LAST_OF_DAY, "JFK", "LAX", time(10), time(13, 5)),
)


def add_demo_schedule(*, actor: Actor, now: datetime) -> Summary:
    """Add the days from yesterday to four weeks ahead that are not there yet. One query when all are."""
    days = missing_days(now.astimezone(UTC).date())
    if not days:
        return Summary()
    if not Airport.objects.exists():
        load_airports()
    add_carriers()
    zones = airport_zones()
    records = flights_on(days, week_of_patterns(zones), zones)
    return import_flights(records, actor=actor, source="demo schedule", now=now)


def missing_days(today: date) -> list[date]:
    wanted = [today + timedelta(days=n) for n in range(-DAYS_BACK, DAYS_AHEAD + 1)]
    last = Flight.objects.filter(carrier="FL", flight_number=LAST_OF_DAY, departure_date__in=wanted)
    present = set(last.values_list("departure_date", flat=True))
    return [day for day in wanted if day not in present]


def add_carriers() -> None:
    """Add the demo's carriers, and name those that a schedule has added without a name."""
    Carrier.objects.bulk_create(
        [Carrier(iata=iata, name=name, accounting_code=code) for iata, (name, code) in CARRIERS.items()],
        ignore_conflicts=True,
    )
    for carrier in Carrier.objects.filter(iata__in=CARRIERS, name=""):
        carrier.name, carrier.accounting_code = CARRIERS[carrier.iata]
        carrier.save(update_fields=["name", "accounting_code"])


def week_of_patterns(zones: Zones) -> dict[int, list[Pattern]]:
    """Return the real week's flights by ISO weekday (1 is Monday), our own last."""
    week: dict[int, list[Pattern]] = defaultdict(list)
    for record in read_schedule(SAMPLE, zones):
        if isinstance(record, DatedFlight):
            week[record.departure_date.isoweekday()].append(pattern_of(record, zones))
    for weekday in range(1, 8):
        week[weekday].extend(OWN_FLIGHTS)
    return week


def pattern_of(flight: DatedFlight, zones: Zones) -> Pattern:
    departs = flight.departs_at.astimezone(zone(zones[flight.origin]))
    arrives = flight.arrives_at.astimezone(zone(zones[flight.destination]))
    return Pattern(
        flight.carrier,
        flight.flight_number,
        flight.operational_suffix,
        flight.origin,
        flight.destination,
        departs.time(),
        arrives.time(),
        (arrives.date() - departs.date()).days,
        flight.aircraft_type,
        flight.registration,
        flight.cabins,
    )


def flights_on(days: list[date], week: dict[int, list[Pattern]], zones: Zones) -> Iterator[Record]:
    """Yield the dated flights of some days, in order of days; `line` counts them."""
    line = count(1)
    for day in days:
        for pattern in week[day.isoweekday()]:
            yield from dated(next(line), pattern, day, zones)


def dated(line: int, pattern: Pattern, day: date, zones: Zones) -> Iterator[Record]:
    departure = to_instant(datetime.combine(day, pattern.departs), zones[pattern.origin])
    arrives_on = day + timedelta(days=pattern.days_later)
    arrival = to_instant(datetime.combine(arrives_on, pattern.arrives), zones[pattern.destination])
    for note in filter(None, (departure.note, arrival.note)):
        yield Warned(line, note)
    yield DatedFlight(
        line,
        pattern.carrier,
        pattern.flight_number,
        pattern.operational_suffix,
        day,
        pattern.origin,
        pattern.destination,
        departure.at,
        arrival.at,
        pattern.aircraft_type,
        pattern.registration,
        pattern.cabins,
    )
