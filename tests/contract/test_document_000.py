"""Founding document 000: issue a ticket with `POST /ticket`, check it in with `POST /checkin`."""

from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from django.utils import timezone

from bookings.models import Booking
from orders.models import Order
from tests import factories
from tests.bookings.test_invariants import verify
from tests.contract.operations import refusal, snapshot
from tests.contract.test_document_001 import curl_d
from tests.orders.shop import run
from ticketing import bcbp
from ticketing.models import BoardingPass, Coupon, Ticket
from ticketing.signatures import Outcome
from ticketing.signatures import verify as verify_pass


@pytest.fixture
def tomorrow(db):
    """A flight whose check-in is open."""
    departs_at = timezone.now() + timedelta(hours=20)
    return factories.flight("JFK", "LAX", carrier="FL", number=123, departs_at=departs_at, aircraft_type="A320")


@pytest.fixture
def on_flight(tomorrow) -> dict:
    return {"pax": "Ada Lovelace", "flightId": "FL123", "departureDate": str(tomorrow.departure_date)}


def issue(api, **body) -> dict:
    answer = api.post("/ticket", {"pax": "Ada Lovelace", **body})
    assert answer.status_code == 201, answer.content
    return answer.json()


def check_in(api, issued: dict, **more) -> dict:
    answer = api.post("/checkin", {"order_id": issued["order_id"], **more})
    assert answer.status_code == 200, answer.content
    return answer.json()


def all_invariants_hold() -> bool:
    return verify()[0] == 0


# --- The documented calls ---


@pytest.mark.parametrize("path", ["/ticket", "/ticket/"])
def test_the_documented_ticket(acme, path):
    answer = curl_d(acme, path, '{"pax":"Ada Lovelace"}')
    assert (answer.status_code, answer["Content-Type"]) == (201, "application/json")
    body = answer.json()
    assert body["status"] == "ISSUED"
    assert str(Order.objects.get(pk=UUID(body["order_id"])).agency_id) == acme.id


@pytest.mark.parametrize("path", ["/checkin", "/checkin/"])
def test_the_documented_check_in(acme, path):
    order_id = issue(acme)["order_id"]
    answer = curl_d(acme, path, f'{{"order_id":"{order_id}"}}')
    assert answer.status_code == 200
    assert (answer.json()["order_id"], answer.json()["status"]) == (order_id, "CHECKED_IN")


@pytest.mark.parametrize("body", ["{}", '{"order_id": ""}', '{"order_id": null}'])
def test_check_in_without_an_order(acme, body):
    before = snapshot()
    problem = refusal(curl_d(acme, "/checkin", body), 400, "missing_fields")
    assert problem["error"] == "order_id required"
    assert snapshot() == before


# --- Issuing ---


def test_an_open_ticket_is_order_booking_ticket_and_a_coupon_without_a_flight(acme):
    body = issue(acme)
    booking = Booking.objects.get(pk=body["booking_id"])
    [ticket] = Ticket.objects.filter(booking=booking)
    [coupon] = ticket.coupons.all()
    assert (booking.status, str(booking.order_id), booking.total_amount) == ("confirmed", body["order_id"], 0)
    assert (ticket.surname, ticket.given_name, ticket.number) == ("Lovelace", "Ada", body["ticket_number"])
    assert (coupon.flight_id, coupon.status, coupon.total_amount) == (None, "O", 0)
    assert all_invariants_hold()


def test_an_open_tickets_order_is_processed_like_every_other(acme):
    body = issue(acme)
    assert run(body)["status"] == "SUCCEEDED"
    assert acme.get(f"/status/{body['order_id']}").json()["status"] == "SUCCEEDED"
    assert all_invariants_hold()


def test_with_a_flight_a_seat_is_taken(acme, tomorrow, on_flight):
    body = issue(acme, **on_flight)
    cabin = tomorrow.cabins.get()
    assert (body["booking_status"], body["event_id"], body["seats"]) == ("confirmed", str(tomorrow.pk), 1)
    assert body["tickets"][0]["coupons"][0]["flightId"] == "FL123"
    assert (cabin.sold, cabin.held, cabin.free) == (1, 0, 99)
    assert Order.objects.get(pk=body["order_id"]).total_amount > 0
    assert all_invariants_hold()


