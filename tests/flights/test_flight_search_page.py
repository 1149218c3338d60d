"""Searching flights on a page: places as people type them, results, other days, and both ways."""

from datetime import datetime, time, timedelta
from urllib.parse import parse_qs, urlsplit
from zoneinfo import ZoneInfo

import pytest
from django.test import Client
from django.utils import timezone

from flights.models import FlightCabin
from tests import factories
from tests.bookings.sales import database

PLACES = ("JFK", "LGA", "EWR", "LAX", "PWM", "PDX", "ZRH")


@pytest.fixture
def noon(db) -> datetime:
    """Noon in New York in ten days."""
    day = (timezone.now() + timedelta(days=10)).date()
    return datetime.combine(day, time(12), ZoneInfo("America/New_York"))


@pytest.fixture
def out(noon):
    return factories.flight("JFK", "LAX", carrier="FL", number=123, departs_at=noon, aircraft_type="A321-231")


@pytest.fixture
def back(noon):
    return factories.flight("LAX", "JFK", carrier="FL", number=124, departs_at=noon + timedelta(days=3))


def search(client: Client, flight, **more):
    asked = {"origin": flight.origin_id, "destination": flight.destination_id, "departure": flight.departure_date}
    return client.get("/flights/", {**asked, **more}, headers={"Accept": "text/html"})


def links(response, path: str) -> list[dict[str, list[str]]]:
    """Return the queries of a page's links to a path."""
    texts = [part.split('"')[0].replace("&amp;", "&") for part in response.content.decode().split('href="')[1:]]
    return [parse_qs(urlsplit(text).query) for text in texts if urlsplit(text).path == path]


def test_empty_form(client, db):
    response = client.get("/flights/")
    assert response.status_code == 200
    assert b'name="origin"' in response.content
    assert b'id="results"' not in response.content


def test_flight_found(client, out):
    page = search(client, out).content.decode()
    assert all(text in page for text in ("FL123", "A321-231", "12:00", "15:00", "6h", "$238.31"))


def test_select_leads_to_the_sale(client, out):
    [query] = links(search(client, out, adults=2, children=1, infants=1), "/sell/")
    assert query["out"] == [str(out.pk)]
    assert (query["adults"], query["children"], query["infants"]) == (["2"], ["1"], ["1"])


def test_price_of_the_party(client, acme, out):
    response = search(client, out, adults=2, children=1, infants=1)
    [row] = response.context["results"].rows
    body = {"flights": [{"event_id": str(out.pk)}]}
    party = [{"passenger_type": kind} for kind in ("ADT", "ADT", "CHD", "INF")]
    held = acme.post("/api/v1/bookings", {**body, "passengers": party}).json()
    assert float(row.amount) == held["total_amount"]


def test_both_ways(client, out, back):
    asked = {"homeward": back.departure_date}
    [chosen] = [query for query in links(search(client, out, **asked), "") if "out" in query]
    assert chosen["out"] == [str(out.pk)]
    response = search(client, out, **asked, out=str(out.pk))
    [query] = links(response, "/sell/")
    assert (query["out"], query["back"]) == ([str(out.pk)], [str(back.pk)])
    [row] = response.context["results"].rows
    assert row.both_ways == row.amount + response.context["chosen"].amount


def test_way_back_leaves_after_the_way_out_has_arrived(client, out, noon):
    factories.flight("LAX", "JFK", departs_at=noon + timedelta(hours=1))
    response = search(client, out, homeward=out.departure_date, out=str(out.pk))
    assert response.context["results"].rows == []


@pytest.mark.parametrize("chosen", ["nonsense", "0190d3a8-6f7e-7c3c-9d55-0f2a6a1e4b11"])
def test_no_such_way_out(client, out, back, chosen):
    response = search(client, out, homeward=back.departure_date, out=chosen)
    assert response.status_code == (200 if chosen == "nonsense" else 404)


def test_few_seats_left(client, out):
    FlightCabin.objects.update(free=3, sold=97)
    assert b"3 left" in search(client, out).content
    assert search(client, out, adults=4).context["results"].rows == []


@pytest.mark.parametrize("sort", ["price", "duration", "departure", "nonsense"])
def test_sorted(client, out, noon, sort):
    factories.flight("JFK", "LAX", departs_at=noon + timedelta(hours=2))
    response = search(client, out, sort=sort)
    assert len(response.context["results"].rows) == 2
    assert b'aria-current="true"' in response.content


def test_pages(client, out, noon):
    for minutes in range(21):
        factories.flight("JFK", "LAX", departs_at=noon + timedelta(minutes=minutes + 1))
    first = search(client, out)
    assert len(first.context["results"].rows) == 20
    cursor = first.context["results"].following
    assert len(search(client, out, after=cursor).context["results"].rows) == 2


