"""The storm day: `python -m skybridge.embedded.testing -- python -m benchmarks.storm_day [--out docs/disruption.json]`.

It loads the real schedule of 14 March 2017 and the days after it under dates to come (same weekdays and local times),
sells the day to 80 % of each cabin through the services that the API calls, cancels the flights that the snow storm
cancelled, and re-accommodates their passengers. Then it proves that each is in exactly one state, that the database
keeps its invariants, and that a second run changes nothing. It does so twice, in two copies of the sold day: with the
following days empty, and with 80 % of their seats taken off, as if they were sold too.
"""

import argparse
import csv
import gzip
import json
import os
import random
import resource
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager, suppress
from datetime import date, timedelta
from pathlib import Path
from urllib.parse import urlsplit

import django
from django.core.management import call_command
from django.db import connection, connections
from django.utils import timezone

STORM, SHARE = date(2017, 3, 14), 0.8
DAYS_AFTER = 3
SELLERS = 8  # each for an agency of its own, because an account takes one sale at a time
WORKERS = 2
# How many of a hundred bookings are for so many seats.
PARTIES = {1: 45, 2: 33, 3: 10, 4: 8, 5: 4}
# Tables that a second run must not touch.
TABLES = (
    "flights_flight", "flights_flightcabin", "bookings_booking", "ticketing_ticket", "ticketing_coupon",
    "orders_order", "orders_disruption", "orders_disruptedbooking", "orders_backup", "skybridge_event",
    "partners_ledgerentry",
)  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=None, help="a JSON file for the result")
    parser.add_argument("--share", type=float, default=SHARE, help="how much of each cabin is sold")
    parser.add_argument("--flights", type=int, default=0, help="only so many flights of the day, for a quick look")
    parser.add_argument("--phase", choices=["all", "sell", "storm"], default="all")
    parser.add_argument("--variant", choices=["empty", "sold"], default="empty")
    arguments = parser.parse_args()
    django.setup()
    if arguments.phase == "storm":
        print(json.dumps(storm(arguments.variant)))
        return
    call_command("migrate", verbosity=0)
    result = sell_the_day(arguments.share, arguments.flights)
    if arguments.phase == "all":
        result["variants"] = {name: in_a_copy(name) for name in ("empty", "sold")}
    text = json.dumps(result, indent=1)
    print(text)
    if arguments.out:
        arguments.out.write_text(text + "\n")


def new_day() -> date:
    """Return the storm's day of this run: the same weekday, at least four days ahead."""
    ahead = timezone.now().date() + timedelta(days=4)
    return ahead + timedelta(days=(STORM.isoweekday() - ahead.isoweekday()) % 7)


# --- The schedule ---


def load_schedule(day: date, most: int) -> int:
    """Load the storm's day and those after it; the sample's own days where it has them, else the same weekday."""
    from flights import demo  # noqa: PLC0415
    from flights.airports import load_airports  # noqa: PLC0415
    from flights.imports import airport_zones, import_flights  # noqa: PLC0415
    from skybridge.events import Actor  # noqa: PLC0415

    load_airports()
    demo.add_carriers()
    zones = airport_zones()
    week = demo.week_of_patterns(zones)
    for patterns in week.values():
        del patterns[-len(demo.OWN_FLIGHTS) :]
    if most:
        week[STORM.isoweekday()] = week[STORM.isoweekday()][:most]
    days = [day + timedelta(days=n) for n in range(DAYS_AFTER + 1)]
    done = import_flights(
        demo.flights_on(days, week, zones), actor=Actor("system", "storm", "command"), source="storm day"
    )
    return done.new


