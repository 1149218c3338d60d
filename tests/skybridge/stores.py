"""New stores for tests, a directory or a bucket of S3, and the ways to meddle with them."""

import logging
import socket
from hashlib import sha256

import boto3
import pytest
from moto.core import DEFAULT_ACCOUNT_ID
from moto.s3.models import s3_backends
from moto.server import ThreadedMotoServer

from skybridge.s3 import S3Store
from skybridge.storage import DirectoryStore

KEY = "orders/42/00000001_20261121T101500.000001Z.json"
BODY = b'{"total":"120.00"}\n'


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
