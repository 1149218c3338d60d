"""The seat page of a booking of two flights: what is wanted on both is shown, paid and taken together."""

import re
from datetime import timedelta
from html import unescape

import pytest
from django.utils import timezone

from orders.models import Order
from tests.bookings.sales import book, confirmed
from tests.factories import flight as make_flight
from tests.orders import shop
from tests.ticketing.desk import named
from tests.ticketing.seating import choose, seats_of, tickets_of

A320 = {"aircraft_type": "A320-214", "seats": 150}
PARTY = [named(), named(given_name="Byron")]


@pytest.fixture
def out(db):
    shop.product("SEATEXIT", "49.00", category="seat", rfic="A", rfisc="0B5")
    shop.product("BAG1", "35.00", category="baggage", rfic="C", rfisc="0CC")
    return make_flight("JFK", "LAX", **A320)


@pytest.fixture
def back(db):
    return make_flight("LAX", "JFK", departs_at=timezone.now() + timedelta(days=9), **A320)


@pytest.fixture
def held(acme, out, back) -> dict:
    return book(acme, out, back, passengers=PARTY)


@pytest.fixture
def sold(acme, out, back) -> dict:
    return confirmed(acme, out, back, passengers=PARTY)


def path_of(booking: dict, *wishes: str) -> str:
    return f"/bookings/{booking['booking_id']}/seats/?" + "&".join(f"wish={wish}" for wish in wishes)


def wish(booking: dict, place: int, flight, seat: str) -> str:
    return f"{tickets_of(booking)[place]}.{flight.pk}.{seat}"


def link(page, text: str) -> str:
    """Return where the first link with a text leads."""
    found = re.search(rf'href="([^"]+)"[^>]*>{text}', page.content.decode())
    assert found, text
    return unescape(found[1])


def hidden(page) -> list[tuple[str, str]]:
    return re.findall(r'type="hidden" name="((?:x\.|wish)[^"]*)" value="([^"]+)"', page.content.decode())


def test_a_seat_that_costs_is_paid_from_the_other_flights_tab(agent, held, out, back):
    browser = agent.client
    picked = browser.post(path_of(held), {"ticket": tickets_of(held)[0], "seat": "11A"})
    tab = link(browser.get(picked["Location"]), f"{back.designator} LAX")
    seated = browser.get(browser.post(tab, {"action": "rest"})["Location"])
    assert seated.context["seating"].flight.id == back.pk
    assert "Seat 11A for Ada Lovelace" in seated.content.decode()
    extras = browser.get(link(seated, "Extras"))
    assert hidden(extras) == [("x.1.1.SEATEXIT", "1"), ("wish", wish(held, 0, out, "11A"))]
    payment = browser.get(link(seated, "Go on to the payment"))
    [line] = payment.context["due"].passengers[0].extras
    assert (line.product.pk, line.flight.id) == ("SEATEXIT", out.pk)


def test_only_what_can_be_wanted_is_paid(agent, acme, held, out, back):
    other = book(acme, out, back)
    wishes = [
        wish(held, 0, out, "11A"), wish(held, 1, out, "20A"), wish(held, 1, back, "99A"), wish(other, 0, back, "11B"),
        wish(held, 0, make_flight("JFK", "LAX", **A320), "11A"), wish(held, 1, back, "10A"),
    ]  # fmt: skip
    for flight in (out, back):
        page = agent.client.get(f"{path_of(held, *wishes)}&flight={flight.pk}")
        asked = link(page, "Go on to the payment").partition("?")[2]
        kept = f"wish={wish(held, 0, out, '11A')}&wish={wish(held, 1, back, '10A')}"
        assert asked == f"x.1.1.SEATEXIT=1&x.2.2.SEATEXIT=1&{kept}"
        assert page.context["total"].amount == 98
        assert "JFK–LAX" in page.content.decode()


def test_seats_of_both_flights_are_paid_and_taken_together(agent, sold, out, back):
    path = path_of(sold, wish(sold, 0, out, "11A"), wish(sold, 1, back, "10A"))
    assert agent.client.post(path, {"action": "pay", "method": "account"}).status_code == 302
    shop.run({"order_id": Order.objects.get(total_amount=98).pk})
    taken = agent.client.post(path, {"action": "take"})
    assert "wish" not in taken["Location"]
    assert seats_of(sold) == ["11A", None, None, "10A"]


def test_a_seat_that_is_gone_on_the_other_flight_is_named(agent, acme, staff, sold, out, back):
    rival = confirmed(acme, back, passengers=[named()])
    assert choose(staff, tickets_of(rival)[0], "10A").status_code == 200
    before = shop.everything()
    path = path_of(sold, wish(sold, 0, out, "11A"), wish(sold, 1, back, "10A"))
    refusal = agent.client.post(path, {"action": "pay", "method": "account"})
    assert refusal.status_code == 409
    assert f"This is about seat 10A on {back.designator}." in refusal.content.decode()
    assert shop.everything() == before


def test_wishes_on_another_flight_cost_one_statement(agent, held, out, back, django_assert_num_queries):
    path = path_of(held, wish(held, 0, out, "11A"))
    agent.client.get(path)
    counts = []
    for more in ("", f"&wish={wish(held, 0, back, '11A')}"):
        with django_assert_num_queries(8 + bool(more)):
            counts.append(len(agent.client.get(path + more).context["dues"]))
    assert counts == [1, 2]
