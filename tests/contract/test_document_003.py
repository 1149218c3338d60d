"""Founding document 003: bookings of events (flights) with their tickets, under `/api/v1`, by key or token."""

from datetime import datetime, timedelta
from uuid import UUID

import pytest
from django.utils import timezone

from bookings.models import Booking
from skybridge.models import Event
from tests import factories
from tests.conftest import Api
from tests.contract.operations import refusal, snapshot, unknown_id

MGMT = "/api/v1/mgmt/bookings"
USER = "user-1"
ACTIONS = ("confirm", "cancel", "refund")
TARGETS = {"confirm": "confirmed", "cancel": "canceled", "refund": "refunded"}
# What leads to each status, and what is allowed from there.
PATHS = {"created": None, "pending": "", "confirmed": "confirm", "canceled": "cancel", "refunded": "confirm refund"}
ALLOWED = {"created": ["cancel"], "pending": ["confirm", "cancel"], "confirmed": ["cancel", "refund"]}


def book(api, flight, tickets: int = 2, **fields) -> dict:
    answer = api.post(MGMT, {"event_id": str(flight.pk), "ticket_quantity": tickets, "user_id": USER, **fields})
    assert answer.status_code == 201, answer.content
    return answer.json()


def booking_that_is(status: str, api, flight) -> str:
    """Return the id of a new booking in a status, reached through the API."""
    if status == "created":
        return api.post("/booking").json()["booking_id"]
    booking_id = book(api, flight)["booking_id"]
    for action in PATHS[status].split():
        assert api.put(f"{MGMT}/{booking_id}/{action}").status_code == 200
    return booking_id


def counters(flight) -> tuple[int, int, int]:
    cabin = flight.cabins.get()
    return cabin.sold, cabin.held, cabin.free


# --- Creating and retrieving ---


@pytest.mark.parametrize("path", [MGMT, f"{MGMT}/"])
def test_create_a_booking_with_tickets(path, acme, flight):
    answer = acme.post(path, {"event_id": str(flight.pk), "ticket_quantity": 2, "user_id": USER})
    assert answer.status_code == 201
    booking = answer.json()
    assert (booking["event_id"], booking["user_id"], booking["status"]) == (str(flight.pk), USER, "pending")
    assert [ticket["status"] for ticket in booking["tickets"]] == ["held", "held"]
    held_for = datetime.fromisoformat(booking["expires_at"]) - datetime.fromisoformat(booking["created_at"])
    assert held_for == timedelta(minutes=20)
    assert counters(flight) == (0, 2, 98)


@pytest.mark.parametrize("slash", ["", "/"])
def test_retrieve_a_booking(slash, acme, flight):
    created = book(acme, flight)
    answer = acme.get(f"{MGMT}/{created['booking_id']}{slash}")
    assert (answer.status_code, answer.json()) == (200, created)
    assert {"created_at", "updated_at", "price_lines", "tickets"} <= created.keys()
    assert all(UUID(ticket["ticket_id"]) and ticket["created_at"].endswith("Z") for ticket in created["tickets"])


def test_price_lines_add_up(acme, flight):
    booking = book(acme, flight, tickets=3)
    assert sum(line["amount"] for line in booking["price_lines"]) == pytest.approx(booking["total_amount"], abs=1e-9)
    assert booking["price_lines"][0]["code"] == "FARE"
    fares = sum(ticket["coupons"][0]["total_amount"] for ticket in booking["tickets"])
    assert fares == pytest.approx(booking["total_amount"], abs=1e-9)


