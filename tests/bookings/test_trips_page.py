"""Founding document 003's view: flights as cards, bookings in them with buttons by status, tickets with links."""

from datetime import timedelta

from django.urls import reverse

from tests.bookings.sales import act, book, confirmed
from tests.bookings.test_booking_page import NAMED, guest_of, in_role, text
from tests.conftest import new_client
from tests.factories import flight as make_flight


def cards(response) -> list[tuple[str, list[str]]]:
    """Return each card: the flight, and the locators of the bookings on it."""
    events = response.context["events"]
    return [
        (event["flight"].designator if event["flight"] else "", [row[0]["record_locator"] for row in event["bookings"]])
        for event in events
    ]


def actions(response) -> list[str]:
    return [str(button.label) for event in response.context["events"] for row in event["bookings"] for button in row[2]]


def test_a_customer_s_flights_are_cards_with_bookings_and_tickets(agent, acme, flight):
    onward = make_flight("LAX", "SFO", departs_at=flight.arrives_at + timedelta(hours=2), number=77)
    both = confirmed(acme, flight, onward, passengers=NAMED, user_id="CUST1")
    one = book(acme, flight, user_id="CUST1")
    confirmed(acme, flight, user_id="CUST2")
    page = agent.client.get("/trips/", {"user": "CUST1"})
    assert cards(page) == [
        ("FL123", [one["record_locator"], both["record_locator"]]), ("FL77", [both["record_locator"]])
    ]  # fmt: skip
    shown = text(page)
    ticket = both["tickets"][0]["ticket_id"]
    for words in ("JFK to LAX", both["booking_id"], f"/tickets/{ticket}/", f"/flights/{flight.pk}/", "Issued"):
        assert words in shown, words


def test_buttons_follow_the_status(agent, acme, flight):
    booking = book(acme, flight, user_id="CUST1")
    assert actions(agent.client.get("/trips/", {"user": "CUST1"})) == ["Cancel"]
    act(acme, booking, "confirm")
    assert actions(agent.client.get("/trips/", {"user": "CUST1"})) == ["Cancel", "Refund"]
    act(acme, booking, "refund")
    assert actions(agent.client.get("/trips/", {"user": "CUST1"})) == []


def test_another_agency_s_customers_are_not_there(agent, zenith, flight):
    confirmed(zenith, flight, user_id="CUST1")
    assert cards(agent.client.get("/trips/", {"user": "CUST1"})) == []


def test_without_a_customer_an_agent_sees_the_agency_s(agent, acme, flight):
    booking = book(acme, flight)
    assert cards(agent.client.get("/trips/")) == [("FL123", [booking["record_locator"]])]


def test_staff_name_a_customer(acme, flight):
    booking, client = book(acme, flight, user_id="CUST1"), in_role("viewer")
    assert "Whose trips?" in text(client.get("/trips/"))
    page = client.get("/trips/", {"user": "CUST1"})
    assert cards(page) == [("FL123", [booking["record_locator"]])]
    assert actions(page) == []


def test_a_traveller_sees_what_was_shown(traveller, acme, flight):
    own = confirmed(traveller, flight)
    page = guest_of(own).get("/trips/")
    assert cards(page) == [("FL123", [own["record_locator"]])]
    assert actions(page) == ["Cancel", "Refund"]
    sold = confirmed(acme, flight)
    assert actions(guest_of(sold).get("/trips/")) == []


def test_who_has_shown_nothing_is_led_to_the_form(db):
    assert new_client().get("/trips/").url == "/manage/"


def test_pages_follow_one_another(agent, acme, flight):
    for _ in range(21):
        book(acme, flight, user_id="CUST1")
    first = agent.client.get("/trips/", {"user": "CUST1"})
    second = agent.client.get(f"/trips/?{first.context['next']}")
    assert [len(cards(page)[0][1]) for page in (first, second)] == [20, 1]


def test_it_takes_ten_statements_at_most(agent, acme, flight, django_assert_max_num_queries):
    for _ in range(5):
        confirmed(acme, flight, passengers=NAMED, user_id="CUST1")
    agent.client.get("/trips/")
    with django_assert_max_num_queries(7):
        agent.client.get("/trips/", {"user": "CUST1"})


def ticket_of(booking: dict) -> str:
    return reverse("ticket", args=[booking["tickets"][0]["ticket_id"]])


def test_a_ticket_shows_its_number_flights_and_passenger(agent, acme, flight, django_assert_max_num_queries):
    booking = confirmed(acme, flight, passengers=NAMED)
    agent.client.get(ticket_of(booking))
    with django_assert_max_num_queries(10):
        shown = text(agent.client.get(ticket_of(booking)))
    for words in ("Ada Lovelace", booking["tickets"][0]["displayed_number"], "FL123", booking["record_locator"]):
        assert words in shown, words


def test_a_ticket_is_its_owner_s(agent, zenith, traveller, flight):
    assert agent.client.get(ticket_of(confirmed(zenith, flight))).status_code == 404
    own, other = confirmed(traveller, flight), confirmed(traveller, flight)
    assert guest_of(own).get(ticket_of(own)).status_code == 200
    assert guest_of(own).get(ticket_of(other)).url.startswith("/manage/")
    assert new_client().get(ticket_of(own)).url.startswith("/manage/")


def test_a_checked_in_passenger_s_ticket_leads_to_the_boarding_pass(agent, acme):
    soon = make_flight(number=9, departs_at=make_flight().departs_at - timedelta(days=4, hours=12))
    booking = confirmed(acme, soon, passengers=[NAMED[0]])
    checked = acme.post(f"/api/v1/bookings/{booking['booking_id']}/check-in", {})
    assert checked.status_code == 200, checked.content
    assert "/boarding-passes/" in text(agent.client.get(ticket_of(booking)))
