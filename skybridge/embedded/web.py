"""The web application as `up` serves it: in worker processes that die with the web server's main process.

A main process that is told to stop while its workers begin may wait for them for ever. So that a killed supervisor
leaves nothing behind, its web server is killed too, and the kernel takes the workers along.
"""

import multiprocessing
import os
import signal
from collections.abc import Callable

from skybridge.embedded.processes import end_with_parent
from skybridge.wsgi import application


def make_application() -> Callable:
    end_with_parent(signal.SIGKILL)
    parent = multiprocessing.parent_process()
    if parent is not None and os.getppid() != parent.pid:  # it died before the call above
        os._exit(1)
    return application
