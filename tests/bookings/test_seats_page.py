"""The seat page: a map, a list, swaps and seats that cost; before and after the sale, for agents, travellers, staff."""

import re
from html import unescape
from urllib.parse import parse_qs, urlsplit

import pytest
from django.contrib.auth.models import Group, User
from django.urls import reverse

from orders.models import Order
from tests.bookings.sales import book, confirmed, let_hold_run_out, refused
from tests.conftest import new_client, session_api
from tests.contract.operations import snapshot
from tests.factories import flight as make_flight
from tests.orders import shop
from tests.ticketing.desk import named
from tests.ticketing.seating import choose, seats_of, tickets_of
from ticketing.models import Coupon

PARTY = [named(), named(given_name="Byron"), named("CHD", "Clara")]
A320 = {"aircraft_type": "A320-214", "seats": 150}


@pytest.fixture
def flight(db):
    return make_flight("JFK", "LAX", **A320)


@pytest.fixture
def booking(acme, flight) -> dict:
    return confirmed(acme, flight, passengers=PARTY)


@pytest.fixture
def exit_seats(db):
    return shop.product("SEATEXIT", "49.00", category="seat", rfic="A", rfisc="0B5")


@pytest.fixture
def guest(booking):
    return guest_of(booking)


def guest_of(booking: dict):
    """Return the browser of a traveller who has shown locator and surname."""
    browser = new_client()
    shown = browser.post("/manage/", {"reference": booking["record_locator"], "surname": "Lovelace"})
    assert shown.status_code == 302, shown.content
    return browser


def page_of(booking: dict, query: str = "") -> str:
    return reverse("booking-seats", args=[booking["booking_id"]]) + query


def pick(browser, booking: dict, place: int, seat: str, query: str = ""):
    return browser.post(page_of(booking, query), {"ticket": tickets_of(booking)[place], "seat": seat})


def act(browser, booking: dict, action: str, query: str = "", **fields):
    return browser.post(page_of(booking, query), {"action": action, **fields})


def asked(response) -> dict:
    assert response.status_code == 302, alert(response)
    return parse_qs(urlsplit(response["Location"]).query)


def query_of(response) -> str:
    return "?" + urlsplit(response["Location"]).query


def alert(response) -> str:
    found = re.search(r'role="alert".*?</div>', response.content.decode(), re.DOTALL)
    return unescape(found[0]) if found else ""


def names(response) -> dict[str, str]:
    """Return the cells of the grid by seat."""
    body = response.content.decode()
    grid = body[body.index('role="grid"') : body.index("</table>")]
    labels = [unescape(label) for label in re.findall(r'aria-label="([^"]+)"', grid)]
    return {label.partition(",")[0]: label for label in labels}


def test_the_map_names_every_seat(agent, acme, booking, flight, exit_seats):
    choose(acme, tickets_of(booking)[0], "20A")
    other = confirmed(acme, flight, passengers=[named()])
    choose(acme, tickets_of(other)[0], "20B")
    found = names(agent.client.get(page_of(booking)))
    assert found["20A"] == "20A, window, Ada Lovelace"
    assert found["20B"] == "20B, middle, taken"
    assert found["20C"] == "20C, aisle, free"
    assert found["11A"] == "11A, window, exit row, extra legroom, free, $49.00"
    assert len(found) == 150


def test_a_choice_seats_and_moves_on(agent, booking):
    response = pick(agent.client, booking, 0, "20A")
    assert seats_of(booking) == ["20A", None, None]
    assert asked(response)["passenger"] == [tickets_of(booking)[1]]
    assert response["Location"].endswith("#at")
    shown = agent.client.get(query_of(response).replace("?", page_of(booking) + "?")).content.decode()
    assert "Ada Lovelace has seat 20A." in shown
    assert shown.count('id="at"') == 1


def test_travellers_and_staff_choose_too(guest, staff, booking):
    assert pick(guest, booking, 0, "20A").status_code == 302
    assert pick(staff.client, booking, 1, "20B").status_code == 302
    assert seats_of(booking) == ["20A", "20B", None]


def test_a_held_booking_chooses_too(agent, acme, flight):
    held = book(acme, flight, passengers=PARTY)
    assert pick(agent.client, held, 2, "20C").status_code == 302
    assert seats_of(held) == [None, None, "20C"]


