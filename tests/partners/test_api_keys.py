"""Keys: made, shown once, replaced, ended."""

import hashlib
import threading
from datetime import timedelta

import pytest
from django.conf import settings
from django.db import connection, connections
from django.utils import timezone

from partners import keys, services
from partners.exceptions import KeyNotLive, TooManyKeys
from partners.models import ApiKey
from skybridge.exceptions import InvalidInput
from skybridge.models import Event
from tests.partners.conftest import ADMIN


def make(agency, **terms) -> tuple[ApiKey, str]:
    return services.create_api_key(agency, actor=ADMIN, **terms)


def test_a_key_opens_the_door(agency, whoami):
    _, key = make(agency)
    answer = whoami(x_api_key=key)
    assert answer.status_code == 200
    assert answer.json() == {"kind": "agency", "id": str(agency.pk), "agency": "Partner Co"}


@pytest.mark.parametrize("mode", ["test", "live"])
def test_a_key_has_160_random_bits_and_only_its_digest_is_kept(agency, mode):
    api_key, key = make(agency, mode=mode)
    assert key.startswith(f"sb_{mode}_")
    assert len(key) == len(f"sb_{mode}_") + 160 // 5
    assert bytes(api_key.digest) == hashlib.sha256(key.encode()).digest()
    with connection.cursor() as cursor:
        cursor.execute("SELECT (k.*)::text FROM partners_apikey k")
        assert key[keys.SHOWN :] not in cursor.fetchone()[0]


def test_creation_is_an_event_without_the_secret(agency):
    api_key, key = make(agency, name="Web shop")
    event = Event.objects.get(action="api_key.created")
    assert event.subject_id == api_key.pk
    assert event.after == {
        "agency": str(agency.pk),
        "prefix": key[: keys.SHOWN],
        "name": "Web shop",
        "expires_at": None,
    }


def test_a_third_live_key_is_refused(agency):
    make(agency)
    make(agency)
    with pytest.raises(TooManyKeys) as refusal:
        make(agency)
    assert refusal.value.code == "too_many_api_keys"
    assert agency.api_keys.count() == 2
    assert Event.objects.count() == 2


def test_expired_and_revoked_keys_do_not_count(agency):
    first, _ = make(agency)
    second, _ = make(agency, expires_at=timezone.now() + timedelta(days=1))
    services.revoke_api_key(first, actor=ADMIN)
    ApiKey.objects.filter(pk=second.pk).update(expires_at=timezone.now())
    make(agency)
    make(agency)


@pytest.mark.parametrize(
    "terms",
    [
        {"mode": "prod"},
        {"name": "x" * 61},
        {"name": "a\0b"},
        {"expires_at": timezone.now() - timedelta(seconds=1)},
    ],
)
def test_senseless_terms_are_refused(agency, terms):
    with pytest.raises(InvalidInput):
        make(agency, **terms)
    assert not ApiKey.objects.exists()


@pytest.mark.parametrize(
    "key",
    [
        "",
        "sb_test_",
        "sb_test_" + "a" * 32,
        "SB_TEST_" + "a" * 32,
        "sb_test_" + "a" * 31,
        "sb_test_" + "a" * 32 + "\u00e9",
        "x" * 5000,
        "'; DROP TABLE partners_apikey; --",
    ],
)
def test_a_bad_key_is_forbidden(db, whoami, key):
    answer = whoami(x_api_key=key)
    assert answer.status_code == 403
    assert answer.json()["message"] == "Forbidden"
    assert answer.json()["code"] == "forbidden"


def test_nobody_is_forbidden(whoami, db):
    answer = whoami()
    assert (answer.status_code, answer.json()["message"]) == (403, "Forbidden")


def test_a_text_that_cannot_be_a_key_costs_no_query(whoami, django_assert_num_queries, db):
    with django_assert_num_queries(0):
        whoami(x_api_key="guess")


def test_the_key_decides_beside_a_token(agency, provider, whoami):
    _, key = make(agency)
    token = f"Bearer {provider.token()}"
    assert whoami(x_api_key=key, Authorization=token).json()["kind"] == "agency"
    assert whoami(x_api_key="sb_test_bad", Authorization=token).status_code == 403


def test_a_warm_key_costs_no_query(agency, whoami, django_assert_num_queries):
    _, key = make(agency)
    with django_assert_num_queries(2):  # the key, and its last use
        whoami(x_api_key=key)
    with django_assert_num_queries(0):
        whoami(x_api_key=key)


def test_a_bad_key_of_the_right_shape_is_remembered(whoami, django_assert_num_queries, db):
    key = keys.new_key("live")
    with django_assert_num_queries(1):
        whoami(x_api_key=key)
        assert whoami(x_api_key=key).status_code == 403


def test_a_key_revoked_elsewhere_stops_within_five_seconds(agency, whoami, clock):
    assert settings.API_KEY_CACHE_SECONDS < 5
    api_key, key = make(agency)
    assert whoami(x_api_key=key).status_code == 200
    ApiKey.objects.filter(pk=api_key.pk).update(revoked_at=timezone.now())  # as another process does
    clock.ahead = settings.API_KEY_CACHE_SECONDS + 0.1
    assert whoami(x_api_key=key).status_code == 403


