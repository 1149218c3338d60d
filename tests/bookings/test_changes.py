"""A change is carried out whole, or refused and changes nothing."""

from datetime import timedelta

import pytest

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


def seats_taken(sell, flight) -> int:
    """Return the seats that the stage's counter shows, after checking that no other does."""
    seats = counters(flight)
    taken = seats.pop(COUNTER[sell])
    assert sum(seats.values()) == seats["free"] == 100 - taken
    return taken


def next_day(flight):
    """Make the same flight a day later."""
    return factories.flight(
        carrier=flight.carrier_id, number=flight.flight_number, departs_at=flight.departs_at + timedelta(days=1)
    )


@both_stages
def test_more_seats(acme, flight, sell):
    booking = sell(acme, flight, seats=2)
    changed = change(acme, booking, seats=5).json()
    assert (changed["seats"], len(changed["tickets"])) == (5, 5)
    assert changed["total_amount"] == pytest.approx(booking["total_amount"] / 2 * 5)
    assert seats_taken(sell, flight) == 5
    assert actions_logged(booking)[-1] == "booking.changed"


@both_stages
def test_fewer_seats(acme, flight, sell):
    booking = sell(acme, flight, seats=5)
    changed = change(acme, booking, seats=2).json()
    assert (changed["seats"], len(changed["tickets"])) == (2, 2)
    assert changed["total_amount"] == pytest.approx(booking["total_amount"] / 5 * 2)
    assert seats_taken(sell, flight) == 2
    gone = "R" if sell is confirmed else "V"
    assert sorted(coupons_of(booking)) == ["O", "O", gone, gone, gone]


def test_more_seats_of_an_issued_booking_issue_more_tickets(acme, flight):
    booking = confirmed(acme, flight)
    changed = change(acme, booking, seats=3).json()
    numbers = [ticket["number"] for ticket in changed["tickets"]]
    assert numbers[0] == booking["tickets"][0]["number"]
    assert len({*numbers} - {None}) == 3


@both_stages
def test_more_seats_than_are_left_on_one_of_two_flights_change_nothing(acme, flight, sell):
    small = factories.flight("LAX", "SFO", seats=2)
    booking = sell(acme, flight, small)
    before = database()
    refused(change(acme, booking, seats=3), 409, "not_enough_seats")
    assert database() == before
    assert change(acme, booking, seats=2).status_code == 200


def test_ten_seats_change_nothing(acme, flight):
    booking = book(acme, flight)
    before = database()
    assert change(acme, booking, seats=10).status_code == 400
    assert change(acme, booking, seats=0).status_code == 400
    assert database() == before


@both_stages
def test_another_date_moves_the_seats(acme, flight, sell):
    later = next_day(flight)
    booking = sell(acme, flight, passengers=["ADT", "ADT", "INF"])
    changed = change(acme, booking, departureDate=str(later.departure_date)).json()
    assert (changed["event_id"], changed["status"]) == (str(later.pk), booking["status"])
    assert (seats_taken(sell, flight), seats_taken(sell, later)) == (0, 2)
    assert act(acme, booking, "cancel").status_code == 200
    assert counters(later) == {"sold": 0, "held": 0, "free": 100}


def test_another_date_of_a_held_booking_keeps_its_deadline_and_tickets(acme, flight):
    later = next_day(flight)
    booking = book(acme, flight)
    changed = change(acme, booking, departureDate=str(later.departure_date)).json()
    assert changed["expires_at"] == booking["expires_at"]
    assert [t["ticket_id"] for t in changed["tickets"]] == [t["ticket_id"] for t in booking["tickets"]]
    assert act(acme, booking, "confirm").status_code == 200


def test_another_date_exchanges_issued_tickets(acme, flight):
    later = next_day(flight)
    booking = confirmed(acme, flight, passengers=[{"surname": "Lovelace"}, "INF"])
    changed = change(acme, booking, departureDate=str(later.departure_date)).json()
    assert coupons_of(booking) == ["E", "E", "O", "O"]
    old, new = ({ticket["number"] for ticket in b["tickets"]} for b in (booking, changed))
    assert len(new) == 2
    assert not old & new
    sql = """SELECT t.number, o.number FROM ticketing_ticket t JOIN ticketing_ticket o ON o.id = t.exchanged_from_id
        AND o.surname = t.surname AND o.passenger_type = t.passenger_type AND o.is_superseded"""
    pairs = query(sql)
    assert ({number for number, _ in pairs}, {number for _, number in pairs}) == (new, old)


def test_another_date_of_one_of_two_flights_leaves_the_other(acme, flight):
    back = factories.flight("LAX", "JFK", departs_at=flight.departs_at + timedelta(days=3))
    later = next_day(flight)
    booking = confirmed(acme, flight, back)
    date = str(later.departure_date)
    refused(change(acme, booking, departureDate=date), 409, "cannot_change")
    changed = change(acme, booking, departureDate=date, flightId=flight.designator).json()
    assert [c["event_id"] for c in changed["tickets"][0]["coupons"]] == [str(later.pk), str(back.pk)]
    assert (counters(flight)["sold"], counters(later)["sold"], counters(back)["sold"]) == (0, 1, 1)


