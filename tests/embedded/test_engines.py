"""The engines: private, on a free port, set up whole or not at all."""

import os
import pwd
import socket
import subprocess
import time
from pathlib import Path

import psycopg
import pytest

from skybridge.embedded import engines, processes
from skybridge.embedded.engines import Home, Postgres, Valkey, free_port, is_free, start_engines, stop_children
from skybridge.embedded.processes import Account, Failure, engine_account

STOP_SECONDS = 5


@pytest.fixture
def engines_home(home):
    return Home.within(home / "engines", home / "logs", engine_account(home / "engines" / "postgres"))


@pytest.fixture
def stopping():
    started = []
    yield started
    stop_children([engine.child for engine in started], STOP_SECONDS)


def test_free_ports_are_free():
    assert is_free(free_port())


def test_port_in_use_is_not_free():
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        assert not is_free(server.getsockname()[1])


def test_database_that_was_set_up_is_found_again_with_its_rows(engines_home, stopping):
    first = Postgres(engines_home, password="first")
    stopping.append(first)
    start_engines([first])
    with psycopg.connect(first.url) as connection:
        connection.execute("CREATE TABLE kept (id int)")
    stop_children([first.child], STOP_SECONDS)

    second = Postgres(engines_home, password="first", port=first.port)
    stopping.append(second)
    start_engines([second])
    assert second.port == first.port
    with psycopg.connect(second.url) as connection:
        assert connection.execute("SELECT count(*) FROM kept").fetchone() == (0,)


def test_wrong_password_is_refused(engines_home, stopping):
    postgres = Postgres(engines_home, password="right")
    stopping.append(postgres)
    start_engines([postgres])
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(postgres.url.replace("right", "wrong"))


def test_set_up_that_was_cut_off_starts_anew(engines_home, stopping):
    postgres = Postgres(engines_home, password="x")
    stopping.append(postgres)
    (postgres.directory / "data.unfinished").mkdir()
    start_engines([postgres])
    assert postgres.is_ready()


def test_port_taken_in_between_is_replaced(engines_home, stopping):
    valkey = Valkey(engines_home, password="x")
    stopping.append(valkey)
    with socket.socket() as thief:
        thief.bind(("127.0.0.1", valkey.port))
        thief.listen()
        start_engines([valkey])
        assert valkey.port != thief.getsockname()[1]


def test_passwords_are_not_in_the_list_of_processes(engines_home, stopping):
    valkey = Valkey(engines_home, password="not-for-everyone")
    stopping.append(valkey)
    start_engines([valkey])
    shown = Path(f"/proc/{valkey.child.process.pid}/cmdline").read_bytes()
    assert b"not-for-everyone" not in shown


def test_missing_wheel_says_what_to_do():
    with pytest.raises(Failure, match="set DATABASE_URL, or pip install"):
        engines.package_directory("no_such_package", "DATABASE_URL")


def test_user_without_a_name_is_told_why(monkeypatch):
    def unknown(uid):
        raise KeyError(uid)

    monkeypatch.setattr(pwd, "getpwuid", unknown)
    with pytest.raises(Failure, match=r"no entry in /etc/passwd.*set DATABASE_URL"):
        engines.refuse_unknown_user()


@pytest.fixture
def stranger(monkeypatch):
    """An account that can enter nothing that is installed, for whom everything is copied."""
    monkeypatch.setattr(Account, "reaches", lambda account, path: False)
    return Account(os.getuid(), os.getgid())


def test_programs_that_the_account_cannot_reach_are_copied_and_run(home, stranger):
    programs = Postgres(Home(home, home, stranger), password="x").programs
    assert programs.is_relative_to(home)
    shown = subprocess.run([programs / "initdb", "--version"], capture_output=True, text=True)
    assert shown.stdout.startswith("initdb (PostgreSQL) 18")


def test_copy_of_an_older_version_is_replaced(home, stranger):
    server = home / "packages" / "bin" / "server"
    server.parent.mkdir(parents=True)
    for content, time_changed in (("old", 1), ("new", 2)):
        server.write_text(content)
        os.utime(server, (time_changed, time_changed))
        copy = Home(home, home, stranger).reachable(server, home / "packages", server.parent)
        assert copy.read_text() == content


def test_root_lets_the_owner_of_the_data_run_the_engines(home, monkeypatch):
    monkeypatch.setattr(os, "getuid", lambda: 0)
    monkeypatch.setattr(Path, "stat", lambda path, **_: os.stat_result((0o700, 0, 0, 0, 1234, 5678, 0, 0, 0, 0)))
    assert engine_account(home) == Account(1234, 5678)


def test_child_that_stops_while_starting_fails_with_its_last_words(home):
    child = processes.Child("web", ["sh", "-c", "echo no such module; exit 3"], home / "web.log")
    child.start()
    with pytest.raises(Failure, match="web stopped while starting: no such module"):
        child.await_ready(lambda: False, 5)


def test_end_of_a_child_takes_its_session_along(home):
    child = processes.Child("web", ["sh", "-c", "sleep 77 & echo $!; wait"], home / "web.log")
    child.start()
    child.await_ready(lambda: "\n" in (home / "web.log").read_text(), 5)
    grandchild = int((home / "web.log").read_text())
    stop_children([child], 2)
    deadline = time.monotonic() + 2  # the kernel takes a moment to carry out a kill
    while is_alive(grandchild) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not is_alive(grandchild)


def is_alive(process: int) -> bool:
    try:
        status = Path(f"/proc/{process}/stat").read_text()
    except FileNotFoundError:
        return False
    return status.rsplit(")")[1].split()[0] != "Z"
