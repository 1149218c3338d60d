"""The health question asks in a name that the web server takes for its own."""

import socket

import pytest

from skybridge.embedded.engines import free_port
from skybridge.embedded.livez import allowed_host, answers_livez


@pytest.mark.parametrize(
    ("hosts", "name"),
    [
        ("", "localhost"),
        ("*", "localhost"),
        ("skybridge.example, other.example", "skybridge.example"),
        (".skybridge.example", "skybridge.example"),
    ],
)
def test_name_is_one_that_is_allowed(monkeypatch, hosts, name):
    monkeypatch.setenv("ALLOWED_HOSTS", hosts)
    assert allowed_host() == name


def test_nobody_there_is_no_answer():
    assert not answers_livez("127.0.0.1", free_port())


def test_server_that_says_nothing_is_no_answer(monkeypatch):
    monkeypatch.setattr("skybridge.embedded.livez.ANSWER_SECONDS", 0.1)
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        assert not answers_livez("127.0.0.1", silent.getsockname()[1])
