"""Flights that left long ago move to the object store: what is deleted is there, and nothing else is deleted."""

import json
from datetime import UTC, datetime, timedelta
from io import StringIO
from uuid import UUID

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, transaction
from django.db.models import F
from django.utils import timezone

from bookings.expiry import sweep
from bookings.models import Booking
from flights.models import BlockedSeat, Flight
from orders import archives, archiving
from orders.archives import keys_of, put_back, read
from orders.archiving import BATCH, archive_flights
from orders.departures import depart_flights
from orders.disruption.services import cancel_flights
from skybridge.events import Actor
from skybridge.models import Event
from skybridge.storage import StorageUnavailable, Tampered, store
from tests import factories
from tests.bookings.sales import book, confirmed, let_hold_run_out, query
from tests.concurrency.racing import together, verify_invariants
from tests.orders import objects
from tests.ticketing.gates import ADA, BOB, check_in, scanned
from ticketing.models import Bag, BoardingPass, Coupon, Scan, Ticket

pytestmark = pytest.mark.django_db
committed = pytest.mark.django_db(transaction=True)
ACTOR = Actor("system", "archive_flights", "command")
AGO = timedelta(days=60)
TABLES = (
    "flights_flight", "flights_flightcabin", "flights_blockedseat", "bookings_booking", "ticketing_ticket",
    "ticketing_coupon", "ticketing_boardingpass", "ticketing_scan", "ticketing_bag", "ticketing_departure",
    "orders_order", "orders_backup", "partners_ledgerentry", "skybridge_event",
)  # fmt: skip


@pytest.fixture
def watched(monkeypatch) -> objects.Watched:
    watched = objects.Watched()
    monkeypatch.setattr(archives, "store", lambda: watched)
    return watched


def content(*tables: str) -> dict[str, str]:
    return {
        table: query(f"SELECT string_agg(r::text, E'\\n' ORDER BY r::text) FROM {table} r")[0][0]
        for table in tables or TABLES
    }


def by_id(row: dict) -> str:
    return str(row["id"])


def leave_long_ago() -> None:
    """Let all flights leave now, and then have left sixty days ago."""
    depart_flights(at=timezone.now() + timedelta(days=6))
    Flight.objects.update(departs_at=timezone.now() - AGO, arrives_at=timezone.now() - AGO + timedelta(hours=6))


def archive(**options):
    at = timezone.now()
    return archive_flights(at - timedelta(days=40), actor=ACTOR, at=at, **options)


@pytest.fixture
def flown(acme, handler) -> Flight:
    """A flight on which Ada flew with a bag and Bob was refused; a hold on it ran out."""
    flight = factories.flight(carrier="FL", number=123, departs_at=timezone.now() + timedelta(hours=5))
    let_hold_run_out(book(acme, flight, seats=2)["booking_id"])
    sweep(at=timezone.now())
    ada, _ = check_in(acme, flight, ADA, BOB)
    Bag.objects.create(coupon=ada.coupon, tag_number="0016000001", weight_kg=9)
    BlockedSeat.objects.create(flight=flight, seat="1A", reason="broken")
    scanned(handler, flight, ada)
    scanned(handler, flight, ada)  # refused: already aboard
    leave_long_ago()
    return flight


def test_what_a_flown_flight_needs_no_more_is_moved(flown):
    orders = content("orders_order", "orders_backup", "partners_ledgerentry", "flights_flight", "flights_flightcabin")
    summary = archive()
    assert (summary.flights, summary.gone, summary.left) == (1, 0, 0)
    expected = {"bookings_booking": 1, "ticketing_ticket": 2, "ticketing_coupon": 2, "ticketing_boardingpass": 2}
    assert +summary.rows == expected | {"ticketing_scan": 2, "ticketing_bag": 1, "flights_blockedseat": 1}
    for model in (BoardingPass, Scan, Bag, BlockedSeat):
        assert not model.objects.exists()
    assert (Booking.objects.count(), Ticket.objects.count(), Coupon.objects.count()) == (1, 2, 2)
    assert content(*orders) == orders
    verify_invariants()


def test_the_object_has_all_there_was_of_the_flight(flown):
    rows = {table: query(f"SELECT to_jsonb(r)::text FROM {table} r") for table in TABLES}
    archive()
    [key] = keys_of(flown.departure_date, "FL123")
    document = json.loads(read(key))["document"]
    names = {"scans": "ticketing_scan", "bags": "ticketing_bag", "boarding_passes": "ticketing_boardingpass",
             "tickets": "ticketing_ticket", "coupons": "ticketing_coupon", "bookings": "bookings_booking",
             "cabins": "flights_flightcabin", "blocked_seats": "flights_blockedseat"}  # fmt: skip
    for name, table in names.items():
        there = [json.loads(row) for (row,) in rows[table]]
        assert sorted(document[name], key=by_id) == sorted(there, key=by_id), name
    actions = {event["action"] for event in document["events"]}
    assert {"flight.departed", "coupon.lifted", "booking.pending", "booking.canceled"} <= actions


