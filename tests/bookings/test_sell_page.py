"""Selling on a page: passengers are typed once, whatever happens; seats are held once."""

from datetime import timedelta

import pytest

from bookings.models import Booking
from bookings.services import LONGEST_SALE
from flights.models import Flight, FlightCabin
from tests import factories
from tests.bookings.sales import actions_logged, book, counters, database, query
from tests.bookings.selling import ADA, CONTACT, HTML, age, booking_row, hold, sale_path, send
from tests.orders.shop import everything
from tests.skybridge.staff import with_role


@pytest.fixture
def back(flight):
    return factories.flight("LAX", "JFK", departs_at=flight.departs_at + timedelta(days=3))


def test_form_asks_for_each_passenger(agent, flight):
    page = agent.client.get(sale_path(flight, adults=1, children=1, infants=1), headers=HTML)
    assert page.status_code == 200
    names = set(page.context["form"].fields)
    assert {"1-surname", "1-title", "2-birth_date", "3-birth_date"} <= names
    assert not {"1-birth_date", "agency"} & names


def test_conditions_say_that_all_goes_back_within_24_hours(agent, flight):
    far = factories.flight(departs_at=flight.departs_at + timedelta(days=3))
    pages = [agent.client.get(sale_path(one, adults=1), headers=HTML) for one in (flight, far)]
    soon, later = (page.content.decode() for page in pages)
    assert "Free to cancel within 24 hours of the sale" not in soon
    assert "Free to cancel within 24 hours of the sale" in later


def test_seats_are_held(agent, acme, flight):
    held = booking_row(hold(agent.client, flight))
    assert held | {"agency_id": str(held["agency_id"])} == {
        "status": "pending", "contact_email": "ada@example.com", "contact_phone": "12125550123", "user_id": "C-7",
        "agency_id": acme.id, "seats": 1, "order_id": None,
    }  # fmt: skip
    assert counters(flight)["held"] == 1


def test_a_family_both_ways(agent, flight, back):
    family = {"2-given_name": "Byron", "2-surname": "Lovelace", "2-birth_date": age(8),
              "3-given_name": "Anne", "3-surname": "Lovelace", "3-birth_date": age(1)}  # fmt: skip
    response = send(agent.client, sale_path(flight, back, children=1, infants=1), **ADA, **family, **CONTACT)
    assert response.status_code == 302
    assert (counters(flight)["held"], counters(back)["held"]) == (2, 2)
    types = query("SELECT passenger_type FROM ticketing_ticket ORDER BY position")
    assert [kind for (kind,) in types] == ["ADT", "CHD", "INF"]


def test_sent_twice_holds_once(agent, flight):
    fields = {**ADA, **CONTACT, "sending": "one"}
    first, second = (send(agent.client, sale_path(flight), **fields) for _ in range(2))
    assert first["Location"] == second["Location"]
    assert counters(flight)["held"] == 1


def test_another_sending_holds_again(agent, flight):
    for token in ("one", "two"):
        hold(agent.client, flight, sending=token)
    hold(agent.client, flight, sending="one", **{"1-surname": "Byron"})
    assert counters(flight)["held"] == 3


def test_sold_out_keeps_everything_and_offers_others(agent, flight):
    FlightCabin.objects.update(free=0, sold=100)
    other = factories.flight("JFK", "LAX", departs_at=flight.departs_at + timedelta(hours=3))
    before = database()
    page = send(agent.client, sale_path(flight), **ADA, **CONTACT)
    assert page.status_code == 409
    assert database() == before
    text = page.content.decode()
    assert all(f'value="{typed}"' in text for typed in ("Ada", "Lovelace", "ada@example.com", "C-7"))
    [(row, address)] = page.context["instead"]
    assert row.offer.flight.id == other.pk
    assert f"out={other.pk}" in address
    assert send(agent.client, address, **ADA, **CONTACT).status_code == 302
    assert counters(other)["held"] == 1


def test_sold_out_way_back_offers_only_later_than_the_way_out(agent, flight, back):
    FlightCabin.objects.filter(flight=back).update(free=0, sold=100)
    factories.flight("LAX", "JFK", departs_at=flight.departs_at + timedelta(hours=1))
    later = factories.flight("LAX", "JFK", departs_at=flight.departs_at + timedelta(hours=9))
    page = agent.client.get(sale_path(flight, back), headers=HTML)
    [(row, address)] = page.context["instead"]
    assert row.offer.flight.id == later.pk
    assert all(text in address for text in (f"out={flight.pk}", f"back={later.pk}"))


def test_cancelled_flight(agent, flight):
    Flight.objects.update(status="cancelled")
    before = database()
    page = send(agent.client, sale_path(flight), **ADA, **CONTACT)
    assert (page.status_code, page.context["form"].errors.as_data()["__all__"][0].code) == (409, "flight_closed")
    assert database() == before


