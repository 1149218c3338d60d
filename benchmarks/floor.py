"""The floor: the very statements that SkyBridge sends, under pgbench, which costs the database nothing besides.

A script looks a call's parameters up and replays its statements, in one transaction where SkyBridge has one. What the
look-up costs is measured by a script of its own and taken off.
"""

import itertools
import json
import os
import random
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg

from benchmarks import cpu
from benchmarks.agencies import ALPHABET
from benchmarks.cluster import Cluster
from benchmarks.works import HOT_SEATS, Call, Work
from skybridge.embedded.state import PROJECT

DATABASE = "floor"
CONNECTIONS = 4  # as many as SkyBridge's threads have
SETTLED = 12  # calls of a connection after which PostgreSQL keeps its plans
PATIENCE_SECONDS = 30
# Calls to record at full size, and how often each is replayed, every time under identifiers of its own; of the others
# there are few different ones, and reading may be repeated as it is.
RECORDED = {"BOOK": 2000, "HOT": 4500, "CONFIRM": 6000, "ORDER": 1500, "SCAN": 5000, "SEARCH": 1500, "READ": 1500}
COPIES = {"BOOK": 25, "HOT": 7, "ORDER": 15}
ALL_OF = ("HOT",)  # recorded whole even for a short run: enough flights that none is oversold in a round
EVENTS = "SELECT COALESCE(pg_sequence_last_value(pg_get_serial_sequence('skybridge_event', 'id')), 0)"
unused_numbers = itertools.count(10_000_000)
find_uuid7 = re.compile(r"[0-9a-f]{8}-?[0-9a-f]{4}-?7[0-9a-f]{3}-?[0-9a-f]{4}-?[0-9a-f]{12}")
find_locator = re.compile(r'"locator": ?"(\w{6})"')
READS = ("SEARCH", "READ", "LIST", "LIST1000", "LIST-SMALL")


@dataclass
class Replay:
    """A work's statements for pgbench. `calls` are recorded; `next` is a sequence that goes through them."""

    work: str
    statements: list[str]
    constants: dict[str, str]
    columns: list[str]
    calls: int
    kinds: int

    @property
    def table(self) -> str:
        return f"bench_call_{self.work.lower().replace('-', '_')}"

    @property
    def trips(self) -> int:
        return len(self.statements)

    def look_up(self, *, again: bool = False) -> str:
        """Return what reads the next call; `again` and again, if it may be replayed or is not replayed at all."""
        names = ", ".join([*self.columns, *(f"'' AS {name}" for name, value in self.constants.items() if not value)])
        number = f"(SELECT nextval('{self.table}_next'))"
        if again or self.work in READS:
            number = f"(SELECT 1 + nextval('{self.table}_next') % {self.calls})"
        return f"SELECT {names or 'n'} FROM {self.table} WHERE n = {number} \\gset\n"

    def script(self) -> str:
        return self.look_up() + "".join(f"{statement.strip()};\n" for statement in self.statements)


@dataclass
class FloorSample:
    """What one round of pgbench did."""

    rate: float
    cpu_ms: float
    transactions: int
    events: int


def some_of(work: Work, count: int) -> list[Call]:
    """Return so many calls, over and over again where there are few different ones."""
    return work.calls[:count] if work.is_used_up else list(itertools.islice(itertools.cycle(work.calls), count))


def copies(rows: list[list[str]], times: int, since: int) -> Iterator[list[str]]:
    """Yield rows so many times; what a call itself has drawn since a moment (in ms) is drawn anew each time."""
    for row in rows * times:
        yield with_new_identifiers(row, since)


def with_new_identifiers(row: list[str], since: int) -> list[str]:
    """Return a call's values with other UUIDs and another record locator where it has drawn them itself."""
    texts = {text.replace("-", "") for value in row for text in find_uuid7.findall(value)}
    drawn = {text: redrawn(text) for text in texts if int(text[:12], 16) >= since}
    locators = {text: locator_of(next(unused_numbers)) for value in row for text in find_locator.findall(value)}

    def replaced(found: re.Match) -> str:
        text = drawn.get(found[0].replace("-", ""), found[0])
        return str(UUID(text)) if "-" in found[0] else text

    changed = [find_uuid7.sub(replaced, value) for value in row]
    for old, new in locators.items():
        changed = [new if value == old else value.replace(f'"{old}"', f'"{new}"') for value in changed]
    return changed


