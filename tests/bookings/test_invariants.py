"""Each invariant holds on a database in use, and is found when it is broken behind the application's back."""

from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import OperationalError, connection

from bookings.invariants import INVARIANTS
from bookings.management.commands.verify_invariants import all_invariants
from skybridge.invariants import examine
from tests import factories
from tests.bookings.sales import act, book, change, confirmed, query

PENDING = "(SELECT id FROM bookings_booking WHERE status = 'pending')"
CONFIRMED = "(SELECT id FROM bookings_booking WHERE status = 'confirmed')"
COUPON_OF = """UPDATE ticketing_coupon SET {} WHERE id = (SELECT k.id FROM ticketing_coupon k
    JOIN ticketing_ticket t ON t.id = k.ticket_id WHERE t.booking_id = {} AND k.status = '{}' LIMIT 1)"""
CANCELED = "(SELECT id FROM bookings_booking WHERE status = 'canceled' AND refunded_amount = 0)"

# What breaks each invariant, constraints that stand in the way first.
BROKEN_BY = {
    "capacity_is_sold_held_free": [
        "ALTER TABLE flights_flightcabin DROP CONSTRAINT capacity_is_sold_held_free",
        "UPDATE flights_flightcabin SET capacity = capacity + 1 WHERE sold > 0",
    ],
    "held_is_sum_of_holds": ["UPDATE flights_flightcabin SET held = held + 1, free = free - 1 WHERE held = 0"],
    "sold_is_live_coupons": ["UPDATE flights_flightcabin SET sold = sold - 1, free = free + 1 WHERE sold > 0"],
    "holds_are_of_pending_bookings": [f"UPDATE flights_seathold SET booking_id = {CANCELED}"],
    "holds_match_booking": ["UPDATE flights_seathold SET expires_at = expires_at + interval '1 microsecond'"],
    "holds_match_coupons": [COUPON_OF.format("takes_seat = NOT takes_seat", PENDING, "O")],
    "closed_bookings_have_no_live_coupons": [COUPON_OF.format("status = 'O'", CANCELED, "V")],
    "superseded_tickets_have_no_live_coupons": [
        f"UPDATE ticketing_ticket SET is_superseded = true WHERE booking_id = {PENDING}"
    ],
    "issued_tickets_have_numbers": [
        f"UPDATE ticketing_ticket SET number = NULL WHERE booking_id = {CONFIRMED} AND NOT is_superseded"
    ],
    "unconfirmed_tickets_are_not_issued": [
        f"UPDATE ticketing_ticket SET issued_at = now() WHERE booking_id = {PENDING}"
    ],
    "ticket_numbers_are_unique": [
        "DROP INDEX ticket_number_once",
        f"UPDATE ticketing_ticket SET number = '0000000000001' WHERE booking_id = {CONFIRMED}",
    ],
    "superseded_coupons_are_not_live": [COUPON_OF.format("is_superseded = true", PENDING, "O")],
    "coupon_total_is_fare_and_taxes": [COUPON_OF.format("total_amount = total_amount + 0.01", CANCELED, "V")],
    "coupon_flights_exist": [
        "DO $$ DECLARE name text; BEGIN SELECT conname INTO name FROM pg_constraint WHERE contype = 'f' AND "
        "conrelid = 'ticketing_coupon'::regclass AND confrelid = 'flights_flight'::regclass; "
        "EXECUTE format('ALTER TABLE ticketing_coupon DROP CONSTRAINT %I', name); END $$",
        COUPON_OF.format("flight_id = gen_random_uuid()", CANCELED, "V"),
    ],
    "seats_match_coupons": [f"UPDATE bookings_booking SET seats = seats + 1 WHERE id = {CONFIRMED}"],
    "booking_total_is_coupons": [f"UPDATE bookings_booking SET total_amount = 1 WHERE id = {PENDING}"],
    "refund_is_at_most_total": [f"UPDATE bookings_booking SET refunded_amount = 0.01 WHERE id = {CANCELED}"],
    "status_is_that_of_last_event": [
        "INSERT INTO skybridge_event (at, actor_kind, actor_id, door, action, subject_id, after, reason, request_id) "
        f"VALUES (now(), 'system', '', '', 'booking.refunded', {CONFIRMED}, '{{\"status\": \"refunded\"}}', '', '')"
    ],
    "infants_have_adults": [f"UPDATE ticketing_ticket SET passenger_type = 'INF' WHERE booking_id = {PENDING}"],
}


@pytest.fixture
def in_use(acme, flight):
    """A database in which everything has happened: one booking of each status, changed ones, two cabins, an infant."""
    other = factories.flight("LAX", "JFK", seats={"Y": 20, "J": 4})
    book(acme, flight, other, passengers=["ADT", "CHD", "INF"])
    change(acme, confirmed(acme, flight, seats=3), seats=2)
    act(acme, confirmed(acme, flight), "cancel")
    act(acme, confirmed(acme, other), "refund")
    act(acme, book(acme, other), "cancel")
    acme.post("/api/v1/bookings", {})
    query("SET CONSTRAINTS ALL IMMEDIATE")


def verify() -> tuple[int, str]:
    out = StringIO()
    try:
        call_command("verify_invariants", stdout=out)
    except SystemExit as ending:
        return ending.code, out.getvalue()
    return 0, out.getvalue()


def test_all_hold_on_a_database_in_use(in_use):
    code, lines = verify()
    assert code == 0, lines
    assert lines.count(" ok\n") == len(list(all_invariants()))


def test_all_hold_on_an_empty_database(db):
    assert verify()[0] == 0


def test_each_invariant_has_something_that_breaks_it():
    assert list(BROKEN_BY) == [invariant.name for invariant in INVARIANTS]
    assert set(INVARIANTS) <= set(all_invariants())


@pytest.mark.parametrize("invariant", INVARIANTS, ids=lambda invariant: invariant.name)
def test_each_invariant_is_found_broken(in_use, invariant):
    assert examine(invariant).violations == 0
    for sql in BROKEN_BY[invariant.name]:
        query(sql)
    found = examine(invariant)
    assert found.violations >= 1
    assert len(found.ids) >= 1


def test_the_command_names_the_offenders_and_ends_with_1(in_use):
    query("UPDATE flights_flightcabin SET held = held + 1, free = free - 1")
    code, lines = verify()
    [line] = [line for line in lines.splitlines() if line.startswith("held_is_sum_of_holds ")]
    ids = [str(pk) for (pk,) in query("SELECT id FROM flights_flightcabin")]
    assert code == 1
    assert f"{len(ids)} violations" in line
    assert all(pk in line for pk in ids)


def test_a_database_that_is_away_is_one_line(monkeypatch):
    def refuse():
        raise OperationalError("connection refused\n\tIs the server running?")

    monkeypatch.setattr(connection, "ensure_connection", refuse)
    with pytest.raises(CommandError, match=r"nothing was verified: connection refused\. Start it"):
        call_command("verify_invariants")


def test_at_most_ten_offenders_are_named(db):
    for _ in range(11):
        factories.flight()
    query("UPDATE flights_flightcabin SET held = 1, free = free - 1")
    found = examine(next(i for i in INVARIANTS if i.name == "held_is_sum_of_holds"))
    assert (found.violations, len(found.ids)) == (11, 10)