@pytest.mark.parametrize(
    ("fields", "status", "code"),
    [
        ({"event_id": "0190d3a8-6f7e-7c3c-9d55-0f2a6a1e4b11"}, 404, "flight_not_found"),
        ({"event_id": "not-a-uuid"}, 400, "invalid_input"),
        ({"event_id": None}, 400, "invalid_input"),
        ({"ticket_quantity": 0}, 400, "invalid_input"),
        ({"ticket_quantity": 10}, 400, "invalid_input"),
        ({"ticket_quantity": "2"}, 400, "invalid_input"),
        ({"status": "confirmed"}, 400, "invalid_input"),
        ({"booking_id": "0190d3a8-6f7e-7c3c-9d55-0f2a6a1e4b11"}, 400, "invalid_input"),
        ({"created_at": "2026-01-01T00:00:00Z"}, 400, "invalid_input"),
    ],
)
def test_refused_bookings_change_nothing(fields, status, code, acme, flight):
    before = snapshot()
    refusal(acme.post(MGMT, {"event_id": str(flight.pk), "ticket_quantity": 2, **fields}), status, code)
    assert snapshot() == before


def test_missing_fields_are_named(acme):
    problem = refusal(acme.post(MGMT, {}), 400, "missing_fields")
    assert [error["pointer"] for error in problem["errors"]] == ["/event_id", "/ticket_quantity"]


@pytest.mark.parametrize("method", ["get", "put", "post"])
def test_an_unknown_booking(method, acme, flight):
    before = snapshot()
    paths = [f"{MGMT}/{unknown_id()}" + ("" if method == "get" else f"/{action}") for action in ACTIONS]
    for path in paths:
        assert refusal(getattr(acme, method)(path), 404, "booking_not_found")["message"] == "Booking not found"
    assert snapshot() == before


# --- Confirm, cancel, refund ---


@pytest.mark.parametrize("method", ["put", "post"])
@pytest.mark.parametrize("slash", ["", "/"])
def test_the_life_of_a_booking(method, slash, acme, flight):
    booking_id = book(acme, flight)["booking_id"]
    confirmed = getattr(acme, method)(f"{MGMT}/{booking_id}/confirm{slash}").json()
    assert (confirmed["status"], confirmed["expires_at"], counters(flight)) == ("confirmed", None, (2, 0, 98))
    assert all(len(ticket["number"]) == 13 and ticket["status"] == "issued" for ticket in confirmed["tickets"])
    refunded = getattr(acme, method)(f"{MGMT}/{booking_id}/refund{slash}").json()
    assert (refunded["status"], counters(flight)) == ("refunded", (0, 0, 100))
    assert refunded["refunded_amount"] == refunded["total_amount"] > 0
    assert {ticket["status"] for ticket in refunded["tickets"]} == {"refunded"}


@pytest.mark.parametrize("action", ACTIONS)
@pytest.mark.parametrize("status", PATHS)
def test_every_action_from_every_status(status, action, acme, flight):
    booking_id = booking_that_is(status, acme, flight)
    before = snapshot()
    answer = acme.put(f"{MGMT}/{booking_id}/{action}")
    if action in ALLOWED.get(status, []):
        assert (answer.status_code, answer.json()["status"]) == (200, TARGETS[action])
        assert Event.objects.filter(subject_id=booking_id, action=f"booking.{TARGETS[action]}").count() == 1
    elif status == TARGETS[action]:  # repeated
        assert (answer.status_code, answer.json()["status"]) == (200, status)
        assert snapshot() == before
    else:
        problem = refusal(answer, 409, "action_not_allowed")
        assert (problem["booking_status"], problem["available_actions"]) == (status, ALLOWED.get(status, []))
        assert status in problem["message"]
        assert all(allowed in problem["message"] for allowed in ALLOWED.get(status, []))
        assert snapshot() == before


@pytest.mark.parametrize("status", PATHS)
def test_each_available_action_succeeds(status, acme, flight):
    listed = acme.get(f"{MGMT}/{booking_that_is(status, acme, flight)}").json()["available_actions"]
    assert listed == ALLOWED.get(status, [])
    for action in listed:
        answer = acme.put(f"{MGMT}/{booking_that_is(status, acme, flight)}/{action}")
        assert (answer.status_code, answer.json()["status"]) == (200, TARGETS[action])


def test_nothing_is_available_after_departure(acme, flight, pass_time):
    booking_id = booking_that_is("confirmed", acme, flight)
    pass_time(days=6)
    assert acme.get(f"{MGMT}/{booking_id}").json()["available_actions"] == []
    before = snapshot()
    for action in ("cancel", "refund"):
        problem = refusal(acme.put(f"{MGMT}/{booking_id}/{action}"), 409, "action_not_allowed")
        assert problem["available_actions"] == []
    assert snapshot() == before