@both_stages
def test_a_date_that_cannot_be_had_changes_nothing(acme, flight, sell):
    full = next_day(flight)
    confirmed(acme, full, seats=1)
    query("UPDATE flights_flightcabin SET capacity = 1, free = 0 WHERE flight_id = %s", full.pk)
    cancelled = next_day(full)
    query("UPDATE flights_flight SET status = 'cancelled' WHERE id = %s", cancelled.pk)
    booking = sell(acme, flight)
    before = database()
    for day, status, code in (
        (full.departure_date, 409, "not_enough_seats"),
        (cancelled.departure_date, 409, "flight_closed"),
        (cancelled.departure_date + timedelta(days=1), 404, "flight_not_found"),
    ):
        refused(change(acme, booking, departureDate=str(day)), status, code)
    assert database() == before


def test_the_same_date_changes_no_ticket(acme, flight):
    booking = confirmed(acme, flight)
    changed = change(acme, booking, departureDate=str(flight.departure_date)).json()
    assert changed["tickets"] == booking["tickets"]


@both_stages
def test_date_and_seats_and_names_change_together_or_not_at_all(acme, flight, sell):
    later = next_day(flight)
    booking = sell(acme, flight)
    before = database()
    everything = {"departureDate": str(later.departure_date), "seats": 3, "passengers": [{"surname": "Hopper"}]}
    too_many = everything | {"passengers": [{"surname": "X"}] * 4}
    refused(change(acme, booking, **too_many), 409, "cannot_change")
    assert database() == before
    changed = change(acme, booking, **everything).json()
    assert (changed["event_id"], changed["seats"]) == (str(later.pk), 3)
    assert changed["tickets"][0]["surname"] == "Hopper"
    assert (seats_taken(sell, flight), seats_taken(sell, later)) == (0, 3)


def test_an_empty_booking_gets_flights(acme, flight):
    back = factories.flight("LAX", "JFK")
    empty = acme.post("/booking", {"agency": "Acme Travel"}).json()
    wishes = [{"event_id": str(flight.pk)}, {"event_id": str(back.pk)}]
    held = change(acme, empty, flights=wishes, seats=2).json()
    assert (held["status"], held["seats"], len(held["flights"])) == ("pending", 2, 2)
    assert held["total_amount"] > 0
    assert counters(flight) == counters(back) == {"sold": 0, "held": 2, "free": 98}
    assert act(acme, empty, "confirm").status_code == 200
    assert counters(flight) == counters(back) == {"sold": 2, "held": 0, "free": 98}


def test_an_empty_booking_gets_all_flights_or_none(acme, flight):
    full = factories.flight("LAX", "JFK", seats=1)
    empty = acme.post("/booking", {"agency": "Acme Travel"}).json()
    before = database()
    wishes = [{"event_id": str(flight.pk)}, {"event_id": str(full.pk)}]
    refused(change(acme, empty, flights=wishes, seats=2), 409, "not_enough_seats")
    refused(change(acme, empty, flights=wishes[:1] * 2), 400, "duplicate_flight")
    assert database() == before


def test_only_an_empty_booking_gets_flights(acme, flight):
    booking = book(acme, flight)
    before = database()
    refused(change(acme, booking, flights=[{"event_id": str(flight.pk)}]), 409, "cannot_change")
    assert database() == before


def test_two_dates_of_one_flight_number_cannot_become_one(acme, flight):
    later = next_day(flight)
    booking = book(acme, flight, later)
    before = database()
    date = str(later.departure_date)
    refused(change(acme, booking, departureDate=date, flightId=flight.designator), 409, "cannot_change")
    assert database() == before


def test_an_empty_booking_has_no_seats_and_no_date_to_change(acme):
    empty = acme.post("/api/v1/bookings", {}).json()
    before = database()
    for fields in ({"seats": 2}, {"departureDate": "2030-01-01"}):
        refused(change(acme, empty, **fields), 409, "cannot_change")
    assert database() == before


def test_closed_bookings_cannot_be_changed(acme, flight):
    canceled = act(acme, book(acme, flight), "cancel").json()
    refunded = act(acme, confirmed(acme, flight), "refund").json()
    before = database()
    for booking in (canceled, refunded):
        response = change(acme, booking, seats=2)
        refused(response, 409, "cannot_change")
        assert response.json()["booking_status"] == booking["status"]
    assert database() == before


def test_what_has_begun_cannot_be_changed(acme, flight):
    booking = confirmed(acme, flight)
    query("UPDATE ticketing_coupon SET status = 'C'")
    refused(change(acme, booking, seats=2), 409, "cannot_change")
    query("UPDATE ticketing_coupon SET status = 'O'")
    query("UPDATE flights_flight SET departs_at = now() - interval '1 minute'")
    before = database()
    refused(change(acme, booking, seats=2), 409, "cannot_change")
    assert database() == before


def test_a_closed_flight_sells_no_more_seats_but_takes_some_back(acme, flight):
    booking = book(acme, flight, seats=2)
    query("UPDATE flights_flightcabin SET on_sale = false")
    before = database()
    refused(change(acme, booking, seats=3), 409, "flight_closed")
    assert database() == before
    assert change(acme, booking, seats=1).status_code == 200
    assert seats_taken(book, flight) == 1


def test_a_rival_s_booking_cannot_be_changed(acme, zenith, flight):
    booking = book(acme, flight)
    before = database()
    refused(change(zenith, booking, seats=2), 404, "booking_not_found")
    assert database() == before
