"""Staff find anything from one box: each text is sorted into what it can be, and only that is looked up."""

from datetime import date
from uuid import UUID

import pytest
from django.contrib.auth.models import Permission, User
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from orders.finding import Question, understand
from orders.models import Order, arn_of
from tests.bookings.sales import act, book, confirmed
from tests.conftest import session_api
from tests.orders import shop

ID = "0190d3a8-8b10-7b10-8d55-0f2a6a1e4c88"


@pytest.fixture
def office(db):
    return session_api(User.objects.create_superuser("head-of-office")).client


@pytest.fixture
def clerk(db):
    """A member of staff who sees flights and nothing else."""
    user = User.objects.create_user("clerk", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename="view_flight"))
    return session_api(user).client


def find(office, text: str):
    return office.get("/admin/find/", {"q": text})


def booking_page(booking: dict) -> str:
    return f"/admin/bookings/booking/{booking['booking_id']}/change/"


def found(office, text: str) -> list[str]:
    """Return the locators of the bookings that a text finds."""
    response = find(office, text)
    if response.status_code == 302:
        return [response.url]
    return [row.booking.locator for row in response.context["found"].bookings]


# --- What a text can be ---


@pytest.mark.parametrize(
    ("text", "question"),
    [
        (ID, Question(id=UUID(ID))),
        (ID.replace("-", "").upper(), Question(id=UUID(ID))),
        ("arn:aws:states:us-east-1:1:execution:O:" + ID, Question(execution_id=UUID(ID))),
        ("999-2400000001", Question(document="9992400000001")),
        ("999 2400000001", Question(document="9992400000001")),
        ("0999123456", Question(bag_tag="0999123456")),
        ("UA1161 2026-12-01", Question(designator=("UA", 1161, ""), day=date(2026, 12, 1))),
        ("2026-12-01 ua 1161", Question(designator=("UA", 1161, ""), day=date(2026, 12, 1))),
        ("2026-12-01", Question(day=date(2026, 12, 1))),
        ("ua1161", Question(designator=("UA", 1161, ""), user="ua1161")),
    ],
)
def test_what_can_only_be_one_thing_is_that_alone(text, question):
    assert understand(text) == question


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("lovelace", [("lovelace", "")]),
        ("lovelace/ada", [("lovelace", "ada")]),
        ("Lovelace, Ada", [("Lovelace", "Ada")]),
        ("ada lovelace", [("ada lovelace", ""), ("lovelace", "ada"), ("ada", "lovelace")]),
        ("x", ()),
        ("c-1", ()),
    ],
)
def test_names_are_read_as_people_write_them(text, names):
    assert understand(text).names == names


@pytest.mark.parametrize(
    "text", ["", "   ", "\0", "%", "'", "2026-13-45", "²", "arn:aws:x:" + "f" * 36, "é" * 5000, "1" * 400]
)
def test_no_text_is_too_odd(office, text):
    assert find(office, text).status_code == 200


# --- One thing leads to its page ---


def test_a_locator_leads_to_its_booking(office, acme, flight):
    booking = book(acme, flight)
    for text in (booking["record_locator"], booking["record_locator"].lower()):
        assert find(office, text).url == booking_page(booking)


def test_a_ticket_number_leads_to_its_ticket(office, acme, flight):
    ticket = confirmed(acme, flight)["tickets"][0]
    number = ticket["number"]
    for text in (number, f"{number[:3]}-{number[3:]}"):
        assert find(office, text).url == f"/admin/ticketing/ticket/{ticket['ticket_id']}/change/"


def test_ids_lead_to_their_pages(office, acme, flight):
    shop.product()
    order = shop.order(acme, ("PROD001", 1))["order_id"]
    assert find(office, order).url == f"/admin/orders/order/{order}/change/"
    assert find(office, arn_of(order)).url == f"/admin/orders/execution/{order}/change/"
    assert find(office, str(flight.pk)).url == f"/admin/flights/flight/{flight.pk}/change/"
    assert find(office, acme.id).url == f"/admin/partners/agency/{acme.id}/change/"


def test_a_flight_and_date_lead_to_the_flight(office, flight):
    page = f"/admin/flights/flight/{flight.pk}/change/"
    for text in (f"FL123 {flight.departure_date}", f"{flight.departure_date} fl 123", "FL123"):
        assert find(office, text).url == page


def test_an_agency_is_found_by_the_beginning_of_its_name(office, acme):
    assert find(office, "acme tr").url == f"/admin/partners/agency/{acme.id}/change/"


@pytest.mark.parametrize("text", ["ada@example.com", "ADA@example.com", "ada@", "Ada@Exam"])
def test_an_order_is_found_by_the_beginning_of_its_address(office, acme, text):
    shop.product()
    mine = shop.order(acme, ("PROD001", 1), contact_email="Ada@Example.com")["order_id"]
    shop.order(acme, ("PROD001", 1), contact_email="adam@example.com")
    shop.order(acme, ("PROD001", 1))
    assert find(office, text).url == f"/admin/orders/order/{mine}/change/"


