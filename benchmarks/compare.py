"""Measure the sides in turns: what they answer a second, how soon, and what of the processors it takes."""

import http.client
import statistics
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from benchmarks import cpu
from benchmarks.cluster import Cluster
from benchmarks.floor import Floor, FloorSample
from benchmarks.flow import Flow, Sample
from benchmarks.sides import Side
from benchmarks.works import HOT_SEATS, TOO_MANY, Work

LEAST = 20  # answers that make a round
WARM_SECONDS = 1.5
FLOOR_SECONDS = 1.0
FIGURES = ("rate", "web", "database", "valkey", "client", "wal")
TAKEN = "SELECT sold + held, free FROM flights_flightcabin WHERE id = %s"
LOOK_UPS = 3  # rounds in which looking calls up is measured
LATENCY_TURNS = 3
WAL = "SELECT pg_current_wal_insert_lsn() - '0/0'::pg_lsn"


@dataclass
class Round:
    """What a side did in one round at saturation; CPU in ms per request."""

    rate: float
    web: float
    database: float
    valkey: float
    client: float
    statuses: dict[int, int]
    wal: float = 0  # bytes per request

    @property
    def cpu(self) -> float:
        return self.web + self.database


@dataclass
class Result:
    """What is known of one work."""

    work: Work
    rounds: dict[str, list[Round]] = field(default_factory=dict)
    floor: list[FloorSample] = field(default_factory=list)
    look_up: list[FloorSample] = field(default_factory=list)
    times: dict[str, list[float]] = field(default_factory=dict)
    paces: dict[str, float] = field(default_factory=dict)
    trips: dict[str, int] = field(default_factory=dict)

    def median(self, side: str, figure: str) -> float | None:
        rounds = self.rounds.get(side)
        return statistics.median(getattr(one, figure) for one in rounds) if rounds else None

    @property
    def floor_cpu(self) -> float | None:
        """Return the database's CPU in ms for the work's own statements alone."""
        if not self.floor or not self.look_up:
            return None
        return statistics.median(s.cpu_ms for s in self.floor) - statistics.median(s.cpu_ms for s in self.look_up)

    @property
    def floor_rate(self) -> float | None:
        return statistics.median(s.rate for s in self.floor) if self.floor else None

    def percentile(self, side: str, percent: int) -> float | None:
        times = self.times.get(side, [])
        return 1000 * statistics.quantiles(times, n=100)[percent - 1] if len(times) > LEAST else None


