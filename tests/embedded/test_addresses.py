"""Each wrong address gives one line that says what to change, and never repeats a password."""

import socket

import pytest

from skybridge.embedded import addresses
from skybridge.embedded.engines import free_port
from skybridge.embedded.processes import Failure


@pytest.fixture
def taken_port():
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        yield server.getsockname()[1]


def test_taken_port_is_named_with_the_way_out(taken_port):
    with pytest.raises(Failure, match=rf"Port {taken_port} is taken.*PORT=\d+ make run"):
        addresses.refuse_taken("127.0.0.1", taken_port)


def test_free_port_is_accepted():
    addresses.refuse_taken("127.0.0.1", free_port())


@pytest.mark.parametrize("text", ["abc", "0", "65536", "-1", "80 80", "٨٠"])
def test_port_that_is_no_port_is_refused(monkeypatch, text):
    monkeypatch.setenv("PORT", text)
    with pytest.raises(Failure, match="PORT is"):
        addresses.chosen_port()


@pytest.mark.parametrize(
    "url",
    [
        "nonsense",
        "mysql://u:secret@h/d",
        "postgres://u:secret@h:port/d",
        "postgres://u:secret@h:99999/d",
        "postgres://u:secret@h:5432",
        "postgres://u:secret@[h/d",
        "postgres://u:secret@127.0.0.1:1/d",
    ],
)
def test_broken_database_url_is_refused_without_its_password(url):
    with pytest.raises(Failure, match="DATABASE_URL") as refusal:
        addresses.refuse_broken_database(url)
    assert "secret" not in str(refusal.value)
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize("url", ["nonsense", "http://h:6379", "redis://:secret@127.0.0.1:1/0"])
def test_broken_redis_url_is_refused_without_its_password(url):
    with pytest.raises(Failure, match="REDIS_URL") as refusal:
        addresses.refuse_broken_redis(url)
    assert "secret" not in str(refusal.value)


def test_redis_server_that_speaks_something_else_is_refused(taken_port, monkeypatch):
    monkeypatch.setattr(addresses, "CONNECT_SECONDS", 0.2)
    with pytest.raises(Failure, match="does not let us in"):
        addresses.refuse_broken_redis(f"redis://127.0.0.1:{taken_port}/0")


def test_given_urls_that_answer_are_accepted():
    assert set(addresses.given_urls()) == {"DATABASE_URL", "REDIS_URL"}  # those of this test run


def test_wrong_redis_password_is_refused(monkeypatch):
    port = addresses.urlsplit(addresses.given_urls()["REDIS_URL"]).port
    with pytest.raises(Failure, match="does not let us in"):
        addresses.refuse_broken_redis(f"redis://:wrong@127.0.0.1:{port}/0")
