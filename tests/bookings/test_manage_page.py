"""Travellers show a booking by locator (or ticket number) and surname, and get to its pages and nothing else."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.conf import settings as project
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from bookings import guests
from bookings.models import Booking
from partners import buckets
from partners.pages import SHOWN_BOOKINGS
from skybridge.client_addresses import household_of
from skybridge.valkey import valkey
from tests.bookings.sales import act, book, confirmed, refused
from tests.conftest import new_client
from tests.contract.operations import snapshot
from tests.factories import flight as make_flight

PAGE = "/manage/"
PARTY = [
    {"surname": "Müller-Lüdenscheidt", "given_name": "Grace"},
    {"surname": "d'Alembert", "given_name": "Jean"},
]


@pytest.fixture
def booking(acme, flight) -> dict:
    return confirmed(acme, flight, passengers=PARTY)


@pytest.fixture
def browser(db):
    return new_client()


def show(browser, reference: str, surname: str, **more):
    return browser.post(PAGE, {"reference": reference, "surname": surname, **more})


def page_of(booking: dict, name: str = "booking") -> str:
    return reverse(name, args=[booking["booking_id"]])


def test_locator_and_surname_open_the_booking(browser, booking):
    response = show(browser, booking["record_locator"], "Müller-Lüdenscheidt")
    assert (response.status_code, response["Location"]) == (302, page_of(booking))
    assert browser.get(page_of(booking)).status_code == 200
    assert booking["record_locator"] in browser.get(PAGE).content.decode()


@pytest.mark.parametrize(
    "surname",
    [
        "MULLER LUDENSCHEIDT",
        "muellerluedenscheidt",
        "Müller  Lüdenscheidt",
        "DALEMBERT",
        "D\N{RIGHT SINGLE QUOTATION MARK}ALEMBERT",
    ],
)
def test_surnames_are_folded(browser, booking, surname):
    assert show(browser, booking["record_locator"].lower(), surname).status_code == 302


def test_a_ticket_number_will_do(browser, booking):
    number = booking["tickets"][0]["number"]
    assert show(browser, f"{number[:3]}-{number[3:]}", "Muller-Ludenscheidt").status_code == 302


def test_the_session_gets_a_new_key(browser, booking):
    show(browser, booking["record_locator"], "d'Alembert")
    before = browser.cookies[project.SESSION_COOKIE_NAME].value
    show(browser, booking["record_locator"], "d'Alembert")
    after = browser.cookies[project.SESSION_COOKIE_NAME].value
    assert before != after
    browser.cookies[project.SESSION_COOKIE_NAME] = before
    assert browser.get(page_of(booking)).status_code == 302


def misses(booking: dict, acme) -> dict[str, tuple[str, str]]:
    """Return what must not open anything, by why."""
    gone = confirmed(acme, make_flight(), passengers=PARTY)
    act(acme, gone, "cancel")
    long_ago = timezone.now() - timedelta(days=31)
    Booking.objects.filter(pk=gone["booking_id"]).update(updated_at=long_ago)
    unnamed = book(acme, make_flight(), seats=1)
    return {
        "unknown": ("BBBBBB", "Muller"),
        "wrong surname": (booking["record_locator"], "Lovelace"),
        "given name": (booking["record_locator"], "Grace"),
        "cancelled long ago": (gone["record_locator"], "d'Alembert"),
        "unnamed": (unnamed["record_locator"], "-"),
        "no locator": ("'; --", "Muller"),
        "ticket of nobody": ("9990000000000", "Muller"),
    }


def test_every_miss_gets_the_same_answer_after_the_same_statements(browser, booking, acme):
    told = set()
    for reference, surname in misses(booking, acme).values():
        before = snapshot()
        with CaptureQueriesContext(
            connection,
        ) as queries:
            response = new_client().post(PAGE, {"reference": reference, "surname": surname})
        body = response.content.decode()
        for typed in (reference, surname):
            body = body.replace(f'value="{typed}"', "")
        alert = body[body.index('role="alert"') : body.index("</div>", body.index('role="alert"'))]
        told.add((response.status_code, alert, len(queries), response.has_header("Set-Cookie")))
        assert snapshot() == before
    assert len(told) == 1, told
    [(status, alert, statements, _)] = told
    assert (status, statements) == (404, 1)
    assert "No booking fits" in alert


def test_what_was_typed_stays(browser, booking):
    body = show(browser, booking["record_locator"], "Lovelace").content.decode()
    assert f'value="{booking["record_locator"]}"' in body
    assert 'value="Lovelace"' in body


def test_empty_fields_say_so(browser):
    response = show(browser, "", "")
    assert response.status_code == 400
    assert response.content.decode().count('class="error"') == 2


def test_a_booking_is_guessed_at_only_so_often(browser, booking):
    for _ in range(guests.PLAN_BY_REFERENCE[2]):
        assert show(browser, booking["record_locator"], "Lovelace").status_code == 404
    response = show(browser, booking["record_locator"], "d'Alembert")
    assert response.status_code == 429
    assert int(response["Retry-After"]) > 0
    assert 'value="d&#x27;Alembert"' in response.content.decode()
    other = browser.post(
        PAGE, {"reference": booking["record_locator"], "surname": "d'Alembert"}, REMOTE_ADDR="192.0.2.7"
    )
    assert other.status_code == 429


def test_an_address_guesses_only_so_often(browser):
    for number in range(guests.PLAN_BY_ADDRESS[2]):
        assert show(browser, f"BBBBB{number}", "Lovelace").status_code == 404
    assert show(browser, "CCCCCC", "Lovelace").status_code == 429
    elsewhere = browser.post(PAGE, {"reference": "CCCCCC", "surname": "Lovelace"}, REMOTE_ADDR="192.0.2.7")
    assert elsewhere.status_code == 404


def test_an_address_that_is_refused_locks_nobody_else_out(browser, booking):
    for number in range(guests.PLAN_BY_ADDRESS[2]):
        show(browser, f"BBBBB{number}", "Lovelace")
    for _ in range(guests.PLAN_BY_REFERENCE[2]):
        assert show(browser, booking["record_locator"], "Lovelace").status_code == 429
    assert len(valkey().keys("guest:reference:*")) == guests.PLAN_BY_ADDRESS[2]
    traveller = {"reference": booking["record_locator"], "surname": "d'Alembert"}
    assert new_client().post(PAGE, traveller, REMOTE_ADDR="192.0.2.7").status_code == 302


def test_a_household_has_half_an_ipv6_address():
    one, same, other = map(household_of, ("2001:db8::1", "2001:db8::ffff:2", "2001:db9::1"))
    assert one == same != other


def test_an_ipv4_address_is_one_however_it_is_written():
    assert household_of("::ffff:192.0.2.7") == household_of("192.0.2.7") == "192.0.2.7"
    assert household_of(None) is None


def test_attempts_are_counted_while_valkey_is_down(browser, booking, monkeypatch):
    monkeypatch.setattr(buckets.remote, "take", lambda name, plan: None)
    buckets.local.kept.clear()
    answers = [show(browser, booking["record_locator"], "Lovelace").status_code for _ in range(6)]
    assert answers == [404] * 5 + [429]
    assert not valkey().keys("guest:*")


def test_it_leads_back_to_pages_of_this_booking_only(browser, booking):
    own = page_of(booking, "booking-seats") + "?flight=1"
    assert show(browser, booking["record_locator"], "DAlembert", next=own)["Location"] == own
    for foreign in ("https://evil.test/", "//evil.test", "/admin/", "/bookings/x/", page_of(booking)[:-1]):
        response = show(new_client(), booking["tickets"][0]["number"], "Muller-Ludenscheidt", next=foreign)
        valkey().flushdb()
        assert response["Location"] == page_of(booking)


def test_a_guest_opens_no_other_booking(browser, booking, acme):
    other = confirmed(acme, make_flight(), passengers=PARTY)
    show(browser, booking["record_locator"], "DAlembert")
    for name in ("booking", "booking-seats", "booking-check-in"):
        response = browser.get(page_of(other, name))
        assert response.status_code == 302
        assert response["Location"].startswith("/manage/?next=")


def test_a_guest_opens_tickets_of_what_was_shown(browser, booking, acme, django_assert_max_num_queries):
    other = confirmed(acme, make_flight(), passengers=PARTY)
    session = browser.session
    session[SHOWN_BOOKINGS] = [*(str(uuid4()) for _ in range(19)), booking["booking_id"]]
    session.save()
    browser.cookies[project.SESSION_COOKIE_NAME] = session.session_key
    foreign, own = (reverse("ticket", args=[one["tickets"][0]["ticket_id"]]) for one in (other, booking))
    with django_assert_max_num_queries(10):
        assert browser.get(own).status_code == 200
    with django_assert_max_num_queries(2):
        assert browser.get(foreign)["Location"].startswith("/manage/")
    assert new_client().get(own)["Location"].startswith("/manage/")


def test_a_shared_computer_forgets(browser, booking):
    show(browser, booking["record_locator"], "DAlembert")
    before = browser.cookies[project.SESSION_COOKIE_NAME].value
    assert browser.post(PAGE, {"action": "forget"})["Location"] == PAGE
    assert browser.session.get(SHOWN_BOOKINGS) is None
    assert browser.cookies[project.SESSION_COOKIE_NAME].value != before
    assert browser.get(page_of(booking)).status_code == 302


def test_the_form_needs_its_token(browser, booking):
    browser.handler.enforce_csrf_checks = True
    try:
        refused(show(browser, booking["record_locator"], "DAlembert"), 403, "forbidden")
    finally:
        browser.handler.enforce_csrf_checks = False


def test_agents_are_led_to_their_own_search(agent):
    assert agent.client.get(PAGE)["Location"] == "/bookings/"


def test_it_lists_in_a_few_statements(browser, booking, django_assert_max_num_queries):
    show(browser, booking["record_locator"], "DAlembert")
    with django_assert_max_num_queries(3):
        assert browser.get(PAGE).status_code == 200
