"""Record locators are six characters that nobody misreads, and no two bookings have one."""

import re

import pytest

from bookings.locators import ALPHABET, draw_locator
from tests.bookings.sales import book, query


def test_locators_are_six_unmistakable_characters():
    drawn = [draw_locator() for _ in range(2000)]
    assert all(re.fullmatch(f"[{ALPHABET}]{{6}}", locator) for locator in drawn)
    assert not set(ALPHABET) & set("AEIOU01L8")
    assert len(set(drawn)) == len(drawn)


def number_of(locator: str) -> int:
    return sum(ALPHABET.index(letter) * len(ALPHABET) ** place for place, letter in enumerate(locator))


def test_words_are_drawn_again(monkeypatch):
    drawn = map(number_of, ("FCKBBB", "BCDFGH"))
    monkeypatch.setattr("bookings.locators.random_number", lambda _: next(drawn))
    assert draw_locator() == "BCDFGH"


@pytest.mark.django_db(transaction=True)
def test_a_locator_that_is_taken_is_drawn_again(acme, flight, monkeypatch):
    taken = book(acme, flight)["record_locator"]
    drawn = iter([taken, taken, "BBBBBB"])
    monkeypatch.setattr("bookings.holds.draw_locator", lambda: next(drawn))
    booking = book(acme, flight, seats=2)
    assert booking["record_locator"] == "BBBBBB"
    assert query("SELECT sum(held) FROM flights_flightcabin") == [(3,)]


def test_an_empty_booking_draws_again_too(acme, flight, monkeypatch):
    taken = book(acme, flight)["record_locator"]
    drawn = iter([taken, "CCCCCC"])
    monkeypatch.setattr("bookings.services.draw_locator", lambda: next(drawn))
    assert acme.post("/api/v1/bookings", {}, Idempotency_Key="k").json()["record_locator"] == "CCCCCC"
