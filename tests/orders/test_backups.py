"""Every version of an order is kept with it and stored once, in a chain, whatever becomes of the store."""

import hashlib
import json
import logging
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.apps import apps
from django.conf import settings
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from orders import backups, tasks
from orders.backups import THREADS
from orders.models import Backup, Order
from orders.objects import canonical, key_of, name_of
from orders.snapshots import OWN, PARTS
from partners import ledger
from skybridge.events import system
from skybridge.storage import AlreadyStored, store
from tests.bookings.sales import book, change, query
from tests.concurrency.racing import together, verify_invariants
from tests.orders import objects, shop

pytestmark = pytest.mark.django_db
committed = pytest.mark.django_db(transaction=True)


@pytest.fixture
def sold(acme, flight) -> dict:
    """An order of two bags and a booking of two seats, just placed."""
    shop.product("BAG", "35.50")
    return shop.order(acme, ("BAG", 2), book(acme, flight, seats=2))


def waiting() -> int:
    return Backup.objects.filter(stored_at=None).count()


# --- Keeping ---


def test_the_sale_is_kept_with_all_that_belongs_to_it(sold):
    kept = Backup.objects.get()
    sizes = {name: len(rows) for name, rows in kept.document.items()}
    assert (kept.kind, kept.stream, kept.version) == ("order", sold["order_id"], 1)
    assert (kept.key, kept.sha256, kept.stored_at) == ("", "", None)
    owned = {"orders": 1, "items": 2, "bookings": 1, "tickets": 2, "coupons": 2, "seat_holds": 1, "executions": 1}
    around = {"flights": 1, "cabins": 1, "fares": 1, "airports": 2, "carriers": 1, "products": 1, "agencies": 1}
    assert sizes.items() >= (owned | around | {"history": 1, "plans": 1}).items()
    assert sum(Decimal(str(line["amount"])) for line in kept.document["ledger"]) == 0
    assert {"order.pending", "booking.pending"} <= {event["action"] for event in kept.document["events"]}
    assert set(kept.covers["bookings"]) == {kept.document["bookings"][0]["id"]}


def test_each_version_is_kept_until_it_is_deleted(sold, acme, flight):
    shop.run(sold)
    change(acme, {"booking_id": shop.read(acme, sold)["items"][1]["booking_id"]}, seats=3)
    assert acme.delete(f"/orders/{sold['order_id']}").status_code in (200, 204)
    order = Order.objects.get()
    kept = list(Backup.objects.order_by("version").values_list("version", flat=True))
    assert order.deleted_at
    assert kept == list(range(1, order.version + 1))
    verify_invariants()


def test_every_table_that_hangs_on_an_order_is_kept():
    owned, kept = {part.model for part in OWN}, {part.model for part in PARTS}
    hanging = {
        model
        for model in apps.get_models()
        for field in model._meta.concrete_fields
        if field.related_model in owned or field.column in ("order_id", "booking_id", "ticket_id", "coupon_id")
    }
    assert hanging - kept == set()


def test_a_change_that_fails_keeps_nothing(sold):
    with transaction.atomic():
        Order.objects.update(version=2)
        backups.keep(sold["order_id"], at=timezone.now())
        transaction.set_rollback(True)
    assert Backup.objects.count() == 1


def test_a_version_is_kept_once(sold):
    with pytest.raises(IntegrityError), transaction.atomic():
        backups.keep(sold["order_id"], at=timezone.now())


def test_what_is_changed_behind_an_orders_back_is_found(sold):
    query("UPDATE bookings_booking SET version = version + 1")
    with pytest.raises(AssertionError, match=r"order_backup_is_current .*1 violations"):
        verify_invariants()


def test_an_accounts_settlements_are_kept_besides(sold, acme):
    code, at = ledger.account_code(acme.id, "", "USD"), timezone.now()
    with transaction.atomic():
        ledger.settle_account(code, Decimal("10.00"), actor=system("test"), reference="wire 1", at=at)
        with pytest.raises(AssertionError, match=r"account_backup_is_current .*1 violations"):
            verify_invariants()
        backups.keep_account(code, at=at)
    kept = Backup.objects.get(kind="account")
    assert (kept.stream, kept.version, kept.covers) == (code, 1, {"ledger": 2})
    assert {entry["account_id"] for entry in kept.document["ledger"]} == {code, "bank:transfer:USD"}
    assert [event["action"] for event in kept.document["events"]] == ["account.settled"]
    backups.keep_account(code, at=at)
    assert Backup.objects.filter(kind="account").count() == 2
    verify_invariants()


