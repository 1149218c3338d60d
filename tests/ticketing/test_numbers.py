"""Document numbers: the published example of a check digit, and how numbers are written and read."""

import pytest

from tests.bookings.sales import book, confirmed
from ticketing.numbers import check_digit, displayed, parse


def test_the_published_check_digit():
    assert check_digit("0121373147367") == 3


def test_the_accounting_code_counts_too():
    assert int("1373147367") % 7 == 4 != check_digit("0121373147367")


def test_a_number_is_displayed_with_a_hyphen():
    assert displayed("0121373147367") == "012-1373147367"


@pytest.mark.parametrize(
    "text", ["0121373147367", "012-1373147367", " 012-1373147367 ", "012-1373147367-3", "01213731473673"]
)
def test_a_number_is_read_as_it_is_written(text):
    assert parse(text) == "0121373147367"


@pytest.mark.parametrize(
    "text",
    ["", "012137314736", "012-1373147367-4", "01213731473674", "012137-3147367", "O121373147367", "٠121373147367"],
)
def test_what_is_no_number(text):
    assert parse(text) is None


def test_a_ticket_shows_its_number_in_each_form(acme, flight):
    held = book(acme, flight)["tickets"][0]
    assert (held["number"], held["displayed_number"], held["check_digit"]) == (None, None, None)
    issued = confirmed(acme, flight)["tickets"][0]
    assert issued["displayed_number"] == f"999-{issued['number'][3:]}"
    assert issued["check_digit"] == int(issued["number"]) % 7
