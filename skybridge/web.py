"""Serve the web application: `python -m skybridge.web`, with granian's own options.

Granian's main process loads the application, then forks the workers from itself: what they only read is in memory
once, and a worker that is replaced answers at once. Where there is no fork each of them loads its own.
"""

import gc
import multiprocessing
import sys
from importlib import import_module

from django.conf import settings
from django.template import engines
from django.urls import reverse
from django.utils import translation
from granian import log
from granian.cli import entrypoint


def load() -> None:
    """Load the application and what the first requests would, out of the garbage collector's reach.

    The collector writes to all that it looks through, and memory that is written to is no longer shared.
    """
    gc.disable()
    import_module("skybridge.wsgi")
    for code, _ in settings.LANGUAGES:
        with translation.override(code):
            reverse("home")
            engines["django"].get_template("base.html").render()
    gc.freeze()
    gc.enable()


def log_as_the_application() -> None:
    """Let granian write its lines as the application does; its own option would need a file."""
    log.LOGGING_CONFIG.update(
        formatters=settings.LOGGING["formatters"],
        handlers=settings.LOGGING["handlers"],
        loggers={"_granian": {"handlers": ["stderr"], "propagate": False}},
    )


if __name__ == "__main__":
    if sys.platform == "linux":
        multiprocessing.set_start_method("fork")  # not the default any more in Python 3.14
    load()
    log_as_the_application()
    entrypoint()
