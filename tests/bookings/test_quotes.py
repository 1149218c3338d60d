"""A quote says what a cancellation or change costs; confirming it does exactly that, once, or nothing."""

from datetime import timedelta
from uuid import uuid4

import pytest

from bookings.invariants import INVARIANTS
from bookings.models import Quote
from flights.models import Fare
from skybridge.invariants import examine
from skybridge.models import Event
from tests import factories
from tests.bookings.sales import act, book, change, confirmed, counters, coupons_of, database, query, refused

KINDS = ("cancellations", "changes")
each_kind = pytest.mark.parametrize("kind", KINDS)
PENALTY = 99


@pytest.fixture
def later(flight):
    return factories.flight(
        carrier=flight.carrier_id, number=flight.flight_number, departs_at=flight.departs_at + timedelta(days=1)
    )


@pytest.fixture(autouse=True)
def _invariants(db):
    yield
    assert not {i.name: found.ids for i in INVARIANTS if (found := examine(i)).violations}


def path(booking, kind: str, *more: str) -> str:
    return "/".join(["/api/v1/bookings", booking["booking_id"], kind, *more])


def quote(api, booking, kind="cancellations", **body) -> dict:
    if kind == "changes":
        body = body or {"seats": booking["seats"] + 1}
    response = api.post(path(booking, kind), body)
    assert response.status_code == 201, response.content
    return response.json()


def confirm(api, quoted: dict):
    kind = f"{quoted['kind']}s"
    return api.post(path(quoted, kind, quoted["quote_id"], "confirm"))


def tables() -> dict:
    """Return everything that a quote must not touch."""
    return database() | {"serial": query("SELECT last_value, is_called FROM ticketing_serial")}


@each_kind
@pytest.mark.parametrize("sell", [book, confirmed])
def test_a_quote_changes_nothing_and_draws_no_ticket_number(acme, flight, later, kind, sell):
    booking = sell(acme, flight, passengers=["ADT", "INF"])
    before = tables()
    quoted = quote(acme, booking, kind)
    if kind == "changes":
        quote(acme, booking, kind, departureDate=str(later.departure_date), seats=3)
    assert tables() == before
    assert (quoted["status"], quoted["booking_id"]) == ("open", booking["booking_id"])


def test_a_cancellation_is_carried_out_as_quoted(acme, flight, pass_time):
    booking = confirmed(acme, flight, seats=2)
    pass_time(days=1)
    quoted = quote(acme, booking)
    assert (quoted["refund_amount"], quoted["due_amount"], quoted["penalty_amount"]) == (11.2, 0, 0)
    assert quoted["lines"] == [{"code": "AY", "amount": -11.2}]
    assert quoted["refund_amount"] + quoted["kept_amount"] == pytest.approx(booking["total_amount"])
    ended = confirm(acme, quoted)
    assert (ended.status_code, ended.json()["status"], ended.json()["refunded_amount"]) == (200, "canceled", 11.2)
    assert ended.json()["quote"]["status"] == "confirmed"
    assert acme.get(path(booking, "cancellations", quoted["quote_id"])).json() == ended.json()["quote"]


def test_a_change_is_carried_out_as_quoted(acme, flight, later, pass_time):
    """The fare rises by 100: 100 and its 7.5 per cent of tax, rounded with the fare, and the change fee."""
    booking = confirmed(acme, flight)
    query("UPDATE flights_fare SET base_amount = base_amount + 100, total_amount = total_amount + 100")
    pass_time(days=1)
    quoted = quote(acme, booking, "changes", departureDate=str(later.departure_date))
    assert quoted["penalty_amount"] == PENALTY
    assert sum(line["amount"] for line in quoted["lines"]) == pytest.approx(quoted["due_amount"])
    assert {line["code"]: line["amount"] for line in quoted["lines"]}["FARE"] == 100
    moved = confirm(acme, quoted).json()
    assert (moved["event_id"], moved["status"], moved["refunded_amount"]) == (str(later.pk), "confirmed", 0)
    assert moved["total_amount"] - booking["total_amount"] == pytest.approx(quoted["due_amount"] - PENALTY)
    assert moved["tickets"][0]["number"] != booking["tickets"][0]["number"]


def test_a_cheaper_date_of_a_cheap_fare_gives_nothing_back(acme, flight, later, pass_time):
    booking = confirmed(acme, flight)
    query("UPDATE flights_fare SET base_amount = base_amount - 50, total_amount = total_amount - 50")
    pass_time(days=1)
    quoted = quote(acme, booking, "changes", departureDate=str(later.departure_date))
    assert (quoted["due_amount"], quoted["refund_amount"]) == (PENALTY, 0)
    assert quoted["kept_amount"] >= 50