def cancelled_flights(day: date) -> list:
    """Return the ids of the flights that the storm cancelled, as the sample has it."""
    from flights.demo import SAMPLE  # noqa: PLC0415
    from flights.models import Flight  # noqa: PLC0415

    with gzip.open(SAMPLE, "rt", encoding="utf-8") as lines:
        rows = [row for row in csv.DictReader(lines) if row["flight_date"] == str(STORM) and row["cancelled"] == "1"]
    keys = {(row["carrier"], int(row["flight_number"]), row["origin"]) for row in rows}
    on_day = Flight.objects.filter(departure_date=day).values_list("pk", "carrier_id", "flight_number", "origin_id")
    return [pk for pk, *key in on_day if tuple(key) in keys]


# --- Selling ---


def sell_the_day(share: float, most: int) -> dict:
    from flights.models import FlightCabin  # noqa: PLC0415
    from partners.models import Agency, Plan  # noqa: PLC0415

    day = new_day()
    loaded = load_schedule(day, most)
    plan = Plan.objects.create(name="storm", rate=100_000, burst=100_000)
    for seller in range(SELLERS):
        Agency.objects.create(name=f"Storm Travel {seller}", plan=plan)
    cabins = list(
        FlightCabin.objects.filter(flight__departure_date=day)
        .order_by("pk")
        .values_list("flight_id", "cabin", "capacity")
    )
    began_at = time.monotonic()
    connections.close_all()
    shares = [(cabins[n::SELLERS], share, n) for n in range(SELLERS)]
    with ProcessPoolExecutor(SELLERS) as pool:
        sold = sum(pool.map(sell, shares), Counter())
    seconds = time.monotonic() - began_at
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")
    return {
        "day": str(STORM),
        "run_as": str(day),
        "flights_loaded": loaded,
        "flights_of_the_day": len({flight_id for flight_id, _, _ in cabins}),
        "seats_of_the_day": sum(capacity for _, _, capacity in cabins),
        "share_sold": share,
        "bookings": sold["bookings"],
        "passengers": sold["passengers"],
        "children_and_infants": sold["young"],
        "sold_in_seconds": round(seconds, 1),
        "sellers": SELLERS,
        "cores": os.cpu_count(),
    }


def sell(work: tuple) -> Counter:
    """Sell each cabin to its share, in parties, by the services behind `POST /api/v1/bookings` and `.../confirm`."""
    from bookings.holds import Sale, hold_seats  # noqa: PLC0415
    from flights.offers import Wish  # noqa: PLC0415
    from orders.reservations import confirm_booking  # noqa: PLC0415
    from partners.callers import Caller  # noqa: PLC0415
    from partners.models import Agency  # noqa: PLC0415

    cabins, share, seed = work
    dice = random.Random(seed)
    agency = Agency.objects.order_by("pk")[seed]
    caller = Caller("agency", str(agency.pk), "api", agency.pk, agency.name)
    sold: Counter = Counter()
    for flight_id, cabin, capacity in cabins:
        left = round(capacity * share)
        while left:
            party = draw_party(dice, left)
            sale = Sale([Wish(flight_id=flight_id, cabin=cabin)], party, agency.pk, agency.name, f"guest{sold.total()}")
            view = hold_seats(sale, actor=caller, answer=lambda view: view)  # type: ignore[arg-type, return-value]
            confirm_booking(view.booking.id, caller=caller)  # type: ignore[attr-defined]
            left -= view.booking.seats  # type: ignore[attr-defined]
            sold["bookings"] += 1
            sold["passengers"] += len(party)
            sold["young"] += sum(passenger.passenger_type != "ADT" for passenger in party)
    connections.close_all()
    return sold


def draw_party(dice: random.Random, most: int) -> list:
    """Return a party of 1 to 5 seats: children from the third seat on more often than not, now and then an infant."""
    from bookings.parties import Passenger  # noqa: PLC0415

    seats = min(dice.choices(list(PARTIES), list(PARTIES.values()))[0], most)
    children = max(seats - 2, 0) if dice.random() < 0.6 else 0
    infant = ["INF"] if seats > 1 and dice.random() < 0.03 else []
    types = ["ADT"] * (seats - children) + ["CHD"] * children + infant
    return [Passenger(kind, f"GUEST{dice.randrange(9999)}", f"NAME{place}") for place, kind in enumerate(types)]


