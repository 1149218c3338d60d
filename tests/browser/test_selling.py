"""Selling, from the search to the tickets: by the keyboard alone, without JavaScript, and on a phone."""

from urllib.parse import quote, urlencode

from bookings.models import Booking
from tests.browser.chromium import PHONE, Window
from tests.browser.keys import Keys
from tests.browser.trade import Trade, typed
from tests.concurrency.racing import together
from tests.orders.shop import run

SEARCHED = ("origin", "New York (NYC)"), ("destination", "SFO")


def work(booking_id: str) -> None:
    """Carry the booking's order on as a worker does, on a connection of its own."""
    order_id = Booking.objects.values_list("order_id", flat=True).get(pk=booking_id)
    together([lambda: run({"order_id": order_id})])


def booking_in(window: Window) -> str:
    """Return the id of the booking that the window is about."""
    return window.page.url.split("/bookings/")[1].split("/")[0]


# --- By the keyboard alone ---


def test_a_round_trip_is_sold_by_keyboard(office, world):
    window = office("seller")
    keys = Keys(window)
    find_round_trip(window, keys, world.trade)
    keys.follow("Select FL210").follow("Select FL220")
    window.verify_new()
    name_the_party(window, keys)
    choose_a_seat(window, keys)
    add_a_bag(window, keys)
    pay_by_card(window, keys)


def find_round_trip(window: Window, keys: Keys, trade: Trade) -> None:
    window.open("/flights/")
    suggest(window, keys.to("From"), "new y")
    keys.press("ArrowDown")
    assert window.page.get_attribute("#id_origin", "aria-activedescendant") == "id_origin_list_0"
    window.verify_new()
    keys.press("Enter")
    assert window.page.input_value("#id_origin") == "New York (NYC)"
    suggest(window, keys.to("To"), "san f")
    keys.fill("Departure", typed(trade.out.departure_date))  # who tabs on means the first that was suggested
    assert "San Francisco" in window.page.input_value("#id_destination")
    keys.fill("Return", typed(trade.back.departure_date)).fill("Children", "1").follow("Search flights")
    window.verify_new()


def suggest(window: Window, keys: Keys, text: str) -> None:
    """Type the beginning of a place as fast as people do, and wait for what is suggested."""
    with window.page.expect_response(lambda answer: answer.url.endswith(f"q={quote(text)}")):
        keys.type(text, delay=60)
    window.page.wait_for_timeout(100)
    assert keys.is_on("[role=combobox][aria-expanded=true]")


def name_the_party(window: Window, keys: Keys) -> None:
    """Make a mistake first: nothing that was typed is lost, and the focus is on what is said about it."""
    keys.fill("Given names", "Ada").fill("Surname", "L0velace").fill("Given names", "Anne").fill("Surname", "Lovelace")
    keys.fill("Date of birth", "03042022").fill("E-mail", "ada@example.com").follow("Hold the seats")
    assert keys.is_on("[role=alert]")
    assert "A name has letters" in keys.focus
    window.verify_refused()
    assert window.page.input_value("[name='2-birth_date']") == "2022-03-04"
    keys.to("Surname").press("Enter")
    assert keys.is_on("[name='1-surname']")
    keys.press("Control+a").type("Lovelace").follow("Hold the seats")
    window.verify_new()


def choose_a_seat(window: Window, keys: Keys) -> None:
    """Walk through the map by its arrow keys; the focus stays on the seat that is taken."""
    keys.follow("Choose seats").to("Choose from a list instead").press("Tab")
    window.verify_new()
    first = keys.seat
    keys.press("ArrowDown", "ArrowRight")
    seat = keys.seat
    assert seat != first
    keys.press("Enter")
    window.said("#said", f"Ada Lovelace has seat {seat}.")
    assert (keys.seat, "Ada Lovelace" in keys.focus) == (seat, True)
    window.verify_new()
    keys.to("Extras", "Shift+Tab").follow()


def add_a_bag(window: Window, keys: Keys) -> None:
    keys.fill("First bag, Ada Lovelace", "1").press("Tab")
    window.said("[data-said-sum]", "So far $")
    keys.follow("Go on to payment")
    assert "First bag" in window.page.inner_text(".prices")
    window.verify_new()


def pay_by_card(window: Window, keys: Keys) -> None:
    """Pay, and see the page tell by itself what has come of it."""
    keys.to("On the account of").press("ArrowDown").follow("Pay $")
    window.page.wait_for_selector("#sold[aria-live=polite][data-state=waiting]")
    window.verify_new()
    work(booking_in(window))
    window.page.wait_for_selector("#sold[aria-live=polite][data-state=ticketed]")
    window.verify_new()
    assert window.page.title().startswith("Booked")
    assert len(window.page.inner_text(".locator.large")) == 6


# --- Without JavaScript, and on a phone ---


def test_the_core_path_without_javascript(office, world):
    window = office("seller", java_script_enabled=False)
    sell(window, world.trade)
    window.page.check("text=By card")
    window.page.select_option("[name=token]", "tok_decline")
    window.page.click("button:has-text('Pay $')")
    assert "Being booked" in window.page.inner_text("#sold")
    work(booking_in(window))
    window.page.click("text=Look again")
    assert "The card was declined" in window.page.inner_text("#sold [role=alert]")
    window.page.select_option("[name=token]", "tok_success")
    window.page.click("button:has-text('Pay $')")
    work(booking_in(window))
    window.page.click("text=Look again")
    assert "Booked and paid" in window.page.inner_text("#sold")
    window.verify_quiet()


def test_the_core_path_on_a_phone(office, world):
    window = office("seller", viewport=PHONE, has_touch=True, is_mobile=True)
    sell(window, world.trade, lambda: (window.verify_new(), window.verify_fits()))
    window.page.tap("button:has-text('Pay $')")
    window.page.wait_for_url("**/sold/")
    work(booking_in(window))
    window.page.wait_for_selector("#sold[data-state=ticketed]")
    window.verify_new()
    window.verify_fits()


def sell(window: Window, trade: Trade, verify=lambda: None) -> None:
    """Go from the search to the payment, by what every browser can do; `verify` each page."""
    asked = {**dict(SEARCHED), "departure": trade.out.departure_date, "adults": 1}
    window.open("/flights/?" + urlencode(asked))
    verify()
    window.page.click("text=Select FL211")
    verify()
    window.page.fill("[name='1-given_name']", "Grace")
    window.page.fill("[name='1-surname']", "Hopper")
    window.page.fill("[name=email]", "grace@example.com")
    window.page.click("text=Hold the seats")
    verify()
    window.page.click("text=Go on to payment")
    verify()


def test_a_hold_that_has_run_out_leads_to_the_same_flights(office, world):
    window = office("seller")
    window.look(f"/bookings/{world.trade.over['booking_id']}/pay/")
    assert "The time to pay has run out" in window.page.inner_text("[role=alert]")
    window.page.click("text=Search the same flights")
    assert window.page.query_selector("text=Select FL210")


def test_a_full_flight_keeps_what_was_typed(office, world):
    window, trade = office("seller"), world.trade
    window.look(f"/sell/?out={trade.full.pk}")
    window.page.fill("[name='1-given_name']", "Grace")
    window.page.fill("[name='1-surname']", "Hopper")
    window.page.fill("[name=email]", "grace@example.com")
    window.page.click("text=Hold on FL210")
    window.page.wait_for_url("**/extras/")
    held = Booking.objects.get(pk=booking_in(window))
    assert held.contact_email == "grace@example.com"
