"""Serving: a booking is found from any page, changed, given up in part and printed, by the keyboard alone."""

from orders.models import Order
from tests.bookings.sales import coupons_of
from tests.browser.keys import Keys
from tests.browser.trade import typed
from tests.concurrency.racing import together
from tests.orders.shop import run


def find(keys: Keys, text: str) -> None:
    """Find a booking from wherever one is."""
    keys.press("/").type(text).follow()


def test_a_booking_is_found_and_changed_by_keyboard(office, world):
    window, trade = office("seller"), world.trade
    keys = Keys(window)
    window.open("/trips/")
    keys.press("/")
    assert keys.focus == "Find a booking"
    keys.type(trade.served["record_locator"]).follow()
    assert window.page.url.endswith(f"/bookings/{trade.served['booking_id']}/")
    window.verify_new()
    keys.follow("Change flights or seats")
    window.verify_new()
    keys.fill("Day", typed(trade.next_day.departure_date)).follow("Show the flights")
    assert "FL212" in window.page.inner_text("#flights[role=status]")
    window.verify_new()
    keys.follow("Choose FL212")
    assert "What the change costs" in window.page.inner_text("h1")
    window.verify_new()
    keys.follow("Change at this price")
    window.said(".messages", "Changed.")
    window.verify_new()
    assert "FL212" in window.page.inner_text(".legs")


def test_one_passenger_is_cancelled_by_keyboard(office, world):
    window, trade = office("reservations"), world.trade
    keys = Keys(window)
    window.open("/flights/")
    find(keys, trade.leaving["record_locator"])
    keys.follow("Cancel")
    window.verify_new()
    keys.to("The whole booking").press("ArrowDown").follow("Show what goes back")
    assert keys.is_on("[role=alert]")
    assert "Choose at least one passenger." in keys.focus
    window.verify_refused()
    assert window.page.is_checked("[value=passengers]")
    keys.to("Byron Lovelace").press("Space").follow("Show what goes back")
    window.verify_new()
    keys.fill("Why", "The customer asked.").follow("Cancel at these amounts")
    window.said(".messages", "Cancelled.")
    assert sorted(coupons_of(trade.leaving)) == ["O", "R"]


def test_what_is_found_several_times_and_not_at_all(office, world):
    window = office("seller")
    keys = Keys(window)
    window.open("/bookings/")
    window.verify_new()
    find(keys, "lovelace")
    window.said("p", "bookings")
    window.verify_new()
    find(keys, "nobody of this name")
    assert "Nothing was found." in window.page.inner_text("main")
    window.verify_new()


def test_a_seat_that_costs_is_paid_by_keyboard(office, world):
    """The page waits for the payment by itself, then takes the seat; the focus stays where it was, or near."""
    window = office("seller")
    keys = Keys(window)
    window.open(f"/bookings/{world.trade.wide['booking_id']}/seats/")
    keys.to_one("[role=grid] *").seek("ArrowDown", "exit row", "$49.00")
    seat = keys.seat
    keys.press("Enter")
    window.said("#said", f"Seat {seat} is for Ada Lovelace as soon as it is paid.")
    assert keys.seat == seat
    window.verify_new()
    keys.to("Pay $49.00").press("Enter")
    window.said("#said", "Your payment is under way.")
    window.verify_new()
    order_id = Order.objects.latest("created_at").pk
    together([lambda: run({"order_id": order_id})])
    window.said("#said", f"The seats are yours: {seat}.")
    assert not keys.is_on("body")
    window.verify_new()


def test_an_itinerary_is_shown_and_mailed(office, world):
    window, trade = office("seller"), world.trade
    keys = Keys(window)
    window.open(f"/bookings/{trade.family['booking_id']}/")
    keys.follow("Itinerary")
    window.verify_new()
    window.page.emulate_media(media="print")
    window.verify()
    window.page.emulate_media(media="screen")
    keys.to("Mail the itinerary to").press("Control+a").type("no address").press("Enter")
    assert keys.focus == "Mail the itinerary to"  # the browser itself keeps it back
    keys.press("Control+a").type("grace@example.com").follow()
    window.said(".messages", "grace@example.com")


def test_a_customer_s_flights_open_and_close_by_keyboard(office, world):
    """Document 003's view: flights as cards, bookings that fold, tickets with links, buttons by status."""
    window, trade = office("seller"), world.trade
    sold = trade.trip
    keys = Keys(window)
    window.look("/trips/?user=C-77")
    row = f"details:has-text('{sold['record_locator']}')"
    assert window.page.get_attribute(row, "open") is None
    keys.to(sold["record_locator"]).press("Enter")
    assert window.page.get_attribute(row, "open") == ""
    window.verify_new()
    shown = window.page.inner_text(row)
    assert all(text in shown for text in ("Confirmed", sold["booking_id"], "Cancel", "Refund"))
    keys.press("Space")
    assert window.page.get_attribute(row, "open") is None
    keys.press("Enter").follow(sold["tickets"][0]["displayed_number"])
    assert window.page.url.endswith(f"/tickets/{sold['tickets'][0]['ticket_id']}/")
    window.verify_new()
    keys.follow("FL210")
    assert window.page.url.endswith(f"/flights/{trade.out.pk}/")
    window.verify_new()
