"""Every hot statement finds its rows by an index, and does not lose it unseen.

The operations are carried out with some thousand sales in the tables, and what PostgreSQL would do is asked about each
statement that the code itself sends, for the values at hand and, where they are hot, for any. Then an index of each
kind is dropped, and that must be noticed.
"""

from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.db import transaction
from django.utils import timezone
from psycopg.errors import InvalidColumnReference

from benchmarks.explaining import Plan, explaining, plan_for_any_values, plan_of
from bookings.expiry import sweep
from flights.models import Flight
from orders import backups, reservations, services, workflow
from orders.archiving import archive_flights
from orders.departures import depart_flights
from orders.disruption.choices import refund_undecided
from orders.settlements import reconcile_payments
from orders.steps import WORKFLOW
from skybridge import idempotency
from skybridge.events import system
from tests.bookings.sales import act, book, query
from tests.conftest import Api
from tests.orders import shop
from tests.skybridge import mass
from tests.ticketing.gates import check_in, look, scan
from ticketing.models import BoardingPass
from ticketing.travel_documents import delete_old_documents

pytestmark = pytest.mark.django_db
GROWING = {
    "flights_flight", "flights_flightcabin", "flights_seathold", "bookings_booking", "ticketing_ticket",
    "ticketing_coupon", "ticketing_boardingpass", "ticketing_scan", "ticketing_departure", "orders_order",
    "orders_orderitem", "orders_execution", "orders_executionevent", "orders_backup", "partners_ledgerentry",
    "partners_payment", "skybridge_event", "skybridge_idempotencykey",
}  # fmt: skip
PARTIAL = "SELECT indexrelid::regclass::text FROM pg_index WHERE indpred IS NOT NULL"
LISTS = (
    "bookings/booking", "orders/order", "orders/execution", "orders/backup", "flights/flight", "ticketing/ticket",
    "ticketing/coupon", "ticketing/boardingpass", "ticketing/scan", "partners/ledgerentry", "partners/payment",
    "skybridge/event", "skybridge/idempotencykey",
)  # fmt: skip


@dataclass
class World:
    agency: Api
    staff: Api
    handler: Api
    flight: Flight
    shown: BoardingPass
    held: list[dict]
    placed: dict

    def offer(self) -> str:
        return f"departureCity=JFK&destinationCity=LAX&departureDate={self.flight.departure_date}"

    def once(self, key: str):
        return self.agency.post("/orders", shop.order_body(("BAG", 1)), Idempotency_Key=key)


@pytest.fixture
def world(acme, staff, handler, flight) -> World:
    """A world in which much has been sold, with a flight at its gate, some holds, and an order just placed."""
    mass.sell(acme.id)
    shop.product("BAG", "35.50", stock=1000)
    later = Flight.objects.filter(departs_at__gt=timezone.now() + timedelta(hours=3)).order_by("departs_at")[0]
    [shown] = check_in(acme, later, minutes=40)
    held = [book(acme, flight) for _ in range(3)]
    return World(acme, staff, handler, flight, shown, held, shop.order(acme, ("BAG", 1)))


def store(w: World) -> None:
    backups.waiting_streams(10)
    backups.store_order(UUID(w.placed["order_id"]))


def archive(w: World) -> None:
    archive_flights(timezone.now() - timedelta(days=30), actor=WORKFLOW, at=timezone.now(), dry_run=True)