@pytest.mark.parametrize("text", ["zoe@example.com", "ZOE@ex", "+44 20 7946 0018", "+442079460018"])
def test_a_booking_is_found_by_how_to_reach_whoever_made_it(office, acme, flight, text):
    mine = book(acme, flight, contact={"email": "Zoe@Example.com", "phone": "0044 20 7946 0018"})
    book(acme, flight, contact={"email": "zora@example.com", "phone": "+44 20 7946 0019"})
    book(acme, flight)
    assert find(office, text).url == booking_page(mine)


def test_an_address_that_is_the_customer_s_id_too_is_one_order(office, acme):
    shop.product()
    mine = shop.order(acme, ("PROD001", 1), contact_email="ada@example.com", customer_id="ada@example.com")["order_id"]
    assert find(office, "ada@example.com").url == f"/admin/orders/order/{mine}/change/"
    Order.objects.update(deleted_at=timezone.now())
    assert find(office, "ada@example.com").status_code == 200


# --- Names ---


@pytest.mark.parametrize("text", ["muller", "MÜLLER", "mül", "müller/zoe", "zoë muller", "muller zoe", "Müller, Z"])
def test_names_are_found_by_their_beginning_without_case_and_accents(office, acme, flight, text):
    named = book(acme, flight, passengers=[{"surname": "Müller", "given_name": "Zoë"}])
    book(acme, flight, passengers=[{"surname": "Moller", "given_name": "Zoë"}])
    book(acme, flight)
    assert found(office, text) == [booking_page(named)]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("Søndergård", "sondergard"),
        ("O'Brien", "obrien"),
        ("Æther", "aether"),
        ("Иванов", "иван"),
        ("de la Cruz", "de la cr"),
    ],
)
def test_letters_of_other_alphabets_fold_too(office, acme, flight, name, text):
    booking = book(acme, flight, passengers=[{"surname": name}])
    assert found(office, text) == [booking_page(booking)]


def test_several_are_shown_with_what_tells_them_apart(office, acme, flight):
    party = [{"surname": "Hopper", "given_name": "Grace"}, {"surname": "Hopper", "given_name": "Ada"}]
    first = act(acme, book(acme, flight, passengers=party), "confirm").json()
    second = book(acme, flight, passengers=party[:1])
    response = find(office, "hopper")
    assert found(office, "hopper") == [second["record_locator"], first["record_locator"]]
    page = response.content.decode()
    for words in (
        "Hopper/Grace, Hopper/Ada",
        "confirmed",
        "pending",
        f"FL123 {flight.departure_date} JFK-LAX",
        "Acme Travel",
    ):
        assert words in page, words


def test_markup_in_a_text_is_text(office):
    assert "<b>x" not in find(office, "<b>x").content.decode()


# --- What it costs, and who may see what ---


def test_six_statements_are_the_most(office, acme, flight):
    for _ in range(3):
        book(acme, flight, passengers=[{"surname": "Bcdfgh"}], user_id="bcdfgh")
    with CaptureQueriesContext(connection) as statements:
        response = find(office, "bcdfgh")
    assert response.status_code == 200
    assert len(statements) <= 2 + 6  # the session and the user


def test_an_address_takes_as_few(office, acme):
    shop.product()
    for _ in range(3):
        shop.order(acme, ("PROD001", 1), contact_email="ada@example.com")
    with CaptureQueriesContext(connection) as statements:
        assert find(office, "ada@example.com").context["found"].count == 3
    assert len(statements) <= 2 + 2


def test_staff_find_what_they_may_see(clerk, acme, flight):
    booking = book(acme, flight, passengers=[{"surname": "Hopper"}])
    for text in (booking["record_locator"], booking["booking_id"], "hopper", "acme", acme.id):
        response = find(clerk, text)
        assert (response.status_code, response.context["found"].count) == (200, 0), text
    assert find(clerk, "FL123").status_code == 302


def test_others_are_sent_to_the_sign_in(agent, nobody):
    for api in (agent, nobody):
        response = find(api.client, "hopper")
        assert (response.status_code, "/login/" in response.url) == (302, True)


def test_the_box_is_on_every_page_and_needs_no_script(office, flight):
    for path in ("/admin/", "/admin/flights/flight/", f"/admin/flights/flight/{flight.pk}/change/", "/admin/find/"):
        page = office.get(path).content.decode()
        assert '<form id="find" role="search" action="/admin/find/">' in page
        assert 'name="q"' in page


def test_unnamed_seats_are_not_in_the_index_of_names(db):
    with connection.cursor() as cursor:
        cursor.execute("SELECT indexdef FROM pg_indexes WHERE indexname = 'ticket_by_name'")
        [[definition]] = cursor.fetchall()
    assert "WHERE ((surname)::text <> ''::text)" in definition
