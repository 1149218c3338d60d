"""Many draw one locator at one moment: all but one draw again."""

from itertools import repeat

from bookings.locators import draw_locator
from tests.bookings.sales import book, counters
from tests.concurrency.racing import together


def test_locators_that_collide_are_drawn_again(acme, flight, monkeypatch):
    drawn = iter([*repeat("BCDFGH", 8), *repeat("JKMNPQ", 4)])
    monkeypatch.setattr("bookings.holds.draw_locator", lambda: next(drawn, None) or draw_locator())
    made = together([lambda: book(acme, flight)] * 8)
    locators = {booking["record_locator"] for booking in made}
    assert len(locators) == 8
    assert {"BCDFGH", "JKMNPQ"} <= locators
    assert counters(flight) == {"sold": 0, "held": 8, "free": 92}