@pytest.mark.parametrize(
    ("wrong", "field"),
    [({"1-surname": ""}, "1-surname"), ({"1-surname": "Love1ace"}, "1-surname"), ({"email": "ada"}, "email"),
     ({"email": ""}, "email"), ({"phone": "212 555"}, "phone"), ({"1-title": "EARL"}, "1-title"),
     ({"2-birth_date": ""}, "2-birth_date")],
)  # fmt: skip
def test_wrong_input_stays(agent, flight, wrong, field):
    child = {"2-given_name": "Byron", "2-surname": "Lovelace", "2-birth_date": age(8)}
    before = database()
    page = send(agent.client, sale_path(flight, children=1), **{**ADA, **child, **CONTACT, **wrong})
    assert (page.status_code, list(page.context["form"].errors)) == (400, [field])
    assert b'value="Byron"' in page.content
    assert database() == before


def test_wrong_age(agent, flight):
    child = {"2-given_name": "Byron", "2-surname": "Lovelace", "2-birth_date": age(30)}
    before = database()
    page = send(agent.client, sale_path(flight, children=1), **ADA, **child, **CONTACT)
    assert (page.status_code, page.context["form"].errors.as_data()["__all__"][0].code) == (400, "wrong_age")
    assert "2-birth_date" in page.context["form"].errors
    assert database() == before


def test_staff_sells_for_an_agency(staff, acme, flight):
    held = booking_row(hold(staff.client, flight, agency="Acme Travel"))
    assert str(held["agency_id"]) == acme.id


def test_no_such_agency(staff, flight):
    before = database()
    page = send(staff.client, sale_path(flight), **ADA, **CONTACT, agency="Nowhere")
    assert page.status_code == 403
    assert database() == before


def test_an_agent_names_no_agency(agent, acme, zenith, flight):
    held = booking_row(hold(agent.client, flight, agency="Zenith Tours"))
    assert str(held["agency_id"]) == acme.id


def test_nobody_is_led_to_sign_in_and_back(client, flight):
    response = client.get(sale_path(flight))
    assert response.status_code == 302
    assert response["Location"].startswith("/login/?next=%2Fsell%2F%3Fout")


def test_role_without_the_permission(flight):
    before = database()
    assert with_role("check-in").get(sale_path(flight), headers=HTML).status_code == 403
    assert send(with_role("viewer"), sale_path(flight), **ADA, **CONTACT).status_code == 403
    assert database() == before


@pytest.mark.parametrize("asked", ["", "out=x", "out=0190d3a8-6f7e-7c3c-9d55-0f2a6a1e4b11&adults=1&infants=5"])
def test_address_that_names_no_sale(agent, db, asked):
    response = agent.client.get(f"/sell/?{asked}")
    assert (response.status_code, response["Location"].partition("?")[0]) == (302, "/flights/")


def test_no_such_flight(agent, flight):
    path = sale_path(flight).replace(str(flight.pk), "0190d3a8-6f7e-7c3c-9d55-0f2a6a1e4b11")
    assert agent.client.get(path, headers=HTML).status_code == 404


def test_looking_changes_nothing(agent, flight, back, django_assert_max_num_queries):
    before = database()
    with django_assert_max_num_queries(6):
        agent.client.get(sale_path(flight, back), headers=HTML)
    assert database() == before


def test_statements_of_a_hold(agent, flight, back, django_assert_max_num_queries):
    with django_assert_max_num_queries(18):  # a transaction and its savepoints among them
        hold(agent.client, flight, back)


# --- Holding for longer ---


def extend(client, booking_id: str, **fields):
    return client.post(f"/bookings/{booking_id}/extend/", fields, headers=HTML)


def deadline(booking_id: str):
    return Booking.objects.get(pk=booking_id).expires_at


def test_hold_for_longer(agent, flight, pass_time):
    held = hold(agent.client, flight)
    before = deadline(held)
    pass_time(minutes=10)
    response = extend(agent.client, held, next=f"/bookings/{held}/extras/")
    assert (response.status_code, response["Location"]) == (302, f"/bookings/{held}/extras/")
    assert timedelta(minutes=9) < deadline(held) - before < timedelta(minutes=11)
    assert actions_logged({"booking_id": held})[-1] == "booking.hold_extended"


def test_not_beyond_the_limit(agent, flight, pass_time):
    held = hold(agent.client, flight)
    made = Booking.objects.get(pk=held).created_at
    for _ in range(8):
        pass_time(minutes=15)
        extend(agent.client, held)
    assert deadline(held) == made + LONGEST_SALE
    before = everything()
    assert extend(agent.client, held).status_code == 302
    assert everything() == before


def test_back_only_to_our_own_pages(agent, flight):
    held = hold(agent.client, flight)
    assert extend(agent.client, held, next="https://evil.example/")["Location"] == f"/bookings/{held}/"


def test_run_out_is_not_revived(agent, flight, pass_time):
    held = hold(agent.client, flight)
    pass_time(minutes=21)
    before = database()
    extend(agent.client, held)
    assert database() == before


def test_anothers_hold(agent, zenith, flight):
    held = book(zenith, flight)
    before = database()
    assert extend(agent.client, held["booking_id"]).status_code == 404
    assert agent.client.get(f"/bookings/{held['booking_id']}/extend/").status_code == 405
    assert database() == before
