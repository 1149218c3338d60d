"""Sessions are seen, and can be ended, by oneself and by an administrator."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import Group, User
from django.contrib.sessions.models import Session
from django.test import Client
from django.utils import timezone

from skybridge import staff_sessions
from skybridge.models import Event, StaffSession
from skybridge.tasks import clear_sessions
from tests.skybridge.staff import PASSWORD, signed_in, user_with, with_password, with_role

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
pytestmark = pytest.mark.django_db


@pytest.fixture
def clerk(db) -> User:
    return with_password(user_with("viewer", name="clerk"))


def browse(agent: str = FIREFOX) -> Client:
    browser = Client(REMOTE_ADDR="10.0.0.7", headers={"User-Agent": agent})
    assert browser.post("/login/", {"username": "clerk", "password": PASSWORD}).status_code == 302
    return browser


def is_signed_in(browser: Client) -> bool:
    return browser.get("/admin/").status_code == 200


def forget() -> None:
    """Let this process forget what it has written down, as if a minute had passed."""
    staff_sessions.seen.clear()


def test_a_session_is_written_down_without_its_key(clerk):
    browser = browse()
    row = StaffSession.objects.get()
    assert (row.user, row.address, row.browser) == (clerk, "10.0.0.7", "Firefox 140 on Linux")
    assert row.session_digest == staff_sessions.digest_of(browser.session.session_key)
    assert browser.session.session_key not in str(row.__dict__)


@pytest.mark.parametrize(
    ("agent", "name"),
    [
        (
            "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/140.0 Safari/537.36 Edg/140.0",
            "Edge 140 on Windows",
        ),
        ("Mozilla/5.0 (iPhone; CPU) AppleWebKit/605 Version/18.1 Mobile Safari/604", "Safari 18 on iPhone"),
        ("curl/8.5.0", "curl 8"),
        ("x" * 500, "x" * 60),
        ("", ""),
    ],
)
def test_browsers_in_short(agent, name):
    assert staff_sessions.browser_in(agent) == name


def test_the_last_use_is_written_at_most_once_a_minute(clerk, pass_time, django_assert_num_queries):
    browser = browse()
    before = StaffSession.objects.get().last_used_at
    pass_time(minutes=5)
    is_signed_in(browser)
    assert StaffSession.objects.get().last_used_at == before
    forget()
    is_signed_in(browser)
    assert StaffSession.objects.get().last_used_at > before + timedelta(minutes=4)


def test_callers_with_keys_have_no_session(acme):
    acme.get("/api/v1/bookings")
    assert not StaffSession.objects.exists()


def test_signing_out_ends_the_row(clerk):
    browser = browse()
    browser.post("/logout/")
    assert StaffSession.objects.get().ended_at is not None
    assert not staff_sessions.live_sessions(clerk, at=timezone.now()).exists()


def test_an_administrator_sees_and_ends_a_session(clerk):
    lost, kept = browse("curl/8.5.0"), browse()
    office = with_role("administrator")
    page = office.get(f"/admin/auth/user/{clerk.pk}/change/").content.decode()
    row = StaffSession.objects.get(browser="curl 8")
    end = f"/admin/auth/user/{clerk.pk}/sessions/{row.pk}/end/"
    assert end in page
    assert "Firefox 140 on Linux" in page
    assert office.get(end).status_code == 405
    assert office.post(end).status_code == 302
    assert not is_signed_in(lost)
    assert is_signed_in(kept)
    event = Event.objects.get(action="staff_session.revoked")
    assert (event.subject_id, event.after) == (staff_sessions.subject_of(clerk), {"sessions": [str(row.pk)]})
    assert str(row.pk) not in office.get(f"/admin/auth/user/{clerk.pk}/change/").content.decode()


def test_who_may_not_end_sessions_ends_none(clerk):
    browser = browse()
    row = StaffSession.objects.get(user=clerk)
    for role in ("viewer", "supervisor"):
        assert with_role(role, name=role).post(f"/admin/auth/user/{clerk.pk}/sessions/{row.pk}/end/").status_code == 403
        assert with_role(role, name=f"{role}2").post(f"/admin/auth/user/{clerk.pk}/sessions/end/").status_code == 403
    assert is_signed_in(browser)


def test_an_administrator_does_not_end_sessions_of_superusers():
    boss = User.objects.create_superuser("boss")
    browser = signed_in(boss)
    assert with_role("administrator").post(f"/admin/auth/user/{boss.pk}/sessions/end/").status_code == 403
    assert is_signed_in(browser)


def test_one_sees_and_ends_ones_own(clerk):
    here, there = browse(), browse("curl/8.5.0")
    page = here.get("/account/sessions/").content.decode()
    assert page.count('<th scope="row">') == 2
    assert "(this one)" in page
    row = StaffSession.objects.get(browser="curl 8")
    assert here.post(f"/account/sessions/{row.pk}/end/").status_code == 302
    assert not is_signed_in(there)
    assert is_signed_in(here)


def test_nobody_ends_anothers(clerk):
    browser = browse()
    row = StaffSession.objects.get()
    page = with_role("viewer").post(f"/account/sessions/{row.pk}/end/", follow=True).content.decode()
    assert "not_found" in page
    assert is_signed_in(browser)


def test_signing_out_everywhere(clerk):
    browsers = [browse() for _ in range(3)]
    assert browsers[0].post("/account/sessions/end/").status_code == 302
    assert not any(is_signed_in(browser) for browser in browsers)
    assert Session.objects.filter(session_data="").count() == 0
    assert StaffSession.objects.filter(ended_at=None).count() == 0


def test_another_password_ends_the_other_sessions_and_keeps_this(clerk):
    here, there = browse(), browse("curl/8.5.0")
    new = {"new_password1": "another long password", "new_password2": "another long password"}
    answer = here.post("/admin/password_change/", {"old_password": PASSWORD, **new})
    assert answer.status_code == 302
    assert is_signed_in(here)
    assert not is_signed_in(there)
    clerk.refresh_from_db()
    assert [row.browser for row in staff_sessions.live_sessions(clerk, at=timezone.now())] == ["Firefox 140 on Linux"]


def test_a_session_whose_key_changed_before_it_was_ended_ends_at_its_next_use(clerk):
    browser = browse()
    session = browser.session
    session.cycle_key()
    session.save()
    browser.cookies["sessionid"] = session.session_key
    staff_sessions.revoke_all(clerk, actor=staff_sessions.Actor("staff", "1", "admin"), at=timezone.now())
    browser.get("/admin/")
    assert not is_signed_in(browser)


def test_a_session_from_before_is_written_down_when_it_is_seen(clerk):
    browser = browse()
    session = browser.session
    del session[staff_sessions.MARK]
    session.save()
    StaffSession.objects.all().delete()
    forget()
    assert is_signed_in(browser)
    assert StaffSession.objects.get().user == clerk
    assert is_signed_in(browser)


def test_sessions_that_ended_long_ago_are_forgotten(clerk):
    browse()
    assert (Session.objects.count(), StaffSession.objects.count()) == (1, 1)
    Session.objects.update(expire_date=timezone.now() - timedelta(days=1))
    clear_sessions()
    assert (Session.objects.count(), StaffSession.objects.count()) == (0, 1)
    StaffSession.objects.update(expires_at=timezone.now() - timedelta(days=91))
    clear_sessions()
    assert StaffSession.objects.count() == 0


def test_a_role_s_page_takes_the_same_statements_for_any_number_of_permissions(django_assert_max_num_queries):
    client = signed_in(User.objects.create_superuser("head"))
    role = Group.objects.get(name="supervisor")
    with django_assert_max_num_queries(12):
        assert "Confirm bookings" in client.get(f"/admin/auth/group/{role.pk}/change/").content.decode()
