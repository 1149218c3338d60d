"""The state directory: its lock, its secrets, and the environment file that other commands read."""

import os
import stat
import subprocess
import sys

import pytest

from skybridge.embedded import state
from skybridge.embedded.processes import Failure
from skybridge.embedded.state import State, load_environment, read_environment

pytestmark = pytest.mark.usefixtures("bare_environment")


def mode(path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_second_run_on_one_directory_is_refused_and_names_the_first(home):
    State(home)
    with pytest.raises(Failure, match=rf"runs in {home} already \(process {os.getpid()}\)"):
        State(home)


def test_directory_of_a_dead_run_is_free_again(home):
    subprocess.run([sys.executable, "-c", CUT_OFF, str(home)], check=False)
    State(home)


CUT_OFF = """
import os, pathlib, sys
from skybridge.embedded.state import State
State(pathlib.Path(sys.argv[1]))
os.abort()
"""


def test_children_of_a_killed_run_hold_the_directory_until_they_are_gone(home, monkeypatch):
    monkeypatch.setattr(state, "LAST_RUN_SECONDS", 0.2)
    first = State(home)
    child = subprocess.Popen(["sleep", "30"], pass_fds=[first.lock])
    os.close(first.lock)
    (home / "lock").write_text("999999999\n")  # no such process: the supervisor was killed
    with pytest.raises(Failure, match="Processes of the last run"):
        State(home)
    child.kill()
    child.wait()
    State(home)


def test_secrets_are_made_once_and_for_the_owner_alone(home):
    first = State(home).secret("secret_key")
    kept = state.json.loads((home / "state.json").read_text())
    assert kept == {"secret_key": first}
    assert len(first) >= 50
    assert mode(home / "state.json") == 0o600


def test_environment_file_tells_where_everything_is(home):
    variables = State(home).environment(database_url="postgres://d", redis_url="redis://r", port=8001)
    assert variables["DATABASE_URL"] == "postgres://d"
    assert variables["REDIS_URL"] == "redis://r"
    assert variables["PORT"] == "8001"
    assert variables["JWT_JWKS_URL"] == f"file://{home.resolve()}/jwks.json"


def test_environment_keeps_what_the_caller_chose(home, monkeypatch):
    monkeypatch.setenv("SECRET_KEY", "my own")
    monkeypatch.setenv("JWT_JWKS_URL", "https://keys.example/jwks.json")
    variables = State(home).environment(database_url="", redis_url="", port=1)
    assert variables["SECRET_KEY"] == "my own"
    assert variables["JWT_JWKS_URL"] == "https://keys.example/jwks.json"
    assert "JWT_ISSUER" not in variables


def test_environment_file_survives_the_round_trip(home):
    variables = {"DATABASE_URL": "postgres://u:p=w@127.0.0.1:1/d", "EMPTY": ""}
    run = State(home)
    run.write_environment(variables)
    assert read_environment(home / "environment") == variables
    assert mode(home / "environment") == 0o600


def test_loaded_environment_does_not_replace_what_is_set(home, monkeypatch):
    (home / "environment").write_text("REDIS_URL=redis://file\nDATABASE_URL=postgres://file\n")
    monkeypatch.setenv("REDIS_URL", "redis://mine")
    monkeypatch.setenv("DATABASE_URL", "")  # remembered, so that it is restored after the test
    monkeypatch.delenv("DATABASE_URL")
    load_environment()
    assert os.environ["REDIS_URL"] == "redis://mine"
    assert os.environ["DATABASE_URL"] == "postgres://file"


def test_production_reads_no_environment_file(home, monkeypatch):
    (home / "environment").write_text("DATABASE_URL=postgres://file\n")
    monkeypatch.setenv("SKYBRIDGE_ENV", "production")
    load_environment()
    assert "DATABASE_URL" not in os.environ


def test_missing_environment_file_is_no_error():
    load_environment()
