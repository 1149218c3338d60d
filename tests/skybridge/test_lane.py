import re
from urllib.parse import quote

import pytest
from django.conf import settings
from django.test import Client, RequestFactory, override_settings
from django.urls import resolve

from bookings.locators import draw_locator
from bookings.models import Booking
from skybridge import lane, problems
from tests.contract.operations import SCHEMA

AN_ID = "0190d3a8-6f7e-7c3c-9d55-0f2a6a1e4b11"
PATHS = [re.sub(r"\{\w+\}", AN_ID, path.replace("{tag_number}", "0999000001")) for path in SCHEMA["paths"]]
OF_ONE_REQUEST = {"X-Request-ID", "RateLimit", "Set-Cookie", "Vary"}


@pytest.mark.parametrize("path", PATHS)
def test_the_lane_leads_where_django_does(path):
    request = RequestFactory().get(path)
    view, match = lane.route_of(request)
    assert view is resolve(path).func
    assert match(path[1:]).groupdict() == resolve(path).kwargs


def test_a_slash_at_the_end_makes_no_difference():
    view, match = lane.api_route(f"/api/v1/bookings/{AN_ID}/")
    assert view.cls.__name__ == "BookingViewSet"
    assert match(f"api/v1/bookings/{AN_ID}/").groupdict() == {"booking_id": AN_ID}


@pytest.mark.parametrize("path", ["/", "/livez", "/admin/", f"/bookings/{AN_ID}/", "/nothing", "/openapi.json"])
def test_pages_and_nothing_go_the_long_way(path):
    assert lane.route_of(RequestFactory().get(path)) is None


@pytest.mark.parametrize("is_secure", [False, True])
def test_the_short_way_answers_with_the_long_ways_headers(acme, flight, is_secure):
    with override_settings(SECURE_HSTS_SECONDS=60):
        lane.safe_headers.cache_clear()
        key = {"x-api-key": acme.headers["x-api-key"]}
        short = Client().get("/searchFlights", headers=key, secure=is_secure)
        long = Client(headers={"cookie": f"{settings.SESSION_COOKIE_NAME}=unknown"}).get(
            "/searchFlights", headers=key, secure=is_secure
        )
    lane.safe_headers.cache_clear()
    assert short.status_code == long.status_code == 400
    shown = [{k: v for k, v in answer.items() if k not in OF_ONE_REQUEST} for answer in (short, long)]
    assert shown[0] == shown[1]
    assert ("Strict-Transport-Security" in short) == is_secure


def test_http_is_sent_to_https_where_it_is_wanted(acme, settings):
    settings.SECURE_SSL_REDIRECT = True
    assert not lane.may_be_short(RequestFactory().get("/searchFlights"))
    assert lane.may_be_short(RequestFactory().get("/searchFlights", secure=True))


def test_another_host_is_refused(acme, settings):
    settings.ALLOWED_HOSTS = ["skybridge.example"]
    answer = acme.get("/searchFlights", host="elsewhere.example")
    assert answer.status_code == 400


def test_paths_that_are_longer_than_any_are_not_remembered():
    user = "/api/v1/mgmt/bookings/user/"
    assert lane.route_of(RequestFactory().get(user + "x" * 255))
    size = lane.api_route.cache_info().currsize
    assert lane.route_of(RequestFactory().get(user + "x" * 60_000)) is None
    assert lane.api_route.cache_info().currsize == size


def test_an_error_in_an_error_is_logged_and_answered(acme, monkeypatch, caplog):
    def fail(exc, where):
        raise RuntimeError("the refusal cannot be written")

    monkeypatch.setattr(problems, "problem_from_exception", fail)
    acme.client.raise_request_exception = False
    answer = acme.get("/searchFlights")
    assert (answer.status_code, answer.json()["code"]) == (500, "internal_error")
    assert answer.json()["request_id"] == answer["X-Request-ID"]
    assert "the refusal cannot be written" in caplog.text


def test_the_next_page_of_any_user(staff):
    for user in ("a?b#c", "日本", "a b%20c"):
        for _ in range(2):
            Booking.objects.create(user_id=user, locator=draw_locator())
        path = f"/api/v1/mgmt/bookings/user/{quote(user, safe='')}"
        link = staff.get(f"{path}?limit=1")["Link"]
        assert len(staff.get(link.split(">")[0].removeprefix("<")).json()) == 1
        assert link.startswith(f"<{path}?")
