"""Waking a worker: tasks sent once the transaction has committed. The database holds what is to be done.

A message that is lost costs time, never work: a periodic task finds whatever is due. So a broker that is down makes
nobody wait, and for a moment nobody tries again.
"""

import logging
import time
from functools import partial

from django.db import transaction
from kombu.exceptions import OperationalError

from skybridge.celery import app

logger = logging.getLogger(__name__)
PAUSE_SECONDS = 2.0
silent_until = 0.0


def send_after_commit(task: str, *arguments: str) -> None:
    """Send a task by its name when the present transaction has committed; without one, at once."""
    transaction.on_commit(partial(send, task, *arguments), robust=True)


def send(task: str, *arguments: str) -> None:
    global silent_until
    if time.monotonic() < silent_until:
        return
    try:
        app.send_task(task, arguments, retry=False)
    except (OperationalError, OSError) as exc:
        silent_until = time.monotonic() + PAUSE_SECONDS
        logger.warning("the broker does not answer; periodic tasks will find the work: %s", exc)
