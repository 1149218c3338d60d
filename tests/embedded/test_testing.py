"""The wrapper of `make test`: engines of its own, the command's exit code, and nothing left behind."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

WRAPPER = [sys.executable, "-m", "skybridge.embedded.testing", "--"]


def test_command_runs_beside_engines_of_its_own_and_gives_its_exit_code():
    shown = 'echo "$DATABASE_URL $REDIS_URL $SKYBRIDGE_HOME $SKYBRIDGE_ENV"; exit 7'
    done = subprocess.run([*WRAPPER, "sh", "-c", shown], capture_output=True, text=True)
    database_url, redis_url, home, environment = done.stdout.split()
    assert done.returncode == 7
    assert database_url != os.environ["DATABASE_URL"]
    assert redis_url != os.environ["REDIS_URL"]
    assert environment == "test"
    assert not Path(home).exists()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_stop_request_ends_the_command_and_deletes_everything(number):
    process = subprocess.Popen(
        [*WRAPPER, "sh", "-c", "echo $SKYBRIDGE_HOME; exec sleep 60"],
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    home = process.stdout.readline().strip()
    os.killpg(process.pid, number) if number == signal.SIGINT else process.send_signal(number)
    assert process.wait(timeout=30) == 128 + number
    assert not Path(home).exists()


def test_unknown_command_is_one_line():
    done = subprocess.run([*WRAPPER, "/no/such/command"], capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr == "skybridge: /no/such/command: No such file or directory\n"