# --- The storm ---


def in_a_copy(variant: str) -> dict:
    """Run the storm in a copy of the sold day, in a process of its own."""
    connections.close_all()
    parts = urlsplit(os.environ["DATABASE_URL"])
    url = parts._replace(path="/postgres").geturl()
    copy_database(url, parts.path[1:], variant)
    environment = {**os.environ, "DATABASE_URL": parts._replace(path=f"/storm_{variant}").geturl()}
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.storm_day", "--phase", "storm", "--variant", variant],
        env=environment, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    if done.returncode:
        sys.exit(f"The variant {variant} has failed.")
    return json.loads(done.stdout.splitlines()[-1])


def copy_database(url: str, source: str, variant: str) -> None:
    import psycopg  # noqa: PLC0415

    with psycopg.connect(url, autocommit=True) as link:
        link.execute(f'DROP DATABASE IF EXISTS "storm_{variant}"')
        link.execute(f'CREATE DATABASE "storm_{variant}" TEMPLATE "{source}"')


def storm(variant: str) -> dict:
    from orders.disruption.services import cancel_flights  # noqa: PLC0415
    from skybridge.events import Actor  # noqa: PLC0415
    from skybridge.progress import ProgressBar  # noqa: PLC0415

    day = new_day()
    if variant == "sold":
        take_seats_off(day)
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")
    flight_ids = cancelled_flights(day)
    aboard = tickets_on(flight_ids)
    actor, bar = Actor("staff", "operations", "command"), ProgressBar("Re-accommodating")
    began_at, cpu_before, load = time.monotonic(), cpu_seconds(), os.getloadavg()[0]
    done = cancel_flights(flight_ids, "Snow storm", actor=actor, at=timezone.now(), workers=WORKERS, progress=bar)
    seconds, cpu = time.monotonic() - began_at, round(cpu_seconds() - cpu_before, 1)
    bar.close()
    before = digests()
    with timed() as again:
        repeated = cancel_flights(flight_ids, "Snow storm", actor=actor, at=timezone.now(), workers=WORKERS)
    unchanged = digests() == before and repeated == done
    with timed() as verifying:
        call_command("verify_invariants", stdout=sys.stderr)
    return {
        "flights_cancelled": len(flight_ids),
        "passengers_touched": len(aboard),
        "seconds": round(seconds, 1),
        "cpu_seconds": cpu,
        "load_before": round(load, 1),
        "workers": WORKERS,
        "outcome": done["outcome"],
        "passengers_by_state": states_of(aboard),
        "second_run_seconds": round(again[0], 1),
        "second_run_changed_nothing": unchanged,
        "invariants_hold": True,
        "invariants_seconds": round(verifying[0], 1),
        "flow": flow(day, flight_ids),
    }


