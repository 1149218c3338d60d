import os
from collections.abc import Callable
from functools import wraps

from celery import Celery
from celery.signals import task_prerun, worker_init
from django.db import close_old_connections
from django.utils.module_loading import import_string

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "skybridge.settings")
# `make check` runs Django's checks; a worker that ran them too would load every page for it.
os.environ.setdefault("CELERY_SKIP_CHECKS", "1")
app = Celery("skybridge")
app.config_from_object("django.conf:settings", namespace="CELERY")
# Celery would connect to the database anew for every task. A broken connection is replaced before the next task.
app.conf["CELERY_DB_REUSE_MAX"] = 10_000
app.autodiscover_tasks()


@task_prerun.connect
def replace_broken_connections(**_) -> None:
    close_old_connections()


@worker_init.connect
def outlive_brokers(**_) -> None:
    """Let a worker go on when the broker ends while it has messages that it has not acknowledged.

    It wants to put them back, for which kombu sometimes finds no connection, and an AttributeError ends the worker.
    """
    qos = import_string("kombu.transport.redis.QoS")
    qos.restore_unacked = failing_as_a_connection_does(qos.restore_unacked)


def failing_as_a_connection_does(restore: Callable[..., None]) -> Callable[..., None]:
    @wraps(restore)
    def restore_unacked(self, client=None) -> None:
        try:
            restore(self, client)
        except AttributeError as exc:
            raise ConnectionError("the broker is gone; it hands its messages out again later") from exc

    return restore_unacked
