"""The page of one booking: what it is, what it costs, what happened to it, and the buttons of what can be done."""

from uuid import uuid4

import pytest
from django.contrib.auth.models import Group, User
from django.urls import reverse

from partners.pages import SHOWN_BOOKINGS
from skybridge.events import Actor, Happening, record
from tests.bookings.sales import act, book, change, confirmed, let_hold_run_out
from tests.conftest import new_client, session_api
from tests.contract.operations import snapshot
from tests.factories import flight as make_flight
from tests.orders import shop

NAMED = [{"surname": "Lovelace", "given_name": "Ada"}, {"surname": "Babbage", "given_name": "Charles"}]


def page_of(booking: dict, name: str = "booking", *more) -> str:
    return reverse(name, args=[booking["booking_id"], *more])


def guest_of(booking: dict):
    """Return a browser that has shown a booking's locator and surname."""
    client = new_client()
    session = client.session
    session[SHOWN_BOOKINGS] = [booking["booking_id"]]
    session.save()
    client.cookies["sessionid"] = session.session_key
    return client


def in_role(role: str):
    user = User.objects.create_user(f"demo-{role}", is_staff=True)
    user.groups.add(Group.objects.get(name=role))
    return session_api(user).client


def labels(response) -> list[str]:
    return [str(button.label) for button in response.context["buttons"]]


def text(response) -> str:
    assert response.status_code == 200, response.content
    return response.content.decode()


def test_it_shows_flights_passengers_money_and_history(agent, acme, flight):
    booking = confirmed(acme, flight, passengers=NAMED)
    shown = text(agent.client.get(page_of(booking)))
    ticket = booking["tickets"][0]["displayed_number"]
    for words in (booking["record_locator"], "FL123", "New York", "Los Angeles", "Ada Lovelace", ticket, "Fare",
                  "Booking confirmed", "Seats held", "Acme Travel"):  # fmt: skip
        assert words in shown, words


def test_its_buttons_are_what_can_be_done(agent, acme, flight):
    booking = book(acme, flight, passengers=NAMED)
    pending = labels(agent.client.get(page_of(booking)))
    assert {"Confirm on account", "Cancel", "Change flights or seats"} <= set(pending)
    assert "Refund" not in pending
    assert "Names" not in pending
    act(acme, booking, "confirm")
    assert {"Cancel", "Refund"} <= set(labels(agent.client.get(page_of(booking))))
    act(acme, booking, "refund")
    assert labels(agent.client.get(page_of(booking))) == []


def test_a_hold_shows_its_time_left_until_it_has_run_out(agent, acme, flight):
    booking = book(acme, flight)
    assert "The seats are held for" in text(agent.client.get(page_of(booking)))
    let_hold_run_out(booking["booking_id"])
    gone = agent.client.get(page_of(booking))
    assert "The seats are held for" not in text(gone)
    assert labels(gone) == []


@pytest.mark.parametrize(
    ("role", "present", "absent"),
    [
        ("viewer", set(), {"Cancel", "Refund", "Change flights or seats"}),
        ("reservations", {"Cancel", "Refund", "Change flights or seats"}, set()),
        ("finance", {"Refund"}, {"Cancel", "Change flights or seats"}),
    ],
)
def test_staff_see_the_buttons_of_their_role(db, acme, flight, role, present, absent):
    found = set(labels(in_role(role).get(page_of(confirmed(acme, flight)))))
    assert present <= found
    assert not absent & found


def test_a_traveller_sees_an_agency_s_booking_but_is_sent_to_the_agency(acme, flight):
    booking = confirmed(acme, flight, passengers=NAMED)
    shown = guest_of(booking).get(page_of(booking))
    assert "ask Acme Travel" in text(shown)
    assert not {"Cancel", "Refund", "Change flights or seats"} & set(labels(shown))


def test_a_traveller_reads_no_names_of_staff_and_no_order(traveller, staff, flight):
    booking = confirmed(traveller, flight)
    change(staff, booking, passengers=[NAMED[0]])
    shown = guest_of(booking).get(page_of(booking))
    assert "The airline" in text(shown)
    assert "demo-staff" not in text(shown)
    assert booking["order_id"] not in text(shown)


def test_an_agency_reads_its_own_people_s_names_only(agent, acme, staff, flight):
    booking = book(agent, flight)
    change(staff, booking, seats=2)
    lines = agent.client.get(page_of(booking)).context["history"]
    assert [line.who for line in lines] == ["The airline", "You"]
    assert {line.who for line in staff.client.get(page_of(booking)).context["history"]} == {"You", "demo-agent"}


def test_an_order_that_failed_says_so(agent, acme, flight):
    shop.product()
    booking = book(acme, flight)
    placed = shop.order(acme, booking, payment={"method": "card", "token": "tok_decline"})
    shop.run(placed)
    shown = text(agent.client.get(page_of(booking)))
    assert "The order has failed" in shown
    assert placed["order_id"] in shown


@pytest.mark.parametrize("booking_id", [uuid4()])
def test_what_is_not_there_is_404(agent, booking_id):
    assert agent.client.get(f"/bookings/{booking_id}/").status_code == 404


def test_another_agency_s_booking_is_404(agent, zenith, flight):
    booking = book(zenith, flight)
    for name in ("booking", "booking-cancel", "booking-change", "booking-names", "booking-refund", "booking-itinerary"):
        assert agent.client.get(page_of(booking, name)).status_code == 404, name


def test_who_has_not_shown_it_is_led_to_the_form(acme, flight):
    booking, other = book(acme, flight), book(acme, flight)
    for client in (new_client(), guest_of(other)):
        answer = client.get(page_of(booking))
        assert (answer.status_code, answer.url.partition("?")[0]) == (302, "/manage/")


def test_opening_pages_changes_nothing(agent, acme, flight):
    booking = confirmed(acme, flight, passengers=NAMED)
    before = snapshot()
    for name in ("booking", "booking-cancel", "booking-change", "booking-names", "booking-refund", "booking-itinerary"):
        assert agent.client.get(page_of(booking, name)).status_code == 200, name
    assert snapshot() == before


def test_it_takes_ten_statements_at_most(agent, acme, flight, django_assert_max_num_queries):
    booking = confirmed(acme, flight, make_flight("LAX", "SFO", departs_at=flight.arrives_at), passengers=NAMED * 4)
    agent.client.get(page_of(booking))
    with django_assert_max_num_queries(10):
        agent.client.get(page_of(booking))


def test_it_takes_as_many_statements_for_staff_with_a_role(acme, flight, django_assert_max_num_queries):
    booking, client = confirmed(acme, flight), in_role("reservations")
    client.get(page_of(booking))
    with django_assert_max_num_queries(10):
        client.get(page_of(booking))


def test_what_staff_settle_among_themselves_is_theirs_to_read(agent, acme, flight):
    booking, client = confirmed(acme, flight), in_role("reservations")
    record([Happening("approval.asked", booking["booking_id"])], actor=Actor("staff", "1", "page"))
    assert "Second person asked" in text(client.get(page_of(booking)))
    assert "Second person asked" not in text(agent.client.get(page_of(booking)))
