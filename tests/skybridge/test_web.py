"""What each process loads: the web server's main process, from which its workers are forked, a worker, the clock."""

import json
import subprocess
import sys

import pytest
from django.conf import settings

from tests.concurrency.conftest import environment

LOAD = """
import gc, threading
from django.db import connections
from skybridge import web
web.load()
from skybridge.messages import sender
assert gc.isenabled() and gc.get_freeze_count() > 100_000
assert threading.active_count() == 1 and sender.thread is None
assert connections["default"].connection is None
print("loaded")
"""


@pytest.mark.django_db
def test_what_is_loaded_can_be_forked():
    """A thread would be missing from the workers, and a connection would be shared by them."""
    done = subprocess.run(
        [sys.executable, "-c", LOAD], env=environment(), cwd=settings.BASE_DIR, capture_output=True, text=True
    )
    assert done.stdout == "loaded\n", done.stderr


def test_what_the_server_says_and_what_warns_is_json_too():
    command = (
        "import warnings; from granian import log; from skybridge import web, wsgi; web.log_as_the_application(); "
        "log.configure_logging(log.LogLevels.info); log.logger.info('started'); warnings.warn('old')"
    )
    done = subprocess.run(
        [sys.executable, "-c", command], env=environment(), cwd=settings.BASE_DIR, capture_output=True, text=True
    )
    assert done.stdout == ""
    said = [json.loads(line) for line in done.stderr.splitlines()]
    assert [line["logger"] for line in said] == ["_granian", "py.warnings"]


def test_a_worker_loads_no_page():
    command = (
        "import sys; from skybridge.celery import app; app.loader.import_default_modules(); "
        "print([m for m in ('skybridge.urls', 'orders.admin', 'reportlab') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", command], cwd=settings.BASE_DIR, capture_output=True, text=True)
    assert done.stdout == "[]\n", done.stderr


def test_the_clock_needs_no_django():
    """It imports what it has to, or it would take a worker's memory."""
    command = (
        "import sys, skybridge.beat; print('django.db' in sys.modules, len(skybridge.beat.app.conf.beat_schedule))"
    )
    done = subprocess.run([sys.executable, "-c", command], cwd=settings.BASE_DIR, capture_output=True, text=True)
    assert done.stdout == f"False {len(settings.CELERY_BEAT_SCHEDULE)}\n", done.stderr