# --- A hold that runs out ---


def stop_clock(monkeypatch, at: datetime) -> None:
    monkeypatch.setattr(timezone, "now", lambda: at)


def available(api, flight) -> int:
    return api.get(f"/api/v1/tickets/event/{flight.pk}/available").json()["available"]


@pytest.mark.parametrize(("microseconds", "status", "left"), [(-1, "pending", 91), (0, "canceled", 100)])
def test_a_hold_ends_at_its_deadline_unswept(microseconds, status, left, acme, flight, monkeypatch):
    booking = book(acme, flight, tickets=9)
    deadline = datetime.fromisoformat(booking["expires_at"])
    stop_clock(monkeypatch, deadline + timedelta(microseconds=microseconds))
    assert acme.get(f"{MGMT}/{booking['booking_id']}").json()["status"] == status
    assert acme.get(f"/api/v1/bookings?status={status}").json()["bookings"][0]["status"] == status
    [event] = acme.get(f"{MGMT}/user/{USER}").json()
    assert event["bookings"][0]["status"] == status
    assert available(acme, flight) == left
    assert Booking.objects.get(pk=booking["booking_id"]).status == "pending"  # nobody swept


def test_a_hold_that_ran_out_offers_nothing(acme, flight, pass_time):
    booking_id = book(acme, flight)["booking_id"]
    pass_time(minutes=20)
    shown = acme.get(f"{MGMT}/{booking_id}").json()
    assert (shown["available_actions"], {t["status"] for t in shown["tickets"]}) == ([], {"void"})
    before = snapshot()
    problem = refusal(acme.put(f"{MGMT}/{booking_id}/confirm"), 409, "hold_expired")
    assert problem["booking_status"] == "canceled"
    assert acme.put(f"{MGMT}/{booking_id}/cancel").json()["status"] == "canceled"
    refusal(acme.put(f"{MGMT}/{booking_id}/refund"), 409, "action_not_allowed")
    assert snapshot() == before


def test_seats_of_a_hold_that_ran_out_are_sold_again(acme, zenith, pass_time):
    flight = factories.flight(seats=9)
    first = book(acme, flight, tickets=9)["booking_id"]
    before = snapshot()
    refusal(zenith.post(MGMT, {"event_id": str(flight.pk), "ticket_quantity": 1}), 409, "not_enough_seats")
    assert snapshot() == before
    pass_time(minutes=20)
    second = book(zenith, flight, tickets=9)["booking_id"]
    assert counters(flight) == (0, 9, 0)
    assert zenith.put(f"{MGMT}/{second}/confirm").status_code == 200
    refusal(acme.put(f"{MGMT}/{first}/confirm"), 409)
    assert counters(flight) == (9, 0, 0)


# --- A user's bookings by event, and tickets ---


@pytest.mark.parametrize("slash", ["", "/"])
def test_bookings_of_a_user_grouped_by_event(slash, acme, flight):
    later = factories.flight("LAX", "JFK", departs_at=flight.departs_at + timedelta(days=2))
    there = [book(acme, flight)["booking_id"], book(acme, flight, tickets=1)["booking_id"]]
    back = book(acme, later, tickets=3)["booking_id"]
    book(acme, flight, user_id="somebody-else")
    first, second = acme.get(f"{MGMT}/user/{USER}{slash}").json()
    assert (first["event_id"], first["date"]) == (str(flight.pk), str(flight.departure_date))
    assert first["title"] == "FL123 New York – Los Angeles"
    assert {booking["booking_id"] for booking in first["bookings"]} == set(there)
    assert sorted(len(booking["tickets"]) for booking in first["bookings"]) == [1, 2]
    assert (second["event_id"], [b["booking_id"] for b in second["bookings"]]) == (str(later.pk), [back])


