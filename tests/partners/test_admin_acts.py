"""What staff do to agencies and their keys in the back office; a key's text is shown once."""

import re

import pytest

from partners import services
from partners.models import Agency, ApiKey, Plan
from skybridge.models import Event
from tests.partners.conftest import ADMIN
from tests.skybridge.desk import act_page, confirm, do, forge, look, offered, text
from tests.skybridge.staff import with_role

AGENCIES, KEYS = "partners/agency", "partners/apikey"


@pytest.fixture
def boss(db):
    return with_role("administrator", name="boss")


@pytest.fixture
def key(agency) -> ApiKey:
    return services.create_api_key(agency, actor=ADMIN)[0]


@pytest.mark.parametrize("role", ["viewer", "reservations", "check-in", "supervisor", "finance", "administrator"])
def test_keys_and_plans_are_for_administrators(agency, key, role):
    client, may = with_role(role), role == "administrator"
    other = Plan.objects.create(name="other")
    for model, act, pk in (
        (AGENCIES, "create_key", agency.pk), (AGENCIES, "change_plan", agency.pk),
        (KEYS, "rotate", key.pk), (KEYS, "revoke", key.pk),
    ):  # fmt: skip
        assert client.get(act_page(model, act), {"id": pk}).status_code == (200 if may else 403)
        if not may:
            assert forge(client, model, act, pk, mode="live", plan=other.pk).status_code == 403
    assert ApiKey.objects.filter(revoked_at=None).count() == 1
    assert Agency.objects.get().plan_id == agency.plan_id


def test_a_key_is_made_and_shown_once(boss, agency, whoami):
    page = do(boss, AGENCIES, "create_key", agency.pk, mode="live", name="Till 1")
    key = re.search(r"sb_live_[a-z2-7]{32}", page)[0]
    assert "it is shown only now" in page
    assert whoami(x_api_key=key).status_code == 200
    event = Event.objects.get(action="api_key.created")
    assert (event.actor_kind, event.door, event.reason) == ("staff", "admin", "Because.")
    for path in (f"/admin/{AGENCIES}/", f"/admin/{KEYS}/{ApiKey.objects.get().pk}/change/", "/admin/"):
        assert key not in text(boss.get(path))
    assert ApiKey.objects.get().name == "Till 1"


def test_a_page_submitted_twice_makes_one_key_and_shows_it_once(boss, agency):
    page = look(boss, AGENCIES, "create_key", agency.pk)
    form = {"mode": "test", "name": ""}
    first = text(confirm(boss, AGENCIES, "create_key", page, **form))
    assert "sb_test_" in first
    again = text(confirm(boss, AGENCIES, "create_key", page, **form))
    assert "request_in_progress" in again
    assert not re.search(r"sb_test_[a-z2-7]{32}", again)
    assert ApiKey.objects.count() == 1


def test_a_third_key_is_refused(boss, agency, key):
    do(boss, AGENCIES, "create_key", agency.pk, mode="test")
    assert "(too_many_api_keys)" in do(boss, AGENCIES, "create_key", agency.pk, mode="test")
    assert ApiKey.objects.count() == 2


def test_a_key_is_rotated(boss, key, whoami):
    page = do(boss, KEYS, "rotate", key.pk, hours=0)
    new = re.search(r"sb_test_[a-z2-7]{32}", page)[0]
    assert whoami(x_api_key=new).status_code == 200
    key.refresh_from_db()
    assert key.revoked_at is not None


def test_a_rotated_key_can_work_on_for_some_hours(boss, key):
    do(boss, KEYS, "rotate", key.pk, hours=24)
    key.refresh_from_db()
    assert key.revoked_at is None
    assert key.expires_at is not None


def test_of_two_live_keys_the_rotated_one_ends_at_once(boss, agency, key):
    do(boss, AGENCIES, "create_key", agency.pk, mode="test")
    assert "There are two live keys, so this one can only end at once" in look(boss, KEYS, "rotate", key.pk)
    assert "is replaced by" in do(boss, KEYS, "rotate", key.pk, hours=24)
    key.refresh_from_db()
    assert key.revoked_at is not None


def test_a_key_is_revoked_with_the_reason(boss, key):
    assert offered(boss, KEYS, key.pk) == {"rotate", "revoke"}
    assert "is revoked" in do(boss, KEYS, "revoke", key.pk)
    key.refresh_from_db()
    assert key.revoked_at is not None
    assert Event.objects.get(action="api_key.revoked").reason == "Because."
    assert offered(boss, KEYS, key.pk) == set()


def test_a_revoked_key_is_not_rotated(boss, key):
    do(boss, KEYS, "revoke", key.pk)
    assert "(api_key_not_live)" in do(boss, KEYS, "rotate", key.pk)
    assert ApiKey.objects.count() == 1


def test_a_plan_is_changed_after_it_was_compared(boss, agency):
    gold = Plan.objects.create(name="gold", rate=50, burst=100)
    page = look(boss, AGENCIES, "change_plan", agency.pk, plan=gold.pk)
    assert "gold: 50" in page
    assert "is on gold" in text(confirm(boss, AGENCIES, "change_plan", page, plan=gold.pk))
    assert Agency.objects.get().plan == gold
    event = Event.objects.get(action="agency.changed")
    assert (event.before["plan"], event.after["plan"], event.reason) == ("fast", "gold", "Because.")
