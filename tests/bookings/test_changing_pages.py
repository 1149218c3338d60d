"""Cancel, change, refund and name by pages: a quote first, then exactly that; what is refused changes nothing."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.contrib.auth.models import User
from django.core import mail
from django.urls import reverse

from skybridge import approvals
from skybridge.models import Approval
from tests.bookings.sales import book, change, confirmed, counters, coupons_of, query
from tests.bookings.test_booking_page import NAMED, guest_of, in_role, page_of, text
from tests.contract.operations import snapshot
from tests.factories import flight as make_flight
from tests.orders import shop
from tests.orders.emds import bag, sold

ALL = {"what": "all"}


def quote_of(response, name: str) -> str:
    assert response.status_code == 302, response.content.decode()
    assert f"/{name}/" in response.url, response.url
    return response.url


def cancel(client, booking: dict, body: dict | None = None) -> str:
    """Ask for a cancellation's quote and return its page."""
    return quote_of(client.post(page_of(booking, "booking-cancel"), body or ALL), "cancel")


def refused(response, status: int, words: str) -> str:
    assert response.status_code == status, response.status_code
    page = response.content.decode()
    assert words in page, page
    return page


def later(flight, **by):
    """Return another flight of the same route."""
    return make_flight("JFK", "LAX", carrier="FL", number=456, departs_at=flight.departs_at + timedelta(**by))


# --- Cancel ---


def test_a_booking_is_cancelled_at_the_amounts_shown(agent, acme, flight):
    booking = confirmed(acme, flight, seats=2)
    quote = cancel(agent.client, booking)
    assert "Cancel at these amounts" in text(agent.client.get(quote))
    assert agent.client.post(quote).url == page_of(booking)
    assert coupons_of(booking) == ["V", "V"]
    assert counters(flight)["free"] == 100
    assert shop.balance_of(f"agency:{acme.id}:USD") == 0


def test_the_page_of_a_quote_shows_each_line(agent, acme, flight, pass_time):
    booking = confirmed(acme, flight)
    pass_time(days=2)
    page = agent.client.get(cancel(agent.client, booking))
    quote = page.context["quote"]
    assert quote["kept_amount"] or quote["penalty_amount"]
    back = sum(amount for _, amount in page.context["lines"])
    assert -back == quote["refund_amount"] == page.context["goes_back"]


def test_one_passenger_is_cancelled(agent, acme, flight):
    booking = confirmed(acme, flight, passengers=NAMED)
    leaving = booking["tickets"][1]["ticket_id"]
    agent.client.post(cancel(agent.client, booking, {"what": "passengers", "passengers": [leaving]}))
    assert sorted(coupons_of(booking)) == ["O", "R"]
    assert counters(flight)["sold"] == 1


def test_one_flight_is_cancelled(agent, acme, flight):
    onward = make_flight("LAX", "SFO", departs_at=flight.arrives_at + timedelta(hours=2))
    booking = confirmed(acme, flight, onward)
    agent.client.post(cancel(agent.client, booking, {"what": "flights", "flights": [str(onward.pk)]}))
    assert coupons_of(booking) == ["O", "R"]


@pytest.mark.parametrize("what", ["passengers", "flights", "", "everything"])
def test_a_part_that_names_nothing_is_asked_again(agent, acme, flight, what):
    booking = confirmed(acme, flight)
    before = snapshot()
    answer = agent.client.post(page_of(booking, "booking-cancel"), {"what": what})
    refused(answer, 400, 'role="alert"')
    assert snapshot() == before


def test_an_adult_does_not_leave_children_alone(agent, acme, flight):
    party = [NAMED[0], {"surname": "Byron", "given_name": "Ada", "passenger_type": "CHD"}]
    booking = confirmed(acme, flight, passengers=party)
    body = {"what": "passengers", "passengers": [booking["tickets"][0]["ticket_id"]]}
    before = snapshot()
    page = refused(agent.client.post(page_of(booking, "booking-cancel"), body), 409, "without an adult")
    assert "checked" in page  # the form is as it was filled in
    assert snapshot() == before


