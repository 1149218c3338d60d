"""Check-ins at one moment: numbers and passes once each, groups whole, and cancelling or flying, never both."""

import threading

from tests.bookings.sales import act, counters, query
from tests.concurrency.racing import outcomes, together
from tests.ticketing.desk import at_ticket, check_in, passes, sold, soon, ticket_ids, try_check_in, try_group


def numbers_of(flight) -> list[int]:
    sql = "SELECT sequence_number FROM ticketing_boardingpass WHERE flight_id = %s ORDER BY 1"
    return [number for (number,) in query(sql, flight.pk)]


def test_thirty_check_ins_of_one_flight(partner):
    flight = soon()
    bookings = [sold(partner, flight) for _ in range(30)]
    replies = together([lambda b=booking: try_check_in(partner, b) for booking in bookings])
    assert outcomes(replies) == {200: 30}
    assert numbers_of(flight) == list(range(1, 31))
    assert query("SELECT last_sequence_number FROM ticketing_departure") == [(30,)]
    assert query("SELECT count(DISTINCT seat) FROM ticketing_coupon") == [(30,)]


def test_one_ticket_checked_in_by_many(partner):
    flight = soon()
    for place in range(1, 4):
        booking = sold(partner, flight)
        replies = together([lambda b=booking: try_check_in(partner, b)] * 8)
        assert outcomes(replies) == {200: 8}
        assert len({reply.content for reply in replies}) == 1
        assert [number for number, _, _ in passes(booking)] == [place]


def test_check_in_and_cancel(partner):
    flight = soon()
    for place in range(12):
        booking = sold(partner, flight, party="ADT ADT")
        calls = [lambda b=booking: try_group(partner, b), lambda b=booking: act(partner, b, "cancel")]
        checked_in, cancelled = together(calls if place % 2 else calls[::-1])[:: 1 if place % 2 else -1]
        assert sorted((checked_in.status_code, cancelled.status_code)) == [200, 409]
        code = "action_not_allowed" if checked_in.status_code == 200 else "ticket_not_valid"
        assert code in {reply.json().get("code") for reply in (checked_in, cancelled)}
        assert len(passes(booking)) == (2 if checked_in.status_code == 200 else 0)
    aboard = query("SELECT count(*) FROM ticketing_coupon WHERE status = 'C'")[0][0]
    assert counters(flight) == {"sold": aboard, "held": 0, "free": 100 - aboard}


def test_check_in_and_undo_of_one_ticket(partner):
    booking = sold(partner, soon())
    calls = [lambda: try_check_in(partner, booking), lambda: undo(partner, booking)] * 6
    assert set(outcomes(together(calls))) <= {200, (409, "not_checked_in")}


def undo(api, booking):
    return api.call("DELETE", at_ticket(ticket_ids(booking)[0]))


def test_a_group_is_whole_while_its_seats_are_fought_for(partner):
    """Many groups want one seat: the group that gets it is checked in whole, of the others nobody is."""
    flight = soon()
    groups = [sold(partner, flight, party="ADT ADT ADT") for _ in range(6)]

    def want(booking):
        first, *others = ticket_ids(booking)
        passengers = [{"ticket_id": first, "seat": "20A"}, *({"ticket_id": other} for other in others)]
        return try_group(partner, booking, passengers=passengers)

    assert outcomes(together([lambda b=group: want(b) for group in groups])) == {200: 1, (409, "seat_taken"): 5}
    assert sorted(len(passes(group)) for group in groups) == [0, 0, 0, 0, 0, 3]
    assert numbers_of(flight) == [1, 2, 3]


def test_bags_of_many_at_once_have_tags_of_their_own(partner):
    flight = soon()
    bookings = [sold(partner, flight) for _ in range(12)]
    together([lambda b=booking: try_check_in(partner, b, bags=[{"weight_kg": 20}]) for booking in bookings])
    found = query("SELECT tag_number FROM ticketing_bag ORDER BY 1")
    assert found == [(f"0999{serial:06}",) for serial in range(1, 13)]


def test_control_numbers_read_before_they_are_written_are_given_twice(acme):
    """Look up the last number, then write the next: two both see the same one."""
    flight = soon()
    check_in(acme, sold(acme, flight))
    both_have_looked, drawn = threading.Barrier(2), []

    def draw_naively():
        [[last]] = query("SELECT last_sequence_number FROM ticketing_departure")
        both_have_looked.wait(10)
        query("UPDATE ticketing_departure SET last_sequence_number = %s", last + 1)
        drawn.append(last + 1)

    together([draw_naively] * 2)
    assert drawn == [2, 2]
