"""The second factor: set up, asked for on every way in, throttled, required if the airline says so."""

import re
import time
from base64 import urlsafe_b64encode
from datetime import timedelta
from hashlib import sha256
from importlib import import_module

import pytest
from cryptography.fernet import Fernet
from django.apps import apps
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone
from django_otp.oath import totp
from django_otp.plugins.otp_static.models import StaticDevice, StaticToken
from django_otp.plugins.otp_totp.models import TOTPDevice

from skybridge import second_factor
from skybridge.models import AppDevice, Event
from tests.bookings.sales import query
from tests.skybridge.staff import PASSWORD, signed_in, user_with, with_password, with_role

PAGE = "/account/second-factor/"
DOORS = ["/login/", "/admin/login/"]


@pytest.fixture
def clerk(db) -> User:
    return with_password(user_with("viewer", name="clerk"))


@pytest.fixture
def device(clerk) -> AppDevice:
    """The clerk's second factor, set up through the pages; its present code is used up."""
    browser = signed_in(clerk)
    browser.get(PAGE)
    made = AppDevice.objects.get()
    assert browser.post(f"{PAGE}on/", {"code": code_of(made)}).status_code == 200
    return made


def code_of(device: AppDevice, steps: int = 0) -> str:
    return f"{totp(device.bin_key, t0=-30 * steps):06}"


def fresh(device: AppDevice) -> str:
    """Return a code that has not been used: as if half a minute had passed."""
    AppDevice.objects.filter(pk=device.pk).update(last_t=-1, throttling_failure_count=0)
    return code_of(device)


def first_step(door: str = "/login/", **data) -> Client:
    browser = Client()
    answer = browser.post(door, {"username": "clerk", "password": PASSWORD, **data})
    assert (answer.status_code, answer["Location"]) == (302, "/account/code/")
    return browser


def is_signed_in(browser: Client) -> bool:
    return browser.get("/admin/").status_code == 200


def test_it_is_set_up_with_a_code_and_shows_backup_codes_once(clerk):
    browser = signed_in(clerk)
    page = browser.get(PAGE)
    text = page.content.decode()
    made = AppDevice.objects.get(user=clerk)
    assert (made.confirmed, "<svg" in text, "no-store" in page["Cache-Control"]) == (False, True, True)
    assert "style=" not in text
    assert "<script>" not in text
    assert browser.get(PAGE).content.decode().count(re.search(r"<code>([A-Z2-7 ]+)</code>", text)[1]) == 1  # the same
    answer = browser.post(f"{PAGE}on/", {"code": code_of(made)})
    codes = re.findall(r"<li><code>([a-z2-7]{8})</code>", answer.content.decode())
    assert len(codes) == 10
    assert Event.objects.get(action="second_factor.set_up").actor_id == str(clerk.pk)
    again = browser.get(PAGE).content.decode()
    assert codes[0] not in again
    assert "<svg" not in again
    assert is_signed_in(browser)


def test_a_wrong_code_sets_nothing_up(clerk):
    browser = signed_in(clerk)
    browser.get(PAGE)
    made = AppDevice.objects.get()
    wrong = f"{(int(code_of(made)) + 1) % 1_000_000:06}"
    page = browser.post(f"{PAGE}on/", {"code": wrong}, follow=True).content.decode()
    assert "wrong_code" in page
    assert not AppDevice.objects.filter(confirmed=True).exists()
    assert not StaticToken.objects.exists()


def test_setting_it_up_ends_the_other_sessions(clerk):
    other = signed_in(clerk)
    browser = signed_in(clerk)
    browser.get(PAGE)
    browser.post(f"{PAGE}on/", {"code": code_of(AppDevice.objects.get())})
    assert is_signed_in(browser)
    assert not is_signed_in(other)


@pytest.mark.parametrize(("door", "lands"), [("/login/", "/"), ("/admin/login/", "/admin/")])
def test_signing_in_takes_both_steps(device, door, lands):
    browser = first_step(door)
    assert not is_signed_in(browser)
    assert 'autocomplete="one-time-code"' in browser.get("/account/code/").content.decode()
    answer = browser.post("/account/code/", {"code": fresh(device)})
    assert (answer.status_code, answer["Location"]) == (302, lands)
    assert is_signed_in(browser)


def test_the_page_that_was_wanted_follows_and_no_foreign_one(device):
    wanted = first_step("/admin/login/", next="/admin/flights/flight/")
    assert wanted.post("/account/code/", {"code": fresh(device)})["Location"] == "/admin/flights/flight/"
    foreign = first_step("/admin/login/", next="https://evil.example/")
    assert foreign.post("/account/code/", {"code": fresh(device)})["Location"] == "/admin/"


