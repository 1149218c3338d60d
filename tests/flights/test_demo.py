"""`manage.py demo`: everything is there after it, and nothing happens the second time."""

import json
import stat
from shutil import copytree

import jwt
import pytest
from django.contrib.auth import authenticate
from django.core.management import call_command
from django.test import RequestFactory
from django.utils import timezone

from bookings.demo import ticket_body
from flights.demo import OWN_FLIGHTS
from flights.models import Flight
from partners.keys import caller_with
from partners.models import ApiKey, Plan
from partners.tokens import traveller_with
from skybridge.embedded.keys import make_key_pair
from skybridge.models import Event
from skybridge.roles import ROLES
from tests.conftest import Api


@pytest.fixture(scope="module")
def key_pair(tmp_path_factory):
    directory = tmp_path_factory.mktemp("state")
    make_key_pair(directory)
    return directory


@pytest.fixture
def home(settings, tmp_path, key_pair, airports):
    """A state directory as the first start makes it."""
    copytree(key_pair, tmp_path, dirs_exist_ok=True)
    settings.HOME = tmp_path
    settings.JWT_ISSUER, settings.JWT_AUDIENCE = "https://issuer.test/demo", ["demo"]
    settings.JWT_JWKS_URL = (tmp_path / "jwks.json").as_uri()
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    return tmp_path


@pytest.fixture
def demo(home, monkeypatch):
    """Return a function that runs the command, with our own flights alone, and returns demo.json."""
    monkeypatch.setattr("flights.demo.week_of_patterns", lambda zones: dict.fromkeys(range(1, 8), OWN_FLIGHTS))

    def run() -> dict:
        call_command("demo", url="http://127.0.0.1:9", verbosity=0)
        return json.loads((home / "demo.json").read_text())

    return run


def secrets_of(facts: dict) -> list:
    return [facts["agencies"], facts["users"]]


def test_the_facts(demo, home):
    facts = demo()
    assert facts["url"] == "http://127.0.0.1:9"
    names = ["Acme Travel", "PartnerCo", "Zenith Tours", "Demo Ground Handling"]
    assert [agency["name"] for agency in facts["agencies"]] == names
    assert stat.S_IMODE((home / "demo.json").stat().st_mode) == 0o600
    plans = {agency["name"]: caller_with(agency["api_key"]).plan[:3] for agency in facts["agencies"]}
    assert plans["Acme Travel"] == plans["PartnerCo"] == ("demo", 10_000, 20_000)
    assert plans["Zenith Tours"] == ("default", 5, 10)
    assert Flight.objects.filter(carrier="FL", flight_number=123).exists()


def test_users_can_sign_in(demo):
    request = RequestFactory().post("/login/")
    users = [authenticate(request, username=u["username"], password=u["password"]) for u in demo()["users"]]
    staff, agent, handler, *others = users
    assert (staff.username, staff.is_staff, staff.is_superuser) == ("demo-staff", True, True)
    assert (agent.username, agent.is_staff, agent.agent.agency.name) == ("demo-agent", False, "Acme Travel")
    assert (handler.is_staff, handler.agent.agency.is_ground_handler) == (False, True)
    assert [[group.name for group in user.groups.all()] for user in others] == [[role] for role in ROLES]
    assert not any(user.is_superuser for user in others)


def test_the_travellers_token_is_accepted(demo, settings):
    token = demo()["jwt"]
    assert traveller_with(token).user_id == "demo-traveller"
    claims = jwt.decode(token, options={"verify_signature": False})
    assert claims["exp"] - claims["iat"] == 7 * 24 * 3600


def test_no_token_where_a_real_identity_provider_is_set(demo, settings):
    settings.JWT_JWKS_URL = "https://idp.example/jwks.json"
    assert demo()["jwt"] == ""


def test_the_calls_to_paste(demo):
    facts = demo()
    search, book, confirm, ticket, check_in = facts["curl"]
    key = facts["agencies"][0]["api_key"]
    assert all(f"x-api-key: {key}" in line and facts["url"] in line for line in facts["curl"])
    assert "/searchFlights?departureCity=New%20York" in search
    assert '"flightId": "FL123"' in book
    assert "/confirm" in confirm
    assert '"flightId": "FL' in ticket
    assert check_in.endswith("/checkin'")


def test_the_ticket_to_paste_can_be_checked_in_at_once(demo):
    """Not called through a shell here: `ticket_body` is what the line sends."""
    agency = Api({"x-api-key": demo()["agencies"][0]["api_key"]})
    issued = agency.post("/ticket", ticket_body(timezone.now()))
    answer = agency.post("/checkin", {"order_id": issued.json()["order_id"]})
    assert (answer.status_code, answer.json()["boarding_pass"]["status"]) == (200, "good")


def test_again_nothing_happens(demo, django_assert_num_queries):
    before = demo()
    events = Event.objects.count()
    with django_assert_num_queries(7):
        after = demo()
    assert secrets_of(after) == secrets_of(before)
    assert Event.objects.count() == events


def test_a_lost_file_gives_new_keys_and_ends_the_old(demo, home):
    before = demo()
    (home / "demo.json").unlink()
    after = demo()
    assert ApiKey.objects.filter(revoked_at=None).count() == 4
    assert {a["api_key"] for a in before["agencies"]}.isdisjoint(a["api_key"] for a in after["agencies"])
    test_users_can_sign_in(demo)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"agencies": 3}', '{"agencies": [{}], "users": []}'])
def test_a_broken_file_is_made_anew(demo, home, text):
    (home / "demo.json").write_text(text)
    assert len(demo()["agencies"]) == 4


def test_a_revoked_key_is_replaced_and_the_rest_stays(demo):
    before = demo()
    ApiKey.objects.filter(agency__name="PartnerCo").update(revoked_at="2026-01-01T00:00Z")
    after = demo()
    assert after["agencies"][1]["api_key"] != before["agencies"][1]["api_key"]
    assert after["agencies"][::2] == before["agencies"][::2]
    assert after["users"] == before["users"]


def test_a_file_of_another_database_is_not_trusted(demo, home):
    """Users without the file's keys have other passwords than the file says."""
    before = demo()
    ApiKey.objects.all().delete()
    after = demo()
    assert after["users"] != before["users"]
    test_users_can_sign_in(demo)


def test_a_plan_or_agency_that_was_changed_stays_so(demo):
    demo()
    Plan.objects.filter(name="demo").update(rate=7)
    demo()
    assert Plan.objects.get(name="demo").rate == 7
