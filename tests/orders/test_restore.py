"""The drill: sell, lose the database, restore from the store alone, and have the very same orders."""

import json
import time
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import psycopg
import pytest
from django.core.management import call_command
from django.utils import timezone
from moto.server import ThreadedMotoServer

from orders import backups
from orders.dumps import digest_of, dump
from orders.models import Backup, Order
from orders.settlements import reconcile_payments, settle_account
from partners import ledger
from skybridge import sealing
from skybridge.events import system
from skybridge.storage import store
from skybridge.times import utc_text
from tests import factories
from tests.bookings.sales import act, book, change, confirmed, query
from tests.conftest import Api
from tests.orders import objects, shop
from tests.ticketing import desk

pytestmark = pytest.mark.django_db(transaction=True)
CARD = {"method": "card", "token": "tok_success"}


class Beside:
    """An empty database beside the tests' own, with the project's tables."""

    def __init__(self, name: str, template: str, environment: dict[str, str]):
        self.name, self.template, self.environment = name, template, environment
        self.make()

    def make(self) -> None:
        on_server(f'DROP DATABASE IF EXISTS "{self.name}" WITH (FORCE)')
        on_server(f'CREATE DATABASE "{self.name}" TEMPLATE "{self.template}"')

    def manage(self, *arguments: str) -> str:
        """Run a command there; return what it wrote."""
        done = self.try_to(*arguments)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def try_to(self, *arguments: str):
        return objects.manage(self.name, *arguments, **self.environment)

    def query(self, sql: str, *parameters: Any) -> list[tuple]:
        with psycopg.connect(objects.database_url(self.name), autocommit=True) as link:
            cursor = link.execute(sql, parameters or None)  # type: ignore[call-overload]
            return cursor.fetchall() if cursor.description else []

    @property
    def digest(self) -> str:
        return self.manage("dump_orders", "--sha256").strip()


def on_server(sql: str) -> None:
    with psycopg.connect(objects.database_url("postgres"), autocommit=True) as link:
        link.execute(sql)  # type: ignore[call-overload]


@pytest.fixture(scope="session")
def migrated(django_db_setup) -> Iterator[str]:
    """An empty database to copy."""
    name = f"{objects.present_database()}_empty"
    on_server(f'CREATE DATABASE "{name}"')
    done = objects.manage(name, "migrate", "--verbosity", "0")
    assert done.returncode == 0, done.stderr
    yield name
    on_server(f'DROP DATABASE "{name}"')


@pytest.fixture
def beside(migrated, settings) -> Iterator[Beside]:
    environment = {"STORAGE_DIRECTORY": str(settings.STORAGE_DIRECTORY)}
    made = Beside(f"{objects.present_database()}_beside", migrated, environment)
    yield made
    on_server(f'DROP DATABASE "{made.name}" WITH (FORCE)')


@pytest.fixture
def traded(acme, zenith, traveller, flight) -> list[dict]:
    """Some days of trade: orders placed, processed, changed, cancelled, deleted, failed; settlements; other sales."""
    shop.product("BAG", "35.50", stock=40)
    back = factories.flight("LAX", "JFK", carrier="FL", number=124, seats={"Y": 90, "J": 8})
    done = shop.order(acme, ("BAG", 2), book(acme, flight, back, seats=2), book(acme, flight))
    shop.run(done)
    changed = shop.order(zenith, book(zenith, flight, seats=2))
    shop.run(changed)
    change(zenith, {"booking_id": shop.read(zenith, changed)["items"][0]["booking_id"]}, seats=3)
    cancelled, deleted, failed = (shop.order(acme, ("BAG", 1), book(acme, flight)) for _ in range(3))
    acme.put(f"/orders/{cancelled['order_id']}", {"status": "cancelled"})
    acme.delete(f"/orders/{deleted['order_id']}")
    acme.put(f"/orders/{failed['order_id']}", {"status": "failed"})
    act(traveller, confirmed(traveller, flight), "refund")
    placed = shop.order(acme, ("BAG", 1), book(acme, flight))  # its booking is held
    book(acme, back)  # on no order
    shop.run(shop.order(acme, ("BAG", 1), book(acme, flight), payment=CARD))
    paid = shop.order(acme, ("BAG", 1), book(acme, flight, seats=2), payment=CARD)
    shop.run(paid)
    confirm_quote(acme, f"/api/v1/orders/{paid['order_id']}/cancellations")
    partly = confirmed(acme, flight, seats=3)
    confirm_quote(
        acme,
        f"/api/v1/bookings/{partly['booking_id']}/cancellations",
        {"ticket_ids": [partly["tickets"][0]["ticket_id"]]},
    )
    sell_bags(acme, flight)
    reconcile_payments(at=timezone.now())
    settle_account(
        ledger.account_code(acme.id, "", "USD"), Decimal("25.00"), actor=system("test"), reference="wire",
        at=timezone.now(),
    )  # fmt: skip
    return [done, changed, cancelled, deleted, failed, placed]