# --- The objects ---


def test_numbers_keep_their_places_and_keys_are_sorted():
    text = '{"b": [1.500, 0.0000001, 12345678901234567890.10, true, null], "a": {"é": "x\\n"}}'
    value = json.loads(text, parse_float=Decimal)
    assert canonical(value) == '{"a":{"é":"x\\n"},"b":[1.500,0.0000001,12345678901234567890.10,true,null]}'


def test_keys_sort_by_version_and_are_read_back():
    at = datetime(2026, 11, 21, 8, 0, 0, 120, UTC)
    key = key_of("order", "0193", 7, at)
    name = name_of(key)
    assert key == "orders/0193/00000007_20261121T080000.000120Z.json"
    assert name is not None
    assert (name.folder, name.kind, name.version, name.taken_at) == ("orders/0193", "order", 7, at)
    assert name_of("orders/0193/7.json") is None


@pytest.mark.parametrize("stream", ["customer:a/../b:USD", "customer:é:USD", ".", "x" * 101])
def test_a_stream_whose_name_is_not_fit_for_a_key_gets_a_digest(stream):
    folder = key_of("account", stream, 1, datetime.now(UTC)).split("/")[1]
    assert folder == hashlib.sha256(stream.encode()).hexdigest()


def test_stored_versions_name_the_one_before_by_its_digest(sold):
    shop.run(sold)
    backups.store_order(sold["order_id"])
    rows = list(Backup.objects.order_by("version"))
    assert len(rows) > 1
    previous = None
    for row in rows:
        body = store().get(row.key, sha256=row.sha256)
        content = json.loads(body)
        assert hashlib.sha256(body).hexdigest() == row.sha256
        assert content["previous_sha256"] == previous
        assert (content["kind"], content["stream"], content["version"]) == ("order", sold["order_id"], row.version)
        assert (row.document, content["format"]) == (None, 1)
        previous = row.sha256


def test_the_object_has_what_the_row_had(sold):
    [before] = query("SELECT document::text FROM orders_backup")[0]
    backups.store_order(sold["order_id"])
    text = store().get(objects.keys()[0], sha256=None).decode()
    after = json.loads(text, parse_float=str)["document"]
    assert after == json.loads(before, parse_float=str)


# --- Storing ---


def test_a_double_run_stores_nothing_twice(sold, watched):
    assert backups.store_order(sold["order_id"]) == 1
    assert backups.store_order(sold["order_id"]) == 0
    assert len(watched.puts) == 1


def test_a_worker_that_dies_between_storing_and_recording(sold, watched, capsys):
    def die() -> None:
        raise SystemExit

    watched.after = die
    with pytest.raises(SystemExit):
        backups.store_order(sold["order_id"])
    assert (waiting(), len(objects.keys())) == (1, 1)
    assert objects.verify(capsys) == (0, [])
    watched.after = lambda: None
    assert backups.store_order(sold["order_id"]) == 1
    assert (waiting(), len(objects.keys())) == (0, 1)
    assert objects.verify(capsys) == (0, [])


def test_another_content_under_the_key_is_refused(sold, caplog):
    row = Backup.objects.get()
    body = b"{}"
    store().put(key_of("order", row.stream, 1, row.taken_at), body, sha256=hashlib.sha256(body).hexdigest())
    with pytest.raises(AlreadyStored):
        backups.store_order(sold["order_id"])
    assert waiting() == 1


def test_a_version_whose_forerunner_is_unknown_is_not_stored(sold):
    Backup.objects.update(version=2)
    with pytest.raises(backups.ChainBroken):
        backups.store_order(sold["order_id"])
    assert objects.keys() == []


@committed
def test_the_store_is_down_while_orders_are_sold(acme, watched, caplog):
    shop.product(stock=100)
    watched.down = True
    orders = [shop.order(acme, ("PROD001", 1)) for _ in range(10)]
    assert objects.drain() == 0
    told = [record for record in caplog.records if "not available" in record.getMessage()]
    assert 1 <= len(told) <= THREADS  # each thread gives up at its first try
    assert waiting() >= len(orders)
    watched.down = False
    kept = waiting()
    assert objects.drain() == kept
    assert (waiting(), len(objects.keys())) == (0, kept)
    assert all(objects.versions(order)[0] == 1 for order in orders)
    verify_invariants()


@committed
def test_one_bad_stream_does_not_stop_the_others(acme, caplog):
    shop.product(stock=100)
    first, second = shop.order(acme, ("PROD001", 1)), shop.order(acme, ("PROD001", 1))
    Backup.objects.filter(stream=first["order_id"]).update(version=5)
    objects.drain()
    assert (objects.versions(first), objects.versions(second)[0]) == ([], 1)
    assert f"{first['order_id']} cannot be stored" in caplog.text


