"""One contract, kept by both stores: a directory, and S3 over HTTP."""

import base64
import logging
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from itertools import product

import boto3
import pytest
from moto.core import DEFAULT_ACCOUNT_ID
from moto.s3.models import s3_backends
from moto.server import ThreadedMotoServer

from skybridge import storage
from skybridge.s3 import S3Store
from skybridge.storage import AlreadyStored, DirectoryStore, NotStored, StorageUnavailable, Tampered, store

KEY = "orders/42/00000001_20261121T101500.000001Z.json"
BODY = b'{"total":"120.00"}\n'
NO_KEYS = ["", "/a", "a/", "a//b", "..", "a/../b", "./a", ".incoming/a", "a/.b", "ä", "a b", "a\n", "a\0", "a" * 201]


def digest(body: bytes) -> str:
    return sha256(body).hexdigest()


def put(a_store, key: str = KEY, body: bytes = BODY):
    return a_store.put(key, body, sha256=digest(body))


class DirectoryCase:
    """A new directory store, and the ways to meddle with it."""

    def __init__(self, root):
        self.root = root
        self.store = DirectoryStore(root)

    def change(self, key: str, body: bytes) -> None:
        path = self.root / key
        first_line = path.read_bytes().partition(b"\n")[0]
        path.write_bytes(first_line + b"\n" + body)

    def forget_digest(self, key: str) -> None:
        path = self.root / key
        path.write_bytes(path.read_bytes().partition(b"\n")[2])

    def fill(self, keys: list[str]) -> None:
        for key in keys:
            path = self.root / key
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(digest(b"").encode() + b"\n")

    def break_down(self) -> None:
        self.root.write_text("This is no directory.")


class S3Case:
    """A new bucket, and the ways to meddle with it."""

    def __init__(self, settings, bucket: str):
        self.settings = settings
        settings.S3_BUCKET = bucket
        self.store = S3Store()

    @property
    def backend(self):
        return s3_backends[DEFAULT_ACCOUNT_ID]["aws"]

    def change(self, key: str, body: bytes) -> None:
        metadata = self.store.client.head_object(Bucket=self.store.bucket, Key=key)["Metadata"]
        self.store.client.put_object(Bucket=self.store.bucket, Key=key, Body=body, Metadata=metadata)

    def forget_digest(self, key: str) -> None:
        self.store.client.put_object(Bucket=self.store.bucket, Key=key, Body=BODY)

    def fill(self, keys: list[str]) -> None:
        self.store.check()
        for key in keys:
            self.backend.put_object(self.store.bucket, key, b"")

    def break_down(self) -> None:
        self.settings.S3_ENDPOINT_URL = f"http://127.0.0.1:{free_port()}"
        self.store = S3Store()


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


@pytest.fixture(scope="module")
def session():
    """What boto3 reads from its files, once for all stores."""
    return boto3.Session("test", "test")


@pytest.fixture(scope="module")
def s3_address():
    logging.getLogger("werkzeug").setLevel(logging.WARNING)
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    yield "http://{}:{}".format(*server.get_host_and_port())
    server.stop()


@pytest.fixture
def s3_settings(settings, monkeypatch, session, s3_address):
    monkeypatch.setattr(boto3, "Session", lambda: session)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    settings.S3_ENDPOINT_URL, settings.S3_ADDRESSING_STYLE, settings.S3_CREATE_BUCKET = s3_address, "path", True
    return settings


@pytest.fixture
def s3(s3_settings, tmp_path) -> S3Case:
    return S3Case(s3_settings, "bucket-" + digest(str(tmp_path).encode())[:40])


@pytest.fixture
def directory(tmp_path) -> DirectoryCase:
    return DirectoryCase(tmp_path / "objects")


@pytest.fixture(params=["directory", "s3"])
def case(request):
    return request.getfixturevalue(request.param)


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


# --- S3 alone ---


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


# --- A directory alone ---


def test_files_are_their_owners_alone(directory):
    put(directory.store)
    modes = {path.stat().st_mode & 0o777 for path in [directory.root, *directory.root.rglob("*")] if path.is_dir()}
    assert modes == {0o700}
    assert (directory.root / KEY).stat().st_mode & 0o777 == 0o600


def test_file_is_a_line_with_the_digest_and_the_content(directory):
    put(directory.store)
    assert (directory.root / KEY).read_bytes() == digest(BODY).encode() + b"\n" + BODY


def test_nothing_is_left_in_incoming(directory):
    put(directory.store)
    put(directory.store)
    assert list((directory.root / ".incoming").iterdir()) == []


def test_key_below_or_above_another(directory):
    put(directory.store, "a/b")
    for key in ("a", "a/b/c", "a/b/c/d"):
        with pytest.raises(ValueError):
            put(directory.store, key)
        with pytest.raises(NotStored):
            directory.store.get(key, sha256=None)
    assert list(directory.store.list()) == ["a/b"]


def test_folder_that_somebody_removes_is_made_anew(directory):
    put(directory.store, "orders/1/1")
    shutil.rmtree(directory.root)
    with pytest.raises(StorageUnavailable):
        put(directory.store, "orders/1/2")
    put(directory.store, "orders/1/2")
    assert list(directory.store.list()) == ["orders/1/2"]


def test_names_are_on_the_disk_before_an_object_counts(directory, monkeypatch):
    """A folder found there, whose maker may have died, is no exception; one that this process has settled is."""
    synced = []
    monkeypatch.setattr(storage, "sync", lambda folder: synced.append(folder))
    root = directory.root
    put(directory.store, "orders/1/1")
    assert synced == [root / "orders" / "1", root / "orders", root, root.parent]
    synced.clear()
    put(directory.store, "orders/1/2")
    assert synced == [root / "orders" / "1"]
    synced.clear()
    put(DirectoryStore(root), "orders/1/3")
    assert synced == [root / "orders" / "1", root / "orders", root, root.parent]


def test_full_disk(directory, monkeypatch):
    def fail(descriptor):
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(StorageUnavailable, match="No space left"):
        put(directory.store)
    monkeypatch.undo()
    assert list(directory.store.list()) == []


WRITER = """
import itertools, sys
from hashlib import sha256
from pathlib import Path
from skybridge.storage import DirectoryStore

store = DirectoryStore(Path(sys.argv[1]))
for number in itertools.count():
    body = bytes([number % 256]) * 300_000
    store.put(f"orders/{number:06}", body, sha256=sha256(body).hexdigest())
    print(number, flush=True)
"""


def test_killed_writer_leaves_whole_objects(directory):
    for _ in range(3):
        acknowledged = written_until_killed(directory.root)
        keys = list(directory.store.list())
        assert keys[: len(acknowledged)] == [f"orders/{number:06}" for number in acknowledged]
        for key in keys:
            assert len(directory.store.get(key, sha256=None)) == 300_000


def written_until_killed(root) -> list[int]:
    """Let a process store objects, kill it amid that, and return the numbers of those that it knew to be stored."""
    with subprocess.Popen([sys.executable, "-c", WRITER, str(root)], stdout=subprocess.PIPE, text=True) as writer:
        first = writer.stdout.readline()
        time.sleep(0.05)
        writer.send_signal(signal.SIGKILL)
        return [int(line) for line in [first, *writer.stdout] if line.endswith("\n")]


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