def test_somebody_was_faster(agent, acme, booking, flight):
    other = confirmed(acme, flight, passengers=[named()])
    choose(acme, tickets_of(other)[0], "20A")
    before = snapshot()
    response = pick(agent.client, booking, 1, "20A")
    assert response.status_code == 409
    assert "Somebody else has this seat now." in alert(response)
    assert "The map shows what is free now." in alert(response)
    assert names(response)["20A"] == "20A, window, taken"
    ticket = tickets_of(booking)[1]
    assert re.search(rf'value="{ticket}" form="map"[^>]* checked', response.content.decode())
    assert snapshot() == before


@pytest.mark.parametrize(
    ("place", "seat", "text"),
    [
        (2, "11A", "Nobody under 15"),
        (0, "99A", "no such seat"),
        (0, "A1", "a row and a letter"),
        (0, "", "Choose a seat"),
    ],
)
def test_a_refusal_changes_nothing(agent, booking, place, seat, text):
    before = snapshot()
    response = pick(agent.client, booking, place, seat)
    assert response.status_code in (400, 409)
    assert text in alert(response)
    assert snapshot() == before


def test_the_list_is_filtered(agent, booking, exit_seats):
    everything = agent.client.get(page_of(booking)).content.decode().count("<option")
    legroom = agent.client.get(page_of(booking, "?show=legroom")).content.decode()
    listed = legroom[legroom.index('id="list-seat"') :]
    assert listed.count("<option") == 12 < everything
    assert "extra legroom" in listed


def test_two_swap(agent, acme, booking):
    ada, byron, _ = tickets_of(booking)
    for place, seat in enumerate(("20A", "20B")):
        pick(agent.client, booking, place, seat)
    response = act(agent.client, booking, "swap", one=ada, other=byron)
    assert response.status_code == 302
    assert seats_of(booking) == ["20B", "20A", None]
    assert (
        "Swapped: Ada Lovelace has 20B, Byron Lovelace has 20A." in agent.client.get(page_of(booking)).content.decode()
    )


def test_one_alone_does_not_swap(agent, booking):
    ada = tickets_of(booking)[0]
    pick(agent.client, booking, 0, "20A")
    assert "two different passengers" in alert(act(agent.client, booking, "swap", one=ada, other=ada))
    refusal = act(agent.client, booking, "swap", one=ada, other=tickets_of(booking)[1])
    assert "Choose seats for both first." in alert(refusal)
    assert seats_of(booking) == ["20A", None, None]


def test_the_rest_is_seated_together(guest, booking):
    pick(guest, booking, 0, "20A")
    assert act(guest, booking, "rest").status_code == 302
    assert seats_of(booking)[0] == "20A"
    assert {seat[:2] for seat in seats_of(booking)} == {"20"}


def test_a_seat_is_given_up(guest, booking):
    pick(guest, booking, 0, "20A")
    assert act(guest, booking, "give-up", ticket=tickets_of(booking)[0]).status_code == 302
    assert seats_of(booking) == [None, None, None]


# --- Seats that cost ---


def test_a_seat_that_costs_is_paid_first(guest, booking, exit_seats):
    before = snapshot()
    response = pick(guest, booking, 0, "11A")
    [wish] = asked(response)["wish"]
    assert wish == f"{tickets_of(booking)[0]}.{booking['flights'][0]['event_id']}.11A"
    assert snapshot() == before
    shown = guest.get(page_of(booking, query_of(response)))
    assert names(shown)["11A"].endswith("Ada Lovelace, not paid yet, $49.00")
    assert "Pay $49.00" in shown.content.decode()


def test_a_traveller_pays_by_card_and_takes_the_seat(guest, booking, exit_seats):
    query = query_of(pick(guest, booking, 0, "11A"))
    assert act(guest, booking, "pay", query, method="card", token="tok_success").status_code == 302
    [order] = Order.objects.exclude(bookings__isnull=False)
    assert (order.agency_id, order.payment_method) == (Order.objects.exclude(pk=order.pk).get().agency_id, "card")
    waiting = guest.get(page_of(booking, query)).content.decode()
    assert "data-waiting" in waiting
    shop.run({"order_id": order.pk})
    assert "Take the paid seats" in guest.get(page_of(booking, query)).content.decode()
    response = act(guest, booking, "take", query)
    assert "wish" not in asked(response)
    assert seats_of(booking) == ["11A", None, None]


