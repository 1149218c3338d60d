"""The mechanism of acts: page, permission, reason, refusals as messages, once only; and a second person's word."""

import re

import pytest
from django.contrib.auth.models import User
from django.test import Client

from bookings.models import Booking
from skybridge.models import Approval, Event
from tests.bookings.sales import book, confirmed, counters, let_hold_run_out
from tests.orders.shop import everything
from tests.skybridge.desk import act_page, confirm, do, forge, hidden, look, offered, text
from tests.skybridge.staff import signed_in, user_with, with_role

BOOKINGS = "bookings/booking"


@pytest.fixture
def clerk(db) -> Client:
    return with_role("reservations", name="clerk")


@pytest.fixture
def held(acme, flight) -> str:
    return book(acme, flight)["booking_id"]


def status(booking_id: str) -> str:
    return Booking.objects.get(pk=booking_id).status


def test_the_page_shows_what_will_come_of_it_and_changes_nothing(clerk, held, flight):
    before = everything()
    page = look(clerk, BOOKINGS, "confirm", held)
    for words in (flight.designator, "What will come of it", "Go back, change nothing", 'name="reason"', "USD"):
        assert words in page, words
    assert everything() == before


def test_an_act_is_carried_out_with_its_reason_in_the_history(clerk, held, flight):
    page = do(clerk, BOOKINGS, "confirm", held)
    assert "is confirmed" in page
    assert counters(flight)["sold"] == 1
    event = Event.objects.get(action="booking.confirmed")
    assert (event.actor_kind, event.door, event.reason) == ("staff", "admin", "Because.")
    assert "Because." in text(clerk.get(f"/admin/{BOOKINGS}/{held}/history/"))


def test_without_a_reason_nothing_happens(clerk, held):
    page = look(clerk, BOOKINGS, "confirm", held)
    before = everything()
    again = text(confirm(clerk, BOOKINGS, "confirm", page, reason="   "))
    assert "Say what is missing" in again
    assert everything() == before


def test_a_page_submitted_twice_acts_once(clerk, held):
    page = look(clerk, BOOKINGS, "confirm", held)
    confirm(clerk, BOOKINGS, "confirm", page)
    before = everything()
    assert "request_in_progress" in text(confirm(clerk, BOOKINGS, "confirm", page))
    assert everything() == before


def test_what_has_changed_since_it_was_shown_is_refused(clerk, acme, held):
    page = look(clerk, BOOKINGS, "confirm", held)
    acme.patch(f"/api/v1/bookings/{held}", {"seats": 2})
    before = everything()
    assert "stale_version" in text(confirm(clerk, BOOKINGS, "confirm", page))
    assert everything() == before


def test_a_form_changed_after_it_was_shown_is_shown_again(clerk, held):
    page = look(clerk, BOOKINGS, "extend_hold", held, minutes=30)
    before = everything()
    again = text(confirm(clerk, BOOKINGS, "extend_hold", page, minutes=600))
    assert "The form was changed after this was shown" in again
    assert everything() == before
    assert "is held until" in text(confirm(clerk, BOOKINGS, "extend_hold", again, minutes=600))


def test_of_three_one_is_refused_and_the_others_are_done(clerk, acme, flight):
    first, late, last = (book(acme, flight)["booking_id"] for _ in range(3))
    page = look(clerk, BOOKINGS, "confirm", first, late, last)
    let_hold_run_out(late)
    after = text(confirm(clerk, BOOKINGS, "confirm", page))
    assert "2 done, 1 refused." in after
    assert "(stale_version)" in after
    assert [status(one) for one in (first, late, last)] == ["confirmed", "pending", "confirmed"]


def test_what_cannot_be_done_is_said_before_and_left_out(clerk, acme, flight):
    good, late = (book(acme, flight)["booking_id"] for _ in range(2))
    let_hold_run_out(late)
    page = look(clerk, BOOKINGS, "confirm", good, late)
    assert "Cannot be done" in page
    assert "(hold_expired)" in page
    assert "Confirm (1)" in page
    assert "1 done, 1 refused." in text(confirm(clerk, BOOKINGS, "confirm", page))
    assert status(good) == "confirmed"


def test_the_list_leads_to_the_same_page(clerk, acme, flight):
    ids = [book(acme, flight)["booking_id"] for _ in range(2)]
    page = text(clerk.post(f"/admin/{BOOKINGS}/", {"action": "confirm", "_selected_action": ids}))
    assert sorted(hidden(page)["id"]) == sorted(ids)
    assert "2 done, 0 refused." in text(confirm(clerk, BOOKINGS, "confirm", page))


def test_buttons_are_for_the_role_and_the_state(acme, flight, clerk):
    held, sold = book(acme, flight)["booking_id"], confirmed(acme, flight)["booking_id"]
    assert offered(clerk, BOOKINGS, held) == {"confirm", "change", "extend_hold", "cancel"}
    assert offered(clerk, BOOKINGS, sold) == {"change", "cancel", "refund"}
    assert offered(with_role("check-in"), BOOKINGS, sold) == {"check_in", "offload"}
    assert offered(with_role("viewer"), BOOKINGS, sold) == set()
    assert "waive" in offered(with_role("supervisor"), BOOKINGS, sold)


@pytest.mark.parametrize("role", ["viewer", "finance", "check-in", "administrator"])
def test_who_may_not_is_refused_whatever_is_sent(held, role):
    client, before = with_role(role), everything()
    assert client.get(act_page(BOOKINGS, "confirm"), {"id": held}).status_code == 403
    assert forge(client, BOOKINGS, "confirm", held).status_code == 403
    listed = client.post(f"/admin/{BOOKINGS}/", {"action": "confirm", "_selected_action": [held]})
    assert "What will come of it" not in listed.content.decode()
    assert everything() == before