def test_in_a_cabin_from_an_origin(acme):
    flight = factories.flight("EWR", "LAX", number=77, seats={"J": 2, "Y": 5})
    named = {"flightId": "FL77", "departureDate": str(flight.departure_date), "cabin": "J", "origin": "ewr"}
    assert issue(acme, **named)["tickets"][0]["coupons"][0]["cabin"] == "J"


@pytest.mark.parametrize(
    ("pax", "surname", "given_name", "title"),
    [
        ("Ada Lovelace", "Lovelace", "Ada", ""),
        ("Augusta Ada King Lovelace", "Lovelace", "Augusta Ada King", ""),
        ("LOVELACE/ADA MS", "LOVELACE", "ADA", "MS"),
        ("LOVELACE / ADA", "LOVELACE", "ADA", ""),
        ("  Lovelace ", "Lovelace", "", ""),
        ("O’Neill-Smith", "O’Neill-Smith", "", ""),
        ("LOVELACE/", "LOVELACE", "", ""),
        ("LOVELACE/MS", "LOVELACE", "MS", ""),
        ("Müller, Jürgen", "Müller", "Jürgen", ""),
        ("Müller, Jürgen Dr", "Müller", "Jürgen", "Dr"),
        ("MR JOHN SMITH", "SMITH", "JOHN", "MR"),
        ("Mrs. Smith", "Smith", "", "Mrs"),
        ("Dr", "Dr", "", ""),
    ],
)
def test_names(acme, pax, surname, given_name, title):
    [ticket] = issue(acme, pax=pax)["tickets"]
    assert (ticket["surname"], ticket["given_name"], ticket["title"]) == (surname, given_name, title)


def test_of_a_held_booking(acme, tomorrow, on_flight):
    held = acme.post("/bookFlight", {"userId": "1", "seats": 2, **{k: on_flight[k] for k in on_flight if k != "pax"}})
    body = issue(acme, booking_id=held.json()["bookingId"])
    first, second = body["tickets"]
    assert (body["booking_id"], body["booking_status"]) == (held.json()["bookingId"], "confirmed")
    assert (first["surname"], second["surname"], body["ticket_id"]) == ("Lovelace", "", first["ticket_id"])
    assert body["ticket_number"] == first["number"]
    assert all_invariants_hold()


def test_of_a_held_booking_with_the_name_already(acme, tomorrow):
    party = [{"surname": "King", "given_name": "W"}, {"surname": "LOVELACE", "given_name": "ada"}]
    held = acme.post("/api/v1/bookings", {"flights": [{"event_id": str(tomorrow.pk)}], "passengers": party}).json()
    body = issue(acme, booking_id=held["booking_id"])
    assert body["ticket_id"] == held["tickets"][1]["ticket_id"]
    assert issue(acme, booking_id=held["booking_id"])["order_id"] == body["order_id"]
    assert Order.objects.count() == 1


def test_of_a_held_booking_of_other_people(acme, tomorrow):
    party = [{"surname": "King", "given_name": "William"}]
    held = acme.post("/api/v1/bookings", {"flights": [{"event_id": str(tomorrow.pk)}], "passengers": party}).json()
    before = snapshot()
    call = acme.post("/ticket", {"pax": "Ada Lovelace", "booking_id": held["booking_id"]})
    refusal(call, 409, "passenger_not_in_booking")
    assert snapshot() == before


def test_a_traveller_issues_for_itself(traveller):
    body = issue(traveller)
    assert (body["agency"], body["user_id"]) == (None, traveller.id)
    assert Order.objects.get().customer_id == traveller.id


def test_an_agency_names_its_customer(acme):
    assert issue(acme, user_id="12345")["user_id"] == "12345"


