"""The check-in desk: finding a passenger, checking in, and each refusal with what was typed kept."""

import pytest

from tests import factories
from tests.bookings.sales import query
from tests.ticketing.airport import agent_of, in_role, opened, sent, text_of
from tests.ticketing.desk import coupons, nothing_changes, passes, sold, soon, ticket_ids
from ticketing.models import BoardingPass, TravelDocument

DESK = "/departures/check-in/"


@pytest.fixture
def clerk(db):
    return in_role("check-in")


def found(clerk, text: str, airport: str = "JFK"):
    return clerk.get(DESK, {"airport": airport, "q": text})


def form_of(clerk, text: str, **more) -> dict:
    """Return what a browser would send of the panel that a text opens."""
    page = found(clerk, text)
    form = page.context["form"]
    body = {"airport": "JFK", "q": text, "party": page.context["key"]}
    body |= {"through": "on"} if page.context["party"].onward else {}
    for one in form.passengers:
        body |= {f"{one.prefix}-chosen": "on"} if one["chosen"].value() else {}
    return body | more


def field(booking: dict, name: str, place: int = 0) -> str:
    return f"p{ticket_ids(booking)[place]}-{name}"


def test_a_passenger_is_found_and_checked_in(clerk, acme):
    booking = sold(acme, soon(number=123))
    page = found(clerk, booking["record_locator"].lower())
    assert "Lovelace, Ada" in text_of(page)
    assert page.content.count(b"autofocus") == 1
    assert b'<button type="submit" autofocus>' in page.content
    done = sent(clerk, DESK, form_of(clerk, booking["record_locator"]), 302)
    assert coupons(booking)[0]["status"] == "C"
    said = opened(clerk, done.headers["Location"])
    assert "Checked in: one boarding pass" in said
    assert f"Seat {coupons(booking)[0]['seat']} No. 1" in said


@pytest.mark.parametrize(("role", "status"), [("check-in", 200), ("viewer", 403)])
def test_the_home_page_leads_to_the_desk_whom_it_lets_in(role, status, db):
    factories.flight()
    person = in_role(role)
    assert person.get(DESK).status_code == status
    home = person.get("/").content.decode()
    assert (f'<a href="{DESK}">' in home) == (status == 200)
    assert '<a href="/departures/">' in home


@pytest.mark.parametrize("text", ["lovelace", "Lovelace/Ada", "Ada Lovelace", "LOVEL"])
def test_names_find(clerk, acme, text):
    sold(acme, soon())
    assert "Lovelace, Ada" in text_of(found(clerk, text))


def test_ticket_numbers_and_passes_find(clerk, acme):
    booking = sold(acme, soon())
    number = booking["tickets"][0]["number"]
    assert "Lovelace, Ada" in text_of(found(clerk, number))
    sent(clerk, DESK, form_of(clerk, number), 302)
    barcode = BoardingPass.objects.get().barcode
    assert "Checked in: one boarding pass" in text_of(found(clerk, barcode))


def test_a_group_is_checked_in_together(clerk, acme, settings):
    settings.FREE_CHECKED_BAGS = 2
    booking = sold(acme, soon(), party="ADT ADT INF")
    body = form_of(clerk, "lovelace", **{field(booking, "bags"): "23 18,5"})
    sent(clerk, DESK, body, 302)
    assert [c["status"] for c in coupons(booking)] == ["C", "C", "C"]
    assert [float(kg) for (kg,) in query("SELECT weight_kg FROM ticketing_bag ORDER BY tag_number")] == [23, 18.5]
    assert len(passes(booking)) == 3


def test_only_those_chosen_are_checked_in(clerk, acme):
    booking = sold(acme, soon(), party="ADT ADT")
    body = form_of(clerk, "lovelace/ada")
    sent(clerk, DESK, body, 302)
    assert [c["status"] for c in coupons(booking)] == ["C", "O"]


def test_several_parties_are_offered(clerk, acme):
    flight = soon()
    sold(acme, flight)
    sold(acme, flight)
    page = found(clerk, "lovelace")
    assert "2 parties fit: which one?" in text_of(page)
    [(_, key), _] = page.context["parties"]
    assert "Check in" in text_of(clerk.get(DESK, {"airport": "JFK", "q": "lovelace", "party": key}))


def test_a_refusal_keeps_what_was_typed(clerk, acme):
    flight = soon()
    first, second = sold(acme, flight), sold(acme, flight, party="CHD ADT")
    sent(clerk, DESK, form_of(clerk, first["record_locator"], **{field(first, "seat"): "22A"}), 302)
    body = form_of(clerk, second["record_locator"], **{field(second, "seat"): "22a", field(second, "bags"): "20"})
    with nothing_changes():
        refused = sent(clerk, DESK, body, 409)
    assert "Somebody else has this seat now." in text_of(refused)
    assert b'value="22a"' in refused.content
    assert b'value="20"' in refused.content


