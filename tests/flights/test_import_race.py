"""An import that shrinks a cabin while somebody takes seats in it."""

import threading
import time
from datetime import UTC, datetime

import pytest
from django.db import connection, transaction
from django.db.models import F

from flights import schedule_sql
from flights.airports import load_airports
from flights.imports import Summary, airport_zones, import_flights
from flights.models import FlightCabin
from flights.schedules import read_csv
from tests.flights.conftest import numbered, row

pytestmark = pytest.mark.django_db(transaction=True)
NOW = datetime(2027, 1, 1, tzinfo=UTC)
WAITING = "SELECT count(*) FROM pg_locks WHERE NOT granted AND pg_backend_pid() = ANY(pg_blocking_pids(pid))"


def merge(actor, line: str) -> Summary:
    return import_flights(read_csv(numbered(line), airport_zones()), actor=actor, now=NOW)


def shrink_while_seats_are_held(actor) -> Summary:
    """Hold 150 of 184 economy seats, and let an import to 100 seats come in between the UPDATE and its commit."""
    load_airports()
    merge(actor, row())
    summaries: list[Summary] = []

    def shrink() -> None:
        summaries.append(merge(actor, row(seats=100)))
        connection.close()

    rival = threading.Thread(target=shrink)
    with transaction.atomic():
        FlightCabin.objects.filter(cabin="Y").update(held=F("held") + 150, free=F("free") - 150)
        rival.start()
        await_lock()
    rival.join()
    cabin = FlightCabin.objects.get(cabin="Y")
    assert (cabin.capacity, cabin.held, cabin.free) == (184, 150, 34)
    return summaries[0]


def await_lock() -> None:
    deadline = time.monotonic() + 10
    with connection.cursor() as cursor:
        while time.monotonic() < deadline:
            cursor.execute(WAITING)
            if cursor.fetchone()[0]:
                return
            time.sleep(0.02)
    raise AssertionError("the import did not wait for the hold")


def test_the_import_waits_for_the_hold_and_then_refuses_the_line(actor):
    summary = shrink_while_seats_are_held(actor)
    assert (summary.changed, summary.refused) == (0, 1)
    assert summary.refusals[0].reason == "150 seats in cabin Y are sold or held, more than 92"
    assert FlightCabin.objects.get(cabin="J").capacity == 16


def test_without_its_lock_the_import_would_report_what_it_did_not_do(actor, monkeypatch):
    """The negative control: it decides before the hold is visible, and changes the flight by halves."""
    monkeypatch.setattr(schedule_sql, "LOCK_CABINS", "SELECT 1")
    summary = shrink_while_seats_are_held(actor)
    assert (summary.changed, summary.refused) == (1, 0)
    assert FlightCabin.objects.get(cabin="J").capacity == 8
