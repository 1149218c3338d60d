"""Waking a worker: tasks sent once the transaction has committed. The database holds what is to be done.

A message that is lost costs time, never work: a periodic task finds whatever is due. So nobody waits for the broker: a
thread of each process sends what the others leave with it, and while the broker is down it throws the messages away.
"""

import logging
import os
import threading
import time
from functools import partial
from queue import Full, Queue
from typing import Any

from django.db import transaction

from skybridge.celery import app
from skybridge.exceptions import DomainError

logger = logging.getLogger(__name__)
PAUSE_SECONDS = 2.0
MOST_WAITING = 10_000


class QueueAway(DomainError):
    code = "queue_unavailable"
    status_code = 503
    message = "The queue does not answer; what it has not taken is as it was."


def send_surely(task: str, *arguments: Any) -> None:
    """Send a task that nothing else would find, and wait until the broker has it. Raises QueueAway."""
    try:
        app.send_task(task, arguments, retry=True, retry_policy={"max_retries": 1, "interval_start": 0})
    except Exception as exc:
        raise QueueAway from exc


def send_after_commit(task: str, *arguments: str) -> None:
    """Send a task by its name when the present transaction has committed; without one, at once."""
    transaction.on_commit(partial(send, task, *arguments), robust=True)


def send(task: str, *arguments: str) -> None:
    """Leave a message with the sender. Never waits and never fails."""
    sender.take(task, arguments)


class Sender:
    def __init__(self) -> None:
        self.begin()

    def begin(self) -> None:
        """Start without a thread, as a forked process must."""
        self.messages: Queue[tuple[str, tuple[str, ...]]] = Queue(MOST_WAITING)
        self.starting = threading.Lock()
        self.thread: threading.Thread | None = None
        self.silent_until = 0.0

    def take(self, task: str, arguments: tuple[str, ...]) -> None:
        if self.thread is None:
            self.start()
        try:
            self.messages.put_nowait((task, arguments))
        except Full:
            logger.warning("%d messages wait for the broker; one more is thrown away", MOST_WAITING)

    def start(self) -> None:
        with self.starting:
            if self.thread is None:
                self.thread = threading.Thread(target=self.run, name="sender", daemon=True)
                self.thread.start()

    def run(self) -> None:
        while True:
            task, arguments = self.messages.get()
            if time.monotonic() >= self.silent_until:
                self.send(task, arguments)

    def send(self, task: str, arguments: tuple[str, ...]) -> None:
        """Send a message; a connection that has gone stale since the last one is replaced once."""
        try:
            app.send_task(task, arguments, retry=True, retry_policy={"max_retries": 1, "interval_start": 0})
        except Exception as exc:
            self.silent_until = time.monotonic() + PAUSE_SECONDS
            logger.warning("the broker does not answer; periodic tasks will find the work: %s", exc)


sender = Sender()
os.register_at_fork(after_in_child=sender.begin)
