"""Founding document 002: search flights, book, cancel and update by flight number and date."""

from datetime import datetime, timedelta
from urllib.parse import quote, urlencode

import pytest

from bookings.models import Booking
from skybridge.models import Event
from tests import factories
from tests.contract.operations import refusal, snapshot, unknown_id


def search(api, departure: str, destination: str, date, **more):
    query = {"departureCity": departure, "destinationCity": destination, "departureDate": date, **more}
    return api.get(f"/searchFlights?{urlencode(query)}")


def found(answer) -> list[str]:
    assert answer.status_code == 200, answer.content
    return [flight["event_id"] for flight in answer.json()]


def documented_body(flight, **fields) -> dict:
    """Return the document's own body, on a date when the flight leaves."""
    return {"userId": "12345", "flightId": "FL123", "seats": 2, "departureDate": str(flight.departure_date), **fields}


@pytest.fixture
def booking_id(acme, flight) -> str:
    return acme.post("/bookFlight", documented_body(flight)).json()["bookingId"]


def counters(flight) -> tuple[int, int, int]:
    cabin = flight.cabins.get()
    return cabin.sold, cabin.held, cabin.free


# --- Searching ---


def test_a_flight_in_a_search_answer(acme, flight):
    [answer] = search(acme, "New York", "Los Angeles", flight.departure_date).json()
    assert answer["event_id"] == str(flight.pk)
    assert answer["flightId"] == "FL123"
    assert answer["departureDate"] == str(flight.departure_date)
    assert (answer["departureCity"], answer["destinationCity"]) == ("New York", "Los Angeles")
    assert (answer["origin"], answer["destination"]) == ("JFK", "LAX")
    assert (answer["seatAvailability"], answer["status"], answer["currency"]) == (100, "scheduled", "USD")
    assert isinstance(answer["price"], float)
    assert answer["price"] > 0
    assert datetime.fromisoformat(answer["departureTime"]) == flight.departs_at
    assert answer["departureTime"][-6:] in ("-05:00", "-04:00")
    assert datetime.fromisoformat(answer["arrivalTime"]) == flight.arrives_at
    assert answer["arrivalTime"][-6:] in ("-08:00", "-07:00")


@pytest.mark.parametrize("city", ["Zürich", "zurich", "ZÜRICH", "  zUrIcH ", "ZRH", "zrh", "Zu\u0308rich"])
def test_cities_by_name_or_code_in_any_spelling(city, acme):
    flight = factories.flight("ZRH", "GRU")
    for destination in ("São Paulo", "sao paulo", "GRU"):
        assert found(search(acme, city, destination, flight.departure_date)) == [str(flight.pk)]


@pytest.mark.parametrize("city", ["New York", "NYC", "new york"])
def test_a_city_finds_all_its_airports(city, acme):
    flights = [factories.flight(origin, "LAX") for origin in ("JFK", "EWR", "LGA")]
    answer = search(acme, city, "Los Angeles", flights[0].departure_date)
    assert set(found(answer)) == {str(flight.pk) for flight in flights}
    assert found(search(acme, "EWR", "LAX", flights[0].departure_date)) == [str(flights[1].pk)]


@pytest.mark.parametrize("path", ["/searchFlights", "/searchFlights/"])
def test_nothing_found_is_an_empty_array(path, acme, flight):
    answer = acme.get(f"{path}?departureCity=Atlantis&destinationCity=LAX&departureDate={flight.departure_date}")
    assert (answer.status_code, answer.content) == (200, b"[]")


def test_no_flight_on_another_day_or_the_other_way(acme, flight):
    assert found(search(acme, "JFK", "LAX", flight.departure_date + timedelta(days=1))) == []
    assert found(search(acme, "LAX", "JFK", flight.departure_date)) == []


@pytest.mark.parametrize("missing", ["departureCity", "destinationCity", "departureDate"])
def test_a_missing_parameter_is_named(missing, acme, flight):
    query = {"departureCity": "JFK", "destinationCity": "LAX", "departureDate": flight.departure_date}
    del query[missing]
    problem = refusal(acme.get(f"/searchFlights?{urlencode(query)}"), 400, "missing_fields")
    assert problem["message"] == f"Missing required fields: {missing}"
    assert problem["errors"][0]["pointer"] == f"/{missing}"


def test_all_missing_parameters_are_named(acme):
    problem = refusal(acme.get("/searchFlights"), 400, "missing_fields")
    assert problem["message"] == "Missing required fields: departureCity, destinationCity, departureDate"


def test_a_date_that_is_none_is_named(acme):
    problem = refusal(search(acme, "JFK", "LAX", "20.12.2024"), 400, "invalid_input")
    assert problem["message"].startswith("departureDate: ")


def test_a_full_flight_is_not_offered(acme, flight):
    flight.cabins.update(free=0, sold=100)
    assert found(search(acme, "JFK", "LAX", flight.departure_date)) == []
    assert found(search(acme, "JFK", "LAX", flight.departure_date, include_unavailable="true")) == [str(flight.pk)]


