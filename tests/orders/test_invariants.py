"""Each invariant of orders holds on a database in use, and is found when it is broken behind the application's back."""

import pytest

from orders.invariants import INVARIANTS
from skybridge.invariants import examine
from tests.bookings.sales import act, book, change, confirmed, query
from tests.bookings.test_invariants import verify
from tests.orders import shop

pytestmark = pytest.mark.django_db

ORDER = "(SELECT order_id FROM orders_execution WHERE status = 'SUCCEEDED' ORDER BY order_id LIMIT 1)"
BOOKING = "(SELECT id FROM bookings_booking WHERE status = 'confirmed' ORDER BY id LIMIT 1)"
APPEND = "ALTER TABLE orders_executionevent DISABLE TRIGGER append_only"
# What breaks each invariant, constraints that stand in the way first.
BROKEN_BY = {
    "order_total_is_items": ["UPDATE orders_orderitem SET price = price + 1"],
    "order_ledger_is_total_less_refunds": [f"UPDATE orders_order SET refunded_amount = 1 WHERE id = {ORDER}"],
    "processed_card_orders_are_paid": [f"UPDATE orders_order SET payment_method = 'card' WHERE id = {ORDER}"],
    "order_status_is_that_of_last_event": [f"UPDATE orders_order SET status = 'shipped' WHERE id = {ORDER}"],
    "failed_orders_lapse": [f"UPDATE orders_order SET lapses_at = now() WHERE id = {ORDER}"],
    "tallies_are_right": ["UPDATE orders_tally SET orders = orders + 1"],
    "confirmed_bookings_are_ordered": [f"UPDATE bookings_booking SET order_id = NULL WHERE id = {BOOKING}"],
    "cancelled_orders_hold_no_seats": [
        "UPDATE bookings_booking SET order_id = (SELECT id FROM orders_order WHERE status = 'cancelled' LIMIT 1) "
        "WHERE status = 'pending'"
    ],
    "ordered_bookings_are_items": ["UPDATE orders_orderitem SET booking_id = NULL, product_id = 'PROD001' "
        f"WHERE booking_id = {BOOKING}"],
    "processed_tickets_are_issued": [
        "UPDATE ticketing_ticket SET number = NULL WHERE booking_id IN "
        "(SELECT b.id FROM bookings_booking b JOIN orders_execution x ON x.order_id = b.order_id "
        "AND x.status = 'SUCCEEDED')"
    ],
    "document_numbers_are_used_once": [
        "UPDATE ticketing_emd SET number = (SELECT min(number) FROM ticketing_ticket) "
        "WHERE id = (SELECT id FROM ticketing_emd LIMIT 1)"
    ],
    "emds_follow_their_coupons": ["UPDATE ticketing_emd SET status = 'C' WHERE status = 'O'"],
    "emds_are_items": ["UPDATE ticketing_emd SET amount = amount + 1"],
    "processed_emds_are_issued": ["UPDATE ticketing_emd SET issued_at = NULL"],
    "cancelled_orders_have_no_emds": ["UPDATE ticketing_emd SET status = 'O' WHERE status = 'V'"],
    "histories_have_no_gaps": [APPEND, "DELETE FROM orders_executionevent WHERE event_id = 2"],
    "running_executions_have_a_timer": ["UPDATE orders_execution SET due_at = NULL WHERE status = 'RUNNING'"],
    "every_order_has_an_execution": [
        APPEND,
        "DELETE FROM orders_executionevent",
        "DELETE FROM orders_execution",
    ],
    "orders_have_their_backups": ["DELETE FROM orders_backup WHERE version = 1"],
    "backups_are_here_or_stored": [
        "UPDATE orders_backup SET stored_at = now(), sha256 = 'x', key = 'x' WHERE version = 2"
    ],
    "order_backup_is_current": [f"UPDATE bookings_booking SET version = version + 1 WHERE id = {BOOKING}"],
    "account_backup_is_current": [
        "INSERT INTO partners_ledgerentry (posting_id, at, kind, account_id, amount, currency, reference) "
        "SELECT '00000000-0000-7000-8000-000000000000', now(), 'settlement', code, CASE kind WHEN 'agency' THEN -1 "
        "ELSE 1 END, 'USD', '' FROM partners_account WHERE kind IN ('agency', 'sales')"
    ],
}  # fmt: skip


@pytest.fixture
def in_use(acme, flight):
    """Orders of every kind: processed, cancelled, deleted, failed, changed, and one that is only placed."""
    acme.get("/orders")  # from here on their number is kept
    shop.product()
    shop.run(shop.order(acme, ("PROD001", 2), book(acme, flight, seats=2)))
    acme.put(f"/orders/{shop.order(acme, ('PROD001', 1))['order_id']}", {"status": "cancelled"})
    acme.delete(f"/orders/{shop.order(acme, ('PROD001', 1), book(acme, flight))['order_id']}")
    acme.put(f"/orders/{shop.order(acme, ('PROD001', 1), book(acme, flight))['order_id']}", {"status": "failed"})
    sell_bags(acme, confirmed(acme, flight, seats=2))
    change(acme, confirmed(acme, flight, seats=2), seats=3)
    act(acme, confirmed(acme, flight), "refund")
    shop.order(acme, ("PROD001", 1))
    book(acme, flight)
    query("SET CONSTRAINTS ALL IMMEDIATE")


def sell_bags(acme, booking):
    """Sell a bag that is issued, and one whose order is cancelled."""
    shop.product("BAG1", "35.00", rfic="C")
    bags = [{"product_id": "BAG1", "quantity": 1, "ticket_id": t["ticket_id"]} for t in booking["tickets"]]
    shop.run(shop.order(acme, bags[0]))
    acme.put(f"/orders/{shop.order(acme, bags[1])['order_id']}", {"status": "cancelled"})


def test_all_hold_on_a_database_in_use(in_use):
    code, lines = verify()
    assert code == 0, lines


def test_each_invariant_has_something_that_breaks_it():
    assert list(BROKEN_BY) == [invariant.name for invariant in INVARIANTS]


@pytest.mark.parametrize("invariant", INVARIANTS, ids=lambda invariant: invariant.name)
def test_each_invariant_is_found_broken(in_use, invariant):
    assert examine(invariant).violations == 0
    for sql in BROKEN_BY[invariant.name]:
        query(sql)
    assert examine(invariant).violations >= 1