def test_a_flight_that_nobody_bought_goes_entirely(acme):
    flight = factories.flight(seats={"Y": 9, "J": 2})
    booking = book(acme, flight)
    let_hold_run_out(booking["booking_id"])
    sweep(at=timezone.now())
    leave_long_ago()
    assert (archive().gone, Flight.objects.count(), Booking.objects.count()) == (1, 0, 0)
    assert acme.get(f"/api/v1/bookings/{booking['booking_id']}").status_code == 404
    verify_invariants()


def test_the_event_log_stays_and_says_where_the_flight_is(flown):
    before = Event.objects.count()
    archive()
    [key] = keys_of()
    event = Event.objects.latest("id")
    assert (Event.objects.count(), event.action, event.subject_id) == (before + 1, "flight.archived", flown.pk)
    assert event.after == {"key": key, "is_gone": False}


def test_what_is_shown_of_an_archived_flight(flown, staff, acme):
    booking = Booking.objects.get(status="confirmed")
    archive()
    assert acme.get(f"/api/v1/bookings/{booking.pk}").json()["status"] == "confirmed"
    manifest = staff.get(f"/api/v1/flights/{flown.pk}/manifest").json()
    assert sorted(passenger["state"] for passenger in manifest["passengers"]) == ["flown", "no_show"]
    for page in (f"flights/flight/{flown.pk}", f"bookings/booking/{booking.pk}"):
        assert staff.get(f"/admin/{page}/change/").status_code == 200
    assert "Flight archived" in staff.get(f"/admin/flights/flight/{flown.pk}/history/").content.decode()


def test_a_second_run_changes_nothing(flown, watched):
    archive()
    before = content()
    assert (archive().flights, content()) == (0, before)
    assert len(watched.puts) == 1


def test_a_day_that_is_none_is_refused_with_the_form_wanted():
    with pytest.raises(CommandError, match=r"22\.11\.2026 is not a date; write one as 2026-12-01"):
        call_command("archive_flights", "--before", "22.11.2026")


def test_a_dry_run_counts_and_changes_nothing(flown, watched):
    before = content()
    counted = archive(dry_run=True)
    assert (content(), watched.puts) == (before, [])
    assert counted == archive()


def test_what_is_not_done_stays(acme, handler):
    """A flight that left lately, one that was never let go, one whose passenger is still checked in."""
    lately, standing, unsettled = (factories.flight(departs_at=timezone.now() + timedelta(hours=5)) for _ in range(3))
    check_in(acme, unsettled)
    long_ago, at = timezone.now() - AGO, timezone.now()
    times = {"departs_at": long_ago, "arrives_at": long_ago + timedelta(hours=1)}
    Flight.objects.filter(pk=lately.pk).update(
        status="departed", departs_at=at - timedelta(days=35), arrives_at=at - timedelta(days=34)
    )
    Flight.objects.filter(pk=standing.pk).update(**times)
    Flight.objects.filter(pk=unsettled.pk).update(status="departed", **times)
    before = content()
    assert (archive().flights, content()) == (0, before)


def test_a_hold_with_a_flight_that_stays_stays_whole(acme):
    gone, stays = factories.flight(), factories.flight("LAX", "SFO", departs_at=timezone.now() + timedelta(days=7))
    let_hold_run_out(book(acme, gone, stays)["booking_id"])
    sweep(at=timezone.now())
    long_ago = timezone.now() - AGO
    Flight.objects.filter(pk=gone.pk).update(
        status="departed", departs_at=long_ago, arrives_at=long_ago + timedelta(hours=1)
    )
    assert (archive().flights, Coupon.objects.count()) == (0, 2)


def test_a_cancelled_flight_whose_passengers_went_elsewhere_stays_in_the_books(acme):
    flight, _ = factories.flight(), factories.flight(departs_at=timezone.now() + timedelta(days=5, hours=2))
    confirmed(acme, flight)
    cancel_flights([flight.pk], "snow", actor=ACTOR, at=timezone.now(), workers=1)
    leave_long_ago()
    archive()
    assert Flight.objects.filter(pk=flight.pk).exists()
    verify_invariants()


