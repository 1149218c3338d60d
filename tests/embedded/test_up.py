"""`manage.py up` from start to kill -9 and back, on a state directory of its own."""

import fcntl
import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import contextmanager

import psycopg
import pytest

from skybridge.embedded.engines import free_port
from skybridge.embedded.livez import answers_livez
from skybridge.embedded.state import PROJECT, read_environment

pytestmark = pytest.mark.usefixtures("bare_environment")

START_SECONDS = 60
STOP_SECONDS = 10


@contextmanager
def running(port: int):
    process = subprocess.Popen(
        [sys.executable, "manage.py", "up"],
        cwd=PROJECT,
        env=os.environ | {"PORT": str(port)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        await_line(process, "Ctrl-C stops everything")
        yield process
    finally:
        process.kill()
        process.wait()


def await_line(process: subprocess.Popen, words: str) -> None:
    watchdog = threading.Timer(START_SECONDS, process.kill)
    watchdog.start()
    printed = []
    for line in process.stdout:
        printed.append(line)
        if words in line:
            watchdog.cancel()
            return
    pytest.fail("".join(printed))


def seconds_until_unlocked(home) -> float:
    """Wait until no process of the run is left: each of them holds the lock."""
    began = time.monotonic()
    with (home / "lock").open() as lock:
        while time.monotonic() - began < STOP_SECONDS:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return time.monotonic() - began
            except BlockingIOError:
                time.sleep(0.02)
    return pytest.fail("processes are left")


def write_until_cut_off(url: str, committed: list[int]) -> None:
    """Insert rows one by one, and remember those whose commit was acknowledged."""
    try:
        with psycopg.connect(url, autocommit=True) as connection:
            while True:
                connection.execute("INSERT INTO written VALUES (%s)", [len(committed)])
                committed.append(len(committed))
    except psycopg.Error:
        return


def test_killed_supervisor_leaves_no_process_and_loses_no_row(home):
    port = free_port()
    committed: list[int] = []
    with running(port) as supervisor:
        assert answers_livez("127.0.0.1", port)
        url = read_environment(home / "environment")["DATABASE_URL"]
        with psycopg.connect(url) as connection:
            connection.execute("CREATE TABLE written (id int)")
        writer = threading.Thread(target=write_until_cut_off, args=(url, committed))
        writer.start()
        time.sleep(0.5)
        supervisor.send_signal(signal.SIGKILL)
        seconds_until_unlocked(home)
        writer.join()
    assert committed
    assert not answers_livez("127.0.0.1", port)

    with running(port) as supervisor:
        url = read_environment(home / "environment")["DATABASE_URL"]
        with psycopg.connect(url) as connection:
            rows = {row for (row,) in connection.execute("SELECT id FROM written")}
        supervisor.send_signal(signal.SIGINT)
        assert supervisor.wait(STOP_SECONDS) == 0
        assert seconds_until_unlocked(home) < 1
    assert set(committed) <= rows


def refusal(**variables: str) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, "manage.py", "up"],
        cwd=PROJECT,
        env=os.environ | variables,
        capture_output=True,
        text=True,
        timeout=START_SECONDS,
    )
    assert done.stdout == ""
    return done.returncode, done.stderr


@pytest.mark.parametrize(
    ("variables", "words"),
    [
        ({"PORT": "none"}, "PORT is 'none'"),
        ({"DATABASE_URL": "postgres://u:p@127.0.0.1:1/d"}, "nothing answers at 127.0.0.1 port 1"),
        ({"REDIS_URL": "redis://127.0.0.1:1/0"}, "nothing answers at 127.0.0.1 port 1"),
        ({"SKYBRIDGE_ENV": "production"}, "not for production"),
        ({"SKYBRIDGE_HOME": "/proc/nowhere"}, "Cannot write to the state directory"),
    ],
)
def test_what_prevents_a_start_is_one_line_and_exit_code_1(variables, words):
    code, text = refusal(**variables)
    assert code == 1
    assert words in text
    assert text.count("\n") == 1
