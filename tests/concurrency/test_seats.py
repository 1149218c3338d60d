"""One seat, one passenger: many callers for the same seat, parties seated side by side, swaps and trades at once."""

import threading
from itertools import pairwise

from django.db import IntegrityError, transaction

from tests import factories
from tests.bookings.sales import book, booking_body, confirmed, let_hold_run_out, query
from tests.concurrency.racing import outcomes, together
from tests.ticketing.seating import choose, seat_all, seats_of, swap, tickets_of, trade
from ticketing.models import Coupon


def a320(**fields):
    return factories.flight(seats=150, aircraft_type="A320-200", **fields)


def taken(flight) -> list[str]:
    sql = "SELECT seat FROM ticketing_coupon WHERE flight_id = %s AND seat IS NOT NULL AND status IN ('O', 'C')"
    return [seat for (seat,) in query(sql, flight.pk)]


def test_50_passengers_want_one_seat(partner):
    flight = a320()
    tickets = [tickets_of(book(partner, flight))[0] for _ in range(50)]
    replies = together([lambda t=ticket: choose(partner, t, "12A") for ticket in tickets])
    assert outcomes(replies) == {200: 1, (409, "seat_taken"): 49}
    assert taken(flight) == ["12A"]


def test_50_bookings_want_one_seat(partner):
    flight = a320()
    body = booking_body(flight, passengers=[{"seat": "12A"}])
    replies = together([lambda: partner.post("/api/v1/bookings", body)] * 50)
    assert outcomes(replies) == {201: 1, (409, "seat_taken"): 49}
    assert query("SELECT count(*) FROM bookings_booking") == [(1,)]
    assert taken(flight) == ["12A"]


def test_bookings_and_passengers_want_one_seat(partner):
    for _ in range(3):
        flight = a320()
        tickets = [tickets_of(book(partner, flight))[0] for _ in range(10)]
        body = booking_body(flight, passengers=[{"seat": "12A"}])
        calls = [lambda t=ticket: choose(partner, t, "12A") for ticket in tickets]
        calls += [lambda b=body: partner.post("/api/v1/bookings", b)] * 10
        found = outcomes(together(calls))
        assert found.pop((409, "seat_taken")) == 19
        assert sum(found.values()) == 1


def test_parties_are_seated_at_once(partner):
    flight = a320()
    parties = [book(partner, flight, seats=1 + place % 9) for place in range(30)]
    replies = together([lambda b=booking: seat_all(partner, b, flight) for booking in parties])
    assert outcomes(replies) == {200: 30}
    assert len(taken(flight)) == len(set(taken(flight))) == sum(booking["seats"] for booking in parties)
    assert all(None not in seats_of(booking) for booking in parties)


def test_the_last_seats_are_assigned_once(partner):
    flight = factories.flight(seats=60, aircraft_type="A320-200")
    parties = [book(partner, flight, seats=6) for _ in range(10)]
    replies = together([lambda b=booking: seat_all(partner, b, flight) for booking in parties])
    assert outcomes(replies) == {200: 10}
    assert len(set(taken(flight))) == 60


def test_lap_infants_never_share_a_block(partner):
    """No constraint knows of infants: the departure's lock keeps this rule."""
    flight = a320()
    families = [book(partner, flight, passengers=["ADT", "INF"]) for _ in range(6)]
    wanted = [(tickets_of(b)[0], f"20{letter}") for b, letter in zip(families, "ABCDEF", strict=True)]
    calls = [lambda choice=choice: choose(partner, *choice) for choice in wanted]
    assert outcomes(together(calls)) == {200: 2, (409, "infant_row"): 4}


def test_swaps_in_a_ring_end_without_a_deadlock(partner):
    flight = a320()
    bookings = [confirmed(partner, flight, passengers=[{"seat": f"20{letter}"}]) for letter in "ABCDEF"]
    ids = [tickets_of(booking)[0] for booking in bookings]
    rings = [*pairwise([*ids, ids[0]])] * 3
    replies = together([lambda pair=pair: swap(partner, flight, *pair) for pair in rings])
    assert set(outcomes(replies)) <= {200, (409, "concurrent_change")}
    assert sorted(taken(flight)) == [f"20{letter}" for letter in "ABCDEF"]


def test_trades_and_cancellations_of_one_booking(partner):
    flight = a320()
    booking = confirmed(partner, flight, seats=3)
    trade(partner, booking, flight, "20A", "20B", "20C")
    orders = [("20A", "20B", "20C"), ("20B", "20C", "20A"), ("20C", "20A", "20B")] * 4
    cancel = [lambda: partner.post(f"/api/v1/bookings/{booking['booking_id']}/cancel")]
    replies = together([lambda o=order: trade(partner, booking, flight, *o) for order in orders] + cancel)
    assert set(outcomes(replies)) <= {200, (409, "cannot_change")}
    assert taken(flight) == []


def test_a_seat_whose_hold_has_run_out_goes_to_one(partner, zenith):
    for _ in range(3):
        flight = a320()
        held = book(zenith, flight, passengers=[{"seat": "12A"}])
        tickets = [tickets_of(book(partner, flight))[0] for _ in range(8)]
        let_hold_run_out(held["booking_id"])
        replies = together([lambda t=ticket: choose(partner, t, "12A") for ticket in tickets])
        assert outcomes(replies) == {200: 1, (409, "seat_taken"): 7}


def test_control_without_the_departures_lock_the_constraint_refuses(acme):
    """Look whether the seat is free, then take it: several see it free, and only the constraint keeps it one's own."""
    flight = a320()
    coupons = [book(acme, flight)["tickets"][0]["coupons"][0]["coupon_id"] for _ in range(10)]
    all_have_looked = threading.Barrier(len(coupons), timeout=30)

    def take_naively(coupon_id: str) -> str:
        if "12A" in taken(flight):
            return "taken"
        all_have_looked.wait()
        try:
            with transaction.atomic():
                Coupon.objects.filter(pk=coupon_id).update(seat="12A")
        except IntegrityError:
            return "collided"
        return "seated"

    found = together([lambda c=coupon: take_naively(c) for coupon in coupons])
    assert found.count("seated") == 1
    assert "collided" in found
