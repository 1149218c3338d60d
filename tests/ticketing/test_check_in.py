"""Check-in: what it does, for whom and on which flights, by booking and by order."""

from uuid import UUID, uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from orders.checkin import check_in_booking, check_in_order
from orders.exceptions import OrderNotFound
from partners.callers import Caller
from tests.bookings.sales import actions_logged, book, confirmed, query, refused
from tests.orders import shop
from tests.ticketing.desk import (
    PASSPORT,
    _whole,
    check_in,
    check_in_group,
    coupons,
    flight,
    named,
    nothing_changes,
    passes,
    refuses,
    sold,
    soon,
    ticket_ids,
    try_check_in,
    try_group,
)
from ticketing import bcbp
from ticketing.exceptions import NothingToCheckIn, TicketNeeded, TicketNotFound

__all__ = ["_whole", "flight"]  # fixtures
pytestmark = pytest.mark.django_db


def test_a_passenger_gets_a_seat_a_number_and_a_pass(acme, flight):
    booking = sold(acme, flight)
    answer = check_in(acme, booking)
    [coupon] = answer["tickets"][0]["coupons"]
    [boarding_pass] = answer["boarding_passes"]
    assert (coupon["status"], answer["tickets"][0]["status"]) == ("C", "checked_in")
    assert coupon["checked_in_at"] is not None
    assert coupon["seat"] == boarding_pass["seat"] is not None
    assert (boarding_pass["sequence_number"], boarding_pass["status"]) == (1, "good")
    leg = bcbp.decode(boarding_pass["barcode"]).legs[0]
    assert (leg.sequence_number, leg.passenger_status, leg.record_locator) == ("0001", "1", booking["record_locator"])
    assert answer["booking_id"] == booking["booking_id"]
    assert answer["bags"] == []


def test_it_makes_the_next_version_of_booking_and_order(acme, flight):
    booking = sold(acme, flight)
    check_in(acme, booking)
    read = acme.get(f"/api/v1/bookings/{booking['booking_id']}")
    assert read["ETag"] == '"3"'
    kept = query("SELECT version FROM orders_backup WHERE stream = %s ORDER BY version", booking["order_id"])
    assert kept == [(1,), (2,)]
    assert read.json()["available_actions"] == []


def test_again_is_the_same_answer_and_nothing_happens(acme, flight):
    booking = sold(acme, flight)
    first = check_in(acme, booking)
    with nothing_changes():
        assert check_in(acme, booking) == first
        assert check_in(acme, booking, seat=first["boarding_passes"][0]["seat"].lower()) == first


def test_another_seat_makes_the_pass_anew_under_its_number(acme, flight):
    booking = sold(acme, flight)
    check_in(acme, booking, seat="20A")
    answer = check_in(acme, booking, seat="21c")
    assert [p["seat"] for p in answer["boarding_passes"]] == ["21C"]
    assert passes(booking) == [(1, "20A", "reissued"), (1, "21C", "")]
    assert bcbp.decode(answer["boarding_passes"][0]["barcode"]).legs[0].seat == "021C"


def test_a_party_sits_together_even_one_after_the_other(acme, flight):
    booking = sold(acme, flight, party="ADT ADT ADT")
    check_in(acme, booking, 1)
    assert [(k["status"], k["seat"][:-1]) for k in coupons(booking)] == [
        (s, coupons(booking)[0]["seat"][:-1]) for s in "OCO"
    ]
    check_in(acme, booking, 0)
    assert [number for number, _, _ in passes(booking)] == [1, 2]


def test_a_group_is_checked_in_whole(acme, flight):
    booking = sold(acme, flight, party="ADT CHD INF")
    answer = check_in_group(acme, booking)
    assert [p["sequence_number"] for p in answer["boarding_passes"]] == [1, 2, 3]
    adult, child, infant = coupons(booking)
    assert (adult["status"], child["status"], infant["status"]) == ("C", "C", "C")
    assert adult["seat"]
    assert child["seat"]
    assert infant["seat"] is None
    with nothing_changes():
        assert check_in_group(acme, booking) == answer


def test_a_group_is_all_or_nothing(acme, flight):
    booking = confirmed(acme, flight, passengers=[{"surname": "Lovelace", "given_name": "Ada"}, "ADT"])
    problem = refuses(lambda: try_group(acme, booking), "name_needed")
    assert problem["ticket_id"] == ticket_ids(booking)[1]
    one = {"ticket_id": ticket_ids(booking)[0], "seat": "20A"}
    assert [t["ticket_id"] for t in check_in_group(acme, booking, passengers=[one])["tickets"]] == [one["ticket_id"]]