def cpu_seconds() -> float:
    """Return the processor time of this process and of the database server with all that have been its children."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    [[data]] = query("SELECT pg_backend_pid()")
    server = Path(f"/proc/{data}/stat").read_text().rsplit(")", 1)[1].split()[1]
    tick = os.sysconf("SC_CLK_TCK")
    children = 0.0
    for entry in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            fields = entry.read_text().rsplit(")", 1)[1].split()
            if fields[1] == server:
                children += (int(fields[11]) + int(fields[12])) / tick
            if entry.parent.name == server:
                children += sum(map(int, fields[11:15])) / tick
    return used.ru_utime + used.ru_stime + children


@contextmanager
def timed() -> Iterator[list[float]]:
    taken = [0.0]
    began_at = time.monotonic()
    yield taken
    taken[0] = time.monotonic() - began_at


def query(sql: str, *parameters) -> list[tuple]:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters or None)
        return cursor.fetchall() if cursor.description else []


def take_seats_off(day: date) -> None:
    """Leave the days after the storm 20 % of their seats: to who looks for one, as if the others were sold."""
    query(
        """UPDATE flights_flightcabin c SET capacity = c.capacity - round(c.capacity * 0.8),
            free = c.free - round(c.capacity * 0.8)
        FROM flights_flight f WHERE f.id = c.flight_id AND f.departure_date > %s""",
        day,
    )


def tickets_on(flight_ids: list) -> list:
    """Return the passengers, by their tickets, who are booked on flights."""
    rows = query(
        """SELECT k.ticket_id FROM ticketing_coupon k JOIN ticketing_ticket t ON t.id = k.ticket_id
        JOIN bookings_booking b ON b.id = t.booking_id AND b.status = 'confirmed'
        WHERE k.flight_id = ANY(%s::uuid[]) AND k.status IN ('O', 'C', 'L')""",
        flight_ids,
    )
    return [ticket_id for (ticket_id,) in rows]


def states_of(aboard: list) -> dict[str, int]:
    """Count passengers by each state that their own coupons and booking show; everyone has to be in exactly one."""
    rows = query(
        """SELECT rebooked, refunded, waiting, count(*) FROM (
            SELECT bool_or(k.status = 'O' AND f.status <> 'cancelled') AS rebooked,
                bool_or(k.status IN ('R', 'V')) AS refunded,
                bool_or(k.status = 'O' AND f.status = 'cancelled' AND EXISTS (
                    SELECT FROM orders_disruptedbooking x
                    WHERE x.booking_id = t.booking_id AND x.status = 'waiting')) AS waiting
            FROM ticketing_ticket t JOIN ticketing_coupon k ON k.ticket_id = t.id
            JOIN flights_flight f ON f.id = k.flight_id
            WHERE t.id = ANY(%s::uuid[]) GROUP BY t.id
        ) passenger GROUP BY 1, 2, 3""",
        aboard,
    )
    counts = {"rebooked": 0, "refunded": 0, "waiting": 0, "in_none_or_several": 0}
    for *flags, passengers in rows:
        found = [name for name, flag in zip(("rebooked", "refunded", "waiting"), flags, strict=True) if flag]
        counts[found[0] if len(found) == 1 else "in_none_or_several"] += passengers
    return counts


def digests() -> dict[str, str]:
    """Return what the content of each table comes to."""
    return {
        table: str(query(f"SELECT count(*), sum(hashtextextended(t::text, 0)::numeric) FROM {table} t")[0])
        for table in TABLES
    }


def flow(day: date, flight_ids: list) -> dict:
    """Return passengers by the local hour of their cancelled departure, and by day and hour of the new one."""
    rows = query(
        """SELECT extract(hour FROM old.departs_at AT TIME ZONE 'America/New_York')::int,
            CASE x.status WHEN 'rebooked' THEN n.departure_date - %s::date END, count(*),
            sum(x.passengers)::int, sum(x.passengers * extract(epoch FROM n.departs_at - old.departs_at) / 3600)::float
        FROM orders_disruptedbooking x JOIN orders_disruption d ON d.id = x.disruption_id
        JOIN flights_flight old ON old.id = d.flight_id
        LEFT JOIN flights_flight n ON n.id = (x.moves -> 0 ->> 'to_id')::uuid
        WHERE d.flight_id = ANY(%s::uuid[]) GROUP BY 1, 2 ORDER BY 1, 2""",
        day, flight_ids,
    )  # fmt: skip
    hours: dict[str, dict[str, int]] = {}
    late = rebooked = 0.0
    for hour, later, _, passengers, hours_late in rows:
        name = "waiting" if later is None else f"day_{later}"
        hours.setdefault(str(hour), {})[name] = passengers
        if later is not None:
            late, rebooked = late + hours_late, rebooked + passengers
    return {"by_hour": hours, "mean_hours_late": round(late / rebooked, 1) if rebooked else None}


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "skybridge.settings")
    main()
