"""Founding document 001: a partner agency makes a booking with `POST /booking`."""

from uuid import UUID

import pytest

from bookings.models import Booking
from tests.conftest import agency_api
from tests.contract.operations import refusal, snapshot


@pytest.fixture
def partner(fast_plan):
    return agency_api("PartnerCo", fast_plan)


@pytest.fixture
def on_flight(flight) -> dict:
    return {"flightId": "FL123", "departureDate": str(flight.departure_date)}


def curl_d(api, path: str, body: str, **headers):
    """Call as the documents do: `curl -s -X POST "$URL/booking" -d '...'` says that the body is a form."""
    form = "application/x-www-form-urlencoded"
    return api.client.generic("POST", path, body, content_type=form, headers={**api.headers, **headers})


@pytest.mark.parametrize("path", ["/booking", "/booking/"])
def test_the_documented_call(path, partner):
    answer = curl_d(partner, path, '{"agency":"PartnerCo"}')
    assert answer.status_code == 201
    assert answer["Content-Type"] == "application/json"
    assert answer.json()["status"] == "CREATED"
    booking = Booking.objects.get(pk=UUID(answer.json()["booking_id"]))
    assert (booking.status, str(booking.agency_id), booking.seats) == ("created", partner.id, 0)


def test_the_agency_is_the_keys_without_a_body(partner):
    answer = partner.post("/booking")
    assert answer.status_code == 201
    assert (answer.json()["agency"], answer.json()["booking_status"]) == ("PartnerCo", "created")


def test_another_agencys_name_is_forbidden(partner, acme):
    before = snapshot()
    problem = refusal(curl_d(partner, "/booking", '{"agency":"Acme Travel"}'), 403, "forbidden")
    assert problem["message"] == "Forbidden"
    assert snapshot() == before


def test_nobody_is_forbidden(nobody):
    before = snapshot()
    assert refusal(curl_d(nobody, "/booking", '{"agency":"PartnerCo"}'), 403)["message"] == "Forbidden"
    assert snapshot() == before


def test_with_a_flight_the_seats_are_held(partner, on_flight, flight):
    body = {"agency": "PartnerCo", "userId": "12345", "seats": 2, **on_flight}
    booking = partner.post("/booking", body).json()
    assert (booking["status"], booking["booking_status"], booking["seats"]) == ("CREATED", "pending", 2)
    assert (booking["userId"], len(booking["tickets"])) == ("12345", 2)
    assert (flight.cabins.get().held, flight.cabins.get().free) == (2, 98)


def test_passengers_by_name(partner, on_flight):
    passengers = [{"surname": "Lovelace", "given_name": "Ada"}, {"passenger_type": "INF"}]
    booking = partner.post("/booking", {"passengers": passengers, **on_flight}).json()
    assert [ticket["passenger_type"] for ticket in booking["tickets"]] == ["ADT", "INF"]
    assert (booking["tickets"][0]["surname"], booking["seats"]) == ("Lovelace", 1)


def test_flights_are_added_to_an_empty_booking(partner, on_flight, flight):
    booking_id = curl_d(partner, "/booking", '{"agency":"PartnerCo"}').json()["booking_id"]
    answer = partner.patch(f"/api/v1/bookings/{booking_id}", {"flights": [on_flight], "seats": 3})
    assert (answer.status_code, answer.json()["booking_status"]) == (200, "pending")
    assert flight.cabins.get().held == 3
    assert partner.post(f"/api/v1/bookings/{booking_id}/confirm").json()["status"] == "confirmed"


def test_what_was_booked_is_seen_through_the_other_documents(partner, on_flight, flight):
    booking_id = partner.post("/booking", {"userId": "12345", **on_flight}).json()["booking_id"]
    assert partner.get(f"/api/v1/mgmt/bookings/{booking_id}").json()["status"] == "pending"
    assert len(partner.get(f"/api/v1/tickets/user/12345/event/{flight.pk}").json()) == 1
    assert partner.post("/cancel", {"bookingId": booking_id}).json()["status"] == "canceled"
    assert flight.cabins.get().free == 100


@pytest.mark.parametrize(
    ("body", "status", "message"),
    [
        ('{"agency": "PartnerCo", "flightId": "FL123"}', 400, "Missing required field: departureDate"),
        ('{"agency": "PartnerCo", "departureDate": "2026-12-20"}', 400, "Missing required field: flightId"),
        ('{"agency": "PartnerCo", "flightId": "FL9", "departureDate": "2026-12-20"}', 404, "Flight not found"),
        ('{"agency": "PartnerCo", "booking_id": "1"}', 400, "booking_id: This field is unknown or cannot be set."),
        ('{"agency": "PartnerCo", "status": "CONFIRMED"}', 400, "status: This field is unknown or cannot be set."),
        ('{"agency": 7}', 400, "agency: Not a valid string."),
        ('{"agency": "PartnerCo"', 400, None),
        ("agency=PartnerCo", 400, None),
    ],
)
def test_refusals_change_nothing(body, status, message, partner, flight):
    before = snapshot()
    problem = refusal(curl_d(partner, "/booking", body), status)
    assert message in (None, problem["message"])
    assert snapshot() == before


def test_a_sold_out_flight_is_refused(partner, on_flight, flight):
    flight.cabins.update(free=1, sold=99)
    before = snapshot()
    problem = refusal(partner.post("/booking", {"seats": 2, **on_flight}), 409, "not_enough_seats")
    assert problem["message"] == "Not enough seats available"
    assert snapshot() == before


def test_throttling_is_part_of_the_document(partner, fast_plan):
    fast_plan.rate, fast_plan.burst = 1, 2
    fast_plan.save()
    answers = [curl_d(partner, "/booking", '{"agency":"PartnerCo"}') for _ in range(3)]
    assert [answer.status_code for answer in answers] == [201, 201, 429]
    assert refusal(answers[2], 429)["message"] == "Too Many Requests"
    assert int(answers[2]["Retry-After"]) >= 1
    assert Booking.objects.count() == 2