def test_a_confirmation_that_saw_no_page_does_nothing(clerk, held):
    before = everything()
    assert "stale_version" in text(clerk.get(forge(clerk, BOOKINGS, "confirm", held).url))
    assert everything() == before


@pytest.mark.parametrize("query", ["", "?id=x", "?id=0190d3a8-8b10-7b10-8d55-0f2a6a1e4c88", "?all=yes", "?id=\0"])
def test_things_that_are_not_there_are_not_found(clerk, query):
    assert clerk.get(act_page(BOOKINGS, "confirm") + query).status_code == 404
    assert clerk.get(act_page(BOOKINGS, "delete") + query).status_code == 404


def test_a_token_of_the_form_is_needed(held):
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(User.objects.create_superuser("boss"))
    before = everything()
    assert forge(strict, BOOKINGS, "confirm", held).status_code == 403
    assert everything() == before


def test_pages_have_nothing_that_the_policy_forbids(clerk, held):
    response = clerk.get(act_page(BOOKINGS, "confirm"), {"id": held})
    page = response.content.decode()
    assert "unsafe" not in response["Content-Security-Policy"]
    assert "no-store" in response["Cache-Control"]
    assert not re.search(r"\sstyle\s*=|<style|\son[a-z]+\s*=\s*[\"']|javascript:", page)
    labels = set(re.findall(r'<label for="([^"]+)"', page))
    assert set(re.findall(r'<input type="text"[^>]*id="([^"]+)"', page)) <= labels


def test_nothing_is_deleted(clerk, held):
    assert clerk.post(f"/admin/{BOOKINGS}/{held}/delete/", {"post": "yes"}).status_code == 403
    assert "delete" not in offered(clerk, BOOKINGS, held)


# --- A second person's word ---


@pytest.fixture
def dear(acme, flight, settings) -> str:
    """A confirmed booking whose refund needs a second person."""
    settings.REFUND_APPROVAL_ABOVE = 10
    return confirmed(acme, flight)["booking_id"]


APPROVALS = "skybridge/approval"


def test_a_dear_refund_is_asked_for_granted_by_another_and_carried_out(clerk, dear):
    assert "Nothing has changed yet" in do(clerk, BOOKINGS, "refund", dear)
    assert status(dear) == "confirmed"
    approval = Approval.objects.get()
    assert (approval.act, approval.reason, str(approval.object_id)) == ("refund_booking", "Because.", dear)
    boss = with_role("supervisor", name="boss")
    assert f"Approval {approval}: is granted" in do(boss, APPROVALS, "grant", approval.pk)
    assert status(dear) == "confirmed"
    assert "Granted: confirming carries it out" in look(clerk, BOOKINGS, "refund", dear)
    assert "is refunded" in do(clerk, BOOKINGS, "refund", dear)
    assert status(dear) == "refunded"
    assert Approval.objects.get().used_at is not None


def test_asked_for_already_is_a_message(clerk, dear):
    do(clerk, BOOKINGS, "refund", dear)
    assert "approval_pending" in do(clerk, BOOKINGS, "refund", dear)
    assert Approval.objects.count() == 1
    assert status(dear) == "confirmed"


def test_nobody_grants_what_one_has_asked_for_oneself(dear):
    boss = with_role("supervisor", name="boss")
    do(boss, BOOKINGS, "refund", dear)
    approval = Approval.objects.get()
    assert "own_approval" in do(boss, APPROVALS, "grant", approval.pk)
    assert Approval.objects.get(pk=approval.pk).decided_at is None
    assert status(dear) == "confirmed"


def test_who_may_not_decide_is_refused(clerk, dear):
    do(clerk, BOOKINGS, "refund", dear)
    approval = Approval.objects.get()
    other = signed_in(user_with("reservations", name="other"))
    assert forge(other, APPROVALS, "grant", approval.pk).status_code == 403
    assert "(forbidden)" in do(other, APPROVALS, "refuse", approval.pk)
    assert Approval.objects.get().decided_at is None


def test_what_is_refused_is_not_carried_out(clerk, dear):
    do(clerk, BOOKINGS, "refund", dear)
    do(with_role("finance"), APPROVALS, "refuse", Approval.objects.get().pk)
    assert "Nothing has changed yet" in do(clerk, BOOKINGS, "refund", dear)
    assert status(dear) == "confirmed"


def test_a_waiver_needs_another_whatever_the_amount(acme, flight):
    booking = confirmed(acme, flight)["booking_id"]
    boss = with_role("supervisor", name="boss")
    assert "Nothing has changed yet" in do(boss, BOOKINGS, "waive", booking)
    approval = Approval.objects.get(act="waive_penalty")
    assert "(forbidden)" in do(with_role("finance"), APPROVALS, "grant", approval.pk)
    do(with_role("supervisor", name="other"), APPROVALS, "grant", approval.pk)
    assert "is refunded" in do(boss, BOOKINGS, "waive", booking)


def test_the_list_of_approvals_is_for_who_decides(clerk, dear):
    do(clerk, BOOKINGS, "refund", dear)
    page = text(with_role("finance").get(f"/admin/{APPROVALS}/?state=waiting"))
    assert "clerk" in page
    assert "waiting" in page
    assert with_role("viewer").get(f"/admin/{APPROVALS}/").status_code == 403