def test_a_key_revoked_here_stops_at_once(agency, whoami, django_capture_on_commit_callbacks):
    api_key, key = make(agency)
    assert whoami(x_api_key=key).status_code == 200
    with django_capture_on_commit_callbacks(execute=True):
        services.revoke_api_key(api_key, actor=ADMIN, reason="lost laptop")
    assert whoami(x_api_key=key).status_code == 403
    event = Event.objects.get(action="api_key.revoked")
    assert (event.subject_id, event.reason) == (api_key.pk, "lost laptop")


def test_revoking_twice_is_one_event(agency):
    api_key, _ = make(agency)
    services.revoke_api_key(api_key, actor=ADMIN)
    revoked_at = ApiKey.objects.get().revoked_at
    services.revoke_api_key(api_key, actor=ADMIN)
    assert ApiKey.objects.get().revoked_at == revoked_at
    assert Event.objects.filter(action="api_key.revoked").count() == 1


def test_a_key_stops_when_it_expires_even_while_remembered(agency, whoami, clock):
    _, key = make(agency, expires_at=timezone.now() + timedelta(seconds=2))
    assert whoami(x_api_key=key).status_code == 200
    clock.ahead = 2
    assert whoami(x_api_key=key).status_code == 403


def test_an_inactive_agency_is_refused_and_may_come_back(agency, whoami, clock):
    _, key = make(agency)
    assert whoami(x_api_key=key).status_code == 200
    for is_active, status in ((False, 403), (True, 200)):
        agency.is_active = is_active
        services.save_agency(agency, actor=ADMIN)
        clock.ahead += settings.API_KEY_CACHE_SECONDS + 0.1
        assert whoami(x_api_key=key).status_code == status
    assert Event.objects.filter(action="agency.changed").count() == 2


def test_the_last_use_is_written_once_a_minute(agency, whoami, clock):
    api_key, key = make(agency)
    whoami(x_api_key=key)
    api_key.refresh_from_db()
    first_use = api_key.last_used_at
    assert timezone.now() - first_use < timedelta(seconds=5)
    clock.ahead = settings.API_KEY_CACHE_SECONDS + 0.1
    whoami(x_api_key=key)
    api_key.refresh_from_db()
    assert api_key.last_used_at == first_use
    long_ago = timezone.now() - timedelta(seconds=61)
    ApiKey.objects.update(last_used_at=long_ago)
    clock.ahead += settings.API_KEY_CACHE_SECONDS + 0.1
    whoami(x_api_key=key)
    api_key.refresh_from_db()
    assert api_key.last_used_at > first_use


def test_rotation_ends_the_old_key(agency, whoami, django_capture_on_commit_callbacks):
    old, old_key = make(agency, mode="live", name="Web shop")
    make(agency)
    whoami(x_api_key=old_key)
    with django_capture_on_commit_callbacks(execute=True):
        new, new_key = services.rotate_api_key(old, actor=ADMIN)
    assert whoami(x_api_key=old_key).status_code == 403
    assert whoami(x_api_key=new_key).status_code == 200
    assert new_key.startswith("sb_live_")
    assert new.name == "Web shop"


def test_rotation_with_an_overlap_keeps_the_old_key_for_a_while(agency, whoami, clock):
    old, old_key = make(agency)
    _, new_key = services.rotate_api_key(old, actor=ADMIN, overlap=timedelta(hours=1))
    assert whoami(x_api_key=old_key).status_code == whoami(x_api_key=new_key).status_code == 200
    clock.ahead = 3601
    assert whoami(x_api_key=old_key).status_code == 403


def test_rotation_with_an_overlap_needs_a_free_place(agency):
    old, _ = make(agency)
    make(agency)
    with pytest.raises(TooManyKeys):
        services.rotate_api_key(old, actor=ADMIN, overlap=timedelta(hours=1))
    old.refresh_from_db()
    assert old.expires_at is None


def test_a_dead_key_is_not_rotated(agency):
    old, _ = make(agency)
    services.revoke_api_key(old, actor=ADMIN)
    with pytest.raises(KeyNotLive):
        services.rotate_api_key(old, actor=ADMIN)
    assert ApiKey.objects.count() == 1


def test_what_a_process_remembers_is_bounded():
    cache = keys.BoundedCache(3)
    for number in range(10):
        cache.put(number, number)
    cache.put(8, "again")
    assert list(cache.items()) == [(7, 7), (9, 9), (8, "again")]


def race_for_keys(agency, runners: int) -> int:
    """Create keys at the same moment and return how many are live afterwards."""
    start = threading.Barrier(runners)

    def run():
        start.wait()
        try:
            make(agency)
        except TooManyKeys:
            pass
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run) for _ in range(runners)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return agency.api_keys.live(timezone.now()).count()


@pytest.mark.django_db(transaction=True)
def test_a_race_leaves_two_live_keys(agency):
    assert race_for_keys(agency, 8) == 2


@pytest.mark.django_db(transaction=True)
def test_without_the_lock_the_race_leaves_more(agency, monkeypatch):
    counted = threading.Barrier(4)
    new_key = keys.new_key

    def wait_until_all_have_counted(mode):
        counted.wait(timeout=10)
        return new_key(mode)

    monkeypatch.setattr(services, "lock_agency", lambda agency: None)
    monkeypatch.setattr(keys, "new_key", wait_until_all_have_counted)
    assert race_for_keys(agency, 4) == 4