@committed
def test_two_drainers_at_once_do_no_harm(acme, capsys):
    shop.product(stock=100)
    for _ in range(10):
        shop.run(shop.order(acme, ("PROD001", 1)))
    together([objects.drain, objects.drain, objects.drain])
    assert waiting() == 0
    assert len(objects.keys()) == Backup.objects.count()
    assert objects.verify(capsys) == (0, [])
    verify_invariants()


@committed
def test_the_periodic_task_runs_alone(sold, watched):
    def run_again() -> None:
        tasks.store_backups()
        connection.close()  # it is in a thread of its own

    watched.after = run_again  # another beat while the first one is at it
    tasks.store_backups()
    assert len(watched.puts) == 1


def test_the_task_runs_often_enough():
    assert settings.CELERY_BEAT_SCHEDULE["store-backups"] == {
        "task": tasks.store_backups.name,
        "schedule": timedelta(seconds=5),
    }


# --- What waits ---


def test_the_lag_is_told_and_logged_when_it_is_long(sold, caplog):
    at = Backup.objects.get().taken_at
    assert str(backups.lag(at + timedelta(seconds=59))) == "1 waiting, oldest 59 s"
    with caplog.at_level(logging.WARNING):
        backups.report(backups.lag(at + timedelta(seconds=60)))
        assert not caplog.records
        backups.report(backups.lag(at + timedelta(seconds=75)))
    assert caplog.records[0].facts == {"waiting": 1, "oldest_seconds": 75}
    backups.store_order(sold["order_id"])
    assert str(backups.lag(timezone.now())) == "ok"


def test_the_lag_is_one_cheap_query(sold, django_assert_num_queries):
    with django_assert_num_queries(1) as asked:
        backups.lag(timezone.now())
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute("EXPLAIN " + asked[0]["sql"])
        plan = "\n".join(line for (line,) in cursor.fetchall())
    assert "backup_not_stored" in plan


# --- Verifying ---


@pytest.fixture
def stored(sold) -> list[str]:
    """The keys of an order's versions."""
    shop.run(sold)
    backups.store_order(sold["order_id"])
    return objects.keys()


def test_sound_backups_have_no_findings(stored, capsys):
    assert objects.verify(capsys) == (0, [])
    assert objects.verify(capsys, "--store-only") == (0, [])


@pytest.mark.parametrize("place", [0, 1, -1])
def test_a_tampered_object_is_named(stored, place, capsys):
    objects.tamper(settings.STORAGE_DIRECTORY / stored[place])
    code, findings = objects.verify(capsys)
    assert code == 1
    assert [line for line in findings if stored[place] in line and line.startswith("tampered:")] == findings


@pytest.mark.parametrize("place", [0, 1, -1])
def test_a_missing_object_is_named(stored, place, capsys):
    (settings.STORAGE_DIRECTORY / stored[place]).unlink()
    code, findings = objects.verify(capsys)
    assert code == 1
    assert [line for line in findings if stored[place] in line and line.startswith("missing:")] == findings


@pytest.mark.parametrize("place", [0, -1])
def test_the_store_alone_names_a_tampered_object(stored, place, capsys):
    objects.tamper(settings.STORAGE_DIRECTORY / stored[place])
    code, findings = objects.verify(capsys, "--store-only")
    assert code == 1
    assert findings == [f"tampered: {stored[place]}: its content is not what the store took its digest of"]


def test_an_object_that_nobody_made_is_named(stored, capsys):
    key, body = stored[0].replace(stored[0].split("/")[1], "somebody"), b'{"format": 1}'
    store().put(key, body, sha256=hashlib.sha256(body).hexdigest())
    code, findings = objects.verify(capsys)
    assert code == 1
    assert findings == [f"unsound: {key}: it is not a version of an order or account"]


def test_a_version_of_another_database_is_named(stored, capsys):
    Backup.objects.all().delete()
    code, findings = objects.verify(capsys)
    assert code == 1
    assert len(findings) == len(stored)
    assert findings[0] == f"unknown: {stored[0]}: the database knows nothing of it"


def test_the_store_alone_shows_a_broken_chain(stored, capsys):
    (settings.STORAGE_DIRECTORY / stored[0]).unlink()
    code, findings = objects.verify(capsys, "--store-only")
    assert code == 1
    assert findings[0].startswith(f"unchained: {stored[1]}: version 1 is missing")
