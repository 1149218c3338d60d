"""Merge a schedule into the flights: add what is new, update what changed, leave alone what is operated or sold.

Batches commit one by one, so that no booking waits long and memory stays bounded; an import that breaks off is repeated
whole. Each changed flight gets an event `flight.rescheduled`; the new ones share one `schedule.imported`.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from itertools import count
from uuid import UUID

from django.db import connection, transaction
from django.utils import timezone

from flights import schedule_sql as sql
from flights.fares import day_mark, fare_basis, fare_for
from flights.localtime import zone
from flights.models import Airport, Fare
from flights.schedules import DatedFlight, Record, Refused, UnreadableFile, Warned
from skybridge import events
from skybridge.identifiers import uuid7

BATCH = 5_000
KEPT_NOTES = 1_000
IMPORT_LOCK = 0x5C4ED01E  # one import at a time, database-wide


@dataclass(frozen=True, slots=True)
class Example:
    """A flight of a schedule as it is (`before`, None for a new one) and as the schedule has it."""

    line: int
    designator: str
    departure_date: date
    origin: str
    flight_id: UUID | None
    before: dict | None
    after: dict


@dataclass
class Summary:
    """What an import did, in flights; of refusals and warnings the first KEPT_NOTES are kept.

    `examples` has some flights of each kind (`new`, `changed`, `unchanged`) where they were asked for.
    """

    read: int = 0
    new: int = 0
    changed: int = 0
    unchanged: int = 0
    refused: int = 0
    warned: int = 0
    refusals: list[Refused] = field(default_factory=list)
    warnings: list[Warned] = field(default_factory=list)
    examples: dict[str, list[Example]] = field(default_factory=lambda: {kind: [] for kind in sql.KINDS})

    def __str__(self) -> str:
        counts = ("read", "new", "changed", "unchanged", "refused")
        return ", ".join(f"{name} {getattr(self, name):,}" for name in counts)

    def refuse(self, refusals: Iterable[Refused]) -> None:
        for refusal in refusals:
            self.refused += 1
            if len(self.refusals) < KEPT_NOTES:
                self.refusals.append(refusal)

    def warn(self, warning: Warned) -> None:
        self.warned += 1
        if len(self.warnings) < KEPT_NOTES:
            self.warnings.append(warning)


def airport_zones() -> dict[str, str]:
    """Return the IANA time zone of every airport that we know, by IATA code."""
    return dict(Airport.objects.values_list("iata", "timezone"))


def import_flights(
    records: Iterable[Record],
    *,
    actor: events.Actor,
    source: str = "",
    dry_run: bool = False,
    examples: int = 0,
    now: datetime | None = None,
) -> Summary:
    """Merge dated flights into the database and return what was done. Not to be called inside a transaction.

    Flights are known by carrier, number, suffix, local date and origin. A second record of one flight, a change of a
    flight that has departed or is not `scheduled`, of the destination of a flight with seats sold or held, or to fewer
    seats than those, is refused. Of each kind so many `examples` are kept. Locks the changed flights and their cabins,
    each by primary key. Raises UnreadableFile when the records break off; the batches before stay in.
    """
    merge = Merge(actor, source, dry_run, now or timezone.now(), examples)
    with connection.cursor() as cursor:
        cursor.execute(sql.DROP)
        cursor.execute(sql.CREATE)
    try:
        for batch in batches(records, merge.summary):
            merge.batch(batch)
    except UnreadableFile as error:
        merge.finish()
        went_in = f" (before that: {merge.summary})" if merge.summary.read or merge.summary.refused else ""
        raise UnreadableFile(f"{error}{went_in}") from error
    merge.finish()
    return merge.summary


def batches(records: Iterable[Record], summary: Summary) -> Iterator[list[DatedFlight]]:
    """Yield the flights in batches; refusals and warnings go to the summary."""
    batch: list[DatedFlight] = []
    for record in records:
        if isinstance(record, DatedFlight):
            batch.append(record)
            if len(batch) == BATCH:
                yield batch
                batch = []
        elif isinstance(record, Refused):
            summary.read += 1
            summary.refuse([record])
        else:
            summary.warn(record)
    if batch:
        yield batch


class Merge:
    """One import under way."""

    def __init__(self, actor: events.Actor, source: str, dry_run: bool, now: datetime, examples: int):
        self.summary, self.most_examples = Summary(), examples
        self.actor, self.source, self.dry_run, self.now = actor, source, dry_run, now
        self.airports = {airport.iata: airport for airport in Airport.objects.defer("search_terms")}
        self.fares: set[tuple[str, str, str, str]] = set()
        self.serial = count(1)
        self.parameters = {
            "now": now,
            "actor_kind": actor.kind,
            "actor_id": actor.id,
            "door": actor.door,
            "source": source,
        }

    def batch(self, flights: list[DatedFlight]) -> None:
        """Merge one batch in a transaction of its own."""
        marks = [day_mark(self.departs_locally_at(flight)) for flight in flights]
        with transaction.atomic(), connection.cursor() as cursor:
            # Imports may wait for each other and take their time; bookings wait for a batch's changed rows only.
            cursor.execute("SELECT set_config('statement_timeout', '0', true), set_config('lock_timeout', '60s', true)")
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [IMPORT_LOCK])
            self.stage(cursor, flights, marks)
            self.compare(cursor, len(flights))
            cursor.execute(sql.COUNT)
            new, changed, unchanged = cursor.fetchone()
            self.keep_examples(cursor, {"new": new, "changed": changed, "unchanged": unchanged})
            if not self.dry_run:
                self.write(cursor, flights, marks, new, changed)
        self.summary.read += len(flights)
        self.summary.new += new
        self.summary.changed += changed
        self.summary.unchanged += unchanged

    def stage(self, cursor, flights: list[DatedFlight], marks: list[str]) -> None:
        cursor.execute("TRUNCATE schedule_batch")
        with cursor.copy(sql.COPY) as copy:
            for flight, mark in zip(flights, marks, strict=True):
                copy.write_row(self.row(flight, mark))
        cursor.execute("ANALYZE schedule_batch")

    def row(self, flight: DatedFlight, mark: str) -> tuple:
        seats = dict(flight.cabins)
        return (
            next(self.serial),
            flight.line,
            uuid7(),
            flight.carrier,
            flight.flight_number,
            flight.operational_suffix,
            flight.departure_date,
            flight.origin,
            flight.destination,
            flight.departs_at,
            flight.arrives_at,
            flight.aircraft_type,
            flight.registration,
            *(seats.get(cabin, 0) for cabin in "FJWY"),
            flight.on_sale,
            fare_basis("", mark),
        )

    def compare(self, cursor, staged: int) -> None:
        """Find out what is new and what differs, and refuse what must not change."""
        cursor.execute(sql.REMEMBER)
        if cursor.rowcount < staged:
            self.refuse(cursor, sql.REFUSE_REPEATED)
        cursor.execute(sql.MATCH)
        if cursor.rowcount == 0:
            return
        cursor.execute(sql.COMPARE)
        if cursor.rowcount == 0:
            return
        if not self.dry_run:
            cursor.execute(sql.LOCK_FLIGHTS)
            cursor.execute(sql.LOCK_CABINS)
        for statement in (sql.REFUSE_OPERATED, sql.REFUSE_REROUTED, sql.REFUSE_TOO_SMALL):
            self.refuse(cursor, statement)

    def refuse(self, cursor, statement: str) -> None:
        cursor.execute(statement, {"now": self.now} if "%(now)s" in statement else None)
        self.summary.refuse(Refused(line, reason) for line, reason in sorted(cursor.fetchall()))

    def keep_examples(self, cursor, counts: dict[str, int]) -> None:
        for kind, number in counts.items():
            kept = self.summary.examples[kind]
            if number and len(kept) < self.most_examples:
                cursor.execute(sql.EXAMPLES[kind], [self.most_examples - len(kept)])
                kept += [Example(*row[:5], *(part and json.loads(part) for part in row[5:])) for row in cursor]

    def write(self, cursor, flights: list[DatedFlight], marks: list[str], new: int, changed: int) -> None:
        if new or changed:
            self.add_fares(flights, marks)
        if changed:
            cursor.execute(sql.RECORD_CHANGES, self.parameters)
            cursor.execute(sql.UPDATE_REROUTED_FARES)
            cursor.execute(sql.UPDATE_FLIGHTS, {"now": self.now})
            cursor.execute(sql.UPDATE_CABINS)
        if new:
            cursor.execute(sql.ADD_CARRIERS)
            cursor.execute(sql.ADD_FLIGHTS, {"now": self.now})
        if new or changed:
            cursor.execute(sql.ADD_CABINS)

    def add_fares(self, flights: list[DatedFlight], marks: list[str]) -> None:
        """Add the formula's fares that these flights need and nobody has set; a fare present stays as it is."""
        needed = {
            (flight.origin, flight.destination, cabin, mark)
            for flight, mark in zip(flights, marks, strict=True)
            for cabin, _ in flight.cabins
        } - self.fares
        fares = [fare_for(self.airports[o], self.airports[d], cabin, mark) for o, d, cabin, mark in sorted(needed)]
        Fare.objects.bulk_create(fares, ignore_conflicts=True, batch_size=1000)
        self.fares |= needed

    def departs_locally_at(self, flight: DatedFlight) -> datetime:
        return flight.departs_at.astimezone(zone(self.airports[flight.origin].timezone))

    def finish(self) -> None:
        """Record what the import did, if it did anything, and drop its tables."""
        with connection.cursor() as cursor:
            cursor.execute(sql.DROP)
        if self.dry_run or not (self.summary.new or self.summary.changed):
            return
        done = {"source": self.source, "new": self.summary.new, "changed": self.summary.changed}
        happening = events.Happening("schedule.imported", uuid7(), after=done)
        events.record([happening], actor=self.actor, at=self.now)