def test_a_code_works_once(device):
    code = fresh(device)
    assert first_step().post("/account/code/", {"code": code}).status_code == 302
    again = first_step()
    assert "has been used" in again.post("/account/code/", {"code": code}).content.decode()
    assert not is_signed_in(again)


def test_a_backup_code_works_once(device, clerk):
    token = second_factor.make_backup_codes(clerk)[0]
    browser = first_step()
    assert browser.post("/account/code/", {"code": f" {token[:4]}-{token[4:].upper()} "}).status_code == 302
    assert is_signed_in(browser)
    assert StaticToken.objects.count() == 9
    again = first_step()
    again.post("/account/code/", {"code": token})
    assert not is_signed_in(again)


def test_another_users_code_does_not_do(device):
    other = second_factor.new_device(user_with("viewer", name="other"))
    AppDevice.objects.filter(pk=other.pk).update(confirmed=True)
    browser = first_step()
    browser.post("/account/code/", {"code": code_of(other)})
    assert not is_signed_in(browser)


def test_tries_must_wait_longer_and_longer(device):
    browser = first_step()
    assert browser.post("/account/code/", {"code": "x"}).status_code == 200
    AppDevice.objects.update(throttling_failure_count=0)
    browser.post("/account/code/", {"code": "000000"})
    answer = browser.post("/account/code/", {"code": code_of(device, 1)})
    assert answer.status_code == 429
    assert "wait 1 second " in answer.content.decode()


def test_who_keeps_guessing_codes_is_locked_out(device):
    browser = first_step()
    for _ in range(5):
        answer = browser.post("/account/code/", {"code": "abcdefgh"})
    assert answer.status_code == 429
    assert "Try again in 15 minutes" in answer.content.decode()
    assert browser.post("/account/code/", {"code": fresh(device)}).status_code == 429
    assert not is_signed_in(browser)
    for door in DOORS:
        assert Client().post(door, {"username": "clerk", "password": PASSWORD}).status_code == 429


def test_the_second_step_alone_leads_to_the_first(device, monkeypatch):
    assert Client().get("/account/code/")["Location"] == "/login/"
    late = first_step()
    now = time.time()
    monkeypatch.setattr("skybridge.sign_in.time.time", lambda: now + 601)
    assert late.post("/account/code/", {"code": fresh(device)})["Location"] == "/login/"
    assert not is_signed_in(late)


def test_another_password_ends_the_first_step(device, clerk):
    browser = first_step()
    clerk.set_password("another long password")
    clerk.save()
    assert browser.post("/account/code/", {"code": fresh(device)})["Location"] == "/login/"


def test_it_is_turned_off_with_a_code_only(device, clerk):
    browser = first_step()
    browser.post("/account/code/", {"code": fresh(device)})
    assert "wrong_code" in browser.post(f"{PAGE}off/", {"code": "abcdefgh"}, follow=True).content.decode()
    assert AppDevice.objects.filter(confirmed=True).exists()
    browser.post(f"{PAGE}off/", {"code": fresh(device)})
    assert not AppDevice.objects.filter(confirmed=True).exists()
    assert not StaticToken.objects.exists()
    assert Client().post("/login/", {"username": "clerk", "password": PASSWORD})["Location"] == "/"


def test_backup_codes_are_replaced_with_a_code(device, clerk):
    old = second_factor.make_backup_codes(clerk)
    browser = first_step()
    browser.post("/account/code/", {"code": fresh(device)})
    page = browser.post(f"{PAGE}codes/", {"code": old[0]}).content.decode()
    new = re.findall(r"<li><code>([a-z2-7]{8})</code>", page)
    assert len(new) == StaticToken.objects.count() == 10
    assert set(new).isdisjoint(old)
    assert is_signed_in(browser)
    with pytest.raises(second_factor.WrongCode):
        second_factor.check(clerk, old[1])
    StaticDevice.objects.update(throttling_failure_count=0)
    assert second_factor.check(clerk, new[0])


# --- What the database has of it ---


def test_secrets_are_sealed_and_backup_codes_are_digests(device, clerk):
    codes = second_factor.make_backup_codes(clerk)
    rows = [*query("SELECT key FROM otp_totp_totpdevice"), *query("SELECT sealed FROM skybridge_appdevice"),
            *query("SELECT token FROM otp_static_statictoken")]  # fmt: skip
    kept = " ".join(text for (text,) in rows)
    assert device.bin_key.hex() not in kept
    assert not any(code in kept for code in codes)


def test_another_users_sealed_secret_opens_nothing(device, clerk):
    """Who writes to the database copies a secret of their own beside another's account."""
    own = second_factor.new_device(user_with("viewer", name="other"))
    code = code_of(own)
    AppDevice.objects.filter(pk=device.pk).update(sealed=own.sealed, last_t=-1)
    browser = first_step()
    assert "secret cannot be read" in browser.post("/account/code/", {"code": code}).content.decode()
    assert not is_signed_in(browser)