def locator_of(number: int) -> str:
    """Return the record locator that `sales.LOCATOR` gives a booking with this number; those numbers are smaller."""
    return "".join(ALPHABET[(number * 7919 + 104729) // 27**place % 27] for place in range(6))


def redrawn(text: str) -> str:
    """Return another UUID of the same moment, both without hyphens."""
    return f"{text[:13]}{random.getrandbits(12):03x}8{random.getrandbits(60):015x}"


class Floor:
    """Records works once, then measures them as often as wanted."""

    def __init__(self, cluster: Cluster, directory: Path, variables: dict[str, str]):
        self.cluster, self.directory, self.variables = cluster, directory, variables
        self.replays: dict[str, Replay] = {}
        self.unreplayable: dict[str, str] = {}

    def record(self, works: list[Work], share: float) -> None:
        """Record the statements of works, each in a database whose rows the recording leaves as they are."""
        halves = [works[::2], works[1::2]]
        running = [self.start_recording(half, share) for half in halves if half]
        for process, calls in running:
            answer, _ = process.communicate(json.dumps(calls).encode())
            if process.returncode:
                sys.exit("The statements could not be recorded.")
            for name, recording in json.loads(answer).items():
                self.keep(name, recording)

    def start_recording(self, works: list[Work], share: float) -> tuple[subprocess.Popen, dict[str, list[Call]]]:
        environment = os.environ | self.variables | {"DATABASE_URL": self.cluster.url(DATABASE)}
        command = [sys.executable, "-m", "benchmarks.record"]
        shares = {work.name: 1.0 if work.name in ALL_OF else share for work in works}
        calls = {
            work.name: some_of(work, max(100, round(RECORDED.get(work.name, 0) * shares[work.name]))) for work in works
        }
        process = subprocess.Popen(command, cwd=PROJECT, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        return process, calls

    def keep(self, name: str, recording: dict[str, Any]) -> None:
        """Put a recording's values into a table of their own."""
        fields = ("statements", "constants", "columns", "calls", "kinds")
        replay = Replay(name, *(recording[field] for field in fields))
        rows = list(copies(recording["rows"], COPIES.get(name, 1), recording["since"]))
        replay.calls = len(rows)
        self.replays[name] = replay
        columns = "".join(f", {column} text" for column in replay.columns)
        with psycopg.connect(self.cluster.url(DATABASE), autocommit=True) as connection:
            connection.execute(f"CREATE UNLOGGED TABLE {replay.table} (n bigint{columns})")
            with connection.cursor().copy(f"COPY {replay.table} FROM STDIN") as copy:
                for n, row in enumerate(rows, start=1):
                    copy.write_row([n, *row])
            connection.execute(f"ALTER TABLE {replay.table} ADD PRIMARY KEY (n)")
            connection.execute(f"VACUUM ANALYZE {replay.table}")
            connection.execute(f"CREATE SEQUENCE {replay.table}_next")

    def measure(self, name: str, seconds: float, *, look_up_only: bool = False) -> FloorSample | None:
        """Replay a work for so long; None when its calls are used up, or cannot be replayed."""
        replay = self.replays[name]
        if name in self.unreplayable:
            return None
        before = self.position(replay)
        if name == "HOT":
            self.free_hot_seats()
        if look_up_only:
            self.rewind(replay, 0)
        process = self.start_pgbench(replay, look_up_only)
        sample = self.watch(replay, process, seconds)
        process.terminate()
        output = process.communicate(timeout=PATIENCE_SECONDS)[0]
        if look_up_only:
            self.rewind(replay, before)
        if errors := [line for line in output.splitlines() if "ERROR" in line or "error: invalid" in line]:
            self.unreplayable[name] = errors[0]
        elif sample and not look_up_only and name not in READS and sample.events < sample.transactions * 0.9:
            self.unreplayable[name] = f"{sample.transactions} calls have written only {sample.events} events"
        return None if name in self.unreplayable else sample

    def start_pgbench(self, replay: Replay, look_up_only: bool) -> subprocess.Popen:
        """Start pgbench, which is stopped when enough has been measured."""
        path = self.directory / f"{replay.work}{'-look-up' if look_up_only else ''}.sql"
        path.write_text(replay.look_up(again=True) if look_up_only else replay.script())
        constants = [f"--define={name}={value}" for name, value in replay.constants.items() if value]
        command = [str(self.cluster.programs / "pgbench"), "-n", "-M", "prepared", "-f", str(path), *constants]
        command += ["-c", str(CONNECTIONS), "-j", "1", "-T", "600", self.cluster.url(DATABASE)]
        return subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )

    def free_hot_seats(self) -> None:
        """Let the flights that everybody wants have all their seats again."""
        seats = "UPDATE flights_flightcabin SET held = 0, free = capacity WHERE capacity = %s AND sold = 0"
        self.cluster.query(DATABASE, seats, [HOT_SEATS])

    def watch(self, replay: Replay, process: subprocess.Popen, seconds: float) -> FloorSample | None:
        """Measure from when the connections' plans have settled; None if pgbench ends before."""
        with psycopg.connect(self.cluster.url(DATABASE), autocommit=True) as connection:
            settled, until = self.last(connection, replay) + CONNECTIONS * SETTLED, time.monotonic() + PATIENCE_SECONDS
            while self.last(connection, replay) < settled and process.poll() is None and time.monotonic() < until:
                time.sleep(0.02)
            events = self.events(connection)
            first, spent, begun = self.last(connection, replay), cpu.seconds_of({self.cluster.pid}), time.monotonic()
            time.sleep(seconds)
            done, took = self.last(connection, replay) - first, time.monotonic() - begun
            used = cpu.seconds_of({self.cluster.pid}) - spent
            events = self.events(connection) - events
        has_run = done > 0 and process.poll() is None
        return FloorSample(done / took, 1000 * used / done, done, events) if has_run else None

    def position(self, replay: Replay) -> int:
        with psycopg.connect(self.cluster.url(DATABASE), autocommit=True) as connection:
            return self.last(connection, replay)

    def last(self, connection: psycopg.Connection, replay: Replay) -> int:
        row = connection.execute(f"SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM {replay.table}_next")
        return row.fetchone()[0]  # type: ignore[index]

    def events(self, connection: psycopg.Connection) -> int:
        return connection.execute(EVENTS).fetchone()[0]  # type: ignore[index]

    def rewind(self, replay: Replay, position: int) -> None:
        self.cluster.query(
            DATABASE, "SELECT setval(%s, %s, %s)", [f"{replay.table}_next", max(position, 1), position > 0]
        )
