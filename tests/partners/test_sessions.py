"""Staff and agents with a session."""

import pytest
from django.contrib.auth.models import User
from django.test import Client

from tests.conftest import session_api


def test_staff_are_known(staff):
    answer = staff.get("/whoami")
    assert answer.json() == {"kind": "staff", "id": staff.id, "agency": ""}


def test_an_agent_is_known_with_the_agency(agent):
    assert agent.get("/whoami").json() == {"kind": "agent", "id": agent.id, "agency": "Acme Travel"}


def test_an_agent_of_an_inactive_agency_is_forbidden(agent, acme):
    User.objects.get(pk=agent.id).agent.agency.__class__.objects.filter(pk=acme.id).update(is_active=False)
    assert agent.get("/whoami").status_code == 403


def test_any_other_user_is_forbidden(db):
    answer = session_api(User.objects.create_user("passer-by")).get("/whoami")
    assert (answer.status_code, answer.json()["message"]) == (403, "Forbidden")


def test_a_user_who_is_no_longer_active_is_forbidden(staff):
    User.objects.filter(pk=staff.id).update(is_active=False)
    assert staff.get("/whoami").status_code == 403


def test_a_session_has_its_own_plan(staff, settings):
    settings.SESSION_PLAN = {"name": "desk", "rate": 2, "burst": 3}
    assert staff.get("/whoami").headers["RateLimit-Policy"] == '"desk";q=3;w=2'


@pytest.fixture
def careful_staff(staff):
    """Staff in a browser that is checked for CSRF."""
    staff.client = Client(enforce_csrf_checks=True)
    staff.client.force_login(User.objects.get(pk=staff.id))
    return staff


def test_an_unsafe_call_needs_the_csrf_token(careful_staff):
    assert careful_staff.get("/whoami").status_code == 200
    answer = careful_staff.post("/whoami", {})
    assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")


def test_an_unsafe_call_with_the_csrf_token_is_let_in(careful_staff):
    careful_staff.client.cookies["csrftoken"] = token = "t" * 32
    assert careful_staff.post("/whoami", {}, X_CSRFToken=token).status_code == 200


def test_a_key_needs_no_csrf_token(careful_staff, acme):
    assert careful_staff.post("/whoami", {}, **{"x-api-key": acme.headers["x-api-key"]}).json()["kind"] == "agency"