def test_a_traveller_names_nobody_else(traveller):
    before = snapshot()
    refusal(traveller.post("/ticket", {"pax": "Ada Lovelace", "user_id": "somebody"}), 403, "forbidden")
    assert snapshot() == before


# --- Refused, and nothing is written ---


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({}, "Missing required field: pax"),
        ({"pax": None}, "pax: This field may not be null."),
        ({"pax": ""}, "pax: This field may not be blank."),
        ({"pax": "  "}, "pax: This field may not be blank."),
        ({"pax": 7}, "pax: Not a valid string."),
        ({"pax": "/ADA"}, "pax: A name has a surname: Ada Lovelace, or LOVELACE/ADA MS."),
        ({"pax": "-"}, "pax: A name has a surname: Ada Lovelace, or LOVELACE/ADA MS."),
        ({"pax": "A/B/C"}, "pax: A name has letters, blanks, hyphens, apostrophes and full stops."),
        ({"pax": "Müller, Jürgen, Dr"}, "pax: A name has letters, blanks, hyphens, apostrophes and full stops."),
        (
            {"pax": "Ада Лавлейс"},
            "pax: A boarding pass shows Latin letters only; write the name as the passport's lines for machines do.",
        ),
        ({"pax": "R2D2"}, "pax: A name has letters, blanks, hyphens, apostrophes and full stops."),
        ({"pax": "Ada" * 30}, "pax: Ensure this field has no more than 60 characters."),
        ({"pax": "Ada", "flightId": "FL123"}, "departureDate: A flight is named by flightId and departureDate."),
        ({"pax": "Ada", "origin": "JFK"}, "flightId: A flight is named by flightId and departureDate."),
        ({"pax": "Ada", "status": "ISSUED"}, "status: This field is unknown or cannot be set."),
    ],
)
def test_bad_input(acme, body, message):
    before = snapshot()
    assert refusal(acme.post("/ticket", body), 400)["message"] == message
    assert snapshot() == before


def test_a_flight_beside_a_booking(acme, on_flight):
    call = acme.post("/ticket", {**on_flight, "booking_id": str(uuid4())})
    assert refusal(call, 400)["errors"][0]["pointer"] == "/departureDate"


def test_an_unknown_flight(acme, on_flight):
    before = snapshot()
    refusal(acme.post("/ticket", {**on_flight, "flightId": "FL999"}), 404, "flight_not_found")
    assert snapshot() == before


def test_a_sold_out_flight(acme, tomorrow, on_flight):
    tomorrow.cabins.update(sold=100, free=0)
    before = snapshot()
    refusal(acme.post("/ticket", on_flight), 409, "not_enough_seats")
    assert snapshot() == before


def test_a_flight_that_the_account_does_not_cover(acme, on_flight, settings):
    settings.AGENCY_CREDIT_LIMIT = 1
    before = snapshot()
    refusal(acme.post("/ticket", on_flight), 409, "credit_limit_exceeded")
    assert snapshot() == before


def test_anothers_booking(acme, zenith, on_flight):
    held = zenith.post("/booking", {k: on_flight[k] for k in on_flight if k != "pax"}).json()
    before = snapshot()
    for booking_id in (held["booking_id"], str(uuid4())):
        refusal(acme.post("/ticket", {"pax": "Ada", "booking_id": booking_id}), 404, "booking_not_found")
    assert snapshot() == before


@pytest.mark.parametrize("path", ["/ticket", "/checkin"])
def test_nobody_is_forbidden(nobody, path):
    before = snapshot()
    assert refusal(nobody.post(path, {"pax": "Ada", "order_id": str(uuid4())}), 403)["message"] == "Forbidden"
    assert snapshot() == before


def test_the_same_key_issues_one_ticket(acme, on_flight):
    first = acme.post("/ticket", on_flight, Idempotency_Key="one")
    again = acme.post("/ticket", on_flight, Idempotency_Key="one")
    assert (again.content, again["Idempotent-Replayed"]) == (first.content, "true")
    assert Ticket.objects.count() == 1


# --- Check-in ---