def test_more_seats_cost_their_price(acme, flight):
    booking = confirmed(acme, flight)
    quoted = quote(acme, booking, "changes", seats=3)
    assert quoted["due_amount"] == pytest.approx(2 * booking["total_amount"])
    assert quoted["penalty_amount"] == 0
    assert confirm(acme, quoted).json()["seats"] == 3


def test_fewer_seats_give_back_what_a_cancellation_does(acme, flight, pass_time):
    booking = confirmed(acme, flight, seats=3)
    pass_time(days=1)
    quoted = quote(acme, booking, "changes", seats=1)
    assert (quoted["refund_amount"], quoted["due_amount"]) == (11.2, 0)
    assert confirm(acme, quoted).json()["refunded_amount"] == 11.2


def test_passengers_who_leave_pay_for_no_exchange(acme, flight, later, pass_time):
    booking = confirmed(acme, flight, seats=3)
    pass_time(days=1)
    quoted = quote(acme, booking, "changes", seats=1, departureDate=str(later.departure_date))
    assert quoted["penalty_amount"] == PENALTY
    assert quoted["due_amount"] == pytest.approx(PENALTY - 11.2)
    assert confirm(acme, quoted).json()["seats"] == 1


def test_a_pending_booking_costs_nothing_to_change_or_cancel(acme, flight, later):
    booking = book(acme, flight, seats=2)
    for kind, body in (
        ("changes", {"seats": 3, "departureDate": str(later.departure_date)}),
        ("changes", {"passengers": [{"surname": "Hopper", "birth_date": "1906-12-09"}]}),
        ("cancellations", {"ticket_ids": [booking["tickets"][0]["ticket_id"]]}),
    ):
        quoted = quote(acme, booking, kind, **body)
        assert [quoted[f"{what}_amount"] for what in ("due", "refund", "penalty", "kept")] == [0] * 4
        assert quoted["lines"] == []
        assert confirm(acme, quoted).status_code == 200


def test_flights_of_an_empty_booking_and_names_survive_the_quote(acme, flight):
    empty = acme.post("/api/v1/bookings", {}).json()
    flights = [{"flightId": flight.designator, "departureDate": str(flight.departure_date)}]
    names = [{"surname": "Lovelace", "birth_date": "1990-12-10"}, {"title": "Ms"}]
    quoted = quote(acme, empty, "changes", flights=flights, seats=2, passengers=names)
    held = confirm(acme, quoted).json()
    assert (held["status"], held["seats"], held["event_id"]) == ("pending", 2, str(flight.pk))
    first, second = held["tickets"]
    assert (first["surname"], first["birth_date"], second["title"]) == ("Lovelace", "1990-12-10", "Ms")


@each_kind
def test_confirming_again_answers_the_same_and_does_nothing(acme, flight, kind):
    booking = confirmed(acme, flight, seats=2)
    quoted = quote(acme, booking, kind)
    first = confirm(acme, quoted)
    before = tables()
    again = confirm(acme, quoted)
    assert (again.status_code, again.json()) == (200, first.json())
    assert tables() == before


@each_kind
def test_somebody_else_cannot_confirm_it_again(acme, staff, flight, kind):
    quoted = quote(acme, confirmed(acme, flight, seats=2), kind)
    assert confirm(acme, quoted).status_code == 200
    before = tables()
    refused(confirm(staff, quoted), 409, "quote_used")
    assert tables() == before


@each_kind
def test_a_quote_expires_after_a_quarter_of_an_hour(acme, flight, kind, pass_time):
    booking = confirmed(acme, flight, seats=2)
    quoted = quote(acme, booking, kind)
    before = tables()
    pass_time(minutes=15)
    refused(confirm(acme, quoted), 409, "quote_expired")
    assert tables() == before
    assert acme.get(path(booking, kind, quoted["quote_id"])).json()["status"] == "expired"


def test_the_lifetime_is_a_setting(acme, flight, settings, pass_time):
    settings.QUOTE_LIFETIME = timedelta(minutes=60)
    Fare.objects.update(void_same_day=False)  # else the quote is stale when the hour takes it over midnight
    quoted = quote(acme, confirmed(acme, flight))
    pass_time(minutes=59)
    assert confirm(acme, quoted).status_code == 200


@each_kind
def test_a_newer_quote_takes_the_place_of_an_older_one(acme, flight, kind):
    booking = confirmed(acme, flight, seats=2)
    old = quote(acme, booking, kind)
    new = quote(acme, booking, "cancellations")
    before = tables()
    refused(confirm(acme, old), 409, "quote_superseded")
    assert tables() == before
    assert acme.get(path(booking, kind, old["quote_id"])).json()["status"] == "superseded"
    assert confirm(acme, new).status_code == 200


