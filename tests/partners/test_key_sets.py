"""The provider's key set: rotation, outages, and keys that we do not take."""

import json
import threading
from collections import Counter

import pytest

from partners import jwks
from tests.partners.conftest import jwk


def wait_for_refresh():
    for thread in threading.enumerate():
        if thread.name == "jwks":
            thread.join(timeout=5)


def test_keys_are_read_once(provider, show):
    for number in range(5):
        assert show(provider.token(jti=str(number))).status_code == 200
    assert provider.fetches == 1


def test_a_new_key_is_picked_up_at_its_first_token(provider, show, clock):
    show(provider.token())
    provider.publish(jwk(provider.pairs.one, "one"), jwk(provider.pairs.two, "two"))
    clock.ahead = jwks.RETRY_AFTER
    assert show(provider.token(key=provider.pairs.two, headers={"kid": "two"})).status_code == 200
    assert provider.fetches == 2


def test_unknown_key_ids_make_one_fetch_in_a_while(provider, show):
    show(provider.token())
    for number in range(20):
        assert show(provider.token(headers={"kid": f"made-up-{number}"})).status_code == 401
    assert provider.fetches <= 2


def test_a_withdrawn_key_stops_after_the_refresh(provider, show, clock):
    token = provider.token()
    assert show(token).status_code == 200
    provider.publish(jwk(provider.pairs.two, "two"))
    clock.ahead = jwks.REFRESH_AFTER
    show(token)  # its key is still known; the keys are read again meanwhile
    wait_for_refresh()
    assert show(provider.token(jti="later")).status_code == 401


def test_the_same_key_id_may_come_back_with_another_key(provider, show, clock):
    show(provider.token())
    provider.publish(jwk(provider.pairs.two, "one"))
    clock.ahead = jwks.REFRESH_AFTER
    show(provider.token())
    wait_for_refresh()
    assert show(provider.token(key=provider.pairs.two)).status_code == 200
    assert show(provider.token(jti="old key")).status_code == 401


def test_an_outage_is_survived(provider, show, clock):
    assert show(provider.token()).status_code == 200
    provider.is_down = True
    for minutes in range(10, 100, 10):
        clock.ahead = minutes * 60
        assert show(provider.token(exp=int(clock.time()) + 600)).status_code == 200
        wait_for_refresh()
    assert provider.fetches == 10
    assert show(provider.token(headers={"kid": "unknown"})).status_code == 401


def test_an_outage_before_the_first_keys_is_busy_and_ends(provider, show, clock):
    provider.is_down = True
    answer = show(provider.token())
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1")
    assert answer.json()["code"] == "busy"
    assert show(provider.token()).status_code == 503
    assert provider.fetches == 1  # not asked again at once
    provider.is_down = False
    clock.ahead = jwks.RETRY_AFTER
    assert show(provider.token()).status_code == 200


@pytest.mark.parametrize(
    "document",
    [
        b"",
        b"<html>",
        b"[]",
        b"{}",
        b'{"keys": {}}',
        b'{"keys": []}',
        b'{"keys": [null, 7]}',
        b"[" * 9999,
        b" " * 300_000,
    ],
    ids=["empty", "html", "list", "no keys", "keys object", "no key", "no objects", "deep", "large"],
)
def test_a_document_that_is_no_key_set_keeps_the_old_keys(provider, show, clock, document):
    show(provider.token())
    provider.document = document
    clock.ahead = jwks.REFRESH_AFTER
    show(provider.token())
    wait_for_refresh()
    assert show(provider.token(jti="later")).status_code == 200


@pytest.mark.parametrize(
    "members",
    [
        {"use": "enc"},
        {"alg": "RS512"},
        {"kty": "oct", "k": "AAAA"},
        {"kid": ""},
        {"kid": 7},
        {"n": "!"},
        {"e": None},
        {"d": "AQAB"},
    ],
)
def test_keys_that_are_not_for_rs256_signatures_are_left_out(provider, members):
    good, bad = jwk(provider.pairs.two, "two"), jwk(provider.pairs.one, "one", **members)
    assert list(jwks.usable_keys(json.dumps({"keys": [bad, good]}).encode())) == ["two"]


def test_a_key_without_a_use_is_taken(provider):
    entry = jwk(provider.pairs.one, "one")
    del entry["use"], entry["alg"]
    assert list(jwks.usable_keys(json.dumps({"keys": [entry]}).encode())) == ["one"]


def test_a_short_key_is_left_out(provider):
    with pytest.raises(jwks.KeySetUnusable):
        jwks.usable_keys(json.dumps({"keys": [jwk(provider.pairs.short, "short")]}).encode())


@pytest.mark.parametrize(
    "url", ["http://keys.example/jwks.json", "ftp://127.0.0.1/jwks.json", "/etc/passwd", "data:,x"]
)
def test_only_https_file_and_this_machine_are_read(url):
    with pytest.raises(jwks.KeySetUnusable):
        jwks.read_document(url)


def test_keys_may_come_from_a_file(provider, show, settings, tmp_path):
    file = tmp_path / "jwks.json"
    file.write_bytes(provider.document)
    settings.JWT_JWKS_URL = file.as_uri()
    assert show(provider.token()).status_code == 200
    assert provider.fetches == 0


def test_a_missing_file_is_busy(provider, show, settings, tmp_path):
    settings.JWT_JWKS_URL = (tmp_path / "missing.json").as_uri()
    assert show(provider.token()).status_code == 503


def test_a_redirect_is_not_followed(provider, show, monkeypatch):
    handler = provider.server.RequestHandlerClass

    def redirect(self):
        self.send_response(302)
        self.send_header("Location", "/elsewhere")
        self.end_headers()

    monkeypatch.setattr(handler, "do_GET", redirect)
    assert show(provider.token()).status_code == 503


def test_many_first_tokens_at_once_make_one_fetch(provider):
    keys, found = jwks.KeySet(provider.url), Counter()

    def run():
        found[keys.key("one") is not None] += 1

    threads = [threading.Thread(target=run) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == {True: 20}
    assert provider.fetches == 1