def test_the_way_back_follows(acme, flight):
    back = factories.flight("LAX", "JFK", departs_at=flight.departs_at + timedelta(days=3))
    answer = search(acme, "JFK", "LAX", flight.departure_date, returnDate=back.departure_date)
    assert found(answer) == [str(flight.pk), str(back.pk)]


def test_the_same_flights_are_listed_in_pages(acme, flight):
    others = [factories.flight("JFK", "LAX", departs_at=flight.departs_at + timedelta(hours=h)) for h in (1, 2)]
    first = acme.get(f"/api/v1/flights?origin={quote('new york')}&destination=LAX&limit=2").json()
    rest = acme.get(f"/api/v1/flights?origin=JFK&destination=LAX&limit=2&cursor={first['next']}").json()
    listed = [f["event_id"] for f in first["flights"] + rest["flights"]]
    assert listed == [str(f.pk) for f in [flight, *others]]
    assert (first["limit"], rest["next"]) == (2, None)
    assert first["flights"][0] == search(acme, "JFK", "LAX", flight.departure_date).json()[0]


# --- Booking ---


@pytest.mark.parametrize("path", ["/bookFlight", "/bookFlight/"])
def test_the_documented_booking(path, acme, flight):
    answer = acme.post(path, documented_body(flight))
    assert answer.status_code == 200
    assert answer.json()["message"] == "Booking created successfully"
    booking = Booking.objects.get(pk=answer.json()["bookingId"])
    assert (booking.user_id, booking.seats, booking.status) == ("12345", 2, "pending")
    assert counters(flight) == (0, 2, 98)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({}, "Missing required fields: userId, flightId, seats, departureDate"),
        ({"userId": "12345"}, "Missing required fields: flightId, seats, departureDate"),
        ({"userId": "12345", "flightId": "FL123", "seats": 2}, "Missing required fields: departureDate"),
    ],
)
def test_missing_fields_are_named(given, message, acme, flight):
    before = snapshot()
    problem = refusal(acme.post("/bookFlight", given), 400, "missing_fields")
    assert (problem["message"], problem["error"]) == (message, message)
    assert snapshot() == before


@pytest.mark.parametrize(
    ("fields", "status", "code", "message"),
    [
        ({"flightId": "FL999"}, 404, "flight_not_found", "Flight not found"),
        ({"departureDate": "2024-12-20"}, 404, "flight_not_found", "Flight not found"),
        ({"origin": "EWR"}, 404, "flight_not_found", "Flight not found"),
        ({"cabin": "J"}, 404, "flight_not_found", "Flight not found"),
        ({"flightId": "FLIGHT12"}, 400, "invalid_flight_id", None),
        ({"seats": 0}, 400, "invalid_input", None),
        ({"seats": -2}, 400, "invalid_input", None),
        ({"seats": 10}, 400, "invalid_input", None),
        ({"seats": "2"}, 400, "invalid_input", None),
        ({"seats": True}, 400, "invalid_input", None),
        ({"userId": 12345}, 400, "invalid_input", None),
        ({"departureDate": "20.12.2024"}, 400, "invalid_input", None),
        ({"price": 1}, 400, "invalid_input", "price: This field is unknown or cannot be set."),
    ],
)
def test_refused_bookings_change_nothing(fields, status, code, message, acme, flight):
    before = snapshot()
    problem = refusal(acme.post("/bookFlight", documented_body(flight, **fields)), status, code)
    assert message in (None, problem["message"])
    assert snapshot() == before


@pytest.mark.parametrize(("free", "status"), [(2, 200), (1, 409), (0, 409)])
def test_not_enough_seats(free, status, acme, flight):
    flight.cabins.update(free=free, sold=100 - free)
    before = snapshot()
    answer = acme.post("/bookFlight", documented_body(flight))
    assert answer.status_code == status
    if status == 409:
        assert refusal(answer, 409, "not_enough_seats")["message"] == "Not enough seats available"
        assert snapshot() == before


def test_a_flight_that_is_about_to_leave_is_closed(acme, flight, pass_time):
    pass_time(days=4, hours=23, minutes=30)
    before = snapshot()
    refusal(acme.post("/bookFlight", documented_body(flight)), 409, "flight_closed")
    assert snapshot() == before


def test_a_number_that_leaves_two_airports_is_ambiguous(acme, flight):
    other = factories.flight("EWR", "LAX", carrier="FL", number=123, departs_at=flight.departs_at)
    before = snapshot()
    problem = refusal(acme.post("/bookFlight", documented_body(flight)), 409, "ambiguous_flight")
    listed = {(listed["event_id"], listed["origin"]) for listed in problem["flights"]}
    assert listed == {(str(flight.pk), "JFK"), (str(other.pk), "EWR")}
    assert snapshot() == before
    answer = acme.post("/bookFlight", documented_body(flight, origin="EWR"))
    assert answer.json()["event_id"] == str(other.pk)