def test_check_in_gives_a_signed_boarding_pass(acme, tomorrow, on_flight):
    issued = issue(acme, **on_flight)
    body = check_in(acme, issued, seat="12a")
    [boarding_pass] = body["boarding_passes"]
    assert body["boarding_pass"] == boarding_pass
    assert verify_pass(boarding_pass["barcode"]).outcome == Outcome.GOOD
    assert bcbp.decode(boarding_pass["barcode"]).legs[0].seat == "012A"
    assert (boarding_pass["status"], boarding_pass["seat"], boarding_pass["sequence_number"]) == ("good", "12A", 1)
    assert boarding_pass["record_locator"] == issued["record_locator"]
    assert boarding_pass["ticket_number"] == issued["ticket_number"]
    assert body["tickets"][0]["coupons"][0]["status"] == "C"
    assert all_invariants_hold()


def test_a_second_check_in_answers_the_same(acme, on_flight):
    issued = issue(acme, **on_flight)
    first = check_in(acme, issued)
    before = snapshot()
    assert check_in(acme, issued) == first
    assert snapshot() == before


def test_check_in_of_an_open_ticket_marks_it_without_a_pass(acme):
    issued = issue(acme)
    body = check_in(acme, issued)
    assert (body["boarding_pass"], body["boarding_passes"]) == (None, [])
    assert Coupon.objects.get().status == "C"
    before = snapshot()
    assert check_in(acme, issued) == body
    assert snapshot() == before
    assert not BoardingPass.objects.exists()
    assert all_invariants_hold()


def test_check_in_obeys_the_window(acme, flight):
    issued = issue(acme, flightId="FL123", departureDate=str(flight.departure_date))
    before = snapshot()
    refusal(acme.post("/checkin", {"order_id": issued["order_id"]}), 409, "check_in_not_open")
    assert snapshot() == before


def test_check_in_of_an_unknown_order_creates_nothing(acme, zenith, traveller, on_flight):
    issued = issue(acme, **on_flight)
    before = snapshot()
    for api, order_id in ((acme, str(uuid4())), (zenith, issued["order_id"]), (traveller, issued["order_id"])):
        refusal(api.post("/checkin", {"order_id": order_id}), 404, "order_not_found")
    assert snapshot() == before


@pytest.mark.parametrize("order_id", [None, "", "1", 7, "<paste>"])
def test_check_in_of_no_order(acme, order_id):
    before = snapshot()
    assert refusal(acme.post("/checkin", {"order_id": order_id}), 400)["errors"][0]["pointer"] == "/order_id"
    assert snapshot() == before


def test_one_passenger_of_an_order(acme, tomorrow):
    party = [{"surname": "King", "given_name": "William"}, {"surname": "Lovelace", "given_name": "Ada"}]
    held = acme.post("/api/v1/bookings", {"flights": [{"event_id": str(tomorrow.pk)}], "passengers": party}).json()
    issued = issue(acme, booking_id=held["booking_id"])
    body = check_in(acme, issued, ticket_id=issued["ticket_id"], seat="7C")
    assert [(p["surname"], p["seat"]) for p in body["boarding_passes"]] == [("Lovelace", "7C")]
    refusal(acme.post("/checkin", {"order_id": issued["order_id"], "seat": "7D"}), 400, "ticket_needed")


def test_staff_and_agents_check_in_too(acme, staff, agent, on_flight):
    issued = issue(acme, **on_flight)
    assert check_in(agent, issued)["boarding_pass"] == check_in(staff, issued)["boarding_pass"]


# --- A boarding pass is a token of permission; the API issues and validates such tokens ---


def test_the_pass_that_was_issued_is_validated(acme, handler, on_flight, pass_time):
    barcode = check_in(acme, issue(acme, **on_flight))["boarding_pass"]["barcode"]
    pass_time(hours=19, minutes=10)
    answer = handler.post("/boarding-passes/validate", {"barcode": barcode})
    assert (answer.status_code, answer.json()["result"]) == (200, "accepted")