def test_a_group_may_name_seats_bags_and_documents(acme):
    flight = soon("JFK", "LHR")
    booking = sold(acme, flight, party="ADT ADT")
    one, two = ticket_ids(booking)
    wishes = [
        {"ticket_id": one, "seat": "20A", "bags": [{"weight_kg": 20}], "travel_document": PASSPORT},
        {"ticket_id": two, "travel_document": PASSPORT},
    ]
    answer = check_in_group(acme, booking, passengers=wishes)
    assert [bag["ticket_id"] for bag in answer["bags"]] == [one]
    assert coupons(booking)[0]["seat"] == "20A"
    bad = [{"ticket_id": one}, {"ticket_id": one}]
    refused(try_group(acme, booking, passengers=bad), 400, "invalid_input")
    refuses(lambda: try_group(acme, booking, passengers=[{"ticket_id": str(uuid4())}]), "ticket_not_found", 404)


# --- Which flights ---


def test_through_check_in_of_flights_that_are_open_too(acme):
    flights = [soon(hours=3), soon("LAX", "SFO", hours=11), soon("SFO", "SEA", hours=40)]
    booking = sold(acme, *flights)
    answer = check_in(acme, booking)
    assert [k["status"] for k in coupons(booking)] == ["C", "C", "O"]
    assert [p["event_id"] for p in answer["boarding_passes"]] == [str(f.pk) for f in flights[:2]]


def test_one_flight_is_named(acme):
    flights = [soon(hours=3), soon("LAX", "SFO", hours=11)]
    booking = sold(acme, *flights)
    check_in(acme, booking, event_id=str(flights[0].pk))
    assert [k["status"] for k in coupons(booking)] == ["C", "O"]
    check_in(acme, booking, event_id=str(flights[1].pk))
    assert [k["status"] for k in coupons(booking)] == ["C", "C"]


def test_the_next_flight_is_the_first_that_has_not_left(acme, pass_time):
    booking = sold(acme, soon(hours=3), soon("LAX", "SFO", hours=11))
    check_in(acme, booking, event_id=booking["flights"][0]["event_id"])
    pass_time(hours=4)
    answer = check_in(acme, booking)
    assert [k["status"] for k in answer["tickets"][0]["coupons"]] == ["C", "C"]


def test_another_flight_is_refused(acme, flight):
    booking, other = sold(acme, flight), soon()
    refuses(lambda: try_check_in(acme, booking, event_id=str(other.pk)), "not_on_flight")


def test_an_earlier_flight_comes_first(acme):
    flights = [soon(hours=3), soon("LAX", "SFO", hours=11)]
    booking = sold(acme, *flights)
    problem = refuses(lambda: try_check_in(acme, booking, event_id=str(flights[1].pk)), "out_of_sequence")
    assert problem["earlier_event_id"] == str(flights[0].pk)


def test_an_earlier_flight_that_is_cancelled_does_not_count(acme):
    flights = [soon(hours=3), soon("LAX", "SFO", hours=11)]
    booking = sold(acme, *flights)
    query("UPDATE flights_flight SET status = 'cancelled' WHERE id = %s", flights[0].pk)
    refuses(lambda: try_check_in(acme, booking), "flight_cancelled")
    check_in(acme, booking, event_id=str(flights[1].pk))


# --- Seats ---


def test_seats_are_refused_by_their_own_rules(acme, flight):
    booking, other = sold(acme, flight, party="ADT INF"), sold(acme, flight)
    check_in(acme, other, seat="20A")
    refuses(lambda: try_check_in(acme, booking, seat="20A"), "seat_taken")
    refuses(lambda: try_check_in(acme, booking, seat="99Z"), "unknown_seat")
    check_in(acme, booking, 0)
    refuses(lambda: try_check_in(acme, booking, 1, seat="20B"), "no_seat_needed")


def test_a_full_flight_still_has_a_seat_for_everybody_who_bought_one(acme):
    flight = soon(seats=9)
    booking = sold(acme, flight, party="ADT ADT ADT ADT ADT ADT ADT ADT ADT")
    check_in_group(acme, booking)
    assert len({k["seat"] for k in coupons(booking)}) == 9


# --- Whose ---


def test_others_tickets_are_not_found(acme, zenith, traveller, handler, staff, flight):
    booking = sold(acme, flight)
    for api in (zenith, traveller, handler):
        refuses(lambda api=api: try_check_in(api, booking), "ticket_not_found", 404)
        refuses(lambda api=api: try_group(api, booking), "booking_not_found", 404)
    check_in(staff, booking)


def test_strict_input(acme, flight):
    booking = sold(acme, flight)
    bodies = [{"seats": "12A"}, {"seat": 12}, {"bags": [{"weight_kg": "20"}]}, {"bags": [{}]}, {"event_id": "x"}]
    for body in bodies:
        refuses(lambda body=body: try_check_in(acme, booking, **body), acme_code(body), 400)


