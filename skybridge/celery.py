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

    What it still says about them goes to a channel whose connection is closed, and kombu ends the worker with an
    AttributeError; a broken connection it survives. The broker hands such messages out again.
    """
    channel = import_string("kombu.transport.redis.Channel")
    channel._connparams = refusing_when_closed(channel._connparams)


def refusing_when_closed(parameters: Callable[..., dict]) -> Callable[..., dict]:
    @wraps(parameters)
    def checked(channel, *args, **options) -> dict:
        if channel.connection is None or channel.connection.client is None:
            raise ConnectionError("the connection to the broker is closed; it hands its messages out again later")
        return parameters(channel, *args, **options)

    return checked
