"""Agents and staff sign in with a form, and then call the API as who they are."""

import pytest
from django.contrib.auth.models import User
from django.test import Client


@pytest.fixture
def browser(agent):
    user = User.objects.get(username="demo-agent")
    user.set_password("a long demo password")
    user.save()
    return Client(enforce_csrf_checks=True)


def sign_in(browser, password: str):
    token = browser.get("/login/").cookies["csrftoken"].value
    form = {"username": "demo-agent", "password": password, "csrfmiddlewaretoken": token}
    return browser.post("/login/", form)


def test_an_agent_signs_in_and_calls_as_the_agency(browser):
    answer = sign_in(browser, "a long demo password")
    assert (answer.status_code, answer["Location"]) == (302, "/")
    assert "Signed in as demo-agent" in browser.get("/").content.decode()
    assert browser.get("/api/v1/bookings").status_code == 200


def test_a_wrong_password_is_refused_and_says_what_to_do(browser):
    answer = sign_in(browser, "not the password")
    assert answer.status_code == 200
    assert "Try again" in answer.content.decode()
    assert browser.get("/api/v1/bookings").status_code == 403


def test_signing_out_ends_the_session(browser):
    sign_in(browser, "a long demo password")
    token = browser.cookies["csrftoken"].value
    assert browser.post("/logout/", {"csrfmiddlewaretoken": token}).status_code == 302
    assert browser.get("/api/v1/bookings").status_code == 403