def test_an_expired_quote_says_so_and_offers_a_new_one(agent, acme, flight, pass_time):
    booking = confirmed(acme, flight)
    quote = cancel(agent.client, booking)
    pass_time(minutes=16)
    before = snapshot()
    refused(agent.client.post(quote), 409, "Ask for a new quote")
    assert "This quote has run out" in text(agent.client.get(quote))
    assert snapshot() == before


def test_a_superseded_quote_says_so(agent, acme, flight):
    booking = confirmed(acme, flight, seats=2)
    first = cancel(agent.client, booking)
    cancel(agent.client, booking)
    refused(agent.client.post(first), 409, "A newer quote has taken the place")
    assert coupons_of(booking) == ["O", "O"]


def test_a_changed_booking_makes_its_quote_stale(agent, acme, flight):
    booking = confirmed(acme, flight)
    quote = cancel(agent.client, booking)
    change(acme, booking, seats=2)
    refused(agent.client.post(quote), 409, "has changed since this quote")
    assert "V" not in coupons_of(booking)


def test_a_second_press_changes_nothing_more(agent, acme, flight):
    booking = confirmed(acme, flight)
    quote = cancel(agent.client, booking)
    agent.client.post(quote)
    after = snapshot()
    assert agent.client.post(quote).status_code == 302
    assert snapshot() == after


# --- Staff, and a second person ---


@pytest.fixture
def head(db):
    return User.objects.create_superuser("head-of-reservations")


def test_staff_give_back_more_than_the_limit_with_a_second_person_only(acme, flight, settings, head):
    settings.REFUND_APPROVAL_ABOVE = Decimal(10)
    booking, client = confirmed(acme, flight), in_role("reservations")
    quote = cancel(client, booking)
    assert "a second person must agree" in text(client.get(quote))
    client.post(quote, {"reason": "ill"})
    assert coupons_of(booking) == ["O"]
    approval = Approval.objects.get()
    assert (approval.act, str(approval.object_id)) == ("refund_booking", booking["booking_id"])
    approvals.grant(approval.pk, user=head, at=approval.asked_at)
    client.post(quote, {"reason": "ill"})
    assert coupons_of(booking) == ["V"]


def test_small_parts_are_no_way_around_the_limit(acme, flight, settings):
    booking, client = confirmed(acme, flight, passengers=[*NAMED, {"surname": "Third", "given_name": "C"}]), None
    total = Decimal(str(booking["total_amount"]))
    settings.REFUND_APPROVAL_ABOVE = total / 3 + 1
    client = in_role("reservations")
    for ticket in booking["tickets"][:2]:
        body = {"what": "passengers", "passengers": [ticket["ticket_id"]]}
        client.post(cancel(client, booking, body), {"reason": "ill"})
    assert sorted(coupons_of(booking)) == ["O", "O", "R"]
    assert Approval.objects.count() == 1


def test_small_parts_with_products_are_no_way_around_the_limit(acme, flight, settings):
    booking, client = confirmed(acme, flight, passengers=[*NAMED, {"surname": "Third", "given_name": "C"}]), None
    shop.product("BAG", "400.00", rfic="C", rfisc="0CC")
    for ticket in booking["tickets"]:
        shop.run(shop.order(acme, {"product_id": "BAG", "quantity": 1, "ticket_id": ticket["ticket_id"]}))
    back = Decimal(str(booking["total_amount"])) / 3 + 400
    settings.REFUND_APPROVAL_ABOVE = 2 * back - 1
    client = in_role("reservations")
    for ticket in booking["tickets"][:2]:
        body = {"what": "passengers", "passengers": [ticket["ticket_id"]]}
        client.post(cancel(client, booking, body), {"reason": "ill"})
    assert sorted(coupons_of(booking)) == ["O", "O", "R"]
    assert Approval.objects.count() == 1


