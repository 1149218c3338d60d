"""The store in S3 alone: its buckets, what it sends, and servers whose answers are of no use."""

import base64
import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256

import boto3
import pytest

from skybridge.s3 import S3Store
from skybridge.storage import NotStored, StorageUnavailable
from tests.skybridge.stores import BODY, KEY, S3Case, digest, put, s3, s3_address, s3_settings, session

__all__ = ["s3", "s3_address", "s3_settings", "session"]  # fixtures


def test_created_bucket_keeps_versions(s3):
    stored = put(s3.store)
    s3.change(KEY, b"other")
    newest, first = s3.store.versions(KEY)
    assert first == stored
    assert newest.size == 5
    assert newest.version_id != stored.version_id


def test_versions_are_of_one_key(s3):
    put(s3.store, "a")
    put(s3.store, "ab")
    with pytest.raises(NotStored):
        s3.store.versions("aa")
    assert [version.key for version in s3.store.versions("a")] == ["a"]


def test_bucket_is_created_only_where_it_may_be(s3):
    s3.settings.S3_CREATE_BUCKET = False
    for ask in (s3.store.check, lambda: put(s3.store), lambda: s3.store.get(KEY, sha256=None)):
        with pytest.raises(StorageUnavailable, match="NoSuchBucket"):
            ask()


def test_bucket_in_a_region(s3):
    s3.settings.AWS_REGION = "eu-central-1"
    a_store = S3Store()
    a_store.check()
    a_store.create_bucket()  # somebody else was faster
    location = s3.store.client.get_bucket_location(Bucket=s3.store.bucket)
    assert location["LocationConstraint"] == "eu-central-1"


def test_twelve_create_the_bucket_at_once(s3):
    with ThreadPoolExecutor(12) as pool:
        list(pool.map(lambda number: put(s3.store, f"key-{number}"), range(12)))
    assert len(list(s3.store.list())) == 12


@pytest.mark.parametrize("mode", ["when_required", "when_supported"])
def test_server_is_asked_to_check_what_it_takes(s3, mode):
    s3.settings.S3_CHECKSUM_MODE = mode
    a_store, sent = S3Store(), []
    a_store.client.meta.events.register("before-send.s3.PutObject", lambda request, **_: sent.append(request.headers))
    put(a_store)
    assert a_store.get(KEY, sha256=None) == BODY
    assert sent[-1]["x-amz-checksum-sha256"] == base64.b64encode(sha256(BODY).digest())
    assert sent[-1]["If-None-Match"] == b"*"


def test_start_outside_of_the_prefix_is_not_sent(s3):
    """Some servers would list nothing."""
    put(s3.store, "orders/1")
    sent: list[str] = []
    s3.store.client.meta.events.register("before-send.s3.ListObjectsV2", lambda request, **_: sent.append(request.url))
    assert list(s3.store.list("orders/", after="orders")) == ["orders/1"]
    assert list(s3.store.list("orders/", after="other")) == []
    assert "start-after" not in " ".join(sent)


def test_no_credentials(s3_settings, monkeypatch, tmp_path):
    monkeypatch.setattr(boto3, "Session", boto3.session.Session)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    for name in ("AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE"):
        monkeypatch.setenv(name, str(tmp_path / "none"))
    with pytest.raises(StorageUnavailable):
        S3Case(s3_settings, "bucket").store.check()


@pytest.fixture
def no_s3(s3_settings):
    """A server whose answers are not those of S3, each for one connection."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        s3_settings.S3_ENDPOINT_URL = f"http://127.0.0.1:{server.getsockname()[1]}"
        s3_settings.S3_BUCKET = "bucket"

        def serve(answer: bytes) -> None:
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                with connection:
                    connection.recv(65536)
                    connection.sendall(answer)

        yield lambda answer: threading.Thread(target=serve, args=[answer], daemon=True).start()
        server.shutdown(socket.SHUT_RDWR)


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n<html>Hi</",
        b"HTTP/1.1 200 OK\r\nContent-Length: 28\r\n\r\n<html><body>Hi</body></html>",
        b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 10\r\n\r\n<html>Hi</",
        b"HTTP/1.1 404 Not Found\r\nContent-Length: 10\r\n\r\n<html>Hi</",
        b"HTTP/1.1 403 Forbidden\r\nContent-Length: 55\r\n\r\n<Error><Code>InvalidAccessKeyId</Code></Error>         ",
        b"HTTP/1.1 503 Slow Down\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nbroken off",
        b"",
    ],
    ids=["not S3", "a page", "a gateway", "a missing page", "wrong credentials", "busy", "broken off", "closed"],
)
def test_answers_of_no_use(no_s3, answer):
    no_s3(answer)
    a_store = S3Store()
    for ask in (a_store.check, lambda: put(a_store), lambda: list(a_store.list())):
        with pytest.raises(StorageUnavailable):
            ask()


def test_object_that_breaks_off(no_s3):
    no_s3(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nbroken off")
    with pytest.raises(StorageUnavailable):
        S3Store().get(KEY, sha256=None)


def test_names_of_metadata_with_capitals(no_s3):
    head = f"HTTP/1.1 200 OK\r\nX-Amz-Meta-Sha256: {digest(BODY)}\r\nContent-Length: {len(BODY)}\r\n\r\n"
    no_s3(head.encode() + BODY)
    assert S3Store().get(KEY, sha256=None) == BODY
