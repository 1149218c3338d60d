"""Measure how a search grows: two servers, one on a database with 30 times the flights, asked in turns."""

import os
import shutil
import statistics
import subprocess
import sys
from argparse import Namespace
from pathlib import Path

from benchmarks import cpu, sides
from benchmarks.agencies import SELLERS, agency_name, key_of
from benchmarks.cluster import BUILDING, DURABLE, Cluster
from benchmarks.flow import Flow, Sample
from benchmarks.goals import Goal, lines_of
from benchmarks.sides import Side
from benchmarks.template import fingerprint, refuse_full_disk
from benchmarks.works import Call
from skybridge.embedded.state import PROJECT

SIZES = (340_000, 10_000_000)
BYTES_A_FLIGHT = 800
PACE = 100  # searches a second, on both
FLIGHTS = "SELECT greatest(reltuples, 1) FROM pg_class WHERE relname = 'flights_flight'"
SEARCHES = """
SELECT origin_id, destination_id, departure_date::text FROM flights_flight TABLESAMPLE SYSTEM (%s)
WHERE departs_at BETWEEN now() + interval '3 days' AND now() + interval '300 days' ORDER BY random() LIMIT 5000
"""


def measure(options: Namespace) -> None:
    """Print what a search takes of the database, and how soon it is answered, at both sizes."""
    directory = options.data / "growth"
    directory.mkdir(parents=True, exist_ok=True)
    databases = {f"flights_{size}": max(1000, round(size * options.scale)) for size in SIZES}
    variables = sides.production(directory)
    sides.collect_static(variables)
    forget_old_data(directory, fingerprint(options.scale))
    with Cluster(directory).running(BUILDING) as cluster:
        for name, flights in databases.items():
            if name not in cluster.databases():
                fill(cluster, directory, name, flights, variables)
        os.sync()
    with Cluster(directory).running(DURABLE, valkey=True) as cluster:
        for name in databases:
            print(f"\n{name}", flush=True)
            run(["benchmarks.search_scale"], cluster.url(name), variables)
        small, large = databases
        with (
            sides.skybridge(cluster, directory, variables, small) as one,
            sides.skybridge(cluster, directory, variables, large) as other,
        ):
            report(compare(cluster, [one, other], options))


def forget_old_data(directory: Path, made_of: str) -> None:
    """Delete databases that would be made otherwise today."""
    known = directory / "made_of"
    if not known.exists() or known.read_text() != made_of:
        shutil.rmtree(directory / "postgres", ignore_errors=True)
        known.write_text(made_of)


def fill(cluster: Cluster, directory: Path, name: str, flights: int, variables: dict[str, str]) -> None:
    """Make a database with so many flights; what is unfinished has another name."""
    refuse_full_disk(directory, flights * BYTES_A_FLIGHT)
    print(f"Making {flights:,} flights", flush=True)
    cluster.drop("unfinished")
    cluster.query("postgres", "CREATE DATABASE unfinished")
    run(["benchmarks.search_scale", "--fill", str(flights)], cluster.url("unfinished"), variables)
    cluster.query("postgres", f"ALTER DATABASE unfinished RENAME TO {name}")


def run(module: list[str], url: str, variables: dict[str, str]) -> None:
    environment = os.environ | variables | {"DATABASE_URL": url}
    if subprocess.run([sys.executable, "-m", *module], cwd=PROJECT, env=environment).returncode:
        sys.exit("This did not work.")


def compare(cluster: Cluster, both: list[Side], options: Namespace) -> dict[str, tuple[list[float], list[float]]]:
    """Return, by side, the database's CPU per search of each round (ms), and all times (ms)."""
    requests = {side.name: searches(cluster, side) for side in both}
    found: dict[str, tuple[list[float], list[float]]] = {side.name: ([], []) for side in both}
    for number in range(options.rounds + 1):  # the first one warms up
        for side in both if number % 2 else both[::-1]:
            before = cpu.seconds_of({cluster.pid})
            with Flow(side.address, options.connections) as flow:
                calls = requests[side.name] * 10
                sample: Sample = flow.keep_pace(iter(calls[number * 500 :]), PACE, options.seconds)
            spent = cpu.seconds_of({cluster.pid}) - before
            if number and sample.times:
                found[side.name][0].append(1000 * spent / len(sample.times))
                found[side.name][1].extend(1000 * seconds for seconds in sample.times)
            if set(sample.statuses) != {200}:
                print(f"  {side.name}: {dict(sample.statuses)}", flush=True)
    return found


def searches(cluster: Cluster, side: Side) -> list[bytes]:
    """Return requests for routes and dates of a side's flights, the callers in turns."""
    [[count]] = cluster.query(side.database, FLIGHTS)
    rows = cluster.query(side.database, SEARCHES, [min(100.0, 100 * 40_000 / count)])
    keys = [key_of(agency_name(number)) for number in SELLERS]
    return [
        Call(
            "GET",
            f"/searchFlights?departureCity={origin}&destinationCity={destination}&departureDate={date}",
            keys[n % len(keys)],
        ).bytes()
        for n, (origin, destination, date) in enumerate(rows)
    ]


def report(found: dict[str, tuple[list[float], list[float]]]) -> None:
    """Print both sizes and the goals."""
    figures = {}
    for name, (spent, times) in found.items():
        cuts = statistics.quantiles(times, n=100)
        figures[name] = statistics.median(spent), cuts[98]
        print(f"{name:20} database {figures[name][0]:.3f} ms a search, p50 {cuts[49]:.1f} ms, p99 {cuts[98]:.1f} ms")
    (small, small_p99), (large, large_p99) = figures.values()
    goals = [
        Goal("SEARCH: database's CPU, 10 million flights against 340,000", large / small, 1.6, 1.2),
        Goal("SEARCH: p99 over HTTP, likewise", large_p99 / small_p99, 1.5, 1.5),
    ]
    print("\n".join(["", *lines_of(goals)]))