def test_a_traveller_never_owes(guest, booking, exit_seats):
    query = query_of(pick(guest, booking, 0, "11A"))
    before = snapshot()
    response = act(guest, booking, "pay", query, method="account")
    assert response.status_code == 400
    assert snapshot() == before


def test_an_agent_pays_on_account(agent, booking, exit_seats):
    query = query_of(pick(agent.client, booking, 0, "11A"))
    assert act(agent.client, booking, "pay", query, method="account").status_code == 302
    assert Order.objects.filter(payment_method="account", total_amount=49).count() == 1


def test_a_card_that_was_declined_can_be_another(guest, booking, exit_seats):
    query = query_of(pick(guest, booking, 0, "11A"))
    act(guest, booking, "pay", query, method="card", token="tok_decline")
    shop.run({"order_id": Order.objects.get(total_amount=49).pk})
    shown = guest.get(page_of(booking, query)).content.decode()
    assert "A payment was refused" in shown
    assert act(guest, booking, "pay", query, method="card", token="tok_success").status_code == 302


def test_nobody_pays_for_a_seat_that_is_gone(guest, acme, booking, flight, exit_seats, staff):
    query = query_of(pick(guest, booking, 0, "11A"))
    other = confirmed(acme, flight, passengers=[named()])
    assert choose(staff, tickets_of(other)[0], "11A").status_code == 200
    before = snapshot()
    response = act(guest, booking, "pay", query, method="card", token="tok_success")
    assert response.status_code == 409
    assert "Somebody else has this seat now." in alert(response)
    assert snapshot() == before


def test_a_child_does_not_get_to_pay_for_an_exit(guest, booking, exit_seats):
    assert "Nobody under 15" in alert(pick(guest, booking, 2, "11A"))


def test_a_held_booking_pays_for_seats_with_its_fare(agent, acme, flight, exit_seats):
    held = book(acme, flight, passengers=PARTY)
    query = query_of(pick(agent.client, held, 1, "11A"))
    shown = agent.client.get(page_of(held, query)).content.decode()
    link = reverse("booking-pay", args=[held["booking_id"]]) + "?x.2.1.SEATEXIT=1"
    assert link in shown
    assert agent.client.get(link).status_code == 200


def test_a_sale_goes_on_with_its_extras(agent, acme, flight, exit_seats):
    held = book(acme, flight, passengers=PARTY)
    shown = agent.client.get(page_of(held, "?x.1.1.BAG1=2&x.1.1.MEAL=&x.2.1.SEATEXIT=1"))
    for name in ("pay_page", "extras_page"):
        assert urlsplit(shown.context[name]).query == "x.1.1.BAG1=2"
        assert shown.context[name] in shown.content.decode()


# --- Whose it is ---


def test_a_guest_seats_nobody_else(guest, acme, booking, flight):
    other, elsewhere = confirmed(acme, flight, passengers=PARTY), make_flight("JFK", "LAX", **A320)
    before, ticket = snapshot(), tickets_of(other)[0]
    for fields in (
        {"ticket": ticket, "seat": "20A"},
        {"action": "give-up", "ticket": ticket},
        {"action": "swap", "one": ticket, "other": tickets_of(booking)[0]},
    ):
        assert guest.post(page_of(booking), fields).status_code == 400
        assert guest.post(page_of(other), fields).status_code == 302  # to the form that asks for the locator
    refused(guest.get(page_of(booking, f"?flight={elsewhere.pk}")), 404, "not_found")
    refused(guest.get(page_of(booking, "?flight=x")), 404, "not_found")
    assert snapshot() == before


def test_wishes_of_others_are_ignored(guest, acme, booking, flight, exit_seats):
    other = confirmed(acme, flight, passengers=PARTY)
    wish = f"?wish={tickets_of(other)[0]}.{flight.pk}.11A&wish=x.y.z&wish=.."
    assert "To pay" not in guest.get(page_of(booking, wish)).content.decode()
    before = snapshot()
    assert act(guest, booking, "pay", wish, method="card", token="tok_success").status_code == 403
    assert snapshot() == before