def test_nearest_days(client, out):
    response = search(client, out, departure=out.departure_date + timedelta(days=5))
    assert [found.day for found in response.context["results"].nearest] == [out.departure_date]
    assert b"No flight with enough seats" in response.content


def test_days_around(client, out):
    days = search(client, out).context["results"].days
    assert [found is not None for _, found in days] == [False, False, False, True, False, False, False]


@pytest.mark.parametrize(
    ("changed", "field"),
    [({"origin": "Atlantis"}, "origin"), ({"origin": ""}, "origin"), ({"destination": "JFK"}, "destination"),
     ({"departure": "2020-01-01"}, "departure"), ({"departure": ""}, "departure"),
     ({"homeward": "2020-01-01"}, "homeward"), ({"adults": "11"}, "adults"),
     ({"adults": "9", "children": "1"}, "__all__"), ({"infants": "2"}, "__all__")],
)  # fmt: skip
def test_what_cannot_be_searched(client, out, changed, field):
    response = search(client, out, **changed)
    assert response.status_code == 400
    assert list(response.context["form"].errors) == [field]
    assert b'role="alert"' in response.content
    assert f'value="{out.destination_id if "destination" not in changed else "JFK"}"'.encode() in response.content


def test_a_city_means_all_its_airports(client, out, noon):
    for airport in ("LGA", "EWR"):
        factories.flight(airport, "LAX", departs_at=noon)
    assert len(search(client, out, origin="new york").context["results"].rows) == 3
    assert len(search(client, out, origin="New York (NYC)").context["results"].rows) == 3
    assert len(search(client, out, origin="New York (JFK)").context["results"].rows) == 1


def test_ambiguous_city(client, out, noon):
    for airport in ("PWM", "PDX"):
        factories.flight(airport, "LAX", departs_at=noon)
    response = search(client, out, origin="portland")
    assert response.status_code == 400
    assert {place.code for place in response.context["form"].choices["origin"]} == {"PWM", "PDX"}
    chosen = [query["origin"] for query in links(response, "") if "origin" in query]
    assert ["Portland (PWM)"] in chosen


def test_search_changes_nothing(client, out):
    before = database()
    search(client, out)
    assert database() == before


def test_statements(client, out, back, django_assert_max_num_queries):
    client.get("/airports/?q=x")
    with django_assert_max_num_queries(3):
        search(client, out)
    with django_assert_max_num_queries(4):
        search(client, out, homeward=back.departure_date, out=str(out.pk))


def test_home_page_searches(client, db, django_assert_max_num_queries):
    with django_assert_max_num_queries(0):
        response = client.get("/", headers={"Accept": "text/html"})
    assert b'action="/flights/#results"' in response.content


# --- Suggestions ---


def suggested(client: Client, text: str) -> list[str]:
    return [place["value"] for place in client.get("/airports/", {"q": text}).json()["places"]]


@pytest.fixture
def world(db):
    for iata in PLACES:
        factories.airport(iata)
    for iata in ("JFK", "LGA", "EWR"):
        factories.flight(iata, "LAX")


@pytest.mark.parametrize(
    ("text", "first"),
    [("jfk", "New York (JFK)"), ("new y", "New York (NYC)"), ("kennedy", "New York (JFK)"),
     ("LOS", "Los Angeles (LAX)"), ("zuri", "Zurich (ZRH)"), ("zür", "Zurich (ZRH)"), ("nyc", "New York (NYC)")],
)  # fmt: skip
def test_suggestions(client, world, text, first):
    assert suggested(client, text)[0] == first


@pytest.mark.parametrize("text", ["", "  ", "qqqq", "'"])
def test_no_suggestion(client, world, text):
    assert suggested(client, text) == []


def test_suggestions_ask_the_database_once(client, world, django_assert_num_queries):
    with django_assert_num_queries(1):
        suggested(client, "new")
    with django_assert_num_queries(0):
        assert len(suggested(client, "new")) > 1


def test_suggestions_speak_the_visitors_language(client, world):
    [place] = client.get("/airports/?q=zrh", headers={"Accept-Language": "es"}).json()["places"]
    assert place["country"] == "Suiza"


def test_durations_in_arabic(client, out):
    page = client.get("/flights/", {"origin": "JFK", "destination": "LAX", "departure": out.departure_date},
                      headers={"Accept": "text/html", "Accept-Language": "ar"}).content.decode()  # fmt: skip
    assert "6 س" in page
    assert 'dir="rtl"' in page
