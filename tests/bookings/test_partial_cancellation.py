"""Some passengers or some flights are cancelled; whoever stays keeps every flight that stays."""

from datetime import timedelta
from uuid import uuid4

import pytest

from bookings.invariants import INVARIANTS
from flights.models import Flight
from skybridge.invariants import examine
from tests import factories
from tests.bookings.sales import (
    act,
    actions_logged,
    book,
    change,
    confirmed,
    counters,
    coupons_of,
    database,
    query,
    refused,
)

COUNTER = {book: "held", confirmed: "sold"}
both_stages = pytest.mark.parametrize("sell", [book, confirmed])


@pytest.fixture
def back(flight):
    return factories.flight("LAX", "JFK", departs_at=flight.departs_at + timedelta(days=3))


@pytest.fixture(autouse=True)
def _invariants(db):
    yield
    assert not {i.name: found.ids for i in INVARIANTS if (found := examine(i)).violations}


def quote(api, booking, tickets=(), flights=()):
    places = [ticket if isinstance(ticket, str) else booking["tickets"][ticket]["ticket_id"] for ticket in tickets]
    body = {"ticket_ids": places, "flights": [str(getattr(flight, "pk", flight)) for flight in flights]}
    path = f"/api/v1/bookings/{booking['booking_id']}/cancellations"
    return api.post(path, {name: value for name, value in body.items() if value})


def cancel(api, booking, tickets=(), flights=()):
    """Quote a partial cancellation and confirm it."""
    quoted = quote(api, booking, tickets, flights)
    assert quoted.status_code == 201, quoted.content
    path = f"/api/v1/bookings/{booking['booking_id']}/cancellations/{quoted.json()['quote_id']}/confirm"
    response = api.post(path)
    assert response.status_code == 200, response.content
    return response.json()


def taken(sell, flight) -> int:
    seats = counters(flight)
    assert sum(seats.values()) == 100 == seats[COUNTER[sell]] + seats["free"]
    return seats[COUNTER[sell]]


def value(ticket: dict) -> float:
    return sum(coupon["total_amount"] for coupon in ticket["coupons"])


@both_stages
def test_one_passenger_leaves(acme, flight, back, sell):
    booking = sell(acme, flight, back, passengers=["ADT", "ADT", "CHD"])
    gone, letter = booking["tickets"][1], "R" if sell is confirmed else "V"
    left = cancel(acme, booking, tickets=[1])
    assert (left["status"], left["seats"], left["ticket_quantity"]) == (booking["status"], 2, 2)
    assert gone["ticket_id"] not in {ticket["ticket_id"] for ticket in left["tickets"]}
    assert left["total_amount"] == pytest.approx(booking["total_amount"] - value(gone))
    assert left["refunded_amount"] == pytest.approx(value(gone) if sell is confirmed else 0)
    assert sorted(coupons_of(booking)) == sorted(["O"] * 4 + [letter] * 2)
    assert taken(sell, flight) == taken(sell, back) == 2
    assert actions_logged(booking)[-1] == "booking.partly_canceled"


@both_stages
def test_one_flight_is_dropped(acme, flight, back, sell):
    booking = sell(acme, flight, back, passengers=["ADT", "INF"])
    left = cancel(acme, booking, flights=[flight])
    assert (left["status"], left["seats"], len(left["tickets"])) == (booking["status"], 1, 2)
    assert [f["event_id"] for f in left["flights"]] == [str(back.pk)]
    assert [[k["event_id"] for k in t["coupons"]] for t in left["tickets"]] == [[str(back.pk)]] * 2
    assert left["total_amount"] == pytest.approx(sum(t["coupons"][1]["total_amount"] for t in booking["tickets"]))
    assert sum(line["amount"] for line in left["price_lines"]) == pytest.approx(left["total_amount"])
    assert (taken(sell, flight), taken(sell, back)) == (0, 1)
    assert {ticket["number"] for ticket in left["tickets"]} == {ticket["number"] for ticket in booking["tickets"]}


@both_stages
def test_a_lap_infant_leaves_without_a_seat(acme, flight, sell):
    booking = sell(acme, flight, passengers=["ADT", "INF"])
    left = cancel(acme, booking, tickets=[1])
    assert (left["seats"], left["ticket_quantity"]) == (1, 1)
    assert taken(sell, flight) == 1


@both_stages
def test_the_last_passenger_and_the_last_flight_end_the_booking(acme, flight, back, sell):
    for part in ({"tickets": [0, 1]}, {"flights": [flight, back]}, {}):
        booking = sell(acme, flight, back, seats=2)
        ended = cancel(acme, booking, **part)
        assert (ended["status"], ended["available_actions"]) == ("canceled", [])
        assert coupons_of(booking) == ["V"] * 4
        assert taken(sell, flight) == taken(sell, back) == 0


@both_stages
def test_one_after_the_other_ends_it_too(acme, flight, back, sell):
    booking = sell(acme, flight, back, seats=2)
    left = cancel(acme, booking, tickets=[0])
    left = cancel(acme, left, flights=[back])
    ended = cancel(acme, left, tickets=[0])
    assert ended["status"] == "canceled"
    assert ended["refunded_amount"] == pytest.approx(booking["total_amount"] if sell is confirmed else 0)
    assert taken(sell, flight) == taken(sell, back) == 0


def test_both_lists_where_one_of_them_names_all(acme, flight, back):
    booking = confirmed(acme, flight, back, seats=2)
    left = cancel(acme, booking, tickets=[0], flights=[flight, back])
    assert (left["seats"], len(left["flights"])) == (1, 2)
    left = cancel(acme, left, tickets=[0], flights=[back])
    assert (left["seats"], len(left["flights"])) == (1, 1)