@pytest.mark.parametrize("spelling", ["fl123", "FL0123", " FL123 "])
def test_a_flight_number_in_other_spellings(spelling, acme, flight):
    assert acme.post("/bookFlight", documented_body(flight, flightId=spelling)).json()["event_id"] == str(flight.pk)


def test_the_date_is_local_to_the_departure_airport(acme):
    """23:30 in Los Angeles is the next day in UTC."""
    now = datetime.now().astimezone()
    departs_at = (now + timedelta(days=5)).astimezone(factories.zone("America/Los_Angeles"))
    flight = factories.flight("LAX", "JFK", carrier="FL", number=123, departs_at=departs_at.replace(hour=23, minute=30))
    assert flight.departure_date == departs_at.date()
    assert acme.post("/bookFlight", documented_body(flight)).status_code == 200


# --- Cancelling ---


@pytest.mark.parametrize("path", ["/cancel", "/cancel/"])
def test_canceling_returns_the_seats_exactly_once(path, acme, flight, booking_id):
    for _ in range(2):
        answer = acme.post(path, {"bookingId": booking_id})
        assert (answer.status_code, answer.json()["status"]) == (200, "canceled")
        assert answer.json()["message"]
        assert counters(flight) == (0, 0, 100)
    assert Event.objects.filter(subject_id=booking_id, action="booking.canceled").count() == 1


def test_canceling_a_confirmed_booking_returns_sold_seats(acme, flight, booking_id):
    acme.post(f"/api/v1/bookings/{booking_id}/confirm")
    assert counters(flight) == (2, 0, 98)
    assert acme.post("/cancel", {"bookingId": booking_id}).json()["status"] == "canceled"
    assert counters(flight) == (0, 0, 100)


@pytest.mark.parametrize("path", ["/cancel", "/update"])
def test_a_missing_or_unknown_booking(path, acme, flight, booking_id):
    before = snapshot()
    problem = refusal(acme.post(path, {}), 400, "missing_fields")
    assert problem["message"] == "Missing required fields: bookingId"
    change = {"seats": 1} if path == "/update" else {}
    problem = refusal(acme.post(path, {"bookingId": unknown_id(), **change}), 404, "booking_not_found")
    assert problem["message"] == "Booking not found"
    assert snapshot() == before


# --- Updating ---


@pytest.mark.parametrize("path", ["/update", "/update/"])
@pytest.mark.parametrize("seats", [1, 2, 5, 9])
def test_other_seats(path, seats, acme, flight, booking_id):
    answer = acme.post(path, {"bookingId": booking_id, "seats": seats})
    assert answer.status_code == 200
    assert (answer.json()["seats"], len(answer.json()["tickets"])) == (seats, seats)
    assert counters(flight) == (0, seats, 100 - seats)


def test_another_date_and_seats_at_once(acme, flight, booking_id):
    later = factories.flight(carrier="FL", number=123, departs_at=flight.departs_at + timedelta(days=1))
    body = {"bookingId": booking_id, "seats": 3, "departureDate": str(later.departure_date)}
    answer = acme.post("/update", body)
    assert (answer.status_code, answer.json()["event_id"]) == (200, str(later.pk))
    assert (counters(flight), counters(later)) == ((0, 0, 100), (0, 3, 97))


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"seats": 5}, 409, "not_enough_seats"),
        ({"seats": 3, "departureDate": "2031-01-01"}, 404, "flight_not_found"),
        ({"seats": 0}, 400, "invalid_input"),
        ({"seats": 10}, 400, "invalid_input"),
        ({"departureDate": "tomorrow"}, 400, "invalid_input"),
        ({}, 400, "invalid_input"),
        ({"seats": 2, "status": "confirmed"}, 400, "invalid_input"),
        ({"seats": 3, "departureDate": None}, 400, "invalid_input"),
    ],
)
def test_a_refused_update_changes_nothing(change, status, code, acme, flight, booking_id):
    flight.cabins.update(free=2, sold=96)
    before = snapshot()
    refusal(acme.post("/update", {"bookingId": booking_id, **change}), status, code)
    assert snapshot() == before


def test_another_date_without_enough_seats_changes_nothing(acme, flight, booking_id):
    later = factories.flight(carrier="FL", number=123, departs_at=flight.departs_at + timedelta(days=1), seats=2)
    before = snapshot()
    body = {"bookingId": booking_id, "seats": 3, "departureDate": str(later.departure_date)}
    refusal(acme.post("/update", body), 409, "not_enough_seats")
    assert snapshot() == before


@pytest.mark.parametrize("ending", ["cancel", "confirm refund"])
def test_a_finished_booking_cannot_be_updated(ending, acme, flight, booking_id):
    for action in ending.split():
        acme.post(f"/api/v1/bookings/{booking_id}/{action}")
    before = snapshot()
    refusal(acme.post("/update", {"bookingId": booking_id, "seats": 3}), 409, "cannot_change")
    assert snapshot() == before