def test_fewer_seats_with_products_need_a_second_person_too(acme, flight, settings):
    booking = confirmed(acme, flight, passengers=NAMED)
    shop.product("BAG", "400.00", rfic="C", rfisc="0CC")
    for ticket in booking["tickets"]:
        shop.run(shop.order(acme, {"product_id": "BAG", "quantity": 1, "ticket_id": ticket["ticket_id"]}))
    settings.REFUND_APPROVAL_ABOVE = Decimal(str(booking["total_amount"])) / 2 + 399
    client = in_role("reservations")
    quote = quote_of(client.post(page_of(booking, "booking-change"), {"seats": 1}), "change")
    assert "a second person must agree" in text(client.get(quote))
    client.post(quote, {"reason": "ill"})
    assert coupons_of(booking) == ["O", "O"]


def test_staff_say_why(acme, flight):
    booking, client = confirmed(acme, flight), in_role("reservations")
    quote = cancel(client, booking)
    refused(client.post(quote), 400, "Why")
    client.post(quote, {"reason": "passenger is ill"})
    [(reason,)] = query(
        "SELECT reason FROM skybridge_event WHERE action = 'booking.canceled' AND subject_id = %s",
        booking["booking_id"],
    )
    assert "passenger is ill" in reason


def test_an_agency_needs_no_second_person(agent, acme, flight, settings):
    settings.REFUND_APPROVAL_ABOVE = Decimal(10)
    booking = confirmed(acme, flight)
    agent.client.post(cancel(agent.client, booking))
    assert coupons_of(booking) == ["V"]


@pytest.mark.parametrize("name", ["booking-cancel", "booking-change", "booking-refund", "booking-names"])
def test_who_may_only_look_is_refused(acme, flight, name):
    booking, client = confirmed(acme, flight), in_role("viewer")
    assert client.get(page_of(booking, name)).status_code == 403
    assert client.post(page_of(booking, name), ALL).status_code == 403


# --- Travellers ---


def test_a_traveller_cancels_what_no_agency_has_sold(traveller, flight):
    booking = confirmed(traveller, flight)
    client = guest_of(booking)
    client.post(cancel(client, booking))
    assert coupons_of(booking) == ["V"]


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("booking-cancel", ALL),
        ("booking-change", {"seats": 2}),
        ("booking-names", {"version": 2, "surname-1": "X"}),
        ("booking-refund", {"version": 2, "amount": 1}),
    ],
)
def test_an_agency_s_passenger_is_sent_to_the_agency(acme, flight, name, body):
    booking = confirmed(acme, flight)
    client = guest_of(booking)
    before = snapshot()
    assert client.get(page_of(booking, name), headers={"Accept": "text/html"}).status_code == 403
    refused(client.post(page_of(booking, name), body, headers={"Accept": "text/html"}), 403, "Ask the agency")
    assert snapshot() == before


def test_an_agency_s_passenger_does_not_confirm_a_quote_of_the_agency(agent, acme, flight):
    booking = confirmed(acme, flight)
    quote = cancel(agent.client, booking)
    assert guest_of(booking).post(quote).status_code == 403
    assert coupons_of(booking) == ["O"]


def test_a_traveller_does_not_confirm_on_account(traveller, flight):
    booking = book(traveller, flight)
    answer = guest_of(booking).post(page_of(booking, "booking-confirm"), {"version": 1})
    assert answer.status_code == 302
    assert "login" in answer.url
    assert coupons_of(booking) == ["O"]
    assert counters(flight)["sold"] == 0


def test_who_has_only_shown_a_booking_spends_no_money_of_its_owner_s(traveller, flight):
    booking = confirmed(traveller, flight)
    client, before = guest_of(booking), snapshot()
    refused(client.post(page_of(booking, "booking-change"), {"seats": 3}), 403, "costs more")
    assert snapshot() == before
    asked = traveller.post(f"/api/v1/bookings/{booking['booking_id']}/changes", {"seats": 3})
    quote = reverse("booking-change-quote", args=[booking["booking_id"], asked.json()["quote_id"]])
    before = snapshot()
    refused(client.post(quote), 403, "costs more")
    assert snapshot() == before


