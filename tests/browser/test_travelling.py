"""Travellers: from locator and surname to the boarding pass on the phone, and its print on one sheet."""

import pypdfium2
import pytest
import zxingcpp

from tests.browser.chromium import PHONE, Window
from tests.browser.keys import Keys
from ticketing.links import links_of


@pytest.fixture
def phone(window) -> Window:
    return window(viewport=PHONE)


def verify(window: Window) -> None:
    window.verify_new()
    window.verify_fits()


def test_a_traveller_checks_in_on_the_phone(phone, world):
    """By its keys, as with a switch."""
    keys, booking = Keys(phone), world.trade.family
    show_booking(phone, keys, booking)
    keys.follow("Check in")
    verify(phone)
    choose_seats(phone, keys)
    keys.to("Booking", "Shift+Tab").follow()
    keys.follow("Check in").to("We carry nothing dangerous").press("Space").follow("Check in")
    phone.said(".messages", "You are checked in.")
    verify(phone)
    keys.follow("On the phone: boarding pass of Ada")
    verify(phone)
    assert booking["record_locator"] in phone.page.inner_text("article")
    assert phone.page.query_selector(".symbol svg")


def show_booking(phone: Window, keys: Keys, booking: dict) -> None:
    """Make a mistake first: what is said does not tell whether there is such a booking."""
    phone.open("/")
    keys.follow("My booking")
    verify(phone)
    keys.fill("Booking locator", booking["record_locator"]).fill("Surname", "Babbage").follow()
    assert keys.is_on("[role=alert]")
    phone.verify_refused()
    phone.verify_fits()
    keys.to("Surname").press("Control+a").type("lovelace").follow()
    assert phone.page.url.endswith(f"/bookings/{booking['booking_id']}/")
    verify(phone)


def choose_seats(phone: Window, keys: Keys) -> None:
    """Take a seat on the map for each, then swap them; the focus stays where it was."""
    keys.follow("Choose the seat of Ada")
    verify(phone)
    seats = [take_seat(phone, keys, name) for name in ("Ada Lovelace", "Byron Lovelace")]
    verify(phone)
    keys.to_one("#swap-button").press("Enter")
    phone.said("#said", f"Swapped: Ada Lovelace has {seats[1]}, Byron Lovelace has {seats[0]}.")
    assert keys.is_on("#swap-button")
    verify(phone)


def take_seat(phone: Window, keys: Keys, name: str) -> str:
    """Choose for somebody the next free seat of the row; the focus stays on it."""
    if name not in phone.page.inner_text(".passenger.is-current"):
        keys.to_one("input[name=ticket]", "Shift+Tab").press("ArrowDown")
        phone.said("#said", f"Choosing for {name}.")
    keys.to_one("[role=grid] *")
    if keys.seat == seat_of(phone):
        keys.press("ArrowRight")
    keys.seek("ArrowRight", "free")
    seat = keys.seat
    keys.press("Enter")
    phone.said("#said", f"{name} has seat {seat}.")
    assert (keys.seat, name in keys.focus) == (seat, True)
    return seat


def seat_of(phone: Window) -> str:
    """Return the seat of whose turn it is, if there is one."""
    found = phone.page.query_selector("[role=grid] [aria-selected] [data-seat]")
    return found.get_attribute("data-seat") or "" if found else ""


def test_a_boarding_pass_is_printed_on_one_sheet(window, world):
    """What the printer gets is one page, and scanners read it."""
    shown = world.trade.passes[0]
    nobody = window()
    nobody.open(links_of(shown.pk)["page"])
    for paper in ("A4", "Letter"):
        [page] = pypdfium2.PdfDocument(nobody.page.pdf(format=paper))
        [symbol] = zxingcpp.read_barcodes(page.render(scale=3).to_pil())
        assert symbol.text == shown.barcode
    nobody.verify_quiet()