def test_another_agency_sees_nothing(zenith, agent, flight):
    theirs = confirmed(zenith, flight, passengers=PARTY)
    refused(agent.client.get(page_of(theirs)), 404, "booking_not_found")
    refused(pick(agent.client, theirs, 0, "20A"), 404, "booking_not_found")
    assert seats_of(theirs) == [None, None, None]


def test_nobody_is_asked_who_they_are(booking):
    assert new_client().get(page_of(booking))["Location"].startswith("/manage/?next=")


def test_staff_need_the_permission(booking):
    user = User.objects.create_user("finance", is_staff=True)
    user.groups.add(Group.objects.get(name="finance"))
    refused(session_api(user).client.get(page_of(booking)), 403, "forbidden")


def test_looking_changes_nothing(guest, booking, flight):
    before = snapshot()
    query = f"?flight={flight.pk}&passenger=x&at=20A&show=x&seat=20A&ticket={tickets_of(booking)[0]}&action=rest"
    assert guest.get(page_of(booking, query)).status_code == 200
    assert snapshot() == before


def test_it_shows_what_cannot_be_changed_any_more(agent, acme, flight):
    held = book(acme, flight, passengers=PARTY)
    let_hold_run_out(held["booking_id"])
    shown = agent.client.get(page_of(held)).content.decode()
    assert "cannot be changed any more" in shown
    assert 'name="seat"' not in shown
    assert "seats are free again" in alert(pick(agent.client, held, 0, "20A"))


def test_on_board_nobody_moves(agent, booking):
    Coupon.objects.filter(ticket__booking=booking["booking_id"]).update(status="L", seat=None)
    assert pick(agent.client, booking, 0, "20A").status_code == 400


def test_the_page_is_a_few_statements_and_small(guest, acme, django_assert_max_num_queries):
    jumbo = make_flight("JFK", "LHR", aircraft_type="777-300ER", seats={"J": 40, "Y": 350})
    large = confirmed(acme, jumbo, passengers=PARTY)
    browser = guest_of(large)
    browser.get(page_of(large))
    with django_assert_max_num_queries(8):
        response = browser.get(page_of(large))
    assert len(names(response)) >= 350
    assert len(response.content) < 62_000


def test_a_second_press_pays_nothing_more(guest, booking, exit_seats):
    query = query_of(pick(guest, booking, 0, "11A"))
    answers = [act(guest, booking, "pay", query, method="card", token="tok_success", sending="once") for _ in range(2)]
    assert answers[0]["Location"] == answers[1]["Location"]
    assert Order.objects.filter(total_amount=49).count() == 1


def test_a_paid_seat_of_somebody_else_costs_again(guest, booking, exit_seats):
    query = query_of(pick(guest, booking, 0, "11A"))
    act(guest, booking, "pay", query, method="card", token="tok_success")
    shop.run({"order_id": Order.objects.get(total_amount=49).pk})
    assert "an exit row seat is paid" in guest.get(page_of(booking)).content.decode()
    ada, byron, _ = tickets_of(booking)
    assert names(guest.get(page_of(booking, f"?passenger={ada}")))["10A"].endswith("free, paid already")
    assert names(guest.get(page_of(booking, f"?passenger={byron}")))["10A"].endswith("free, $49.00")
    assert pick(guest, booking, 0, "10A").status_code == 302  # any seat of this kind
    assert seats_of(booking)[0] == "10A"
    assert "wish" in asked(pick(guest, booking, 1, "11B"))


def test_a_guest_does_not_try_cards_out(guest, agent, booking, flight, exit_seats):
    wish = f"?wish={tickets_of(booking)[0]}.{flight.pk}.11A"
    for number in range(5):
        sold = act(guest, booking, "pay", wish, method="card", token="tok_decline", sending=number)
        assert sold.status_code == 302
        shop.run({"order_id": Order.objects.latest("pk").pk})
    before = snapshot()
    answer = act(guest, booking, "pay", wish, method="card", token="tok_decline", sending=5)
    assert (answer.status_code, int(answer["Retry-After"]) > 0) == (429, True)
    assert snapshot() == before
    assert act(agent.client, booking, "pay", wish, method="card", token="tok_success").status_code == 302