def test_a_key_is_retired_once_its_secrets_were_used(device, clerk, settings):
    old = urlsafe_b64encode(sha256(b"travel documents " + settings.SECRET_KEY.encode()).digest()).decode()
    new = Fernet.generate_key().decode()
    settings.TRAVEL_DOCUMENT_KEYS = [new, old]
    assert second_factor.check(clerk, fresh(device))
    settings.TRAVEL_DOCUMENT_KEYS = [new]
    assert second_factor.check(clerk, fresh(AppDevice.objects.get()))
    settings.TRAVEL_DOCUMENT_KEYS = [old]
    code = f"{totp(device.bin_key):06}"
    AppDevice.objects.update(last_t=-1)
    with pytest.raises(second_factor.SecretUnreadable):
        second_factor.check(clerk, code)
    assert second_factor.check(clerk, second_factor.make_backup_codes(clerk)[0])


def test_what_was_set_up_before_secrets_were_sealed_goes_on(clerk):
    plain = TOTPDevice.objects.create(user=clerk, name="app", confirmed=True)
    key = plain.bin_key
    StaticToken.objects.create(device=StaticDevice.objects.create(user=clerk, confirmed=True), token="abcdefgh")
    migration = import_module("skybridge.migrations.0007_sealed_second_factors")
    migration.seal_secrets(apps, None)
    migration.seal_secrets(apps, None)  # again: nothing
    assert TOTPDevice.objects.get().key == ""
    assert AppDevice.objects.get().bin_key == key
    assert second_factor.check(clerk, f"{totp(key):06}") == AppDevice.objects.get()
    assert second_factor.check(clerk, "abcd-efgh")
    migration.unseal_secrets(apps, None)
    assert TOTPDevice.objects.get().bin_key == key


def test_a_secret_that_nobody_confirmed_is_shown_for_an_hour(clerk):
    first = second_factor.new_device(clerk)
    assert second_factor.new_device(clerk) == first
    AppDevice.objects.update(created_at=timezone.now() - timedelta(hours=1))
    assert second_factor.new_device(clerk).bin_key != first.bin_key
    assert AppDevice.objects.count() == 1


def test_an_administrator_takes_a_lost_one_away(device, clerk):
    page = f"/admin/auth/user/{clerk.pk}/second-factor/"
    assert with_role("supervisor").post(page).status_code == 403
    assert AppDevice.objects.exists()
    assert with_role("administrator").post(page).status_code == 302
    assert not AppDevice.objects.exists()
    assert Event.objects.get(action="second_factor.taken_away").reason == "lost"


# --- Required ---


@pytest.fixture
def required(settings):
    settings.STAFF_SECOND_FACTOR = "required"


def test_staff_without_one_reach_only_its_page(required, clerk):
    browser = signed_in(clerk)
    for path in ("/admin/", "/admin/flights/flight/", "/admin/permissions/"):
        assert browser.get(path)["Location"] == PAGE
    assert browser.post("/admin/auth/user/add/", {})["Location"] == PAGE
    answer = browser.get("/api/v1/bookings")
    assert (answer.status_code, answer.json()["code"]) == (403, "second_factor_required")
    assert "Staff need a second factor" in browser.get(PAGE).content.decode()
    browser.post(f"{PAGE}on/", {"code": code_of(AppDevice.objects.get())})
    assert is_signed_in(browser)
    assert browser.get("/api/v1/bookings").status_code == 200


@pytest.mark.parametrize("header", ["Authorization", "x-api-key"])
@pytest.mark.parametrize("path", ["/admin/", "/account/sessions/", "/api/v1/bookings"])
def test_a_header_does_not_stand_in_for_one(required, clerk, header, path):
    answer = signed_in(clerk).get(path, headers={header: "Basic eDp5", "Accept": "text/html"})
    assert answer.status_code == (403 if path.startswith("/api") and header == "x-api-key" else 302)
    assert answer.get("Location", PAGE) == PAGE


def test_they_can_leave(required, clerk):
    browser = signed_in(clerk)
    assert browser.post("/logout/").status_code == 302
    assert browser.get("/admin/")["Location"].startswith("/admin/login/")


def test_agents_keys_and_health_need_none(required, agent, acme, clerk):
    assert agent.get("/api/v1/bookings").status_code == 200
    assert acme.get("/api/v1/bookings").status_code == 200
    assert signed_in(clerk).get("/readyz").status_code == 200
    assert signed_in(clerk).get("/api/v1/bookings", headers=acme.headers).status_code == 200