def test_who_has_shown_a_hold_changes_it_before_anybody_has_paid(traveller, flight):
    booking = book(traveller, flight)
    client = guest_of(booking)
    client.post(quote_of(client.post(page_of(booking, "booking-change"), {"seats": 3}), "change"))
    assert counters(flight)["held"] == 3


# --- Change ---


def test_another_flight_of_the_day_is_taken_at_the_price_shown(agent, acme, flight):
    other = later(flight, hours=3)
    booking = confirmed(acme, flight, seats=2)
    page = agent.client.get(page_of(booking, "booking-change"), {"flight": flight.pk, "date": other.departure_date})
    [move] = page.context["moves"]
    quote = quote_of(
        agent.client.post(page_of(booking, "booking-change"), {"flight": flight.pk, "to": other.pk}), "change"
    )
    shown = agent.client.get(quote)
    assert "FL456" in text(shown)
    quoted = shown.context["quote"]
    assert quoted["due_amount"] - quoted["refund_amount"] == move.due_amount
    agent.client.post(quote)
    assert sorted(coupons_of(booking)) == ["E", "E", "O", "O"]
    assert (counters(flight)["sold"], counters(other)["sold"]) == (0, 2)


def test_a_flight_elsewhere_is_refused(agent, acme, flight):
    elsewhere = make_flight("JFK", "SFO", departs_at=flight.departs_at)
    booking = confirmed(acme, flight)
    before = snapshot()
    answer = agent.client.post(page_of(booking, "booking-change"), {"flight": flight.pk, "to": elsewhere.pk})
    refused(answer, 409, "does not go where")
    assert snapshot() == before


def test_a_flight_that_overlaps_the_next_one_is_neither_offered_nor_taken(agent, acme, flight):
    onward = make_flight("LAX", "SFO", departs_at=flight.arrives_at + timedelta(hours=1))
    late = later(flight, hours=3)
    booking = confirmed(acme, flight, onward)
    page = agent.client.get(page_of(booking, "booking-change"), {"flight": flight.pk, "date": late.departure_date})
    assert page.context["moves"] == []
    answer = agent.client.post(page_of(booking, "booking-change"), {"flight": flight.pk, "to": late.pk})
    refused(answer, 409, "does not fit between")


def test_seats_are_added_at_today_s_price(agent, acme, flight):
    booking = confirmed(acme, flight)
    quote = quote_of(agent.client.post(page_of(booking, "booking-change"), {"seats": 3}), "change")
    agent.client.post(quote)
    assert counters(flight)["sold"] == 3


def test_a_sold_out_flight_keeps_the_form(agent, acme, flight):
    full = make_flight("JFK", "LAX", departs_at=flight.departs_at + timedelta(hours=2), seats=1)
    booking = confirmed(acme, flight, seats=2)
    answer = agent.client.post(page_of(booking, "booking-change"), {"flight": flight.pk, "to": full.pk})
    refused(answer, 409, "Too few seats")
    assert counters(flight)["sold"] == 2


@pytest.mark.parametrize("body", [{}, {"seats": 10}, {"to": "x"}, {"to": "0190d3a8-6f7e-7c3c-9d55-0f2a6a1e4b11"}])
def test_a_change_of_nothing_is_asked_again(agent, acme, flight, body):
    booking = confirmed(acme, flight)
    assert agent.client.post(page_of(booking, "booking-change"), body).status_code == 400


# --- Names, confirm, refund ---


def test_missing_names_are_given_and_kept_ones_stay(agent, acme, flight):
    booking = confirmed(acme, flight, passengers=[NAMED[0], {}])
    form = agent.client.get(page_of(booking, "booking-names")).context["form"]
    assert "surname-1" not in form.fields
    assert "surname-2" in form.fields
    body = {"version": form["version"].value(), "surname-2": "Babbage", "given_name-2": "Charles"}
    assert agent.client.post(page_of(booking, "booking-names"), body).status_code == 302
    assert query("SELECT surname FROM ticketing_ticket ORDER BY position") == [("Lovelace",), ("Babbage",)]