class Comparison:
    """Sides under the same works on one cluster, one at a time."""

    def __init__(self, cluster: Cluster, sides: Sequence[Side], floor: Floor | None, works: list[Work], options: Any):
        self.cluster, self.sides, self.floor, self.options = cluster, sides, floor, options
        self.results = {work.name: Result(work) for work in works}
        self.requests: dict[tuple[str, str], Iterator[bytes]] = {
            (side.name, work.name): work.requests() for side in sides for work in works
        }
        assert cluster.valkey
        assert cluster.valkey.child.process
        self.valkey = {cluster.valkey.child.process.pid}

    def sides_of(self, work: Work) -> list[Side]:
        return [side for side in self.sides if work.has_rival or side.name == "skybridge"]

    def run(self) -> None:
        for result in self.results.values():
            for side in self.sides_of(result.work):
                self.saturate(side, result.work, min(WARM_SECONDS, self.options.seconds))
        for number in range(self.options.rounds):
            for result in self.results.values():
                self.run_round(result, number)
            print(f"  round {number + 1} of {self.options.rounds}", flush=True)
        for _ in range(LATENCY_TURNS):
            for result in self.results.values():
                self.run_at_half(result)

    def run_round(self, result: Result, number: int) -> None:
        """Measure one work on all sides, whose order changes with every round."""
        sides = self.sides_of(result.work)
        for side in sides if number % 2 == 0 else sides[::-1]:
            if done := self.saturate(side, result.work, self.options.seconds):
                result.rounds.setdefault(side.name, []).append(done)
        if self.floor and result.work.has_floor:
            name, seconds = result.work.name, min(FLOOR_SECONDS, self.options.seconds)
            if sample := self.floor.measure(name, seconds):
                result.floor.append(sample)
            if number < LOOK_UPS and (sample := self.floor.measure(name, seconds, look_up_only=True)):
                result.look_up.append(sample)

    def saturate(self, side: Side, work: Work, seconds: float) -> Round | None:
        """Let a side do as much as it can; None when the calls are used up, or it has closed a connection."""
        wal = self.cluster.query(side.database, WAL)[0][0]
        before = self.spent(side)
        try:
            with Flow(side.address, self.options.connections) as flow:
                sample = flow.saturate(self.requests[side.name, work.name], seconds)
        except OSError as failure:
            print(f"  {side.name} {work.name}: {failure}", flush=True)
            return None
        after = self.spent(side)
        wal = float(self.cluster.query(side.database, WAL)[0][0] - wal)
        side.note_memory()
        count = len(sample.times)
        self.check(side, work, sample)
        if count < LEAST or sample.seconds < seconds / 2:
            return None
        web, database, valkey = (1000 * (after[name] - before[name]) / count for name in ("web", "database", "valkey"))
        client = 1000 * sample.client_cpu / count
        return Round(sample.rate, web, database, valkey, client, dict(sample.statuses), wal / count)

    def spent(self, side: Side) -> dict[str, float]:
        """Return the CPU seconds of a side so far. The database's are all of PostgreSQL's: nobody else uses it."""
        return {
            "web": cpu.seconds_of({side.pid}),
            "database": cpu.seconds_of({self.cluster.pid}),
            "valkey": cpu.seconds_of(self.valkey),
        }

    def check(self, side: Side, work: Work, sample: Sample) -> None:
        """Complain about answers that are not those of the work."""
        if wrong := {status: count for status, count in sample.statuses.items() if status != work.status}:
            print(f"  {side.name} {work.name}: {wrong} besides {sample.statuses[work.status]} good answers", flush=True)

    def run_at_half(self, result: Result) -> None:
        """Measure how soon a side answers at half of what it can do."""
        for side in self.sides_of(result.work):
            if not (rate := result.median(side.name, "rate")):
                continue
            result.paces[side.name] = rate / 2
            requests = self.requests[side.name, result.work.name]
            try:
                with Flow(side.address, self.options.connections) as flow:
                    sample = flow.keep_pace(requests, rate / 2, self.options.seconds)
            except OSError as failure:
                print(f"  {side.name} {result.work.name}: {failure}", flush=True)
                continue
            self.check(side, result.work, sample)
            result.times.setdefault(side.name, []).extend(sample.times)


def stampede(side: Side, cluster: Cluster, cabin: int, requests: list[bytes], connections: int) -> dict[str, Any]:
    """Let more callers than there are seats want one flight, and tell what came of it."""
    with Flow(side.address, connections) as flow:
        sample = flow.saturate(iter(requests), 60)
    [counters] = cluster.query(
        side.database, "SELECT sold + held, free FROM flights_flightcabin WHERE id = %s", [cabin]
    )
    expected = Counter({200: HOT_SEATS, 409: TOO_MANY})
    is_exact = sample.statuses == expected and counters == (HOT_SEATS, 0)
    return {"statuses": dict(sample.statuses), "taken_and_free": counters, "is_exact": is_exact}


def count_statements(side: Side, works: list[Work]) -> dict[str, int]:
    """Return how many statements an answer of each work takes, as the answer's header says."""
    counts = {}
    for work in works:
        for call in work.calls[-2:]:  # the second one finds the key in the cache
            connection = http.client.HTTPConnection(*side.address, timeout=30)
            headers = {"x-api-key": call.key, "Content-Type": "application/json"}
            connection.request(call.method, call.path, call.content or None, headers)
            answer = connection.getresponse()
            answer.read()
            if number := answer.headers.get("X-Statements"):
                counts[work.name] = int(number)
            connection.close()
    return counts


def as_json(results: dict[str, Result]) -> dict[str, Any]:
    """Return everything that was measured."""
    return {
        name: {
            "title": result.work.title,
            "rounds": {side: [asdict(one) for one in rounds] for side, rounds in result.rounds.items()},
            "medians": {
                side: {
                    figure: result.median(side, figure) for figure in ("rate", "web", "database", "valkey", "client")
                }
                | {"p50": result.percentile(side, 50), "p99": result.percentile(side, 99)}
                | {"pace": result.paces.get(side), "statements": result.trips.get(side)}
                for side in result.rounds
            },
            "floor": {
                "rate": result.floor_rate,
                "database": result.floor_cpu,
                "rounds": [asdict(one) for one in result.floor],
                "look_up": [asdict(one) for one in result.look_up],
            },
        }
        for name, result in results.items()
    }