def test_a_user_without_bookings(acme, flight):
    for path in (
        f"{MGMT}/user/nobody",
        "/api/v1/tickets/user/nobody",
        f"/api/v1/tickets/user/nobody/event/{flight.pk}",
    ):
        answer = acme.get(path)
        assert (answer.status_code, answer.content) == (200, b"[]")


@pytest.mark.parametrize("slash", ["", "/"])
def test_tickets_of_a_user_and_of_an_event(slash, acme, flight):
    other_flight = factories.flight("LAX", "JFK")
    here = {ticket["ticket_id"] for ticket in book(acme, flight)["tickets"]}
    there = {ticket["ticket_id"] for ticket in book(acme, other_flight)["tickets"]}
    others = {ticket["ticket_id"] for ticket in book(acme, flight, user_id="somebody-else")["tickets"]}

    def tickets(path):
        answer = acme.get(f"/api/v1/tickets/{path}{slash}")
        assert answer.status_code == 200
        return {ticket["ticket_id"] for ticket in answer.json()}

    assert tickets(f"user/{USER}") == here | there
    assert tickets(f"event/{flight.pk}") == here | others
    assert tickets(f"user/{USER}/event/{flight.pk}") == here
    assert tickets(f"user/{USER}/event/{other_flight.pk}") == there


def test_a_ticket_names_its_booking_and_user(acme, flight):
    booking = book(acme, flight, tickets=1)
    [ticket] = acme.get(f"/api/v1/tickets/user/{USER}").json()
    assert (ticket["booking_id"], ticket["user_id"]) == (booking["booking_id"], USER)
    assert (ticket["booking_status"], ticket["coupons"][0]["event_id"]) == ("pending", str(flight.pk))


def test_all_tickets_of_an_event_for_staff_own_ones_for_others(acme, zenith, staff, flight):
    book(acme, flight, tickets=2)
    book(zenith, flight, tickets=3)
    path = f"/api/v1/tickets/event/{flight.pk}"
    assert [len(api.get(path).json()) for api in (acme, zenith, staff)] == [2, 3, 5]


@pytest.mark.parametrize("slash", ["", "/"])
def test_available_tickets(slash, acme, flight):
    book(acme, flight, tickets=9)
    answer = acme.get(f"/api/v1/tickets/event/{flight.pk}/available{slash}")
    assert (answer.status_code, answer.json()) == (200, {"event_id": str(flight.pk), "available": 91})


@pytest.mark.parametrize("path", ["event/{}", "event/{}/available", "user/user-1/event/{}"])
def test_an_unknown_event(path, acme, flight):
    problem = refusal(acme.get(f"/api/v1/tickets/{path.format(unknown_id())}"), 404, "flight_not_found")
    assert problem["message"] == "Flight not found"


# --- Who the user is ---


def test_a_travellers_id_is_the_claim_custom_id(token_for, traveller, flight):
    api = Api({"Authorization": f"Bearer {token_for('the-subject', **{'custom:id': USER})}"})
    assert book(api, flight)["user_id"] == USER
    assert len(api.get(f"/api/v1/tickets/user/{USER}").json()) == 2
    refusal(api.get("/api/v1/tickets/user/the-subject"), 404)
    refusal(traveller.get(f"/api/v1/tickets/user/{USER}"), 404)


def test_a_travellers_id_is_else_the_claim_sub(traveller, flight):
    booking = book(traveller, flight, user_id=traveller.id)
    assert booking["user_id"] == traveller.id
    [event] = traveller.get(f"{MGMT}/user/{traveller.id}").json()
    assert event["bookings"] == [booking]
    assert traveller.put(f"{MGMT}/{booking['booking_id']}/confirm").json()["status"] == "confirmed"


def test_an_expired_token_is_401(token_for, flight):
    before = snapshot()
    api = Api({"Authorization": f"Bearer {token_for(USER, exp=1)}"})
    answer = api.post(MGMT, {"event_id": str(flight.pk), "ticket_quantity": 1})
    refusal(answer, 401, "token_expired")
    assert answer["WWW-Authenticate"].startswith("Bearer")
    assert snapshot() == before