def sell_bags(api: Api, flight) -> None:
    """Sell bags to passengers, on orders of their own: one stays, one goes back with its passenger's ticket."""
    shop.product("BAG1", "35.00", stock=40, rfic="C", rfisc="0CC")
    for booking in (confirmed(api, flight), confirmed(api, flight)):
        item = {"product_id": "BAG1", "quantity": 1, "ticket_id": booking["tickets"][0]["ticket_id"]}
        shop.run(shop.order(api, item))
    act(api, booking, "cancel")


def confirm_quote(api: Api, path: str, body: dict | None = None) -> None:
    quoted = api.post(path, body)
    assert quoted.status_code == 201, quoted.content
    answer = api.post(f"{path}/{quoted.json()['quote_id']}/confirm")
    assert answer.status_code == 200, answer.content


def digest() -> str:
    return digest_of(dump())


SAME_BESIDE = {
    "seats": """SELECT f.flight_number, c.cabin, c.capacity, c.sold, c.held - COALESCE((
            SELECT sum(h.seats) FROM flights_seathold h LEFT JOIN bookings_booking b ON b.id = h.booking_id
            WHERE h.flight_cabin_id = c.id AND b.order_id IS NULL), 0)
        FROM flights_flightcabin c JOIN flights_flight f ON f.id = c.flight_id ORDER BY 1, 2""",
    "balances": "SELECT code, balance, credit_limit FROM partners_account ORDER BY 1",
    "agencies": """SELECT a.id, a.name, p.name, p.rate FROM partners_agency a
        JOIN partners_plan p ON p.id = a.plan_id ORDER BY 1""",
    "flights": "SELECT to_jsonb(f)::text FROM flights_flight f ORDER BY id",
    "fares": "SELECT to_jsonb(f)::text FROM flights_fare f ORDER BY id",
    "products": "SELECT to_jsonb(p)::text FROM orders_product p ORDER BY product_id",
}


def test_the_drill(traded, beside):
    objects.drain()
    before = digest()
    assert beside.manage("restore_orders").startswith("14 orders and 1 accounts restored")
    assert beside.digest == before
    for sql in SAME_BESIDE.values():
        assert beside.query(sql) == query(sql)
    assert " 0 broken" in beside.manage("verify_invariants")
    assert " 0 findings" in beside.manage("backup_verify")


def test_check_ins_come_back_and_go_on_behind_their_numbers(acme, beside):
    abroad = desk.soon("JFK", "LHR", carrier="FL", number=7)
    one, two = (desk.sold(acme, abroad) for _ in range(2))
    for booking in (one, two):
        desk.check_in(acme, booking, bags=[{"weight_kg": 20}], travel_document=desk.PASSPORT)
    desk.try_undo(acme, two)
    objects.drain()
    beside.manage("restore_orders")
    assert beside.digest == digest()
    for table in ("ticketing_boardingpass", "ticketing_bag", "ticketing_departure", "ticketing_bagtagseries"):
        rows = f"SELECT to_jsonb(t)::text FROM {table} t ORDER BY 1"
        assert beside.query(rows) == query(rows) != []
    [[kept]] = beside.query("SELECT sealed FROM ticketing_traveldocument WHERE ticket_id = %s", desk.ticket_ids(one)[0])
    assert '"number": "X12345678"' in sealing.unseal(kept)
    assert " 0 broken" in beside.manage("verify_invariants")


@pytest.fixture
def s3(settings, monkeypatch, beside) -> Iterator[ThreadedMotoServer]:
    """A bucket behind HTTP in place of the directory, for this process and for the database beside."""
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    beside.environment = {
        "S3_BUCKET": f"drill-{time.time_ns()}",
        "S3_ENDPOINT_URL": "http://{}:{}".format(*server.get_host_and_port()),
        "NO_PROXY": "127.0.0.1",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
    }
    for name, value in beside.environment.items():
        monkeypatch.setenv(name, value)
    settings.S3_BUCKET, settings.S3_ENDPOINT_URL = (beside.environment[n] for n in ("S3_BUCKET", "S3_ENDPOINT_URL"))
    settings.S3_ADDRESSING_STYLE, settings.S3_CREATE_BUCKET = "path", True
    store.cache_clear()
    yield server
    server.stop()


def test_the_drill_on_s3_which_was_down_meanwhile(acme, flight, beside, s3):
    shop.product("BAG", "35.50", stock=40)
    shop.order(acme, ("BAG", 2), book(acme, flight, seats=2))
    assert objects.drain() == 1
    host, port = s3.get_host_and_port()
    s3.stop()
    orders = [shop.order(acme, ("BAG", 1), book(acme, flight)) for _ in range(3)]
    acme.delete(f"/orders/{orders[0]['order_id']}")
    assert (objects.drain(), Backup.objects.filter(stored_at=None).count()) == (0, 4)
    again = ThreadedMotoServer(host, port, verbose=False)
    again.start()
    try:
        assert objects.drain() == 4
        assert beside.manage("restore_orders").startswith("4 orders and 0 accounts restored")
        assert beside.digest == digest()
        assert " 0 findings" in beside.manage("backup_verify")
    finally:
        again.stop()


