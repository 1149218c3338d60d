"""A real web server, as in production, on the tests' database."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from django.conf import settings
from django.db import connection

from skybridge.embedded.processes import before_exec
from skybridge.embedded.supervisor import web_command
from tests.concurrency.racing import HttpApi, verify_invariants

READY_SECONDS = 30
SERVER_NAME = "skybridge-under-test"  # of its connections to PostgreSQL


@dataclass
class Server:
    process: subprocess.Popen
    port: int
    log: Path

    def workers(self) -> list[int]:
        """Return the process ids of its workers."""
        pid = self.process.pid
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        return [int(c) for c in children if b"resource_tracker" not in Path(f"/proc/{c}/cmdline").read_bytes()]

    def await_ready(self) -> None:
        deadline = time.monotonic() + READY_SECONDS
        while time.monotonic() < deadline:
            try:
                if HttpApi(self.port, {}).get("/livez").status_code == 200:
                    return
            except OSError:
                time.sleep(0.05)
        raise AssertionError(self.log.read_text())


def environment(**variables: str) -> dict[str, str]:
    """Return the variables of a process on the tests' database."""
    database = urlsplit(os.environ["DATABASE_URL"])._replace(path="/" + connection.settings_dict["NAME"]).geturl()
    return {**os.environ, "DATABASE_URL": database, "LOG_LEVEL": "WARNING", **variables}


@contextmanager
def running_server(directory: Path, **variables: str) -> Iterator[Server]:
    """Start a web server with two workers of two threads each, and stop it."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    log = directory / "web.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, *web_command("127.0.0.1", port)],
            env=environment(PGAPPNAME=SERVER_NAME, **variables),
            cwd=settings.BASE_DIR,
            stdout=output,
            stderr=subprocess.STDOUT,
            preexec_fn=before_exec(signal.SIGTERM),
        )
    running = Server(process, port, log)
    try:
        running.await_ready()
        yield running
    finally:
        process.kill()  # its workers end with it
        process.wait()


@pytest.fixture(scope="session")
def server(django_db_setup, tmp_path_factory) -> Iterator[Server]:
    with running_server(tmp_path_factory.mktemp("server")) as running:
        yield running


@pytest.fixture
def partner(server, acme) -> HttpApi:
    """Acme, by HTTP."""
    return HttpApi(server.port, acme.headers, id=acme.id)


@pytest.fixture
def rival(server, zenith) -> HttpApi:
    return HttpApi(server.port, zenith.headers, id=zenith.id)


@pytest.fixture(autouse=True)
def _invariants(transactional_db) -> Iterator[None]:
    """Whatever was raced, the database is whole afterwards."""
    yield
    verify_invariants()
