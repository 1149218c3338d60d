"""The check-in page: who, with which documents and bags, to the boarding passes and back."""

import re
from html import unescape

import pytest
from django.contrib.auth.models import Group, User
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from tests.bookings.sales import book, confirmed, query, refused
from tests.conftest import new_client, session_api
from tests.contract.operations import snapshot
from tests.factories import flight as make_flight
from tests.orders import shop
from tests.orders.emds import bag, sold
from tests.ticketing.desk import coupons, named, soon, ticket_ids
from ticketing.models import Bag, TravelDocument

PARTY = [named(), named("CHD", "Byron"), named("INF", "Tiny")]
PASSPORT = {
    "type": "P",
    "number": "X123 45678",
    "issuing_country": "usa",
    "nationality": "USA",
    "expiry_date": "2040-01-31",
}


@pytest.fixture
def booking(acme) -> dict:
    return confirmed(acme, soon(), passengers=PARTY)


@pytest.fixture
def abroad(acme) -> dict:
    return confirmed(acme, soon("JFK", "LHR"), passengers=PARTY[:1])


def guest_of(booking: dict):
    browser = new_client()
    browser.post("/manage/", {"reference": booking["record_locator"], "surname": "Lovelace"})
    return browser


def page_of(booking: dict) -> str:
    return reverse("booking-check-in", args=[booking["booking_id"]])


def version_of(booking: dict) -> str:
    return f'"{query("SELECT version FROM bookings_booking WHERE id = %s", booking["booking_id"])[0][0]}"'


def send(browser, booking: dict, places=(0, 1, 2), **more):
    ids = [ticket_ids(booking)[place] for place in places]
    fields = {"tickets": ids, "goods": "on", "version": version_of(booking), **more}
    return browser.post(page_of(booking), {name: value for name, value in fields.items() if value is not None})


def document(booking: dict, place: int = 0, **more) -> dict:
    return {f"{ticket_ids(booking)[place]}-{name}": value for name, value in {**PASSPORT, **more}.items()}


def alert(response) -> str:
    found = re.search(r'role="alert".*?</div>', response.content.decode(), re.DOTALL)
    return unescape(found[0]) if found else ""


def statuses(booking: dict) -> str:
    return "".join(coupon["status"] for coupon in coupons(booking))


def test_a_traveller_checks_everybody_in(booking):
    guest = guest_of(booking)
    assert "Check-in is open" in guest.get(page_of(booking)).content.decode()
    response = send(guest, booking)
    assert (response.status_code, response["Location"]) == (302, page_of(booking))
    assert statuses(booking) == "CCC"
    shown = guest.get(page_of(booking)).content.decode()
    assert "You are checked in." in shown
    links = re.findall(r'href="(/boarding-passes/[^"]+)"', shown)
    assert len(links) == 9
    assert {guest.get(link).status_code for link in links} == {200}


def test_agents_and_staff_check_in_too(agent, staff, booking):
    assert send(agent.client, booking, [0]).status_code == 302
    assert send(staff.client, booking, [1, 2]).status_code == 302
    assert statuses(booking) == "CCC"


def test_some_go_first_and_the_rest_is_offered(booking):
    guest = guest_of(booking)
    send(guest, booking, [0, 1])
    assert statuses(booking) == "CCO"
    shown = guest.get(page_of(booking)).content.decode()
    assert re.findall(r'name="tickets" value="([^"]+)"', shown) == [ticket_ids(booking)[2]]


def test_bags_are_counted_once(booking):
    guest, ada = guest_of(booking), ticket_ids(booking)[0]
    version = version_of(booking)
    assert send(guest, booking, [0], **{f"{ada}-bags": "1", "version": version}).status_code == 302
    again = send(guest, booking, [0], **{f"{ada}-bags": "1", "version": version})
    assert again.status_code == 400  # nobody of these waits for check-in any more
    assert Bag.objects.count() == 1


def test_an_old_page_does_nothing(acme, booking):
    guest = guest_of(booking)
    old = version_of(booking)
    acme.post(f"/api/v1/bookings/{booking['booking_id']}/seats", {"event_id": booking["event_id"], "assign_rest": True})
    before = snapshot()
    response = send(guest, booking, version=old)
    assert response.status_code == 412
    assert "This has changed since you opened the page." in alert(response)
    assert snapshot() == before


@pytest.mark.parametrize(
    ("places", "more", "text"),
    [
        ([], {}, "Choose who checks in."),
        ([0], {"goods": None}, "nobody carries anything dangerous"),
        ([2], {}, "Choose an adult too."),
    ],
)
def test_a_refusal_changes_nothing_and_keeps_what_was_chosen(booking, places, more, text):
    guest, before = guest_of(booking), snapshot()
    response = send(guest, booking, places, **more)
    assert response.status_code in (400, 409)
    assert text in alert(response)
    chosen = re.findall(r'name="tickets" value="([^"]+)" checked', response.content.decode())
    assert chosen == [ticket_ids(booking)[place] for place in places]
    assert snapshot() == before


def test_the_form_and_the_refusal_count_what_was_bought(acme, booking):
    shop.product("BAG1", "35", rfic="C", rfisc="0CC")
    sold(acme, bag(booking, quantity=2))
    guest = guest_of(booking)
    assert "Included, with what was bought: 3." in guest.get(page_of(booking)).content.decode()
    response = send(guest, booking, [0], **{f"{ticket_ids(booking)[0]}-bags": "4"})
    assert "Included, with what was bought: 3." in alert(response)