@each_kind
def test_a_booking_that_has_changed_makes_it_stale(acme, flight, kind):
    booking = confirmed(acme, flight, seats=2)
    quoted = quote(acme, booking, kind)
    assert change(acme, booking, passengers=[{"surname": "Hopper"}]).status_code == 200
    before = tables()
    refused(confirm(acme, quoted), 409, "quote_stale")
    assert tables() == before


def test_a_price_that_has_changed_makes_it_stale(acme, flight):
    quoted = quote(acme, confirmed(acme, flight), "changes", seats=2)
    query("UPDATE flights_fare SET base_amount = base_amount + 1, total_amount = total_amount + 1")
    before = tables()
    refused(confirm(acme, quoted), 409, "quote_stale")
    assert database() == {name: rows for name, rows in before.items() if name != "serial"}


def test_a_window_that_has_closed_makes_it_stale(acme, flight, settings, pass_time):
    """Quoted on the day of issue, confirmed the next day."""
    settings.QUOTE_LIFETIME = timedelta(days=2)
    quoted = quote(acme, confirmed(acme, flight))
    pass_time(days=1)
    before = tables()
    refused(confirm(acme, quoted), 409, "quote_stale")
    assert tables() == before
    assert Quote.objects.get().confirmed_at is None


def test_seats_that_are_gone_refuse_it(acme, zenith, flight):
    quoted = quote(acme, confirmed(acme, flight), "changes", seats=9)
    query("UPDATE flights_flightcabin SET capacity = sold + held, free = 0")
    before = tables()
    refused(confirm(acme, quoted), 409, "not_enough_seats")
    assert tables() == before


def test_a_refused_request_is_no_quote(acme, flight):
    booking = confirmed(acme, flight)
    refused(acme.post(path(booking, "changes"), {"departureDate": "2030-01-01"}), 404, "flight_not_found")
    refused(acme.post(path(booking, "changes"), {}), 400, "invalid_input")
    refused(acme.post(path(booking, "cancellations"), {"ticket_ids": []}), 400, "invalid_input")
    assert not Quote.objects.exists()


def test_a_refused_quote_leaves_the_older_one_open(acme, flight):
    booking = confirmed(acme, flight)
    quoted = quote(acme, booking)
    refused(acme.post(path(booking, "cancellations"), {"flights": [str(uuid4())]}), 409, "not_in_booking")
    assert confirm(acme, quoted).status_code == 200


@each_kind
def test_quotes_belong_to_their_booking_and_kind(acme, zenith, flight, kind):
    booking, other = confirmed(acme, flight), confirmed(acme, flight)
    quoted = quote(acme, booking, kind)
    [wrong_kind] = set(KINDS) - {kind}
    before = tables()
    for api, place, code in (
        (acme, path(booking, wrong_kind, quoted["quote_id"]), "quote_not_found"),
        (acme, path(other, kind, quoted["quote_id"]), "quote_not_found"),
        (acme, path(booking, kind, str(uuid4())), "quote_not_found"),
        (zenith, path(booking, kind, quoted["quote_id"]), "booking_not_found"),
    ):
        refused(api.get(place), 404, code)
        refused(api.post(f"{place}/confirm"), 404, code)
    assert tables() == before


def test_a_quote_releases_holds_that_have_run_out_but_keeps_no_seat(acme, zenith, pass_time):
    flight = factories.flight(seats=3)
    booking = confirmed(acme, flight)
    book(zenith, flight, seats=2)
    pass_time(minutes=21)
    quoted = quote(acme, booking, "changes", seats=3)
    assert counters(flight) == {"sold": 1, "held": 0, "free": 2}
    assert confirm(acme, quoted).json()["seats"] == 3


def test_a_confirmed_quote_is_logged_as_what_it_does(acme, flight):
    booking = confirmed(acme, flight)
    quoted = quote(acme, booking)
    logged = Event.objects.count()
    confirm(acme, quoted)
    assert coupons_of(booking) == ["V"]
    happened = list(Event.objects.order_by("id").values_list("action", "reason"))[logged:]
    assert happened[:2] == [("coupon.void", "quote confirmed"), ("booking.canceled", "quote confirmed")]


def test_after_its_confirmation_a_booking_can_be_quoted_again(acme, flight):
    booking = confirmed(acme, flight, seats=2)
    for seats in (3, 4):
        assert confirm(acme, quote(acme, booking, "changes", seats=seats)).json()["seats"] == seats
    assert confirm(acme, quote(acme, booking)).json()["status"] == "canceled"
    refused(acme.post(path(booking, "cancellations"), {}), 409, "action_not_allowed")
    refused(acme.post(path(booking, "changes"), {"seats": 1}), 409, "cannot_change")
    assert act(acme, booking, "cancel").status_code == 200