def test_staff_correct_a_name(acme, flight):
    booking, client = confirmed(acme, flight, passengers=NAMED), in_role("reservations")
    form = client.get(page_of(booking, "booking-names")).context["form"]
    body = {name: form[name].value() or "" for name in form.fields} | {"surname-1": "Lovelace-King"}
    assert client.post(page_of(booking, "booking-names"), body).status_code == 302
    assert query("SELECT surname FROM ticketing_ticket ORDER BY position")[0] == ("Lovelace-King",)


@pytest.mark.parametrize(
    ("fields", "status"), [({"surname-1": "4711"}, 400), ({"version": 1, "surname-1": "Babbage"}, 412)]
)
def test_a_bad_name_or_an_old_page_keeps_what_was_typed(agent, acme, flight, fields, status):
    booking = confirmed(acme, flight)
    before = snapshot()
    answer = agent.client.post(page_of(booking, "booking-names"), {"version": 2, **fields})
    refused(answer, status, fields["surname-1"])
    assert snapshot() == before


def test_a_hold_is_confirmed_on_account(agent, acme, flight):
    booking = book(acme, flight)
    agent.client.post(page_of(booking, "booking-confirm"), {"version": 1})
    assert counters(flight)["sold"] == 1
    shown = text(agent.client.get(page_of(booking)))
    assert "The order is being processed: keeping a copy." in shown
    assert "processed: payment" not in shown


def test_who_gave_an_address_has_the_confirmation_of_a_booking_on_account(agent, acme, flight):
    booking = book(acme, flight, contact={"email": "ada@example.com"})
    agent.client.post(page_of(booking, "booking-confirm"), {"version": 1})
    [(order_id,)] = query("SELECT id FROM orders_order")
    shop.run({"order_id": order_id})
    [message] = mail.outbox
    assert message.to == ["ada@example.com"]
    assert booking["record_locator"] in message.subject


def test_what_has_changed_since_is_not_confirmed(agent, acme, flight):
    booking = book(acme, flight)
    change(acme, booking, seats=2)
    assert agent.client.post(page_of(booking, "booking-confirm"), {"version": 1}).status_code == 412
    assert counters(flight)["sold"] == 0


def test_a_refund_gives_back_what_was_shown(agent, acme, flight):
    booking = confirmed(acme, flight)
    page = agent.client.get(page_of(booking, "booking-refund"))
    body = {"version": page.context["look"].view.booking.version, "amount": page.context["amount_text"]}
    agent.client.post(page_of(booking, "booking-refund"), body)
    assert coupons_of(booking) == ["R"]
    assert shop.balance_of(f"agency:{acme.id}:USD") == 0


def test_all_lines_of_a_refund_have_the_sign_of_what_goes_back(agent, acme, flight):
    booking = confirmed(acme, flight)
    shop.product("BAG1", "35.00", rfic="C", rfisc="0CC")
    sold(acme, bag(booking, quantity=2))
    page = agent.client.get(page_of(booking, "booking-refund"))
    lines = page.context["lines"]
    assert -Decimal(70) in [amount for _, amount in lines]
    assert -sum(amount for _, amount in lines) == page.context["back"].total
    assert "-$70.00" in text(page)


def test_a_refund_of_another_amount_is_refused(agent, acme, flight):
    booking = confirmed(acme, flight)
    before = snapshot()
    answer = agent.client.post(page_of(booking, "booking-refund"), {"version": 2, "amount": "1.00"})
    refused(answer, 409, "has changed since this quote")
    assert snapshot() == before


def test_what_cannot_be_refunded_is_refused(agent, acme, flight):
    assert agent.client.get(page_of(book(acme, flight), "booking-refund")).status_code == 409


def test_each_page_takes_ten_statements_at_most(agent, acme, flight, django_assert_max_num_queries):
    later(flight, hours=3)
    booking = confirmed(acme, flight, passengers=NAMED)
    quote = cancel(agent.client, booking)
    pages = [page_of(booking, f"booking-{name}") for name in ("cancel", "change", "names", "refund", "itinerary")]
    for address in [*pages, quote]:
        with django_assert_max_num_queries(10):
            assert agent.client.get(address).status_code == 200
