"""How many SQL statements, and how many round trips to Valkey, each call takes; lists cost the same at any length."""

from contextlib import contextmanager
from datetime import timedelta
from uuid import UUID

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from partners import ledger
from skybridge.valkey import valkey
from tests import factories
from tests.bookings.sales import act, book, booking_body, change, confirmed

WRITES = ("INSERT", "UPDATE", "DELETE", "WITH")


@contextmanager
def statements(expected: int, writes: int | None = None):
    """Assert the number of statements, and how many of them write.

    A test runs in a transaction, so an operation's BEGIN and COMMIT show as a savepoint and its release, and count.
    """
    with CaptureQueriesContext(connection) as captured:
        yield
    found = [" ".join(query["sql"].split())[:100] for query in captured.captured_queries]
    assert len(found) == expected, "\n".join(found)
    if writes is not None:
        assert sum(sql.startswith(WRITES) for sql in found) == writes, "\n".join(found)


@pytest.fixture
def warm(acme, flight):
    """Acme, whose key this process knows already; its account and the airline's own are open."""
    ledger.open_account(UUID(acme.id), "", "USD")
    ledger.open_system_accounts(["sales:USD", "taxes:USD"], "USD")
    assert acme.get("/api/v1/bookings").status_code == 200
    return acme


@pytest.mark.parametrize("headers", [{}, {"Idempotency_Key": "k"}])
@pytest.mark.parametrize("door", ["/api/v1/bookings", "/bookFlight", "/booking", "/api/v1/mgmt/bookings"])
def test_booking_one_flight_reads_once_and_writes_once(warm, flight, door, headers):
    named = {"flightId": flight.designator, "departureDate": str(flight.departure_date)}
    body = {
        "/api/v1/bookings": booking_body(flight, seats=9),
        "/bookFlight": {"userId": "u", "seats": 9, **named},
        "/booking": {"agency": "Acme Travel", "seats": 9, **named},
        "/api/v1/mgmt/bookings": {"event_id": str(flight.pk), "ticket_quantity": 9},
    }[door]
    with statements(2, writes=1):
        response = warm.post(door, body, **headers)
    assert response.status_code in (200, 201), response.content


def test_booking_several_flights_writes_once(warm, flight):
    back = factories.flight("LAX", "JFK")
    with statements(5, writes=1):
        book(warm, flight, back, seats=9)


def test_a_sold_out_flight_is_refused_without_a_write(warm):
    full = factories.flight(seats=1)
    confirmed(warm, full)
    with statements(1, writes=0):
        assert warm.post("/api/v1/bookings", booking_body(full)).status_code == 409


@pytest.mark.django_db(transaction=True)
def test_a_replay_tries_once_and_then_reads_the_first_answer(warm, flight):
    body = booking_body(flight)
    first = warm.post("/api/v1/bookings", body, Idempotency_Key="k")
    with statements(6, writes=1):
        assert warm.post("/api/v1/bookings", body, Idempotency_Key="k").content == first.content


@pytest.mark.parametrize("flights", [1, 20])
def test_searching_costs_one_statement(warm, flight, flights):
    for _ in range(flights - 1):
        factories.flight()
    path = f"/searchFlights?departureCity=new+york&destinationCity=LAX&departureDate={flight.departure_date}"
    with statements(1, writes=0):
        assert len(warm.get(path).json()) == flights


@pytest.mark.parametrize("flights", [1, 20])
def test_listing_flights_costs_one_statement(warm, flight, flights):
    for _ in range(flights - 1):
        factories.flight()
    with statements(1, writes=0):
        assert len(warm.get("/api/v1/flights?origin=JFK").json()["flights"]) == flights


@pytest.mark.parametrize("seats", [1, 9])
def test_reading_a_booking_costs_one_statement(warm, flight, seats):
    booking = book(warm, flight, factories.flight("LAX", "JFK"), seats=seats)
    for door in ("/api/v1/bookings", "/api/v1/mgmt/bookings"):
        with statements(1, writes=0):
            assert warm.get(f"{door}/{booking['booking_id']}").status_code == 200


@pytest.mark.parametrize("rows", [1, 20])
@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/api/v1/bookings?limit=50", 2),
        ("/api/v1/bookings?limit=50&status=pending&user_id=u-1", 2),
        ("/api/v1/mgmt/bookings/user/u-1?limit=50", 2),
        ("/api/v1/tickets/user/u-1?limit=50", 2),
        ("/api/v1/tickets/event/{}", 3),
        ("/api/v1/tickets/user/u-1/event/{}", 3),
    ],
)
def test_a_list_costs_the_same_at_any_length(warm, flight, path, expected, rows):
    for _ in range(rows):
        book(warm, flight, seats=2, user_id="u-1")
    with statements(expected, writes=0):
        response = warm.get(path.format(flight.pk))
    assert response.content.count(b'"ticket_id"') == 2 * rows


@pytest.mark.parametrize("seats", [1, 9])
@pytest.mark.parametrize(
    ("sell", "action", "expected"),
    [(book, "confirm", 2), (book, "cancel", 17), (confirmed, "cancel", 29), (confirmed, "refund", 29)],
)
def test_acting_costs_the_same_for_any_party(warm, flight, sell, action, expected, seats):
    booking = sell(warm, flight, seats=seats)
    with statements(expected):
        assert act(warm, booking, action).status_code == 200


@pytest.mark.parametrize("seats", [2, 9])
@pytest.mark.parametrize(("sell", "expected"), [(book, 19), (confirmed, 25)])
def test_changing_seats_costs_the_same_for_any_party(warm, flight, sell, expected, seats):
    booking = sell(warm, flight, seats=1)
    with statements(expected):
        assert change(warm, booking, seats=seats).status_code == 200


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("cancellations", {}),
        ("cancellations", {"ticket_ids": "first"}),
        ("changes", {"departureDate": "next"}),
        ("changes", {"seats": 1}),
    ],
)
def test_quoting_and_confirming_cost_the_same_for_any_party(warm, flight, kind, body):
    later = factories.flight(number=flight.flight_number, departs_at=flight.departs_at + timedelta(days=1))
    counts = set()
    for seats in (2, 9):
        booking = confirmed(warm, flight, seats=seats)
        values = {"first": [booking["tickets"][0]["ticket_id"]], "next": str(later.departure_date)}
        path = f"/api/v1/bookings/{booking['booking_id']}/{kind}"
        with CaptureQueriesContext(connection) as captured:
            quoted = warm.post(path, {name: values.get(value, value) for name, value in body.items()})
            assert warm.post(f"{path}/{quoted.json()['quote_id']}/confirm").status_code == 200
        counts.add(len(captured))
    assert len(counts) == 1


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/api/v1/bookings"), ("POST", "/api/v1/bookings"), ("GET", "/searchFlights?departureCity=JFK")],
)
@pytest.mark.alone
def test_each_call_takes_one_round_trip_to_valkey(warm, flight, method, path):
    before = calls_of_valkey()
    for _ in range(5):
        warm.call(method, path, booking_body(flight) if method == "POST" else None)
    assert calls_of_valkey() - before == 5


def calls_of_valkey() -> int:
    """Return how many scripts Valkey has run; asking is not one."""
    stats = valkey().info("commandstats")
    return sum(stats.get(f"cmdstat_{name}", {"calls": 0})["calls"] for name in ("evalsha", "eval", "fcall"))