def acme_code(body: dict) -> str:
    return "missing_fields" if body.get("bags") == [{}] else "invalid_input"


# --- The door by order ---


def caller_of(api) -> Caller:
    return Caller(kind="agency", id=api.id, door="api", agency_id=UUID(api.id))


def by_order(api, booking, **wishes):
    return check_in_order(UUID(booking["order_id"]), caller=caller_of(api), at=timezone.now(), **wishes)


def test_an_order_is_checked_in(acme, flight):
    booking = sold(acme, flight, party="ADT ADT")
    done = by_order(acme, booking)
    assert [p.sequence_number for p in done.passes] == [1, 2]
    with nothing_changes():
        assert by_order(acme, booking).passes == done.passes


def test_one_of_an_orders_passengers_with_a_seat(acme, zenith, flight):
    booking = sold(acme, flight, party="ADT ADT")
    with nothing_changes(), pytest.raises(TicketNeeded):
        by_order(acme, booking, seat="20A")
    with nothing_changes(), pytest.raises(TicketNotFound):
        by_order(acme, booking, ticket_id=uuid4())
    with nothing_changes(), pytest.raises(OrderNotFound):
        by_order(zenith, booking)
    done = by_order(acme, booking, ticket_id=UUID(ticket_ids(booking)[1]), seat="20a")
    assert [p.seat for p in done.passes] == ["20A"]


def test_of_an_order_what_is_open_is_checked_in(acme, flight):
    out = book(acme, flight, passengers=[named()])
    back = book(acme, soon("LAX", "JFK", hours=90), passengers=[named()])
    placed = shop.order(acme, out, back)
    shop.run(placed)
    done = by_order(acme, placed)
    assert [str(view.booking.id) for view in done.views] == [out["booking_id"]]
    assert [k["status"] for k in coupons(back)] == ["O"]


def test_an_order_of_goods_has_nothing_to_check_in(acme):
    shop.product()
    placed = shop.order(acme, ("PROD001", 1))
    with nothing_changes(), pytest.raises(NothingToCheckIn):
        by_order(acme, placed)


def test_an_open_ticket_is_marked_without_a_pass(acme, flight):
    booking = sold(acme, flight)
    query("UPDATE ticketing_coupon SET flight_id = NULL")
    query("UPDATE flights_flightcabin SET sold = 0, free = capacity")
    query("UPDATE bookings_booking SET seats = 0")
    refuses(lambda: try_check_in(acme, booking, seat="20A"), "flight_needed")
    refuses(lambda: try_check_in(acme, booking, bags=[{"weight_kg": 5}]), "flight_needed")
    answer = check_in(acme, booking)
    assert (coupons(booking)[0]["status"], answer["boarding_passes"]) == ("C", [])
    with nothing_changes():
        assert check_in(acme, booking) == answer
    assert acme.delete(f"/api/v1/tickets/{ticket_ids(booking)[0]}/check-in").status_code == 200
    query("UPDATE bookings_booking SET seats = 1")


# --- Events and cost ---


def test_what_happens_is_recorded(acme, flight):
    booking = sold(acme, flight)
    check_in(acme, booking, bags=[{"weight_kg": 20}])
    logged = [action for (action,) in query("SELECT action FROM skybridge_event ORDER BY id DESC LIMIT 3")]
    assert logged[::-1] == ["coupon.seated", "coupon.checked_in", "bag.checked"]
    assert actions_logged(booking) == ["booking.pending", "booking.confirmed"]


def test_the_cost_does_not_grow_with_the_flight(acme, flight):
    def cost():
        booking_id = UUID(sold(acme, flight, party="ADT ADT")["booking_id"])
        with CaptureQueriesContext(connection) as captured:
            check_in_booking(booking_id, caller=caller_of(acme), at=timezone.now())
        return len(captured)

    empty = cost()
    for _ in range(10):
        check_in_group(acme, sold(acme, flight, party="ADT ADT ADT"))
    assert cost() == empty
    assert empty <= 28


def test_departures_are_locked_in_one_order_whoever_moves(acme):
    early, late = soon(hours=3), soon("LAX", "SEA", hours=12)
    booking = sold(acme, early, late)
    check_in(acme, booking, event_id=str(early.pk), seat="12A")
    with CaptureQueriesContext(connection) as captured:
        check_in(acme, booking, seat="14C")  # moves on the first flight, is new on the second
    locks = [
        q["sql"] for q in captured if "ticketing_departure" in q["sql"] and ("INTO" in q["sql"] or "FOR UP" in q["sql"])
    ]
    first_of = [
        next(n for n, sql in enumerate(locks) if str(flight.pk) in sql or flight.pk.hex in sql)
        for flight in (early, late)
    ]
    assert first_of == sorted(first_of)
    assert coupons(booking)[0]["seat"] == "14C"
