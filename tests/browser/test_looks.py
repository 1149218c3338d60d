"""Every page of agents, the airport and travellers in the dark, magnified and in Arabic; and what it weighs."""

from collections.abc import Callable, Iterator
from urllib.parse import urlencode

import pytest

from tests.browser.chromium import PHONE, WEIGHT, Window
from tests.browser.trade import Trade
from ticketing.links import links_of

MAGNIFIED = {"width": 320, "height": 256}  # 1280 by 1024 at 400 %
MOST_OCTETS = 100_000


def pages_of_agents(trade: Trade, order_id: str) -> Iterator[str]:
    day = trade.later.departure_date
    search = urlencode({"origin": "New York (NYC)", "destination": "SFO", "departure": day})
    yield from ("/", "/flights/", f"/flights/?{search}", f"/flights/{trade.out.pk}/")
    yield from (f"/sell/?out={trade.out.pk}&children=1", f"/sell/?out={trade.full.pk}")
    yield from (f"/bookings/{trade.held['booking_id']}/{page}" for page in ("", "extras/", "pay/", "seats/"))
    yield f"/bookings/{trade.over['booking_id']}/pay/"
    yield f"/bookings/{trade.wide['booking_id']}/seats/"
    names = ("", "change/", "cancel/", "refund/", "names/", "itinerary/", "seats/", "check-in/")
    yield from (f"/bookings/{trade.trip['booking_id']}/{page}" for page in names)
    yield from ("/bookings/", "/bookings/?q=lovelace", "/bookings/?q=nobody+there", "/trips/?user=C-77")
    yield f"/tickets/{trade.trip['tickets'][0]['ticket_id']}/"
    yield from ("/agency/", "/agency/orders/", f"/agency/orders/{order_id}/", "/agency/statement/", "/agency/keys/")


def pages_of_the_airport(trade: Trade) -> Iterator[str]:
    yield "/departures/?airport=EWR"
    pages = ("", "gate/", "close/", f"offload/{trade.passes[1].coupon_id}/")
    yield from (f"/departures/{trade.boarding.pk}/{page}" for page in pages)
    desk = "/departures/check-in/?airport=EWR"
    yield from (desk, f"{desk}&q=lovelace", f"{desk}&q={trade.spare['record_locator']}", f"{desk}&q=nobody")


def pages_of_nobody(trade: Trade) -> Iterator[str]:
    yield from ("/manage/", "/login/", links_of(trade.passes[1].pk)["phone"])


@pytest.fixture
def tour(office, window, world) -> Callable[..., Iterator[Window]]:
    """Return what opens every page with some options of the browser, and yields the window each time."""

    def go(**options) -> Iterator[Window]:
        for name, pages in (
            ("manager", pages_of_agents(world.trade, world.things["failed"])),
            ("supervisor", pages_of_the_airport(world.trade)),
            ("", pages_of_nobody(world.trade)),
        ):
            shown = office(name, **options) if name else window(**options)
            for path in pages:
                assert shown.open(path) == 200, path
                yield shown

    return go


def test_in_the_dark(tour):
    found = {window.path: window.judge_new() for window in tour(color_scheme="dark")}
    assert {path: troubles for path, troubles in found.items() if troubles} == {}


def test_in_arabic_on_a_phone(tour):
    """From right to left; all is in the page's language but for names, codes and what people have typed."""
    found = {}
    for window in tour(locale="ar", viewport=PHONE):
        found[window.path] = window.judge_new() + window.judge_width()
        assert window.page.get_attribute("html", "dir") == "rtl", window.path
    assert {path: troubles for path, troubles in found.items() if troubles} == {}


def test_magnified_and_light(tour):
    """At 400 % nothing but tables and maps scrolls sideways; what the network brings for a page is at most 100 kB."""
    found = {}
    for window in tour(viewport=MAGNIFIED):
        weight = window.page.evaluate(WEIGHT)
        heavy = [f"{weight} octets"] if weight > MOST_OCTETS else []
        found[window.path] = heavy + window.judge_width() + window.troubles
    assert {path: troubles for path, troubles in found.items() if troubles} == {}