@both_stages
@pytest.mark.parametrize(
    ("party", "part", "code"),
    [
        (["ADT", "ADT"], {"tickets": [0], "places": [0]}, "not_rectangular"),
        (["ADT", "INF", "ADT"], {"tickets": [0, 2]}, "infant_without_adult"),
        (["ADT", "ADT", "INF", "INF"], {"tickets": [0]}, "infant_without_adult"),
        (["ADT", "CHD"], {"tickets": [0]}, "adult_missing"),
        (["ADT"], {"tickets": [str(uuid4())]}, "not_in_booking"),
        (["ADT"], {"flights": [uuid4()]}, "not_in_booking"),
    ],
)
def test_what_cannot_stay_is_refused_and_nothing_changes(acme, flight, back, sell, party, part, code):
    booking = sell(acme, flight, back, passengers=party)
    before = database()
    flights = part.get("flights") or [(flight, back)[place] for place in part.get("places", ())]
    refused(quote(acme, booking, part.get("tickets", ()), flights), 409, code)
    assert database() == before


def test_what_has_been_cancelled_before_is_not_in_the_booking(acme, flight, back):
    booking = confirmed(acme, flight, back, seats=2)
    cancel(acme, booking, tickets=[0])
    cancel(acme, booking, flights=[back])
    before = database()
    refused(quote(acme, booking, tickets=[0]), 409, "not_in_booking")
    refused(quote(acme, booking, flights=[back]), 409, "not_in_booking")
    assert database() == before


def test_a_closed_or_run_out_booking_has_no_part_to_cancel(acme, flight, back, pass_time):
    ended = [act(acme, confirmed(acme, flight, back, seats=2), action).json() for action in ("cancel", "refund")]
    pending = book(acme, flight, back, seats=2)
    before = database()
    for booking in ended:
        refused(quote(acme, booking, tickets=[0]), 409, "action_not_allowed")
        refused(quote(acme, booking), 409, "action_not_allowed")
    pass_time(minutes=21)
    refused(quote(acme, pending, tickets=[0]), 409, "hold_expired")
    assert database() == before


def test_a_passenger_who_has_checked_in_stays(acme, flight, back):
    booking = confirmed(acme, flight, back, seats=2)
    query("UPDATE ticketing_coupon SET status = 'C' WHERE id = %s", booking["tickets"][0]["coupons"][0]["coupon_id"])
    before = database()
    refused(quote(acme, booking, tickets=[1]), 409, "action_not_allowed")
    refused(quote(acme, booking, flights=[flight]), 409, "action_not_allowed")
    assert database() == before


def test_the_way_back_can_be_cancelled_after_the_way_out(acme, flight, back):
    booking = confirmed(acme, flight, back)
    query("UPDATE ticketing_coupon SET status = 'F' WHERE flight_id = %s", flight.pk)
    Flight.objects.filter(pk=flight.pk).update(departs_at=flight.departs_at - timedelta(days=6))
    left = cancel(acme, booking, flights=[back])
    assert ([k["status"] for k in left["tickets"][0]["coupons"]], left["status"]) == (["F"], "confirmed")
    assert counters(back)["sold"] == 0


def test_the_next_day_a_passenger_leaves_by_the_fare_rules(acme, flight, pass_time):
    """Of two cheap fares one is given up: its security tax of 5.60 goes back."""
    booking = confirmed(acme, flight, seats=2)
    pass_time(days=1)
    left = cancel(acme, booking, tickets=[0])
    assert (left["refunded_amount"], left["quote"]["refund_amount"]) == (5.6, 5.6)
    assert left["quote"]["kept_amount"] == pytest.approx(booking["total_amount"] / 2 - 5.6)


def test_one_cancelled_flight_lets_the_other_go_without_penalty(acme, flight, back, pass_time):
    booking = confirmed(acme, flight, back)
    Flight.objects.filter(pk=back.pk).update(status=Flight.Status.CANCELLED)
    pass_time(days=1)
    left = cancel(acme, booking, flights=[flight])
    assert left["refunded_amount"] == booking["tickets"][0]["coupons"][0]["total_amount"]


def test_after_a_dropped_flight_everything_else_still_works(acme, flight, back):
    """More seats and another date look at the flight that is left, wherever it stood in the ticket."""
    booking = confirmed(acme, flight, back)
    cancel(acme, booking, flights=[flight])
    assert change(acme, booking, seats=3).json()["seats"] == 3
    later = factories.flight(
        "LAX", "JFK", carrier=back.carrier_id, number=back.flight_number, departs_at=back.departs_at + timedelta(days=1)
    )
    moved = change(acme, booking, departureDate=str(later.departure_date)).json()
    assert [[k["event_id"] for k in t["coupons"]] for t in moved["tickets"]] == [[str(later.pk)]] * 3
    assert (counters(flight)["sold"], counters(back)["sold"], counters(later)["sold"]) == (0, 0, 3)
    assert act(acme, booking, "refund").json()["status"] == "refunded"


def test_a_pending_booking_in_part_is_confirmed_as_it_is_then(acme, flight, back):
    booking = book(acme, flight, back, seats=3)
    cancel(acme, booking, tickets=[0])
    cancel(acme, booking, flights=[back])
    sold = act(acme, booking, "confirm").json()
    assert (sold["status"], sold["seats"]) == ("confirmed", 2)
    assert (counters(flight), counters(back)) == (
        {"sold": 2, "held": 0, "free": 98}, {"sold": 0, "held": 0, "free": 100},
    )  # fmt: skip
