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
WAKING_SECONDS = 0.1
MOST_AT_ONCE = 100


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


def wake_after_commit(task: str, name: str) -> None:
    """Have a task look at something when the present transaction has committed; without one, at once.

    One message names whatever has come together since the last one, WAKING_SECONDS before: few messages serve many.
    """
    transaction.on_commit(partial(sender.gather, task, name), robust=True)


def send(task: str, *arguments: str) -> None:
    """Leave a message with the sender. Never waits and never fails."""
    sender.take(task, arguments)


class Sender:
    def __init__(self) -> None:
        self.begin()

    def begin(self) -> None:
        """Start without a thread, as a forked process must."""
        self.messages: Queue[tuple[str, tuple[str, ...] | None]] = Queue(MOST_WAITING)
        self.gathered: dict[str, list[str]] = {}
        self.gathering = threading.Lock()
        self.woken_at = 0.0
        self.starting = threading.Lock()
        self.thread: threading.Thread | None = None
        self.silent_until = 0.0

    def gather(self, task: str, name: str) -> None:
        """Leave a name for the task's next message, which is sent soon."""
        with self.gathering:
            names = self.gathered.setdefault(task, [])
            names.append(name)
            is_first = len(names) == 1
        if is_first and not self.take(task, None):
            self.harvest(task)

    def take(self, task: str, arguments: tuple[str, ...] | None) -> bool:
        if self.thread is None:
            self.start()
        try:
            self.messages.put_nowait((task, arguments))
        except Full:
            logger.warning("%d messages wait for the broker; one more is thrown away", MOST_WAITING)
            return False
        return True

    def start(self) -> None:
        with self.starting:
            if self.thread is None:
                self.thread = threading.Thread(target=self.run, name="sender", daemon=True)
                self.thread.start()

    def run(self) -> None:
        while True:
            task, arguments = self.messages.get()
            for some in [arguments] if arguments is not None else self.next_names(task):
                if time.monotonic() >= self.silent_until:
                    self.send(task, some)

    def next_names(self, task: str) -> list[tuple[str, ...]]:
        """Wait until it is not too soon after the last time, and return what has come together."""
        time.sleep(max(0.0, self.woken_at + WAKING_SECONDS - time.monotonic()))
        self.woken_at = time.monotonic()
        return self.harvest(task)

    def harvest(self, task: str) -> list[tuple[str, ...]]:
        """Return the names gathered for a task, MOST_AT_ONCE for a message, and forget them."""
        with self.gathering:
            names = self.gathered.pop(task)
        return [tuple(names[first : first + MOST_AT_ONCE]) for first in range(0, len(names), MOST_AT_ONCE)]

    def send(self, task: str, arguments: tuple[str, ...]) -> None:
        """Send a message; a connection that has gone stale since the last one is replaced once."""
        try:
            app.send_task(task, arguments, retry=True, retry_policy={"max_retries": 1, "interval_start": 0})
        except Exception as exc:
            self.silent_until = time.monotonic() + PAUSE_SECONDS
            logger.warning("the broker does not answer; periodic tasks will find the work: %s", exc)


sender = Sender()
os.register_at_fork(after_in_child=sender.begin)