@pytest.mark.parametrize(("name", "value"), [("bags", "heavy"), ("bags", "0"), ("bags", "NaN"), ("seat", "123456")])
def test_bad_input_is_told(clerk, acme, name, value):
    booking = sold(acme, soon())
    body = form_of(clerk, booking["record_locator"], **{field(booking, name): value})
    with nothing_changes():
        said = text_of(sent(clerk, DESK, body, 400))
    assert "Nobody is checked in yet" in said


def test_somebody_must_be_chosen(clerk, acme):
    booking = sold(acme, soon())
    body = form_of(clerk, booking["record_locator"])
    del body[field(booking, "chosen")]
    with nothing_changes():
        assert "Choose at least one passenger" in text_of(sent(clerk, DESK, body, 400))


def test_a_flight_abroad_asks_for_the_document(clerk, acme):
    booking = sold(acme, soon("JFK", "LHR"))
    page = found(clerk, booking["record_locator"])
    assert "the travel document is missing" in text_of(page)
    body = form_of(clerk, booking["record_locator"])
    with nothing_changes():
        assert "Nobody is checked in yet" in text_of(sent(clerk, DESK, body, 400))
    document = {"type": "P", "number": "X12345678", "issuing_country": "usa", "nationality": "USA"}
    document |= {"expiry_date": "2040-01-31"}
    body |= {field(booking, f"document-{name}"): value for name, value in document.items()}
    with nothing_changes():
        wrong = body | {field(booking, "document-nationality"): "XYQ"}
        assert "Three letters as in the document" in text_of(sent(clerk, DESK, wrong, 400))
    sent(clerk, DESK, body, 302)
    assert TravelDocument.objects.get().masked == "P USA ••••5678"


def test_the_desk_says_where_else_to_go(clerk, acme):
    elsewhere = sold(acme, soon("BOS", "LAX"))
    later = sold(acme, factories.flight())
    assert "This flight leaves from BOS" in text_of(found(clerk, elsewhere["record_locator"]))
    assert "Check-in is not open yet." in text_of(found(clerk, later["record_locator"]))
    assert "Nobody is found." in text_of(found(clerk, "Nobody"))


def test_a_party_that_is_not_there_is_not_checked_in(clerk, acme):
    booking = sold(acme, soon())
    body = form_of(clerk, booking["record_locator"])
    with nothing_changes():
        sent(clerk, DESK, body | {"party": body["party"][:-4] + "0000"}, 404)


def test_the_ground_handler_checks_anybodys_passengers_in(acme, zenith, handler):
    booking = sold(acme, soon())
    with nothing_changes():
        sent(agent_of(zenith), DESK, {"airport": "JFK"}, 403)
        opened(in_role("viewer"), DESK, 403)
    agent = agent_of(handler)
    sent(agent, DESK, form_of(agent, booking["record_locator"]), 302)
    assert coupons(booking)[0]["status"] == "C"


def test_the_ground_handler_keeps_to_the_closing_time(acme, handler):
    booking = sold(acme, soon(hours=2))
    agent = agent_of(handler)
    body = form_of(agent, booking["record_locator"])
    query("UPDATE flights_flight SET departs_at = departs_at - interval '80 minutes' RETURNING 1")
    with nothing_changes():
        assert "Check-in for this flight is closed." in text_of(sent(agent, DESK, body, 409))


def test_the_desk_needs_few_statements(clerk, acme, django_assert_max_num_queries):
    booking = sold(acme, soon(), party="ADT ADT ADT")
    found(clerk, booking["record_locator"])
    for text in (booking["record_locator"], "lovelace", ""):
        with django_assert_max_num_queries(10):
            found(clerk, text)
    with nothing_changes():
        found(clerk, booking["record_locator"])


def test_a_journey_is_checked_in_to_its_end(clerk, acme):
    there, onward = soon(number=1), soon("LAX", "LHR", number=2, hours=12)
    booking = sold(acme, there, onward)
    page = found(clerk, booking["record_locator"])
    assert "Also on FL 2 LAX–LHR" in text_of(page)
    assert "A later flight crosses a border: the travel document is missing." in text_of(page)
    body = form_of(clerk, booking["record_locator"])
    with nothing_changes():
        sent(clerk, DESK, body, 400)
    document = {"type": "P", "number": "X12345678", "issuing_country": "USA", "nationality": "USA"}
    document |= {"expiry_date": "2040-01-31"}
    body |= {field(booking, f"document-{name}"): value for name, value in document.items()}
    done = sent(clerk, DESK, body, 302)
    assert [coupon["status"] for coupon in coupons(booking)] == ["C", "C"]
    assert "FL2 LAX–LHR" in opened(clerk, done.headers["Location"])


def test_only_the_first_flight_of_a_journey_is_wanted(clerk, acme):
    booking = sold(acme, soon(number=1), soon("LAX", "LHR", number=2, hours=12))
    body = form_of(clerk, booking["record_locator"])
    del body["through"]
    sent(clerk, DESK, body, 302)
    assert [coupon["status"] for coupon in coupons(booking)] == ["C", "O"]
