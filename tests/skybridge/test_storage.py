"""One contract, kept by both stores: a directory, and S3 over HTTP."""

import os
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from itertools import product

import pytest

from skybridge import storage
from skybridge.s3 import S3Store
from skybridge.storage import AlreadyStored, DirectoryStore, NotStored, StorageUnavailable, Tampered, store
from tests.skybridge.stores import BODY, KEY, case, digest, directory, put, s3, s3_address, s3_settings, session

__all__ = ["case", "directory", "s3", "s3_address", "s3_settings", "session"]  # fixtures
NO_KEYS = ["", "/a", "a/", "a//b", "..", "a/../b", "./a", ".incoming/a", "a/.b", "ä", "a b", "a\n", "a\0", "a" * 201]


# --- The contract ---


def test_what_was_stored_is_returned(case):
    stored = put(case.store)
    assert (stored.key, stored.sha256, stored.size) == (KEY, digest(BODY), len(BODY))
    assert case.store.get(KEY, sha256=digest(BODY)) == case.store.get(KEY, sha256=None) == BODY


def test_empty_and_binary_content(case):
    for key, body in {"empty": b"", "binary": bytes(range(256)) * 1000}.items():
        put(case.store, key, body)
        assert case.store.get(key, sha256=None) == body


def test_same_content_again_is_success(case):
    assert put(case.store) == put(case.store)
    assert len(case.store.versions(KEY)) == 1


def test_other_content_is_refused_and_changes_nothing(case):
    put(case.store)
    with pytest.raises(AlreadyStored) as refused:
        put(case.store, body=b"other")
    assert refused.value.key == KEY
    assert case.store.get(KEY, sha256=digest(BODY)) == BODY


def test_digest_of_something_else_is_an_error(case):
    with pytest.raises(ValueError):
        case.store.put(KEY, BODY, sha256=digest(b"other"))
    with pytest.raises(NotStored):
        case.store.get(KEY, sha256=None)


def test_missing_object(case):
    for ask in (lambda: case.store.get(KEY, sha256=None), lambda: case.store.versions(KEY)):
        with pytest.raises(NotStored) as missing:
            ask()
        assert missing.value.key == KEY


def race(a_store, bodies: list[bytes]) -> list:
    barrier = threading.Barrier(len(bodies))

    def run(body: bytes):
        barrier.wait()
        try:
            return put(a_store, body=body)
        except AlreadyStored as exc:
            return exc

    with ThreadPoolExecutor(len(bodies)) as pool:
        return list(pool.map(run, bodies))


def test_one_of_twelve_wins(case):
    case.store.check()
    bodies = [f"body {number}".encode() for number in range(12)]
    outcomes = race(case.store, bodies)
    [(winner, stored)] = [pair for pair in zip(bodies, outcomes, strict=True) if isinstance(pair[1], storage.Stored)]
    assert case.store.get(KEY, sha256=stored.sha256) == winner
    assert len(case.store.versions(KEY)) == 1


def test_twelve_with_the_same_content_all_succeed(case):
    outcomes = race(case.store, [BODY] * 12)
    assert {(outcome.key, outcome.sha256) for outcome in outcomes} == {(KEY, digest(BODY))}
    assert len(case.store.versions(KEY)) == 1


def test_changed_content_is_found(case):
    put(case.store)
    case.change(KEY, b'{"total":"999.00"}\n')
    for expected in (None, digest(BODY)):
        with pytest.raises(Tampered) as tampered:
            case.store.get(KEY, sha256=expected)
        assert tampered.value.key == KEY
    with pytest.raises(AlreadyStored):
        put(case.store)


def test_content_of_another_digest_than_asked_for_is_found(case):
    put(case.store)
    with pytest.raises(Tampered):
        case.store.get(KEY, sha256=digest(b"other"))


def test_lost_digest_is_found(case):
    put(case.store)
    case.forget_digest(KEY)
    with pytest.raises(Tampered):
        case.store.get(KEY, sha256=None)


def test_keys_are_listed_in_order(case):
    keys = ["a", "b/c/1", "b/c/2", "b-c", "b.c/1", "b0", "B", "b:/1", "c/d", "orders/2", "orders/10"]
    case.fill(keys)
    assert list(case.store.list()) == sorted(keys)
    for prefix in ("b", "b/", "b/c", "b/c/", "b/c/2", "orders/1", "none", "no/ne", "../", "/", ".incoming/"):
        assert list(case.store.list(prefix)) == sorted(key for key in keys if key.startswith(prefix)), prefix
    for after in ("a", "aa", "b/", "b/c", "b/c/1", "b0", "orders/10", "z"):
        assert list(case.store.list(after=after)) == sorted(key for key in keys if key > after), after
        assert list(case.store.list("b", after)) == sorted(k for k in keys if k > after and k.startswith("b")), after


def test_empty_store_lists_nothing(case):
    assert list(case.store.list()) == list(case.store.list("orders/")) == []


def test_more_than_a_thousand_keys(case):
    keys = [f"orders/{number:04}" for number in range(1005)]
    case.fill([*keys, "other"])
    assert list(case.store.list("orders/")) == keys
    assert list(case.store.list("orders/", after=keys[2])) == keys[3:]
    assert list(case.store.list("orders/", after=keys[4])) == keys[5:]  # a thousand to the letter
    assert list(case.store.list()) == [*keys, "other"]


def test_what_is_no_key(case):
    asks = (put, lambda a_store, key: a_store.get(key, sha256=None), lambda a_store, key: a_store.versions(key))
    for key, ask in product(NO_KEYS, asks):
        with pytest.raises(ValueError, match="not a key"):
            ask(case.store, key)


def test_check_of_a_new_store(case):
    case.store.check()


def test_store_that_is_down(case):
    case.break_down()
    began_at = time.monotonic()
    for ask in (case.store.check, lambda: put(case.store)):
        with pytest.raises(StorageUnavailable):
            ask()
    assert time.monotonic() - began_at < 5


# --- Which store ---


@pytest.fixture
def _other_store():
    store.cache_clear()
    yield
    store.cache_clear()


@pytest.mark.usefixtures("_other_store")
def test_directory_without_a_bucket(settings, tmp_path):
    settings.S3_BUCKET, settings.STORAGE_DIRECTORY = "", tmp_path
    put(store())
    assert isinstance(store(), DirectoryStore)
    assert (tmp_path / KEY).is_file()


@pytest.mark.usefixtures("_other_store")
def test_s3_with_a_bucket(s3_settings):
    s3_settings.S3_BUCKET = "bucket"
    assert isinstance(store(), S3Store)
    assert store() is store()


def test_boto3_is_loaded_by_who_needs_it():
    program = "import sys, skybridge.wsgi, skybridge.storage; sys.exit('boto3' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], env={**os.environ, "LOG_LEVEL": "ERROR"}).returncode == 0