Operation = Callable[[World], Any]
HOT: dict[str, Operation] = {
    "BOOK": lambda w: book(w.agency, w.flight),
    "BOOK by number": lambda w: w.agency.post(
        "/bookFlight",
        {"flightId": w.flight.designator, "departureDate": str(w.flight.departure_date), "userId": "ada", "seats": 1},
    ),
    "SEARCH": lambda w: w.agency.get(f"/searchFlights?{w.offer()}"),
    "READ": lambda w: w.agency.get(f"/api/v1/bookings/{w.held[0]['booking_id']}"),
    "CONFIRM": lambda w: act(w.agency, w.held[0], "confirm"),
    "ORDER": lambda w: w.agency.post("/orders", shop.order_body(("BAG", 1))),
    "ORDER under a key": lambda w: (w.once("one"), w.once("one"))[1],
    "LIST of orders": lambda w: w.agency.get("/orders"),
    "LIST of orders, a page deep in it": lambda w: w.agency.get("/orders?page=100"),
    "LIST of bookings": lambda w: w.agency.get("/api/v1/bookings"),
    "READ of an order": lambda w: w.agency.get(f"/orders/{w.placed['order_id']}"),
    "STATUS of an order": lambda w: w.agency.get(f"/status/{w.placed['order_id']}"),
    "LOOK": lambda w: look(w.handler, w.shown),
    "SCAN": lambda w: scan(w.handler, w.shown.flight, w.shown),
}
OTHERS: dict[str, Operation] = {
    "cancelling": lambda w: act(w.agency, w.held[1], "cancel"),
    "executions": lambda w: w.agency.get("/executions"),
    "manifest": lambda w: w.handler.get(f"/api/v1/flights/{w.shown.flight_id}/manifest"),
    "workflow": lambda w: shop.run(w.placed),
    "health": lambda w: backups.health(),
    "storing a backup": store,
    "expire_holds": lambda w: sweep(at=timezone.now() + timedelta(minutes=30)),
    "sweep_executions": lambda w: workflow.sweep(),
    "lapse_failed_orders": lambda w: services.lapse_failed_orders(at=timezone.now(), caller=WORKFLOW),
    "return_unused_payments": lambda w: reservations.return_unused_payments(at=timezone.now(), actor=WORKFLOW),
    "reconcile_payments": lambda w: reconcile_payments(at=timezone.now()),
    "refund_undecided": lambda w: refund_undecided(at=timezone.now()),
    "depart_flights": lambda w: depart_flights(at=timezone.now() + timedelta(minutes=50)),
    "delete_travel_documents": lambda w: delete_old_documents(at=timezone.now(), actor=system("test")),
    "purge_idempotency_keys": lambda w: idempotency.purge(),
    "archive_flights": archive,
    "finding a locator": lambda w: w.staff.get(f"/admin/find/?q={w.held[2]['record_locator']}"),
    "a booking in the back office": lambda w: w.staff.get(f"/admin/bookings/booking/{w.held[2]['booking_id']}/change/"),
    **{f"list of {name}": lambda w, name=name: w.staff.get(f"/admin/{name}/") for name in LISTS},
}
OPERATIONS = HOT | OTHERS
# What each goes by.
NEEDED = {
    "BOOK": ["flight_cabin_once", "flights_flight_pkey", "hold_by_deadline", "flights_flightcabin_pkey"],
    "BOOK by number": ["flight_once"],
    "SEARCH": ["flight_by_route"],
    "READ": ["bookings_booking_pkey", "ticketing_ticket_booking_id_a7e1733d", "coupon_once"],
    "CONFIRM": ["flights_seathold_pkey"],
    "ORDER under a key": ["idempotency_key_once"],
    "LIST of orders": ["order_by_agency"],
    "LIST of bookings": ["booking_by_agency"],
    "SCAN": ["ticketing_boardingpass_digest_key", "event_by_subject"],  # and without the nonces' it does not run
    "LOOK": ["ticketing_boardingpass_digest_key"],
    "storing a backup": ["backup_not_stored"],
    "expire_holds": ["booking_pending"],
    "return_unused_payments": ["payment_for_quote"],
    "manifest": ["ticketing_coupon_flight_id_faf144a4"],
    "finding a locator": ["booking_locator"],
    "purge_idempotency_keys": ["idempotency_key_by_age"],
    "archive_flights": ["pass_by_flight"],
}


def plans_of(operation: Operation, world: World) -> list[Plan]:
    """Carry an operation out, undo it, and return the plans of its statements."""
    with transaction.atomic():
        with explaining() as plans:
            answer = operation(world)
        assert getattr(answer, "status_code", 200) < 400, answer.content
        transaction.set_rollback(True)
    return plans


def wrong(name: str, plans: Iterable[Plan], partial: set[str]) -> set[str]:
    """Return what plans read of growing tables beyond what they look for, and which indexes they should go by.

    A partial index holds little: all of it may be read.
    """
    plans = list(plans)
    used = {scan.index for plan in plans for scan in plan.scans}
    return {f"not by {index}" for index in NEEDED.get(name, ()) if index not in used} | {
        f"{scan.table} by {scan.index or 'all of it'}: {' '.join(plan.sql.split())[:90]}"
        for plan in plans
        for scan in plan.scans
        if scan.table in GROWING and not scan.is_bounded and scan.index not in partial
    }


def test_each_operation_finds_its_rows_by_an_index(world):
    partial = {name for (name,) in query(PARTIAL)}
    found = {name: wrong(name, plans_of(run, world), partial) for name, run in OPERATIONS.items()}
    assert {name: scans for name, scans in found.items() if scans} == {}


def test_so_does_a_plan_for_any_values(world):
    """A prepared statement's plan is kept if it looks no dearer than one made for the values at hand."""
    partial = {name for (name,) in query(PARTIAL)}
    found = {name: wrong("", map(plan_for_any_values, plans_of(run, world)), partial) for name, run in HOT.items()}
    assert {name: scans for name, scans in found.items() if scans} == {}


def test_a_lost_index_is_noticed(world):
    partial, unseen = {name for (name,) in query(PARTIAL)}, []
    for name, indexes in NEEDED.items():
        plans = plans_of(OPERATIONS[name], world)
        unseen += [f"{name} without {index}" for index in indexes if not wrong(name, without(index, plans), partial)]
    assert unseen == []


def test_a_whole_table_is_noticed_without_knowing_the_index(world):
    plans = without("event_by_subject", plans_of(HOT["SCAN"], world))
    assert any("skybridge_event by all of it" in scan for scan in wrong("", plans, set()))


def without(index: str, plans: Iterable[Plan]) -> list[Plan]:
    """Return the plans that the same statements have once an index is dropped; it is there again afterwards.

    None where one of them cannot do without it, because it says ON CONFLICT.
    """
    with suppress(InvalidColumnReference), transaction.atomic():
        drop(index)
        found = [plan_of(plan.sql, plan.parameters) for plan in plans]
        transaction.set_rollback(True)
        return found
    return []


def drop(index: str) -> None:
    query("SET CONSTRAINTS ALL IMMEDIATE")
    [[constraint, table]] = query(
        """SELECT c.conname, i.indrelid::regclass::text FROM pg_index i
        LEFT JOIN pg_constraint c ON c.conindid = i.indexrelid AND c.contype IN ('p', 'u')
        WHERE i.indexrelid = %s::regclass""",
        index,
    )
    query(f"ALTER TABLE {table} DROP CONSTRAINT {constraint} CASCADE" if constraint else f"DROP INDEX {index}")