def test_what_is_numbered_goes_on_behind_what_was_restored(traded, beside):
    objects.drain()
    beside.manage("restore_orders")
    [[highest]] = query("SELECT max(right(number, 10)::bigint) FROM ticketing_emd")
    assert query("SELECT max(right(number, 10)::bigint) < %s FROM ticketing_ticket", highest) == [(True,)]
    [[serial]] = beside.query("SELECT nextval('ticketing_serial')")
    assert serial > highest
    for table in (
        "skybridge_event",
        "partners_ledgerentry",
        "orders_orderitem",
        "flights_flightcabin",
        "orders_backup",
    ):
        [[last, following]] = beside.query(
            f"SELECT max(id), nextval(pg_get_serial_sequence('{table}', 'id')) FROM {table}"
        )
        assert following > last, table


def test_the_chain_goes_on_after_a_restore(traded, beside):
    objects.drain()
    beside.manage("restore_orders")
    order_id = traded[0]["order_id"]
    script = f"""
from django.utils import timezone
from orders import backups
from orders.models import Order
Order.objects.filter(pk="{order_id}").update(version=100)
backups.keep("{order_id}", at=timezone.now())
backups.store_order("{order_id}")
"""
    stored = objects.versions(traded[0])
    beside.manage("shell", "--no-imports", "-c", script)
    assert objects.versions(traded[0]) == [*stored, 100]
    assert " 0 findings" in beside.manage("backup_verify")


def test_a_point_in_time(acme, beside):
    shop.product("BAG", "35.50", stock=40)
    orders = [shop.order(acme, ("BAG", 1)) for _ in range(3)]
    shop.run(orders[0])
    objects.drain()
    at, then = timezone.now(), digest()
    acme.put(f"/orders/{orders[1]['order_id']}", {"status": "cancelled"})
    acme.delete(f"/orders/{orders[2]['order_id']}")
    shop.order(acme, ("BAG", 5))
    objects.drain()
    assert digest() != then
    beside.manage("restore_orders", "--until", utc_text(at) or "")
    assert beside.digest == then
    assert beside.query("SELECT count(*) FROM orders_backup") == [(0,)]  # it is for looking


def test_taking_over_at_a_point_in_time_gives_up_what_came_later(acme, beside):
    shop.product("BAG", "35.50", stock=40)
    order = shop.order(acme, ("BAG", 1))
    objects.drain()
    at = timezone.now()
    acme.delete(f"/orders/{order['order_id']}")
    objects.drain()
    assert objects.versions(order) == [1, 2]
    beside.manage("restore_orders", "--until", utc_text(at) or "", "--take-over")
    script = f"""
from django.utils import timezone
from orders import backups
from orders.models import Order
Order.objects.filter(pk="{order["order_id"]}").update(version=2, contact_email="a@example.com")
backups.keep("{order["order_id"]}", at=timezone.now())
backups.store_order("{order["order_id"]}")
"""
    beside.manage("shell", "--no-imports", "-c", script)
    assert objects.versions(order) == [1, 2, 2]
    assert " 0 findings" in beside.manage("backup_verify")
    after = beside.digest
    beside.make()
    beside.manage("restore_orders")
    assert beside.digest == after
    assert beside.query("SELECT contact_email, deleted_at FROM orders_order") == [("a@example.com", None)]


def test_a_database_with_rows_is_refused(traded):
    objects.drain()
    before = digest(), Backup.objects.count()
    with pytest.raises(Exception, match="The database is not empty: there are rows in partners_plan, "):
        call_command("restore_orders")
    assert (digest(), Backup.objects.count()) == before


def test_a_tampered_object_restores_nothing_and_is_named(traded, beside, settings):
    objects.drain()
    key = objects.keys(f"orders/{traded[0]['order_id']}/")[-1]
    path = settings.STORAGE_DIRECTORY / key
    objects.tamper(path)
    done = beside.try_to("restore_orders")
    assert done.returncode == 1
    assert key in done.stderr
    assert beside.query("SELECT count(*) FROM orders_order") == [(0,)]


def test_documents_older_than_a_column_get_its_default(acme, beside):
    shop.product("BAG", "35.50", stock=40)
    order = shop.order(acme, ("BAG", 1))
    Backup.objects.update(document=without(Backup.objects.get().document, "orders", "payment_method", "contact_email"))
    backups.store_order(order["order_id"])
    beside.manage("restore_orders")
    assert beside.query("SELECT payment_method, contact_email FROM orders_order") == [("account", "")]


def without(document: dict, name: str, *columns: str) -> dict:
    rows = [{column: value for column, value in row.items() if column not in columns} for row in document[name]]
    return document | {name: rows}


def test_the_dump_is_sorted_and_sees_a_change(traded):
    lines = [json.loads(line) for line in dump()]
    tables = [line["table"] for line in lines]
    assert len(set(tables)) > 10
    assert sorted(tables, key=tables.index) == tables
    before = digest()
    Order.objects.filter(pk=traded[0]["order_id"]).update(contact_email="b@example.com")
    assert digest() != before
