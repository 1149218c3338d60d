"""Real workers and beat on the tests' database, with a broker of their own that may be killed; and orders for them."""

import json
import shutil
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from django.conf import settings

from skybridge.celery import app
from skybridge.embedded.engines import Home, Valkey
from skybridge.embedded.processes import Child, engine_account, kill_session
from skybridge.embedded.supervisor import Watched, beat_command, worker_command
from tests.bookings.sales import query
from tests.concurrency.conftest import environment

WORKER_NAME = "worker-under-test"  # of its connections to PostgreSQL
PATIENCE = 60


class Site:
    """A broker, and the workers and beats that were started beside it."""

    def __init__(self, directory: Path):
        self.directory = directory
        directory.mkdir(mode=0o755)
        (directory / "marks").mkdir()
        account = engine_account(directory / "postgres")
        self.broker = Valkey(Home.within(directory / "engines", directory / "logs", account), password="secret")
        self.children: list[Child] = []

    def start_broker(self) -> None:
        self.broker.start()
        self.broker.await_ready()

    def stop_broker(self) -> None:
        kill(self.broker.child)

    def worker(self, *, struck: dict | None = None, pool: str = "threads", concurrency: int = 4) -> Child:
        """Start a worker, one whose states are struck if that is given."""
        app = "skybridge" if struck is None else "tests.concurrency.slow_worker"
        return self.start("worker", worker_command(app, pool=pool, concurrency=concurrency), struck or {})

    def beat(self) -> Child:
        return self.start("beat", beat_command(self.directory / "schedule"), {})

    def start(self, name: str, command: list[str], struck: dict) -> Child:
        child = Child(
            name,
            [sys.executable, *command],
            self.directory / f"{name}.log",
            environment=environment(PGAPPNAME=WORKER_NAME, STRUCK=json.dumps(struck), **self.variables),
            directory=settings.BASE_DIR,
        )
        child.start()
        self.children.append(child)
        return child

    def wake(self, placed: Iterable[dict]) -> None:
        """Send the messages of orders that were placed beside another broker."""
        with app.connection_for_write(self.broker.url) as connection:
            for one in placed:
                app.send_task("orders.carry_on", [one["order_id"]], connection=connection)

    @property
    def variables(self) -> dict[str, str]:
        return {
            "REDIS_URL": self.broker.url,
            "SKYBRIDGE_HOME": str(self.directory),
            "MARKS": str(self.directory / "marks"),
        }

    def marks(self) -> set[str]:
        return {path.name for path in (self.directory / "marks").iterdir()}

    def mails(self, placed: dict) -> int:
        """Return how many times the customer of an order was written to."""
        files = (self.directory / "mail").glob("*.log")
        return sum(path.read_text().count(f"Message-ID: <order-{placed['order_id']}@") for path in files)

    def stop(self) -> None:
        for child in [*self.children, self.broker.child]:
            kill(child)
        shutil.rmtree(self.directory)

    def log(self) -> str:
        return (self.directory / "worker.log").read_text()[-5000:]


def kill(child: Child) -> None:
    """Kill a process with all that belongs to it, as kill -9 of the whole does."""
    if child.process is not None:
        kill_session(child.process.pid)
        child.process.wait()


@contextmanager
def watched(child: Child) -> Iterator[None]:
    """Start a child again whenever it ends, as `manage.py up` does."""
    over = threading.Event()

    def watch() -> None:
        watched = Watched(child)
        while not over.wait(0.1):
            watched.look(time.monotonic())

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


@contextmanager
def silent_port(port: int) -> Iterator[None]:
    """Occupy a port that nothing answers at, not even with a refusal: its queue of connections is full."""
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", port))
        listener.listen(0)
        callers = [socket.socket() for _ in range(3)]
        for caller in callers:
            caller.setblocking(False)
            caller.connect_ex(("127.0.0.1", port))
        yield
        for caller in callers:
            caller.close()


def seconds_until(condition: Callable[[], bool]) -> float:
    began = time.monotonic()
    while not condition():
        assert time.monotonic() - began < PATIENCE, statuses()
        time.sleep(0.05)
    return time.monotonic() - began


def statuses() -> dict[str, int]:
    """Count the executions by status."""
    return dict(query("SELECT status, count(*) FROM orders_execution GROUP BY status"))


def all_succeed(placed: Iterable[dict]) -> Callable[[], bool]:
    ids = [one["order_id"] for one in placed]
    sql = "SELECT count(*) FROM orders_execution WHERE status = 'SUCCEEDED' AND order_id = ANY(%s::uuid[])"
    return lambda: query(sql, ids) == [(len(ids),)]