def test_the_database_refuses_to_delete_scans_without_the_archive(flown):
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        Scan.objects.all().delete()
    query("SET LOCAL skybridge.archiving = 'on'")
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        Scan.objects.update(reason="x")


# --- The store, crashes, two at once ---


def test_while_the_store_is_down_nothing_is_deleted(flown, watched):
    before = content()
    watched.down = True
    with pytest.raises(StorageUnavailable):
        archive()
    assert content() == before
    watched.down = False
    assert archive().flights == 1


def test_killed_between_storing_and_deleting(flown, watched):
    def die() -> None:
        raise KeyboardInterrupt

    before, watched.after = content(), die
    with pytest.raises(KeyboardInterrupt):
        archive()
    assert content() == before
    watched.after = lambda: None
    assert archive().flights == 1
    assert len(set(watched.puts)) == 1  # the same bytes under the same key
    assert len(list(keys_of())) == 1


def test_a_store_that_shows_something_else_deletes_nothing(flown, monkeypatch):
    before = content()
    monkeypatch.setattr(archives, "read", lambda key: b"{}")
    with pytest.raises(Tampered):
        archive()
    assert content() == before


def test_what_changes_between_storing_and_deleting_waits(flown, monkeypatch):
    def keep_and_weigh(objects) -> None:
        archives.keep(objects)
        Bag.objects.update(weight_kg=F("weight_kg") + 1)

    with monkeypatch.context() as patch:
        patch.setattr(archiving, "keep", keep_and_weigh)
        assert (archive().left, Bag.objects.count(), Scan.objects.count()) == (1, 1, 2)
    assert archive().flights == 1
    assert len(list(keys_of())) == 2  # both are true, each of its moment


@committed
def test_two_at_once_do_no_harm(acme):
    for number in range(2 * BATCH):
        factories.flight(number=2000 + number)
    leave_long_ago()
    summaries = together([archive, archive])
    assert not Flight.objects.exists()
    assert sum(summary.gone for summary in summaries) == 2 * BATCH == len(list(keys_of()))
    assert Event.objects.filter(action="flight.archived").count() == 2 * BATCH


@committed
def test_somebody_who_works_on_a_flight_is_not_waited_for(flown):
    def locked(cursor) -> int:
        cursor.execute("SELECT FROM flights_flight FOR UPDATE")
        return together([archive])[0].left

    with transaction.atomic(), connection.cursor() as cursor:
        assert locked(cursor) == 1
    assert archive().flights == 1


# --- Back again ---


def test_put_back_is_as_it_was(flown):
    before = content(*TABLES[:-1])
    archive()
    assert content(*TABLES[:-1]) != before
    put_back(list(keys_of()), actor=ACTOR, at=timezone.now())
    assert content(*TABLES[:-1]) == before
    assert archive().flights == 1


def test_the_commands(flown, acme):
    out = StringIO()
    before = (timezone.now() - timedelta(days=40)).date().isoformat()
    call_command("archive_flights", "--before", before, "--dry-run", stdout=out)
    call_command("archive_flights", "--before", before, stdout=out)
    assert "Would be archived: 1 flights, 0 of them gone" in out.getvalue()
    assert out.getvalue().count("ticketing_scan") == 2
    day = str(flown.departure_date)
    for arguments in ([day], [day, "FL123"], ["--verify"], [day, "fl123", "--put-back"]):
        call_command("read_archive", *arguments, stdout=out)
    assert f"flights/{day}/FL123_JFK_{flown.pk}_" in out.getvalue()
    assert "1 objects, 0 not sound" in out.getvalue()
    assert Scan.objects.count() == 2


def test_lately_is_refused(db):
    with pytest.raises(CommandError, match="30 days"):
        call_command("archive_flights", "--before", timezone.now().date().isoformat())
    with pytest.raises(ValueError, match="30 days"):
        archive_flights(datetime.now(UTC), actor=ACTOR, at=timezone.now())


def test_a_tampered_object_is_named(flown, settings):
    archive()
    [key] = keys_of()
    path = settings.STORAGE_DIRECTORY / key
    path.chmod(0o644)
    path.write_bytes(path.read_bytes()[:-9] + b"tampered!")
    out = StringIO()
    with pytest.raises(SystemExit):
        call_command("read_archive", "--verify", stdout=out)
    assert f"not sound: {key}" in out.getvalue()


def test_backups_know_that_the_archive_is_not_theirs(flown, capsys):
    objects.drain()
    archive()
    assert objects.verify(capsys) == (0, [])
    assert UUID(next(iter(store().list("flights/"))).rsplit("_", 2)[1]) == flown.pk
