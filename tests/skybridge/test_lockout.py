"""Who guesses passwords is locked out, by user name and address, on every way in; keys and tokens never are."""

from datetime import timedelta

import pytest
from axes.models import AccessAttempt
from django.contrib.auth.models import User
from django.test import Client, RequestFactory

from skybridge.client_addresses import client_address
from skybridge.models import Event
from tests.skybridge.staff import PASSWORD, user_with, with_password, with_role

DOORS = ["/login/", "/admin/login/"]


@pytest.fixture
def clerk(db) -> User:
    return with_password(user_with("viewer", name="clerk"))


def sign_in(password: str = PASSWORD, door: str = "/login/", name: str = "clerk", address: str = "10.0.0.1"):
    return Client(REMOTE_ADDR=address).post(door, {"username": name, "password": password})


def fail(times: int, door: str = "/login/", **who):
    return [sign_in("wrong", door, **who) for _ in range(times)][-1]


@pytest.mark.parametrize("door", DOORS)
def test_the_fifth_failure_locks_out_and_says_until_when(clerk, door):
    assert fail(4, door).status_code == 200
    answer = fail(1, door)
    assert answer.status_code == 429
    assert 890 < int(answer["Retry-After"]) <= 900
    assert "Try again in 15 minutes" in answer.content.decode()
    for other in DOORS:
        assert sign_in(door=other).status_code == 429  # the right password does not help


def test_a_guesser_has_no_new_address_at_will(clerk):
    for number in range(5):
        answer = sign_in("wrong", address=f"2001:db8::{number}")
    assert answer.status_code == 429
    assert int(answer["Retry-After"]) > 890
    assert sign_in(address="2001:db8::ffff:1").status_code == 429
    assert sign_in(address="2001:db8:0:1::1").status_code == 302


def test_a_program_gets_the_one_error_body(clerk):
    fail(5)
    body = {"username": "clerk", "password": PASSWORD}
    answer = Client(REMOTE_ADDR="10.0.0.1").post("/login/", body, headers={"Accept": "application/json"})
    assert (answer.status_code, answer.json()["code"]) == (429, "sign_in_locked")
    assert answer["Content-Type"] == "application/problem+json"


def test_others_and_other_addresses_are_not_locked_out(clerk):
    with_password(user_with("viewer", name="colleague"))
    fail(5)
    assert sign_in(name="colleague").status_code == 302
    assert sign_in(address="10.0.0.2").status_code == 302


def test_it_ends_and_trying_meanwhile_does_not_make_it_longer(clerk):
    fail(5)
    before = AccessAttempt.objects.get()
    fail(2)
    attempt = AccessAttempt.objects.get()
    assert (attempt.attempt_time, attempt.failures_since_start) == (before.attempt_time, 5)
    AccessAttempt.objects.update(attempt_time=before.attempt_time - timedelta(minutes=15))
    assert sign_in().status_code == 302


def test_signing_in_forgets_the_failures(clerk):
    fail(4)
    assert sign_in().status_code == 302
    assert not AccessAttempt.objects.exists()


def test_what_was_typed_is_not_kept(clerk):
    fail(1)
    kept = AccessAttempt.objects.get()
    assert "wrong" not in kept.post_data


def test_keys_and_sessions_are_not_locked_out(clerk, acme, agent):
    fail(5, address="127.0.0.1")
    fail(5, name="demo-agent", address="127.0.0.1")
    assert acme.get("/api/v1/bookings").status_code == 200
    assert agent.get("/api/v1/bookings").status_code == 200


def test_an_administrator_lets_in(clerk):
    fail(5)
    body = {"action": "unlock", "_selected_action": [AccessAttempt.objects.get().pk]}
    page = "/admin/axes/accessattempt/"
    assert with_role("supervisor").post(page, body).status_code == 403
    assert sign_in().status_code == 429
    assert with_role("administrator").post(page, body).status_code == 302
    assert sign_in().status_code == 302
    assert Event.objects.get(action="sign_in.unlocked").actor_kind == "staff"


# --- Behind proxies ---


@pytest.mark.parametrize(
    ("proxies", "forwarded", "seen"),
    [
        (0, "1.1.1.1", "10.0.0.9"),  # nobody is believed
        (1, "1.1.1.1", "1.1.1.1"),
        (1, "6.6.6.6, 1.1.1.1", "1.1.1.1"),  # the client wrote the left one
        (2, "6.6.6.6, 1.1.1.1, 10.0.0.8", "1.1.1.1"),
        (2, "1.1.1.1", "1.1.1.1"),
        (1, "", "10.0.0.9"),
        (1, "nonsense", None),
        (1, "2001:DB8::1", "2001:db8::1"),
    ],
)
def test_the_address_is_the_one_that_our_proxies_saw(settings, proxies, forwarded, seen):
    settings.TRUSTED_PROXIES = proxies
    request = RequestFactory(REMOTE_ADDR="10.0.0.9").get("/", headers={"X-Forwarded-For": forwarded})
    assert client_address(request) == seen


def test_behind_a_proxy_each_client_is_counted_for_itself(clerk, settings):
    settings.TRUSTED_PROXIES = 1

    def via_proxy(client: str, password: str):
        headers = {"X-Forwarded-For": f"{User.objects.count()}.2.3.4, {client}"}
        return Client().post("/login/", {"username": "clerk", "password": password}, headers=headers)

    for _ in range(5):
        answer = via_proxy("8.8.8.8", "wrong")
    assert answer.status_code == 429
    assert via_proxy("9.9.9.9", PASSWORD).status_code == 302