def test_too_many_bags(booking):
    guest, ada = guest_of(booking), ticket_ids(booking)[0]
    before = snapshot()
    response = send(guest, booking, [0], **{f"{ada}-bags": "4"})
    assert response.status_code == 409
    assert "These are more bags than the ticket includes." in alert(response)
    assert '<option value="4" selected>' in response.content.decode()
    assert snapshot() == before


# --- Documents ---


def test_a_border_needs_a_document(abroad):
    guest, before = guest_of(abroad), snapshot()
    response = send(guest, abroad, [0])
    assert response.status_code == 400
    assert alert(response).count("This is needed to cross the border.") == 4
    assert snapshot() == before


def test_a_document_is_kept_sealed_and_never_shown_again(abroad):
    guest = guest_of(abroad)
    assert send(guest, abroad, [0], **document(abroad)).status_code == 302
    kept = TravelDocument.objects.get()
    assert kept.masked == "P USA ••••5678"
    assert "12345678" not in kept.sealed
    assert "X12345678" not in guest.get(page_of(abroad)).content.decode()


def test_one_that_is_kept_will_do(acme, abroad):
    guest, ticket = guest_of(abroad), ticket_ids(abroad)[0]
    acme.put(f"/api/v1/tickets/{ticket}/travel-document", {**PASSPORT, "number": "X12345678", "issuing_country": "USA"})
    shown = guest.get(page_of(abroad)).content.decode()
    assert "••••5678" in shown
    assert "X12345678" not in shown
    assert send(guest, abroad, [0]).status_code == 302


@pytest.mark.parametrize(
    ("wrong", "text"),
    [
        ({"number": "12"}, "5 to 20 letters"),
        ({"issuing_country": "XQZ"}, "Three letters"),
        ({"expiry_date": "31/12"}, "Enter a valid date."),
        ({"nationality": ""}, "needed to cross the border"),
    ],
)
def test_a_document_with_mistakes_stays_on_the_page(abroad, wrong, text):
    guest, before = guest_of(abroad), snapshot()
    response = send(guest, abroad, [0], **document(abroad, **wrong))
    assert response.status_code == 400
    assert text in alert(response)
    assert 'value="2040-01-31"' in response.content.decode() or "expiry_date" in wrong
    assert snapshot() == before


def test_a_document_that_ends_too_early(abroad):
    guest, before = guest_of(abroad), snapshot()
    response = send(guest, abroad, [0], **document(abroad, expiry_date="2020-01-01"))
    assert response.status_code == 409
    assert "ends before the day of arrival" in alert(response)
    assert snapshot() == before


# --- When ---


def test_too_early_it_says_when(acme):
    early = confirmed(acme, make_flight(), passengers=PARTY)
    shown = guest_of(early).get(page_of(early)).content.decode()
    assert "Check-in opens" in shown
    assert "Check in</button>" not in shown


def test_too_late_it_says_what_to_do(acme, booking, pass_time):
    guest = guest_of(booking)
    pass_time(hours=4.5)
    shown = guest.get(page_of(booking)).content.decode()
    assert "goes to the desk at the airport at once" in shown
    assert "Check in</button>" not in shown


def test_what_is_not_paid_is_not_checked_in(acme):
    held = book(acme, soon(), passengers=PARTY)
    guest, before = guest_of(held), snapshot()
    response = send(guest, held)
    assert response.status_code == 409
    assert "not confirmed and paid yet" in alert(response)
    assert snapshot() == before


# --- Undoing ---


def test_undoing_keeps_the_seat(booking):
    guest = guest_of(booking)
    send(guest, booking)
    infant, ada = ticket_ids(booking)[2], ticket_ids(booking)[0]
    refusal = guest.post(page_of(booking), {"action": "undo", "ticket": ada})
    assert refusal.status_code == 409
    assert "Undo the check-in of the child first." in alert(refusal)
    assert guest.post(page_of(booking), {"action": "undo", "ticket": infant}).status_code == 302
    assert statuses(booking) == "CCO"


# --- Whose it is ---


def test_a_guest_checks_nobody_else_in(acme, booking):
    other = confirmed(acme, soon(), passengers=PARTY)
    guest, before = guest_of(booking), snapshot()
    response = guest.post(
        page_of(booking), {"tickets": ticket_ids(other), "goods": "on", "version": version_of(booking)}
    )
    assert response.status_code == 400
    assert send(guest, other).status_code == 302
    assert guest.post(page_of(booking), {"action": "undo", "ticket": ticket_ids(other)[0]}).status_code == 400
    assert snapshot() == before


def test_another_agency_sees_nothing(zenith, agent):
    theirs = confirmed(zenith, soon(), passengers=PARTY)
    refused(agent.client.get(page_of(theirs)), 404, "booking_not_found")
    refused(send(agent.client, theirs), 404, "booking_not_found")


def test_nobody_is_asked_who_they_are(booking):
    assert new_client().get(page_of(booking))["Location"].startswith("/manage/?next=")


def test_staff_need_the_permission(booking):
    user = User.objects.create_user("finance", is_staff=True)
    user.groups.add(Group.objects.get(name="finance"))
    refused(session_api(user).client.get(page_of(booking)), 403, "forbidden")


def test_looking_changes_nothing_in_a_few_statements(abroad):
    guest, before = guest_of(abroad), snapshot()
    with CaptureQueriesContext(connection) as queries:
        shown = guest.get(page_of(abroad) + "?action=undo&tickets=x")
    assert shown.status_code == 200
    assert len(queries) <= 8
    assert len(shown.content) < 30_000
    assert snapshot() == before
